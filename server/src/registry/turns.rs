//! Which of many like pictures are looked at, where not all of them can be: whoever registers a picture many times hides
//! nothing that somebody else registered.

use crate::store::EntryRow;
use std::collections::HashMap;
use touchstone_schema::{
    Timestamp,
    statement::{Issuer, Kind},
};

/// Pictures of one issuer that come in a row, before those of others have had their turn.
pub(super) const IN_A_ROW: usize = 2;

/// What of an entry bears on its turn.
#[derive(Debug, Clone, Copy)]
struct Entry {
    issuer: Issuer,
    output: bool,
    /// It was withdrawn, or accepted after the claim: it counts for nothing.
    idle: bool,
}

/// The entries among which turns are given.
#[derive(Debug)]
pub(super) struct Turns(HashMap<u64, Entry>);

impl Turns {
    pub(super) fn among(rows: &[EntryRow], claim: Option<Timestamp>) -> Self {
        let late = |at: Timestamp| claim.is_some_and(|claim| at >= claim.end_of_second());
        let entry = |row: &EntryRow| Entry {
            issuer: row.issuer,
            output: row.kind == Kind::OutputLabelled,
            idle: row.withdrawn_at_index.is_some() || late(row.accepted_at),
        };
        Self(rows.iter().map(|row| (row.index, entry(row))).collect())
    }

    pub(super) fn issuer(&self, index: u64) -> Option<Issuer> {
        self.0.get(&index).map(|entry| entry.issuer)
    }

    /// The indexes, best first, with those that count for nothing last.
    pub(super) fn timely_first(&self, mut indexes: Vec<u64>) -> Vec<u64> {
        indexes.sort_by_key(|index| self.0.get(index).is_none_or(|entry| entry.idle));
        indexes
    }

    /// As [`Self::timely_first`], and issuer by issuer in turns, AI outputs before merchants' pictures. One issuer's keep
    /// their order.
    pub(super) fn in_turns(&self, indexes: Vec<u64>) -> Vec<u64> {
        let mut before: HashMap<Issuer, usize> = HashMap::new();
        let mut order: Vec<_> = self
            .timely_first(indexes)
            .into_iter()
            .map(|index| {
                let Some(entry) = self.0.get(&index) else { return (true, 0, true, index) };
                let count = before.entry(entry.issuer).or_default();
                *count += 1;
                (entry.idle, (*count - 1) / IN_A_ROW, !entry.output, index)
            })
            .collect();
        order.sort_by_key(|(idle, turn, other, _)| (*idle, *turn, *other));
        order.into_iter().map(|(.., index)| index).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use touchstone_schema::OrganisationId;

    #[test]
    fn nobody_is_crowded_out() {
        let issuer = |number| Issuer::Organisation(OrganisationId::from_parts(number, [0; 10]));
        let entry = |number, output, idle| Entry { issuer: issuer(number), output, idle };
        // Nine copies of one merchant, a withdrawn one, an output, and another merchant's.
        let mut entries: HashMap<u64, Entry> = (1..10).map(|index| (index, entry(1, false, false))).collect();
        entries.extend([
            (10, entry(2, true, false)),
            (11, entry(3, false, false)),
            (12, entry(4, true, true)),
        ]);
        let turns = Turns(entries);
        let order = turns.in_turns(vec![12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(order, [10, 1, 2, 11, 3, 4, 5, 6, 7, 8, 9, 12]);
        assert_eq!(turns.in_turns(vec![9, 3, 5, 1]), [9, 3, 5, 1], "one issuer's keep their order");
        assert_eq!(turns.timely_first(vec![12, 2, 1, 10]), [2, 1, 10, 12]);
    }
}
