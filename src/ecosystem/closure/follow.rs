//! References in files of the closure.

use std::collections::BTreeSet;

use super::super::pack::{ClosureSpec, Follow, Use};
use super::super::pattern::{Pattern, name_matches};
use super::super::{Missing, PathKind, WriteKind, document, path};
use super::Build;
use super::condition::shortened;
use super::reference::{Demand, Reference};

/// Files after which a closure is not followed any further.
const MOST_FILES: usize = 5000;

impl Build<'_> {
    /// Follows references until nothing new is found.
    pub(super) fn follow_all(&mut self, spec: &ClosureSpec) {
        let mut next = 0;
        while let Some((group, file)) = self.members.get(next).cloned() {
            next += 1;
            if next > MOST_FILES {
                return self.refuse("the project refers to more files than are followed", &file);
            }
            for follow in &spec.follow {
                let named =
                    follow.files.is_empty() || follow.files.iter().any(|name| name_matches(name, path::name(&file)));
                if named && follow.groups.contains(&group) {
                    self.follow(follow, &file);
                }
            }
        }
    }

    fn follow(&mut self, follow: &Follow, file: &str) {
        if matches!(follow.usage, Use::Beside | Use::Upward) {
            return self.follow_surroundings(follow, file);
        }
        let references = self.references(follow, file);
        if follow.from_project && self.homeless {
            if let Some(reference) = references.first() {
                let evidence = format!("{file}: {}", shortened(reference));
                self.refuse("it is relative to a directory that is not filled from the build context", &evidence);
            }
            return;
        }
        let base = if follow.from_project { self.project.clone() } else { path::parent(file).to_owned() };
        match follow.usage {
            Use::Path => {
                for reference in &references {
                    if follow.at.is_empty() {
                        self.follow_path(follow, file, &base, reference);
                    } else {
                        self.follow_places(follow, file, &base, reference);
                    }
                }
            }
            Use::Directories => self.follow_directories(follow, file, &base, &references),
            Use::Beside | Use::Upward => {}
        }
    }

    /// Files beside a file, or above it.
    fn follow_surroundings(&mut self, follow: &Follow, file: &str) {
        let directory = path::parent(file);
        let levels = if follow.usage == Use::Upward { usize::MAX } else { 1 };
        for place in path::ancestors(directory).take(levels) {
            self.follow_patterns(follow, file, place, &follow.take);
        }
    }

    /// The places at which what a reference names may stand.
    fn follow_places(&mut self, follow: &Follow, file: &str, base: &str, reference: &str) {
        // A name that is a path or a pattern itself would lead elsewhere.
        if reference.contains(['/', '*', '?', '[', '{']) || reference.starts_with('.') {
            return;
        }
        let patterns: Vec<String> = follow.at.iter().map(|place| place.replace("{}", reference)).collect();
        self.follow_patterns(follow, file, base, &patterns);
    }

    fn follow_patterns(&mut self, follow: &Follow, file: &str, base: &str, patterns: &[String]) {
        let reason = format!("{} of `{file}`", follow.reason);
        for pattern in patterns {
            let Some(found) = path::find(self.site.files, base, pattern) else {
                self.refuse(&format!("the pattern `{pattern}` finds too many files to be followed"), file);
                continue;
            };
            for (path, _) in found.into_iter().filter(|(_, kind)| *kind == PathKind::File) {
                self.take_followed(follow, &path, &[], &reason, &Reference::new(file, Demand::Never));
            }
        }
    }

    /// Takes what a reference names, as far as the reference asks for it.
    fn take_followed(&mut self, follow: &Follow, path: &str, take: &[String], reason: &str, reference: &Reference<'_>) {
        let known = !follow.presence || self.reads.contains_key(path);
        self.take_path(path, take, &follow.group, reason, reference);
        if let Some(read) = self.reads.get_mut(path) {
            read.presence = if known { read.presence && follow.presence } else { true };
        }
    }

    /// The references that a file holds, in its order.
    fn references(&mut self, follow: &Follow, file: &str) -> Vec<String> {
        let capture = |text: &str| match &follow.pattern {
            Some(pattern) => pattern.capture(text).map(str::to_owned),
            None => Some(text.to_owned()),
        };
        if follow.select.is_empty() {
            let Some(text) = self.site.files.read(file) else {
                self.refuse(&format!("`{file}` cannot be read as text"), file);
                return Vec::new();
            };
            return line_references(follow, &text);
        }
        let Some(tree) = self.tree(file) else { return Vec::new() };
        let select = |selectors: &[String]| -> Vec<String> {
            let found = selectors.iter().flat_map(|selector| document::select(&tree, selector));
            found.filter_map(|found| found.text()).collect()
        };
        let mut references: Vec<String> = select(&follow.select).iter().filter_map(|text| capture(text)).collect();
        references.extend(select(&follow.exclude).into_iter().map(|pattern| format!("!{pattern}")));
        references
    }

    fn follow_path(&mut self, follow: &Follow, file: &str, base: &str, reference: &str) {
        let forward = follow.backslashes.then(|| reference.replace('\\', "/"));
        let reference = with_suffix(follow, forward.as_deref().unwrap_or(reference).trim());
        let reference = reference.as_str();
        if reference.contains('$') {
            let evidence = format!("{file}: {}", shortened(reference));
            return self.refuse("a path in it depends on a variable", &evidence);
        }
        let Some(target) = path::join(base, reference) else {
            let evidence = format!("{file}: {}", shortened(reference));
            return self
                .refuse(&format!("`{reference}` ({}) lies outside of the build context", follow.reason), &evidence);
        };
        let is_directory = self.site.files.kind(&target) == Some(PathKind::Directory);
        if is_directory && follow.skips_directory.iter().any(|condition| self.holds(condition).is_some()) {
            return;
        }
        if let Some(reason) = &follow.refuse_directory
            && is_directory
        {
            return self.refuse(reason, &format!("{file}: {}", shortened(reference)));
        }
        if let Some(reason) = &follow.refuse_bare
            && is_directory
            && self.taken(&target, &follow.take).is_empty()
        {
            return self.refuse(reason, &format!("{file}: {}", shortened(reference)));
        }
        let reason = format!("{} of `{file}`", follow.reason);
        let demand = if follow.optional { Demand::Never } else { Demand::Always };
        self.take_followed(follow, &target, &follow.take, &reason, &Reference::new(file, demand));
        if follow.writes && self.site.files.kind(&target).is_some() {
            self.write(target, WriteKind::MayRewrite);
        }
    }

    fn follow_directories(&mut self, follow: &Follow, file: &str, base: &str, patterns: &[String]) {
        let mut directories = BTreeSet::new();
        for pattern in patterns {
            let (negated, positive) = match pattern.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, pattern.as_str()),
            };
            let positive = positive.trim_end_matches('/');
            let Some(found) = path::find(self.site.files, base, positive) else {
                let evidence = format!("{file}: {}", shortened(pattern));
                self.refuse("a pattern leads outside of the build context or finds too much", &evidence);
                continue;
            };
            if found.is_empty() && !negated && !path::is_pattern(positive) && !follow.optional {
                let path = path::join(base, positive).unwrap_or_default();
                let (from, reason) = (file.to_owned(), follow.reason.clone());
                self.missing(Missing { path, from, reason, required: false });
            }
            for (directory, _) in found.into_iter().filter(|(_, kind)| *kind == PathKind::Directory) {
                if negated {
                    directories.remove(&directory);
                } else {
                    directories.insert(directory);
                }
            }
        }
        let reason = format!("{} of `{file}`", follow.reason);
        for directory in directories {
            self.take_path(&directory, &follow.take, &follow.group, &reason, &Reference::new(file, Demand::Part));
            self.part(follow, &directory, file);
        }
    }
}

/// The reference with the ending that its file has.
fn with_suffix(follow: &Follow, reference: &str) -> String {
    match &follow.suffix {
        Some(suffix) if !reference.ends_with(suffix.as_str()) => format!("{reference}{suffix}"),
        _ => reference.to_owned(),
    }
}

/// What the lines of a text refer to, inside and outside of blocks.
fn line_references(follow: &Follow, text: &str) -> Vec<String> {
    let mut inside = false;
    let mut references = Vec::new();
    for (_, line) in document::lines(text) {
        if inside && line.trim_start().starts_with([')', '}']) {
            inside = false;
            continue;
        }
        if follow.block.as_ref().is_some_and(|open| open.matches(&line)) {
            inside = true;
            continue;
        }
        let pattern: Option<&Pattern> = if inside { follow.block_pattern.as_ref() } else { follow.pattern.as_ref() };
        references.extend(pattern.and_then(|pattern| pattern.capture(&line)).map(str::to_owned));
    }
    references
}
