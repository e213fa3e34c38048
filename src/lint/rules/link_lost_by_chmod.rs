//! `link-lost-by-chmod`: `COPY --link` that `BuildKit` turns into an ordinary copy.

use crate::cache::Builder;
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};

declare_rule! {
    /// ## What it does
    /// Finds `COPY` and `ADD` with both `--link` and `--chmod`, where `BuildKit` builds.
    ///
    /// ## Why is this bad?
    /// `--link` makes a layer that stays cached when the steps above run again. `BuildKit` does so only without `--chmod`:
    /// with it, the copy depends on everything above, and nothing says so.
    ///
    /// ## Example
    /// ```dockerfile
    /// FROM debian:12
    /// COPY --link --chmod=755 entrypoint.sh /usr/local/bin/
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM debian:12
    /// COPY --link entrypoint.sh /usr/local/bin/
    /// ```
    ///
    /// ## Known problems
    /// There is no fix: without `--chmod` the file keeps the mode that it has in the build context, so that one has to be
    /// set there (`git update-index --chmod=+x`). Seen with `BuildKit` 0.25, and so in its main
    /// branch in August 2026.
    ///
    /// ## References
    /// - [BuildKit: `dispatchCopy`](https://github.com/moby/buildkit/blob/master/frontend/dockerfile/dockerfile2llb/convert_copy.go)
    /// - [Dockerfile reference: `COPY --link`](https://docs.docker.com/reference/dockerfile/#copy---link)
    LinkLostByChmod {
        name: "link-lost-by-chmod",
        aliases: [],
        since: "0.1.0",
        severity: Info,
        fix: None,
    }
}

impl Rule for LinkLostByChmod {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        if subject.profile.builder != Builder::BuildKit {
            return;
        }
        for (id, step) in subject.build.steps() {
            let Some(transfer) = step.transfer().filter(|transfer| transfer.asks_for_link() && !transfer.is_linked())
            else {
                continue;
            };
            let instruction = subject.build.instruction(id);
            let Some(flag) = instruction.flag("link") else { continue };
            let name = if transfer.add { "ADD" } else { "COPY" };
            let message =
                format!("`{name}` with `--chmod` is not linked, so it is copied again after every step that runs");
            let diagnostic = report.add(Self::META, flag.range, message);
            diagnostic.help = Some(
                "give the file its mode in the build context and leave `--chmod` out, or leave `--link` out".to_owned(),
            );
        }
    }
}
