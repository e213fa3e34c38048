//! Flags: which ones each instruction knows, and what their values may be.
//!
//! After `BuildKit`'s `instructions` package: <https://docs.docker.com/reference/dockerfile/>

use std::collections::HashSet;

use super::ast::{Flag, Keyword};
use super::error::SyntaxError;

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Nothing, `true` or `false`.
    Boolean,
    /// Any text.
    Text,
    /// Any text, any number of times.
    Texts,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A duration such as `1m30s`, at least one millisecond.
    Duration,
    /// A number that is not negative.
    Count,
}

type Known = &'static [(&'static str, Takes)];

const COPY: Known = &[
    ("from", Takes::Text),
    ("chown", Takes::Text),
    ("chmod", Takes::Text),
    ("link", Takes::Boolean),
    ("parents", Takes::Boolean),
    ("exclude", Takes::Texts),
];
const ADD: Known = &[
    ("chown", Takes::Text),
    ("chmod", Takes::Text),
    ("link", Takes::Boolean),
    ("keep-git-dir", Takes::Boolean),
    ("checksum", Takes::Text),
    ("unpack", Takes::Boolean),
    ("exclude", Takes::Texts),
];
const RUN: Known = &[
    ("mount", Takes::Texts),
    ("network", Takes::OneOf(&["default", "none", "host"])),
    ("security", Takes::OneOf(&["insecure", "sandbox"])),
    ("device", Takes::Texts),
];
const HEALTHCHECK: Known = &[
    ("interval", Takes::Duration),
    ("timeout", Takes::Duration),
    ("start-period", Takes::Duration),
    ("start-interval", Takes::Duration),
    ("retries", Takes::Count),
];
const FROM: Known = &[("platform", Takes::Text)];

/// The flags that `keyword` knows; `None` where it takes any flag and ignores it.
fn known(keyword: Keyword) -> Option<Known> {
    match keyword {
        Keyword::Copy => Some(COPY),
        Keyword::Add => Some(ADD),
        Keyword::Run => Some(RUN),
        Keyword::Healthcheck => Some(HEALTHCHECK),
        Keyword::From => Some(FROM),
        Keyword::Arg | Keyword::Stopsignal | Keyword::Unknown => None,
        _ => Some(&[]),
    }
}

/// The flags that an instruction knows, each with whether it takes a value.
pub fn flag_names(keyword: Keyword) -> impl Iterator<Item = (&'static str, bool)> {
    known(keyword).unwrap_or_default().iter().map(|(name, takes)| (*name, *takes != Takes::Boolean))
}

/// What is wrong with the flags of an instruction.
pub(super) fn check(keyword: Keyword, flags: &[Flag], errors: &mut Vec<SyntaxError>) {
    let Some(known) = known(keyword) else { return };
    let mut seen = HashSet::new();
    for flag in flags {
        let Some((name, takes)) = known.iter().find(|(name, _)| *name == flag.name) else {
            errors.push(unknown(flag, known));
            continue;
        };
        if !seen.insert(*name) && *takes != Takes::Texts {
            errors.push(SyntaxError::instruction(flag.range, format!("the flag `--{name}` stands twice")));
        }
        errors.extend(check_value(flag, *takes));
    }
}

fn unknown(flag: &Flag, known: Known) -> SyntaxError {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let error = SyntaxError::instruction(flag.range, format!("unknown flag `--{}`", flag.name));
    match super::suggestion::nearest(&flag.name, &names) {
        Some(name) => error.with_help(format!("did you mean `--{name}`?")),
        None if names.is_empty() => error.with_help("this instruction has no flags"),
        None => error.with_help(format!("known flags: --{}", names.join(", --"))),
    }
}

fn check_value(flag: &Flag, takes: Takes) -> Option<SyntaxError> {
    let name = &flag.name;
    let Some(value) = &flag.value else {
        let missing = || SyntaxError::instruction(flag.range, format!("the flag `--{name}` has no value"));
        return (takes != Takes::Boolean).then(missing);
    };
    let text = value.text.as_str();
    let wanted = match takes {
        Takes::Boolean if !matches!(text.to_lowercase().as_str(), "true" | "false") => "`true` or `false`".to_owned(),
        Takes::OneOf(words) if !words.contains(&text) => format!("one of `{}`", words.join("`, `")),
        Takes::Duration if !text.is_empty() && !duration_is_valid(text) => {
            "a duration of at least 1ms, such as `30s` or `1m30s`".to_owned()
        }
        Takes::Count if !text.is_empty() && !text.parse::<i32>().is_ok_and(|count| count >= 0) => {
            "a number that is not negative".to_owned()
        }
        _ => return None,
    };
    let message = format!("`{text}` is no value for the flag `--{name}`");
    Some(SyntaxError::instruction(flag.range, message).with_help(format!("give {wanted}")))
}

/// Whether Go's `time.ParseDuration` reads the text as zero or at least a millisecond.
fn duration_is_valid(text: &str) -> bool {
    duration_in_nanoseconds(text).is_some_and(|length| length == 0.0 || length >= 1e6)
}

/// The length of a duration as Go's `time.ParseDuration` reads it: a sign, then numbers with units: `1h`, `1.5m`, `1m30s`;
/// or a plain `0`.
pub fn duration_in_nanoseconds(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 8] =
        [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)];
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Some(0.0);
    }
    let mut rest = unsigned;
    let mut total = 0.0;
    while !rest.is_empty() {
        let number_end = rest.find(|next: char| !next.is_ascii_digit() && next != '.')?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|next: char| next.is_ascii_digit() || next == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor)?;
        total += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    let limit = 9.223_372_036_854_776e18;
    (!unsigned.is_empty() && total <= limit).then(|| if text.starts_with('-') { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_as_go_does() {
        for text in ["5s", "1m30s", "0", "0s", "1.5h", "1ms", "1000us", "+5s", ".5s"] {
            assert!(duration_is_valid(text), "{text}");
        }
        for text in ["5", "5 s", "s", "1us", "-5s", "1d", "5s3", ".", "$X", "99999999999h"] {
            assert!(!duration_is_valid(text), "{text}");
        }
    }
}
