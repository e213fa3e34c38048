//! What each builder puts into a step's cache key.

/// A builder whose cache can be simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Builder {
    /// `BuildKit`, the default builder of Docker since 23.0.
    #[default]
    BuildKit,
    /// Docker's builder before `BuildKit`, with `DOCKER_BUILDKIT=0`.
    Legacy,
    /// `buildah build --layers` and `podman build`.
    Buildah,
    /// kaniko with `--cache`; no longer developed.
    Kaniko,
}

impl Builder {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BuildKit, Self::Legacy, Self::Buildah, Self::Kaniko];

    /// The name in configuration and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuildKit => "buildkit",
            Self::Legacy => "legacy",
            Self::Buildah => "buildah",
            Self::Kaniko => "kaniko",
        }
    }

    /// The name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BuildKit => "BuildKit",
            Self::Legacy => "Docker's legacy builder",
            Self::Buildah => "buildah",
            Self::Kaniko => "kaniko",
        }
    }

    /// What its cache keys hold.
    pub const fn profile(self) -> Profile {
        match self {
            Self::BuildKit => BUILDKIT,
            Self::Legacy => LEGACY,
            Self::Buildah => BUILDAH,
            Self::Kaniko => KANIKO,
        }
    }
}

/// How the text of an instruction that runs nothing stands in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyText {
    /// As written: a build argument in it may change unnoticed.
    Written,
    /// With the values of its variables.
    Expanded,
}

/// What is in the cache key of a builder's steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own that a builder may have")]
pub struct Profile {
    /// The builder.
    pub builder: Builder,
    /// Whether image configuration (`LABEL`, `ENV`, `ARG`, `CMD`, …) is part of the key of every later step, and how.
    pub metadata: Option<KeyText>,
    /// How the arguments of `COPY`, `ADD` and `WORKDIR` stand in their keys.
    pub paths: KeyText,
    /// Whether `COPY --link` has a key of its own, free of the steps before it.
    pub link: bool,
    /// Whether a read-only bind mount is part of the key by its content.
    pub bind_mount_content: bool,
    /// Whether the results of `COPY`, `ADD` and `WORKDIR` are kept: where they are not, these steps run at every build,
    /// and their keys still count for the steps below.
    pub keeps_files: bool,
    /// Whether the declaration of a build argument has its default in its key.
    pub argument_default: bool,
}

impl Profile {
    /// Whether image configuration is part of the key of every later step.
    pub const fn metadata_keys(&self) -> bool {
        self.metadata.is_some()
    }
}

/// `BuildKit`'s solver: `solver/llbsolver/ops/{exec,file}.go` and
/// `frontend/dockerfile/dockerfile2llb/convert_copy.go` in <https://github.com/moby/buildkit>.
const BUILDKIT: Profile = Profile {
    builder: Builder::BuildKit,
    metadata: None,
    paths: KeyText::Expanded,
    link: true,
    bind_mount_content: true,
    keeps_files: true,
    argument_default: false,
};

/// The image before the step and the whole configuration of its container: `builder/dockerfile/` and
/// `image/cache/compare.go` in <https://github.com/moby/moby>.
const LEGACY: Profile = Profile {
    builder: Builder::Legacy,
    metadata: Some(KeyText::Expanded),
    paths: KeyText::Expanded,
    link: false,
    bind_mount_content: false,
    keeps_files: true,
    argument_default: true,
};

/// The history of the image, where most instructions stand as written: `getCreatedBy` of
/// `imagebuildah/stage_executor.go` in <https://github.com/containers/buildah>, from version 1.42. Bind mounts of the
/// context are keyed by content since 1.39.
const BUILDAH: Profile = Profile {
    builder: Builder::Buildah,
    metadata: Some(KeyText::Written),
    paths: KeyText::Written,
    link: false,
    bind_mount_content: true,
    keeps_files: true,
    argument_default: false,
};

/// All instructions since the base image as written, variables for `RUN` only: `populateCompositeKey` and `optimize` of
/// `pkg/executor/build.go` in <https://github.com/GoogleContainerTools/kaniko>, with the defaults
/// `--cache-copy-layers=false` and `--cache-run-layers=true`.
const KANIKO: Profile = Profile {
    builder: Builder::Kaniko,
    metadata: Some(KeyText::Written),
    paths: KeyText::Written,
    link: false,
    bind_mount_content: false,
    keeps_files: false,
    argument_default: true,
};
