//! What is written can be taken again, and is the same image.

use std::fs;
use std::path::Path;

use super::*;
use crate::config::Registries;
use crate::runtime::fetch::Source;
use crate::runtime::image::{ImageConfig, Platform};
use crate::runtime::layer::{Owners, PackOptions};
use crate::runtime::registry::Client;

/// An image of two layers: the second removes a file of the first.
fn image(store: &Store, folder: &Path) -> Descriptor {
    let (low, high) = (folder.join("low"), folder.join("high"));
    fs::create_dir_all(low.join("a")).unwrap();
    fs::create_dir_all(high.join("a")).unwrap();
    fs::write(low.join("a/gone"), "1").unwrap();
    fs::write(low.join("a/kept"), "2").unwrap();
    fs::write(high.join("a/new"), "3").unwrap();
    fs::hard_link(high.join("a/new"), high.join("a/same")).unwrap();
    let kind = rustix::fs::FileType::CharacterDevice;
    rustix::fs::mknodat(rustix::fs::CWD, high.join("a/gone"), kind, rustix::fs::Mode::empty(), 0).unwrap();
    let options = PackOptions { owner: Some((0, 0)), clamp: Some(0), ..PackOptions::new(store.owners()) };
    let (first, _) = store.pack_layer(&low, &[], &options).unwrap();
    let (second, _) = store.pack_layer(&high, &[&low], &options).unwrap();
    let mut config = ImageConfig::scratch(&Platform::host());
    config.rootfs.diff_ids = vec![first.digest, second.digest];
    store.put_image(&config, vec![first, second]).unwrap()
}

fn store(folder: &Path) -> Store {
    let owners = if rustix::process::geteuid().is_root() { Owners::Kept } else { Owners::Recorded };
    Store::open(folder).unwrap().with_owners(owners)
}

#[test]
fn every_form_holds_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let store = store(&path("store"));
    let manifest = image(&store, folder.path());
    let name: Reference = "app:1".parse().unwrap();
    for text in ["oci:LAYOUT:x", "docker-archive:ARCHIVE.tar", "dir:DIR", "tar:ROOT.tar"] {
        let (kind, rest) = text.split_once(':').unwrap();
        let to: Destination = format!("{kind}:{}/{rest}", folder.path().display()).parse().unwrap();
        write(&store, &manifest, Some(&name), &to).unwrap();
        let first = fs::read(path("ARCHIVE.tar")).unwrap_or_default();
        write(&store, &manifest, Some(&name), &to).unwrap();
        assert!(first == fs::read(path("ARCHIVE.tar")).unwrap_or_default(), "the same bytes again");
    }
    assert_eq!(fs::read_dir(path("DIR/a")).unwrap().count(), 3);
    assert_eq!(fs::read_to_string(path("DIR/a/same")).unwrap(), "3");
    let tar = fs::read(path("ROOT.tar")).unwrap();
    let names: Vec<_> = tar::Archive::new(&tar[..])
        .entries()
        .unwrap()
        .map(|entry| String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap())
        .collect();
    assert_eq!(names, ["a/", "a/kept", "a/new", "a/same"]);
    let other = self::store(&path("other"));
    let client = Client::new(Registries::default());
    let take = |source: Source| other.take(&source, &Platform::host(), &client);
    let layout = take(Source::Layout { folder: path("LAYOUT"), name: Some("x".to_owned()) }).unwrap();
    assert_eq!(layout.digest, manifest.digest);
    let wrong = take(Source::Layout { folder: path("LAYOUT"), name: Some("y".to_owned()) }).unwrap_err();
    assert!(wrong.to_string().contains("it has: x"), "{wrong}");
    let archive = Source::parse_path(&path("ARCHIVE.tar").display().to_string()).unwrap();
    assert_eq!(take(archive).unwrap().digest, manifest.digest);
    let root = Source::parse_path(&path("ROOT.tar").display().to_string()).unwrap();
    assert!(matches!(root, Source::RootTar(_)));
    let root = take(root).unwrap();
    assert_eq!(other.manifest(&root).unwrap().0.layers.len(), 1);
    let text = path("text");
    fs::write(&text, "no tar").unwrap();
    assert!(take(Source::RootTar(text)).is_err());
}

#[test]
fn destinations_are_told_apart() {
    let parse = |text: &str| text.parse::<Destination>();
    let name = Some("docker.io/library/a:1".parse().unwrap());
    assert!(matches!(parse("oci:out"), Ok(Destination::Layout { name: None, .. })));
    assert!(matches!(parse("oci:out:1.0"), Ok(Destination::Layout { name: Some(tag), .. }) if tag == "1.0"));
    assert_eq!(parse("docker-archive:a.tar:a:1").unwrap(), Destination::Archive { file: "a.tar".into(), name });
    assert_eq!(parse("dir:a:b").unwrap(), Destination::Folder("a:b".into()));
    for text in ["", "oci", "oci:", "oci::x", "file:x", "docker-archive:a:B:C", "out"] {
        assert!(parse(text).is_err(), "{text}");
    }
}
