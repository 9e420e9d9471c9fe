//! A registry's log as files, made with real keys and without a registry, so that it can also be made wrong.

use ed25519_dalek::SigningKey;
use std::{fs, path::Path};
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId, Timestamp,
    envelope::{self, STATEMENT_TYPE},
    key::PublicKey,
    label::{AiAttribute, DigitalSourceType, LabelBasis, OutputLabel},
    leaf,
    log::{
        Checkpoint, Frontier, Level, NodeId, Policy, Tile, TlogProof, VerifierKey, encode_bundle,
        prove_inclusion, sign_checkpoint, tile::TILE_WIDTH,
    },
    statement::{
        Body, ContentBindings, ImageRegistered, Issuer, Nonce, OrganisationAdmitted, OutputLabelled,
        PolicyChanged, Role, Statement, View,
    },
};

pub(crate) const ORIGIN: &str = "r.example/log";
/// 2025-01-01T10:00:00Z: no machine that runs this has an earlier clock.
pub(crate) const START: i64 = 1_735_725_600_000_000;

/// A present long after [`START`].
pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(START + 1_000_000_000_000).unwrap()
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn public(key: &SigningKey) -> PublicKey {
    PublicKey::from(key)
}

pub(crate) fn log_key() -> SigningKey {
    key(200)
}

pub(crate) fn operator() -> SigningKey {
    key(201)
}

pub(crate) fn verdict() -> SigningKey {
    key(202)
}

pub(crate) fn verifier() -> VerifierKey {
    VerifierKey::ed25519(ORIGIN, public(&log_key())).unwrap()
}

pub(crate) fn policy() -> Policy {
    Policy::parse(&format!("log {}\nquorum none\n", verifier())).unwrap()
}

/// An organisation and its keys.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) id: OrganisationId,
    pub(crate) key: SigningKey,
    pub(crate) recovery: SigningKey,
}

impl Member {
    pub(crate) fn issuer(&self) -> Issuer {
        Issuer::Organisation(self.id)
    }
}

/// A log that grows in memory.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) now: i64,
    nonce: u64,
}

pub(crate) fn policy_changed(policy: &str, value: &str) -> Body {
    PolicyChanged { policy: policy.to_owned(), value: value.to_owned() }.into()
}

impl Log {
    /// Without the entries that every log begins with.
    pub(crate) fn empty() -> Self {
        Self { entries: Vec::new(), now: START, nonce: 0 }
    }

    pub(crate) fn new() -> Self {
        let mut log = Self::empty();
        for (policy, value) in [
            ("origin", ORIGIN.to_owned()),
            ("operator_key", public(&operator()).to_string()),
            ("verdict_key", public(&verdict()).to_string()),
        ] {
            log.decide(policy_changed(policy, &value));
        }
        log
    }

    pub(crate) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn statement(&mut self, issuer: Issuer, body: impl Into<Body>) -> Statement {
        self.nonce += 1;
        let mut nonce = [0; 16];
        nonce[8..].copy_from_slice(&self.nonce.to_be_bytes());
        Statement {
            audience: ORIGIN.to_owned(),
            issuer,
            issued_at: Timestamp::from_micros(self.now).unwrap(),
            nonce: Nonce(nonce),
            body: body.into(),
        }
    }

    /// Appends leaf data as it is.
    pub(crate) fn push(&mut self, leaf: Vec<u8>) -> u64 {
        self.entries.push(leaf);
        self.size() - 1
    }

    /// Appends an envelope, accepted a second after the one before.
    pub(crate) fn append(&mut self, envelope: &[u8]) -> u64 {
        self.now += 1_000_000;
        self.push(leaf::encode(Timestamp::from_micros(self.now).unwrap(), envelope))
    }

    /// Signs and appends; gives the index and the identifier.
    pub(crate) fn say(
        &mut self,
        issuer: Issuer,
        key: &SigningKey,
        body: impl Into<Body>,
    ) -> (u64, StatementId) {
        let envelope = self.statement(issuer, body).sign(key).unwrap();
        let index = self.append(&envelope);
        let opened = envelope::open(&envelope, STATEMENT_TYPE).unwrap();
        let at = Timestamp::from_micros(self.now).unwrap();
        (index, StatementId::of_entry(at, &opened.deduplication_key(&public(key))))
    }

    /// By the operator.
    pub(crate) fn decide(&mut self, body: impl Into<Body>) -> (u64, StatementId) {
        self.say(Issuer::Registry, &operator(), body)
    }

    /// By the verdict key.
    pub(crate) fn observe(&mut self, body: impl Into<Body>) -> (u64, StatementId) {
        self.say(Issuer::Registry, &verdict(), body)
    }

    /// Admits an organisation whose keys are made from `seed` and `seed + 1`.
    pub(crate) fn admit(&mut self, seed: u8, role: Role) -> Member {
        let member = Member {
            id: OrganisationId::from_parts(u64::from(seed), [seed; 10]),
            key: key(seed),
            recovery: key(seed + 1),
        };
        self.decide(admission(&member, role));
        member
    }

    pub(crate) fn register(&mut self, member: &Member, picture: &str) -> (u64, StatementId) {
        self.say(member.issuer(), &member.key, image(picture))
    }

    pub(crate) fn root(&self, size: u64) -> Sha256Digest {
        let mut frontier = Frontier::new();
        self.entries[..size as usize].iter().for_each(|entry| frontier.push(leaf::hash(entry)));
        frontier.root()
    }

    /// The checkpoint of the first `size` entries, signed with `key`.
    pub(crate) fn note(&self, size: u64, key: &SigningKey) -> String {
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: self.root(size) };
        sign_checkpoint(&checkpoint, key).unwrap().to_string()
    }

    /// The receipt of an entry under a checkpoint of the whole log, and its envelope.
    pub(crate) fn receipt(&self, index: u64, note: &str) -> (String, Vec<u8>) {
        let leaves: Vec<Sha256Digest> = self.entries.iter().map(|entry| leaf::hash(entry)).collect();
        let mut nodes = |id: NodeId| {
            let mut frontier = Frontier::new();
            let (from, to) = (id.index << id.level, (id.index + 1) << id.level);
            leaves[from as usize..to as usize].iter().for_each(|leaf| frontier.push(*leaf));
            Ok::<_, std::convert::Infallible>(frontier.root())
        };
        let hashes = prove_inclusion(index, self.size(), &mut nodes).unwrap();
        let (head, envelope) = self.entries[index as usize].split_at(leaf::HEADER);
        let proof = TlogProof { extra: Some(head.to_vec()), index, hashes, checkpoint: note.to_owned() };
        (proof.to_string(), envelope.to_vec())
    }

    /// Writes the files of the log of the first `size` entries, as a registry that published it in one step.
    pub(crate) fn write(&self, folder: &Path, size: u64) {
        let entries = &self.entries[..size as usize];
        let mut rows = vec![entries.iter().map(|entry| leaf::hash(entry)).collect::<Vec<_>>()];
        while let Some(row) = rows.last().filter(|row| row.len() >= TILE_WIDTH as usize) {
            let above = row.chunks_exact(TILE_WIDTH as usize).map(|tile| {
                let mut frontier = Frontier::new();
                tile.iter().for_each(|hash| frontier.push(*hash));
                frontier.root()
            });
            rows.push(above.collect());
        }
        for tile in Tile::between(0, size) {
            let first = tile.index as usize * TILE_WIDTH as usize;
            let range = first..first + usize::from(tile.width);
            let bytes = match tile.level {
                Level::Entries => encode_bundle(entries[range].iter().map(Vec::as_slice)).unwrap(),
                Level::Hashes(level) => {
                    rows[usize::from(level)][range].iter().flat_map(|hash| hash.0).collect()
                }
            };
            let path = folder.join(tile.path());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        fs::write(folder.join("checkpoint"), self.note(size, &log_key())).unwrap();
    }
}

pub(crate) fn admission(member: &Member, role: Role) -> Body {
    OrganisationAdmitted {
        organisation: member.id,
        name: format!("organisation {}", member.id),
        role,
        key: public(&member.key),
        recovery_key: Some(public(&member.recovery)),
    }
    .into()
}

pub(crate) fn digest(name: &str) -> Sha256Digest {
    Sha256Digest::of(name.as_bytes())
}

pub(crate) fn bindings(picture: &str) -> ContentBindings {
    ContentBindings {
        sha256: digest(picture),
        sha256_without_manifest: digest(&format!("{picture} without manifest")),
        media_type: "image/jpeg".to_owned(),
        c2pa: None,
        record: None,
    }
}

pub(crate) fn image(picture: &str) -> Body {
    ImageRegistered { view: View::Listing, product: None, content: bindings(picture) }.into()
}

pub(crate) fn label(producer: &str, content_id: &str) -> OutputLabel {
    OutputLabel {
        producer: producer.to_owned(),
        content_id: content_id.to_owned(),
        attribute: AiAttribute::Confirmed,
        basis: LabelBasis::Produced,
        digital_source_type: DigitalSourceType::TrainedAlgorithmicMedia,
        system: "model".to_owned(),
        system_version: None,
        created_at: None,
        gb45438: None,
        signature_layer: None,
        watermark_layer: None,
        visible_label: None,
        detector_url: None,
        retention_days: None,
    }
}

pub(crate) fn output(producer: &str, content_id: &str, picture: &str) -> Body {
    OutputLabelled { label: label(producer, content_id), content: bindings(picture), parents: Vec::new() }
        .into()
}
