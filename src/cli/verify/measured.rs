//! Writes what builds took into the file of measured times, which `cache`, `check` and `optimize` read.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::Work;
use crate::analysis::{KeptStep, KeptTimes};
use crate::cache::step_digest;
use crate::cli::failure::{self, Failure};
use crate::cli::{terminal, write};
use crate::optimize::Draft;
use crate::verify::{Measured, Proof};

/// The folder that is made for the file unless another one is named.
const FOLDER: &str = ".layerwise";

/// Times that are kept of a step.
const KEPT: usize = 5;

#[derive(Serialize)]
struct File<'a> {
    version: u32,
    steps: BTreeMap<&'a str, Step<'a>>,
}

#[derive(Serialize)]
struct Step<'a> {
    instruction: &'a str,
    seconds: &'a [f64],
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

/// Adds the times of a proof. A file that the next build would copy into the image is not written.
pub(in crate::cli) fn remember(work: &Work<'_>, candidate: &Draft, proof: &Proof) -> Result<(), Failure> {
    let path = &work.opened.costs;
    if let Some(line) = copied_by(work, candidate, path) {
        let name = failure::near(path);
        terminal::note(&format!(
            "verify: measured times are not kept, as line {line} would copy `{name}` into the image: add `.layerwise` to \
             the ignore file, or name another file with `--costs`"
        ));
        return Ok(());
    }
    let mut kept = KeptTimes::read(path)?;
    add(&mut kept, work, &work.original(), &proof.before);
    if let Some(after) = &proof.after {
        add(&mut kept, work, candidate, after);
    }
    let name = failure::near(path);
    let failed = |reason: String| Failure::Unwritable { path: name.clone(), reason };
    if let Some(folder) = path.parent() {
        let is_new = !folder.exists();
        std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
        // A folder of our own is none of the project's files; whoever wants to keep the times takes the file away.
        if is_new && folder.file_name().is_some_and(|name| name == FOLDER) {
            let ignore = folder.join(".gitignore");
            write::file(&ignore, &failure::near(&ignore), "*\n")?;
        }
    }
    write::file(path, &name, &text(&kept))
}

/// The first line of a step that copies the file from the context.
fn copied_by(work: &Work<'_>, candidate: &Draft, path: &Path) -> Option<usize> {
    let inside = path.strip_prefix(work.opened.project.disk.root()).ok()?;
    let inside = inside.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    candidate.with_build(&work.surroundings(), |build| {
        if build.inputs.context.is_some_and(|context| context.excludes(&inside)) {
            return None;
        }
        let mut copies = build.steps().filter(|(_, step)| step.transfer().is_some_and(|found| found.selects(&inside)));
        copies.next().map(|(id, _)| build.instruction(id).lines.0)
    })
}

fn add(kept: &mut KeptTimes, work: &Work<'_>, draft: &Draft, taken: &Measured) {
    draft.with_build(&work.surroundings(), |build| {
        for step in &taken.steps {
            let Some((id, _)) = build.steps().find(|(_, found)| found.instruction == step.instruction) else {
                continue;
            };
            let entry: &mut KeptStep = kept.steps.entry(step_digest(build, id)).or_default();
            entry.instruction = build.instruction(id).one_line(build.inputs.file.source(), 100);
            entry.seconds.extend(step.seconds.iter().map(|seconds| super::super::rounded(*seconds)));
            let older = entry.seconds.len().saturating_sub(KEPT);
            entry.seconds.drain(..older);
            entry.bytes = step.bytes.or(entry.bytes);
        }
    });
}

fn text(kept: &KeptTimes) -> String {
    let steps = kept.steps.iter().map(|(digest, step)| {
        let KeptStep { instruction, seconds, bytes } = step;
        (digest.as_str(), Step { instruction, seconds, bytes: *bytes })
    });
    super::super::to_json(&File { version: 1, steps: steps.collect() })
}
