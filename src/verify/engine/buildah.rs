//! `buildah build --layers` and `podman build`.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use regex::Regex;

use super::order_file::{self, OrderFiles};
use super::program::{Line, Program, failure, last_words};
use super::stages::{StageSteps, of_buildah, stages};
use super::{BuiltImage, Engine, EngineError, Kept, Order, StepRecord, container};
use crate::syntax::{Dockerfile, Keyword};
use crate::verify::archive::{self, KnownLayers};
use crate::verify::smoke::Ran;

/// `[2/2] STEP 3/5: COPY …`; a file of one stage has no number of a stage.
static TITLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:\[(\d+)/\d+\] )?STEP \d+/\d+: (.*)$").ok());

/// What begins the line that tells why a build failed: `Error: building at STEP "RUN …": …`.
const ERROR: &str = "Error: ";

/// Numbers for the tags of one process.
static TAGS: AtomicU64 = AtomicU64::new(0);

/// A builder that speaks of its steps as buildah does.
#[derive(Debug)]
pub struct Buildah {
    program: Program,
    podman: bool,
    layers: KnownLayers,
}

impl Buildah {
    /// `buildah build`.
    pub fn program(program: Program) -> Self {
        Self { program, podman: false, layers: KnownLayers::default() }
    }

    /// `podman build`.
    pub fn podman(program: Program) -> Self {
        Self { program, podman: true, layers: KnownLayers::default() }
    }

    fn arguments(&self, order: &Order<'_>, files: &OrderFiles, tag: &str) -> Vec<String> {
        let mut arguments = vec!["build".to_owned()];
        arguments.extend(self.program.options().iter().cloned());
        // The format of OCI has no health checks and no shells.
        arguments.extend(["--layers", "--format=docker"].map(str::to_owned));
        arguments.extend(order_file::options(order, files));
        if order.ignore.is_some() {
            arguments.push(format!("--ignorefile={}", order_file::shown(&files.ignore_file())));
        }
        arguments.push(format!("--tag={tag}"));
        arguments.push(order_file::shown(order.context));
        arguments
    }

    /// Writes the image to a file; its layers stay for later builds.
    fn save(&self, tag: &str, files: &OrderFiles) -> Result<(), EngineError> {
        let archive = order_file::shown(&files.archive());
        let save: Vec<String> = if self.podman {
            vec!["save".to_owned(), "--format=docker-archive".to_owned(), format!("--output={archive}"), tag.to_owned()]
        } else {
            vec!["push".to_owned(), tag.to_owned(), format!("docker-archive:{archive}")]
        };
        let done = self.program.run(&save)?;
        if done.status.success() {
            return Ok(());
        }
        let said = last_words(done.lines.iter().map(|line| line.text.as_str()));
        Err(EngineError::Unusable(format!("`{} {}` failed: {said}", self.program.name(), save.join(" "))))
    }
}

impl Engine for Buildah {
    fn name(&self) -> &'static str {
        if self.podman { "podman" } else { "buildah" }
    }

    fn build(&self, order: &Order<'_>) -> Result<BuiltImage, EngineError> {
        let files = OrderFiles::write(order)?;
        let number = TAGS.fetch_add(1, Ordering::Relaxed);
        let tag = format!("localhost/layerwise-verify:{}-{number}", std::process::id());
        let done = self.program.run(&self.arguments(order, &files, &tag))?;
        if !done.status.success() {
            return Err(EngineError::Failed(failure(done.lines.iter().map(|line| line.text.as_str()), ERROR)));
        }
        let program = self.program.clone();
        let kept = Kept::new(tag.clone(), move |tag| program.try_run(&["untag", tag]));
        self.save(&tag, &files)?;
        let image = archive::read(&files.archive(), &self.layers)?;
        let file = Dockerfile::parse(order.dockerfile);
        let steps = steps(&done.lines, done.seconds, &file, &stages(&file));
        Ok(BuiltImage {
            files: image,
            steps,
            seconds: done.seconds,
            kept: Some(kept).filter(|_| order.keep),
            seen: Vec::new(),
        })
    }

    fn runs_images(&self) -> bool {
        self.podman
    }

    fn run_image(&self, image: &BuiltImage, limit: Duration) -> Result<Ran, EngineError> {
        container::run(&self.program, true, image, limit)
    }
}

/// The steps of a log, in the order of the file: a step lasts until the next one begins.
fn steps(lines: &[Line], end: f64, file: &Dockerfile, stages: &[StageSteps]) -> Vec<StepRecord> {
    let mut records: BTreeMap<usize, StepRecord> = BTreeMap::new();
    let mut current: Option<(usize, f64)> = None;
    let mut place = (None, 0);
    let finish = |current: Option<(usize, f64)>, at: f64, records: &mut BTreeMap<usize, StepRecord>| {
        if let Some(record) = current.and_then(|(instruction, _)| records.get_mut(&instruction)) {
            record.seconds = if record.hit { 0.0 } else { at - current.map_or(at, |(_, from)| from) };
        }
    };
    for line in lines {
        if let Some(found) = TITLE.as_ref().and_then(|title| title.captures(&line.text)) {
            finish(current, line.at, &mut records);
            let stage = found.get(1).and_then(|number| number.as_str().parse::<usize>().ok()).unwrap_or(1);
            // Steps are counted here: of those that the base image brings, the log tells as of the file's own.
            place = if place.0 == Some(stage) { (place.0, place.1 + 1) } else { (Some(stage), 1) };
            let instruction = stage.checked_sub(1).and_then(|stage| of_buildah(stages, stage, place.1));
            let title = found.get(2).map(|title| title.as_str()).unwrap_or_default();
            current = instruction.filter(|index| begins_alike(file, *index, title)).map(|index| (index, line.at));
            if let Some((instruction, _)) = current {
                records.insert(instruction, StepRecord { instruction, hit: false, seconds: 0.0 });
            } else {
                // A step that the file does not have.
                place.1 -= 1;
            }
        } else if line.text.starts_with("--> Using cache")
            && let Some(record) = current.and_then(|(instruction, _)| records.get_mut(&instruction))
        {
            record.hit = true;
        }
    }
    finish(current, end, &mut records);
    let from = |record: &StepRecord| file.instructions()[record.instruction].keyword == Keyword::From;
    records.into_values().filter(|record| !from(record)).collect()
}

fn begins_alike(file: &Dockerfile, instruction: usize, title: &str) -> bool {
    let keyword = title.split_whitespace().next().unwrap_or_default();
    file.instructions()
        .get(instruction)
        .is_some_and(|found| found.keyword_range.of(file.source()).eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_log_of_two_stages() {
        let file = Dockerfile::parse("FROM a AS b\nENV A=1\nRUN x\nFROM a\nCOPY --from=b x y\nCMD z\n");
        let log = [
            ("[1/2] STEP 1/3: FROM a AS b", 0.0),
            ("[1/2] STEP 2/3: ENV A=1", 1.0),
            ("--> Using cache 12", 1.0),
            ("[1/2] STEP 3/3: RUN x", 1.5),
            ("--> 13", 3.0),
            ("[2/2] STEP 1/3: FROM a", 3.5),
            ("[2/2] STEP 2/3: COPY --from=b x y", 4.0),
            ("[2/2] STEP 3/3: CMD z", 4.25),
        ];
        let lines = log.map(|(text, at)| Line { text: text.to_owned(), at });
        let records = steps(&lines, 5.0, &file, &stages(&file));
        let told: Vec<(usize, bool, f64)> =
            records.iter().map(|record| (record.instruction, record.hit, record.seconds)).collect();
        assert_eq!(told, [(1, true, 0.0), (2, false, 2.0), (4, false, 0.25), (5, false, 0.75)]);
    }
}
