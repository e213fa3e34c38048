//! Warm-ups: earlier steps that only fill a cache, so that a later command finds its downloads there.

use super::catalog::Catalog;
use super::closure::{Build, found_spec};
use super::recognition::{Match, Recognition};
use super::site::Site;
use super::{Closure, Effect};

/// A step that may be inserted before a command without changing what that command makes.
#[derive(Clone, Debug, PartialEq)]
pub struct WarmUp {
    /// The command line, with the options of the later command that it needs.
    pub run: String,
    /// What it reads. With refusals in it, the step must not be inserted.
    pub closure: Closure,
    /// Absolute directories that it fills.
    pub fills: Vec<String>,
    /// Variables that, set before the later command, must stand before this one too.
    pub carry_environment: Vec<String>,
}

impl Catalog {
    /// The warm-up that the pack knows for the command in the project at `site`.
    pub fn warm_up(&self, recognition: &Recognition, site: &Site) -> Option<WarmUp> {
        let found = self.resolve(recognition, site)?;
        let warm_up = found.pack.warm_up.iter().find(|warm_up| warm_up.before.contains(&found.title))?;
        let spec = found.pack.closure.get(warm_up.closure.get_ref())?;
        let mut run = warm_up.run.clone();
        for option in found.options.iter().filter(|option| warm_up.carry.contains(&option.name)) {
            run.push(' ');
            run.push_str(&option.name);
            if let Some(value) = &option.value {
                run.push('=');
                run.push_str(value);
            }
        }
        let download =
            Match { arguments: Vec::new(), paths: project_paths(found), unknown: Vec::new(), ..found.clone() };
        let closure = Build::new(self, &download, *site, 0).warm(spec);
        Some(WarmUp {
            run,
            closure,
            fills: warm_up.fills.clone(),
            carry_environment: warm_up.carry_environment.clone(),
        })
    }

    /// Whether the command only downloads: it is a warm-up itself.
    pub fn is_download(&self, found: &Match) -> bool {
        found.effect() == Effect::Download && found_spec(found).outputs.is_empty()
    }
}

/// The directory that an option makes the command work in, without the other paths.
fn project_paths(found: &Match) -> Vec<super::recognition::PathArgument> {
    let directories = found.paths.iter().filter(|path| path.access == super::recognition::Access::Project);
    directories.cloned().collect()
}
