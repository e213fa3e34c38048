//! A base of busybox, a folder for layers, and a sandbox.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use layerwise::runtime::namespace::Ids;
use layerwise::runtime::overlay::{self, Mounted};
use layerwise::runtime::sandbox::{
    Exit, Limits, Network, Sandbox, SandboxError, Security, Step, StepMount, Stream, User,
};

pub(crate) struct World {
    pub(crate) ids: Ids,
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) base: PathBuf,
}

/// A step's wishes beyond its script.
#[derive(Default)]
pub(crate) struct Wishes {
    pub(crate) user: User,
    pub(crate) mounts: Vec<StepMount>,
    pub(crate) network: Network,
    pub(crate) security: Security,
    pub(crate) limits: Limits,
    pub(crate) timeout: Option<Duration>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) environment: Vec<Vec<u8>>,
    pub(crate) traced: bool,
}

/// What became of a step.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) exit: Result<Exit, SandboxError>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) upper: PathBuf,
}

impl World {
    pub(crate) fn new(ids: Ids) -> Result<Self, String> {
        let busybox = ["/usr/bin/busybox", "/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
        let busybox = busybox.ok_or("no busybox on this machine")?;
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("base");
        for name in ["bin", "etc", "tmp", "root", "var"] {
            fs::create_dir_all(base.join(name)).unwrap();
        }
        fs::copy(busybox, base.join("bin/busybox")).unwrap();
        let list = Command::new(busybox).arg("--list").output().unwrap();
        for applet in String::from_utf8_lossy(&list.stdout).lines() {
            let _itself = symlink("busybox", base.join("bin").join(applet));
        }
        fs::write(base.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n").unwrap();
        fs::set_permissions(base.join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
        let sandbox = Sandbox::start(&ids).map_err(|error| error.to_string())?;
        Ok(Self { ids, sandbox, folder, base })
    }

    /// A new writable tree over the base.
    pub(crate) fn tree(&self) -> (Mounted, PathBuf) {
        let new = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let (upper, work) = (new.join("upper"), new.join("work"));
        fs::create_dir(&upper).unwrap();
        fs::create_dir(&work).unwrap();
        fs::set_permissions(&upper, fs::Permissions::from_mode(0o755)).unwrap();
        (overlay::mount(std::slice::from_ref(&self.base), &upper, &work, &self.ids).unwrap(), upper)
    }

    /// Runs a shell script.
    pub(crate) fn sh(&self, script: &str) -> Run {
        self.sh_with(script, Wishes::default())
    }

    pub(crate) fn sh_with(&self, script: &str, wishes: Wishes) -> Run {
        self.run(&["/bin/sh", "-c", script], wishes)
    }

    /// Runs a program.
    pub(crate) fn run(&self, arguments: &[&str], wishes: Wishes) -> Run {
        let (mounted, upper) = self.tree();
        self.run_in(&mounted, upper, arguments, wishes)
    }

    pub(crate) fn step<'a>(mounted: &'a Mounted, arguments: &[&str], wishes: Wishes) -> Step<'a> {
        let mut environment = vec![b"PATH=/bin".to_vec()];
        environment.extend(wishes.environment);
        Step {
            root: mounted.root(),
            arguments: arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect(),
            environment,
            directory: wishes.directory.unwrap_or_else(|| PathBuf::from("/")),
            user: wishes.user,
            mounts: wishes.mounts,
            network: wishes.network,
            hostname: "buildkitsandbox".to_owned(),
            extra_hosts: vec![("db".to_owned(), [10, 0, 0, 9].into())],
            limits: wishes.limits,
            timeout: wishes.timeout,
            security: wishes.security,
            traced: wishes.traced,
        }
    }

    pub(crate) fn run_in(&self, mounted: &Mounted, upper: PathBuf, arguments: &[&str], wishes: Wishes) -> Run {
        let step = Self::step(mounted, arguments, wishes);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = self.sandbox.run(&step, &mut |stream, bytes| match stream {
            Stream::Output => out.extend_from_slice(bytes),
            Stream::Error => err.extend_from_slice(bytes),
        });
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Run { exit, out: text(out), err: text(err), upper }
    }
}

impl Run {
    /// What it wrote to standard output, if it succeeded.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert!(self.exit.as_ref().is_ok_and(Exit::success), "{self:#?}");
        self.out.trim_end()
    }

    /// Its exit code.
    #[track_caller]
    pub(crate) fn code(&self) -> i32 {
        match &self.exit {
            Ok(exit) => exit.code(),
            Err(error) => panic!("{error}: {self:#?}"),
        }
    }
}
