//! `touchstone verify-receipt`: what a receipt proves, in words.

use super::{args::VerifyReceipt, policy};
use crate::cli::{
    failure::{Failure, Status},
    output::{Output, Tone},
    session::Session,
};
use serde::Serialize;
use touchstone_schema::{
    Sha256Digest, StatementId, Timestamp,
    envelope::MAX_ENVELOPE_BYTES,
    log::receipt::{MAX_RECEIPT_BYTES, ReceiptError},
    statement::Issuer,
};
use touchstone_sdk::{
    entropy::{Entropy, SystemEntropy},
    files::{self, FileError},
    keys,
    log::receipt::{self, Proven, ReceiptFault},
};

/// The contract for scripts.
#[derive(Serialize)]
struct Line {
    proven: bool,
    log: String,
    log_index: u64,
    accepted_at: Timestamp,
    leaf_hash: Sha256Digest,
    kind: &'static str,
    issuer: Issuer,
    key_hint: String,
    signature_verified: bool,
    /// Fingerprint of the key that signed, if it was verified.
    signer: Option<Sha256Digest>,
    statement: Option<StatementId>,
    checkpoint_size: u64,
    checkpoint_root: Sha256Digest,
    witnesses: Vec<(String, Option<Timestamp>)>,
    witnessed_at: Option<Timestamp>,
}

/// A witness's time. None for what no calendar has.
pub(super) fn time(seconds: u64) -> Option<Timestamp> {
    Timestamp::from_micros(i64::try_from(seconds).ok()?.checked_mul(1_000_000)?).ok()
}

/// Name and time of a cosignature.
pub(super) fn dated((name, seconds): &(String, u64)) -> String {
    let time = time(*seconds).map_or_else(|| seconds.to_string(), |time| time.to_string());
    format!("{name} ({time})")
}

pub(crate) fn run(session: &Session, args: &VerifyReceipt) -> Result<Status, Failure> {
    let out = &session.out;
    let policy = policy(&args.trusted)?;
    let signer = args.signer.as_deref().map(keys::read_public).transpose()?;
    let envelope = files::read(&args.envelope, MAX_ENVELOPE_BYTES as u64)?;
    let proven = match files::read(&args.receipt, MAX_RECEIPT_BYTES as u64) {
        Ok(receipt) => receipt::verify(&receipt, &envelope, &policy, signer, SystemEntropy.now()?),
        Err(FileError::TooLong { .. }) => Err(ReceiptFault::Text),
        Err(error) => return Err(error.into()),
    };
    match proven {
        Ok(proven) => {
            show(out, &proven);
            Ok(Status::Done)
        }
        Err(fault) => {
            if out.json {
                out.object(&serde_json::json!({ "proven": false, "reason": fault.to_string() }));
            } else {
                let head = out.choose("the receipt proves nothing", "收据不能证明任何内容");
                out.line(&format!("{}: {fault}", out.paint(Tone::Bad, head)));
                if let Some(hint) = hint(out, &fault) {
                    out.notice(hint);
                }
            }
            Ok(Status::Wrong)
        }
    }
}

/// What may help against it.
const fn hint(out: &Output, fault: &ReceiptFault) -> Option<&'static str> {
    match fault {
        ReceiptFault::Receipt(ReceiptError::Policy(_)) => Some(out.choose(
            "a receipt satisfies the policy that held when it was made: compare keys and witnesses of the policy file with \
             those that the registry published, through another channel",
            "收据满足其签发时生效的策略：请通过其他渠道，将策略文件中的密钥和见证人与登记处公布的进行核对",
        )),
        ReceiptFault::Receipt(_) | ReceiptFault::Text | ReceiptFault::Extra(_) | ReceiptFault::Other { .. } => {
            Some(out.choose(
                "a receipt proves the envelope that came with it, byte for byte; touchstone statement envelope ID and \
                 touchstone statement receipt ID fetch both anew",
                "收据只证明与其一同取得的信封，须逐字节一致；可用 touchstone statement envelope ID 与 touchstone \
                 statement receipt ID 重新获取",
            ))
        }
        _ => None,
    }
}

fn show(out: &Output, proven: &Proven) {
    let checkpoint = &proven.checkpoint.checkpoint;
    let kind = proven.statement.body.kind().name();
    let witnesses = &proven.checkpoint.witnesses;
    if out.json {
        out.object(&Line {
            proven: true,
            log: checkpoint.origin.clone(),
            log_index: proven.log_index,
            accepted_at: proven.accepted_at,
            leaf_hash: proven.leaf_hash,
            kind,
            issuer: proven.statement.issuer,
            key_hint: proven.key_hint.clone(),
            signature_verified: proven.signer.is_some(),
            signer: proven.signer.map(|(key, _)| key.fingerprint()),
            statement: proven.signer.map(|(_, id)| id),
            checkpoint_size: checkpoint.size,
            checkpoint_root: checkpoint.root,
            witnesses: witnesses.iter().map(|(name, at)| (name.clone(), time(*at))).collect(),
            witnessed_at: proven.witnessed_at().and_then(time),
        });
        return;
    }
    let head = out.choose("the log holds this statement", "日志包含该声明");
    out.line(&out.paint(Tone::Good, head));
    let words = out.words();
    let issuer = match proven.statement.issuer {
        Issuer::Organisation(id) => id.to_string(),
        Issuer::Registry => words.registry.to_owned(),
    };
    let signature = match proven.signer {
        Some(_) => out.choose("verified with the given key", "已用所给公钥验证"),
        None => out.choose("not verified: give --signer", "未验证：请用 --signer 提供公钥"),
    };
    let dated_by: Vec<String> = witnesses.iter().map(dated).collect();
    let dated_by = if dated_by.is_empty() {
        out.choose("nobody: the time is the registry's own word", "无见证：时间仅由登记处自述").to_owned()
    } else {
        dated_by.join(", ")
    };
    out.fields(&[
        (words.statement, proven.signer.map(|(_, id)| id.to_string()).unwrap_or_default()),
        (words.kind, kind.to_owned()),
        (words.issuer, issuer),
        match proven.signer {
            Some((key, _)) => (out.choose("signed with", "签名密钥"), key.fingerprint().to_string()),
            None => (out.choose("says to be signed with", "自称的签名密钥"), proven.key_hint.clone()),
        },
        (out.choose("signature", "签名"), signature.to_owned()),
        (out.choose("log", "日志"), checkpoint.origin.clone()),
        (words.log_index, proven.log_index.to_string()),
        (words.accepted_at, proven.accepted_at.to_string()),
        (out.choose("covered by", "检查点"), format!("{} / {}", checkpoint.size, checkpoint.root)),
        (out.choose("dated by", "时间见证"), dated_by),
    ]);
}
