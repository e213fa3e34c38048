//! What the text of a pack tells at a glance: reading every pack whole would take longer than checking a file.

use super::pack::Pack;

/// The facts by which a pack is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outline {
    /// Its name.
    pub(super) name: String,
    /// Names of manifests.
    pub(super) manifests: Vec<String>,
    /// Names of lock files.
    pub(super) lockfiles: Vec<String>,
    /// First words of the programs of its commands, sorted, each once.
    pub(super) programs: Vec<String>,
    /// First words of the programs that run other programs, sorted, each once.
    pub(super) runners: Vec<String>,
    /// Whether installs of other packs may run commands of this one.
    pub(super) triggers: bool,
}

impl Outline {
    /// Reads the outline off the text of a pack that comes with the program: tables begin in the first column, keys at
    /// the start of a line, and no string in a list that is looked at holds a `]`. `None` where the text is no pack.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let mut outline = Self::default();
        let mut rest = text;
        let mut table = "";
        while !rest.is_empty() {
            let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
            // The other lines are most of the text.
            if !line.starts_with(['[', 'l', 'm', 'n', 'p']) {
                rest = below;
                continue;
            }
            let key = line.split(['=', ' ']).next().unwrap_or_default();
            let list = || strings(rest.split_once(']').map_or(rest, |(list, _)| list));
            match (table, key) {
                _ if line.starts_with('[') => {
                    table = line.trim_end();
                    outline.triggers |= table == "[[triggers]]";
                }
                ("", "name") => strings(line).next()?.clone_into(&mut outline.name),
                ("", "manifests") => outline.manifests = list().map(str::to_owned).collect(),
                ("", "lockfiles") => outline.lockfiles = list().map(str::to_owned).collect(),
                ("[[commands]]", "programs") => outline.programs.extend(list().map(first_word)),
                ("[[runners]]", "programs") => outline.runners.extend(list().map(first_word)),
                _ => {}
            }
            rest = below;
        }
        outline.tidy();
        (!outline.name.is_empty()).then_some(outline)
    }

    /// The outline of a pack that was read.
    pub(super) fn of_pack(pack: &Pack) -> Self {
        let commands = pack.commands.iter().flat_map(|command| &command.programs);
        let runners = pack.runners.iter().flat_map(|runner| &runner.programs);
        let mut outline = Self {
            name: pack.name.get_ref().clone(),
            manifests: pack.manifests.clone(),
            lockfiles: pack.lockfiles.clone(),
            programs: commands.map(|program| first_word(program.get_ref())).collect(),
            runners: runners.map(|program| first_word(program.get_ref())).collect(),
            triggers: !pack.triggers.is_empty(),
        };
        outline.tidy();
        outline
    }

    fn tidy(&mut self) {
        for names in [&mut self.programs, &mut self.runners] {
            names.sort();
            names.dedup();
        }
    }
}

/// The strings in a line or a list.
fn strings(text: &str) -> impl Iterator<Item = &str> {
    text.split(['"', '\'']).skip(1).step_by(2)
}

fn first_word(program: &str) -> String {
    program.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecosystem::builtin::PACKS;
    use crate::ecosystem::catalog::read_pack;

    #[test]
    fn the_text_tells_what_the_pack_holds() {
        for (path, text) in PACKS {
            let pack = read_pack(path, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(Outline::of_text(text), Some(Outline::of_pack(&pack)), "{path}");
        }
    }

    #[test]
    fn what_is_no_pack_has_no_outline() {
        assert_eq!(Outline::of_text("name = 1"), None);
        assert_eq!(Outline::of_text(""), None);
    }
}
