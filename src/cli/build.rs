//! `layerwise build`: a Dockerfile executed for real, without Docker, a daemon or root.

mod arguments;
mod events;
mod failed;
mod input;
mod live;
mod pieces;
mod plain;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::failure::{self, Failure};
use super::registries::ConfigurationArgs;
use super::{Status, terminal};
use crate::runtime::build::{self, Built, NamedContext, Pull, Request, Secret};
use crate::runtime::export::{self, Destination};
use crate::runtime::image::{Platform, Reference};
use crate::runtime::layer::Owners;
use crate::runtime::namespace::{self, Wish};
use crate::runtime::progress::Sink;
use crate::runtime::sandbox::{Limits, Network};
use crate::runtime::store::Store;
use crate::syntax::Dockerfile;

/// What `build` is asked.
#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// The build context: a folder.
    #[arg(default_value = ".", value_name = "CONTEXT")]
    context: PathBuf,

    /// The Dockerfile; `Dockerfile` or `Containerfile` in the context unless given. `-` reads standard input.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,

    /// A name for the image in the store; `name:tag`.
    #[arg(long, short, value_name = "NAME", value_parser = arguments::reference)]
    tag: Vec<Reference>,

    /// The stage to build; the last unless given.
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,

    /// Another context: `NAME=FOLDER`, `NAME=docker-image://IMAGE` or `NAME=oci-layout://FOLDER[:TAG]`. The name takes the
    /// place of a stage, or of an image, in `FROM`, `--from` and mounts.
    #[arg(long, value_name = "NAME=WHERE", value_parser = arguments::context)]
    build_context: Vec<(String, NamedContext)>,

    /// A value for a build argument; a name alone takes the value from the environment.
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    build_arg: Vec<String>,

    /// Where else the image goes: `oci:DIR[:TAG]`, `docker-archive:FILE`, `dir:DIR` or `tar:FILE`.
    #[arg(long, short, value_name = "WHERE", value_parser = arguments::output)]
    output: Vec<Destination>,

    /// For which platform, such as `linux/arm64`; this machine's unless given.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,

    /// Execute every step, whatever the store has.
    #[arg(long)]
    no_cache: bool,

    /// Execute every step of this stage: its name, or its number where it has none.
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    no_cache_filter: Vec<String>,

    /// When to ask the registry for an image.
    #[arg(long, value_enum, value_name = "WHEN", default_value = "missing", default_missing_value = "always", num_args = 0..=1, require_equals = true)]
    pull: arguments::When,

    /// A secret for `RUN --mount=type=secret`: `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`.
    #[arg(long, value_name = "SECRET", value_parser = arguments::secret)]
    secret: Vec<(String, Secret)>,

    /// An SSH agent for `RUN --mount=type=ssh`: `default`, or `NAME=SOCKET`.
    #[arg(long, value_name = "AGENT", value_parser = arguments::ssh)]
    ssh: Vec<(String, PathBuf)>,

    /// What steps see of the network: this machine's, or nothing.
    #[arg(long, value_enum, value_name = "NETWORK", default_value = "default")]
    network: arguments::Net,

    /// A label of the image.
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,

    /// A name that steps resolve: `NAME:ADDRESS`.
    #[arg(long, value_name = "HOST", value_parser = arguments::host)]
    add_host: Vec<(String, std::net::IpAddr)>,

    /// Right that steps may ask for.
    #[arg(long, value_name = "RIGHT", value_parser = ["security.insecure", "network.host"])]
    allow: Vec<String>,

    /// How long a step may take, in seconds.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,

    /// Most memory of a step, such as `512m`; where the kernel grants it.
    #[arg(long, value_name = "BYTES", value_parser = arguments::bytes)]
    memory: Option<u64>,

    /// Most processes of a step at once; where the kernel grants it.
    #[arg(long, value_name = "COUNT")]
    processes: Option<u64>,

    #[command(flatten)]
    configuration: ConfigurationArgs,

    /// How to show what happens; `json` prints one object per line, as documented in `docs/build.md`.
    #[arg(long, value_enum, value_name = "KIND", default_value = "auto")]
    progress: arguments::Progress,

    /// Print only the digest of the image.
    #[arg(long, short, conflicts_with = "progress")]
    quiet: bool,
}

pub(super) fn run(args: &BuildArgs) -> Status {
    failure::conclude(execute(args))
}

fn execute(args: &BuildArgs) -> Result<Status, Failure> {
    let source = input::source(args)?;
    let settings = args.configuration.for_file(&source.file)?;
    let file = Dockerfile::parse(&source.text);
    // Before any thread is started.
    let ids = namespace::enter(Wish::Best).map_err(|error| Failure::Runtime(error.to_string()))?;
    let store = Store::default_root().and_then(|root| Store::open(&root));
    let store = store.map_err(|error| Failure::Runtime(error.to_string()))?.with_owners(Owners::from(&ids));
    let sink = sink(args);
    let labels = arguments::pairs(&args.label, false);
    let arguments = arguments::with_defaults(arguments::pairs(&args.build_arg, true), settings.args, &file);
    let secrets: BTreeMap<_, _> = args.secret.iter().cloned().collect();
    let ssh: BTreeMap<_, _> = args.ssh.iter().cloned().collect();
    let contexts: BTreeMap<_, _> = args.build_context.iter().cloned().collect();
    let request = Request {
        file: &file,
        path: &source.path,
        ignore_beside: source.ignore.as_deref(),
        context: &args.context,
        target: args.target.as_deref(),
        epoch: epoch(&arguments)?,
        arguments: &arguments,
        platform: args.platform.clone().unwrap_or_else(Platform::host),
        contexts: &contexts,
        no_cache: args.no_cache,
        no_cache_stages: &args.no_cache_filter,
        registries: settings.settings.registries.clone(),
        pull: Pull::from(args.pull),
        labels: &labels,
        secrets: &secrets,
        ssh: &ssh,
        network: Network::from(args.network),
        allow_host_network: args.allow.iter().any(|right| right == "network.host"),
        allow_insecure: args.allow.iter().any(|right| right == "security.insecure"),
        extra_hosts: args.add_host.clone(),
        timeout: args.timeout.map(Duration::from_secs),
        limits: Limits { memory: args.memory, processes: args.processes, ..Limits::default() },
        traced: false,
    };
    let result = build::build(&request, &store, &ids, sink.as_ref());
    drop(sink);
    match result {
        Ok(built) => {
            keep(args, &store, &built)?;
            Ok(Status::Clean)
        }
        Err(error) => {
            failed::report(&error, &source.name, &file, args.progress == arguments::Progress::Json);
            Ok(Status::Findings)
        }
    }
}

/// Names and exports the image.
fn keep(args: &BuildArgs, store: &Store, built: &Built) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Runtime(error.to_string());
    for reference in &args.tag {
        store.tag(reference, &built.manifest).map_err(|error| failed(&error))?;
    }
    for output in &args.output {
        export::write(store, &built.manifest, args.tag.first(), output).map_err(|error| failed(&error))?;
    }
    if args.quiet || args.progress == arguments::Progress::Quiet {
        terminal::print(&format!("{}\n", built.manifest.digest));
    } else if args.progress != arguments::Progress::Json {
        terminal::note(&plain::summary(built, &args.tag));
    }
    Ok(())
}

fn sink(args: &BuildArgs) -> Box<dyn Sink> {
    use arguments::Progress;
    use std::io::IsTerminal;
    match args.progress {
        _ if args.quiet => Box::new(crate::runtime::progress::Silent),
        Progress::Quiet => Box::new(crate::runtime::progress::Silent),
        Progress::Json => Box::new(events::Events::default()),
        Progress::Auto | Progress::Tty if std::io::stderr().is_terminal() => Box::new(live::Live::new()),
        _ => Box::new(plain::Plain::default()),
    }
}

/// `SOURCE_DATE_EPOCH`, as a build argument or from the environment.
fn epoch(arguments: &BTreeMap<String, String>) -> Result<Option<i64>, Failure> {
    let given = arguments.get("SOURCE_DATE_EPOCH").cloned().or_else(|| std::env::var("SOURCE_DATE_EPOCH").ok());
    let Some(text) = given.filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|_| Failure::Runtime(format!("SOURCE_DATE_EPOCH is `{text}`, not a number of seconds")))
}
