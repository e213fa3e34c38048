//! Verification: wrong rewrites are caught, each by the check that is named; right ones are proven.
//!
//! `wrong.toml` holds rewrites with what two builds of them leave: the comparison sees them as made-up trees. Where an engine
//! is at hand, the same files are built for good: `LAYERWISE_TEST_ENGINE` is the command, `LAYERWISE_TEST_ENGINE_NAME` what
//! it is (`docker` unless given, `buildkit`, `podman`, `buildah`), and `LAYERWISE_TEST_ENGINE_OPTIONS` are options of each
//! build, separated by blanks. `FROM busybox` must work.

mod engines;
mod faults;
mod live;
mod made_up;
mod program;
mod smoke;
mod traced;
