//! From the instructions of a file to stages of steps.

use std::collections::BTreeMap;

use super::{
    path::StagePath,
    placement::Placement,
    run::Run,
    state::{Origin, Shell, State, Variable},
    transfer::Transfer,
    view::View,
};
use crate::{
    context::Filtered,
    ecosystem::{Catalog, Volatility, argument_volatility},
    syntax::{self, ArgDeclaration, Body, Dockerfile, Instruction, Pair},
};

/// All that a model is made of.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The parsed file.
    pub file: &'a Dockerfile,
    /// The build context after `.dockerignore`; `None` where nobody knows it.
    pub context: Option<&'a Filtered<'a>>,
    /// What is known of programs.
    pub catalog: &'a Catalog,
    /// Values given with `--build-arg`.
    pub arguments: &'a BTreeMap<String, String>,
}

/// A Dockerfile with its meaning.
pub struct Build<'a> {
    /// What it was made of.
    pub inputs: Inputs<'a>,
    /// Stages in the order of the file.
    pub stages: Vec<Stage>,
}

/// A step's place: the stage and the index among the stage's steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId {
    /// Index in [`Build::stages`].
    pub stage: usize,
    /// Index in [`Stage::steps`].
    pub step: usize,
}

/// From one `FROM` to the next.
#[derive(Debug)]
pub struct Stage {
    /// Its name in lower case, where it has one.
    pub name: Option<String>,
    /// What it starts from.
    pub base: Base,
    /// Index of the `FROM` instruction in the file.
    pub from: usize,
    /// The instructions after `FROM`.
    pub steps: Vec<Step>,
    /// What the last step leaves.
    pub end: State,
}

/// What a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// The empty image.
    Scratch,
    /// An earlier stage, by index.
    Stage(usize),
    /// An image of that reference, variables expanded.
    Image(String),
    /// A reference with a variable that only the build knows, as written.
    Unknown(String),
}

/// One instruction of a stage.
#[derive(Debug)]
pub struct Step {
    /// Index of the instruction in the file.
    pub instruction: usize,
    /// What it finds.
    pub before: State,
    /// What it does.
    pub action: Action,
}

/// What a step does.
#[derive(Debug)]
pub enum Action {
    /// Executes commands.
    Run(Box<Run>),
    /// `COPY` or `ADD`.
    Transfer(Box<Transfer>),
    /// Creates and enters a directory.
    Workdir(StagePath),
    /// `ENV`: names declared.
    Environment(Vec<String>),
    /// `ARG`: names declared.
    Argument(Vec<String>),
    /// `USER`.
    User,
    /// `SHELL`.
    Shell,
    /// `VOLUME`: directories whose later writes some builders throw away.
    Volume(Vec<StagePath>),
    /// Image configuration that no step reads: `LABEL`, `EXPOSE`, `CMD` and their like.
    Metadata,
    /// An instruction that could not be read: it may do anything.
    Malformed,
}

impl<'a> Build<'a> {
    /// Works out the meaning of a file.
    pub fn new(inputs: Inputs<'a>) -> Self {
        let mut assembly = Assembly { inputs, globals: BTreeMap::new(), stages: Vec::new() };
        for (index, instruction) in inputs.file.instructions().iter().enumerate() {
            assembly.add(index, instruction);
        }
        let mut build = Self { inputs, stages: assembly.stages };
        build.resolve_runs();
        build
    }

    /// The instruction of a step.
    pub fn instruction(&self, id: StepId) -> &'a Instruction {
        &self.inputs.file.instructions()[self.step(id).instruction]
    }

    /// The step of that id.
    pub fn step(&self, id: StepId) -> &Step {
        &self.stages[id.stage].steps[id.step]
    }

    /// All steps in the order of the file.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.stages.iter().enumerate().flat_map(|(stage, found)| {
            found.steps.iter().enumerate().map(move |(step, found)| (StepId { stage, step }, found))
        })
    }

    /// The index of the stage that a name or number means, seen from stage `before`: only earlier stages count.
    pub fn stage_named(&self, reference: &str, before: usize) -> Option<usize> {
        stage_named(&self.stages, reference, before)
    }

    /// The stages that building `target` needs, itself included; a stage that nothing reaches is not built.
    pub fn reachable(&self, target: usize) -> Vec<bool> {
        let mut needed = vec![false; self.stages.len()];
        let mut open = vec![target];
        while let Some(index) = open.pop() {
            if index >= needed.len() || std::mem::replace(&mut needed[index], true) {
                continue;
            }
            open.extend(self.stages[index].sources());
        }
        needed
    }

    /// The index of the stage to build: the one of that name or number, the last where none is given.
    pub fn target(&self, name: Option<&str>) -> Option<usize> {
        match name {
            None => self.stages.len().checked_sub(1),
            Some(name) => self
                .stage_named(name, self.stages.len())
                .or_else(|| name.parse().ok().filter(|index| *index < self.stages.len())),
        }
    }

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

    /// Files that installs of this build read: manifests, lock files and what they lead to.
    pub fn manifests(&self) -> impl Iterator<Item = &str> {
        let commands = self.steps().filter_map(|(_, step)| step.run()).flat_map(Run::installs);
        let reads = commands.filter_map(|command| command.closure.as_ref()).flat_map(|closure| &closure.reads);
        reads.filter(|read| !read.directory).map(|read| read.path.as_str())
    }

    /// What stands where just before a step.
    pub fn view(&self, id: StepId) -> View<'_> {
        View::new(self.placements_before(id))
    }

    /// The placements that a step finds, earliest first, those of the stages it inherits from included.
    fn placements_before(&self, id: StepId) -> Vec<&Placement> {
        let mut chain = vec![(id.stage, id.step)];
        while let Some((stage, _)) = chain.last() {
            match self.stages[*stage].base {
                Base::Stage(parent) if parent < *stage => chain.push((parent, self.stages[parent].steps.len())),
                _ => break,
            }
        }
        let steps = chain.iter().rev().flat_map(|(stage, end)| &self.stages[*stage].steps[..*end]);
        steps.filter_map(|step| step.transfer().and_then(|transfer| transfer.placement.as_ref())).collect()
    }

    fn resolve_runs(&mut self) {
        let ids: Vec<StepId> =
            self.steps().filter(|(_, step)| matches!(step.action, Action::Run(_))).map(|(id, _)| id).collect();
        for id in ids {
            let step = self.step(id);
            let stages = &self.stages[..=id.stage];
            let run = Run::resolve(&self.inputs, stages, self.instruction(id), &step.before, &self.view(id));
            self.stages[id.stage].steps[id.step].action = Action::Run(Box::new(run));
        }
    }
}

impl Stage {
    /// The earlier stages that this one starts from, copies from or mounts.
    pub fn sources(&self) -> impl Iterator<Item = usize> {
        let base = match self.base {
            Base::Stage(index) => Some(index),
            _ => None,
        };
        base.into_iter().chain(self.steps.iter().flat_map(Step::stage_sources))
    }
}

impl Step {
    /// The step's `COPY` or `ADD`, if it is one.
    pub fn transfer(&self) -> Option<&Transfer> {
        match &self.action {
            Action::Transfer(transfer) => Some(transfer),
            _ => None,
        }
    }

    /// The step's `RUN`, if it is one.
    pub fn run(&self) -> Option<&Run> {
        match &self.action {
            Action::Run(run) => Some(run),
            _ => None,
        }
    }

    /// The stages whose files this step copies or mounts.
    pub fn stage_sources(&self) -> Vec<usize> {
        match &self.action {
            Action::Transfer(transfer) => transfer.stage().into_iter().collect(),
            Action::Run(run) => run.stages.clone(),
            _ => Vec::new(),
        }
    }
}

fn stage_named(stages: &[Stage], reference: &str, before: usize) -> Option<usize> {
    let reference = reference.to_lowercase();
    let earlier = &stages[..before.min(stages.len())];
    earlier.iter().rposition(|stage| stage.name.as_deref() == Some(reference.as_str()))
}

fn is_volatile(declared: &ArgDeclaration) -> bool {
    const EMPTY: [&str; 8] = ["", "\"\"", "''", "unknown", "dev", "none", "local", "latest"];
    let fixed = declared.default.as_ref().is_some_and(|default| !EMPTY.contains(&default.text.as_str()));
    let volatility = argument_volatility(&declared.name.text);
    !fixed && matches!(volatility, Some(Volatility::EveryBuild | Volatility::EveryCommit))
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
            _ => State::of_unknown_image(escape == '\\'),
        };
        let name = from.alias.as_ref().map(|alias| alias.text.to_lowercase());
        self.stages.push(Stage { name, base, from: index, steps: Vec::new(), end });
    }

    fn base_of(&self, reference: &str) -> Base {
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
            Body::Volume(words) => Action::Volume(words.iter().map(|word| state.directory.join(&word.text)).collect()),
            Body::Malformed | Body::From(_) => Action::Malformed,
            _ => Action::Metadata,
        }
    }

    fn declare_environment(&self, instruction: usize, pairs: &[Pair], state: &mut State) -> Vec<String> {
        // All values of one `ENV` are expanded with what stood before it.
        let before = state.clone();
        for pair in pairs {
            let value = self.expand(&pair.value.text, &|name| before.lookup(name));
            let arguments = before.arguments_of(self.names_in(&pair.value.text).iter().map(String::as_str));
            state.declare(&pair.key.text, Variable { value, origin: Origin::Environment, arguments, instruction });
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
            state.declare(name, Variable { value, origin: Origin::Argument, arguments, instruction });
        }
        declarations.iter().map(|declaration| declaration.name.text.clone()).collect()
    }

    fn names_in(&self, text: &str) -> Vec<String> {
        syntax::variables(text, self.inputs.file.escape())
    }
}
