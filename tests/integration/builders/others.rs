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
    /// Which steps: `copy-of-stage` is a copy from a stage and all below it; `twin` one that stands in a stage above too,
    /// below the same steps; `varies` one with which the builder does as the model says when it is asked once more; `below`
    /// any step.
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
                Ok(observed) => {
                    let open = tally.count(scenario, builder, observed, &explained);
                    tally.ask_again(scenario, builder, open, &explained);
                }
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
            && match self.steps.as_str() {
                "below" => true,
                "copy-of-stage" => below_copies(step.dockerfile).contains(&step.line),
                "twin" => twins(step.dockerfile).contains(&step.line),
                _ => false,
            }
    }
}

/// What nobody has explained yet.
struct Open {
    change: String,
    line: usize,
    model: String,
    text: String,
}

impl Tally {
    fn count(
        &mut self,
        scenario: &Scenario,
        builder: Builder,
        observed: Vec<(String, Fates)>,
        explained: &[Explanation],
    ) -> Vec<Open> {
        let mut open = Vec::new();
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
                    None => open.push(Open {
                        change: change.clone(),
                        line,
                        model: model.to_owned(),
                        text: format!(
                            "{} {} {change}: line {line}: seen {seen}, the model says {model}\n{}",
                            builder.name(),
                            scenario.name,
                            after.dockerfile
                        ),
                    }),
                }
            }
        }
        open
    }

    /// Has the builder make all of it anew where something is open, up to three times: with some steps it does now this, now that.
    fn ask_again(&mut self, scenario: &Scenario, builder: Builder, mut open: Vec<Open>, explained: &[Explanation]) {
        let varies =
            |known: &Explanation| known.steps == "varies" && known.builders.iter().any(|name| name == builder.name());
        let Some(known) = explained.iter().position(varies) else {
            self.unexplained.extend(open.into_iter().map(|step| step.text));
            return;
        };
        for _ in 0..3 {
            if open.is_empty() {
                return;
            }
            let again = live::Live::new(builder).and_then(|live| live.observe(scenario)).unwrap_or_default();
            let again: BTreeMap<String, Fates> = again.into_iter().collect();
            let agrees =
                |step: &Open| again.get(&step.change).and_then(|fates| fates.get(&step.line)) == Some(&step.model);
            let before = open.len();
            open.retain(|step| !agrees(step));
            *self.explained.entry(known).or_default() += before - open.len();
        }
        self.unexplained.extend(open.into_iter().map(|step| step.text));
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

/// First lines of the steps that are as a stage above has them, with all that stands above them in their stage.
fn twins(dockerfile: &str) -> BTreeSet<usize> {
    let file = Dockerfile::parse(dockerfile);
    let mut stages: Vec<Vec<(usize, String)>> = Vec::new();
    for instruction in file.instructions() {
        let text = match &instruction.body {
            Body::From(from) => {
                stages.push(Vec::new());
                from.image.text.clone()
            }
            _ => instruction.range.of(dockerfile).to_owned(),
        };
        if let Some(stage) = stages.last_mut() {
            stage.push((instruction.lines.0, text));
        }
    }
    let mut lines = BTreeSet::new();
    for (index, stage) in stages.iter().enumerate() {
        for earlier in &stages[..index] {
            let same = stage.iter().zip(earlier).take_while(|(one, other)| one.1 == other.1);
            lines.extend(same.map(|(one, _)| one.0));
        }
    }
    lines
}

fn copies_stage(instruction: &Instruction) -> bool {
    instruction.flags.iter().any(|flag| flag.name == "from")
}
