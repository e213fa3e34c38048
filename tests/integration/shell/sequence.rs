//! The outermost list of a script: its commands, and what flows from one to the next.

use layerwise::shell::{Element, Form, Join, asks_the_shell, sequence};
use layerwise::text::LogicalText;
use proptest::prelude::*;

fn read(script: &str) -> Option<Vec<Element>> {
    sequence(&LogicalText::contiguous(script, 0))
}

/// The commands as `join form text`: `&` or `;`, then `s`imple, `a`part or `c`ompound.
fn rendered(script: &str) -> String {
    let Some(elements) = read(script) else { return "unreadable".to_owned() };
    let one = |element: &Element| {
        let join = if element.join == Join::And { '&' } else { ';' };
        let form = match element.form {
            Form::Simple => 's',
            Form::Apart => 'a',
            Form::Compound => 'c',
        };
        format!("{join}{form} {}", element.text.replace('\n', "/"))
    };
    elements.iter().map(one).collect::<Vec<_>>().join(" | ")
}

#[test]
fn lists_are_cut_at_their_operators() {
    for (script, expected) in [
        ("npm ci && npm run build", ";s npm ci | &s npm run build"),
        ("set -e; a && b\nc;", ";s set -e | ;s a | &s b | ;s c"),
        ("a || b && c; d", ";c a || b && c | ;s d"),
        ("a | b && (c; d) && { e; }", ";a a | b | &a (c; d) | &c { e; }"),
        ("for f in a b; do c $f; done && d", ";c for f in a b; do c $f; done | &s d"),
        ("! a && b", "unreadable"),
        ("time a && b", ";c time a | &s b"),
        ("find . -exec rm {} \\; && a", ";s find . -exec rm {} \\; | &s a"),
        ("find . -exec rm {} \\;\na", ";s find . -exec rm {} \\; | ;s a"),
        ("echo 'a && b; c' && d \"$(e && f)\"", ";s echo 'a && b; c' | &s d \"$(e && f)\""),
        ("a\n# about b\nb", ";s a | ;s b"),
        ("A=1 a >x 2>&1 && b", ";s A=1 a >x 2>&1 | &s b"),
        ("a & b", "unreadable"),
        ("cat <<E && b\nx\nE\n", "unreadable"),
        ("a && (b", "unreadable"),
        ("", "unreadable"),
    ] {
        assert_eq!(rendered(script), expected, "{script:?}");
    }
}

#[test]
fn setup_can_be_repeated_and_what_is_self_contained_leaves_nothing() {
    let element = |script: &str| read(script).unwrap().remove(0);
    for script in ["cd /app", "cd sub/$NAME", "set -eux", "set -eo pipefail", "export A=1 B=\"x y\"", "PATH=$PATH:/x"] {
        assert!(element(script).is_setup(), "{script}");
    }
    for script in [
        "cd",
        "cd -",
        "cd $(pwd)",
        "set -a",
        "set -- a",
        "export A=$(b)",
        "A=1 npm ci",
        "umask 022",
        "cd \"a b\"",
        "cd a b",
    ] {
        assert!(!element(script).is_setup(), "{script}");
    }
    for script in ["npm ci", "A=1 npm ci", "echo a > b", "(cd a && b)", "a | b", "git clone -b main u", "echo ${A:-b}"]
    {
        assert!(element(script).is_self_contained(), "{script}");
    }
    for script in [
        "cd a",
        "X=1",
        "export X=1",
        "umask 022",
        ". ./env",
        "eval a",
        "trap a EXIT",
        "exec a",
        "exit 0",
        "read x",
        "set -e",
        "echo ${A:=b}",
        "echo $((A = 1))",
        "a | read x",
        "(a & b)",
        "sudo -b a",
        "if a; then b; fi",
        "a <(b)",
        "$A b",
        "A=1 :",
    ] {
        assert!(!element(script).is_self_contained(), "{script}");
    }
    for script in ["echo $?", "kill $!", "echo ${?}", "a $$", "wait", "echo $_", "cd -", "echo $OLDPWD", "echo $RANDOM"]
    {
        assert!(asks_the_shell(script), "{script}");
    }
    for script in ["echo $A ${B}", "awk '{print $1}'", "echo $_A", "npm run build"] {
        assert!(!asks_the_shell(script), "{script}");
    }
}

proptest! {
    /// The pieces stand in the source in their order, without overlap.
    #[test]
    fn pieces_are_in_order(script in "[a-c$(){}|&;'\" \\\\\n#=<>]{0,40}") {
        let elements = read(&script).unwrap_or_default();
        for pair in elements.windows(2) {
            prop_assert!(pair[0].range.end <= pair[1].range.start, "{:?}", script);
        }
        for element in &elements {
            prop_assert_eq!(element.range.of(&script), element.text.as_str());
        }
    }
}
