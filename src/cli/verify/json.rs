//! What was found, as documented in `docs/json.md`.

use serde::Serialize;

use super::report::Shown;
use super::traces;
use crate::cache::Expectation;
use crate::verify::compare::Difference;
use crate::verify::image_config::ConfigDifference;
use crate::verify::smoke::{Ran, Smoke};
use crate::verify::{Measured, Origin, Replayed, Side, Stumble};

#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    verdict: &'static str,
    reason: String,
    engine: &'static str,
    differences: Vec<JsonDifference<'a>>,
    noise: Vec<JsonDifference<'a>>,
    self_noise: Vec<JsonDifference<'a>>,
    config_differences: Vec<JsonConfig<'a>>,
    config_noise: Vec<JsonConfig<'a>>,
    smoke: Option<JsonSmoke<'a>>,
    split: Option<JsonSplit>,
    replay: Vec<JsonReplay<'a>>,
    flaky: Vec<JsonStumble<'a>>,
    traces: Vec<traces::Json<'a>>,
    steps: Vec<JsonStep<'a>>,
    before: JsonMeasured,
    after: Option<JsonMeasured>,
}

#[derive(Serialize)]
struct JsonSplit {
    left_out: usize,
    of_base: usize,
}

#[derive(Serialize)]
struct JsonFailure<'a> {
    version: u32,
    verdict: &'static str,
    reason: &'a str,
}

#[derive(Serialize)]
struct JsonDifference<'a> {
    path: &'a str,
    kind: &'static str,
    before: &'a str,
    after: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<JsonOrigins<'a>>,
}

#[derive(Serialize)]
struct JsonOrigins<'a> {
    before: Option<JsonOrigin<'a>>,
    after: Option<JsonOrigin<'a>>,
}

#[derive(Serialize)]
struct JsonOrigin<'a> {
    line: Option<usize>,
    instruction: &'a str,
}

#[derive(Serialize)]
struct JsonConfig<'a> {
    property: &'a str,
    before: &'a str,
    after: &'a str,
}

#[derive(Serialize)]
struct JsonSmoke<'a> {
    agrees: bool,
    checked: bool,
    steady: bool,
    before: JsonRan<'a>,
    after: JsonRan<'a>,
}

#[derive(Serialize)]
struct JsonRan<'a> {
    fate: &'static str,
    exit_code: Option<i32>,
    seconds: f64,
    output: &'a str,
}

#[derive(Serialize)]
struct JsonReplay<'a> {
    commit: &'a str,
    predicted: &'a [usize],
    observed: &'a [usize],
    agrees: bool,
    disagreements: &'a [String],
    stale: Vec<JsonDifference<'a>>,
    differences: Vec<JsonDifference<'a>>,
    noise: Vec<JsonDifference<'a>>,
    seconds_before: f64,
    seconds_after: f64,
    skipped: Option<&'a str>,
    broken: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonStumble<'a> {
    file: &'static str,
    commit: Option<&'a str>,
    reason: &'a str,
}

#[derive(Serialize)]
struct JsonStep<'a> {
    line: usize,
    instruction: &'a str,
    seconds: Option<f64>,
    predicted_hits: usize,
    observed_hits: usize,
}

#[derive(Serialize)]
struct JsonMeasured {
    seconds: f64,
    bytes: u64,
    expected_seconds: f64,
}

impl<'a> From<&'a Difference> for JsonDifference<'a> {
    fn from(found: &'a Difference) -> Self {
        let Difference { path, kind, before, after, .. } = found;
        Self { path, kind: kind.name(), before, after, step: None }
    }
}

impl<'a> From<&'a Smoke> for JsonSmoke<'a> {
    fn from(smoke: &'a Smoke) -> Self {
        let ran = |ran: &'a Ran| JsonRan {
            fate: ran.fate.name(),
            exit_code: ran.fate.code(),
            seconds: super::super::rounded(ran.seconds),
            output: &ran.output,
        };
        let Smoke { before, after, otherwise } = smoke;
        Self {
            agrees: smoke.agrees(),
            checked: smoke.is_checked(),
            steady: otherwise.is_none(),
            before: ran(before),
            after: ran(after),
        }
    }
}

impl<'a> From<&'a Origin> for JsonOrigin<'a> {
    fn from(origin: &'a Origin) -> Self {
        Self { line: origin.line, instruction: &origin.instruction }
    }
}

impl<'a> From<&'a Replayed> for JsonReplay<'a> {
    fn from(change: &'a Replayed) -> Self {
        Self {
            commit: &change.change,
            predicted: &change.predicted,
            observed: &change.observed,
            agrees: change.agrees(),
            disagreements: &change.disagreements,
            stale: listed(&change.stale),
            differences: listed(&change.differences),
            noise: listed(&change.noise),
            seconds_before: super::super::rounded(change.seconds_before),
            seconds_after: super::super::rounded(change.seconds_after),
            skipped: change.skipped.as_deref(),
            broken: change.broken.as_deref(),
        }
    }
}

impl<'a> From<&'a Stumble> for JsonStumble<'a> {
    fn from(stumble: &'a Stumble) -> Self {
        let file = match stumble.side {
            Side::Before => "before",
            Side::After => "after",
        };
        Self { file, commit: stumble.change.as_deref(), reason: &stumble.reason }
    }
}

fn properties(found: &[ConfigDifference]) -> Vec<JsonConfig<'_>> {
    let properties = found.iter();
    properties.map(|ConfigDifference { property, before, after }| JsonConfig { property, before, after }).collect()
}

fn listed(found: &[Difference]) -> Vec<JsonDifference<'_>> {
    found.iter().map(JsonDifference::from).collect()
}

pub(super) fn render(shown: &Shown<'_>) -> String {
    let proof = &shown.found.proof;
    let explained = proof.differences.iter().map(|explained| JsonDifference {
        step: Some(JsonOrigins {
            before: explained.step_before.as_ref().map(JsonOrigin::from),
            after: explained.step_after.as_ref().map(JsonOrigin::from),
        }),
        ..JsonDifference::from(&explained.difference)
    });
    let steps = shown.steps.iter().map(|step| JsonStep {
        line: step.line,
        instruction: &step.instruction,
        seconds: step.seconds.map(super::super::rounded),
        predicted_hits: step.predicted_hits,
        observed_hits: step.observed_hits,
    });
    let measured = |taken: &Measured, expected: &Expectation| JsonMeasured {
        seconds: super::super::rounded(taken.seconds),
        bytes: taken.bytes,
        expected_seconds: super::super::rounded(expected.mean),
    };
    super::super::to_json(&Json {
        version: 1,
        verdict: match shown.found.is_proven() {
            true if proof.split.is_some() => "split",
            true => "equal",
            false => "differs",
        },
        reason: shown.found.in_words(),
        engine: shown.engine,
        differences: explained.collect(),
        noise: listed(&proof.noise),
        self_noise: listed(&proof.self_noise.differences),
        config_differences: properties(&proof.config),
        config_noise: properties(&proof.config_noise),
        smoke: proof.smoke.as_ref().map(JsonSmoke::from),
        split: proof.split.map(|split| JsonSplit { left_out: split.left_out, of_base: split.of_base }),
        replay: shown.changes().iter().map(JsonReplay::from).collect(),
        flaky: shown.found.stumbles().map(JsonStumble::from).collect(),
        traces: proof.traces.iter().map(traces::Json::from).collect(),
        steps: steps.collect(),
        before: measured(&proof.before, &shown.expected.0),
        after: proof.after.as_ref().map(|after| measured(after, &shown.expected.1)),
    })
}

/// The document where nothing could be found out.
pub(super) fn of_failure(reason: &str) -> String {
    super::super::to_json(&JsonFailure { version: 1, verdict: "failed", reason })
}
