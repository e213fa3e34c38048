//! The closure of a command in a project, computed by what its pack says.

mod condition;
mod follow;
mod lock;
mod parts;
mod reads;
mod reference;
mod scripts;
mod triggers;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::LazyLock;

use serde_json::Value;

use reference::{Demand, Reference};

use super::catalog::Catalog;
use super::pack::{ClosureSpec, Names, WarmUpSpec};
use super::recognition::{Access, Match, Recognition};
use super::site::Site;
use super::{Closure, Effect, Locking, Missing, Need, PathKind, Read, Refusal, Write, WriteKind, path};

/// How deep scripts may run other commands.
const DEEPEST: usize = 6;

impl Catalog {
    /// The candidate that the project belongs to.
    pub fn resolve<'r>(&self, recognition: &'r Recognition, site: &Site) -> Option<&'r Match> {
        if recognition.candidates.len() < 2 {
            return recognition.first();
        }
        recognition.candidates.iter().find(|found| {
            let Some(test) = &found.pack.project else { return true };
            let mut build = Build::new(self, found, *site, 0);
            build.project = build.project_directory(found_spec(found)).unwrap_or_default();
            let wanted = test.when.is_empty() || test.when.iter().any(|condition| build.holds(condition).is_some());
            wanted && !test.unless.iter().any(|condition| build.holds(condition).is_some())
        })
    }

    /// What the command reads and writes in the project at `site`.
    pub fn closure(&self, recognition: &Recognition, site: &Site) -> Closure {
        match self.resolve(recognition, site) {
            Some(found) => Build::new(self, found, *site, 0).run(found_spec(found)),
            None => refused("no pack knows the command, or the project is not one of its ecosystem", "the command"),
        }
    }

    /// Whether the command installs exactly what the lock file says.
    pub fn is_locked(&self, found: &Match, site: &Site) -> bool {
        let mut build = Build::new(self, found, *site, 0);
        build.project = build.project_directory(found_spec(found)).unwrap_or_default();
        build.is_locked()
    }

    /// How the command treats the lock file of its project; `None` where there is none, or the command is told to leave
    /// it alone.
    pub fn locking(&self, found: &Match, site: &Site) -> Option<Locking> {
        let mut build = Build::new(self, found, *site, 0);
        let spec = found_spec(found);
        build.project = build.project_directory(spec)?;
        build.locking(spec.lock.as_ref()?)
    }

    /// Whether the command would install from a lock file and the project has none.
    pub fn is_lock_missing(&self, found: &Match, site: &Site) -> bool {
        let mut build = Build::new(self, found, *site, 0);
        let spec = found_spec(found);
        let Some(project) = build.project_directory(spec) else { return false };
        build.project = project;
        spec.lock.as_ref().is_some_and(|lock| build.lock_file(lock).is_none())
    }
}

/// The part of the pack that describes what the match reads; empty for commands without one.
pub(super) fn found_spec(found: &Match) -> &ClosureSpec {
    static EMPTY: LazyLock<ClosureSpec> = LazyLock::new(ClosureSpec::default);
    let name = found.spec().closure.as_ref();
    name.and_then(|name| found.pack.closure.get(name.get_ref())).unwrap_or(&EMPTY)
}

/// A closure about which nothing can be claimed.
pub(super) fn refused(reason: &str, evidence: &str) -> Closure {
    let refusal = Refusal { reason: reason.to_owned(), evidence: evidence.to_owned(), inherent: false };
    Closure { refusals: vec![refusal], ..Closure::default() }
}

/// A file as a tree, or what is wrong with it.
type Tree = Result<Rc<Value>, String>;

/// A closure that is being computed.
pub(super) struct Build<'a> {
    catalog: &'a Catalog,
    found: &'a Match,
    site: Site<'a>,
    /// The project's directory in the context.
    pub(super) project: String,
    /// Whether the working directory was not filled from the context, so that there is no project directory.
    homeless: bool,
    /// How many commands ran each other to get here.
    depth: usize,
    /// Whether the command empties its outputs first.
    clean: bool,
    /// Whether a later command completes what this one does.
    completed: bool,
    reads: BTreeMap<String, Read>,
    /// Files with their groups, in the order they were found.
    members: Vec<(String, String)>,
    /// Manifests of parts of the project, with how parts are named.
    parts: BTreeMap<String, Names>,
    closure: Closure,
    trees: HashMap<String, Option<Tree>>,
}

impl<'a> Build<'a> {
    pub(super) fn new(catalog: &'a Catalog, found: &'a Match, site: Site<'a>, depth: usize) -> Self {
        Self {
            catalog,
            found,
            site,
            project: String::new(),
            homeless: false,
            depth,
            clean: found.spec().clean,
            completed: false,
            reads: BTreeMap::new(),
            members: Vec::new(),
            parts: BTreeMap::new(),
            closure: Closure::default(),
            trees: HashMap::new(),
        }
    }

    /// The closure that `spec` describes.
    pub(super) fn run(mut self, spec: &ClosureSpec) -> Closure {
        self.walk(spec);
        self.finish()
    }

    /// What `spec` says of the project, whatever else the command reads.
    pub(super) fn alone(mut self, spec: &ClosureSpec) -> Closure {
        self.walk_alone(spec);
        self.finish()
    }

    fn walk(&mut self, spec: &ClosureSpec) {
        self.unknown_words();
        match self.project_directory(spec) {
            Some(project) => self.project = project,
            None if spec.anywhere || self.found.spec().closure.is_none() => self.homeless = true,
            None => {
                self.word_paths();
                let title = self.found.title.clone();
                return self
                    .refuse("the directory that the command runs in is not filled from the build context", &title);
            }
        }
        self.fixed_reads(spec);
        self.word_paths();
        self.follow_all(spec);
        self.relate_parts();
        self.variables(spec);
        self.outputs(spec);
        self.rewrites();
        self.run_scripts(spec);
        self.lock(spec);
        self.refusals(spec);
        self.triggers();
        self.build_only();
        self.confined();
        self.vendored();
    }

    /// The closure of a warm-up, and why the image may differ after it.
    pub(super) fn warm(mut self, spec: &ClosureSpec, warm_up: &WarmUpSpec) -> (Closure, Vec<Refusal>) {
        self.completed = warm_up.completes.is_some();
        if warm_up.run.is_some() {
            self.walk_alone(spec);
        } else {
            self.walk(spec);
        }
        let differs = self.held(&warm_up.differs);
        (self.finish(), differs)
    }

    /// What `spec` says, nothing of the command itself but where it works.
    fn walk_alone(&mut self, spec: &ClosureSpec) {
        let Some(project) = self.project_directory(spec) else {
            let title = self.found.title.clone();
            return self.refuse("the directory that the command runs in is not filled from the build context", &title);
        };
        self.project = project;
        self.fixed_reads(spec);
        self.follow_all(spec);
        self.outputs(spec);
        self.lock(spec);
        self.refusals(spec);
        for missing in self.closure.missing.clone() {
            let reason = format!("`{}` ({}) does not exist in the build context", missing.path, missing.reason);
            self.refuse(&reason, &missing.from);
        }
    }

    /// Where the project lies: where an option says, at the nearest root file, else where the command runs.
    pub(super) fn project_directory(&self, spec: &ClosureSpec) -> Option<String> {
        let start = match self.found.project_directory() {
            Some(given) => (self.site.resolve)(given)?,
            None => self.site.directory?.to_owned(),
        };
        let is_root = |at: &&str| {
            spec.root.iter().any(|name| path::join(at, name).is_some_and(|path| self.site.files.kind(&path).is_some()))
        };
        let root = path::ancestors(&start).find(is_root).map(str::to_owned);
        Some(root.unwrap_or(start))
    }

    fn unknown_words(&mut self) {
        let title = self.found.title.clone();
        for word in &self.found.unknown {
            let reason = format!("nothing is known of `{word}` in a `{title}` command");
            self.refuse(&reason, &format!("`{title} … {word}`"));
        }
        if self.found.effect() == Effect::Build {
            self.refuse(&format!("`{title}` may read any file of the project"), &format!("`{title}`"));
        }
    }

    /// Paths that the words of the command name.
    fn word_paths(&mut self) {
        for given in &self.found.paths {
            if given.access == Access::Project {
                continue;
            }
            let Some(path) = (self.site.resolve)(&given.path) else {
                if given.group.is_some() {
                    let evidence = format!("`{} … {}`", self.found.title, given.path);
                    self.refuse(&format!("`{}` is not filled from the build context", given.path), &evidence);
                }
                continue;
            };
            if matches!(given.access, Access::Write | Access::Modify | Access::Remove) {
                self.write(path.clone(), WriteKind::MayRewrite);
            }
            if matches!(given.access, Access::Read | Access::Modify) {
                let group = given.group.clone().unwrap_or_else(|| "arguments".to_owned());
                let evidence = format!("`{}`", self.found.title);
                self.take_path(&path, &[], &group, "named by the command", &Reference::new(&evidence, Demand::Always));
            }
        }
    }

    /// What the image does not need afterwards.
    fn build_only(&mut self) {
        let Some(only) = &self.found.spec().build_only else { return };
        let holds = only.when.iter().all(|condition| self.holds(condition).is_some())
            && !only.unless.iter().any(|condition| self.holds(condition).is_some());
        self.closure.build_only = holds.then(|| only.what.clone());
        self.closure.libraries = only.needs_libraries.iter().find_map(|condition| self.holds(condition));
    }

    /// Whether it runs no program but its own.
    fn confined(&mut self) {
        self.closure.confined = self.found.spec().confined.iter().any(|confined| {
            confined.when.iter().all(|condition| self.holds(condition).is_some())
                && !confined.unless.iter().any(|condition| self.holds(condition).is_some())
        });
    }

    /// Whether it downloads nothing.
    fn vendored(&mut self) {
        let conditions = self.found.pack.cache.iter().flat_map(|cache| &cache.vendored_when);
        self.closure.vendored = conditions.into_iter().any(|condition| self.holds(condition).is_some());
    }

    pub(super) fn refuse(&mut self, reason: &str, evidence: &str) {
        self.add_refusal(Refusal { reason: reason.to_owned(), evidence: evidence.to_owned(), inherent: false });
    }

    pub(super) fn add_refusal(&mut self, refusal: Refusal) {
        if !self.closure.refusals.contains(&refusal) {
            self.closure.refusals.push(refusal);
        }
    }

    pub(super) fn write(&mut self, path: String, kind: WriteKind) {
        let known = |write: &Write| {
            // A command of a script fills what the install has emptied.
            write.path == path
                && (write.kind == kind || (write.kind == WriteKind::CleanOutput && kind == WriteKind::Output))
        };
        if !self.closure.writes.iter().any(known) {
            self.closure.writes.push(Write { path, kind });
        }
    }

    pub(super) fn missing(&mut self, missing: Missing) {
        if !self.closure.missing.contains(&missing) {
            self.closure.missing.push(missing);
        }
    }

    pub(super) fn read(&mut self, path: &str, directory: bool, reason: &str) {
        let known = self.reads.entry(path.to_owned());
        let read = known.or_insert_with(|| Read {
            path: path.to_owned(),
            directory,
            reason: reason.to_owned(),
            presence: false,
            need: Need::Optional,
        });
        read.directory |= directory;
    }

    /// Notes what becomes of the command without a file; the stronger need stays.
    pub(super) fn need(&mut self, path: &str, need: Need) {
        if let Some(read) = self.reads.get_mut(path)
            && need > read.need
        {
            read.need = need;
        }
    }

    /// The file as a tree; a broken one is a refusal. `None` where it is missing or broken.
    pub(super) fn tree(&mut self, path: &str) -> Option<Rc<Value>> {
        if !self.trees.contains_key(path) {
            let text = self.site.files.read(path);
            let missing = text.is_none() && self.site.files.kind(path) != Some(PathKind::File);
            let tree = text.map(|text| super::document::tree(path, &text).map(Rc::new));
            let tree = tree.or_else(|| (!missing).then(|| Err("cannot be read as text".to_owned())));
            if let Some(Err(problem)) = &tree {
                self.refuse(&format!("`{path}` {problem}"), path);
            }
            self.trees.insert(path.to_owned(), tree);
        }
        self.trees.get(path)?.as_ref()?.as_ref().ok().cloned()
    }

    fn finish(mut self) -> Closure {
        self.closure.reads = self.reads.into_values().collect();
        self.closure.writes.sort_by(|a, b| a.path.cmp(&b.path));
        self.closure
    }
}
