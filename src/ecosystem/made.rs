//! Files that commands make of a part of the project only.

use super::catalog::Catalog;
use super::closure::Build;
use super::recognition::Match;
use super::site::Site;
use super::{Closure, pattern::name_matches};

/// A file that a command makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Its path as the command gives it: absolute or relative to the working directory.
    pub path: String,
    /// What alone its content depends on; without refusals.
    pub closure: Closure,
}

impl Catalog {
    /// The file that the command makes of less than it reads, where its name and all that it depends on are known.
    pub fn made(&self, found: &Match, site: &Site) -> Option<Made> {
        let makes = found.spec().makes.as_ref()?;
        if !found.unknown.is_empty() || !options_without_set(found).is_empty() {
            return None;
        }
        let named = found.options.iter().rfind(|option| makes.options.contains(&option.name));
        let path = match named {
            Some(option) => option.value.clone()?,
            None => makes.file.clone()?,
        };
        let spec = found.pack.closure.get(makes.closure.get_ref())?;
        let closure = Build::new(self, found, *site, 0).alone(spec);
        closure.refusals.is_empty().then_some(Made { path, closure })
    }
}

/// The options of a command of which the sets of its entry say nothing.
pub(super) fn options_without_set(known: &Match) -> Vec<String> {
    let spec = known.spec();
    let sets = || spec.options.iter().filter_map(|name| known.pack.options.get(name.get_ref()));
    let is_known = |option: &str| sets().any(|set| set.names().any(|name| name_matches(name, option)));
    known.options.iter().map(|option| option.name.clone()).filter(|name| !is_known(name)).collect()
}
