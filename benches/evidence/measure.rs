//! One Dockerfile, planned and replayed before and after.

use std::path::Path;
use std::time::{Duration, Instant};

use layerwise::analysis::{self, OptimizeRequest, Planned, Project, Session};
use layerwise::cache::{Costs, Events, Replay};
use layerwise::config::{Discovery, Overrides, Source};
use layerwise::ecosystem::Effect;
use layerwise::model::{Action, Build};
use layerwise::optimize::{Draft, Surroundings};
use layerwise::syntax::Dockerfile;

use super::Options;

/// What became of one Dockerfile.
pub(super) struct Row {
    /// The clone and the file in it.
    pub(super) name: String,
    /// The plan with its figures, or why there is none.
    pub(super) outcome: Result<Measured, String>,
}

/// A plan with its figures.
pub(super) struct Measured {
    /// The plan.
    pub(super) planned: Planned,
    /// Share of changes that install or download dependencies again, before and after, 0 to 1; `None` where no step does.
    pub(super) installs: (Option<f64>, Option<f64>),
    /// What planning took, the reading of the history included.
    pub(super) time: Duration,
}

/// Plans and replays one file.
pub(super) fn measure(clone: &Path, path: &Path, options: &Options) -> Row {
    let repository = clone.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = format!("{repository} {}", path.display());
    let outcome = plan(&clone.join(path), options);
    if let (Ok(measured), Some(folder)) = (&outcome, &options.diffs) {
        write_rewrite(folder, &name, measured);
    }
    Row { name, outcome }
}

fn plan(path: &Path, options: &Options) -> Result<Measured, String> {
    let path = path.canonicalize().map_err(|error| error.to_string())?;
    let source = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let folder = path.parent().unwrap_or(&path);
    let discovery = Discovery::new(folder, Source::Nearest, Overrides::default()).map_err(|_| "configuration")?;
    let settings = discovery.for_file(&path).map_err(|_| "the configuration is wrong")?;
    let session = Session::default();
    let root = analysis::context_root(&path, &Dockerfile::parse(&source), &settings, &session);
    let root = root.map_err(|error| error.to_string())?.ok_or("no folder has all that it copies")?;
    let project = Project::open(&session, &root, &path, &[]).map_err(|error| error.to_string())?;
    let catalog = session.catalog(&settings.settings).map_err(|error| error.to_string())?;
    let request = OptimizeRequest {
        builder: layerwise::cache::Builder::default(),
        history: options.history,
        target: None,
        arguments: &settings.settings.args,
        catalog: &catalog,
        wanted: options.wanted,
    };
    let started = Instant::now();
    let planned = analysis::optimize(&project, &source, &request).map_err(|error| error.to_string())?;
    let time = started.elapsed();
    let history = layerwise::context::Context::history(&project, options.history);
    let surroundings = Surroundings {
        context: &project,
        catalog: &catalog,
        arguments: &settings.settings.args,
        profile: layerwise::cache::Builder::default().profile(),
        history: history.as_deref(),
        target: None,
    };
    let installs = |draft: &Draft| draft.with_build(&surroundings, |build| install_rate(build, &surroundings));
    let installs = (installs(&project.draft(&source)), installs(&planned.plan.draft));
    Ok(Measured { planned, installs, time })
}

/// Share of changes in which at least one step installs or downloads dependencies that no earlier step has fetched.
fn install_rate(build: &Build<'_>, surroundings: &Surroundings<'_>) -> Option<f64> {
    let fetches = |id, action: &Action| match action {
        Action::Run(run) => run.commands.iter().any(|command| {
            matches!(command.effect(), Effect::Install | Effect::Download) && !build.is_warm(id, &command.known)
        }),
        _ => false,
    };
    let fetching = build.steps().filter(|(id, step)| fetches(*id, &step.action));
    let fetching: Vec<usize> = fetching.map(|(_, step)| step.instruction).collect();
    let events = Events::of_history(build, surroundings.profile, surroundings.history);
    let target = build.target(surroundings.target).unwrap_or_default();
    let replay = Replay::new(build, surroundings.profile, &events, &Costs::new(build), target);
    let again = events.events.iter().zip(&replay.costs);
    let again = again.filter(|(_, cost)| cost.rebuilt.iter().any(|step| fetching.contains(step)));
    (!fetching.is_empty()).then(|| again.fold(0.0, |sum, (event, _)| sum + event.weight))
}

/// Writes the rewritten file with what was said of it; a benchmark that cannot write says so and goes on.
fn write_rewrite(folder: &Path, name: &str, measured: &Measured) {
    let plan = &measured.planned.plan;
    if !plan.changes() {
        return;
    }
    let moves = plan
        .applied
        .iter()
        .map(|applied| format!("# [{}] {}\n#   {}\n", applied.safety.name(), applied.title, applied.argument));
    let ignore = plan.draft.ignore.as_deref().map(|text| format!("# --- ignore file ---\n{text}")).unwrap_or_default();
    let text = format!("{}{}\n{ignore}", moves.collect::<String>(), plan.draft.dockerfile);
    let file = folder.join(name.replace(['/', ' '], "_"));
    if let Err(error) = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text)) {
        eprintln!("skipped: `{}` cannot be written: {error}", file.display());
    }
}
