//! `path:line:column: severity[rule] [*] message`.

use std::fmt::Write;

use super::excerpt::printable;
use super::{Results, link};

pub(super) fn render(results: &Results, links: bool) -> String {
    let mut text = String::new();
    for (file, diagnostic) in results.findings() {
        let (start, _) = file.positions(diagnostic.range);
        let mark = if results.is_fixable(diagnostic) { "[*] " } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}:{}:{}: {}[{}] {mark}{}",
            printable(&file.name),
            start.line,
            start.column,
            diagnostic.severity.name(),
            link::rule(diagnostic.rule, links),
            diagnostic.message,
        );
    }
    text
}
