//! Every step of appending and publishing, failed and not persisted, and failed but persisted; and the clock going back.

use crate::{
    audit::{Ledger, audit, of_directory},
    eventually,
    injected::{Faults, FaultyStorage, FaultyWitness, Outcome, Step},
    postgres::Cluster,
    registrant::{Registrant, applicant},
    rounds,
};
use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tempfile::TempDir;
use touchstone_schema::{
    Sha256Digest, Timestamp,
    api::{Acknowledgement, CheckpointInfo},
    envelope::{self, STATEMENT_TYPE},
    problem::ProblemCode,
    statement::Statement,
};
use touchstone_server::{
    clock::{Clock, ManualClock, SystemEntropy},
    disk::DiskFloor,
    keyring::Keyring,
    log::{
        publisher::{CheckpointSigner, PublishError, Publisher, Rhythm},
        storage::{Directory, Storage},
        view::View,
    },
    registry::{Caller, Refusal, Registry, Settings},
    store::{CommitHook, Store, StoreConfig},
};

const ORIGIN: &str = "registry.test/log";
const PASSPHRASE: &[u8] = b"a passphrase that only tests use";
const CACHE: u64 = 1 << 20;

/// What outlives a server: database, folders, the registrant, and everything that was acknowledged.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) url: String,
    clock: Arc<ManualClock>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) verifier_key: String,
    caller: Option<Caller>,
    registrant: Option<Registrant>,
    pub(crate) ledger: Ledger,
}

impl Site {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/registry.db", folder.path().display());
        Self::new(folder, url)
    }

    pub(crate) fn postgres() -> Self {
        Self::new(tempfile::tempdir().unwrap(), Cluster::shared().database())
    }

    fn new(folder: TempDir, url: String) -> Self {
        let begin: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::at(begin));
        let store = Store::open(&config(&url)).unwrap();
        store.migrate().unwrap();
        let made = Registry::bootstrap(&store, clock.as_ref(), &SystemEntropy, ORIGIN, PASSPHRASE).unwrap();
        let mut site = Self {
            folder,
            url,
            clock,
            faults: Arc::default(),
            verifier_key: made.log_verifier_key,
            caller: None,
            registrant: None,
            ledger: Ledger::default(),
        };
        let server = site.open("log");
        let operator = server.registry.authenticate(&made.operator_token).unwrap();
        let (key, application) = applicant();
        let admitted = server.registry.admit(&operator, &application).unwrap();
        site.caller = Some(server.registry.authenticate(&admitted.token).unwrap());
        site.registrant = Some(Registrant::new(ORIGIN, admitted.organisation, key));
        server.stop();
        site
    }

    /// Lets the database refuse whoever binds these bytes.
    fn refuse_content(&self, digest: &Sha256Digest) {
        let digest = digest.to_string();
        let hex = digest.trim_start_matches("sha256:");
        match self.url.strip_prefix("sqlite://") {
            Some(path) => SqliteConnection::establish(path).unwrap().batch_execute(&format!(
                "CREATE TRIGGER refused BEFORE INSERT ON contents WHEN NEW.digest = x'{hex}' \
                 BEGIN SELECT RAISE(ABORT, 'on purpose'); END"
            )),
            None => PgConnection::establish(&self.url).unwrap().batch_execute(&format!(
                "ALTER TABLE contents ADD CONSTRAINT refused CHECK (digest <> '\\x{hex}')"
            )),
        }
        .unwrap();
    }

    fn log_folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A server on it that keeps its log below this folder.
    fn open(&self, name: &str) -> Server {
        self.try_open(name).unwrap()
    }

    pub(crate) fn try_open(&self, name: &str) -> Result<Server, PublishError> {
        self.try_open_on(Arc::new(Directory::open(self.log_folder(name)).unwrap()))
    }

    /// A server on it that keeps its log there.
    pub(crate) fn try_open_on(&self, kept_in: Arc<dyn Storage>) -> Result<Server, PublishError> {
        let hook: Arc<dyn CommitHook> = self.faults.clone();
        let store = Store::open_with(&config(&self.url), Some(hook)).unwrap();
        let keyring = store.read(|reader| Keyring::open(reader, PASSPHRASE)).unwrap();
        let storage = FaultyStorage { kept_in, faults: Arc::clone(&self.faults) };
        let view = Arc::new(View::new(Arc::new(storage), CACHE));
        let signer = CheckpointSigner::new(ORIGIN, keyring.log().clone()).unwrap();
        let rhythm = Rhythm { interval: Duration::from_millis(10), takeover: Duration::from_millis(100) };
        let (publisher, edge) = Publisher::open(
            store.clone(),
            Arc::clone(&view),
            self.clock.clone(),
            signer,
            Box::new(FaultyWitness(Arc::clone(&self.faults))),
            rhythm,
        )?;
        let disk = DiskFloor::new(vec![self.folder.path().to_owned()], 0, self.clock.clone());
        let settings = Settings::default();
        let entropy = Arc::new(SystemEntropy);
        let registry =
            Registry::open(store, keyring, self.clock.clone(), entropy, settings, view, disk).unwrap();
        Ok(Server { registry, publisher: publisher.spawn(edge).unwrap() })
    }

    pub(crate) fn envelope(&self) -> Vec<u8> {
        self.registrant.as_ref().unwrap().envelope(self.clock.now())
    }

    pub(crate) fn submit(&self, server: &Server, envelope: &[u8]) -> Result<Acknowledgement, Refusal> {
        server.registry.submit(self.caller.as_ref().unwrap(), envelope)
    }

    /// Registers something, as often as it takes.
    pub(crate) fn register(&self, server: &Server) -> Acknowledgement {
        let envelope = self.envelope();
        let acknowledgement =
            eventually("a statement is accepted", || match self.submit(server, &envelope) {
                Ok(acknowledgement) => Some(acknowledgement),
                Err(refusal) => {
                    assert_eq!(refusal.code, ProblemCode::Unavailable, "{refusal:?}");
                    assert!(refusal.retry_after_seconds.is_some());
                    None
                }
            });
        self.ledger.enter(envelope, acknowledgement.clone());
        acknowledgement
    }

    /// The log that was published below a folder is whole, holds everything that was acknowledged, and receipts are the
    /// same from every server, at all times.
    fn audit(&self, servers: &[(&Server, &str)]) {
        for (server, name) in servers {
            let entries = self.ledger.all();
            let last = entries.iter().map(|(_, entry)| entry.log_index).max().unwrap_or(0);
            let audited = eventually("everything acknowledged is published", || {
                assert_eq!(server.registry.log().halted(), None);
                let audited = audit(of_directory(&self.log_folder(name)), &self.verifier_key);
                Some(audited.unwrap_or_else(|error| panic!("{error}")))
                    .filter(|audited| audited.size() > last)
            });
            audited.holds(&self.ledger);
            audited.continues(&checkpoints(server));
            for (envelope, acknowledgement) in entries {
                let receipt =
                    eventually("a receipt", || server.registry.statement_receipt(&acknowledgement.id).ok());
                audited.verifies(&receipt, &envelope, &acknowledgement);
                let given = acknowledgement.receipt.as_deref().unwrap_or(&receipt);
                assert_eq!(receipt, given, "a receipt stays the same for ever");
            }
        }
    }
}

pub(crate) fn checkpoints(server: &Server) -> Vec<CheckpointInfo> {
    server.registry.checkpoints(0, 1_000).unwrap().checkpoints
}

fn config(url: &str) -> StoreConfig {
    StoreConfig { url: url.to_owned(), readers: 2, busy_timeout_ms: 10_000 }
}

/// A registry and its publisher, without the HTTP interface.
pub(crate) struct Server {
    pub(crate) registry: Registry,
    publisher: JoinHandle<()>,
}

impl Server {
    pub(crate) fn stop(self) {
        self.registry.log().stop();
        self.publisher.join().unwrap();
    }

    /// The receipt of a statement, once it is published.
    pub(crate) fn receipt(&self, acknowledgement: &Acknowledgement) -> String {
        eventually("a receipt", || self.registry.statement_receipt(&acknowledgement.id).ok())
    }
}

/// Every step in every way. Claiming is another matter: it happens at the start and when a server takes over.
const FAULTS: [(Step, Outcome); 14] = [
    (Step::Append, Outcome::NotPersisted),
    (Step::Append, Outcome::Persisted),
    (Step::Keep, Outcome::NotPersisted),
    (Step::Keep, Outcome::InPart),
    (Step::Keep, Outcome::Persisted),
    (Step::Cosign, Outcome::NotPersisted),
    (Step::Cosign, Outcome::Persisted),
    (Step::Sign, Outcome::NotPersisted),
    (Step::Sign, Outcome::Persisted),
    (Step::Publish, Outcome::NotPersisted),
    (Step::Publish, Outcome::Persisted),
    (Step::Replace, Outcome::NotPersisted),
    (Step::Replace, Outcome::Persisted),
    (Step::Read, Outcome::NotPersisted),
];

#[test]
fn every_step_fails_and_the_server_goes_on() {
    for site in [Site::sqlite(), Site::postgres()] {
        let server = site.open("log");
        for round in 0..rounds() {
            for (step, outcome) in FAULTS {
                site.faults.arm(step, outcome);
                let envelope = site.envelope();
                let first = site.submit(&server, &envelope);
                assert_eq!(first.is_err(), step == Step::Append, "{step:?} {outcome:?}: {first:?}");
                let accepted = first.unwrap_or_else(|refusal| {
                    assert_eq!(refusal.code, ProblemCode::Unavailable);
                    let again = site.submit(&server, &envelope).unwrap();
                    assert_eq!(again.duplicate, outcome == Outcome::Persisted);
                    again
                });
                if step == Step::Read {
                    // Whoever reads next is told that it failed; then it goes on.
                    eventually("something reads", || {
                        let _ = server.registry.statement_receipt(&accepted.id);
                        site.faults.happened().then_some(())
                    });
                }
                for _ in 0..round % 3 {
                    site.register(&server);
                }
                let receipt = Some(server.receipt(&accepted));
                assert!(site.faults.happened(), "{step:?} {outcome:?}");
                let again = site.submit(&server, &envelope).unwrap();
                assert_eq!(again, Acknowledgement { duplicate: true, ..accepted.clone() });
                site.ledger.enter(envelope, Acknowledgement { receipt, ..accepted });
            }
            site.audit(&[(&server, "log")]);
        }
        server.stop();
    }
}

#[test]
fn every_step_fails_and_the_server_ends_with_it() {
    for site in [Site::sqlite(), Site::postgres()] {
        for _ in 0..rounds() {
            for (step, outcome) in FAULTS {
                let server = site.open("log");
                site.faults.arm(step, outcome);
                let envelope = site.envelope();
                let first = site.submit(&server, &envelope);
                eventually("the fault happens", || {
                    let _ = first.as_ref().map(|accepted| server.registry.statement_receipt(&accepted.id));
                    site.faults.happened().then_some(())
                });
                server.stop();
                let server = site.open("log");
                let again = site.submit(&server, &envelope).unwrap();
                match first {
                    Ok(first) => assert_eq!(again, Acknowledgement { duplicate: true, ..first }),
                    Err(_) => assert_eq!(again.duplicate, outcome == Outcome::Persisted),
                }
                let receipt = Some(server.receipt(&again));
                site.ledger.enter(envelope, Acknowledgement { receipt, ..again });
                server.stop();
            }
            let server = site.open("log");
            site.audit(&[(&server, "log")]);
            server.stop();
        }
    }
}

#[test]
fn claiming_publication_fails() {
    for site in [Site::sqlite(), Site::postgres()] {
        for outcome in [Outcome::NotPersisted, Outcome::Persisted] {
            // At the start: the server does not start, and the next attempt does.
            site.faults.arm(Step::Claim, outcome);
            let refused = site.try_open("log").map(drop).unwrap_err();
            assert!(matches!(refused, PublishError::Failed(_)), "{refused}");
            let first = site.open("log");
            site.register(&first);
            // When it takes over from one that came later and went away.
            site.open("beside").stop();
            site.faults.arm(Step::Claim, outcome);
            let accepted = site.register(&first);
            first.receipt(&accepted);
            assert!(site.faults.happened());
            site.audit(&[(&first, "log")]);
            first.stop();
        }
    }
}

#[test]
fn two_servers_give_the_same_receipts() {
    for site in [Site::sqlite(), Site::postgres()] {
        let servers = [site.open("log"), site.open("beside")];
        let [early, late] = &servers;
        // Both append, one publishes each entry for itself, and the other one looks only now and then.
        for n in 0..24 {
            let envelope = site.envelope();
            let server = if n % 6 == 0 { early } else { late };
            let accepted = site.submit(server, &envelope).unwrap();
            let receipt = Some(late.receipt(&accepted));
            site.ledger.enter(envelope, Acknowledgement { receipt, ..accepted });
        }
        assert!(checkpoints(late).len() > 12, "entries share few checkpoints");
        site.audit(&[(early, "log"), (late, "beside")]);
        // The one that published goes away, and the other one takes over.
        let [early, late] = servers;
        let before = site.register(&late);
        late.receipt(&before);
        late.stop();
        let after = site.register(&early);
        early.receipt(&after);
        site.audit(&[(&early, "log")]);
        early.stop();
    }
}

#[test]
fn servers_start_while_another_one_publishes() {
    for site in [Site::sqlite(), Site::postgres()] {
        let server = site.open("log");
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let accepted = site.register(&server);
                    server.receipt(&accepted);
                }
            });
            // In the same folder, which an old server still writes to, and in one of its own.
            for n in 0..10 * rounds() {
                let started = site.try_open(if n % 2 == 0 { "log" } else { "beside" });
                if started.is_err() || n + 1 == 10 * rounds() {
                    over.store(true, Ordering::Relaxed);
                }
                started.unwrap().stop();
            }
        });
        site.audit(&[(&server, "log")]);
        server.stop();
    }
}

#[test]
fn a_witness_that_saw_another_log_halts_this_one() {
    let site = Site::sqlite();
    let server = site.open("log");
    let kept = site.register(&server);
    let receipt = server.receipt(&kept);
    let last = checkpoints(&server).pop().unwrap();
    site.faults.deceive_the_witness((last.size, Sha256Digest::of(b"another tree")));
    let unpublished = site.register(&server);
    let reason = eventually("it halts", || server.registry.log().halted().map(str::to_owned));
    assert!(reason.contains("another log"), "{reason}");
    let refused = site.submit(&server, &site.envelope()).unwrap_err();
    assert_eq!(refused.code, ProblemCode::LogHalted);
    // What was published stays; what was not gives no receipt.
    assert_eq!(server.registry.statement_receipt(&kept.id).unwrap(), receipt);
    let pending = server.registry.statement_receipt(&unpublished.id).unwrap_err();
    assert_eq!(pending.code, ProblemCode::ReceiptPending);
    server.stop();
    assert!(matches!(site.try_open("log").map(drop), Err(PublishError::Halt(_))));
    // The operator finds that it was the witness.
    site.faults.deceive_the_witness((last.size, last.root));
    let server = site.open("log");
    site.audit(&[(&server, "log")]);
    server.stop();
}

#[test]
fn a_thread_that_dies_stops_the_log() {
    for (step, outcome) in [(Step::Append, Outcome::Panic), (Step::Keep, Outcome::Panic)] {
        let site = Site::sqlite();
        let server = site.open("log");
        let kept = site.register(&server);
        let receipt = server.receipt(&kept);
        site.faults.arm(step, outcome);
        let answer = site.submit(&server, &site.envelope());
        assert_eq!(answer.is_err(), step == Step::Append, "{answer:?}");
        let reason = eventually("it halts", || server.registry.log().halted().map(str::to_owned));
        assert!(reason.contains("stopped unexpectedly"), "{reason}");
        let refused = site.submit(&server, &site.envelope()).unwrap_err();
        assert_eq!(refused.code, ProblemCode::LogHalted);
        assert_eq!(server.registry.ready().unwrap_err().code, ProblemCode::LogHalted);
        assert_eq!(server.registry.statement_receipt(&kept.id).unwrap(), receipt);
        server.registry.log().stop();
        assert_eq!(server.publisher.join().is_err(), step == Step::Keep);
        // The next process goes on.
        let server = site.open("log");
        site.register(&server);
        site.audit(&[(&server, "log")]);
        server.stop();
    }
}

/// What is left of a checkpoint that was signed and not published is published before anything else is signed.
#[test]
fn what_was_signed_is_published_first() {
    for site in [Site::sqlite(), Site::postgres()] {
        let server = site.open("log");
        let accepted = site.register(&server);
        server.receipt(&accepted);
        site.faults.arm(Step::Cosign, Outcome::Persisted);
        site.register(&server);
        eventually("it is sent", || site.faults.happened().then_some(()));
        let sent = site.faults.witnessed();
        server.stop();
        site.faults.silence(true);
        let server = site.open("log");
        for _ in 0..3 {
            site.register(&server);
        }
        site.faults.silence(false);
        let last = site.register(&server);
        server.receipt(&last);
        assert!(checkpoints(&server).iter().any(|checkpoint| checkpoint.size == sent), "{sent}");
        site.audit(&[(&server, "log")]);
        let published: Vec<_> = checkpoints(&server).iter().map(|info| (info.size, info.root)).collect();
        assert!(site.faults.sent().iter().all(|sent| published.contains(sent)), "one tree was signed");
        server.stop();
    }
}

/// Requests that share a transaction fail apart: what the database refuses of one of them keeps the others from nothing.
#[test]
fn what_one_request_fails_of_does_not_touch_the_others() {
    for site in [Site::sqlite(), Site::postgres()] {
        let server = site.open("log");
        let envelopes: Vec<_> = (0..6).map(|_| site.envelope()).collect();
        let opened = envelope::open(&envelopes[3], STATEMENT_TYPE).unwrap();
        let refused = Statement::parse(&opened.payload).unwrap().body.content().unwrap().sha256;
        site.refuse_content(&refused);
        let caller = site.caller.as_ref().unwrap();
        // They line up while somebody else has the log.
        let store = Store::open(&config(&site.url)).unwrap();
        let lined_up = store.write(|_| {
            let line_up = |envelope: &Vec<u8>| server.registry.begin_submission(caller, &[envelope]);
            Ok::<_, Refusal>(envelopes.iter().map(line_up).collect::<Vec<_>>())
        });
        for (number, submission) in lined_up.unwrap().into_iter().enumerate() {
            let outcome = submission.unwrap().wait();
            if number == 3 {
                assert_eq!(outcome.unwrap_err().code, ProblemCode::Internal);
                continue;
            }
            let accepted = outcome.unwrap().remove(0).unwrap();
            assert!(!accepted.duplicate);
            server.receipt(&accepted);
            site.ledger.enter(envelopes[number].clone(), accepted);
        }
        site.audit(&[(&server, "log")]);
        server.stop();
    }
}

#[test]
fn a_follower_with_a_folder_of_its_own_keeps_no_partial_tiles_of_full_ones() {
    let site = Site::postgres();
    let (follower, leader) = (site.open("log"), site.open("beside"));
    let mut last = None;
    for _ in 0..300 {
        last = Some(site.register(&leader));
    }
    let last = last.unwrap();
    for server in [&leader, &follower] {
        server.receipt(&last);
    }
    for name in ["log", "beside"] {
        for tile in ["tile/0/000", "tile/entries/000"] {
            let path = site.log_folder(name).join(tile);
            eventually("the full tile alone", || {
                (path.is_file() && !path.with_extension("p").exists()).then_some(())
            });
        }
        assert!(site.log_folder(name).join("tile/0/001.p").is_dir());
    }
    site.audit(&[(&leader, "beside"), (&follower, "log")]);
    leader.stop();
    follower.stop();
}

#[test]
fn the_clock_goes_back() {
    for site in [Site::sqlite(), Site::postgres()] {
        let server = site.open("log");
        let mut last = site.register(&server).accepted_at;
        for seconds in [-1, -200, 5, 100_000, -290, 100, -100] {
            site.clock.move_by(seconds);
            let accepted = site.register(&server);
            assert!(accepted.accepted_at >= last.max(site.clock.now()), "{seconds}: {accepted:?}");
            last = accepted.accepted_at;
            server.receipt(&accepted);
        }
        // Statements that are signed by such a clock would be stale at the time that their entry states.
        for seconds in [-20, -86_400, -200_000] {
            site.clock.move_by(seconds);
            let refused = site.submit(&server, &site.envelope()).unwrap_err();
            assert_eq!(refused.code, ProblemCode::Unavailable, "{refused:?}");
            assert!(refused.retry_after_seconds.is_some());
            let statistics = server.registry.statistics().unwrap();
            assert!(statistics.behind_seconds > 300, "{statistics:?}");
        }
        site.audit(&[(&server, "log")]);
        server.stop();
        // A server that starts in the past, too.
        let server = site.open("log");
        let behind = server.registry.statistics().unwrap().behind_seconds;
        site.submit(&server, &site.envelope()).unwrap_err();
        site.clock.move_by(i64::try_from(behind).unwrap() - 60);
        assert!(site.register(&server).accepted_at >= last);
        site.audit(&[(&server, "log")]);
        server.stop();
    }
}
