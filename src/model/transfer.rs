//! `COPY` and `ADD`: where the files come from, which they are, and where they go.

use super::{
    assembly::base_has_directory,
    build::{Action, Base, Inputs, Stage, Step},
    made::Made,
    path::StagePath,
    placement::{Placement, Root},
    state::State,
};
use crate::{
    context::{Context, Destination, EntryKind, Filtered, Selector, path},
    syntax::{self, Instruction, Keyword, Source},
};

/// A resolved `COPY` or `ADD`.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own that the instruction may have")]
pub struct Transfer {
    /// Where the files come from.
    pub supply: Supply,
    /// Whether it is an `ADD`, which unpacks archives and downloads.
    pub add: bool,
    /// Which context paths it takes, by the text of its sources; `None` unless files come from the context.
    pub selector: Option<Selector>,
    /// Where it copies to; `None` where a variable of it is not known.
    pub destination: Option<StagePath>,
    /// Whether the destination names a directory: it ends in `/`, is `.`, or there are several sources.
    pub into_directory: bool,
    /// Whether variables that a build argument may change tell which files it brings, or to where.
    pub varies: bool,
    /// The variables that its arguments and flags mention.
    pub mentions: Vec<String>,
    /// Where the context files land; `None` without a context, or where that cannot be told.
    pub placement: Option<Placement>,
    /// What the file is made of that it takes from a stage, where that is known.
    pub made: Option<Made>,
    link: bool,
    chmod: bool,
    remote: bool,
    mixed: bool,
}

/// Where copied files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// The build context.
    Context,
    /// An earlier stage, by index.
    Stage(usize),
    /// An image, or a named context.
    Image(String),
    /// Heredocs in the file itself.
    Inline,
    /// URLs or git repositories only.
    Remote,
    /// A variable that only the build knows.
    Unknown,
}

impl Transfer {
    /// Resolves the arguments with the variables of `state`.
    pub(super) fn resolve(
        inputs: &Inputs<'_>,
        stages: &[Stage],
        instruction: &Instruction,
        arguments: &syntax::Transfer,
        state: &State,
    ) -> Self {
        let reader = Reader { inputs, state };
        let words: Vec<&str> = arguments.sources.iter().filter_map(path_word).collect();
        let mut mentions = reader.mentions(words.iter().copied().chain([arguments.destination.text.as_str()]));
        // An owner or a mode tells nothing of which files come from where.
        let (owners, others): (Vec<&syntax::Flag>, Vec<&syntax::Flag>) = instruction
            .flags
            .iter()
            .partition(|flag| ["chown", "chmod"].iter().any(|name| flag.name.eq_ignore_ascii_case(name)));
        let values = |flags: Vec<&syntax::Flag>| {
            reader.mentions(flags.into_iter().filter_map(|flag| Some(flag.value.as_ref()?.text.as_str())))
        };
        mentions.extend(values(others));
        let varies = !state.arguments_of(mentions.iter().map(String::as_str)).is_empty();
        mentions.extend(values(owners));
        let sources: Option<Vec<String>> = words.iter().map(|word| reader.expand(word)).collect();
        let add = instruction.keyword == Keyword::Add;
        let remote = add && sources.iter().flatten().any(|source| is_remote(source));
        let supply = supply(&reader, stages, instruction, sources.as_deref(), remote);
        let destination_text = reader.expand(&arguments.destination.text);
        let mut transfer = Self {
            into_directory: arguments.sources.len() > 1 || destination_text.as_deref().is_some_and(names_directory),
            destination: destination_text.map(|text| state.directory.join(&text)),
            varies,
            selector: None,
            placement: None,
            made: None,
            link: flag_is_set(instruction, "link"),
            chmod: instruction.flag("chmod").is_some(),
            supply,
            add,
            mentions,
            remote,
            mixed: false,
        };
        // Where a heredoc or a download stands beside files of the context, they are not all that it brings.
        transfer.mixed = remote || words.len() < arguments.sources.len();
        if let (Supply::Context, Some(sources)) = (&transfer.supply, sources) {
            let local: Vec<String> = sources.into_iter().filter(|source| !(add && is_remote(source))).collect();
            transfer.select(&reader, stages, instruction, &local);
        }
        transfer
    }

    /// The stage the files come from.
    pub fn stage(&self) -> Option<usize> {
        match self.supply {
            Supply::Stage(index) => Some(index),
            _ => None,
        }
    }

    /// Whether it downloads.
    pub fn is_remote(&self) -> bool {
        self.remote
    }

    /// Whether files come from the build context.
    pub fn is_from_context(&self) -> bool {
        self.supply == Supply::Context
    }

    /// Whether it makes a layer that does not depend on the steps before: `--link`, which `--chmod` takes away
    /// (`frontend/dockerfile/dockerfile2llb/convert_copy.go` in <https://github.com/moby/buildkit>).
    pub fn is_linked(&self) -> bool {
        self.link && !self.chmod
    }

    /// Whether it says `--link`, of effect or not.
    pub fn asks_for_link(&self) -> bool {
        self.link
    }

    /// Whether it takes this context path.
    pub fn selects(&self, path: &str) -> bool {
        self.selector.as_ref().is_some_and(|selector| selector.selects(path))
    }

    /// Whether one of its sources is a directory, as far as that can be told.
    pub fn holds_directory(&self) -> bool {
        match (&self.placement, &self.selector) {
            (Some(placement), _) => placement.roots.iter().any(|root| root.directory),
            (None, Some(selector)) => selector.sources().any(looks_like_directory),
            (None, None) => false,
        }
    }

    fn select(&mut self, reader: &Reader<'_>, stages: &[Stage], instruction: &Instruction, sources: &[String]) {
        let excluded = instruction.flags.iter().filter(|flag| flag.name.eq_ignore_ascii_case("exclude"));
        let excluded: Option<Vec<String>> =
            excluded.filter_map(|flag| flag.value.as_ref()).map(|value| reader.expand(&value.text)).collect();
        let Some(excluded) = excluded else { return };
        let parents = flag_is_set(instruction, "parents");
        let destination_word = self.destination.as_ref().map_or("/", StagePath::as_str);
        let mut selector = Selector::new(sources, Destination::new(destination_word, "/"))
            .with_excludes(excluded.iter().map(String::as_str));
        if parents {
            selector = selector.with_parents();
        }
        if let Some(context) = reader.inputs.context {
            selector = selector.with_links(context);
            self.placement = self.place(reader, stages, &selector, context).filter(|_| !parents && !self.mixed);
        }
        self.selector = Some(selector);
    }

    /// Where each source lands; `None` where an archive is unpacked or the destination is not known.
    fn place(
        &self,
        reader: &Reader<'_>,
        stages: &[Stage],
        selector: &Selector,
        context: &Filtered<'_>,
    ) -> Option<Placement> {
        let destination = self.destination.as_ref()?;
        let known = has_directory(stages, destination);
        let roots = selector.selected_roots(context);
        if self.add && roots.iter().any(|(path, kind)| *kind != EntryKind::Directory && is_archive(context, path)) {
            return None;
        }
        let into_directory = self.into_directory || known || roots.len() > 1 || reader.state.directory == *destination;
        // The contents of a directory behind a link are those of the directory.
        let real = |path: String, kind| match kind {
            EntryKind::Directory => path::resolve(context, &path).unwrap_or(path),
            _ => path,
        };
        let roots = roots.into_iter();
        let places = Landing { destination, into_directory, may_be_made: reader.names(stages, destination.name()) };
        let roots = roots.map(|(path, kind)| places.root(real(path, kind), kind)).collect();
        let expected = |name: &str| if looks_like_directory(name) { EntryKind::Directory } else { EntryKind::File };
        let absent = selector.absent(context).into_iter();
        let absent = absent.map(|name| places.root(path::clean(name), expected(name))).collect();
        Some(Placement { selector: selector.clone(), roots, absent })
    }
}

/// Where the sources of one instruction land.
struct Landing<'a> {
    destination: &'a StagePath,
    into_directory: bool,
    /// Whether a `RUN` before may have made a directory there.
    may_be_made: bool,
}

impl Landing<'_> {
    fn root(&self, context: String, kind: EntryKind) -> Root {
        let directory = kind == EntryKind::Directory;
        let name = context.rsplit('/').next().unwrap_or_default();
        // `COPY app.conf /etc/app.conf` names the file.
        let names_file = self.destination.name() == name && !self.may_be_made;
        let uncertain = !directory && !self.into_directory && !names_file;
        let landing = if directory || !self.into_directory {
            self.destination.clone()
        } else {
            self.destination.join(&path::join(".", name))
        };
        Root { context, directory, landing, uncertain }
    }
}

/// Whether a directory is known to exist in the stage that is being read, the last of `stages`: a step of it or of the
/// stages below made the directory or something in it, or every base image has it.
fn has_directory(stages: &[Stage], path: &StagePath) -> bool {
    let mut next = stages.last();
    while let Some(stage) = next {
        if stage.steps.iter().any(|step| makes_directory(step, path)) {
            return true;
        }
        next = match stage.base {
            Base::Stage(index) => stages.get(index),
            Base::Scratch => None,
            Base::Image(_) | Base::Unknown(_) => return base_has_directory(&stage.base, path),
        };
    }
    false
}

fn makes_directory(step: &Step, path: &StagePath) -> bool {
    match &step.action {
        Action::Workdir(made) => made.below(path).is_some(),
        Action::Transfer(transfer) => transfer
            .placement
            .iter()
            .flat_map(|placement| &placement.roots)
            .any(|root| root.landing.below(path).is_some_and(|rest| root.directory || !rest.is_empty())),
        _ => false,
    }
}

/// Expands words with the variables in scope.
struct Reader<'a> {
    inputs: &'a Inputs<'a>,
    state: &'a State,
}

impl Reader<'_> {
    /// The value of a word; `None` where a variable in it is not known.
    fn expand(&self, text: &str) -> Option<String> {
        let expansion = syntax::expand(text, self.inputs.file.escape(), &|name| self.state.lookup(name)).ok()?;
        expansion.unset.is_empty().then_some(expansion.text)
    }

    /// Whether a `RUN` of the stage that is being read, or of those that it starts from, has the name in its text.
    fn names(&self, stages: &[Stage], name: &str) -> bool {
        let instructions = self.inputs.file.instructions();
        let mut next = stages.last();
        while let Some(stage) = next {
            let runs = stage.steps.iter().filter(|step| matches!(step.action, Action::Run(_)));
            let mut texts = runs.map(|step| instructions[step.instruction].range.of(self.inputs.file.source()));
            if texts.any(|text| text.contains(name)) {
                return true;
            }
            next = match stage.base {
                Base::Stage(index) => stages.get(index),
                _ => None,
            };
        }
        false
    }

    fn mentions<'w>(&self, words: impl Iterator<Item = &'w str>) -> Vec<String> {
        words.flat_map(|word| syntax::variables(word, self.inputs.file.escape())).collect()
    }
}

fn path_word(source: &Source) -> Option<&str> {
    match source {
        Source::Path(word) => Some(&word.text),
        Source::Heredoc(_) => None,
    }
}

fn supply(
    reader: &Reader<'_>,
    stages: &[Stage],
    instruction: &Instruction,
    sources: Option<&[String]>,
    remote: bool,
) -> Supply {
    if let Some(from) = instruction.flag_value("from") {
        return match reader.expand(from) {
            Some(name) => supply_named(reader.inputs, stages, &name),
            None => Supply::Unknown,
        };
    }
    match sources {
        None => Supply::Unknown,
        Some([]) => Supply::Inline,
        Some(sources) if remote && sources.iter().all(|source| is_remote(source)) => Supply::Remote,
        Some(_) => Supply::Context,
    }
}

/// As [`stage_or_image`], but for other contexts that the build is given: nobody has looked into those.
pub(super) fn supply_named(inputs: &Inputs<'_>, stages: &[Stage], name: &str) -> Supply {
    if inputs.context.is_some_and(|context| context.has_other(name)) {
        return Supply::Unknown;
    }
    stage_or_image(stages, name)
}

/// `--from` names a stage, gives its number, or else names an image or a context of the build command. The stage being
/// read is the last of `stages`, and cannot copy from itself.
fn stage_or_image(stages: &[Stage], name: &str) -> Supply {
    let earlier = &stages[..stages.len().saturating_sub(1)];
    let lower = name.to_lowercase();
    if let Some(index) = earlier.iter().rposition(|stage| stage.name.as_deref() == Some(lower.as_str())) {
        return Supply::Stage(index);
    }
    match name.parse::<usize>() {
        Ok(index) if index < earlier.len() => Supply::Stage(index),
        _ => Supply::Image(name.to_owned()),
    }
}

fn flag_is_set(instruction: &Instruction, name: &str) -> bool {
    instruction.flag(name).is_some_and(|flag| {
        !flag
            .value
            .as_ref()
            .is_some_and(|value| matches!(value.text.to_ascii_lowercase().as_str(), "false" | "0" | "f"))
    })
}

fn names_directory(text: &str) -> bool {
    text.is_empty()
        || text.ends_with('/')
        || text == "."
        || text == ".."
        || text.ends_with("/.")
        || text.ends_with("/..")
}

fn is_remote(source: &str) -> bool {
    ["http://", "https://", "git@", "git://", "ssh://"].iter().any(|prefix| source.starts_with(prefix))
}

/// Whether `ADD` unpacks a file: it looks at the content, not at the name (`pkg/archive` in <https://github.com/moby/moby>).
/// One that cannot be read may be an archive.
fn is_archive(context: &Filtered<'_>, path: &str) -> bool {
    const COMPRESSED: [&[u8]; 5] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"];
    // Where a tar header says what it is: POSIX.1-1988 and later.
    const MARK: std::ops::Range<usize> = 257..262;
    context.read(path).map_or(true, |bytes| {
        COMPRESSED.iter().any(|magic| bytes.starts_with(magic)) || bytes.get(MARK) == Some(b"ustar")
    }) || has_archive_name(path)
}

/// Whether the name says so: the file may be another one when the image is built.
fn has_archive_name(path: &str) -> bool {
    let name = path.to_ascii_lowercase();
    [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Whether a source that nobody can look at is probably a directory: it has no extension, or ends in `/`.
fn looks_like_directory(source: &str) -> bool {
    let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    source.ends_with('/') || matches!(name, "" | "." | "*") || !name.contains('.') && !name.contains('*')
}
