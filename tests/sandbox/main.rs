//! Steps in the sandbox, as root, as a user with subordinate ids and as a user with one id.
//!
//! This test has no harness: a namespace is entered by a process of one thread, so every case is a process of its own,
//! this program again. `cargo test --test sandbox -- FILTER` runs some; a case that the machine cannot run says
//! `skipped: reason`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on says where it stands")]
#![allow(missing_docs, reason = "a test program")]

#[cfg(all(feature = "runtime", target_os = "linux"))]
mod linux;

#[cfg(all(feature = "runtime", target_os = "linux"))]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(all(feature = "runtime", target_os = "linux")))]
fn main() {
    println!("skipped: there is a sandbox on Linux only, with the feature `runtime`");
}
