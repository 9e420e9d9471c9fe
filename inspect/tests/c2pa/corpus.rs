//! The public vectors: what is expected of each, and where and why this reader departs from it.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use touchstone_inspect::c2pa::{
    AnchorList, C2paReader, C2paReport, C2paState, IdentityKind, IdentityState, TransformationSignal,
    TrustAnchors,
};
use touchstone_schema::Sha256Digest;
use touchstone_schema::label::LabelMeaning;
use touchstone_schema::time::Timestamp;

/// The folder with test material, if there is one on this machine.
pub(crate) fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("TOUCHSTONE_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        println!("skipped: TOUCHSTONE_CORPUS is not set");
    }
    corpus
}

/// Where the vectors stand: the list, and the folder to which its paths refer.
const LISTS: [(&str, &str); 4] = [
    ("core/corpus.json", "core"),
    ("cawg/corpus.json", "cawg"),
    ("cawg/generated/identity-1.2/index.json", "cawg"),
    ("cawg/realworld/index.json", "cawg/realworld"),
];

/// The aggregator whose credentials the vectors of the reference implementation carry; its own tests trust it.
const AGGREGATOR: &str = "did:jwk:eyJhbGciOiJFZERTQSIsImt0eSI6Ik9LUCIsImNydiI6IkVkMjU1MTkiLCJ4IjoiTXA1LTBlODNuTmdRaGRoQlc4UnNoa2p5OTBzYTFBOUpJemtJdGNEcUN1SSJ9";

const NO_NETWORK: &str = "the aggregator is a did:web, which only the network has: not verified";
const ALGORITHM: &str = "the library gives up at the first unknown algorithm and hands no manifest out";
const VIDEO: &str = "a video, and no picture: the library accepts its claim, and the hash fits; this reader refuses \
                     it because the hash leaves out more than the manifest";

/// A departure from what is expected, and why it is there. A departure that is not listed here fails the test,
/// and so does one that is listed and no longer found.
const EXCEPTIONS: [(&str, &str, &str); 11] = [
    ("reference-missing-hash-algorithm", "missing assertion.dataHash.match", ALGORITHM),
    ("reference-missing-hash-algorithm", "missing claimSignature.validated", ALGORITHM),
    ("reference-missing-hash-algorithm", "missing assertion.action.malformed", ALGORITHM),
    ("reference-invalid-bmff-missing-generator-info", "missing claim.malformed", VIDEO),
    ("reference-invalid-bmff-missing-generator-info", "forbidden assertion.bmffHash.match", VIDEO),
    ("c2pa-cpp-cawg-data", "missing cawg.ica.credential_valid", NO_NETWORK),
    ("c2pa-rs-ica-did-doc-without-assertion-method", "missing cawg.ica.invalid_did_document", NO_NETWORK),
    ("c2pa-rs-ica-interop-adobe-connected-identities", "missing cawg.ica.credential_valid", NO_NETWORK),
    ("c2pa-rs-ica-interop-ims-multiple-manifests", "missing cawg.ica.credential_valid", NO_NETWORK),
    (
        "c2pa-rs-ica-unsupported-did-method",
        "missing cawg.ica.did_unsupported_method",
        "the library has one code for every identifier that it cannot use: cawg.ica.invalid_issuer",
    ),
    ("x509-es256-pdf", "not judged", "not a picture: the library's PDF parser is not built in"),
];

/// A vector with what its list expects.
pub(crate) struct Vector {
    pub(crate) id: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
    expected: Value,
    reader: C2paReader,
}

impl Vector {
    /// `None` if its file is not in the corpus.
    fn load(folder: &Path, entry: &Value) -> Option<Self> {
        let id = entry["id"].as_str().unwrap().to_owned();
        let Ok(bytes) = std::fs::read(folder.join(entry["path"].as_str().unwrap())) else {
            println!("{id}: left out, its file is not in the corpus");
            return None;
        };
        assert_eq!(
            Sha256Digest::of(&bytes).to_string(),
            entry["sha256"].as_str().unwrap(),
            "{id}: other file"
        );
        let expected = ["normative_expected", "expected"].iter().map(|key| &entry[key]);
        let expected = expected.into_iter().find(|value| value.is_object()).unwrap().clone();
        let list = |key: &str| Some(std::fs::read(folder.join(entry["trust"][key].as_str()?)).unwrap());
        let anchors = TrustAnchors {
            c2pa_trust_list: list("claim_trust_list"),
            registrants: list("claim_allowed_list"),
            time_stamp_list: list("tsa_trust_list"),
            identities: list("cawg_allowed_list"),
            identity_aggregators: vec![AGGREGATOR.to_owned()],
            ..TrustAnchors::default()
        };
        let media_type = entry["mime_type"].as_str().unwrap().to_owned();
        Some(Self { id, media_type, bytes, expected, reader: C2paReader::new(anchors).unwrap() })
    }

    fn report(&self) -> Option<C2paReport> {
        self.reader.read(&self.bytes, &self.media_type)
    }

    /// Codes under a key of the expectation.
    fn codes(&self, key: &str) -> impl Iterator<Item = &str> {
        self.expected[key].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// How the report departs from the expectation.
    fn departures(&self, report: Option<&C2paReport>) -> BTreeSet<String> {
        let Some(report) = report else { return ["unread".to_owned()].into() };
        if report.state == C2paState::NotJudged {
            return ["not judged".to_owned()].into();
        }
        let mut found = BTreeSet::new();
        let state = state(report);
        if self.expected["validation_state"].as_str().is_some_and(|expected| expected != state) {
            found.insert(format!("state {state}"));
        }
        let identities = || report.identities.iter().flat_map(|identity| &identity.codes);
        let all: Vec<&String> = report
            .successes
            .iter()
            .chain(&report.failures)
            .chain(&report.informational)
            .chain(identities())
            .collect();
        let required =
            ["required_codes", "required_success_codes", "required_failure_codes", "failure_codes"];
        for code in required.iter().flat_map(|key| self.codes(key)) {
            if !all.iter().any(|found| *found == code) {
                found.insert(format!("missing {code}"));
            }
        }
        for code in self.codes("forbidden_success_codes") {
            if all.iter().any(|found| *found == code) {
                found.insert(format!("forbidden {code}"));
            }
        }
        // Of identities, every code that is no success is a failure in the sense of the list.
        let failed = report.identities.iter().filter(|identity| identity.state != IdentityState::Verified);
        let failures: Vec<&String> = report.failures.iter().chain(failed.flat_map(|i| &i.codes)).collect();
        for prefix in self.codes("forbidden_failure_prefixes") {
            for code in failures.iter().filter(|code| code.starts_with(prefix)) {
                found.insert(format!("forbidden {code}"));
            }
        }
        found
    }
}

fn state(report: &C2paReport) -> &'static str {
    match report.state {
        C2paState::Valid => "Valid",
        C2paState::Trusted => "Trusted",
        C2paState::Invalid => "Invalid",
        C2paState::Remote => "Remote",
        C2paState::Unreadable => "Unreadable",
        C2paState::NotJudged => "NotJudged",
    }
}

pub(crate) fn vectors(corpus: &Path) -> Vec<Vector> {
    let folder = corpus.join("c2pa/vectors");
    let mut found = Vec::new();
    for (list, base) in LISTS {
        let list: Value = serde_json::from_slice(&std::fs::read(folder.join(list)).unwrap()).unwrap();
        let entries = list["vectors"].as_array().unwrap();
        found.extend(entries.iter().filter_map(|entry| Vector::load(&folder.join(base), entry)));
    }
    found
}

#[test]
fn corpus_every_vector_is_judged_as_expected_or_departs_for_a_reason() {
    let Some(corpus) = corpus() else { return };
    let vectors = vectors(&corpus);
    assert!(vectors.len() >= 52, "only {} vectors", vectors.len());
    let mut table = String::new();
    for vector in &vectors {
        let report = vector.report();
        let found = vector.departures(report.as_ref());
        let listed: BTreeSet<String> = EXCEPTIONS
            .iter()
            .filter(|(id, ..)| *id == vector.id)
            .map(|(_, departure, _)| (*departure).to_owned())
            .collect();
        for departure in found.difference(&listed) {
            writeln!(table, "{} | {departure} | not expected", vector.id).unwrap();
        }
        for departure in listed.difference(&found) {
            writeln!(table, "{} | {departure} | not found any more: take it off the list", vector.id)
                .unwrap();
        }
        if let Some(report) = report.filter(|_| found != listed) {
            let codes: Vec<_> = report.identities.iter().map(|i| (i.state, &i.codes)).collect();
            writeln!(table, "    {} {:?} {:?} {codes:?}", state(&report), report.successes, report.failures)
                .unwrap();
        }
    }
    for (id, ..) in EXCEPTIONS {
        if !vectors.iter().any(|vector| vector.id == id) {
            writeln!(table, "{id} | - | there is no such vector").unwrap();
        }
    }
    assert!(table.is_empty(), "vector | departure | remark\n{table}");
}

/// Whether the picture's bytes are among those that the reader is made for.
fn is_picture(vector: &Vector) -> bool {
    vector.media_type.starts_with("image/")
}

#[test]
fn corpus_identities_are_told_apart() {
    let Some(corpus) = corpus() else { return };
    let (mut verified, mut unreachable) = (0, 0);
    for vector in vectors(&corpus).iter().filter(|vector| is_picture(vector)) {
        let Some(report) = vector.report() else { continue };
        for identity in &report.identities {
            let web = identity.issuer.as_deref().is_some_and(|issuer| issuer.starts_with("did:web:"));
            if web {
                assert_eq!(identity.kind, IdentityKind::Aggregated, "{}", vector.id);
                assert_ne!(identity.state, IdentityState::Verified, "{}: {identity:?}", vector.id);
                unreachable += 1;
            }
            if identity.state == IdentityState::Verified {
                assert!(identity.name.is_some() && identity.issuer.is_some(), "{}: {identity:?}", vector.id);
                verified += 1;
            }
        }
    }
    assert!(verified >= 10 && unreachable >= 5, "{verified} verified, {unreachable} at a web address");
}

#[test]
fn corpus_signals_fit_what_the_vectors_say() {
    let Some(corpus) = corpus() else { return };
    let vectors = vectors(&corpus);
    let report = |id: &str| vectors.iter().find(|vector| vector.id == id).unwrap().report().unwrap();
    // An actions assertion of version 1: the rubric does not look at it.
    let first = report("reference-valid-jpeg");
    assert_eq!(first.signals.inception, []);
    assert_eq!(first.signals.transformations, [TransformationSignal::AmbiguousActions]);
    assert_eq!(first.actions, ["c2pa.created"]);
    assert_eq!(first.ai_generated, Some(LabelMeaning::Other), "algorithmicMedia is no trained model");
    // Version 2, opened from a file with a manifest, not said to be complete.
    let chain = report("reference-valid-ingredient-chain");
    assert_eq!(chain.signals.inception, []);
    assert_eq!(chain.signals.transformations, [TransformationSignal::AmbiguousActions]);
    assert_eq!(chain.ingredients.len(), 2);
}

#[test]
fn corpus_the_public_trust_lists_are_read() {
    let Some(corpus) = corpus() else { return };
    let file = |path: &str| std::fs::read(corpus.join("c2pa").join(path)).unwrap();
    let read = |path: &str| AnchorList::read(&file(path)).unwrap();
    let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    for (path, count) in [("trust-list/C2PA-TRUST-LIST.pem", 30), ("trust-list/C2PA-TSA-TRUST-LIST.pem", 22)]
    {
        let list = read(path);
        assert_eq!(list.certificates.len(), count);
        assert!(list.certificates.iter().all(|certificate| certificate.is_authority), "{path}");
        assert!(list.soonest_end().is_some_and(|end| end > now) && list.ended(now) == 0, "{path}");
        assert_eq!(list.sha256, Sha256Digest::of(&file(path)));
    }
    // The list of news publishers holds their own certificates, some of which have ended.
    let publishers = read("vectors/cawg/realworld/trust/vnpl-end-entity.pem");
    assert!(publishers.certificates.iter().all(|certificate| !certificate.is_authority));
    assert!(publishers.ended(now) > 5 && publishers.ended(now) < publishers.certificates.len());

    let anchors = TrustAnchors {
        c2pa_trust_list: Some(file("trust-list/C2PA-TRUST-LIST.pem")),
        time_stamp_list: Some(file("trust-list/C2PA-TSA-TRUST-LIST.pem")),
        identities: Some(file("vectors/cawg/realworld/trust/vnpl-end-entity.pem")),
        ..TrustAnchors::default()
    };
    let vector = file("vectors/core/external/contentauth-c2pa-rs/bc3ca83d/assets/C.jpg");
    let report = C2paReader::new(anchors).unwrap().read(&vector, "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Valid, "a test certificate is not on the public list: {report:?}");
}
