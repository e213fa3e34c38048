//! `ADD` of what lies elsewhere: files by HTTP, and repositories of git.

use std::time::Duration;

use super::site::Site;
use crate::context::path;
use crate::runtime::copy::{CopyError, Placement, Placer, Target};
use crate::runtime::image::{Digest, Hasher};
use crate::runtime::layer::Space;
use crate::runtime::registry::agent;
use crate::runtime::store::SnapshotDraft;
use crate::runtime::tree::Tree;

/// How the address of a repository ends.
const GIT: &str = ".git";
/// Bytes of the largest file that is fetched into memory before it goes to the disk.
const PIECE: usize = 64 * 1024;

/// Digits of a commit that say which one is meant; as many as git shows.
const SHORTEST: usize = 7;

/// A source that is fetched.
pub(super) enum Remote {
    /// A file by HTTP.
    Http { url: String },
    /// A repository of git, with the branch, tag or commit, and the folder in it.
    Git { url: String, reference: Option<String>, folder: String },
}

/// What was fetched.
pub(super) struct Fetched {
    /// What it is, for the cache key.
    pub(super) identity: String,
    folder: SnapshotDraft,
    kind: Kind,
}

enum Kind {
    /// A file of that name; seconds since 1970 of its last change.
    File { name: String, changed: i64 },
    /// All in the folder.
    Folder { below: String },
}

impl Remote {
    /// A source that lies elsewhere; `None` for a path.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let http = word.starts_with("http://") || word.starts_with("https://");
        let (address, fragment) = word.split_once('#').map_or((word, None), |(url, rest)| (url, Some(rest)));
        let without_query = address.split('?').next().unwrap_or_default();
        let git = ["git://", "ssh://", "git@"].iter().any(|start| word.starts_with(start))
            || (http && without_query.trim_end_matches('/').ends_with(GIT));
        if git {
            let fragment = fragment.unwrap_or_default();
            let (reference, folder) = fragment.split_once(':').unwrap_or((fragment, ""));
            let reference = (!reference.is_empty()).then(|| reference.to_owned());
            return Some(Self::Git { url: address.to_owned(), reference, folder: path::clean(folder) });
        }
        http.then(|| Self::Http { url: word.to_owned() })
    }

    /// Fetches it.
    ///
    /// # Errors
    /// A phrase that says what is wrong.
    pub(super) fn fetch(&self, site: &Site<'_>, checksum: Option<&str>, keep_git: bool) -> Result<Fetched, String> {
        let folder = site.store.new_snapshot(None).map_err(|error| error.to_string())?;
        match self {
            Self::Http { url } => http(url, checksum, folder, site.request.registries.timeout),
            Self::Git { .. } if checksum.is_some_and(|checksum| checksum.contains(':')) => {
                Err("the checksum of a repository is the name of a commit".to_owned())
            }
            Self::Git { url, reference, folder: below } => {
                git(url, reference.as_deref(), below, checksum, keep_git, folder)
            }
        }
    }
}

fn http(url: &str, checksum: Option<&str>, folder: SnapshotDraft, silence: Duration) -> Result<Fetched, String> {
    let wanted = checksum.map(|text| text.parse::<Digest>().map_err(|error| error.to_string())).transpose()?;
    let failed = |reason: &dyn std::fmt::Display| format!("`{url}` cannot be fetched: {reason}");
    let response = agent(silence).map_err(|error| failed(&error))?.get(url).call().map_err(|error| failed(&error))?;
    if !response.status().is_success() {
        return Err(failed(&format!("the server answered {}", response.status())));
    }
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let changed = header("last-modified").and_then(|text| crate::text::time::of_http(&text)).unwrap_or_default();
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let name = path.split_once('/').map_or("", |(_, path)| path.rsplit('/').next().unwrap_or_default());
    let name = if matches!(name, "" | "." | "..") { "__unnamed__".to_owned() } else { name.to_owned() };
    let mut body = response.into_body().into_reader();
    let mut space = Space::new(folder.folder().to_owned());
    let mut hasher = Hasher::default();
    let mut file = std::fs::File::create(folder.folder().join("file")).map_err(|error| failed(&error))?;
    let mut buffer = vec![0; PIECE];
    loop {
        let count = std::io::Read::read(&mut body, &mut buffer).map_err(|error| failed(&error))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        space.take(count as u64, &file).map_err(|error| failed(&error))?;
        std::io::Write::write_all(&mut file, &buffer[..count]).map_err(|error| failed(&error))?;
    }
    let digest = hasher.finish();
    if let Some(wanted) = wanted.filter(|wanted| *wanted != digest) {
        return Err(format!("`{url}` has the digest {digest}, and the file says {wanted}"));
    }
    let identity = format!("{name} {digest} {changed}");
    Ok(Fetched { identity, folder, kind: Kind::File { name, changed } })
}

fn git(
    url: &str,
    reference: Option<&str>,
    below: &str,
    checksum: Option<&str>,
    keep_git: bool,
    folder: SnapshotDraft,
) -> Result<Fetched, String> {
    let root = folder.folder().join("repository");
    let run = |arguments: &[&str]| -> Result<String, String> {
        // Files get the modes that they have in the repository, whatever mask the process has.
        let mut command = std::process::Command::new("sh");
        command
            .args([
                "-c",
                "umask 022; exec git \"$@\"",
                "git",
                "-c",
                "protocol.file.allow=never",
                "-c",
                "core.hooksPath=/dev/null",
                "-C",
            ])
            .arg(&root);
        command.args(arguments).env("GIT_TERMINAL_PROMPT", "0").stdin(std::process::Stdio::null());
        let output = command.output().map_err(|error| format!("`git` cannot be started: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or_default().to_owned();
        Err(format!("`{url}` cannot be fetched: {said}"))
    };
    std::fs::create_dir(&root).map_err(|error| error.to_string())?;
    run(&["init", "--quiet"])?;
    run(&["remote", "add", "origin", "--", url])?;
    let wanted = reference.unwrap_or("HEAD");
    if wanted.starts_with('-') {
        return Err(format!("`{wanted}` is no branch, tag or commit"));
    }
    if run(&["fetch", "--quiet", "--depth=1", "origin", wanted]).is_err() {
        // A server may refuse a commit by name, or a shallow clone.
        run(&["fetch", "--quiet", "--tags", "origin"])?;
        run(&["checkout", "--quiet", "--detach", wanted])?;
    } else {
        run(&["checkout", "--quiet", "--detach", "FETCH_HEAD"])?;
    }
    if let Some(short) = checksum.filter(|checksum| checksum.len() < SHORTEST) {
        return Err(format!("`{short}` may be many commits: give at least {SHORTEST} digits of the checksum"));
    }
    let commit = run(&["rev-parse", "HEAD"])?;
    if let Some(checksum) = checksum.filter(|checksum| !commit.starts_with(checksum)) {
        return Err(format!("`{url}` is at the commit {commit}, and the file says {checksum}"));
    }
    run(&["submodule", "update", "--quiet", "--init", "--recursive", "--depth=1"])?;
    if !keep_git {
        std::fs::remove_dir_all(root.join(".git")).map_err(|error| error.to_string())?;
    }
    let identity = format!("{commit} {below} {keep_git}");
    Ok(Fetched { identity, folder, kind: Kind::Folder { below: below.to_owned() } })
}

impl Fetched {
    /// Copies it to its place; with `unpack`, a file that is an archive gives its content.
    pub(super) fn place(&self, target: &mut Target, placement: &Placement, unpack: bool) -> Result<(), CopyError> {
        use crate::context::{Destination, Filtered, Selector};
        use crate::runtime::copy::{Selection, archive, opened};

        let tree = opened(self.folder.folder())?;
        let source = match &self.kind {
            Kind::File { .. } => "file".to_owned(),
            Kind::Folder { below } => path::join("repository", below),
        };
        let selector = Selector::new(&[source.as_str()], Destination::new("/", "/"));
        let selection = Selection::new(&tree, &Filtered::new(&tree, None), &selector, false, "what was fetched")?;
        match &self.kind {
            Kind::File { .. } if unpack && archive::place(&tree, target, placement, &selection)? => Ok(()),
            Kind::File { name, changed } => file(&tree, target, placement, name, *changed),
            Kind::Folder { .. } => Placer::new(&tree, target, placement, false).place(&selection),
        }
    }
}

/// A file that was fetched: 0600 and as old as the server says.
fn file(tree: &Tree, target: &mut Target, placement: &Placement, name: &str, changed: i64) -> Result<(), CopyError> {
    let content = tree.look("file").map(|node| tree.open("file", &node));
    let Some(Ok(mut content)) = content else { return Ok(()) };
    Placer::new(tree, target, placement, false).stream(name, &mut content, 0o600, changed)
}
