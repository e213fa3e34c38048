//! The mounts of a `RUN`.

mod caches;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::BuildError;
use super::key::KeyBuilder;
use super::line::Line;
use super::named::Supply;
use super::plan;
use super::site::Site;
use super::stage::StageBuild;
use super::state::State;
use crate::context::{Destination, Filtered, Selector, path};
use crate::runtime::copy::{Placement, Placer, Selection, Target};
use crate::runtime::overlay::{self, Mounted};
use crate::runtime::sandbox::{MountKind, StepMount};
use crate::runtime::store::{CacheMount, SnapshotDraft};
use crate::runtime::tree::Tree;
use crate::syntax::{Mount, MountKind as Kind};
use crate::text::{Kilo, read_size};

/// A mount with its variables replaced.
pub(super) struct Mounting {
    mount: Mount,
    /// Absolute.
    target: String,
    /// What a bind mount, or a new cache, shows.
    files: Option<Files>,
}

/// Files of the context, a stage or an image.
struct Files {
    tree: Arc<Tree>,
    state: Option<Arc<State>>,
    /// The path in the tree, links followed.
    path: String,
    selection: Selection,
    /// The digest of all that is shown.
    digest: String,
}

/// What must stay while a command runs.
#[derive(Default)]
#[allow(dead_code, reason = "what is held is let go of when the command has ended")]
pub(super) struct Kept {
    trees: Vec<Mounted>,
    drafts: Vec<SnapshotDraft>,
    caches: Vec<CacheMount>,
}

impl Mounting {
    /// Adds what decides the result: what a bind mount shows; of all else only that it is there.
    pub(super) fn digest(&self, key: &mut KeyBuilder) {
        let mount = &self.mount;
        let kind = format!("{:?} {}", mount.kind, mount.read_only);
        key.texts(["mount", &kind, &self.target]);
        if mount.kind == Kind::Secret || mount.kind == Kind::Ssh {
            key.texts([mount.id.as_deref(), mount.env.as_deref()].map(Option::unwrap_or_default));
        }
        if let Some(files) = &self.files {
            key.text(&files.digest);
        }
    }
}

/// Reads the mounts of an instruction.
pub(super) fn prepare(build: &StageBuild<'_, '_>, line: &Line<'_>) -> Result<Vec<Mounting>, BuildError> {
    plan::mounts(line.instruction).map(|mount| prepared(build, line, mount)).collect()
}

fn prepared(build: &StageBuild<'_, '_>, line: &Line<'_>, mut mount: Mount) -> Result<Mounting, BuildError> {
    let state = &build.state;
    for value in [
        &mut mount.target,
        &mut mount.source,
        &mut mount.id,
        &mut mount.mode,
        &mut mount.uid,
        &mut mount.gid,
        &mut mount.size,
        &mut mount.env,
    ] {
        let Some(text) = value.take() else { continue };
        *value = Some(state.expand(line, &text)?);
    }
    let named = mount.target.clone().filter(|target| !target.is_empty());
    let target = match (mount.kind, named) {
        (_, Some(target)) => format!("/{}", path::clean(&state.absolute(&target))),
        (Kind::Secret, None) => format!("/run/secrets/{}", secret_id(&mount)),
        (Kind::Ssh, None) => "/run/buildkit/ssh_agent.0".to_owned(),
        (_, None) => return Err(line.error("a mount has no `target`")),
    };
    if target == "/" {
        return Err(line.error("a mount cannot take the place of `/`"));
    }
    let wants_files = mount.kind == Kind::Bind || (mount.kind == Kind::Cache && mount.from.is_some());
    let files = if wants_files { Some(files(build, line, &mount)?) } else { None };
    Ok(Mounting { mount, target, files })
}

fn files(build: &StageBuild<'_, '_>, line: &Line<'_>, mount: &Mount) -> Result<Files, BuildError> {
    let (supply, state) = build.supply(line, mount.from.as_deref())?;
    let Supply { tree, ignore, owners, called: place } = supply;
    let view = Filtered::new(tree.as_ref(), ignore.as_deref());
    let source = mount.source.as_deref().unwrap_or("/");
    let real = tree.resolve(source, true).map_err(|error| line.error(error))?;
    let missing = || line.error(format!("`{source}` does not exist in {place}, so it cannot be mounted"));
    if view.entry(&real).is_none() {
        return Err(missing());
    }
    // The path is plain: what it holds is not read as a pattern.
    let plain: String =
        real.chars().flat_map(|char| ['\\', char].into_iter().skip(usize::from(!is_special(char)))).collect();
    let selector = Selector::new(&[format!("/{plain}")], Destination::new("/", "/"));
    let selection = Selection::new(&tree, &view, &selector, false, &place).map_err(|error| line.error(error))?;
    let mut hash = blake3::Hasher::new();
    selection.digest(&tree, owners, &mut hash).map_err(|error| line.error(error))?;
    Ok(Files { tree, state, path: real, selection, digest: hash.finalize().to_hex().to_string() })
}

fn is_special(char: char) -> bool {
    matches!(char, '*' | '?' | '[' | '\\')
}

fn secret_id(mount: &Mount) -> String {
    let given = [&mount.id, &mount.source].into_iter().flatten().find(|id| !id.is_empty());
    given.cloned().unwrap_or_else(|| path::base(mount.target.as_deref().unwrap_or_default()).to_owned())
}

/// What the command gets: its mounts, the secrets in variables, and what must be kept until it ends.
type Opened = (Vec<StepMount>, Vec<(String, Vec<u8>)>, Kept);

/// Opens what the mounts show.
pub(super) fn open(mountings: &[Mounting], site: &Site<'_>, line: &Line<'_>) -> Result<Opened, BuildError> {
    let mut opened: Opened = Default::default();
    let caches = caches::open(mountings, site, line)?;
    for mounting in mountings {
        let kind = match mounting.mount.kind {
            Kind::Bind => Some(bind(mounting, site, line, &mut opened.2)?),
            Kind::Cache => Some(caches::shown(mounting, &caches, line)?),
            Kind::Tmpfs => Some(MountKind::Tmpfs {
                size: mounting.mount.size.as_deref().and_then(|size| read_size(size, Kilo::Binary)),
            }),
            Kind::Secret => secret(mounting, site, line, &mut opened.1)?,
            Kind::Ssh => ssh(mounting, site, line, &mut opened.1)?,
        };
        opened.0.extend(kind.map(|kind| StepMount { target: PathBuf::from(&mounting.target), kind }));
    }
    opened.2.caches.extend(caches.into_values());
    Ok(opened)
}

fn bind(mounting: &Mounting, site: &Site<'_>, line: &Line<'_>, kept: &mut Kept) -> Result<MountKind, BuildError> {
    let Some(files) = &mounting.files else { return Err(line.error("a mount shows nothing")) };
    let read_only = mounting.mount.read_only;
    let draft = site.store.new_snapshot(None)?;
    let Some(state) = &files.state else {
        // What the ignore file leaves out is not to be seen, and files of the context are root's: so they are copied.
        let source = copied(files, &draft, site, line)?;
        kept.drafts.push(draft);
        return Ok(MountKind::Bind { source, read_only });
    };
    let lowers = site.layers(state)?;
    let mounted = if read_only && !lowers.is_empty() {
        overlay::mount_read_only(&lowers, site.ids)
    } else {
        // What is written is thrown away.
        overlay::mount(&lowers, &draft.upper, &draft.work, site.ids)
    };
    let mounted = mounted.map_err(|error| line.error(error))?;
    let path = crate::runtime::tree::name::bytes(&files.path);
    let source = mounted.part(Path::new(OsStr::from_bytes(&path))).map_err(|error| line.error(error))?;
    kept.trees.push(mounted);
    kept.drafts.push(draft);
    Ok(MountKind::Tree { source: Arc::new(source), read_only })
}

/// The files of the context, copied to a folder of their own.
fn copied(files: &Files, draft: &SnapshotDraft, site: &Site<'_>, line: &Line<'_>) -> Result<PathBuf, BuildError> {
    let failed = |error| line.error(error);
    let mut target = Target::new(Tree::empty(), &draft.upper, site.store.owners()).map_err(failed)?;
    let is_file =
        files.selection.roots.first().is_some_and(|(root, _)| root.kind != crate::context::EntryKind::Directory);
    let destination = if is_file { "/file" } else { "/folder/" };
    let placement = Placement { destination: destination.to_owned(), owner: None, mode: None, parents: false };
    Placer::new(&files.tree, &mut target, &placement, false).place(&files.selection).map_err(failed)?;
    Ok(draft.upper.join(destination.trim_matches('/')))
}

fn number(text: Option<&str>, base: u32) -> u32 {
    text.and_then(|text| u32::from_str_radix(text, base).ok()).unwrap_or_default()
}

fn secret(
    mounting: &Mounting,
    site: &Site<'_>,
    line: &Line<'_>,
    variables: &mut Vec<(String, Vec<u8>)>,
) -> Result<Option<MountKind>, BuildError> {
    let mount = &mounting.mount;
    let id = secret_id(mount);
    let Some(content) = site.request.secrets.get(&id) else {
        if mount.required {
            let error = line.error(format!("the secret `{id}` was not given"));
            return Err(error.with_help(format!("pass `--secret id={id},src=FILE`")));
        }
        return Ok(None);
    };
    let content = content.read().map_err(|error| line.error(format!("the secret `{id}` cannot be read: {error}")))?;
    if let Some(name) = mount.env.as_ref().filter(|name| !name.is_empty()) {
        variables.push((name.clone(), content.clone()));
        if mount.target.as_deref().unwrap_or_default().is_empty() {
            return Ok(None);
        }
    }
    let mode = mount.mode.as_deref().map_or(0o400, |mode| number(Some(mode), 8));
    let (uid, gid) = (number(mount.uid.as_deref(), 10), number(mount.gid.as_deref(), 10));
    Ok(Some(MountKind::File { content, mode, uid, gid }))
}

fn ssh(
    mounting: &Mounting,
    site: &Site<'_>,
    line: &Line<'_>,
    variables: &mut Vec<(String, Vec<u8>)>,
) -> Result<Option<MountKind>, BuildError> {
    let mount = &mounting.mount;
    let id = mount.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| "default".to_owned());
    let Some(source) = site.request.ssh.get(&id) else {
        if mount.required {
            let error = line.error(format!("no SSH agent `{id}` was given"));
            return Err(error.with_help(format!("pass `--ssh {id}`, with `SSH_AUTH_SOCK` set, or `--ssh {id}=SOCKET`")));
        }
        return Ok(None);
    };
    variables.push(("SSH_AUTH_SOCK".to_owned(), mounting.target.clone().into_bytes()));
    Ok(Some(MountKind::Socket { source: source.clone() }))
}
