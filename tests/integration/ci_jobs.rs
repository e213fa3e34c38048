//! The jobs for continuous integration, run as a runner would: the steps of `action.yml`, the script of the job for GitLab
//! in `docs/ci.md`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use saphyr::{LoadableYamlNode, Yaml};
use tempfile::TempDir;

use crate::docs::page;
use crate::program;

/// A repository with a finding on `main`, another on the branch that is checked out, and the folder of a runner.
struct Runner {
    folder: TempDir,
    project: PathBuf,
}

/// What a job left behind.
struct Ended {
    exit: Option<i32>,
    stdout: String,
    said: String,
}

impl Runner {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir(&project).unwrap();
        let runner = Self { folder, project };
        runner.git(&["init", "--quiet", "--initial-branch", "main"]);
        program::write(&runner.project, "old/Dockerfile", b"FROM debian\n");
        runner.commit();
        runner.git(&["checkout", "--quiet", "-b", "topic"]);
        program::write(&runner.project, "new file/Dockerfile", b"FROM ubuntu\n");
        runner.commit();
        fs::create_dir(runner.temporary()).unwrap();
        runner
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("temp")
    }

    fn git(&self, args: &[&str]) {
        let mut command = Command::new("git");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        let author = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"];
        let output = command.current_dir(&self.project).args(author).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn commit(&self) {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", "x"]);
    }

    /// Runs a script with these programs on the path, as runners do: it ends at the first command that fails.
    fn bash(&self, script: &str, environment: &BTreeMap<String, String>, programs: &[&Path]) -> Ended {
        program::write(&self.temporary(), "step.sh", script.as_bytes());
        // Those of the machine, without a layerwise that happens to be installed.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let others = std::env::split_paths(&path).filter(|folder| !folder.join("layerwise").exists());
        let path = std::env::join_paths(programs.iter().map(|path| path.to_path_buf()).chain(others)).unwrap();
        let mut command = Command::new("bash");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LAYERWISE_")) {
            command.env_remove(name);
        }
        command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(self.temporary().join("step.sh"));
        command.current_dir(&self.project).envs(environment).env("PATH", path);
        let output = command.output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
        Ended { exit: output.status.code(), stdout, said }
    }

    /// Runs the steps of the action with these inputs until one fails; what the last one left.
    fn action(&self, inputs: &[(&str, &str)], programs: &[&Path]) -> Ended {
        let text = fs::read_to_string(root().join("action.yml")).unwrap();
        let yaml = Yaml::load_from_str(&text).unwrap().remove(0);
        let mut given = BTreeMap::new();
        for (name, input) in yaml["inputs"].as_mapping().unwrap() {
            given.insert(name.as_str().unwrap().to_owned(), input["default"].as_str().unwrap().to_owned());
        }
        for (name, value) in inputs {
            assert!(given.insert((*name).to_owned(), (*value).to_owned()).is_some(), "no input `{name}`");
        }
        let mut programs: Vec<PathBuf> = programs.iter().map(|path| path.to_path_buf()).collect();
        let mut ended = None;
        for step in yaml["runs"]["steps"].as_sequence().unwrap() {
            assert_eq!(step["shell"].as_str(), Some("bash"));
            let script = step["run"].as_str().unwrap();
            assert!(!script.contains("${{"), "an input would be read as a command: {script}");
            let mut environment = BTreeMap::new();
            for (name, value) in step["env"].as_mapping().unwrap() {
                let value = value.as_str().unwrap().strip_prefix("${{ inputs.").unwrap().strip_suffix(" }}").unwrap();
                environment.insert(name.as_str().unwrap().to_owned(), given[value].clone());
            }
            let files = [("RUNNER_TEMP", ""), ("GITHUB_PATH", "path"), ("GITHUB_STEP_SUMMARY", "summary")];
            for (name, file) in files {
                environment.insert(name.to_owned(), self.temporary().join(file).display().to_string());
            }
            let paths: Vec<&Path> = programs.iter().map(PathBuf::as_path).collect();
            let done = self.bash(script, &environment, &paths);
            let failed = done.exit != Some(0);
            ended = Some(done);
            if failed {
                break;
            }
            let added = fs::read_to_string(self.temporary().join("path")).unwrap_or_default();
            programs.extend(added.lines().map(PathBuf::from));
        }
        ended.unwrap()
    }

    fn left(&self, file: &str) -> String {
        fs::read_to_string(self.temporary().join(file)).unwrap_or_default()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn built() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_layerwise")).parent().unwrap().to_owned()
}

#[test]
fn the_action_annotates_sums_up_and_fails() {
    let runner = Runner::new();
    let ended = runner.action(&[], &[&built()]);
    assert_eq!(ended.exit, Some(1), "{}", ended.said);
    for file in ["old/Dockerfile", "new file/Dockerfile"] {
        assert!(ended.stdout.contains(&format!("::warning file={file},line=1,")), "{}", ended.said);
    }
    assert!(runner.left("summary").contains("old/Dockerfile"), "{}", runner.left("summary"));
    assert_eq!(runner.left("path"), "", "the program was there");
}

#[test]
fn inputs_of_the_action_reach_the_program() {
    let runner = Runner::new();
    let sarif = runner.temporary().join("out.sarif");
    let inputs = [
        ("changed-since", "main"),
        ("sarif", sarif.to_str().unwrap()),
        ("summary", "false"),
        ("fail-on", "error"),
        ("paths", "old\nnew*file\n.\n"),
    ];
    // What stands in an input is a path, never a pattern or a command.
    program::write(&runner.project, "new*file/Dockerfile", b"FROM fedora\n");
    let ended = runner.action(&inputs, &[&built()]);
    assert_eq!(ended.exit, Some(0), "{}", ended.said);
    assert!(!ended.stdout.contains("old/Dockerfile"), "{}", ended.said);
    assert_eq!(runner.left("summary"), "");
    let document: serde_json::Value = serde_json::from_str(&fs::read_to_string(&sarif).unwrap()).unwrap();
    let found: Vec<&str> = document["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["new%20file/Dockerfile", "new%2Afile/Dockerfile"]);

    let hostile = runner.action(&[("paths", "$(touch x) --exit-zero ; touch x")], &[&built()]);
    assert_eq!(hostile.exit, Some(2), "no such files: {}", hostile.said);
    assert!(!runner.project.join("x").exists());
}

#[test]
fn the_action_installs_what_is_not_there() {
    let runner = Runner::new();
    let tools = runner.folder.path().join("tools");
    // In the place of Python: its environments have a `pip` that notes what it is to fetch, and installs what was built.
    let python = format!(
        "#!/bin/sh\n[ \"$1 $2\" = \"-m venv\" ] || exit 9\nmkdir -p \"$3/bin\"\nprintf '#!/bin/sh\\n\
         shift $(($# - 1)); echo \"$1\" > \"$RUNNER_TEMP/fetched\"; ln -s {program} \"$(dirname \"$0\")/layerwise\"\\n' > \
         \"$3/bin/pip\"\nchmod +x \"$3/bin/pip\"\n",
        program = env!("CARGO_BIN_EXE_layerwise")
    );
    program::write(&tools, "python3", python.as_bytes());
    fs::set_permissions(tools.join("python3"), fs::Permissions::from_mode(0o755)).unwrap();
    let ended = runner.action(&[("version", "1.2.3")], &[&tools]);
    assert_eq!(ended.exit, Some(1), "{}", ended.said);
    assert_eq!(runner.left("fetched"), "layerwise==1.2.3\n");
    assert!(ended.stdout.contains("::warning file=old/Dockerfile"), "{}", ended.said);
}

#[test]
fn the_job_for_gitlab_writes_its_reports() {
    let runner = Runner::new();
    let page = page::read("docs/ci.md");
    let blocks = page::blocks(&page, "yaml");
    let text = blocks.iter().find(|block| block.contains("codequality")).unwrap();
    let yaml = Yaml::load_from_str(text).unwrap().remove(0);
    let job = &yaml["layerwise"];
    let mut script: Vec<&str> =
        job["script"].as_sequence().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    // These two fetch what is here.
    assert!(script.remove(0).contains("git") && script.remove(0) == "pip install layerwise");
    let base = Command::new("git").args(["rev-parse", "main"]).current_dir(&runner.project).output().unwrap();
    let base = String::from_utf8(base.stdout).unwrap().trim().to_owned();
    let environment = BTreeMap::from([("CI_MERGE_REQUEST_DIFF_BASE_SHA".to_owned(), base)]);
    let ended = runner.bash(&script.join("\n"), &environment, &[&built()]);
    assert_eq!(ended.exit, Some(1), "{}", ended.said);
    let reports = &job["artifacts"]["reports"];
    for (name, sign) in [("codequality", "new file/Dockerfile"), ("junit", "new file/Dockerfile")] {
        let report = fs::read_to_string(runner.project.join(reports[name].as_str().unwrap())).unwrap();
        assert!(report.contains(sign) && !report.contains("old/Dockerfile"), "{name}: {report}");
    }
}

/// Where there is shellcheck, the scripts of the repository have to please it.
#[test]
fn scripts_please_shellcheck() {
    let folder = tempfile::tempdir().unwrap();
    let mut scripts: Vec<PathBuf> = [".ci/run", ".ci/distribution"].map(|path| root().join(path)).into();
    let text = fs::read_to_string(root().join("action.yml")).unwrap();
    let yaml = Yaml::load_from_str(&text).unwrap().remove(0);
    for (index, step) in yaml["runs"]["steps"].as_sequence().unwrap().iter().enumerate() {
        let script = format!("#!/usr/bin/env bash\n{}", step["run"].as_str().unwrap());
        program::write(folder.path(), &format!("step{index}"), script.as_bytes());
        scripts.push(folder.path().join(format!("step{index}")));
    }
    // Variables that are set by the step, of names that only look like others.
    match Command::new("shellcheck").args(["--exclude", "SC2153"]).args(&scripts).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(error) => program::skipped(&format!("shellcheck: {error}")),
    }
}
