//! Settings of the public log.

use super::{ConfigError, read_file};
use crate::{
    log::{
        publisher::{Rhythm, Unwitnessed, Witnesses},
        witness::Cosigners,
    },
    registry::Gathering,
};
use clap::Args;
use std::{path::PathBuf, time::Duration};
use touchstone_schema::log::note::VerifierKey;

/// How the log is kept and published.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The public log")]
pub struct LogConfig {
    /// Where tiles and checkpoint are kept: a directory, or s3://bucket/prefix for several servers together; address and
    /// credentials stand in AWS_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY [default: log in the data
    /// directory]
    #[arg(long, env = "TOUCHSTONE_SERVER_LOG_STORAGE", value_name = "DIR|URL")]
    pub log_storage: Option<String>,
    /// Shortest time from the begin of one publication to the next, in milliseconds [default: 20; 1000 if each one asks
    /// witnesses or a bucket]
    #[arg(long, env = "TOUCHSTONE_SERVER_PUBLISH_INTERVAL_MS", value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    pub publish_interval_ms: Option<u64>,
    /// How long another server may stand still before this one publishes, in milliseconds
    #[arg(long, env = "TOUCHSTONE_SERVER_TAKEOVER_MS", value_name = "MS", default_value_t = default::TAKEOVER_MS)]
    pub takeover_ms: u64,
    /// Most log entries that may wait to be published; more statements are told to come back
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_UNPUBLISHED", value_name = "N", default_value_t = default::MAX_UNPUBLISHED)]
    pub max_unpublished: u64,
    /// How long an answer waits for a receipt, in milliseconds
    #[arg(long, env = "TOUCHSTONE_SERVER_RECEIPT_WAIT_MS", value_name = "MS", default_value_t = default::RECEIPT_WAIT_MS)]
    pub receipt_wait_ms: u64,
    /// Most statements that wait to be appended; more are told to come back
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_QUEUED", value_name = "N", default_value_t = default::MAX_QUEUED)]
    pub max_queued: usize,
    /// Most bytes of statements that wait to be appended
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_QUEUED_BYTES", value_name = "BYTES", default_value_t = default::MAX_QUEUED_BYTES)]
    pub max_queued_bytes: usize,
    /// Most statements that one transaction appends
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_TOGETHER", value_name = "N", default_value_t = default::MAX_TOGETHER)]
    pub max_together: usize,
    /// How long a statement waits for others to share its transaction, in milliseconds
    #[arg(long, env = "TOUCHSTONE_SERVER_GATHER_MS", value_name = "MS", default_value_t = default::GATHER_MS)]
    pub gather_ms: u64,
    /// Free disk space below which nothing is accepted, in bytes; 0 does not look
    #[arg(long, env = "TOUCHSTONE_SERVER_MIN_FREE_DISK", value_name = "BYTES", default_value_t = default::MIN_FREE_DISK)]
    pub min_free_disk: u64,
    /// Memory for tiles of the log, in bytes
    #[arg(long, env = "TOUCHSTONE_SERVER_TILE_CACHE", value_name = "BYTES", default_value_t = default::TILE_CACHE)]
    pub tile_cache: u64,
    /// Policy file (C2SP tlog-policy) with the witnesses that must cosign every checkpoint [default: none are asked]
    #[arg(long, env = "TOUCHSTONE_SERVER_WITNESS_POLICY", value_name = "FILE")]
    pub witness_policy: Option<PathBuf>,
    /// Go on without witnesses although the last checkpoint was cosigned: receipts of what comes will not satisfy its policy
    #[arg(long, env = "TOUCHSTONE_SERVER_WITHOUT_WITNESSES", conflicts_with = "witness_policy")]
    pub without_witnesses: bool,
    /// How long the witnesses may take to cosign a checkpoint, in milliseconds
    #[arg(long, env = "TOUCHSTONE_SERVER_WITNESS_TIMEOUT_MS", value_name = "MS", default_value_t = default::WITNESS_TIMEOUT_MS)]
    pub witness_timeout_ms: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            log_storage: None,
            publish_interval_ms: None,
            takeover_ms: default::TAKEOVER_MS,
            max_unpublished: default::MAX_UNPUBLISHED,
            receipt_wait_ms: default::RECEIPT_WAIT_MS,
            max_queued: default::MAX_QUEUED,
            max_queued_bytes: default::MAX_QUEUED_BYTES,
            max_together: default::MAX_TOGETHER,
            gather_ms: default::GATHER_MS,
            min_free_disk: default::MIN_FREE_DISK,
            tile_cache: default::TILE_CACHE,
            witness_policy: None,
            without_witnesses: false,
            witness_timeout_ms: default::WITNESS_TIMEOUT_MS,
        }
    }
}

/// How much longer than for witnesses another server is waited for, in milliseconds.
const TAKEOVER_MARGIN_MS: u64 = 1_000;

impl LogConfig {
    /// How waiting statements are gathered.
    #[must_use]
    pub const fn gathering(&self) -> Gathering {
        Gathering {
            waiting: self.max_queued,
            waiting_bytes: self.max_queued_bytes,
            together: self.max_together,
            patience: Duration::from_millis(self.gather_ms),
        }
    }

    /// When checkpoints are published. Witnesses are other people's machines, and buckets are paid by the write.
    #[must_use]
    pub fn rhythm(&self) -> Rhythm {
        let in_a_bucket = self.log_storage.as_deref().is_some_and(|place| place.contains("://"));
        let usual = if in_a_bucket || self.witness_policy.is_some() {
            default::PUBLISH_INTERVAL_REMOTE_MS
        } else {
            default::PUBLISH_INTERVAL_MS
        };
        Rhythm {
            // Without any, a server that waits for another one would ask the database all the time.
            interval: Duration::from_millis(self.publish_interval_ms.unwrap_or(usual).max(1)),
            takeover: Duration::from_millis(self.takeover_ms),
        }
    }

    /// What is likely to go wrong with these settings, for the operator.
    #[must_use]
    pub fn caution(&self) -> Option<String> {
        let needed = self.witness_timeout_ms.saturating_add(TAKEOVER_MARGIN_MS);
        (self.witness_policy.is_some() && self.takeover_ms <= needed).then(|| {
            format!(
                "--takeover-ms {} is too short beside --witness-timeout-ms {}: servers would take publication from each \
                 other while witnesses are slow; set it above {needed}",
                self.takeover_ms, self.witness_timeout_ms
            )
        })
    }

    /// Who cosigns the checkpoints of the log with this key.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`], [`ConfigError::WitnessPolicy`].
    pub fn witnesses(&self, log: &VerifierKey) -> Result<Box<dyn Witnesses>, ConfigError> {
        let Some(path) = &self.witness_policy else { return Ok(Box::new(Unwitnessed)) };
        let patience = Duration::from_millis(self.witness_timeout_ms);
        match Cosigners::open(&read_file(path)?, log, patience) {
            Ok(cosigners) => Ok(Box::new(cosigners)),
            Err(cause) => Err(ConfigError::WitnessPolicy { path: path.clone(), cause }),
        }
    }
}

/// Defaults, shared by the command line and by servers that start in process.
mod default {
    pub(super) const PUBLISH_INTERVAL_MS: u64 = 20;
    pub(super) const PUBLISH_INTERVAL_REMOTE_MS: u64 = 1_000;
    pub(super) const TAKEOVER_MS: u64 = 10_000;
    pub(super) const MAX_UNPUBLISHED: u64 = 200_000;
    pub(super) const RECEIPT_WAIT_MS: u64 = 5_000;
    pub(super) const MAX_QUEUED: usize = 20_000;
    pub(super) const MAX_QUEUED_BYTES: usize = 64 << 20;
    pub(super) const MAX_TOGETHER: usize = 2_000;
    pub(super) const GATHER_MS: u64 = 1;
    pub(super) const MIN_FREE_DISK: u64 = 512 << 20;
    pub(super) const TILE_CACHE: u64 = 64 << 20;
    pub(super) const WITNESS_TIMEOUT_MS: u64 = 5_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_takeover_that_does_not_wait_for_witnesses_is_warned_of() {
        let mut log = LogConfig { publish_interval_ms: Some(0), ..LogConfig::default() };
        assert_eq!((log.caution(), log.rhythm().interval), (None, Duration::from_millis(1)));
        log.witness_policy = Some(PathBuf::from("policy"));
        assert_eq!(log.caution(), None, "the defaults fit each other");
        log.takeover_ms = log.witness_timeout_ms + 1_000;
        assert!(log.caution().is_some_and(|text| text.contains("set it above 6000")));
    }
}
