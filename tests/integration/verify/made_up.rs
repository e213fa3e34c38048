//! The cases with an engine that builds nothing: what two files leave is given.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use layerwise::cache::Builder;
use layerwise::context::MemoryContext;
use layerwise::ecosystem::Catalog;
use layerwise::optimize::{Draft, Surroundings};
use layerwise::source::DiskContext;
use layerwise::verify::archive::ImageFiles;
use layerwise::verify::image_config::{ImageConfig, Noted};
use layerwise::verify::tree::{LayerEntry, Node, NodeKind, Tree};
use layerwise::verify::{
    BuiltImage, Engine, EngineError, Ground, Job, Noise, Order, Original, Proof, Timeline, prove, replay,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// A rewrite.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) files: BTreeMap<String, String>,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) caught: Vec<String>,
    trees: Option<Trees>,
    #[serde(default)]
    pub(super) edits: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trees {
    before: Vec<String>,
    after: Vec<String>,
}

/// All cases.
pub(super) fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/verify/wrong.toml");
    toml::from_str::<Cases>(&std::fs::read_to_string(path).unwrap()).unwrap().case
}

/// How a proof failed, in the words of the cases.
pub(super) fn caught(proof: &Proof) -> Vec<String> {
    let paths = proof.differences.iter().map(|found| &found.difference);
    let paths = paths.map(|found| format!("{} {}", found.kind.name(), found.path));
    let config = proof.config.iter().map(|found| format!("config {}", found.property));
    paths.chain(config).chain(proof.broken.iter().map(|_| "broken".to_owned())).collect()
}

/// Both files of a case.
pub(super) fn with_job<T>(case: &Case, context: &Path, work: impl FnOnce(&Job<'_>) -> T) -> T {
    let memory = MemoryContext::from_files(case.files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let arguments = BTreeMap::new();
    let draft =
        |text: &str| Draft { dockerfile: text.to_owned(), ignore_path: ".dockerignore".to_owned(), ignore: None };
    let (before, after) = (draft(&case.before), draft(&case.after));
    let surroundings = Surroundings {
        context: &memory,
        catalog: Catalog::builtin(),
        arguments: &arguments,
        profile: Builder::BuildKit.profile(),
        history: None,
        target: None,
    };
    work(&Job { context, before: &before, after: &after, surroundings, smoke: None, trace: false, split: false })
}

/// Hands out the trees of a case.
struct MadeUp<'a> {
    case: &'a Case,
    trees: &'a Trees,
    builds: Cell<usize>,
}

impl Engine for MadeUp<'_> {
    fn clock(&self) -> Duration {
        Duration::ZERO
    }

    fn name(&self) -> &'static str {
        "made up"
    }

    fn build(&self, order: &Order<'_>) -> Result<BuiltImage, EngineError> {
        assert!(order.fresh, "images are compared without a cache");
        self.builds.set(self.builds.get() + 1);
        let lines = if order.dockerfile == self.case.before { &self.trees.before } else { &self.trees.after };
        let mut tree = Tree::default();
        // The layer of the base image comes first.
        tree.add_layer(&[("bin".to_owned(), LayerEntry::Node(node("755/ 0:0", 0)))]);
        tree.add_layer(&lines.iter().map(|line| entry(line, self.builds.get())).collect::<Vec<_>>());
        let config = ImageConfig {
            history: ["ADD base", "RUN something # buildkit"]
                .map(|step| Noted { created_by: step.to_owned(), has_layer: true })
                .to_vec(),
            ..ImageConfig::default()
        };
        let files = ImageFiles { tree, config, bytes: 0, layer_bytes: vec![0, 0] };
        Ok(BuiltImage { files, steps: Vec::new(), seconds: 1.0, kept: None, seen: Vec::new() })
    }
}

fn entry(line: &str, build: usize) -> (String, LayerEntry) {
    let (path, rest) = line.split_once(' ').unwrap();
    (path.to_owned(), LayerEntry::Node(node(rest, build)))
}

/// `644 0:0 content`; `@` stands for what every build makes anew, a `/` after the mode for a directory.
fn node(text: &str, build: usize) -> Node {
    let mut words = text.splitn(3, ' ');
    let (mode, owner) = (words.next().unwrap(), words.next().unwrap().split_once(':').unwrap());
    let content = words.next().unwrap_or_default().replace('@', &build.to_string());
    let kind = match (mode.ends_with('/'), content.starts_with("->")) {
        (true, _) => NodeKind::Directory,
        (_, true) => NodeKind::Link,
        _ => NodeKind::File,
    };
    let is_file = kind == NodeKind::File;
    Node {
        kind,
        mode: u32::from_str_radix(mode.trim_end_matches('/'), 8).unwrap(),
        owner: (owner.0.parse().unwrap(), owner.1.parse().unwrap()),
        size: if is_file { content.len() as u64 } else { 0 },
        digest: if is_file { content.clone() } else { String::new() },
        timeless: None,
        blocks: Vec::new(),
        target: if is_file { String::new() } else { content.trim_start_matches("->").to_owned() },
        attributes: BTreeMap::new(),
        identity: 0,
        layer: 0,
    }
}

/// Builds nothing, and fails where a file was edited: only with files that begin so.
struct Stumbling(&'static str);

impl Engine for Stumbling {
    fn clock(&self) -> Duration {
        Duration::ZERO
    }

    fn name(&self) -> &'static str {
        "stumbling"
    }

    fn build(&self, order: &Order<'_>) -> Result<BuiltImage, EngineError> {
        let is_edited = std::fs::read(order.context.join("a")).unwrap().ends_with(b"\n");
        if is_edited && order.dockerfile.starts_with(self.0) {
            return Err(EngineError::Failed("no luck".to_owned()));
        }
        let files =
            ImageFiles { tree: Tree::default(), config: ImageConfig::default(), bytes: 0, layer_bytes: Vec::new() };
        Ok(BuiltImage { files, steps: Vec::new(), seconds: 1.0, kept: None, seen: Vec::new() })
    }
}

#[test]
fn a_change_that_only_the_candidate_fails_at_disproves_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), "1").unwrap();
    let case = Case {
        name: "both files".to_owned(),
        files: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
        before: "# before\nFROM x\nCOPY a /a\n".to_owned(),
        after: "# after\nFROM x\nCOPY a /a\n".to_owned(),
        caught: Vec::new(),
        trees: None,
        edits: Vec::new(),
    };
    let replayed = |engine: Stumbling| {
        with_job(&case, folder.path(), |job| {
            let disk = DiskContext::new(folder.path()).unwrap();
            let ground = Ground { disk: &disk, dockerfile: "Dockerfile", noise: &Noise::default() };
            let timeline = Timeline::of_edits(&["a".to_owned()]);
            replay(&engine, job, ground, &timeline, &|_| {}).unwrap().changes.remove(0)
        })
    };
    let failed = Some("no luck".to_owned());
    let found = replayed(Stumbling("# after"));
    assert_eq!((&found.broken, &found.skipped, found.agrees()), (&failed, &None, false));
    let found = replayed(Stumbling("# before"));
    assert_eq!((&found.broken, &found.skipped, found.is_built()), (&None, &failed, false));
    let found = replayed(Stumbling("# neither"));
    assert_eq!((&found.broken, &found.skipped, found.is_built()), (&None, &None, true));
}

#[test]
fn made_up_images_are_told_apart() {
    let mut told = 0;
    for case in cases() {
        let Some(trees) = &case.trees else { continue };
        let engine = MadeUp { case: &case, trees, builds: Cell::new(0) };
        let proof = with_job(&case, Path::new("/nowhere"), |job| {
            let original = Original::build(&engine, job, &|_| {}).unwrap();
            prove(&engine, &original, job, &|_| {}).unwrap()
        });
        assert_eq!(caught(&proof), case.caught, "{}", case.name);
        assert_eq!(proof.is_equal(), case.caught.is_empty(), "{}", case.name);
        // What stands there was made by a step of the file.
        for found in &proof.differences {
            let steps = [&found.step_before, &found.step_after];
            assert!(steps.iter().any(|step| step.as_ref().is_some_and(|step| step.line.is_some())), "{}", case.name);
        }
        told += 1;
    }
    assert!(told > 8, "{told} cases");
}
