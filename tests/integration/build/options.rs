//! Options of `build` that give it other contexts, decide what is executed, and what a step may use.

use std::path::Path;

use crate::program::{Run, layerwise, run, write};

/// Calls `build` in a context with a store beside it.
fn build(folder: &Path, arguments: &[&str]) -> Run {
    let all: Vec<&str> = ["build"].iter().chain(arguments).copied().collect();
    let mut command = layerwise(&folder.join("context"), &all);
    command.env("LAYERWISE_STORE", folder.join("store"));
    run(command, "")
}

/// A build that goes well; its files go to `files`.
fn files(folder: &Path, arguments: &[&str]) -> Run {
    let _ = std::fs::remove_dir_all(folder.join("files"));
    let output = format!("dir:{}", folder.join("files").display());
    let done = build(folder, &[&["--output", &output], arguments].concat());
    assert_eq!(done.exit, Some(0), "{}", done.stderr);
    done
}

/// The lines of the steps that made a layer, each with what became of it.
fn statuses(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let done = build(folder, &[&["--progress", "json"], arguments].concat());
    assert_eq!(done.exit, Some(0), "{}", done.stderr);
    let events = done.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let steps = events.filter(|event| event["event"] == "step" && event["bytes"] != 0);
    let mut lines: Vec<String> =
        steps.map(|step| format!("{} {}", step["line"], step["status"].as_str().unwrap())).collect();
    lines.sort();
    lines
}

fn read(folder: &Path, path: &str) -> Option<String> {
    std::fs::read_to_string(folder.join("files").join(path)).ok()
}

#[test]
fn a_folder_by_name_is_copied_without_what_it_ignores() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "context/Dockerfile", b"FROM scratch\nCOPY --from=lib . /lib/\nCOPY own /own\n");
    write(folder, "context/own", b"own");
    write(folder, "lib/code", b"code");
    write(folder, "lib/secret", b"secret");
    write(folder, "lib/.dockerignore", b"secret\n");
    let given = format!("lib={}", folder.join("lib").display());
    files(folder, &["--build-context", &given]);
    assert_eq!(read(folder, "lib/code").as_deref(), Some("code"));
    assert_eq!((read(folder, "lib/secret"), read(folder, "own").as_deref()), (None, Some("own")));
    // Its content decides, and only that.
    assert_eq!(statuses(folder, &["--build-context", &given]), ["2 hit", "3 hit"]);
    write(folder, "lib/secret", b"another");
    assert_eq!(statuses(folder, &["--build-context", &given]), ["2 hit", "3 hit"]);
    write(folder, "lib/code", b"changed");
    assert_eq!(statuses(folder, &["--build-context", &given]), ["2 executed", "3 executed"]);
    // Without it, the name is that of an image.
    let done = build(folder, &["--pull=never"]);
    assert_eq!(done.exit, Some(1));
    assert!(done.stderr.contains("the image `lib:latest` is not in the store"), "{}", done.stderr);
}

#[test]
fn a_context_takes_the_place_of_a_stage_and_of_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "context/base.Dockerfile", b"FROM scratch\nCOPY base /base\nENV FROM=layout\n");
    write(folder, "context/base", b"of the layout");
    let layout = folder.join("layout");
    let output = format!("oci:{}:1", layout.display());
    files(folder, &["-f", "base.Dockerfile", "-t", "stored", "--output", &output]);
    // The stage could not be built: it is not looked at.
    let text =
        b"FROM nowhere.invalid/x AS base\nRUN make\nFROM base\nCOPY own /own\nCOPY --from=alpine /base /copied\n";
    write(folder, "context/Dockerfile", text);
    write(folder, "context/own", b"own");
    let stage = format!("base=oci-layout://{}:1", layout.display());
    let done = files(folder, &["--build-context", &stage, "--build-context", "alpine=docker-image://stored"]);
    assert_eq!(read(folder, "base").as_deref(), Some("of the layout"));
    assert_eq!(read(folder, "copied").as_deref(), Some("of the layout"));
    assert!(!done.stderr.contains("RUN make"), "{}", done.stderr);
    // A folder as a base: its files, and no configuration.
    write(folder, "root/etc/motd", b"hello");
    let root = format!("base={}", folder.join("root").display());
    files(folder, &["--build-context", &root, "--build-context", "alpine=docker-image://stored"]);
    assert_eq!((read(folder, "etc/motd").as_deref(), read(folder, "base")), (Some("hello"), None));
}

#[test]
fn a_context_that_is_none_says_what_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "context/Dockerfile", b"FROM scratch\nCOPY Dockerfile /\n");
    for given in ["x", "x=missing", "x=https://example.com/a.git", "a b=.", "x=docker-image://A"] {
        let done = build(folder, &["--build-context", given]);
        assert_eq!(done.exit, Some(2), "{given}: {}", done.stderr);
        assert!(done.stderr.contains("--build-context"), "{given}: {}", done.stderr);
    }
    let missing = build(folder, &["--build-context", "y=oci-layout://nowhere"]);
    assert_eq!(missing.exit, Some(0), "what is not used is not opened: {}", missing.stderr);
}

#[test]
fn the_steps_of_one_stage_can_be_executed_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = b"FROM scratch AS first\nCOPY a /a\nFROM scratch AS second\nCOPY b /b\nCOPY --from=first /a /a\n";
    write(folder, "context/Dockerfile", text);
    write(folder, "context/a", b"a");
    write(folder, "context/b", b"b");
    assert_eq!(statuses(folder, &[]), ["2 executed", "4 executed", "5 executed"]);
    assert_eq!(statuses(folder, &["--no-cache-filter", "First"]), ["2 executed", "4 hit", "5 hit"]);
    assert_eq!(statuses(folder, &["--no-cache-filter", "first,second"]), ["2 executed", "4 executed", "5 executed"]);
    let done = build(folder, &["--no-cache-filter", "third"]);
    assert!(done.stderr.contains("`--no-cache-filter third` names no stage"), "{}", done.stderr);
}

/// The time at which a step was executed is kept with its layer.
#[test]
fn a_build_from_the_cache_alone_is_the_same_image() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "context/Dockerfile", b"FROM scratch\nLABEL a=b\nCOPY a /a\nWORKDIR /w\nCMD [\"x\"]\n");
    write(folder, "context/a", b"a");
    let digest = |arguments: &[&str]| {
        let done = build(folder, &[&["--quiet"], arguments].concat());
        assert_eq!(done.exit, Some(0), "{}", done.stderr);
        done.stdout
    };
    let first = digest(&[]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(digest(&[]), first);
    assert_ne!(digest(&["--no-cache"]), first, "the layers are made at another time");
}

/// With a fixed time, commands included, in different stores, down to the bytes of what is written.
#[test]
fn a_fixed_time_gives_the_same_bytes_in_any_store() {
    let folder = tempfile::tempdir().unwrap();
    let text = "FROM layerwise/busybox AS made\nRUN mkdir /d && echo x >/d/f && ln -s f /d/l && touch -d '2001-01-01 00:00:00' /old\n\
        COPY --chown=5:6 a /d/\nFROM made\nCOPY --from=made /d /e/\nRUN rm /d/f && chmod 700 /e\n";
    let mut archives = Vec::new();
    for store in ["one", "two"] {
        let own = folder.path().join(store);
        write(&own, "context/Dockerfile", text.as_bytes());
        write(&own, "context/a", b"a");
        let output = format!("docker-archive:{}", own.join("image.tar").display());
        let arguments = ["build", "--quiet", "-t", "same", "--output", &output];
        let mut command = layerwise(&own.join("context"), &arguments);
        command.env("LAYERWISE_STORE", own.join("store")).env("SOURCE_DATE_EPOCH", "1000000000");
        let done = run(command, "");
        if done.exit != Some(0) {
            super::skip(&done.stderr);
            return;
        }
        archives.push((done.stdout, std::fs::read(own.join("image.tar")).unwrap()));
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
    assert_eq!(archives[0].0, archives[1].0);
    assert!(archives[0].1 == archives[1].1, "the archives differ");
}

/// Who is not root may make no control groups, unless they were given to him.
#[test]
fn a_limit_that_is_not_granted_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "context/Dockerfile", b"FROM layerwise/busybox\nRUN echo one\nRUN echo two\n");
    // As somebody else, where the test is run by root.
    let anybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder, anybody).unwrap();
    let program = layerwise(&folder.join("context"), &[""; 0]);
    let mut command = std::process::Command::new("setpriv");
    if rustix::process::geteuid().is_root() {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    command.arg("--").arg(program.get_program()).args(["build", "--memory", "512m", "--progress", "plain"]);
    command.current_dir(folder.join("context")).env("LAYERWISE_STORE", folder.join("store"));
    let Ok(done) = command.output() else { return super::skip("`setpriv` is missing") };
    let text = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        return super::skip(&text);
    }
    assert_eq!(text.matches("warning: no limit on memory").count(), 1, "{text}");
}

/// Of the arguments that a configuration gives to many files, one gets those that it declares; the command line goes first.
#[test]
fn arguments_of_the_configuration_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "context/Dockerfile", b"FROM scratch\nARG FILE=plain\nCOPY $FILE /chosen\n");
    for name in ["plain", "configured", "narrowed", "given"] {
        write(folder, &format!("context/{name}"), name.as_bytes());
    }
    let chosen = |arguments: &[&str]| {
        let done = files(folder, arguments);
        assert!(!done.stderr.contains("declared nowhere"), "{}", done.stderr);
        read(folder, "chosen").unwrap()
    };
    assert_eq!(chosen(&[]), "plain");
    let config = "[args]\nFILE = \"configured\"\nOTHER = \"x\"\n";
    write(folder, "context/layerwise.toml", config.as_bytes());
    assert_eq!(chosen(&[]), "configured");
    assert_eq!(chosen(&["--isolated"]), "plain");
    assert_eq!(chosen(&["--build-arg", "FILE=given"]), "given");
    let narrowed = format!("{config}[[overrides]]\nfiles = [\"Dockerfile\"]\nargs = {{ FILE = \"narrowed\" }}\n");
    write(folder, "context/layerwise.toml", narrowed.as_bytes());
    assert_eq!(chosen(&[]), "narrowed");
}
