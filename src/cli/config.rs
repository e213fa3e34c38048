//! `layerwise config`: what is in force, and who says it.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Command};
use serde_json::{Value, json};

use super::failure::{self, Failure};
use super::settings::SettingsArgs;
use super::{Status, shown, terminal};
use crate::config::{self, Entry, InForce, Origin, RuleInForce};

/// What `config` is asked.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The Dockerfile, or the folder, for which it holds; neither need exist.
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,

    #[command(flatten)]
    settings: SettingsArgs,

    /// How to print it.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output_format: Format,
}

/// Forms of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A `layerwise.toml` whose comments say where each value comes from.
    #[default]
    Text,
    /// As documented in `docs/json.md`.
    Json,
    /// The JSON Schema of `layerwise.toml`, for editors.
    Schema,
}

pub(super) fn run(args: &ConfigArgs, program: &Command) -> Status {
    failure::conclude(answer(args, program).map(|text| {
        terminal::print(&text);
        Status::Clean
    }))
}

fn answer(args: &ConfigArgs, program: &Command) -> Result<String, Failure> {
    if args.output_format == Format::Schema {
        return Ok(super::to_json(&config::json_schema()));
    }
    let discovery = args.settings.discovery()?;
    let here = std::env::current_dir().map_err(|error| Failure::NoWorkingDirectory(error.to_string()))?;
    let found = if args.path.is_dir() {
        discovery.for_directory(&args.path).map_err(Failure::Config)?.in_force()
    } else {
        discovery.for_file(&args.path).map_err(Failure::Config)?.in_force(&here)
    };
    let variables = variables(program);
    let name = shown(&args.path);
    Ok(match args.output_format {
        Format::Json => json(&name, &found, &variables),
        _ => text(&name, &found, &variables),
    })
}

/// A variable of the environment that is meant for this program.
struct Variable {
    name: String,
    value: String,
    /// Whether an option goes by it.
    known: bool,
}

/// The variables whose names begin as those of the options do, by name.
fn variables(program: &Command) -> Vec<Variable> {
    let commands = program.get_subcommands().chain([program]);
    let known: Vec<_> = commands.flat_map(Command::get_arguments).filter_map(clap::Arg::get_env).collect();
    let set = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LAYERWISE_"));
    let mut found: Vec<Variable> = set
        .map(|(name, value)| Variable {
            known: known.contains(&name.as_os_str()),
            name: name.to_string_lossy().into_owned(),
            value: value.to_string_lossy().into_owned(),
        })
        .collect();
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found
}

/// TOML that says the same as what is in force, with the origins as comments.
fn text(name: &str, found: &InForce, variables: &[Variable]) -> String {
    let configuration = found.configuration.as_deref().unwrap_or("no configuration file");
    let (context, entries): (Vec<&Entry>, Vec<&Entry>) =
        found.entries.iter().partition(|entry| entry.key == ["context"]);
    let (top, tables): (Vec<&Entry>, Vec<&Entry>) = entries.into_iter().partition(|entry| entry.key.len() == 1);
    let mut text = format!("# What holds for {name} ({configuration}).\n\n");
    text.extend(top.chunk_by(|left, right| left.key == right.key).map(assignment));
    // Their severities stand with the rules.
    let tables: Vec<&Entry> = tables.into_iter().filter(|entry| entry.key[0] != "severity").collect();
    text.extend(tables.chunk_by(|left, right| left.key[0] == right.key[0]).map(table));
    text.push_str("\n[severity]\n");
    text.extend(found.rules.iter().map(rule_line));
    if let Some(context) = context.first() {
        let path = toml::Value::from(name);
        // Writing to a string cannot fail.
        let _ = write!(text, "\n[[dockerfile]]\npath = {path}\n{}", line("context", context));
    }
    text + &environment(variables)
}

fn environment(variables: &[Variable]) -> String {
    let mut text = String::from(if variables.is_empty() { "" } else { "\n# Set in the environment:\n" });
    for variable in variables {
        let note = if variable.known { "" } else { "  (no option goes by this name)" };
        let _ = writeln!(text, "# {}={}{note}", variable.name, variable.value.replace(char::is_control, "?"));
    }
    text
}

fn table(entries: &[&Entry]) -> String {
    let Some(first) = entries.first() else { return String::new() };
    let path = |entry: &Entry| entry.key[1..].iter().map(|name| key(name)).collect::<Vec<_>>().join(".");
    let lines = entries.iter().map(|entry| line(&path(entry), entry));
    format!("\n[{}]\n{}", first.key[0], lines.collect::<String>())
}

/// A key with its value: entries of one key are a list.
fn assignment(group: &[&Entry]) -> String {
    let [only] = group else { return list(group) };
    if only.listed { list(group) } else { line(&only.key[0], only) }
}

fn list(group: &[&Entry]) -> String {
    let Some(first) = group.first() else { return String::new() };
    let lines = group.iter().map(|entry| format!("  {},  # {}\n", entry.value, origin(&entry.origin)));
    format!("{} = [\n{}]\n", first.key[0], lines.collect::<String>())
}

fn line(key: &str, entry: &Entry) -> String {
    format!("{key} = {}  # {}\n", entry.value, origin(&entry.origin))
}

fn rule_line(rule: &RuleInForce) -> String {
    match rule.severity {
        Some(severity) => format!("{} = \"{}\"  # {}\n", rule.name, severity.name(), origin(&rule.origin)),
        None => format!("# {} is off  # {}\n", rule.name, origin(&rule.origin)),
    }
}

/// A key as TOML has it.
fn key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { toml::Value::from(name).to_string() }
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::File { name, line } => format!("{name}:{line}"),
        Origin::Caller(name) | Origin::Build(name) => name.clone(),
    }
}

fn json(name: &str, found: &InForce, variables: &[Variable]) -> String {
    let settings = found.entries.iter().map(|entry| {
        json!({
            "key": entry.key,
            "value": serde_json::to_value(&entry.value).unwrap_or_default(),
            "listed": entry.listed,
            "origin": json_origin(&entry.origin),
        })
    });
    let rules = found.rules.iter().map(|rule| {
        json!({
            "name": rule.name,
            "severity": rule.severity.map(crate::diagnostic::Severity::name),
            "origin": json_origin(&rule.origin),
        })
    });
    let environment = variables
        .iter()
        .map(|variable| json!({ "name": variable.name, "value": variable.value, "known": variable.known }));
    super::to_json(&json!({
        "version": 1,
        "path": name,
        "configuration": found.configuration,
        "settings": settings.collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
        "environment": environment.collect::<Vec<_>>(),
    }))
}

fn json_origin(origin: &Origin) -> Value {
    match origin {
        Origin::Default => json!({ "kind": "default" }),
        Origin::File { name, line } => json!({ "kind": "file", "name": name, "line": line }),
        Origin::Caller(name) if name.starts_with('-') => json!({ "kind": "option", "name": name }),
        Origin::Caller(name) => json!({ "kind": "variable", "name": name }),
        Origin::Build(name) => json!({ "kind": "build", "name": name }),
    }
}
