//! `ADD` of an archive: what it holds instead of the file.
//!
//! An archive is what its bytes say: a tar, plain or compressed with gzip, bzip2, xz or Zstandard. It is unpacked as
//! moby's `archive.Untar` does: links of the stage are followed within the stage, what is in the way is replaced, a
//! directory over a directory keeps what it holds. Whiteouts are ordinary files here.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};

use rustix::fs::FileType;

use super::selection::{Item, Selection};
use super::{CopyError, Placement, Placer, Target, io_failed};
use crate::context::path;
use crate::runtime::layer::{Decompressor, Entry, Kind, LayerError, Owners, Space, TarReader};
use crate::runtime::tree::{Tree, name};

/// Bytes of content that are read at once.
const PIECE: usize = 128 << 10;

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

/// Whether it can be read as an archive; what is in it may still be wrong.
fn begins_as_archive(source: &Tree, item: &Item) -> Result<bool, CopyError> {
    let Ok(plain) = decompressed(open(source, item)?) else { return Ok(false) };
    Ok(matches!(TarReader::new(plain).next(), Ok(Some(_)) | Err(LayerError::Unsupported { .. })))
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
    let archive = TarReader::new(decompressed(open(source, item)?).map_err(damaged)?);
    let space = Space::new(target.folder().to_owned());
    let mut unpacking = Unpacking { target, archive, space, place, owner: placement.owner, times: Vec::new() };
    unpacking.run().map_err(|error| match error {
        Fault::Archive(error) => damaged(error),
        Fault::Copy(error) => error,
    })?;
    let (target, times) = (unpacking.target, unpacking.times);
    // Times last: what is put into a directory changes its own.
    for (path, time) in times.into_iter().rev() {
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

impl From<LayerError> for Fault {
    fn from(error: LayerError) -> Self {
        let reason = match error {
            LayerError::Truncated(_) => "it breaks off".to_owned(),
            LayerError::Damaged(reason) => reason,
            LayerError::Unsupported { path, what } => format!("its entry `{path}` is {what}, which is not supported"),
            LayerError::Stream(error) => return Self::Archive(error),
            other => other.to_string(),
        };
        Self::Archive(std::io::Error::other(reason))
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
    archive: TarReader<Plain>,
    space: Space,
    /// Where to.
    place: String,
    owner: Option<(u32, u32)>,
    /// Directories and when they changed.
    times: Vec<(String, i64)>,
}

impl Unpacking<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        while let Some(entry) = self.archive.next()? {
            self.entry(&entry)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), Fault> {
        let written = name::text(&entry.name);
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
        let is_directory = entry.kind == Kind::Folder;
        match self.target.look(&path).map(|found| found.kind) {
            Some(FileType::Directory) if is_directory => self.target.raise(&path)?,
            Some(_) => {
                self.target.clear(&path)?;
                self.make(&path, entry)?;
            }
            None => self.make(&path, entry)?,
        }
        if self.target.look(&path).is_some() && entry.kind != Kind::Hardlink {
            self.information(&path, entry)?;
        }
        Ok(())
    }

    fn make(&mut self, path: &str, entry: &Entry) -> Result<(), Fault> {
        let link = name::text(&entry.link);
        match entry.kind {
            Kind::Folder => self.target.make_directory(path)?,
            Kind::Symlink => self.target.symlink(path, &link)?,
            Kind::Hardlink => {
                let of = path::join(&self.place, &within(&link)?);
                let folder = self.target.resolve(path::parent(&of))?;
                let of = path::join(&folder, path::base(&of));
                self.target.raise_file(&of)?;
                self.target.hard_link(path, &of)?;
            }
            Kind::Fifo => self.target.node(path, FileType::Fifo, 0)?,
            Kind::CharacterDevice | Kind::BlockDevice => self.device(path, entry)?,
            Kind::File => {
                let mut file = self.target.create(path)?;
                self.content(&mut file, entry)?;
            }
        }
        Ok(())
    }

    /// Writes the content of a file. Holes stay holes, but the layer will have them as zeros: they count.
    fn content(&mut self, file: &mut File, entry: &Entry) -> Result<(), Fault> {
        let Some(sparse) = &entry.sparse else { return self.piece(file, u64::MAX, true) };
        self.space.take(sparse.size, &*file)?;
        file.set_len(sparse.size)?;
        for (offset, length) in &sparse.pieces {
            file.seek(SeekFrom::Start(*offset))?;
            self.piece(file, *length, false)?;
        }
        Ok(())
    }

    /// Writes the next bytes of the entry, at most so many.
    fn piece(&mut self, file: &mut File, most: u64, counts: bool) -> Result<(), Fault> {
        let mut buffer = vec![0; PIECE];
        let mut left = most;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let count = self.archive.read(&mut buffer[..wanted])?;
            if count == 0 {
                break;
            }
            if counts {
                self.space.take(count as u64, &*file)?;
            }
            file.write_all(&buffer[..count])?;
            left -= count as u64;
        }
        Ok(())
    }

    /// Devices can only be made by the machine's root; elsewhere they are left out, as Docker does without root.
    fn device(&mut self, path: &str, entry: &Entry) -> Result<(), Fault> {
        if self.target.owners() != Owners::Kept {
            return Ok(());
        }
        let is_character = entry.kind == Kind::CharacterDevice;
        let kind = if is_character { FileType::CharacterDevice } else { FileType::BlockDevice };
        Ok(self.target.node(path, kind, rustix::fs::makedev(entry.device.0, entry.device.1))?)
    }

    fn information(&mut self, path: &str, entry: &Entry) -> Result<(), Fault> {
        let file = match entry.kind {
            Kind::Symlink => FileType::Symlink,
            Kind::Folder => FileType::Directory,
            _ => FileType::RegularFile,
        };
        self.target.set_owner(path, self.owner.unwrap_or((entry.uid, entry.gid)), file)?;
        if file != FileType::Symlink {
            self.target.set_mode(path, entry.mode)?;
        }
        for (name, value) in &entry.attributes {
            if let Ok(name) = std::str::from_utf8(name) {
                self.target.set_attribute(path, name, value)?;
            }
        }
        let time = entry.modified.0;
        if file == FileType::Directory {
            self.times.push((path.to_owned(), time));
            return Ok(());
        }
        Ok(self.target.set_time(path, time, 0)?)
    }
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
