//! What a manifest says about AI. It rests on the signals of the conformance rubric and goes further where the
//! rubric is silent:
//! - actions assertions of version 1, and further ones, count as well;
//! - source types are understood in every usual spelling, and `compositeSynthetic` and `trainedAlgorithmicData`
//!   count at a picture's beginning too;
//! - parents and components are followed through the manifests that the same store holds: an edited AI picture
//!   is still an AI picture, and an AI component makes it a partly synthetic one; the same holds for what a
//!   manifest says of an ingredient that has none;
//! - a capture that was edited in an unstated way is no longer called captured, and `c2pa.resized` is no edit.

use super::signals::{Action, Facts, INCEPTION, InceptionSignal, NON_EDITORIAL, TransformationSignal};
use ::c2pa::{Ingredient, Manifest, Reader, Relationship};
use touchstone_schema::label::{DigitalSourceType, LabelMeaning};

/// How many generations of parents are followed.
const MAX_DEPTH: u32 = 16;
/// How many manifests are looked at in all, so that a dense graph of ingredients stays cheap.
const MAX_VISITS: u32 = 256;

/// What the manifest's own actions say.
fn own(facts: &Facts) -> Option<LabelMeaning> {
    let actions: Vec<Action> = facts.all_actions().cloned().map(spelt_out).collect();
    let began = |terms: &[DigitalSourceType]| {
        actions.iter().filter(|action| action.is_one_of(&INCEPTION)).any(|action| {
            let term = action.source_type.as_deref().and_then(DigitalSourceType::parse);
            term.is_some_and(|term| terms.contains(&term))
        })
    };
    let says_nothing = actions.iter().all(|action| {
        let term = action.source_type.as_deref().and_then(DigitalSourceType::parse);
        term.is_none() || action.is_one_of(&NON_EDITORIAL)
    });
    let signals = Facts { actions: actions.clone(), ..Facts::default() }.signals();
    if signals.began(InceptionSignal::FullyGenAi) || began(&[DigitalSourceType::TrainedAlgorithmicData]) {
        Some(LabelMeaning::Synthetic)
    } else if signals.began(InceptionSignal::PartlyGenAi)
        || signals.changed(TransformationSignal::PerceptibleGenAi)
        || began(&[DigitalSourceType::CompositeSynthetic])
    {
        Some(LabelMeaning::PartlySynthetic)
    } else if says_nothing {
        None
    } else if signals.began(InceptionSignal::CapturedMedia) && only_form(&actions) {
        Some(LabelMeaning::Captured)
    } else {
        Some(LabelMeaning::Other)
    }
}

/// Whether an action may change what a picture shows.
pub(super) fn is_editorial(name: &str) -> bool {
    !INCEPTION.contains(&name) && !NON_EDITORIAL.contains(&name) && name != "c2pa.resized"
}

/// The action with its source type as a full address, if it is a known one.
fn spelt_out(action: Action) -> Action {
    let source_type = action.source_type.map(|text| match DigitalSourceType::parse(&text) {
        Some(term) => term.uri(),
        None => text,
    });
    Action { source_type, ..action }
}

/// Whether nothing but the picture's form was changed. An edit whose nature is not stated may have painted
/// anything.
fn only_form(actions: &[Action]) -> bool {
    actions.iter().all(|action| {
        action.is_one_of(&INCEPTION)
            || action.is_one_of(&NON_EDITORIAL)
            || action.is_one_of(&["c2pa.resized"])
    })
}

/// What the active manifest says, with its parents and components.
pub(super) fn meaning(reader: &Reader) -> Option<LabelMeaning> {
    meaning_of(reader, reader.active_manifest()?, 0, &mut 0)
}

fn meaning_of(reader: &Reader, manifest: &Manifest, depth: u32, visits: &mut u32) -> Option<LabelMeaning> {
    *visits += 1;
    let facts = Facts::of(manifest);
    let mut result = own(&facts);
    if result == Some(LabelMeaning::Synthetic) || depth >= MAX_DEPTH {
        return result;
    }
    for ingredient in manifest.ingredients() {
        if *visits >= MAX_VISITS {
            break;
        }
        let source = ingredient.active_manifest().and_then(|label| reader.get_manifest(label));
        let theirs = match source {
            Some(source) => meaning_of(reader, source, depth + 1, visits),
            None => stated_of(ingredient),
        };
        let Some(theirs) = theirs else { continue };
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
                let actions: Vec<Action> = facts.all_actions().cloned().collect();
                let unedited = only_form(&actions);
                result = Some(if unedited { LabelMeaning::Captured } else { LabelMeaning::Other });
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

/// What the manifest itself says of an ingredient that has none.
fn stated_of(ingredient: &Ingredient) -> Option<LabelMeaning> {
    let term = serde_json::to_value(ingredient.digital_source_type()?).ok()?;
    DigitalSourceType::parse(term.as_str()?).map(DigitalSourceType::meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(actions: &[(&str, Option<&str>)]) -> Option<LabelMeaning> {
        let actions: Vec<Action> = actions
            .iter()
            .map(|(name, term)| Action {
                name: Some((*name).to_owned()),
                source_type: term.map(str::to_owned),
            })
            .collect();
        let first = own(&Facts { actions: actions.clone(), ..Facts::default() });
        assert_eq!(own(&Facts { more_actions: actions, ..Facts::default() }), first, "version 1 counts too");
        first
    }

    #[test]
    fn what_actions_say() {
        use LabelMeaning::{Captured, Other, PartlySynthetic, Synthetic};
        let generated = Some("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia");
        let camera = Some("http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture");
        type Actions<'a> = &'a [(&'a str, Option<&'a str>)];
        let table: [(Actions<'_>, Option<LabelMeaning>); 13] = [
            (&[], None),
            (&[("c2pa.created", None)], None),
            (&[("c2pa.created", Some("http://example.org/unknown"))], None),
            (&[("c2pa.created", generated), ("c2pa.edited", None)], Some(Synthetic)),
            (&[("c2pa.created", Some("trainedAlgorithmicData"))], Some(Synthetic)),
            (&[("c2pa.created", Some("compositeSynthetic"))], Some(PartlySynthetic)),
            (&[("c2pa.created", camera)], Some(Captured)),
            (&[("c2pa.created", camera), ("c2pa.converted", None)], Some(Captured)),
            (&[("c2pa.created", camera), ("c2pa.resized", None)], Some(Captured)),
            (&[("c2pa.created", camera), ("c2pa.edited", None)], Some(Other)),
            (&[("c2pa.created", camera), ("c2pa.placed", generated)], Some(PartlySynthetic)),
            (&[("c2pa.opened", None), ("c2pa.edited", Some("compositeSynthetic"))], Some(PartlySynthetic)),
            (&[("c2pa.created", Some("screenCapture"))], Some(Other)),
        ];
        for (actions, expected) in table {
            assert_eq!(said(actions), expected, "{actions:?}");
        }
    }
}
