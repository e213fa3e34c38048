//! Directories that a command makes the shell list: `echo src/*` reads the names of what is in `src`.

use super::{path::StagePath, run::PathAccess};
use crate::{
    ecosystem::Access,
    shell::{Part, ShellWord, matches_files},
};

/// What the shell looks at to put names of files in the place of a word, where it does.
pub(super) fn listing_of(
    word: &ShellWord,
    directory: &StagePath,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Option<PathAccess> {
    if !word.lists_files() {
        return None;
    }
    let (head, clear) = head_of(word, lookup);
    let (parent, name) =
        head.rsplit_once('/').map_or(("", head.as_str()), |(_, name)| (&head[..head.len() - name.len()], name));
    let listed = match (parent, name) {
        // Nobody knows where it is.
        ("", "") if !clear => StagePath::root(),
        _ => directory.join(if parent.is_empty() { "." } else { parent }),
    };
    let whole = name.is_empty();
    let path = if whole { listed } else { listed.join(&format!("./{name}")) };
    Some(PathAccess { path, access: Access::Read, recursive: whole, pattern: !whole })
}

/// The text before the first pattern, and whether it is all that stands there.
fn head_of(word: &ShellWord, lookup: &dyn Fn(&str) -> Option<String>) -> (String, bool) {
    let mut head = String::new();
    for part in &word.parts {
        match part {
            Part::Literal(text) => head.push_str(text),
            Part::Variable { name, default } => {
                match lookup(name).filter(|value| !value.is_empty()).or_else(|| default.clone()) {
                    Some(value) => head.push_str(&value),
                    None => return (head, false),
                }
            }
            Part::Pattern(text) if matches_files(text) && !text.starts_with(['~', '{']) => return (head, true),
            Part::Pattern(_) | Part::Unknown => return (head, false),
        }
    }
    (head, true)
}
