//! `label-schema`: labels of the image that are not as the configuration wants them.

use crate::lint::meta::declare_rule;
use crate::lint::{LabelKind, Meta, Reporter, Rule, Subject};
use crate::model::StepId;
use crate::syntax::{self, Body, Pair};
use crate::text::TextRange;

declare_rule! {
    /// ## What it does
    /// Holds the labels of the image against the `label-schema` of `layerwise.toml`: a label that the schema names must be
    /// there and its value must have the form that the schema says. With `strict-labels = true` there must be no other
    /// label. Without these keys it finds nothing.
    ///
    /// The labels are those of the last stage and of the stages that it starts from; of two with one name, the later one.
    /// The forms are `text` (any but empty), `url`, `semver`, `rfc3339` (a date with time and zone), `spdx` (a license
    /// expression), `hash` (a git commit) and `email`.
    ///
    /// ## Why is this bad?
    /// Registries, scanners and people find an image's sources, version and license by its labels. One that is missing or
    /// malformed is noticed when somebody searches for it.
    ///
    /// ## Example
    /// ```toml layerwise.toml
    /// [label-schema]
    /// "org.opencontainers.image.source" = "url"
    /// "org.opencontainers.image.version" = "semver"
    /// ```
    /// ```dockerfile
    /// FROM debian:12.7-slim
    /// LABEL org.opencontainers.image.version="v1.4"
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM debian:12.7-slim
    /// LABEL org.opencontainers.image.source="https://example.org/team/app" \
    ///       org.opencontainers.image.version="1.4.0"
    /// ```
    ///
    /// ## Known problems
    /// A value with a variable that only the build knows is taken to be right. Labels that the base image has, and those
    /// that `docker build --label` adds, are not seen.
    ///
    /// ## References
    /// - [Dockerfile reference: LABEL](https://docs.docker.com/reference/dockerfile/#label)
    /// - [Annotations that the OCI defines](https://github.com/opencontainers/image-spec/blob/main/annotations.md)
    LabelSchema {
        name: "label-schema",
        aliases: ["DL3049", "DL3050", "DL3051", "DL3052", "DL3053", "DL3054", "DL3055", "DL3056", "DL3058"],
        since: "0.1.0",
        severity: Warning,
        fix: None,
    }
}

impl Rule for LabelSchema {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let schema = &subject.options.labels;
        let Some(labels) = (!schema.is_empty()).then(|| labels(subject)).flatten() else { return };
        report_missing(subject, &labels, report);
        for label in &labels {
            match (&label.name, &label.value) {
                (Some(name), _) if schema.strict && !schema.required.contains_key(name) => {
                    let message = format!("the schema of labels does not know `{name}`");
                    report.add(Self::META, label.key_range, message).help =
                        Some("remove the label, or add it to `label-schema`".to_owned());
                }
                (Some(name), Some(value)) => {
                    let wrong = schema.required.get(name).filter(|kind| !kind.accepts(value));
                    if let Some(kind) = wrong {
                        report_value(label.value_range, name, value, *kind, report);
                    }
                }
                _ => {}
            }
        }
    }
}

/// A label of the image; name and value are `None` where only the build knows them.
struct Label {
    name: Option<String>,
    value: Option<String>,
    key_range: TextRange,
    value_range: TextRange,
}

/// The labels of the image that is built, without those that a later one takes the place of; `None` where there is no stage.
fn labels(subject: &Subject<'_>) -> Option<Vec<Label>> {
    let build = subject.build;
    let stage = build.target(None)?;
    let end = StepId { stage, step: build.stages.get(stage)?.steps.len() };
    let mut found: Vec<Label> = Vec::new();
    // The last one first.
    for id in build.ids_to(end) {
        let Body::Label(pairs) = &build.instruction(id).body else { continue };
        for label in pairs.iter().rev().map(|pair| read(subject, id, pair)) {
            if label.name.is_none() || found.iter().all(|later| later.name != label.name) {
                found.push(label);
            }
        }
    }
    Some(found)
}

fn read(subject: &Subject<'_>, id: StepId, pair: &Pair) -> Label {
    let state = &subject.build.step(id).before;
    let expand = |text: &str| {
        let expanded = syntax::expand(text, subject.file.escape(), &|name| state.lookup(name)).ok()?;
        expanded.unset.is_empty().then_some(expanded.text)
    };
    Label {
        name: expand(&pair.key.text),
        value: expand(&pair.value.text),
        key_range: pair.key.range,
        value_range: pair.value.range,
    }
}

fn report_missing(subject: &Subject<'_>, labels: &[Label], report: &mut Reporter) {
    let named: Option<Vec<&String>> = labels.iter().map(|label| label.name.as_ref()).collect();
    // A name that only the build knows may be any.
    let Some(named) = named else { return };
    let required = &subject.options.labels.required;
    let missing: Vec<(&String, &LabelKind)> = required.iter().filter(|(name, _)| !named.contains(name)).collect();
    let stage = subject.build.target(None).and_then(|stage| subject.build.stages.get(stage));
    let from = stage.and_then(|stage| subject.file.instructions().get(stage.from));
    let (Some(from), false) = (from, missing.is_empty()) else { return };
    let lacking: Vec<String> = missing.iter().map(|(name, _)| format!("`{name}`")).collect();
    let noun = if lacking.len() == 1 { "label" } else { "labels" };
    let message = format!("the image lacks the {noun} {}", lacking.join(", "));
    let pairs: Vec<String> = missing.iter().map(|(name, kind)| format!("{name}=\"{}\"", kind.example())).collect();
    report.add(LabelSchema::META, from.range, message).help =
        Some(format!("add `LABEL {}` with values of your own", pairs.join(" ")));
}

fn report_value(range: TextRange, name: &str, value: &str, kind: LabelKind, report: &mut Reporter) {
    let message = match value.trim() {
        "" => format!("the label `{name}` is empty"),
        value => format!("`{value}`, the value of the label `{name}`, is no {}", kind.in_words()),
    };
    report.add(LabelSchema::META, range, message).help = Some(format!("write it as in `{}`", kind.example()));
}
