//! `layerwise rules`: the list of all rules.

use std::fmt::Write;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Status, explain, terminal};
use crate::lint::{self, Meta};

/// What `rules` is asked.
#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    /// How to print the list.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output_format: Format,
}

/// Forms of the list.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// A line for each rule.
    #[default]
    Text,
    /// Everything that is known, the manual pages included.
    Json,
    /// All manual pages in one document: `docs/rules.md`.
    Markdown,
}

pub(super) fn run(args: &RulesArgs) -> Status {
    let metas: Vec<&Meta> = lint::every_meta().collect();
    terminal::print(&match args.output_format {
        Format::Text => text(&metas),
        Format::Json => json(&metas),
        Format::Markdown => markdown(&metas),
    });
    Status::Clean
}

fn text(metas: &[&Meta]) -> String {
    let width = metas.iter().map(|meta| meta.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for meta in metas {
        let (severity, fix) = (meta.severity.name(), format!("fix: {}", meta.fix.name()));
        let line = format!("{:width$}  {severity:7}  {fix:14}  {}", meta.name, meta.aliases.join(", "));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn json(metas: &[&Meta]) -> String {
    let rules: Vec<_> = metas
        .iter()
        .map(|meta| {
            json!({
                "name": meta.name,
                "aliases": meta.aliases,
                "severity": meta.severity.name(),
                "fix": meta.fix.name(),
                "since": meta.since,
                "summary": meta.summary(),
                "manual": meta.manual(),
                "url": meta.url(),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "version": 1, "rules": rules }))
}

/// One document: the headings of each page go down a level, so that the rules' names are its sections.
fn markdown(metas: &[&Meta]) -> String {
    let mut text = String::from(
        "# Rules\n\n<!-- Generated: cargo run -- rules --output-format markdown > docs/rules.md -->\n\n\
         The last ones are findings of the engine itself.\n",
    );
    for meta in metas {
        text.push('\n');
        let mut fenced = false;
        for line in explain::page(meta).lines() {
            fenced ^= line.starts_with("```");
            let heading = !fenced && line.starts_with('#');
            text.extend([if heading { "#" } else { "" }, line, "\n"]);
        }
    }
    text
}
