//! Lifecycle scripts: commands of a manifest that an install runs.

use serde_json::Value;

use super::super::pack::{ClosureSpec, ScriptSpec};
use super::super::recognition::{Access, Match};
use super::super::site::Site;
use super::super::words::Word;
use super::super::{Effect, Need, PathKind, WriteKind, document, path};
use super::condition::shortened;
use super::reference::{Demand, Reference};
use super::{Build, DEEPEST, found_spec};
use crate::shell::{Directory, RedirectKind, SimpleCommand};
use crate::text::LogicalText;

/// A script that runs.
#[derive(Clone)]
struct Script {
    /// The manifest.
    file: String,
    /// The table of scripts, for those that run each other.
    table: Value,
    name: String,
    text: String,
    depth: usize,
}

impl Script {
    fn evidence(&self) -> String {
        format!("{}: scripts.{} = {}", self.file, self.name, shortened(&Value::from(self.text.as_str()).to_string()))
    }
}

/// Where a command of a script runs, and what becomes of the script without what it reads.
#[derive(Clone, Copy)]
struct Place<'a> {
    directory: &'a str,
    demand: Demand,
}

impl Place<'_> {
    fn reference<'s>(&self, script: &'s Script) -> Reference<'s> {
        Reference::new(&script.file, self.demand)
    }
}

/// A script goes on where a command fails whose failure it expects.
fn demand_of(command: &SimpleCommand) -> Demand {
    if command.guard.masked || command.guard.conditional { Demand::Never } else { Demand::Existing }
}

impl Build<'_> {
    pub(super) fn run_scripts(&mut self, spec: &ClosureSpec) {
        for scripts in &spec.scripts {
            if scripts.unless.iter().any(|condition| self.holds(condition).is_some()) {
                continue;
            }
            for file in self.files_of(&scripts.groups, &scripts.files) {
                self.scripts_of(scripts, &file);
            }
        }
    }

    fn scripts_of(&mut self, scripts: &ScriptSpec, file: &str) {
        let Some(tree) = self.tree(file) else { return };
        let Some(table) = document::select(&tree, &scripts.select).first().map(|found| found.value.clone()) else {
            return;
        };
        for name in &scripts.names {
            self.script_named(file, &table, name, self.depth);
        }
    }

    /// Runs the script of that name, if the table has it.
    fn script_named(&mut self, file: &str, table: &Value, name: &str, depth: usize) -> bool {
        let Some(text) = table.get(name).and_then(Value::as_str) else { return false };
        let script =
            Script { file: file.to_owned(), table: table.clone(), name: name.to_owned(), text: text.to_owned(), depth };
        self.script(&script);
        true
    }

    fn script(&mut self, script: &Script) {
        if script.text.trim().is_empty() {
            return;
        }
        let what = format!("the `{}` script of `{}`", script.name, script.file);
        if script.depth > DEEPEST {
            return self.refuse(&format!("{what} runs scripts that run each other"), &script.evidence());
        }
        let shell = crate::shell::read(&LogicalText::contiguous(&script.text, 0));
        for unreadable in &shell.unreadable {
            let reason = format!("{what} has a part that cannot be followed: {}", unreadable.reason);
            self.refuse(&reason, &script.evidence());
        }
        for command in &shell.commands {
            self.script_command(script, &what, command);
        }
    }

    fn script_command(&mut self, script: &Script, what: &str, command: &SimpleCommand) {
        let catalog = self.catalog;
        let words: Vec<Word> = command.words.iter().map(|word| Word::new(word, &|_| None)).collect();
        if let Some((_, rest)) = catalog.after_runner(&words, |runner| runner.scripts)
            && let Some(name) = rest.first().and_then(Word::value)
            && script.table.get(name).is_some()
        {
            for name in [format!("pre{name}"), name.to_owned(), format!("post{name}")] {
                self.script_named(&script.file, &script.table, &name, script.depth + 1);
            }
            return;
        }
        let line = words.iter().map(|word| word.argument.raw.as_str()).collect::<Vec<_>>().join(" ");
        let Some(directory) = directory_of(script, &command.directory) else {
            let reason = format!("{what} runs `{}` in a directory that is not known", shortened(&line));
            return self.refuse(&reason, &script.evidence());
        };
        let place = Place { directory: &directory, demand: demand_of(command) };
        self.redirects(script, what, place, command);
        let recognition = catalog.recognize_words(&words);
        let Some(found) = recognition.first() else {
            self.script_files(script, place, &words);
            let reason = format!("{what} runs `{}`, of which nothing is known", shortened(&line));
            return self.refuse(&reason, &script.evidence());
        };
        self.script_match(script, place, what, &line, found);
    }

    fn redirects(&mut self, script: &Script, what: &str, place: Place<'_>, command: &SimpleCommand) {
        for redirect in &command.redirects {
            let Some(target) = redirect.target.literal() else {
                let reason = format!("{what} redirects to or from a file that is not known");
                self.refuse(&reason, &script.evidence());
                continue;
            };
            // What lies outside of the project, such as /dev/null, is no matter of the context.
            let Some(path) = path::join(place.directory, target) else { continue };
            match redirect.kind {
                RedirectKind::Read => {
                    self.take_path(&path, &[], "scripts", &format!("named by {what}"), &place.reference(script));
                }
                RedirectKind::Write => self.write(path, WriteKind::MayRewrite),
            }
        }
    }

    fn script_match(&mut self, script: &Script, place: Place<'_>, what: &str, line: &str, found: &Match) {
        let evidence = script.evidence();
        for word in &found.unknown {
            self.refuse(&format!("{what} runs `{}`; nothing is known of `{word}`", shortened(line)), &evidence);
        }
        match found.effect() {
            Effect::Inert => {}
            Effect::ContextFree | Effect::Download if found.spec().closure.is_some() => {
                self.script_generator(script, place, found);
            }
            Effect::ContextFree | Effect::Download | Effect::Paths => self.script_paths(script, place, what, found),
            Effect::Generate => self.script_generator(script, place, found),
            Effect::Build => {
                self.script_paths(script, place, what, found);
                let reason = format!("{what} runs `{}`, which may read any file of the project", shortened(line));
                self.refuse(&reason, &evidence);
            }
            Effect::Install => {
                self.refuse(&format!("{what} runs another install, `{}`", shortened(line)), &evidence);
            }
        }
    }

    fn script_generator(&mut self, script: &Script, place: Place<'_>, found: &Match) {
        let directory = place.directory;
        let resolve = |relative: &str| path::join(directory, relative);
        let site = Site { directory: Some(directory), resolve: &resolve, ..self.site };
        let build = Build::new(self.catalog, found, site, script.depth + 1);
        let mut closure = build.run(found_spec(found));
        for read in &mut closure.reads {
            if matches!(&read.need, Need::Required { from } if *from == found.title) {
                read.need = place.reference(script).need();
            }
        }
        self.merge(closure);
    }

    /// Paths that a command of a script names.
    fn script_paths(&mut self, script: &Script, place: Place<'_>, what: &str, found: &Match) {
        for given in &found.paths {
            let Some(path) = path::join(place.directory, &given.path) else { continue };
            if given.pattern {
                let reason = format!("{what} names files by a pattern, `{}…`", given.path);
                self.refuse(&reason, &script.evidence());
                continue;
            }
            if matches!(given.access, Access::Read | Access::Modify) {
                self.take_path(&path, &[], "scripts", &format!("named by {what}"), &place.reference(script));
            }
            if matches!(given.access, Access::Write | Access::Modify | Access::Remove) {
                self.write(path, WriteKind::MayRewrite);
            }
        }
    }

    /// Words of an unknown command that name files of the project belong to what it reads.
    fn script_files(&mut self, script: &Script, place: Place<'_>, words: &[Word]) {
        for word in words {
            let Some(path) = word.value().and_then(|value| path::join(place.directory, value)) else { continue };
            if self.site.files.kind(&path) == Some(PathKind::File) {
                self.read(&path, false, &format!("named by the `{}` script of `{}`", script.name, script.file));
                self.need(&path, place.reference(script).need());
            }
        }
    }
}

/// The directory of the context that a command of a script runs in; scripts start beside their manifest.
fn directory_of(script: &Script, directory: &Directory) -> Option<String> {
    let start = path::parent(&script.file);
    match directory {
        Directory::Start => Some(start.to_owned()),
        Directory::Path(path) if !path.contains('$') => path::join(start, path),
        Directory::Path(_) | Directory::Unknown => None,
    }
}
