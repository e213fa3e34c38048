//! `layerwise explain RULE`: the manual page of a rule.

use std::fmt::Write;

use clap::Args;

use super::failure::{self, Failure};
use super::{Status, terminal};
use crate::lint::{self, Meta, UnknownRule};

/// What `explain` is asked.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A rule's name, or the name that hadolint or `BuildKit` has for it.
    rule: String,
}

pub(super) fn run(args: &ExplainArgs) -> Status {
    let Some(meta) = lint::find(&args.rule) else {
        let suggestion = lint::suggest(&args.rule);
        failure::report(&[Failure::from(UnknownRule { name: args.rule.clone(), suggestion })]);
        return Status::Failed;
    };
    terminal::print(&page(meta));
    Status::Clean
}

/// The manual page in Markdown, headed by the name and the facts.
pub(super) fn page(meta: &Meta) -> String {
    let mut page = format!("# {}\n\n", meta.name);
    let facts = [
        ("Severity", meta.severity.name().to_owned()),
        ("Fix", meta.fix.name().to_owned()),
        ("Since", meta.since.to_owned()),
        ("Also known as", meta.aliases.join(", ")),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "- {name}: {value}");
    }
    let _ = writeln!(page, "\n{}", meta.manual());
    page
}
