//! Kernels that know less: what they answer is put in the place of this one's answer, and the image is the same.

use std::process::Command;

use crate::program::{skipped, write};

const DOCKERFILE: &str = "FROM layerwise/busybox AS one\n\
    RUN mkdir -p /d/sub && echo a >/d/sub/a && echo b >/d/b\n\
    RUN rm /d/b && echo c >/d/c\n\
    FROM layerwise/busybox\n\
    RUN --mount=from=one,source=/d,target=/m cat /m/sub/a /m/c >/got; test ! -e /m/b\n\
    RUN rm /bin/awk; echo x >>/etc/passwd\n";

/// Calls and the answers of older kernels: overlay takes its layers one by one since Linux 6.7 (`fsconfig`), a part of a
/// detached mount can be cloned since 6.15 (`open_tree`). `fsopen` is refused where a filter knows no newer calls.
const OLDER: [(&str, &str); 3] = [("fsconfig", "EINVAL"), ("fsopen", "ENOSYS"), ("open_tree", "EINVAL")];

#[test]
fn older_kernels_make_the_same_image() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "context/Dockerfile", DOCKERFILE.as_bytes());
    let build = |store: &str, before: &[&str]| {
        let mut words = before.to_vec();
        words.extend([env!("CARGO_BIN_EXE_layerwise"), "build", "--quiet", "context"]);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(folder).env("SOURCE_DATE_EPOCH", "1000");
        command.env("LAYERWISE_STORE", folder.join(store));
        command.output()
    };
    let said = |done: &std::process::Output| String::from_utf8_lossy(&done.stderr).into_owned();
    let plain = build("plain", &[]).unwrap();
    if !plain.status.success() {
        return skipped(&format!("nothing can be run here: {}", said(&plain)));
    }
    for (call, answer) in OLDER {
        // Without `-f`, only the calls of the build's own thread are answered so: those of the step belong to the kernel
        // that there must be.
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:error={answer}"));
        let log = format!("{call}.log");
        let Ok(done) = build(call, &["strace", "-o", &log, "-e", &trace, "-e", &inject]) else {
            return skipped("`strace` is missing");
        };
        let answers = std::fs::read_to_string(folder.join(&log)).unwrap_or_default();
        if answers.is_empty() && said(&done).contains("strace") {
            return skipped(&format!("`strace` may not trace: {}", said(&done)));
        }
        assert!(done.status.success(), "{call}: {}", said(&done));
        assert_eq!(done.stdout, plain.stdout, "{call}: another image");
        assert!(answers.contains("(INJECTED)"), "{call} is not asked");
    }
}
