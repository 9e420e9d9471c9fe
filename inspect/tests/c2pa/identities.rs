//! CAWG identity assertions, made here: who is named, and when that counts.

use crate::certificates::{Authority, Identity as Holder, Usage};
use crate::files::*;
use ::c2pa::HashedUri;
use ciborium::Value;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use rcgen::KeyPair;
use serde_json::json;
use std::net::TcpListener;
use std::sync::Arc;
use touchstone_inspect::c2pa::{
    C2paReader, C2paReport, C2paState, IDENTITY_MAIL_CERTIFICATE, IDENTITY_MANIFEST_INVALID,
    IDENTITY_RESTRICTED, Identity, IdentityKind, IdentityState, TrustAnchors,
};

/// What an identity assertion is made of.
#[derive(Clone)]
struct Recipe {
    holder: Arc<Holder>,
    sig_type: &'static str,
    /// Fields of the signed structure beside the usual ones.
    more: Vec<(Value, Value)>,
    /// Changes the references to the claim's assertions.
    references: fn(Vec<Value>) -> Vec<Value>,
    /// Signs over map keys in deterministic order, whatever the order in the file.
    deterministic: bool,
    /// Byte with which the padding is filled.
    padding: u8,
    /// Flips a bit of the signature.
    wrong: bool,
    /// The aggregator's identifier, if this is an aggregated identity; `did:jwk` stands for the holder's key.
    aggregator: Option<&'static str>,
}

fn recipe(holder: &Arc<Holder>) -> Recipe {
    Recipe {
        holder: Arc::clone(holder),
        sig_type: "cawg.x509.cose",
        more: vec![entry("role", Value::Array(vec![text("cawg.creator")]))],
        references: |references| references,
        deterministic: false,
        padding: 0,
        wrong: false,
        aggregator: None,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn entry(key: &str, value: Value) -> (Value, Value) {
    (text(key), value)
}

fn key(holder: &Holder) -> KeyPair {
    KeyPair::from_pem(&holder.key_pkcs8_pem).unwrap()
}

/// The identifier that is a public key.
fn did_jwk(holder: &Holder) -> String {
    let x = BASE64URL_NOPAD.encode(key(holder).public_key_raw());
    let jwk = json!({ "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": x });
    format!("did:jwk:{}", BASE64URL_NOPAD.encode(jwk.to_string().as_bytes()))
}

impl Recipe {
    fn assertion(&self, claimed: &[HashedUri], size: usize) -> Vec<u8> {
        let reference = |uri: &HashedUri| {
            let hash = Value::Bytes(uri.hash());
            Value::Map(vec![entry("url", text(&uri.url())), entry("hash", hash)])
        };
        let bindings = claimed.iter().filter(|uri| uri.url().contains("c2pa.hash."));
        let references = (self.references)(bindings.map(reference).collect());
        // In this order, which is not the deterministic one.
        let mut fields = vec![
            entry("sig_type", text(self.sig_type)),
            entry("referenced_assertions", Value::Array(references)),
        ];
        fields.extend(self.more.clone());
        let payload = Value::Map(fields);
        let signature = match self.aggregator {
            Some(aggregator) => self.credential(aggregator, claimed),
            None => {
                let signed = if self.deterministic { ordered(&payload) } else { payload.clone() };
                let algorithm = (Value::Integer(1.into()), Value::Integer((-8).into()));
                let protected = vec![algorithm, chain(&self.holder)];
                cose(&self.holder, protected, &encode(&signed), true, self.wrong)
            }
        };
        let assertion = |padding: usize| {
            encode(&Value::Map(vec![
                entry("signer_payload", payload.clone()),
                entry("signature", Value::Bytes(signature.clone())),
                entry("pad1", Value::Bytes(vec![self.padding; padding])),
            ]))
        };
        // The length of the padding takes 3 bytes from 256 to 65,535.
        let padding = 256 + size - assertion(256).len();
        assertion(padding)
    }

    /// The aggregator's credential about somebody.
    fn credential(&self, aggregator: &str, claimed: &[HashedUri]) -> Vec<u8> {
        let issuer = if aggregator == "did:jwk" { did_jwk(&self.holder) } else { aggregator.to_owned() };
        let bindings = claimed.iter().filter(|uri| uri.url().contains("c2pa.hash."));
        let references: Vec<_> =
            bindings.map(|uri| json!({ "url": uri.url(), "hash": BASE64.encode(&uri.hash()) })).collect();
        let credential = json!({
            "@context": [
                "https://www.w3.org/ns/credentials/v2",
                "https://cawg.io/identity/1.1/ica/context/",
            ],
            "type": ["VerifiableCredential", "IdentityClaimsAggregationCredential"],
            "issuer": issuer,
            "validFrom": "2026-01-01T00:00:00Z",
            "credentialSubject": {
                "verifiedIdentities": [{
                    "type": "cawg.social_media",
                    "name": "Lin Mo",
                    "username": "linmo",
                    "uri": "https://social.example/linmo",
                    "verifiedAt": "2026-01-01T00:00:00Z",
                    "provider": { "id": "https://social.example", "name": "Example" },
                }],
                "c2paAsset": {
                    "referenced_assertions": references,
                    "sig_type": self.sig_type,
                    "role": ["cawg.creator"],
                },
            },
        });
        let protected = vec![
            (Value::Integer(1.into()), Value::Integer((-8).into())),
            (Value::Integer(3.into()), text("application/vc")),
        ];
        cose(&self.holder, protected, credential.to_string().as_bytes(), false, self.wrong)
    }
}

/// Map keys by their encoded bytes, on every level.
fn ordered(value: &Value) -> Value {
    match value {
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|(k, v)| (k.clone(), ordered(v))).collect();
            entries.sort_by_key(|(key, _)| encode(key));
            Value::Map(entries)
        }
        Value::Array(items) => Value::Array(items.iter().map(ordered).collect()),
        other => other.clone(),
    }
}

/// A picture signed by `signer` with this identity in its manifest.
fn with_identity(signer: &Holder, recipe: &Recipe) -> Vec<u8> {
    let recipe = recipe.clone();
    let signer = Adding {
        signer: library_signer(signer),
        label: "cawg.identity",
        size: 6000,
        make: Arc::new(move |claimed, size| recipe.assertion(claimed, size)),
    };
    let original = picture(image::ImageFormat::Jpeg, 40, 40);
    sign_with(&original, "image/jpeg", &signer, &mut builder(&captured()))
}

struct Stage {
    registrants: Authority,
    people: Authority,
    signer: Holder,
    holder: Arc<Holder>,
}

fn stage() -> Stage {
    let (registrants, people) = (Authority::new("Registrants"), Authority::new("People"));
    let signer = registrants.signer("Camera Works");
    let holder = Arc::new(people.signer_for("Daily Ink", Usage::DocumentSigning, 2099));
    Stage { registrants, people, signer, holder }
}

impl Stage {
    fn read(
        &self,
        file: &[u8],
        identities: Option<Vec<u8>>,
        aggregators: &[String],
    ) -> (C2paReport, Identity) {
        let anchors = TrustAnchors {
            registrants: pem(&self.registrants),
            identities,
            identity_aggregators: aggregators.to_vec(),
            ..TrustAnchors::default()
        };
        let report = C2paReader::new(anchors).unwrap().read(file, "image/jpeg").unwrap();
        assert_eq!(report.identities.len(), 1, "{report:?}");
        let identity = report.identities[0].clone();
        (report, identity)
    }

    /// Reads with the people's authority on the list.
    fn judge(&self, recipe: &Recipe) -> (C2paReport, Identity) {
        self.read(&with_identity(&self.signer, recipe), pem(&self.people), &[])
    }
}

fn has(identity: &Identity, code: &str) -> bool {
    identity.codes.iter().any(|found| found == code)
}

#[test]
fn a_certificate_names_its_holder_and_counts_under_its_list_alone() {
    let stage = stage();
    let file = with_identity(&stage.signer, &recipe(&stage.holder));
    let (report, identity) = stage.read(&file, pem(&stage.people), &[]);
    assert_eq!(report.state, C2paState::Trusted, "{report:?}");
    assert_eq!(
        (identity.kind, identity.state),
        (IdentityKind::X509, IdentityState::Verified),
        "{identity:?}"
    );
    assert_eq!(identity.label, "cawg.identity");
    assert_eq!(identity.name.as_deref(), Some("Daily Ink signer"));
    assert_eq!(identity.organisation.as_deref(), Some("Daily Ink"));
    assert!(identity.issuer.as_ref().unwrap().contains("CN=People"));
    assert_eq!(identity.roles, ["cawg.creator"]);
    assert!(has(&identity, "cawg.identity.trusted") && has(&identity, "cawg.identity.well-formed"));

    let (report, identity) = stage.read(&file, None, &[]);
    assert_eq!(report.state, C2paState::Trusted, "an unknown identity does not touch the claim");
    assert_eq!(identity.state, IdentityState::NotVerified, "{identity:?}");
    assert_eq!(identity.name.as_deref(), Some("Daily Ink signer"), "named, and not vouched for");
    assert!(has(&identity, "cawg.x509.credential.untrusted") && !has(&identity, "cawg.identity.trusted"));

    // A list of identities vouches for no signer, nor a list of signers for an identity.
    let (report, identity) = {
        let anchors = TrustAnchors {
            registrants: pem(&stage.people),
            identities: pem(&stage.registrants),
            ..TrustAnchors::default()
        };
        let report = C2paReader::new(anchors).unwrap().read(&file, "image/jpeg").unwrap();
        (report.clone(), report.identities[0].clone())
    };
    assert_eq!((report.state, identity.state), (C2paState::Valid, IdentityState::NotVerified));
}

#[test]
fn both_encodings_of_the_signed_structure_are_understood() {
    let stage = stage();
    let recipe = Recipe { deterministic: true, ..recipe(&stage.holder) };
    let (_, identity) = stage.judge(&recipe);
    assert_eq!(identity.state, IdentityState::Verified, "{identity:?}");
    let (report, identity) = stage.judge(&Recipe { wrong: true, ..recipe });
    assert_eq!(identity.state, IdentityState::Invalid);
    assert!(has(&identity, "cawg.x509.signature.mismatch"), "{identity:?}");
    assert_eq!(report.state, C2paState::Trusted, "a faulty identity does not touch the claim");
}

#[test]
fn a_certificate_on_the_list_itself_vouches_for_itself() {
    let stage = stage();
    let list = Some(stage.holder.chain_pem.clone().into_bytes());
    let file = with_identity(&stage.signer, &recipe(&stage.holder));
    assert_eq!(stage.read(&file, list.clone(), &[]).1.state, IdentityState::Verified);
    let other = Arc::new(stage.people.signer_for("Daily Ink", Usage::DocumentSigning, 2099));
    let file = with_identity(&stage.signer, &recipe(&other));
    assert_eq!(stage.read(&file, list, &[]).1.state, IdentityState::NotVerified);
}

#[test]
fn an_assertion_that_does_not_fit_the_manifest_is_invalid() {
    let stage = stage();
    let recipe = recipe(&stage.holder);
    fn other_hash(mut references: Vec<Value>) -> Vec<Value> {
        references[0].as_map_mut().unwrap()[1].1 = Value::Bytes(vec![7; 32]);
        references
    }
    fn twice(references: Vec<Value>) -> Vec<Value> {
        [references.clone(), references].concat()
    }
    let cases = [
        (Recipe { references: other_hash, ..recipe.clone() }, "cawg.identity.assertion.mismatch"),
        (Recipe { references: twice, ..recipe.clone() }, "cawg.identity.assertion.duplicate"),
        (Recipe { references: |_| Vec::new(), ..recipe.clone() }, "cawg.identity.hard_binding_missing"),
        (Recipe { padding: 1, ..recipe.clone() }, "cawg.identity.pad.invalid"),
    ];
    for (recipe, code) in cases {
        let (report, identity) = stage.judge(&recipe);
        assert_eq!(identity.state, IdentityState::Invalid, "{code}: {identity:?}");
        assert!(has(&identity, code), "{code}: {identity:?}");
        assert_eq!(report.state, C2paState::Trusted, "{code}");
    }
    // Not an identity at all.
    let signer = Adding {
        signer: library_signer(&stage.signer),
        label: "cawg.identity",
        size: 11,
        make: Arc::new(|_, _| encode(&Value::Map(vec![entry("signer", text("me"))]))),
    };
    let original = picture(image::ImageFormat::Jpeg, 40, 40);
    let definition = json!({ "claim_generator_info": [{ "name": "Inkstone" }] });
    let file = sign_with(&original, "image/jpeg", &signer, &mut builder(&definition));
    let (_, identity) = stage.read(&file, pem(&stage.people), &[]);
    assert_eq!((identity.kind, identity.state), (IdentityKind::Unknown, IdentityState::Invalid));
    assert_eq!(identity.codes[0], "cawg.identity.cbor.invalid");
}

#[test]
fn what_cannot_be_judged_is_not_verified() {
    let stage = stage();
    let unknown = Recipe { sig_type: "com.example.seal", ..recipe(&stage.holder) };
    let (_, identity) = stage.judge(&unknown);
    assert_eq!((identity.kind, identity.state), (IdentityKind::Unknown, IdentityState::NotVerified));
    assert!(has(&identity, "cawg.identity.sig_type.unknown"));
    // Bound to other conditions than those that are looked at.
    let more = vec![entry("expected_countersigners", Value::Array(Vec::new()))];
    let (_, identity) = stage.judge(&Recipe { more, ..recipe(&stage.holder) });
    assert_eq!(identity.state, IdentityState::NotVerified);
    assert!(has(&identity, IDENTITY_RESTRICTED), "{identity:?}");
    // Anybody gets an e-mail certificate; without a time stamp nobody knows when it was used.
    let mail = Arc::new(stage.people.signer_for("Daily Ink", Usage::EmailProtection, 2099));
    let (_, identity) = stage.judge(&recipe(&mail));
    assert_eq!(identity.state, IdentityState::NotVerified);
    assert!(has(&identity, IDENTITY_MAIL_CERTIFICATE), "{identity:?}");
    // Judged at the current time.
    let ended = Arc::new(stage.people.signer_for("Daily Ink", Usage::DocumentSigning, 2025));
    let (_, identity) = stage.judge(&recipe(&ended));
    assert_eq!(identity.state, IdentityState::NotVerified, "{identity:?}");
    assert!(has(&identity, "cawg.x509.signature.outside_validity"), "{identity:?}");
}

#[test]
fn an_identity_in_a_manifest_that_does_not_hold_is_not_verified() {
    let stage = stage();
    let mut file = with_identity(&stage.signer, &recipe(&stage.holder));
    let pixel = file.len() - 40;
    file[pixel] ^= 1;
    let (report, identity) = stage.read(&file, pem(&stage.people), &[]);
    assert_eq!((report.state, identity.state), (C2paState::Invalid, IdentityState::NotVerified));
    assert!(has(&identity, IDENTITY_MANIFEST_INVALID));
}

#[test]
fn an_aggregator_counts_only_if_it_is_trusted() {
    let stage = stage();
    let recipe = Recipe {
        sig_type: "cawg.identity_claims_aggregation",
        aggregator: Some("did:jwk"),
        ..recipe(&stage.holder)
    };
    let file = with_identity(&stage.signer, &recipe);
    let (_, identity) = stage.read(&file, None, &[]);
    assert_eq!((identity.kind, identity.state), (IdentityKind::Aggregated, IdentityState::NotVerified));
    assert_eq!(identity.name.as_deref(), Some("Lin Mo"));
    assert_eq!(identity.issuer.as_deref(), Some(&did_jwk(&stage.holder)[..]));
    assert!(has(&identity, "cawg.ica.untrusted_issuer"), "{identity:?}");

    let trusted = [did_jwk(&stage.holder)];
    let (report, identity) = stage.read(&file, None, &trusted);
    assert_eq!(identity.state, IdentityState::Verified, "{identity:?}");
    assert_eq!(report.state, C2paState::Trusted);
    let wrong = with_identity(&stage.signer, &Recipe { wrong: true, ..recipe });
    let (report, identity) = stage.read(&wrong, None, &trusted);
    assert_eq!((report.state, identity.state), (C2paState::Trusted, IdentityState::Invalid), "{identity:?}");
}

#[test]
fn a_web_address_of_an_aggregator_is_not_visited() {
    let stage = stage();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let here: &'static str = format!("did:web:localhost%3A{}", listener.local_addr().unwrap().port()).leak();
    for address in ["did:web:social.example", here] {
        let recipe = Recipe {
            sig_type: "cawg.identity_claims_aggregation",
            aggregator: Some(address),
            ..recipe(&stage.holder)
        };
        let file = with_identity(&stage.signer, &recipe);
        let (report, identity) = stage.read(&file, None, &[address.to_owned()]);
        assert_eq!(report.state, C2paState::Trusted);
        assert_eq!(identity.state, IdentityState::NotVerified, "{identity:?}");
        assert_eq!(identity.issuer.as_deref(), Some(address));
        assert!(has(&identity, "cawg.ica.did_unavailable"), "{identity:?}");
    }
    let visited = listener.accept().map(|(_, from)| from);
    assert!(visited.is_err(), "somebody connected: {visited:?}");
}
