//! Paths of the context: relative, joined by `/`, the root the empty string.
//!
//! *Clean* means: no empty part, no `.`, and `..` resolved against the parts before it.

use super::{Context, EntryKind};

/// Links followed at most while one path is resolved; the kernel's own limit.
const LINK_LIMIT: usize = 40;

/// The path relative to the root that `path` names: a leading `/` is dropped and `..` stops at the root.
pub fn clean(path: &str) -> String {
    let mut clean = String::with_capacity(path.len());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => clean.truncate(clean.rfind('/').unwrap_or(0)),
            name => {
                if !clean.is_empty() {
                    clean.push('/');
                }
                clean.push_str(name);
            }
        }
    }
    clean
}

/// Go's `path.Clean`: a leading `/` stays, leading `..` of a relative path stay, nothing at all is `.`.
pub(super) fn go_clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// `name` below `directory`; either may be the root.
pub fn join(directory: &str, name: &str) -> String {
    match (directory.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => directory.to_owned(),
        _ => format!("{directory}/{name}"),
    }
}

/// The directory that holds `path`; the root holds itself.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The last part of `path`.
pub fn base(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, base)| base)
}

/// `path` relative to `directory`, `""` for the directory itself; `None` where it does not lie there.
pub fn below<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    if directory.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(directory)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// The directories above `path`, outermost first, then `path` itself. The root has none.
pub(super) fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let own = (!path.is_empty()).then_some(path);
    path.match_indices('/').filter_map(|(at, _)| path.get(..at)).chain(own)
}

/// The path that `path` leads to once every link on the way is followed; a link cannot leave the root. `None` where
/// nothing stands there, or links lead in a circle.
pub fn resolve(context: &dyn Context, path: &str) -> Option<String> {
    let mut todo: Vec<String> =
        clean(path).split('/').rev().filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut done = String::new();
    let mut followed = 0;
    while let Some(part) = todo.pop() {
        if part == ".." {
            done = parent(&done).to_owned();
            continue;
        }
        let next = join(&done, &part);
        let entry = context.entry(&next)?;
        let Some(link) = entry.link.filter(|_| entry.kind == EntryKind::Link) else {
            done = next;
            continue;
        };
        followed += 1;
        if followed > LINK_LIMIT {
            return None;
        }
        if link.starts_with('/') {
            done = String::new();
        }
        todo.extend(link.split('/').rev().filter(|part| !matches!(*part, "" | ".")).map(str::to_owned));
    }
    Some(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_as_the_builder_does() {
        for (path, ours, go) in [
            ("", "", "."),
            (".", "", "."),
            ("/", "", "/"),
            ("a/", "a", "a"),
            ("./a//b/.", "a/b", "a/b"),
            ("../a", "a", "../a"),
            ("a/../..", "", ".."),
            ("/../a", "a", "/a"),
            ("a/./../b", "b", "b"),
        ] {
            assert_eq!((clean(path).as_str(), go_clean(path).as_str()), (ours, go), "{path:?}");
        }
    }

    #[test]
    fn takes_paths_apart() {
        assert_eq!(prefixes("a/b/c").collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
        assert_eq!(prefixes("").count(), 0);
        assert_eq!(
            (below("a/b", "a"), below("a", "a"), below("ab", "a"), below("x", "")),
            (Some("b"), Some(""), None, Some("x"))
        );
    }
}
