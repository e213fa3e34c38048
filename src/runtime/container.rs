//! Containers: an image's own command as a step of the sandbox, on files of its own.
//!
//! [`Container::create`] lays the files out, [`Container::start`] starts the command; what runs is a [`Started`], and
//! [`Container::visit`] runs further commands beside it. What the container writes goes with it. Volumes that the image
//! declares are folders of that tree, which begin with what the image has there, as anonymous volumes of Docker do.

mod health;

use std::path::PathBuf;
use std::time::Duration;

pub use health::HealthCheck;

use super::image::{ContainerConfig, Descriptor};
use super::namespace::Ids;
use super::overlay::{self, MountError, Mounted};
use super::sandbox::{
    Door, Exit, Limits, Network, Sandbox, SandboxError, Security, Started, Step, StepMount, Stream, User, Visit,
};
use super::store::{SnapshotDraft, Store, StoreError};
use super::tree::Tree;
use super::user::{Account, Users};

/// The search path of images that set none.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is wanted of a container beyond what its image says.
#[derive(Debug, Default)]
pub struct Wishes {
    /// The host name.
    pub hostname: String,
    /// What it sees of the network.
    pub network: Network,
    /// What appears in its tree: volumes, files, directories in memory.
    pub mounts: Vec<StepMount>,
    /// What it may use.
    pub limits: Limits,
    /// When to kill it.
    pub timeout: Option<Duration>,
}

/// Why there is no container.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The image has neither `ENTRYPOINT` nor `CMD`.
    #[error("the image has no command: neither ENTRYPOINT nor CMD")]
    NoCommand,
    /// Its `USER` is not among its users.
    #[error("{0}")]
    NoUser(String),
    /// Its files cannot be read.
    #[error("the files of the image cannot be read: {0}")]
    Files(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The mount.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The sandbox.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// An image laid out to be run once.
#[derive(Debug)]
pub struct Container {
    config: ContainerConfig,
    account: Account,
    wishes: Wishes,
    mounted: Mounted,
    /// The folder that is written to, gone with the container.
    _files: SnapshotDraft,
}

impl Container {
    /// Lays out the files of an image in the store.
    ///
    /// # Errors
    /// [`ContainerError`]; nothing was started then.
    pub fn create(store: &Store, ids: &Ids, image: &Descriptor, wishes: Wishes) -> Result<Self, ContainerError> {
        let (manifest, image) = store.manifest(image)?;
        let config = image.config.clone();
        if words(&config).is_empty() {
            return Err(ContainerError::NoCommand);
        }
        let below = store.ensure_unpacked(&image, &manifest)?;
        let files = store.new_snapshot(below.last())?;
        let layers: Vec<PathBuf> = below.into_iter().map(|snapshot| snapshot.path).collect();
        let tree = Tree::stacked(layers.iter().rev(), store.owners());
        let tree = tree.map_err(|error| ContainerError::Files(error.to_string()))?;
        let account = Users::read(&tree).account(&config.user).map_err(ContainerError::NoUser)?;
        let mounted = overlay::mount(&layers, &files.upper, &files.work, ids)?;
        Ok(Self { config, account, wishes, mounted, _files: files })
    }

    /// Starts the image's command.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub fn start(&self, sandbox: &Sandbox) -> Result<Started, SandboxError> {
        sandbox.begin(&Step {
            root: self.mounted.root(),
            arguments: words(&self.config),
            environment: self.environment(),
            directory: self.directory(),
            user: User { uid: self.account.user, gid: self.account.group, groups: self.account.groups.clone() },
            mounts: self.wishes.mounts.clone(),
            network: self.wishes.network,
            hostname: self.wishes.hostname.clone(),
            extra_hosts: Vec::new(),
            limits: self.wishes.limits.clone(),
            timeout: self.wishes.timeout,
            security: Security::Default,
            traced: false,
        })
    }

    /// Runs a command in the started container, as its user and with its variables.
    ///
    /// # Errors
    /// See [`Sandbox::visit`].
    pub fn visit(
        &self,
        sandbox: &Sandbox,
        door: &Door,
        arguments: &[String],
        timeout: Duration,
        sink: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Exit, SandboxError> {
        let visit = Visit {
            arguments: arguments.iter().map(|word| word.clone().into_bytes()).collect(),
            environment: self.environment(),
            directory: self.directory(),
            timeout: Some(timeout),
        };
        sandbox.visit(door, &visit, sink)
    }

    /// How the image asks whether a container is well.
    pub fn health_check(&self) -> Option<HealthCheck> {
        HealthCheck::of(&self.config)
    }

    fn directory(&self) -> PathBuf {
        PathBuf::from(if self.config.working_dir.is_empty() { "/" } else { &self.config.working_dir })
    }

    /// The image's variables, and those that Docker adds.
    fn environment(&self) -> Vec<Vec<u8>> {
        let own = &self.config.env;
        let is_set = |name: &str| own.iter().any(|pair| pair.split('=').next() == Some(name));
        let added = [
            ("PATH", PATH.to_owned()),
            ("HOSTNAME", format!("HOSTNAME={}", self.wishes.hostname)),
            ("HOME", format!("HOME={}", self.account.home)),
        ];
        let added = added.into_iter().filter(|(name, _)| !is_set(name)).map(|(_, pair)| pair);
        own.iter().cloned().chain(added).map(String::into_bytes).collect()
    }
}

/// The command of an image: its entry point, then its `CMD`.
fn words(config: &ContainerConfig) -> Vec<Vec<u8>> {
    let words = config.entrypoint.iter().chain(&config.cmd).flatten();
    words.map(|word| word.clone().into_bytes()).collect()
}
