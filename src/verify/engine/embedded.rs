//! The embedded runtime: builds without another program.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{BuiltImage, Engine, EngineError, Kept, Order, StepRecord, trial};
use crate::config::Registries;
use crate::runtime::build::{self, BuildError, Built, NamedContexts, Pull, Request, StepReport};
use crate::runtime::image::{Descriptor, Platform};
use crate::runtime::layer::Owners;
use crate::runtime::namespace::{self, Ids, Wish};
use crate::runtime::progress::{Silent, Status};
use crate::runtime::sandbox::{self, Limits, Network};
use crate::runtime::store::Store;
use crate::syntax::{Dockerfile, Keyword};
use crate::verify::archive::{ImageFiles, KnownLayers};
use crate::verify::bounds::Allowance;
use crate::verify::image_config::ImageConfig;
use crate::verify::packed;
use crate::verify::smoke::Ran;
use crate::verify::trace::{Seen, Touch, Touched};
use crate::verify::tree::Tree;

/// The runtime with its store.
pub struct Embedded {
    ids: Ids,
    store: Store,
    layers: KnownLayers,
    registries: Registries,
    /// The images that were to be kept, by their digest. The store has them anyway.
    kept: Mutex<BTreeMap<String, Descriptor>>,
}

impl Embedded {
    /// Enters the namespaces of a build and opens the store of the user. Call it before any thread is started.
    ///
    /// # Errors
    /// [`EngineError::Unusable`] where the machine does not grant what a build needs.
    pub fn start(registries: Registries) -> Result<Self, EngineError> {
        let ids = namespace::enter(Wish::Best).map_err(|error| EngineError::Unusable(error.to_string()))?;
        let store = Store::default_root().and_then(|root| Store::open(&root));
        let store = store.map_err(|error| EngineError::Unusable(error.to_string()))?.with_owners(Owners::from(&ids));
        Ok(Self { ids, store, layers: KnownLayers::default(), registries, kept: Mutex::default() })
    }

    /// Reads an image from the store.
    fn read(&self, built: &Built) -> Result<ImageFiles, EngineError> {
        let unusable = |error: &dyn std::fmt::Display| EngineError::Unusable(error.to_string());
        let (manifest, config) = self.store.manifest(&built.manifest).map_err(|error| unusable(&error))?;
        let document = self.store.open_blob(&manifest.config.digest).map_err(|error| unusable(&error))?;
        let document = serde_json::from_reader(BufReader::new(document)).map_err(|error| unusable(&error))?;
        let mut files = ImageFiles {
            tree: Tree::default(),
            config: ImageConfig::read(&document),
            bytes: 0,
            layer_bytes: Vec::new(),
        };
        let allowance = Allowance::default();
        for (layer, digest) in manifest.layers.iter().zip(&config.rootfs.diff_ids) {
            let open = || -> std::io::Result<File> {
                self.store.open_blob(&layer.digest).map_err(|error| std::io::Error::other(error.to_string()))
            };
            let read = || packed::unpacked(open()?, open()?, &allowance);
            let (entries, bytes) =
                self.layers.entries(Some(&digest.to_string()), read).map_err(|error| unusable(&error))?;
            files.tree.add_layer(&entries);
            files.bytes += bytes;
            files.layer_bytes.push(bytes);
        }
        Ok(files)
    }
}

impl Engine for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn build(&self, order: &Order<'_>) -> Result<BuiltImage, EngineError> {
        let file = Dockerfile::parse(order.dockerfile);
        let request = Request {
            file: &file,
            path: "Dockerfile",
            ignore_beside: order.ignore,
            context: order.context,
            target: order.target,
            arguments: order.arguments,
            platform: Platform::host(),
            contexts: &NamedContexts::new(),
            no_cache: order.fresh,
            no_cache_stages: &[],
            registries: self.registries.clone(),
            pull: Pull::Missing,
            labels: &BTreeMap::new(),
            secrets: &BTreeMap::new(),
            ssh: &BTreeMap::new(),
            network: Network::default(),
            allow_host_network: false,
            allow_insecure: false,
            extra_hosts: Vec::new(),
            timeout: None,
            limits: Limits::default(),
            epoch: None,
            traced: order.traced,
        };
        let built = build::build(&request, &self.store, &self.ids, &Silent).map_err(|error| failure(&error))?;
        let files = self.read(&built)?;
        let steps = built.steps.iter().filter_map(|step| record(&file, step)).collect();
        let kept = order.keep.then(|| {
            let name = built.manifest.digest.to_string();
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(name.clone(), built.manifest.clone());
            Kept::new(name, |_| {})
        });
        let seen = built.steps.iter().filter_map(|step| seen(&file, step)).collect();
        Ok(BuiltImage { files, steps, seconds: built.seconds, kept, seen })
    }

    fn traces(&self) -> bool {
        // With one id, somebody else listens to the filter of a step.
        matches!(self.ids, Ids::Root | Ids::Mapped(_))
    }

    fn runs_images(&self) -> bool {
        true
    }

    fn run_image(&self, image: &BuiltImage, limit: Duration) -> Result<Ran, EngineError> {
        let all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let manifest = image.kept.as_ref().and_then(|kept| all.get(kept.name()).cloned());
        drop(all);
        let manifest = manifest.ok_or_else(|| EngineError::Unusable("the image was not kept to be run".to_owned()))?;
        trial::run(&self.store, &self.ids, &manifest, limit)
    }
}

fn instruction_of(file: &Dockerfile, step: &StepReport) -> Option<usize> {
    file.instructions().iter().position(|instruction| instruction.lines.0 == step.name.line)
}

/// What was seen of a step.
fn seen(file: &Dockerfile, step: &StepReport) -> Option<Seen> {
    let trace = step.trace.as_ref()?;
    let program = |index: &usize| trace.programs.get(*index).cloned().unwrap_or_default();
    let touched = |touched: &sandbox::Touched| Touched {
        how: touched.how.iter().map(|how| touch(*how)).collect(),
        was_there: touched.was_there,
        by: touched.by.iter().map(program).collect(),
    };
    Some(Seen {
        instruction: instruction_of(file, step)?,
        paths: trace.paths.iter().map(|(path, found)| (path.clone(), touched(found))).collect(),
        calls: trace.calls,
        is_complete: trace.lost == 0,
    })
}

fn touch(how: sandbox::Touch) -> Touch {
    match how {
        sandbox::Touch::Read => Touch::Read,
        sandbox::Touch::List => Touch::List,
        sandbox::Touch::Test => Touch::Test,
        sandbox::Touch::Write => Touch::Write,
        sandbox::Touch::Change => Touch::Change,
        sandbox::Touch::Rename => Touch::Rename,
        sandbox::Touch::Delete => Touch::Delete,
    }
}

fn record(file: &Dockerfile, step: &StepReport) -> Option<StepRecord> {
    let instruction = instruction_of(file, step)?;
    let executed = matches!(
        file.instructions()[instruction].keyword,
        Keyword::Run | Keyword::Copy | Keyword::Add | Keyword::Workdir
    );
    executed.then_some(StepRecord { instruction, hit: step.status == Status::Hit, seconds: step.seconds })
}

/// What the file is to blame for, and what the machine.
fn failure(error: &BuildError) -> EngineError {
    match error {
        BuildError::Store(_) | BuildError::Tree(_) | BuildError::Stopped | BuildError::Context { .. } => {
            EngineError::Unusable(error.to_string())
        }
        BuildError::Run { lines, instruction, reason, tail } => {
            EngineError::Failed(format!("line {}, `{instruction}`: {reason}\n{}", lines.0, tail.join("\n")))
        }
        BuildError::Step { lines, instruction, reason, .. } => {
            EngineError::Failed(format!("line {}, `{instruction}`: {reason}", lines.0))
        }
        _ => EngineError::Failed(error.to_string()),
    }
}
