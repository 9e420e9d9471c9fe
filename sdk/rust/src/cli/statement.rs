//! `touchstone statement` and `touchstone registry`.

use super::{
    args::StatementCommand,
    failure::{Failure, Status},
    log::receipt_policy,
    session::Session,
};
use std::path::Path;
use touchstone_schema::{StatementId, api::StatementView, record::clean_file_name};
use touchstone_sdk::{
    entropy::{Entropy, SystemEntropy},
    files::{self, MAX_PICTURE_BYTES},
    log::receipt::{self, Named},
    register::RegisterError,
};

pub(crate) fn run(session: &Session, command: &StatementCommand) -> Result<Status, Failure> {
    match command {
        StatementCommand::Show { id } => show(session, id),
        StatementCommand::Receipt { id, policy, out } => {
            receipt(session, id, policy.as_deref(), out.as_deref())
        }
        StatementCommand::Envelope { id, out } => envelope(session, id, out.as_deref()),
        StatementCommand::Upload { id, file } => upload(session, id, file),
        StatementCommand::DeleteRecord { id } => delete_record(session, id),
    }
}

fn show(session: &Session, id: &StatementId) -> Result<Status, Failure> {
    let out = &session.out;
    let view = session.connect_publicly()?.client.statement(id)?;
    if out.json {
        out.object(&view);
        return Ok(Status::Done);
    }
    let words = out.words();
    let text =
        |name: &str| view.statement.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    out.fields(&[
        (words.statement, view.id.to_string()),
        (words.kind, view.kind.name().to_owned()),
        (words.issuer, format!("{} ({})", view.issuer_name, view.issuer)),
        (words.log_index, view.log_index.to_string()),
        (words.accepted_at, view.accepted_at.to_string()),
        (words.issued_at, text("issued_at")),
        (words.leaf_hash, view.leaf_hash.to_string()),
        (words.observed_at, view.observed_at_index.map(|index| index.to_string()).unwrap_or_default()),
        (words.withdrawn, if view.withdrawn { words.yes } else { words.no }.to_owned()),
    ]);
    if let Some(body) = view.statement.get("body")
        && let Ok(body) = serde_json::to_string_pretty(body)
    {
        out.line("");
        body.lines().for_each(|line| out.line(&super::output::clean(line)));
    }
    Ok(Status::Done)
}

fn receipt(
    session: &Session,
    id: &StatementId,
    policy: Option<&Path>,
    file: Option<&Path>,
) -> Result<Status, Failure> {
    let client = session.connect_publicly()?.client;
    let info = client.registry()?;
    let policy = receipt_policy(policy, (&info.origin, &info.log_verifier_key))?;
    let receipt = client.receipt_in_time(id)?;
    let StatementView { log_index, accepted_at, envelope, .. } = client.statement(id)?;
    let named = Named { id: *id, log_index, accepted_at };
    let now = SystemEntropy.now()?;
    receipt::verify_named(&receipt, envelope.as_bytes(), &policy, None, now, named).map_err(|fault| {
        let fault = Box::new(fault);
        Failure::from(RegisterError::Receipt { id: *id, fault })
    })?;
    session.out.deliver(file, &receipt)?;
    Ok(Status::Done)
}

fn envelope(session: &Session, id: &StatementId, file: Option<&Path>) -> Result<Status, Failure> {
    let view = session.connect_publicly()?.client.statement(id)?;
    session.out.deliver(file, view.envelope.as_bytes())?;
    Ok(Status::Done)
}

fn upload(session: &Session, id: &StatementId, file: &Path) -> Result<Status, Failure> {
    let out = &session.out;
    let bytes = files::read(file, MAX_PICTURE_BYTES)?;
    let name = file.file_name().and_then(|name| clean_file_name(&name.to_string_lossy()));
    let client = session.connect()?.client;
    let receipt = client.put_pixels(id, "application/octet-stream", &bytes, name.as_deref(), None)?;
    if out.json {
        out.object(&receipt);
        return Ok(Status::Done);
    }
    let words = out.words();
    out.fields(&[
        (words.statement, receipt.statement.to_string()),
        (words.observed_at, receipt.observed_at_index.map(|index| index.to_string()).unwrap_or_default()),
        (words.content, if receipt.searchable { "" } else { words.not_searchable }.to_owned()),
    ]);
    Ok(Status::Done)
}

fn delete_record(session: &Session, id: &StatementId) -> Result<Status, Failure> {
    let logged = session.connect()?.client.delete_record(id)?;
    let out = &session.out;
    if !out.json {
        let en = format!(
            "The record of {id} is deleted: fingerprints, reference picture, file name. The log keeps the digests: the \
             very file is recognised as before, changed copies are not. The deletion is logged as"
        );
        let zh = format!(
            "{id} 的记录已删除：指纹、参考图和文件名。日志仍保留摘要：完全相同的文件仍可识别，改动过的副本不再能识别。\
             本次删除已记入日志："
        );
        out.line(out.choose(&en, &zh));
    }
    show_logged(session, &logged);
    Ok(Status::Done)
}

/// Where an action stands in the log.
pub(crate) fn show_logged(session: &Session, logged: &touchstone_schema::api::Logged) {
    let out = &session.out;
    if out.json {
        out.object(logged);
        return;
    }
    let words = out.words();
    out.fields(&[
        (words.statement, logged.statement.to_string()),
        (words.log_index, logged.log_index.to_string()),
        (words.accepted_at, logged.accepted_at.to_string()),
    ]);
}

/// `touchstone registry`.
pub(crate) fn registry(session: &Session) -> Result<Status, Failure> {
    let out = &session.out;
    let info = session.connect_publicly()?.client.registry()?;
    if out.json {
        out.object(&info);
        return Ok(Status::Done);
    }
    let words = out.words();
    out.fields(&[
        (words.registry, info.origin),
        (words.version, info.version),
        (words.log_size, info.log_size.to_string()),
        (words.time, info.time.to_string()),
        (words.log_key, info.log_verifier_key),
        (words.verdict_key, info.verdict_key.to_string()),
        (words.operator_key, info.operator_key.to_string()),
    ]);
    Ok(Status::Done)
}
