//! A cost in words.

use crate::diagnostic::Cost;

/// `cost: about 35 s on 84% of changes (200 changes of history; estimated time)`
pub(super) fn in_words(cost: &Cost) -> String {
    let share = format!("{:.0}% of changes", cost.rate * 100.0);
    let basis = match cost.changes {
        0 => "no history: an assumption".to_owned(),
        1 => "1 change of history".to_owned(),
        changes => format!("{changes} changes of history"),
    };
    let time = if cost.measured { "measured time" } else { "estimated time" };
    format!("cost: about {} on {share} ({basis}; {time})", duration(cost.seconds))
}

/// `35 s × 84%`: what each change that pays pays, and how many do.
pub(super) fn short(cost: &Cost) -> String {
    format!("{} × {:.0}%", duration(cost.seconds), cost.rate * 100.0)
}

pub(super) fn duration(seconds: f64) -> String {
    if seconds >= 120.0 {
        return format!("{:.0} min", seconds / 60.0);
    }
    if seconds >= 10.0 { format!("{seconds:.0} s") } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_measured_from_assumed() {
        let cost = Cost { rate: 0.837, seconds: 34.7, changes: 200, measured: false };
        assert_eq!(in_words(&cost), "cost: about 35 s on 84% of changes (200 changes of history; estimated time)");
        let cost = Cost { rate: 0.5, seconds: 150.0, changes: 0, measured: true };
        assert_eq!(in_words(&cost), "cost: about 2 min on 50% of changes (no history: an assumption; measured time)");
    }
}
