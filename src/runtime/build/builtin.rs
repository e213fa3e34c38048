//! The one image that needs no registry: `layerwise/busybox`, made of the static busybox of this machine.
//!
//! It is there for examples and tests: a shell, small tools, and the users that files name. Programs that are linked to
//! libraries would not start in it, so only a static busybox is taken.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::runtime::image::{ChainId, Descriptor, History, ImageConfig, Platform, Reference};
use crate::runtime::layer::PackOptions;
use crate::runtime::store::{Store, StoreError};
use crate::text::time;

/// Its name.
const NAME: &str = "docker.io/layerwise/busybox:latest";
/// Where distributions put the program.
const PLACES: [&str; 4] = ["/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static", "/sbin/busybox"];
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\n";
const FOLDERS: [(&str, u32); 9] = [
    ("bin", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("proc", 0o755),
    ("root", 0o700),
    ("sys", 0o755),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/bin", 0o755),
];

/// Whether the name is that of the built-in image.
pub(super) fn is_meant(reference: &Reference) -> bool {
    reference.to_string() == NAME
}

/// Makes the image and names it.
///
/// # Errors
/// A phrase that says what is missing.
pub(super) fn make(store: &Store, reference: &Reference) -> Result<Descriptor, String> {
    let program = PLACES.iter().map(Path::new).find(|path| is_static(path)).ok_or_else(|| {
        format!("`layerwise/busybox` is made of a static busybox, and there is none at {}", PLACES.join(", "))
    })?;
    made(store, reference, program).map_err(|error| error.to_string())
}

fn made(store: &Store, reference: &Reference, program: &Path) -> Result<Descriptor, StoreError> {
    let draft = store.new_snapshot(None)?;
    let failed = |error| StoreError::Disk { path: program.to_owned(), source: error };
    fill(&draft.upper, program).map_err(failed)?;
    let options =
        PackOptions { owner: Some((0, 0)), clamp: Some(0), conform: true, ..PackOptions::new(store.owners()) };
    let (layer, _) = store.pack_layer(&draft.upper, &[], &options)?;
    let mut config = ImageConfig::scratch(&Platform::host());
    config.config.cmd = Some(vec!["sh".to_owned()]);
    config.config.env = vec![format!("PATH={}", super::state::PATH)];
    config.rootfs.diff_ids.push(layer.digest);
    config.history.push(History {
        created: Some(time::rfc3339(0)),
        created_by: Some("the static busybox of the machine".to_owned()),
        comment: Some("layerwise".to_owned()),
        ..History::default()
    });
    super::history::settle(&mut config);
    draft.commit(ChainId::on(None, &layer.digest))?;
    let manifest = store.put_image(&config, vec![layer])?;
    store.tag(reference, &manifest)?;
    Ok(manifest)
}

fn fill(root: &Path, program: &Path) -> std::io::Result<()> {
    // Whatever mask the process has.
    let bits = |path: PathBuf, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    for (folder, mode) in FOLDERS {
        std::fs::create_dir(root.join(folder))?;
        bits(root.join(folder), mode)?;
    }
    for (file, content) in [("etc/passwd", PASSWD), ("etc/group", GROUP)] {
        std::fs::write(root.join(file), content)?;
        bits(root.join(file), 0o644)?;
    }
    std::fs::copy(program, root.join("bin/busybox"))?;
    bits(root.join("bin/busybox"), 0o755)?;
    let list = Command::new(program).arg("--list").output()?;
    for applet in String::from_utf8_lossy(&list.stdout).lines() {
        let sound = !applet.is_empty() && !applet.contains('/') && applet != "busybox";
        if sound {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(applet))?;
        }
    }
    std::os::unix::fs::symlink("/bin/env", root.join("usr/bin/env"))
}

/// Whether a file is a program that needs no other file to start: ELF, 64 bits, without an interpreter.
fn is_static(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(4096).read_to_end(&mut start));
    if read.is_err() || !start.starts_with(b"\x7fELF\x02\x01") {
        return false;
    }
    let number = |at: usize, length: usize| -> Option<usize> {
        let bytes = start.get(at..at + length)?;
        Some(bytes.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    };
    let headers = || -> Option<bool> {
        let (offset, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        // Program header type 3 names an interpreter.
        let kinds = (0..count).map(|index| number(offset + index * size, 4));
        Some(kinds.collect::<Option<Vec<_>>>()?.into_iter().all(|kind| kind != 3))
    };
    headers().unwrap_or(false)
}
