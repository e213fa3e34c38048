//! What the builds have shown, in one word.

use std::collections::BTreeSet;

use super::drawn::Alike;
use super::stumble::unsteady;
use super::{Proof, Replay, Side, Stumble};

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
        let mut changes = self.replay.iter().flat_map(|replay| &replay.changes);
        self.proof.is_equal() && changes.all(super::Replayed::agrees) && self.unsteady().is_none()
    }

    /// Builds that failed, and did not when they were done again.
    pub fn stumbles(&self) -> impl Iterator<Item = &Stumble> + Clone {
        self.proof.stumbles.iter().chain(self.replay.iter().flat_map(|replay| &replay.stumbles))
    }

    /// One of the candidate that no build of the original knows.
    fn unsteady(&self) -> Option<&Stumble> {
        unsteady(self.stumbles())
    }

    /// How many changes were built with both files.
    pub fn replayed(&self) -> usize {
        let changes = self.replay.iter().flat_map(|replay| &replay.changes);
        changes.filter(|change| change.is_built()).count()
    }

    /// How many paths of the candidate differ from the original as two builds of the original do, in the images and in those
    /// of the changes; names that are drawn anew are one path. The builds prove nothing of them.
    pub fn noisy_paths(&self) -> usize {
        let changes = self.replay.iter().flat_map(|replay| &replay.changes);
        let all = self.proof.noise.iter().chain(changes.flat_map(|change| &change.noise));
        all.map(|found| Alike::masked(&found.path)).collect::<BTreeSet<_>>().len()
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
        let smoke = self.proof.smoke.as_ref();
        if let Some(smoke) = smoke.filter(|smoke| !smoke.agrees()) {
            return format!("differs: {}", smoke.in_words());
        }
        if let Some(stumble) = self.unsteady() {
            let at = stumble.change.as_ref().map(|change| format!("at {change}, ")).unwrap_or_default();
            let reason = stumble.reason.lines().next().unwrap_or_default();
            return format!("differs: {at}the candidate does not build each time: {reason}");
        }
        if let Some(split) = self.proof.split.filter(|_| !self.proof.is_equal()) {
            let why = match smoke {
                Some(smoke) => format!("what was started bears nothing out: {}", smoke.in_words()),
                None => "nothing was started (`--smoke`)".to_owned(),
            };
            return format!("differs: {}, and {why}", split.in_words());
        }
        let changes = self.replay.as_ref().map_or(&[][..], |replay| &replay.changes);
        if let Some(wrong) = changes.iter().find(|change| !change.agrees()) {
            let what = match () {
                () if wrong.broken.is_some() => "the candidate does not build, and the original does",
                () if !wrong.stale.is_empty() => "the cache made another image than a clean build",
                () if !wrong.differences.is_empty() => "the images are not the same",
                () => "the cache did not do as predicted",
            };
            return format!("differs: at {}, {what}", wrong.change);
        }
        let built = self.replayed();
        let after = counted(built, "change", "changes").map(|changes| format!(", and after {changes}"));
        let (paths, properties) = (self.noisy_paths(), self.proof.config_noise.len());
        let noisy = [counted(paths, "path", "paths"), counted(properties, "property", "properties")];
        let noisy = noisy.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        let differ = if paths + properties == 1 { "differs" } else { "differ" };
        let alone = (paths + properties > 0)
            .then(|| format!(", but for {noisy} that {differ} between two builds of the original"));
        let skipped = counted(changes.len() - built, "change was", "changes were");
        let skipped = skipped.map(|changes| format!("; {changes} not replayed"));
        let stopped = self.replay.as_ref().is_some_and(|replay| replay.stopped.is_some());
        let stopped = stopped.then(|| "; no change was replayed".to_owned());
        let smoke = smoke.map(|smoke| format!("; {}", smoke.in_words()));
        let stumbled = self.stumbles().map(|stumble| stumble.side).max().map(|last| match last {
            Side::Before => "; the file as it is does not build each time".to_owned(),
            Side::After => "; neither of the files builds each time".to_owned(),
        });
        let parts = [after, alone, smoke, skipped, stopped, stumbled];
        let proven = match self.proof.split {
            None => "proven equal".to_owned(),
            Some(split) => format!("proven as a split: {}", split.in_words()),
        };
        parts.into_iter().flatten().fold(proven, |said, part| said + &part)
    }
}

fn counted(count: usize, one: &str, many: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
}
