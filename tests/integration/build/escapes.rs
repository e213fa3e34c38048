//! Files that try to lead a build out: links, `..`, archives, mounts and outputs that point at the machine. Next to each
//! build lies a folder with a secret, which must come into no image, and into which nothing may be written.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::layout::Image;
use crate::program::{Run, layerwise, run, write};

const SECRET: &str = "what-nobody-may-see";

struct World {
    folder: tempfile::TempDir,
}

impl World {
    /// A context with links to everything outside that is worth a try.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder };
        write(world.folder.path(), "outside/secret", SECRET.as_bytes());
        fs::create_dir(world.path("context")).unwrap();
        let outside = world.path("outside");
        let up = PathBuf::from("../".repeat(30)).join(outside.strip_prefix("/").unwrap());
        let proc = PathBuf::from("/proc/self/root").join(outside.strip_prefix("/").unwrap());
        let links = [
            ("absolute", outside.clone()),
            ("relative", "../outside".into()),
            ("up", up),
            ("proc", proc),
            ("cwd", "/proc/self/cwd/../outside".into()),
            ("file", outside.join("secret")),
        ];
        fs::create_dir(world.path("context/links")).unwrap();
        for (name, target) in links {
            symlink(&target, world.path("context/links").join(name)).unwrap();
        }
        write(world.folder.path(), "context/plain/secret", b"of the context");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn build(&self, dockerfile: &str, more: &[&str]) -> Run {
        write(self.folder.path(), "context/Dockerfile", dockerfile.as_bytes());
        let mut command = layerwise(&self.path("context"), &[&["build", "--progress=plain"], more].concat());
        command.env("LAYERWISE_STORE", self.path("store"));
        run(command, "")
    }

    /// Builds, and looks for the secret in what came of it. Whether it was built does not matter.
    #[track_caller]
    fn try_to_get_out(&self, dockerfile: &str) -> Run {
        let output = format!("tar:{}", self.path("image.tar").display());
        let _earlier = fs::remove_file(self.path("image.tar"));
        let done = self.build(dockerfile, &["-o", &output]);
        assert!(matches!(done.exit, Some(0 | 1)), "{dockerfile}\n{:?} {}", done.exit, done.stderr);
        let image = fs::read(self.path("image.tar")).unwrap_or_default();
        // Names of links hold the way, not the content.
        let holds = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!holds(&image), "the secret is in the image of\n{dockerfile}");
        assert!(!holds(done.stdout.as_bytes()) && !holds(done.stderr.as_bytes()), "{dockerfile}\n{}", done.stderr);
        self.assert_untouched(dockerfile);
        done
    }

    #[track_caller]
    fn assert_untouched(&self, what: &str) {
        let names: Vec<_> =
            fs::read_dir(self.path("outside")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["secret"], "{what}");
        let secret = self.path("outside/secret");
        assert_eq!(fs::read_to_string(&secret).unwrap(), SECRET, "{what}");
        let kept = fs::metadata(&secret).unwrap().permissions().mode() & 0o7777;
        assert!(kept == 0o644 || kept == 0o600 || kept == 0o664, "{what}: {kept:o}");
    }
}

const LINKS: [&str; 5] = ["absolute", "relative", "up", "proc", "cwd"];

#[test]
fn sources_stay_in_their_place() {
    let world = World::new();
    for link in LINKS {
        for keyword in ["COPY", "ADD", "COPY --parents", "COPY --link"] {
            world.try_to_get_out(&format!("FROM scratch\n{keyword} links/{link}/secret /x\n"));
            world.try_to_get_out(&format!("FROM scratch\n{keyword} links/{link}/* /x/\n"));
        }
        let stage = "FROM scratch AS evil\nCOPY links /\nFROM scratch\n";
        world.try_to_get_out(&format!("{stage}COPY --from=evil /{link}/secret /x\n"));
        world.try_to_get_out(&format!("{stage}COPY --from=evil /{link}/s* /x/\n"));
    }
    for source in ["../outside/secret", "/../outside/secret", "links/../../outside/secret", "links/file", "../*/secret"]
    {
        world.try_to_get_out(&format!("FROM scratch\nCOPY {source} /x\n"));
        world.try_to_get_out(&format!("FROM scratch\nCOPY [\"{source}\", \"/x\"]\n"));
    }
}

#[test]
fn destinations_stay_in_the_image() {
    let world = World::new();
    for link in LINKS {
        for step in [
            format!("COPY plain/secret /{link}/"),
            format!("COPY plain /{link}"),
            format!("COPY plain/secret /{link}/secret"),
            format!("COPY --chmod=777 --chown=5:5 plain/secret /{link}/deeper/secret"),
            format!("WORKDIR /{link}/made"),
            format!("WORKDIR /{link}\nCOPY plain/secret ."),
        ] {
            let done = world.try_to_get_out(&format!("FROM scratch\nCOPY links /\n{step}\n"));
            assert!(done.stderr.contains("error") || done.exit == Some(0), "{}", done.stderr);
        }
    }
    for destination in ["../../outside/", "/../outside/", "/file", "/x/../../../outside/secret"] {
        world.try_to_get_out(&format!("FROM scratch\nCOPY links/file /\nCOPY plain/secret {destination}\n"));
    }
}

fn header(kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o6777);
    header.set_uid(7);
    header.set_gid(7);
    header.set_mtime(1);
    header
}

/// An archive whose entries go through links, of its own and of the stage's.
#[test]
fn archives_stay_in_the_image() {
    let world = World::new();
    let outside = world.path("outside");
    let mut archives = Vec::new();
    for target in
        [outside.clone(), "../outside".into(), PathBuf::from("../".repeat(30)).join(outside.strip_prefix("/").unwrap())]
    {
        let mut tar = tar::Builder::new(Vec::new());
        tar.append_link(&mut header(tar::EntryType::Symlink, 0), "a", &target).unwrap();
        for name in ["a/new", "a/secret", "a/.wh.secret"] {
            tar.append_data(&mut header(tar::EntryType::Regular, 1), name, &b"x"[..]).unwrap();
        }
        tar.append_link(&mut header(tar::EntryType::Link, 0), "b", "a/secret").unwrap();
        archives.push(tar.into_inner().unwrap());
    }
    for (number, archive) in archives.iter().enumerate() {
        write(world.folder.path(), "context/a.tar", archive);
        world.try_to_get_out(&format!("FROM scratch\nLABEL n={number}\nADD a.tar /\n"));
        world.try_to_get_out(&format!("FROM scratch\nLABEL n={number}\nCOPY links /\nADD a.tar /absolute\n"));
        // As a root file system, and as the layer of an image.
        let source = world.path("context/a.tar");
        let mut command = layerwise(&world.path("context"), &["image", "import", source.to_str().unwrap(), "evil"]);
        command.env("LAYERWISE_STORE", world.path("store"));
        let _taken_or_refused = run(command, "");
        world.assert_untouched("an import");
        world.try_to_get_out("FROM evil\nCOPY plain/secret /a/\n");
    }
}

/// What is there in a folder that an image is written to belongs to the user, links too; it leads nowhere.
#[test]
fn outputs_stay_in_their_folder() {
    let world = World::new();
    for (link, file) in [("plain", "plain/secret"), ("plain/secret", "plain/secret"), ("x", "plain/secret")] {
        let to = world.path("to");
        fs::create_dir_all(to.join(link).parent().unwrap()).unwrap();
        let target = if link.ends_with("secret") { world.path("outside/secret") } else { world.path("outside") };
        symlink(target, to.join(link)).unwrap();
        let output = format!("dir:{}", to.display());
        let done =
            world.build(&format!("FROM scratch\nCOPY plain /plain\nCOPY plain /x\nLABEL f={file}\n"), &["-o", &output]);
        assert!(matches!(done.exit, Some(0..=2)), "{}", done.stderr);
        world.assert_untouched(link);
        fs::remove_dir_all(to).unwrap();
    }
    let output = format!("dir:{}", world.path("to").display());
    let done = world.build("FROM scratch\nCOPY links /\nCOPY plain/secret /absolute/\n", &["-o", &output]);
    assert!(matches!(done.exit, Some(0..=2)), "{}", done.stderr);
    world.assert_untouched("the links of the image");
}

#[test]
#[allow(clippy::print_stdout, reason = "a test says what it goes without")]
fn mounts_show_only_what_was_asked_for() {
    let world = World::new();
    let base = world.build("FROM layerwise/busybox\nRUN true\n", &["-t", "base"]);
    if base.exit != Some(0) {
        println!("skipped: {}", base.stderr.lines().find(|line| line.contains("error")).unwrap_or_default());
        return;
    }
    let show = "RUN --mount=OPTIONS find /m; cat /m /m/* /m/*/* 2>/dev/null; echo x >/m/new; echo x >/m; true\n";
    let mut options = vec!["type=cache,id=../../../outside,target=/m".to_owned()];
    for source in ["../outside", "/../../outside", "links/file"] {
        options.push(format!("source={source},target=/m,rw"));
    }
    for link in LINKS {
        options.push(format!("source=links/{link},target=/m,rw"));
        options.push(format!("from=evil,source=/{link},target=/m,rw"));
        options.push(format!("type=cache,from=evil,source=/{link},id={link},target=/m"));
        options.push(format!("type=tmpfs,target=/{link}/m"));
        options.push(format!("source=plain,target=/{link}/m,rw"));
    }
    for options in options {
        let run = show.replace("OPTIONS", &options);
        let file = format!("FROM base AS evil\nCOPY links /\nFROM base\nCOPY links /\n{run}");
        world.try_to_get_out(&file);
    }
    // The links stay links.
    let run = "RUN cat /absolute/secret /up/secret /proc/1/root/absolute/secret; echo x >/absolute/new; true\n";
    world.try_to_get_out(&format!("FROM base\nCOPY links /\n{run}"));
    let secret = format!("id=s,src={}", world.path("outside/secret").display());
    let file = "FROM base\nCOPY links /\nRUN --mount=type=secret,id=s,target=/absolute/s test -s /absolute/s && find / -name s -xdev\n";
    let output = format!("oci:{}", world.path("layout").display());
    let done = world.build(file, &["--secret", &secret, "-o", &output]);
    world.assert_untouched("a secret's target");
    if done.exit == Some(0) {
        assert!(
            !Image::read(&world.path("layout")).tree.keys().any(|path| path.ends_with("/s")),
            "a trace of the secret"
        );
    }
}

/// Unpacked layers hold other people's setuid programs: nobody else may reach them.
#[test]
fn the_store_is_its_owners() {
    let world = World::new();
    fs::create_dir_all(world.path("store")).unwrap();
    fs::set_permissions(world.path("store"), fs::Permissions::from_mode(0o755)).unwrap();
    write(world.folder.path(), "context/program", b"#!/bin/sh\n");
    fs::set_permissions(world.path("context/program"), fs::Permissions::from_mode(0o6755)).unwrap();
    let done = world.build("FROM scratch\nCOPY program /\n", &[]);
    assert_eq!(done.exit, Some(0), "{}", done.stderr);
    let mode = fs::metadata(world.path("store")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
}
