//! The registry's use cases: admit, register, observe, look up, check. No HTTP and no SQL here.
//!
//! Every method blocks and is one unit of work: a caller runs it on a thread where blocking is allowed.

mod accepting;
pub mod access;
mod appending;
pub mod bindings;
pub mod bootstrap;
pub mod check;
pub mod content;
pub mod credentials;
pub mod evidence;
mod findings;
mod follow;
pub mod lookup;
pub mod manifests;
pub mod organisations;
mod queue;
pub mod receipts;
mod recognise;
pub mod refusal;
pub mod register;
mod relabelling;
pub mod resolve;
pub mod rules;
mod signing;
pub mod texts;
pub mod transparency;
mod turns;

use crate::{
    clock::{Clock, Entropy},
    disk::DiskFloor,
    keyring::Keyring,
    log::view::View,
    matching::PictureIndex,
    store::Store,
};
pub use access::Caller;
pub use bootstrap::Bootstrapped;
pub use queue::Gathering;
pub use refusal::Refusal;
pub use register::{Outcome, Submission};
use std::{path::PathBuf, sync::Arc, time::Duration};
use touchstone_inspect::{InspectOptions, labels::integrity::ProducerKeys};
use touchstone_schema::{Timestamp, api::RegistryInfo, key::PublicKey};

/// The registry's limits and rules. Each is a flag of the command line.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Largest picture in bytes.
    pub max_upload_bytes: usize,
    /// Most pixels of a picture.
    pub max_pixels: u64,
    /// Longest side of a picture.
    pub max_side: u32,
    /// Most memory that decoding a picture may take, in bytes.
    pub max_decode_memory: usize,
    /// Longest time that decoding a picture may take, in seconds.
    pub decode_seconds: u32,
    /// Most statements in a batch.
    pub max_batch: usize,
    /// Largest C2PA manifest store that is kept, in bytes.
    pub max_manifest_bytes: usize,
    /// Most manifests that answer one look-up.
    pub max_matches: usize,
    /// Longest value of a soft binding, in bytes; at most [`crate::store::MAX_BINDING_VALUE`].
    pub max_binding_bytes: usize,
    /// Address of the registry as others reach it, without a slash at its end: `https://registry.example`.
    pub public_url: Option<String>,
    /// How long checks are kept, in days.
    pub check_retention_days: u32,
    /// How long a sign-in lasts, in hours.
    pub session_hours: u32,
    /// How statements that wait are gathered into transactions.
    pub gathering: Gathering,
    /// Log entries that may wait for publication; beyond, submissions are told to come back.
    pub max_unpublished: u64,
    /// How long a receipt that was asked for may wait for publication.
    pub receipt_wait: Duration,
    /// Where the index keeps its files; in memory without it.
    pub index_folder: Option<PathBuf>,
    /// Keys that are pinned for producers of AI labels.
    pub producer_keys: Arc<ProducerKeys>,
    /// Trust anchors of C2PA signers.
    #[cfg(feature = "c2pa")]
    pub trust_anchors: touchstone_inspect::c2pa::TrustAnchors,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_upload_bytes: 20 << 20,
            max_pixels: 64_000_000,
            max_side: 30_000,
            max_decode_memory: 512 << 20,
            decode_seconds: 10,
            max_batch: 1_000,
            max_manifest_bytes: 4 << 20,
            max_matches: 100,
            max_binding_bytes: 1_024,
            public_url: None,
            check_retention_days: 180,
            session_hours: 12,
            gathering: Gathering::default(),
            max_unpublished: 200_000,
            receipt_wait: Duration::from_secs(5),
            index_folder: None,
            producer_keys: Arc::default(),
            #[cfg(feature = "c2pa")]
            trust_anchors: touchstone_inspect::c2pa::TrustAnchors::default(),
        }
    }
}

/// Numbers for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Log entries.
    pub log_size: u64,
    /// Log entries that the published checkpoint covers.
    pub published_size: u64,
    /// Statements that wait to be appended.
    pub queued: u64,
    /// Whether the log has stopped.
    pub halted: bool,
    /// Attempts to publish that failed since the server started.
    pub failures: u64,
    /// How far the clock is behind the acceptance time of the last log entry, in seconds.
    pub behind_seconds: u64,
    /// Pictures that fingerprints can find.
    pub searchable: u64,
    /// Organisations, suspended ones included.
    pub organisations: u64,
}

/// The registry. Cloning is cheap and gives the same registry.
#[derive(Debug, Clone)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    keyring: Keyring,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: Settings,
    origin: String,
    log: Arc<View>,
    disk: DiskFloor,
    queue: Arc<queue::Queue>,
    index: PictureIndex,
    /// How far the index has followed the database.
    progress: follow::Progress,
    inspector: InspectOptions,
    /// Equalises the time of sign-ins with unknown names: a hash that no password has.
    decoy_password_hash: String,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Registry {
    /// Opens a bootstrapped registry with every global code in memory. Local features that were not kept follow with
    /// [`Self::load_features`].
    ///
    /// # Errors
    /// A [`Refusal`] if the database is not bootstrapped or cannot be read.
    pub fn open(
        store: Store,
        keyring: Keyring,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
        log: Arc<View>,
        disk: DiskFloor,
    ) -> Result<Self, Refusal> {
        let origin = Self::origin(&store)?;
        let inspector = inspector(&settings)?;
        let (index, progress) = follow::open(&store, settings.index_folder.as_deref(), clock.now())?;
        let decoy_password_hash = access::hash_password("a name that nobody has", entropy.as_ref())?;
        let queue = queue::Queue::new(settings.gathering);
        let inner = Inner {
            store,
            keyring,
            clock,
            entropy,
            settings,
            origin,
            log: Arc::clone(&log),
            disk,
            queue: Arc::clone(&queue),
            index,
            progress,
            inspector,
            decoy_password_hash,
        };
        let inner = Arc::new(inner);
        queue::sequence(queue, log, Arc::downgrade(&inner)).map_err(Refusal::internal)?;
        Ok(Self(inner))
    }

    /// The origin of the registry in this database.
    ///
    /// # Errors
    /// A [`Refusal`] if the database is not bootstrapped or cannot be read.
    pub fn origin(store: &Store) -> Result<String, Refusal> {
        store.read(|reader| {
            let origin = reader.state(bootstrap::ORIGIN)?;
            origin.ok_or_else(|| Refusal::internal("this database holds no registry: run bootstrap first"))
        })
    }

    /// Whether the database answers and the log goes on.
    ///
    /// # Errors
    /// A [`Refusal`] that says unavailable or `log-halted`.
    pub fn ready(&self) -> Result<(), Refusal> {
        self.0.goes_on()?;
        self.0.store.read(|reader| reader.log_size().map(|_| ()).map_err(Refusal::unavailable))
    }

    /// Who this registry is.
    ///
    /// # Errors
    /// A [`Refusal`] if the database does not answer.
    pub fn info(&self) -> Result<RegistryInfo, Refusal> {
        let inner = &*self.0;
        let log_size = inner.store.read(|reader| reader.log_size().map_err(Refusal::from))?;
        Ok(RegistryInfo {
            origin: inner.origin.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            log_verifier_key: PublicKey::from(inner.keyring.log()).verifier_key(&inner.origin),
            verdict_key: inner.keyring.verdict().into(),
            operator_key: inner.keyring.operator().into(),
            log_size,
            published_size: inner.log.published_size(),
            time: inner.now(),
            max_upload_bytes: inner.settings.max_upload_bytes as u64,
            max_batch: u32::try_from(inner.settings.max_batch).unwrap_or(u32::MAX),
        })
    }

    /// Numbers for the operator.
    ///
    /// # Errors
    /// A [`Refusal`] if the database does not answer.
    pub fn statistics(&self) -> Result<Statistics, Refusal> {
        let inner = &*self.0;
        let (log_size, organisations, last) = inner.store.read(|reader| {
            let organisations = reader.organisations()?.len() as u64;
            Ok::<_, Refusal>((reader.log_size()?, organisations, reader.last_accepted_at()?))
        })?;
        let behind = last.as_micros().saturating_sub(inner.now().as_micros()) / 1_000_000;
        Ok(Statistics {
            log_size,
            published_size: inner.log.published_size(),
            queued: inner.queue.len() as u64,
            halted: inner.log.halted().is_some(),
            failures: inner.log.failures(),
            behind_seconds: u64::try_from(behind).unwrap_or(0),
            searchable: inner.index.len() as u64,
            organisations,
        })
    }
}

impl Inner {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Inspection options with a deadline that starts now.
    fn inspector(&self) -> InspectOptions {
        let mut options = self.inspector.clone();
        let limit = Duration::from_secs(u64::from(self.settings.decode_seconds));
        let clock = Arc::clone(&self.clock);
        let micros = i64::try_from(limit.as_micros()).unwrap_or(i64::MAX);
        let deadline = clock.now().as_micros().saturating_add(micros);
        options.limits.cancelled = Some(Arc::new(move || clock.now().as_micros() > deadline));
        options
    }
}

fn inspector(settings: &Settings) -> Result<InspectOptions, Refusal> {
    let mut options = InspectOptions::default();
    options.limits.max_bytes = settings.max_upload_bytes;
    options.limits.max_pixels = settings.max_pixels;
    options.limits.max_side = settings.max_side;
    options.limits.max_memory = settings.max_decode_memory;
    options.producer_keys = Arc::clone(&settings.producer_keys);
    #[cfg(feature = "c2pa")]
    {
        let reader = touchstone_inspect::c2pa::C2paReader::new(settings.trust_anchors.clone());
        options.c2pa = Some(Arc::new(reader.map_err(Refusal::internal)?));
    }
    Ok(options)
}
