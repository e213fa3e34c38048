//! `unpinned-base-image`: a `FROM` whose image changes without notice.

use std::collections::BTreeSet;

use crate::context::Context;
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::syntax::Body;

declare_rule! {
    /// ## What it does
    /// Finds `FROM` instructions whose image has no tag, or the tag `latest`, and no digest.
    ///
    /// ## Why is this bad?
    /// The image behind such a name is replaced at every release, major ones included. Builds of the same commit then
    /// differ, and a new base image rebuilds every step.
    ///
    /// ## Example
    /// ```dockerfile
    /// FROM debian
    /// RUN echo hello
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM debian:12.7-slim
    /// RUN echo hello
    /// ```
    ///
    /// ## Known problems
    /// An image whose name or tag is a variable is not checked, because its value may come from the command line. A context
    /// that `docker build --build-context` gives in the place of an image is known only where a Compose or Bake file says so.
    ///
    /// ## References
    /// - [Docker: pin base image versions](https://docs.docker.com/build/building/best-practices/#pin-base-image-versions)
    UnpinnedBaseImage {
        name: "unpinned-base-image",
        aliases: ["DL3006", "DL3007"],
        since: "0.1.0",
        severity: Warning,
        fix: None,
    }
}

impl Rule for UnpinnedBaseImage {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let mut stages = BTreeSet::from(["scratch".to_owned()]);
        for instruction in subject.file.instructions() {
            let Body::From(from) = &instruction.body else { continue };
            let image = from.image.text.as_str();
            let known = stages.contains(&image.to_ascii_lowercase());
            stages.extend(from.alias.iter().map(|alias| alias.text.to_ascii_lowercase()));
            // A context that the build is given takes the place of an image of its name.
            let known = known || subject.context().is_some_and(|context| context.has_other(image));
            let Some(problem) = problem(image).filter(|_| !known) else { continue };
            let diagnostic = report.add(Self::META, from.image.range, format!("base image `{image}` {problem}"));
            diagnostic.help = Some("name the version that the build is tested with, such as `image:1.2`".to_owned());
        }
    }
}

/// Why an image reference is not pinned; `None` where it is, or cannot be known.
fn problem(image: &str) -> Option<&'static str> {
    let name = image.rsplit('/').next().filter(|name| !name.is_empty())?;
    let variable = |text: &str| text.contains(['$', '{', '}']);
    match name.split_once(':') {
        _ if image.contains('@') => None,
        None if variable(name) => None,
        None => Some("has no tag, which means `latest`"),
        Some((_, "latest")) => Some("has the tag `latest`"),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_pinned_from_unpinned() {
        for (image, unpinned) in [
            ("debian", true),
            ("debian:latest", true),
            ("localhost:5000/app", true),
            ("registry.example/team/app:latest", true),
            ("debian:12", false),
            ("localhost:5000/app:1", false),
            ("debian@sha256:abc", false),
            ("debian:latest@sha256:abc", false),
            ("debian:$VERSION", false),
            ("${BASE}", false),
            ("${BASE:-debian:latest}", false),
            ("${BASE:-team/debian:latest}", false),
            ("$REGISTRY/debian", true),
            ("${REGISTRY}/debian:latest", true),
            ("", false),
        ] {
            assert_eq!(problem(image).is_some(), unpinned, "{image}");
        }
    }
}
