//! What a copy would bring if the build context had it: something puts it there before the build.

use super::{Obstacle, Reader};
use crate::{
    ecosystem::Closure,
    model::{KnownCommand, Root, StagePath},
};

impl Reader<'_> {
    /// It may be read too: a file beside the manifest, or a directory beside others that are read.
    pub(super) fn check_absent(&self, command: &KnownCommand, closure: &Closure) -> Result<(), Obstacle> {
        let Some((_, placement)) = self.carried.placement() else { return Ok(()) };
        let Some(project) = command.place_of("") else { return Ok(()) };
        let beside = |place: &StagePath| {
            let reads = closure.reads.iter().filter_map(|read| command.place_of(&read.path));
            reads.into_iter().any(|read| read.parent() != project && read.may_overlap(&place.parent()))
        };
        let may_be_read = |root: &&Root| {
            let is_inside = root.landing.below(&project).is_some_and(|rest| !rest.is_empty());
            is_inside && (!root.directory || beside(&root.landing)) || project.below(&root.landing).is_some()
        };
        let Some(root) = placement.absent.iter().find(may_be_read) else { return Ok(()) };
        let title = &command.known.title;
        let reason = format!("`{title}` may read `{}`, which the build context does not have", root.context);
        Err(self.obstacle(reason, root.context.clone()))
    }
}
