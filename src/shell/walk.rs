//! The walk over a script's syntax tree: which commands may run, where, and under which conditions.

use std::collections::HashMap;

use brush_parser::SourceSpan;
use brush_parser::ast::{
    AndOr, Command, CompoundCommand, CompoundList, FunctionDefinition, IfClauseCommand, IoRedirect, Pipeline, Program,
    SeparatorOperator, Word,
};

use super::script::{Directory, Script, Unreadable};
use super::state::{Place, State, Status};
use super::word::{self, Reading, Splitting};
use super::{grammar, lexer, nested};
use crate::text::{LogicalText, TextRange};

/// How many compound commands and inner scripts may stand in one another before the rest is given up.
const MAX_DEPTH: usize = 64;

/// How many scripts may stand in one another; each is read anew for the one that it stands in.
const MAX_SCRIPTS: usize = 12;

/// What is gathered while walking.
#[derive(Default)]
pub(super) struct Walker {
    pub(super) script: Script,
    pub(super) functions: HashMap<String, Function>,
    /// How often each variable is assigned.
    pub(super) assigned: HashMap<String, usize>,
    depth: usize,
    scripts: usize,
}

/// A function that the script has defined.
pub(super) struct Function {
    /// Its commands, as indexes into those gathered.
    pub(super) commands: std::ops::Range<usize>,
    /// The directory that its commands were taken to start in.
    pub(super) directory: Directory,
    /// Whether it leaves the shell in another directory.
    pub(super) moves: bool,
}

impl Walker {
    /// Walks the script in `range` of the text.
    pub(super) fn run(&mut self, map: &LogicalText, range: TextRange, place: Place, state: &mut State) {
        if self.depth >= MAX_DEPTH || self.scripts >= MAX_SCRIPTS {
            self.unreadable(map, range, "scripts are nested too deeply to read");
            return;
        }
        match parse(map, range, &mut self.assigned) {
            Err(reason) => self.unreadable(map, range, reason),
            Ok(program) => {
                self.depth += 1;
                self.scripts += 1;
                let lists: Vec<_> = program.complete_commands.iter().flat_map(|list| &list.0).collect();
                self.items(map, &lists, place, state);
                self.scripts -= 1;
                self.depth -= 1;
            }
        }
    }

    pub(super) fn unreadable(&mut self, map: &LogicalText, range: TextRange, reason: &str) {
        self.script.unreadable.push(Unreadable { range: map.source_range(range), reason: reason.to_owned() });
    }

    fn list(&mut self, map: &LogicalText, list: &CompoundList, place: Place, state: &mut State) {
        self.items(map, &list.0.iter().collect::<Vec<_>>(), place, state);
    }

    fn items(
        &mut self,
        map: &LogicalText,
        items: &[&brush_parser::ast::CompoundListItem],
        place: Place,
        state: &mut State,
    ) {
        for (index, item) in items.iter().enumerate() {
            let is_last = index + 1 == items.len();
            if matches!(item.1, SeparatorOperator::Async) {
                let place = Place { exit_counts: false, ..place.ignored() };
                self.and_or(map, &item.0, place, &mut state.clone());
            } else if is_last {
                self.and_or(map, &item.0, place, state);
            } else {
                let counts = place.status != Status::Ignored && !place.suppressed;
                let status = if counts { Status::Middle } else { Status::Ignored };
                self.and_or(map, &item.0, Place { status, ..place }, state);
            }
        }
    }

    /// `a && b || c`.
    fn and_or(&mut self, map: &LogicalText, list: &brush_parser::ast::AndOrList, place: Place, state: &mut State) {
        if list.additional.is_empty() {
            self.pipeline(map, &list.first, place, state);
            return;
        }
        let before = state.clone();
        let mut previous_masked = false;
        let mut partly_ran = false;
        let elements: Vec<_> = list.iter().collect();
        let next_or = next_alternatives(&list.additional);
        for (index, (_, pipeline)) in elements.iter().enumerate() {
            let is_last = index + 1 == elements.len();
            let is_alternative = matches!(index.checked_sub(1).map(|at| &list.additional[at]), Some(AndOr::Or(_)));
            let mut here = Place { suppressed: place.suppressed || !is_last, ..place };
            here.conditional |= is_alternative || (index > 0 && previous_masked);
            here.status = match next_or[index].map(|at| ending(map, elements[at].1)) {
                Some(Ending::Exits) if place.exit_counts => Status::Counts,
                Some(Ending::Fails) => place.status,
                Some(_) => Status::Ignored,
                None if is_last => place.status,
                None if place.status == Status::Middle => Status::Ignored,
                None => place.status,
            };
            if is_alternative {
                if partly_ran {
                    state.merge(&before);
                }
                let mut branch = state.clone();
                self.pipeline(map, pipeline, here, &mut branch);
                if matches!(ending(map, pipeline), Ending::Goes) {
                    state.merge(&branch);
                }
            } else {
                partly_ran |= here.conditional && !place.conditional;
                self.pipeline(map, pipeline, here, state);
            }
            previous_masked = here.masked(state);
        }
        if partly_ran {
            state.merge(&before);
        }
    }

    fn pipeline(&mut self, map: &LogicalText, pipeline: &Pipeline, place: Place, state: &mut State) {
        let place = if pipeline.bang { place.ignored() } else { place };
        let timed = pipeline.timed.is_some();
        if timed {
            state.prefixes.push("time".to_owned());
        }
        if let [command] = pipeline.seq.as_slice() {
            self.command(map, command, place, state);
        } else {
            let counting = place.subshell(state);
            for (index, command) in pipeline.seq.iter().enumerate() {
                let is_last = index + 1 == pipeline.seq.len();
                let place = if is_last || state.pipefail { counting } else { counting.ignored() };
                self.command(map, command, place, &mut state.clone());
            }
        }
        if timed {
            state.prefixes.pop();
        }
    }

    fn command(&mut self, map: &LogicalText, command: &Command, place: Place, state: &mut State) {
        match command {
            Command::Simple(command) => self.simple(map, command, place, state),
            Command::Function(function) => self.function(map, function, place, state),
            Command::Compound(compound, redirects) => {
                let redirects = redirects.as_ref().map_or(&[][..], |list| &list.0);
                self.redirected(map, compound, redirects, place, state);
            }
            // The lexer makes a single word of a `[[ … ]]`.
            Command::ExtendedTest(..) => {}
        }
    }

    /// A compound command; what is redirected for it is redirected for each command in it.
    fn redirected(
        &mut self,
        map: &LogicalText,
        compound: &CompoundCommand,
        redirects: &[IoRedirect],
        place: Place,
        state: &mut State,
    ) {
        let first = self.script.commands.len();
        if self.depth >= MAX_DEPTH {
            let range = location(compound).unwrap_or_default();
            self.unreadable(map, range, "commands are nested too deeply to read");
            return;
        }
        self.depth += 1;
        self.compound(map, compound, place, state);
        self.depth -= 1;
        let mut gathered = Vec::new();
        for redirect in redirects {
            let read = self.redirect(map, redirect, place, state);
            gathered.extend(read.redirect);
            if let Some(here) = read.here_document {
                self.here_substitutions(map, &here, place, state);
            }
        }
        for command in &mut self.script.commands[first..] {
            command.redirects.extend(gathered.iter().cloned());
        }
    }

    fn compound(&mut self, map: &LogicalText, compound: &CompoundCommand, place: Place, state: &mut State) {
        match compound {
            CompoundCommand::BraceGroup(group) => self.list(map, &group.list, place, state),
            CompoundCommand::Subshell(subshell) => {
                let place = place.subshell(state);
                self.list(map, &subshell.list, place, &mut state.clone());
            }
            CompoundCommand::IfClause(clause) => self.if_clause(map, clause, place, state),
            CompoundCommand::CaseClause(clause) => {
                self.expand(map, &clause.value, place, state);
                let before = state.clone();
                for body in clause.cases.iter().filter_map(|case| case.cmd.as_ref()) {
                    let mut branch = before.clone();
                    self.list(map, body, place.conditional(), &mut branch);
                    state.merge(&branch);
                }
            }
            CompoundCommand::ForClause(clause) => {
                for value in clause.values.iter().flatten() {
                    self.expand(map, value, place, state);
                }
                self.looped(map, None, Some(&clause.variable_name), &clause.body.list, place, state);
            }
            CompoundCommand::ArithmeticForClause(clause) => {
                self.looped(map, None, None, &clause.body.list, place, state);
            }
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.looped(map, Some(&clause.0), None, &clause.1.list, place, state);
            }
            CompoundCommand::Coprocess(coprocess) => {
                self.command(map, &coprocess.body, place.ignored(), &mut state.clone());
            }
            CompoundCommand::Arithmetic(_) => {}
        }
    }

    fn if_clause(&mut self, map: &LogicalText, clause: &IfClauseCommand, place: Place, state: &mut State) {
        self.list(map, &clause.condition, place.ignored(), state);
        let mut otherwise = state.clone();
        self.list(map, &clause.then, place.conditional(), state);
        for branch in clause.elses.iter().flatten() {
            match &branch.condition {
                Some(condition) => {
                    self.list(map, condition, place.ignored().conditional(), &mut otherwise);
                    let mut taken = otherwise.clone();
                    self.list(map, &branch.body, place.conditional(), &mut taken);
                    state.merge(&taken);
                }
                None => self.list(map, &branch.body, place.conditional(), &mut otherwise),
            }
        }
        state.merge(&otherwise);
    }

    fn looped(
        &mut self,
        map: &LogicalText,
        condition: Option<&CompoundList>,
        variable: Option<&str>,
        body: &CompoundList,
        place: Place,
        state: &mut State,
    ) {
        let first = self.script.commands.len();
        if let Some(variable) = variable {
            state.forget(variable);
        }
        let mut inside = state.clone();
        inside.repeated = true;
        if let Some(condition) = condition {
            self.list(map, condition, place.ignored(), &mut inside);
        }
        // Only the last round's status is the loop's.
        let status = if place.status == Status::Counts && !place.suppressed { Status::Middle } else { place.status };
        self.list(map, body, Place { status, ..place.conditional() }, &mut inside);
        if inside.directory != state.directory {
            // The second round starts elsewhere than the first.
            self.lose_directory(first..self.script.commands.len());
        }
        state.merge(&inside);
    }

    pub(super) fn lose_directory(&mut self, commands: std::ops::Range<usize>) {
        for command in self.script.commands.get_mut(commands).into_iter().flatten() {
            command.directory = Directory::Unknown;
        }
    }

    /// A definition runs nothing. Its commands are gathered here as ones that may run; the call is left out.
    fn function(&mut self, map: &LogicalText, function: &FunctionDefinition, place: Place, state: &mut State) {
        let first = self.script.commands.len();
        let mut inside = state.clone();
        inside.repeated = true;
        let redirects = function.body.1.as_ref().map_or(&[][..], |list| &list.0);
        let place = Place { exit_counts: false, ..place.ignored().conditional() };
        self.redirected(map, &function.body.0, redirects, place, &mut inside);
        state.hide_changes_of(&inside);
        let Some(name) = location_of(function.fname.loc.as_ref()) else { return };
        let function = Function {
            commands: first..self.script.commands.len(),
            directory: state.directory.clone(),
            moves: inside.directory != state.directory,
        };
        self.functions.insert(name.of(map.as_str()).to_owned(), function);
    }

    /// Runs the command substitutions of a word that is otherwise of no interest.
    fn expand(&mut self, map: &LogicalText, word: &Word, place: Place, state: &State) {
        let reading = self.read(map, word, Splitting::Whole, state);
        self.substitutions(map, &reading, place, state);
    }

    pub(super) fn read(&self, map: &LogicalText, word: &Word, splitting: Splitting, state: &State) -> Reading {
        let range = location_of(word.loc.as_ref()).unwrap_or_default();
        self.read_range(map, range, splitting, state)
    }

    pub(super) fn read_range(
        &self,
        map: &LogicalText,
        range: TextRange,
        splitting: Splitting,
        state: &State,
    ) -> Reading {
        word::read(map, range, splitting, &|name| state.lookup(name, &self.assigned))
    }

    /// Walks the scripts of a word's substitutions.
    pub(super) fn substitutions(&mut self, map: &LogicalText, reading: &Reading, place: Place, state: &State) {
        let place = Place { exit_counts: false, ..place.ignored() };
        for range in &reading.substitutions {
            self.run(map, *range, place, &mut state.clone());
        }
        for range in &reading.backquoted {
            self.run_text(&nested::unescaped(map, *range), place, &mut state.clone());
        }
    }

    /// Walks a script that stands in a word.
    pub(super) fn run_text(&mut self, map: &LogicalText, place: Place, state: &mut State) {
        self.run(map, TextRange::new(0, map.as_str().len()), place, state);
    }

    pub(super) fn subshell(
        &mut self,
        map: &LogicalText,
        subshell: &brush_parser::ast::SubshellCommand,
        place: Place,
        state: &State,
    ) {
        let place = Place { exit_counts: false, ..place.ignored() };
        self.list(map, &subshell.list, place, &mut state.clone());
    }
}

fn parse(map: &LogicalText, range: TextRange, assigned: &mut HashMap<String, usize>) -> Result<Program, &'static str> {
    let lexed = lexer::lex(map.as_str(), range)?;
    for (name, times) in lexed.assigned {
        *assigned.entry(name).or_default() += times;
    }
    grammar::parse(lexed.tokens)
}

/// For each element of a list, the index of the next one that stands after `||`.
fn next_alternatives(additional: &[AndOr]) -> Vec<Option<usize>> {
    let mut next = vec![None; additional.len() + 1];
    for index in (0..additional.len()).rev() {
        let is_alternative = matches!(additional[index], AndOr::Or(_));
        next[index] = if is_alternative { Some(index + 1) } else { next[index + 1] };
    }
    next
}

/// How a pipeline after `||` ends.
enum Ending {
    /// `exit 1`: the shell ends with a failure.
    Exits,
    /// `false`: the list fails.
    Fails,
    /// The script goes on.
    Goes,
}

fn ending(map: &LogicalText, pipeline: &Pipeline) -> Ending {
    let [command] = pipeline.seq.as_slice() else { return Ending::Goes };
    if pipeline.bang {
        return Ending::Goes;
    }
    match command {
        Command::Simple(command) => {
            let name = command.word_or_name.as_ref().and_then(|word| location_of(word.loc.as_ref()));
            let text = name.map_or("", |range| range.of(map.as_str()));
            let status = command.suffix.as_ref().and_then(|suffix| match suffix.0.as_slice() {
                [brush_parser::ast::CommandPrefixOrSuffixItem::Word(word)] => location_of(word.loc.as_ref()),
                _ => None,
            });
            let status = status.map_or("", |range| range.of(map.as_str()));
            match text {
                "false" => Ending::Fails,
                "exit" if status.parse::<u8>().is_ok_and(|status| status != 0) => Ending::Exits,
                _ => Ending::Goes,
            }
        }
        Command::Compound(CompoundCommand::BraceGroup(group), _) => match group.list.0.last() {
            Some(item) if item.0.additional.is_empty() => ending(map, &item.0.first),
            _ => Ending::Goes,
        },
        _ => Ending::Goes,
    }
}

fn location(compound: &CompoundCommand) -> Option<TextRange> {
    location_of(brush_parser::ast::SourceLocation::location(compound).as_ref())
}

/// A span as a range of the text: the lexer gave the spans byte offsets.
pub(super) fn location_of(span: Option<&SourceSpan>) -> Option<TextRange> {
    span.map(|span| TextRange::new(span.start.index, span.end.index))
}
