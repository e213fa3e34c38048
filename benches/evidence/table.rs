//! The table and what it comes to.

use super::measure::{Measured, Row};

/// The head of the table.
pub(super) const HEAD: &str = "\
| Dockerfile | before s | after s | saved | installs | commits | moves | refusals | time ms |
| --- | --: | --: | --: | --- | --: | --- | --- | --: |";

/// One row.
pub(super) fn line(row: &Row) -> String {
    match &row.outcome {
        Err(reason) => format!("| {} | | | | | | | not planned: {} | |", row.name, cell(reason)),
        Ok(measured) => {
            let plan = &measured.planned.plan;
            let rate = |rate: Option<f64>| rate.map_or("none".to_owned(), |rate| format!("{:.0}%", rate * 100.0));
            let moves = plan.applied.iter().map(|applied| applied.kind.name().to_owned());
            let offered = plan.offered.iter().map(|offered| format!("({} offered)", offered.kind.name()));
            let refusals = plan.refusals.iter().map(|refusal| format!("line {}: {}", refusal.line, refusal.reason));
            format!(
                "| {} | {:.1} | {:.1} | {} | {} → {} | {} | {} | {} | {} |",
                row.name,
                plan.before.mean,
                plan.after.mean,
                saved(measured).map_or(String::new(), |share| format!("{:.0}%", share * 100.0)),
                rate(measured.installs.0),
                rate(measured.installs.1),
                measured.planned.commits,
                moves.chain(offered).collect::<Vec<_>>().join(", "),
                cell(&refusals.collect::<Vec<_>>().join("; ")),
                measured.time.as_millis(),
            )
        }
    }
}

/// Mean and median saving over the changed files, and over all.
pub(super) fn summary(rows: &[Row]) -> String {
    let measured: Vec<&Measured> = rows.iter().filter_map(|row| row.outcome.as_ref().ok()).collect();
    let all: Vec<f64> = measured.iter().map(|measured| saved(measured).unwrap_or(0.0)).collect();
    let changed = measured.iter().filter(|measured| measured.planned.plan.changes());
    let changed: Vec<f64> = changed.map(|measured| saved(measured).unwrap_or(0.0)).collect();
    let worse = all.iter().filter(|share| **share < 0.0).count();
    let again = |rate: Option<f64>| rate.unwrap_or(0.0);
    let lazy = measured.iter().filter(|measured| again(measured.installs.1) < again(measured.installs.0));
    let lazy: Vec<f64> = lazy.map(|measured| saved(measured).unwrap_or(0.0)).collect();
    let refused = measured
        .iter()
        .filter(|measured| !measured.planned.plan.changes() && !measured.planned.plan.refusals.is_empty());
    format!(
        "{} Dockerfiles, {} planned, {} rewritten, {} left with a refusal, {worse} made worse.\n\
         Expected rebuild cost saved: {} over the rewritten files, {} over the {} of which fewer changes install again, \
         {} over all that were planned.",
        rows.len(),
        measured.len(),
        changed.len(),
        refused.count(),
        spread(&changed),
        spread(&lazy),
        lazy.len(),
        spread(&all),
    )
}

fn spread(shares: &[f64]) -> String {
    if shares.is_empty() {
        return "nothing".to_owned();
    }
    let mut sorted = shares.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
    let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
    format!("{:.1}% in the mean, {:.1}% in the median", mean * 100.0, median * 100.0)
}

/// The share of the expected rebuild cost that the plan saves; `None` where the file costs nothing.
fn saved(measured: &Measured) -> Option<f64> {
    let plan = &measured.planned.plan;
    (plan.before.mean > 0.0).then(|| 1.0 - plan.after.mean / plan.before.mean)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
