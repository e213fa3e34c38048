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
        let starts = starts_from_images(&file);
        for (instruction, _) in file.instructions().iter().zip(&starts).rev().filter(|(_, starts)| **starts) {
            text.insert_str(instruction.range.end, &step);
        }
        let mut original = Vec::new();
        for (index, starts) in starts.into_iter().enumerate() {
            original.push(Some(index));
            original.extend(starts.then_some(None));
        }
        Self { text, original }
    }

    /// The index that an instruction has in the file without the steps.
    pub(super) fn original(&self, instruction: usize) -> Option<usize> {
        self.original.get(instruction).copied().flatten()
    }
}

/// For each instruction, whether it starts a stage, and not from another stage: only stages above have names that it can
/// start from, so that `FROM nginx AS nginx` starts from the image.
fn starts_from_images(file: &Dockerfile) -> Vec<bool> {
    let mut names: Vec<String> = Vec::new();
    let mut starts = Vec::new();
    for instruction in file.instructions() {
        let Body::From(from) = &instruction.body else {
            starts.push(false);
            continue;
        };
        starts.push(!names.iter().any(|name| name.eq_ignore_ascii_case(&from.image.text)));
        names.extend(from.alias.as_ref().map(|alias| alias.text.clone()));
    }
    starts
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

    #[test]
    fn a_stage_may_have_the_name_of_its_image() {
        let salted = Salted::new("FROM nginx AS nginx\nRUN 1\nFROM later\nFROM nginx AS later\n", "17");
        let step = "COPY <<LAYERWISE_SALT /.layerwise-salt\n17\nLAYERWISE_SALT\n";
        let expected = format!("FROM nginx AS nginx\n{step}RUN 1\nFROM later\n{step}FROM nginx AS later\n");
        assert_eq!(salted.text, expected);
        let indices: Vec<_> = (0..6).map(|index| salted.original(index)).collect();
        assert_eq!(indices, [Some(0), None, Some(1), Some(2), None, Some(3)]);
    }
}
