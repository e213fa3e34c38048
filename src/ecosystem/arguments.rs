//! Names of build arguments that tell how often their value changes.

use std::sync::LazyLock;

use serde::Deserialize;

use super::facts::facts;
use super::pattern::name_matches;

static NAMES: LazyLock<Vec<Names>> =
    LazyLock::new(|| facts!("arguments").map(|table: Table| table.arguments).unwrap_or_default());

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    arguments: Vec<Names>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    names: Vec<String>,
    volatility: Volatility,
}

/// How often the value of a build argument changes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Volatility {
    /// With every build: a date, a build number.
    EveryBuild,
    /// With every commit: a commit's id, a branch's head.
    EveryCommit,
    /// With every release, or from one branch to another.
    Often,
}

/// What the name of a build argument tells of its value; `None` where it tells nothing.
pub fn argument_volatility(name: &str) -> Option<Volatility> {
    let upper = name.to_ascii_uppercase();
    let known = NAMES.iter().find(|known| known.names.iter().any(|pattern| name_matches(pattern, &upper)))?;
    Some(known.volatility)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells() {
        assert_eq!(argument_volatility("BUILD_DATE"), Some(Volatility::EveryBuild));
        assert_eq!(argument_volatility("git_sha"), Some(Volatility::EveryCommit));
        assert_eq!(argument_volatility("NODE_VERSION"), None);
        assert_eq!(argument_volatility("VERSION"), Some(Volatility::Often));
    }
}
