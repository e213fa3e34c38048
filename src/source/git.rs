//! History and ignore rules of the git repository around a folder, from the `git` program.
//!
//! The history is the one a build server sees: first parents only, a merge as one change. Commits that change nothing in
//! the context are no part of it: where many projects share a repository, they build nothing here. No content is ever
//! read, so clones without blobs serve as well.

mod branch;
mod checkout;
mod program;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Mutex;

use crate::context::{Commit, Context, EntryKind, History, path};

use program::{Failure, Program};

pub use branch::Branch;

/// Why a context has no history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoHistory {
    /// The program could not be started.
    #[error("git cannot be started: {0}")]
    NoGit(String),
    /// The folder is in no work tree.
    #[error("the context is in no git repository")]
    NoRepository,
    /// Git refuses a repository that belongs to someone else.
    #[error("git does not trust the repository, as it belongs to another user (see `safe.directory`)")]
    NotTrusted,
    /// The repository around the folder tracks nothing in it, or has no commit.
    #[error("git tracks no file of the context")]
    Untracked,
}

/// Why the changes since a revision are unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// There is nothing to ask.
    #[error(transparent)]
    NoRepository(NoHistory),
    /// The repository knows no such commit.
    #[error("git knows no commit `{0}`")]
    UnknownRevision(String),
    /// The branch and the revision have no commit in common, or the clone is too shallow to have it.
    #[error("git knows no commit that both `HEAD` and `{0}` come from")]
    NoMergeBase(String),
    /// Git failed.
    #[error("git could not compare the work tree with `{revision}`: {reason}")]
    Failed {
        /// What it was to compare with.
        revision: String,
        /// What it said.
        reason: String,
    },
}

/// A repository, seen from a folder of its work tree.
#[derive(Debug)]
pub(super) struct Repository {
    program: Program,
    /// The folder's path in the work tree, with a `/` at its end; empty at the top.
    prefix: String,
    shallow: bool,
    /// The id of the commit that is checked out.
    head: String,
    /// Tracked files, and the folders that hold them.
    tracked: HashSet<String>,
    /// Answers of the ignore rules, by path.
    ignored: Mutex<HashMap<String, bool>>,
}

impl Repository {
    /// The repository around `folder`, which is absolute.
    pub(super) fn around(folder: &Path) -> Result<Self, NoHistory> {
        // Git would say the same, and starting it takes longer than the check of a file.
        if !folder.ancestors().any(|above| above.join(".git").symlink_metadata().is_ok()) {
            return Err(NoHistory::NoRepository);
        }
        let program = Program::in_folder(folder);
        let place = program.run(&["rev-parse", "--is-inside-work-tree", "--is-shallow-repository", "--show-prefix"]);
        let place = place.map_err(|failure| match failure {
            Failure::NotStarted(reason) => NoHistory::NoGit(reason),
            Failure::Said(text) if text.contains("dubious ownership") || text.contains("unsafe repository") => {
                NoHistory::NotTrusted
            }
            Failure::Said(_) => NoHistory::NoRepository,
        })?;
        let mut lines = place.splitn(3, '\n');
        if lines.next() != Some("true") {
            return Err(NoHistory::NoRepository);
        }
        let shallow = lines.next() == Some("true");
        let prefix = lines.next().unwrap_or_default();
        let prefix = prefix.strip_suffix('\n').unwrap_or(prefix).to_owned();
        let files = program.run(&["ls-files", "-z"]).map_err(|_| NoHistory::Untracked)?;
        let head = program.run(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
        let Some(head) = head.ok().filter(|_| !files.is_empty()) else { return Err(NoHistory::Untracked) };
        let head = head.trim().to_owned();
        let tracked = with_folders(&files);
        Ok(Self { program, prefix, shallow, head, tracked, ignored: Mutex::default() })
    }

    /// The id of the commit that is checked out, and with it its history.
    pub(super) fn head(&self) -> &str {
        &self.head
    }

    /// The newest `limit` commits that change something in the folder.
    pub(super) fn history(&self, limit: usize) -> Option<History> {
        // Git counts in 32 bits.
        let count = format!("--max-count={}", i32::try_from(limit).unwrap_or(i32::MAX));
        let arguments =
            ["log", "--first-parent", "-m", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv"];
        let format = ["--no-show-signature", "--no-notes", "--no-color", "-z", "--format=%x01%H%x00%ct"];
        let log = self.program.run(&[&arguments[..], &format[..], &[&count, "HEAD", "--", "."]].concat()).ok()?;
        Some(History { commits: read_log(&log, &self.prefix), shallow: self.shallow })
    }

    /// Paths of the folder in which the work tree differs from `revision`.
    pub(super) fn changed_since(&self, revision: &str) -> Result<Vec<String>, GitError> {
        let commit = format!("{revision}^{{commit}}");
        let verified = self.program.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
        let unknown = |_| GitError::UnknownRevision(revision.to_owned());
        let verified = verified.map_err(unknown)?;
        // `rev-parse` before 2.30 repeats the mark that ends its options.
        let id = verified.lines().last().unwrap_or_default();
        let failed = |failure: Failure| GitError::Failed { revision: revision.to_owned(), reason: failure.to_string() };
        let changed = self.program.diff(&["--name-only", "--no-renames", id, "--"]).map_err(failed)?;
        let new = self.program.run(&["ls-files", "-z", "--others", "--exclude-standard"]).map_err(failed)?;
        let changed = names(&changed).filter_map(|name| name.strip_prefix(&self.prefix));
        let new = names(&new).map(|name| name.trim_end_matches('/'));
        let mut paths: Vec<String> = changed.chain(new).map(str::to_owned).collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// Whether an ignore rule leaves out `path`, or a folder above it, and nothing there is tracked.
    pub(super) fn is_untracked_by_rule(&self, context: &dyn Context, path: &str) -> bool {
        let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        folders.chain([path]).any(|prefix| !self.tracked.contains(prefix) && self.is_ignored(context, prefix))
            && !self.tracked.contains(path)
    }

    /// What the rules say on one path, whose folders they do not leave out.
    fn is_ignored(&self, context: &dyn Context, path: &str) -> bool {
        if path.is_empty() {
            return false;
        }
        let known = |map: &HashMap<String, bool>| map.get(path).copied();
        if let Some(ignored) = self.ignored.lock().ok().and_then(|map| known(&map)) {
            return ignored;
        }
        let answers = self.ask(context, path);
        let ignored = answers.get(path).copied().unwrap_or(false);
        if let Ok(mut map) = self.ignored.lock() {
            map.extend(answers);
        }
        ignored
    }

    /// Asks for `path` and all that stands beside it: the next questions will be about those.
    fn ask(&self, context: &dyn Context, path: &str) -> HashMap<String, bool> {
        let folder = path::parent(path);
        let mut asked: HashMap<String, bool> = HashMap::from([(path.to_owned(), false)]);
        for (name, _) in context.list(folder) {
            let beside = path::join(folder, &name);
            if !self.tracked.contains(&beside) {
                asked.insert(beside, false);
            }
        }
        let mut question = String::new();
        for path in asked.keys() {
            question.extend([path.as_str(), "\0"]);
            // What is not there may be a folder once it is: rules such as `dist/` hold for folders only.
            if context.entry(path).is_none_or(|entry| entry.kind == EntryKind::Directory) {
                question.extend([path.as_str(), "/\0"]);
            }
        }
        let answer = self.program.ask(&["check-ignore", "-z", "--stdin"], question.as_bytes()).unwrap_or_default();
        for name in names(&answer) {
            asked.insert(name.trim_end_matches('/').to_owned(), true);
        }
        asked
    }
}

/// The parts of a text in which each ends in a zero byte.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('\0').filter(|name| !name.is_empty())
}

/// The listed files, and each folder that holds one of them.
fn with_folders(files: &str) -> HashSet<String> {
    let mut all = HashSet::new();
    for file in names(files) {
        all.insert(file.to_owned());
        for (at, _) in file.match_indices('/').rev() {
            let Some(folder) = file.get(..at) else { break };
            if !all.insert(folder.to_owned()) {
                break;
            }
        }
    }
    all.insert(String::new());
    all
}

/// Reads `git log -z --name-only --format=%x01%H%x00%ct`: per commit a mark and the id, the time, then, after a line
/// break, the paths.
fn read_log(log: &str, prefix: &str) -> Vec<Commit> {
    let mut commits: Vec<Commit> = Vec::new();
    let mut fields = log.split('\0');
    while let Some(field) = fields.next() {
        if let Some(id) = field.strip_prefix('\u{1}').filter(|id| is_object_id(id)) {
            let time = fields.next().and_then(|time| time.trim().parse().ok()).unwrap_or_default();
            commits.push(Commit { id: id.to_owned(), time, paths: Vec::new() });
            continue;
        }
        let Some(commit) = commits.last_mut() else { continue };
        let name = if commit.paths.is_empty() { field.strip_prefix('\n').unwrap_or(field) } else { field };
        if let Some(path) = name.strip_prefix(prefix).filter(|path| !path.is_empty()) {
            commit.paths.push(path.to_owned());
        }
    }
    for commit in &mut commits {
        commit.paths.sort();
        commit.paths.dedup();
    }
    commits
}

fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
