//! How long the best order of 40 steps takes, and the replay of 1,000 commits over a file of 30 steps:
//! `cargo bench --bench speed`.
//!
//! The history is made up; reading one with `git` comes on top.
#![allow(clippy::print_stdout, reason = "its output is the measurement")]

use std::collections::BTreeMap;
use std::time::Instant;

use layerwise::cache::order::{Job, Trigger, best_order};
use layerwise::cache::{Builder, Costs, Events, Replay};
use layerwise::context::{Filtered, IgnoreFile, MemoryContext};
use layerwise::ecosystem::Catalog;
use layerwise::model::{Build, Inputs};
use layerwise::syntax::Dockerfile;

fn main() {
    for (steps, width) in [(40, 4), (40, 6), (40, 8), (40, 40)] {
        let (jobs, events) = problem(steps, width);
        let start = Instant::now();
        let order = best_order(&jobs, &events);
        let taken = start.elapsed();
        let told = order.map(|order| (order.exact, order.before, order.seconds, order.bound));
        println!("order of {steps} steps of width {width}: {taken:.1?} (exact, before, after, bound: {told:.1?})");
    }
    replay();
}

/// Chains with a few bonds between them; half of the steps are dirtied, alone and together.
fn problem(steps: usize, width: usize) -> (Vec<Job>, Vec<Trigger>) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let jobs =
        (0..steps).map(|step| Job { seconds: draw(60) as f64, after: step.checked_sub(width).into_iter().collect() });
    let jobs: Vec<Job> = jobs.collect();
    let events = (0..40).map(|_| Trigger { weight: 0.025, dirt: (0..=draw(3)).map(|_| draw(steps)).collect() });
    (jobs, events.collect())
}

fn replay() {
    let steps = (0..14).map(|step| format!("COPY src/part{step} /app/part{step}\nRUN make -C /app/part{step}\n"));
    let text = format!("FROM debian:12\nWORKDIR /app\n{}COPY . .\n", steps.collect::<String>());
    let paths: Vec<String> =
        (0..14).flat_map(|part| (0..200).map(move |file| format!("src/part{part}/file{file}.c"))).collect();
    let mut context = MemoryContext::from_files(paths.iter().map(|path| (path.as_str(), "")));
    let commits: Vec<Vec<&str>> = (0..1_000)
        .map(|commit| (0..20).map(|change| paths[(commit * 37 + change * 211) % paths.len()].as_str()).collect())
        .collect();
    context.history_of(&commits.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let history = layerwise::context::Context::history(&context, 1_000);
    let file = Dockerfile::parse(&text);
    let ignore = IgnoreFile::parse(".dockerignore", "**/*.md\n.git\n**/node_modules\n!docs/*.md\n");
    let filtered = Filtered::new(&context, Some(&ignore));
    let arguments = BTreeMap::new();
    let start = Instant::now();
    let inputs = Inputs { file: &file, context: Some(&filtered), catalog: Catalog::builtin(), arguments: &arguments };
    let build = Build::new(inputs);
    let profile = Builder::BuildKit.profile();
    let events = Events::of_history(&build, profile, history.as_deref());
    let target = build.target(None).unwrap_or_default();
    let replay = Replay::new(&build, profile, &events, &Costs::new(&build), target);
    let taken = start.elapsed();
    let steps = build.steps().count();
    println!(
        "replay of {} commits over {steps} steps: {taken:.1?} ({:.1} s per change)",
        events.commits, replay.expected.mean
    );
}
