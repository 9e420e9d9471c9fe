//! Blocking client of the REST interface `/v1`: one typed method for each route.
//!
//! The client is cheap to share between threads; it keeps connections open.

pub use crate::transport::{ClientError, ClientSettings, Obstacle, UrlFault, sends_in_clear};
use crate::transport::{Outgoing, Repeat, Transport};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use touchstone_schema::{
    CheckId, KeyId, OrganisationId, Sha256Digest, StatementId, TokenId,
    api::{
        Acknowledgement, AdmittedOrganisation, BatchItem, BatchResult, CallerInfo, CheckResult,
        CheckpointList, ContentReceipt, ContentStatements, FileReport, FingerprintCheck, IssuedToken,
        KeyRevocation, LabelRecords, Logged, NewCode, NewKey, NewOrganisation, NewToken, NewUser,
        OrganisationInfo, RegistryInfo, SignIn, StatementView, Suspension, TokenList, UserInfo,
    },
    problem::ProblemCode,
    record::{self, Tier},
    verdict::Context,
};
use ureq::http::Method;

const JSON: &str = "application/json";
const STATEMENTS: &str = "/v1/statements";
const STATEMENTS_FOR_RECEIPT: &str = "/v1/statements?receipt=true";
/// How often, and how long apart, a receipt that is pending is asked for.
const RECEIPT_ATTEMPTS: u32 = 30;
const RECEIPT_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
const BYTES: &str = "application/octet-stream";

/// A registry, reached over HTTP.
pub struct Client {
    transport: Transport,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("url", &self.url()).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Batch<'a> {
    statements: Vec<&'a RawValue>,
}

impl Client {
    /// A client of the registry at the settings' address. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::InvalidUrl`] or [`ClientError::InvalidToken`].
    pub fn new(settings: &ClientSettings) -> Result<Self, ClientError> {
        Ok(Self { transport: Transport::new(settings)? })
    }

    /// Address of the registry, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.transport.base()
    }

    fn get<T: DeserializeOwned>(&self, path: String) -> Result<T, ClientError> {
        self.transport.parse(&self.get_bytes(path)?)
    }

    fn get_bytes(&self, path: String) -> Result<Vec<u8>, ClientError> {
        self.transport.send(&Outgoing { method: Method::GET, path, body: None, repeat: Repeat::Harmless })
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: (&str, &[u8]),
        repeat: Repeat,
    ) -> Result<T, ClientError> {
        let answer = self.transport.send(&Outgoing { method, path, body: Some(body), repeat })?;
        self.transport.parse(&answer)
    }

    /// Posts JSON that does something again when it is sent again.
    fn act<T: DeserializeOwned>(&self, path: String, value: &impl Serialize) -> Result<T, ClientError> {
        let bytes = serde_json::to_vec(value).map_err(|error| ClientError::Request(error.to_string()))?;
        // The bytes may hold a password.
        let bytes = zeroize::Zeroizing::new(bytes);
        self.send(Method::POST, path, (JSON, &bytes), Repeat::Never)
    }

    /// `GET /readyz`: whether the registry is ready.
    ///
    /// # Errors
    /// [`ClientError`] if it is not, or cannot be reached.
    pub fn ready(&self) -> Result<(), ClientError> {
        let path = "/readyz".to_owned();
        let ask = Outgoing { method: Method::GET, path, body: None, repeat: Repeat::Never };
        self.transport.send(&ask).map(drop)
    }

    /// `GET /v1/registry`: who the registry is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn registry(&self) -> Result<RegistryInfo, ClientError> {
        self.get("/v1/registry".to_owned())
    }

    /// `GET /v1/caller`: whose token this is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn caller(&self) -> Result<CallerInfo, ClientError> {
        self.get("/v1/caller".to_owned())
    }

    /// `POST /v1/organisations`. Operator.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn create_organisation(
        &self,
        organisation: &NewOrganisation,
    ) -> Result<AdmittedOrganisation, ClientError> {
        self.act("/v1/organisations".to_owned(), organisation)
    }

    /// `GET /v1/organisations`. Operator.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn organisations(&self) -> Result<Vec<OrganisationInfo>, ClientError> {
        self.get("/v1/organisations".to_owned())
    }

    /// `GET /v1/organisations/{organisation}`. Operator.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn organisation(&self, organisation: &OrganisationId) -> Result<OrganisationInfo, ClientError> {
        self.get(format!("/v1/organisations/{organisation}"))
    }

    /// `POST /v1/organisations/{organisation}/keys`. Operator.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn add_key(&self, organisation: &OrganisationId, key: &NewKey) -> Result<Logged, ClientError> {
        self.act(format!("/v1/organisations/{organisation}/keys"), key)
    }

    /// `POST /v1/organisations/{organisation}/keys/{key}/revocation`. Operator.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn revoke_key(
        &self,
        organisation: &OrganisationId,
        key: &KeyId,
        revocation: &KeyRevocation,
    ) -> Result<Logged, ClientError> {
        self.act(format!("/v1/organisations/{organisation}/keys/{key}/revocation"), revocation)
    }

    /// `POST /v1/organisations/{organisation}/suspension`. Operator.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn suspend(
        &self,
        organisation: &OrganisationId,
        suspension: &Suspension,
    ) -> Result<Logged, ClientError> {
        self.act(format!("/v1/organisations/{organisation}/suspension"), suspension)
    }

    /// `POST /v1/organisations/{organisation}/codes`. Operator.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn bind_code(&self, organisation: &OrganisationId, code: &NewCode) -> Result<Logged, ClientError> {
        self.act(format!("/v1/organisations/{organisation}/codes"), code)
    }

    /// `POST /v1/tokens`. Scope manage or operate.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn issue_token(&self, token: &NewToken) -> Result<IssuedToken, ClientError> {
        self.act("/v1/tokens".to_owned(), token)
    }

    /// `GET /v1/tokens`. Scope manage or operate.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn tokens(&self) -> Result<TokenList, ClientError> {
        self.get("/v1/tokens".to_owned())
    }

    /// `DELETE /v1/tokens/{id}`. Scope manage or operate.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn revoke_token(&self, token: &TokenId) -> Result<(), ClientError> {
        let path = format!("/v1/tokens/{token}");
        let ask = Outgoing { method: Method::DELETE, path, body: None, repeat: Repeat::Harmless };
        self.transport.send(&ask).map(drop)
    }

    /// `POST /v1/users`. Scope manage or operate.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn create_user(&self, user: &NewUser) -> Result<UserInfo, ClientError> {
        self.act("/v1/users".to_owned(), user)
    }

    /// `POST /v1/sessions`: a token for a name and a password.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn sign_in(&self, sign_in: &SignIn) -> Result<IssuedToken, ClientError> {
        self.act("/v1/sessions".to_owned(), sign_in)
    }

    /// `POST /v1/statements` with one envelope. Sending it again returns the first acknowledgement.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn submit(&self, envelope: &[u8]) -> Result<Acknowledgement, ClientError> {
        self.submit_to(STATEMENTS, envelope)
    }

    /// As [`Self::submit`], waiting for the receipt. It is absent if publication did not come in time.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn submit_for_receipt(&self, envelope: &[u8]) -> Result<Acknowledgement, ClientError> {
        self.submit_to(STATEMENTS_FOR_RECEIPT, envelope)
    }

    fn submit_to<T: DeserializeOwned>(&self, route: &str, body: &[u8]) -> Result<T, ClientError> {
        self.send(Method::POST, route.to_owned(), (JSON, body), Repeat::Harmless)
    }

    /// `POST /v1/statements` with several envelopes: one result for each, in order.
    ///
    /// # Errors
    /// [`ClientError`] if the batch as a whole fails.
    pub fn submit_batch(&self, envelopes: &[&[u8]]) -> Result<Vec<BatchItem>, ClientError> {
        self.submit_batch_to(STATEMENTS, envelopes)
    }

    /// As [`Self::submit_batch`], waiting for the receipts. One is absent if publication did not come in time.
    ///
    /// # Errors
    /// [`ClientError`] if the batch as a whole fails.
    pub fn submit_batch_for_receipts(&self, envelopes: &[&[u8]]) -> Result<Vec<BatchItem>, ClientError> {
        self.submit_batch_to(STATEMENTS_FOR_RECEIPT, envelopes)
    }

    fn submit_batch_to(&self, route: &str, envelopes: &[&[u8]]) -> Result<Vec<BatchItem>, ClientError> {
        let unwritable = |error: serde_json::Error| ClientError::Request(error.to_string());
        // The exact bytes travel: they are what was signed and what the log keeps.
        let statements: Result<Vec<&RawValue>, _> =
            envelopes.iter().map(|bytes| serde_json::from_slice(bytes)).collect();
        let body =
            serde_json::to_vec(&Batch { statements: statements.map_err(unwritable)? }).map_err(unwritable)?;
        let answer: BatchResult = self.submit_to(route, &body)?;
        if answer.results.len() != envelopes.len() {
            let reason = format!("{} results for {} statements", answer.results.len(), envelopes.len());
            return Err(self.transport.unexpected(reason));
        }
        Ok(answer.results)
    }

    /// `GET /v1/statements/{id}`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn statement(&self, statement: &StatementId) -> Result<StatementView, ClientError> {
        self.get(format!("/v1/statements/{statement}"))
    }

    /// `GET /v1/statements/{id}/receipt`: the proof that the log holds it, as text.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn receipt(&self, statement: &StatementId) -> Result<Vec<u8>, ClientError> {
        let path = format!("/v1/statements/{statement}/receipt");
        self.transport.send(&Outgoing { method: Method::GET, path, body: None, repeat: Repeat::Harmless })
    }

    /// `GET /log/{path}`: a file of the log (C2SP tlog-tiles), or its first `limit` bytes and one more; none if
    /// there is none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn log_file(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, ClientError> {
        self.transport.get_if_there(format!("/log/{path}"), limit)
    }

    /// A file below the address, or its first `limit` bytes and one more; none if there is none.
    pub(crate) fn file(&self, path: String, limit: u64) -> Result<Option<Vec<u8>>, ClientError> {
        self.transport.get_if_there(path, limit)
    }

    /// `GET /v1/log/checkpoints`: published checkpoints that cover more than `after` entries, at most `limit`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn checkpoints(&self, after: u64, limit: u32) -> Result<CheckpointList, ClientError> {
        self.get(format!("/v1/log/checkpoints?after={after}&limit={limit}"))
    }

    /// `GET /v1/content/{sha256}/answer`: the signed answer to the question which statements bind these bytes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn content_answer(&self, sha256: &Sha256Digest) -> Result<Vec<u8>, ClientError> {
        self.get_bytes(format!("/v1/content/{sha256}/answer"))
    }

    /// `GET /v1/labels/{producer}/{id}/answer`: the signed answer to the question which outputs have this label.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn label_answer(&self, producer: &str, content_id: &str) -> Result<Vec<u8>, ClientError> {
        self.get_bytes(format!(
            "/v1/labels/{}/{}/answer",
            percent_encode(producer),
            percent_encode(content_id)
        ))
    }

    /// As [`Self::receipt`], waiting up to half a minute for the entry to be published.
    ///
    /// # Errors
    /// [`ClientError`]; the problem `receipt-pending` if it was not published in time.
    pub fn receipt_in_time(&self, statement: &StatementId) -> Result<Vec<u8>, ClientError> {
        for _ in 1..RECEIPT_ATTEMPTS {
            match self.receipt(statement) {
                Err(ClientError::Problem(problem)) if problem.code == ProblemCode::ReceiptPending.code() => {
                    std::thread::sleep(RECEIPT_PAUSE);
                }
                answer => return answer,
            }
        }
        self.receipt(statement)
    }

    /// `PUT /v1/statements/{id}/content` with the file itself. The registry computes everything from it and logs
    /// what it observed. `reference` says what it keeps of the picture; it decides by the view if that is `None`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn put_pixels(
        &self,
        statement: &StatementId,
        media_type: &str,
        bytes: &[u8],
        file_name: Option<&str>,
        reference: Option<Tier>,
    ) -> Result<ContentReceipt, ClientError> {
        let mut path = format!("/v1/statements/{statement}/content");
        let name = file_name.map(|name| ("file_name", percent_encode(name)));
        let reference = reference.map(|tier| ("reference", tier.name().to_owned()));
        for (mark, (name, value)) in ["?", "&"].into_iter().zip(name.into_iter().chain(reference)) {
            path.push_str(&format!("{mark}{name}={value}"));
        }
        self.send(Method::PUT, path, (media_type, bytes), Repeat::Harmless)
    }

    /// `PUT /v1/statements/{id}/content` with the reference record that the statement binds.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn put_record(&self, statement: &StatementId, record: &[u8]) -> Result<ContentReceipt, ClientError> {
        let path = format!("/v1/statements/{statement}/content");
        self.send(Method::PUT, path, (record::MEDIA_TYPE, record), Repeat::Harmless)
    }

    /// `DELETE /v1/statements/{id}/record`: fingerprints and file name go, a tombstone is logged.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn delete_record(&self, statement: &StatementId) -> Result<Logged, ClientError> {
        let path = format!("/v1/statements/{statement}/record");
        let ask = Outgoing { method: Method::DELETE, path, body: None, repeat: Repeat::Harmless };
        let body = self.transport.send(&ask)?;
        self.transport.parse(&body)
    }

    /// `GET /v1/labels/{producer}/{id}`: registered labels under a producer's number.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn labels(&self, producer: &str, content_id: &str) -> Result<LabelRecords, ClientError> {
        self.get(format!("/v1/labels/{}/{}", percent_encode(producer), percent_encode(content_id)))
    }

    /// `GET /v1/content/{sha256}`: statements that bind these bytes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn content(&self, sha256: &Sha256Digest) -> Result<ContentStatements, ClientError> {
        self.get(format!("/v1/content/{sha256}"))
    }

    /// `POST /v1/inspections`: what the registry reads from a file. Nothing is stored.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn inspect(&self, bytes: &[u8]) -> Result<FileReport, ClientError> {
        self.send(Method::POST, "/v1/inspections".to_owned(), (BYTES, bytes), Repeat::Harmless)
    }

    /// `POST /v1/checks` with a photo.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn check(&self, photo: &[u8], context: &Context) -> Result<CheckResult, ClientError> {
        let context = serde_json::to_vec(context).map_err(|error| ClientError::Request(error.to_string()))?;
        let (media_type, body) = multipart(photo, &context);
        // A refused check stored nothing; one that is answered twice is stored twice, which misleads nobody.
        self.send(Method::POST, "/v1/checks".to_owned(), (&media_type, &body), Repeat::Harmless)
    }

    /// `POST /v1/checks` with fingerprints only.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn check_fingerprints(&self, fingerprints: &FingerprintCheck) -> Result<CheckResult, ClientError> {
        let body =
            serde_json::to_vec(fingerprints).map_err(|error| ClientError::Request(error.to_string()))?;
        self.send(Method::POST, "/v1/checks".to_owned(), (JSON, &body), Repeat::Harmless)
    }

    /// `GET /v1/checks/{id}/alterations.png`: the photo with its altered regions, as PNG.
    ///
    /// # Errors
    /// [`ClientError`]; the problem `not-found` if the verdict names no altered or overlaid region.
    pub fn alterations(&self, check: &CheckId) -> Result<Vec<u8>, ClientError> {
        self.get_bytes(format!("/v1/checks/{check}/alterations.png"))
    }

    /// `GET /v1/checks/{id}/mask.png`: white where the photo was altered, in its proportions, as PNG.
    ///
    /// # Errors
    /// As [`Client::alterations`].
    pub fn alteration_mask(&self, check: &CheckId) -> Result<Vec<u8>, ClientError> {
        self.get_bytes(format!("/v1/checks/{check}/mask.png"))
    }

    /// `GET /v1/checks/{id}`: an earlier check of the own organisation.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn check_result(&self, check: &CheckId) -> Result<CheckResult, ClientError> {
        self.get(format!("/v1/checks/{check}"))
    }
}

/// Media type and body of a form with the parts `photo` and `context` (RFC 7578). The photo's own name stays at
/// home: it may name a person.
fn multipart(photo: &[u8], context: &[u8]) -> (String, Vec<u8>) {
    // The boundary must not occur in the parts: no file holds its own digest.
    let boundary = format!("touchstone-{}", &Sha256Digest::of_parts(&[photo, context]).to_string()[..40]);
    let mut body = Vec::with_capacity(photo.len() + context.len() + 512);
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"context\"\r\nContent-Type: application/json\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(context);
    let head = format!(
        "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"photo\"\r\n\
         Content-Type: {BYTES}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(photo);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// Everything but the unreserved characters of RFC 3986 as `%XX`.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_segments_are_escaped() {
        assert_eq!(percent_encode("a/b c?杯.~"), "a%2Fb%20c%3F%E6%9D%AF.~");
    }

    #[test]
    fn forms_hold_both_parts_between_boundaries() {
        let (media_type, body) = multipart(b"\xff\xd8pixels", b"{}");
        let boundary = media_type.split_once("boundary=").unwrap().1;
        let text = String::from_utf8_lossy(&body);
        assert!(boundary.len() <= 70);
        assert_eq!(text.matches(boundary).count(), 3);
        assert!(text.ends_with(&format!("--{boundary}--\r\n")));
        assert!(body.windows(8).any(|window| window == b"\xff\xd8pixels"));
    }
}
