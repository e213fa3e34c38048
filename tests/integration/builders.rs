//! The cache model against builders: what it says of small builds and their changes (`tests/cases/builders/cases.toml`) is
//! what `BuildKit`, Docker's legacy builder and buildah were seen to do (`observed.txt`), but for what
//! `disagreements.toml` names with its reason. kaniko is not among them: its profile follows its source. `shapes.toml` has more
//! of them, made by `tests/oracle/shapes.py` of the Dockerfiles of other tests.
//!
//! Where builders are at hand they are asked again. Commands that build, without the options of the case:
//!
//! - `LAYERWISE_TEST_DOCKER`: `docker build`, for `BuildKit` and, with `DOCKER_BUILDKIT=0`, for the legacy builder. Linked
//!   copies need the containerd image store: without it, `BuildKit` copies as ever;
//! - `LAYERWISE_TEST_BUILDAH`: `buildah build --isolation chroot`, or the like of podman.
//!
//! `FROM busybox` must work. `LAYERWISE_TEST_CASES` names the cases, separated by commas, all unless given. `RECORD=1` writes
//! what the builders did to `observed.txt`. `LAYERWISE_TEST_TABLE` is a table that `shapes.py` made of files of others: the
//! model is held against the builders directly, and `explained.toml` has the reasons why it may say something else.

mod live;
mod others;
mod scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use layerwise::cache::{Builder, Change, Dirt, Status, simulate};
use layerwise::context::{Filtered, IgnoreFile, MemoryContext};
use layerwise::ecosystem::Catalog;
use layerwise::model::{Build, Inputs};
use layerwise::syntax::Dockerfile;
use serde::Deserialize;

use others::Step;
use scenario::{Scenario, State};

/// What becomes of the instruction on each line: `hit` or `rebuilt`. Lines of which that cannot be said are left out.
type Fates = BTreeMap<usize, String>;

const COMPARED: [Builder; 3] = [Builder::BuildKit, Builder::Legacy, Builder::Buildah];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disagreements {
    disagreement: Vec<Disagreement>,
}

/// Where the model is not what the builder does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disagreement {
    builders: Vec<String>,
    case: String,
    changes: Vec<String>,
    lines: Vec<usize>,
    /// What the model says there.
    model: String,
    why: String,
}

/// What the model says of a change.
fn predicted(scenario: &Scenario, after: &State, builder: Builder) -> Fates {
    let before = &scenario.start;
    let given = BTreeMap::new();
    with_build(before, &given, |old| {
        with_build(after, &given, |new| {
            let profile = builder.profile();
            let known = |name: &str, value: &str| {
                let mut stages = old.stages.iter();
                stages.any(|stage| stage.end.lookup(name).as_deref() == Some(value))
            };
            let arguments = after.arguments.iter().filter(|(name, value)| !known(name, value));
            let change = Change {
                paths: before.changed_paths(after),
                arguments: arguments.map(|(name, _)| name.clone()).collect(),
            };
            let dirt = Dirt::of_edit(old, new, profile).and(Dirt::of_change(new, profile, &change));
            let simulation = simulate(new, profile, &dirt, new.target(None).unwrap());
            let outcomes = simulation.stages.iter().flatten();
            let said = outcomes.filter(|outcome| matches!(outcome.status, Status::Hit | Status::Rebuilt));
            let line = |instruction: usize| new.inputs.file.instructions()[instruction].lines.0;
            said.map(|outcome| (line(outcome.instruction), outcome.status.name().to_owned())).collect()
        })
    })
}

fn with_build<T>(state: &State, arguments: &BTreeMap<String, String>, work: impl FnOnce(&Build<'_>) -> T) -> T {
    let file = Dockerfile::parse(&state.dockerfile);
    let memory = MemoryContext::from_files(state.files.iter().map(|(path, file)| (path.as_str(), file.text.as_str())));
    let ignore = state.ignore.as_ref().map(|text| IgnoreFile::parse(".dockerignore", text));
    let context = Filtered::new(&memory, ignore.as_ref());
    work(&Build::new(Inputs { file: &file, context: Some(&context), catalog: Catalog::builtin(), arguments }))
}

/// `builder case change line:fate…`, one per line.
fn line_of(builder: Builder, case: &str, change: &str, fates: &Fates) -> String {
    let mut text = format!("{} {case} {change}", builder.name());
    for (line, fate) in fates {
        // Writing to a string cannot fail.
        let _ = write!(text, " {line}:{fate}");
    }
    text
}

fn observed_text() -> String {
    std::fs::read_to_string(scenario::folder().join("observed.txt")).unwrap_or_default()
}

/// By builder, case and change.
fn observed() -> BTreeMap<(String, String, String), Fates> {
    let text = observed_text();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            let key = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let fate = |word: String| {
                let (line, fate) = word.split_once(':').unwrap();
                (line.parse().unwrap(), fate.to_owned())
            };
            (key, words.map(fate).collect())
        })
        .collect()
}

#[test]
fn the_model_says_what_builders_were_seen_to_do() {
    let observed = observed();
    let table = std::fs::read_to_string(scenario::folder().join("disagreements.toml")).unwrap();
    let table: Disagreements = toml::from_str(&table).unwrap();
    let explained = others::explained();
    let (mut wrong, mut met, mut compared) = (String::new(), BTreeSet::new(), 0);
    for scenario in scenario::all() {
        for builder in COMPARED.into_iter().filter(|builder| scenario.is_for(*builder)) {
            let is_listed = scenario.is_listed();
            for (change, after) in scenario.changes() {
                let key = (builder.name().to_owned(), scenario.name.clone(), change.clone());
                let Some(seen) = observed.get(&key) else {
                    let _ = writeln!(wrong, "{key:?}: not observed; run with RECORD=1");
                    continue;
                };
                let said = predicted(&scenario, &after, builder);
                for (line, seen) in seen {
                    compared += 1;
                    let said = said.get(line).map_or("nothing", String::as_str);
                    let known = table.disagreement.iter().position(|known| known.means(&key, *line));
                    let step = Step { builder, change: &change, dockerfile: &after.dockerfile, line: *line };
                    let in_general =
                        !is_listed && known.is_none() && explained.iter().any(|known| known.fits(&step, said));
                    let differs = said != seen && !in_general;
                    let explained = known.is_some_and(|index| table.disagreement[index].model == said);
                    met.extend(known.filter(|_| differs && explained));
                    if differs != explained {
                        let _ = writeln!(wrong, "{key:?}: line {line}: seen {seen}, the model says {said}");
                    }
                }
            }
        }
    }
    assert_eq!(wrong, "");
    assert!(compared > 1000, "{compared} steps compared");
    for (index, known) in table.disagreement.iter().enumerate() {
        assert!(met.contains(&index) && !known.why.is_empty(), "no longer so: {} {:?}", known.case, known.changes);
    }
}

impl Disagreement {
    fn means(&self, key: &(String, String, String), line: usize) -> bool {
        self.builders.contains(&key.0)
            && self.case == key.1
            && (self.changes.contains(&key.2))
            && self.lines.contains(&line)
    }
}

#[test]
fn builders_still_do_what_was_observed() {
    let old = observed();
    let (mut new, mut asked, mut differing) = (String::new(), Vec::new(), String::new());
    for builder in COMPARED {
        let live = match live::Live::new(builder) {
            Ok(live) => live,
            Err(reason) => {
                crate::program::skipped(&format!("{}: {reason}", builder.name()));
                continue;
            }
        };
        let wanted = std::env::var("LAYERWISE_TEST_CASES").ok();
        let is_wanted = |name: &str| wanted.as_ref().is_none_or(|list| list.split(',').any(|one| one == name));
        let scenarios = scenario::all().into_iter().filter(|scenario| scenario.is_for(builder));
        for scenario in scenarios.filter(|scenario| is_wanted(&scenario.name)) {
            let observed = match live.observe(&scenario) {
                Ok(observed) => observed,
                Err(reason) => {
                    let _ = writeln!(differing, "cannot be built: {reason}");
                    continue;
                }
            };
            asked.push(format!("{} {} ", builder.name(), scenario.name));
            for (change, fates) in observed {
                new.push_str(&(line_of(builder, &scenario.name, &change, &fates) + "\n"));
                let key = (builder.name().to_owned(), scenario.name.clone(), change);
                if old.get(&key) != Some(&fates) {
                    let _ = writeln!(differing, "{key:?}: {fates:?}, observed before {:?}", old.get(&key));
                }
            }
        }
    }
    if std::env::var_os("RECORD").is_some() {
        let text = observed_text();
        let kept = text.lines().filter(|line| !asked.iter().any(|start| line.starts_with(start)));
        let (head, mut lines): (Vec<&str>, Vec<&str>) = kept.chain(new.lines()).partition(|line| line.starts_with('#'));
        lines.sort_unstable();
        let text = head.into_iter().chain(lines).fold(String::new(), |text, line| text + line + "\n");
        std::fs::write(scenario::folder().join("observed.txt"), text).unwrap();
        print!("{differing}");
    } else {
        assert_eq!(differing, "");
    }
}
