//! Mirrors of `layerwise.toml`, with Debian's `docker-registry` on this machine.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{layerwise, run, write};

/// A registry that ends with the test.
struct Registry {
    process: Child,
    address: String,
}

impl Registry {
    /// `None` where the program is missing.
    fn start(folder: &Path) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let storage = folder.join("storage");
        let text = format!(
            "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\n\
             http: {{ addr: '{address}' }}\n",
            storage.display()
        );
        write(folder, "registry.yml", text.as_bytes());
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(folder.join("registry.yml")).stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Self { process: command.spawn().ok()?, address };
        let start = Instant::now();
        while TcpStream::connect(&registry.address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "the registry does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_mirror_is_asked_in_the_place_of_its_registry() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some(registry) = Registry::start(folder) else { return super::skip("`docker-registry` is missing") };
    let build = |context: &str, arguments: &[&str]| {
        let all: Vec<&str> = ["build"].iter().chain(arguments).copied().collect();
        let mut command = layerwise(&folder.join(context), &all);
        command.env("LAYERWISE_STORE", folder.join(format!("store-{context}"))).env_remove("HTTP_PROXY");
        run(command, "")
    };
    write(folder, "base/Dockerfile", b"FROM scratch\nCOPY file /file\n");
    write(folder, "base/file", b"from the registry");
    let layout = format!("oci:{}:1", folder.join("layout").display());
    assert_eq!(build("base", &["--output", &layout]).exit, Some(0));
    let pushed = Command::new("skopeo")
        .args(["copy", "--quiet", "--dest-tls-verify=false", &layout])
        .arg(format!("docker://{}/team/base:1", registry.address))
        .output();
    let Ok(pushed) = pushed else { return super::skip("`skopeo` is missing") };
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));

    // Nobody has the name of the registry; the first mirror is not there.
    write(folder, "app/Dockerfile", b"FROM registry.invalid/team/base:1\nCOPY own /own\n");
    write(folder, "app/own", b"own");
    let mirrors = format!(
        "[registry.mirrors]\n\"registry.invalid\" = [\"http://127.0.0.1:1\", \"http://{}\"]\n",
        registry.address
    );
    write(folder, "app/layerwise.toml", mirrors.as_bytes());
    let output = format!("dir:{}", folder.join("files").display());
    let done = build("app", &["--output", &output]);
    assert_eq!(done.exit, Some(0), "{}", done.stderr);
    assert_eq!(std::fs::read_to_string(folder.join("files/file")).unwrap(), "from the registry");
    let without = build("app", &["--isolated", "--pull"]);
    assert_eq!(without.exit, Some(1));
    assert!(without.stderr.contains("registry.invalid"), "{}", without.stderr);
    // `image import` goes the same way.
    let mut command = layerwise(&folder.join("app"), &["image", "import", "docker://registry.invalid/team/base:1"]);
    command.env("LAYERWISE_STORE", folder.join("store-import"));
    let imported = run(command, "");
    assert_eq!(
        (imported.exit, imported.stdout.contains("team/base:1 is sha256:")),
        (Some(0), true),
        "{}",
        imported.stderr
    );
}

#[test]
fn a_mirror_that_could_be_overheard_is_a_mistake_in_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "Dockerfile", b"FROM scratch\nCOPY Dockerfile /\n");
    write(folder.path(), "layerwise.toml", b"[registry.mirrors]\n\"docker.io\" = [\"http://mirror.example.com\"]\n");
    let mut command = layerwise(folder.path(), &["build"]);
    command.env("LAYERWISE_STORE", folder.path().join("store"));
    let done = run(command, "");
    assert_eq!(done.exit, Some(2));
    assert!(done.stderr.contains("without encryption") && done.stderr.contains("layerwise.toml:2"), "{}", done.stderr);
}

/// Who takes connections and says nothing is asked twice, and then it is said.
#[test]
fn a_silent_server_is_not_waited_for_longer_than_the_configuration_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let asked = std::thread::spawn(move || silent.incoming().take(3).flatten().collect::<Vec<TcpStream>>());
    write(folder, "layerwise.toml", b"[registry]\ntimeout = 1\n");
    let build = |text: &str| {
        write(folder, "Dockerfile", text.as_bytes());
        let mut command = layerwise(folder, &["build"]);
        command.env("LAYERWISE_STORE", folder.join("store")).env_remove("HTTP_PROXY").env_remove("http_proxy");
        let (start, done) = (Instant::now(), run(command, ""));
        assert_eq!(done.exit, Some(1), "{}", done.stderr);
        assert!(done.stderr.contains(&address.to_string()), "{}", done.stderr);
        assert!(start.elapsed() < Duration::from_secs(40), "it waits longer than it was told");
    };
    build(&format!("FROM {address}/app\nCOPY Dockerfile /\n"));
    build(&format!("FROM scratch\nADD http://{address}/file /\n"));
    // Two of the registry's, one of `ADD`: nobody was asked more often.
    assert_eq!(asked.join().unwrap().len(), 3);
}

#[test]
fn no_time_at_all_is_a_mistake_in_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "Dockerfile", b"FROM scratch\nCOPY Dockerfile /\n");
    write(folder.path(), "layerwise.toml", b"[registry]\ntimeout = 0\n");
    let mut command = layerwise(folder.path(), &["build"]);
    command.env("LAYERWISE_STORE", folder.path().join("store"));
    let done = run(command, "");
    assert_eq!(done.exit, Some(2));
    assert!(done.stderr.contains("layerwise.toml:2"), "{}", done.stderr);
}
