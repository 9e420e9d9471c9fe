//! A check: inspect the photo, gather the evidence, judge, sign, keep.

use super::{
    Caller, Inner, Refusal, Registry, credentials::Credential, evidence::Query, recognise::Resemblance,
    rules, signing::milliseconds,
};
use crate::{
    clock::random,
    store::{CheckPictures, CheckRow},
};
use touchstone_inspect::{Inspection, compare, decode::Picture, fingerprint::PDQ_QUALITY_FLOOR, overlay};
use touchstone_schema::{
    CheckId,
    api::{CheckResult, FingerprintCheck, Scope},
    envelope::{self, VERDICT_TYPE},
    problem::ProblemCode,
    verdict::{Alteration, Context, Photo, Verdict},
};

/// Expired checks that one transaction deletes.
const DELETED_AT_ONCE: u32 = 500;
/// Longest free text of a check's context, in characters.
const MAX_CONTEXT_TEXT: usize = 128;

fn check_context(context: &Context) -> Result<(), Refusal> {
    let texts = [("product", &context.product), ("seller", &context.seller), ("claim", &context.claim)];
    for (name, text) in texts {
        let fits = text.as_deref().is_none_or(|text| {
            let length = text.chars().count();
            (1..=MAX_CONTEXT_TEXT).contains(&length) && !text.chars().any(char::is_control)
        });
        if !fits {
            let detail =
                format!("{name} must have 1 to {MAX_CONTEXT_TEXT} characters, no control characters");
            return Err(Refusal::with(ProblemCode::InvalidField, detail));
        }
    }
    if let (Some(order), Some(claim)) = (context.order_time, context.claim_time)
        && order > claim
    {
        let detail =
            format!("order_time {order} lies after claim_time {claim}: correct one of them or leave it out");
        return Err(Refusal::with(ProblemCode::InvalidField, detail));
    }
    Ok(())
}

fn credential(inspection: &Inspection) -> Option<Credential> {
    let state = inspection.c2pa_state()?;
    let (ancestors, time) = (inspection.c2pa_ancestors(), inspection.c2pa_time());
    let ended = inspection.c2pa_ended();
    Some(Credential { state, ended, manifest: inspection.c2pa_binding(), ancestors, time })
}

fn query(inspection: &Inspection) -> Query {
    let informative = inspection.pdq.quality >= PDQ_QUALITY_FLOOR;
    Query {
        sha256: Some(inspection.sha256),
        sha256_without_manifest: Some(inspection.sha256_without_manifest),
        orientations: if informative { inspection.pdq_orientations.to_vec() } else { Vec::new() },
        dhash: Vec::new(),
        size: Some((inspection.width, inspection.height)),
        labels: inspection.labels.clone(),
        credential: credential(inspection),
        pixels_seen: true,
        informative,
    }
}

/// Where the best match was altered or overlaid, and the pictures that show it.
#[derive(Default)]
struct Drawn {
    alterations: Vec<Alteration>,
    overlays: Vec<Alteration>,
    pictures: Option<CheckPictures>,
}

/// Regions in pixels of the photo, which was compared as `picture`.
fn draw(
    photo: &compare::Query<'_>,
    (inspection, picture): (&Inspection, &Picture),
    found: &Resemblance,
) -> Result<Drawn, Refusal> {
    let (seen, full) = ((picture.width, picture.height), (inspection.width, inspection.height));
    let (alterations, overlays) = (found.alterations(seen, full), found.overlays(seen, full));
    let pictures = match &found.comparison {
        Some((_, comparison)) if !(alterations.is_empty() && overlays.is_empty()) => Some(CheckPictures {
            overlay: overlay::marked(photo, comparison).map_err(Refusal::internal)?,
            mask: overlay::mask(comparison).map_err(Refusal::internal)?,
        }),
        _ => None,
    };
    Ok(Drawn { alterations, overlays, pictures })
}

impl Inner {
    fn conclude(
        &self,
        caller: &Caller,
        photo: Photo,
        query: Query,
        context: &Context,
        seen: Option<(&Inspection, &Picture)>,
    ) -> Result<CheckResult, Refusal> {
        let (pdq, dhash) = (query.orientations.clone(), query.dhash.clone());
        let (evidence, recognition, log_size) = self.gather(query, context, || match seen {
            Some((inspection, picture)) => self.recognise(inspection, picture, context.claim_time),
            None => self.resemble(&pdq, &dhash, context.claim_time),
        })?;
        let judgement = rules::judge(&evidence, context);
        let now = self.now();
        let id = CheckId::from_parts(milliseconds(now), random(self.entropy.as_ref())?);
        let best = judgement.best_match.as_ref().map(|best| best.log_index);
        let best = recognition.resemblances.iter().find(|found| Some(found.index) == best);
        let drawn = match (seen, &recognition.photo, best) {
            (Some(seen), Some(photo), Some(best)) if judgement.same_capture() => draw(photo, seen, best)?,
            _ => Drawn::default(),
        };
        let verdict = Verdict {
            check: id,
            registry: self.origin.clone(),
            checked_at: now,
            log_size,
            checkpoint: self.log.current().map(|published| published.note.clone()),
            photo,
            context: context.clone(),
            conclusion: judgement.conclusion,
            reason: judgement.reason,
            recommendation: judgement.recommendation,
            best_match: judgement.best_match,
            alterations: drawn.alterations,
            overlays: drawn.overlays,
            findings: judgement.findings,
            limits: judgement.limits,
        };
        let payload = serde_json::to_vec(&verdict).map_err(Refusal::internal)?;
        let envelope = envelope::sign(VERDICT_TYPE, &payload, self.keyring.verdict());
        let kept = i64::from(self.settings.check_retention_days) * 86_400;
        self.store.write_beside_log(|writer| {
            writer.insert_check(&CheckRow {
                id,
                organisation: caller.organisation,
                checked_at: now,
                expires_at: now.saturating_add_seconds(kept),
                envelope: envelope.clone(),
            })?;
            if let Some(pictures) = &drawn.pictures {
                writer.insert_check_pictures(&id, pictures)?;
            }
            Ok::<_, Refusal>(())
        })?;
        let envelope = String::from_utf8(envelope).map_err(Refusal::internal)?;
        Ok(CheckResult { id, verdict, envelope })
    }
}

impl Registry {
    /// Checks a photo.
    ///
    /// # Errors
    /// The picture problems; `invalid-field` for a context of the wrong form; `forbidden`.
    pub fn check(&self, caller: &Caller, photo: &[u8], context: &Context) -> Result<CheckResult, Refusal> {
        caller.require(Scope::Check)?;
        check_context(context)?;
        let (inspection, picture) = touchstone_inspect::inspect_picture(photo, &self.0.inspector())?;
        let summary = Photo {
            sha256: Some(inspection.sha256),
            sha256_without_manifest: Some(inspection.sha256_without_manifest),
            media_type: Some(inspection.format.media_type().to_owned()),
            width: Some(inspection.width),
            height: Some(inspection.height),
        };
        self.0.conclude(caller, summary, query(&inspection), context, Some((&inspection, &picture)))
    }

    /// Checks fingerprints alone. The answer states that no pixels were seen.
    ///
    /// # Errors
    /// `invalid-field` if there is nothing to look for; `forbidden`.
    pub fn check_fingerprints(
        &self,
        caller: &Caller,
        given: &FingerprintCheck,
    ) -> Result<CheckResult, Refusal> {
        caller.require(Scope::Check)?;
        check_context(&given.context)?;
        if given.sha256.is_none() && given.sha256_without_manifest.is_none() && given.pdq.is_none() {
            let detail = "give sha256, sha256_without_manifest or pdq";
            return Err(Refusal::with(ProblemCode::InvalidField, detail));
        }
        let quality = match (given.pdq, given.pdq_quality) {
            (None, _) => 0,
            (Some(_), Some(quality)) if quality <= 100 => quality,
            (Some(_), _) => {
                let detail = "pdq needs pdq_quality, 0 to 100";
                return Err(Refusal::with(ProblemCode::InvalidField, detail));
            }
        };
        let informative = quality >= PDQ_QUALITY_FLOOR;
        let photo = Photo {
            sha256: given.sha256,
            sha256_without_manifest: given.sha256_without_manifest,
            media_type: None,
            width: None,
            height: None,
        };
        let query = Query {
            sha256: given.sha256,
            sha256_without_manifest: given.sha256_without_manifest,
            orientations: given.pdq.filter(|_| informative).map(|code| code.0).into_iter().collect(),
            dhash: given.dhash.filter(|_| informative).map(|code| code.0).into_iter().collect(),
            informative: informative || given.pdq.is_none(),
            ..Query::default()
        };
        self.0.conclude(caller, photo, query, &given.context, None)
    }

    /// An earlier check of the caller's organisation.
    ///
    /// # Errors
    /// `not-found` if there is none, it expired, or it is another organisation's.
    pub fn check_result(&self, caller: &Caller, id: &CheckId) -> Result<CheckResult, Refusal> {
        let row = self.own_check(caller, id)?;
        let opened = envelope::open(&row.envelope, VERDICT_TYPE).map_err(Refusal::internal)?;
        let verdict: Verdict = serde_json::from_slice(&opened.payload).map_err(Refusal::internal)?;
        let envelope = String::from_utf8(row.envelope).map_err(Refusal::internal)?;
        Ok(CheckResult { id: *id, verdict, envelope })
    }

    /// What an earlier check of the caller's organisation drew.
    ///
    /// # Errors
    /// As [`Self::check_result`]; `not-found` also if its verdict names no altered or overlaid region.
    pub fn check_pictures(&self, caller: &Caller, id: &CheckId) -> Result<CheckPictures, Refusal> {
        self.own_check(caller, id)?;
        let pictures = self.0.store.read(|reader| reader.check_pictures(id).map_err(Refusal::from))?;
        let detail = format!(
            "the verdict of this check names no altered or overlaid region, so there is nothing to draw; the verdict \
             itself is at /v1/checks/{id}"
        );
        pictures.ok_or_else(|| Refusal::with(ProblemCode::NotFound, detail))
    }

    fn own_check(&self, caller: &Caller, id: &CheckId) -> Result<CheckRow, Refusal> {
        caller.require(Scope::Check)?;
        let now = self.0.now();
        let row = self.0.store.read(|reader| reader.check(id).map_err(Refusal::from))?;
        let row = row.filter(|row| row.organisation == caller.organisation && row.expires_at > now);
        row.ok_or_else(|| Refusal::with(ProblemCode::NotFound, "no such check"))
    }

    /// Deletes checks whose time is over; how many.
    ///
    /// # Errors
    /// A [`Refusal`] if the database does not answer.
    pub fn delete_expired_checks(&self) -> Result<u64, Refusal> {
        let now = self.0.now();
        let mut deleted = 0;
        loop {
            // In parts: on SQLite nobody else writes meanwhile.
            let part =
                self.0.store.write_beside_log(|writer| writer.delete_expired_checks(now, DELETED_AT_ONCE))?;
            deleted += part;
            if part < u64::from(DELETED_AT_ONCE) {
                return Ok(deleted);
            }
        }
    }
}
