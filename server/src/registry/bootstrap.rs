//! The first moment of a registry: its keys, its origin, its operator's token.

use super::{Refusal, access, signing};
use crate::{
    clock::{Clock, Entropy, nonce},
    keyring::Keyring,
    store::{NewToken, Store},
};
use touchstone_schema::{
    api::Scope,
    key::PublicKey,
    problem::ProblemCode,
    statement::{Body, OPERATOR_KEY_POLICY, ORIGIN_POLICY, PolicyChanged, VERDICT_KEY_POLICY},
};

/// Name of the state row that holds the origin.
pub(super) const ORIGIN: &str = ORIGIN_POLICY;
/// The operator's first token lasts a year; the operator makes shorter ones with it.
const OPERATOR_TOKEN_DAYS: i64 = 365;
const MAX_ORIGIN: usize = 128;

/// What the operator gets to see, once.
#[derive(Clone)]
pub struct Bootstrapped {
    /// The operator's token. Shown now and never again.
    pub operator_token: String,
    /// Verifier key of the log.
    pub log_verifier_key: String,
    /// Key that signs verdicts and observations.
    pub verdict_key: PublicKey,
    /// Key that signs the operator's decisions.
    pub operator_key: PublicKey,
    /// Origin of the log.
    pub origin: String,
}

impl std::fmt::Debug for Bootstrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bootstrapped").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// An origin is a schemeless URL prefix (C2SP tlog-checkpoint): a host, maybe with a path.
fn check_origin(origin: &str) -> Result<(), Refusal> {
    let fits = (1..=MAX_ORIGIN).contains(&origin.len())
        && !origin.contains("//")
        && !origin.ends_with('/')
        && origin.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'/' | b':'));
    if fits {
        return Ok(());
    }
    let detail = "an origin is a host in lowercase, maybe with a path, without scheme: registry.example/log";
    Err(Refusal::with(ProblemCode::InvalidField, detail))
}

impl super::Registry {
    /// Makes an empty, migrated database a registry. The first log entries state its origin and its own keys as policies,
    /// so that an auditor can begin with the log alone.
    ///
    /// # Errors
    /// `conflict` if it is one already; nothing is changed then. `invalid-field` for an origin of the wrong form.
    pub fn bootstrap(
        store: &Store,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
        origin: &str,
        passphrase: &[u8],
    ) -> Result<Bootstrapped, Refusal> {
        check_origin(origin)?;
        store.write(|writer| {
            if writer.state(ORIGIN)?.is_some() {
                let detail = "this database holds a registry already; bootstrap makes only empty ones";
                return Err(Refusal::with(ProblemCode::Conflict, detail));
            }
            let now = clock.now();
            let keyring = Keyring::create(writer, entropy, passphrase)?;
            writer.set_state(ORIGIN, origin)?;
            let stated = [
                (ORIGIN_POLICY, origin.to_owned()),
                (OPERATOR_KEY_POLICY, PublicKey::from(keyring.operator()).to_string()),
                (VERDICT_KEY_POLICY, PublicKey::from(keyring.verdict()).to_string()),
            ];
            for (policy, value) in stated {
                let body = Body::from(PolicyChanged { policy: policy.to_owned(), value });
                signing::append_own(writer, keyring.operator(), origin, now, nonce(entropy)?, body)?;
            }
            let fresh = access::fresh_token(keyring.token_secret(), now, entropy)?;
            writer.insert_token(&NewToken {
                id: fresh.id,
                hash: fresh.hash,
                organisation: None,
                name: "first operator token".to_owned(),
                scopes: vec![Scope::Operate, Scope::Manage],
                created_at: now,
                expires_at: now.saturating_add_seconds(OPERATOR_TOKEN_DAYS * 86_400),
                user: None,
            })?;
            Ok(Bootstrapped {
                operator_token: fresh.text,
                log_verifier_key: PublicKey::from(keyring.log()).verifier_key(origin),
                verdict_key: keyring.verdict().into(),
                operator_key: keyring.operator().into(),
                origin: origin.to_owned(),
            })
        })
    }
}
