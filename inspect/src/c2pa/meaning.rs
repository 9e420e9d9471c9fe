//! What a manifest says about AI, by the signals of the C2PA conformance rubrics (fullyGenAI, partlyGenAI,
//! capturedMedia, perceptibleGenAI), extended over the parents that the same store holds.

use ::c2pa::{Manifest, Reader, Relationship};
use serde_json::Value;
use touchstone_schema::label::{DigitalSourceType, LabelMeaning};

/// How many generations of parents are followed.
const MAX_DEPTH: u32 = 16;
/// How many manifests are looked at in all, so that a dense graph of ingredients stays cheap.
const MAX_VISITS: u32 = 256;

/// Actions that begin a picture's history.
const INCEPTION: [&str; 2] = ["c2pa.created", "c2pa.opened"];

/// Actions that do not change what a picture shows.
const NON_EDITORIAL: [&str; 12] = [
    "c2pa.converted",
    "c2pa.published",
    "c2pa.repackaged",
    "c2pa.transcoded",
    "c2pa.resized.proportional",
    "c2pa.enhanced",
    "c2pa.edited.metadata",
    "c2pa.watermarked",
    "c2pa.watermarked.bound",
    "c2pa.watermarked.unbound",
    "c2pa.redacted",
    "c2pa.resized",
];

/// An action of a manifest.
#[derive(Debug, Clone)]
pub(super) struct Action {
    /// Its name, such as `c2pa.created`.
    pub(super) name: String,
    /// Its digital source type as it stands there.
    pub(super) source_type: Option<String>,
}

/// All actions of all actions assertions of a manifest, in order.
pub(super) fn actions(manifest: &Manifest) -> Vec<Action> {
    let mut found = Vec::new();
    for assertion in manifest.assertions().iter().filter(|a| a.label().starts_with("c2pa.actions")) {
        let Ok(value) = assertion.value() else { continue };
        let Some(list) = value.get("actions").and_then(Value::as_array) else {
            continue;
        };
        for action in list {
            let text = |key: &str| action.get(key).and_then(Value::as_str).map(str::to_owned);
            found.push(Action {
                name: text("action").unwrap_or_default(),
                source_type: text("digitalSourceType"),
            });
        }
    }
    found
}

/// What the manifest's own actions say.
fn own(actions: &[Action]) -> Option<LabelMeaning> {
    let stated = |inception: bool| {
        actions
            .iter()
            .filter(move |a| INCEPTION.contains(&a.name.as_str()) == inception)
            .filter(move |a| inception || !NON_EDITORIAL.contains(&a.name.as_str()))
            .filter_map(|a| DigitalSourceType::parse(a.source_type.as_deref()?))
            .map(DigitalSourceType::meaning)
    };
    if stated(true).any(|m| m == LabelMeaning::Synthetic) {
        Some(LabelMeaning::Synthetic)
    } else if stated(true).chain(stated(false)).any(LabelMeaning::is_ai) {
        Some(LabelMeaning::PartlySynthetic)
    } else if stated(true).any(|m| m == LabelMeaning::Captured) {
        // A later edit whose nature is not stated may have painted anything: no longer simply "captured".
        Some(if only_non_editorial(actions) { LabelMeaning::Captured } else { LabelMeaning::Other })
    } else {
        stated(true).chain(stated(false)).next().map(|_| LabelMeaning::Other)
    }
}

/// Whether an action may change what a picture shows.
pub(super) fn is_editorial(name: &str) -> bool {
    !INCEPTION.contains(&name) && !NON_EDITORIAL.contains(&name)
}

fn only_non_editorial(actions: &[Action]) -> bool {
    actions.iter().all(|a| INCEPTION.contains(&a.name.as_str()) || NON_EDITORIAL.contains(&a.name.as_str()))
}

/// What the active manifest says, with its parents and components.
pub(super) fn meaning(reader: &Reader) -> Option<LabelMeaning> {
    meaning_of(reader, reader.active_manifest()?, 0, &mut 0)
}

fn meaning_of(reader: &Reader, manifest: &Manifest, depth: u32, visits: &mut u32) -> Option<LabelMeaning> {
    *visits += 1;
    let actions = actions(manifest);
    let mut result = own(&actions);
    if result == Some(LabelMeaning::Synthetic) || depth >= MAX_DEPTH {
        return result;
    }
    for ingredient in manifest.ingredients() {
        if *visits >= MAX_VISITS {
            break;
        }
        let Some(source) = ingredient.active_manifest().and_then(|label| reader.get_manifest(label)) else {
            continue;
        };
        let Some(theirs) = meaning_of(reader, source, depth + 1, visits) else {
            continue;
        };
        let is_parent = *ingredient.relationship() == Relationship::ParentOf;
        match theirs {
            // An edited AI picture is still an AI picture.
            LabelMeaning::Synthetic if is_parent => return Some(LabelMeaning::Synthetic),
            LabelMeaning::Synthetic | LabelMeaning::PartlySynthetic => {
                // What was merely an input, such as a reference picture, is not in the result's pixels.
                if *ingredient.relationship() != Relationship::InputTo {
                    result = Some(LabelMeaning::PartlySynthetic);
                }
            }
            LabelMeaning::Captured if is_parent && result.is_none() => {
                result = Some(if only_non_editorial(&actions) {
                    LabelMeaning::Captured
                } else {
                    LabelMeaning::Other
                });
            }
            LabelMeaning::Captured | LabelMeaning::Other => {
                if is_parent {
                    result = result.or(Some(LabelMeaning::Other));
                }
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(actions: &[(&str, Option<&str>)]) -> Option<LabelMeaning> {
        let list: Vec<Action> = actions
            .iter()
            .map(|(name, term)| Action { name: (*name).to_owned(), source_type: term.map(str::to_owned) })
            .collect();
        own(&list)
    }

    #[test]
    fn signals_of_the_rubrics() {
        use LabelMeaning::{Captured, Other, PartlySynthetic, Synthetic};
        let generated = Some("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia");
        let camera = Some("http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture");
        type Actions<'a> = &'a [(&'a str, Option<&'a str>)];
        let table: [(Actions<'_>, Option<LabelMeaning>); 8] = [
            (&[], None),
            (&[("c2pa.created", None)], None),
            (&[("c2pa.created", generated), ("c2pa.edited", None)], Some(Synthetic)),
            (&[("c2pa.created", camera)], Some(Captured)),
            (&[("c2pa.created", camera), ("c2pa.converted", None)], Some(Captured)),
            (&[("c2pa.created", camera), ("c2pa.edited", None)], Some(Other)),
            (&[("c2pa.created", camera), ("c2pa.placed", generated)], Some(PartlySynthetic)),
            (&[("c2pa.opened", None), ("c2pa.edited", Some("compositeSynthetic"))], Some(PartlySynthetic)),
        ];
        for (actions, expected) in table {
            assert_eq!(said(actions), expected, "{actions:?}");
        }
    }
}
