//! What must stand where for a step to be crossed: mounts, links, directories.

use super::{Needed, Obstacle, Reader};
use crate::{
    ecosystem::Access,
    rewrite::{carried::Bring, links::reached_through_link, presence::stands_without},
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
}
