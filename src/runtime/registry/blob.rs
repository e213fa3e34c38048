//! Downloads of blobs. What breaks off goes on where it stopped.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use ureq::http::{StatusCode, header};

use super::RegistryError;
use super::session::Session;
use crate::runtime::image::Descriptor;
use crate::runtime::store::{BlobWriter, Store, StoreError};

/// How often a download may break off without a byte in between.
const TRIES: u32 = 5;
/// Bytes read at once.
const PIECE: usize = 128 << 10;

/// Downloads a blob into the store. It is hashed while it comes.
pub(super) fn download(session: &Session, store: &Store, blob: &Descriptor) -> Result<(), RegistryError> {
    let mut writer = store.blob_writer()?;
    let mut failures = 0;
    loop {
        let before = writer.size();
        match part(session, store, blob, &mut writer)? {
            None => {
                writer.commit_expected(blob)?;
                return Ok(());
            }
            Some(reason) => {
                failures = if writer.size() > before { 1 } else { failures + 1 };
                if failures >= TRIES {
                    let (host, digest) = (session.host(), blob.digest);
                    return Err(RegistryError::BrokenOff { host, digest, times: failures, reason });
                }
                thread::sleep(Duration::from_millis(100 << failures));
            }
        }
    }
}

/// Downloads what is missing. None at the end, else why it broke off.
fn part(
    session: &Session,
    store: &Store,
    blob: &Descriptor,
    writer: &mut BlobWriter,
) -> Result<Option<String>, RegistryError> {
    let range = format!("bytes={}-", writer.size());
    let headers = [("range", range.as_str()), ("accept-encoding", "identity")];
    let headers = if writer.size() == 0 { &headers[1..] } else { &headers[..] };
    let mut answer = session.get(&format!("blobs/{}", blob.digest), headers)?;
    let continues = answer.status() == StatusCode::PARTIAL_CONTENT && starts_at(&answer, writer.size());
    if !continues && writer.size() > 0 {
        // It cannot continue: everything once more.
        *writer = store.blob_writer()?;
    }
    // One byte too many is enough to know that it is another blob.
    let most = blob.size.saturating_add(1).saturating_sub(writer.size());
    let mut body = answer.body_mut().with_config().limit(u64::MAX).reader().take(most);
    let mut buffer = vec![0; PIECE];
    loop {
        match body.read(&mut buffer) {
            Ok(0) if writer.size() < blob.size => {
                return Ok(Some(format!("{} of {} bytes came", writer.size(), blob.size)));
            }
            Ok(0) => return Ok(None),
            Ok(count) => writer.write_all(&buffer[..count]).map_err(StoreError::disk(store.root()))?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Ok(Some(error.to_string())),
        }
    }
}

/// Whether an answer begins where the last one broke off.
fn starts_at(answer: &ureq::http::Response<ureq::Body>, place: u64) -> bool {
    let range = answer.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let start = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse::<u64>().ok());
    start == Some(place)
}
