//! The words of a command as options and arguments, by what an entry of a pack says of its options.

use super::pack::{CommandSpec, OptionSet, Pack};
use super::pattern::name_matches;
use super::recognition::{Access, Argument, GivenOption, PathArgument};
use crate::shell::{Part, ShellWord, matches_files};

/// A word with its value.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) argument: Argument,
    /// The known text before the first part that is not known.
    head: String,
    /// Whether an unquoted pattern is what ends `head`.
    pattern: bool,
}

impl Word {
    pub(super) fn new(word: &ShellWord, lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut head = String::new();
        let (mut pattern, mut known) = (false, true);
        for part in &word.parts {
            match part {
                Part::Literal(text) => head.push_str(text),
                Part::Variable { name, default } => {
                    let value = lookup(name).filter(|value| !value.is_empty()).or_else(|| default.clone());
                    let Some(value) = value else {
                        known = false;
                        break;
                    };
                    head.push_str(&value);
                }
                // `uvicorn[standard]` is a pattern for the shell that no file matches, so it stays as it is.
                Part::Pattern(text) if text.starts_with('[') && !matches_files(text) => head.push_str(text),
                Part::Pattern(_) => {
                    pattern = true;
                    break;
                }
                Part::Unknown => {
                    known = false;
                    break;
                }
            }
        }
        let value = (known && !pattern).then(|| head.clone());
        let argument = Argument { raw: word.raw.clone(), value, range: word.range };
        Self { argument, head, pattern }
    }

    pub(super) fn value(&self) -> Option<&str> {
        self.argument.value.as_deref()
    }

    /// As much of the word as is known from its beginning on.
    pub(super) fn start(&self) -> &str {
        &self.head
    }

    /// Whether the word is a pattern that begins like a name.
    pub(super) fn begins(&self, is_path: impl Fn(&str) -> bool) -> bool {
        self.pattern && !self.head.is_empty() && !self.head.contains('/') && !is_path(&self.head)
    }

    /// The path that the word names; `None` where it is not known.
    pub(super) fn path(&self, access: Access) -> Option<PathArgument> {
        let path = match self.value() {
            Some(value) => value.to_owned(),
            None if self.pattern => self.head.clone(),
            None => return None,
        };
        Some(PathArgument { path, pattern: self.value().is_none(), access, recursive: false, group: None })
    }

    /// Whether the word cannot be an option, whatever its unknown parts are.
    fn is_argument(&self) -> bool {
        self.value().map_or(!self.head.is_empty() && !self.head.starts_with('-'), |value| {
            value == "-" || !value.starts_with('-')
        })
    }
}

/// What an option of a pack takes.
#[derive(Clone, Copy, PartialEq)]
enum Takes<'p> {
    Nothing,
    Value,
    File(&'p str),
    Path(Access),
}

/// Options and arguments of one command.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) options: Vec<GivenOption>,
    pub(super) arguments: Vec<Word>,
    pub(super) paths: Vec<PathArgument>,
    pub(super) unknown: Vec<String>,
}

/// Sorts the words after the program.
pub(super) struct Sorter<'p> {
    sets: Vec<&'p OptionSet>,
    spec: &'p CommandSpec,
    sorted: Sorted,
}

impl<'p> Sorter<'p> {
    pub(super) fn new(pack: &'p Pack, spec: &'p CommandSpec) -> Self {
        let sets = spec.options.iter().filter_map(|name| pack.options.get(name.get_ref())).collect();
        Self { sets, spec, sorted: Sorted::default() }
    }

    /// Sorts `words`, of which the first `subcommand` arguments belong to the subcommand.
    pub(super) fn sort(mut self, words: &[Word], subcommand: usize) -> Sorted {
        let mut words = words.iter();
        let mut before: Option<&Word> = None;
        while let Some(word) = words.next() {
            let next = words.as_slice().first();
            let is_text = self.lists(|set| &set.infix, next) || self.lists(|set| &set.infix, before);
            let last = before.replace(word);
            if is_text || self.stands_alone(last, word, next) {
                self.sorted.arguments.push(word.clone());
                continue;
            }
            let ended = self.spec.stops && self.sorted.arguments.len() > subcommand;
            if ended || word.is_argument() {
                self.sorted.arguments.push(word.clone());
                continue;
            }
            match word.value() {
                Some("--") => {
                    self.sorted.arguments.extend(words.by_ref().cloned());
                }
                Some(text) => self.option(text, &mut words),
                // Where no option makes a difference, this one makes none.
                None if self.spec.any_option => self.sorted.arguments.push(word.clone()),
                // An unquoted variable without a value is no word at all.
                None => self.sorted.unknown.push(word.argument.raw.clone()),
            }
        }
        self.sorted
    }

    /// Whether a word is one of those that the option sets name.
    fn lists(&self, names: impl Fn(&OptionSet) -> &Vec<String>, word: Option<&Word>) -> bool {
        let Some(value) = word.and_then(Word::value) else { return false };
        self.sets.iter().any(|set| names(set).iter().any(|name| name == value))
    }

    /// Whether a word is in quotes and has none beside it that could belong to it.
    fn stands_alone(&self, before: Option<&Word>, word: &Word, next: Option<&Word>) -> bool {
        let is_between = |word: Option<&Word>| word.is_none() || self.lists(|set| &set.between, word);
        let any = self.sets.iter().any(|set| !set.between.is_empty());
        let raw = word.argument.raw.as_str();
        let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        any && inner.is_some_and(|inner| !inner.contains('"')) && is_between(before) && is_between(next)
    }

    fn option<'w>(&mut self, text: &str, rest: &mut impl Iterator<Item = &'w Word>) {
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if let Some(takes) = self.takes(name) {
            self.given(name, takes, attached.map(str::to_owned), rest);
        } else if self.spec.bundles && is_bundle(text) {
            self.bundle(text, rest);
        } else {
            self.unlisted(text, name, attached);
        }
    }

    fn unlisted(&mut self, text: &str, name: &str, attached: Option<&str>) {
        self.sorted.options.push(GivenOption { name: name.to_owned(), value: attached.map(str::to_owned) });
        if !self.spec.any_option {
            self.sorted.unknown.push(text.to_owned());
        }
    }

    /// `-qy`, `-rFILE`, `-xzfFILE`: single letters up to the first that takes a value.
    fn bundle<'w>(&mut self, text: &str, rest: &mut impl Iterator<Item = &'w Word>) {
        for (at, letter) in text.char_indices().skip(1) {
            let name = format!("-{letter}");
            let after = &text[at + letter.len_utf8()..];
            match self.takes(&name) {
                None => return self.unlisted(text, &name, None),
                Some(Takes::Nothing) => self.given(&name, Takes::Nothing, None, rest),
                Some(takes) => {
                    let attached = (!after.is_empty()).then(|| after.trim_start_matches('=').to_owned());
                    return self.given(&name, takes, attached, rest);
                }
            }
        }
    }

    fn given<'w>(
        &mut self,
        name: &str,
        takes: Takes<'p>,
        attached: Option<String>,
        rest: &mut impl Iterator<Item = &'w Word>,
    ) {
        let mut option = GivenOption { name: name.to_owned(), value: attached };
        let mut path = None;
        if takes != Takes::Nothing && option.value.is_none() {
            match rest.next() {
                Some(word) => {
                    option.value = word.value().map(str::to_owned);
                    path = word.path(Access::Read);
                    if option.value.is_none() && takes != Takes::Value {
                        self.sorted.unknown.push(word.argument.raw.clone());
                    }
                }
                None => self.sorted.unknown.push(name.to_owned()),
            }
        } else if let Some(value) = &option.value {
            path = Some(PathArgument {
                path: value.clone(),
                pattern: false,
                access: Access::Read,
                recursive: false,
                group: None,
            });
        }
        self.path_of(takes, path);
        self.sorted.options.push(option);
    }

    fn path_of(&mut self, takes: Takes<'p>, path: Option<PathArgument>) {
        // An address is no file of this machine.
        let Some(path) = path.filter(|path| !path.path.contains("://")) else { return };
        let path = match takes {
            Takes::Nothing | Takes::Value => return,
            Takes::File(group) => PathArgument { group: Some(group.to_owned()), ..path },
            Takes::Path(access) => PathArgument { access, recursive: access != Access::Project, ..path },
        };
        self.sorted.paths.push(path);
    }

    fn takes(&self, name: &str) -> Option<Takes<'p>> {
        let lists = |names: &[String]| names.iter().any(|pattern| name_matches(pattern, name));
        self.sets.iter().find_map(|set| {
            if let Some(group) = set.files.get(name) {
                return Some(Takes::File(group));
            }
            [
                (&set.flags, Takes::Nothing),
                (&set.values, Takes::Value),
                (&set.directories, Takes::Path(Access::Read)),
                (&set.writes, Takes::Path(Access::Write)),
                (&set.project, Takes::Path(Access::Project)),
            ]
            .into_iter()
            .find_map(|(names, takes)| lists(names).then_some(takes))
        })
    }
}

/// A single dash and at least two more characters, the first of which may be an option's letter.
fn is_bundle(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next() == Some('-') && letters.next().is_some_and(char::is_alphanumeric) && letters.next().is_some()
}
