//! The cache mounts of a `RUN`: one folder for each id, locked in one order.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::{Mounting, number};
use crate::runtime::build::BuildError;
use crate::runtime::build::line::Line;
use crate::runtime::build::site::Site;
use crate::runtime::copy::{Placement, Placer, Target};
use crate::runtime::sandbox::MountKind;
use crate::runtime::store::{CacheMount, Sharing};
use crate::runtime::tree::Tree;
use crate::syntax::{MountKind as Kind, Sharing as Shared};

/// Between two looks whether a folder is free.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes the folders of all cache mounts, by id. An id that several mounts have is one folder, shared as the strictest
/// of them says. Every build takes them in the order of their ids, so none waits for another that waits for it.
pub(super) fn open(
    mountings: &[Mounting],
    site: &Site<'_>,
    line: &Line<'_>,
) -> Result<BTreeMap<String, CacheMount>, BuildError> {
    let mut wanted: BTreeMap<String, (Sharing, &Mounting)> = BTreeMap::new();
    for mounting in mountings.iter().filter(|mounting| mounting.mount.kind == Kind::Cache) {
        let sharing = sharing(mounting);
        let known = wanted.entry(id(mounting)).or_insert((sharing, mounting));
        known.0 = known.0.max(sharing);
    }
    let mut taken = BTreeMap::new();
    for (id, (sharing, mounting)) in wanted {
        let folder = take(&id, sharing, mounting, site, line)?;
        taken.insert(id, folder);
    }
    Ok(taken)
}

/// What a cache mount shows.
pub(super) fn shown(
    mounting: &Mounting,
    taken: &BTreeMap<String, CacheMount>,
    line: &Line<'_>,
) -> Result<MountKind, BuildError> {
    let folder = taken.get(&id(mounting)).ok_or_else(|| line.error("a cache mount has no folder"))?;
    Ok(MountKind::Bind { source: folder.path.clone(), read_only: mounting.mount.read_only })
}

/// Waits for the folder, but not longer than the build goes on.
fn take(
    id: &str,
    sharing: Sharing,
    mounting: &Mounting,
    site: &Site<'_>,
    line: &Line<'_>,
) -> Result<CacheMount, BuildError> {
    loop {
        if let Some(folder) = site.store.mount_dir(id, sharing, &|folder| fill(folder, mounting, site, line))? {
            return Ok(folder);
        }
        site.check()?;
        thread::sleep(PAUSE);
    }
}

/// The first content, owner and mode of a new cache.
fn fill(folder: &Path, mounting: &Mounting, site: &Site<'_>, line: &Line<'_>) -> Result<(), BuildError> {
    let mount = &mounting.mount;
    let failed = |error| line.error(error);
    let mut target = Target::new(Tree::empty(), folder, site.store.owners()).map_err(failed)?;
    if let Some(files) = &mounting.files {
        let placement = Placement { destination: "/".to_owned(), owner: None, mode: None, parents: false };
        Placer::new(&files.tree, &mut target, &placement, true).place(&files.selection).map_err(failed)?;
    }
    let owner = (number(mount.uid.as_deref(), 10), number(mount.gid.as_deref(), 10));
    let mode = mount.mode.as_deref().map_or(0o755, |mode| number(Some(mode), 8));
    let set = target.set_owner("", owner, rustix::fs::FileType::Directory).and_then(|()| target.set_mode("", mode));
    set.map_err(failed)
}

/// What tells caches apart: the id, and what a new one begins with. With another owner or mode, or other files in it, it is
/// another one, as for `BuildKit`.
fn id(mounting: &Mounting) -> String {
    let mount = &mounting.mount;
    let mut id = mount.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| mounting.target.clone());
    if mount.uid.is_some() || mount.gid.is_some() || mount.mode.is_some() {
        let (owner, group) = (number(mount.uid.as_deref(), 10), number(mount.gid.as_deref(), 10));
        let mode = mount.mode.as_deref().map_or(0o755, |mode| number(Some(mode), 8));
        id = format!("{id}\0{owner}:{group} {mode:o}");
    }
    match &mounting.files {
        Some(files) => format!("{id}\0{}", files.digest),
        None => id,
    }
}

fn sharing(mounting: &Mounting) -> Sharing {
    match mounting.mount.sharing {
        Shared::Shared => Sharing::Shared,
        Shared::Private => Sharing::Private,
        Shared::Locked => Sharing::Locked,
    }
}
