//! What each builder puts into a step's cache key.

/// A builder whose cache can be simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Builder {
    /// `BuildKit`, the default builder of Docker since 23.0.
    #[default]
    BuildKit,
}

impl Builder {
    /// The name in configuration and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuildKit => "buildkit",
        }
    }

    /// What its cache keys hold.
    pub const fn profile(self) -> Profile {
        match self {
            Self::BuildKit => BUILDKIT,
        }
    }
}

/// What is in the cache key of a builder's steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The builder.
    pub builder: Builder,
    /// Whether image configuration (`LABEL`, `CMD`, …) is part of the key of every later step.
    pub metadata_keys: bool,
    /// Whether `COPY --link` has a key of its own, free of the steps before it.
    pub link: bool,
    /// Whether a read-only bind mount is part of the key by its content.
    pub bind_mount_content: bool,
}

/// `BuildKit`'s solver: `solver/llbsolver/ops/{exec,file}.go` and
/// `frontend/dockerfile/dockerfile2llb/convert_copy.go` in <https://github.com/moby/buildkit>.
const BUILDKIT: Profile =
    Profile { builder: Builder::BuildKit, metadata_keys: false, link: true, bind_mount_content: true };
