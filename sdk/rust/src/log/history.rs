//! The history of published checkpoints, held to the tree: a log that ever signed another past shows here.

use super::{
    finding::{AuditError, Finding, HistoryFault, cut},
    source::SourceError,
    tree::Tree,
};
use crate::client::Client;
use touchstone_schema::{
    Sha256Digest,
    api::CheckpointInfo,
    log::{Checkpoint, CheckpointError, Frontier, Note, Policy, open_checkpoint, tile::TILE_WIDTH},
};

/// Checkpoints that are asked for at once: as many as a registry gives.
const PAGE: u32 = 1_000;
/// Faults after which the rest is not looked at.
const MAX_FAULTS: usize = 100;
/// From a gap of so many entries on, the frontier is read from the tiles above instead of leaf by leaf.
const LEAP: u64 = 4_096;

/// What was verified of the published history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Number of checkpoints that were looked at.
    pub count: u64,
    /// Size of the largest signed one.
    pub last: u64,
}

/// Verifies the published checkpoints that cover more than `after` entries and no more than the tree has: that the log's
/// key signed each, and that each has the root that the tree had at its size. `known` are checkpoints that the log
/// signed and showed elsewhere: the history must have those that the tree covers, wherever it begins.
///
/// # Errors
/// [`AuditError`] if the history or the tree cannot be read.
pub fn verify(
    client: &Client,
    policy: &Policy,
    tree: &mut Tree<'_>,
    after: u64,
    known: &[String],
    mut found: impl FnMut(Finding),
) -> Result<Verified, AuditError> {
    let mut known: Vec<(Checkpoint, &String)> =
        known.iter().filter_map(|note| Some((signed(policy, note).ok()?, note))).collect();
    // The empty tree needs no publication. A checkpoint that the tree contradicts is told where it was met.
    known.retain(|(checkpoint, _)| checkpoint.size > 0 && checkpoint.size <= tree.size());
    known.sort_by_key(|(checkpoint, _)| checkpoint.size);
    known.dedup_by(|(one, _), (other, _)| one == other);
    let mut reader =
        Reader { policy, tree, frontier: Frontier::new(), done: Verified { count: 0, last: after } };
    let mut asked = after;
    let mut faults = Vec::new();
    loop {
        let before = faults.len();
        let page = client.checkpoints(asked, PAGE).map_err(SourceError::from)?;
        let mut beyond = false;
        for info in &page.checkpoints {
            // What could not move the reading on can come twice.
            let this = (info.size, Sha256Digest::of(info.note.as_bytes()));
            if faults.contains(&this) {
                continue;
            }
            match reader.take(info)? {
                Seen::Whole => known.retain(|(checkpoint, _)| !is(info, checkpoint)),
                Seen::Beyond => beyond = true,
                Seen::Wrong(fault) => {
                    faults.push(this);
                    found(Finding::History { size: info.size, fault, note: info.note.clone() });
                }
            }
            if beyond {
                break;
            }
        }
        let last = reader.done.last;
        // A registry that does not get on is not followed for ever; what is wrong on a page is passed over once it was
        // told.
        asked = match page.next {
            None => break,
            _ if beyond || faults.len() > MAX_FAULTS => break,
            Some(next) if faults.len() > before && asked < next && next <= reader.tree.size() => next,
            Some(_) if last > asked => last,
            Some(_) => break,
        };
    }
    for (checkpoint, note) in known {
        // What was looked at in an earlier audit is asked for by itself.
        let omitted = checkpoint.size > after || {
            let page = client.checkpoints(checkpoint.size - 1, 1).map_err(SourceError::from)?;
            !page.checkpoints.first().is_some_and(|info| {
                is(info, &checkpoint) && signed(policy, &info.note).is_ok_and(|signed| signed == checkpoint)
            })
        };
        if omitted {
            let (size, note) = (checkpoint.size, note.clone());
            found(Finding::History { size, fault: HistoryFault::Omitted, note });
        }
    }
    Ok(reader.done)
}

fn is(info: &CheckpointInfo, checkpoint: &Checkpoint) -> bool {
    (info.size, info.root) == (checkpoint.size, checkpoint.root)
}

/// What a checkpoint of the history is.
enum Seen {
    Whole,
    /// Signed, and newer than the tree; so are those after it.
    Beyond,
    Wrong(HistoryFault),
}

struct Reader<'a, 's> {
    policy: &'a Policy,
    tree: &'a mut Tree<'s>,
    frontier: Frontier,
    done: Verified,
}

impl Reader<'_, '_> {
    fn take(&mut self, info: &CheckpointInfo) -> Result<Seen, AuditError> {
        // Nothing that is not signed moves the reading on or ends it.
        let signed = match signed(self.policy, &info.note) {
            Ok(signed) => signed,
            Err(error) => {
                self.done.count += 1;
                return Ok(Seen::Wrong(HistoryFault::Note { reason: cut(&error.to_string()) }));
            }
        };
        let same = is(info, &signed);
        if same && signed.size > self.tree.size() {
            return Ok(Seen::Beyond);
        }
        self.done.count += 1;
        if !same {
            return Ok(Seen::Wrong(HistoryFault::Mismatch));
        }
        if signed.size <= self.done.last {
            return Ok(Seen::Wrong(HistoryFault::Order));
        }
        self.done.last = signed.size;
        grow(&mut self.frontier, signed.size, self.tree)?;
        let agrees = self.frontier.root() == signed.root;
        Ok(if agrees { Seen::Whole } else { Seen::Wrong(HistoryFault::Root) })
    }
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
        leaves.for_each(|leaf| frontier.push(Sha256Digest(*leaf)));
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
