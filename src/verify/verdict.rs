//! What the builds have shown, in one word.

use super::{Proof, Replay};

/// All that was found of two files.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// Their images.
    pub proof: Proof,
    /// Their caches; `None` where nothing was replayed.
    pub replay: Option<Replay>,
}

impl Verified {
    /// Whether the candidate may take the original's place: equal images, and caches that did as predicted.
    pub fn is_proven(&self) -> bool {
        self.proof.is_equal() && self.replay.iter().flat_map(|replay| &replay.changes).all(super::Replayed::agrees)
    }

    /// The verdict in one line, without the name of the file.
    pub fn in_words(&self) -> String {
        if let Some(reason) = &self.proof.broken {
            return format!("differs: the candidate does not build: {}", reason.lines().next().unwrap_or_default());
        }
        let (paths, properties) = (self.proof.differences.len(), self.proof.config.len());
        if paths + properties > 0 {
            let said = [counted(paths, "path", "paths"), counted(properties, "property", "properties")];
            return format!("differs: {} of the image", said.into_iter().flatten().collect::<Vec<_>>().join(" and "));
        }
        let changes = self.replay.as_ref().map_or(&[][..], |replay| &replay.changes);
        if let Some(wrong) = changes.iter().find(|change| !change.agrees()) {
            let what = match () {
                () if !wrong.stale.is_empty() => "the cache made another image than a clean build",
                () if !wrong.differences.is_empty() => "the images are not the same",
                () => "the cache did not do as predicted",
            };
            return format!("differs: at {}, {what}", wrong.change);
        }
        let built = changes.iter().filter(|change| change.skipped.is_none()).count();
        match counted(built, "change", "changes") {
            Some(changes) => format!("proven equal, and after {changes}"),
            None => "proven equal".to_owned(),
        }
    }
}

fn counted(count: usize, one: &str, many: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
}
