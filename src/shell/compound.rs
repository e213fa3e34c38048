//! Compound commands: groups, conditions, loops and functions, and what they leave uncertain behind them.

use brush_parser::ast::{
    CompoundCommand, CompoundList, FunctionDefinition, IfClauseCommand, IoRedirect, SourceLocation, Word,
};

use super::script::{Directory, Guard, Part, ShellWord, SimpleCommand};
use super::state::{Place, State, Status};
use super::walk::{Function, MAX_DEPTH, Walker, location_of};
use super::word::Splitting;
use crate::text::{LogicalText, TextRange};

impl Walker<'_> {
    /// A compound command; what is redirected for it is redirected for each command in it.
    pub(super) fn redirected(
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
                let words = self.list_of_loop(map, clause.values.as_deref().unwrap_or_default(), place, state);
                let (name, body) = (&clause.variable_name, &clause.body.list);
                match self.values_of(&words, state) {
                    Some(values) if (1..=self.rounds).contains(&values.len()) && asks_for(map, name) => {
                        self.rounds -= values.len();
                        self.unrolled(map, (name, &values), body, place, state);
                    }
                    _ => self.looped(map, None, Some(name), body, place, state),
                }
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

    /// The words that a `for` goes through. What runs in them and what files the shell looks for is gathered.
    fn list_of_loop(&mut self, map: &LogicalText, values: &[Word], place: Place, state: &State) -> Vec<ShellWord> {
        let mut found = Vec::new();
        for value in values {
            let reading = self.read(map, value, Splitting::Fields, state);
            self.substitutions(map, &reading, place, state);
            found.extend(reading.words);
        }
        let listing: Vec<ShellWord> = found.iter().filter(|word| word.lists_files()).cloned().collect();
        if let (Some(first), Some(last)) = (listing.first(), listing.last()) {
            let range = first.range.cover(last.range);
            self.script.commands.push(loop_list(range, listing, state));
        }
        found
    }

    /// The words as the shell would put them, where they are known.
    fn values_of(&self, words: &[ShellWord], state: &State) -> Option<Vec<String>> {
        let mut found = Vec::new();
        for word in words {
            match word.literal() {
                Some(text) => found.push(text.to_owned()),
                None if word.lists_files() => found.extend((self.listing)(word, &state.directory)?),
                None => return None,
            }
        }
        Some(found)
    }

    /// A loop over words that are known: its body once for each.
    fn unrolled(
        &mut self,
        map: &LogicalText,
        (variable, values): (&str, &[String]),
        body: &CompoundList,
        place: Place,
        state: &mut State,
    ) {
        let first = self.script.commands.len();
        let mut inside = state.clone();
        inside.repeated = true;
        let counts = place.status == Status::Counts && !place.suppressed;
        for (round, value) in values.iter().enumerate() {
            let is_last = round + 1 == values.len();
            let status = if counts && !is_last { Status::Middle } else { place.status };
            inside.assign(variable, Some(value.clone()));
            self.list(map, body, Place { status, ..place.conditional() }, &mut inside);
        }
        let gathered = self.script.commands.get(first..).unwrap_or_default();
        let has = |names: &[&str]| {
            gathered.iter().any(|command| command.program().is_some_and(|program| names.contains(&program)))
        };
        // A round that ends early leaves the next one where it is.
        if inside.directory != state.directory || has(&["continue", "break"]) && has(&["cd", "pushd"]) {
            inside.directory = Directory::Unknown;
            self.lose_directory(first..self.script.commands.len());
        }
        inside.repeated = state.repeated;
        state.merge(&inside);
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
    pub(super) fn function(
        &mut self,
        map: &LogicalText,
        function: &FunctionDefinition,
        place: Place,
        state: &mut State,
    ) {
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
}

/// Whether the script asks for a variable.
fn asks_for(map: &LogicalText, name: &str) -> bool {
    map.as_str().split('$').skip(1).any(|rest| rest.strip_prefix('{').unwrap_or(rest).starts_with(name))
}

/// The list of a loop as a command.
fn loop_list(range: TextRange, listing: Vec<ShellWord>, state: &State) -> SimpleCommand {
    let start = TextRange::empty(range.start);
    let name = ShellWord { raw: String::new(), parts: vec![Part::Literal("for".to_owned())], range: start };
    SimpleCommand {
        range,
        assignments: Vec::new(),
        words: std::iter::once(name).chain(listing).collect(),
        prefixes: Vec::new(),
        user: state.user.clone(),
        redirects: Vec::new(),
        directory: state.directory.clone(),
        guard: Guard { conditional: true, masked: true, by_order: false },
    }
}

fn location(compound: &CompoundCommand) -> Option<TextRange> {
    location_of(compound.location().as_ref())
}
