//! `check --changed-since`: what a branch touches, in repositories that git made.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{self, Run};

const OLD: &[u8] = b"FROM debian\nRUN a\nRUN b\n";

fn git(folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    let settings = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"];
    let output = command.current_dir(folder).args(settings).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// `main` with three files and a commit more than the branch `topic`, which is checked out.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    git(at, &["init", "--quiet", "--initial-branch", "main"]);
    for path in ["same/Dockerfile", "edited/Dockerfile", "moved/Dockerfile", "ours/Dockerfile"] {
        program::write(at, path, OLD);
    }
    git(at, &["add", "."]);
    git(at, &["commit", "--quiet", "-m", "first"]);
    git(at, &["checkout", "--quiet", "-b", "topic"]);
    git(at, &["checkout", "--quiet", "main"]);
    program::write(at, "ours/Dockerfile", b"FROM ubuntu\nRUN a\nRUN b\n");
    git(at, &["commit", "--quiet", "-a", "-m", "main goes on"]);
    git(at, &["checkout", "--quiet", "topic"]);
    folder
}

fn check(folder: &Path, args: &[&str], stdin: &str) -> Run {
    let fixed = ["check", "--isolated", "--select", "unpinned-base-image", "--output-format", "concise", "--quiet"];
    program::run(program::layerwise(folder, &[&fixed[..], args].concat()), stdin)
}

#[test]
fn only_lines_that_the_branch_touches_count() {
    let folder = repository();
    let at = folder.path();
    let run = check(at, &["--changed-since", "main"], "");
    assert_eq!((run.exit, run.stdout.as_str()), (Some(0), ""), "what main did is not the branch's: {}", run.stderr);

    // Committed, and another finding that was there before.
    program::write(at, "edited/Dockerfile", b"# new\nFROM debian\nRUN a\nFROM ubuntu\nCOPY --from=0 /a /a\n");
    git(at, &["mv", "moved/Dockerfile", "moved/Dockerfile.new"]);
    git(at, &["commit", "--quiet", "-a", "-m", "second"]);
    // Staged, and new.
    program::write(at, "staged/Dockerfile", OLD);
    git(at, &["add", "."]);
    program::write(at, "new \u{e9}/Dockerfile", OLD);
    let expected = "edited/Dockerfile:4:6\nnew \u{e9}/Dockerfile:1:6\nstaged/Dockerfile:1:6\n";
    for revision in ["main", "topic~1", "main~1"] {
        let run = check(at, &["--changed-since", revision], "");
        assert_eq!(run.exit, Some(1), "{}", run.stderr);
        assert_eq!(places(&run), expected, "{revision}");
    }
    let run = check(&at.join("edited"), &["--changed-since", "main"], "");
    assert_eq!(places(&run), "Dockerfile:4:6\n", "from a folder below");
    let run = check(at, &["--changed-since", "HEAD"], "");
    assert_eq!(places(&run), "new \u{e9}/Dockerfile:1:6\nstaged/Dockerfile:1:6\n");
}

/// The first three fields of each line.
fn places(run: &Run) -> String {
    run.stdout.lines().map(|line| line.splitn(4, ':').take(3).collect::<Vec<_>>().join(":") + "\n").collect()
}

#[test]
fn a_text_that_is_not_written_counts_against_the_file_of_its_name() {
    let folder = repository();
    let args = ["-", "--stdin-filename", "same/Dockerfile", "--changed-since", "main"];
    let run = check(folder.path(), &args, "# x\nFROM debian\nFROM ubuntu\nRUN a\nRUN b\n");
    assert_eq!(places(&run), "same/Dockerfile:3:6\n", "{}", run.stderr);
}

#[test]
fn what_git_does_not_know_is_an_error() {
    let folder = repository();
    let at = folder.path();
    let run = check(at, &["--changed-since", "nowhere"], "");
    assert_eq!(run.exit, Some(2));
    assert!(run.stderr.contains("git knows no commit `nowhere`"), "{}", run.stderr);
    let run = check(at, &["--changed-since", "--help"], "");
    assert_eq!(run.exit, Some(2), "a revision is no option: {}", run.stdout);

    git(at, &["checkout", "--quiet", "--orphan", "alone"]);
    git(at, &["commit", "--quiet", "-m", "no parent"]);
    let run = check(at, &["--changed-since", "main"], "");
    assert_eq!(run.exit, Some(2));
    assert!(run.stderr.contains("no commit that both `HEAD` and `main` come from"), "{}", run.stderr);

    let outside = tempfile::tempdir().unwrap();
    program::write(outside.path(), "Dockerfile", OLD);
    let run = check(outside.path(), &["--changed-since", "main"], "");
    assert_eq!((run.exit, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("is in no git repository"), "{}", run.stderr);
}
