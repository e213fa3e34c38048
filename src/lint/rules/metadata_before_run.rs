//! `metadata-before-run`: a label that a release changes stands above a step whose cache key holds it.

use crate::diagnostic::Label;
use crate::lint::meta::declare_rule;
use crate::lint::sinking;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::rewrite::{early_labels, sink_labels};

declare_rule! {
    /// ## What it does
    /// Finds `LABEL`s with a version, a date or a commit above `RUN` steps that take time, for the builders in whose cache
    /// keys labels stand: `legacy`, `buildah` and `kaniko`. For `buildkit`, the default, it is silent.
    ///
    /// ## Why is this bad?
    /// These builders look for an image that has all earlier instructions in common. A new version in a label is another
    /// instruction, so every step below it runs again, though none reads it.
    ///
    /// ## Example
    /// ```toml layerwise.toml
    /// builder = "buildah"
    /// ```
    /// ```dockerfile
    /// FROM debian:12
    /// LABEL version="1.4.2"
    /// RUN apt-get update && apt-get install -y curl
    /// CMD ["curl"]
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM debian:12
    /// RUN apt-get update && apt-get install -y curl
    /// LABEL version="1.4.2"
    /// CMD ["curl"]
    /// ```
    ///
    /// ## Fix safety
    /// Safe: the image has the same labels. Nothing is moved where a label of the same name follows, or a variable in the
    /// label is set anew on the way.
    ///
    /// ## Known problems
    /// Whether a label changes often is told by its name. A label that holds a build argument is not reported: the
    /// argument is in the keys of the steps below, wherever the label stands.
    ///
    /// ## References
    /// - [buildah: `getCreatedBy`](https://github.com/containers/buildah/blob/main/imagebuildah/stage_executor.go)
    /// - [OCI: annotations](https://github.com/opencontainers/image-spec/blob/main/annotations.md)
    MetadataBeforeRun {
        name: "metadata-before-run",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for MetadataBeforeRun {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        if !subject.profile.metadata_keys() {
            return;
        }
        for stage in 0..subject.build.stages.len() {
            let Some((labels, run)) = early_labels(subject.build, stage) else { continue };
            let Some(first) = labels.first() else { continue };
            let title = subject.profile.builder.title();
            let message = format!("{title} has this label in the cache keys of all steps below it");
            let diagnostic = report.add(Self::META, subject.build.instruction(*first).range, message);
            let cost = subject.numbers.cost(subject.build.step(run).instruction);
            diagnostic.related.push(Label {
                range: subject.build.instruction(run).range,
                message: format!("runs again with every new label, and takes about {:.0} s", cost.seconds),
            });
            diagnostic.help = Some("set labels below the last step that takes time".to_owned());
            diagnostic.fix = sink_labels(subject.build, &labels).map(|change| sinking::fix_of(subject, change));
        }
    }
}
