//! What holds for every script, sensible or not.

use std::time::{Duration, Instant};

use layerwise::shell::{self, Script};
use layerwise::text::{LogicalText, TextRange};
use proptest::prelude::*;

fn ranges(script: &Script) -> Vec<TextRange> {
    let mut ranges: Vec<_> = script.unreadable.iter().map(|piece| piece.range).collect();
    for command in &script.commands {
        ranges.push(command.range);
        ranges.extend(command.words.iter().map(|word| word.range));
        ranges.extend(command.assignments.iter().map(|assignment| assignment.value.range));
        ranges.extend(command.redirects.iter().map(|redirect| redirect.target.range));
    }
    ranges
}

/// Reads a script, as one piece and as pieces with something between, and holds the ranges against the source.
fn check(text: &str) -> Result<(), TestCaseError> {
    let script = shell::read(&LogicalText::contiguous(text, 0));
    for range in ranges(&script) {
        prop_assert!(text.get(range.start..range.end).is_some(), "{range:?} of {text:?}");
    }
    for command in &script.commands {
        prop_assert!(!command.words.is_empty(), "{text:?}");
    }
    let (source, joined) = in_pieces(text);
    for range in ranges(&shell::read(&joined)) {
        prop_assert!(source.get(range.start..range.end).is_some(), "{range:?} of {source:?}");
    }
    Ok(())
}

/// The text cut at every seventh character, as continuations of a Dockerfile cut it.
fn in_pieces(text: &str) -> (String, LogicalText) {
    let mut source = "RUN ".to_owned();
    let mut joined = LogicalText::new();
    for (index, character) in text.chars().enumerate() {
        if index % 7 == 6 {
            source.push_str("\\\n# é\n");
        }
        let start = source.len();
        source.push(character);
        joined.push(&source[start..], start);
    }
    (source, joined)
}

/// Pieces of which shell scripts are made, in no order.
fn fragments() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "é",
        "$X",
        "${X:-d}",
        "${X",
        "$(",
        ")",
        "`",
        "'",
        "\"",
        "\\",
        "\n",
        "\\\n",
        " ",
        "  ",
        ";",
        ";;",
        "&&",
        "||",
        "|",
        "&",
        "(",
        "((",
        "))",
        "{",
        "}",
        "[",
        "[[",
        "]]",
        "<",
        ">",
        ">&",
        "2>&1",
        "<<EOF",
        "<<-'E'",
        "EOF",
        "E\n",
        "<<<",
        "if ",
        "then ",
        "else ",
        "fi",
        "case ",
        " in ",
        "esac",
        "for ",
        "while ",
        "do ",
        "done",
        "! ",
        "f()",
        "function ",
        "sh -c ",
        "eval ",
        "su -c ",
        "trap ",
        "cd ",
        "sudo ",
        "env ",
        "-u ",
        "set -e",
        "exit 0",
        "#",
        "A=",
        "A=(",
        "*",
        "?",
        "{a,b}",
        "~",
        "~/x",
        "$'",
        "99999999999>",
        "time ",
        "coproc ",
        "select ",
        "\t",
        "\r\n",
        "\0",
        "time -p ",
        "é=1",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fragments_of_scripts_are_read_without_panic_and_with_sound_ranges(text in fragments()) {
        check(&text)?;
    }

    #[test]
    fn any_text_is_read_without_panic_and_with_sound_ranges(text in "\\PC{0,60}") {
        check(&text)?;
    }
}

#[test]
fn hostile_scripts_are_read_in_time_that_grows_with_their_length() {
    let openers = [
        "(",
        "((",
        "( ",
        "{ ",
        "$(",
        "$((",
        "`",
        "\"$(",
        "${a:-",
        "if a; then ",
        "case a in a) ",
        "while a; do ",
        "[[ ",
        "f() { ",
        "! ",
        "sh -c '",
        "a && ",
        "a | ",
        "a; ",
        "A=b ",
        "{a,",
        "[",
        "'",
        "\\",
        "$",
        "<<E ",
        "sudo ",
        "eval ",
        "a $(b) ",
        "a `b` ",
        "cd a; ",
        "f; ",
        "x=1\n",
        "(a); ",
        "<(",
        "a=(",
        "*(",
        "~",
        "coproc ",
        "time ",
        "function f ",
    ];
    for opener in openers {
        let text = opener.repeat(50_000 / opener.len());
        let start = Instant::now();
        let script = shell::read(&LogicalText::contiguous(&text, 0));
        let took = start.elapsed();
        println!("{opener:?}: {took:?}, {} commands, {} unreadable", script.commands.len(), script.unreadable.len());
        assert!(took < Duration::from_secs(20), "{opener:?} took {took:?}");
    }
}

#[test]
fn long_and_deep_scripts_that_are_well_formed_are_read() {
    let wrapped = [
        ("( ", "a", " )", 48),
        ("{ ", "a", "; }", 48),
        ("if a; then ", "a", "; fi", 48),
        ("while a; do ", "a", "; done", 48),
        ("for x in y; do ", "a", "; done", 48),
        ("f() { ", "a", "; }", 48),
        ("case a in a) ", "a", " ;; esac", 6),
        ("case a in a) ", "a", "\nesac", 6),
        ("a $(", "a", ")", 11),
        ("a && ", "a", "", 20_000),
        ("a || ", "a", "", 20_000),
        ("a | ", "a", "", 20_000),
        ("V=1 a || cd x && ", "a", "", 10_000),
    ];
    for (before, middle, after, times) in wrapped {
        let text = format!("{}{middle}{}", before.repeat(times), after.repeat(times));
        let start = Instant::now();
        let script = shell::read(&LogicalText::contiguous(&text, 0));
        println!("{before:?}: {:?}", start.elapsed());
        assert_eq!(script.unreadable, [], "{before:?}");
        assert!(script.commands.iter().any(|command| command.program() == Some("a")), "{before:?}");
        assert!(start.elapsed() < Duration::from_secs(20), "{before:?}");
    }
}
