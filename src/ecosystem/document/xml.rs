//! XML as a tree of values.
//!
//! The document is a table with one entry, its root element. An element is a table: its attributes by `@name`, its child
//! elements by name, each name with the list of all that bear it, and its own text, trimmed, as `#text`. An element
//! without attributes and children is its text alone. Prefixes and namespaces are left out.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

use super::DEEPEST;

/// The text as a tree; `None` for one that is invalid, too deeply nested or defines entities of its own.
pub(super) fn tree(text: &str) -> Option<Value> {
    let document = Document::parse(text).ok()?;
    let root = document.root_element();
    let value = element(root, DEEPEST)?;
    Some(Value::Object(Map::from_iter([(root.tag_name().name().to_owned(), value)])))
}

fn element(node: Node<'_, '_>, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let mut table = Map::new();
    for attribute in node.attributes() {
        table.insert(format!("@{}", attribute.name()), Value::from(attribute.value()));
    }
    for child in node.children().filter(Node::is_element) {
        let value = element(child, depth)?;
        let entry = table.entry(child.tag_name().name()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = entry {
            list.push(value);
        }
    }
    let text: String = node.children().filter(Node::is_text).filter_map(|child| child.text()).collect();
    let text = text.trim();
    if table.is_empty() {
        return Some(Value::from(text));
    }
    if !text.is_empty() {
        table.insert("#text".to_owned(), Value::from(text));
    }
    Some(Value::Object(table))
}
