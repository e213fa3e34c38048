//! The command line: typed arguments, one file per command, outputs.
//!
//! A command is a file with a struct of arguments and a `run` that returns a `Status`. Results go to standard output,
//! everything else to standard error. What keeps the program from doing its work is a `Failure`: one clear message that
//! names the file and the remedy, and exit code 2. Files are written by `write`, whole or not at all.

#[cfg(all(feature = "runtime", target_os = "linux"))]
mod build;
mod cache;
mod check;
mod completions;
mod config;
mod environment;
mod explain;
mod failure;
#[cfg(all(feature = "runtime", target_os = "linux"))]
mod image;
mod init;
mod lsp;
mod optimize;
mod output;
mod project;
mod read;
mod registries;
mod rules;
mod settings;
#[cfg(all(feature = "runtime", target_os = "linux"))]
mod store;
mod terminal;
mod verify;
mod write;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use terminal::Color;

/// Puts Dockerfiles into the order that Docker's layer cache rewards, and proves it.
#[derive(Debug, Parser)]
#[command(name = "layerwise", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colors.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", env = "LAYERWISE_COLOR")]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check Dockerfiles for what costs time or breaks the build.
    Check(check::CheckArgs),
    /// Show which steps a change builds again, why, and what it costs.
    Cache(cache::CacheArgs),
    /// Put a Dockerfile into the order that the layer cache rewards.
    Optimize(optimize::OptimizeArgs),
    /// Build two Dockerfiles, and prove that the second may take the place of the first.
    Verify(verify::VerifyArgs),
    /// Execute a Dockerfile: build an image without Docker, a daemon or root.
    #[cfg(all(feature = "runtime", target_os = "linux"))]
    Build(Box<build::BuildArgs>),
    /// Write a `layerwise.toml` to begin with.
    Init(init::InitArgs),
    /// Show what is in force for a file, and where each value comes from.
    Config(config::ConfigArgs),
    /// Print the manual page of a rule.
    Explain(explain::ExplainArgs),
    /// List all rules.
    Rules(rules::RulesArgs),
    /// Serve an editor over standard input and output (Language Server Protocol).
    Lsp(lsp::LspArgs),
    /// List, take, show and remove the images that builds start from and make.
    #[cfg(all(feature = "runtime", target_os = "linux"))]
    Image(image::ImageArgs),
    /// Verify what builds keep, and make it smaller.
    #[cfg(all(feature = "runtime", target_os = "linux"))]
    Store(store::StoreArgs),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
    /// Print a manual page, for `man`.
    Man(completions::ManArgs),
}

/// How a command ended; the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// Nothing to report.
    Clean = 0,
    /// Findings at or above the threshold, or changes that `--diff` would make.
    Findings = 1,
    /// Wrong usage, a broken configuration, a file that cannot be read or written.
    Failed = 2,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let parsed = environment::without_empty_variables(Cli::command()).try_get_matches();
    let read = |matches| Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut Cli::command()));
    let cli = match parsed.and_then(read) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be done about a closed standard error.
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    cli.color.choose();
    let status = match &cli.command {
        Command::Check(args) => check::run(args),
        Command::Cache(args) => cache::run(args),
        Command::Optimize(args) => optimize::run(args),
        Command::Verify(args) => verify::run(args),
        #[cfg(all(feature = "runtime", target_os = "linux"))]
        Command::Build(args) => build::run(args),
        Command::Init(args) => init::run(args),
        Command::Config(args) => config::run(args, &Cli::command()),
        Command::Explain(args) => explain::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Lsp(args) => lsp::run(args),
        #[cfg(all(feature = "runtime", target_os = "linux"))]
        Command::Image(args) => image::run(args),
        #[cfg(all(feature = "runtime", target_os = "linux"))]
        Command::Store(args) => store::run(args),
        Command::Completions(args) => completions::completions(args, Cli::command()),
        Command::Man(args) => completions::man(args, Cli::command()),
    };
    if terminal::is_output_lost() { Status::Failed.into() } else { status.into() }
}

/// The path as people should read it: as they gave it, with `/`, without a leading `./`.
fn shown(path: &std::path::Path) -> String {
    let text = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    match text.strip_prefix("./") {
        Some("") | None => text,
        Some(rest) => rest.to_owned(),
    }
}

/// What rates of change rest on.
fn basis(commits: usize, shallow: bool) -> String {
    let counted = format!("over {commits} commit{}", if commits == 1 { "" } else { "s" });
    let shallow = if shallow { " of a shallow clone" } else { "" };
    match commits {
        0 => "going by usual rates of change, as there is no history".to_owned(),
        few if few < crate::cache::ENOUGH_COMMITS => {
            format!("{counted}{shallow} and, as those are few, usual rates of change")
        }
        _ => format!("{counted}{shallow}"),
    }
}

/// A number of an output: three decimals are more than any model is worth.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Indented JSON with a line break at the end.
fn to_json(value: &impl serde::Serialize) -> String {
    // Plain structs of strings and numbers always serialize.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}
