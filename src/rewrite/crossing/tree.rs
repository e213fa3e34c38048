//! What must stand where for a step to be crossed: mounts, links, directories.

use super::{Needed, Obstacle, Reader};
use crate::{
    ecosystem::Access,
    model::{Action, StagePath, StepId},
    rewrite::{
        carried::Bring, crossing::may_write, links::reached_through_link, presence::stands_without,
        transfer_crossing::same_flags,
    },
};

impl Reader<'_> {
    /// A mount hides what the copy brings to its place, and leaves the place behind.
    pub(super) fn check_mounts(&self) -> Result<(), Obstacle> {
        for mount in &self.run.mounts {
            let Some(target) = &mount.target else { continue };
            if mount.context.is_none() && self.carried.brings(target) != Bring::Nothing {
                return Err(self.obstacle("it mounts over files that are copied before it", format!("target={target}")));
            }
        }
        Ok(())
    }

    /// Nobody knows what is reached through a link that an earlier step, or the step itself, has made.
    pub(super) fn check_links(&self) -> Result<(), Obstacle> {
        match reached_through_link(self.carried.build, self.id, self.run) {
            Some((path, link)) => {
                Err(self.obstacle(format!("it reaches `{path}` through the link `{link}`"), path.as_str()))
            }
            None => Ok(()),
        }
    }

    /// The directories that the step works in or writes into must be there without the copy.
    pub(super) fn check_directories(&self, ahead: &[Needed]) -> Result<(), Obstacle> {
        let start = &self.carried.build.step(self.id).before.directory;
        for command in &self.run.commands {
            let worked_in = command.directory.as_ref().filter(|directory| *directory != start);
            let written = command.accesses.iter().filter(|access| access.access == Access::Write);
            for directory in written.map(|access| access.path.parent()).chain(worked_in.cloned()) {
                if !stands_without(self.carried, self.id, &directory, ahead) {
                    let reason = format!("it needs the directory `{directory}`, which the copy creates");
                    return Err(self.obstacle(reason, command.known.title.clone()));
                }
            }
        }
        Ok(())
    }

    /// Whether a copy between the one that moves and the step brings the same to the same place.
    pub(super) fn is_brought_between(&self, path: &str, directory: bool, place: &StagePath) -> bool {
        let build = self.carried.build;
        let between = (self.carried.id.step + 1..self.id.step).rev().map(|step| StepId { step, ..self.id });
        for id in between {
            match &build.step(id).action {
                Action::Run(run) if may_write(run, place) => return false,
                Action::Transfer(other) => {
                    let brought = other.placement.as_ref().filter(|placement| placement.is_certain());
                    let landing = brought.and_then(|placement| placement.landing(path));
                    let whole = !directory || build.instruction(id).flag("exclude").is_none();
                    if landing.as_ref() == Some(place) && whole && same_flags(self.carried, id) {
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }
}
