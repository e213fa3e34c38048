//! The options and variables that win over the configuration, and which configuration holds.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::failure::Failure;
use crate::config::{Builder, Discovery, FailOn, Overrides, Source};

/// The options as they are written.
#[derive(Debug, Args)]
#[group(skip)]
struct Given {
    /// Only these rules: names, aliases or `all`. Replaces `select` and `ignore` of the configuration.
    #[arg(long, value_delimiter = ',', value_name = "RULE", env = "LAYERWISE_SELECT")]
    select: Vec<String>,

    /// Not these rules.
    #[arg(long, value_delimiter = ',', value_name = "RULE", env = "LAYERWISE_IGNORE")]
    ignore: Vec<String>,

    /// The lowest severity that leads to exit code 1.
    #[arg(long, value_enum, value_name = "SEVERITY", env = "LAYERWISE_FAIL_ON")]
    fail_on: Option<FailOn>,

    /// Whose cache is modelled.
    #[arg(long, value_enum, env = "LAYERWISE_BUILDER")]
    builder: Option<Builder>,

    /// The configuration file for all paths.
    #[arg(long, value_name = "FILE", env = "LAYERWISE_CONFIG", conflicts_with = "isolated")]
    config: Option<OsString>,

    /// Go without configuration files.
    #[arg(long)]
    isolated: bool,
}

/// What the caller says of the configuration, each key with the option or variable that says it.
#[derive(Debug)]
pub(super) struct SettingsArgs {
    source: Source,
    overrides: Overrides,
}

/// The keys that options stand for, with their options and variables.
const KEYS: [(&str, &str, &str, &str); 4] = [
    ("select", "select", "--select", "LAYERWISE_SELECT"),
    ("ignore", "ignore", "--ignore", "LAYERWISE_IGNORE"),
    ("fail-on", "fail_on", "--fail-on", "LAYERWISE_FAIL_ON"),
    ("builder", "builder", "--builder", "LAYERWISE_BUILDER"),
];

impl SettingsArgs {
    /// Whether every rule is wanted that the configuration does not turn off.
    pub(super) fn names_no_rule(&self) -> bool {
        self.overrides.select.is_empty() && self.overrides.ignore.is_empty()
    }

    /// What finds the configuration of each file.
    pub(super) fn discovery(&self) -> Result<Discovery, Failure> {
        let directory = std::env::current_dir().map_err(|error| Failure::NoWorkingDirectory(error.to_string()))?;
        Ok(Discovery::new(&directory, self.source.clone(), self.overrides.clone())?)
    }
}

impl Args for SettingsArgs {
    fn augment_args(command: Command) -> Command {
        Given::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Given::augment_args_for_update(command)
    }
}

impl FromArgMatches for SettingsArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = Given::from_arg_matches(matches)?;
        let overrides = Overrides {
            select: names(&given.select),
            ignore: names(&given.ignore),
            fail_on: given.fail_on,
            builder: given.builder,
            said_by: said_by(matches),
        };
        Ok(Self { source: configuration(given.config, given.isolated), overrides })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Which configuration holds; a name that is empty is none.
pub(super) fn configuration(config: Option<OsString>, isolated: bool) -> Source {
    match config {
        _ if isolated => Source::Isolated,
        Some(file) if !file.is_empty() => Source::File(file.into()),
        _ => Source::Nearest,
    }
}

fn said_by(matches: &ArgMatches) -> BTreeMap<&'static str, String> {
    let said = KEYS.iter().filter_map(|(key, id, option, variable)| match matches.value_source(id)? {
        ValueSource::CommandLine => Some((*key, (*option).to_owned())),
        ValueSource::EnvVariable => Some((*key, (*variable).to_owned())),
        _ => None,
    });
    said.collect()
}

/// The names of a list; an environment variable that is set to nothing gives one empty name.
fn names(list: &[String]) -> Vec<String> {
    list.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}
