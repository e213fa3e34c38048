//! A registry on this machine that serves an OCI layout, and can lie.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The registry. It has one image, under every name.
pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    lying: Arc<AtomicBool>,
}

impl Registry {
    pub(crate) fn serving(layout: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let lying = Arc::new(AtomicBool::new(false));
        let (layout, lies) = (layout.to_owned(), Arc::clone(&lying));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (layout, lies) = (layout.clone(), Arc::clone(&lies));
                thread::spawn(move || while answer(&connection, &layout, &lies).is_some() {});
            }
        });
        Self { address, lying }
    }

    /// From now on a byte of every layer is another.
    pub(crate) fn lie(&self) {
        self.lying.store(true, Ordering::Relaxed);
    }
}

/// Answers a request; none at the end of the connection.
fn answer(connection: &TcpStream, layout: &Path, lies: &AtomicBool) -> Option<()> {
    let mut reader = BufReader::new(connection);
    let (mut request, mut line, mut headers) = (String::new(), String::new(), HashMap::new());
    reader.read_line(&mut request).ok().filter(|count| *count > 0)?;
    while reader.read_line(&mut line).ok()? > 2 {
        let (name, value) = line.trim().split_once(':')?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        line.clear();
    }
    let (kind, file) = found(layout, request.split(' ').nth(1)?)?;
    let mut body = fs::read(file).ok()?;
    if kind == LAYER && lies.load(Ordering::Relaxed) {
        let middle = body.len() / 2;
        *body.get_mut(middle)? ^= 1;
    }
    let from: Option<usize> =
        headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let start = from.unwrap_or(0).min(body.len());
    let (status, range) = match from {
        Some(_) => {
            ("206 Partial Content", format!("content-range: bytes {start}-{}/{}\r\n", body.len() - 1, body.len()))
        }
        None => ("200 OK", String::new()),
    };
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{range}content-length: {}\r\n\r\n", body.len() - start);
    let mut connection = connection;
    connection.write_all(head.as_bytes()).ok()?;
    connection.write_all(&body[start..]).ok()
}

const LAYER: &str = "application/octet-stream";

/// The type and file of what a path names: the only image by any tag, or a blob.
fn found(layout: &Path, path: &str) -> Option<(&'static str, PathBuf)> {
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    let (before, name) = path.rsplit_once('/')?;
    let blob = |digest: &str| layout.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
    if before.ends_with("/blobs") {
        return Some((LAYER, blob(name)));
    }
    if name.starts_with("sha256:") {
        return Some((manifest, blob(name)));
    }
    let index: serde_json::Value = serde_json::from_slice(&fs::read(layout.join("index.json")).ok()?).ok()?;
    Some((manifest, blob(index["manifests"][0]["digest"].as_str()?)))
}
