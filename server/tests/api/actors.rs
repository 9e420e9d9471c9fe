//! Who takes part: each actor with its token, its keys and what it does, over HTTP.

use crate::{
    client::{Answer, Client},
    support::{ORIGIN, TestApp},
};
use ed25519_dalek::SigningKey;
use std::{
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};
use touchstone_inspect::{InspectOptions, Inspection, c2pa::TrustAnchors, decode::Picture};
use touchstone_schema::{
    KeyId, OrganisationId, Sha256Digest, StatementId,
    api::{
        Acknowledgement, AdmittedOrganisation, CheckResult, ContentReceipt, ContentStatements,
        FingerprintCheck, KeyRevocation, LabelRecords, Logged, NewCode, NewKey, NewOrganisation,
        OrganisationInfo, StatementView, Suspension,
    },
    key::PublicKey,
    label::{AiAttribute, DigitalSourceType, Gb45438Label, LabelBasis, OutputLabel},
    record::{self, Tier},
    statement::{
        Body, ImageRegistered, Issuer, Nonce, OutputLabelled, Role, Statement, StatementWithdrawn, View,
    },
    verdict::Context,
};
use touchstone_server::clock::{Clock, ManualClock};

/// A number that no other caller in this process gets.
pub(crate) fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A signing key that nobody else has.
pub(crate) fn fresh_key() -> SigningKey {
    SigningKey::from_bytes(&Sha256Digest::of(format!("key {}", fresh()).as_bytes()).0)
}

fn fresh_nonce() -> Nonce {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&fresh().to_be_bytes());
    Nonce(bytes)
}

/// What the registrant's own software finds in a file.
pub(crate) fn inspect(bytes: &[u8]) -> Inspection {
    look_into(bytes).0
}

fn look_into(bytes: &[u8]) -> (Inspection, Picture) {
    static OPTIONS: OnceLock<InspectOptions> = OnceLock::new();
    let options = OPTIONS.get_or_init(|| InspectOptions::with_c2pa(TrustAnchors::default()).unwrap());
    touchstone_inspect::inspect_picture(bytes, options).unwrap()
}

/// The registry's operator.
pub(crate) struct Operator {
    pub(crate) client: Client,
}

impl Operator {
    pub(crate) const fn new(client: Client) -> Self {
        Self { client }
    }

    pub(crate) fn admit(&self, new: &NewOrganisation) -> AdmittedOrganisation {
        self.client.post_json("/v1/organisations", new).json_with(201)
    }

    pub(crate) fn organisation(&self, id: &OrganisationId) -> OrganisationInfo {
        self.client.get(&format!("/v1/organisations/{id}")).json_with(200)
    }

    pub(crate) fn suspend(&self, id: &OrganisationId) -> Answer {
        let body = Suspension { reason: "asked to pause".to_owned() };
        self.client.post_json(&format!("/v1/organisations/{id}/suspension"), &body)
    }

    pub(crate) fn add_key(&self, id: &OrganisationId, key: &SigningKey) -> Answer {
        let body = NewKey { public_key: key.into() };
        self.client.post_json(&format!("/v1/organisations/{id}/keys"), &body)
    }

    pub(crate) fn revoke_key(&self, id: &OrganisationId, key: &KeyId, suspect_from: Option<u64>) -> Answer {
        let body = KeyRevocation { reason: "a laptop was lost".to_owned(), suspect_from_index: suspect_from };
        self.client.post_json(&format!("/v1/organisations/{id}/keys/{key}/revocation"), &body)
    }

    pub(crate) fn bind_code(&self, id: &OrganisationId, code: &str) -> Answer {
        let body = NewCode { code: code.to_owned() };
        self.client.post_json(&format!("/v1/organisations/{id}/codes"), &body)
    }
}

/// Somebody without a token.
pub(crate) struct Anonymous(pub(crate) Client);

impl Anonymous {
    pub(crate) fn content(&self, digest: &Sha256Digest) -> ContentStatements {
        self.0.get(&format!("/v1/content/{digest}")).json_with(200)
    }

    pub(crate) fn statement(&self, id: &StatementId) -> StatementView {
        self.0.get(&format!("/v1/statements/{id}")).json_with(200)
    }

    pub(crate) fn labels(&self, producer: &str, content_id: &str) -> LabelRecords {
        self.0.get(&format!("/v1/labels/{producer}/{content_id}")).json_with(200)
    }
}

/// An admitted organisation with its keys and its first token.
pub(crate) struct Member {
    pub(crate) client: Client,
    pub(crate) id: OrganisationId,
    pub(crate) name: String,
    pub(crate) key: SigningKey,
    pub(crate) key_id: KeyId,
    pub(crate) recovery: SigningKey,
    clock: Arc<ManualClock>,
}

impl Member {
    fn admitted(app: &TestApp, role: Role, codes: Vec<String>) -> Self {
        let (key, recovery) = (fresh_key(), fresh_key());
        let name = format!("{} 第{}号", role.name(), fresh());
        let admitted = app.operator().admit(&NewOrganisation {
            name: name.clone(),
            role,
            public_key: (&key).into(),
            recovery_key: Some((&recovery).into()),
            proof_of_possession: None,
            provider_codes: codes,
        });
        Self {
            client: app.client().with_token(&admitted.token),
            id: admitted.organisation,
            name,
            key,
            key_id: admitted.key,
            recovery,
            clock: Arc::clone(&app.clock),
        }
    }

    /// A statement of now, not signed yet.
    pub(crate) fn statement(&self, body: impl Into<Body>) -> Statement {
        Statement {
            audience: ORIGIN.to_owned(),
            issuer: Issuer::Organisation(self.id),
            issued_at: self.clock.now(),
            nonce: fresh_nonce(),
            body: body.into(),
        }
    }

    /// The envelope of a statement of now.
    pub(crate) fn sign(&self, body: impl Into<Body>) -> Vec<u8> {
        self.statement(body).sign(&self.key).unwrap()
    }

    /// The envelope of a statement of now, signed with the recovery key.
    pub(crate) fn sign_to_recover(&self, body: impl Into<Body>) -> Vec<u8> {
        self.statement(body).sign(&self.recovery).unwrap()
    }

    pub(crate) fn submit(&self, envelope: &[u8]) -> Answer {
        self.client.post("/v1/statements", envelope)
    }

    /// Signs and submits what must be accepted.
    #[track_caller]
    pub(crate) fn accepted(&self, body: impl Into<Body>) -> Acknowledgement {
        let acknowledgement: Acknowledgement = self.submit(&self.sign(body)).json_with(201);
        assert!(!acknowledgement.duplicate);
        acknowledgement
    }

    pub(crate) fn withdraw(&self, statement: &StatementId) -> Answer {
        let body = StatementWithdrawn { statement: *statement, reason: "taken by mistake".to_owned() };
        self.submit(&self.sign(body))
    }

    pub(crate) fn upload(&self, statement: &StatementId, bytes: &[u8]) -> Answer {
        let path = format!("/v1/statements/{statement}/content?file_name=photos%2Fcup.jpg");
        self.client.put(&path, "application/octet-stream", bytes)
    }

    /// Uploads pixels that must be accepted.
    #[track_caller]
    pub(crate) fn uploaded(&self, statement: &StatementId, bytes: &[u8]) -> ContentReceipt {
        self.upload(statement, bytes).json_with(200)
    }

    pub(crate) fn delete_record(&self, statement: &StatementId) -> Answer {
        self.client.delete(&format!("/v1/statements/{statement}/record"))
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        (&self.key).into()
    }
}

/// Registers pictures of goods.
pub(crate) struct Merchant(Member);

impl Merchant {
    /// The same one at the server's address of now.
    pub(crate) fn again(mut self, app: &TestApp) -> Self {
        self.0.client = app.again(&self.0.client);
        self
    }
}

impl Deref for Merchant {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}

impl Merchant {
    pub(crate) fn admitted(app: &TestApp) -> Self {
        Self(Member::admitted(app, Role::Merchant, Vec::new()))
    }

    /// What the statement about a picture says.
    pub(crate) fn claim(&self, bytes: &[u8], view: View) -> ImageRegistered {
        ImageRegistered { view, product: Some("cup 7".to_owned()), content: inspect(bytes).bindings(None) }
    }

    /// Registers a picture without its pixels.
    #[track_caller]
    pub(crate) fn declare(&self, bytes: &[u8], view: View) -> Acknowledgement {
        self.accepted(self.claim(bytes, view))
    }

    /// Registers a picture and uploads its pixels.
    #[track_caller]
    pub(crate) fn register(&self, bytes: &[u8], view: View) -> Acknowledgement {
        let acknowledgement = self.declare(bytes, view);
        self.uploaded(&acknowledgement.id, bytes);
        acknowledgement
    }

    /// Registers a picture with a reference record of its own making; the pixels stay at home.
    #[track_caller]
    pub(crate) fn register_record(&self, bytes: &[u8], view: View) -> (Acknowledgement, Vec<u8>) {
        let (inspection, picture) = look_into(bytes);
        let name = Some("cup.jpg".to_owned());
        let record = inspection.record(&picture, Tier::Sketch, fresh_nonce(), name).unwrap();
        let (record, digest) = record.to_bytes().unwrap();
        let content = inspection.bindings(Some(digest));
        let acknowledgement = self.accepted(ImageRegistered { view, product: None, content });
        let answer = self.put_record(&acknowledgement.id, &record);
        let receipt: ContentReceipt = answer.json_with(200);
        assert_eq!(receipt.observed_at_index, None);
        (acknowledgement, record)
    }

    pub(crate) fn put_record(&self, statement: &StatementId, record: &[u8]) -> Answer {
        self.client.put(&format!("/v1/statements/{statement}/content"), record::MEDIA_TYPE, record)
    }
}

/// Registers AI outputs with their labels.
pub(crate) struct Vendor {
    member: Member,
    /// Its provider code.
    pub(crate) code: String,
}

impl Deref for Vendor {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.member
    }
}

impl Vendor {
    pub(crate) fn admitted(app: &TestApp) -> Self {
        let code = format!("inkstone-{}", fresh());
        Self { member: Member::admitted(app, Role::AiVendor, vec![code.clone()]), code }
    }

    /// A label of this vendor with the implicit label of GB 45438.
    pub(crate) fn label(&self, content_id: &str) -> OutputLabel {
        let implicit = Gb45438Label {
            label: "1".to_owned(),
            content_producer: self.code.clone(),
            produce_id: content_id.to_owned(),
            ..Gb45438Label::default()
        };
        OutputLabel { gb45438: Some(implicit), ..self.bare_label(content_id) }
    }

    /// A label of this vendor that stands in no implicit label.
    pub(crate) fn bare_label(&self, content_id: &str) -> OutputLabel {
        OutputLabel {
            producer: self.code.clone(),
            content_id: content_id.to_owned(),
            attribute: AiAttribute::Confirmed,
            basis: LabelBasis::Produced,
            digital_source_type: DigitalSourceType::TrainedAlgorithmicMedia,
            system: "Inkstone".to_owned(),
            system_version: Some("2.1".to_owned()),
            created_at: None,
            gb45438: None,
            signature_layer: None,
            watermark_layer: None,
            visible_label: None,
            detector_url: None,
            retention_days: None,
        }
    }

    /// What the statement about an output says.
    pub(crate) fn claim(&self, bytes: &[u8], label: &OutputLabel) -> OutputLabelled {
        OutputLabelled { label: label.clone(), content: inspect(bytes).bindings(None), parents: Vec::new() }
    }

    /// Registers an output and uploads its pixels.
    #[track_caller]
    pub(crate) fn register_output(&self, bytes: &[u8], label: &OutputLabel) -> Acknowledgement {
        let acknowledgement = self.accepted(self.claim(bytes, label));
        self.uploaded(&acknowledgement.id, bytes);
        acknowledgement
    }
}

/// Checks refund photos.
pub(crate) struct Platform(Member);

impl Deref for Platform {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}

impl Platform {
    pub(crate) fn admitted(app: &TestApp) -> Self {
        Self(Member::admitted(app, Role::Platform, Vec::new()))
    }

    pub(crate) fn try_check(&self, photo: &[u8], context: &Context) -> Answer {
        let context = serde_json::to_vec(context).unwrap();
        self.client.post_form("/v1/checks", &[("photo", photo), ("context", &context)])
    }

    /// Checks a photo; the answer must be signed by the registry and be readable again.
    #[track_caller]
    pub(crate) fn check(&self, photo: &[u8], context: &Context) -> CheckResult {
        let answer = self.try_check(photo, context);
        let result: CheckResult = answer.json_with(201);
        let path = format!("/v1/checks/{}", result.id);
        assert_eq!(answer.header("location"), Some(path.as_str()));
        assert_eq!(self.client.get(&path).json_with::<CheckResult>(200), result);
        result
    }

    /// Checks a photo of which nothing else is known.
    #[track_caller]
    pub(crate) fn look(&self, photo: &[u8]) -> CheckResult {
        self.check(photo, &Context::default())
    }

    pub(crate) fn check_fingerprints(&self, check: &FingerprintCheck) -> CheckResult {
        self.client.post_json("/v1/checks", check).json_with(201)
    }
}

/// Audits.
pub(crate) struct Regulator(Member);

impl Deref for Regulator {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}

impl Regulator {
    pub(crate) fn admitted(app: &TestApp) -> Self {
        Self(Member::admitted(app, Role::Regulator, Vec::new()))
    }
}

/// The body of an operator's decision that was logged.
#[track_caller]
pub(crate) fn logged(answer: &Answer) -> Logged {
    answer.json()
}
