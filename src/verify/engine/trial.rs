//! Images run by the embedded runtime.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::EngineError;
use super::program::last_words;
use crate::runtime::container::{Container, ContainerError, HealthCheck, Wishes};
use crate::runtime::image::Descriptor;
use crate::runtime::namespace::Ids;
use crate::runtime::sandbox::{Door, Network, Sandbox, SandboxError};
use crate::runtime::store::Store;
use crate::verify::smoke::{Fate, Ran};

/// Until the first check of a started image, and between two checks at most.
const FIRST: Duration = Duration::from_millis(200);
const BETWEEN: Duration = Duration::from_secs(1);

/// Bytes of output that are kept.
const KEPT: usize = 16 * 1024;

/// The host name: the same for every image.
const HOSTNAME: &str = "layerwise";

/// Starts an image without a network and watches it until its health check passes, it exits, or the time is over.
pub(super) fn run(store: &Store, ids: &Ids, image: &Descriptor, limit: Duration) -> Result<Ran, EngineError> {
    let unusable =
        |error: &dyn std::fmt::Display| EngineError::Unusable(format!("the image cannot be started: {error}"));
    let wishes = Wishes { hostname: HOSTNAME.to_owned(), network: Network::None, ..Wishes::default() };
    let container = match Container::create(store, ids, image, wishes) {
        Ok(container) => container,
        Err(ContainerError::NoCommand) => {
            return Ok(Ran { fate: Fate::NoCommand, seconds: 0.0, output: String::new() });
        }
        Err(ContainerError::NoUser(reason)) => {
            return Ok(Ran { fate: Fate::NotStarted(126), seconds: 0.0, output: reason });
        }
        Err(error) => return Err(unusable(&error)),
    };
    let sandbox = Sandbox::start(ids).map_err(|error| unusable(&error))?;
    watch(&container, &sandbox, limit).map_err(|error| unusable(&error))
}

fn watch(container: &Container, sandbox: &Sandbox, limit: Duration) -> Result<Ran, SandboxError> {
    let begun = Instant::now();
    let started = container.start(sandbox)?;
    let door = started.door().map_err(|source| SandboxError::System { what: "cannot watch the container", source })?;
    let check = container.health_check();
    let (tell, ended) = mpsc::channel();
    let mut printed = Vec::new();
    let (seen, exit) = thread::scope(|scope| {
        let printed = &mut printed;
        let waiting = scope.spawn(move || {
            let exit = started.finish(&mut |_, bytes| {
                printed.extend_from_slice(bytes);
                let old = printed.len().saturating_sub(KEPT);
                printed.drain(..old);
            });
            // Nobody listens where it was killed.
            let _ = tell.send(());
            exit
        });
        let seen = watched(container, sandbox, (&door, check.as_ref()), &ended, begun + limit);
        door.kill();
        (seen, waiting.join().unwrap_or(Err(SandboxError::Stopped)))
    });
    let seconds = begun.elapsed().as_secs_f64();
    let fate = match seen {
        Some(fate) => fate,
        None => Fate::of_exit(exit?.code()),
    };
    let output = last_words(String::from_utf8_lossy(&printed).lines());
    Ok(Ran { fate, seconds, output })
}

/// What becomes of a container that runs; `None` where it ended by itself.
fn watched(
    container: &Container,
    sandbox: &Sandbox,
    (door, check): (&Door, Option<&HealthCheck>),
    ended: &mpsc::Receiver<()>,
    end: Instant,
) -> Option<Fate> {
    let mut pause = FIRST;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let wait = if check.is_some() { pause.min(left) } else { left };
        if !matches!(ended.recv_timeout(wait), Err(RecvTimeoutError::Timeout)) {
            return None;
        }
        let left = end.saturating_duration_since(Instant::now());
        let Some(check) = check else {
            return Some(Fate::Running);
        };
        if left.is_zero() {
            return Some(Fate::Unhealthy);
        }
        let asked = container.visit(sandbox, door, &check.arguments, check.timeout.min(left), &mut |_, _| {});
        if asked.is_ok_and(|exit| exit.success()) {
            return Some(Fate::Healthy);
        }
        pause = check.interval.min(BETWEEN);
    }
}
