//! The history of published checkpoints, held to the tree: a log that ever signed another past shows here.

use super::{
    finding::{AuditError, Finding, HistoryFault},
    source::SourceError,
    tree::Tree,
};
use crate::client::Client;
use touchstone_schema::{
    api::CheckpointInfo,
    log::{Checkpoint, CheckpointError, Frontier, Note, Policy, open_checkpoint, tile::TILE_WIDTH},
};

/// Checkpoints that are asked for at once: as many as a registry gives.
const PAGE: u32 = 1_000;
/// From a gap of so many entries on, the frontier is read from the tiles above instead of leaf by leaf.
const LEAP: u64 = 4_096;

/// Verifies the published checkpoints that cover more than `after` entries and no more than the tree has: that the log's
/// key signed each, and that each has the root that the tree had at its size. Gives their number, and the largest size.
///
/// # Errors
/// [`AuditError`] if the history or the tree cannot be read.
pub fn verify(
    client: &Client,
    policy: &Policy,
    tree: &mut Tree<'_>,
    mut after: u64,
    mut found: impl FnMut(Finding),
) -> Result<(u64, u64), AuditError> {
    let mut frontier = Frontier::new();
    let mut count = 0;
    loop {
        let page = client.checkpoints(after, PAGE).map_err(SourceError::from)?;
        for info in &page.checkpoints {
            if info.size > tree.size() {
                return Ok((count, after));
            }
            let fault = if info.size <= after && count > 0 {
                Some(HistoryFault::Order)
            } else {
                check(info, policy, tree, &mut frontier)?
            };
            if let Some(fault) = fault {
                found(Finding::History { size: info.size, fault, note: info.note.clone() });
            }
            after = after.max(info.size);
            count += 1;
        }
        match page.next {
            // A registry that does not get on is not followed for ever.
            Some(next) if next == after && !page.checkpoints.is_empty() => {}
            _ => return Ok((count, after)),
        }
    }
}

fn check(
    info: &CheckpointInfo,
    policy: &Policy,
    tree: &mut Tree<'_>,
    frontier: &mut Frontier,
) -> Result<Option<HistoryFault>, AuditError> {
    let signed = match signed(policy, &info.note) {
        Ok(signed) => signed,
        Err(error) => return Ok(Some(HistoryFault::Note { reason: error.to_string() })),
    };
    if (signed.size, signed.root) != (info.size, info.root) {
        return Ok(Some(HistoryFault::Mismatch));
    }
    grow(frontier, info.size, tree)?;
    Ok((frontier.root() != info.root).then_some(HistoryFault::Root))
}

/// Moves the frontier to `size`, which is no smaller than its own.
fn grow(frontier: &mut Frontier, size: u64, tree: &mut Tree<'_>) -> Result<(), AuditError> {
    if size.saturating_sub(frontier.size()) > LEAP {
        *frontier = tree.frontier(size)?;
    }
    while frontier.size() < size {
        let width = u64::from(TILE_WIDTH);
        let (index, skip) = (frontier.size() / width, frontier.size() % width);
        let tile = tree.tile(0, index)?;
        let take = (size - frontier.size()) as usize;
        let leaves = tile.as_chunks::<32>().0.iter().skip(skip as usize).take(take);
        leaves.for_each(|leaf| frontier.push(touchstone_schema::Sha256Digest(*leaf)));
    }
    Ok(())
}

/// The checkpoint in a note, if a log's key of the policy signed it. Which witnesses cosigned does not matter here.
///
/// # Errors
/// [`CheckpointError`].
pub fn signed(policy: &Policy, note: &str) -> Result<Checkpoint, CheckpointError> {
    let mut outcome = Checkpoint::parse(Note::parse(note.as_bytes())?.text()).and_then(|checkpoint| {
        Err(CheckpointError::Origin { expected: "a log of the policy".to_owned(), found: checkpoint.origin })
    });
    for log in policy.logs() {
        match open_checkpoint(note.as_bytes(), log.key()) {
            Ok((checkpoint, _)) => return Ok(checkpoint),
            Err(CheckpointError::Origin { .. }) => {}
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}
