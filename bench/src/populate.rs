//! Fills a registry with signed statements and fingerprints, through the store, without HTTP.

use super::{BenchError, Options, server};
use ed25519_dalek::SigningKey;
use std::{fs, path::Path};
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId, Timestamp,
    api::{AdmittedOrganisation, NewOrganisation},
    envelope::{self, STATEMENT_TYPE},
    key::PublicKey,
    statement::{ContentBindings, ImageRegistered, Issuer, Kind, Nonce, Role, Statement, View},
};
use touchstone_server::store::{ContentDigest, NewEntry, NewRecord, Store, StoreConfig};

/// Statements in one transaction.
const BATCH: u64 = 5_000;
const SEED: [u8; 32] = [42; 32];

/// A populated registry.
pub(crate) struct Populated {
    pub(crate) operator_token: String,
}

/// The merchant's key.
pub(crate) fn merchant_key() -> SigningKey {
    SigningKey::from_bytes(&SEED)
}

/// The digest that statement number `n` binds.
pub(crate) fn digest(n: u64) -> Sha256Digest {
    Sha256Digest::of(&n.to_be_bytes())
}

/// A statement that binds `content`, signed by the merchant.
pub(crate) fn statement(
    origin: &str,
    issuer: OrganisationId,
    at: Timestamp,
    nonce: [u8; 16],
    content: Sha256Digest,
) -> Result<Vec<u8>, BenchError> {
    let bindings = ContentBindings {
        sha256: content,
        sha256_without_manifest: content,
        media_type: "image/jpeg".to_owned(),
        c2pa: None,
        record: None,
    };
    let body = ImageRegistered { view: View::Listing, product: None, content: bindings };
    let statement = Statement {
        audience: origin.to_owned(),
        issuer: Issuer::Organisation(issuer),
        issued_at: at,
        nonce: Nonce(nonce),
        body: body.into(),
    };
    statement.sign(&merchant_key()).map_err(BenchError::other)
}

fn admit(
    options: &Options,
    data: &Path,
    operator_token: &str,
) -> Result<(AdmittedOrganisation, String, Timestamp), BenchError> {
    let running = server::Server::start(options.bin.as_deref(), data)?;
    let client = running.client(Some(operator_token))?;
    let merchant = client.create_organisation(&NewOrganisation {
        name: "Bench merchant".to_owned(),
        role: Role::Merchant,
        public_key: PublicKey::from(&merchant_key()),
        recovery_key: None,
        proof_of_possession: None,
        provider_codes: Vec::new(),
    })?;
    let info = client.registry()?;
    Ok((merchant, info.origin, info.time))
}

/// Makes the registry, or takes the one that an earlier run left in `data`.
#[allow(clippy::print_stderr, reason = "long work says how far it is")]
pub(crate) fn registry(options: &Options, data: &Path) -> Result<Populated, BenchError> {
    let kept = data.join("bench.json");
    if let Ok(text) = fs::read_to_string(&kept) {
        let (operator_token, statements): (String, u64) =
            serde_json::from_str(&text).map_err(BenchError::other)?;
        if statements != options.statements {
            let text =
                format!("{} holds {statements} statements: say --statements {statements}", data.display());
            return Err(BenchError::Other(text));
        }
        return Ok(Populated { operator_token });
    }
    if data.join("registry.db").exists() {
        return Err(BenchError::Other(format!("{} was not filled to the end: delete it", data.display())));
    }
    let operator_token = server::bootstrap(options.bin.as_deref(), data)?;
    let (merchant, origin, now) = admit(options, data, &operator_token)?;
    let store = Store::open(&StoreConfig {
        url: format!("sqlite://{}", data.join("registry.db").display()),
        readers: 1,
        busy_timeout_ms: 5_000,
    })?;
    let mut first = 0;
    while first < options.statements {
        // On a terminal's error stream, so that the table stays clean; filling a million takes minutes.
        eprint!("\rfilling the registry: {first} of {}", options.statements);
        let last = (first + BATCH).min(options.statements);
        fill(&store, &origin, &merchant, now, first..last)?;
        first = last;
    }
    eprintln!("\rfilled the registry: {} statements          ", options.statements);
    let text = serde_json::to_string(&(&operator_token, options.statements)).map_err(BenchError::other)?;
    fs::write(&kept, text)?;
    Ok(Populated { operator_token })
}

fn fill(
    store: &Store,
    origin: &str,
    merchant: &AdmittedOrganisation,
    now: Timestamp,
    numbers: std::ops::Range<u64>,
) -> Result<(), BenchError> {
    let public = PublicKey::from(&merchant_key());
    store.write(|writer| {
        for n in numbers {
            let content = digest(n);
            let mut nonce = [0; 16];
            nonce[..8].copy_from_slice(&n.to_be_bytes());
            let bytes = statement(origin, merchant.organisation, now, nonce, content)?;
            let opened = envelope::open(&bytes, STATEMENT_TYPE).map_err(BenchError::other)?;
            let mut random = [0; 10];
            random.copy_from_slice(&content.as_bytes()[..10]);
            let entry = NewEntry {
                id: StatementId::from_parts(1_795_000_000_000 + n, random),
                kind: Kind::ImageRegistered,
                issuer: Issuer::Organisation(merchant.organisation),
                key: *public.as_bytes(),
                deduplication_key: opened.deduplication_key(&public),
                envelope: &bytes,
            };
            let index = writer.append(now, &entry)?.index;
            writer.bind_content(&content, ContentDigest::File, index)?;
            writer.bind_content(&content, ContentDigest::WithoutManifest, index)?;
            // Digests are as random as the fingerprints of unrelated pictures.
            let record = NewRecord {
                digest: content,
                bytes: b"{}".to_vec(),
                observed: true,
                pdq: Some(*Sha256Digest::of(content.as_bytes()).as_bytes()),
                pdq_quality: 100,
                dhash: Some(*Sha256Digest::of(&content.as_bytes()[1..]).as_bytes()),
                detail: None,
                file_name: None,
            };
            writer.put_record(index, &record)?;
        }
        Ok(())
    })
}
