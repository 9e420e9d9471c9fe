//! Verifying a log from where an earlier audit stopped up to its newest checkpoint.

use super::{
    finding::{AuditError, Finding},
    replay::{Accepted, Entry, Replay, Violation},
    scan::{self, Entries},
    source::{self, Source},
    state::{State, StateError},
    tree::Tree,
};
use rayon::prelude::*;
use std::collections::HashMap;
use touchstone_schema::{
    Sha256Digest,
    key::PublicKey,
    log::{Checkpoint, Note, Policy, VerifiedCheckpoint},
};

/// Who is told what happens while an audit goes on.
pub trait Observer {
    /// The checkpoint holds; entries from `from` on, up to `to`, are verified now.
    fn begins(&mut self, from: u64, to: u64);

    /// The entries below `size` were verified.
    ///
    /// # Errors
    /// [`StateError`] if the state cannot be written; the audit ends then.
    fn verified(&mut self, state: &State) -> Result<(), StateError>;

    /// An entry was judged; `replay` is the registry after it.
    fn judged(&mut self, replay: &Replay, index: u64, entry: &Entry, outcome: &Result<Accepted, Violation>);

    /// Something is wrong with the log.
    fn found(&mut self, finding: &Finding);
}

/// What an audit came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The checkpoint that everything was held to.
    pub checkpoint: VerifiedCheckpoint,
    /// Its note.
    pub note: String,
    /// Entries that had been verified before.
    pub from: u64,
    /// Whether this audit found anything wrong.
    pub wrong: bool,
}

/// The newest checkpoint and its note, held to the policy before anything else is read.
///
/// # Errors
/// [`Finding::Checkpoint`] if it does not hold; [`AuditError::Source`].
pub fn checkpoint(source: &dyn Source, policy: &Policy) -> Result<(VerifiedCheckpoint, String), AuditError> {
    let bytes = source::checkpoint(source)?;
    let note = String::from_utf8_lossy(&bytes).into_owned();
    match policy.verify(&bytes) {
        Ok(verified) => Ok((verified, note)),
        Err(error) => Err(Finding::Checkpoint { reason: error.to_string(), note }.into()),
    }
}

/// Verifies the log up to its newest checkpoint: that this is of one log with all that was seen before, every tile,
/// every entry's hash, and, if the state has a replay, every signature and admission. `operator` pins the operator's key,
/// which is otherwise learned from the log. Damaged entries are reported and end the judging, not the hashing.
///
/// A checkpoint that is older than the one seen last is no harm as long as the log still has all that was seen: then there
/// is nothing new.
///
/// # Errors
/// [`AuditError`] if nothing more can be verified.
pub fn advance(
    source: &dyn Source,
    policy: &Policy,
    operator: Option<PublicKey>,
    state: &mut State,
    observer: &mut dyn Observer,
) -> Result<Outcome, AuditError> {
    let Head { verified, note, mut tree } = connect(source, policy, state)?;
    let (origin, size) = (&verified.checkpoint.origin, verified.checkpoint.size);
    let from = state.size();
    match &mut state.replay {
        Some(replay) if from == 0 => *replay = Replay::new(origin, operator),
        Some(replay) if operator.is_some() && replay.founder() != operator.as_ref() => {
            return Err(StateError::OtherOperator.into());
        }
        _ => {}
    }
    state.origin = Some(origin.clone());
    state.checkpoint = Some(note.clone());
    observer.begins(from, size);
    let mut run = Run { state, observer, wrong: false, damaged: false };
    let mut frontiers = tree.clone();
    scan::scan(source, &mut tree, from..size, |bundles| run.take(bundles, &mut frontiers))?;
    let wrong = run.wrong;
    Ok(Outcome { checkpoint: verified, note, from, wrong })
}

/// What an audit goes up to.
struct Head<'a> {
    verified: VerifiedCheckpoint,
    note: String,
    tree: Tree<'a>,
}

/// Reads the newest checkpoint and opens its tree, if that continues all that was seen before.
fn connect<'a>(source: &'a dyn Source, policy: &Policy, state: &State) -> Result<Head<'a>, AuditError> {
    let (verified, note) = checkpoint(source, policy)?;
    let Checkpoint { origin, size: later_size, root } = verified.checkpoint.clone();
    if let Some(known) = state.origin.as_ref().filter(|known| **known != origin) {
        return Err(StateError::OtherLog { state: known.clone(), checkpoint: origin }.into());
    }
    let earlier = state.checkpoint.as_ref().and_then(|note| Some((note, opened(note)?)));
    let Some((earlier_note, earlier)) = earlier else {
        let tree = Tree::open(source, &verified.checkpoint)?;
        return Ok(Head { verified, note, tree });
    };
    let earlier_size = earlier.size;
    let evidence = || (earlier_note.clone(), note.clone());
    let forked = || {
        let (earlier, later) = evidence();
        AuditError::from(Finding::Forked { earlier_size, later_size, earlier, later })
    };
    if later_size < earlier_size {
        let mut tree = Tree::open(source, &earlier).map_err(|error| match error {
            AuditError::Wrong(_) => {
                let (earlier, later) = evidence();
                Finding::Shrunk { earlier_size, later_size, earlier, later }.into()
            }
            error => error,
        })?;
        if tree.root(later_size)? != root {
            return Err(forked());
        }
        let note = earlier_note.clone();
        let verified = policy.verify(note.as_bytes());
        let verified = verified
            .map_err(|error| Finding::Checkpoint { reason: error.to_string(), note: note.clone() })?;
        return Ok(Head { verified, note, tree });
    }
    if later_size == earlier_size && root != earlier.root {
        return Err(forked());
    }
    let mut tree = Tree::open(source, &verified.checkpoint)?;
    if tree.root(earlier_size)? != earlier.root || tree.frontier(state.size())? != state.frontier {
        return Err(forked());
    }
    Ok(Head { verified, note, tree })
}

/// The checkpoint in a note that was verified before.
fn opened(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(Note::parse(note.as_bytes()).ok()?.text()).ok()
}

struct Run<'a> {
    state: &'a mut State,
    observer: &'a mut dyn Observer,
    wrong: bool,
    /// An entry could not be read: later ones cannot be judged.
    damaged: bool,
}

impl Run<'_> {
    fn take(
        &mut self,
        bundles: Vec<Result<Entries, Finding>>,
        tree: &mut Tree<'_>,
    ) -> Result<(), AuditError> {
        let mut whole = Vec::with_capacity(bundles.len());
        for bundle in bundles {
            match bundle {
                Ok(entries) if !self.damaged => whole.push(entries),
                Ok(_) => {}
                Err(finding) => {
                    self.damaged = true;
                    self.wrong = true;
                    self.observer.found(&finding);
                }
            }
        }
        let Some(end) = whole.last().map(Entries::end) else { return Ok(()) };
        if self.state.replay.is_some() {
            self.judge(&whole);
        }
        self.state.frontier = tree.frontier(end)?;
        Ok(self.observer.verified(self.state)?)
    }

    fn judge(&mut self, bundles: &[Entries]) {
        let data: Vec<(u64, &[u8])> = bundles.iter().flat_map(Entries::iter).collect();
        let mut entries: Vec<Entry> = data.par_iter().map(|(_, data)| Entry::read(data)).collect();
        let Some(replay) = &mut self.state.replay else { return };
        // Signatures do not depend on the order of entries once the keys are known, so they are verified side by side;
        // whether a key may sign at its index is judged after that, one entry after the other.
        let named: HashMap<Sha256Digest, PublicKey> =
            entries.iter().flat_map(Entry::named_keys).map(|key| (key.fingerprint(), key)).collect();
        let find = |hint: &Sha256Digest| replay.key(hint).or_else(|| named.get(hint).copied());
        entries.par_iter_mut().for_each(|entry| entry.verify(find));
        let mut broken = Vec::new();
        for ((log_index, _), entry) in data.iter().zip(&entries) {
            let outcome = replay.next(entry);
            self.observer.judged(replay, *log_index, entry, &outcome);
            if let Err(violation) = outcome {
                broken.push(Finding::Statement { log_index: *log_index, violation });
            }
        }
        for finding in broken {
            self.wrong = true;
            self.observer.found(&finding);
            self.state.remember(finding);
        }
    }
}
