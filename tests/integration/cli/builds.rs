//! What `cache` and `optimize` do around a build: which files they take, which they write, and which they leave alone.

use std::path::Path;

use tempfile::TempDir;

use crate::program::{self, Run};

const LAZY: &[u8] = b"FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n";

/// A folder with the lazy project of `tests/examples` in `app`.
fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples/lazy-npm");
    for name in ["package.json", "package-lock.json", "index.js"] {
        program::write(folder.path(), &format!("app/{name}"), &std::fs::read(example.join(name)).unwrap());
    }
    program::write(folder.path(), "app/Dockerfile", LAZY);
    folder
}

fn call(folder: &TempDir, args: &[&str]) -> Run {
    program::run(program::layerwise(folder.path(), args), "")
}

fn read(folder: &TempDir, path: &str) -> String {
    std::fs::read_to_string(folder.path().join(path)).unwrap()
}

#[test]
fn a_plan_is_written_once_and_for_all() {
    let folder = project();
    assert_eq!(call(&folder, &["optimize", "app"]).exit, Some(0), "a plan alone is no finding");
    let diff = call(&folder, &["optimize", "app", "--diff"]);
    assert_eq!(diff.exit, Some(1), "{}", diff.stdout);
    assert_eq!(read(&folder, "app/Dockerfile").as_bytes(), LAZY, "nothing is written without `--write`");

    let written = call(&folder, &["optimize", "app", "--write"]);
    assert_eq!(written.exit, Some(0), "{}{}", written.stdout, written.stderr);
    let install_first = "COPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n";
    assert_eq!(read(&folder, "app/Dockerfile"), format!("FROM node:22\nWORKDIR /app\n{install_first}"));
    assert!(read(&folder, "app/.dockerignore").lines().any(|line| line == "**/node_modules"));

    let again = call(&folder, &["optimize", "app", "--diff"]);
    assert_eq!((again.exit, again.stdout.as_str()), (Some(0), ""), "a written plan leaves nothing to change");
}

/// The builder does not follow such a link, so what it points to is not this project's.
#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_context_is_left_alone() {
    let folder = project();
    program::write(folder.path(), "shared.ignore", b"*.md\n");
    std::os::unix::fs::symlink("../shared.ignore", folder.path().join("app/.dockerignore")).unwrap();
    let run = call(&folder, &["optimize", "app", "--write"]);
    assert_eq!(run.exit, Some(2), "{}", run.stdout);
    assert!(
        run.stderr.contains("`app/.dockerignore` cannot be written: it is a link that leads out"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stdout, "", "a plan that was not written is not shown as if it were");
    assert_eq!(read(&folder, "shared.ignore"), "*.md\n");
    assert_eq!(read(&folder, "app/Dockerfile").as_bytes(), LAZY);
}

#[cfg(unix)]
#[test]
fn a_read_only_dockerfile_stays() {
    use std::os::unix::fs::PermissionsExt;
    let folder = project();
    let file = folder.path().join("app/Dockerfile");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    let run = call(&folder, &["optimize", "app", "--write"]);
    assert_eq!(run.exit, Some(2), "{}", run.stdout);
    assert!(run.stderr.contains("`app/Dockerfile` cannot be written: the file is read-only"), "{}", run.stderr);
    assert_eq!(std::fs::read(file).unwrap(), LAZY);
    assert!(!folder.path().join("app/.dockerignore").exists(), "a part of the plan was written");
}

/// Bytes that steer a terminal are the file's own: what is written or printed as a file or a patch has them.
#[test]
fn control_characters_are_kept_in_files_and_cleaned_in_reports() {
    let folder = tempfile::tempdir().unwrap();
    let source =
        "# layerwise ignore=unpined-base-image\nFROM debian:12.5\nRUN printf '\u{1b}[31mred\u{1b}[0m\u{7f} \u{1}'\n";
    let fixed = source.replace("unpined", "unpinned");
    let fix = program::run(program::layerwise(folder.path(), &["check", "--fix", "-"]), source);
    assert_eq!(fix.stdout, fixed, "{}", fix.stderr);
    let diff = program::run(program::layerwise(folder.path(), &["check", "--diff", "-"]), source);
    assert!(diff.stdout.contains(" RUN printf '\u{1b}[31mred\u{1b}[0m\u{7f} \u{1}'"), "{}", diff.stdout);
    program::write(folder.path(), "Dockerfile", source.as_bytes());
    let cache = call(&folder, &["cache"]);
    assert!(cache.stdout.contains("RUN printf '?[31mred?[0m? ?'"), "{}", cache.stdout);
}

/// A report that is lost must not look like a clean one.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let folder = project();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = program::layerwise(folder.path(), &["check", "--exit-zero", "--output-format", "sarif"]);
    let run = command.stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("standard output cannot be written"));
}

/// A Dockerfile outside of the context brings its own ignore file; the context's is not read then, nor written.
#[test]
fn a_dockerfile_outside_of_the_context_has_its_ignore_file_beside_it() {
    let folder = project();
    std::fs::create_dir(folder.path().join("docker")).unwrap();
    std::fs::rename(folder.path().join("app/Dockerfile"), folder.path().join("docker/Dockerfile")).unwrap();
    program::write(folder.path(), "docker/Dockerfile.dockerignore", b"index.js\n");
    let ignored = ["cache", "app", "--file", "docker/Dockerfile", "--changed", "index.js"];
    let run = call(&folder, &ignored);
    assert!(run.stdout.contains("this change costs about 0.0 s"), "{}{}", run.stdout, run.stderr);

    let written = call(&folder, &["optimize", "app", "--file", "docker/Dockerfile", "--write"]);
    assert_eq!(written.exit, Some(0), "{}{}", written.stdout, written.stderr);
    assert!(!folder.path().join("app/.dockerignore").exists(), "the builder would not read it");
    let again = call(&folder, &["optimize", "app", "--file", "docker/Dockerfile", "--diff"]);
    assert_eq!((again.exit, again.stdout.as_str()), (Some(0), ""));
}

#[test]
fn changed_paths_start_from_the_context_or_from_here() {
    let folder = project();
    let absolute = folder.path().join("app/index.js").to_string_lossy().into_owned();
    for path in ["index.js", "./index.js", "app/index.js", absolute.as_str()] {
        let run = call(&folder, &["cache", "app", "--changed", path]);
        assert!(run.stdout.contains("`index.js` changed"), "{path}: {}{}", run.stdout, run.stderr);
    }
    let deleted = call(&folder, &["cache", "app", "--changed", "src/gone.js"]);
    assert!(deleted.stdout.contains("`src/gone.js` changed"), "what is gone has changed: {}", deleted.stdout);
}

#[test]
fn a_revision_that_git_does_not_know_is_named() {
    let folder = project();
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args);
        command.current_dir(folder.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(command.output().expect("git is needed by this test").status.success(), "{args:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message=first"]);
    for revision in ["no-such-branch", "", "--output=x", "HEAD:app/index.js"] {
        let run = call(&folder, &["cache", "app", &format!("--since={revision}")]);
        assert_eq!(run.exit, Some(2), "{revision}: {}", run.stdout);
        assert!(run.stderr.contains(&format!("git knows no commit `{revision}`")), "{}", run.stderr);
        assert!(run.stderr.contains("help:"), "{}", run.stderr);
    }
    let known = call(&folder, &["cache", "app", "--since", "HEAD"]);
    assert_eq!(known.exit, Some(0), "{}", known.stderr);
}
