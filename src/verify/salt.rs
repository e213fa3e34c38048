//! A cache of one's own: a step at the start of every stage, so that nothing hits what earlier builds have left.
//!
//! The step copies a file whose content is drawn anew for each replay. Comparisons leave the file out.

use crate::syntax::{Body, Dockerfile};

use super::compare::SALT;

/// A Dockerfile with such steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Salted {
    pub(super) text: String,
    /// By index of an instruction, its index in the file without the steps; `None` for the steps themselves.
    original: Vec<Option<usize>>,
}

impl Salted {
    /// The file with steps that hold `salt`.
    pub(super) fn new(dockerfile: &str, salt: &str) -> Self {
        let file = Dockerfile::parse(dockerfile);
        let mut text = dockerfile.to_owned();
        let step = format!("\nCOPY <<LAYERWISE_SALT /{SALT}\n{salt}\nLAYERWISE_SALT");
        for instruction in
            file.instructions().iter().rev().filter(|instruction| starts_from_image(&file, &instruction.body))
        {
            text.insert_str(instruction.range.end, &step);
        }
        let mut original = Vec::new();
        for (index, instruction) in file.instructions().iter().enumerate() {
            original.push(Some(index));
            if starts_from_image(&file, &instruction.body) {
                original.push(None);
            }
        }
        Self { text, original }
    }

    /// The index that an instruction has in the file without the steps.
    pub(super) fn original(&self, instruction: usize) -> Option<usize> {
        self.original.get(instruction).copied().flatten()
    }
}

/// Whether the instruction starts a stage, and not from another stage.
fn starts_from_image(file: &Dockerfile, body: &Body) -> bool {
    let Body::From(from) = body else { return false };
    let mut names = file.instructions().iter().filter_map(|instruction| match &instruction.body {
        Body::From(from) => from.alias.as_ref(),
        _ => None,
    });
    !names.any(|name| name.text.eq_ignore_ascii_case(&from.image.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_from_an_image_is_salted() {
        let salted = Salted::new("ARG a\nFROM x AS One\nRUN 1\nFROM one\nRUN 2\nFROM scratch\nCOPY a b\n", "17");
        let step = "COPY <<LAYERWISE_SALT /.layerwise-salt\n17\nLAYERWISE_SALT\n";
        let expected = format!("ARG a\nFROM x AS One\n{step}RUN 1\nFROM one\nRUN 2\nFROM scratch\n{step}COPY a b\n");
        assert_eq!(salted.text, expected);
        let file = Dockerfile::parse(&salted.text);
        assert!(file.errors().is_empty());
        let indices: Vec<_> = (0..file.instructions().len()).map(|index| salted.original(index)).collect();
        assert_eq!(indices, [Some(0), Some(1), None, Some(2), Some(3), Some(4), Some(5), None, Some(6)]);
    }
}
