//! Reading a `RUN`: its script, what the catalogue knows of each command, and where its paths are.

use super::{
    build::{Inputs, Stage},
    files::ContextFiles,
    listed::listed,
    listing::listing_of,
    made::Made,
    path::StagePath,
    run::{KnownCommand, Opaque, PathAccess, ResolvedMount, Run},
    state::{Shell, State},
    transfer::{Supply, supply_named},
    view::View,
};
use crate::{
    context::{Filtered, path},
    ecosystem::{Access, Closure, Effect, Locking, Match, PathArgument, Recognition, Site, WarmUp, pack::Cost},
    shell::{self, Directory, Guard, Part, Script, ShellOptions, ShellWord, SimpleCommand},
    syntax::{Body, Command, Instruction, Mount, MountKind},
    text::{LogicalText, TextRange},
};

/// What a command takes of which nobody knows anything, in seconds.
const UNKNOWN_COST: Cost = Cost { low: 2.0, high: 30.0 };

impl Run {
    /// Resolves a `RUN` with the state it finds and the files that stand around it.
    pub(super) fn resolve(
        inputs: &Inputs<'_>,
        stages: &[Stage],
        instruction: &Instruction,
        state: &State,
        view: &View<'_>,
    ) -> Self {
        let mut resolver = Resolver { inputs, state, view, run: Self::default() };
        resolver.mounts(instruction, stages);
        match &instruction.body {
            Body::Run(Command::Exec(words)) => resolver.exec(words),
            _ => resolver.script(instruction),
        }
        resolver.run.mentions = mentions(inputs, instruction);
        resolver.run
    }
}

fn mentions(inputs: &Inputs<'_>, instruction: &Instruction) -> Vec<String> {
    let mut found = crate::syntax::variables(instruction.range.of(inputs.file.source()), inputs.file.escape());
    found.sort();
    found.dedup();
    found
}

/// What the catalogue says of one command.
struct Chosen {
    known: Match,
    closure: Option<Closure>,
    locking: Option<Locking>,
    warm_up: Option<WarmUp>,
    made: Option<Made>,
}

/// Fills a [`Run`].
struct Resolver<'a> {
    inputs: &'a Inputs<'a>,
    state: &'a State,
    view: &'a View<'a>,
    run: Run,
}

impl Resolver<'_> {
    fn opaque(&mut self, range: TextRange, reason: String) {
        self.run.opaque.push(Opaque { range, reason });
        self.add_cost(UNKNOWN_COST);
    }

    fn add_cost(&mut self, cost: Cost) {
        self.run.cost = Cost { low: self.run.cost.low + cost.low, high: self.run.cost.high + cost.high };
    }

    fn script(&mut self, instruction: &Instruction) {
        let Some(text) = instruction.script(self.inputs.file.source()) else {
            return self.opaque(instruction.range, "the script is run as a file of its own".to_owned());
        };
        let Shell::Posix { errexit, pipefail } = self.state.shell else {
            return self.opaque(instruction.range, "the shell is no POSIX shell".to_owned());
        };
        self.read(&text, ShellOptions { errexit, pipefail });
    }

    fn read(&mut self, text: &LogicalText, options: ShellOptions) {
        if tests_files(text.as_str()) {
            let range = text.source_range(TextRange::new(0, text.as_str().len()));
            self.opaque(range, "a condition in `[[ ]]` looks at files".to_owned());
        }
        let Script { commands, unreadable, .. } = shell::read_with(text, options);
        for piece in unreadable {
            self.opaque(piece.range, piece.reason);
        }
        for command in commands {
            self.command(command);
        }
    }

    /// The exec form: the words are the command, no shell reads them.
    fn exec(&mut self, words: &[crate::syntax::Word]) {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        let word = |word: &crate::syntax::Word| ShellWord {
            raw: word.text.clone(),
            parts: vec![Part::Literal(word.text.clone())],
            range: word.range,
        };
        let program = first.text.rsplit('/').next().unwrap_or_default();
        if matches!(program, "sh" | "bash" | "ash" | "dash")
            && let Some((options, script)) = script_of(words)
        {
            return self.read(&LogicalText::contiguous(&script.text, script.range.start), options);
        }
        self.command(SimpleCommand {
            range: first.range.cover(last.range),
            assignments: Vec::new(),
            words: words.iter().map(word).collect(),
            prefixes: Vec::new(),
            user: None,
            redirects: Vec::new(),
            directory: Directory::Start,
            guard: Guard::default(),
        });
    }

    fn command(&mut self, command: SimpleCommand) {
        let lookup = |name: &str| self.lookup(&command, name);
        let recognition = self.inputs.catalog.recognize(&command, &lookup);
        let directory = self.directory_of(&command);
        let Some(Chosen { known, closure, locking, warm_up, made }) =
            self.choose(&command, &recognition, directory.as_ref())
        else {
            let name = command.words.first().map_or("", |word| word.raw.as_str());
            return self.opaque(command.range, format!("`{name}` is no command that layerwise knows"));
        };
        if let Some(word) = known.unknown.first() {
            self.opaque(command.range, format!("layerwise does not know what `{word}` does to `{}`", known.title));
        } else {
            self.add_cost(cost_of(&known));
        }
        let anchors = self.anchors(&known, directory.as_ref());
        let mut accesses: Vec<PathAccess> = Vec::new();
        match &directory {
            Some(directory) => {
                accesses.extend(accesses_of(&known, directory));
                accesses.extend(self.reads_from_elsewhere(&known, directory));
            }
            None if matches!(known.effect(), Effect::Inert | Effect::ContextFree) && !is_named(&command.directory) => {}
            None => self
                .run
                .opaque
                .push(Opaque { range: command.range, reason: "the directory it runs in is not known".to_owned() }),
        }
        if let Some(directory) = &directory {
            let lookup = |name: &str| self.lookup(&command, name);
            accesses.extend(listed(&known, &self.run.commands, directory, &lookup));
            let listings = command.words.iter().filter_map(|word| listing_of(word, directory, &lookup));
            let unnamed: Vec<PathAccess> = listings.filter(|listing| !names(&accesses, listing)).collect();
            accesses.extend(unnamed);
        }
        accesses.extend(self.redirects(&command, directory.as_ref()));
        self.run.commands.push(KnownCommand {
            command,
            known,
            directory,
            anchors,
            warm_up,
            closure,
            made,
            locking,
            accesses,
        });
    }

    /// Files that the words name and that no file of the context is known to stand for.
    fn reads_from_elsewhere(&self, known: &Match, directory: &StagePath) -> Vec<PathAccess> {
        let named = known.paths.iter().filter(|path| path.group.is_some());
        let elsewhere = named.filter(|path| {
            self.inputs.context.is_none_or(|context| self.context_path(context, directory, &path.path).is_none())
        });
        elsewhere.map(|path| access_of(path, directory)).collect()
    }

    /// The candidate that the project's files point to, with the closure it has there.
    fn choose(
        &self,
        command: &SimpleCommand,
        recognition: &Recognition,
        directory: Option<&StagePath>,
    ) -> Option<Chosen> {
        let first = recognition.first()?;
        let unplaced =
            || Some(Chosen { known: first.clone(), closure: None, locking: None, warm_up: None, made: None });
        let (Some(context), Some(directory)) = (self.inputs.context, directory) else { return unplaced() };
        let mirrored = self.mirrored(context, directory, first);
        // Another copy may have put a file of its own where the project's would be.
        let covering = |path: &str| {
            let place = directory.join(&format!("./{}", path::below(path, mirrored.as_deref()?)?));
            self.view.origin(context, &place).filter(|origin| origin != path)
        };
        let files = ContextFiles::new(context, &covering);
        let resolve = |path: &str| self.context_path(context, directory, path);
        let lookup = |name: &str| self.lookup(command, name);
        let site = Site { directory: mirrored.as_deref(), files: &files, environment: &lookup, resolve: &resolve };
        let catalog = self.inputs.catalog;
        let Some(known) = catalog.resolve(recognition, &site) else { return unplaced() };
        Some(Chosen {
            known: known.clone(),
            closure: Some(catalog.closure(recognition, &site)),
            locking: catalog.locking(known, &site),
            warm_up: catalog.warm_up(recognition, &site),
            made: catalog.made(known, &site).map(|made| Made::new(made, directory)),
        })
    }

    /// Pairs of a place of the stage and the path of the context that it mirrors, by which the command's files are found:
    /// the paths in its words and their directories first, then the directory it works in.
    fn anchors(&self, known: &Match, directory: Option<&StagePath>) -> Vec<(StagePath, String)> {
        let (Some(context), Some(directory)) = (self.inputs.context, directory) else { return Vec::new() };
        let mut anchors = Vec::new();
        for named in known.paths.iter().filter(|path| path.group.is_some()) {
            // A file may stand under another name than the one it has in the context.
            let place = directory.join(&named.path);
            anchors.extend(self.view.origin(context, &place).map(|origin| (place, origin)));
        }
        for named in known.paths.iter().filter(|path| path.group.is_some()) {
            let place = directory.join(&named.path).parent();
            anchors.extend(self.view.directory(context, &place).map(|mirrored| (place, mirrored)));
        }
        let named = known.project_directory().map(|path| directory.join(path));
        for place in named.into_iter().chain([directory.clone()]) {
            anchors.extend(self.mirrored(context, &place, known).map(|mirrored| (place, mirrored)));
        }
        anchors
    }

    /// The context directory that a directory of the stage mirrors: of several, the one whose manifest stands there.
    fn mirrored(&self, context: &Filtered<'_>, place: &StagePath, known: &Match) -> Option<String> {
        let directories = self.view.directories(context, place);
        let names = || known.pack.manifests.iter().chain(&known.pack.lockfiles);
        let holds = |directory: &&String| {
            names().any(|name| self.view.provides(&path::join(directory, name), &place.join(&format!("./{name}"))))
        };
        directories.iter().find(holds).or_else(|| directories.first()).cloned()
    }

    /// The context path behind a path that a command names: what a placement brings there, or would bring.
    fn context_path(&self, context: &Filtered<'_>, directory: &StagePath, path: &str) -> Option<String> {
        let place = directory.join(path);
        self.view.origin(context, &place).or_else(|| {
            let mirrored = self.view.directory(context, &place.parent())?;
            Some(path::join(&mirrored, place.name()))
        })
    }

    fn lookup(&self, command: &SimpleCommand, name: &str) -> Option<String> {
        let assigned = command.assignments.iter().rev().find(|assignment| assignment.name == name);
        match assigned {
            Some(assignment) => assignment.value.literal().map(str::to_owned),
            None => self.state.lookup(name),
        }
    }

    fn directory_of(&self, command: &SimpleCommand) -> Option<StagePath> {
        match &command.directory {
            Directory::Start => Some(self.state.directory.clone()),
            Directory::Path(path) => {
                let expanded = crate::syntax::expand(path, '\\', &|name| self.state.lookup(name)).ok()?;
                expanded.unset.is_empty().then(|| self.state.directory.join(&expanded.text))
            }
            Directory::Unknown => None,
        }
    }

    fn redirects(&mut self, command: &SimpleCommand, directory: Option<&StagePath>) -> Vec<PathAccess> {
        let mut found = Vec::new();
        for redirect in &command.redirects {
            let target = redirect.target.expand(&|name| self.lookup(command, name));
            let (Some(target), Some(directory)) = (target, directory) else {
                self.run.opaque.push(Opaque {
                    range: command.range,
                    reason: format!("`{}` is redirected to a file that is not known", redirect.target.raw),
                });
                continue;
            };
            let access = match redirect.kind {
                shell::RedirectKind::Read => Access::Read,
                shell::RedirectKind::Write => Access::Write,
            };
            found.push(PathAccess { path: directory.join(&target), access, recursive: false, pattern: false });
        }
        found
    }

    fn mounts(&mut self, instruction: &Instruction, stages: &[Stage]) {
        let flags = instruction.flags.iter().filter(|flag| flag.name.eq_ignore_ascii_case("mount"));
        for flag in flags.filter_map(|flag| flag.value.as_ref()) {
            let Ok(mount) = Mount::parse(flag) else {
                self.opaque(flag.range, "the mount cannot be read".to_owned());
                continue;
            };
            let supply = mount.from.as_deref().map(|from| supply_named(self.inputs, stages, from));
            if let Some(Supply::Stage(index)) = supply {
                self.run.stages.push(index);
            }
            let expand = |text: &str| {
                let expanded =
                    crate::syntax::expand(text, self.inputs.file.escape(), &|name| self.state.lookup(name)).ok()?;
                expanded.unset.is_empty().then_some(expanded.text)
            };
            let target = mount.target.as_deref().and_then(expand).map(|text| self.state.directory.join(&text));
            let context = (mount.kind == MountKind::Bind && mount.from.is_none())
                .then(|| expand(mount.source.as_deref().unwrap_or_default()))
                .flatten()
                .map(|source| StagePath::root().join(&source).as_str().trim_start_matches('/').to_owned());
            self.run.mounts.push(ResolvedMount { mount, target, context, supply });
        }
    }
}

/// What a command takes, where its pack does not say: nothing worth counting for one that only touches paths.
fn cost_of(known: &Match) -> Cost {
    let unsaid = || match known.effect() {
        Effect::Inert | Effect::Paths => Cost { low: 0.0, high: 0.0 },
        _ => UNKNOWN_COST,
    };
    known.cost().unwrap_or_else(unsaid)
}

/// Whether a script has a `[[ ]]` condition with a unary operator on files; those of `test` and `[` are commands.
fn tests_files(script: &str) -> bool {
    let conditions = script.split("[[").skip(1).map(|rest| rest.split("]]").next().unwrap_or_default());
    let is_file_operator = |word: &str| {
        matches!(word.as_bytes(), [b'-', letter] if b"abcdefghkprstuwxGLNOS".contains(letter))
            || matches!(word, "-nt" | "-ot" | "-ef")
    };
    conditions.into_iter().any(|condition| condition.split_whitespace().any(is_file_operator))
}

/// The script in the words of a shell, `bash -eo pipefail -c SCRIPT`, and the options it is run with.
fn script_of(words: &[crate::syntax::Word]) -> Option<(ShellOptions, &crate::syntax::Word)> {
    let mut options = ShellOptions::default();
    let mut has_script = false;
    let mut words = words.iter().skip(1);
    loop {
        let word = words.next()?;
        let text = word.text.as_str();
        let Some(letters) = text.strip_prefix('-') else { return has_script.then_some((options, word)) };
        if letters.starts_with('-') {
            matches!(text, "--login" | "--noprofile" | "--norc").then_some(())?;
            continue;
        }
        for letter in letters.chars() {
            match letter {
                'c' => has_script = true,
                'e' => options.errexit = true,
                'o' => match words.next()?.text.as_str() {
                    "errexit" => options.errexit = true,
                    "pipefail" => options.pipefail = true,
                    _ => {}
                },
                'l' | 'u' | 'x' | 'v' | 'i' => {}
                _ => return None,
            }
        }
    }
}

/// Whether a directory is one that the script names, by variables that are not known; not one that it makes or finds on
/// its own.
fn is_named(directory: &Directory) -> bool {
    matches!(directory, Directory::Path(path) if !path.starts_with("$HOME"))
}

/// Whether the words of a command name what the shell lists for it already.
fn names(accesses: &[PathAccess], listing: &PathAccess) -> bool {
    accesses.iter().any(|access| access.path == listing.path && (access.pattern || access.recursive))
}

fn accesses_of(known: &Match, directory: &StagePath) -> Vec<PathAccess> {
    // What joins a closure is followed there, where the command has one.
    let has_closure = !matches!(known.effect(), Effect::Inert | Effect::Paths | Effect::ContextFree);
    let named =
        known.paths.iter().filter(|path| path.access != Access::Project && (path.group.is_none() || !has_closure));
    named.map(|path| access_of(path, directory)).collect()
}

fn access_of(path: &PathArgument, directory: &StagePath) -> PathAccess {
    // `requirements/*.txt` is read from one directory.
    let listed = path.pattern && path.access == Access::Read && path.path.ends_with('/');
    PathAccess {
        path: directory.join(&path.path),
        access: path.access,
        recursive: path.recursive || listed,
        pattern: path.pattern && !listed,
    }
}
