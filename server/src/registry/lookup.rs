//! What anyone may look up: statements, content by digest, labels by producer and number, a picture's own report.

use super::{Refusal, Registry, content::statement_of};
use crate::store::{EntryRow, Reader};
use touchstone_schema::{
    Sha256Digest, StatementId,
    api::{ContentStatement, ContentStatements, FileReport, LabelRecord, LabelRecords, StatementView},
    envelope::{self, STATEMENT_TYPE},
    leaf,
    problem::ProblemCode,
    statement::{Body, Issuer},
};

/// Most statements under one producer and number that are answered.
const MAX_LABELS: usize = 100;

pub(super) fn issuer_name(reader: &mut Reader<'_>, issuer: &Issuer) -> Result<String, Refusal> {
    match issuer {
        Issuer::Registry => Ok("registry".to_owned()),
        Issuer::Organisation(id) => {
            let row = reader.organisation(id)?;
            Ok(row.ok_or_else(|| Refusal::internal("an entry of an organisation that is not there"))?.name)
        }
    }
}

/// The label that holds for a labelled output now: its own, or that of its latest correction.
pub(super) fn label_record(
    reader: &mut Reader<'_>,
    entry: &EntryRow,
) -> Result<Option<LabelRecord>, Refusal> {
    let (Issuer::Organisation(issuer), Body::OutputLabelled(output)) =
        (entry.issuer, statement_of(entry)?.body)
    else {
        return Ok(None);
    };
    let mut label = output.label;
    if let Some(index) = entry.corrected_at_index {
        let correction = reader.entry(index)?;
        let correction =
            correction.ok_or_else(|| Refusal::internal("a label corrected by an entry that is not there"))?;
        if let Body::LabelCorrected(correction) = statement_of(&correction)?.body {
            label = correction.label;
        }
    }
    Ok(Some(LabelRecord {
        statement: entry.id,
        log_index: entry.index,
        accepted_at: entry.accepted_at,
        issuer,
        label,
        sha256: output.content.sha256,
        corrected: entry.corrected_at_index.is_some(),
        withdrawn: entry.withdrawn_at_index.is_some(),
    }))
}

impl Registry {
    /// A statement with its exact envelope.
    ///
    /// # Errors
    /// `not-found`.
    pub fn statement(&self, id: &StatementId) -> Result<StatementView, Refusal> {
        self.0.store.read(|reader| {
            let entry = reader.entry_by_id(id)?;
            let entry = entry.ok_or_else(|| Refusal::with(ProblemCode::NotFound, "no such statement"))?;
            let (_, bytes) = leaf::decode(&entry.leaf).map_err(Refusal::internal)?;
            let opened = envelope::open(bytes, STATEMENT_TYPE).map_err(Refusal::internal)?;
            Ok(StatementView {
                id: entry.id,
                log_index: entry.index,
                accepted_at: entry.accepted_at,
                kind: entry.kind,
                issuer: match entry.issuer {
                    Issuer::Organisation(id) => id.to_string(),
                    Issuer::Registry => "registry".to_owned(),
                },
                issuer_name: issuer_name(reader, &entry.issuer)?,
                statement: serde_json::from_slice(&opened.payload).map_err(Refusal::internal)?,
                envelope: String::from_utf8(bytes.to_vec()).map_err(Refusal::internal)?,
                leaf_hash: entry.leaf_hash,
                withdrawn: entry.withdrawn_at_index.is_some(),
                observed_at_index: entry.observed_at_index,
            })
        })
    }

    /// Statements that bind these bytes, oldest first. None is an answer too.
    ///
    /// # Errors
    /// A [`Refusal`] if the database does not answer.
    pub fn content(&self, sha256: &Sha256Digest) -> Result<ContentStatements, Refusal> {
        let rows = self.0.store.read(|reader| reader.content(sha256).map_err(Refusal::from))?;
        let mut statements: Vec<ContentStatement> = Vec::with_capacity(rows.len());
        for row in rows {
            let Issuer::Organisation(issuer) = row.issuer else { continue };
            let whole_file = row.which == crate::store::ContentDigest::File;
            match statements.last_mut() {
                // A file without manifest is bound twice, by equal digests.
                Some(last) if last.id == row.id => last.whole_file |= whole_file,
                _ => statements.push(ContentStatement {
                    id: row.id,
                    kind: row.kind,
                    log_index: row.index,
                    accepted_at: row.accepted_at,
                    issuer,
                    whole_file,
                    withdrawn: row.withdrawn,
                }),
            }
        }
        Ok(ContentStatements { sha256: *sha256, statements })
    }

    /// Labels registered under a producer and its number, oldest first.
    ///
    /// # Errors
    /// A [`Refusal`] if the database does not answer.
    pub fn labels(&self, producer: &str, content_id: &str) -> Result<LabelRecords, Refusal> {
        self.0.store.read(|reader| {
            let mut indexes = reader.label(producer, content_id)?;
            indexes.truncate(MAX_LABELS);
            let mut labels = Vec::with_capacity(indexes.len());
            for entry in reader.entries(&indexes)? {
                labels.extend(label_record(reader, &entry)?);
            }
            labels.sort_unstable_by_key(|label| label.log_index);
            Ok(LabelRecords { labels })
        })
    }

    /// What a picture tells about itself. Nothing is stored.
    ///
    /// # Errors
    /// The picture problems.
    pub fn inspect(&self, bytes: &[u8]) -> Result<FileReport, Refusal> {
        Ok(touchstone_inspect::inspect_file(bytes, &self.0.inspector())?.report())
    }
}
