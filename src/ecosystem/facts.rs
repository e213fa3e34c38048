//! Facts that come with the program: the files of `rules/`, which the build script turns into `MessagePack`.

use serde::de::DeserializeOwned;

/// The facts of a file of `rules/`, named by its path there without `.toml`.
macro_rules! facts {
    ($name:expr) => {
        $crate::ecosystem::facts::read(include_bytes!(concat!(env!("OUT_DIR"), "/rules/", $name, ".facts")))
    };
}

pub(crate) use facts;

/// Reads facts; `None` where they do not have the shape of `T`.
pub(crate) fn read<T: DeserializeOwned>(packed: &[u8]) -> Option<T> {
    rmp_serde::from_slice(packed).ok()
}
