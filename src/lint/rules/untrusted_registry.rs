//! `untrusted-registry`: an image from a registry that the configuration does not trust.

use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Base, Build, StepId, Supply};
use crate::syntax::{Body, Flag, Instruction};
use crate::text::TextRange;

declare_rule! {
    /// ## What it does
    /// Finds images that come from a registry which is not among the `trusted-registries` of `layerwise.toml`: in `FROM`, in
    /// `COPY --from=` and in `RUN --mount=from=`. Without that key it finds nothing.
    ///
    /// A pattern is a registry (`docker.io`, `*.example.com`) or the beginning of its repositories (`ghcr.io/our-team`,
    /// `docker.io/library` for Docker's official images). `*` stands for anything but `/`.
    ///
    /// ## Why is this bad?
    /// Whoever controls a registry decides what ends up in the image. Who lists those that may is told of the others.
    ///
    /// ## Example
    /// ```toml layerwise.toml
    /// trusted-registries = ["docker.io/library", "ghcr.io/our-team"]
    /// ```
    /// ```dockerfile
    /// FROM registry.example/team/base:1.2
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM ghcr.io/our-team/base:1.2
    /// COPY --from=busybox:1.36 /bin/busybox /bin/busybox
    /// ```
    ///
    /// ## Known problems
    /// A reference whose variables have no value, neither a default nor one in `args`, is not checked. Others count with
    /// the value that a plain build gives them, which `--build-arg` may replace. A mirror that a builder is told of does
    /// not show in the file.
    ///
    /// ## References
    /// - [Docker: choose the right base image](https://docs.docker.com/build/building/best-practices/#choose-the-right-base-image)
    UntrustedRegistry {
        name: "untrusted-registry",
        aliases: ["DL3026"],
        since: "0.1.0",
        severity: Warning,
        fix: None,
    }
}

impl Rule for UntrustedRegistry {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let Some(trusted) = &subject.options.trusted_registries else { return };
        for (range, image) in images(subject) {
            let Some(registry) = trusted.untrusted(&image) else { continue };
            let message = format!("`{image}` comes from `{registry}`, which is not trusted");
            let patterns: Vec<String> = trusted.patterns().map(|pattern| format!("`{pattern}`")).collect();
            report.add(Self::META, range, message).help = Some(format!("trusted are {}", patterns.join(", ")));
        }
    }
}

/// Every image that the file names, with the place.
fn images(subject: &Subject<'_>) -> Vec<(TextRange, String)> {
    let (build, instructions) = (subject.build, subject.file.instructions());
    let bases = build.stages.iter().filter_map(|stage| match (&stage.base, &instructions.get(stage.from)?.body) {
        (Base::Image(image), Body::From(from)) => Some((from.image.range, image.clone())),
        _ => None,
    });
    let steps = build.steps().flat_map(|(id, _)| {
        step_images(build, id).into_iter().map(move |image| (place(build.instruction(id), &image), image))
    });
    let mut found: Vec<_> = bases.chain(steps).collect();
    found.sort();
    found.dedup();
    found
}

/// The flag that names the image, or the instruction's name.
fn place(instruction: &Instruction, image: &str) -> TextRange {
    let names_it = |flag: &&Flag| {
        let value = flag.value.as_ref().map(|value| value.text.as_str()).unwrap_or_default();
        flag.name.eq_ignore_ascii_case("from") || value.contains(&format!("from={image}"))
    };
    instruction.flags.iter().find(names_it).map_or(instruction.keyword_range, |flag| flag.range)
}

/// The images that a step copies from or mounts.
fn step_images(build: &Build<'_>, id: StepId) -> Vec<String> {
    let step = build.step(id);
    if let Some(transfer) = step.transfer() {
        return match &transfer.supply {
            Supply::Image(image) => vec![image.clone()],
            _ => Vec::new(),
        };
    }
    let mounts = step.run().map(|run| run.mounts.as_slice()).unwrap_or_default();
    let images = mounts.iter().filter_map(|mount| match &mount.supply {
        Some(Supply::Image(image)) if !image.contains('$') => Some(image.clone()),
        _ => None,
    });
    images.collect()
}
