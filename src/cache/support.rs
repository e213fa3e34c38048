//! What of the Dockerfile language a builder has, by `rules/builders.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Builder;
use crate::ecosystem::facts::facts;
use crate::syntax::{Dockerfile, ImageReference, Instruction, Keyword, Mount, MountKind};

static FEATURES: LazyLock<Vec<Feature>> = LazyLock::new(|| {
    let file: Option<Features> = facts!("builders");
    file.map(|file| file.feature).unwrap_or_default()
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Features {
    feature: Vec<Feature>,
}

/// A piece of the language that not every builder has.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Feature {
    instructions: Vec<String>,
    /// The flag that stands for it.
    flag: Option<String>,
    /// For `--mount`: the types that are meant.
    mounts: Vec<String>,
    /// Whether a heredoc stands for it.
    heredoc: bool,
    /// First version of the stable frontend that has it: `1.4`.
    syntax: Option<String>,
    /// First version of the `-labs` frontend that has it.
    labs: Option<String>,
    /// Builders that refuse it.
    refused: Vec<String>,
    /// Builders that go on and build something else.
    misread: Vec<String>,
}

/// What a builder does with what it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It refuses the file.
    Refused,
    /// It goes on, and builds something else.
    Misread,
}

/// Something in a file that its builder does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Index of the instruction.
    pub instruction: usize,
    /// What, as it is written in manuals: `RUN --mount`.
    pub what: String,
    /// What the builder does with it.
    pub verdict: Verdict,
    /// The first version of the Dockerfile frontend that has it, where the file's `# syntax=` line names an older one.
    pub since: Option<String>,
}

impl Unsupported {
    /// What is wrong, as a phrase.
    pub fn phrase(&self, builder: Builder) -> String {
        let (what, title) = (&self.what, builder.title());
        match (&self.since, self.verdict) {
            (Some(since), _) => {
                format!(
                    "the file's `# syntax=` line names a frontend without {what}, which version {since} is the first to have"
                )
            }
            (None, Verdict::Refused) => format!("{title} refuses {what}"),
            (None, Verdict::Misread) => format!("{title} passes over {what} and builds something else"),
        }
    }
}

/// What a file uses that the builder does not have, in the order of the file.
pub fn unsupported(file: &Dockerfile, builder: Builder) -> Vec<Unsupported> {
    let frontend = Frontend::of(file, builder);
    let mut found = Vec::new();
    for (index, instruction) in file.instructions().iter().enumerate() {
        for feature in FEATURES.iter() {
            let Some(what) = feature.used_by(instruction) else { continue };
            if let Some((verdict, since)) = feature.verdict(builder, frontend.as_ref()) {
                found.push(Unsupported { instruction: index, what, verdict, since });
            }
        }
    }
    found
}

/// Whether the builder, with the file's `# syntax=` line, has a flag of an instruction. A flag that the table does not know
/// is taken for one that every builder has.
pub fn has_flag(file: &Dockerfile, builder: Builder, keyword: Keyword, flag: &str) -> bool {
    let frontend = Frontend::of(file, builder);
    let named = FEATURES.iter().filter(|feature| feature.concerns(keyword) && feature.flag.as_deref() == Some(flag));
    named.into_iter().all(|feature| feature.verdict(builder, frontend.as_ref()).is_none())
}

impl Feature {
    fn concerns(&self, keyword: Keyword) -> bool {
        self.instructions.iter().any(|name| Keyword::from_name(name) == keyword)
    }

    /// As it is called in this instruction; `None` where it is not used.
    fn used_by(&self, instruction: &Instruction) -> Option<String> {
        if !self.concerns(instruction.keyword) || self.heredoc && instruction.heredocs.is_empty() {
            return None;
        }
        let keyword = format!("{:?}", instruction.keyword).to_uppercase();
        let Some(name) = &self.flag else { return Some(format!("heredocs of `{keyword}`")) };
        let mut flags = instruction.flags.iter().filter(|flag| flag.name.eq_ignore_ascii_case(name));
        if self.mounts.is_empty() {
            return flags.next().map(|_| format!("`{keyword} --{name}`"));
        }
        let mounts = flags.filter_map(|flag| Mount::parse(flag.value.as_ref()?).ok());
        let mut kinds = mounts.map(|mount| name_of(mount.kind));
        let kind = kinds.find(|kind| self.mounts.iter().any(|known| known == kind))?;
        Some(format!("`{keyword} --{name}=type={kind}`"))
    }

    fn verdict(&self, builder: Builder, frontend: Option<&Frontend>) -> Option<(Verdict, Option<String>)> {
        let is_named = |names: &[String]| names.iter().any(|name| name == builder.name());
        if is_named(&self.refused) {
            return Some((Verdict::Refused, None));
        }
        if is_named(&self.misread) {
            return Some((Verdict::Misread, None));
        }
        let frontend = frontend?;
        let needed = if frontend.labs { self.labs.as_ref().or(self.syntax.as_ref()) } else { self.syntax.as_ref() };
        match needed {
            Some(needed) if !frontend.has(needed) => Some((Verdict::Refused, Some(needed.clone()))),
            _ => None,
        }
    }
}

fn name_of(kind: MountKind) -> &'static str {
    match kind {
        MountKind::Bind => "bind",
        MountKind::Cache => "cache",
        MountKind::Tmpfs => "tmpfs",
        MountKind::Secret => "secret",
        MountKind::Ssh => "ssh",
    }
}

/// The Dockerfile frontend that a `# syntax=` line names by a version.
struct Frontend {
    /// Major and minor number.
    version: (u32, u32),
    labs: bool,
}

impl Frontend {
    /// `None` where the builder ignores the line, there is none, or it does not say a minor version: the newest is meant.
    fn of(file: &Dockerfile, builder: Builder) -> Option<Self> {
        if builder != Builder::BuildKit {
            return None;
        }
        let image = ImageReference::parse(&file.directive("syntax")?.text);
        let official = matches!(image.registry.as_deref(), None | Some("docker.io"));
        if !official || !matches!(image.repository.as_str(), "docker/dockerfile" | "docker/dockerfile-upstream") {
            return None;
        }
        let tag = image.tag?;
        let (version, labs) = match tag.split_once('-') {
            None => (tag.as_str(), false),
            Some((version, "labs" | "experimental")) => (version, true),
            Some(_) => return None,
        };
        Some(Self { version: numbers(version)?, labs })
    }

    fn has(&self, needed: &str) -> bool {
        numbers(needed).is_none_or(|needed| self.version >= needed)
    }
}

/// Major and minor number of `1.4` or `1.4.2`.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(builder: Builder, text: &str) -> Vec<String> {
        unsupported(&Dockerfile::parse(text), builder).into_iter().map(|found| found.what).collect()
    }

    #[test]
    fn the_table_is_read() {
        assert!(FEATURES.len() >= 10);
        for feature in FEATURES.iter() {
            assert!(feature.instructions.iter().all(|name| Keyword::from_name(name) != Keyword::Unknown));
            assert!(feature.flag.is_some() != feature.heredoc, "a feature is a flag or a heredoc");
            for name in feature.refused.iter().chain(&feature.misread) {
                assert!(Builder::ALL.iter().any(|builder| builder.name() == name), "{name}");
            }
            for version in feature.syntax.iter().chain(&feature.labs) {
                assert!(numbers(version).is_some(), "{version}");
            }
        }
    }

    #[test]
    fn each_builder_has_its_own_language() {
        let file = "FROM a\nRUN --mount=type=cache,target=/x true\nCOPY --link --exclude=b . /\nRUN <<E\ntrue\nE\n";
        assert_eq!(found(Builder::BuildKit, file), Vec::<String>::new());
        assert_eq!(found(Builder::Buildah, file), Vec::<String>::new());
        assert_eq!(found(Builder::Legacy, file), ["`RUN --mount=type=cache`", "`COPY --exclude`", "heredocs of `RUN`"]);
        assert_eq!(found(Builder::Kaniko, file), ["`COPY --exclude`", "heredocs of `RUN`"]);
        assert_eq!(found(Builder::Kaniko, "FROM a\nRUN --mount=target=/x true\n"), ["`RUN --mount=type=bind`"]);
        assert_eq!(found(Builder::Legacy, "FROM a\nRUN true\nCOPY --chown=1 a /\n"), Vec::<String>::new());
    }

    #[test]
    fn an_old_frontend_has_less() {
        for (tag, expected) in [
            ("1", true),
            ("1.20", true),
            ("1.7", false),
            ("1.7-labs", true),
            ("1.6-labs", false),
            ("latest", true),
            ("labs", true),
        ] {
            let text = format!("# syntax=docker/dockerfile:{tag}\nFROM a\nCOPY --parents a b/c /x/\n");
            let file = Dockerfile::parse(&text);
            assert_eq!(has_flag(&file, Builder::BuildKit, Keyword::Copy, "parents"), expected, "{tag}");
            assert_eq!(unsupported(&file, Builder::BuildKit).is_empty(), expected, "{tag}");
            // Nobody else reads the line.
            assert!(has_flag(&file, Builder::Buildah, Keyword::Copy, "parents"));
        }
        let own = Dockerfile::parse("# syntax=example.com/frontend:1.1\nFROM a\nCOPY --parents a /\n");
        assert!(unsupported(&own, Builder::BuildKit).is_empty());
        assert!(!has_flag(&own, Builder::Legacy, Keyword::Run, "mount"));
    }
}
