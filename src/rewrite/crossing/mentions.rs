//! Paths that stand in the text of a step, or in the settings that it reads, whatever becomes of them: packages are looked
//! for in `dir:///app/rpms`, repositories in `--setopt=reposdir=/app/repos`.

use super::{Crossing, Obstacle, Reader};
use crate::{
    context::Filtered,
    ecosystem::{Effect, is_settings_file, names_settings_file},
    model::{KnownCommand, Root, StagePath},
    rewrite::carried::Bring,
};

/// Files with more bytes are no settings.
const LARGEST: usize = 200_000;

/// Entries of a copied directory among which settings are looked for.
const MOST_ENTRIES: usize = 1000;

impl Reader<'_> {
    /// Nothing of the copy may be named where it is not known what becomes of it.
    pub(super) fn check_mentions(&self, crossing: &Crossing) -> Result<(), Obstacle> {
        let instruction = self.carried.build.instruction(self.id);
        let source = self.carried.build.inputs.file.source();
        let text = source.get(instruction.range.start..instruction.block(source).end).unwrap_or_default();
        for path in addressed(text) {
            self.check_mention(&path, &path)?;
        }
        for command in self.run.commands.iter().filter(|command| opens(command)) {
            for word in &command.command.words {
                for path in named(&word.raw) {
                    self.check_mention(&path, &word.raw)?;
                }
            }
        }
        let ahead = |path: &str| {
            let place = StagePath::root().join(path);
            crossing.manifests.iter().any(|other| place.below(&other.place).is_some())
        };
        self.check_settings_above(&ahead)?;
        let Some((context, _)) = self.carried.placement() else { return Ok(()) };
        for needed in crossing.manifests.iter().filter(|needed| !needed.directory) {
            let Some(text) = short_text(context, &needed.path) else { continue };
            let settings = is_settings_file(&needed.path);
            let found = addressed(&text).into_iter().chain(if settings { named(&text) } else { Vec::new() });
            for path in found.filter(|path| !ahead(path)) {
                self.check_mention(&path, &needed.path)?;
            }
        }
        Ok(())
    }

    /// Nothing of the copy may be named by settings that steps above have written or copied to where programs find them, but
    /// for what is copied `ahead`.
    fn check_settings_above(&self, ahead: &dyn Fn(&str) -> bool) -> Result<(), Obstacle> {
        let build = self.carried.build;
        let source = build.inputs.file.source();
        for id in build.ids_to(self.id).filter(|id| *id != self.carried.id) {
            let instruction = build.instruction(id);
            let text = source.get(instruction.range.start..instruction.block(source).end).unwrap_or_default();
            if names_settings_file(text) || text.contains("config") {
                for path in named(text).iter().filter(|path| !ahead(path)) {
                    self.check_mention(path, path)?;
                }
            }
            let placement = build.step(id).transfer().and_then(|transfer| transfer.placement.as_ref());
            let (Some(placement), Some(context)) = (placement, build.inputs.context) else { continue };
            for file in placement.roots.iter().flat_map(|root| settings_of(context, root)) {
                let found = short_text(context, &file).map(|text| named(&text)).unwrap_or_default();
                for path in found.iter().filter(|path| !ahead(path)) {
                    self.check_mention(path, &file)?;
                }
            }
        }
        Ok(())
    }

    fn check_mention(&self, path: &str, evidence: &str) -> Result<(), Obstacle> {
        let place = StagePath::root().join(path);
        let brought = match self.carried.brings(&place) {
            Bring::File(_) => true,
            // The root of what is copied is where people work, and says nothing of its files.
            Bring::Directory(from) => !from.is_empty() && self.carried.transfer.destination.as_ref() != Some(&place),
            Bring::Nothing | Bring::Mixed | Bring::Unknown => false,
        };
        if brought && !self.is_accounted_for(&place) {
            return Err(self.obstacle(format!("it names `{place}`, which is copied before it"), evidence));
        }
        Ok(())
    }

    /// Whether it is known what the step does at a place, or below it.
    fn is_accounted_for(&self, place: &StagePath) -> bool {
        let meets = |other: &StagePath| other.below(place).is_some() || place.below(other).is_some();
        let by_command = |command: &KnownCommand| {
            let closure = command.closure.iter();
            let reads = closure.clone().flat_map(|closure| &closure.reads).map(|read| &read.path);
            let writes = closure.flat_map(|closure| &closure.writes).map(|write| &write.path);
            let in_project = || reads.chain(writes).filter_map(|path| command.place_of(path));
            command.directory.as_ref().is_some_and(|directory| directory.below(place).is_some())
                || command.accesses.iter().any(|access| meets(&access.path))
                || in_project().any(|path| meets(&path))
        };
        let mounted = || self.run.mounts.iter().filter_map(|mount| mount.target.as_ref());
        self.run.commands.iter().any(by_command) || mounted().any(meets)
    }
}

/// Files of a root that hold settings.
fn settings_of(context: &Filtered<'_>, root: &Root) -> Vec<String> {
    if !root.directory {
        let named = is_settings_file(&root.context) || is_settings_file(&root.landing.to_string());
        return named.then(|| root.context.clone()).into_iter().collect();
    }
    let found = context.walk(&root.context, MOST_ENTRIES).found;
    found.into_iter().map(|(path, _)| path).filter(|path| is_settings_file(path)).collect()
}

fn short_text(context: &Filtered<'_>, path: &str) -> Option<String> {
    let bytes = context.read(path).ok().filter(|bytes| bytes.len() <= LARGEST)?;
    String::from_utf8(bytes).ok()
}

/// Whether a command opens more than its words are known to name.
fn opens(command: &KnownCommand) -> bool {
    matches!(command.effect(), Effect::ContextFree | Effect::Download | Effect::Install | Effect::Generate)
}

fn is_path_letter(letter: char) -> bool {
    letter.is_alphanumeric() || "/._-+@".contains(letter)
}

/// The absolute paths of addresses: `file:///app/debs`, `dir:/app/rpms`.
fn addressed(text: &str) -> Vec<String> {
    let starts = ["file:", "dir:"].into_iter().flat_map(|scheme| text.match_indices(scheme));
    let paths = starts.filter_map(|(at, scheme)| {
        let path = text.get(at + scheme.len()..)?;
        let end = path.find(|letter| !is_path_letter(letter)).unwrap_or(path.len());
        path[..end].starts_with('/').then(|| format!("/{}", path[..end].trim_start_matches('/')))
    });
    paths.collect()
}

/// The absolute paths of a text.
fn named(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        if letter == '/' && !is_path_letter(before) && !"~$}:".contains(before) {
            let path = &text[at..];
            let end = path.find(|letter| !is_path_letter(letter)).unwrap_or(path.len());
            found.push(path[..end].to_owned());
        }
        before = letter;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{addressed, named};

    #[test]
    fn absolute_paths_are_found() {
        assert_eq!(named("--setopt=reposdir=/app/repos,\"/b c/d\" ./e f/g https://h/i $J/k ~/l"), ["/app/repos", "/b"]);
        assert_eq!(addressed("deb [x] file:/app/debs ./ dir:///r file:./s file:t"), ["/app/debs", "/r"]);
    }
}
