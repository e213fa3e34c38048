//! What goes wrong in the middle of `verify` leaves the project and the store as they were, and the next run works.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::program::{self, Run};

const FILE: &str = "FROM layerwise/busybox\nWORKDIR /app\nCOPY . .\nRUN echo one >/one\nRUN cat a >/two\n";

/// A project, its candidate, a store and a folder for temporary files, in one folder.
struct Project(TempDir);

impl Project {
    fn new(dockerfile: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        program::write(at, "app/Dockerfile", dockerfile.as_bytes());
        program::write(at, "app/a", b"a\n");
        program::write(at, "app/src/b", b"b\n");
        std::fs::create_dir(at.join("tmp")).unwrap();
        let swapped = dockerfile.replace("COPY . .\nRUN echo one >/one\n", "RUN echo one >/one\nCOPY . .\n");
        program::write(at, "Dockerfile.new", swapped.as_bytes());
        Self(folder)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = program::layerwise(self.0.path(), args);
        command.env("LAYERWISE_STORE", self.0.path().join("store")).env("TMPDIR", self.0.path().join("tmp"));
        command
    }

    fn verify(&self) -> Command {
        self.command(&["verify", "app", "--against", "Dockerfile.new", "--costs", "costs.json"])
    }

    /// Every file of the project with what is in it.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.0.path().join("app")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(path.clone(), std::fs::read(path).unwrap());
                }
            }
        }
        found
    }

    /// The store is whole, and a run from the beginning proves what is to be proven.
    fn assert_works(&self) {
        let check = program::run(self.command(&["store", "check"]), "");
        assert_eq!(check.exit, Some(0), "{}{}", check.stdout, check.stderr);
        let run = program::run(self.verify(), "");
        assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains("proven equal, and after 1 change"), "{}", run.stdout);
    }
}

/// Whether steps cannot be run on this machine; says so.
#[allow(clippy::print_stdout, reason = "a test says what it goes without")]
fn is_refused(run: &Run) -> bool {
    let known = ["no static busybox", "there is none at", "`RUN` cannot be executed here", "no runtime of its own"];
    let reason = known.iter().find(|known| run.stderr.contains(**known));
    reason.inspect(|reason| println!("skipped: {reason}")).is_some()
}

#[test]
fn a_build_that_fails_half_way() {
    let project = Project::new(&FILE.replace("cat a", "cat gone"));
    let before = project.files();
    let run = program::run(project.verify(), "");
    if is_refused(&run) {
        return;
    }
    assert_eq!(run.exit, Some(2), "{}", run.stdout);
    assert!(run.stderr.contains("could not build") && run.stderr.contains("gone"), "{}", run.stderr);
    assert_eq!(project.files(), before);
    assert_eq!(std::fs::read_dir(project.0.path().join("tmp")).unwrap().count(), 0, "temporary files stayed");
    let file = project.0.path().join("app/Dockerfile");
    std::fs::write(&file, FILE).unwrap();
    let candidate = FILE.replace("COPY . .\nRUN echo one >/one\n", "RUN echo one >/one\nCOPY . .\n");
    std::fs::write(project.0.path().join("Dockerfile.new"), candidate).unwrap();
    project.assert_works();
}

#[test]
fn a_kill_at_any_point() {
    let project = Project::new(FILE);
    if is_refused(&program::run(project.verify(), "")) {
        return;
    }
    let before = project.files();
    for moment in [3, 40, 90, 160, 250, 400, 650, 1000] {
        let mut child = project.verify().spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        // It may have ended.
        let _ = child.kill();
        child.wait().unwrap();
        assert_eq!(project.files(), before, "after {moment} ms");
    }
    project.assert_works();
    assert_eq!(project.files(), before);
    // What the killed ones had laid out is gone with the next run.
    assert_eq!(list(&project.0.path().join("tmp")), Vec::<PathBuf>::new());
}

/// The store lies on a disk of some megabytes that a step fills.
#[test]
fn a_full_disk() {
    let project = Project::new(&FILE.replace("cat a >/two", "dd if=/dev/zero of=/two bs=1M count=40"));
    let before = project.files();
    let shell = |script: &str| {
        let mut command = Command::new("unshare");
        let own = program::layerwise(project.0.path(), &["--version"]);
        command.args(["-m", "sh", "-c", script]).env("LAYERWISE", own.get_program());
        command.env("LAYERWISE_STORE", project.0.path().join("store")).env("TMPDIR", project.0.path().join("tmp"));
        command.current_dir(project.0.path());
        command.output().map_or_else(
            |error| Run { exit: None, stdout: String::new(), stderr: error.to_string() },
            |output| Run {
                exit: output.status.code(),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            },
        )
    };
    std::fs::create_dir(project.0.path().join("store")).unwrap();
    let small = FILE.replace("COPY . .\nRUN echo one >/one\n", "RUN echo one >/one\nCOPY . .\n");
    std::fs::write(project.0.path().join("small"), FILE).unwrap();
    std::fs::write(project.0.path().join("small.new"), small).unwrap();
    let run = shell(
        "mount -t tmpfs -o size=24m none \"$LAYERWISE_STORE\" || exit 77\n\
         \"$LAYERWISE\" verify app --against Dockerfile.new --costs costs.json; echo \"exit $?\"\n\
         \"$LAYERWISE\" store check >&2 || exit 1\n\
         \"$LAYERWISE\" verify app -f small --against small.new --costs costs.json || exit 1",
    );
    if refuses_mounts(&run) || is_refused(&run) {
        return;
    }
    assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("exit 2"), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.to_lowercase().contains("no space left"), "{}", run.stderr);
    assert!(run.stdout.contains("proven equal"), "{}", run.stdout);
    assert_eq!(project.files(), before);
}

#[allow(clippy::print_stdout, reason = "a test says what it goes without")]
fn refuses_mounts(run: &Run) -> bool {
    let refused = run.exit == Some(77) || run.exit.is_none() || run.stderr.contains("unshare failed");
    if refused {
        println!("skipped: nothing can be mounted here: {}", run.stderr.trim());
    }
    refused
}

/// What a run leaves besides the store and the times.
#[test]
fn nothing_stays_behind() {
    let project = Project::new(FILE);
    if is_refused(&program::run(project.verify(), "")) {
        return;
    }
    let left: Vec<PathBuf> = list(project.0.path());
    let names: Vec<_> = left.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["Dockerfile.new", "app", "costs.json", "store", "tmp"]);
    assert!(list(&project.0.path().join("tmp")).is_empty());
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}
