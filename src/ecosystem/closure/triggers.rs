//! Commands of other packs that an install runs by itself.

use super::super::site::Site;
use super::super::{Closure, Effect, Need};
use super::Build;

impl Build<'_> {
    /// Closures of other packs that this command runs.
    pub(super) fn triggers(&mut self) {
        if self.depth > 0 || self.found.effect() != Effect::Install {
            return;
        }
        let name = self.found.pack.name.get_ref();
        let catalog = self.catalog;
        for pack in catalog.packs_with_triggers() {
            for trigger in pack.triggers.iter().filter(|trigger| trigger.packs.contains(name)) {
                let holds = trigger.when.iter().any(|condition| self.holds(condition).is_some());
                if !holds || trigger.unless.iter().any(|condition| self.holds(condition).is_some()) {
                    continue;
                }
                let Some(spec) = pack.closure.get(trigger.closure.get_ref()) else { continue };
                let project = self.project.clone();
                let site = Site { directory: Some(&project), ..self.site };
                let mut build = Build::new(catalog, self.found, site, self.depth + 1);
                build.project.clone_from(&project);
                build.clean = false;
                build.fixed_reads(spec);
                build.follow_all(spec);
                build.outputs(spec);
                build.refusals(spec);
                let mut closure = build.finish();
                for read in &mut closure.reads {
                    read.reason.clone_from(&trigger.reason);
                    // It is the other program's own choice to run, and it puts up with what is not there.
                    read.need = Need::Optional;
                }
                self.merge(closure);
            }
        }
    }

    pub(super) fn merge(&mut self, other: Closure) {
        for read in other.reads {
            self.read(&read.path, read.directory, &read.reason);
            self.need(&read.path, read.need);
        }
        for write in other.writes {
            self.write(write.path, write.kind);
        }
        self.closure.variables.extend(other.variables);
        for missing in other.missing {
            self.missing(missing);
        }
        for refusal in other.refusals {
            self.add_refusal(refusal);
        }
    }
}
