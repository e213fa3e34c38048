//! The layer of a step: found by its key, or made and kept.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::BuildError;
use super::line::Line;
use super::site::Site;
use super::stage::{Done, StageBuild};
use crate::runtime::image::ChainId;
use crate::runtime::layer::PackOptions;
use crate::runtime::progress::{Event, Status};
use crate::runtime::store::{CacheRecord, CachedLayer, Key, Snapshot};
use crate::runtime::tree::Tree;
use crate::text::size_in_words;

/// Where a step makes its layer.
pub(super) struct Workplace<'s, 'a> {
    pub(super) site: &'s Site<'a>,
    /// The layers below, lowest first.
    pub(super) lowers: Vec<PathBuf>,
    /// The folder of the new layer.
    pub(super) upper: &'s Path,
    /// An empty folder beside it, for the kernel.
    pub(super) work: &'s Path,
}

impl Workplace<'_, '_> {
    /// The layers below as a tree.
    pub(super) fn below(&self, line: &Line<'_>) -> Result<Tree, BuildError> {
        Tree::stacked(self.lowers.iter().rev(), self.site.store.owners()).map_err(|error| line.error(error))
    }
}

impl StageBuild<'_, '_> {
    /// Adds the layer of a step: the one that its key finds, else what `make` makes. With `alone`, the layer is made on
    /// nothing, not on the layers below. A step that changes nothing adds no layer.
    pub(super) fn layer(
        &mut self,
        key: Key,
        alone: bool,
        make: impl FnOnce(&Workplace<'_, '_>) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        let store = self.site.store;
        self.done.key = key.to_string();
        let started = Instant::now();
        // Whoever builds the same step elsewhere waits here, and then finds its result.
        let _lock = store.lock_key(&key)?;
        if !self.is_forced()
            && let Some(record) = store.cache_get(&key)
        {
            self.take(&record, Status::Hit);
            return Ok(());
        }
        let layer = self.make(alone, make)?;
        let (seconds, created) = (started.elapsed().as_secs_f64(), Some(super::now()));
        let record = CacheRecord { layer, seconds, created, ..CacheRecord::default() };
        store.cache_put(&key, &record)?;
        self.take(&record, Status::Executed);
        Ok(())
    }

    /// Whether the step is executed whatever the store has.
    fn is_forced(&self) -> bool {
        let request = self.site.request;
        request.no_cache || request.no_cache_stages.iter().any(|name| self.site.plan.is_called(self.index, name))
    }

    fn take(&mut self, record: &CacheRecord, status: Status) {
        let key = std::mem::take(&mut self.done.key);
        self.done = Done { status, key, created: record.created, ..Done::default() };
        if let Some(layer) = &record.layer {
            self.done.bytes = layer.blob.size;
            self.state.push_layer(layer.diff_id, layer.blob.clone());
        }
    }

    /// The folders of the layers so far; tells of those that have to be unpacked first.
    fn unpacked(&self) -> Result<Vec<Snapshot>, BuildError> {
        let (store, state) = (self.site.store, &self.state);
        let chains = ChainId::all(&state.image.rootfs.diff_ids);
        let missing = state.layers.iter().zip(&chains).filter(|(_, chain)| store.snapshot(chain).is_none());
        let (count, bytes) = missing.fold((0, 0), |(count, bytes), (layer, _)| (count + 1, bytes + layer.size));
        if count > 0 {
            let layers = if count == 1 { "layer" } else { "layers" };
            let does = format!("unpacks {count} {layers} ({})", size_in_words(bytes));
            self.site.sink.event(Event::Does(&self.name, &does));
        }
        let unpacked = store.ensure_unpacked(&state.image, &state.manifest())?;
        let left_out = store.devices_left_out();
        if left_out > 0 {
            let nodes = if left_out == 1 { "device node" } else { "device nodes" };
            self.site
                .warn(&format!("{left_out} {nodes} of the layers below are missing in steps: only root can make them"));
        }
        Ok(unpacked)
    }

    fn make(
        &self,
        alone: bool,
        make: impl FnOnce(&Workplace<'_, '_>) -> Result<(), BuildError>,
    ) -> Result<Option<CachedLayer>, BuildError> {
        let site = self.site;
        let store = site.store;
        let all = self.unpacked()?;
        let draft = store.new_snapshot(if alone { None } else { all.last() })?;
        let all: Vec<PathBuf> = all.into_iter().map(|snapshot| snapshot.path).collect();
        let lowers = if alone { Vec::new() } else { all };
        make(&Workplace { site, lowers: lowers.clone(), upper: &draft.upper, work: &draft.work })?;
        let options = PackOptions { clamp: site.request.epoch, conform: true, ..PackOptions::new(store.owners()) };
        let below: Vec<&Path> = lowers.iter().map(PathBuf::as_path).collect();
        let (blob, info) = store.pack_layer(&draft.upper, &below, &options)?;
        if info.entries == 0 {
            return Ok(None);
        }
        // The tar is kept as it is, so its digest is the diff ID.
        let (diff_id, chain) = (blob.digest, ChainId::on(self.state.chain().as_ref(), &blob.digest));
        draft.restore_root()?;
        draft.commit(chain)?;
        Ok(Some(CachedLayer { blob, diff_id, chain }))
    }
}
