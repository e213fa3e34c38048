//! How many findings each rule has.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Results;
use crate::lint;

/// One rule with findings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statistic {
    pub(super) rule: &'static str,
    pub(super) findings: usize,
    /// How many of them `--fix`, with the switches of this run, would mend.
    pub(super) fixable: usize,
}

/// The rules with findings, those with the most first.
pub(super) fn of(results: &Results) -> Vec<Statistic> {
    let mut by_rule: BTreeMap<&'static str, Statistic> = BTreeMap::new();
    for (_, diagnostic) in results.findings() {
        let rule = diagnostic.rule;
        let statistic = by_rule.entry(rule).or_insert(Statistic { rule, findings: 0, fixable: 0 });
        statistic.findings += 1;
        statistic.fixable += usize::from(results.is_fixable(diagnostic));
    }
    let mut all: Vec<Statistic> = by_rule.into_values().collect();
    all.sort_by_key(|statistic| std::cmp::Reverse(statistic.findings));
    all
}

/// A line for each rule: the number, `[*]` where all and `[-]` where some can be fixed, the name, what it is about.
pub(super) fn render(results: &Results) -> String {
    let all = of(results);
    let width = |of: fn(&Statistic) -> usize| all.iter().map(of).max().unwrap_or_default();
    let (digits, longest) = (width(|each| each.findings.to_string().len()), width(|each| each.rule.len()));
    let mut text = String::new();
    for Statistic { rule, findings, fixable } in &all {
        let mark = match fixable {
            0 => "   ",
            some if some < findings => "[-]",
            _ => "[*]",
        };
        let summary = lint::find(rule).map(lint::Meta::summary).unwrap_or_default();
        let line = format!("{findings:>digits$}  {mark}  {rule:longest$}  {summary}");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
