//! YAML as a tree with anchors and merge keys; the form in which Compose files are written.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Deepest nesting that is accepted.
const DEEPEST: usize = 60;
/// How many nodes a tree may have, those that aliases repeat counted again.
const LARGEST: usize = 100_000;

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum Node {
    /// A scalar that is null.
    Null,
    /// Any other scalar.
    Text(Scalar),
    List(Vec<Node>),
    /// In the order of the file.
    Table(Vec<(String, Node)>),
}

/// A scalar with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Scalar {
    pub(in crate::config) text: String,
    /// The line on which it begins, from 1: for a block, that of the sign before it or the one after.
    pub(in crate::config) line: usize,
    /// Whether it is a block whose lines stand in the file as they are (`|`).
    pub(in crate::config) literal: bool,
}

impl Node {
    /// The value of a key; merged tables (`<<`) give what the table itself has not.
    pub(in crate::config) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Table(entries) = self else { return None };
        let own = entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value);
        own.or_else(|| {
            let merged = entries.iter().filter(|(name, _)| name == "<<");
            merged.flat_map(|(_, value)| value.items()).find_map(|table| table.get(key))
        })
    }

    /// The entries of a list, or the node itself.
    fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            node => std::slice::from_ref(node),
        }
    }

    /// The names of a table, merged ones included, with the values that [`Node::get`] gives.
    pub(in crate::config) fn entries(&self) -> Vec<(&str, &Self)> {
        let Self::Table(entries) = self else { return Vec::new() };
        let mut all: Vec<(&str, &Self)> = Vec::new();
        let own = entries.iter().filter(|(name, _)| name != "<<").map(|(name, _)| name.as_str());
        let merged = entries.iter().filter(|(name, _)| name == "<<").flat_map(|(_, value)| value.items());
        let merged = merged.flat_map(|table| table.entries().into_iter().map(|(name, _)| name));
        for name in own.chain(merged) {
            if let Some(value) = self.get(name)
                && !all.iter().any(|(known, _)| *known == name)
            {
                all.push((name, value));
            }
        }
        all
    }

    pub(in crate::config) fn scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Text(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(in crate::config) fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }

    /// The texts of a list.
    pub(in crate::config) fn texts(&self) -> Vec<&str> {
        match self {
            Self::List(items) => items.iter().filter_map(Self::text).collect(),
            _ => Vec::new(),
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            Self::Null | Self::Text(_) => 0,
            Self::List(items) => items.iter().map(Self::size).sum(),
            Self::Table(entries) => entries.iter().map(|(_, value)| value.size()).sum(),
        }
    }
}

/// A list or a table that is not closed yet, with the number of its anchor.
enum Open {
    List(Vec<Node>, usize),
    Table(Vec<(String, Node)>, Option<String>, usize),
}

/// Why a text is no YAML, with the line, as a phrase; `None` where it is.
pub(in crate::config) fn mistake(text: &str) -> Option<String> {
    let error = Parser::new_from_str(text).find_map(Result::err)?;
    Some(format!("line {}: {}", error.marker().line(), error.info()))
}

/// The first document of a text; `None` where it is no YAML, too deep or too large.
pub(in crate::config) fn tree(text: &str) -> Option<Node> {
    let mut stack: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, Node> = HashMap::new();
    let mut left = LARGEST;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        let is_alias = matches!(event, Event::Alias(_));
        let (done, anchor) = match event {
            Event::Alias(anchor) => (anchors.get(&anchor)?.clone(), 0),
            Event::Scalar(text, style, anchor, _) => (scalar(&text, style, span.start.line()), anchor),
            Event::SequenceStart(anchor, ..) => {
                stack.push(Open::List(Vec::new(), anchor));
                continue;
            }
            Event::MappingStart(anchor, ..) => {
                stack.push(Open::Table(Vec::new(), None, anchor));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop()? {
                Open::List(items, anchor) => (Node::List(items), anchor),
                Open::Table(entries, _, anchor) => (Node::Table(entries), anchor),
            },
            Event::DocumentEnd => break,
            _ => continue,
        };
        // What stands below was counted when it was read; only an alias brings it again.
        left = left.checked_sub(if is_alias { done.size() } else { 1 })?;
        if stack.len() > DEEPEST {
            return None;
        }
        if anchor > 0 {
            anchors.insert(anchor, done.clone());
        }
        match stack.last_mut() {
            None => return Some(done),
            Some(Open::List(items, _)) => items.push(done),
            Some(Open::Table(entries, key, _)) => match key.take() {
                Some(name) => entries.push((name, done)),
                None => *key = Some(done.text().unwrap_or_default().to_owned()),
            },
        }
    }
    None
}

fn scalar(text: &str, style: ScalarStyle, line: usize) -> Node {
    match text {
        "" | "~" | "null" if style == ScalarStyle::Plain => Node::Null,
        _ => Node::Text(Scalar { text: text.to_owned(), line, literal: style == ScalarStyle::Literal }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_anchors_and_merge_keys() {
        let node = tree("x-a: &a { p: 1, q: 2 }\nb:\n  <<: *a\n  q: 3\nc:\n  <<: [*a]\n").unwrap();
        let at = |keys: &[&str]| keys.iter().try_fold(&node, |node, key| node.get(key)).and_then(Node::text);
        assert_eq!(at(&["b", "p"]), Some("1"));
        assert_eq!(at(&["b", "q"]), Some("3"));
        assert_eq!(at(&["c", "p"]), Some("1"));
    }

    #[test]
    fn hostile_text_is_no_tree() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb = format!("{bomb}a{level}: &a{level} [{items}]\n");
        }
        for text in [bomb, "[".repeat(50_000), "- ".repeat(20_000), "a: *b\n".to_owned(), "a: &a [*a]\n".to_owned()] {
            assert_eq!(tree(&text), None);
        }
    }
}
