//! Files that try to reach the machine they are built on: what lies beside the store stays as it is.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::program::{Run, layerwise, run, write};

/// A build, and a folder of the machine that is none of its business.
struct Attack {
    folder: tempfile::TempDir,
}

impl Attack {
    fn new() -> Self {
        let attack = Self { folder: tempfile::tempdir().unwrap() };
        write(&attack.machine(), "file", b"kept");
        write(&attack.context(), "a", b"evil");
        attack
    }

    fn context(&self) -> PathBuf {
        self.folder.path().join("context")
    }

    /// The folder that is attacked.
    fn machine(&self) -> PathBuf {
        self.folder.path().join("machine")
    }

    fn build(&self, dockerfile: &str, options: &[&str]) -> Run {
        write(&self.context(), "Dockerfile", dockerfile.as_bytes());
        let mut command = layerwise(&self.context(), &[&["build", "--progress=plain"], options].concat());
        command.env("LAYERWISE_STORE", self.folder.path().join("store"));
        run(command, "")
    }

    /// Whether the attacked folder is as it was.
    #[track_caller]
    fn failed(&self, dockerfile: &str, run: &Run) {
        let names: Vec<_> =
            std::fs::read_dir(self.machine()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["file"], "{dockerfile}\n{}", run.stderr);
        assert_eq!(std::fs::read(self.machine().join("file")).unwrap(), b"kept", "{dockerfile}\n{}", run.stderr);
    }
}

#[test]
fn names_of_heredocs_lead_nowhere() {
    let attack = Attack::new();
    let machine = attack.machine().display().to_string();
    let up = "../".repeat(30);
    for name in [format!("{machine}/file"), format!("{machine}/new"), format!("{up}{machine}/file"), format!("{up}x")] {
        for instruction in ["COPY <<NAME /", "COPY <<NAME /d/", "ADD <<NAME .", "RUN <<NAME"] {
            let instruction = instruction.replace("NAME", &name);
            let file = format!("FROM scratch\n{instruction}\n#!/bin/sh\nevil\n{name}\n");
            let run = attack.build(&file, &[]);
            attack.failed(&file, &run);
            if name.contains("machine") {
                assert!(run.stderr.contains("cannot be a file of that name"), "{file}{}", run.stderr);
            }
        }
    }
}

/// Paths are text here, and some characters stand for bytes of names that are no UTF-8: not for dots and slashes.
#[test]
fn characters_that_stand_for_bytes_lead_nowhere() {
    let attack = Attack::new();
    let up = "\u{10FF2E}\u{10FF2E}/".repeat(30);
    for destination in [format!("/{up}{}/", attack.machine().display()), format!("/x{}", "\u{10FF2F}..".repeat(3))] {
        let file = format!("FROM scratch\nCOPY a {destination}\n");
        let run = attack.build(&file, &[]);
        attack.failed(&file, &run);
        assert_eq!(run.exit, Some(0), "{}", run.stderr);
    }
}

#[test]
fn links_of_one_source_do_not_lead_the_next_one_out() {
    let attack = Attack::new();
    let context = attack.context();
    std::fs::create_dir(context.join("one")).unwrap();
    symlink(attack.machine(), context.join("one/a")).unwrap();
    symlink("..", context.join("one/up")).unwrap();
    write(&context, "two/a/file", b"evil");
    write(&context, "two/up/up/machine/file", b"evil");
    let link = std::fs::File::create(context.join("links.tar")).unwrap();
    let mut links = tar::Builder::new(link);
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    header.set_mode(0o777);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    links.append_link(&mut header, "a", attack.machine()).unwrap();
    links.finish().unwrap();
    for instruction in [
        "COPY --parents one/./a two/./a/file /dst/",
        "COPY --parents one/./up two/./up/up/machine/file /dst/",
        "ADD --exclude=a --exclude=!a/file links.tar two/ /dst/",
        "COPY one/ two/ /dst/",
    ] {
        let file = format!("FROM scratch\n{instruction}\n");
        let run = attack.build(&file, &[]);
        attack.failed(&file, &run);
        assert!(run.stderr.contains("which is none"), "{file}{}", run.stderr);
    }
}

#[test]
fn a_file_does_not_give_itself_the_network() {
    let attack = Attack::new();
    let file = "FROM scratch\nRUN --network=host evil\n";
    let run = attack.build(file, &["--network=none"]);
    assert_eq!(run.exit, Some(1));
    let report = run.stderr.split("error: ").nth(1).unwrap();
    assert!(report.contains("which the build was not given") && report.contains("--allow network.host"), "{report}");
    // Then it fails because there is no such program, or no sandbox.
    let run = attack.build(file, &["--network=none", "--allow", "network.host"]);
    assert!(!run.stderr.contains("which the build was not given"), "{}", run.stderr);
}
