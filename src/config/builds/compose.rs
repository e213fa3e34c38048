//! Builds of a Compose file.
//!
//! <https://docs.docker.com/reference/compose-file/build/>

use std::collections::{BTreeMap, BTreeSet};

use super::NamedBuild;
use super::inline::InlineDockerfile;
use super::interpolation::expand;
use super::yaml::{self, Node};

/// The builds of the services. A service with `extends` gets part of its build from elsewhere and declares none here.
pub(super) fn builds(name: &str, text: &str, variables: &BTreeMap<String, String>) -> Vec<NamedBuild> {
    let Some(tree) = yaml::tree(text) else { return Vec::new() };
    let services = tree.get("services").map(Node::entries).unwrap_or_default();
    let reader = Reader { text, variables, complete: is_complete(name) };
    services.into_iter().filter_map(|(_, service)| reader.build(service)).collect()
}

/// Whether a file of that name is used alone. The others are laid over one, and may name parts of a build only.
fn is_complete(name: &str) -> bool {
    matches!(name, "compose.yaml" | "compose.yml" | "docker-compose.yaml" | "docker-compose.yml")
}

struct Reader<'a> {
    text: &'a str,
    variables: &'a BTreeMap<String, String>,
    complete: bool,
}

impl Reader<'_> {
    fn build(&self, service: &Node) -> Option<NamedBuild> {
        let build = service.get("build")?;
        if service.get("extends").is_some() {
            return None;
        }
        if let Some(context) = build.text() {
            let context = expand(context, self.variables)?;
            return Some(NamedBuild { context, dockerfile: "Dockerfile".to_owned(), ..NamedBuild::default() });
        }
        if !matches!(build, Node::Table(_)) {
            return None;
        }
        let context = match build.get("context") {
            Some(context) => expand(context.text()?, self.variables)?,
            // The folder of the file, unless another file says otherwise.
            None if self.complete => ".".to_owned(),
            None => return None,
        };
        let inline = match build.get("dockerfile_inline") {
            Some(text) => Some(InlineDockerfile::read(self.text, text.scalar()?, self.variables)?),
            None => None,
        };
        let dockerfile = match build.get("dockerfile") {
            Some(dockerfile) => expand(dockerfile.text()?, self.variables)?,
            None if self.complete || inline.is_some() => "Dockerfile".to_owned(),
            None => return None,
        };
        let args = build.get("args").map(|args| self.args(args)).unwrap_or_default();
        let contexts = build.get("additional_contexts").map(names).unwrap_or_default();
        let target = build.get("target").and_then(|target| expand(target.text()?, self.variables));
        Some(NamedBuild { context, dockerfile, args, contexts, target, inline })
    }

    /// Arguments with a value that is known; one without a value takes it from the caller.
    fn args(&self, args: &Node) -> BTreeMap<String, String> {
        let known = |name: &str, value: &str| Some((name.to_owned(), expand(value, self.variables)?));
        match args {
            Node::List(items) => {
                let pairs = items.iter().filter_map(|item| item.text()?.split_once('='));
                pairs.filter_map(|(name, value)| known(name, value)).collect()
            }
            table => table.entries().into_iter().filter_map(|(name, value)| known(name, value.text()?)).collect(),
        }
    }
}

/// The names of a list of `name=value`, or of a table.
fn names(entries: &Node) -> BTreeSet<String> {
    match entries {
        Node::List(items) => items.iter().filter_map(|item| Some(item.text()?.split_once('=')?.0.to_owned())).collect(),
        table => table.entries().into_iter().map(|(name, _)| name.to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, text: &str) -> Vec<String> {
        let variables = BTreeMap::from([("TAG".to_owned(), "7".to_owned())]);
        let line = |build: NamedBuild| format!("{} {} {:?}", build.context, build.dockerfile, build.args);
        builds(name, text, &variables).into_iter().map(line).collect()
    }

    #[test]
    fn reads_what_services_build() {
        let text = "x-build: &build\n  context: .\n  args: { V: \"${TAG}\", W: $NOT_KNOWN }\n\
            services:\n  a: { build: ./a }\n  b:\n    build:\n      <<: *build\n      dockerfile: docker/b.Dockerfile\n\
            \x20 c:\n    build:\n      context: ${ROOT:-..}\n      args: [A=1, B, C=x=y]\n  d: { image: redis }\n";
        assert_eq!(
            shown("compose.yaml", text),
            ["./a Dockerfile {}", r#". docker/b.Dockerfile {"V": "7"}"#, r#".. Dockerfile {"A": "1", "C": "x=y"}"#]
        );
    }

    /// A key of the table itself wins wherever it stands, then the first of the merged tables.
    #[test]
    fn merged_tables_give_what_is_not_said() {
        let text = "x-a: &a { V: a, W: a }\nx-b: &b { V: b, W: b, X: b }\n\
            services:\n  s: { build: { context: ., args: { V: own, <<: [*a, *b] } } }\n";
        assert_eq!(shown("compose.yaml", text), [r#". Dockerfile {"V": "own", "W": "a", "X": "b"}"#]);
    }

    #[test]
    fn what_is_not_known_declares_nothing() {
        for text in [
            "services:\n  a: { build: { context: $ROOT } }\n",
            "services:\n  a: { build: { context: ., dockerfile: \"${FILE:?}\" } }\n",
            "services:\n  a: { extends: { service: b }, build: { target: dev } }\n",
            "services:\n  a: { build: { dockerfile_inline: \"FROM $BASE\" } }\n",
            "services:\n  a: { build: { dockerfile_inline: [FROM] } }\n",
            "services: [a]\n",
            "services:\n  a: { build: [x] }\n  : - broken",
            "",
        ] {
            assert_eq!(shown("compose.yaml", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn reads_contexts_targets_and_dockerfiles_inside() {
        let text = "services:\n  a:\n    build:\n      context: .\n      target: ${T:-dev}\n\
            \x20     additional_contexts: { base: ./b, other: docker-image://x }\n\
            \x20 b:\n    build:\n      context: .\n      additional_contexts: [c=./c]\n      dockerfile_inline: |\n\
            \x20       FROM c\n";
        let builds = builds("compose.yaml", text, &BTreeMap::new());
        let found: Vec<_> = builds
            .iter()
            .map(|build| {
                let contexts: Vec<&str> = build.contexts.iter().map(String::as_str).collect();
                (build.target.as_deref(), contexts, build.inline.as_ref().map(|inline| inline.text.as_str()))
            })
            .collect();
        assert_eq!(found, [(Some("dev"), vec!["base", "other"], None), (None, vec!["c"], Some("FROM c\n"))]);
    }

    #[test]
    fn a_file_that_is_laid_over_another_names_what_it_means() {
        let text = "services:\n  a: { build: { target: dev } }\n  b: { build: { context: b, target: dev } }\n";
        assert_eq!(shown("docker-compose.override.yml", text), [""; 0]);
        assert_eq!(shown("docker-compose.yml", text), [". Dockerfile {}", "b Dockerfile {}"]);
    }
}
