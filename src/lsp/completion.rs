//! Completion: instructions, flags, mount options, stages, variables, paths of the build context.

use ls_types::{CompletionItem, CompletionItemKind, CompletionParams, CompletionTextEdit, TextEdit};

use super::documents::Document;
use super::names::declared;
use super::request::Failure;
use super::world::World;
use crate::cache::{Builder, has_flag};
use crate::context::{EntryKind, Filtered};
use crate::syntax::{Dockerfile, Keyword, flag_names};
use crate::text::TextRange;

/// Most paths that are offered.
const MOST_PATHS: usize = 500;

const MOUNT_OPTIONS: [&str; 12] = [
    "type=", "target=", "source=", "from=", "id=", "sharing=", "readonly", "required", "mode=", "uid=", "gid=", "env=",
];
const MOUNT_TYPES: [&str; 5] = ["bind", "cache", "tmpfs", "secret", "ssh"];
const SHARINGS: [&str; 3] = ["shared", "private", "locked"];

/// What is offered.
struct Offer {
    text: String,
    kind: CompletionItemKind,
    detail: Option<String>,
}

impl Offer {
    fn new(text: impl Into<String>, kind: CompletionItemKind) -> Self {
        Self { text: text.into(), kind, detail: None }
    }
}

/// Where something is typed.
struct Place<'a> {
    world: &'a World,
    document: &'a Document,
    file: Dockerfile,
    offset: usize,
    /// The instruction that is being typed; `None` where none was begun.
    keyword: Option<Keyword>,
    /// What stands between the instruction's name and the word.
    before: String,
    /// The word up to the cursor.
    word: &'a str,
}

/// `textDocument/completion`.
pub(super) fn list(world: &World, params: &CompletionParams) -> Result<Vec<CompletionItem>, Failure> {
    let document = world.document(&params.text_document_position.text_document.uri)?;
    if !document.is_dockerfile {
        return Ok(Vec::new());
    }
    let offset = document.lines.offset(&document.text, params.text_document_position.position, world.client.encoding);
    let Some(place) = Place::read(world, document, offset) else { return Ok(Vec::new()) };
    let (typed, offers) = place.offers();
    let range = TextRange::new(offset - typed.len(), offset);
    let range = document.lines.range(&document.text, range, world.client.encoding);
    let items = offers.into_iter().filter(|offer| starts_with(&offer.text, typed)).map(|offer| CompletionItem {
        label: offer.text.clone(),
        kind: Some(offer.kind),
        detail: offer.detail,
        filter_text: Some(offer.text.clone()),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: offer.text })),
        ..CompletionItem::default()
    });
    Ok(items.collect())
}

fn starts_with(text: &str, typed: &str) -> bool {
    text.get(..typed.len()).is_some_and(|start| start.eq_ignore_ascii_case(typed))
}

impl<'a> Place<'a> {
    fn read(world: &'a World, document: &'a Document, offset: usize) -> Option<Self> {
        let file = Dockerfile::parse(&document.text);
        let inside = |range: TextRange| range.start < offset && offset <= range.end;
        if file.comments().iter().any(|comment| inside(comment.range)) {
            return None;
        }
        let head = document.text.get(..offset)?;
        let blank = head.rfind(|character: char| character.is_whitespace());
        let word_start = blank.map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
        let mut instructions = file.instructions().iter();
        let around = instructions.rfind(|instruction| {
            instruction.range.start < offset && {
                // A trailing blank is typed before it is part of the instruction.
                let rest = document.text.get(instruction.range.end..offset);
                offset <= instruction.range.end || rest.is_some_and(|rest| !rest.contains('\n'))
            }
        });
        if around.is_some_and(|instruction| instruction.heredocs.iter().any(|heredoc| inside(heredoc.body))) {
            return None;
        }
        let begun = around.filter(|instruction| offset > instruction.keyword_range.end);
        let keyword = begun.map(|instruction| instruction.keyword);
        let before = begun.and_then(|instruction| document.text.get(instruction.keyword_range.end..word_start));
        let (before, typed) = (before.unwrap_or_default().to_owned(), document.text.get(word_start..offset)?);
        Some(Self { world, document, file, offset, keyword, before, word: typed })
    }

    /// What was typed of the thing that is offered, and all that may stand there.
    fn offers(&self) -> (&'a str, Vec<Offer>) {
        let word = self.word;
        let Some(keyword) = self.keyword else {
            let names = Keyword::names().filter(|name| *name != "MAINTAINER");
            return (word, names.map(|name| Offer::new(name, CompletionItemKind::KEYWORD)).collect());
        };
        if let Some(at) = word.rfind('$') {
            let name = &word[at + 1..];
            let typed = name.strip_prefix('{').unwrap_or(name);
            if typed.chars().all(|character| character.is_ascii_alphanumeric() || character == '_') {
                return (typed, self.variables());
            }
        }
        if let Some(options) = word.strip_prefix("--mount=") {
            return self.mount(options.rsplit(',').next().unwrap_or_default());
        }
        if let Some(stage) = word.strip_prefix("--from=") {
            return (stage, self.stages());
        }
        if word.starts_with('-') {
            return (word, if self.before.trim().split(' ').all(is_flag) { self.flags(keyword) } else { Vec::new() });
        }
        match keyword {
            Keyword::From if self.before.trim().split(' ').all(is_flag) => (word, self.stages()),
            Keyword::Copy | Keyword::Add if !self.before.contains("--from=") => self.paths(word),
            _ => (word, Vec::new()),
        }
    }

    fn flags(&self, keyword: Keyword) -> Vec<Offer> {
        let known = flag_names(keyword).filter(|(name, _)| has_flag(&self.file, Builder::default(), keyword, name));
        let flags = known.map(|(name, takes_value)| format!("--{name}{}", if takes_value { "=" } else { "" }));
        flags.map(|flag| Offer::new(flag, CompletionItemKind::PROPERTY)).collect()
    }

    fn mount(&self, option: &'a str) -> (&'a str, Vec<Offer>) {
        let offer =
            |list: &[&str]| list.iter().map(|text| Offer::new(*text, CompletionItemKind::ENUM_MEMBER)).collect();
        match option.split_once('=') {
            None => (option, offer(&MOUNT_OPTIONS)),
            Some(("type", value)) => (value, offer(&MOUNT_TYPES)),
            Some(("sharing", value)) => (value, offer(&SHARINGS)),
            Some(("from", value)) => (value, self.stages()),
            Some((_, value)) => (value, Vec::new()),
        }
    }

    /// Stages above the cursor that have a name.
    fn stages(&self) -> Vec<Offer> {
        let above = self.file.instructions().iter().take_while(|instruction| instruction.range.end < self.offset);
        let named = above.filter_map(|instruction| match &instruction.body {
            crate::syntax::Body::From(from) => {
                let detail = Some(from.image.text.clone());
                Some(Offer { detail, ..Offer::new(from.alias.as_ref()?.text.clone(), CompletionItemKind::CLASS) })
            }
            _ => None,
        });
        named.collect()
    }

    /// Variables that are declared above the cursor.
    fn variables(&self) -> Vec<Offer> {
        let above = self.file.instructions().iter().take_while(|instruction| instruction.range.end < self.offset);
        let mut names: Vec<&str> = above.flat_map(declared).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|name| Offer::new(name, CompletionItemKind::VARIABLE)).collect()
    }

    /// What the builder finds in the folder that was typed.
    fn paths(&self, word: &'a str) -> (&'a str, Vec<Offer>) {
        let (folder, name) = word.rsplit_once('/').unwrap_or(("", word));
        let Some(opened) = self.world.open(self.document) else { return (name, Vec::new()) };
        let ignore = opened.project.ignore_file();
        let context = Filtered::new(&opened.project, ignore.as_ref());
        let folder = crate::context::path::clean(folder);
        let listed = context.list(&folder).into_iter().take(MOST_PATHS);
        let offers = listed.map(|(name, entry)| match entry.kind {
            EntryKind::Directory => Offer::new(format!("{name}/"), CompletionItemKind::FOLDER),
            _ => Offer::new(name, CompletionItemKind::FILE),
        });
        (name, offers.collect())
    }
}

fn is_flag(word: &str) -> bool {
    word.is_empty() || word.starts_with("--")
}
