//! A registry that publishes nothing without its witnesses.

use crate::{
    closing::await_closed,
    support::{End, Running, agent, copy, eventually, http},
};
use ed25519_dalek::SigningKey;
use serde::de::DeserializeOwned;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId,
    api::{Acknowledgement, AdmittedOrganisation, CheckpointInfo, CheckpointList, NewOrganisation},
    log::{
        checkpoint::{Checkpoint, open_checkpoint},
        note::VerifierKey,
        policy::Policy,
        receipt::TlogProof,
        tile::Tile,
        tree::empty_root,
        witness::AddCheckpoint,
    },
    statement::{Body, ContentBindings, ImageRegistered, Issuer, Nonce, Role, Statement, View},
};
use touchstone_server::{
    app::{self, Background, StartError},
    clock::{Clock, SystemClock, SystemEntropy, nonce},
    config::{Config, ConfigError},
    log::publisher::PublishError,
    registry::Registry,
    store::Store,
};

const ORIGIN: &str = "registry.test/log";
const PASSPHRASE: &str = "a passphrase that only tests use";

/// A registry with two witnesses, both of which its policy wants.
struct Witnessed {
    folder: TempDir,
    config: Config,
    operator: String,
    witnesses: [Running; 2],
    /// Bodies of what was sent to them.
    sent: Sent,
    policy: Policy,
    background: Option<Background>,
    merchant: Option<(OrganisationId, String)>,
}

type Sent = Arc<Mutex<Vec<Vec<u8>>>>;

/// An address before a witness at which everything that is sent to it is written down.
fn recording(witness: &Running, sent: &Sent) -> String {
    let (target, sent) = (format!("{}/add-checkpoint", witness.url()), Arc::clone(sent));
    let end = End::new(move |body, stream| {
        sent.lock().unwrap().push(body.to_vec());
        // A witness that is down answers nothing.
        let Ok(mut answer) = agent().post(&target).send(body) else { return };
        let media_type = answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let text = answer.body_mut().read_to_string().unwrap();
        let _ = stream.write_all(&http(answer.status().as_u16(), &media_type.unwrap_or_default(), &text));
    });
    end.url
}

/// The checkpoint in a request to a witness, signed by the log.
fn signed(body: &[u8], log: &VerifierKey) -> Checkpoint {
    let note = AddCheckpoint::parse(body).unwrap().checkpoint;
    open_checkpoint(note.as_bytes(), log).unwrap().0
}

/// A merchant to be admitted.
fn shop(name: &str, key: &SigningKey) -> NewOrganisation {
    NewOrganisation {
        name: name.to_owned(),
        role: Role::Merchant,
        public_key: key.into(),
        recovery_key: None,
        proof_of_possession: None,
        provider_codes: Vec::new(),
    }
}

impl Witnessed {
    fn start() -> Self {
        let mut registry = Self::prepared();
        registry.serve();
        registry
    }

    /// Set up, and not served yet.
    fn prepared() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::local(folder.path().join("registry"));
        config.data.readers = 2;
        config.limits.workers = 1;
        config.limits.blocking_threads = 4;
        config.log.receipt_wait_ms = 300;
        config.log.publish_interval_ms = Some(20);
        config.log.witness_timeout_ms = 20_000;
        fs::create_dir(&config.data.data).unwrap();
        fs::write(config.data.passphrase_path(), PASSPHRASE).unwrap();
        let store = Store::open(&config.data.store().unwrap()).unwrap();
        store.migrate().unwrap();
        let made =
            Registry::bootstrap(&store, &SystemClock, &SystemEntropy, ORIGIN, PASSPHRASE.as_bytes()).unwrap();
        drop(store);
        let witnesses = ["one", "two"].map(|name| Running::start(name, &[&made.log_verifier_key]));
        let sent = Sent::default();
        let ends = [&witnesses[0], &witnesses[1]].map(|witness| recording(witness, &sent));
        let [one, two] = &witnesses;
        let text = format!(
            "log {}\nwitness one {} {}\nwitness two {} {}\ngroup both all one two\nquorum both\n",
            made.log_verifier_key, one.key, ends[0], two.key, ends[1]
        );
        let path = folder.path().join("policy");
        fs::write(&path, &text).unwrap();
        config.log.witness_policy = Some(path);
        let policy = Policy::parse(&text).unwrap();
        Self {
            folder,
            config,
            operator: made.operator_token,
            witnesses,
            sent,
            policy,
            background: None,
            merchant: None,
        }
    }

    fn try_serve(&self) -> Result<Background, StartError> {
        Background::start(self.config.clone(), Arc::new(SystemClock))
    }

    fn serve(&mut self) {
        self.background = Some(self.try_serve().unwrap());
    }

    fn stop(&mut self) {
        self.background.take().unwrap().stop();
        await_closed(&self.data());
    }

    /// Status and body of an answer.
    fn exchange(&self, path: &str, token: &str, body: Option<&[u8]>) -> (u16, String) {
        let url = format!("http://{}{path}", self.background.as_ref().unwrap().address);
        let authorization = format!("Bearer {token}");
        let answer = match body {
            None => agent().get(url).header("authorization", authorization).call(),
            Some(body) => agent()
                .post(url)
                .header("authorization", authorization)
                .header("content-type", "application/json")
                .send(body),
        };
        let mut answer = answer.unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    fn json<T: DeserializeOwned>(&self, path: &str, token: &str, body: Option<&[u8]>) -> T {
        let (status, text) = self.exchange(path, token, body);
        assert!((200..300).contains(&status), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    fn merchant(&mut self) -> (OrganisationId, String) {
        if self.merchant.is_none() {
            let body = serde_json::to_vec(&shop("A shop", &Self::key())).unwrap();
            let made: AdmittedOrganisation = self.json("/v1/organisations", &self.operator, Some(&body));
            self.merchant = Some((made.organisation, made.token));
        }
        self.merchant.clone().unwrap()
    }

    /// Submits a new statement; status and body of the answer.
    fn try_register(&mut self) -> (u16, String) {
        let (organisation, token) = self.merchant();
        let fresh: Nonce = nonce(&SystemEntropy).unwrap();
        let digest = Sha256Digest::of(&fresh.0);
        let content = ContentBindings {
            sha256: digest,
            sha256_without_manifest: digest,
            media_type: "image/jpeg".to_owned(),
            c2pa: None,
            record: None,
        };
        let statement = Statement {
            audience: ORIGIN.to_owned(),
            issuer: Issuer::Organisation(organisation),
            issued_at: SystemClock.now(),
            nonce: fresh,
            body: Body::from(ImageRegistered { view: View::Listing, product: None, content }),
        };
        self.exchange("/v1/statements", &token, Some(&statement.sign(&Self::key()).unwrap()))
    }

    /// Appends entries by a command beside the server, which publishes nothing.
    fn admit_beside(&self, entries: u64) {
        let registry = app::open_beside(&self.config, Arc::new(SystemClock)).unwrap();
        let operator = registry.authenticate(&self.operator).unwrap();
        for number in 0..entries {
            let key = SigningKey::from_bytes(&[100 + u8::try_from(number).unwrap(); 32]);
            registry.admit(&operator, &shop(&format!("Shop {number}"), &key)).unwrap();
        }
        drop(registry);
        await_closed(&self.data());
    }

    fn register(&mut self) -> StatementId {
        let (status, text) = self.try_register();
        assert_eq!(status, 201, "{text}");
        serde_json::from_str::<Acknowledgement>(&text).unwrap().id
    }

    fn receipt(&self, id: &StatementId) -> (u16, String) {
        let token = self.merchant.as_ref().map_or("", |(_, token)| token.as_str());
        self.exchange(&format!("/v1/statements/{id}/receipt"), token, None)
    }

    /// Waits for a receipt, which the policy must accept.
    fn receives(&self, id: &StatementId) -> u64 {
        let text = eventually("a receipt", || Some(self.receipt(id)).filter(|(status, _)| *status == 200)).1;
        let proof = TlogProof::parse(&text).unwrap();
        let verified = self.policy.verify(proof.checkpoint.as_bytes()).unwrap();
        assert_eq!(verified.witnesses.len(), 2);
        verified.checkpoint.size
    }

    fn checkpoints(&self) -> CheckpointList {
        self.json("/v1/log/checkpoints?limit=1000", "", None)
    }

    fn published(&self) -> u64 {
        self.background.as_ref().unwrap().registry.log().published_size()
    }

    fn halted(&self) -> Option<String> {
        self.background.as_ref().unwrap().registry.log().halted().map(str::to_owned)
    }

    fn data(&self) -> PathBuf {
        self.config.data.data.clone()
    }

    /// The bundles and tiles of a log of `size` entries, over HTTP.
    fn serves_all_tiles(&self, size: u64) {
        for tile in Tile::between(0, size) {
            let path = format!("http://{}/log/{}", self.background.as_ref().unwrap().address, tile.path());
            assert_eq!(agent().get(path).call().unwrap().status(), 200, "{}", tile.path());
        }
    }

    /// Every tree that was sent to a witness is one that the log has now, or the empty one, which any log continues.
    fn sent_nothing_but(&self, known: &[CheckpointInfo]) {
        let key = self.config_key();
        let sent: Vec<Checkpoint> = self.sent.lock().unwrap().iter().map(|body| signed(body, &key)).collect();
        assert!(!sent.is_empty());
        for checkpoint in sent.iter().filter(|sent| (sent.size, sent.root) != (0, empty_root())) {
            let is_known =
                known.iter().any(|info| (info.size, info.root) == (checkpoint.size, checkpoint.root));
            assert!(is_known, "a tree of {} entries was signed", checkpoint.size);
        }
    }

    fn config_key(&self) -> VerifierKey {
        self.policy.logs()[0].key().clone()
    }

    /// A copy of database and log, as a backup keeps them.
    fn backup(&self) -> PathBuf {
        let backup = self.folder.path().join("backup");
        copy(&self.data(), &backup);
        backup
    }

    fn restore(&self, backup: &Path) {
        fs::remove_dir_all(self.data()).unwrap();
        copy(backup, &self.data());
    }
}

impl Drop for Witnessed {
    fn drop(&mut self) {
        if let Some(background) = self.background.take() {
            background.stop();
        }
    }
}

#[test]
fn every_checkpoint_carries_the_quorum() {
    let mut registry = Witnessed::start();
    let first = registry.register();
    registry.receives(&first);
    let second = registry.register();
    assert!(registry.receives(&second) > 1);
    registry.stop();
    registry.serve();
    let third = registry.register();
    registry.receives(&third);
    let list = registry.checkpoints().checkpoints;
    assert!(list.len() >= 3);
    for checkpoint in list {
        let verified = registry.policy.verify(checkpoint.note.as_bytes()).unwrap();
        assert_eq!(
            verified.witnesses.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["one", "two"]
        );
    }
    let (status, note) = registry.exchange("/log/checkpoint", "", None);
    assert_eq!(status, 200);
    assert_eq!(registry.policy.verify(note.as_bytes()).unwrap().checkpoint.size, registry.published());
}

#[test]
fn without_the_quorum_nothing_is_published_and_statements_are_still_taken() {
    let mut registry = Witnessed::start();
    let first = registry.register();
    let published = registry.receives(&first);
    registry.witnesses[1].kill();
    let waiting = [registry.register(), registry.register()];
    for id in &waiting {
        let (status, problem) = registry.receipt(id);
        assert_eq!(status, 409, "{problem}");
        assert!(problem.contains("receipt-pending"), "{problem}");
    }
    // A command beside the server publishes nothing either.
    app::open_beside(&registry.config, Arc::new(SystemClock)).unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!((registry.published(), registry.halted()), (published, None));
    // A server that is started without the quorum serves what is published, and takes statements.
    registry.stop();
    registry.serve();
    assert_eq!(registry.published(), published);
    let third = registry.register();
    assert_eq!(registry.receipt(&third).0, 409);
    registry.witnesses[1].serve();
    for id in waiting.iter().chain([&third]) {
        assert!(registry.receives(id) > published);
    }
}

#[test]
fn a_restored_backup_does_not_start_while_a_witness_knows_more() {
    let mut registry = Witnessed::start();
    let first = registry.register();
    let kept = registry.receives(&first);
    registry.stop();
    let backup = registry.backup();
    registry.serve();
    let later = [registry.register(), registry.register(), registry.register()];
    let known = later.map(|id| registry.receives(&id)).into_iter().max().unwrap();
    registry.stop();
    registry.restore(&backup);
    let error = registry.try_serve().unwrap_err();
    let reason = error.to_string();
    assert!(matches!(error, StartError::Log(PublishError::Halt(_))), "{reason}");
    assert!(
        known > kept && reason.contains(&known.to_string()) && reason.contains("older backup"),
        "{reason}"
    );
    // While the witnesses cannot be asked it starts; as soon as they speak, it halts, and signs nothing.
    registry.witnesses.iter_mut().for_each(Running::kill);
    registry.serve();
    let lost = registry.register();
    assert_eq!(registry.receipt(&lost).0, 409);
    registry.witnesses.iter_mut().for_each(Running::serve);
    let reason = eventually("it halts", || registry.halted());
    assert!(reason.contains("older backup"), "{reason}");
    let (status, problem) = registry.try_register();
    assert_eq!(status, 503, "{problem}");
    assert!(problem.contains("log-halted"), "{problem}");
    assert_eq!(registry.published(), kept);
    assert_eq!(registry.receipt(&lost).0, 409);
}

/// Entries were appended again after the backup, as many as the witnesses know and more: other ones.
#[test]
fn a_fork_is_not_signed() {
    let mut registry = Witnessed::start();
    let first = registry.register();
    let kept = registry.receives(&first);
    registry.stop();
    let backup = registry.backup();
    registry.serve();
    let second = registry.register();
    let known = registry.receives(&second);
    let genuine = registry.checkpoints().checkpoints;
    registry.stop();
    registry.restore(&backup);
    registry.witnesses.iter_mut().for_each(Running::kill);
    registry.serve();
    for _ in 0..4 {
        registry.register();
    }
    assert!(known < kept + 4);
    registry.witnesses.iter_mut().for_each(Running::serve);
    let reason = eventually("it halts", || registry.halted());
    assert!(reason.contains("two different logs"), "{reason}");
    assert_eq!(registry.published(), kept);
    registry.stop();
    let error = registry.try_serve().unwrap_err();
    assert!(matches!(error, StartError::Log(PublishError::Halt(_))), "{error}");
    registry.sent_nothing_but(&genuine);
}

/// Such a database knows no checkpoint that the witnesses could be asked about.
#[test]
fn a_database_of_before_the_first_checkpoint_signs_no_second_log() {
    let mut registry = Witnessed::prepared();
    let backup = registry.backup();
    registry.serve();
    let first = registry.register();
    let known = registry.receives(&first);
    let genuine = registry.checkpoints().checkpoints;
    registry.stop();
    registry.restore(&backup);
    registry.admit_beside(known);
    let reason = registry.try_serve().unwrap_err().to_string();
    assert!(reason.contains(&known.to_string()) && reason.contains("older backup"), "{reason}");
    // The same if the witnesses are silent at the start.
    registry.witnesses.iter_mut().for_each(Running::kill);
    registry.serve();
    registry.witnesses.iter_mut().for_each(Running::serve);
    let reason = eventually("it halts", || registry.halted());
    assert!(reason.contains("older backup"), "{reason}");
    assert_eq!(registry.published(), 0);
    registry.sent_nothing_but(&genuine);
}

/// A forgotten option must not make receipts that never satisfy the published policy.
#[test]
fn a_cosigned_log_goes_on_without_witnesses_only_if_told_so() {
    let mut registry = Witnessed::start();
    let first = registry.register();
    registry.receives(&first);
    registry.stop();
    registry.config.log.witness_policy = None;
    let error = registry.try_serve().unwrap_err();
    assert!(matches!(error, StartError::Cosigned), "{error}");
    let text = error.to_string();
    assert!(text.contains("--witness-policy") && text.contains("--without-witnesses"), "{text}");
    registry.config.log.without_witnesses = true;
    registry.serve();
    let second = registry.register();
    let text =
        eventually("a receipt", || Some(registry.receipt(&second)).filter(|(status, _)| *status == 200)).1;
    let proof = TlogProof::parse(&text).unwrap();
    assert!(registry.policy.verify(proof.checkpoint.as_bytes()).is_err());
    registry.stop();
    // From then on nothing has to be said.
    registry.config.log.without_witnesses = false;
    registry.serve();
}

/// The log's folder is lost, and while witnesses are silent nothing new is published: what is published is served whole.
#[test]
fn tiles_of_what_is_published_are_derived_again_before_the_next_checkpoint() {
    let mut registry = Witnessed::start();
    let first = registry.register();
    let published = registry.receives(&first);
    registry.witnesses[1].kill();
    let waiting = [registry.register(), registry.register(), registry.register()];
    registry.stop();
    fs::remove_dir_all(registry.data().join("log")).unwrap();
    registry.serve();
    assert_eq!(registry.published(), published);
    registry.serves_all_tiles(published);
    // With the checkpoint in storage again, an attempt begins from there.
    let checkpoint = registry.data().join("log/checkpoint");
    eventually("the checkpoint is stored", || checkpoint.is_file().then_some(()));
    registry.receives(&first);
    registry.witnesses[1].serve();
    for id in &waiting {
        assert!(registry.receives(id) > published);
    }
    registry.serves_all_tiles(registry.published());
    registry.sent_nothing_but(&registry.checkpoints().checkpoints);
}

#[test]
fn a_policy_of_another_log_is_a_wrong_setting() {
    let mut registry = Witnessed::start();
    registry.stop();
    let path = registry.config.log.witness_policy.clone().unwrap();
    fs::write(&path, "quorum none\n").unwrap();
    let error = registry.try_serve().unwrap_err();
    assert!(matches!(error, StartError::Config(ConfigError::WitnessPolicy { .. })), "{error}");
    assert!(error.to_string().contains("policy") && error.to_string().contains("quorum"), "{error}");
    registry.config.log.witness_policy = Some(path.with_file_name("no-such-policy"));
    let error = registry.try_serve().unwrap_err();
    assert!(matches!(error, StartError::Config(ConfigError::Unreadable { .. })), "{error}");
}
