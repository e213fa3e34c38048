//! Glob: the automaton under both pattern languages of the builder.
//!
//! A pattern is a row of items, each of which takes one character, any number of them, or folders. Matching keeps the
//! set of items that may come next, so its time is the product of both lengths at worst, whatever the pattern.

/// A set of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CharSet {
    /// Inclusive ranges.
    pub(super) ranges: Vec<(char, char)>,
    /// Whether the set is every character outside of the ranges.
    pub(super) negated: bool,
}

impl CharSet {
    /// Every character but `/`.
    pub(super) fn no_separator() -> Self {
        Self { ranges: vec![('/', '/')], negated: true }
    }

    /// Every character but a line break.
    pub(super) fn no_line_break() -> Self {
        Self { ranges: vec![('\n', '\n')], negated: true }
    }

    fn holds(&self, char: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&char)) != self.negated
    }
}

/// What one item takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// This character.
    Char(char),
    /// One character of a set.
    One(CharSet),
    /// Any number of characters of a set.
    Many(CharSet),
    /// Any number of this character.
    Repeated(char),
    /// Nothing, or any text without a line break that ends in `/`.
    Folders,
    /// Nothing, at the start of the text only.
    Start,
}

impl Item {
    /// An item that takes nothing and lets nothing pass.
    pub(super) fn nothing() -> Self {
        Self::One(CharSet { ranges: Vec::new(), negated: false })
    }
}

/// A compiled pattern; it matches whole texts.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    items: Vec<Item>,
    /// Text every match begins with.
    prefix: String,
    /// Text every match ends with.
    suffix: String,
    /// The longest text every match holds: most paths lack it, and looking for it is cheaper than matching.
    held: String,
}

impl Glob {
    pub(super) fn new(mut items: Vec<Item>) -> Self {
        items.dedup_by(|next, item| next == item && matches!(item, Item::Many(_) | Item::Repeated(_) | Item::Folders));
        let literal = |item: &Item| if let Item::Char(char) = item { Some(*char) } else { None };
        let prefix = items.iter().map_while(literal).collect();
        let suffix: Vec<char> = items.iter().rev().map_while(literal).collect();
        let held = longest_literal(&items);
        Self { items, prefix, suffix: suffix.into_iter().rev().collect(), held }
    }

    /// Whether a set of characters may take a `/`.
    pub(super) fn crosses_folders(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::One(set) | Item::Many(set) if set.holds('/')))
    }

    /// Whether the whole `text` matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        if !text.starts_with(&self.prefix) || !text.ends_with(&self.suffix) || !text.contains(&self.held) {
            return false;
        }
        let mut now = States::new(self.items.len());
        let mut next = States::new(self.items.len());
        self.enter(&mut now, 0, true);
        for char in text.chars() {
            for &state in &now.list {
                self.advance(&mut next, state, char);
            }
            std::mem::swap(&mut now, &mut next);
            next.clear();
            if now.list.is_empty() {
                return false;
            }
        }
        now.list.contains(&self.items.len())
    }

    /// Adds `state`, and every later one that can be reached without taking a character.
    fn enter(&self, states: &mut States, state: usize, at_start: bool) {
        for at in state..=self.items.len() {
            if !states.open(at) {
                return;
            }
            match self.items.get(at) {
                Some(Item::Many(_) | Item::Repeated(_) | Item::Folders) => states.add(at),
                Some(Item::Start) if at_start => {}
                Some(Item::Start) => return,
                _ => return states.add(at),
            }
        }
    }

    /// Adds to `next` where `char` leads from `state`.
    fn advance(&self, next: &mut States, state: usize, char: char) {
        match self.items.get(state) {
            Some(Item::Char(own)) if *own == char => self.enter(next, state + 1, false),
            Some(Item::One(set)) if set.holds(char) => self.enter(next, state + 1, false),
            Some(Item::Many(set)) if set.holds(char) => self.enter(next, state, false),
            Some(Item::Repeated(own)) if *own == char => self.enter(next, state, false),
            Some(Item::Folders) if char != '\n' => {
                next.add(state);
                if char == '/' {
                    self.enter(next, state + 1, false);
                }
            }
            _ => {}
        }
    }
}

/// The longest row of single characters.
fn longest_literal(items: &[Item]) -> String {
    let runs = items.split(|item| !matches!(item, Item::Char(_)));
    let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
    longest.iter().filter_map(|item| if let Item::Char(char) = item { Some(*char) } else { None }).collect()
}

/// The items that may take the next character.
struct States {
    list: Vec<usize>,
    /// Which items are in the list.
    held: Vec<bool>,
    /// From which items everything that can be reached was added as well.
    opened: Vec<bool>,
}

impl States {
    fn new(items: usize) -> Self {
        Self { list: Vec::new(), held: vec![false; items + 1], opened: vec![false; items + 1] }
    }

    fn add(&mut self, state: usize) {
        if !std::mem::replace(&mut self.held[state], true) {
            self.list.push(state);
        }
    }

    /// Whether `state` was not opened before.
    fn open(&mut self, state: usize) -> bool {
        !std::mem::replace(&mut self.opened[state], true)
    }

    fn clear(&mut self) {
        self.list.clear();
        self.held.fill(false);
        self.opened.fill(false);
    }
}
