//! How long clean builds took, step by step, and how large what they made is.

use super::engine::BuiltImage;
use super::proof::{Job, Side, origins_of};

/// How long a step took, and how large its layer is.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTime {
    /// The index of its instruction.
    pub instruction: usize,
    /// Seconds in each build that ran it.
    pub seconds: Vec<f64>,
    /// Bytes of its layer in the image; `None` where it has none there.
    pub bytes: Option<u64>,
}

/// What clean builds of a file took.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Seconds of a clean build; the mean where there are several.
    pub seconds: f64,
    /// Bytes of the layers of the image, unpacked.
    pub bytes: u64,
    /// The steps, in the order of the file.
    pub steps: Vec<StepTime>,
}

/// What builds of a side took; sizes are those of the first.
pub(super) fn measured(job: &Job<'_>, side: Side, images: &[&BuiltImage]) -> Measured {
    let mut steps: Vec<StepTime> = Vec::new();
    for record in images.iter().flat_map(|image| &image.steps) {
        match steps.iter_mut().find(|step| step.instruction == record.instruction) {
            Some(step) => step.seconds.push(record.seconds),
            None => {
                steps.push(StepTime { instruction: record.instruction, seconds: vec![record.seconds], bytes: None });
            }
        }
    }
    steps.sort_by_key(|step| step.instruction);
    if let Some(image) = images.first() {
        let lines = job.draft(side).with_build(&job.surroundings, |build| {
            build.inputs.file.instructions().iter().map(|instruction| instruction.lines.0).collect::<Vec<_>>()
        });
        for (origin, bytes) in origins_of(job, side, image).iter().zip(&image.files.layer_bytes) {
            let made = steps
                .iter_mut()
                .find(|step| origin.line.is_some() && lines.get(step.instruction) == origin.line.as_ref());
            if let Some(step) = made {
                step.bytes = Some(*bytes);
            }
        }
    }
    let seconds = images.iter().map(|image| image.seconds).sum::<f64>() / images.len().max(1) as f64;
    Measured { seconds, bytes: images.first().map_or(0, |image| image.files.bytes), steps }
}
