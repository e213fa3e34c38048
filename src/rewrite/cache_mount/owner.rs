//! Who runs an install: where the downloads of that user stand, and who must own a mount there.

use crate::{
    ecosystem::ImageFacts,
    model::{Base, Build, KnownCommand, StagePath, StepId},
    syntax::ImageReference,
};

/// The home of `root`, below which packs name directories.
const ROOT_HOME: &str = "/root";

/// The user of a step.
pub(super) struct Owner {
    /// The image that its stage starts from in the end.
    pub(super) image: ImageReference,
    home: String,
    /// `None` for `root`, who owns a mount where nothing else is said.
    numbers: Option<(String, Option<String>)>,
}

/// The user that runs a command, where its home is known. An image of Docker's own begins as `root`.
pub(super) fn owner(build: &Build<'_>, id: StepId, command: &KnownCommand) -> Option<Owner> {
    let state = &build.step(id).before;
    let text = build.instruction(id).range.of(build.inputs.file.source());
    let moved =
        state.variable("XDG_CACHE_HOME").is_some() || ["HOME", "XDG_CACHE_HOME"].iter().any(|name| text.contains(name));
    if moved || command.command.user.is_some() || !command.command.prefixes.is_empty() {
        return None;
    }
    // A home that is set is one that is meant; its value must be known.
    let set = match state.variable("HOME") {
        None => None,
        Some(variable) => Some(variable.value.clone().filter(|home| home.starts_with('/'))?),
    };
    let facts = base_of(build, id.stage)?;
    let image = facts.reference.clone();
    let Some(user) = state.user.as_deref() else {
        return Some(Owner { image, home: set.unwrap_or_else(|| ROOT_HOME.to_owned()), numbers: None });
    };
    if state.may_run_as_root() {
        return Some(Owner { image, home: set.unwrap_or_else(|| ROOT_HOME.to_owned()), numbers: None });
    }
    let (name, group) = user.split_once(':').map_or((user, None), |(name, group)| (name, Some(group)));
    let known = facts.facts.and_then(|facts| facts.user(name));
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number =
        known.map(|known| known.uid.to_string()).or_else(|| Some(name).filter(is_number).map(str::to_owned))?;
    let group = match (group, known) {
        (Some(group), Some(known)) if group == known.name => Some(known.gid.to_string()),
        (Some(group), _) => Some(Some(group).filter(is_number)?.to_owned()),
        (None, known) => known.map(|known| known.gid.to_string()),
    };
    Some(Owner { image, home: set.or_else(|| known.map(|known| known.home.clone()))?, numbers: Some((number, group)) })
}

/// The image that a stage starts from in the end.
struct Origin {
    reference: ImageReference,
    facts: Option<&'static ImageFacts>,
}

/// `None` for an image of which it is not known who it runs as.
fn base_of(build: &Build<'_>, mut stage: usize) -> Option<Origin> {
    loop {
        match build.stages.get(stage).map(|stage| &stage.base) {
            Some(Base::Stage(parent)) if *parent < stage => stage = *parent,
            Some(Base::Image(image)) if !image.contains('/') && !image.contains('$') => {
                let reference = ImageReference::parse(image);
                return Some(Origin { reference, facts: build.image_facts(stage) });
            }
            _ => return None,
        }
    }
}

impl Owner {
    /// Where a directory that is known for `root` stands for this user; `None` where its parent may be someone else's: a
    /// builder makes what is missing above a mount as `root`.
    pub(super) fn place_of(&self, path: &str) -> Option<String> {
        match path.strip_prefix(ROOT_HOME).filter(|rest| rest.starts_with('/')) {
            Some(rest) if self.numbers.is_none() || !rest[1..].contains('/') => Some(format!("{}{rest}", self.home)),
            None if self.numbers.is_none() => Some(path.to_owned()),
            _ => None,
        }
    }

    /// The rest of a place below the home.
    pub(super) fn below_home<'p>(&self, place: &'p StagePath) -> Option<&'p str> {
        place.as_str().strip_prefix(self.home.as_str())
    }

    /// What a mount must say of its owner.
    pub(super) fn flags(&self) -> String {
        let Some((user, group)) = &self.numbers else { return String::new() };
        format!(",uid={user}{}", group.as_ref().map_or(String::new(), |group| format!(",gid={group}")))
    }
}
