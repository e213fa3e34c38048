//! A base, a project to build on it, what an undisturbed build makes of it, and calls of the program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::registry::Registry;

/// The project: three stages, copies, deletions, renames and links. A step whose program is killed fails. `BASE` is where the
/// base comes from.
const DOCKERFILE: &str = "FROM BASE AS one\nCOPY many /many\n\
    RUN set -e; for i in 1 2 3 4 5 6; do seq 1 20000 > /one-$i; sleep 0.01; done; rm /opt/numbers\n\
    FROM BASE AS two\nRUN mkdir /two && cd /two && seq 1 500 >/names && xargs touch </names && ln -s x link && sleep 0.1\n\
    FROM BASE\nCOPY --from=one /many /many\nCOPY --from=one /one-1 /one-6 /\nCOPY --from=two /two /two\n\
    RUN rm -rf /two/1* && mv /many /moved && chown -R 0:0 /moved && sleep 0.1\nWORKDIR /w\n";
/// Lists all files of an image with what they hold.
const LISTING: &str = "FROM app\nRUN cd / && find bin etc many moved one-* opt two w -print 2>/dev/null | sort | \
    while read f; do if [ -f $f ] && [ ! -L $f ]; then md5sum $f; fi; stat -c '%n %a %u %g %F' $f; done | md5sum\n";

/// Who builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever runs the tests.
    Oneself,
    /// Another user, by number. Only root can become one.
    User(u32),
}

/// What all tests of this program build.
pub(crate) struct World {
    folder: tempfile::TempDir,
    who: Who,
    registry: Registry,
    /// What an undisturbed build makes: the digest of the image, and that of a listing of its files.
    pub(crate) right: (String, String),
    /// How long it took.
    pub(crate) took: Duration,
}

impl World {
    /// The world of whoever runs the tests, one for all that run at a time. None where there can be none.
    pub(crate) fn of_all() -> Option<Arc<Self>> {
        static WORLD: Mutex<Weak<World>> = Mutex::new(Weak::new());
        let mut known = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
        let world = known.upgrade().or_else(|| Self::new(Who::Oneself).map(Arc::new))?;
        *known = Arc::downgrade(&world);
        Some(world)
    }

    /// None, with the reason said, where steps cannot be run here or there is no base.
    pub(crate) fn new(who: Who) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let program = folder.path().join("layerwise");
        let given = std::env::var_os("LAYERWISE_FAULTS_PROGRAM").map(PathBuf::from);
        fs::copy(given.unwrap_or(env!("CARGO_BIN_EXE_layerwise").into()), &program).unwrap();
        for number in 0..60 {
            let file = folder.path().join(format!("project/many/d{}/f{number}", number % 7));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("file {number}\n").repeat(200)).unwrap();
        }
        fs::create_dir(folder.path().join("base")).unwrap();
        fs::write(
            folder.path().join("base/Dockerfile"),
            "FROM layerwise/busybox\nRUN seq 1 300000 >/opt-numbers && mkdir /opt && mv /opt-numbers /opt/numbers\n",
        )
        .unwrap();
        fs::create_dir(folder.path().join("listing")).unwrap();
        fs::write(folder.path().join("listing/Dockerfile"), LISTING).unwrap();
        let layout = folder.path().join("layout");
        let registry = Registry::serving(&layout);
        let mut world = Self { folder, who, registry, right: Default::default(), took: Duration::ZERO };
        let store = world.store("first");
        let output = format!("oci:{}", layout.display());
        let base = world.layerwise(&store, &["build", "-o", &output, "base"]).output().unwrap();
        if !base.status.success() {
            println!(
                "skipped: {who:?}: {}",
                text(&base.stderr).lines().find(|line| line.starts_with("error")).unwrap_or("no base")
            );
            return None;
        }
        fs::set_permissions(&layout, fs::Permissions::from_mode(0o755)).unwrap();
        let start = Instant::now();
        let digest = world.built(&store);
        world.took = start.elapsed();
        world.right = (digest, world.listing(&store));
        Some(world)
    }

    /// The registry that has the base.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// A file or folder of the test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The layout that the registry serves.
    pub(crate) fn layout(&self) -> PathBuf {
        self.path("layout")
    }

    /// A new store.
    pub(crate) fn store(&self, name: &str) -> PathBuf {
        self.path(&format!("store-{name}"))
    }

    /// A call of the program.
    pub(crate) fn layerwise(&self, store: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("layerwise"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", self.folder.path()).env("LAYERWISE_STORE", store).env("SOURCE_DATE_EPOCH", "1000");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Who::User(user) = self.who {
            command.uid(user).gid(user);
        }
        command
    }

    /// A build of the project, with the base from the registry at that address.
    pub(crate) fn build_from(&self, store: &Path, address: std::net::SocketAddr, more: &[&str]) -> Command {
        let file = self.path(&format!("Dockerfile-{}", address.port()));
        if !file.exists() {
            fs::write(&file, DOCKERFILE.replace("BASE", &format!("{address}/base"))).unwrap();
        }
        let file = file.to_str().unwrap().to_owned();
        let mut arguments = vec!["build", "--quiet", "-t", "app", "-f", &file];
        arguments.extend(more);
        arguments.push("project");
        self.layerwise(store, &arguments)
    }

    /// The same, from the world's own registry.
    pub(crate) fn build(&self, store: &Path) -> Command {
        self.build_from(store, self.registry.address, &[])
    }

    /// The digest of what a build makes that nobody disturbs.
    #[track_caller]
    pub(crate) fn built(&self, store: &Path) -> String {
        good(&self.build(store).output().unwrap())
    }

    /// The digest of a listing of the files of the image, by a step that sees them.
    #[track_caller]
    pub(crate) fn listing(&self, store: &Path) -> String {
        let done = self.layerwise(store, &["build", "--no-cache", "--progress=json", "listing"]).output().unwrap();
        let lines = good(&done);
        let written = lines.lines().find(|line| line.contains("\"event\":\"output\"")).expect("the step writes");
        serde_json::from_str::<serde_json::Value>(written).unwrap()["text"].as_str().unwrap().trim().to_owned()
    }

    /// Whether the store is sound.
    #[track_caller]
    pub(crate) fn assert_sound(&self, store: &Path) {
        if store.exists() {
            good(&self.layerwise(store, &["store", "check"]).output().unwrap());
        }
    }

    /// The store is sound, and the next build makes what it should; nothing of those before is left.
    #[track_caller]
    pub(crate) fn assert_recovers(&self, store: &Path) {
        self.assert_sound(store);
        assert_eq!(self.built(store), self.right.0, "the image differs");
        assert_eq!(self.listing(store), self.right.1, "the files differ");
        self.assert_sound(store);
        let left: Vec<_> = fs::read_dir(store.join("tmp")).into_iter().flatten().flatten().collect();
        assert!(left.is_empty(), "leftovers: {left:?}");
    }
}

/// What a call wrote that succeeded.
#[track_caller]
pub(crate) fn good(done: &Output) -> String {
    assert!(done.status.success(), "{}: {}{}", done.status, text(&done.stdout), text(&done.stderr));
    text(&done.stdout).trim().to_owned()
}

/// What a call wrote to standard error that failed as programs fail: with a code and a message, not by a panic.
#[track_caller]
pub(crate) fn bad(done: &Output) -> String {
    let said = text(&done.stderr);
    assert!(matches!(done.status.code(), Some(1 | 2)), "{}: {said}", done.status);
    assert!(!said.trim().is_empty() && !said.contains("panicked"), "{said}");
    said
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The end of a process, waited for so long.
pub(crate) fn ended(child: &mut Child, patience: Duration) -> bool {
    becomes(patience, || child.try_wait().unwrap().is_some())
}

/// Whether something comes true in time.
pub(crate) fn becomes(patience: Duration, mut is: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if is() {
            return true;
        }
        if start.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
