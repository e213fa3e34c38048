//! Findings of the engine itself: no rule reports them, yet each has a name, a severity and a manual page.

use super::Meta;
use super::meta::declare_rule;

/// Every built-in finding, in the order of the manual.
pub static FINDINGS: &[&Meta] = &[SyntaxProblem::META, UnknownSuppression::META];

declare_rule! {
    /// ## What it does
    /// Reports what `BuildKit`'s parser rejects: an unknown instruction, a missing argument, a heredoc that never ends,
    /// a file without instructions.
    ///
    /// ## Why is this bad?
    /// `docker build` stops at the first of these. layerwise reads on and checks the rest of the file.
    ///
    /// ## Example
    /// ```dockerfile
    /// FROM alpine:3.20
    /// RUUN apk add curl
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM alpine:3.20
    /// RUN apk add curl
    /// ```
    ///
    /// ## Known problems
    /// `--select` and `# layerwise ignore=all` do not turn this off, because a file that cannot be built is never clean.
    /// `--ignore syntax-error` does.
    ///
    /// ## References
    /// - [Dockerfile reference](https://docs.docker.com/reference/dockerfile/)
    SyntaxProblem {
        name: "syntax-error",
        aliases: ["DL1000"],
        since: "0.1.0",
        severity: Error,
        fix: None,
    }
}

declare_rule! {
    /// ## What it does
    /// Finds `# layerwise ignore=` comments that name a rule which does not exist.
    ///
    /// ## Why is this bad?
    /// The comment silences nothing, and its reader believes that it does.
    ///
    /// ## Example
    /// ```dockerfile
    /// # layerwise ignore=unpined-base-image the newest is wanted
    /// FROM alpine
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// # layerwise ignore=unpinned-base-image the newest is wanted
    /// FROM alpine
    /// ```
    ///
    /// ## Fix safety
    /// Safe: a comment never reaches the image. There is a fix where one rule has a similar name.
    ///
    /// ## Known problems
    /// Comments for other tools (`# hadolint ignore=`, `# check=skip=`) may name checks that layerwise does not have, so
    /// they are never reported.
    UnknownSuppression {
        name: "unknown-suppression",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}
