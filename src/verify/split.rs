//! A candidate that runs in another image than the original: a build split into a stage that builds and one that runs.
//!
//! Such images are never equal: the one lacks the tools of the other on purpose. Less can be proven, and it is said in these
//! words. What the candidate's own steps make is in the original too, at the same path and the same; what the file says of
//! the image is the same; and both go the same way when they are started, which must not be a failure. Whether the program
//! opens anything that was left out after that time stays unknown.

use super::compare::{Difference, DifferenceKind};
use super::engine::BuiltImage;
use super::image_config::ConfigDifference;
use super::proof::{Explained, Job, Side, explained};
use super::smoke::{Fate, Smoke};
use crate::syntax::Body;

/// What a candidate that runs in another image has not, or has from that image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Paths that steps of the original made, and that are left out or another image's.
    pub left_out: usize,
    /// Paths in which the two images below differ.
    pub of_base: usize,
}

impl Split {
    /// What was left out, as a phrase.
    pub fn in_words(self) -> String {
        let paths = if self.left_out == 1 { "path" } else { "paths" };
        format!(
            "all that its last stage makes is the same; {} {paths} of the build and {} of the image below are left out or \
             others",
            self.left_out, self.of_base
        )
    }
}

/// Whether a start bears out that the candidate runs: both go the same way each time, and not by failing.
pub(super) fn is_borne_out(smoke: &Smoke) -> bool {
    let works = matches!(smoke.before.fate, Fate::Running | Fate::Healthy | Fate::Exited(0));
    works && smoke.before.fate == smoke.after.fate && smoke.otherwise.is_none()
}

/// Tells what was left out from differences of what the candidate's own steps make.
pub(super) fn sorted(found: Vec<Explained>) -> (Split, Vec<Explained>) {
    let mut split = Split::default();
    let mut own = Vec::new();
    // The other names of a file may be among what is left out, as those that cargo gives to a program.
    let is_of_names =
        |found: &Explained| found.difference.kind == DifferenceKind::HardLink && found.difference.after.is_empty();
    for explained in found.into_iter().filter(|found| !is_of_names(found)) {
        let is_of_base = explained.step_after.as_ref().is_some_and(|step| step.line.is_none());
        if explained.difference.kind != DifferenceKind::Removed && !is_of_base {
            own.push(explained);
        } else if explained.step_before.as_ref().is_some_and(|step| step.line.is_some()) {
            split.left_out += 1;
        } else {
            split.of_base += 1;
        }
    }
    (split, own)
}

/// The differences of what the candidate's own steps make.
pub(super) fn own(job: &Job<'_>, images: (&BuiltImage, &BuiltImage), found: Vec<Difference>) -> Vec<Difference> {
    sorted(explained(job, images, found)).1.into_iter().map(|explained| explained.difference).collect()
}

/// Whether a property is one that the candidate's file sets; other variables and labels are those of the images below.
pub(super) fn is_set(job: &Job<'_>, found: &ConfigDifference) -> bool {
    let named = found.property.split_once(' ').filter(|(kind, _)| matches!(*kind, "Env" | "Labels"));
    let Some((_, name)) = named else { return true };
    job.draft(Side::After).with_build(&job.surroundings, |build| {
        let sets = |body: &Body| match body {
            Body::Env(pairs) | Body::Label(pairs) => {
                pairs.iter().any(|pair| pair.key.text.trim_matches(['"', '\'']) == name)
            }
            _ => false,
        };
        build.inputs.file.instructions().iter().any(|instruction| sets(&instruction.body))
    })
}

#[cfg(test)]
mod tests {
    use super::{Split, is_borne_out, sorted};
    use crate::verify::compare::{Difference, DifferenceKind};
    use crate::verify::smoke::{Fate, Ran, Smoke};
    use crate::verify::{Explained, Origin};

    /// What made a side.
    enum Side {
        Nothing,
        Base,
        Own,
    }

    fn difference(kind: DifferenceKind, before: Side, after: Side) -> Explained {
        let step = |side: Side| match side {
            Side::Nothing => None,
            Side::Base => Some(Origin { line: None, instruction: String::new() }),
            Side::Own => Some(Origin { line: Some(4), instruction: String::new() }),
        };
        let path = "/x".to_owned();
        let difference = Difference { path, kind, before: String::new(), after: String::new(), sizes: (0, 0) };
        Explained { difference, step_before: step(before), step_after: step(after) }
    }

    #[test]
    fn only_what_is_left_out_or_of_the_image_below_may_differ() {
        let found = vec![
            difference(DifferenceKind::Removed, Side::Own, Side::Nothing),
            difference(DifferenceKind::Removed, Side::Base, Side::Nothing),
            difference(DifferenceKind::Content, Side::Base, Side::Base),
            difference(DifferenceKind::Added, Side::Nothing, Side::Base),
            difference(DifferenceKind::Mode, Side::Own, Side::Base),
            difference(DifferenceKind::Content, Side::Own, Side::Own),
            difference(DifferenceKind::Added, Side::Nothing, Side::Own),
            difference(DifferenceKind::Content, Side::Nothing, Side::Nothing),
            difference(DifferenceKind::HardLink, Side::Own, Side::Own),
        ];
        let (split, own) = sorted(found);
        assert_eq!(split, Split { left_out: 2, of_base: 3 });
        assert_eq!(own.len(), 3);
    }

    #[test]
    fn a_failure_bears_nothing_out() {
        let ran = |fate: Fate| Ran { fate, seconds: 1.0, output: String::new() };
        let smoke = |before, after, otherwise| Smoke { before: ran(before), after: ran(after), otherwise };
        assert!(is_borne_out(&smoke(Fate::Running, Fate::Running, None)));
        assert!(is_borne_out(&smoke(Fate::Exited(0), Fate::Exited(0), None)));
        assert!(!is_borne_out(&smoke(Fate::Exited(1), Fate::Exited(1), None)));
        assert!(!is_borne_out(&smoke(Fate::NoCommand, Fate::NoCommand, None)));
        assert!(!is_borne_out(&smoke(Fate::Running, Fate::Exited(127), None)));
        assert!(!is_borne_out(&smoke(Fate::Running, Fate::Exited(127), Some(Fate::Running))));
    }
}
