//! Fills a registry with signed statements, fingerprints and local features, through the store, without HTTP.

use super::{BenchError, Options, cleanup::Folder, crowd::Crowd, server};
use ed25519_dalek::SigningKey;
use image::RgbImage;
use rayon::prelude::*;
use std::{fs, path::Path};
use touchstone_examples::studio::{self, edits};
use touchstone_schema::{
    OrganisationId, Sha256Digest, StatementId, Timestamp,
    api::{AdmittedOrganisation, NewOrganisation},
    envelope::{self, STATEMENT_TYPE},
    key::PublicKey,
    record::{Blob, Code256, Record},
    statement::{ContentBindings, ImageRegistered, Issuer, Kind, Nonce, Role, Statement, View},
};
use touchstone_sdk::{
    client::Client,
    entropy::SystemEntropy,
    register::{Claim, Registrar, Upload},
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
    register_original(&running.client(Some(&merchant.token))?)?;
    let info = client.registry()?;
    Ok((merchant, info.origin, info.time))
}

/// The one picture that altered photos are made from, in the usual way: pixels, sketch and detail.
fn register_original(merchant: &Client) -> Result<(), BenchError> {
    let folder = Folder::new()?;
    let file = folder.path().join("original.jpg");
    fs::write(&file, edits::jpeg(&original()?, 92)?)?;
    let registrar = Registrar::new(merchant, merchant_key(), &SystemEntropy)?;
    let claim = Claim::Picture { view: View::Listing, product: None };
    let prepared = registrar.prepare(&file, &claim, Upload::Pixels)?;
    for accepted in registrar.submit(&[&prepared])? {
        let accepted = accepted.map_err(|problem| BenchError::Other(format!("{problem:?}")))?;
        registrar.upload(&prepared, &accepted.id)?;
    }
    Ok(())
}

/// A rendered picture that nothing else in the registry is made from.
pub(crate) fn original() -> Result<RgbImage, BenchError> {
    let shot =
        studio::catalogue().last().ok_or_else(|| BenchError::Other("the studio is empty".to_owned()))?;
    Ok(studio::render(shot))
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
    let crowd = Crowd::new();
    let mut first = 0;
    while first < options.statements {
        // On a terminal's error stream, so that the table stays clean; filling a million takes minutes.
        eprint!("\rfilling the registry: {first} of {}", options.statements);
        let last = (first + BATCH).min(options.statements);
        fill(&store, &crowd, &origin, &merchant, now, first..last)?;
        first = last;
    }
    eprintln!("\rfilled the registry: {} statements          ", options.statements);
    let text = serde_json::to_string(&(&operator_token, options.statements)).map_err(BenchError::other)?;
    fs::write(&kept, text)?;
    Ok(Populated { operator_token })
}

fn fill(
    store: &Store,
    crowd: &Crowd,
    origin: &str,
    merchant: &AdmittedOrganisation,
    now: Timestamp,
    numbers: std::ops::Range<u64>,
) -> Result<(), BenchError> {
    let public = PublicKey::from(&merchant_key());
    let records: Vec<NewRecord> =
        numbers.clone().into_par_iter().map(|n| record(n, crowd)).collect::<Result<_, _>>()?;
    store.write(|writer| {
        for (n, record) in numbers.zip(&records) {
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
            writer.put_record(index, record)?;
        }
        Ok(())
    })
}

/// The record of picture `n`. Digests are as random as the fingerprints of unrelated pictures; the features are those of
/// a picture of the crowd.
fn record(n: u64, crowd: &Crowd) -> Result<NewRecord, BenchError> {
    let content = digest(n);
    let (pdq, dhash) = (Sha256Digest::of(content.as_bytes()), Sha256Digest::of(&content.as_bytes()[1..]));
    let record = Record {
        salt: Nonce([7; 16]),
        pdq: Code256(pdq.0),
        pdq_quality: 100,
        dhash: Code256(dhash.0),
        iscc: Code256(content.0),
        width: 1_024,
        height: 1_024,
        features: Some(Blob(crowd.made(u32::try_from(n).unwrap_or(u32::MAX)).to_bytes())),
        sketch: None,
        carries_label: false,
        file_name: None,
    };
    let (bytes, digest) = record.to_bytes().map_err(BenchError::other)?;
    Ok(NewRecord {
        digest,
        bytes,
        observed: true,
        pdq: Some(pdq.0),
        pdq_quality: 100,
        dhash: Some(dhash.0),
        detail: None,
        file_name: None,
    })
}
