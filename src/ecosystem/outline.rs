//! What the text of a pack tells at a glance: reading every pack whole would take longer than checking a file.

use serde::Deserialize;

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

/// The keys at the top of a pack that an outline needs.
#[derive(Deserialize)]
struct Head {
    name: String,
    #[serde(default)]
    manifests: Vec<String>,
    #[serde(default)]
    lockfiles: Vec<String>,
}

impl Outline {
    /// Reads the outline off the text of a pack that comes with the program: tables begin in the first column, and a
    /// list of programs with the key at the start of a line. `None` where the text is no pack.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let end = text.find("\n[").map_or(text.len(), |at| at + 1);
        let head: Head = toml::from_str(text.get(..end)?).ok()?;
        let mut outline =
            Self { name: head.name, manifests: head.manifests, lockfiles: head.lockfiles, ..Self::default() };
        let mut rest = text.get(end..)?;
        let mut table = "";
        while !rest.is_empty() {
            let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
            if line.starts_with('[') {
                table = line.trim_end();
                outline.triggers |= table == "[[triggers]]";
            } else if line.starts_with("programs") {
                let list = rest.split_once(']').map_or(rest, |(list, _)| list);
                match table {
                    "[[commands]]" => outline.programs.extend(first_words(list)),
                    "[[runners]]" => outline.runners.extend(first_words(list)),
                    _ => {}
                }
            }
            rest = below;
        }
        outline.tidy();
        Some(outline)
    }

    /// The outline of a pack that was read.
    pub(super) fn of_pack(pack: &Pack) -> Self {
        let first = |program: &str| program.split(' ').next().unwrap_or_default().to_owned();
        let commands = pack.commands.iter().flat_map(|command| &command.programs);
        let runners = pack.runners.iter().flat_map(|runner| &runner.programs);
        let mut outline = Self {
            name: pack.name.get_ref().clone(),
            manifests: pack.manifests.clone(),
            lockfiles: pack.lockfiles.clone(),
            programs: commands.map(|program| first(program.get_ref())).collect(),
            runners: runners.map(|program| first(program.get_ref())).collect(),
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

/// The first words of the strings in a list.
fn first_words(list: &str) -> impl Iterator<Item = String> {
    let quoted = list.split(['"', '\'']).skip(1).step_by(2);
    quoted.map(|program| program.split(' ').next().unwrap_or_default().to_owned())
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
