//! `layerwise verify --smoke` with the embedded runtime and a base made of the machine's busybox.

use tempfile::TempDir;

use crate::program::{self, Run};

const WEB: &str = "\
FROM layerwise/busybox
WORKDIR /www
COPY . .
RUN echo built >/built
HEALTHCHECK CMD wget -q -O /dev/null http://127.0.0.1:8080/index.html
CMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]
";

/// A script that is never the same, and how it ends.
fn scripted(code: u8) -> String {
    format!(
        "FROM layerwise/busybox\n\
         RUN echo \"# $(cat /proc/sys/kernel/random/uuid)\" >/start; echo \"echo last words; exit {code}\" >>/start\n\
         CMD [\"sh\", \"/start\"]\n"
    )
}

/// Proves that `after` may take the place of `before`; `None`, after saying why, where steps cannot be run here.
#[allow(clippy::print_stdout, reason = "a test says what it goes without")]
fn verify(before: &str, after: &str, args: &[&str]) -> Option<(Run, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    program::write(folder.path(), "app/Dockerfile", before.as_bytes());
    program::write(folder.path(), "app/.dockerignore", b"Dockerfile*\n");
    program::write(folder.path(), "app/index.html", b"<p>hello");
    program::write(folder.path(), "Dockerfile.new", after.as_bytes());
    let first = ["verify", "app", "--against", "Dockerfile.new", "--costs", "costs.json", "--history", "0"];
    let mut command = program::layerwise(folder.path(), &[&first, args].concat());
    command.env("LAYERWISE_STORE", folder.path().join("store"));
    let run = program::run(command, "");
    let known = ["no static busybox", "there is none at", "`RUN` cannot be executed here", "no runtime of its own"];
    if let Some(reason) = known.iter().find(|known| run.stderr.contains(**known)) {
        println!("skipped: {reason}");
        return None;
    }
    Some((run, folder))
}

/// The comparison takes the difference for noise; how the image goes tells.
#[test]
fn another_exit_code_disproves_what_noise_hides() {
    let Some((run, _)) = verify(&scripted(0), &scripted(1), &[]) else { return };
    assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("proven equal, but for 1 path that differs between two builds of the original"),
        "{}",
        run.stdout
    );
    let Some((run, _)) = verify(&scripted(0), &scripted(1), &["--smoke"]) else { return };
    assert_eq!(run.exit, Some(1), "{}{}", run.stdout, run.stderr);
    let verdict = "differs: the original, started, exits with code 0, and the candidate exits with code 1";
    assert!(run.stdout.contains(verdict) && run.stdout.contains("last words"), "{}", run.stdout);
}

#[test]
fn json_tells_how_it_went() {
    let file = "FROM layerwise/busybox\nCMD [\"sleep\", \"100\"]\n";
    let Some((run, _)) = verify(file, file, &["--smoke=1", "--output-format=json"]) else { return };
    let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let smoke = &document["smoke"];
    assert_eq!((&smoke["agrees"], &smoke["steady"]), (&true.into(), &true.into()), "{}", run.stdout);
    assert_eq!((&smoke["before"]["fate"], &smoke["before"]["exit_code"]), (&"running".into(), &().into()));
    let file = "FROM scratch\nCOPY index.html /\n";
    let Some((run, _)) = verify(file, file, &["--smoke", "--output-format=json"]) else { return };
    assert!(run.stdout.contains(r#""fate": "no-command""#), "{}", run.stdout);
}

#[test]
fn engines_that_run_nothing_say_so() {
    let Some((run, folder)) = verify(WEB, WEB, &["--smoke", "--engine", "buildah"]) else { return };
    assert_eq!(run.exit, Some(2), "{}", run.stdout);
    assert!(run.stderr.contains("buildah builds images and does not run them: leave out `--smoke`"), "{}", run.stderr);
    assert!(!folder.path().join("store").exists());
}
