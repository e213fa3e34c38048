//! `single-stage-build`: the image that ships is the one that builds.

use crate::lint::meta::declare_rule;
use crate::lint::sinking::fix_of;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::rewrite::{ShippedBuild, shipped_build, split_stages};

declare_rule! {
    /// ## What it does
    /// Finds files of one stage in which a command builds something that runs without what it was built with: without the
    /// compiler, the sources, or the development dependencies.
    ///
    /// ## Why is this bad?
    /// Whatever the build needs ships with the image: it takes longer to push and to pull, and has more that can be
    /// attacked. A second stage that copies only what was built leaves the rest behind, and the steps of the two stages
    /// are cached apart.
    ///
    /// ## Example
    /// ```dockerfile
    /// FROM golang:1.23
    /// WORKDIR /src
    /// COPY . .
    /// RUN go build -o /app ./cmd/app
    /// CMD ["/app"]
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM golang:1.23 AS build
    /// WORKDIR /src
    /// COPY . .
    /// RUN CGO_ENABLED=0 go build -o /app ./cmd/app
    ///
    /// FROM gcr.io/distroless/static-debian12
    /// COPY --from=build /app /app
    /// CMD ["/app"]
    /// ```
    ///
    /// ## Fix safety
    /// Unsafe: the program may open files or run programs of the image that it was built in. A second stage is offered
    /// where the program is one file that the build makes, no package was installed that it may need, and the image has a
    /// known counterpart to run in (`rules/images/`). Files of the build context that are no sources are copied as before,
    /// and the configuration of the image is carried over. None is offered for programs of Node and Bun: which packages and
    /// files of the project they open is decided while they run. A second stage that installs again for production alone, or
    /// a web server for a page that was built, is yours to write.
    ///
    /// ## Known problems
    /// Nothing is reported where it is not plain that the image only runs what was built: there is no `CMD` and no
    /// `ENTRYPOINT`, they run a build, a shell, something for development, or a program that may build; or the step cleans
    /// up behind itself.
    ///
    /// ## References
    /// - [Docker: multi-stage builds](https://docs.docker.com/build/building/multi-stage/)
    SingleStageBuild {
        name: "single-stage-build",
        aliases: [],
        since: "0.1.0",
        severity: Info,
        fix: Sometimes,
    }
}

impl Rule for SingleStageBuild {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let Some(ShippedBuild { command, what }) = shipped_build(subject.build) else { return };
        let title = &command.known.title;
        let message = format!("the image ships what only `{title}` needs: {what}");
        let diagnostic = report.add(Self::META, command.command.range, message);
        let split = split_stages(subject.build);
        let why = match &split {
            Some(Err(reason)) => format!("; there is no fix because {reason}"),
            _ => String::new(),
        };
        diagnostic.help = Some(format!(
            "build in a stage of its own, and `COPY --from` it what `{title}` makes into one that only runs{why}"
        ));
        diagnostic.fix = split.and_then(Result::ok).map(|change| fix_of(subject, change));
    }
}
