//! Whether a JSON lock file stands as its manager would write it.
//!
//! npm writes its lock files with the npm package `json-stringify-nice`: in each table some keys first, then scalars and
//! lists by name, then tables by name (<https://github.com/isaacs/json-stringify-nice>); names in the order of
//! `localeCompare`. The indentation is that of the manifest, one line break ends the file.

use std::cmp::Ordering;

use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

/// Whether `text` is what a writer with these `first` keys makes of it, indented like `manifest`.
pub(super) fn is_canonical(text: &str, manifest: &str, first: &[String]) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return false };
    let Some(indent) = indentation(manifest) else { return false };
    in_order(&value, first) && pretty(&value, indent).is_some_and(|pretty| text.strip_suffix('\n') == Some(&pretty))
}

/// The white space before the first key of a table that spans lines; two spaces for a table that begins on its first line,
/// which has none to tell. npm 8 to 11 were seen to keep a lock file so.
fn indentation(manifest: &str) -> Option<&str> {
    if manifest.strip_prefix('{').is_some_and(|rest| !rest.trim_start_matches([' ', '\t']).starts_with(['\r', '\n'])) {
        return Some("  ");
    }
    let second = manifest.strip_prefix("{\n")?.lines().next()?;
    let indent = &second[..second.len() - second.trim_start().len()];
    (!indent.is_empty()).then_some(indent)
}

fn pretty(value: &Value, indent: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let formatter = PrettyFormatter::with_indent(indent.as_bytes());
    serde::Serialize::serialize(value, &mut Serializer::with_formatter(&mut bytes, formatter)).ok()?;
    String::from_utf8(bytes).ok()
}

fn in_order(value: &Value, first: &[String]) -> bool {
    match value {
        Value::Object(table) => {
            let keys: Vec<(&String, &Value)> = table.iter().collect();
            keys.windows(2).all(|pair| follows(pair[0], pair[1], first))
                && table.values().all(|value| in_order(value, first))
        }
        Value::Array(list) => list.iter().all(|value| in_order(value, first)),
        _ => true,
    }
}

fn follows(before: (&String, &Value), after: (&String, &Value), first: &[String]) -> bool {
    if before.1.is_object() != after.1.is_object() {
        return after.1.is_object();
    }
    let place = |name: &String| first.iter().position(|key| key == name);
    match (place(before.0), place(after.0)) {
        (Some(a), Some(b)) => a < b,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => compare(before.0, after.0) == Some(Ordering::Less),
    }
}

/// The order of package names and paths by the Unicode collation for English; `None` for characters that they do not
/// have.
fn compare(a: &str, b: &str) -> Option<Ordering> {
    let weights = |text: &str| text.chars().map(weight).collect::<Option<Vec<u32>>>();
    let primary = weights(a)?.cmp(&weights(b)?);
    // Letters that differ only in case: the small one comes first.
    let case = || a.chars().map(char::is_uppercase).cmp(b.chars().map(char::is_uppercase));
    Some(primary.then_with(case))
}

fn weight(character: char) -> Option<u32> {
    const MARKS: &str = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";
    match character {
        '0'..='9' => Some(100 + u32::from(character)),
        'a'..='z' | 'A'..='Z' => Some(200 + u32::from(character.to_ascii_lowercase())),
        mark => MARKS.find(mark).map(|at| at as u32),
    }
}
