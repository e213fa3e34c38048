//! Builds that go wrong from outside: killed at any moment, on a full disk, with connections that break off, with damaged
//! blobs, with another build at the same work, without their base. Afterwards the store is sound and the next build makes
//! what an undisturbed one makes.
//!
//! The gate runs a few rounds of each. `LAYERWISE_FAULTS=100 cargo test --test faults -- --nocapture` runs so many, also
//! as other users where root may become them; `LAYERWISE_FAULTS_SEED` repeats the rounds of a number that a run printed;
//! `LAYERWISE_FAULTS_IMAGE=127.0.0.1:5000/library/busybox` takes the bytes of blobs from a real registry;
//! `LAYERWISE_FAULTS_PROGRAM` is another program than the one that was built with the tests.
#![cfg(all(feature = "runtime", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on says where it stands")]
#![allow(missing_docs, reason = "a test program")]

mod base;
mod chance;
mod connections;
mod damage;
mod disk;
mod kills;
mod line;
mod processes;
mod registry;
mod together;
mod world;
