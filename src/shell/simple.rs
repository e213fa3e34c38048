//! Simple commands: their words, assignments and redirections, and what is done with them by name.

use brush_parser::ast::{
    Assignment as AssignmentNode, CommandPrefixOrSuffixItem as Item, IoFileRedirectKind, IoFileRedirectTarget,
    IoHereDocument, IoRedirect, SimpleCommand as Node, Word,
};

use super::prefix::{self, Stripped};
use super::script::{Assignment, Directory, Part, Redirect, RedirectKind, ShellWord, SimpleCommand};
use super::state::{Place, State};
use super::walk::{Walker, location_of};
use super::word::{Reading, Splitting};
use super::{builtin, expansion, extent};
use crate::text::{LogicalText, TextRange};

/// How many assignments before one command are followed.
const MOST_ASSIGNMENTS: usize = 32;

/// A simple command while it is read.
#[derive(Default)]
pub(super) struct Draft {
    /// Where it stands in the text.
    pub(super) range: Option<TextRange>,
    pub(super) assignments: Vec<Assignment>,
    /// The words, each with the place in the text that it came from.
    pub(super) words: Vec<ShellWord>,
    pub(super) places: Vec<TextRange>,
    pub(super) redirects: Vec<Redirect>,
    pub(super) here_documents: Vec<HereDocument>,
    /// What runs before the command, by the word it stands in.
    substitutions: Vec<(TextRange, Reading)>,
}

/// A here document that a command reads.
pub(super) struct HereDocument {
    pub(super) body: TextRange,
    pub(super) strip_tabs: bool,
    /// Whether the outer shell expands it.
    pub(super) expands: bool,
}

/// What a redirection amounts to.
#[derive(Default)]
pub(super) struct ReadRedirect {
    pub(super) redirect: Option<Redirect>,
    pub(super) here_document: Option<HereDocument>,
    range: Option<TextRange>,
}

impl Draft {
    fn cover(&mut self, range: TextRange) {
        self.range = Some(self.range.map_or(range, |before| before.cover(range)));
    }
}

impl Walker<'_> {
    pub(super) fn simple(&mut self, map: &LogicalText, node: &Node, place: Place, state: &mut State) {
        let mut draft = Draft::default();
        for item in node.prefix.iter().flat_map(|prefix| &prefix.0) {
            self.item(map, item, true, place, state, &mut draft);
        }
        if let Some(name) = &node.word_or_name {
            self.word(map, name, state, &mut draft);
        }
        for item in node.suffix.iter().flat_map(|suffix| &suffix.0) {
            self.item(map, item, false, place, state, &mut draft);
        }
        self.finish(map, draft, place, state);
    }

    fn item(
        &mut self,
        map: &LogicalText,
        item: &Item,
        is_before: bool,
        place: Place,
        state: &State,
        draft: &mut Draft,
    ) {
        match item {
            Item::AssignmentWord(node, _) if is_before => self.assignment(map, node, state, draft),
            Item::AssignmentWord(_, word) | Item::Word(word) => self.word(map, word, state, draft),
            Item::IoRedirect(node) => {
                let read = self.redirect(map, node, place, state);
                if let Some(range) = read.range {
                    draft.cover(range);
                }
                draft.redirects.extend(read.redirect);
                draft.here_documents.extend(read.here_document);
            }
            Item::ProcessSubstitution(_, subshell) => {
                self.subshell(map, subshell, place, state);
                let inner = TextRange::new(subshell.loc.start.index, subshell.loc.end.index);
                let range = TextRange::new(inner.start.saturating_sub(1), inner.end);
                draft.cover(range);
                let raw = range.of(map.as_str()).to_owned();
                draft.words.push(ShellWord { raw, parts: vec![Part::Unknown], range: map.source_range(range) });
                draft.places.push(range);
            }
        }
    }

    fn word(&mut self, map: &LogicalText, word: &Word, state: &State, draft: &mut Draft) {
        let Some(range) = location_of(word.loc.as_ref()) else { return };
        draft.cover(range);
        let text = range.of(map.as_str());
        let is_whole = is_test(text) || is_assignment(text);
        let splitting = if is_whole { Splitting::Whole } else { Splitting::Fields };
        let mut reading = self.read_range(map, range, splitting, state);
        draft.places.extend(reading.words.iter().map(|_| range));
        draft.words.append(&mut reading.words);
        draft.substitutions.push((range, reading));
    }

    fn assignment(&mut self, map: &LogicalText, node: &AssignmentNode, state: &State, draft: &mut Draft) {
        let range = TextRange::new(node.loc.start.index, node.loc.end.index);
        draft.cover(range);
        if range.of(map.as_str()).split_once("=(").is_some_and(|(_, items)| items.contains(['*', '?', '['])) {
            self.unreadable(map, range, "an array is filled with names of files");
        }
        let text = range.of(map.as_str());
        let name_end = extent::name_end(text.as_bytes(), 0);
        let Some((target, _)) = text.split_once('=') else { return };
        let value_range = TextRange::new(range.start + target.len() + 1, range.end);
        // `A=1 B=$A`: the values before are in force already.
        let mut seen = state.clone();
        for before in draft.assignments.iter().take(MOST_ASSIGNMENTS) {
            seen.assign(&before.name, before.value.literal().map(str::to_owned));
        }
        let mut reading = self.read_range(map, value_range, Splitting::Whole, &seen);
        let Some(mut value) = reading.words.pop() else { return };
        if target.len() > name_end || draft.assignments.len() > MOST_ASSIGNMENTS {
            // `+=` and an array's element build on a value that is not known here.
            value.parts = vec![Part::Unknown];
        }
        draft.assignments.push(Assignment { name: text[..name_end].to_owned(), value });
        draft.substitutions.push((range, reading));
    }

    pub(super) fn redirect(
        &mut self,
        map: &LogicalText,
        node: &IoRedirect,
        place: Place,
        state: &State,
    ) -> ReadRedirect {
        match node {
            IoRedirect::File(_, kind, target) => self.file_redirect(map, kind, target, place, state),
            IoRedirect::OutputAndError(word, _) => self.redirect_to(map, word, RedirectKind::Write, place, state),
            IoRedirect::HereString(_, word) => {
                let reading = self.read(map, word, Splitting::Whole, state);
                self.substitutions(map, &reading, place, state);
                ReadRedirect { range: location_of(word.loc.as_ref()), ..ReadRedirect::default() }
            }
            IoRedirect::HereDocument(_, node) => here_document(map, node),
        }
    }

    fn file_redirect(
        &mut self,
        map: &LogicalText,
        kind: &IoFileRedirectKind,
        target: &IoFileRedirectTarget,
        place: Place,
        state: &State,
    ) -> ReadRedirect {
        use IoFileRedirectKind::{DuplicateInput, Read};
        let kind = match kind {
            Read | DuplicateInput => RedirectKind::Read,
            _ => RedirectKind::Write,
        };
        match target {
            IoFileRedirectTarget::Filename(word) => self.redirect_to(map, word, kind, place, state),
            IoFileRedirectTarget::Duplicate(word) => {
                let range = location_of(word.loc.as_ref()).unwrap_or_default();
                let text = range.of(map.as_str());
                let is_descriptor = text.trim_end_matches('-').bytes().all(|byte| byte.is_ascii_digit());
                if is_descriptor {
                    return ReadRedirect { range: Some(range), ..ReadRedirect::default() };
                }
                // `>&file` is an older spelling of `&>file`.
                self.redirect_to(map, word, kind, place, state)
            }
            IoFileRedirectTarget::ProcessSubstitution(_, subshell) => {
                self.subshell(map, subshell, place, state);
                let range = TextRange::new(subshell.loc.start.index, subshell.loc.end.index);
                ReadRedirect { range: Some(range), ..ReadRedirect::default() }
            }
            IoFileRedirectTarget::Fd(_) => ReadRedirect::default(),
        }
    }

    fn redirect_to(
        &mut self,
        map: &LogicalText,
        word: &Word,
        kind: RedirectKind,
        place: Place,
        state: &State,
    ) -> ReadRedirect {
        let mut reading = self.read(map, word, Splitting::Whole, state);
        self.substitutions(map, &reading, place, state);
        let redirect = reading.words.pop().map(|target| Redirect { kind, target });
        let range = location_of(word.loc.as_ref()).map(|range| with_operator(map.as_str(), range));
        ReadRedirect { redirect, range, ..ReadRedirect::default() }
    }

    /// Walks the substitutions in the body of a here document that the shell expands.
    pub(super) fn here_substitutions(&mut self, map: &LogicalText, here: &HereDocument, place: Place, state: &State) {
        if here.expands {
            let reading = expansion::substitutions_of(map.as_str(), here.body);
            self.substitutions(map, &reading, place, state);
        }
    }

    /// Does with a command that has been read what its name asks for.
    fn finish(&mut self, map: &LogicalText, draft: Draft, place: Place, state: &mut State) {
        if draft.words.is_empty() {
            self.run_substitutions(map, &draft, None, place, state);
            self.bare(map, draft, place, state);
            return;
        }
        if let [condition] = draft.words.as_slice()
            && condition.raw.starts_with("[[")
            && is_test(&condition.raw)
        {
            self.condition(map, draft, place, state);
            return;
        }
        let stripped = prefix::strip(&draft.words);
        let script = self.inner_script(map, &draft, &stripped);
        self.run_substitutions(map, &draft, script.as_ref().map(|script| script.range), place, state);
        if let Some(script) = script {
            self.run_inner(&draft, &stripped, &script, place, state);
            return;
        }
        let command = &draft.words[stripped.command..];
        let whole = draft.range.unwrap_or_default();
        if is_test(&command[0].raw) {
            return;
        }
        let Some(name) = command[0].file_name().map(str::to_owned) else {
            self.unreadable(map, whole, "the command's name is computed");
            return;
        };
        if stripped.prefixes.is_empty() && self.call(&name, state) {
            return;
        }
        if matches!(name.as_str(), "." | "source" | "alias") {
            self.unreadable(map, whole, &format!("`{name}` brings in commands from elsewhere"));
            return;
        }
        let mut guard = place.guard(state);
        if stripped.prefixes.iter().any(|prefix| prefix == "exec") {
            // Its status is that of the shell.
            guard.masked &= !place.exit_counts;
            state.may_have_left = true;
        }
        let before = state.directory.clone();
        builtin::apply(&name, command, state);
        let directory = if builtin::enters(&name) { state.directory.clone() } else { before };
        let command = command_of(map, draft, stripped, state);
        self.script.commands.push(SimpleCommand { directory, guard, ..command });
    }

    /// A `[[ … ]]`.
    fn condition(&mut self, map: &LogicalText, mut draft: Draft, place: Place, state: &State) {
        self.run_substitutions(map, &draft, None, place, state);
        let range = draft.places.first().copied().unwrap_or_default();
        let Some(words) = self.conditional_words(map, range, state) else {
            self.unreadable(map, range, "a condition in `[[ ]]` cannot be read");
            return;
        };
        (draft.words, draft.places) = words.into_iter().unzip();
        let guard = place.guard(state);
        let command = command_of(map, draft, Stripped::default(), state);
        self.script.commands.push(SimpleCommand { guard, ..command });
    }

    /// A command of assignments and redirections only. It sets variables; what it redirects, it creates.
    fn bare(&mut self, map: &LogicalText, mut draft: Draft, place: Place, state: &mut State) {
        for assignment in &draft.assignments {
            state.assign(&assignment.name, assignment.value.literal().map(str::to_owned));
        }
        if draft.redirects.is_empty() {
            return;
        }
        let range = TextRange::empty(draft.range.unwrap_or_default().start);
        let parts = vec![Part::Literal(":".to_owned())];
        draft.words.push(ShellWord { raw: String::new(), parts, range: map.source_range(range) });
        let guard = place.guard(state);
        let command = command_of(map, draft, Stripped::default(), state);
        self.script.commands.push(SimpleCommand { guard, ..command });
    }

    /// Whether the name is that of a function; its commands were gathered at its definition.
    fn call(&mut self, name: &str, state: &mut State) -> bool {
        let Some(function) = self.functions.get_mut(name) else { return false };
        if function.directory != state.directory && function.directory != Directory::Unknown {
            function.directory = Directory::Unknown;
            let commands = function.commands.clone();
            let moves = function.moves;
            self.lose_directory(commands);
            if moves {
                state.directory = Directory::Unknown;
            }
        } else if function.moves {
            state.directory = Directory::Unknown;
        }
        true
    }

    /// Runs the substitutions of a command but those in `except`, which is read as a script.
    fn run_substitutions(
        &mut self,
        map: &LogicalText,
        draft: &Draft,
        except: Option<TextRange>,
        place: Place,
        state: &State,
    ) {
        let is_script = |range: TextRange| except.is_some_and(|except| except.contains_range(range));
        for (range, reading) in &draft.substitutions {
            if !is_script(*range) {
                self.substitutions(map, reading, place, state);
            }
        }
        for here in &draft.here_documents {
            if !is_script(here.body) {
                self.here_substitutions(map, here, place, state);
            }
        }
    }
}

fn command_of(map: &LogicalText, draft: Draft, stripped: Stripped, state: &State) -> SimpleCommand {
    let mut prefixes = state.prefixes.clone();
    prefixes.extend(stripped.prefixes);
    let mut assignments = state.assignments.clone();
    assignments.extend(draft.assignments);
    assignments.extend(stripped.assignments);
    SimpleCommand {
        range: map.source_range(draft.range.unwrap_or_default()),
        assignments,
        words: draft.words.into_iter().skip(stripped.command).collect(),
        prefixes,
        user: stripped.user.or_else(|| state.user.clone()),
        redirects: draft.redirects,
        directory: state.directory.clone(),
        guard: super::script::Guard::default(),
    }
}

/// Whether a word is a `[[ … ]]` or a `((…))`, of which the lexer makes one word.
fn is_test(raw: &str) -> bool {
    raw.starts_with("((") || raw.strip_prefix("[[").is_some_and(|rest| rest.starts_with([' ', '\t', '\n']))
}

/// Whether a word has the form `NAME=value`, as an argument of `export` does.
fn is_assignment(raw: &str) -> bool {
    let end = extent::name_end(raw.as_bytes(), 0);
    end > 0 && raw[end..].starts_with('=')
}

/// The range of a redirection, given that of its target.
fn with_operator(text: &str, target: TextRange) -> TextRange {
    let before = text.get(..target.start).unwrap_or_default().trim_end_matches([' ', '\t']);
    let before = before.trim_end_matches(['<', '>', '&', '|']);
    let number = before.trim_end_matches(|character: char| character.is_ascii_digit());
    // Digits belong to the redirection only where they are a word of their own.
    let start =
        if number.ends_with([' ', '\t', '\n', ';', '&', '|', '(']) || number.is_empty() { number } else { before };
    TextRange::new(start.len(), target.end)
}

fn here_document(map: &LogicalText, node: &IoHereDocument) -> ReadRedirect {
    let tag = location_of(node.here_end.loc.as_ref()).unwrap_or_default();
    let body = location_of(node.doc.loc.as_ref()).unwrap_or_default();
    let expands = !tag.of(map.as_str()).contains(['\'', '"', '\\']);
    let here_document = Some(HereDocument { body, strip_tabs: node.remove_tabs, expands });
    ReadRedirect { range: Some(with_operator(map.as_str(), tag)), here_document, redirect: None }
}
