//! A real server for one test, on SQLite or PostgreSQL, and what must hold of every registry when its test ends.

use crate::{
    actors::{Anonymous, Merchant, Operator, Platform, Regulator, Vendor},
    client::{Answer, Client, Seen},
    closing::await_closed,
    postgres,
};
use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};
use std::{
    collections::HashSet,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
};
use tempfile::TempDir;
use touchstone_schema::{
    Timestamp,
    api::RegistryInfo,
    envelope::{self, STATEMENT_TYPE},
    key::PublicKey,
    leaf,
    log::{
        checkpoint::Checkpoint,
        frontier::Frontier,
        note::Note,
        tile::{Level as Row, Tile, encode_bundle},
    },
    statement::Statement,
};
use touchstone_server::{
    app::Background,
    clock::{ManualClock, SystemEntropy},
    config::Config,
    registry::Registry,
    store::{Store, StoreError},
};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

/// The audience of statements in tests.
pub(crate) const ORIGIN: &str = "registry.test/log";
const PASSPHRASE: &str = "a passphrase that only tests use";
/// When every test begins.
pub(crate) const BEGIN: &str = "2026-11-22T09:00:00Z";

/// Where the registry keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// A point in time, from RFC 3339.
pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A running registry with a clock that stands still until it is moved.
pub(crate) struct TestApp {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) engine: Engine,
    operator_token: String,
    config: Config,
    background: Option<Background>,
    seen: Seen,
    expected: Mutex<HashSet<String>>,
    folder: TempDir,
    /// The test has broken the registry: nothing holds of it any more.
    abandoned: bool,
}

impl TestApp {
    /// An empty registry with the usual settings.
    pub(crate) fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {})
    }

    /// An empty registry with other settings.
    pub(crate) fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        capture_log();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(time(BEGIN)));
        let mut config = Config::local(folder.path());
        if engine == Engine::Postgres {
            config.data.database_url = Some(postgres::Cluster::shared().database());
        }
        config.data.readers = 4;
        config.limits.workers = 1;
        config.limits.blocking_threads = 8;
        config.limits.sign_in_attempts = 3;
        change(&mut config);
        std::fs::write(config.data.passphrase_path(), PASSPHRASE).unwrap();
        let store = Store::open(&config.data.store().unwrap()).unwrap();
        store.migrate().unwrap();
        let made = Registry::bootstrap(&store, clock.as_ref(), &SystemEntropy, ORIGIN, PASSPHRASE.as_bytes())
            .unwrap();
        drop(store);
        let background = Background::start(config.clone(), clock.clone()).unwrap();
        Self {
            clock,
            engine,
            operator_token: made.operator_token,
            config,
            background: Some(background),
            seen: Seen::default(),
            expected: Mutex::default(),
            folder,
            abandoned: false,
        }
    }

    /// Stops the server and starts another one on the same state.
    pub(crate) fn restart(&mut self) {
        self.background.take().unwrap().stop();
        self.background = Some(Background::start(self.config.clone(), self.clock.clone()).unwrap());
    }

    /// Stops the server, and waits until its database is closed.
    fn stop(&mut self) {
        self.background.take().unwrap().stop();
        await_closed(self.folder.path());
    }

    /// Stops the server, changes something behind its back, and starts another one.
    pub(crate) fn while_stopped(&mut self, change: impl FnOnce()) {
        self.stop();
        change();
        self.background = Some(Background::start(self.config.clone(), self.clock.clone()).unwrap());
    }

    /// A second server on the same database, with a folder of its own.
    pub(crate) fn beside(&self) -> Background {
        let mut config = self.config.clone();
        let store = self.config.data.store().unwrap();
        config.data.database_url = Some(store.url);
        config.data.passphrase_file = Some(self.config.data.passphrase_path());
        config.data.data = self.folder.path().join("beside");
        Background::start(config, self.clock.clone()).unwrap()
    }

    /// Where the index is kept.
    pub(crate) fn index_folder(&self) -> PathBuf {
        self.folder.path().join("index")
    }

    /// Where the published log is kept.
    pub(crate) fn log_folder(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Stops the server and starts another one with other settings.
    pub(crate) fn change_config(&mut self, change: impl FnOnce(&mut Config)) {
        self.background.take().unwrap().stop();
        change(&mut self.config);
        self.background = Some(Background::start(self.config.clone(), self.clock.clone()).unwrap());
    }

    /// The store, past the server.
    pub(crate) fn store(&self) -> Store {
        Store::open(&self.config.data.store().unwrap()).unwrap()
    }

    /// Stops the server, changes something behind its back, and tells why another one does not start. The registry is over
    /// then.
    pub(crate) fn refuses_to_start_after(mut self, change: impl FnOnce(&Self)) -> String {
        self.stop();
        change(&self);
        let error = Background::start(self.config.clone(), self.clock.clone()).unwrap_err();
        self.abandoned = true;
        error.to_string()
    }

    /// The test provokes a warning or an error with these words that belongs to no request.
    pub(crate) fn expect_logged(&self, words: &str) {
        PROVOKED.lock().unwrap().push(words.to_owned());
    }

    /// The file of an SQLite database.
    pub(crate) fn database_path(&self) -> PathBuf {
        self.folder.path().join("registry.db")
    }

    /// A client without a token.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.background.as_ref().unwrap().address, Arc::clone(&self.seen))
    }

    /// The same client at the server's address of now.
    pub(crate) fn again(&self, client: &Client) -> Client {
        client.at(self.background.as_ref().unwrap().address)
    }

    pub(crate) fn anonymous(&self) -> Anonymous {
        Anonymous(self.client())
    }

    pub(crate) fn operator(&self) -> Operator {
        Operator::new(self.client().with_token(&self.operator_token))
    }

    /// A merchant that was just admitted.
    pub(crate) fn merchant(&self) -> Merchant {
        Merchant::admitted(self)
    }

    /// An AI vendor that was just admitted, with a provider code of its own.
    pub(crate) fn vendor(&self) -> Vendor {
        Vendor::admitted(self)
    }

    /// A platform that was just admitted.
    pub(crate) fn platform(&self) -> Platform {
        Platform::admitted(self)
    }

    /// A regulator that was just admitted.
    pub(crate) fn regulator(&self) -> Regulator {
        Regulator::admitted(self)
    }

    pub(crate) fn info(&self) -> RegistryInfo {
        self.client().get("/v1/registry").json_with(200)
    }

    pub(crate) fn log_size(&self) -> u64 {
        self.info().log_size
    }

    /// The registry's time.
    pub(crate) fn now(&self) -> Timestamp {
        touchstone_server::clock::Clock::now(self.clock.as_ref())
    }

    /// The test provoked this failure: the registry logs it as an error.
    pub(crate) fn expect_failure(&self, answer: &Answer) {
        assert!(answer.status >= 500, "{}", answer.text());
        self.expected.lock().unwrap().insert(answer.request_id().to_owned());
    }

    /// SQL past the store.
    pub(crate) fn execute(&self, sql: &str) {
        match &self.config.data.database_url {
            Some(url) => PgConnection::establish(url).unwrap().batch_execute(sql).unwrap(),
            None => self.raw_sqlite().batch_execute(sql).unwrap(),
        }
    }

    /// A connection past the store.
    pub(crate) fn raw_sqlite(&self) -> SqliteConnection {
        let path = self.folder.path().join("registry.db");
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        // The server may be publishing.
        connection.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
        connection
    }

    /// A connection past the store.
    pub(crate) fn raw_postgres(&self) -> PgConnection {
        PgConnection::establish(self.config.data.database_url.as_ref().unwrap()).unwrap()
    }

    /// Everything in the files of an SQLite database.
    pub(crate) fn database_bytes(&self) -> Vec<u8> {
        let read = |name: &str| std::fs::read(self.folder.path().join(name)).unwrap_or_default();
        [read("registry.db"), read("registry.db-wal")].concat()
    }

    /// Runs what must store nothing: the log stays as it is.
    #[track_caller]
    pub(crate) fn stores_nothing<T>(&self, f: impl FnOnce() -> T) -> T {
        let before = self.log_size();
        let result = f();
        assert_eq!(self.log_size(), before, "nothing is logged");
        result
    }

    fn verify_log(&self) {
        let store = Store::open(&self.config.data.store().unwrap()).unwrap();
        store
            .read(|reader| {
                let size = reader.log_size()?;
                assert!(size > 0, "bootstrap logs the origin");
                let mut last = Timestamp::EPOCH;
                for index in 0..size {
                    let entry = reader.entry(index)?.unwrap_or_else(|| panic!("entry {index} is missing"));
                    assert_eq!(entry.index, index);
                    assert!(entry.accepted_at >= last, "entry {index} was accepted before its predecessor");
                    last = entry.accepted_at;
                    assert_eq!(entry.leaf_hash, leaf::hash(&entry.leaf));
                    let (accepted_at, bytes) = leaf::decode(&entry.leaf).unwrap();
                    assert_eq!(accepted_at, entry.accepted_at);
                    let opened = envelope::open(bytes, STATEMENT_TYPE).unwrap();
                    let key = PublicKey::from_bytes(&entry.key).unwrap();
                    assert!(opened.verifies(&key), "the signature of entry {index}");
                    let statement = Statement::parse(&opened.payload).unwrap();
                    assert_eq!(statement.audience, ORIGIN);
                    assert_eq!(statement.issuer, entry.issuer);
                    assert_eq!(statement.body.kind(), entry.kind);
                    let found = reader.entry_by_id(&entry.id)?.map(|found| found.index);
                    assert_eq!(found, Some(index));
                }
                assert!(reader.entry(size)?.is_none(), "nothing stands behind the end of the log");
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }

    /// What is published is all of the log, and every tile in the folder is the one that follows from it.
    fn verify_published(&self) {
        let store = Store::open(&self.config.data.store().unwrap()).unwrap();
        let size = store.read(|reader| reader.log_size()).unwrap();
        let leaves: Vec<Vec<u8>> = store.read(|reader| reader.leaves(0, u32::MAX)).unwrap();
        assert_eq!(leaves.len() as u64, size);
        let mut rows = vec![leaves.iter().map(|leaf| leaf::hash(leaf)).collect::<Vec<_>>()];
        let mut tree = Frontier::new();
        rows[0].iter().for_each(|hash| tree.push(*hash));
        while let Some(above) = rows.last().filter(|row| row.len() >= 256) {
            let roots = above.chunks_exact(256).map(|tile| {
                let mut tree = Frontier::new();
                tile.iter().for_each(|hash| tree.push(*hash));
                tree.root()
            });
            rows.push(roots.collect());
        }
        let folder = self.log_folder();
        let note = std::fs::read_to_string(folder.join("checkpoint")).unwrap();
        let checkpoint = Checkpoint::parse(Note::parse(note.as_bytes()).unwrap().text()).unwrap();
        assert_eq!(
            (checkpoint.size, checkpoint.root),
            (size, tree.root()),
            "the end of the log is published"
        );
        for tile in Tile::between(0, size) {
            let bytes =
                std::fs::read(folder.join(tile.path())).unwrap_or_else(|e| panic!("{}: {e}", tile.path()));
            let from = usize::try_from(tile.index * 256).unwrap();
            let range = from..from + usize::from(tile.width);
            let expected = match tile.level {
                Row::Entries => encode_bundle(leaves[range].iter().map(Vec::as_slice)).unwrap(),
                Row::Hashes(level) => {
                    rows[usize::from(level)][range].iter().flat_map(|hash| hash.0).collect()
                }
            };
            assert_eq!(bytes, expected, "{}", tile.path());
        }
    }

    fn verify_warnings(&self) {
        let (seen, expected) = (self.seen.lock().unwrap(), self.expected.lock().unwrap());
        let mut missing = expected.clone();
        for warning in warnings() {
            match &warning.request {
                Some(id) if expected.contains(id) => {
                    missing.remove(id);
                }
                Some(id) if !seen.contains(id) => {} // another test's
                None if PROVOKED.lock().unwrap().iter().any(|words| warning.fields.contains(words)) => {}
                _ => panic!("the server logged: {warning}"),
            }
        }
        assert!(missing.is_empty(), "failures that were not logged: {missing:?}");
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(background) = self.background.take() {
            background.stop();
        }
        if !std::thread::panicking() && !self.abandoned {
            self.verify_log();
            self.verify_published();
            self.verify_warnings();
        }
    }
}

/// A warning or an error in the log of this process.
#[derive(Debug, Clone)]
struct Warning {
    level: Level,
    target: String,
    fields: String,
    request: Option<String>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{}", self.level, self.target, self.fields)
    }
}

static WARNINGS: Mutex<Vec<Warning>> = Mutex::new(Vec::new());
/// Words of warnings that tests provoke and that belong to no request.
static PROVOKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn warnings() -> Vec<Warning> {
    WARNINGS.lock().unwrap().clone()
}

/// Keeps every warning and error of this process, whichever test's server wrote it.
fn capture_log() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        tracing_subscriber::registry().with(LevelFilter::WARN).with(Capture).try_init().unwrap();
    });
}

struct Capture;

impl<S: Subscriber> Layer<S> for Capture {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut warning = Warning {
            level: *event.metadata().level(),
            target: event.metadata().target().to_owned(),
            fields: String::new(),
            request: None,
        };
        event.record(&mut warning);
        WARNINGS.lock().unwrap().push(warning);
    }
}

impl Visit for Warning {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "request" {
            self.request = Some(format!("{value:?}"));
        }
        self.fields.push_str(&format!(" {}={value:?}", field.name()));
    }
}
