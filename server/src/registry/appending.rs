//! The one way to the log: whether it may grow now, the transaction, and word to the publisher.

use super::{Inner, Refusal};
use crate::store::Writer;
use touchstone_schema::{Timestamp, problem::ProblemCode};

/// When to come back if too much waits to be published, in seconds.
const BACKLOG_SECONDS: u32 = 2;
/// When to come back if the disk is full, in seconds.
const DISK_SECONDS: u32 = 60;
/// How far the clock may be behind the acceptance time of the last entry, in seconds. Times never run back, so that every
/// entry gets that time until the clock has caught up; beyond this, statements would be judged by a time that is not theirs.
const MAX_BEHIND_SECONDS: i64 = 300;
/// When to come back if the clock is that far behind, in seconds.
const CLOCK_SECONDS: u32 = 60;
/// When to come back if an operator must look first, in seconds.
const HALTED_SECONDS: u32 = 300;

impl Inner {
    /// Refuses if the log has stopped.
    pub(super) fn goes_on(&self) -> Result<(), Refusal> {
        let Some(reason) = self.log.halted() else { return Ok(()) };
        Err(Refusal {
            cause: Some(reason.into()),
            retry_after_seconds: Some(HALTED_SECONDS),
            ..Refusal::new(ProblemCode::LogHalted)
        })
    }

    /// Refuses what would be appended when the log must not grow: it halted, the disk is full, or publication is far
    /// behind.
    pub(super) fn may_append(&self) -> Result<(), Refusal> {
        self.goes_on()?;
        self.disk.check().map_err(|full| Refusal {
            retry_after_seconds: Some(DISK_SECONDS),
            ..Refusal::unavailable(full)
        })?;
        let waiting = self.log.committed_size().saturating_sub(self.log.published_size());
        if waiting > self.settings.max_unpublished {
            let cause = format!("{waiting} log entries wait to be published");
            return Err(Refusal { retry_after_seconds: Some(BACKLOG_SECONDS), ..Refusal::busy(cause) });
        }
        Ok(())
    }

    /// Refuses as long as entries would get an acceptance time that is far from now.
    fn is_about_now(&self, acceptance: Timestamp) -> Result<(), Refusal> {
        let now = self.now();
        if acceptance <= now.saturating_add_seconds(MAX_BEHIND_SECONDS) {
            return Ok(());
        }
        let cause = format!(
            "the clock says {now}, and the last log entry was accepted at {acceptance}: set the clock"
        );
        Err(Refusal { retry_after_seconds: Some(CLOCK_SECONDS), ..Refusal::unavailable(cause) })
    }

    /// Runs one transaction that may append to the log ([`crate::store::Store::write`]), and has published what it
    /// appended.
    pub(super) fn append<T>(
        &self,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.may_append()?;
        let (before, after, value) = self.store.write(|writer| {
            let before = writer.lock_log()?;
            if before < self.log.published_size() {
                let reason = format!("the database has {before} log entries, and more were published");
                return Err(Refusal::internal(reason));
            }
            self.is_about_now(writer.acceptance(self.now())?)?;
            let value = f(writer)?;
            Ok((before, writer.lock_log()?, value))
        })?;
        if after > before {
            self.log.committed(after);
            self.log.look_again();
        }
        Ok(value)
    }
}
