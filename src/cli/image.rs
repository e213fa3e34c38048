//! `layerwise image`: the images that builds start from and make.

use std::fmt::Write;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::failure::{self, Failure};
use super::project::Format;
use super::registries::ConfigurationArgs;
use super::{Status, terminal, to_json};
use crate::runtime::fetch::{FetchError, Source};
use crate::runtime::image::{Platform, Reference};
use crate::runtime::layer::Owners;
use crate::runtime::namespace;
use crate::runtime::registry::Client;
use crate::runtime::store::{Freed, PrunePolicy, Store, Stored};
use crate::text::size_in_words;

/// What `image` is asked.
#[derive(Debug, Args)]
pub(super) struct ImageArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the images of the store.
    Ls(LsArgs),
    /// Take an image into the store.
    Import(ImportArgs),
    /// Show the configuration and the layers of an image.
    Inspect(InspectArgs),
    /// Take names away from images.
    Rm(RmArgs),
    /// Remove the files of images that have no name.
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
struct LsArgs {
    /// How to print the list.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output_format: Format,
}

#[derive(Debug, Args)]
struct ImportArgs {
    /// An OCI layout (`oci:FOLDER[:TAG]`), an archive of `docker save` (`docker-archive:FILE`), the tar or folder of a root
    /// file system, or an image of a registry (`docker://IMAGE`).
    source: String,

    /// What the image is called: `NAME[:TAG]`. An image of a registry keeps its name without it.
    name: Option<String>,

    /// For which platform, where the source has several.
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    platform: Option<String>,

    #[command(flatten)]
    configuration: ConfigurationArgs,

    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output_format: Format,
}

#[derive(Debug, Args)]
struct InspectArgs {
    /// The image.
    name: String,

    /// For which platform, where the store has several.
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    platform: Option<String>,
}

#[derive(Debug, Args)]
struct RmArgs {
    /// The images.
    #[arg(required = true)]
    names: Vec<String>,
}

#[derive(Debug, Args)]
struct PruneArgs {
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output_format: Format,
}

pub(super) fn run(args: &ImageArgs) -> Status {
    let done = match &args.command {
        Command::Ls(args) => list(args),
        Command::Import(args) => import(args),
        Command::Inspect(args) => inspect(args),
        Command::Rm(args) => remove(args),
        Command::Prune(args) => prune(args),
    };
    finish(done)
}

/// Prints what a command found, or why it found nothing.
pub(super) fn finish(done: Result<String, Failure>) -> Status {
    failure::conclude(done.map(|text| {
        terminal::print(&text);
        Status::Clean
    }))
}

/// The store of the machine's user, without a namespace: for names and blobs.
pub(super) fn open() -> Result<Store, Failure> {
    let store = Store::open(&Store::default_root().map_err(Failure::runtime)?).map_err(Failure::runtime)?;
    let is_root = rustix::process::geteuid().is_root();
    Ok(store.with_owners(if is_root { Owners::Kept } else { Owners::Recorded }))
}

/// The store inside the namespace of builds: for files that belong to their ids.
pub(super) fn open_inside() -> Result<Store, Failure> {
    let ids = namespace::enter(namespace::Wish::Best).map_err(Failure::runtime)?;
    let store = Store::open(&Store::default_root().map_err(Failure::runtime)?).map_err(Failure::runtime)?;
    Ok(store.with_owners(Owners::from(&ids)))
}

fn reference(name: &str) -> Result<Reference, Failure> {
    name.parse().map_err(Failure::runtime)
}

fn platform(text: Option<&str>) -> Result<Platform, Failure> {
    text.map_or(Ok(Platform::host()), |text| text.parse().map_err(Failure::runtime))
}

#[derive(Serialize)]
struct JsonImage {
    name: String,
    platform: Option<String>,
    digest: String,
    id: Option<String>,
    size: Option<u64>,
    created: Option<String>,
}

fn facts(store: &Store, image: &Stored) -> JsonImage {
    let documents = store.manifest(&image.manifest).ok();
    JsonImage {
        name: image.reference.short(),
        platform: image.manifest.platform.as_ref().map(ToString::to_string),
        digest: image.manifest.digest.to_string(),
        id: documents.as_ref().map(|(manifest, _)| manifest.config.digest.to_string()),
        size: documents.as_ref().map(|(manifest, _)| manifest.layers.iter().map(|layer| layer.size).sum()),
        created: documents.and_then(|(_, config)| config.created),
    }
}

fn list(args: &LsArgs) -> Result<String, Failure> {
    let store = open()?;
    let images: Vec<JsonImage> =
        store.images().map_err(Failure::runtime)?.iter().map(|image| facts(&store, image)).collect();
    if args.output_format == Format::Json {
        return Ok(to_json(&serde_json::json!({ "version": 1, "images": images })));
    }
    if images.is_empty() {
        return Ok("no images; `layerwise image import` takes one\n".to_owned());
    }
    let width = images.iter().map(|image| image.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for image in images {
        let size = image.size.map_or_else(|| "broken".to_owned(), size_in_words);
        let digest = image.digest.get(7..19).unwrap_or_default();
        let platform = image.platform.unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:width$}  {digest}  {size:>9}  {platform}", image.name);
    }
    Ok(text)
}

fn import(args: &ImportArgs) -> Result<String, Failure> {
    let source = Source::parse_path(&args.source).map_err(Failure::runtime)?;
    let name = match (&args.name, &source) {
        (Some(name), _) => reference(name)?,
        (None, Source::Registry(reference)) => reference.clone(),
        (None, _) => return Err(Failure::NoImageName(args.source.clone())),
    };
    let platform = platform(args.platform.as_deref())?;
    let registries = args.configuration.registries(".".as_ref())?;
    // A root file system is unpacked at once, with its owners.
    let store = if matches!(source, Source::RootTar(_)) { open_inside()? } else { open()? };
    let client = Client::new(registries);
    let image = store.import(&source, &name, &platform, &client).map_err(Failure::runtime)?;
    let facts = facts(&store, &image);
    if args.output_format == Format::Json {
        return Ok(to_json(&serde_json::json!({ "version": 1, "image": facts })));
    }
    let size = facts.size.map_or_else(String::new, |size| format!(", {}", size_in_words(size)));
    let platform = facts.platform.unwrap_or_default();
    Ok(format!("{} is {} ({platform}{size})\n", facts.name, facts.digest))
}

fn inspect(args: &InspectArgs) -> Result<String, Failure> {
    let store = open()?;
    let reference = reference(&args.name)?;
    let platform = platform(args.platform.as_deref())?;
    let found = store.image(&reference, &platform).map_err(Failure::runtime)?;
    let image = found.ok_or_else(|| Failure::runtime(FetchError::NotStored(reference.short())))?;
    let (manifest, config) = store.manifest(&image.manifest).map_err(Failure::runtime)?;
    Ok(to_json(&serde_json::json!({
        "version": 1,
        "name": image.reference.short(),
        "digest": image.manifest.digest,
        "manifest": manifest,
        "config": config,
    })))
}

fn remove(args: &RmArgs) -> Result<String, Failure> {
    let store = open()?;
    let mut text = String::new();
    for name in &args.names {
        let reference = reference(name)?;
        if !store.untag(&reference).map_err(Failure::runtime)? {
            return Err(Failure::runtime(FetchError::NotStored(reference.short())));
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} has no image any more; `layerwise image prune` frees its room", reference.short());
    }
    Ok(text)
}

fn prune(args: &PruneArgs) -> Result<String, Failure> {
    let store = open_inside()?;
    let freed = store.prune(&PrunePolicy::default()).map_err(Failure::runtime)?;
    Ok(freed_text(&freed, args.output_format))
}

/// What went, for people or as JSON.
pub(super) fn freed_text(freed: &Freed, format: Format) -> String {
    let Freed { records, snapshots, blobs, mounts, bytes: size } = *freed;
    if format == Format::Json {
        return to_json(&serde_json::json!({
            "version": 1,
            "records": records,
            "snapshots": snapshots,
            "blobs": blobs,
            "mounts": mounts,
            "bytes": size,
        }));
    }
    format!(
        "freed {}: {snapshots} unpacked layers, {blobs} blobs, {records} cache records, {mounts} cache mounts\n",
        size_in_words(size)
    )
}
