//! Verifies the store: every blob by its digest, every name and record by what it names.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Store, StoreError, cache};
use crate::runtime::image::{Descriptor, Digest};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Names of images.
    pub images: u64,
    /// Blobs.
    pub blobs: u64,
    /// Bytes of the blobs.
    pub bytes: u64,
    /// Unpacked layers.
    pub snapshots: u64,
    /// Cache records.
    pub records: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Something that is wrong. Builds find it themselves when they come upon it; none of it makes a wrong image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A blob that is not what its name says.
    Corrupt(Digest),
    /// A file that is no blob, snapshot or record.
    Stray(PathBuf),
    /// An image that lacks something.
    Image {
        /// Its name.
        name: String,
        /// What it lacks.
        reason: String,
    },
    /// The names of images cannot be read.
    Names(String),
    /// A cache record that cannot be read, or whose layer is gone.
    Record {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Problem {
    /// A word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Corrupt(_) => "corrupt-blob",
            Self::Stray(_) => "stray-file",
            Self::Image { .. } => "broken-image",
            Self::Names(_) => "broken-index",
            Self::Record { .. } => "broken-record",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt(digest) => write!(out, "the blob {digest} is not what its name says"),
            Self::Stray(path) => write!(out, "`{}` does not belong to a store", path.display()),
            Self::Image { name, reason } => write!(out, "the image `{name}` is broken: {reason}"),
            Self::Names(reason) => write!(out, "the names of images are lost: {reason}"),
            Self::Record { path, reason } => {
                let key = path.file_name().unwrap_or_default().to_string_lossy();
                write!(out, "the cache record {key} is broken: {reason}")
            }
        }
    }
}

impl Store {
    /// Verifies everything. With `repair`, what is wrong goes, except for the names of images: those are the user's. Where
    /// the file of the names itself cannot be read, it is made anew without any.
    pub fn check(&self, repair: bool) -> Result<Report, StoreError> {
        let mut report = Report::default();
        let whole = self.check_blobs(&mut report)?;
        let images = self.images().unwrap_or_else(|error| {
            report.problems.push(Problem::Names(error.to_string()));
            Vec::new()
        });
        for image in images {
            report.images += 1;
            if let Err(reason) = self.check_image(&image.manifest, &whole) {
                let name = image.reference.short();
                report.problems.push(Problem::Image { name, reason });
            }
        }
        self.check_records(&mut report, &whole);
        self.check_snapshots(&mut report);
        if repair {
            self.alone(|| {
                report.problems.iter().for_each(|problem| self.repair(problem));
                Ok(())
            })?;
        }
        Ok(report)
    }

    /// The blobs that are what their names say.
    fn check_blobs(&self, report: &mut Report) -> Result<HashSet<Digest>, StoreError> {
        let folder = self.root.join("blobs/sha256");
        let mut digests = Vec::new();
        for entry in fs::read_dir(&folder).map_err(StoreError::disk(&folder))?.flatten() {
            match entry.file_name().to_str().and_then(|hex| Digest::from_hex(hex).ok()) {
                Some(digest) => digests.push(digest),
                None => report.problems.push(Problem::Stray(entry.path())),
            }
            report.bytes += entry.metadata().map_or(0, |found| found.len());
        }
        digests.sort();
        report.blobs = digests.len() as u64;
        let (next, corrupt) = (AtomicUsize::new(0), Mutex::new(HashSet::new()));
        let work = || {
            while let Some(digest) = digests.get(next.fetch_add(1, Ordering::Relaxed)) {
                // One that cannot be read is as good as damaged.
                if !self.verify_blob(digest).unwrap_or(false)
                    && let Ok(mut corrupt) = corrupt.lock()
                {
                    corrupt.insert(*digest);
                }
            }
        };
        thread::scope(|scope| {
            let threads = thread::available_parallelism().map_or(1, usize::from);
            (0..threads).for_each(|_| drop(scope.spawn(work)));
        });
        let corrupt = corrupt.into_inner().unwrap_or_default();
        report.problems.extend(digests.iter().filter(|digest| corrupt.contains(digest)).copied().map(Problem::Corrupt));
        Ok(digests.into_iter().filter(|digest| !corrupt.contains(digest)).collect())
    }

    fn check_image(&self, image: &Descriptor, whole: &HashSet<Digest>) -> Result<(), String> {
        if !whole.contains(&image.digest) {
            return Err(format!("its manifest {} is missing or damaged", image.digest));
        }
        let (manifest, _) = self.manifest(image).map_err(|error| error.to_string())?;
        match manifest.layers.iter().find(|layer| !whole.contains(&layer.digest)) {
            Some(layer) => Err(format!("its layer {} is missing or damaged", layer.digest)),
            None => Ok(()),
        }
    }

    fn check_records(&self, report: &mut Report, whole: &HashSet<Digest>) {
        for entry in fs::read_dir(self.root.join("cache")).into_iter().flatten().flatten() {
            report.records += 1;
            let reason = match fs::read(entry.path()).ok().and_then(|bytes| cache::parse(&bytes)) {
                None => "it cannot be read",
                Some(record) if record.layer.as_ref().is_some_and(|layer| !whole.contains(&layer.blob.digest)) => {
                    "its layer is missing or damaged"
                }
                Some(_) => continue,
            };
            report.problems.push(Problem::Record { path: entry.path(), reason: reason.to_owned() });
        }
    }

    fn check_snapshots(&self, report: &mut Report) {
        for owners in fs::read_dir(self.root.join("snap")).into_iter().flatten().flatten() {
            for entry in fs::read_dir(owners.path()).into_iter().flatten().flatten() {
                let named = entry.file_name().to_str().is_some_and(|hex| Digest::from_hex(hex).is_ok());
                if named && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    report.snapshots += 1;
                } else {
                    report.problems.push(Problem::Stray(entry.path()));
                }
            }
        }
    }

    fn repair(&self, problem: &Problem) {
        // What stays is found again by the next check.
        let _ = match problem {
            Problem::Corrupt(digest) => fs::remove_file(self.blob_path(digest)),
            Problem::Stray(path) if path.is_dir() => super::prune::remove_folder(&self.root, path),
            Problem::Stray(path) | Problem::Record { path, .. } => fs::remove_file(path),
            Problem::Names(_) => self.forget_names().map_err(std::io::Error::other),
            Problem::Image { .. } => Ok(()),
        };
    }
}
