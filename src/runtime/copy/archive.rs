//! `ADD` of an archive: what it holds instead of the file.
//!
//! An archive is what its bytes say: a tar, plain or compressed with gzip, bzip2, xz or Zstandard. It is unpacked as
//! moby's `archive.Untar` does: links of the stage are followed within the stage, what is in the way is replaced, a
//! directory over a directory keeps what it holds. Whiteouts are ordinary files here.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};

use rustix::fs::FileType;
use tar::{Archive, Entry, EntryType};

use super::selection::{Item, Selection};
use super::{CopyError, Placement, Placer, Target, io_failed};
use crate::context::path;
use crate::runtime::layer::{Decompressor, Owners, unless_blank};
use crate::runtime::tree::{Tree, name};

/// A stream that is decompressed.
type Plain = Box<dyn Read>;

/// Places the archives of a selection unpacked. Whether it had any: then nothing is left to do; else nothing was done.
///
/// # Errors
/// Something is in the way, an archive is damaged, or the system refuses.
pub(crate) fn place(
    source: &Tree,
    target: &mut Target,
    placement: &Placement,
    selection: &Selection,
) -> Result<bool, CopyError> {
    let is_archive = |item: &Item| -> Result<bool, CopyError> {
        let is_file = item.rest.is_empty() && item.node.kind() == FileType::RegularFile;
        Ok(is_file && begins_as_archive(source, item)?)
    };
    let mut found = Vec::new();
    for (_, items) in &selection.roots {
        found.push(match items.as_slice() {
            [only] => is_archive(only)?,
            _ => false,
        });
    }
    if !found.contains(&true) {
        return Ok(false);
    }
    for ((root, items), is_archive) in selection.roots.iter().zip(found) {
        if let (true, Some(item)) = (is_archive, items.first()) {
            unpack(source, target, placement, item)?;
        } else {
            let one = Selection { roots: vec![(root.clone(), items.clone())] };
            Placer::new(source, target, placement, false).place(&one)?;
        }
    }
    Ok(true)
}

fn open(source: &Tree, item: &Item) -> Result<File, CopyError> {
    source.open(&item.path, &item.node).map_err(io_failed("cannot open", &item.path))
}

fn begins_as_archive(source: &Tree, item: &Item) -> Result<bool, CopyError> {
    let Ok(plain) = decompressed(open(source, item)?) else { return Ok(false) };
    let mut archive = Archive::new(plain);
    Ok(archive.entries().is_ok_and(|mut entries| matches!(entries.next(), Some(Ok(_)))))
}

fn decompressed(file: File) -> std::io::Result<Plain> {
    let mut file = BufReader::with_capacity(64 * 1024, file);
    let start = file.fill_buf()?;
    Ok(match start {
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Box::new(lzma_rust2::XzReader::new(file, true)),
        _ => {
            file.rewind()?;
            Box::new(Decompressor::new(file.into_inner())?)
        }
    })
}

fn unpack(source: &Tree, target: &mut Target, placement: &Placement, item: &Item) -> Result<(), CopyError> {
    let damaged = |error| io_failed("cannot unpack", &item.path)(error);
    let place = target.resolve(&placement.destination)?;
    target.make_directories(&place, placement.owner, 0o755)?;
    let mut archive = Archive::new(decompressed(open(source, item)?).map_err(damaged)?);
    let mut unpacking = Unpacking { target, place, owner: placement.owner, times: Vec::new() };
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        unpacking.entry(&mut entry).map_err(|error| match error {
            Fault::Archive(error) => damaged(error),
            Fault::Copy(error) => error,
        })?;
    }
    // Times last: what is put into a directory changes its own.
    for (path, time) in unpacking.times.into_iter().rev() {
        if target.look(&path).is_some_and(|found| found.kind == FileType::Directory && !found.is_below()) {
            target.set_time(&path, time, 0)?;
        }
    }
    Ok(())
}

/// What goes wrong: the archive or the disk.
enum Fault {
    Archive(std::io::Error),
    Copy(CopyError),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Archive(error)
    }
}

impl From<CopyError> for Fault {
    fn from(error: CopyError) -> Self {
        Self::Copy(error)
    }
}

/// An archive that is being unpacked.
struct Unpacking<'a> {
    target: &'a mut Target,
    /// Where to.
    place: String,
    owner: Option<(u32, u32)>,
    /// Directories and when they changed.
    times: Vec<(String, i64)>,
}

impl Unpacking<'_> {
    fn entry(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), Fault> {
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader) {
            return Ok(());
        }
        let written = name::text(&entry.path_bytes());
        let inside = within(&written)?;
        let path = path::join(&self.place, &inside);
        if inside.is_empty() {
            return Ok(());
        }
        let parent = self.target.resolve(path::parent(&path))?;
        if path::below(&parent, &self.place).is_none() {
            let message = format!("its entry `{written}` leads out of it through a link");
            return Err(Fault::Archive(std::io::Error::new(std::io::ErrorKind::InvalidData, message)));
        }
        self.target.make_directories(&parent, self.owner, 0o755)?;
        let path = path::join(&parent, path::base(&path));
        let is_directory = kind == EntryType::Directory;
        match self.target.look(&path).map(|found| found.kind) {
            Some(FileType::Directory) if is_directory => self.target.raise(&path)?,
            Some(_) => {
                self.target.clear(&path)?;
                self.make(&path, kind, entry)?;
            }
            None => self.make(&path, kind, entry)?,
        }
        if self.target.look(&path).is_some() && kind != EntryType::Link {
            self.information(&path, kind, entry)?;
        }
        Ok(())
    }

    fn make(&mut self, path: &str, kind: EntryType, entry: &mut Entry<'_, impl Read>) -> Result<(), Fault> {
        let link = entry.link_name_bytes().map(|link| name::text(&link)).unwrap_or_default();
        match kind {
            EntryType::Directory => self.target.make_directory(path)?,
            EntryType::Symlink => self.target.symlink(path, &link)?,
            EntryType::Link => {
                let of = path::join(&self.place, &within(&link)?);
                let folder = self.target.resolve(path::parent(&of))?;
                let of = path::join(&folder, path::base(&of));
                self.target.raise_file(&of)?;
                self.target.hard_link(path, &of)?;
            }
            EntryType::Fifo => self.target.node(path, FileType::Fifo, 0)?,
            EntryType::Char | EntryType::Block => self.device(path, kind, entry)?,
            _ => {
                let mut file = self.target.create(path)?;
                std::io::copy(entry, &mut file)?;
            }
        }
        Ok(())
    }

    /// Devices can only be made by the machine's root; elsewhere they are left out, as Docker does without root.
    fn device(&mut self, path: &str, kind: EntryType, entry: &Entry<'_, impl Read>) -> Result<(), Fault> {
        if self.target.owners() != Owners::Kept {
            return Ok(());
        }
        let header = entry.header();
        let (major, minor) = (header.device_major()?.unwrap_or_default(), header.device_minor()?.unwrap_or_default());
        let kind = if kind == EntryType::Char { FileType::CharacterDevice } else { FileType::BlockDevice };
        Ok(self.target.node(path, kind, rustix::fs::makedev(major, minor))?)
    }

    fn information(&mut self, path: &str, kind: EntryType, entry: &mut Entry<'_, impl Read>) -> Result<(), Fault> {
        let header = entry.header();
        let number = |id: std::io::Result<u64>| id.ok().and_then(|id| u32::try_from(id).ok()).unwrap_or_default();
        let owner = self.owner.unwrap_or((number(header.uid()), number(header.gid())));
        let old = header.as_old();
        let mode = unless_blank(&old.mode, header.mode())?;
        let time = unless_blank(&old.mtime, header.mtime())?.cast_signed();
        let file = match kind {
            EntryType::Symlink => FileType::Symlink,
            EntryType::Directory => FileType::Directory,
            _ => FileType::RegularFile,
        };
        self.target.set_owner(path, owner, file)?;
        if file != FileType::Symlink {
            self.target.set_mode(path, mode & 0o7777)?;
        }
        for (name, value) in attributes(entry)? {
            self.target.set_attribute(path, &name, &value)?;
        }
        if file == FileType::Directory {
            self.times.push((path.to_owned(), time));
            return Ok(());
        }
        Ok(self.target.set_time(path, time, 0)?)
    }
}

/// Extended attributes as tars of today write them.
fn attributes(entry: &mut Entry<'_, impl Read>) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let Some(extensions) = entry.pax_extensions()? else { return Ok(Vec::new()) };
    let found = extensions.flatten().filter_map(|extension| {
        let name = extension.key().ok()?.strip_prefix("SCHILY.xattr.")?;
        Some((name.to_owned(), extension.value_bytes().to_vec()))
    });
    Ok(found.collect())
}

/// A name of the archive, clean; one that leads out of it is refused.
fn within(written: &str) -> Result<String, Fault> {
    let mut depth = 0i64;
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            let message = format!("its entry `{written}` leads out of it");
            return Err(Fault::Archive(std::io::Error::new(std::io::ErrorKind::InvalidData, message)));
        }
    }
    Ok(path::clean(written))
}
