//! What was found, one by one, with what each finding rests on and where it ends. What follows from them is decided in
//! [`super::rules`].

use super::{
    evidence::{Candidate, Evidence, Tie},
    relabelling::{Departure, is_foreign, is_transplant},
    rules::{counts, registered_before},
    texts,
};
use touchstone_inspect::frames;
use touchstone_schema::{
    label::{FoundLabel, LabelLevel},
    label_integrity::LabelIntegrity,
    verdict::{Basis, Binding, Context, Finding, FindingKind, Limit, Reference, SourceTypeChange, Strength},
};

/// Median agreement of the blocks below which the photo was changed as a whole, by a screen or a filter, so far that
/// small alterations may drown in it. What was only encoded again, resized or cropped agrees better.
const CLEAR_CORRELATION: f32 = 0.985;

pub(super) fn plain(kind: FindingKind, strength: Strength, rests_on: Basis) -> Finding {
    Finding {
        kind,
        strength,
        rests_on,
        summary: texts::finding(kind),
        statement: None,
        log_index: None,
        registered_before: None,
        binding: None,
        distance: None,
        source_type: None,
        limits: Vec::new(),
    }
}

fn of_entry(
    kind: FindingKind,
    strength: Strength,
    basis: Basis,
    of: &Candidate,
    context: &Context,
) -> Finding {
    let mut limits = Vec::new();
    let before = registered_before(of, context);
    if before.is_none() {
        limits.push(Limit::TimeMissing);
    }
    if of.binding == Binding::Declared {
        limits.push(Limit::DeclaredOnly);
    }
    Finding {
        statement: Some(of.id),
        log_index: Some(of.index),
        registered_before: before,
        binding: Some(of.binding),
        limits,
        ..plain(kind, strength, basis)
    }
}

pub(super) fn entry_findings(candidate: &Candidate, context: &Context, findings: &mut Vec<Finding>) {
    let compared = if candidate.examined.is_some() { Basis::Pixels } else { Basis::Fingerprint };
    let (kind, strength, basis) = match candidate.tie {
        Tie::File => (FindingKind::SameBytes, Strength::Conclusive, Basis::Digest),
        Tie::WithoutManifest => (FindingKind::SameContent, Strength::Conclusive, Basis::Digest),
        Tie::Similar(_) | Tie::Geometry => (FindingKind::SimilarPicture, Strength::Strong, compared),
        Tie::Parent => (FindingKind::EditedFromRegistered, Strength::Supporting, Basis::Credential),
        Tie::OtherCapture => (FindingKind::OtherCapture, Strength::Hint, compared),
    };
    let mut tied = of_entry(kind, strength, basis, candidate, context);
    if kind == FindingKind::SimilarPicture && candidate.examined.is_some() {
        tied.summary = texts::same_pixels();
    }
    if let Tie::Similar(distance) = candidate.tie {
        tied.distance = Some(distance);
    }
    tied.limits.extend(examination_limits(candidate));
    findings.push(tied);
    if candidate.tie == Tie::OtherCapture {
        return;
    }
    if let Some(found) = candidate.examined {
        let mut seen = |kind, strength| {
            let mut finding = of_entry(kind, strength, Basis::Pixels, candidate, context);
            finding.limits.extend(examination_limits(candidate));
            findings.push(finding);
        };
        if found.altered {
            seen(FindingKind::AlteredRegions, Strength::Strong);
        }
        if found.overlaid {
            seen(FindingKind::OverlaidRegions, Strength::Supporting);
        }
    }
    if candidate.descent.is_some() && candidate.tie != Tie::Parent {
        let kind = FindingKind::EditedFromRegistered;
        findings.push(of_entry(kind, Strength::Supporting, Basis::Credential, candidate, context));
    }
    let mut also = |kind| findings.push(of_entry(kind, Strength::Strong, Basis::Log, candidate, context));
    if !candidate.labels.is_empty() {
        also(FindingKind::LabelRegistered);
    }
    if candidate.withdrawn {
        also(FindingKind::Withdrawn);
    } else if !counts(candidate, context) {
        also(FindingKind::RegisteredAfterClaim);
    }
    if candidate.suspect_key {
        also(FindingKind::SuspectKey);
    }
    if candidate.issuer_suspended {
        also(FindingKind::IssuerSuspended);
    }
}

/// How far the pixels of a near match were looked at.
pub(super) fn examination_limits(candidate: &Candidate) -> Vec<Limit> {
    if !candidate.tie.is_near() && candidate.tie != Tie::Parent {
        return Vec::new();
    }
    let Some(found) = candidate.examined else { return vec![Limit::AlterationsNotExamined] };
    let mut limits = Vec::new();
    if found.numbers.reference == Reference::Sketch {
        limits.push(Limit::SmallReference);
    }
    if found.overlaid || found.uneven || found.numbers.correlation < CLEAR_CORRELATION {
        limits.push(Limit::AlterationsMayBeMissed);
    }
    limits
}

/// How much it carries that the photo departs from what `candidate` registered, and what that rests on.
fn weight(candidate: &Candidate) -> (Strength, Basis) {
    let declared = candidate.binding == Binding::Declared;
    match candidate.tie {
        tie if tie.is_near() && declared => (Strength::Supporting, Basis::Fingerprint),
        // Equal digests, and nobody but the registrant saw what they are of.
        Tie::WithoutManifest if declared => (Strength::Supporting, Basis::Digest),
        Tie::Similar(_) | Tie::Geometry if candidate.examined.is_some() => (Strength::Strong, Basis::Pixels),
        Tie::Similar(_) | Tie::Geometry => (Strength::Strong, Basis::Fingerprint),
        Tie::Parent => (Strength::Supporting, Basis::Credential),
        Tie::File | Tie::WithoutManifest | Tie::OtherCapture => (Strength::Conclusive, Basis::Digest),
    }
}

pub(super) fn departure_finding(
    evidence: &Evidence,
    candidate: &Candidate,
    departure: Departure,
    context: &Context,
) -> Finding {
    let (strength, basis) = weight(candidate);
    let mut finding = of_entry(departure.kind(), strength, basis, candidate, context);
    finding.summary = texts::departure(departure);
    let dated = evidence.credential.as_ref().is_some_and(|it| it.time.is_some());
    if departure == Departure::Resigned && !dated {
        finding.limits.push(Limit::OrderByLogAlone);
    }
    finding
}

/// The digital source type that the photo states is not the registered one.
pub(super) fn source_type_finding(
    candidate: &Candidate,
    change: SourceTypeChange,
    context: &Context,
) -> Finding {
    let (strength, basis) = weight(candidate);
    let mut finding = of_entry(FindingKind::SourceTypeChanged, strength, basis, candidate, context);
    finding.summary = texts::source_type(&change);
    finding.source_type = Some(change);
    finding
}

/// The photo shows the two pictures side by side.
fn is_beside(one: &Candidate, other: &Candidate) -> bool {
    let part = |candidate: &Candidate| candidate.examined.and_then(|found| found.part);
    part(one).zip(part(other)).is_some_and(|(one, other)| frames::apart(&one, &other))
}

/// Two issuers over one picture. Each is told of once, by its best entry.
pub(super) fn conflict_findings(evidence: &Evidence, context: &Context, findings: &mut Vec<Finding>) {
    // What a manifest names as a parent may well be somebody else's: the photo is another picture.
    let claims = |it: &&Candidate| counts(it, context) && it.tie != Tie::Parent;
    let counting: Vec<&Candidate> = evidence.candidates.iter().filter(claims).collect();
    let Some(first) = counting.first() else { return };
    let rival = |other: &&&Candidate| other.issuer != first.issuer && !is_beside(first, other);
    let Some(other) = counting.iter().find(rival) else { return };
    let mixed = counting.iter().any(|c| !c.labels.is_empty()) && counting.iter().any(|c| c.labels.is_empty());
    let kind = if mixed { FindingKind::MerchantAndAi } else { FindingKind::ConflictingClaims };
    findings.push(of_entry(kind, Strength::Strong, Basis::Log, other, context));
}

pub(super) fn label_findings(evidence: &Evidence, context: &Context, findings: &mut Vec<Finding>) {
    let trace = |label: &&FoundLabel| label.meaning.is_ai() && !label.discloses_ai();
    if evidence.labels.iter().any(|label| trace(&label)) {
        let limits = vec![Limit::Unsigned];
        findings.push(Finding { limits, ..plain(FindingKind::GeneratorTrace, Strength::Hint, Basis::Label) });
    }
    for label in evidence.labels.iter().filter(|label| label.discloses_ai()) {
        let (strength, limits) = match label.level {
            LabelLevel::Declared => (Strength::Hint, vec![Limit::Unsigned]),
            LabelLevel::Signed => (Strength::Supporting, Vec::new()),
            LabelLevel::Verified | LabelLevel::Registered => (Strength::Strong, Vec::new()),
        };
        let summary = texts::label_in_file(label.scheme);
        findings.push(Finding { summary, limits, ..plain(FindingKind::LabelInFile, strength, Basis::Label) });
        let broken = |found: &LabelIntegrity| {
            matches!(found, LabelIntegrity::Invalid | LabelIntegrity::OtherKey { .. })
        };
        if label.integrity.as_ref().is_some_and(broken) {
            findings.push(plain(FindingKind::LabelSignatureBroken, Strength::Supporting, Basis::Label));
        }
    }
    for elsewhere in &evidence.labels_elsewhere {
        // A heavy crop or edit keeps the label and loses the fingerprint: that its picture was not found says little.
        let certain = is_transplant(evidence, elsewhere, context);
        let (strength, limits) = if certain {
            (Strength::Strong, Vec::new())
        } else {
            (Strength::Supporting, vec![Limit::MayBeMissed])
        };
        let kind = if is_foreign(elsewhere, context) {
            FindingKind::LabelTransplanted
        } else {
            FindingKind::LabelRegistered
        };
        findings.push(Finding {
            summary: texts::label_elsewhere(kind, certain),
            statement: Some(elsewhere.record.statement),
            log_index: Some(elsewhere.record.log_index),
            distance: elsewhere.distance,
            limits,
            ..plain(kind, strength, Basis::Log)
        });
    }
}

pub(super) fn credential_findings(evidence: &Evidence, capture: bool, findings: &mut Vec<Finding>) {
    let credential = evidence.credential.as_ref();
    let (kind, strength) = match credential.map(|it| it.state.as_str()) {
        _ if credential.is_some_and(|it| it.ended) => (FindingKind::C2paEnded, Strength::Hint),
        Some("trusted") => (FindingKind::C2paTrusted, Strength::Strong),
        Some("valid") => (FindingKind::C2paValid, Strength::Supporting),
        Some("invalid" | "unreadable") => (FindingKind::C2paInvalid, Strength::Supporting),
        _ => return,
    };
    findings.push(plain(kind, strength, Basis::Credential));
    if let Some(shared) = evidence.shared_label {
        findings.push(Finding {
            statement: Some(shared.statement),
            log_index: Some(shared.index),
            ..plain(FindingKind::C2paLabelShared, Strength::Hint, Basis::Credential)
        });
    }
    if capture {
        findings.push(plain(FindingKind::CaptureCredential, Strength::Strong, Basis::Credential));
    }
}
