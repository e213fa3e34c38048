//! What tells whether a file names anything that a pack knows: reading every pack would take longer than checking a file.

use serde::Deserialize;

use super::pack::Pack;

/// The facts by which a pack is found.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
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

fn first_word(program: &str) -> String {
    program.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecosystem::builtin::PACKS;
    use crate::ecosystem::catalog::read_pack;
    use crate::ecosystem::facts;

    #[test]
    fn what_is_packed_is_what_is_written() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/ecosystems");
        let mut written = std::fs::read_dir(folder).unwrap().count();
        for packed in PACKS {
            let outline: Outline = facts::read(packed.outline).expect("an outline");
            let path = format!("{folder}/{}.toml", outline.name);
            let text = std::fs::read_to_string(&path).unwrap();
            let pack = read_pack(&path, &text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(outline, Outline::of_pack(&pack), "{path}");
            let mut read: Pack = facts::read(packed.pack).expect("a pack");
            crate::ecosystem::pack_closure::take_in_all(&mut read.closure).unwrap();
            assert_eq!(read, pack, "{path}");
            written -= 1;
        }
        assert_eq!(written, 0, "packs that are not listed in builtin.rs");
    }
}
