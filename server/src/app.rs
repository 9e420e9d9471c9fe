//! The composition root: puts store, keyring, registry and HTTP interface together, and stops them in order.

#[cfg(feature = "s3")]
use crate::log::storage::{Bucket, BucketError};
use crate::{
    clock::{Clock, Entropy, EntropyError, SystemClock, SystemEntropy},
    config::{Config, ConfigError, DataConfig, read_file},
    disk::DiskFloor,
    keyring::{Keyring, KeyringError},
    log::{
        edge::Edge,
        publisher::{CheckpointSigner, PublishError, Publisher},
        storage::{Directory, Storage},
        view::View,
    },
    registry::{Refusal, Registry, Settings},
    store::{Store, StoreError},
    telemetry::RequestIds,
    web::{self, State},
};
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    rt::task::JoinHandle as Task,
    web::Data,
};
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};
use touchstone_schema::log::note::{Note, NoteSignature, VerifierKeyError};
use zeroize::Zeroizing;

/// Connections that the system may queue.
const BACKLOG: u32 = 1_024;

/// How often the index is brought into order.
const MAINTAIN_EVERY: Duration = Duration::from_secs(5);
/// How often expired checks are deleted.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be opened or has another schema.
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    /// There is no file with the passphrase.
    #[error("there is no passphrase at {0:?}: make a registry with `touchstone-server bootstrap` first")]
    NoPassphrase(PathBuf),
    /// The registry's keys cannot be opened.
    #[error("the registry's keys cannot be opened: {0}")]
    Keyring(#[from] KeyringError),
    /// The registry cannot be opened.
    #[error("the registry cannot be opened: {}", .0.with_causes())]
    Registry(Refusal),
    /// The log's storage cannot be opened.
    #[error("the log's storage cannot be opened at {folder:?}: {cause}")]
    LogStorage {
        /// The directory.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The log's storage is an address of an unknown kind.
    #[error("--log-storage {0:?} is neither a directory nor an address like s3://bucket/prefix")]
    UnknownStorage(String),
    /// The log's bucket cannot be used.
    #[cfg(feature = "s3")]
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The log cannot be continued.
    #[error("the log cannot be continued: {0}")]
    Log(#[from] PublishError),
    /// Its checkpoints are cosigned, and nobody is to be asked any more: receipts rest on their first checkpoint for ever.
    #[error(
        "the last checkpoint of this log was cosigned by witnesses: give --witness-policy as before, or end that with \
         --without-witnesses. Receipts of what comes then will never satisfy the policy that you published"
    )]
    Cosigned,
    /// The origin cannot be the name of the log's key.
    #[error("the log's origin cannot name its key: {0}")]
    Origin(#[from] VerifierKeyError),
    /// The system gives no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
}

/// A registry, and who publishes its log.
#[derive(Debug)]
pub struct Opened {
    /// The registry.
    pub registry: Registry,
    publisher: Publisher,
    edge: Edge,
}

/// What registry and publisher stand on.
struct Ground {
    store: Store,
    keyring: Keyring,
    view: Arc<View>,
}

fn ground(config: &Config) -> Result<Ground, StartError> {
    let passphrase = passphrase(&config.data)?;
    let store = Store::open(&config.data.store()?)?;
    store.check_schema()?;
    let keyring = store.read(|reader| Keyring::open(reader, &passphrase))?;
    let view = Arc::new(View::new(storage(config)?, config.log.tile_cache));
    Ok(Ground { store, keyring, view })
}

/// Opens a bootstrapped registry and publishes what its log holds. Only the program that serves it gives the folder in
/// which its index is kept.
///
/// # Errors
/// [`StartError`] says what is missing and what to do.
pub fn open_registry(
    config: &Config,
    clock: Arc<dyn Clock>,
    index_folder: Option<PathBuf>,
) -> Result<Opened, StartError> {
    let ground = ground(config)?;
    let settings = Settings { index_folder, ..config.settings()? };
    let origin = Registry::origin(&ground.store).map_err(StartError::Registry)?;
    let signer = CheckpointSigner::new(&origin, ground.keyring.log().clone())?;
    let witnesses = config.log.witnesses(signer.verifier())?;
    if let Some(caution) = config.log.caution() {
        tracing::warn!("{caution}");
    }
    if config.log.witness_policy.is_none() && !config.log.without_witnesses {
        let last = ground.store.read(|reader| reader.last_checkpoint())?;
        let note = last.and_then(|last| Note::parse(last.note.as_bytes()).ok());
        let foreign = |signature: &NoteSignature| !signer.verifier().is_named_by(signature);
        if note.is_some_and(|note| note.signatures().iter().any(foreign)) {
            return Err(StartError::Cosigned);
        }
    }
    // The log comes first: a restored backup must not take a single statement.
    let (publisher, edge) = Publisher::open(
        ground.store.clone(),
        Arc::clone(&ground.view),
        Arc::clone(&clock),
        signer,
        witnesses,
        config.log.rhythm(),
    )?;
    let registry = registry(config, settings, ground, clock)?;
    Ok(Opened { registry, publisher, edge })
}

/// Opens a bootstrapped registry beside the server that publishes its log, for a command that ends at once.
///
/// # Errors
/// As [`open_registry`].
pub fn open_beside(config: &Config, clock: Arc<dyn Clock>) -> Result<Registry, StartError> {
    let ground = ground(config)?;
    registry(config, config.settings()?, ground, clock)
}

fn registry(
    config: &Config,
    settings: Settings,
    Ground { store, keyring, view }: Ground,
    clock: Arc<dyn Clock>,
) -> Result<Registry, StartError> {
    let folders = [Some(config.data.data.clone()), log_folder(config), config.data.database_folder()];
    let disk =
        DiskFloor::new(folders.into_iter().flatten().collect(), config.log.min_free_disk, Arc::clone(&clock));
    let registry = Registry::open(store, keyring, clock, Arc::new(SystemEntropy), settings, view, disk);
    registry.map_err(StartError::Registry)
}

/// The directory in which the log is kept, if it is one.
fn log_folder(config: &Config) -> Option<PathBuf> {
    match config.log.log_storage.as_deref() {
        Some(url) if url.contains("://") => None,
        Some(folder) => Some(PathBuf::from(folder)),
        None => Some(config.data.data.join("log")),
    }
}

fn storage(config: &Config) -> Result<Arc<dyn Storage>, StartError> {
    let Some(folder) = log_folder(config) else {
        let url = config.log.log_storage.as_deref().unwrap_or_default();
        #[cfg(feature = "s3")]
        if url.starts_with("s3://") {
            return Ok(Arc::new(Bucket::open(url)?));
        }
        return Err(StartError::UnknownStorage(url.to_owned()));
    };
    let directory = Directory::open(&folder).map_err(|cause| StartError::LogStorage { folder, cause })?;
    Ok(Arc::new(directory))
}

/// The passphrase of the registry's keys: the file's content without line ends.
fn passphrase(data: &DataConfig) -> Result<Zeroizing<Vec<u8>>, StartError> {
    let path = data.passphrase_path();
    if !path.exists() {
        return Err(StartError::NoPassphrase(path));
    }
    let mut bytes = Zeroizing::new(read_file(&path)?);
    while bytes.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(bytes)
}

/// A server that answers requests.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The registry that it serves, for tests and benchmarks.
    pub registry: Registry,
    handle: ServerHandle,
    task: Task<io::Result<()>>,
    housekeeping: Vec<Task<()>>,
    publisher: JoinHandle<()>,
}

impl Running {
    /// Stops accepting, lets open requests end within the configured time, and returns when all is done.
    pub async fn stop(self) {
        self.registry.stop_loading();
        self.handle.stop(true).await;
        // The task ends once the server has stopped; it has nothing more to tell.
        let _ = self.task.await;
        self.housekeeping.iter().for_each(Task::abort);
        let Self { registry, publisher, .. } = self;
        if actix_web::web::block(move || keep(&registry, publisher)).await.is_err() {
            tracing::error!("writing the index to the disk stopped unexpectedly");
        }
    }
}

/// Publishes the end of the log and keeps the index, once nothing is asked any more.
fn keep(registry: &Registry, publisher: JoinHandle<()>) {
    registry.log().stop();
    if publisher.join().is_err() {
        tracing::error!("publishing the log stopped unexpectedly");
    }
    keep_index(registry);
}

/// Writes the index to the disk for a quick start. Without it, the next start asks the database.
fn keep_index(registry: &Registry) {
    if let Err(refusal) = registry.keep_index() {
        tracing::warn!("the index could not be kept for the next start: {}", refusal.with_causes());
    }
}

/// Starts a server inside the current actix system (`#[actix_web::main]`, `#[actix_web::test]`).
///
/// # Errors
/// [`StartError`] says what is missing and what to do.
pub async fn start(config: Config) -> Result<Running, StartError> {
    start_at(config, Arc::new(SystemClock)).await
}

/// As [`start`], with another clock.
///
/// # Errors
/// As [`start`].
pub async fn start_at(config: Config, clock: Arc<dyn Clock>) -> Result<Running, StartError> {
    let opened = open_registry(&config, Arc::clone(&clock), Some(config.data.data.join("index")))?;
    let Opened { registry, publisher, edge } = opened;
    let (loading, housekept) = (registry.clone(), registry.clone());
    let features = actix_web::rt::spawn(load_features(loading));
    let maintenance = actix_web::rt::spawn(maintain_index(housekept));
    let (server, address) = serve(&config, registry.clone(), clock, &SystemEntropy)?;
    let handle = server.handle();
    let housekeeping = actix_web::rt::spawn(forget_expired_checks(registry.clone()));
    let housekeeping = vec![features, maintenance, housekeeping];
    let publisher = publisher.spawn(edge).map_err(StartError::Thread)?;
    Ok(Running { address, registry, handle, task: actix_web::rt::spawn(server), housekeeping, publisher })
}

/// Loads the local features of every picture beside the first requests.
async fn load_features(registry: Registry) {
    match actix_web::web::block(move || registry.load_features()).await {
        Ok(Ok(0)) => {}
        Ok(Ok(count)) => {
            tracing::info!(count, "crops and screenshots of {count} pictures are recognised now");
        }
        Ok(Err(refusal)) => {
            tracing::error!("crops and screenshots are not recognised: {}", refusal.with_causes());
        }
        Err(_) => tracing::error!("loading local features stopped unexpectedly"),
    }
}

/// Keeps the index in searchable order as long as the server runs.
async fn maintain_index(registry: Registry) {
    let mut often = tokio::time::interval(MAINTAIN_EVERY);
    often.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        often.tick().await;
        let registry = registry.clone();
        match actix_web::web::block(move || registry.maintain_index()).await {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => tracing::error!("the index is not kept in order: {}", refusal.with_causes()),
            Err(_) => tracing::error!("keeping the index in order stopped unexpectedly"),
        }
    }
}

/// Deletes checks whose time is over, every hour as long as the server runs.
async fn forget_expired_checks(registry: Registry) {
    let mut hourly = tokio::time::interval(FORGET_EVERY);
    loop {
        hourly.tick().await;
        let registry = registry.clone();
        match actix_web::web::block(move || registry.delete_expired_checks()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(count)) => tracing::info!(count, "deleted {count} checks whose time is over"),
            Ok(Err(refusal)) => tracing::warn!("expired checks stay for now: {}", refusal.with_causes()),
            Err(_) => tracing::error!("deleting expired checks stopped unexpectedly"),
        }
    }
}

fn serve(
    config: &Config,
    registry: Registry,
    clock: Arc<dyn Clock>,
    entropy: &dyn Entropy,
) -> Result<(Server, SocketAddr), StartError> {
    let limits = &config.limits;
    let settings = config.settings()?;
    let embedded = config.data.store()?.url.starts_with("sqlite:");
    let request_ids = RequestIds::new(entropy)?;
    let state = State::new(registry, clock, limits.clone(), &settings, request_ids, embedded);
    let state = Data::new(state);
    let listen = |cause| StartError::Listen { address: config.listen, cause };
    let server = HttpServer::new(move || App::new().configure(|services| web::configure(&state, services)))
        .workers(limits.workers())
        .worker_max_blocking_threads(limits.blocking_threads.max(1))
        .max_connections(limits.max_connections.max(1))
        .backlog(BACKLOG)
        .keep_alive(Duration::from_secs(limits.keep_alive_seconds))
        .client_request_timeout(Duration::from_secs(limits.head_seconds))
        .shutdown_timeout(limits.shutdown_seconds)
        .disable_signals()
        .bind(config.listen)
        .map_err(listen)?;
    let address = server.addrs().first().copied();
    let address = address.ok_or_else(|| listen(io::Error::other("no address was bound")))?;
    Ok((server.run(), address))
}

/// A server on threads of its own, for tests and benchmarks without an async runtime. Dropping it stops the server.
#[derive(Debug)]
pub struct Background {
    /// Where it listens.
    pub address: SocketAddr,
    /// The registry that it serves.
    pub registry: Registry,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    publisher: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts a server and returns when it answers.
    ///
    /// # Errors
    /// As [`start`].
    pub fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let body = move || {
            let system = actix_web::rt::System::new();
            let outcome = system.block_on(start_at(config, clock));
            let task = match outcome {
                Ok(Running { address, registry, handle, task, publisher, .. }) => {
                    let _ = sender.send(Ok((address, registry, handle, publisher)));
                    task
                }
                Err(error) => {
                    let _ = sender.send(Err(error));
                    return;
                }
            };
            let _ = system.block_on(task);
        };
        let thread =
            std::thread::Builder::new().name("server".to_owned()).spawn(body).map_err(StartError::Thread)?;
        let died = || StartError::Thread(io::Error::other("it ended before the server started"));
        let (address, registry, handle, publisher) = receiver.recv().map_err(|_| died())??;
        Ok(Self { address, registry, handle, thread: Some(thread), publisher: Some(publisher) })
    }

    /// Stops the server and waits until its threads have ended.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.registry.stop_loading();
            // The command is sent when `stop` is called; the thread below waits for its end.
            drop(self.handle.stop(true));
            let _ = thread.join();
            if let Some(publisher) = self.publisher.take() {
                keep(&self.registry, publisher);
            }
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.end();
    }
}
