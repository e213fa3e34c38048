//! Files that were read and wait for their check.

use std::io::Read;
use std::sync::Arc;

use super::inputs::{Input, Place, STANDARD_INPUT};
use super::results::RebuildCost;
use super::{CheckedFile, parallel};
use crate::analysis::{self, Session};
use crate::cli::failure::Failure;
use crate::cli::read;
use crate::config::{Discovery, FileSettings, InlineDockerfile};
use crate::diagnostic::Diagnostic;
use crate::syntax::{Body, Dockerfile};

/// What template languages put before their own words.
const DELIMITERS: [&str; 3] = ["{{", "{%", "<%"];

/// A file with its text and what holds for it.
pub(super) struct Job {
    pub(super) input: Input,
    pub(super) source: String,
    pub(super) settings: FileSettings,
    /// The text of the file in which the Dockerfile stands as a part.
    document: Option<String>,
    session: Arc<Session>,
}

/// All files that are checked.
#[derive(Default)]
pub(super) struct Jobs {
    /// Sorted by name.
    pub(super) jobs: Vec<Job>,
    /// How many files were passed over because they become Dockerfiles only when something fills them in.
    pub(super) templates: usize,
}

impl Jobs {
    pub(super) fn read(inputs: &[Input], discovery: &Discovery, failures: &mut Vec<Failure>) -> Self {
        let session = Arc::new(Session::default());
        let read = parallel::map(inputs, |input| Job::read(input, discovery, &session));
        let mut all = Self::default();
        for result in read {
            match result {
                Ok(job) if !job.input.named && is_template(&job.source) => all.templates += 1,
                Ok(job) => all.jobs.push(job),
                Err(failure) => failures.push(failure),
            }
        }
        all
    }
}

impl Job {
    fn read(input: &Input, discovery: &Discovery, session: &Arc<Session>) -> Result<Self, Failure> {
        let settings = match &input.inline {
            Some(build) => discovery.for_build(build),
            None => discovery.for_file(&input.path),
        };
        let settings = settings.map_err(Failure::Config)?;
        let text = match input.place {
            Place::File => read::file(&input.path, &input.name),
            Place::StandardInput => read::stream(std::io::stdin().lock().by_ref(), &input.name),
        }?;
        let inline = input.inline.as_ref().and_then(|build| build.inline.as_ref());
        let (source, document) = match inline {
            Some(inline) => (inline.text.clone(), Some(text)),
            None => (text, None),
        };
        Ok(Self { input: input.clone(), source, settings, document, session: Arc::clone(session) })
    }

    /// The text of the file on disk.
    pub(super) fn file_text(&self) -> &str {
        self.document.as_deref().unwrap_or(&self.source)
    }

    /// Whether the Dockerfile is a part of another file, which nothing writes.
    pub(super) fn is_inline(&self) -> bool {
        self.document.is_some()
    }

    pub(super) fn analysis(&self) -> analysis::Input<'_> {
        self.analysis_with(&self.session)
    }

    /// The same with folders looked into anew.
    pub(super) fn analysis_with<'a>(&'a self, session: &'a Session) -> analysis::Input<'a> {
        let path =
            (self.input.place == Place::File || self.input.name != STANDARD_INPUT).then_some(self.input.path.as_path());
        analysis::Input { path, source: &self.source, settings: &self.settings, session, pending: &[] }
    }

    /// What a change costs with a text as it is and as it is planned; `None` where the build or its context is not known.
    pub(super) fn rebuild_cost(&self, source: &str) -> Option<RebuildCost> {
        let session = Session::default();
        let input = analysis::Input { source, ..self.analysis_with(&session) };
        let (before, after) = analysis::rebuild_cost(&input)?;
        Some(RebuildCost { before, after })
    }

    /// The file with what was found in it, or in the text that it has become.
    pub(super) fn checked(&self, source: &str, diagnostics: Vec<Diagnostic>) -> CheckedFile {
        let fail_on = self.settings.settings.fail_on;
        let inline = self.input.inline.as_ref().and_then(|build| build.inline.as_ref());
        match (&self.document, inline) {
            (Some(document), Some(inline)) => {
                let diagnostics = diagnostics.into_iter().map(|found| placed(found, inline)).collect();
                CheckedFile::new(&self.input.name, document, diagnostics, fail_on)
            }
            _ => CheckedFile::new(&self.input.name, source, diagnostics, fail_on),
        }
    }
}

/// A finding in a Dockerfile as one in the file that it stands in. Its fix is left out: the text in that file may be written
/// in another way.
fn placed(mut diagnostic: Diagnostic, inline: &InlineDockerfile) -> Diagnostic {
    diagnostic.range = inline.place(diagnostic.range);
    for label in &mut diagnostic.related {
        label.range = inline.place(label.range);
    }
    diagnostic.fix = None;
    diagnostic
}

/// Files of one name as one: several Dockerfiles may stand in a file.
pub(super) fn joined(files: Vec<CheckedFile>) -> Vec<CheckedFile> {
    let mut all: Vec<CheckedFile> = Vec::new();
    for file in files {
        match all.last_mut().filter(|last| last.name == file.name && last.source == file.source) {
            Some(last) => *last = last.joined(file),
            None => all.push(file),
        }
    }
    all
}

/// Whether an instruction or a base image is a template's word, which no Dockerfile can have there.
fn is_template(source: &str) -> bool {
    let has_delimiter = |text: &str| DELIMITERS.iter().any(|delimiter| text.contains(delimiter));
    if !has_delimiter(source) {
        return false;
    }
    Dockerfile::parse(source).instructions().iter().any(|instruction| match &instruction.body {
        Body::From(from) => has_delimiter(&from.image.text),
        _ => has_delimiter(instruction.keyword_range.of(source)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_templates_from_dockerfiles_that_use_braces() {
        for (source, expected) in [
            ("{{ header }}\nFROM alpine:3.20\n", true),
            ("FROM {{ image }}\n", true),
            ("FROM alpine:3.20\n{% if x %}\nRUN y\n{% endif %}\n", true),
            ("FROM alpine:<%= version %>\n", true),
            ("FROM alpine:3.20\nRUN docker inspect -f '{{ .Id }}' x\n", false),
            ("FROM ${IMAGE:-${OTHER}}\nLABEL a=\"<%\"\n", false),
        ] {
            assert_eq!(is_template(source), expected, "{source}");
        }
    }
}
