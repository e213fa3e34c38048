//! The text of a file, or why it has none.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::cli::failure::Failure;

/// Larger files are not read: nothing that people write by hand comes near.
const LIMIT: u64 = 64 * 1024 * 1024;

/// The text of the file at `path`, which is shown as `name`.
pub(in crate::cli) fn file(path: &Path, name: &str) -> Result<String, Failure> {
    let unreadable = |error: &std::io::Error| Failure::Unreadable { path: name.to_owned(), reason: error.to_string() };
    if path.is_dir() {
        return Err(Failure::Folder(name.to_owned()));
    }
    let opened = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::Missing(name.to_owned()),
        _ => unreadable(&error),
    });
    stream(&mut opened?, name)
}

/// All text of a stream that is shown as `name`.
pub(in crate::cli) fn stream(stream: &mut dyn Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = stream.take(LIMIT + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::Unreadable { path: name.to_owned(), reason: error.to_string() })?;
    if bytes.len() as u64 > LIMIT {
        return Err(Failure::TooLarge { path: name.to_owned(), limit: LIMIT });
    }
    text(bytes).map_err(|reason| Failure::Binary { path: name.to_owned(), reason })
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16".to_owned());
    }
    let zero = bytes.iter().position(|byte| *byte == 0);
    if let Some(at) = zero {
        return Err(format!("byte {at} is zero"));
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("it is not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))
}
