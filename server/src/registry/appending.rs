//! The one way to the log: whether it may grow now, the transaction, and word to the publisher.

use super::{Inner, Refusal};
use crate::store::Writer;
use touchstone_schema::problem::ProblemCode;

/// When to come back if too much waits to be published, in seconds.
const BACKLOG_SECONDS: u32 = 2;
/// When to come back if the disk is full, in seconds.
const DISK_SECONDS: u32 = 60;
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
