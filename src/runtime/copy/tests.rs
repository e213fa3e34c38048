//! Copies where the file system cannot hold owners.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::FileType;

use super::*;
use crate::runtime::layer::{Owners, PackOptions, pack};
use crate::runtime::tree::Tree;
use crate::runtime::unprivileged::unprivileged;

/// Without a user namespace all files are the user's, and what is not recorded is root's.
#[test]
fn the_user_who_builds_owns_nothing_of_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let (base, upper) = (folder.path().join("base"), folder.path().join("upper"));
    unprivileged(folder.path(), || {
        fs::create_dir_all(base.join("etc")).unwrap();
        fs::create_dir(&upper).unwrap();
        fs::set_permissions(base.join("etc"), fs::Permissions::from_mode(0o751)).unwrap();
        fs::write(base.join("etc/known"), "known").unwrap();
        let stage = || Tree::stacked([&base], Owners::Recorded).unwrap();
        let source = stage();
        let owner = |path: &str| source.owner(path, &source.look(path).unwrap());
        assert_eq!((owner("etc"), owner("etc/known")), ((0, 0), (0, 0)));

        let mut target = Target::new(stage(), &upper, Owners::Recorded).unwrap();
        drop(target.create("etc/new").unwrap());
        target.set_owner("etc/new", (5, 6), FileType::RegularFile).unwrap();
        let mut layer = Vec::new();
        pack(&upper, &[&base], &mut layer, &PackOptions::new(Owners::Recorded)).unwrap();
        let mut layer = tar::Archive::new(&layer[..]);
        let rows = layer.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            let path = entry.path().unwrap().display().to_string();
            format!("{path} {:o} {}:{}", header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap())
        });
        assert_eq!(rows.collect::<Vec<_>>(), ["etc/ 751 0:0", "etc/new 600 5:6"]);
    });
}
