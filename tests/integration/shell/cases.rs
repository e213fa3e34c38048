//! Tables of scripts: `tests/cases/shell/*.toml`.

use std::path::Path;

use layerwise::shell;
use layerwise::text::LogicalText;

use super::rendering;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    script: String,
    /// The lines of `rendering`.
    reads: Vec<String>,
    /// For each command, the source that its range covers; not looked at where it is left out.
    ranges: Option<Vec<String>>,
    /// For each word of all commands, the source that its range covers; not looked at where it is left out.
    words: Option<Vec<String>>,
}

#[test]
fn scripts_are_read_as_the_tables_say() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/shell");
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(directory).expect("the tables are part of the repository") {
        let path = entry.expect("the tables can be listed").path();
        let text = std::fs::read_to_string(&path).expect("a table can be read");
        let table: Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for case in table.case {
            count += 1;
            failures.extend(failure(&case).map(|failure| format!("{}: {}\n{failure}", path.display(), case.name)));
        }
    }
    assert!(count > 50, "only {count} cases were found");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// What differs from the table, with what was read in a form that can be put into it.
fn failure(case: &Case) -> Option<String> {
    let script = shell::read(&LogicalText::contiguous(&case.script, 0));
    let reads = rendering::lines(&script, &case.script);
    let ranges: Vec<_> = script.commands.iter().map(|command| command.range.of(&case.script).to_owned()).collect();
    let words = script.commands.iter().flat_map(|command| &command.words);
    let words: Vec<_> = words.map(|word| word.range.of(&case.script).to_owned()).collect();
    if reads != case.reads {
        return Some(format!("reads = {reads:#?}"));
    }
    if case.ranges.as_ref().is_some_and(|wanted| *wanted != ranges) {
        return Some(format!("ranges = {ranges:#?}"));
    }
    case.words.as_ref().is_some_and(|wanted| *wanted != words).then(|| format!("words = {words:#?}"))
}
