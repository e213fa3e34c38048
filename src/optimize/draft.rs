//! A Dockerfile and its ignore file on the way to a plan.

use std::collections::BTreeMap;

use crate::{
    cache::{Costs, Events, Expectation, Profile, Replay},
    context::{Context, Filtered, History, IgnoreFile},
    ecosystem::Catalog,
    model::{Build, Inputs},
    syntax::Dockerfile,
};

/// The two texts that a plan changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Draft {
    /// The Dockerfile.
    pub dockerfile: String,
    /// The ignore file that is in force, or the one that would be created.
    pub ignore_path: String,
    /// Its text; `None` where there is none.
    pub ignore: Option<String>,
}

/// What stays the same while drafts change.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The build context before `.dockerignore`.
    pub context: &'a dyn Context,
    /// What is known of programs.
    pub catalog: &'a Catalog,
    /// Values given with `--build-arg`.
    pub arguments: &'a BTreeMap<String, String>,
    /// The builder.
    pub profile: Profile,
    /// Changes of the project, where there are any.
    pub history: Option<&'a History>,
    /// The name or number of the stage to build; the last where `None`.
    pub target: Option<&'a str>,
}

impl Draft {
    /// Works on the meaning of this draft.
    pub fn with_build<T>(&self, surroundings: &Surroundings<'_>, work: impl FnOnce(&Build<'_>) -> T) -> T {
        let file = Dockerfile::parse(&self.dockerfile);
        let ignore = self.ignore.as_ref().map(|text| IgnoreFile::parse(&self.ignore_path, text));
        let context = Filtered::new(surroundings.context, ignore.as_ref());
        let inputs = Inputs {
            file: &file,
            context: Some(&context),
            catalog: surroundings.catalog,
            arguments: surroundings.arguments,
        };
        work(&Build::of_target(inputs, surroundings.target))
    }

    /// The expected rebuild cost of this draft.
    pub fn expectation(&self, surroundings: &Surroundings<'_>) -> Expectation {
        self.with_build(surroundings, |build| {
            let events = Events::of_history(build, surroundings.profile, surroundings.history);
            let target = build.target(surroundings.target).unwrap_or_default();
            Replay::new(build, surroundings.profile, &events, &Costs::new(build), target).expected
        })
    }

    /// What must not change from one draft to the next: syntax errors, and the stages with their names and bases.
    pub(super) fn shape(&self) -> (usize, Vec<String>) {
        let file = Dockerfile::parse(&self.dockerfile);
        let stages =
            file.instructions().iter().filter(|instruction| instruction.keyword == crate::syntax::Keyword::From);
        (file.errors().len(), stages.map(|stage| stage.arguments.as_str().to_owned()).collect())
    }
}
