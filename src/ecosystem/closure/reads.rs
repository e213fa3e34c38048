//! Files of fixed names, outputs and refusals.

use super::super::pack::{ClosureSpec, ReadSpec, Refuse, Where};
use super::super::pattern::name_matches;
use super::super::{Missing, Need, PathKind, Refusal, WriteKind, document, path};
use super::Build;
use super::reference::Reference;

impl Build<'_> {
    /// Directories in which a thing is looked for, the project's first.
    pub(super) fn places(&self, place: Where) -> Vec<String> {
        if self.homeless {
            return Vec::new();
        }
        let all = path::ancestors(&self.project).map(str::to_owned);
        match place {
            Where::Project => vec![self.project.clone()],
            Where::Ancestors => all.collect(),
            Where::Above => all.skip(1).collect(),
        }
    }

    pub(super) fn fixed_reads(&mut self, spec: &ClosureSpec) {
        for read in &spec.reads {
            if !read.when.is_empty() && !read.when.iter().any(|condition| self.holds(condition).is_some()) {
                continue;
            }
            let before = self.members.len() + self.reads.len();
            let mut first = None;
            for place in self.places(read.place) {
                for pattern in &read.files {
                    let found = self.fixed_read(read, &place, pattern);
                    first = first.or(found);
                }
            }
            if let Some(first) = first.filter(|_| read.wanted) {
                self.need(&first, Need::Required { from: self.found.title.clone() });
            }
            if read.required && self.members.len() + self.reads.len() == before {
                self.required_is_missing(read);
            }
        }
    }

    /// Adds what a pattern finds; the first of it.
    fn fixed_read(&mut self, read: &ReadSpec, place: &str, pattern: &str) -> Option<String> {
        let Some(mut found) = path::find(self.site.files, place, pattern) else {
            let reason = format!("the pattern `{pattern}` finds too many files to be followed");
            self.refuse(&reason, if place.is_empty() { "the root of the build context" } else { place });
            return None;
        };
        found.retain(|(_, kind)| (*kind == PathKind::Directory) == read.tree);
        for (path, kind) in &found {
            let reason = format!("read by `{}`", self.found.title);
            match kind {
                PathKind::Directory => self.read(path, true, &reason),
                PathKind::File => self.member(path, &read.group, &reason),
            }
        }
        found.into_iter().next().map(|(path, _)| path)
    }

    fn required_is_missing(&mut self, read: &ReadSpec) {
        let title = self.found.title.clone();
        let names = read.files.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        if let Some(path) = read.files.last().and_then(|name| path::join(&self.project, name)) {
            let reason = "the command needs it".to_owned();
            self.missing(Missing { path, from: title.clone(), reason, required: true });
        }
        let place = if self.project.is_empty() { "the root of the build context" } else { &self.project.clone() };
        self.refuse(&format!("`{title}` needs {names}, which the project does not have"), place);
    }

    /// Adds a file to the closure and to a group.
    pub(super) fn member(&mut self, path: &str, group: &str, reason: &str) {
        self.read(path, false, reason);
        let member = (group.to_owned(), path.to_owned());
        if !self.members.contains(&member) {
            self.members.push(member);
        }
    }

    /// Files of groups that have one of the names; all of the groups, where there are no names.
    pub(super) fn files_of(&self, groups: &[String], names: &[String]) -> Vec<String> {
        let in_groups = self.members.iter().filter(|(group, _)| groups.contains(group));
        in_groups
            .map(|(_, path)| path)
            .filter(|path| names.is_empty() || names.iter().any(|name| name_matches(name, path::name(path))))
            .cloned()
            .collect()
    }

    /// Adds what a reference names: a file, or the files of `take` of a directory (all, where there are none).
    pub(super) fn take_path(
        &mut self,
        path: &str,
        take: &[String],
        group: &str,
        reason: &str,
        reference: &Reference<'_>,
    ) {
        match self.site.files.kind(path) {
            Some(PathKind::Directory) if !take.is_empty() => {
                let there = self.taken(path, take);
                for file in &there {
                    self.take(file, group, reason);
                }
                // The first is what makes the directory a part of the project.
                if let Some(first) = there.first() {
                    self.need(first, reference.need());
                }
            }
            Some(_) => {
                self.take(path, group, reason);
                self.need(path, reference.need());
            }
            None => {
                if let Some(missing) = reference.missing(path, reason) {
                    self.missing(missing);
                }
            }
        }
    }

    /// What a directory has of the files of `take`.
    pub(super) fn taken(&self, directory: &str, take: &[String]) -> Vec<String> {
        let found = take.iter().filter_map(|name| path::find(self.site.files, directory, name));
        found.flatten().map(|(file, _)| file).collect()
    }

    fn take(&mut self, path: &str, group: &str, reason: &str) {
        match self.site.files.kind(path) {
            Some(PathKind::File) => self.member(path, group, reason),
            Some(PathKind::Directory) => self.read(path, true, reason),
            None => {}
        }
    }

    /// Directories that the command fills, and files that it writes anew.
    pub(super) fn outputs(&mut self, spec: &ClosureSpec) {
        for output in &spec.outputs {
            let emptied = self.clean && output.emptied_when.iter().any(|condition| self.holds(condition).is_some());
            let kind = if emptied { WriteKind::CleanOutput } else { WriteKind::Output };
            for file in self.files_of(&output.groups, &output.files) {
                let directory = path::parent(&file).to_owned();
                let paths = match &output.pattern {
                    None => vec![output.path.clone()],
                    Some(pattern) => {
                        let text = self.site.files.read(&file).unwrap_or_default();
                        let lines = document::lines(&text);
                        lines.iter().filter_map(|(_, line)| pattern.capture(line)).map(str::to_owned).collect()
                    }
                };
                for relative in paths {
                    match path::join(&directory, &relative) {
                        Some(path) => self.write(path, kind),
                        None => self.refuse(&format!("it writes `{relative}`, outside of the build context"), &file),
                    }
                }
            }
        }
    }

    /// Variables that files of the closure ask for.
    pub(super) fn variables(&mut self, spec: &ClosureSpec) {
        for variables in &spec.variables {
            for file in self.files_of(&variables.groups, &variables.files) {
                let text = self.site.files.read(&file).unwrap_or_default();
                self.closure.variables.extend(variables.pattern.captures(&text));
            }
        }
        self.closure.variables.sort();
        self.closure.variables.dedup();
    }

    /// Files that the command itself writes anew.
    pub(super) fn rewrites(&mut self) {
        if self.homeless {
            return;
        }
        for name in &self.found.spec().rewrites {
            if let Some(path) = path::join(&self.project, name) {
                self.write(path, WriteKind::MayRewrite);
            }
        }
    }

    pub(super) fn refusals(&mut self, spec: &ClosureSpec) {
        for refusal in self.held(&spec.refuse) {
            self.add_refusal(refusal);
        }
    }

    /// Those that hold, with the evidence.
    pub(super) fn held(&mut self, specs: &[Refuse]) -> Vec<Refusal> {
        let mut found = Vec::new();
        for refuse in specs {
            let evidence: Option<Vec<String>> = refuse.when.iter().map(|condition| self.holds(condition)).collect();
            let Some(evidence) = evidence else { continue };
            if refuse.unless.iter().any(|condition| self.holds(condition).is_some()) {
                continue;
            }
            found.push(Refusal {
                reason: refuse.reason.clone(),
                evidence: evidence.join(", "),
                inherent: refuse.inherent,
            });
        }
        found
    }
}
