//! What a step may do and see, as Docker's defaults have it: the facts of `rules/runtime/sandbox.toml`.

use std::sync::LazyLock;

use rustix::thread::CapabilitySet;
use serde::Deserialize;

/// `MOUNT_ATTR_…` of `linux/mount.h`.
pub(super) const READ_ONLY: u64 = 0x1;
pub(super) const NOSUID: u64 = 0x2;
pub(super) const NODEV: u64 = 0x4;
pub(super) const NOEXEC: u64 = 0x8;

/// The facts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Facts {
    capabilities: Vec<String>,
    paths: Paths,
}

/// Paths of `/proc` and `/sys` that a step does not see, or cannot change.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Paths {
    pub(super) masked: Vec<String>,
    pub(super) read_only: Vec<String>,
}

static FACTS: LazyLock<Facts> = LazyLock::new(|| {
    // A test reads the file, so it is never empty in a program that was tested.
    toml::from_str(include_str!("../../../rules/runtime/sandbox.toml"))
        .unwrap_or(Facts { capabilities: Vec::new(), paths: Paths { masked: Vec::new(), read_only: Vec::new() } })
});

/// Paths to hide and to protect.
pub(super) fn paths() -> &'static Paths {
    &FACTS.paths
}

/// The capabilities of a step run by root.
pub(super) fn capabilities() -> CapabilitySet {
    FACTS.capabilities.iter().filter_map(|name| CapabilitySet::from_name(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capabilities_are_those_of_docker() {
        assert_eq!(capabilities().bits(), 0xa804_25fb, "CapEff of a step of Docker 28.5");
        assert_eq!(FACTS.capabilities.len(), 14);
    }

    #[test]
    fn paths_are_absolute_and_of_the_kernel() {
        let kernel = |path: &String| path.starts_with("/proc/") || path.starts_with("/sys/");
        assert!(paths().masked.iter().chain(&paths().read_only).all(kernel));
        assert!(paths().masked.contains(&"/proc/kcore".to_owned()));
    }
}
