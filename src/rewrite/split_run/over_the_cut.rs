//! What passes from the first part of a `RUN` to the second other than by files: exit codes, the shell's own state,
//! processes, mounts, and files that a container keeps to itself.

use super::{Splitting, leftovers, shortened};
use crate::{
    ecosystem::{Access, Effect},
    model::{Action, KnownCommand, StagePath},
    shell::{self, Form, Join},
    syntax::MountKind,
};

/// Steps that a stage may have, so that its layers stay below the 127 that some builders and drivers take.
const MOST_STEPS: usize = 100;

impl Splitting<'_> {
    /// Whether two steps do what one did.
    ///
    /// # Errors
    /// What is in the way, as a phrase.
    pub(super) fn check(&self, cut: usize) -> Result<(), String> {
        let stage = &self.build.stages[self.id.stage];
        if stage.steps.len() >= MOST_STEPS {
            return Err("the stage has many layers already".to_owned());
        }
        let before = self.build.steps_before(self.id);
        if before.into_iter().any(|step| matches!(step.action, Action::Volume(_))) {
            return Err("some builders drop what a step writes into a volume".to_owned());
        }
        self.check_exit_codes(cut)?;
        self.check_shell(cut)?;
        self.check_mounts()?;
        self.check_writes(cut)?;
        leftovers::check(self.build, self.id, self.run, self.elements[cut].range.start)
    }

    /// A failure of the first part must have ended the step before, too.
    fn check_exit_codes(&self, cut: usize) -> Result<(), String> {
        let (last, next) = (&self.elements[cut - 1], &self.elements[cut]);
        let ends = match next.join {
            Join::And => Some(next.item) == self.elements.last().map(|element| element.item),
            Join::Next => self.errexit && last.form == Form::Simple && last.join == Join::Next,
        };
        let whole = self.elements[self.setup..cut].iter().all(|element| element.form != Form::Compound);
        if ends && whole {
            return Ok(());
        }
        Err(format!("today it goes on where `{}` fails", shortened(&last.text)))
    }

    fn check_shell(&self, cut: usize) -> Result<(), String> {
        let stateful = self.elements[self.setup..cut].iter().find(|element| !element.is_self_contained());
        if let Some(element) = stateful {
            return Err(format!("`{}` leaves something in the shell for what follows", shortened(&element.text)));
        }
        let asking = self.elements[cut..].iter().find(|element| shell::asks_the_shell(&element.text));
        match asking {
            Some(element) => Err(format!("`{}` asks the shell about what ran before it", shortened(&element.text))),
            None => self.check_programs(cut),
        }
    }

    /// A shell remembers where it found a program. Where the first part installs it anew, another shell finds the new one.
    fn check_programs(&self, cut: usize) -> Result<(), String> {
        let end = self.elements[cut].range.start;
        let (before, after): (Vec<_>, Vec<_>) =
            self.run.commands.iter().partition(|command| command.command.range.start < end);
        let programs = before.iter().filter_map(|command| command.command.program());
        let again = programs.filter(|program| after.iter().any(|command| command.command.program() == Some(*program)));
        for program in again {
            let installs = before.iter().filter(|command| command.effect() == Effect::ContextFree);
            let mut words =
                installs.flat_map(|command| command.command.words.iter().skip(1)).filter_map(|word| word.literal());
            if words.any(|word| names(word, program)) {
                return Err(format!(
                    "its first part installs `{program}` anew, while the shell goes on with the one that it has found"
                ));
            }
        }
        Ok(())
    }

    /// Both parts get all mounts. What is written into one must not be needed from a layer: a builder that has the layer
    /// of the first part need not have what was in the mount when that ran.
    fn check_mounts(&self) -> Result<(), String> {
        for mount in &self.run.mounts {
            let kept = match mount.mount.kind {
                MountKind::Secret | MountKind::Ssh => true,
                MountKind::Bind => mount.mount.read_only,
                MountKind::Tmpfs => false,
                MountKind::Cache => mount.target.as_ref().is_some_and(|target| self.is_only_cache(target)),
            };
            if !kept {
                return Err("what one part writes into a mount, the other may not find".to_owned());
            }
        }
        Ok(())
    }

    /// Whether a mount keeps downloads that any command fetches again where it finds none, or is none of the first part's.
    fn is_only_cache(&self, target: &StagePath) -> bool {
        if self.run.commands.iter().any(|command| command.effect() == Effect::Download) {
            return false;
        }
        let mut caches = self.run.commands.iter().filter_map(|command| command.known.pack.cache.as_ref());
        let is_at = |directory: &String| StagePath::root().join(directory) == *target;
        if caches.any(|cache| cache.all_directories().any(is_at) && !cache.holds_outputs) {
            return true;
        }
        let start = &self.build.step(self.id).before.directory;
        let written = |command: &KnownCommand| {
            let closure = command.closure.iter().flat_map(|closure| &closure.writes);
            let mut places = closure.map(|write| command.place_of(&write.path));
            places.any(|place| place.is_none_or(|place| place.may_overlap(target)))
                || command.accesses.iter().any(|access| access.path.may_overlap(target))
        };
        start.as_str() != "/" && target.below(start).is_some() && !self.run.commands.iter().any(written)
    }

    /// What a container keeps to itself is gone after each step.
    fn check_writes(&self, cut: usize) -> Result<(), String> {
        const LOST: [&str; 6] = ["/dev", "/proc", "/sys", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname"];
        const DEVICES: [&str; 4] = ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"];
        let end = self.elements[cut].range.start;
        let before = self.run.commands.iter().filter(|command| command.command.range.start < end);
        for access in before.flat_map(|command| &command.accesses) {
            let writes = !matches!(access.access, Access::Read | Access::Project);
            let lost = LOST.iter().any(|place| access.path.below(&StagePath::root().join(place)).is_some());
            if writes && lost && !DEVICES.contains(&access.path.as_str()) {
                return Err(format!("what it writes to `{}` is there for this step only", access.path));
            }
            let start = &self.build.step(self.id).before.directory;
            let directories = self.run.commands.iter().filter_map(|command| command.directory.as_ref());
            let mut entered = directories.filter(|directory| *directory != start);
            let moved = access.access == Access::Remove || self.run.links().any(|link| *link == access.path);
            if moved && entered.any(|directory| directory.below(&access.path).is_some()) {
                return Err(format!("its first part removes `{}`, where the second runs", access.path));
            }
        }
        Ok(())
    }
}

/// Whether a word may name the program that is installed: `npm@10`, `pip`, for `pip3`, `python3-pip`.
fn names(word: &str, program: &str) -> bool {
    let name = word.split(['@', '=', '<', '>', '~', '[']).next().unwrap_or_default();
    !name.is_empty() && !name.starts_with('-') && (name.contains(program) || program.starts_with(name))
}
