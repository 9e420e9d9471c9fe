//! Settings of the command line and the environment. Every limit stands here with its default.
//!
//! This file knows names, defaults and checks; what the numbers do is decided where they are used.

mod log;

pub use log::LogConfig;

use crate::{
    log::witness::WitnessPolicyError,
    registry::Settings,
    store::{MAX_BINDING_VALUE, StoreConfig},
};
use clap::Args;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use touchstone_inspect::labels::integrity::{ProducerKeys, ProducerKeysError};

/// Where the registry keeps its state.
#[derive(Debug, Clone, Args)]
pub struct DataConfig {
    /// Directory of the registry: its database and the passphrase of its keys
    #[arg(long, env = "TOUCHSTONE_SERVER_DATA", value_name = "DIR")]
    pub data: PathBuf,
    /// Database: sqlite:///absolute/path/file.db or postgres://… [default: registry.db in the data directory]
    #[arg(long, env = "TOUCHSTONE_SERVER_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// File with the passphrase that seals the registry's keys [default: passphrase in the data directory]
    #[arg(long, env = "TOUCHSTONE_SERVER_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Database connections for reading
    #[arg(long, env = "TOUCHSTONE_SERVER_READERS", value_name = "N", default_value_t = default::READERS)]
    pub readers: u32,
    /// How long a database operation waits for a lock, in milliseconds
    #[arg(long, env = "TOUCHSTONE_SERVER_BUSY_TIMEOUT_MS", value_name = "MS", default_value_t = default::BUSY_TIMEOUT_MS)]
    pub busy_timeout_ms: u32,
}

impl DataConfig {
    /// Everything in `data`, with defaults.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            database_url: None,
            passphrase_file: None,
            readers: default::READERS,
            busy_timeout_ms: default::BUSY_TIMEOUT_MS,
        }
    }

    /// How to reach the database.
    ///
    /// # Errors
    /// [`ConfigError::Data`] if the data directory has no absolute path in UTF-8.
    pub fn store(&self) -> Result<StoreConfig, ConfigError> {
        let url = match &self.database_url {
            Some(url) => url.clone(),
            None => {
                let path = std::path::absolute(&self.data).map_err(|_| self.unusable())?.join("registry.db");
                format!("sqlite://{}", path.to_str().ok_or_else(|| self.unusable())?)
            }
        };
        Ok(StoreConfig { url, readers: self.readers.max(1), busy_timeout_ms: self.busy_timeout_ms })
    }

    /// The directory of the database's file, if it is one.
    #[must_use]
    pub fn database_folder(&self) -> Option<PathBuf> {
        let path = self.database_url.as_deref()?.strip_prefix("sqlite://")?;
        Path::new(path).parent().map(Path::to_owned)
    }

    /// Where the passphrase stands.
    #[must_use]
    pub fn passphrase_path(&self) -> PathBuf {
        self.passphrase_file.clone().unwrap_or_else(|| self.data.join("passphrase"))
    }

    fn unusable(&self) -> ConfigError {
        ConfigError::Data(self.data.clone())
    }
}

/// Settings of a running server.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where the registry keeps its state.
    #[command(flatten)]
    pub data: DataConfig,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "TOUCHSTONE_SERVER_LISTEN", value_name = "ADDR", default_value_t = default::LISTEN)]
    pub listen: SocketAddr,
    /// Limits of the HTTP interface.
    #[command(flatten)]
    pub limits: Limits,
    /// Limits of the registry.
    #[command(flatten)]
    pub rules: Rules,
    /// How the log is kept and published.
    #[command(flatten)]
    pub log: LogConfig,
}

impl Config {
    /// A server on the registry in `data`, on a free port of the loopback interface, with default limits.
    #[must_use]
    pub fn local(data: impl Into<PathBuf>) -> Self {
        Self {
            data: DataConfig::new(data),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            limits: Limits::default(),
            rules: Rules::default(),
            log: LogConfig::default(),
        }
    }

    /// The registry's settings, with the trust lists of the data directory where none are given.
    ///
    /// # Errors
    /// As [`Rules::settings`].
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        #[cfg_attr(not(feature = "c2pa"), allow(unused_mut))]
        let mut settings = Settings {
            gathering: self.log.gathering(),
            max_unpublished: self.log.max_unpublished,
            receipt_wait: Duration::from_millis(self.log.receipt_wait_ms),
            ..self.rules.settings()?
        };
        #[cfg(feature = "c2pa")]
        crate::trust_lists::fill(&mut settings.trust_anchors, &self.data.data)?;
        Ok(settings)
    }
}

/// Limits of the HTTP interface.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits of the HTTP interface")]
pub struct Limits {
    /// Threads that serve connections; 0 means one for each core
    #[arg(long, env = "TOUCHSTONE_SERVER_WORKERS", value_name = "N", default_value_t = default::WORKERS)]
    pub workers: usize,
    /// Threads for blocking work, for each worker
    #[arg(long, env = "TOUCHSTONE_SERVER_BLOCKING_THREADS", value_name = "N", default_value_t = default::BLOCKING_THREADS)]
    pub blocking_threads: usize,
    /// Most open connections, for each worker
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_CONNECTIONS", value_name = "N", default_value_t = default::MAX_CONNECTIONS)]
    pub max_connections: usize,
    /// How long an idle connection is kept, in seconds
    #[arg(long, env = "TOUCHSTONE_SERVER_KEEP_ALIVE_SECONDS", value_name = "S", default_value_t = default::KEEP_ALIVE_SECONDS)]
    pub keep_alive_seconds: u64,
    /// How long the head of a request may take to arrive, in seconds
    #[arg(long, env = "TOUCHSTONE_SERVER_HEAD_SECONDS", value_name = "S", default_value_t = default::HEAD_SECONDS)]
    pub head_seconds: u64,
    /// How long the body of a request may take to arrive, in seconds
    #[arg(long, env = "TOUCHSTONE_SERVER_BODY_SECONDS", value_name = "S", default_value_t = default::BODY_SECONDS)]
    pub body_seconds: u64,
    /// How long open requests may take to end after a signal to stop, in seconds
    #[arg(long, env = "TOUCHSTONE_SERVER_SHUTDOWN_SECONDS", value_name = "S", default_value_t = default::SHUTDOWN_SECONDS)]
    pub shutdown_seconds: u64,
    /// Largest ordinary JSON body, in bytes
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_JSON_BYTES", value_name = "BYTES", default_value_t = default::MAX_JSON_BYTES)]
    pub max_json_bytes: usize,
    /// Longest address of a look-up by soft binding, in bytes
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_URI_BYTES", value_name = "BYTES", default_value_t = default::MAX_URI_BYTES)]
    pub max_uri_bytes: usize,
    /// Largest body with statements, in bytes
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_BATCH_BYTES", value_name = "BYTES", default_value_t = default::MAX_BATCH_BYTES)]
    pub max_batch_bytes: usize,
    /// Most bytes of all bodies together that wait in memory
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_BUFFERED_BYTES", value_name = "BYTES", default_value_t = default::MAX_BUFFERED_BYTES)]
    pub max_buffered_bytes: usize,
    /// Pictures that are decoded at the same time; 0 means one for each core
    #[arg(long, env = "TOUCHSTONE_SERVER_PICTURE_SLOTS", value_name = "N", default_value_t = default::PICTURE_SLOTS)]
    pub picture_slots: usize,
    /// Pictures that may wait for a slot
    #[arg(long, env = "TOUCHSTONE_SERVER_PICTURE_QUEUE", value_name = "N", default_value_t = default::PICTURE_QUEUE)]
    pub picture_queue: usize,
    /// Attempts to sign in for each name and address, within the window
    #[arg(long, env = "TOUCHSTONE_SERVER_SIGN_IN_ATTEMPTS", value_name = "N", default_value_t = default::SIGN_IN_ATTEMPTS)]
    pub sign_in_attempts: u32,
    /// The window for attempts to sign in, in seconds
    #[arg(long, env = "TOUCHSTONE_SERVER_SIGN_IN_WINDOW_SECONDS", value_name = "S", default_value_t = default::SIGN_IN_WINDOW_SECONDS)]
    pub sign_in_window_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: default::WORKERS,
            blocking_threads: default::BLOCKING_THREADS,
            max_connections: default::MAX_CONNECTIONS,
            keep_alive_seconds: default::KEEP_ALIVE_SECONDS,
            head_seconds: default::HEAD_SECONDS,
            body_seconds: default::BODY_SECONDS,
            shutdown_seconds: default::SHUTDOWN_SECONDS,
            max_json_bytes: default::MAX_JSON_BYTES,
            max_uri_bytes: default::MAX_URI_BYTES,
            max_batch_bytes: default::MAX_BATCH_BYTES,
            max_buffered_bytes: default::MAX_BUFFERED_BYTES,
            picture_slots: default::PICTURE_SLOTS,
            picture_queue: default::PICTURE_QUEUE,
            sign_in_attempts: default::SIGN_IN_ATTEMPTS,
            sign_in_window_seconds: default::SIGN_IN_WINDOW_SECONDS,
        }
    }
}

impl Limits {
    /// Threads that serve connections.
    #[must_use]
    pub fn workers(&self) -> usize {
        or_cores(self.workers)
    }

    /// Pictures that are decoded at the same time.
    #[must_use]
    pub fn picture_slots(&self) -> usize {
        or_cores(self.picture_slots)
    }
}

fn or_cores(count: usize) -> usize {
    if count > 0 { count } else { std::thread::available_parallelism().map_or(1, std::num::NonZero::get) }
}

/// Limits and rules of the registry itself.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rules of the registry")]
pub struct Rules {
    /// Largest picture, in bytes [default: 20 MiB]
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_UPLOAD_BYTES", value_name = "BYTES")]
    pub max_upload_bytes: Option<usize>,
    /// Most pixels of a picture [default: 64 million]
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_PIXELS", value_name = "N")]
    pub max_pixels: Option<u64>,
    /// Longest side of a picture, in pixels [default: 30000]
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_SIDE", value_name = "N")]
    pub max_side: Option<u32>,
    /// Most memory that decoding one picture may take, in bytes [default: 512 MiB]
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_DECODE_MEMORY", value_name = "BYTES")]
    pub max_decode_memory: Option<usize>,
    /// Longest time that decoding one picture may take, in seconds [default: 10]
    #[arg(long, env = "TOUCHSTONE_SERVER_DECODE_SECONDS", value_name = "S")]
    pub decode_seconds: Option<u32>,
    /// Most statements in one batch [default: 1000]
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_BATCH", value_name = "N")]
    pub max_batch: Option<usize>,
    /// Largest C2PA manifest store that is kept, in bytes [default: 4 MiB]
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_MANIFEST_BYTES", value_name = "BYTES")]
    pub max_manifest_bytes: Option<usize>,
    /// Most manifests that answer one look-up of the Soft Binding Resolution API [default: 100]
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_MATCHES", value_name = "N")]
    pub max_matches: Option<usize>,
    /// Longest value of a soft binding, in bytes, at most 2000 [default: 1024]
    #[arg(long, env = "TOUCHSTONE_SERVER_MAX_BINDING_BYTES", value_name = "BYTES")]
    pub max_binding_bytes: Option<usize>,
    /// Address of the registry as others reach it: https://registry.example [default: the host of its origin]
    #[arg(long, env = "TOUCHSTONE_SERVER_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// How long checks are kept, in days [default: 180]
    #[arg(long, env = "TOUCHSTONE_SERVER_CHECK_RETENTION_DAYS", value_name = "DAYS")]
    pub check_retention_days: Option<u32>,
    /// How long a sign-in lasts, in hours [default: 12]
    #[arg(long, env = "TOUCHSTONE_SERVER_SESSION_HOURS", value_name = "HOURS")]
    pub session_hours: Option<u32>,
    /// File with the SM2 keys that producers of AI labels sign with, JSON or PEM
    #[arg(long, env = "TOUCHSTONE_SERVER_PRODUCER_KEYS", value_name = "FILE")]
    pub producer_keys: Option<PathBuf>,
    /// PEM file with the C2PA trust list [default: the one installed with trust-list install]
    #[cfg(feature = "c2pa")]
    #[arg(long, env = "TOUCHSTONE_SERVER_C2PA_TRUST_LIST", value_name = "FILE")]
    pub c2pa_trust_list: Option<PathBuf>,
    /// PEM file with the frozen interim trust list of C2PA
    #[cfg(feature = "c2pa")]
    #[arg(long, env = "TOUCHSTONE_SERVER_C2PA_INTERIM_LIST", value_name = "FILE")]
    pub c2pa_interim_list: Option<PathBuf>,
    /// PEM file with the certificate authorities of this registry's registrants
    #[cfg(feature = "c2pa")]
    #[arg(long, env = "TOUCHSTONE_SERVER_C2PA_REGISTRANTS", value_name = "FILE")]
    pub c2pa_registrants: Option<PathBuf>,
    /// PEM file with the C2PA list of time-stamp authorities
    #[cfg(feature = "c2pa")]
    #[arg(long, env = "TOUCHSTONE_SERVER_C2PA_TIME_STAMP_LIST", value_name = "FILE")]
    pub c2pa_time_stamp_list: Option<PathBuf>,
    /// PEM file with certificates of persons and organisations in CAWG identity assertions
    #[cfg(feature = "c2pa")]
    #[arg(long, env = "TOUCHSTONE_SERVER_C2PA_IDENTITIES", value_name = "FILE")]
    pub c2pa_identities: Option<PathBuf>,
    /// Decentralised identifier of an aggregator whose CAWG identity credentials are trusted; may be repeated
    #[cfg(feature = "c2pa")]
    #[arg(
        long,
        env = "TOUCHSTONE_SERVER_C2PA_IDENTITY_AGGREGATORS",
        value_name = "DID",
        value_delimiter = ','
    )]
    pub c2pa_identity_aggregator: Vec<String>,
}

impl Rules {
    /// The registry's settings; what is not given keeps the registry's default.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] if a list of trust anchors or keys cannot be read; [`ConfigError::ProducerKeys`];
    /// [`ConfigError::PublicUrl`].
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let defaults = Settings::default();
        Ok(Settings {
            max_upload_bytes: self.max_upload_bytes.unwrap_or(defaults.max_upload_bytes),
            max_pixels: self.max_pixels.unwrap_or(defaults.max_pixels),
            max_side: self.max_side.unwrap_or(defaults.max_side),
            max_decode_memory: self.max_decode_memory.unwrap_or(defaults.max_decode_memory),
            decode_seconds: self.decode_seconds.unwrap_or(defaults.decode_seconds),
            max_batch: self.max_batch.unwrap_or(defaults.max_batch),
            max_manifest_bytes: self.max_manifest_bytes.unwrap_or(defaults.max_manifest_bytes),
            max_matches: self.max_matches.unwrap_or(defaults.max_matches).max(1),
            max_binding_bytes: self
                .max_binding_bytes
                .unwrap_or(defaults.max_binding_bytes)
                .clamp(1, MAX_BINDING_VALUE),
            public_url: self.public_url.as_deref().map(public_url).transpose()?,
            check_retention_days: self.check_retention_days.unwrap_or(defaults.check_retention_days),
            session_hours: self.session_hours.unwrap_or(defaults.session_hours),
            gathering: defaults.gathering,
            max_unpublished: defaults.max_unpublished,
            receipt_wait: defaults.receipt_wait,
            index_folder: defaults.index_folder,
            producer_keys: Arc::new(
                self.producer_keys.as_deref().map(producer_keys).transpose()?.unwrap_or_default(),
            ),
            #[cfg(feature = "c2pa")]
            trust_anchors: touchstone_inspect::c2pa::TrustAnchors {
                c2pa_trust_list: optional_file(self.c2pa_trust_list.as_deref())?,
                interim_list: optional_file(self.c2pa_interim_list.as_deref())?,
                registrants: optional_file(self.c2pa_registrants.as_deref())?,
                time_stamp_list: optional_file(self.c2pa_time_stamp_list.as_deref())?,
                identities: optional_file(self.c2pa_identities.as_deref())?,
                identity_aggregators: self.c2pa_identity_aggregator.clone(),
            },
        })
    }
}

/// An address without a slash at its end: scheme and host, maybe a path.
fn public_url(text: &str) -> Result<String, ConfigError> {
    let text = text.trim_end_matches('/');
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let fits = |rest: &str| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&b))
    };
    if rest.is_some_and(fits) { Ok(text.to_owned()) } else { Err(ConfigError::PublicUrl(text.to_owned())) }
}

/// Keys that are pinned for producers of labels. A file with a faulty entry is not used in part: a key that is missing
/// would let forged labels pass.
fn producer_keys(path: &Path) -> Result<ProducerKeys, ConfigError> {
    ProducerKeys::parse(&read_file(path)?)
        .map_err(|fault| ConfigError::ProducerKeys { path: path.to_owned(), fault })
}

fn optional_file(path: Option<&Path>) -> Result<Option<Vec<u8>>, ConfigError> {
    path.map(read_file).transpose()
}

/// The bytes of a configured file.
///
/// # Errors
/// [`ConfigError::Unreadable`] names the file.
pub fn read_file(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The data directory has no absolute path in UTF-8.
    #[error("the data directory {0:?} has no absolute path in UTF-8; choose another or give --database-url")]
    Data(PathBuf),
    /// The registry's address is none.
    #[error("the public URL {0:?} is no address like https://registry.example")]
    PublicUrl(String),
    /// The witness policy is not one for this registry.
    #[error("the witness policy {path:?} cannot be used: {cause}")]
    WitnessPolicy {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        cause: WitnessPolicyError,
    },
    /// A configured file cannot be read.
    #[error("{path:?} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file of `--producer-keys` cannot be used.
    #[error("the producer keys in {path:?} cannot be used: {fault}. {}", .fault.remedy().0)]
    ProducerKeys {
        /// The file.
        path: PathBuf,
        /// What is wrong, and with which entry.
        fault: ProducerKeysError,
    },
}

/// Defaults, shared by the command line and by servers that start in process.
mod default {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    pub(super) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8480);
    pub(super) const READERS: u32 = 8;
    pub(super) const BUSY_TIMEOUT_MS: u32 = 5_000;
    pub(super) const WORKERS: usize = 0;
    pub(super) const BLOCKING_THREADS: usize = 16;
    pub(super) const MAX_CONNECTIONS: usize = 4_096;
    pub(super) const KEEP_ALIVE_SECONDS: u64 = 75;
    pub(super) const HEAD_SECONDS: u64 = 10;
    pub(super) const BODY_SECONDS: u64 = 60;
    pub(super) const SHUTDOWN_SECONDS: u64 = 8;
    pub(super) const MAX_JSON_BYTES: usize = 64 << 10;
    pub(super) const MAX_URI_BYTES: usize = 8 << 10;
    pub(super) const MAX_BATCH_BYTES: usize = 48 << 20;
    pub(super) const MAX_BUFFERED_BYTES: usize = 256 << 20;
    pub(super) const PICTURE_SLOTS: usize = 0;
    pub(super) const PICTURE_QUEUE: usize = 64;
    pub(super) const SIGN_IN_ATTEMPTS: u32 = 10;
    pub(super) const SIGN_IN_WINDOW_SECONDS: u32 = 300;
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        config: Config,
    }

    #[test]
    fn the_command_line_and_processes_share_their_defaults() {
        let line = Line::try_parse_from(["server", "--data", "d"]).unwrap().config;
        let local = Config::local("d");
        assert_eq!(format!("{:?}", line.limits), format!("{:?}", local.limits));
        assert_eq!(format!("{:?}", line.data), format!("{:?}", local.data));
        assert_eq!(format!("{:?}", line.log), format!("{:?}", local.log));
        let settings = line.rules.settings().unwrap();
        assert_eq!(settings.max_upload_bytes, Settings::default().max_upload_bytes);
    }

    #[test]
    fn the_database_stands_in_the_data_directory_with_an_absolute_path() {
        let url = DataConfig::new("some/dir").store().unwrap().url;
        assert!(url.starts_with("sqlite:///") && url.ends_with("/some/dir/registry.db"), "{url}");
    }

    #[test]
    fn a_public_url_is_an_address() {
        let url = |text| {
            let line = Line::try_parse_from(["server", "--data", "d", "--public-url", text]).unwrap();
            line.config.rules.settings().map(|settings| settings.public_url)
        };
        assert_eq!(url("https://registry.example/").unwrap().as_deref(), Some("https://registry.example"));
        for bad in ["registry.example", "https://", "ftp://registry.example", "https://registry.example/?a"] {
            assert!(matches!(url(bad), Err(ConfigError::PublicUrl(_))), "{bad}");
        }
    }

    #[test]
    fn a_faulty_file_of_producer_keys_is_named_with_its_entry_and_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let text = |keys: &str| {
            std::fs::write(&path, format!("{{\"keys\":[{keys}]}}")).unwrap();
            let path = path.to_str().unwrap();
            let line = Line::try_parse_from(["server", "--data", "d", "--producer-keys", path]).unwrap();
            line.config.rules.settings().unwrap_err().to_string()
        };
        let faulty = text(r#"{"producer":"kling","spki":"3059"}"#);
        assert!(faulty.contains("keys.json") && faulty.contains("key 1 is not"), "{faulty}");
        assert!(faulty.contains("take the entry out"), "{faulty}");
        let unfinished = text("\n{");
        assert!(unfinished.contains("line 2"), "{unfinished}");
    }

    #[test]
    fn a_missing_trust_list_is_named() {
        let line =
            Line::try_parse_from(["server", "--data", "d", "--c2pa-trust-list", "no/such.pem"]).unwrap();
        let error = line.config.rules.settings().unwrap_err();
        assert!(error.to_string().contains("no/such.pem"), "{error}");
    }
}
