//! The hooks of `.pre-commit-hooks.yaml` under the real pre-commit, in a repository made for it.
//!
//! The hooks run the program that is tested (`language: system`); that they build it by themselves is tried by
//! `.ci/distribution`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::program;

/// The last step needs what it copies, and nothing else; what the first one copies changes with every commit.
const LAZY: &str = "FROM node:22.11.0-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci && npm cache clean --force\nUSER node\nCMD [\"node\", \"index.js\"]\n";

/// pre-commit in a folder of its own, and where the program stands.
struct PreCommit {
    packages: PathBuf,
    path: std::ffi::OsString,
    home: PathBuf,
}

impl PreCommit {
    /// Fetches it from the package index; `Err` says what is missing.
    fn fetch(folder: &Path) -> Result<Self, String> {
        let packages = folder.join("packages");
        let install = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pre-commit", "--target"])
            .arg(&packages)
            .output()
            .map_err(|error| format!("no python3: {error}"))?;
        if !install.status.success() {
            return Err(format!("pip cannot fetch pre-commit: {}", String::from_utf8_lossy(&install.stderr).trim()));
        }
        let program = Path::new(env!("CARGO_BIN_EXE_layerwise")).parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(program).chain(std::env::split_paths(&path))).unwrap();
        Ok(Self { packages, path, home: folder.join("home") })
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env("PATH", &self.path)
            .env("PYTHONPATH", &self.packages)
            .env("PRE_COMMIT_HOME", &self.home)
            .env("PRE_COMMIT_COLOR", "never")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null");
        for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
            command.env_remove(name);
        }
        for (name, value) in [("NAME", "A"), ("EMAIL", "a@example.com")] {
            command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        command
    }

    fn git(&self, folder: &Path, args: &[&str]) -> Output {
        self.command("git", folder).args(args).output().unwrap()
    }

    fn must(&self, folder: &Path, args: &[&str]) -> String {
        let output = self.git(folder, args);
        assert!(output.status.success(), "git {args:?}: {}", both(&output));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A repository with the hooks, and its commit.
fn hooks(pre_commit: &PreCommit, folder: &Path) -> String {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml");
    program::write(folder, ".pre-commit-hooks.yaml", &std::fs::read(manifest).unwrap());
    pre_commit.must(folder, &["init", "--quiet"]);
    pre_commit.must(folder, &["add", "."]);
    pre_commit.must(folder, &["commit", "--quiet", "--message", "hooks"]);
    pre_commit.must(folder, &["rev-parse", "HEAD"])
}

/// Installs the hook `id` from the repository of hooks into the project.
fn configure(pre_commit: &PreCommit, project: &Path, hooks: &Path, revision: &str, id: &str) {
    let text = format!(
        "repos:\n  - repo: {}\n    rev: {revision}\n    hooks:\n      - id: {id}\n        language: system\n",
        hooks.display()
    );
    program::write(project, ".pre-commit-config.yaml", text.as_bytes());
    let install = pre_commit.command("python3", project).args(["-m", "pre_commit", "install"]).output().unwrap();
    assert!(install.status.success(), "{}", both(&install));
    pre_commit.must(project, &["add", ".pre-commit-config.yaml"]);
}

#[test]
fn a_lazy_dockerfile_is_blocked_then_fixed_then_committed() {
    let folder = tempfile::tempdir().unwrap();
    let pre_commit = match PreCommit::fetch(folder.path()) {
        Ok(pre_commit) => pre_commit,
        Err(reason) => {
            crate::program::skipped(&reason);
            return;
        }
    };
    let (source, project) = (folder.path().join("hooks"), folder.path().join("project"));
    std::fs::create_dir_all(&source).unwrap();
    let revision = hooks(&pre_commit, &source);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples/lazy-npm");
    std::fs::create_dir_all(&project).unwrap();
    program::copy(&example, &project);
    program::write(&project, "Dockerfile", LAZY.as_bytes());
    // Not Dockerfiles, though their names begin like one.
    program::write(&project, "Dockerfile.dockerignore", b".git\nnode_modules\nnpm-debug.log*\n");
    program::write(&project, "Dockerfile.j2", b"{{ nothing }}\n");
    pre_commit.must(&project, &["init", "--quiet"]);
    pre_commit.must(&project, &["add", "."]);
    let commit = || pre_commit.git(&project, &["commit", "--quiet", "--message", "x"]);

    for id in ["layerwise-system", "layerwise"] {
        configure(&pre_commit, &project, &source, &revision, id);
        let blocked = commit();
        assert!(!blocked.status.success() && both(&blocked).contains("copy-before-install"), "{}", both(&blocked));
        assert!(!both(&blocked).contains("j2"), "{}", both(&blocked));
    }
    assert_eq!(std::fs::read_to_string(project.join("Dockerfile")).unwrap(), LAZY, "a check changes nothing");

    configure(&pre_commit, &project, &source, &revision, "layerwise-fix");
    let fixed = commit();
    assert!(!fixed.status.success() && both(&fixed).contains("files were modified by this hook"), "{}", both(&fixed));
    let text = std::fs::read_to_string(project.join("Dockerfile")).unwrap();
    assert!(text.contains("COPY package.json package-lock.json ./\nRUN npm ci"), "{text}");
    pre_commit.must(&project, &["add", "."]);
    let second = commit();
    assert!(second.status.success(), "{}", both(&second));
    assert_eq!(pre_commit.must(&project, &["rev-list", "--count", "HEAD"]), "1");
}

#[test]
fn the_entry_that_init_shows_takes_the_names_of_the_hooks() {
    let folder = tempfile::tempdir().unwrap();
    let init = Command::new(env!("CARGO_BIN_EXE_layerwise")).arg("init").current_dir(folder.path()).output().unwrap();
    let shown = String::from_utf8(init.stderr).unwrap();
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml");
    let hooks = std::fs::read_to_string(hooks).unwrap();
    for key in ["files: ", "exclude: "] {
        let named = |text: &str| text.lines().find_map(|line| Some(line.trim().strip_prefix(key)?.to_owned()));
        let of_hooks = named(&hooks).unwrap();
        let pattern = of_hooks.split_once(' ').map_or(of_hooks.as_str(), |(_, pattern)| pattern);
        assert_eq!(named(&shown).as_deref(), Some(pattern), "{shown}");
    }
}
