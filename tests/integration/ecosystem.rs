//! The packs that come with the program: facts about the data, and closures of whole projects.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use insta::Settings;
use layerwise::ecosystem::{Catalog, Closure, Effect, Line, PathKind, ProjectFiles, Recognition, Site};
use layerwise::shell::{Part, ShellWord, SimpleCommand};
use layerwise::text::{LogicalText, TextRange};
use proptest::prelude::*;

/// A context in memory: every path with its text.
struct Memory(BTreeMap<String, String>);

impl ProjectFiles for Memory {
    fn kind(&self, path: &str) -> Option<PathKind> {
        if self.0.contains_key(path) {
            return Some(PathKind::File);
        }
        let below =
            |name: &String| path.is_empty() || name.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        self.0.keys().any(below).then_some(PathKind::Directory)
    }

    fn read(&self, path: &str) -> Option<String> {
        self.0.get(path).cloned()
    }

    fn list(&self, directory: &str) -> Vec<(String, PathKind)> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let names: BTreeSet<&str> =
            self.0.keys().filter_map(|path| path.strip_prefix(&prefix)?.split('/').next()).collect();
        names.into_iter().map(|name| (name.to_owned(), self.kind(&format!("{prefix}{name}")).unwrap())).collect()
    }
}

fn command(line: &str) -> SimpleCommand {
    let script = layerwise::shell::read(&LogicalText::contiguous(line, 0));
    assert!(script.unreadable.is_empty() && script.commands.len() == 1, "{line} is one command");
    script.commands[0].clone()
}

fn recognize(line: &str) -> Recognition {
    Catalog::builtin().recognize(&command(line), &|_| None)
}

/// A case: a text with `command:`, `directory:` and `env:` lines, then files, each after a line `-- path --`.
struct Case {
    commands: Vec<String>,
    directory: String,
    environment: BTreeMap<String, String>,
    files: Memory,
}

impl Case {
    fn read(text: &str) -> Self {
        let mut case = Self {
            commands: Vec::new(),
            directory: String::new(),
            environment: BTreeMap::new(),
            files: Memory(BTreeMap::new()),
        };
        let mut open: Option<String> = None;
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
                case.files.0.insert(path.to_owned(), String::new());
                open = Some(path.to_owned());
            } else if let Some(path) = &open {
                let file = case.files.0.get_mut(path).unwrap();
                file.push_str(line);
                file.push('\n');
            } else if let Some((key, value)) = line.split_once(": ") {
                match key {
                    "command" => case.commands.push(value.to_owned()),
                    "directory" => value.clone_into(&mut case.directory),
                    "env" => {
                        let (name, value) = value.split_once('=').unwrap();
                        case.environment.insert(name.to_owned(), value.to_owned());
                    }
                    other => panic!("unknown key {other}"),
                }
            }
        }
        assert!(!case.commands.is_empty() && !case.files.0.is_empty(), "a case has commands and files");
        case
    }

    fn with_site<T>(&self, run: impl FnOnce(&Site) -> T) -> T {
        // The stage path `/app` was filled from the root of the context.
        let resolve = |path: &str| {
            let path = match path.strip_prefix("/app") {
                Some(rest) => rest.trim_start_matches('/').to_owned(),
                None if path.starts_with('/') => return None,
                None => format!("{}/{path}", self.directory),
            };
            let mut parts = Vec::new();
            for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
                if part == ".." {
                    parts.pop()?;
                } else {
                    parts.push(part);
                }
            }
            Some(parts.join("/"))
        };
        run(&Site {
            // `directory: none` stands for a working directory that no COPY filled.
            directory: (self.directory != "none").then_some(&self.directory),
            files: &self.files,
            environment: &|name| self.environment.get(name).cloned(),
            resolve: &resolve,
        })
    }
}

fn show_closure(out: &mut String, closure: &Closure) {
    for read in &closure.reads {
        let below = if read.directory { "/**" } else { "" };
        writeln!(out, "  reads   {}{below}  ({})", read.path, read.reason).unwrap();
    }
    for missing in &closure.missing {
        writeln!(out, "  missing {}  ({}, {})", missing.path, missing.reason, missing.from).unwrap();
    }
    for write in &closure.writes {
        writeln!(out, "  writes  {}  ({:?})", write.path, write.kind).unwrap();
    }
    for variable in &closure.variables {
        writeln!(out, "  asks for {variable}").unwrap();
    }
    for refusal in &closure.refusals {
        writeln!(out, "  refused: {}\n           {}", refusal.reason, refusal.evidence).unwrap();
    }
}

fn show(case: &Case) -> String {
    let catalog = Catalog::builtin();
    let mut out = String::new();
    for line in &case.commands {
        let recognition = recognize(line);
        case.with_site(|site| {
            let found = catalog.resolve(&recognition, site);
            let what =
                found.map(|found| format!("{} of {}: {:?}", found.title, found.pack.name.get_ref(), found.effect()));
            writeln!(out, "$ {line}\n  {}", what.unwrap_or_else(|| "unknown".to_owned())).unwrap();
            if let Some(found) = found.filter(|found| found.effect() == Effect::Install) {
                writeln!(out, "  locked: {}", catalog.is_locked(found, site)).unwrap();
            }
            show_closure(&mut out, &catalog.closure(&recognition, site));
            if let Some(warm_up) = catalog.warm_up(&recognition, site) {
                let line = match &warm_up.line {
                    Line::Fixed(line) => line.clone(),
                    Line::Extended(added) => format!("… {}", added.join(" ")),
                };
                writeln!(out, "  warm-up `{line}` fills {:?}", warm_up.fills).unwrap();
                for refusal in &warm_up.differs {
                    writeln!(out, "    differs: {}\n             {}", refusal.reason, refusal.evidence).unwrap();
                }
                let mut inner = String::new();
                show_closure(&mut inner, &warm_up.closure);
                out.extend(inner.lines().map(|line| format!("  {line}\n")));
            }
        });
        out.push('\n');
    }
    out
}

#[test]
fn closures_of_projects() {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/ecosystem");
    settings.set_prepend_module_to_snapshot(false);
    settings.remove_snapshot_suffix();
    settings.set_omit_expression(true);
    let mut cases: Vec<_> =
        std::fs::read_dir("tests/cases/ecosystem").unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    for path in cases {
        let case = Case::read(&std::fs::read_to_string(&path).unwrap());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        settings.bind(|| insta::assert_snapshot!(name.as_str(), show(&case)));
    }
}

#[test]
fn every_pack_is_valid_and_used() {
    let texts: Vec<_> = std::fs::read_dir("rules/ecosystems")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    let names: BTreeSet<&str> = Catalog::builtin().packs().map(|pack| pack.name.get_ref().as_str()).collect();
    assert_eq!(names.len(), texts.len(), "every file is built in, under its own name: {names:?}");
    let cases: String = std::fs::read_dir("tests/cases/ecosystem")
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .chain([include_str!("../cases/ecosystem-commands.txt").to_owned()])
        .collect();
    for (path, text) in &texts {
        // As a user's pack it is checked in full; it takes the place of the built-in one.
        let catalog = Catalog::with_packs(&[(path.clone(), text.clone())]).unwrap_or_else(|error| panic!("{error}"));
        let stem = std::path::Path::new(path).file_stem().unwrap().to_string_lossy().into_owned();
        let pack = catalog.pack(&stem).unwrap_or_else(|| panic!("{path} is not named {stem}"));
        let used = cases
            .lines()
            .filter_map(|line| line.strip_prefix("command: ").or_else(|| line.split_once(" => ").map(|parts| parts.0)));
        let used =
            used.filter(|line| recognize(line).candidates.iter().any(|found| found.pack.name.get_ref() == &stem));
        assert!(used.count() > 0, "no case uses {stem}");
        assert!(text.contains("# https://"), "{path} links no source");
        assert!(!pack.commands.is_empty(), "{path} knows no command");
    }
}

/// Lines of `command => effect`, with `?` after it where something in the command is not known.
#[test]
fn commands_are_recognized() {
    let table = include_str!("../cases/ecosystem-commands.txt");
    let mut wrong = String::new();
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (text, expected) = line.split_once(" => ").unwrap();
        let recognition = recognize(text);
        let effect = match recognition.first() {
            None => "unknown".to_owned(),
            Some(found) => {
                let paths: Vec<String> = found
                    .paths
                    .iter()
                    .map(|path| {
                        let stars = if path.pattern { "*" } else { "" };
                        let below = if path.recursive { "/**" } else { "" };
                        format!("{:?} {}{stars}{below}", path.access, path.path)
                    })
                    .collect();
                let doubt = if found.unknown.is_empty() { "" } else { "?" };
                format!("{:?}{doubt} {}", found.effect(), paths.join(", ")).trim_end().to_owned()
            }
        };
        if effect != expected {
            writeln!(wrong, "{text} => {effect} (expected {expected})").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn broken_packs_are_reported_with_their_place() {
    let cases = [
        (
            "name = \"x\"\nkind = \"tool\"\nmanifest = []\n",
            "x.toml:3:1: unknown field `manifest`",
            "did you mean `manifests`?",
        ),
        ("name = \"x\"\nkind = \"toy\"\n", "x.toml:2:8: unknown variant `toy`", ""),
        ("name = \"x\"\nkind = 1\n", "x.toml:2:8: ", ""),
        ("name = \"x\"\nkind = \n", "x.toml:2:", ""),
        (
            "name = \"x\"\nkind = \"tool\"\n[[commands]]\nprograms = [\"npm\"]\nsubcommands = [\"ci\"]\neffect = \"inert\"\n",
            "x.toml:4:13: the pack `npm` claims the command `npm` too",
            "name this pack `npm`",
        ),
        (
            "name = \"x\"\nkind = \"tool\"\n[[commands]]\nprograms = [\"y\"]\noptions = [\"z\"]\neffect = \"inert\"\n",
            "x.toml:5:12: there is no option set `z`",
            "add a table",
        ),
        (
            "name = \"x\"\nkind = \"tool\"\n[[commands]]\nprograms = [\"y\"]\nonly = \"(\"\neffect = \"inert\"\n",
            "x.toml:5:8: ",
            "regex",
        ),
        (
            "name = \"x\"\nkind = \"tool\"\n[closure.a]\nlike = \"b\"\n[closure.b]\nlike = \"a\"\n",
            "x.toml:4:8: there is no closure `b` to be like",
            "not like this one",
        ),
    ];
    for (text, message, remedy) in cases {
        let error = Catalog::with_packs(&[("x.toml".to_owned(), text.to_owned())]).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(error.remedy.unwrap_or_default().contains(remedy), "{text}");
    }
}

#[test]
fn a_pack_of_the_user_replaces_a_built_in_one() {
    let text = "name = \"npm\"\nkind = \"language\"\n[[commands]]\nprograms = [\"npm\"]\nsubcommands = [\"ci\"]\neffect = \"inert\"\n";
    let catalog = Catalog::with_packs(&[("npm.toml".to_owned(), text.to_owned())]).unwrap();
    assert_eq!(catalog.recognize(&command("npm ci"), &|_| None).effect(), Some(Effect::Inert));
    assert_eq!(catalog.recognize(&command("apt-get update"), &|_| None).effect(), Some(Effect::ContextFree));
}

#[test]
fn hostile_manifests_are_refused_without_a_panic() {
    let deep = format!("{{\"scripts\":{}", "[".repeat(200_000));
    let loops = r#"{"scripts":{"postinstall":"npm run a","a":"npm run b","b":"npm run a"}}"#;
    let wide = format!("{{\"workspaces\":[{}]}}", vec!["\"**/*{a,b}[\""; 200].join(","));
    for text in [
        deep.as_str(),
        "",
        "null",
        "[]",
        "\u{feff}{",
        "{\"workspaces\":7}",
        loops,
        wide.as_str(),
        "{\"bin\":{\"a\":\"../../..\"}}",
    ] {
        let files = Memory(BTreeMap::from([("package.json".to_owned(), text.to_owned())]));
        let site =
            Site { directory: Some(""), files: &files, environment: &|_| None, resolve: &|path| Some(path.to_owned()) };
        let closure = Catalog::builtin().closure(&recognize("npm ci"), &site);
        assert!(!closure.refusals.is_empty(), "{}", &text[..text.len().min(40)]);
    }
}

proptest! {
    #[test]
    fn any_command_and_any_manifest_is_answered(
        words in prop::collection::vec("(npm|ci|install|pip|-r|go|mod|download|yarn|-[a-zA-Z=é]{1,4}|--[a-z]{0,6}=?|[./a-zé*@]{0,6})", 1..6),
        manifest in r#"(\{"(workspaces|scripts|dependencies)":(\["[*/.!a{}\[\]é]{0,8}"\]|\{"(postinstall|a)":"[a-z ./*$|&;'é-]{0,12}"\}|7|null)\}|[ -~é]{0,30})"#,
    ) {
        let words = words.iter().map(|text| ShellWord {
            raw: text.clone(),
            parts: vec![Part::Literal(text.clone())],
            range: TextRange::default(),
        });
        let command = SimpleCommand { words: words.collect(), ..command("true") };
        let names = ["package.json", "package-lock.json", "yarn.lock", "go.mod", "requirements.txt", "a/package.json"];
        let files = Memory(names.iter().map(|name| ((*name).to_owned(), manifest.clone())).collect());
        let recognition = Catalog::builtin().recognize(&command, &|_| None);
        let site = Site { directory: Some(""), files: &files, environment: &|_| None, resolve: &|path| Some(path.to_owned()) };
        let closure = Catalog::builtin().closure(&recognition, &site);
        // What is read exists, or is the root of the context.
        for read in &closure.reads {
            prop_assert!(read.path.is_empty() || files.kind(&read.path).is_some(), "{}", read.path);
        }
        if recognition.is_unknown() {
            prop_assert!(!closure.refusals.is_empty());
        }
        let _ = Catalog::builtin().warm_up(&recognition, &site);
    }
}
