//! The plan of a build: its stages, what each starts from and takes from others, and which of them are needed.

use super::BuildError;
use super::arguments::Arguments;
use super::named::{self, NamedContexts};
use crate::syntax::{Body, Command, Dockerfile, Instruction, Mount, expand};

/// From one `FROM` to the next.
#[derive(Debug)]
pub(super) struct StagePlan<'a> {
    /// Its name in lower case, where it has one.
    pub(super) name: Option<String>,
    /// What it starts from.
    pub(super) base: Base,
    /// The platform that `FROM` asks for.
    pub(super) platform: Option<String>,
    /// The `FROM`.
    pub(super) from: &'a Instruction,
    /// What follows it.
    pub(super) steps: &'a [Instruction],
}

/// What a stage starts from, or copies from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The empty image.
    Scratch,
    /// An earlier stage.
    Stage(usize),
    /// An image.
    Image(String),
    /// A folder that the build is given under this name.
    Folder(String),
}

/// The stages of a file.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) stages: Vec<StagePlan<'a>>,
    /// The stage that is built.
    pub(super) target: usize,
    contexts: &'a NamedContexts,
}

impl<'a> Plan<'a> {
    /// Reads the stages of a file that has no syntax errors.
    pub(super) fn read(
        file: &'a Dockerfile,
        arguments: &Arguments,
        target: Option<&str>,
        contexts: &'a NamedContexts,
    ) -> Result<Self, BuildError> {
        let instructions = file.instructions();
        let starts: Vec<usize> =
            (0..instructions.len()).filter(|index| matches!(instructions[*index].body, Body::From(_))).collect();
        let mut stages: Vec<StagePlan<'a>> = Vec::new();
        for (number, start) in starts.iter().copied().enumerate() {
            let end = starts.get(number + 1).copied().unwrap_or(instructions.len());
            let from = &instructions[start];
            let Body::From(body) = &from.body else { continue };
            let expanded = |text: &str| {
                let expansion = expand(text, file.escape(), &|name| arguments.global(name));
                expansion.map(|expansion| expansion.text).map_err(|error| BuildError::at(file, from, error))
            };
            let image = expanded(&body.image.text)?;
            if image.is_empty() {
                let message = format!("the image `{}` is empty once its variables are replaced", body.image.text);
                return Err(BuildError::at(file, from, message)
                    .with_help("give the argument a default before the first `FROM`, or pass `--build-arg`"));
            }
            let name = body.alias.as_ref().map(|alias| alias.text.to_lowercase());
            // A context takes the place of the whole stage.
            let given = name.as_ref().and_then(|name| named::base(contexts, name));
            let steps = if given.is_some() { &[][..] } else { &instructions[start + 1..end] };
            stages.push(StagePlan {
                name,
                base: given.unwrap_or_else(|| base(&stages, &image, contexts)),
                platform: from.flag_value("platform").map(&expanded).transpose()?.filter(|text| !text.is_empty()),
                from,
                steps,
            });
        }
        let target = target_of(&stages, target)?;
        Ok(Self { stages, target, contexts })
    }

    /// What `--from` names, seen from stage `before`: an earlier stage by name or number, else an image.
    pub(super) fn source(&self, name: &str, before: usize) -> Option<Base> {
        let earlier = &self.stages[..before];
        if let Ok(index) = name.parse::<usize>() {
            return (index < earlier.len()).then_some(Base::Stage(index));
        }
        Some(base(earlier, name, self.contexts))
    }

    /// Whether people call the stage so: by its name, or its number.
    pub(super) fn is_called(&self, index: usize, name: &str) -> bool {
        let own = self.stages[index].name.as_deref();
        own.map_or_else(|| name == index.to_string(), |own| own.eq_ignore_ascii_case(name))
    }

    /// Which stages the target needs.
    pub(super) fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.stages.len()];
        let mut open = vec![self.target];
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut needed[index], true) {
                open.extend(self.sources(index));
            }
        }
        needed
    }

    /// The earlier stages that a stage starts from, copies from or mounts; triggers of its base included.
    fn sources(&self, index: usize) -> Vec<usize> {
        let stage = &self.stages[index];
        let mut sources = Vec::new();
        let mut base = &stage.base;
        while let Base::Stage(parent) = base {
            sources.push(*parent);
            let triggers = self.stages[*parent].steps.iter().filter_map(|step| match &step.body {
                Body::Onbuild(nested) => Some(nested.as_ref()),
                _ => None,
            });
            sources.extend(triggers.flat_map(|trigger| self.named_by(trigger, index)));
            base = &self.stages[*parent].base;
        }
        sources.extend(stage.steps.iter().flat_map(|step| self.named_by(step, index)));
        sources
    }

    fn named_by(&self, step: &Instruction, before: usize) -> Vec<usize> {
        let mut names: Vec<String> = Vec::new();
        match &step.body {
            Body::Copy(_) | Body::Add(_) => names.extend(step.flag_value("from").map(str::to_owned)),
            Body::Run(Command::Shell(_) | Command::Exec(_)) => {
                names.extend(mounts(step).filter_map(|mount| mount.from));
            }
            _ => {}
        }
        let stages = names.iter().filter_map(|name| match self.source(name, before) {
            Some(Base::Stage(index)) => Some(index),
            _ => None,
        });
        stages.collect()
    }
}

/// The mounts of a `RUN`; what cannot be read is a syntax error already.
pub(super) fn mounts(step: &Instruction) -> impl Iterator<Item = Mount> {
    let flags = step.flags.iter().filter(|flag| flag.name == "mount").filter_map(|flag| flag.value.as_ref());
    flags.filter_map(|options| Mount::parse(options).ok())
}

fn base(earlier: &[StagePlan<'_>], image: &str, contexts: &NamedContexts) -> Base {
    if image.eq_ignore_ascii_case("scratch") {
        return Base::Scratch;
    }
    let lower = image.to_lowercase();
    // Of two stages of one name the later counts.
    let found = earlier.iter().rposition(|stage| stage.name.as_ref() == Some(&lower));
    let other = || named::base(contexts, image).unwrap_or_else(|| Base::Image(image.to_owned()));
    found.map_or_else(other, Base::Stage)
}

fn target_of(stages: &[StagePlan<'_>], target: Option<&str>) -> Result<usize, BuildError> {
    let last = stages.len().checked_sub(1).ok_or(BuildError::NoStage)?;
    let Some(name) = target.filter(|name| !name.is_empty()) else { return Ok(last) };
    let lower = name.to_lowercase();
    let by_name = stages.iter().rposition(|stage| stage.name.as_ref() == Some(&lower));
    by_name
        .or_else(|| name.parse().ok().filter(|index| *index <= last))
        .ok_or_else(|| BuildError::NoTarget(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::NamedContext;
    use super::*;
    use crate::runtime::image::Platform;

    const FILE: &str = "ARG V=3\nFROM node:$V AS Base\nONBUILD COPY --from=tools /x /x\nFROM scratch AS unused\n\
        FROM busybox AS tools\nFROM base AS app\nRUN --mount=from=busybox,target=/m true\nCOPY --from=2 /a /a\n\
        COPY --from=later /b /b\nFROM scratch AS later\n";

    #[test]
    fn stages_that_nothing_reaches_are_not_needed() {
        let file = Dockerfile::parse(FILE);
        let arguments = Arguments::read(&file, &BTreeMap::new(), &Platform::host(), "").unwrap();
        let none = NamedContexts::new();
        let plan = Plan::read(&file, &arguments, Some("APP"), &none).unwrap();
        assert_eq!(plan.stages[0].base, Base::Image("node:3".to_owned()));
        assert_eq!(plan.stages[3].base, Base::Stage(0));
        assert_eq!(plan.needed(), [true, false, true, true, false]);
        assert_eq!(plan.source("later", 3), Some(Base::Image("later".to_owned())));
        assert_eq!(plan.source("3", 3), None);
        assert_eq!(Plan::read(&file, &arguments, Some("4"), &none).unwrap().target, 4);
        assert!(matches!(Plan::read(&file, &arguments, Some("nope"), &none), Err(BuildError::NoTarget(_))));
        assert!(plan.is_called(3, "App") && !plan.is_called(3, "3") && !plan.is_called(0, "app"));
    }

    #[test]
    fn contexts_take_the_place_of_stages_and_images() {
        let file = Dockerfile::parse(FILE);
        let arguments = Arguments::read(&file, &BTreeMap::new(), &Platform::host(), "").unwrap();
        let image = "docker://alpine".to_owned();
        let given = NamedContexts::from([
            ("base".to_owned(), NamedContext::Image(image.clone())),
            ("busybox".to_owned(), NamedContext::Folder("/files".into())),
        ]);
        let plan = Plan::read(&file, &arguments, Some("app"), &given).unwrap();
        assert_eq!((&plan.stages[0].base, plan.stages[0].steps.len()), (&Base::Image(image), 0));
        assert_eq!(plan.stages[2].base, Base::Folder("busybox".to_owned()));
        assert_eq!(plan.source("docker.io/library/busybox", 3), Some(Base::Folder("busybox".to_owned())));
        // The trigger went with the stage.
        assert_eq!(plan.needed(), [true, false, true, true, false]);
    }
}
