//! Tests against a registry that misbehaves: it breaks off, asks for a login, and lies.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::runtime::fetch::{FetchError, Pull};
use crate::runtime::image::{ImageConfig, Index, Manifest, Platform};
use crate::runtime::layer::Owners;
use crate::runtime::store::to_json;

/// What a registry answers to a path, given how often it was asked and from which byte on.
type Answer = dyn Fn(&str, usize, Option<usize>, &str) -> Option<Vec<u8>> + Send + Sync;

/// A registry on this machine. It serves each connection once and closes it.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: Box<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        thread::spawn(move || {
            let answer = Arc::new(answer);
            for connection in listener.incoming().flatten() {
                let (answer, log) = (answer.clone(), log.clone());
                thread::spawn(move || serve(connection, &**answer, &log));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut connection: TcpStream, answer: &Answer, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let (mut request, mut headers) = (String::new(), HashMap::new());
    reader.read_line(&mut request).unwrap_or(0);
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        let (name, value) = line.trim().split_once(':').unwrap_or_default();
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        line.clear();
    }
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let times = {
        let mut log = log.lock().unwrap();
        log.push(path.clone());
        log.iter().filter(|known| **known == path).count()
    };
    let from = headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let authorization = headers.get("authorization").cloned().unwrap_or_default();
    let bytes = answer(&path, times, from, &authorization).unwrap_or_else(|| response("404 Not Found", "", b""));
    let _ = connection.write_all(&bytes);
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An image of one layer, by path.
struct Image {
    files: HashMap<String, Vec<u8>>,
    layer: Descriptor,
}

fn image() -> Image {
    let tar: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    let layer = Descriptor::new(MediaType::LAYER, Digest::of(&tar), tar.len() as u64);
    let mut config = ImageConfig::scratch(&Platform::host());
    config.rootfs.diff_ids = vec![layer.digest];
    let config = to_json(&config).into_bytes();
    let described = Descriptor::new(MediaType::CONFIG, Digest::of(&config), config.len() as u64);
    let manifest = to_json(&Manifest::new(described.clone(), vec![layer.clone()])).into_bytes();
    let mut entry = Descriptor::new(MediaType::MANIFEST, Digest::of(&manifest), manifest.len() as u64);
    entry.platform = Some(Platform::host());
    let index = to_json(&Index { manifests: vec![entry.clone()], ..Index::default() }).into_bytes();
    let files = HashMap::from([
        ("/v2/app/manifests/latest".to_owned(), index),
        (format!("/v2/app/manifests/{}", entry.digest), manifest),
        (format!("/v2/app/blobs/{}", described.digest), config),
        (format!("/v2/app/blobs/{}", layer.digest), tar),
    ]);
    Image { files, layer }
}

fn plain(image: &HashMap<String, Vec<u8>>, path: &str) -> Option<Vec<u8>> {
    let kind = if path.ends_with("latest") { MediaType::INDEX } else { MediaType::MANIFEST };
    image.get(path).map(|body| response("200 OK", &format!("content-type: {kind}\r\n"), body))
}

fn store(folder: &Path) -> Store {
    Store::open(&folder.join("store")).unwrap().with_owners(Owners::Recorded)
}

fn pull(server: &Server, store: &Store, mirrors: Option<&Server>) -> Result<(), FetchError> {
    let mirrors = mirrors.map(|mirror| (server.address.clone(), vec![format!("http://{}", mirror.address)]));
    let client = Client::new(Registries { mirrors: mirrors.into_iter().collect(), ..Registries::default() });
    store.resolve(&format!("{}/app", server.address), &Platform::host(), Pull::Missing, &client).map(drop)
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let Image { files, layer } = image();
    let blob = format!("/v2/app/blobs/{}", layer.digest);
    let wanted = blob.clone();
    let server = Server::start(Box::new(move |path, times, from, _| {
        let whole = plain(&files, path)?;
        if path != wanted {
            return Some(whole);
        }
        let body = &files[path];
        let from = from.unwrap_or(0);
        let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
        let range = format!("content-range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len());
        let mut bytes = response(status, &range, &body[from..]);
        if times < 4 {
            bytes.truncate(bytes.len() * 2 / 3);
        }
        Some(bytes)
    }));
    let store = store(folder.path());
    pull(&server, &store, None).unwrap();
    assert!(store.has_blob(&layer));
    assert_eq!(server.asked().iter().filter(|path| **path == blob).count(), 4);
    // What is there is not asked for again.
    let before = server.asked().len();
    pull(&server, &store, None).unwrap();
    assert_eq!(server.asked().len(), before);
}

#[test]
fn a_registry_that_cannot_continue_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let Image { files, layer } = image();
    let wanted = format!("/v2/app/blobs/{}", layer.digest);
    let server = Server::start(Box::new(move |path, times, _, _| {
        let mut bytes = plain(&files, path)?;
        if path == wanted && times < 3 {
            bytes.truncate(bytes.len() / 2);
        }
        Some(bytes)
    }));
    let store = store(folder.path());
    pull(&server, &store, None).unwrap();
    assert!(store.has_blob(&layer));
}

#[test]
fn what_differs_from_its_digest_is_not_kept() {
    for lie in ["/blobs/", "/manifests/sha256"] {
        let folder = tempfile::tempdir().unwrap();
        let Image { files, layer } = image();
        let server = Server::start(Box::new(move |path, _, _, _| {
            let mut bytes = plain(&files, path)?;
            if path.contains(lie) {
                *bytes.last_mut()? ^= 1;
            }
            Some(bytes)
        }));
        let store = store(folder.path());
        assert!(pull(&server, &store, None).is_err(), "{lie}");
        assert!(!store.has_blob(&layer));
    }
}

#[test]
fn a_token_is_fetched_where_it_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let Image { files, layer } = image();
    let tokens = Server::start(Box::new(|path, _, _, _| {
        path.starts_with("/token?").then(|| response("200 OK", "", br#"{"token":"abc"}"#))
    }));
    let realm = format!("http://{}/token", tokens.address);
    let server = Server::start(Box::new(move |path, _, _, authorization| {
        if authorization != "Bearer abc" {
            let header = format!("www-authenticate: Bearer realm=\"{realm}\",service=\"s\"\r\n");
            return Some(response("401 Unauthorized", &header, b""));
        }
        plain(&files, path)
    }));
    let store = store(folder.path());
    pull(&server, &store, None).unwrap();
    assert!(store.has_blob(&layer));
    let asked = tokens.asked();
    assert_eq!(asked.len(), 1, "one token serves all requests: {asked:?}");
    assert!(asked[0].contains("scope=repository") && asked[0].contains("service=s"));
}

#[test]
fn a_mirror_is_asked_first_and_passed_over_when_it_fails() {
    let folder = tempfile::tempdir().unwrap();
    let Image { files, layer } = image();
    let copy = files.clone();
    let server = Server::start(Box::new(move |path, _, _, _| plain(&copy, path)));
    let wanted = format!("/v2/app/blobs/{}", layer.digest);
    // The mirror has everything but the layer.
    let mirror = Server::start(Box::new(move |path, _, _, _| if path == wanted { None } else { plain(&files, path) }));
    let store = store(folder.path());
    pull(&server, &store, Some(&mirror)).unwrap();
    assert!(store.has_blob(&layer));
    assert_eq!(server.asked(), [format!("/v2/app/blobs/{}", layer.digest)]);
}

#[test]
fn indexes_that_lead_nowhere_end() {
    let folder = tempfile::tempdir().unwrap();
    // Each index names the next one; there is no end.
    let document = |depth: usize| {
        let mut text = String::from(r#"{"schemaVersion":2,"manifests":[]}"#);
        for _ in 0..depth {
            let mut entry = Descriptor::new(MediaType::INDEX, Digest::of(text.as_bytes()), text.len() as u64);
            entry.platform = Some(Platform::host());
            text = to_json(&Index { manifests: vec![entry], ..Index::default() });
        }
        text.into_bytes()
    };
    let server = Server::start(Box::new(move |path, _, _, _| {
        let digest = path.rsplit('/').next()?;
        let found = (0..30).map(document).find(|text| Digest::of(text).to_string() == digest);
        let body = found.unwrap_or_else(|| document(30));
        Some(response("200 OK", &format!("content-type: {}\r\n", MediaType::INDEX), &body))
    }));
    let store = store(folder.path());
    let outcome = pull(&server, &store, None);
    assert!(matches!(outcome, Err(FetchError::TooDeep(_))), "{outcome:?}");
    assert!(server.asked().len() < 10);
}

#[test]
fn nobody_there_says_how_to_do_without() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server { address: "127.0.0.1:1".to_owned(), asked: Arc::default() };
    let error = pull(&server, &store(folder.path()), None).unwrap_err().to_string();
    assert!(error.contains("cannot be reached") && error.contains("layerwise image import"), "{error}");
}
