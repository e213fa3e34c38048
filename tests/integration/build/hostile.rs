//! Images that lie: about sizes, digests and layers, with too many documents, or with documents that are none. Each is
//! refused with a reason, costs little, and leaves a store that is sound.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use layerwise::runtime::image::Digest;
use serde_json::{Value, json};

use crate::program::{layerwise, run};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An OCI layout in the making.
struct Layout(PathBuf);

impl Layout {
    fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self(folder.to_owned())
    }

    /// Writes a blob; gives its descriptor.
    fn blob(&self, kind: &str, bytes: &[u8]) -> Value {
        let hex = Digest::of(bytes).hex();
        fs::write(self.0.join("blobs/sha256").join(&hex), bytes).unwrap();
        json!({ "mediaType": kind, "digest": format!("sha256:{hex}"), "size": bytes.len() })
    }

    fn document(&self, kind: &str, document: &Value) -> Value {
        self.blob(kind, document.to_string().as_bytes())
    }

    fn top(&self, descriptor: &Value) {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor] });
        fs::write(self.0.join("index.json"), index.to_string()).unwrap();
    }

    /// An honest image of one layer, as manifest and configuration to be changed.
    fn image(&self) -> (Value, Value) {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(5);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        tar.append_data(&mut header, "file", &b"hello"[..]).unwrap();
        let layer = self.blob(LAYER, &tar.into_inner().unwrap());
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let config = json!({ "architecture": architecture, "os": "linux", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] } });
        (json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": {}, "layers": [layer] }), config)
    }

    fn put(&self, mut manifest: Value, config: &Value) {
        let described = self.document("application/vnd.oci.image.config.v1+json", config);
        manifest["config"] = described;
        self.top(&self.document(MANIFEST, &manifest));
    }
}

/// Builds on the layout. The exit code, and what it says.
fn build(folder: &Path, file: &str) -> (Option<i32>, String) {
    fs::create_dir_all(folder.join("context")).unwrap();
    fs::write(folder.join("context/Dockerfile"), format!("FROM oci:{}\n{file}", folder.join("layout").display()))
        .unwrap();
    fs::write(folder.join("context/a"), "a").unwrap();
    let call = |arguments: &[&str]| {
        let mut command = layerwise(&folder.join("context"), arguments);
        command.env("LAYERWISE_STORE", folder.join("store"));
        run(command, "")
    };
    let start = Instant::now();
    let done = call(&["build", "--quiet"]);
    assert!(start.elapsed() < Duration::from_secs(60), "it takes too long");
    let check = call(&["store", "check"]);
    assert_eq!(check.exit, Some(0), "{}{}", check.stdout, done.stderr);
    (done.exit, done.stderr)
}

/// What makes an image lie.
type Lie = fn(&Layout, &mut Value, &mut Value);

const LIES: &[(&str, Lie)] = &[
    ("a layer smaller than it says", |_, manifest, _| manifest["layers"][0]["size"] = json!(4_000_000_000_000_u64)),
    ("a layer larger than it says", |_, manifest, _| manifest["layers"][0]["size"] = json!(10)),
    ("a size without end", |_, manifest, _| manifest["layers"][0]["size"] = json!(u64::MAX)),
    ("a size below nothing", |_, manifest, _| manifest["layers"][0]["size"] = json!(-1)),
    ("a size that is no number", |_, manifest, _| manifest["layers"][0]["size"] = json!("10")),
    ("a layer that is not there", |_, manifest, _| {
        manifest["layers"][0]["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
    }),
    ("a digest that leads out", |_, manifest, _| {
        manifest["layers"][0]["digest"] = json!("sha256:../../../../etc/passwd");
    }),
    ("a digest of another kind", |_, manifest, _| manifest["layers"][0]["digest"] = json!("md5:00")),
    ("another tar than the configuration names", |_, _, config| {
        config["rootfs"]["diff_ids"][0] = json!(format!("sha256:{}", "1".repeat(64)));
    }),
    ("fewer layers than the configuration names", |_, manifest, _| manifest["layers"] = json!([])),
    ("more layers than the configuration names", |_, manifest, _| {
        let layer = manifest["layers"][0].clone();
        manifest["layers"] = json!([layer, layer, layer]);
    }),
    ("a hundred thousand layers", |_, manifest, config| {
        let (layer, diff) = (manifest["layers"][0].clone(), config["rootfs"]["diff_ids"][0].clone());
        manifest["layers"] = json!(vec![layer; 100_000]);
        config["rootfs"]["diff_ids"] = json!(vec![diff; 100_000]);
    }),
    ("a layer that is no tar", |layout, manifest, config| {
        manifest["layers"][0] = layout.blob(LAYER, &[7; 4096]);
        config["rootfs"]["diff_ids"][0] = manifest["layers"][0]["digest"].clone();
    }),
    ("a layer that breaks off", |layout, manifest, config| {
        let mut header = tar::Header::new_ustar();
        header.set_path("large").unwrap();
        header.set_size(1 << 40);
        header.set_mode(0o644);
        header.set_cksum();
        manifest["layers"][0] = layout.blob(LAYER, header.as_bytes());
        config["rootfs"]["diff_ids"][0] = manifest["layers"][0]["digest"].clone();
    }),
    ("compressed nonsense", |layout, manifest, _| {
        manifest["layers"][0] = layout.blob(&format!("{LAYER}+gzip"), &[0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7]);
    }),
    ("a configuration that is none", |_, _, config| *config = json!([1, 2, 3])),
    ("a configuration of other types", |_, _, config| config["config"] = json!({ "Env": { "a": 1 }, "Cmd": 7 })),
    ("a manifest that is an index too", |_, manifest, _| manifest["manifests"] = json!([])),
];

#[test]
fn images_that_lie_are_refused() {
    for (what, lie) in LIES {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(&folder.path().join("layout"));
        let (mut manifest, mut config) = layout.image();
        lie(&layout, &mut manifest, &mut config);
        layout.put(manifest, &config);
        let (exit, said) = build(folder.path(), "COPY a /a\n");
        assert!(exit == Some(1) && said.contains("error: "), "{what}: {exit:?} {said}");
        assert!(said.len() < 4_000, "{what}: it says too much: {} bytes", said.len());
    }
}

#[test]
fn the_same_image_without_a_lie_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(&folder.path().join("layout"));
    let (manifest, config) = layout.image();
    layout.put(manifest, &config);
    let (exit, said) = build(folder.path(), "COPY a /a\n");
    assert_eq!(exit, Some(0), "{said}");
}

#[test]
fn documents_without_end_are_refused() {
    // Indexes in indexes.
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(&folder.path().join("layout"));
    let (manifest, config) = layout.image();
    layout.put(manifest, &config);
    let text = fs::read(folder.path().join("layout/index.json")).unwrap();
    let mut top = serde_json::from_slice::<Value>(&text).unwrap()["manifests"][0].clone();
    for _ in 0..50 {
        top = layout.document(INDEX, &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [top] }));
    }
    layout.top(&top);
    let (exit, said) = build(folder.path(), "");
    assert!(exit == Some(1) && said.contains("nested too deep"), "{said}");
    // An index of more than any honest one.
    let many = vec![top; 40_000];
    let large = layout.document(INDEX, &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": many }));
    layout.top(&large);
    let (exit, said) = build(folder.path(), "");
    assert!(exit == Some(1) && said.contains("error: "), "{said}");
    // Brackets in brackets, in the place of each document.
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    layout.top(&layout.blob(MANIFEST, format!("{{\"schemaVersion\":2,\"layers\":{deep}}}").as_bytes()));
    let (exit, said) = build(folder.path(), "");
    assert!(exit == Some(1) && said.contains("error: "), "{said}");
    fs::write(folder.path().join("layout/index.json"), deep).unwrap();
    let (exit, said) = build(folder.path(), "");
    assert!(exit == Some(1) && said.contains("error: "), "{said}");
}
