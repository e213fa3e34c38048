//! From the instructions of a file to stages: one pass, each step with the state that it finds.

use std::collections::BTreeMap;

use super::{
    build::{Action, Base, Inputs, Stage, Step, stage_named},
    path::StagePath,
    state::{Origin, Shell, State, Variable},
    transfer::Transfer,
};
use crate::{
    context::Context,
    ecosystem::{ImageFacts, image_facts, ordinary_directories},
    syntax::{self, ArgDeclaration, Body, Instruction, Pair},
};

/// The stages of a file, the effects of their `RUN`s not yet resolved.
pub(super) fn stages(inputs: Inputs<'_>) -> Vec<Stage> {
    let mut assembly = Assembly { inputs, globals: BTreeMap::new(), stages: Vec::new() };
    for (index, instruction) in inputs.file.instructions().iter().enumerate() {
        assembly.add(index, instruction);
    }
    assembly.stages
}

/// The stages read so far.
struct Assembly<'a> {
    inputs: Inputs<'a>,
    globals: BTreeMap<String, Option<String>>,
    stages: Vec<Stage>,
}

impl Assembly<'_> {
    fn add(&mut self, index: usize, instruction: &Instruction) {
        match &instruction.body {
            Body::From(from) => self.start_stage(index, from),
            Body::Arg(declarations) if self.stages.is_empty() => self.declare_globals(declarations),
            _ if self.stages.is_empty() => {}
            _ => self.add_step(index, instruction),
        }
    }

    fn start_stage(&mut self, index: usize, from: &syntax::From) {
        let escape = self.inputs.file.escape();
        let expanded = syntax::expand(&from.image.text, escape, &|name| self.globals.get(name).cloned().flatten());
        let base = match expanded {
            Ok(expansion) if expansion.unset.is_empty() => self.base_of(&expansion.text),
            _ => Base::Unknown(from.image.text.clone()),
        };
        let end = match base {
            Base::Stage(parent) => self.stages[parent].end.clone(),
            Base::Scratch => State::of_scratch(),
            Base::Image(ref reference) => self.state_of_image(index, reference),
            Base::Unknown(_) => State::of_unknown_image(escape == '\\'),
        };
        let name = from.alias.as_ref().map(|alias| alias.text.to_lowercase());
        self.stages.push(Stage { name, base, from: index, steps: Vec::new(), end });
    }

    /// What an image sets, as far as it is known.
    fn state_of_image(&self, from: usize, reference: &str) -> State {
        let mut state = State::of_unknown_image(self.inputs.file.escape() == '\\');
        if let Some(facts) = facts_of(reference) {
            let tag = syntax::ImageReference::parse(reference).tag;
            state.users = facts.starts_as_root(tag.as_deref()).then_some(facts.users.as_slice());
            if let Some(directory) = &facts.directory {
                state.directory = StagePath::root().join(directory);
            }
            for (name, value) in &facts.environment {
                let value = Some(value.clone());
                state.declare(
                    name,
                    Variable {
                        partial: value.clone().unwrap_or_default(),
                        value,
                        origin: Origin::Environment,
                        arguments: Vec::new(),
                        instruction: from,
                    },
                );
            }
        }
        state
    }

    fn base_of(&self, reference: &str) -> Base {
        if self.inputs.context.is_some_and(|context| context.has_other(reference)) {
            return Base::Unknown(reference.to_owned());
        }
        if reference.eq_ignore_ascii_case("scratch") {
            return Base::Scratch;
        }
        match stage_named(&self.stages, reference, self.stages.len()) {
            Some(stage) => Base::Stage(stage),
            None => Base::Image(reference.to_owned()),
        }
    }

    fn declare_globals(&mut self, declarations: &[ArgDeclaration]) {
        for declaration in declarations {
            let name = &declaration.name.text;
            let value = self.argument_value(declaration, &|name| self.globals.get(name).cloned().flatten());
            self.globals.insert(name.clone(), value);
        }
    }

    /// The value of an `ARG`: what the build gives, else its default; `None` where neither is known.
    fn argument_value(&self, declaration: &ArgDeclaration, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        if let Some(given) = self.inputs.arguments.get(&declaration.name.text) {
            return Some(given.clone());
        }
        let default = declaration.default.as_ref()?;
        self.expand(&default.text, lookup)
    }

    fn expand(&self, text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let expansion = syntax::expand(text, self.inputs.file.escape(), lookup).ok()?;
        expansion.unset.is_empty().then_some(expansion.text)
    }

    /// What is known of a value: variables without one leave nothing.
    fn expand_partly(&self, text: &str, state: &State) -> String {
        let expansion = syntax::expand(text, self.inputs.file.escape(), &|name| state.partial(name));
        expansion.map(|expansion| expansion.text).unwrap_or_default()
    }

    fn add_step(&mut self, index: usize, instruction: &Instruction) {
        let Some(before) = self.stages.last().map(|stage| stage.end.clone()) else { return };
        let mut after = before.clone();
        let action = self.act(index, instruction, &mut after);
        if let Some(stage) = self.stages.last_mut() {
            stage.steps.push(Step { instruction: index, before, action });
            stage.end = after;
        }
    }

    fn act(&self, index: usize, instruction: &Instruction, state: &mut State) -> Action {
        match &instruction.body {
            Body::Run(_) => Action::Run(Box::default()),
            Body::Copy(arguments) | Body::Add(arguments) => {
                Action::Transfer(Box::new(Transfer::resolve(&self.inputs, &self.stages, instruction, arguments, state)))
            }
            Body::Workdir(word) => {
                let path = self.expand(&word.text, &|name| state.lookup(name));
                // A directory that only the build knows is a place of its own: it may overlap anything.
                let path = path.map_or_else(StagePath::base_directory, |path| state.directory.join(&path));
                state.directory = path.clone();
                Action::Workdir(path)
            }
            Body::Env(pairs) => Action::Environment(self.declare_environment(index, pairs, state)),
            Body::Arg(declarations) => Action::Argument(self.declare_arguments(index, declarations, state)),
            Body::User(word) => {
                state.user = self.expand(&word.text, &|name| state.lookup(name)).or_else(|| Some(word.text.clone()));
                Action::User
            }
            Body::Shell(words) => {
                state.shell = Shell::of_words(words.iter().map(|word| word.text.as_str()));
                Action::Shell
            }
            Body::Volume(words) => Action::Volume(words.iter().map(|word| self.volume(&word.text, state)).collect()),
            Body::Malformed | Body::From(_) => Action::Malformed,
            _ => Action::Metadata,
        }
    }

    /// Where a volume is mounted; anywhere, where only the build knows.
    fn volume(&self, text: &str, state: &State) -> StagePath {
        let path = self.expand(text, &|name| state.lookup(name));
        path.map_or_else(StagePath::root, |path| state.directory.join(&path))
    }

    fn declare_environment(&self, instruction: usize, pairs: &[Pair], state: &mut State) -> Vec<String> {
        // All values of one `ENV` are expanded with what stood before it.
        let before = state.clone();
        for pair in pairs {
            let value = self.expand(&pair.value.text, &|name| before.lookup(name));
            let partial = self.expand_partly(&pair.value.text, &before);
            let arguments = before.arguments_of(self.names_in(&pair.value.text).iter().map(String::as_str));
            state.declare(
                &pair.key.text,
                Variable { value, partial, origin: Origin::Environment, arguments, instruction },
            );
        }
        pairs.iter().map(|pair| pair.key.text.clone()).collect()
    }

    fn declare_arguments(&self, instruction: usize, declarations: &[ArgDeclaration], state: &mut State) -> Vec<String> {
        for declaration in declarations {
            let name = &declaration.name.text;
            let default = declaration.default.as_ref().map_or("", |default| default.text.as_str());
            let value = self.argument_value(declaration, &|name| state.lookup(name));
            let value = match &declaration.default {
                None if value.is_none() => self.globals.get(name).cloned().flatten(),
                _ => value,
            };
            let mut arguments = state.arguments_of(self.names_in(default).iter().map(String::as_str));
            arguments.push(name.clone());
            arguments.sort();
            let partial = value.clone().unwrap_or_else(|| self.expand_partly(default, state));
            state.declare(name, Variable { value, partial, origin: Origin::Argument, arguments, instruction });
        }
        declarations.iter().map(|declaration| declaration.name.text.clone()).collect()
    }

    fn names_in(&self, text: &str) -> Vec<String> {
        syntax::variables(text, self.inputs.file.escape())
    }
}

/// Whether an image has a directory of its own: those that all have, unless it is known to lack them, and its working
/// directory.
pub(super) fn base_has_directory(base: &Base, place: &StagePath) -> bool {
    let is_ordinary = || ordinary_directories().any(|known| StagePath::root().join(known) == *place);
    let facts = match base {
        Base::Image(reference) => facts_of(reference),
        Base::Unknown(_) => None,
        Base::Scratch | Base::Stage(_) => return false,
    };
    let Some(facts) = facts else { return is_ordinary() };
    let worked_in = facts.directory.as_ref().map(|directory| StagePath::root().join(directory));
    let lacks = || facts.lacks.iter().any(|known| StagePath::root().join(known) == *place);
    worked_in.is_some_and(|directory| directory.below(place).is_some()) || is_ordinary() && !lacks()
}

/// What is known of an image that a `FROM` names.
pub(super) fn facts_of(reference: &str) -> Option<&'static ImageFacts> {
    image_facts(&syntax::ImageReference::parse(reference))
}
