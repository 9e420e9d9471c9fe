//! The propagator's part of an implicit label (GB 45438-2025; Art. 6 of the labelling measures of 2025-09-01): a service
//! that spreads a file adds its own name and number to the label that is there, or writes the first one where a user
//! declared the file to be generated or traces of generation were found.
//!
//! What the producer wrote stays byte for byte. Nothing here takes a field away, empties it or makes it say less.

use super::{
    embed,
    gb45438::{self, LabelFault},
    json_edit, mp4,
    provider_code::{CODE_LENGTH, ORGANISATION_LENGTH},
    read::read_labels,
    write::{LabelToWrite, LabelWriteError, Manifest, Target, attribute_text, write},
};
use touchstone_schema::label::{AiAttribute, FoundLabel, Gb45438Label, LabelScheme};

/// Why a file without a label gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PropagationBasis {
    /// The user who uploaded it declared it: possible (可能).
    Declared,
    /// An explicit label or traces of generation were detected: suspected (疑似).
    Detected,
}

impl PropagationBasis {
    const fn attribute(self) -> AiAttribute {
        match self {
            Self::Declared => AiAttribute::Possible,
            Self::Detected => AiAttribute::Suspected,
        }
    }
}

/// What a propagator writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Propagation {
    /// Its name or 27-character code (`ContentPropagator`).
    pub propagator: String,
    /// Its own unique number of the content (`PropagateID`).
    pub propagate_id: String,
    /// Its integrity data (`ReservedCode2`). If it is empty, what stands there stays.
    pub integrity: String,
    /// Why a file without an implicit label gets one. Without a basis only a file with another label that says that AI
    /// made it gets one, as suspected: a trace alone may be any text, and somebody has to say that he detected it. A file
    /// with a label keeps the attribute it has.
    pub basis: Option<PropagationBasis>,
}

/// A copy of a file with the propagator's fields in its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Propagated {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its implicit label.
    pub label: Gb45438Label,
    /// Whether the file had none before.
    pub is_new: bool,
}

/// Writes the propagator's fields into a copy of the file `bytes`.
///
/// The label's other fields, a label that is not compliant included, stay as they are; so does every byte outside the
/// label's carrier, but for sizes and offsets that the format derives from it. Propagator fields may be written where
/// they are empty or repeat the producer's, as on first write; those of another propagator are never replaced, and
/// neither is integrity data that stands nowhere else in the label. A file that has exactly these fields already comes
/// back unchanged.
///
/// # Errors
/// A [`LabelWriteError`]; the input is never changed.
pub fn propagate(bytes: &[u8], propagation: &Propagation) -> Result<Propagated, LabelWriteError> {
    propagate_over(bytes, propagation, Manifest::Unbroken)
}

/// As [`propagate`], for a file whose manifest is kept as said.
///
/// # Errors
/// As [`propagate`].
pub(crate) fn propagate_over(
    bytes: &[u8],
    propagation: &Propagation,
    manifest: Manifest,
) -> Result<Propagated, LabelWriteError> {
    let target = Target::of(bytes, manifest)?;
    check(propagation)?;
    let found = read_labels(bytes);
    let mut implicit = found.iter().filter(|label| label.scheme == LabelScheme::Gb45438);
    match (implicit.next(), implicit.next()) {
        (None, _) => first(bytes, target, propagation, &found),
        (Some(label), None) => added(bytes, target, propagation, label),
        (Some(_), Some(_)) => Err(LabelWriteError::SeveralLabels),
    }
}

/// The propagator's fields must be right, whatever stands in the others.
fn check(propagation: &Propagation) -> Result<(), LabelWriteError> {
    for (field, value) in
        [("ContentPropagator", &propagation.propagator), ("PropagateID", &propagation.propagate_id)]
    {
        if value.is_empty() {
            return Err(LabelWriteError::InvalidLabel(LabelFault::Empty { field }));
        }
    }
    let fields = with_fields(Gb45438Label::default(), propagation);
    let of_propagator = |fault: &LabelFault| gb45438::KEYS.iter().skip(4).any(|key| *key == fault.field());
    if let Some(fault) = gb45438::faults(&fields).into_iter().find(of_propagator) {
        return Err(LabelWriteError::InvalidLabel(fault));
    }
    match gb45438::role_findings(&fields).into_iter().next() {
        Some(finding) => Err(LabelWriteError::Inconsistent(Box::new(finding))),
        None => Ok(()),
    }
}

fn with_fields(mut label: Gb45438Label, propagation: &Propagation) -> Gb45438Label {
    label.content_propagator.clone_from(&propagation.propagator);
    label.propagate_id.clone_from(&propagation.propagate_id);
    if !propagation.integrity.is_empty() {
        label.reserved_code_2.clone_from(&propagation.integrity);
    }
    label
}

/// The first implicit label of a file. Nobody is known to have produced it.
fn first(
    bytes: &[u8],
    target: Target,
    propagation: &Propagation,
    found: &[FoundLabel],
) -> Result<Propagated, LabelWriteError> {
    let seen = found.iter().any(FoundLabel::discloses_ai).then_some(PropagationBasis::Detected);
    let basis = propagation.basis.or(seen).ok_or(LabelWriteError::NoLabel)?;
    let label = with_fields(
        Gb45438Label { label: attribute_text(basis.attribute()).to_owned(), ..Gb45438Label::default() },
        propagation,
    );
    let labels = LabelToWrite { gb45438: Some(label.clone()), digital_source_type: None };
    Ok(Propagated { bytes: write(bytes, target, &labels)?, label, is_new: true })
}

fn added(
    bytes: &[u8],
    target: Target,
    propagation: &Propagation,
    found: &FoundLabel,
) -> Result<Propagated, LabelWriteError> {
    let unreadable = LabelWriteError::UnsupportedLayout { what: "its label cannot be read" };
    let old = found.gb45438.as_ref().ok_or(unreadable)?;
    let mut label = with_fields(old.clone(), propagation);
    let own =
        (&old.content_propagator, &old.propagate_id) == (&label.content_propagator, &label.propagate_id);
    if !own && !is_free(old) {
        return Err(LabelWriteError::AlreadyPropagated { found: named_propagator(old) });
    }
    // A repetition of the producer's integrity data stands in the producer's field as well; any other would be lost.
    let (held, given) = (&old.reserved_code_2, &label.reserved_code_2);
    if held != given && !held.is_empty() && *held != old.reserved_code_1 {
        return Err(LabelWriteError::AlreadyPropagated { found: named_propagator(old) });
    }
    // A label that the propagator wrote itself may say more once the user declares more, and never less.
    let asked = propagation.basis.map(PropagationBasis::attribute);
    let all_own = own && old.content_producer.is_empty() && old.reserved_code_1.is_empty();
    if let (true, Some(asked), Some(now)) = (all_own, asked, old.attribute()) {
        if asked > now {
            let (found, asked) = (old.label.clone(), attribute_text(asked));
            return Err(LabelWriteError::WouldWeaken { found, asked });
        }
        label.label = attribute_text(asked).to_owned();
    }
    if label == *old {
        return Ok(Propagated { bytes: bytes.to_vec(), label, is_new: false });
    }
    let mut changes =
        vec![("ContentPropagator", label.content_propagator.as_str()), ("PropagateID", &label.propagate_id)];
    if !propagation.integrity.is_empty() {
        changes.push(("ReservedCode2", &label.reserved_code_2));
    }
    if label.label != old.label {
        changes.push(("Label", &label.label));
    }
    let change = |text: &str| json_edit::changed(text, &changes).filter(|new| new.len() <= gb45438::MAX_TEXT);
    let new = match target {
        Target::Movie => mp4::change(bytes, found, change),
        Target::Picture(picture) => embed::change(bytes, picture, found, change),
    }?;
    // The one label must read back with these fields and all of the old ones, and the others as they were.
    let back = read_labels(&new);
    let is_label = |l: &&FoundLabel| l.scheme == LabelScheme::Gb45438;
    let labels: Vec<_> = back.iter().filter(is_label).map(|l| l.gb45438.as_ref()).collect();
    if labels != [Some(&label)] || back.len() != read_labels(bytes).len() {
        return Err(LabelWriteError::NotReadBack);
    }
    Ok(Propagated { bytes: new, label, is_new: false })
}

/// Whether nobody but the producer stands in the propagator's fields: they are empty, repeat the producer's, or name
/// another service of the producer's organisation with the producer's number, as on first write.
fn is_free(label: &Gb45438Label) -> bool {
    if label.content_propagator.is_empty()
        && label.propagate_id.is_empty()
        && label.reserved_code_2.is_empty()
    {
        return true;
    }
    let organisation =
        |code: &str| code.get(..ORGANISATION_LENGTH).filter(|_| code.len() == CODE_LENGTH).map(str::to_owned);
    let (producer, propagator) = (&label.content_producer, &label.content_propagator);
    let same_organisation = propagator == producer
        || organisation(producer).is_some_and(|own| organisation(propagator) == Some(own));
    !producer.is_empty() && same_organisation && label.propagate_id == label.produce_id
}

fn named_propagator(label: &Gb45438Label) -> String {
    let name = &label.content_propagator;
    name.get(..name.floor_char_boundary(100)).unwrap_or_default().to_owned()
}
