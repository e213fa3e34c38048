//! Hyperlinks on terminals: the name of a rule leads to its manual page.
//!
//! <https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda>

use crate::lint;

/// The name of a rule, with a link around it where links are wanted.
pub(super) fn rule(name: &str, links: bool) -> String {
    match lint::find(name).filter(|_| links) {
        Some(meta) => format!("\u{1b}]8;;{}\u{1b}\\{name}\u{1b}]8;;\u{1b}\\", meta.url()),
        None => name.to_owned(),
    }
}
