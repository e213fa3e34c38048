//! Unpacks a layer's tar into a folder of the overlay form.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, XattrFlags};
use rustix::io::Errno;

use super::attributes::{copy_folder_metadata, path_at, set_attributes, set_owner, set_owner_at, times};
use super::below::{Found, Merged};
use super::node::{Node, create_file, replace};
use super::same::copy_up;
use super::space::Space;
use super::tar_entry::{Entry, Kind, normalize};
use super::tar_reader::TarReader;
use super::tree::{Tree, is_whiteout, kind_of, remove_at, stat_at};
use super::{LayerError, Owners, shown};

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Entries of the tar.
    pub entries: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// Device nodes that a user namespace cannot make, and that are left out.
    pub skipped_devices: u64,
}

/// Gives the layers below, lowest first, once they are there; none where one of them failed. It is asked only where the
/// tar needs them: for folders that it does not describe, and links to files of lower layers.
pub type Below<'a> = dyn Fn() -> Option<Vec<PathBuf>> + 'a;

/// Unpacks `tar` into the empty folder `into`, which lies on the layers `below`, lowest first.
pub fn unpack(tar: impl Read, into: &Path, below: &[&Path], owners: Owners) -> Result<Unpacked, LayerError> {
    let below: Vec<PathBuf> = below.iter().map(|path| path.to_path_buf()).collect();
    unpack_waiting(tar, into, &|| Some(below.clone()), owners)
}

/// The same while the layers below are still being unpacked.
pub fn unpack_waiting(tar: impl Read, into: &Path, below: &Below<'_>, owners: Owners) -> Result<Unpacked, LayerError> {
    let tree = Tree::open(into).map_err(|source| LayerError::Disk { path: into.display().to_string(), source })?;
    let places = Places { tree, below, merged: None, owners };
    let mut unpacker = Unpacker {
        places,
        tar: TarReader::new(tar),
        space: Space::new(into.to_owned()),
        folders: Vec::new(),
        buffer: vec![0; 256 << 10],
        done: Unpacked::default(),
    };
    unpacker.run()?;
    Ok(unpacker.done)
}

struct Unpacker<'a, R> {
    places: Places<'a>,
    tar: TarReader<R>,
    space: Space,
    /// What folders get at the end: writing into one changes its time, and needs its permission.
    folders: Vec<(PathBuf, u32, (i64, u32))>,
    buffer: Vec<u8>,
    done: Unpacked,
}

/// The folder, and what lies below it.
struct Places<'a> {
    tree: Tree,
    below: &'a Below<'a>,
    merged: Option<Merged>,
    owners: Owners,
}

impl Places<'_> {
    fn merged(&mut self) -> Result<&Merged, LayerError> {
        let merged = match self.merged.take() {
            Some(merged) => merged,
            None => Merged::roots(&(self.below)().ok_or(LayerError::Below)?, self.owners),
        };
        Ok(self.merged.insert(merged))
    }

    /// The folder that holds `path`, and the name in it. Folders that the tar leaves out are as below.
    fn parent(&mut self, path: &Path) -> Result<(BorrowedFd<'_>, std::ffi::OsString), LayerError> {
        let (below, owners) = (self.below, self.owners);
        let mut describe = |made: &Path, folder: BorrowedFd<'_>| {
            // What is copied from below never leads out: the path is looked up without following links.
            let layers = below().ok_or(io::ErrorKind::NotFound)?;
            match Merged::roots(&layers, owners).find(made)? {
                Found::Folder { path, .. } => copy_folder_metadata(&path, folder, owners),
                _ => Ok(()),
            }
        };
        self.tree.parent(path, &mut describe).map_err(|source| disk(path, source))
    }
}

impl<R: Read> Unpacker<'_, R> {
    fn run(&mut self) -> Result<(), LayerError> {
        let mut root_described = false;
        while let Some(entry) = self.tar.next()? {
            self.done.entries += 1;
            let path = normalize(&entry.name)?;
            if path.as_os_str().is_empty() {
                root_described |= self.root(&entry)?;
                continue;
            }
            self.entry(&path, &entry)?;
        }
        self.finish_folders()?;
        let owners = self.places.owners;
        if !root_described && let Some(top) = self.places.merged()?.top() {
            let top = top.to_owned();
            copy_folder_metadata(&top, self.places.tree.root(), owners)
                .map_err(|source| disk(Path::new("/"), source))?;
        }
        Ok(())
    }

    /// The root of the layer; anything but a folder is ignored there.
    fn root(&mut self, entry: &Entry) -> Result<bool, LayerError> {
        if entry.kind != Kind::Folder {
            return Ok(false);
        }
        let root = self.places.tree.root().try_clone_to_owned().map_err(|source| disk(Path::new("/"), source))?;
        self.describe_folder(&root, Path::new(""), entry)?;
        Ok(true)
    }

    fn entry(&mut self, path: &Path, entry: &Entry) -> Result<(), LayerError> {
        let name = path.file_name().unwrap_or_default().as_bytes();
        if let Some(hidden) = name.strip_prefix(b".wh.") {
            return self.whiteout(path, hidden, entry);
        }
        let on_disk = |error: Errno| disk(path, error.into());
        match entry.kind {
            Kind::Folder => return self.folder(path, entry),
            Kind::Hardlink => return self.hardlink(path, entry),
            _ => {}
        }
        let owners = self.places.owners;
        let (folder, name) = self.places.parent(path)?;
        match entry.kind {
            Kind::File => {
                let made = create_file(folder, &name).map_err(on_disk)?;
                // The folder's descriptor is not needed any more: content is written by the file's own.
                return self.file(made, path, entry);
            }
            Kind::Symlink => {
                let target = OsStr::from_bytes(&entry.link);
                replace(folder, &name, |folder, name| rustix::fs::symlinkat(target, folder, name)).map_err(on_disk)?;
            }
            _ => {
                let node = Node::of(entry);
                match replace(folder, &name, |folder, name| node.make(folder, name, entry.mode)) {
                    Err(Errno::PERM) if node.is_device() && owners != Owners::Kept => {
                        self.done.skipped_devices += 1;
                        return Ok(());
                    }
                    other => other.map_err(on_disk)?,
                }
            }
        }
        set_owner_at(folder, &name, owners, entry.uid, entry.gid).map_err(|error| unowned(path, entry, error))?;
        if entry.kind != Kind::Symlink {
            rustix::fs::chmodat(folder, &name, Mode::from_raw_mode(entry.mode), AtFlags::empty()).map_err(on_disk)?;
        }
        let place = path_at(folder, &name);
        let set = |key: &OsStr, value: &[u8]| rustix::fs::lsetxattr(&place, key, value, XattrFlags::empty());
        set_attributes(&entry.attributes, set).map_err(on_disk)?;
        rustix::fs::utimensat(folder, &name, &times(entry.modified), AtFlags::SYMLINK_NOFOLLOW).map_err(on_disk)
    }

    fn file(&mut self, made: OwnedFd, path: &Path, entry: &Entry) -> Result<(), LayerError> {
        if entry.sparse.is_some() {
            let what = "a sparse file".to_owned();
            return Err(LayerError::Unsupported { path: shown(&entry.name), what });
        }
        let mut file = File::from(made);
        loop {
            let count = self.tar.read(&mut self.buffer).map_err(|error| in_entry(error, &entry.name))?;
            if count == 0 {
                break;
            }
            self.space.take(count as u64, &file)?;
            file.write_all(&self.buffer[..count]).map_err(|source| disk(path, source))?;
            self.done.bytes += count as u64;
        }
        let on_disk = |error: Errno| disk(path, error.into());
        // The owner first: giving a file away clears its setuid bit and capabilities. The time last: all else sets it.
        set_owner(file.as_fd(), self.places.owners, entry.uid, entry.gid)
            .map_err(|error| unowned(path, entry, error))?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(entry.mode)).map_err(on_disk)?;
        let set = |key: &OsStr, value: &[u8]| rustix::fs::fsetxattr(&file, key, value, XattrFlags::empty());
        set_attributes(&entry.attributes, set).map_err(on_disk)?;
        rustix::fs::futimens(&file, &times(entry.modified)).map_err(on_disk)
    }

    fn folder(&mut self, path: &Path, entry: &Entry) -> Result<(), LayerError> {
        let on_disk = |error: Errno| disk(path, error.into());
        let opaque = self.places.owners.opaque_attribute();
        let (folder, name) = self.places.parent(path)?;
        let make = |folder: BorrowedFd<'_>| rustix::fs::mkdirat(folder, &name, Mode::from_raw_mode(0o700));
        let existing = stat_at(folder, &name).map_err(on_disk)?;
        let mut hides = false;
        match existing {
            None => make(folder).map_err(on_disk)?,
            Some(stat) if kind_of(&stat) == FileType::Directory => {}
            Some(stat) => {
                hides = is_whiteout(&stat);
                remove_at(folder, &name).map_err(on_disk)?;
                make(folder).map_err(on_disk)?;
            }
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(folder, &name, flags, Mode::empty()).map_err(on_disk)?;
        if hides {
            rustix::fs::fsetxattr(&opened, opaque, b"y", XattrFlags::empty()).map_err(on_disk)?;
        }
        self.describe_folder(&opened, path, entry)
    }

    fn describe_folder(&mut self, made: &OwnedFd, path: &Path, entry: &Entry) -> Result<(), LayerError> {
        let on_disk = |error: Errno| disk(path, error.into());
        set_owner(made.as_fd(), self.places.owners, entry.uid, entry.gid)
            .map_err(|error| unowned(path, entry, error))?;
        let set = |key: &OsStr, value: &[u8]| rustix::fs::fsetxattr(made, key, value, XattrFlags::empty());
        set_attributes(&entry.attributes, set).map_err(on_disk)?;
        self.folders.push((path.to_owned(), entry.mode, entry.modified));
        Ok(())
    }

    /// The deepest first: a folder that nobody may enter closes what lies in it.
    fn finish_folders(&mut self) -> Result<(), LayerError> {
        let mut folders = std::mem::take(&mut self.folders);
        folders.sort_by_key(|(path, ..)| std::cmp::Reverse(path.iter().count()));
        for (path, mode, modified) in folders {
            let folder = match self.places.tree.folder(&path) {
                Ok(folder) => folder,
                // A later entry put something else there.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                Err(error) => return Err(disk(&path, error.into())),
            };
            rustix::fs::fchmod(&folder, Mode::from_raw_mode(mode)).map_err(|error| disk(&path, error.into()))?;
            rustix::fs::futimens(&folder, &times(modified)).map_err(|error| disk(&path, error.into()))?;
        }
        Ok(())
    }

    fn hardlink(&mut self, path: &Path, entry: &Entry) -> Result<(), LayerError> {
        let target = normalize(&entry.link)?;
        let hostile = |reason| LayerError::Hostile { path: shown(&entry.name), reason };
        if target.file_name().is_none() {
            return Err(hostile("is a hard link to the root"));
        }
        if target == path {
            return Err(hostile("is a hard link to itself"));
        }
        let on_disk = |error: Errno| disk(path, error.into());
        let (folder, old) = self.places.parent(&target)?;
        let from = folder.try_clone_to_owned().map_err(|source| disk(path, source))?;
        match stat_at(from.as_fd(), &old).map_err(on_disk)? {
            Some(stat) if kind_of(&stat) == FileType::Directory => return Err(hostile("is a hard link to a folder")),
            Some(stat) if is_whiteout(&stat) => return Err(hostile("is a hard link to a removed file")),
            Some(_) => {}
            None => self.copy_up(&target, from.as_fd(), &old, entry)?,
        }
        let (folder, name) = self.places.parent(path)?;
        replace(folder, &name, |folder, name| rustix::fs::linkat(&from, &old, folder, name, AtFlags::empty()))
            .map_err(on_disk)
    }

    /// A link to a file of a lower layer: the file comes up, as overlay does it.
    fn copy_up(
        &mut self,
        target: &Path,
        folder: BorrowedFd<'_>,
        name: &OsStr,
        entry: &Entry,
    ) -> Result<(), LayerError> {
        let owners = self.places.owners;
        let found = self.places.merged()?.find(target).map_err(|source| disk(target, source))?;
        let missing = LayerError::Hostile { path: shown(&entry.name), reason: "is a hard link to nothing" };
        let Found::Other { path, stat } = found else { return Err(missing) };
        copy_up(&path, &stat, folder, name, owners).map_err(|source| disk(target, source))
    }

    fn whiteout(&mut self, path: &Path, hidden: &[u8], entry: &Entry) -> Result<(), LayerError> {
        let on_disk = |error: Errno| disk(path, error.into());
        let owners = self.places.owners;
        let (folder, _) = self.places.parent(path)?;
        if hidden == b".wh..opq" {
            return rustix::fs::fsetxattr(folder, owners.opaque_attribute(), b"y", XattrFlags::empty())
                .map_err(on_disk);
        }
        // Notes of AUFS, a file system of old Docker versions.
        if hidden.starts_with(b".wh.") {
            return Ok(());
        }
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(LayerError::Hostile { path: shown(&entry.name), reason: "removes nothing that has a name" });
        }
        let name = OsStr::from_bytes(hidden);
        match stat_at(folder, name).map_err(on_disk)? {
            None => rustix::fs::mknodat(folder, name, FileType::CharacterDevice, Mode::empty(), 0).map_err(on_disk),
            // A whiteout removes what lies below, not what the layer itself brings.
            Some(stat) if kind_of(&stat) == FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let made = rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(on_disk)?;
                rustix::fs::fsetxattr(&made, owners.opaque_attribute(), b"y", XattrFlags::empty()).map_err(on_disk)
            }
            Some(_) => Ok(()),
        }
    }
}

fn disk(path: &Path, source: io::Error) -> LayerError {
    LayerError::Disk { path: shown(path.as_os_str().as_bytes()), source }
}

/// The kernel answers `EINVAL` for ids that the user namespace does not have.
fn unowned(path: &Path, entry: &Entry, error: Errno) -> LayerError {
    match error {
        Errno::INVAL => {
            LayerError::Unmapped { path: shown(path.as_os_str().as_bytes()), uid: entry.uid, gid: entry.gid }
        }
        error => disk(path, error.into()),
    }
}

fn in_entry(error: LayerError, name: &[u8]) -> LayerError {
    match error {
        LayerError::Truncated(None) => LayerError::Truncated(Some(shown(name))),
        other => other,
    }
}
