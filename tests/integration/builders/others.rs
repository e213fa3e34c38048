//! Dockerfiles of others: what the model says of them, held against builders at hand, step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use layerwise::cache::Builder;
use layerwise::syntax::{Body, Dockerfile, Instruction};
use serde::Deserialize;

use super::scenario::{self, Scenario, State};
use super::{COMPARED, Fates, live, predicted};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    explained: Vec<Explanation>,
}

/// A way in which the model may differ from a builder, whatever the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Explanation {
    builders: Vec<String>,
    changes: Vec<String>,
    /// Which steps: `copy-of-stage` is a copy from a stage and all below it; `below` any step.
    steps: String,
    /// What the model says there.
    model: String,
    why: String,
}

/// What was compared, and what became of it.
#[derive(Default)]
struct Tally {
    cases: usize,
    builds: usize,
    steps: usize,
    agreed: usize,
    /// By explanation.
    explained: BTreeMap<usize, usize>,
    unexplained: Vec<String>,
}

#[test]
fn the_model_says_what_builders_do_with_files_of_others() {
    let Ok(table) = std::env::var("LAYERWISE_TEST_TABLE") else {
        return println!("skipped: LAYERWISE_TEST_TABLE names no table");
    };
    let explained = explained();
    let mut unexplained = Vec::new();
    for builder in COMPARED {
        let live = match live::Live::new(builder) {
            Ok(live) => live,
            Err(reason) => {
                println!("skipped: {}: {reason}", builder.name());
                continue;
            }
        };
        let mut tally = Tally::default();
        for scenario in scenario::of_table(Path::new(&table)).iter().filter(|scenario| scenario.is_for(builder)) {
            match live.observe(scenario) {
                Ok(observed) => tally.count(scenario, builder, observed, &explained),
                Err(reason) => println!("skipped: {}", reason.lines().last().unwrap_or_default()),
            }
        }
        println!("{}", tally.shown(builder, &explained));
        unexplained.extend(tally.unexplained);
    }
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
}

/// Every explanation.
pub(super) fn explained() -> Vec<Explanation> {
    let text = std::fs::read_to_string(scenario::folder().join("explained.toml")).unwrap();
    let table: Table = toml::from_str(&text).unwrap();
    table.explained
}

/// A step after a change.
pub(super) struct Step<'a> {
    pub(super) builder: Builder,
    pub(super) change: &'a str,
    /// As it is then.
    pub(super) dockerfile: &'a str,
    pub(super) line: usize,
}

impl Explanation {
    /// Whether it explains that the model says `model` of a step.
    pub(super) fn fits(&self, step: &Step<'_>, model: &str) -> bool {
        self.builders.iter().any(|name| name == step.builder.name())
            && self.changes.iter().any(|change| change == step.change)
            && self.model == model
            && (self.steps == "below" || below_copies(step.dockerfile).contains(&step.line))
    }
}

impl Tally {
    fn count(
        &mut self,
        scenario: &Scenario,
        builder: Builder,
        observed: Vec<(String, Fates)>,
        explained: &[Explanation],
    ) {
        self.cases += 1;
        let states: BTreeMap<String, State> = scenario.changes().into_iter().collect();
        for (change, fates) in observed {
            self.builds += 1;
            let after = &states[&change];
            let said = predicted(scenario, after, builder);
            for (line, seen) in fates {
                self.steps += 1;
                let model = said.get(&line).map_or("nothing", String::as_str);
                if model == seen {
                    self.agreed += 1;
                    continue;
                }
                let step = Step { builder, change: &change, dockerfile: &after.dockerfile, line };
                match explained.iter().position(|known| known.fits(&step, model)) {
                    Some(known) => *self.explained.entry(known).or_default() += 1,
                    None => self.unexplained.push(format!(
                        "{} {} {change}: line {line}: seen {seen}, the model says {model}\n{}",
                        builder.name(),
                        scenario.name,
                        after.dockerfile
                    )),
                }
            }
        }
    }

    fn shown(&self, builder: Builder, explained: &[Explanation]) -> String {
        let Self { cases, builds, steps, agreed, .. } = self;
        let name = builder.name();
        let mut lines = vec![format!("{name}: {cases} files, {builds} changes, {steps} steps, {agreed} as predicted")];
        lines.extend(
            self.explained.iter().map(|(known, count)| format!("    {count} steps: {}", explained[*known].why)),
        );
        lines.join("\n")
    }
}

/// First lines of the copies from stages, of all that stands below one in its stage, and of the stages that start from such.
fn below_copies(dockerfile: &str) -> BTreeSet<usize> {
    let file = Dockerfile::parse(dockerfile);
    let (mut lines, mut names, mut below, mut name) = (BTreeSet::new(), BTreeSet::new(), false, String::new());
    for instruction in file.instructions() {
        if let Body::From(from) = &instruction.body {
            below = names.contains(&from.image.text.to_lowercase());
            name = from.alias.as_ref().map(|alias| alias.text.to_lowercase()).unwrap_or_default();
        }
        below |= copies_stage(instruction);
        if below {
            lines.insert(instruction.lines.0);
            names.insert(name.clone());
        }
    }
    lines
}

fn copies_stage(instruction: &Instruction) -> bool {
    instruction.flags.iter().any(|flag| flag.name == "from")
}
