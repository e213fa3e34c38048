//! Build arguments: those whose value changes with every build, and those that a base image is named by.

use super::build::Build;
use crate::{
    ecosystem::{Volatility, argument_volatility},
    syntax::{ArgDeclaration, Body, variables},
};

impl Build<'_> {
    /// The build arguments whose value is another at every build, going by their names, and that have no fixed default.
    pub fn volatile_arguments(&self) -> Vec<String> {
        let declarations = self.inputs.file.instructions().iter().filter_map(|instruction| match &instruction.body {
            Body::Arg(declarations) => Some(declarations),
            _ => None,
        });
        let mut names: Vec<String> = declarations
            .flatten()
            .filter(|declared| is_volatile(declared))
            .map(|declared| declared.name.text.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The build arguments that the image of a stage's `FROM` is made of, through the defaults of others too.
    pub fn arguments_of_base(&self, stage: usize) -> Vec<String> {
        let file = self.inputs.file;
        let instructions = file.instructions();
        let Some(Body::From(from)) = self.stages.get(stage).map(|stage| &instructions[stage.from].body) else {
            return Vec::new();
        };
        let mut names = variables(&from.image.text, file.escape());
        let first = self.stages.first().map_or(0, |stage| stage.from);
        // Later declarations are made of earlier ones.
        for instruction in instructions[..first].iter().rev() {
            let Body::Arg(declarations) = &instruction.body else { continue };
            for declared in declarations.iter().rev() {
                if names.contains(&declared.name.text) {
                    let default = declared.default.as_ref().map_or("", |default| default.text.as_str());
                    names.extend(variables(default, file.escape()));
                }
            }
        }
        names.sort();
        names.dedup();
        names
    }
}

fn is_volatile(declared: &ArgDeclaration) -> bool {
    const EMPTY: [&str; 8] = ["", "\"\"", "''", "unknown", "dev", "none", "local", "latest"];
    let fixed = declared.default.as_ref().is_some_and(|default| !EMPTY.contains(&default.text.as_str()));
    let volatility = argument_volatility(&declared.name.text);
    !fixed && matches!(volatility, Some(Volatility::EveryBuild | Volatility::EveryCommit))
}
