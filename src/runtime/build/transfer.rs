//! `COPY` and `ADD`: what they take, from where, and the layer that comes of it.

use std::sync::Arc;

use super::key::KeyBuilder;
use super::layer::Workplace;
use super::line::Line;
use super::named::Supply;
use super::remote::{Fetched, Remote};
use super::stage::StageBuild;
use super::state::State;
use super::{BuildError, inline, plan::Base};
use crate::context::{Destination, Filtered, Selector, path};
use crate::runtime::copy::{ModeChange, Placement, Placer, Selection, Target, archive};
use crate::runtime::tree::Tree;
use crate::runtime::user::Users;
use crate::syntax::{Heredoc, Instruction, Keyword, Source, Transfer, expand_heredoc};

/// A `COPY` or `ADD` with its variables replaced.
#[allow(clippy::struct_excessive_bools, reason = "they are the flags of the instruction")]
pub(super) struct Order {
    /// Absolute, with a `/` at its end where it is written as a directory.
    destination: String,
    chown: Option<String>,
    chmod: Option<ModeChange>,
    excludes: Vec<String>,
    parents: bool,
    linked: bool,
    add: bool,
    /// Whether archives are unpacked: local ones by `ADD`, and whatever `--unpack` says.
    unpack: Option<bool>,
    pieces: Vec<Piece>,
    supply: Supply,
}

/// One source.
enum Piece {
    Selected(Selection),
    Inline { name: String, content: String },
    Remote(Fetched),
}

impl StageBuild<'_, '_> {
    /// Executes a `COPY` or `ADD`; gives its line of the history.
    pub(super) fn transfer(&mut self, line: &Line<'_>, transfer: &Transfer) -> Result<String, BuildError> {
        let order = self.order(line, transfer)?;
        self.place(line, &order)?;
        let words = transfer.sources.iter().map(|source| match source {
            Source::Path(word) => word.text.clone(),
            Source::Heredoc(index) => {
                format!("<<{}", line.instruction.heredocs.get(*index).map_or("", |heredoc| heredoc.name.as_str()))
            }
        });
        let words: Vec<String> = words.chain([transfer.destination.text.clone()]).collect();
        let keyword = if order.add { "ADD" } else { "COPY" };
        Ok(format!("{keyword} {}", words.join(" ")))
    }

    /// Makes the layer of an order.
    fn place(&mut self, line: &Line<'_>, order: &Order) -> Result<(), BuildError> {
        let below = self.state.chain().filter(|_| !order.linked);
        let mut key = KeyBuilder::new("copy", below.as_ref(), self.site.request.epoch);
        let owner = self.owner_of(order, line)?;
        order.digest(&mut key, owner).map_err(|error| line.error(error))?;
        self.layer(key.finish(), order.linked, |place| order.execute(place, owner, line))
    }

    /// Takes all files of a folder, as `FROM` does with a context that is one.
    pub(super) fn take_all(&mut self, line: &Line<'_>, supply: Supply) -> Result<(), BuildError> {
        let view = Filtered::new(supply.tree.as_ref(), supply.ignore.as_deref());
        let selector = Selector::new(&["/"], Destination::new("/", "/"));
        let selection = Selection::new(&supply.tree, &view, &selector, false, &supply.called);
        let pieces = vec![Piece::Selected(selection.map_err(|error| line.error(error))?)];
        let order = Order {
            destination: "/".to_owned(),
            chown: None,
            chmod: None,
            excludes: Vec::new(),
            parents: false,
            linked: false,
            add: false,
            unpack: None,
            pieces,
            supply,
        };
        self.place(line, &order)
    }

    /// Names are looked up in the stage.
    fn owner_of(&self, order: &Order, line: &Line<'_>) -> Result<Option<(u32, u32)>, BuildError> {
        let Some(chown) = &order.chown else { return Ok(None) };
        let is_number = |part: &str| part.is_empty() || part.parse::<u32>().is_ok();
        if chown.split(':').all(is_number) {
            let (user, group) = chown.split_once(':').unwrap_or((chown, ""));
            let user = user.parse().unwrap_or_default();
            return Ok(Some((user, group.parse().unwrap_or(user))));
        }
        let tree = self.site.open_tree(&self.state)?;
        Users::read(&tree).owner(chown).map(Some).map_err(|reason| line.error(reason))
    }

    fn order(&mut self, line: &Line<'_>, transfer: &Transfer) -> Result<Order, BuildError> {
        let instruction = line.instruction;
        let add = instruction.keyword == Keyword::Add;
        let expanded = |name: &str| {
            let text = instruction.flag_value(name).filter(|text| !text.is_empty());
            text.map(|text| self.state.expand(line, text)).transpose()
        };
        let chmod = expanded("chmod")?.map(|text| ModeChange::parse(&text).map_err(|error| line.error(error)));
        let flags = instruction.flags.iter().filter(|flag| flag.name.eq_ignore_ascii_case("exclude"));
        let excludes = flags.filter_map(|flag| flag.value.as_ref()).map(|value| self.state.expand(line, &value.text));
        let destination = self.state.expand(line, &transfer.destination.text)?;
        let from = instruction.flag_value("from");
        if from.is_some_and(|from| from.contains('$')) {
            let error = line.error("`--from` takes no variables");
            return Err(error.with_help("name a stage with `FROM … AS name` and copy from it"));
        }
        let (supply, _) = self.supply(line, from)?;
        let mut order = Order {
            destination: self.state.absolute(&destination),
            chown: expanded("chown")?,
            chmod: chmod.transpose()?,
            excludes: excludes.collect::<Result<_, _>>()?,
            parents: is_set(instruction, "parents"),
            linked: is_set(instruction, "link"),
            add,
            unpack: instruction.flag("unpack").map(|_| is_set(instruction, "unpack")),
            pieces: Vec::new(),
            supply,
        };
        let checksum = expanded("checksum")?;
        let mut pieces = Vec::new();
        for word in &transfer.sources {
            let Source::Path(word) = word else { continue };
            let word = self.state.expand(line, &word.text)?;
            pieces.push(self.piece(line, &order, &word, checksum.as_deref())?);
        }
        for source in &transfer.sources {
            let Source::Heredoc(index) = source else { continue };
            pieces.extend(instruction.heredocs.get(*index).map(|heredoc| self.inline(line, heredoc)).transpose()?);
        }
        order.pieces = pieces;
        Ok(order)
    }

    /// Where files are copied from: the build context, or what `from` names; of a stage or an image its state too.
    pub(super) fn supply(
        &self,
        line: &Line<'_>,
        from: Option<&str>,
    ) -> Result<(Supply, Option<Arc<State>>), BuildError> {
        let site = self.site;
        let Some(from) = from.filter(|from| !from.is_empty()) else { return Ok((site.context.clone(), None)) };
        let Some(base) = site.plan.source(from, self.index) else {
            return Err(line.error(format!("there is no stage `{from}` before this one")));
        };
        if let Base::Folder(name) = &base
            && let Some(folder) = site.folders.get(name)
        {
            return Ok((folder.clone(), None));
        }
        let kind = if matches!(base, Base::Stage(_)) { "stage" } else { "image" };
        let state = self.state_of(&base, &self.state.image.platform(), line)?;
        Ok((Supply::of_layers(site.tree(&state)?, format!("the {kind} `{from}`")), Some(state)))
    }

    fn piece(&self, line: &Line<'_>, order: &Order, word: &str, checksum: Option<&str>) -> Result<Piece, BuildError> {
        if let Some(remote) = Remote::parse(word) {
            if !order.add {
                return Err(line.error(format!("`COPY` cannot fetch `{word}`")).with_help("use `ADD`"));
            }
            let keep = is_set(line.instruction, "keep-git-dir");
            let fetched = remote.fetch(self.site, checksum, keep).map_err(|reason| line.error(reason))?;
            return Ok(Piece::Remote(fetched));
        }
        if checksum.is_some() {
            return Err(line.error("`--checksum` goes with URLs only"));
        }
        let Supply { tree, ignore, called, .. } = &order.supply;
        let view = Filtered::new(tree.as_ref(), ignore.as_deref());
        let mut selector = Selector::new(&[word], Destination::new(&order.destination, self.state.directory()));
        if order.parents {
            selector = selector.with_parents();
        }
        selector = selector.with_excludes(order.excludes.iter().map(String::as_str));
        let selection = Selection::new(tree, &view, &selector, order.parents, called);
        selection.map(Piece::Selected).map_err(|error| {
            let ignored = ignore.as_ref().is_some_and(|ignore| ignore.excludes(&path::clean(word)));
            let error = line.error(error);
            if ignored { error.with_help(format!("`{word}` is left out by the ignore file")) } else { error }
        })
    }

    fn inline(&self, line: &Line<'_>, heredoc: &Heredoc) -> Result<Piece, BuildError> {
        let mut content = inline::content(line, heredoc);
        if heredoc.expand {
            let expansion = expand_heredoc(&content, &|name| self.state.get(name));
            content = expansion.map_err(|error| line.error(error))?.text;
        }
        Ok(Piece::Inline { name: inline::name(line, heredoc)?, content })
    }
}

/// Whether a flag without a value, or of any value but `false`, stands there.
fn is_set(instruction: &Instruction, name: &str) -> bool {
    let value = instruction.flag(name).map(|flag| flag.value.as_ref().map_or("true", |value| &value.text));
    value.is_some_and(|value| !value.eq_ignore_ascii_case("false"))
}

impl Order {
    fn digest(&self, key: &mut KeyBuilder, owner: Option<(u32, u32)>) -> Result<(), crate::runtime::copy::CopyError> {
        key.text(&self.destination).text(&format!("{owner:?} {:?}", self.chmod));
        key.text(&format!("{} {} {} {:?}", self.parents, self.linked, self.add, self.unpack));
        for piece in &self.pieces {
            match piece {
                Piece::Selected(selection) => {
                    selection.digest(&self.supply.tree, self.supply.owners, key.text("files").hasher())?;
                }
                Piece::Inline { name, content } => drop(key.texts(["inline", name, content])),
                Piece::Remote(remote) => drop(key.texts(["remote", &remote.identity])),
            }
        }
        Ok(())
    }

    fn execute(&self, place: &Workplace<'_, '_>, owner: Option<(u32, u32)>, line: &Line<'_>) -> Result<(), BuildError> {
        let source = &self.supply.tree;
        let failed = |error: crate::runtime::copy::CopyError| line.error(error);
        let mut target = Target::new(place.below(line)?, place.upper, place.site.store.owners()).map_err(failed)?;
        let placement =
            Placement { destination: self.destination.clone(), owner, mode: self.chmod.clone(), parents: self.parents };
        for piece in &self.pieces {
            match piece {
                Piece::Selected(selection) => {
                    let unpack = self.unpack.unwrap_or(self.add);
                    if unpack && archive::place(source, &mut target, &placement, selection).map_err(failed)? {
                        continue;
                    }
                    Placer::new(source, &mut target, &placement, self.supply.owners)
                        .place(selection)
                        .map_err(failed)?;
                }
                Piece::Inline { name, content } => {
                    let empty = Tree::empty();
                    let mut placer = Placer::new(&empty, &mut target, &placement, false);
                    placer.stream(name, &mut content.as_bytes(), 0o644, place.site.created).map_err(failed)?;
                }
                Piece::Remote(remote) => {
                    let unpack = self.unpack.unwrap_or_default();
                    remote.place(&mut target, &placement, unpack).map_err(failed)?;
                }
            }
        }
        Ok(())
    }
}
