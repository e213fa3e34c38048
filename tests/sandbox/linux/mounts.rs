//! What a step asks to see: folders, caches, memory, secrets.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use layerwise::runtime::overlay;
use layerwise::runtime::sandbox::{MountKind, StepMount, User};

use super::world::{Run, Wishes, World};
use super::{Case, EVERYBODY, MANY_IDS};

pub(super) const CASES: &[Case] = &[
    ("binds", EVERYBODY, binds),
    ("memory", EVERYBODY, memory),
    ("secrets", EVERYBODY, secrets),
    ("a_secret_of_a_user", MANY_IDS, a_secret_of_a_user),
    ("sockets", EVERYBODY, sockets),
    ("a_tree_of_another_stage", EVERYBODY, a_tree_of_another_stage),
    ("one_mount_in_another", EVERYBODY, one_mount_in_another),
    ("targets_stay_in_the_tree", EVERYBODY, targets_stay_in_the_tree),
    ("a_missing_source", EVERYBODY, a_missing_source),
    ("many_layers", EVERYBODY, many_layers),
    ("from_scratch", EVERYBODY, from_scratch),
];

fn mount(target: &str, kind: MountKind) -> StepMount {
    StepMount { target: PathBuf::from(target), kind }
}

fn with(world: &World, script: &str, mounts: Vec<StepMount>) -> Run {
    world.sh_with(script, Wishes { mounts, ..Wishes::default() })
}

fn folder(world: &World, name: &str) -> PathBuf {
    let folder = world.folder.path().join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn bind(target: &str, source: &Path, read_only: bool) -> StepMount {
    mount(target, MountKind::Bind { source: source.to_owned(), read_only })
}

fn binds(world: &World) {
    let source = folder(world, "source");
    fs::write(source.join("file"), "content\n").unwrap();
    let run = with(world, "cat /deep/in/file && echo new >/deep/in/other", vec![bind("/deep/in", &source, false)]);
    assert_eq!(run.ok(), "content");
    assert_eq!(fs::read_to_string(source.join("other")).unwrap(), "new\n");
    assert!(!run.upper.join("deep").exists(), "the mount point is no part of the layer");
    let run = with(world, "cat /in/file; echo >/in/file", vec![bind("/in", &source, true)]);
    assert!(run.err.contains("Read-only file system"), "{run:?}");
    let run = with(world, "cat /file", vec![bind("/file", &source.join("file"), true)]);
    assert_eq!(run.ok(), "content");
    assert!(!run.upper.join("file").exists());
}

fn memory(world: &World) {
    let tmpfs = |size| vec![mount("/mem", MountKind::Tmpfs { size })];
    let run = with(world, "echo x >/mem/x && cat /mem/x && stat -c %a /mem", tmpfs(None));
    assert_eq!(run.ok(), "x\n1777");
    let run = with(world, "head -c 200000 /dev/zero 2>/dev/null >/mem/x; wc -c </mem/x", tmpfs(Some(65536)));
    assert_eq!(run.ok(), "65536", "no more than it may have");
}

fn secret(mode: u32, id: u32) -> Vec<StepMount> {
    let file = MountKind::File { content: b"s3cret".to_vec(), mode, uid: id, gid: id };
    vec![mount("/run/secrets/token", file)]
}

fn secrets(world: &World) {
    let run = with(world, "cat /run/secrets/token; stat -c ' %a %u' /run/secrets/token", secret(0o400, 0));
    assert_eq!(run.ok(), "s3cret 400 0");
    assert!(!run.upper.join("run").exists(), "no trace of the secret");
    let found = String::from_utf8_lossy(&fs::read(run.upper.join("dev")).unwrap_or_default()).into_owned();
    assert_eq!(found, "");
}

fn a_secret_of_a_user(world: &World) {
    let user = User { uid: 1000, gid: 1000, groups: Vec::new() };
    let wishes = Wishes { user, mounts: secret(0o400, 1000), ..Wishes::default() };
    assert_eq!(world.sh_with("cat /run/secrets/token", wishes).ok(), "s3cret");
    let user = User { uid: 1001, gid: 1001, groups: Vec::new() };
    let wishes = Wishes { user, mounts: secret(0o400, 1000), ..Wishes::default() };
    assert!(world.sh_with("cat /run/secrets/token", wishes).err.contains("Permission denied"));
}

fn sockets(world: &World) {
    let path = folder(world, "agent").join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let socket = mount("/run/agent.0", MountKind::Socket { source: path });
    let run = with(world, "test -S /run/agent.0 && echo hello | nc local:/run/agent.0; true", vec![socket]);
    run.ok();
    drop(listener);
}

fn a_tree_of_another_stage(world: &World) {
    let other = folder(world, "other");
    fs::create_dir_all(other.join("sub")).unwrap();
    fs::write(other.join("sub/file"), "of the stage\n").unwrap();
    let lowers = [world.base.clone(), other];
    let tree = overlay::mount_read_only(&lowers, &world.ids).unwrap();
    let source = Arc::new(tree.root);
    let part = overlay::mount_read_only(&lowers, &world.ids).unwrap().part(Path::new("sub/file")).unwrap();
    let run = with(
        world,
        "cat /stage/sub/file && ls /stage/bin/busybox; cat /part; touch /stage/x",
        vec![
            mount("/stage", MountKind::Tree { source, read_only: true }),
            mount("/part", MountKind::Tree { source: Arc::new(part), read_only: true }),
        ],
    );
    assert!(run.out.starts_with("of the stage\n/stage/bin/busybox\nof the stage\n"), "{run:?}");
    assert!(run.err.contains("Read-only file system"), "{run:?}");
}

fn one_mount_in_another(world: &World) {
    let (outer, inner) = (folder(world, "outer"), folder(world, "inner"));
    fs::write(inner.join("file"), "inner\n").unwrap();
    let run = with(world, "cat /a/b/file", vec![bind("/a", &outer, false), bind("/a/b", &inner, true)]);
    assert_eq!(run.ok(), "inner");
}

fn targets_stay_in_the_tree(world: &World) {
    let (source, outside) = (folder(world, "s"), folder(world, "outside"));
    fs::write(source.join("file"), "shown\n").unwrap();
    symlink(&outside, world.base.join("absolute")).unwrap();
    symlink("../../../../../../../etc", world.base.join("up")).unwrap();
    let mounts = vec![bind("/absolute/x", &source, false), bind("/up/../../y", &source, false)];
    let run = with(world, "cat /absolute/x/file", mounts);
    assert_eq!(run.ok(), "shown");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "a link of the image led to the machine");
}

fn a_missing_source(world: &World) {
    let run = with(world, "true", vec![bind("/x", Path::new("/no/such/source"), true)]);
    let error = run.exit.unwrap_err().to_string();
    assert!(error.starts_with("cannot mount /no/such/source at /x: No such file"), "{error}");
}

fn many_layers(world: &World) {
    let mut lowers = vec![world.base.clone()];
    for number in 0..150 {
        let layer = folder(world, &format!("layer{number}"));
        fs::set_permissions(&layer, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(layer.join("top"), format!("{number}\n")).unwrap();
        fs::write(layer.join(format!("of{number}")), "").unwrap();
        lowers.push(layer);
    }
    let (upper, work) = (folder(world, "up"), folder(world, "work"));
    let mounted = overlay::mount(&lowers, &upper, &work, &world.ids).unwrap();
    let run = world.run_in(&mounted, upper, &["/bin/sh", "-c", "cat /top; ls -d /of* | wc -l"], Wishes::default());
    assert_eq!(run.ok(), "149\n150", "the last layer is on top");
}

fn from_scratch(world: &World) {
    let (upper, work) = (folder(world, "up"), folder(world, "work"));
    fs::copy(world.base.join("bin/busybox"), upper.join("busybox")).unwrap();
    let mounted = overlay::mount(&[], &upper, &work, &world.ids).unwrap();
    let run = world.run_in(&mounted, upper.clone(), &["/busybox", "touch", "/made"], Wishes::default());
    run.ok();
    let mut names: Vec<_> = fs::read_dir(&upper).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["busybox", "made"], "no mount points are left");
}
