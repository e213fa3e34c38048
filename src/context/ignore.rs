//! `.dockerignore`: which paths of the context the builder never sees.
//!
//! A *pattern* is one line of the file. One without `!` leaves out what it matches and everything below; one with `!`
//! takes that back. The last one that matches decides. The language is moby's, not git's: `obj` means the root's `obj`
//! only, and a file below a directory that is left out can come back.
//! <https://docs.docker.com/build/concepts/context/#dockerignore-files>

mod pattern;
mod regexp;
mod set;
mod visited;

#[cfg(test)]
mod tests;

pub(in crate::context) use set::PatternSet;

use super::{Context, ReadError, path};
use crate::text::TextRange;

/// The longest line that the builder reads.
const LINE_LIMIT: usize = 64 * 1024;

/// An ignore file, read.
#[derive(Clone, Debug, Default)]
pub struct IgnoreFile {
    /// Where the file lies, relative to the root of the context.
    pub path: String,
    /// Its patterns in order, the unreadable ones left out.
    pub patterns: Vec<IgnorePattern>,
    /// What the builder would refuse.
    pub errors: Vec<IgnoreError>,
    set: PatternSet,
}

/// One pattern of an ignore file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnorePattern {
    /// The pattern as it is compared: clean, without `!` and without a leading `/`.
    pub text: String,
    /// Where it is written, `!` included.
    pub range: TextRange,
    /// Whether it takes back what earlier patterns left out.
    pub negated: bool,
    /// Its line, from 1.
    pub line: usize,
}

/// A line that fails the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreError {
    /// Where it is written.
    pub range: TextRange,
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong: one phrase, no full stop.
    pub message: String,
}

impl IgnoreFile {
    /// Reads the text of an ignore file; `path` is where it lies.
    pub fn parse(path: &str, text: &str) -> Self {
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        let mut start = 0;
        for (index, full) in text.split_inclusive('\n').enumerate() {
            let bom = if index == 0 && full.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
            file.line(index + 1, start + bom, full.get(bom..).unwrap_or_default());
            start += full.len();
        }
        file
    }

    /// Reads one line, which begins at byte `start`.
    fn line(&mut self, line: usize, start: usize, full: &str) {
        let trimmed = full.trim();
        // Only the first column makes a comment: ` # x` is the pattern `# x`.
        if full.starts_with('#') || trimmed.is_empty() {
            return;
        }
        let start = start + (full.len() - full.trim_start().len());
        let range = TextRange::new(start, start + trimmed.len());
        if full.len() > LINE_LIMIT {
            let message = format!("the line is longer than {LINE_LIMIT} bytes");
            return self.errors.push(IgnoreError { range, line, message });
        }
        match set::normal(&without_root(trimmed)) {
            None => {}
            Some(Err(_)) => {
                let message = "a lone `!` takes nothing back".to_owned();
                self.errors.push(IgnoreError { range, line, message });
            }
            Some(Ok((text, negated))) => match self.set.push(&text, negated) {
                Ok(()) => self.patterns.push(IgnorePattern { text, range, negated, line }),
                Err(error) => {
                    let message = format!("{error} `{text}`");
                    self.errors.push(IgnoreError { range, line, message });
                }
            },
        }
    }

    /// The ignore file that the builder takes for a Dockerfile: `<Dockerfile>.dockerignore` beside it, else the root's
    /// `.dockerignore`, else none. `dockerfile` is its path relative to the root of the context; where it lies outside,
    /// `beside` is the text of the file beside it.
    ///
    /// # Errors
    /// [`ReadError::Unreadable`] where the file is there and cannot be read.
    pub fn of_dockerfile(
        context: &dyn Context,
        dockerfile: &str,
        beside: Option<&str>,
    ) -> Result<Option<Self>, ReadError> {
        let own = format!("{dockerfile}.dockerignore");
        if let Some(text) = beside {
            return Ok(Some(Self::parse(&own, text)));
        }
        for path in [own.as_str(), ".dockerignore"] {
            match context.read(path) {
                Ok(bytes) => return Ok(Some(Self::parse(path, &String::from_utf8_lossy(&bytes)))),
                Err(ReadError::Missing(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Whether the builder never sees `path`, which is relative to the root of the context. The root is always seen.
    pub fn excludes(&self, path: &str) -> bool {
        self.set.matches(&path::clean(path))
    }

    /// The pattern that leaves out `path`; `None` where it is seen.
    pub fn excluding(&self, path: &str) -> Option<&IgnorePattern> {
        self.patterns.get(self.set.decisive(&path::clean(path))?)
    }

    /// Whether something below `directory` may be seen. A walk need not enter where this is false.
    pub fn may_hold_included(&self, directory: &str) -> bool {
        let directory = path::clean(directory);
        !self.set.matches(&directory) || self.set.may_take_back_below(&directory)
    }

    /// Whether any pattern takes back what others left out.
    pub fn has_negations(&self) -> bool {
        self.set.has_negations()
    }
}

/// The pattern with its path clean and one leading `/` dropped, behind the `!`.
fn without_root(trimmed: &str) -> String {
    let (mark, text) = trimmed.strip_prefix('!').map_or(("", trimmed), |text| ("!", text.trim()));
    if text.is_empty() {
        return mark.to_owned();
    }
    let cleaned = path::go_clean(text);
    let relative = cleaned.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&cleaned);
    format!("{mark}{relative}")
}
