//! Inner scripts: what `sh -c`, `su -c`, `eval`, `trap` and a shell fed by a here document run.

use super::prefix::Stripped;
use super::script::{Directory, ShellWord};
use super::simple::Draft;
use super::state::{Place, State};
use super::walk::Walker;
use super::{builtin, nested};
use crate::text::{LogicalText, TextRange};

/// Programs that read the shell language.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "ksh", "zsh"];

/// A script that a command runs.
pub(super) struct InnerScript {
    /// Where it stands in the outer text.
    pub(super) range: TextRange,
    text: LogicalText,
    runs: Runs,
}

enum Runs {
    /// In a shell of its own.
    NewShell(Options),
    /// In this shell: `eval`.
    Here,
    /// Perhaps, and later: `trap`.
    Later,
}

/// Options of a shell.
#[derive(Default)]
struct Options {
    errexit: bool,
    pipefail: bool,
    /// The user that `su` switches to.
    user: Option<String>,
    /// `su -` starts in the user's home directory.
    at_home: bool,
}

impl Walker<'_> {
    /// The script that a command runs, where it stands in the text.
    pub(super) fn inner_script(&self, map: &LogicalText, draft: &Draft, stripped: &Stripped) -> Option<InnerScript> {
        let words = draft.words.get(stripped.command..)?;
        let places = draft.places.get(stripped.command..)?;
        let name = words.first()?.file_name()?;
        if stripped.prefixes.is_empty() && self.functions.contains_key(name) {
            return None;
        }
        match name {
            "eval" => {
                let range = places.get(1)?.cover(*places.last()?);
                Some(InnerScript { range, text: nested::unquoted(map, range), runs: Runs::Here })
            }
            "trap" => {
                let action = words.get(1)?.literal();
                let is_action = words.len() > 2 && !matches!(action, Some("" | "-" | "--" | "-p" | "-l"));
                let range = *places.get(1).filter(|_| is_action)?;
                Some(InnerScript { range, text: nested::unquoted(map, range), runs: Runs::Later })
            }
            "su" => su(map, words, places),
            name if SHELLS.contains(&name) => shell(map, words, places, draft),
            _ => None,
        }
    }

    /// Walks an inner script in the place of the command that runs it.
    pub(super) fn run_inner(
        &mut self,
        draft: &Draft,
        stripped: &Stripped,
        script: &InnerScript,
        place: Place,
        state: &mut State,
    ) {
        let first = self.script.commands.len();
        match &script.runs {
            Runs::Here => self.run_text(&script.text, place, state),
            Runs::Later => {
                let place = Place { exit_counts: false, ..place.ignored().conditional() };
                self.run_text(&script.text, place, &mut state.clone());
            }
            Runs::NewShell(options) => {
                let mut inner = inner_state(state, options, draft, stripped);
                let functions = std::mem::take(&mut self.functions);
                let assigned = std::mem::take(&mut self.assigned);
                self.run_text(&script.text, place.subshell(state), &mut inner);
                self.functions = functions;
                self.assigned = assigned;
                state.may_have_left |= stripped.prefixes.iter().any(|prefix| prefix == "exec");
            }
        }
        for command in &mut self.script.commands[first..] {
            command.redirects.extend(draft.redirects.iter().cloned());
        }
    }
}

fn inner_state(state: &State, options: &Options, draft: &Draft, stripped: &Stripped) -> State {
    let mut inner = state.for_new_shell(options.errexit, options.pipefail);
    if options.at_home {
        inner.directory = Directory::Unknown;
    }
    inner.user = options.user.clone().or_else(|| stripped.user.clone()).or(inner.user);
    inner.prefixes.extend(stripped.prefixes.iter().cloned());
    inner.assignments.extend(draft.assignments.iter().chain(&stripped.assignments).cloned());
    inner
}

/// `bash -lc BODY`, or `bash -s` with a here document.
fn shell(map: &LogicalText, words: &[ShellWord], places: &[TextRange], draft: &Draft) -> Option<InnerScript> {
    let mut state = State::new(false, false);
    let mut has_body = false;
    let mut reads_input = false;
    let mut at = 1;
    while let Some(option) = words.get(at).and_then(ShellWord::literal).filter(|text| text.len() > 1) {
        let on = option.starts_with('-');
        if !on && !option.starts_with('+') {
            break;
        }
        at += 1;
        if option == "--" {
            break;
        }
        if option.starts_with("--") {
            at += usize::from(matches!(option, "--rcfile" | "--init-file"));
            continue;
        }
        for letter in option.chars().skip(1) {
            match letter {
                'c' => has_body = true,
                's' => reads_input = true,
                'e' => state.errexit = on,
                'o' | 'O' => {
                    builtin::option(words.get(at).and_then(ShellWord::literal).unwrap_or_default(), on, &mut state);
                    at += 1;
                }
                _ => {}
            }
        }
    }
    let options = Options { errexit: state.errexit, pipefail: state.pipefail, ..Options::default() };
    let runs = Runs::NewShell(options);
    if has_body {
        let range = *places.get(at)?;
        return Some(InnerScript { range, text: nested::unquoted(map, range), runs });
    }
    let here = draft.here_documents.last().filter(|_| reads_input || at >= words.len() || words[at].raw == "-")?;
    let mut text = LogicalText::new();
    let outer = if here.strip_tabs { nested::without_tabs(map, here.body) } else { LogicalText::new() };
    let (map, range) =
        if here.strip_tabs { (&outer, TextRange::new(0, outer.as_str().len())) } else { (map, here.body) };
    if here.expands {
        text = nested::unescaped(map, range);
    } else {
        for (piece, source) in map.pieces_of(range) {
            text.push(piece, source);
        }
    }
    Some(InnerScript { range: here.body, text, runs })
}

/// `su [-] [USER] -c BODY`.
fn su(map: &LogicalText, words: &[ShellWord], places: &[TextRange]) -> Option<InnerScript> {
    let mut options = Options::default();
    let mut body = None;
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let text = word.literal().unwrap_or_default();
        match text {
            "-" | "-l" | "--login" => options.at_home = true,
            "-c" | "--command" => {
                at += 1;
                body = places.get(at).copied();
            }
            "-s" | "--shell" | "-g" | "--group" | "-G" => at += 1,
            "-lc" => {
                options.at_home = true;
                at += 1;
                body = places.get(at).copied();
            }
            _ if text.starts_with('-') => {}
            _ if options.user.is_none() => options.user = Some(word.raw.clone()),
            _ => {}
        }
        at += 1;
    }
    let range = body?;
    options.user.get_or_insert_with(|| "root".to_owned());
    Some(InnerScript { range, text: nested::unquoted(map, range), runs: Runs::NewShell(options) })
}
