//! The cache's verdict on an instruction, in words.

use crate::analysis::{CacheReport, StepReport};
use crate::cache::{ENOUGH_COMMITS, Status};

/// The steps of a report that can run again, `FROM` left out.
pub(super) fn steps(report: &CacheReport) -> impl Iterator<Item = &StepReport> {
    report.stages.iter().flat_map(|stage| stage.steps.iter().skip(1))
}

/// A few words that fit beside an instruction: `rebuilt by 94% of changes · ~35 s`. `None` for a step that costs next to
/// nothing or is never built.
pub(super) fn short(step: &StepReport) -> Option<String> {
    let rate = step.rebuild_rate?;
    let seconds = step.seconds.expected();
    if step.status == Status::NotBuilt || rate * seconds < 0.05 {
        return None;
    }
    Some(format!("rebuilt by {} of changes · ~{}", percent(rate), duration(seconds)))
}

/// A sentence: `Rebuilds on 94% of the last 200 commits, about 35 s.`
pub(super) fn sentence(step: &StepReport, report: &CacheReport) -> Option<String> {
    let rate = step.rebuild_rate?;
    if step.status == Status::NotBuilt {
        return Some("Not built: no stage that is built needs it.".to_owned());
    }
    let basis = match report.commits {
        0 => "changes, going by usual rates, as there is no history".to_owned(),
        few if few < ENOUGH_COMMITS => format!("the last {few} commits and, as those are few, usual rates of change"),
        commits => format!("the last {commits} commits"),
    };
    let shallow = if report.shallow { " (a shallow clone)" } else { "" };
    Some(if rate < 0.005 {
        format!("Stays cached over {basis}{shallow}.")
    } else {
        let seconds = duration(step.seconds.expected());
        format!("Rebuilds on {} of {basis}{shallow}, about {seconds}.", percent(rate))
    })
}

fn percent(rate: f64) -> String {
    format!("{:.0}%", rate * 100.0)
}

fn duration(seconds: f64) -> String {
    if seconds >= 9.5 { format!("{seconds:.0} s") } else { format!("{seconds:.1} s") }
}
