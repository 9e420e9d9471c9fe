//! Verifying a log from where an earlier audit stopped up to its newest checkpoint.

use super::{
    finding::{AuditError, Finding, cut},
    history,
    replay::{Accepted, Entry, Replay, Violation},
    scan::{self, Entries},
    source::{self, Source},
    state::{State, StateError},
    tree::Tree,
};
use rayon::prelude::*;
use std::collections::HashMap;
use touchstone_schema::{
    Sha256Digest, Timestamp,
    key::PublicKey,
    log::{Checkpoint, Policy, VerifiedCheckpoint},
};

/// Clocks may differ by this much, in seconds: nothing is accepted later than the auditor's clock or the earliest
/// cosignature over it, and this.
pub const CLOCK_SLACK_SECONDS: i64 = 3_600;
/// Bundles that are missing or damaged before the rest is not looked at: a signed size can be absurd.
const MAX_DAMAGED: u64 = 100;

/// Who is told what happens while an audit goes on.
pub trait Observer {
    /// The checkpoint holds; entries from `from` on, up to `to`, are verified now.
    fn begins(&mut self, from: u64, to: u64);

    /// The entries below `size` were verified.
    ///
    /// # Errors
    /// [`StateError`] if the state cannot be written; the audit ends then.
    fn verified(&mut self, state: &mut State) -> Result<(), StateError>;

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
    /// Size of the checkpoint that is served. Smaller than the one that everything was held to if the source is behind
    /// what was seen before.
    pub shown: u64,
    /// Whether this audit found anything wrong.
    pub wrong: bool,
}

/// The latest time at which an entry under a checkpoint can have been accepted: the earliest cosignature is of somebody
/// who had seen it, and `now` is the present by the auditor's clock.
#[must_use]
pub fn latest_acceptance(checkpoint: &VerifiedCheckpoint, now: Timestamp) -> Timestamp {
    let seconds = checkpoint.witnesses.iter().map(|(_, seconds)| *seconds).min();
    let micros = seconds.and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(1_000_000));
    let cosigned = micros.and_then(|micros| Timestamp::from_micros(micros).ok());
    cosigned.map_or(now, |cosigned| cosigned.min(now)).saturating_add_seconds(CLOCK_SLACK_SECONDS)
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
        Err(error) => Err(Finding::Checkpoint { reason: cut(&error.to_string()), note }.into()),
    }
}

/// Verifies the log up to its newest checkpoint: that this is of one log with all that was seen before, every tile,
/// every entry's hash, and, if the state has a replay, every signature and admission. `operator` pins the operator's key,
/// which is otherwise learned from the log; `now` is the present. Damaged entries are reported and end the judging, not
/// the hashing, as long as they are not too many.
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
    now: Timestamp,
    observer: &mut dyn Observer,
) -> Result<Outcome, AuditError> {
    let Head { verified, note, mut tree, shown } = connect(source, policy, state)?;
    let (origin, size) = (&verified.checkpoint.origin, verified.checkpoint.size);
    let from = state.size();
    match &mut state.replay {
        Some(replay) if from == 0 => *replay = Replay::new(origin, operator),
        Some(replay) if operator.is_some() && replay.founder() != operator.as_ref() => {
            return Err(StateError::OtherOperator.into());
        }
        _ => {}
    }
    if let Some(replay) = &mut state.replay {
        replay.accept_until(latest_acceptance(&verified, now));
    }
    state.origin = Some(origin.clone());
    state.checkpoint = Some(note.clone());
    observer.begins(from, size);
    let expected = operator.filter(|_| from == 0).map(|key| key.fingerprint());
    let mut run = Run { state, observer, wrong: false, damaged: 0, expected };
    let mut frontiers = tree.clone();
    scan::scan(source, &mut tree, from..size, |bundles| run.take(bundles, &mut frontiers))?;
    let wrong = run.wrong;
    Ok(Outcome { checkpoint: verified, note, from, shown, wrong })
}

/// Shows entries from `replay`'s next one on, up to those that the state counts, once more: what they were judged, and
/// the registry after each. For who follows a state that somebody else moved on; see [`Replay::rewound`].
///
/// # Errors
/// [`AuditError`] if they cannot be read any more as they were verified.
pub fn retell(
    source: &dyn Source,
    policy: &Policy,
    state: &State,
    mut replay: Replay,
    mut tell: impl FnMut(&Replay, u64, &Entry, &Result<Accepted, Violation>),
) -> Result<(), AuditError> {
    let wanted = replay.size()..state.size();
    if wanted.is_empty() {
        return Ok(());
    }
    let mut tree = connect(source, policy, state)?.tree;
    scan::scan(source, &mut tree, wanted, |bundles| {
        let bundles = bundles.into_iter().collect::<Result<Vec<Entries>, Finding>>()?;
        judge(&mut replay, &bundles, &mut tell);
        Ok(())
    })
}

/// What an audit goes up to.
struct Head<'a> {
    verified: VerifiedCheckpoint,
    note: String,
    tree: Tree<'a>,
    shown: u64,
}

/// What is wrong with a log whose newest checkpoint the policy refuses: if its own key signed it all the same, another past
/// in it is proof for ever.
fn unvouched(source: &dyn Source, policy: &Policy, state: &State, refused: Box<Finding>) -> AuditError {
    let forked = || {
        let (Finding::Checkpoint { note, .. }, Some(earlier_note)) = (&*refused, &state.checkpoint) else {
            return None;
        };
        let later = history::signed(policy, note).ok()?;
        let earlier = history::signed(policy, earlier_note).ok()?;
        let (smaller, larger) =
            if later.size < earlier.size { (&later, &earlier) } else { (&earlier, &later) };
        let same = smaller.origin != larger.origin
            || Tree::open(source, larger).and_then(|mut tree| tree.root(smaller.size)).ok()? == smaller.root;
        (!same).then(|| Finding::Forked {
            earlier_size: earlier.size,
            later_size: later.size,
            earlier: earlier_note.clone(),
            later: note.clone(),
        })
    };
    AuditError::Wrong(forked().map_or(refused, Box::new))
}

/// Reads the newest checkpoint and opens its tree, if that continues all that was seen before.
fn connect<'a>(source: &'a dyn Source, policy: &Policy, state: &State) -> Result<Head<'a>, AuditError> {
    let (verified, note) = match checkpoint(source, policy) {
        Err(AuditError::Wrong(finding)) => return Err(unvouched(source, policy, state, finding)),
        newest => newest?,
    };
    let Checkpoint { origin, size: later_size, root } = verified.checkpoint.clone();
    if let Some(known) = state.origin.as_ref().filter(|known| **known != origin) {
        return Err(StateError::OtherLog { state: known.clone(), checkpoint: origin }.into());
    }
    let Some(earlier_note) = &state.checkpoint else {
        let tree = Tree::open(source, &verified.checkpoint)?;
        return Ok(Head { verified, note, tree, shown: later_size });
    };
    // Nobody is accused with a note that anybody could have put there.
    let earlier = history::signed(policy, earlier_note)
        .map_err(|error| StateError::OtherPolicy { reason: cut(&error.to_string()) })?;
    if earlier.origin != origin {
        return Err(StateError::OtherLog { state: earlier.origin, checkpoint: origin }.into());
    }
    let earlier_size = earlier.size;
    let evidence = || (earlier_note.clone(), note.clone());
    let forked = || {
        let (earlier, later) = evidence();
        AuditError::from(Finding::Forked { earlier_size, later_size, earlier, later })
    };
    let head = if later_size < earlier_size {
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
            .map_err(|error| Finding::Checkpoint { reason: cut(&error.to_string()), note: note.clone() })?;
        Head { verified, note, tree, shown: later_size }
    } else {
        if later_size == earlier_size && root != earlier.root {
            return Err(forked());
        }
        let mut tree = Tree::open(source, &verified.checkpoint)?;
        if tree.root(earlier_size)? != earlier.root {
            return Err(forked());
        }
        Head { verified, note, tree, shown: later_size }
    };
    let Head { verified, note, mut tree, shown } = head;
    // The log is the one that was signed; then the state itself must be wrong.
    if tree.frontier(state.size())? != state.frontier {
        return Err(StateError::Contradiction.into());
    }
    Ok(Head { verified, note, tree, shown })
}

struct Run<'a> {
    state: &'a mut State,
    observer: &'a mut dyn Observer,
    wrong: bool,
    /// Bundles that could not be read: later entries cannot be judged.
    damaged: u64,
    /// Fingerprint of the key with which the first entry must be signed, if that is known and the entry comes.
    expected: Option<Sha256Digest>,
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
                Ok(entries) if self.damaged == 0 => whole.push(entries),
                Ok(_) => {}
                Err(_) if self.damaged == MAX_DAMAGED => {
                    return Err(Finding::MoreDamage { bundles: MAX_DAMAGED }.into());
                }
                Err(finding) => {
                    self.damaged += 1;
                    self.wrong = true;
                    self.observer.found(&finding);
                }
            }
        }
        let Some(end) = whole.last().map(Entries::end) else { return Ok(()) };
        let mut broken = Vec::new();
        if let Some(replay) = &mut self.state.replay {
            judge(replay, &whole, &mut |replay, log_index, entry, outcome| {
                self.observer.judged(replay, log_index, entry, outcome);
                if let Err(violation) = outcome {
                    broken.push(Finding::Statement { log_index, violation: violation.clone() });
                }
            });
        }
        // Then this is another registry's log, and not one of which every entry is wrong.
        let unknown = Finding::Statement { log_index: 0, violation: Violation::UnknownKey };
        if let Some(expected) = self.expected.filter(|_| broken.first() == Some(&unknown)) {
            return Err(Finding::OtherOperator { expected }.into());
        }
        for finding in broken {
            self.wrong = true;
            self.observer.found(&finding);
            self.state.remember(finding);
        }
        self.state.frontier = tree.frontier(end)?;
        Ok(self.observer.verified(self.state)?)
    }
}

/// Judges entries in their order, and tells about each.
fn judge(
    replay: &mut Replay,
    bundles: &[Entries],
    tell: &mut impl FnMut(&Replay, u64, &Entry, &Result<Accepted, Violation>),
) {
    let data: Vec<(u64, &[u8])> = bundles.iter().flat_map(Entries::iter).collect();
    let mut entries: Vec<Entry> = data.par_iter().map(|(_, data)| Entry::read(data)).collect();
    // Signatures do not depend on the order of entries once the keys are known, so they are verified side by side;
    // whether a key may sign at its index is judged after that, one entry after the other.
    let named: HashMap<Sha256Digest, PublicKey> =
        entries.iter().flat_map(Entry::named_keys).map(|key| (key.fingerprint(), key)).collect();
    let known: &Replay = replay;
    let find = |hint: &Sha256Digest| known.key(hint).or_else(|| named.get(hint).copied());
    entries.par_iter_mut().for_each(|entry| entry.verify(find));
    for ((log_index, _), entry) in data.iter().zip(&entries) {
        let outcome = replay.next(entry);
        tell(replay, *log_index, entry, &outcome);
    }
}
