//! An entry of a tar as it is meant, after all extension headers.

use super::tar_sparse::Sparse;
use super::{LayerError, shown};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The longest path that the kernel takes, with its end.
const LONGEST_PATH: usize = 4095;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) enum Kind {
    File,
    Folder,
    Symlink,
    /// Another name of an earlier file.
    Hardlink,
    CharacterDevice,
    BlockDevice,
    Fifo,
}

/// An entry.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Entry {
    /// The name as it stands in the tar.
    pub(in crate::runtime) name: Vec<u8>,
    pub(in crate::runtime) link: Vec<u8>,
    pub(in crate::runtime) kind: Kind,
    /// Permissions with the setuid, setgid and sticky bits.
    pub(in crate::runtime) mode: u32,
    pub(in crate::runtime) uid: u32,
    pub(in crate::runtime) gid: u32,
    /// Seconds and nanoseconds.
    pub(in crate::runtime) modified: (i64, u32),
    pub(in crate::runtime) device: (u32, u32),
    pub(in crate::runtime) attributes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where its content lies, if it has holes.
    pub(in crate::runtime) sparse: Option<Sparse>,
}

/// The path below the layer's root that a name means; empty for the root. A name that climbs out is refused.
pub(super) fn normalize(name: &[u8]) -> Result<PathBuf, LayerError> {
    let hostile = |reason| LayerError::Hostile { path: shown(name), reason };
    let mut path = PathBuf::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                if !path.pop() {
                    return Err(hostile("leads out of the layer"));
                }
            }
            part if part.contains(&0) => return Err(hostile("holds a zero byte")),
            part => path.push(OsStr::from_bytes(part)),
        }
    }
    if path.as_os_str().len() > LONGEST_PATH {
        return Err(hostile("is longer than a path can be"));
    }
    Ok(path)
}

/// A numeric field of a header. One that is blank is 0, as for Go's reader, which Docker and podman use.
pub(super) fn unless_blank<T: Default>(field: &[u8], read: std::io::Result<T>) -> std::io::Result<T> {
    if field.iter().all(|byte| matches!(byte, 0 | b' ')) { Ok(T::default()) } else { read }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn names_stay_below_the_root() {
        for (name, path) in [
            ("./", ""),
            ("/", ""),
            ("", ""),
            ("a", "a"),
            ("./a//b/.", "a/b"),
            ("/etc/passwd", "etc/passwd"),
            ("a/../b", "b"),
        ] {
            assert_eq!(normalize(name.as_bytes()).unwrap(), Path::new(path), "{name}");
        }
        let long = "a/".repeat(3000);
        for name in ["..", "../a", "a/../../b", "/..", "a\0b", &long] {
            assert!(matches!(normalize(name.as_bytes()), Err(LayerError::Hostile { .. })), "{name}");
        }
    }

    #[test]
    fn blank_fields_are_zero() {
        let wrong = || std::io::Result::<u64>::Err(std::io::ErrorKind::InvalidData.into());
        assert_eq!(unless_blank(b"  \0\0", wrong()).unwrap(), 0);
        assert_eq!(unless_blank(b"12\0", Ok(10)).unwrap(), 10);
        assert!(unless_blank(b"x", wrong()).is_err());
    }
}
