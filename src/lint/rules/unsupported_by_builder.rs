//! `unsupported-by-builder`: what the file uses and its builder does not have.

use crate::cache::{Verdict, unsupported};
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};

declare_rule! {
    /// ## What it does
    /// Finds flags and heredocs that the builder does not have, or the version of the Dockerfile frontend that the file's
    /// `# syntax=` line names.
    ///
    /// ## Why is this bad?
    /// Some builders refuse such a file. Others pass over what they do not know and build something else: the legacy
    /// builder copies what `--exclude` names, and kaniko runs without the files of a bind mount.
    ///
    /// ## Example
    /// ```dockerfile
    /// # syntax=docker/dockerfile:1.4
    /// FROM debian:12
    /// COPY --exclude=*.md . /src
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// # syntax=docker/dockerfile:1
    /// FROM debian:12
    /// COPY --exclude=*.md . /src
    /// ```
    ///
    /// ## Known problems
    /// What each builder has is a table (`rules/builders.toml`), of buildah 1.43 and Docker 28.5; older ones have less. A
    /// file without a `# syntax=` line is held against the newest frontend.
    ///
    /// ## References
    /// - [Dockerfile reference](https://docs.docker.com/reference/dockerfile/)
    /// - [Dockerfile frontend: versions](https://docs.docker.com/build/buildkit/frontend/)
    UnsupportedByBuilder {
        name: "unsupported-by-builder",
        aliases: [],
        since: "0.1.0",
        severity: Error,
        fix: None,
    }
}

impl Rule for UnsupportedByBuilder {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let builder = subject.profile.builder;
        for found in unsupported(subject.file, builder) {
            let Some(instruction) = subject.file.instructions().get(found.instruction) else { continue };
            let diagnostic = report.add(Self::META, instruction.keyword_range, found.phrase(builder));
            diagnostic.help = Some(match (&found.since, found.verdict) {
                (Some(since), _) => format!("name version {since} or later in the `# syntax=` line, or just `1`"),
                (None, Verdict::Refused | Verdict::Misread) => {
                    "write it without, or name the builder that builds it: `builder` in `layerwise.toml`".to_owned()
                }
            });
        }
    }
}
