//! What a file discloses about AI, which nothing that is written here takes back: who spreads or edits a picture must not
//! conceal its label (China's labelling measures, Art. 10).

use super::{C2paReader, C2paSignError, TrustAnchors};
use crate::labels::{may_stand_beside_ai, read_labels};
use touchstone_schema::label::{DigitalSourceType, FoundLabel};

/// How much of a label is quoted, in characters.
const MAX_QUOTED: usize = 80;

/// What the file says about AI having taken part: the source type, otherwise the start of the label's text. Its labels, the
/// traces of generators and its C2PA manifest count, whether that still fits the file or not. `None` if it says nothing.
#[must_use]
pub fn disclosed_ai(bytes: &[u8], media_type: &str) -> Option<String> {
    let label = read_labels(bytes).into_iter().find(|label| label.meaning.is_ai());
    label.map(|label| quoted(&label)).or_else(|| disclosed_by_manifest(bytes, media_type))
}

fn disclosed_by_manifest(bytes: &[u8], media_type: &str) -> Option<String> {
    let report = C2paReader::new(TrustAnchors::default()).ok()?.read(bytes, media_type)?;
    report.ai_generated.filter(|meaning| meaning.is_ai())?;
    let mut terms = report.digital_source_types.iter().filter_map(|uri| DigitalSourceType::parse(uri));
    // Otherwise a parent or a component says it.
    let term = terms.find(|term| term.meaning().is_ai()).map(|term| term.term().to_owned());
    term.or(report.active_manifest)
}

/// The source type that a label states, otherwise the start of its text.
fn quoted(label: &FoundLabel) -> String {
    let stated = label.digital_source_type.map(|term| term.term().to_owned());
    stated.unwrap_or_else(|| label.raw.chars().take(MAX_QUOTED).collect())
}

/// What the labels in a created file say must not be taken back.
pub(super) fn check_created(bytes: &[u8], asked: DigitalSourceType) -> Result<(), C2paSignError> {
    let contradicts = read_labels(bytes).into_iter().find(|label| {
        label.digital_source_type.is_some_and(|stated| stated != asked)
            || label.meaning.is_ai() && !may_stand_beside_ai(asked)
    });
    let Some(label) = contradicts else { return Ok(()) };
    Err(C2paSignError::Contradiction { asked: asked.term(), found: quoted(&label) })
}

/// An edit of a file that says AI is not stated as a capture, or as anything else that no edit of such a file can be.
pub(super) fn check_edited(
    files: &[&[u8]],
    media_type: &str,
    asked: DigitalSourceType,
) -> Result<(), C2paSignError> {
    if may_be_an_edit_of_ai(asked) {
        return Ok(());
    }
    match files.iter().find_map(|bytes| disclosed_ai(bytes, media_type)) {
        Some(found) => Err(C2paSignError::WouldConceal { asked: asked.term(), found }),
        None => Ok(()),
    }
}

/// Whether a person or a system may have edited a picture of AI in this way.
const fn may_be_an_edit_of_ai(edit: DigitalSourceType) -> bool {
    use DigitalSourceType::{AlgorithmicallyEnhanced, Composite, HumanEdits, MinorHumanEdits};
    may_stand_beside_ai(edit)
        || matches!(edit, HumanEdits | MinorHumanEdits | AlgorithmicallyEnhanced | Composite)
}
