//! Phrases of messages: lists of names, and how much stands at a path.

use crate::context::{EntryKind, Filtered};

/// Names that a message shows at most.
const SHOWN: usize = 5;

/// Entries below a path that are counted at most.
const COUNTED: usize = 10_000;

/// `a, b and c`; of many the first few.
pub(super) fn enumerated(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        _ if names.len() > SHOWN => {
            format!("{} and {} more", names[..SHOWN - 1].join(", "), names.len() + 1 - SHOWN)
        }
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// The name in backticks.
pub(super) fn quoted(name: &str) -> String {
    format!("`{name}`")
}

/// `` `node_modules` (1204 files, 3.4 MB)``: a path with what stands there.
pub(super) fn weighed(context: &Filtered<'_>, path: &str) -> String {
    if context.entry(path).is_none_or(|entry| entry.kind != EntryKind::Directory) {
        return quoted(path);
    }
    let walk = context.walk(path, COUNTED);
    let files = walk.found.iter().filter(|(_, entry)| entry.kind != EntryKind::Directory);
    let (count, bytes) = files.fold((0usize, 0u64), |(count, bytes), (_, entry)| (count + 1, bytes + entry.size));
    let least = if walk.cut { "over " } else { "" };
    let plural = if count == 1 { "" } else { "s" };
    format!("`{path}` ({least}{count} file{plural}, {})", sized(bytes))
}

/// A number of bytes with its unit.
fn sized(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    match bytes {
        1 => return "1 byte".to_owned(),
        0..1000 => return format!("{bytes} bytes"),
        _ => {}
    }
    let mut value = bytes as f64;
    let mut unit = "bytes";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MemoryContext;

    #[test]
    fn sizes_have_two_digits() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (12_345, "12 kB"),
            (999_600, "1.0 MB"),
            (3_400_000_000, "3.4 GB"),
        ] {
            assert_eq!(sized(bytes), expected);
        }
    }

    #[test]
    fn lists_and_weighs() {
        let names = |count: usize| (0..count).map(|index| index.to_string()).collect::<Vec<_>>();
        assert_eq!(enumerated(&names(1)), "0");
        assert_eq!(enumerated(&names(3)), "0, 1 and 2");
        assert_eq!(enumerated(&names(9)), "0, 1, 2, 3 and 5 more");
        let context = MemoryContext::from_files([("a/b", "12"), ("a/c/d", "3"), ("e", "")]);
        let view = Filtered::new(&context, None);
        assert_eq!(weighed(&view, "a"), "`a` (2 files, 3 bytes)");
        assert_eq!(weighed(&view, "e"), "`e`");
    }
}
