//! History and ignore rules of real repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use layerwise::context::Context;
use layerwise::source::{Branch, DiskContext, GitError, NoHistory};
use tempfile::TempDir;

/// A repository in a temporary folder.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(TempDir::new().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, arguments: &[&str]) {
        git_in(self.path(), arguments);
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let full = self.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(&full, text).unwrap();
        full
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=change"]);
    }

    fn context(&self, folder: &str) -> DiskContext {
        DiskContext::new(self.path().join(folder)).unwrap()
    }
}

fn git_in(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]);
    command.args(arguments).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.output().expect("git is needed by these tests");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn history(context: &DiskContext) -> Vec<Vec<String>> {
    context.history(100).unwrap().commits.iter().map(|commit| commit.paths.clone()).collect()
}

/// Two lines of work with a rename, a commit outside of `app`, an empty commit, odd names and a merge.
fn busy() -> Repository {
    let repository = Repository::new();
    repository.write("app/package.json", "{}");
    repository.write("app/src/a b.js", "a");
    repository.write("README.md", "r");
    repository.commit();
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.write("app/side.js", "s");
    repository.commit();
    repository.write("app/side.js", "t");
    repository.write("app/other.js", "t");
    repository.commit();
    repository.git(&["checkout", "--quiet", "main"]);
    repository.git(&["mv", "app/src/a b.js", "app/src/é\"\t.js"]);
    repository.commit();
    repository.write("README.md", "only outside");
    repository.commit();
    repository.git(&["merge", "--quiet", "--no-ff", "--message=merge", "side"]);
    repository.commit();
    repository
}

fn busy_history() -> Vec<Vec<&'static str>> {
    vec![vec!["other.js", "side.js"], vec!["src/a b.js", "src/é\"\t.js"], vec!["package.json", "src/a b.js"]]
}

#[test]
fn history_is_that_of_the_first_parents() {
    let repository = busy();
    let context = repository.context("app");
    assert_eq!(history(&context), busy_history());
    let newest = context.history(2).unwrap();
    assert_eq!((newest.commits.len(), newest.shallow), (2, false));
    assert!(newest.commits[0].time > 1_500_000_000 && newest.commits[0].id.len() == 40);
    assert!(history(&repository.context("")).last().unwrap().contains(&"app/package.json".to_owned()));
}

#[test]
fn history_depends_on_no_setting_and_runs_nothing() {
    let repository = busy();
    let marker = repository.path().join(".git/marker");
    let hook = repository.write("hook.sh", &format!("#!/bin/sh\ntouch '{}'\n", marker.display()));
    git_in(repository.path(), &["update-index", "--add", "--chmod=+x", "hook.sh"]);
    git_in(repository.path(), &["checkout-index", "--force", "hook.sh"]);
    for (key, value) in [
        ("color.ui", "always"),
        ("core.fsmonitor", hook.to_str().unwrap()),
        ("core.quotePath", "true"),
        ("diff.external", hook.to_str().unwrap()),
        ("diff.orderFile", "missing"),
        ("diff.relative", "true"),
        ("diff.renames", "copies"),
        ("filter.marking.clean", hook.to_str().unwrap()),
        ("filter.marking.required", "true"),
        ("log.diffMerges", "separate"),
        ("log.follow", "true"),
        ("log.showRoot", "false"),
        ("log.showSignature", "true"),
    ] {
        repository.git(&["config", key, value]);
    }
    repository.write(".git/info/attributes", "* filter=marking\n");
    let context = repository.context("app");
    assert_eq!(history(&context), busy_history());
    repository.write("app/new.js", "n");
    assert_eq!(context.changed_since("HEAD").unwrap(), ["new.js"]);
    repository.write("app/package.json", "{ \"changed\": 1 }");
    assert_eq!(context.changed_since("HEAD").unwrap(), ["new.js", "package.json"]);
    Branch::since(repository.path(), "HEAD").unwrap();
    assert!(!marker.exists());
}

#[test]
fn a_shallow_clone_says_so_and_a_partial_one_works() {
    let repository = busy();
    repository.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", repository.path().display());
    let clones = TempDir::new().unwrap();
    git_in(clones.path(), &["clone", "--quiet", "--depth=3", &url, "shallow"]);
    let shallow = DiskContext::new(clones.path().join("shallow/app")).unwrap().history(100).unwrap();
    assert!(shallow.shallow && shallow.commits.len() == 2);

    git_in(clones.path(), &["clone", "--quiet", "--filter=blob:none", "--no-checkout", &url, "partial"]);
    git_in(clones.path(), &["-C", "partial", "reset", "--quiet"]);
    fs::create_dir(clones.path().join("partial/app")).unwrap();
    // Whoever fetched a blob now would have to fail.
    git_in(clones.path(), &["-C", "partial", "remote", "set-url", "origin", "file:///nowhere"]);
    let partial = DiskContext::new(clones.path().join("partial/app")).unwrap();
    assert_eq!(history(&partial), busy_history());
}

#[test]
fn a_context_without_tracked_files_has_no_history() {
    let folder = TempDir::new().unwrap();
    let why = |path: &Path| DiskContext::new(path).unwrap().no_history().cloned();
    assert_eq!(why(folder.path()), Some(NoHistory::NoRepository));
    let repository = Repository::new();
    assert_eq!(why(repository.path()), Some(NoHistory::Untracked));
    repository.write("tracked", "");
    repository.commit();
    repository.write("new/Dockerfile", "");
    assert_eq!(why(&repository.path().join("new")), Some(NoHistory::Untracked));
    assert_eq!(why(repository.path()), None);
    assert!(repository.context("new").history(10).is_none());
    assert!(!repository.context("new").is_untracked_by_rule("Dockerfile"));
}

#[cfg(unix)]
#[test]
fn a_repository_of_someone_else_is_named_as_such() {
    let repository = Repository::new();
    repository.write("file", "");
    repository.commit();
    let other = Some(65_534);
    for path in [repository.path().to_owned(), repository.path().join(".git")] {
        if let Err(error) = std::os::unix::fs::chown(path, other, other) {
            crate::program::skipped(&format!("the owner of a folder cannot be changed here: {error}"));
            return;
        }
    }
    assert_eq!(repository.context("").no_history(), Some(&NoHistory::NotTrusted));
    assert!(repository.context("").history(1).is_none());
}

#[test]
fn knows_what_no_clean_checkout_has() {
    let repository = Repository::new();
    repository.write(".gitignore", "node_modules/\n*.log\n/app/dist\n!keep.log\n");
    repository.write("app/node_modules/x/index.js", "");
    repository.write("app/src/é.log", "");
    repository.write("app/keep.log", "");
    repository.write("app/tracked.log", "");
    repository.write("app/new.js", "");
    repository.git(&["add", "--force", "app/tracked.log", "app/keep.log", ".gitignore"]);
    repository.git(&["commit", "--quiet", "--message=one"]);
    let context = repository.context("app");
    for (path, expected) in [
        ("node_modules", true),
        ("node_modules/x/index.js", true),
        ("src/é.log", true),
        ("src", false),
        ("tracked.log", false),
        ("keep.log", false),
        ("new.js", false),
        ("dist", true),
        ("dist/main.js", true),
        ("lib/node_modules", true),
        ("", false),
    ] {
        assert_eq!(context.is_untracked_by_rule(path), expected, "{path:?}");
    }
}

#[test]
fn compares_the_work_tree_with_a_revision() {
    let repository = Repository::new();
    for path in ["app/one", "app/two", "app/gone", "out"] {
        repository.write(path, "1");
    }
    repository.write(".gitignore", "*.log\n");
    repository.commit();
    repository.git(&["tag", "start"]);
    repository.write("app/one", "2");
    repository.write("out", "2");
    repository.commit();
    repository.write("app/two", "2");
    repository.write("app/new é", "");
    repository.write("app/new.log", "");
    fs::remove_file(repository.path().join("app/gone")).unwrap();
    let context = repository.context("app");
    assert_eq!(context.changed_since("start").unwrap(), ["gone", "new é", "one", "two"]);
    assert_eq!(context.changed_since("HEAD").unwrap(), ["gone", "new é", "two"]);
    for bad in ["nowhere", "--output=x", ""] {
        assert_eq!(context.changed_since(bad), Err(GitError::UnknownRevision(bad.to_owned())), "{bad:?}");
    }
    let folder = TempDir::new().unwrap();
    let outside = DiskContext::new(folder.path()).unwrap().changed_since("HEAD");
    assert_eq!(outside, Err(GitError::NoRepository(NoHistory::NoRepository)));
}
