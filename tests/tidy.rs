//! Habits that the compiler does not hold: a rule has its file, cases and manual page; files stay short and say what
//! they are; no package manager is named in code.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where it stands")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use layerwise::lint::{self, FixAvailability, Meta};

/// Lines that a file may have. 300 is the habit.
const LONGEST: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|own| own == end) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{end} files in {folder}");
    found
}

/// The tests' own files; below `cases` are the projects that they are about.
fn test_files() -> impl Iterator<Item = PathBuf> {
    files("tests", "rs").into_iter().filter(|path| !path.starts_with(root().join("tests/cases")))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for path in files("src", "rs").into_iter().chain(test_files()) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{}: opens without `//!`", path.display());
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "{}: {lines} lines; split it by meaning", path.display());
    }
}

#[test]
fn modules_are_named_by_what_they_hold() {
    let vague = ["mod", "util", "utils", "helper", "helpers", "common", "misc", "manager", "shared"];
    for path in files("src", "rs") {
        assert!(!vague.contains(&stem(&path).as_str()), "{}: the name says nothing", path.display());
    }
}

#[test]
fn every_rule_has_a_file_of_its_name() {
    let named: BTreeSet<String> = lint::RULES.iter().map(|rule| rule.meta().name.replace('-', "_")).collect();
    assert_eq!(named.len(), lint::RULES.len(), "two rules have one name");
    let rules = files("src/lint/rules", "rs");
    let top = rules.iter().filter(|path| path.parent() == Some(&root().join("src/lint/rules")));
    let found: BTreeSet<String> = top.map(|path| stem(path)).collect();
    assert_eq!(named, found, "files of src/lint/rules, and rules of src/lint/registry.rs");
}

/// Fires, stays silent on the near miss, and one in the shape of a real file.
#[test]
fn every_rule_has_three_cases_and_every_case_a_rule() {
    for rule in lint::RULES {
        let folder = root().join("tests/cases/lint").join(rule.meta().name);
        let cases = fs::read_dir(&folder).map_or(0, Iterator::count);
        assert!(cases >= 3, "{}: {cases} cases, 3 are wanted", folder.display());
    }
    for entry in fs::read_dir(root().join("tests/cases/lint")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(lint::RULES.iter().any(|rule| rule.meta().name == name), "tests/cases/lint/{name}: no such rule");
    }
}

#[test]
fn manual_pages_have_their_sections_in_order() {
    for meta in lint::every_meta() {
        let manual = meta.manual();
        let headings: Vec<&str> = lint::sections(&manual).iter().map(|section| section.heading).collect();
        let ordered: Vec<&str> = lint::SECTIONS.into_iter().filter(|known| headings.contains(known)).collect();
        assert_eq!(headings, ordered, "{}: sections unknown or out of order", meta.name);
        for required in &lint::SECTIONS[..3] {
            assert!(headings.contains(required), "{}: no section `{required}`", meta.name);
        }
        let mends = meta.fix != FixAvailability::None;
        assert_eq!(headings.contains(&"Fix safety"), mends, "{}: `Fix safety` goes with a fix", meta.name);
        for section in lint::sections(&manual) {
            assert!(!section.text.is_empty(), "{}: `{}` is empty", meta.name, section.heading);
        }
    }
}

#[test]
fn names_and_aliases_are_unambiguous() {
    let names: BTreeSet<&str> = lint::every_meta().map(|meta| meta.name).collect();
    assert_eq!(names.len(), lint::every_meta().count(), "a name is taken twice");
    let is_kebab = |meta: &Meta| meta.name.chars().all(|character| character.is_ascii_lowercase() || character == '-');
    for meta in lint::every_meta() {
        assert!(is_kebab(meta), "{}: not kebab-case", meta.name);
        assert!(meta.aliases.iter().all(|alias| !names.contains(alias)), "{}: an alias is a rule", meta.name);
    }
}

/// What is known of package managers stands in `rules/`. Their names in code would be facts in the wrong place.
#[test]
fn no_pack_is_named_in_code() {
    let folder = root().join("rules/ecosystems");
    assert!(folder.exists(), "no {}", folder.display());
    // Packs of plain tools have names that are common words.
    let is_manager = |path: &PathBuf| !fs::read_to_string(path).unwrap().contains("kind = \"tool\"");
    let packs: Vec<String> =
        files("rules/ecosystems", "toml").iter().filter(|path| is_manager(path)).map(|path| stem(path)).collect();
    assert!(!packs.is_empty(), "no package manager among the packs");
    // The files that embed facts list them.
    let lists = ["src/ecosystem/builtin.rs", "src/ecosystem/images/builtin.rs"].map(|path| root().join(path));
    let is_tests = |path: &PathBuf| path.file_name().is_some_and(|name| name == "tests.rs");
    for path in files("src", "rs").into_iter().filter(|path| !lists.contains(path) && !is_tests(path)) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.find("#[cfg(test)]\nmod tests {").map_or(text.as_str(), |at| &text[..at]);
        for (index, line) in code.lines().enumerate() {
            let line = line.trim_start();
            let commented = line.starts_with("//");
            let named = packs.iter().find(|pack| !commented && names_in_a_string(line, pack));
            assert!(named.is_none(), "{}:{}: names the pack {named:?}: {line}", path.display(), index + 1);
        }
    }
}

/// Whether a string literal of the line is the name, or starts with it as a command would.
fn names_in_a_string(line: &str, name: &str) -> bool {
    line.split('"').skip(1).step_by(2).any(|text| text == name || text.starts_with(&format!("{name} ")))
}

/// The first `sh` block after a phrase of the README.
fn command_after<'a>(readme: &'a str, phrase: &str) -> &'a str {
    let after = readme.split_once(phrase).unwrap_or_else(|| panic!("README.md does not say `{phrase}`")).1;
    let block = after.split_once("```sh\n").unwrap().1;
    block.split_once("\n```").unwrap().0
}

#[test]
fn the_gate_runs_the_tests_of_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let command = command_after(&readme, "The tests:");
    assert_eq!(command.lines().count(), 1, "the tests are one command");
    let gate = fs::read_to_string(root().join(".ci/run")).unwrap();
    let step = format!("step {command} ");
    assert!(gate.lines().any(|line| line.starts_with(&step)), ".ci/run has no line `{step}…`");
    let main_job = command_after(&readme, "The main job");
    assert_eq!(main_job.lines().count(), 1, "the main job is one command");
}

#[test]
fn links_of_the_pages_lead_somewhere() {
    let pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|page| root().join(page));
    for page in pages.into_iter().chain(files("docs", "md")) {
        let text = fs::read_to_string(&page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let path = page.parent().unwrap().join(target.split('#').next().unwrap_or_default());
            assert!(path.exists(), "{}: nothing at {target}", page.display());
        }
    }
}

#[test]
fn snapshots_belong_to_cases() {
    let cases = root().join("tests/cases");
    for path in files("snapshots/cli", "snap") {
        let own = cases.join("cli").join(format!("{}.toml", stem(&path)));
        let unit = path.parent().is_some_and(|folder| folder.ends_with("output"));
        assert!(unit || own.exists(), "{}: no case", path.display());
    }
    for path in files("snapshots/lint", "snap") {
        let relative = path.strip_prefix(root().join("snapshots")).unwrap().with_extension("");
        assert!(cases.join(relative).exists(), "{}: no case", path.display());
    }
}
