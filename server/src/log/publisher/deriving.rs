//! From the database's entries to tiles in storage, and back to where that stopped.

use super::{PublishError, Publisher, ahead};
use crate::{
    log::edge::{Edge, EdgeError},
    store::LogHead,
};
use touchstone_schema::{
    Sha256Digest,
    log::{
        checkpoint::Checkpoint,
        tile::{Level, TILE_WIDTH, Tile},
        tree::empty_root,
    },
};

/// Entries that are derived at a time, and bytes after which no further ones are read.
const PAGE: u32 = 4_096;
const PAGE_BYTES: usize = 8 << 20;
/// Entries after which a long derivation says how far it is.
const PROGRESS_EVERY: u64 = 1_000_000;
/// How often storage is read again because another server went on meanwhile.
const RESTORATIONS: usize = 3;

impl Publisher {
    /// Begins from what database and storage say, which must not contradict each other. Answers with the stored
    /// checkpoint, whose tiles are there.
    pub(super) fn reload(&mut self) -> Result<Edge, PublishError> {
        // First what another server of this storage may replace: the database is never behind it.
        let (stored, edge) = self.restored()?;
        let (head, last) = self.recorded()?;
        let size = head.frontier.size();
        let known = last.as_ref().map_or(0, |last| last.size);
        if known != head.published_size || known > size || head.signed_size() > size {
            return Err(PublishError::Halt(format!(
                "the database says that {} of {size} entries are published and {} signed, and its last checkpoint \
                 covers {known}",
                head.published_size,
                head.signed_size()
            )));
        }
        if let Some(stored) = stored.as_ref().filter(|stored| stored.size > known) {
            return Err(ahead(stored.size, known));
        }
        self.stored = stored.as_ref().map_or(0, |stored| stored.size);
        self.kept = edge.tree().size();
        self.signed = stored.iter().map(|stored| (stored.size, stored.root)).collect();
        self.signed.extend(last.as_ref().map(|last| (last.size, last.root)));
        self.signed.extend(head.begun);
        self.signed.sort_unstable_by_key(|(size, _)| *size);
        // What is readable already. The rest is answered once its tiles are here.
        let rows = self.unanswered(edge.tree().size())?;
        self.answer(rows)?;
        Ok(edge)
    }

    /// The stored checkpoint with the edge that belongs to it; where tiles are missing, an empty one: all are derived
    /// again.
    fn restored(&self) -> Result<(Option<Checkpoint>, Edge), PublishError> {
        let storage = self.view.storage();
        let mut attempts = 0;
        loop {
            let Some(stored) = self.stored_checkpoint()? else { return Ok((None, Edge::default())) };
            let reason = match Edge::restore(stored.size, |path| storage.read(path)) {
                Ok(edge) if edge.tree().root() == stored.root => return Ok((Some(stored), edge)),
                Ok(_) => "the stored tiles do not lead to the stored checkpoint".to_owned(),
                Err(EdgeError::Read(error)) => return Err(error.into()),
                Err(error @ (EdgeError::Missing(_) | EdgeError::Damaged(_))) => error.to_string(),
            };
            attempts += 1;
            // Another server may have published meanwhile and removed what the larger log does not need.
            if attempts == RESTORATIONS {
                tracing::warn!("{reason}: the log's tiles are derived from the database again");
                return Ok((Some(stored), Edge::default()));
            }
        }
    }

    /// Derives the first `size` entries from the database and keeps their tiles.
    pub(super) fn derive(&mut self, mut edge: Edge, head: &LogHead, size: u64) -> Result<Edge, PublishError> {
        let mut full = Vec::new();
        self.agrees(&edge)?;
        while edge.tree().size() < size {
            let from = edge.tree().size();
            // Every tree that was signed is looked at on the way.
            let until = self.signed.iter().map(|(size, _)| *size).find(|size| *size > from).unwrap_or(size);
            let most = u32::try_from(until.min(size) - from).unwrap_or(PAGE).min(PAGE);
            let leaves = self.store.read(|reader| reader.leaves_within(from, most, PAGE_BYTES))?;
            if leaves.is_empty() {
                return Err(PublishError::Halt(format!("entry {from} of {size} is not in the database")));
            }
            leaves.iter().for_each(|leaf| edge.push(leaf, &mut full));
            self.agrees(&edge)?;
            self.view.storage().keep(&full)?;
            full.clear();
            // A checkpoint is answered with as soon as its tiles are here, and while the next one waits for witnesses.
            if self.signed.iter().any(|(signed, _)| *signed == edge.tree().size()) {
                self.keep_partial(&edge)?;
            }
            if from / PROGRESS_EVERY != edge.tree().size() / PROGRESS_EVERY {
                tracing::info!("derived tiles of {} of {size} log entries", edge.tree().size());
            }
        }
        if edge.tree().root() != self.committed_root(head, size)? {
            return Err(PublishError::Halt(format!(
                "the stored tiles and the database's entries do not make the tree of {size} entries that the database \
                 committed to: one of them is damaged or of another registry"
            )));
        }
        self.signed.clear();
        if self.kept < size {
            self.keep_partial(&edge)?;
        }
        Ok(edge)
    }

    /// Keeps the partial tiles of the edge's size.
    fn keep_partial(&mut self, edge: &Edge) -> Result<(), PublishError> {
        let partial = edge.partials();
        // Also what is kept in part only has to be removed one day.
        self.partial.extend(partial.iter().filter_map(|resource| Tile::parse(&resource.path).ok()));
        self.view.storage().keep(&partial)?;
        self.kept = edge.tree().size();
        Ok(())
    }

    /// The root of the first `size` entries as the database committed to it: all of them, or those of a checkpoint.
    fn committed_root(&self, head: &LogHead, size: u64) -> Result<Sha256Digest, PublishError> {
        if size == head.frontier.size() {
            return Ok(head.frontier.root());
        }
        if let Some((_, root)) = head.begun.filter(|(begun, _)| *begun == size) {
            return Ok(root);
        }
        let Some(before) = size.checked_sub(1) else { return Ok(empty_root()) };
        let row = self.store.read(|reader| reader.checkpoints_above(before, 1))?.pop();
        let row = row.filter(|row| row.size == size);
        row.map(|row| row.root)
            .ok_or_else(|| PublishError::Halt(format!("the database lacks the checkpoint of {size} entries")))
    }

    /// Whether a tree of that size was signed, it is this one.
    fn agrees(&self, edge: &Edge) -> Result<(), PublishError> {
        let tree = edge.tree();
        match self.signed.iter().find(|(size, root)| *size == tree.size() && *root != tree.root()) {
            None => Ok(()),
            Some((size, _)) => Err(PublishError::Halt(format!(
                "a checkpoint of {size} entries was signed, and the database's first {size} entries are not those: it \
                 is damaged or of another registry. Going on would sign two different logs"
            ))),
        }
    }

    /// Removes partial tiles whose full ones are published, all together.
    pub(super) fn tidy(&mut self) {
        let (size, storage) = (self.view.published_size(), self.view.storage());
        if !self.listed {
            self.listed = true;
            let found = around_the_edge(size).flat_map(|tile| storage.partial_forms(&tile.path()));
            self.partial.extend(found.filter_map(|path| Tile::parse(&path).ok()));
        }
        let mut gone = Vec::new();
        self.partial.retain(|tile| {
            let is_needed = tile.full().at_size(size).is_none();
            if !is_needed {
                gone.push(tile.path());
            }
            is_needed
        });
        if !gone.is_empty() {
            storage.remove_partial(&gone);
        }
    }
}

/// The tiles that grow at this size, and those before them: what a server that stopped left of them is not needed any
/// more.
fn around_the_edge(size: u64) -> impl Iterator<Item = Tile> {
    let levels = std::iter::once(Level::Entries).chain((0..8).map(Level::Hashes));
    let rows = levels.map(move |level| (level, level.count(size)));
    rows.take_while(|(_, row)| *row > 0).flat_map(|(level, row)| {
        let index = row / u64::from(TILE_WIDTH);
        (index.saturating_sub(1)..=index).map(move |index| Tile { level, index, width: TILE_WIDTH as u16 })
    })
}
