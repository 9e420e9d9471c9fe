//! What became of a registered label and of a registered C2PA manifest: kept, missing, weakened, swapped, signed anew,
//! or carried over to another picture.
//!
//! Whoever strips a label leaves the same traces as a chat program that sends a photo on, and an AI output that was made
//! from a photo looks like that photo. So a departure is told only where it is known which of the two was first, and that
//! the registered file had a label to lose.

use super::{
    credentials::{Credential, RegisteredManifest, TRUSTED},
    evidence::{Candidate, Evidence, LabelElsewhere, Tie},
    rules::counts,
};
use touchstone_schema::{
    label::{FoundLabel, Gb45438Label, LabelMeaning, LabelScheme, OutputLabel},
    statement::C2paBinding,
    verdict::{Binding, Context, FindingKind, SourceTypeChange},
};

/// Differing bits above which two pictures of the same size are not one picture that was merely encoded again: far
/// beyond what that does, and below the 128 of unrelated ones. A heavy crop or edit comes as far.
const TRANSPLANT_DISTANCE: u32 = 80;

/// How a photo departs from what is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// No label is left.
    Removed,
    /// The implicit label is less sure (confirmed, possible, suspected) than the registered one.
    Weakened,
    /// The implicit label names another producer.
    Producer,
    /// The implicit label bears another number.
    Number,
    /// The digital source type says less.
    SourceType,
    /// Another label stands in its place.
    Replaced,
    /// Somebody else signed a C2PA manifest over the same content.
    Resigned,
}

impl Departure {
    /// The finding that tells about it.
    #[must_use]
    pub const fn kind(self) -> FindingKind {
        match self {
            Self::Removed => FindingKind::LabelRemoved,
            Self::Resigned => FindingKind::C2paResigned,
            Self::Weakened | Self::Producer | Self::Number | Self::SourceType | Self::Replaced => {
                FindingKind::LabelChanged
            }
        }
    }

    /// What is left of the registered label shows that the photo comes from the labelled picture. That there is none, or
    /// one of its own, any other picture has in common with it.
    const fn shows_descent(self) -> bool {
        matches!(self, Self::Weakened | Self::Producer | Self::Number | Self::Resigned)
    }
}

/// How the labels of a photo stand to registered ones, whatever the photo is tied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// AI is disclosed as far as it was registered.
    Kept,
    /// Nothing stands for the registered label.
    Missing,
    /// What stands for it departs from it.
    Changed(Departure),
}

/// The labels of a photo that say that AI took part. A trace that a generator left is no label.
fn ai(evidence: &Evidence) -> impl Iterator<Item = &FoundLabel> {
    evidence.labels.iter().filter(|found| found.discloses_ai())
}

fn labels(evidence: &Evidence) -> impl Iterator<Item = &FoundLabel> {
    evidence.labels.iter().filter(|found| found.scheme != LabelScheme::GeneratorTrace)
}

/// The first label that a service writes into a file that has none, as the law asks of it (Art. 6 of the labelling
/// measures): nobody is named as producer. It takes no other label's place.
fn is_first_of_a_propagator(label: &Gb45438Label) -> bool {
    label.content_producer.is_empty() && label.produce_id.is_empty() && !label.content_propagator.is_empty()
}

/// A label of another kind than the registered one says as much: as surely, and of the whole picture.
fn says_as_much(found: &FoundLabel, registered: &[OutputLabel]) -> bool {
    if found.scheme == LabelScheme::Gb45438 {
        // Here no implicit label was registered, or the found one is of a service's own form.
        let attribute = found.gb45438.as_ref().and_then(Gb45438Label::attribute);
        let as_sure = |label: &OutputLabel| attribute.is_some_and(|found| found <= label.attribute);
        return registered.iter().any(as_sure);
    }
    let wholly = |label: &OutputLabel| label.digital_source_type.meaning() == LabelMeaning::Synthetic;
    found.meaning == LabelMeaning::Synthetic || !registered.iter().all(wholly)
}

fn same_producer(found: &Gb45438Label, registered: &OutputLabel) -> bool {
    found.content_producer == registered.producer
}

fn same_number(found: &Gb45438Label, registered: &OutputLabel) -> bool {
    found.produce_id == registered.content_id
}

/// How the implicit labels of a photo depart from the registered ones; `None` if one of them is kept. Others may add
/// labels of their own: it is enough that one is the registered one.
fn implicit_departure(found: &[&Gb45438Label], registered: &[OutputLabel]) -> Option<Departure> {
    let any = |fits: &dyn Fn(&Gb45438Label, &OutputLabel) -> bool| {
        found.iter().any(|found| registered.iter().any(|registered| fits(found, registered)))
    };
    let as_sure = |found: &Gb45438Label, registered: &OutputLabel| {
        found.attribute().is_some_and(|attribute| attribute <= registered.attribute)
    };
    if any(&|f, r| same_producer(f, r) && same_number(f, r) && as_sure(f, r)) {
        None
    } else if any(&|f, r| same_producer(f, r) && same_number(f, r)) {
        Some(Departure::Weakened)
    } else if any(&same_number) {
        Some(Departure::Producer)
    } else if any(&same_producer) {
        Some(Departure::Number)
    } else {
        Some(Departure::Replaced)
    }
}

/// Compares the labels of a photo with the registered ones.
fn standing(evidence: &Evidence, registered: &[OutputLabel]) -> Standing {
    let first = |label: &Gb45438Label| is_first_of_a_propagator(label);
    if registered.iter().any(|label| label.gb45438.is_some()) {
        // The law asks for the implicit label: no other one stands for it. One whose attribute is none of the three
        // no longer says AI, and is there all the same.
        let implicit: Vec<&Gb45438Label> =
            evidence.labels.iter().filter_map(|it| it.gb45438.as_ref()).collect();
        if !implicit.is_empty() {
            return match implicit_departure(&implicit, registered) {
                None => Standing::Kept,
                Some(_) if implicit.iter().all(|label| first(label)) => Standing::Missing,
                Some(departure) => Standing::Changed(departure),
            };
        }
        if evidence.labels.iter().any(|it| it.scheme == LabelScheme::Gb45438) {
            return Standing::Changed(Departure::Replaced);
        }
        if ai(evidence).next().is_some() {
            return Standing::Missing;
        }
    }
    if ai(evidence).any(|found| says_as_much(found, registered)) {
        return Standing::Kept;
    }
    let mut others = labels(evidence).filter(|found| !found.gb45438.as_ref().is_some_and(first)).peekable();
    if others.peek().is_none() {
        return Standing::Missing;
    }
    let stated = others.any(|found| found.digital_source_type.is_some());
    Standing::Changed(if stated { Departure::SourceType } else { Departure::Replaced })
}

/// The photo discloses AI as far as `candidate` registered it.
pub(super) fn keeps_label(evidence: &Evidence, candidate: &Candidate) -> bool {
    candidate.is_output() && standing(evidence, &candidate.labels) == Standing::Kept
}

/// The registered picture of which a conclusion is drawn, and how the photo departs from it: `best`, and where a merchant
/// registered that, what others had registered before him. Registering a picture that lost its label hides nothing.
pub(super) fn departed<'a>(
    evidence: &'a Evidence,
    best: &'a Candidate,
    context: &Context,
) -> Option<(&'a Candidate, Departure)> {
    let before = |other: &&Candidate| !best.is_output() && other.index < best.index && counts(other, context);
    let all = std::iter::once(best).chain(evidence.candidates.iter().filter(before));
    let mut departures = all.filter_map(|it| departure(evidence, it, context).map(|found| (it, found)));
    departures.next()
}

/// How the photo departs from what `candidate` registered, if it does.
fn departure(evidence: &Evidence, candidate: &Candidate, context: &Context) -> Option<Departure> {
    if signed_anew(evidence, candidate, context) {
        return Some(Departure::Resigned);
    }
    // Without pixels it is not known what the file says about itself, and what was never in it, or not for all the
    // registry saw, cannot be missing. What was merely made from the labelled picture is another picture, with a label of
    // its own.
    let had_label =
        candidate.is_output() && candidate.carried_label && candidate.binding == Binding::Observed;
    let other_bytes = candidate.tie == Tie::WithoutManifest || candidate.tie.is_near();
    if !(had_label && other_bytes && evidence.pixels_seen)
        || came_first(evidence, candidate)
        || comes_second(evidence, candidate)
        || keeps_some_label(evidence, context)
    {
        return None;
    }
    let departure = match standing(evidence, &candidate.labels) {
        Standing::Kept => return None,
        Standing::Missing if manifest_is_there(evidence, candidate) => return None,
        Standing::Missing => Departure::Removed,
        Standing::Changed(departure) => departure,
    };
    (departure.shows_descent() || !may_be_origin(candidate)).then_some(departure)
}

/// One of several outputs that look alike is the photo's, and its label is there.
fn keeps_some_label(evidence: &Evidence, context: &Context) -> bool {
    let alike = |it: &&Candidate| it.is_same_capture() && counts(it, context);
    evidence.candidates.iter().filter(alike).any(|it| keeps_label(evidence, it))
}

/// The registered label is the photo's manifest. Whether that fits is a finding of its own: it was not taken away.
fn manifest_is_there(evidence: &Evidence, candidate: &Candidate) -> bool {
    let implicit = candidate.labels.iter().any(|label| label.gb45438.is_some());
    let Some((credential, registered)) = evidence.credential.as_ref().zip(candidate.manifest.as_ref()) else {
        return false;
    };
    let same = credential.manifest.as_ref().is_some_and(|found| found.is_same_manifest(&registered.binding));
    !implicit && (credential.is_broken() || same)
}

/// The photo may be the picture that the output was made from: it resembles the output, which names another picture as
/// its origin, or regions of the two differ. Pixels do not tell which of two pictures was made from the other.
pub(super) fn may_be_origin(candidate: &Candidate) -> bool {
    let altered = candidate.examined.is_some_and(|found| found.altered);
    candidate.is_output() && candidate.tie.is_near() && (candidate.derived || altered)
}

/// The same capture was registered before by somebody of the other kind, as the registry saw: a merchant, without any
/// label, before the AI vendor; or the AI vendor, as made from no other picture, before the merchant.
pub(super) fn comes_second(evidence: &Evidence, candidate: &Candidate) -> bool {
    evidence.candidates.iter().filter(|other| other.index < candidate.index).any(|other| {
        let of_its_own = if other.is_output() { !other.derived } else { !other.carried_label };
        let altered = other.examined.is_some_and(|found| found.altered);
        other.is_output() != candidate.is_output()
            && other.binding == Binding::Observed
            && other.is_same_capture()
            && !other.withdrawn
            && !altered
            && of_its_own
    })
}

/// An intact manifest of another signer stands over content whose registered file had one of its own. C2PA binds a
/// manifest to content, not content to a manifest: a validator calls both trusted where both signers are.
fn signed_anew(evidence: &Evidence, candidate: &Candidate, context: &Context) -> bool {
    let Some(credential) = evidence.credential.as_ref().filter(|it| it.is_intact()) else { return false };
    let Some((found, registered)) = credential.manifest.as_ref().zip(candidate.manifest.as_ref()) else {
        return false;
    };
    // Whoever registered the content may sign it again, with another certificate, and register that.
    let same = |it: &RegisteredManifest| found.is_same_manifest(&it.binding);
    let own = |it: &&Candidate| it.issuer == candidate.issuer && it.binding == Binding::Observed;
    let mut own = evidence.candidates.iter().filter(own).filter(|it| counts(it, context));
    if own.any(|it| it.tie == Tie::File || it.manifest.as_ref().is_some_and(same)) {
        return false;
    }
    // Whoever signs an edit and keeps the registered manifest as its parent's hides nothing. Of a manifest that was only
    // declared nobody knows that it was there, and one that did not fit its picture may be anybody's.
    candidate.tie == Tie::WithoutManifest
        && candidate.binding == Binding::Observed
        && registered.intact
        && candidate.descent.is_none()
        && !same(registered)
        && !same_signer(credential, found, registered)
        && !came_first(evidence, candidate)
}

/// Anybody may put any name into a certificate of his own: it tells who signed only as far as a trust list vouches for
/// both. The key of one certificate is one signer's.
fn same_signer(credential: &Credential, found: &C2paBinding, registered: &RegisteredManifest) -> bool {
    let known = &registered.binding;
    let vouched = credential.state == TRUSTED && registered.trusted;
    found.identity().is_same_certificate(&known.identity()) == Some(true)
        || vouched && found.signer == known.signer
}

/// The photo is known to be older than what `candidate` registered, or than its registration: its bytes or its manifest
/// were logged before, the registered manifest's store holds its manifest as an ingredient's, or a trusted time stamp says
/// so. Then it departs from nothing: whoever registered the other one signed it anew, or labelled it.
fn came_first(evidence: &Evidence, candidate: &Candidate) -> bool {
    let credential = evidence.credential.as_ref().filter(|it| it.is_intact());
    let found = credential.and_then(|it| it.manifest.as_ref());
    let is_found = |binding: &C2paBinding| found.is_some_and(|found| found.is_same_manifest(binding));
    let mut earlier = evidence.candidates.iter().filter(|other| other.index < candidate.index);
    let mut ingredients = candidate.manifest.iter().flat_map(|it| &it.ingredients);
    let identity = found.map(C2paBinding::identity);
    earlier.any(|other| {
        other.tie == Tie::File || other.manifest.as_ref().is_some_and(|manifest| is_found(&manifest.binding))
    }) || ingredients.any(|held| identity.as_ref().is_some_and(|own| own.is_same_claim(held) == Some(true)))
        || credential.and_then(|it| it.time).is_some_and(|time| time < candidate.accepted_at)
}

/// The digital source types of a photo, in its IPTC metadata and in its C2PA manifest, that were not registered for it.
pub(super) fn source_type_changes(evidence: &Evidence, candidate: &Candidate) -> Vec<SourceTypeChange> {
    // The registered bytes changed nothing; what was merely made from the picture has a source type of its own.
    let same_picture = candidate.tie == Tie::WithoutManifest || candidate.tie.is_near();
    let of_its_own = may_be_origin(candidate) && !keeps_label(evidence, candidate);
    let known_before = came_first(evidence, candidate) || comes_second(evidence, candidate);
    if !evidence.pixels_seen || !same_picture || of_its_own || known_before {
        return Vec::new();
    }
    let Some(registered) = candidate.labels.first().map(|label| label.digital_source_type) else {
        return Vec::new();
    };
    let signer = evidence.credential.as_ref().and_then(|it| it.manifest.as_ref()?.signer.clone());
    let stated =
        labels(evidence).filter(|label| matches!(label.scheme, LabelScheme::Iptc | LabelScheme::C2pa));
    let mut changes: Vec<SourceTypeChange> = Vec::new();
    for (label, found) in stated.filter_map(|label| Some((label, label.digital_source_type?))) {
        let change = SourceTypeChange {
            registered,
            found,
            stated_in: label.scheme,
            level: label.level,
            signer: signer.clone().filter(|_| label.scheme == LabelScheme::C2pa),
        };
        let known = candidate.labels.iter().any(|label| label.digital_source_type == found);
        if !known && !changes.contains(&change) {
            changes.push(change);
        }
    }
    changes
}

/// Whether a label is registered, by the owner of its number and before the claim, for a picture that this photo is not, or
/// is a crop or an edit of that is too heavy to be recognised.
pub(super) fn is_foreign(elsewhere: &LabelElsewhere, context: &Context) -> bool {
    elsewhere.reliable
        && elsewhere.same_size
        && elsewhere.distance.is_some_and(|distance| distance > TRANSPLANT_DISTANCE)
        && !elsewhere.record.withdrawn
        && context.claim_time.is_none_or(|claim| elsewhere.record.accepted_at < claim.end_of_second())
}

/// Whether a label is certainly another picture's: a picture without it is registered, and the photo is that one. The
/// labelled one was not made from it.
pub(super) fn is_transplant(evidence: &Evidence, elsewhere: &LabelElsewhere, context: &Context) -> bool {
    let other = |it: &Candidate| {
        let altered = it.examined.is_some_and(|found| found.altered);
        let seen = it.binding == Binding::Observed && counts(it, context);
        seen && it.is_same_capture() && !altered && !it.carried_label
    };
    is_foreign(elsewhere, context) && !elsewhere.derived && evidence.candidates.iter().any(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use touchstone_schema::{OrganisationId, Sha256Digest, StatementId, Timestamp, statement::Role};

    fn manifest(n: u8) -> C2paBinding {
        C2paBinding {
            manifest: format!("urn:c2pa:{n}"),
            store_sha256: Sha256Digest([n; 32]),
            signer: Some("Camera works".to_owned()),
            hard_binding: None,
            certificate_sha256: Some(Sha256Digest([n; 32])),
            claim_signature_sha256: Some(Sha256Digest([n; 32])),
        }
    }

    fn registered(index: u64, binding: C2paBinding) -> Candidate {
        Candidate {
            id: StatementId::from_parts(index, [0; 10]),
            index,
            accepted_at: Timestamp::from_micros(1_000_000).unwrap(),
            issuer: OrganisationId::from_parts(1, [0; 10]),
            issuer_name: "Merchant".to_owned(),
            role: Role::Merchant,
            view: None,
            labels: Vec::new(),
            derived: false,
            carried_label: false,
            manifest: Some(RegisteredManifest {
                binding,
                intact: true,
                trusted: false,
                ingredients: Vec::new(),
            }),
            descent: None,
            file_name: None,
            tie: Tie::WithoutManifest,
            examined: None,
            binding: Binding::Observed,
            withdrawn: false,
            suspect_key: false,
            issuer_suspended: false,
        }
    }

    /// A photo with manifest 1 over content that was registered with manifest 2.
    fn photo(change: impl FnOnce(&mut Credential, &mut Candidate)) -> bool {
        let mut credential =
            Credential { state: "valid".to_owned(), manifest: Some(manifest(1)), ..Credential::default() };
        let mut candidate = registered(7, manifest(2));
        change(&mut credential, &mut candidate);
        let evidence = Evidence { credential: Some(credential), ..Evidence::default() };
        departure(&evidence, &candidate, &Context::default()) == Some(Departure::Resigned)
    }

    #[test]
    fn a_time_stamp_tells_which_signature_is_older() {
        let at = |micros| Timestamp::from_micros(micros).unwrap();
        assert!(photo(|_, _| ()), "nothing tells that it came first");
        assert!(!photo(|credential, _| credential.time = Some(at(999_999))));
        assert!(photo(|credential, _| credential.time = Some(at(1_000_000))));
    }

    #[test]
    fn a_signer_is_told_by_certificate_and_by_name_only_where_both_are_vouched_for() {
        let same_key = |registered: &mut Candidate| {
            let binding = &mut registered.manifest.as_mut().unwrap().binding;
            binding.certificate_sha256 = Some(Sha256Digest([1; 32]));
        };
        let vouched = |credential: &mut Credential, registered: &mut Candidate| {
            credential.state = TRUSTED.to_owned();
            registered.manifest.as_mut().unwrap().trusted = true;
        };
        assert!(!photo(|_, registered| same_key(registered)));
        assert!(!photo(vouched), "a renewed certificate");
        assert!(photo(|credential, registered| {
            vouched(credential, registered);
            credential.state = "valid".to_owned();
        }));
        // Bytes of the store that no signature covers make no other manifest of it.
        assert!(!photo(|_, registered| {
            let binding = &mut registered.manifest.as_mut().unwrap().binding;
            binding.claim_signature_sha256 = Some(Sha256Digest([1; 32]));
        }));
    }
}
