//! What surrounds a build is not in its image: the mask of the caller, the time, what the store happens to have.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::program::{layerwise, run, write};

#[test]
fn the_mask_of_the_caller_is_not_in_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    let steps =
        "COPY a /copied/a\nWORKDIR /made/too\nRUN --mount=type=tmpfs,target=/deep/er/place touch /b && mkdir /c\n";
    write(&context, "Dockerfile", format!("FROM layerwise/busybox\n{steps}").as_bytes());
    write(&context, "a", b"a");
    let built = |mask: &str| {
        let inner = layerwise(&context, &["build", "--quiet"]);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {mask}; exec \"$0\" build --quiet")]).arg(inner.get_program());
        command.current_dir(&context).stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.env("LAYERWISE_STORE", folder.path().join(mask)).env("SOURCE_DATE_EPOCH", "0");
        run(command, "")
    };
    let usual = built("022");
    if usual.exit != Some(0) {
        println!("skipped: {}", usual.stderr);
        let known = ["no static busybox", "there is none at", "`RUN` cannot be executed here"];
        assert!(known.iter().any(|known| usual.stderr.contains(known)), "{}", usual.stderr);
        return;
    }
    for mask in ["077", "002", "000"] {
        let other = built(mask);
        assert_eq!((other.exit, &other.stdout), (Some(0), &usual.stdout), "{mask}: {}", other.stderr);
    }
}

/// What a step finds of the one before does not depend on whether its layer was made here or unpacked.
#[test]
fn a_layer_in_the_store_is_as_old_as_its_tar_says() {
    let folder = tempfile::tempdir().unwrap();
    let (context, store) = (folder.path().join("context"), folder.path().join("store"));
    write(&context, "Dockerfile", b"FROM scratch\nCOPY a /d/a\n");
    write(&context, "a", b"a");
    let time = |output: &Path| {
        let mut command = layerwise(&context, &["build", "--quiet", "-o", &format!("dir:{}", output.display())]);
        command.env("LAYERWISE_STORE", &store).env("SOURCE_DATE_EPOCH", "1000");
        let done = run(command, "");
        assert_eq!(done.exit, Some(0), "{}", done.stderr);
        ["d", "d/a"].map(|path| {
            let found = std::fs::metadata(output.join(path)).unwrap();
            (found.mtime(), found.mtime_nsec())
        })
    };
    assert_eq!(time(&folder.path().join("made")), [(1000, 0); 2]);
    std::fs::remove_dir_all(store.join("snap")).unwrap();
    assert_eq!(time(&folder.path().join("unpacked")), [(1000, 0); 2]);
}

#[test]
fn a_folder_that_holds_something_else_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "context/Dockerfile", b"FROM scratch\nCOPY Dockerfile /\n");
    write(folder.path(), "data/file", b"kept");
    let mut command = layerwise(&folder.path().join("context"), &["build"]);
    command.env("LAYERWISE_STORE", folder.path().join("data"));
    let done = run(command, "");
    assert_eq!(done.exit, Some(2));
    assert!(done.stderr.contains("it holds `file`") && done.stderr.contains("LAYERWISE_STORE"), "{}", done.stderr);
    assert_eq!(std::fs::read_dir(folder.path().join("data")).unwrap().count(), 1);
}
