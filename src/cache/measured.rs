//! What names a step in the file of measured times.

use sha2::{Digest, Sha256};

use super::Seconds;
use crate::model::{Action, Base, Build, StepId};

/// A digest of what a step does, in hexadecimal: its text, its directory and the image that its stage starts from. What
/// stands before it is no part: a step that moves takes as long as before.
pub fn step_digest(build: &Build<'_>, id: StepId) -> String {
    let instruction = build.instruction(id);
    let source = build.inputs.file.source();
    let flags = instruction.flags.iter().map(|flag| flag.range.of(source));
    let bodies = instruction.heredocs.iter().map(|heredoc| heredoc.body.of(source));
    let keyword = format!("{:?}", instruction.keyword);
    let base = base_of(build, id.stage);
    let directory = build.step(id).before.directory.as_str().to_owned();
    let first = [keyword.as_str(), &base, &directory, instruction.arguments.as_str()];
    let mut hash = Sha256::new();
    for part in first.into_iter().chain(flags).chain(bodies) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The image at the bottom of a stage.
fn base_of(build: &Build<'_>, stage: usize) -> String {
    match build.stages.get(stage).map(|stage| &stage.base) {
        Some(Base::Stage(parent)) if *parent < stage => base_of(build, *parent),
        Some(Base::Image(image) | Base::Unknown(image)) => image.clone(),
        _ => String::new(),
    }
}

/// What a step was seen to take; `None` where no build has told, and for what no builder executes.
pub(super) fn measured(build: &Build<'_>, id: StepId) -> Option<Seconds> {
    let known = build.inputs.catalog.measured();
    let executed = matches!(build.step(id).action, Action::Run(_) | Action::Transfer(_));
    if known.is_empty() || !executed {
        return None;
    }
    let (low, high) = known.range(&step_digest(build, id))?;
    // Nothing takes no time at all: the mean of a range is a geometric one.
    Some(Seconds { low: low.max(0.01), high: high.max(0.01) })
}
