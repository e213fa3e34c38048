//! The walk over a script's syntax tree: which commands may run, where, and under which conditions.

use std::collections::HashMap;

use brush_parser::SourceSpan;
use brush_parser::ast::{AndOr, Command, CompoundCommand, CompoundList, Pipeline, Program, SeparatorOperator, Word};

use super::script::{Directory, Script, Unreadable};
use super::state::{Place, State, Status};
use super::word::{self, Reading, Splitting};
use super::{Listing, grammar, lexer, nested};
use crate::text::{LogicalText, TextRange};

/// How many compound commands and inner scripts may stand in one another before the rest is given up.
pub(super) const MAX_DEPTH: usize = 64;

/// How many scripts may stand in one another; each is read anew for the one that it stands in.
const MAX_SCRIPTS: usize = 12;

/// How many rounds of loops over known words are walked one by one, in all.
const MOST_ROUNDS: usize = 32;

/// What is gathered while walking.
pub(super) struct Walker<'a> {
    pub(super) script: Script,
    pub(super) functions: HashMap<String, Function>,
    /// How often each variable is assigned.
    pub(super) assigned: HashMap<String, usize>,
    pub(super) depth: usize,
    /// How many rounds of loops may still be walked one by one.
    pub(super) rounds: usize,
    /// Names of files that patterns stand for.
    pub(super) listing: &'a Listing<'a>,
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

impl<'a> Walker<'a> {
    pub(super) fn new(listing: &'a Listing<'a>) -> Self {
        Self {
            script: Script::default(),
            functions: HashMap::new(),
            assigned: HashMap::new(),
            depth: 0,
            rounds: MOST_ROUNDS,
            listing,
            scripts: 0,
        }
    }

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

    pub(super) fn list(&mut self, map: &LogicalText, list: &CompoundList, place: Place, state: &mut State) {
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

    pub(super) fn command(&mut self, map: &LogicalText, command: &Command, place: Place, state: &mut State) {
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

    /// Runs the command substitutions of a word that is otherwise of no interest.
    pub(super) fn expand(&mut self, map: &LogicalText, word: &Word, place: Place, state: &State) {
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

/// The syntax tree of a part of the text; how often it assigns each variable is added to `assigned`.
pub(super) fn parse(
    map: &LogicalText,
    range: TextRange,
    assigned: &mut HashMap<String, usize>,
) -> Result<Program, &'static str> {
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

/// A span as a range of the text: the lexer gave the spans byte offsets.
pub(super) fn location_of(span: Option<&SourceSpan>) -> Option<TextRange> {
    span.map(|span| TextRange::new(span.start.index, span.end.index))
}
