//! Packs a folder of the overlay form as a layer's tar: exactly what it adds, changes and removes.
//!
//! The tar depends on the folder alone: entries are sorted by name, and times are whole seconds. As in the layers of other
//! builders, the folders above a change are entries too, since some programs that unpack make up folders that are not.
//! What overlay copied up and nobody changed is left out.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, OFlags, Stat};
use tar::EntryType;

use super::attributes::{attributes, recorded_owner, times};
use super::below::{Found, Merged, is_opaque};
use super::same::unchanged;
use super::tar_writer::{Record, TarWriter};
use super::tree::{is_whiteout, kind_of};
use super::{LayerError, Owners, shown};

/// How a folder is packed.
#[derive(Clone, Copy, Debug)]
pub struct PackOptions {
    /// How the folder keeps owners.
    pub owners: Owners,
    /// One owner for everything, in the place of the files' own.
    pub owner: Option<(u32, u32)>,
    /// Seconds since 1970 that no time may be after: `SOURCE_DATE_EPOCH`.
    pub clamp: Option<i64>,
    /// Whether the folder becomes what the tar says, so that it may stand for it: times are the same second, and what is
    /// not in the tar is gone.
    pub conform: bool,
}

impl PackOptions {
    /// Owners as they are kept, times as they are.
    pub fn new(owners: Owners) -> Self {
        Self { owners, owner: None, clamp: None, conform: false }
    }
}

/// What was packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerInfo {
    /// Entries of the tar; 0 where nothing changed.
    pub entries: u64,
    /// Bytes of the files' content.
    pub bytes: u64,
}

/// Packs `upper`, which lies on the layers `below`, lowest first.
pub fn pack(upper: &Path, below: &[&Path], out: impl Write, options: &PackOptions) -> Result<LayerInfo, LayerError> {
    let roots: Vec<PathBuf> = below.iter().map(|path| path.to_path_buf()).collect();
    let mut packer = Packer::new(out, options);
    packer.walk(upper, Merged::roots(&roots, options.owners))?;
    packer.finish()
}

/// Writes entries of folders.
pub(super) struct Packer<'a, W> {
    out: TarWriter<W>,
    options: &'a PackOptions,
    /// The first name of each file that has several.
    links: HashMap<(u64, u64), PathBuf>,
    /// Folders above the current place that did not change and are written once something in them did.
    waiting: Vec<Item>,
    buffer: Vec<u8>,
    info: LayerInfo,
}

/// A file on the disk and its path in the layer.
pub(super) struct Item {
    pub(super) disk: PathBuf,
    pub(super) path: PathBuf,
    pub(super) stat: Stat,
}

/// A folder that is being packed.
struct Level {
    disk: PathBuf,
    path: PathBuf,
    below: Merged,
    /// Those that were not packed yet.
    names: std::vec::IntoIter<OsString>,
    /// How many folders waited when it was entered.
    depth: usize,
}

impl Level {
    fn new(disk: PathBuf, path: PathBuf, below: Merged, depth: usize) -> Result<Self, LayerError> {
        let names = names(&disk).map_err(|source| at(&path, source))?.into_iter();
        Ok(Self { disk, path, below, names, depth })
    }
}

impl<'a, W: Write> Packer<'a, W> {
    pub(super) fn new(out: W, options: &'a PackOptions) -> Self {
        Self {
            out: TarWriter::new(out),
            options,
            links: HashMap::new(),
            waiting: Vec::new(),
            buffer: vec![0; 256 << 10],
            info: LayerInfo::default(),
        }
    }

    /// Ends the tar.
    pub(super) fn finish(self) -> Result<LayerInfo, LayerError> {
        self.out.finish().map_err(LayerError::Stream)?;
        Ok(self.info)
    }

    /// Packs a folder and all below it. Folders nest as deep as paths are long, so the way to the current one is a list.
    fn walk(&mut self, disk: &Path, below: Merged) -> Result<(), LayerError> {
        let mut way = vec![Level::new(disk.to_owned(), PathBuf::new(), below, self.waiting.len())?];
        while let Some(level) = way.last_mut() {
            let Some(name) = level.names.next() else {
                self.waiting.truncate(level.depth);
                way.pop();
                continue;
            };
            if let Some(folder) = self.entry(level, &name)? {
                way.push(folder);
            }
        }
        Ok(())
    }

    /// Packs what has that name in a folder; gives it where it is a folder itself.
    fn entry(&mut self, level: &Level, name: &OsStr) -> Result<Option<Level>, LayerError> {
        let Level { disk, path, below, .. } = level;
        let item = Item { disk: disk.join(name), path: path.join(name), stat: stat(disk, name, path)? };
        if is_whiteout(&item.stat) {
            self.whiteout(&item.path, path, name, below)?;
            return Ok(None);
        }
        let found = below.child(name).map_err(|source| at(&item.path, source))?;
        match kind_of(&item.stat) {
            FileType::Directory => return self.child_folder(item, found).map(Some),
            // A socket is nothing without its program.
            FileType::Socket if self.options.conform => {
                remove_in(disk, name).map_err(|source| at(&item.path, source))?;
            }
            FileType::Socket => {}
            _ if self.is_unchanged(&item, &found)? => {}
            _ => self.item(&item)?,
        }
        Ok(None)
    }

    fn child_folder(&mut self, item: Item, found: Found) -> Result<Level, LayerError> {
        let owners = self.options.owners;
        let failed = |source| at(&item.path, source);
        let hides = is_opaque(&item.disk, Some(owners)).map_err(failed)?;
        let same = !hides && self.is_unchanged(&item, &found)?;
        let (disk, path) = (item.disk.clone(), item.path.clone());
        let depth = self.waiting.len();
        if same {
            self.waiting.push(item);
        } else {
            self.item(&item)?;
        }
        let below = match found {
            Found::Folder { .. } if hides => {
                self.marker(&path.join(".wh..wh..opq"))?;
                Merged::default()
            }
            Found::Folder { inside, .. } => inside,
            _ => Merged::default(),
        };
        Level::new(disk, path, below, depth)
    }

    fn is_unchanged(&mut self, item: &Item, found: &Found) -> Result<bool, LayerError> {
        let (path, stat) = match found {
            Found::Nothing => return Ok(false),
            Found::Folder { path, stat, .. } | Found::Other { path, stat } => (path, stat),
        };
        unchanged((&item.disk, &item.stat), (path, stat), self.options.owners).map_err(|source| at(&item.path, source))
    }

    /// A removed file; one that was never there below is nothing.
    fn whiteout(&mut self, path: &Path, folder: &Path, name: &OsStr, below: &Merged) -> Result<(), LayerError> {
        match below.child(name).map_err(|source| at(path, source))? {
            Found::Nothing => Ok(()),
            _ => self.marker(&folder.join([OsStr::new(".wh."), name].join(OsStr::new("")))),
        }
    }

    fn marker(&mut self, path: &Path) -> Result<(), LayerError> {
        self.flush()?;
        let record = Record {
            path,
            kind: EntryType::Regular,
            mode: 0o600,
            owner: (0, 0),
            modified: 0,
            size: 0,
            link: None,
            device: (0, 0),
            attributes: &[],
        };
        self.info.entries += 1;
        self.out.record(&record).map_err(LayerError::Stream)
    }

    fn flush(&mut self) -> Result<(), LayerError> {
        // A folder stands once; its place in the list tells when the walk leaves it.
        for folder in std::mem::take(&mut self.waiting) {
            let found = attributes(&folder.disk).map_err(|source| at(&folder.path, source))?;
            self.write(&folder, EntryType::Directory, None, &found)?;
        }
        Ok(())
    }

    /// Writes an entry with its content.
    pub(super) fn item(&mut self, item: &Item) -> Result<(), LayerError> {
        self.flush()?;
        let failed = |source| at(&item.path, source);
        let kind = match kind_of(&item.stat) {
            FileType::Directory => EntryType::Directory,
            FileType::Symlink => EntryType::Symlink,
            FileType::CharacterDevice => EntryType::Char,
            FileType::BlockDevice => EntryType::Block,
            FileType::Fifo => EntryType::Fifo,
            _ => EntryType::Regular,
        };
        if kind != EntryType::Directory && item.stat.st_nlink > 1 {
            let key = (item.stat.st_dev, item.stat.st_ino);
            if let Some(first) = self.links.get(&key) {
                let first = first.clone();
                return self.write(item, EntryType::Link, Some(first.as_os_str()), &[]);
            }
            self.links.insert(key, item.path.clone());
        }
        let found = attributes(&item.disk).map_err(failed)?;
        if kind == EntryType::Symlink {
            let target = rustix::fs::readlink(&item.disk, Vec::new()).map_err(|error| failed(error.into()))?;
            return self.write(item, kind, Some(OsStr::from_bytes(target.as_bytes())), &found);
        }
        self.write(item, kind, None, &found)
    }

    fn write(
        &mut self,
        item: &Item,
        kind: EntryType,
        link: Option<&OsStr>,
        attributes: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<(), LayerError> {
        let own = recorded_owner(&item.disk, &item.stat, self.options.owners);
        let owner = match self.options.owner {
            Some(owner) => owner,
            None => own.map_err(|source| at(&item.path, source))?,
        };
        let modified = item.stat.st_mtime;
        let size = if kind == EntryType::Regular { item.stat.st_size.cast_unsigned() } else { 0 };
        let record = Record {
            path: &item.path,
            kind,
            mode: item.stat.st_mode & 0o7777,
            owner,
            modified: self.options.clamp.map_or(modified, |clamp| modified.min(clamp)),
            size,
            link,
            device: (rustix::fs::major(item.stat.st_rdev), rustix::fs::minor(item.stat.st_rdev)),
            attributes,
        };
        self.info.entries += 1;
        self.out.record(&record).map_err(LayerError::Stream)?;
        if size > 0 {
            self.content(item, size)?;
        }
        if self.options.conform && item.stat.st_mtime != record.modified {
            let conformed =
                rustix::fs::utimensat(CWD, &item.disk, &times((record.modified, 0)), AtFlags::SYMLINK_NOFOLLOW);
            conformed.map_err(|error| at(&item.path, error.into()))?;
        }
        Ok(())
    }

    fn content(&mut self, item: &Item, size: u64) -> Result<(), LayerError> {
        let mut options = File::options();
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let mut file =
            options.read(true).custom_flags(flags).open(&item.disk).map_err(|source| at(&item.path, source))?;
        let mut left = size;
        while left > 0 {
            let part = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            let count = match file.read(&mut self.buffer[..part]) {
                Ok(0) => return Err(at(&item.path, io::Error::other("it became shorter while it was read"))),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(at(&item.path, source)),
            };
            self.out.content().write_all(&self.buffer[..count]).map_err(LayerError::Stream)?;
            left -= count as u64;
        }
        self.info.bytes += size;
        self.out.pad(size).map_err(LayerError::Stream)
    }
}

/// Removes a file; the folder stays as old as it was.
fn remove_in(folder: &Path, name: &OsStr) -> io::Result<()> {
    let before = rustix::fs::lstat(folder)?;
    std::fs::remove_file(folder.join(name))?;
    let times = times((before.st_mtime, before.st_mtime_nsec as u32));
    Ok(rustix::fs::utimensat(CWD, folder, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// The names in a folder, sorted by their bytes.
pub(super) fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names: Vec<OsString> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<_>>()?;
    names.sort_unstable();
    Ok(names)
}

fn stat(folder: &Path, name: &OsStr, path: &Path) -> Result<Stat, LayerError> {
    rustix::fs::lstat(folder.join(name)).map_err(|error| at(&path.join(name), error.into()))
}

pub(super) fn at(path: &Path, source: io::Error) -> LayerError {
    LayerError::Disk { path: shown(path.as_os_str().as_bytes()), source }
}
