//! What was found, for people.

use std::fmt::Write;

use super::super::optimize::seconds;
use super::{Work, traces};
use crate::cache::Expectation;
use crate::optimize::{Draft, Surroundings};
use crate::text::size_in_words;
use crate::verify::compare::Difference;
use crate::verify::{Explained, Origin, Proof, Replayed, Side, Stumble, Verified};

/// Rows of a kind that are shown; JSON has all.
const MOST: usize = 20;

/// What is shown, with what it is worked out from.
pub(super) struct Shown<'a> {
    /// The Dockerfile's name.
    pub(super) name: &'a str,
    /// The engine's name.
    pub(super) engine: &'static str,
    pub(super) found: &'a Verified,
    /// The candidate's steps.
    pub(super) steps: Vec<Step>,
    /// Expected rebuild cost per change, before and after.
    pub(super) expected: (Expectation, Expectation),
}

/// A step of the candidate.
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) instruction: String,
    /// Seconds in a clean build.
    pub(super) seconds: Option<f64>,
    /// In how many of the replayed changes it was said to come from the cache.
    pub(super) predicted_hits: usize,
    /// In how many it did.
    pub(super) observed_hits: usize,
}

impl<'a> Shown<'a> {
    pub(super) fn new(work: &Work<'a>, candidate: &Draft, found: &'a Verified) -> Self {
        let surroundings = work.surroundings();
        let limit = work.opened.settings.settings.history as usize;
        let history = crate::context::Context::history(&work.opened.project, limit);
        let with_history = Surroundings { history: history.as_deref(), ..surroundings };
        let expected = (work.original().expectation(&with_history), candidate.expectation(&with_history));
        let steps = steps(candidate, &surroundings, found);
        Self { name: &work.opened.name, engine: work.builds.name(), found, steps, expected }
    }

    /// The changes that were built.
    pub(super) fn changes(&self) -> &'a [Replayed] {
        self.found.replay.as_ref().map_or(&[], |replay| &replay.changes)
    }

    /// How many of them there are.
    pub(super) fn built(&self) -> usize {
        self.changes().iter().filter(|change| change.is_built()).count()
    }
}

fn steps(candidate: &Draft, surroundings: &Surroundings<'_>, found: &Verified) -> Vec<Step> {
    let Some(after) = &found.proof.after else { return Vec::new() };
    let changes = found.replay.as_ref().map_or(&[][..], |replay| &replay.changes);
    let built: Vec<&Replayed> = changes.iter().filter(|change| change.is_built()).collect();
    candidate.with_build(surroundings, |build| {
        let file = build.inputs.file;
        let step = |taken: &crate::verify::StepTime| {
            let instruction = file.instructions().get(taken.instruction)?;
            let line = instruction.lines.0;
            Some(Step {
                line,
                instruction: instruction.one_line(file.source(), 60),
                seconds: taken.seconds.first().copied(),
                predicted_hits: built.iter().filter(|change| !change.predicted.contains(&line)).count(),
                observed_hits: built.iter().filter(|change| !change.observed.contains(&line)).count(),
            })
        };
        after.steps.iter().filter_map(step).collect()
    })
}

pub(super) fn full(shown: &Shown<'_>) -> String {
    let mut text = String::new();
    let found = shown.found;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}: {} ({})", shown.name, found.in_words(), shown.engine);
    if let Some(reason) = &found.proof.broken {
        let _ = writeln!(text, "\n{}", indented(reason));
    }
    differences(&mut text, &found.proof.differences);
    for config in found.proof.config.iter().take(MOST) {
        let _ = writeln!(text, "  {}: {} → {}", config.property, or_none(&config.before), or_none(&config.after));
    }
    for config in &found.proof.config_noise {
        let (before, after) = (or_none(&config.before), or_none(&config.after));
        let _ = writeln!(text, "  {}, which differs by itself: {before} → {after}", config.property);
    }
    started(&mut text, &found.proof);
    table(&mut text, shown);
    for change in shown.changes() {
        changed(&mut text, change);
    }
    if let Some(stopped) = found.replay.as_ref().and_then(|replay| replay.stopped.as_ref()) {
        let _ = writeln!(text, "\nno change was replayed: {stopped}");
    }
    for stumble in found.stumbles() {
        let _ = writeln!(text, "\n  {}:\n{}", stumbled(stumble), indented(&stumble.reason));
    }
    text.push_str(&traces::full(&found.proof.traces));
    noise(&mut text, shown);
    costs(&mut text, shown);
    text
}

fn differences(text: &mut String, found: &[Explained]) {
    for explained in found.iter().take(MOST) {
        let difference = &explained.difference;
        let _ = writeln!(
            text,
            "\n  {} ({}): {} → {}",
            difference.path,
            difference.kind.name(),
            or_none(&difference.before),
            or_none(&difference.after),
        );
        for (side, step) in [("before", &explained.step_before), ("after", &explained.step_after)] {
            let _ = writeln!(text, "    {side}: {}", origin(step.as_ref()));
        }
    }
    if found.len() > MOST {
        let _ = writeln!(text, "\n  and {} more paths", found.len() - MOST);
    }
}

/// A step in words.
pub(super) fn origin(step: Option<&Origin>) -> String {
    match step {
        Some(Origin { line: Some(line), instruction }) => format!("line {line}, `{instruction}`"),
        Some(Origin { line: None, instruction }) => format!("the base image, `{instruction}`"),
        None => "no step of the stage".to_owned(),
    }
}

pub(super) fn or_none(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}

fn started(text: &mut String, proof: &Proof) {
    let Some(smoke) = &proof.smoke else { return };
    for (side, ran) in [("before", &smoke.before), ("after", &smoke.after)] {
        let _ = writeln!(text, "\n  started, {side}: it {} ({})", ran.fate.in_words(), seconds(ran.seconds));
        let is_shown = smoke.before.fate != smoke.after.fate || !smoke.is_checked();
        if is_shown && !ran.output.is_empty() {
            let _ = writeln!(text, "{}", indented(&ran.output));
        }
    }
}

fn table(text: &mut String, shown: &Shown<'_>) {
    if shown.steps.is_empty() {
        return;
    }
    let built = shown.built();
    text.push_str("\n  line    clean  hits");
    text.push_str(if built > 0 { " (predicted, seen)  step\n" } else { "  step\n" });
    for step in &shown.steps {
        let clean = step.seconds.map(seconds).unwrap_or_default();
        let hits = match built {
            0 => "-".to_owned(),
            _ => format!("{}/{built}, {}/{built}", step.predicted_hits, step.observed_hits),
        };
        let width = if built > 0 { 22 } else { 4 };
        let _ = writeln!(text, "  {:4} {clean:>8}  {hits:<width$}  {}", step.line, step.instruction);
    }
}

/// A commit by the first digits of its id, an edit in its words.
fn named(change: &str) -> String {
    if change.len() == 40 { change.chars().take(10).collect() } else { change.to_owned() }
}

/// What failed once, as a phrase.
pub(super) fn stumbled(stumble: &Stumble) -> String {
    let file = match stumble.side {
        Side::Before => "the file as it is",
        Side::After => "the candidate",
    };
    match &stumble.change {
        Some(change) => format!("{}: {file} failed to build, and did not when it was built again", named(change)),
        None => format!("{file} failed to build, and did not when it was built again"),
    }
}

fn changed(text: &mut String, change: &Replayed) {
    let name = named(&change.change);
    if let Some(reason) = &change.skipped {
        let _ = writeln!(text, "\n  {name}: not replayed, as it does not build:\n{}", indented(reason));
        return;
    }
    if let Some(reason) = &change.broken {
        let _ = writeln!(text, "\n  {name}: builds before, and not after:\n{}", indented(reason));
        return;
    }
    let verdict = if change.agrees() { "as predicted" } else { "NOT as predicted" };
    let _ = writeln!(
        text,
        "\n  {name}: {verdict}; rebuild {} → {}",
        seconds(change.seconds_before),
        seconds(change.seconds_after)
    );
    for disagreement in &change.disagreements {
        let _ = writeln!(text, "    {disagreement}");
    }
    let lists =
        [("stale", &change.stale), ("another image", &change.differences), ("differs by itself", &change.noise)];
    for (what, paths) in lists {
        for found in paths.iter().take(MOST) {
            let _ = writeln!(
                text,
                "    {what}: {} ({}): {} → {}",
                found.path,
                found.kind.name(),
                or_none(&found.before),
                or_none(&found.after)
            );
        }
    }
}

fn noise(text: &mut String, shown: &Shown<'_>) {
    for (title, found) in noises(&shown.found.proof) {
        let _ = writeln!(text, "\n  {title}:");
        for found in found.iter().take(MOST) {
            let (before, after) = (or_none(&found.before), or_none(&found.after));
            let _ = writeln!(text, "    {} ({}): {before} → {after}", found.path, found.kind.name());
        }
        if found.len() > MOST {
            let _ = writeln!(text, "    and {} more", found.len() - MOST);
        }
    }
}

/// What differs by itself: between the two builds of the original, and in the candidate at the same places; each with what
/// it is, in words.
pub(super) fn noises(proof: &Proof) -> impl Iterator<Item = (String, &[Difference])> {
    let count = |found: &[Difference]| match found.len() {
        1 => "1 difference".to_owned(),
        count => format!("{count} differences"),
    };
    let own = &proof.self_noise.differences[..];
    let said = [
        (format!("{} between two builds of the original, which prove nothing", count(own)), own),
        (
            format!("{} of the candidate from both, at the same places and of the same kind", count(&proof.noise)),
            &proof.noise[..],
        ),
    ];
    said.into_iter().filter(|(_, found)| !found.is_empty())
}

fn costs(text: &mut String, shown: &Shown<'_>) {
    let before = &shown.found.proof.before;
    let Some(after) = &shown.found.proof.after else { return };
    let _ = writeln!(text, "\n  clean build {} → {}", seconds(before.seconds), seconds(after.seconds));
    let _ = writeln!(text, "  image size {} → {}", size_in_words(before.bytes), size_in_words(after.bytes));
    let (old, new) = &shown.expected;
    let _ = writeln!(text, "  expected rebuild cost {} → {} per change", seconds(old.mean), seconds(new.mean));
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
