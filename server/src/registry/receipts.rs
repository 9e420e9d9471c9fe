//! Receipts of the manifest repository: which log entry names a manifest, and whether that still holds.
//!
//! The proof is the entry's own receipt from the log with its exact envelope: what anyone verifies offline with the log's
//! verifier key.

use super::{Caller, Inner, Refusal, Registry, manifests::kept};
use crate::store::{EntryRow, ManifestRow, Reader};
use serde_json::{Map, Value, json};
use touchstone_schema::{
    ManifestId, Sha256Digest,
    api::Scope,
    envelope::{self, STATEMENT_TYPE},
    key::PublicKey,
    leaf,
    problem::ProblemCode,
    sbr::{
        ManifestReceipt, RECEIPT_TYPE, ReceiptAnchor, ReceiptContext, ReceiptRepository,
        VerifiedManifestReceipt,
    },
    statement::{Body, Statement},
};

/// Where the API is, below the registry's address.
pub const SBR_PATH: &str = "/sbr/v1";
/// Form of the proof: a receipt of the log, and what it proves.
const PROOF_FORM: &str = touchstone_schema::log::receipt::HEADER;
/// What a proof must say. Receipts of earlier versions say nothing else.
const STATED: [&str; 5] = ["logIndex", "leafHash", "acceptedAt", "statement", "storeSha256"];

impl Inner {
    /// The registry's address: the configured one, or the host of its origin.
    fn base(&self) -> String {
        self.settings.public_url.clone().unwrap_or_else(|| {
            let host = self.origin.split('/').next().unwrap_or_default();
            format!("https://{host}")
        })
    }

    fn receipt_of(&self, row: &ManifestRow, entry: &EntryRow) -> Result<ManifestReceipt, Refusal> {
        let base = self.base();
        let (_, envelope) = leaf::decode(&entry.leaf).map_err(Refusal::internal)?;
        let proof = object(json!({
            "form": PROOF_FORM,
            "logIndex": entry.index,
            "leafHash": entry.leaf_hash,
            "acceptedAt": entry.accepted_at,
            "statement": entry.id,
            "storeSha256": row.store_digest,
            "envelope": String::from_utf8_lossy(envelope),
            "receipt": self.receipt_of_entry(entry)?,
        }));
        let parameters = object(json!({
            "origin": self.origin,
            "logVerifierKey": PublicKey::from(self.keyring.log()).verifier_key(&self.origin),
            "verdictKey": PublicKey::from(self.keyring.verdict()),
        }));
        Ok(ManifestReceipt {
            context: ReceiptContext::Terms(object(json!({
                "c2pa": "https://c2pa.org/ns/",
                "receipt": "https://c2pa.org/ns/manifest-receipt#",
            }))),
            kind: RECEIPT_TYPE.to_owned(),
            repository: ReceiptRepository {
                uri: format!("{base}{SBR_PATH}"),
                manifest_id: row.label.clone(),
            },
            anchor: ReceiptAnchor {
                uri: format!("{base}/v1/statements/{}", entry.id),
                proof,
                parameters: Some(parameters),
            },
        })
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn anchor(reader: &mut Reader<'_>, row: &ManifestRow) -> Result<EntryRow, Refusal> {
    let entry = reader.entry(row.anchor_index)?;
    entry.ok_or_else(|| Refusal::internal("a manifest whose log entry is not there"))
}

/// What does not hold of a kept manifest and its log entry.
fn fault(row: &ManifestRow, entry: &EntryRow, store: Option<&[u8]>) -> Option<&'static str> {
    if store.map(Sha256Digest::of) != Some(row.store_digest) {
        return Some("the repository's copy of the manifest store is damaged");
    }
    if leaf::hash(&entry.leaf) != entry.leaf_hash {
        return Some("the log entry is damaged");
    }
    let names = || {
        let (_, bytes) = leaf::decode(&entry.leaf).ok()?;
        let opened = envelope::open(bytes, STATEMENT_TYPE).ok()?;
        let signed = PublicKey::from_bytes(&entry.key).is_ok_and(|key| opened.verifies(&key));
        let c2pa = match Statement::parse(&opened.payload).ok()?.body {
            Body::ContentObserved(observed) => observed.content.c2pa?,
            Body::ManifestStored(stored) => stored.c2pa,
            _ => return None,
        };
        (signed && c2pa.manifest == row.label.as_str() && c2pa.store_sha256 == row.store_digest).then_some(())
    };
    names().is_none().then_some("the log entry does not name this manifest store")
}

/// What a given receipt says otherwise than the registry's own. Addresses may have moved and keys may have been rotated
/// since it was given: origin, proof and the paths below the address stay.
fn difference(given: &ManifestReceipt, own: &ManifestReceipt) -> Option<&'static str> {
    let origin = own.anchor.parameters.as_ref().and_then(|own| own.get("origin"));
    if given.repository.manifest_id != own.repository.manifest_id {
        Some("the receipt is for another manifest")
    } else if !given.repository.uri.ends_with(SBR_PATH) {
        Some("the receipt is of another repository")
    } else if !agrees(&given.anchor.proof, &own.anchor.proof) {
        Some("the proof is not that of this manifest's log entry")
    } else if given.anchor.parameters.as_ref().is_some_and(|given| given.get("origin") != origin) {
        Some("the parameters are not those of this registry's log")
    } else {
        None
    }
}

/// Whether a proof says what ours says. One of an earlier version says less, and names another form.
fn agrees(given: &Map<String, Value>, own: &Map<String, Value>) -> bool {
    let same = |(name, value): (&String, &Value)| name == "form" || own.get(name) == Some(value);
    STATED.iter().all(|name| given.contains_key(*name)) && given.iter().all(same)
}

impl Registry {
    /// The receipt of a kept manifest.
    fn receipt(&self, id: &ManifestId) -> Result<ManifestReceipt, Refusal> {
        let inner = &*self.0;
        let (row, entry) = inner.store.read(|reader| {
            let row = kept(reader, id)?;
            let entry = anchor(reader, &row)?;
            Ok::<_, Refusal>((row, entry))
        })?;
        inner.receipt_of(&row, &entry)
    }

    /// Where the entry that names a kept manifest stands in the log.
    ///
    /// # Errors
    /// `not-found` if there is no such manifest or it was deleted.
    pub fn manifest_index(&self, id: &ManifestId) -> Result<u64, Refusal> {
        self.0.store.read(|reader| Ok(kept(reader, id)?.anchor_index))
    }

    /// The receipt of a kept manifest; none if its log entry is not published yet. It can be asked for later.
    ///
    /// # Errors
    /// `not-found` if there is no such manifest or it was deleted.
    pub fn receipt_if_published(&self, id: &ManifestId) -> Result<Option<ManifestReceipt>, Refusal> {
        match self.receipt(id) {
            Err(refusal) if refusal.code == ProblemCode::ReceiptPending => Ok(None),
            result => result.map(Some),
        }
    }

    /// The receipt of a kept manifest, verified. With `given`, that receipt is verified instead.
    ///
    /// # Errors
    /// `not-found` if there is no such manifest or it was deleted; `receipt-pending` if its log entry is not published yet;
    /// `invalid-field` if what is given is no receipt of this type; `forbidden`.
    pub fn verified_receipt(
        &self,
        caller: &Caller,
        id: &ManifestId,
        given: Option<ManifestReceipt>,
    ) -> Result<VerifiedManifestReceipt, Refusal> {
        caller.require(Scope::FetchManifests)?;
        let inner = &*self.0;
        let (row, entry, store) = inner.store.read(|reader| {
            let row = kept(reader, id)?;
            let entry = anchor(reader, &row)?;
            Ok::<_, Refusal>((row, entry, reader.manifest_bytes(id)?))
        })?;
        if given.as_ref().is_some_and(|given| given.kind != RECEIPT_TYPE) {
            let detail = format!("@type must be {RECEIPT_TYPE}");
            return Err(Refusal::with(ProblemCode::InvalidField, detail));
        }
        let own = inner.receipt_of(&row, &entry)?;
        let error = given.as_ref().and_then(|given| difference(given, &own));
        let error = error.or_else(|| fault(&row, &entry, store.as_deref()));
        Ok(VerifiedManifestReceipt {
            receipt: given.unwrap_or(own),
            verified: error.is_none(),
            error: error.map(str::to_owned),
        })
    }
}
