//! Signal classes of the C2PA conformance rubrics ("Asset Signals Rubric (Local)", version 1.0 of 2026-08-06):
//! how a manifest says that a picture began, and what it says was done to it.
//!
//! The conditions are the rubric's, over one manifest and nothing else. They look at the actions assertion of
//! version 2 alone, and compare source types letter by letter. What is concluded beyond that stands in
//! [`super::meaning`].

use ::c2pa::Manifest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Actions that begin a picture's history.
pub(super) const INCEPTION: [&str; 2] = ["c2pa.created", "c2pa.opened"];

/// Actions that do not change what a picture shows.
pub(super) const NON_EDITORIAL: [&str; 11] = [
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
];

const FULLY: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
const PARTLY: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";
const COMPOSITE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/composite";

/// Source types of a change that a generative model made.
const GENERATIVE: [&str; 4] = [
    FULLY,
    PARTLY,
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic",
    "http://c2pa.org/digitalsourcetype/trainedAlgorithmicData",
];

/// Source types of a change that a generative model may have made.
const POSSIBLY_GENERATIVE: [&str; 2] =
    ["http://cv.iptc.org/newscodes/digitalsourcetype/digitalArt", COMPOSITE];

/// How the picture began. A manifest may show several, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum InceptionSignal {
    /// Wholly made by a generative model.
    #[serde(rename = "fullyGenAIMedia")]
    FullyGenAi,
    /// A composite with generated parts.
    #[serde(rename = "partlyGenAICreation")]
    PartlyGenAi,
    /// Captured by a camera.
    CapturedMedia,
    /// Several captures put together.
    CapturedMediaStitched,
    /// A composite; generated parts are possible.
    #[serde(rename = "compositionMayContainGenAI")]
    Composition,
    /// A screenshot; whatever the screen showed.
    #[serde(rename = "screenCaptureMayContainGenAI")]
    ScreenCapture,
    /// Made with software, without a generative model.
    #[serde(rename = "nonGenAIDigitalCreation")]
    DigitalCreation,
    /// An empty canvas.
    BlankCanvas,
    /// The picture went in as a file without a manifest.
    MediaUnknownProvenance,
}

/// What was done to the picture. A manifest may show several, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum TransformationSignal {
    /// A change made by a generative model.
    #[serde(rename = "perceptibleGenAI")]
    PerceptibleGenAi,
    /// A change of another stated nature.
    #[serde(rename = "perceptibleNonGenAI")]
    PerceptibleNonGenAi,
    /// A change in which a generative model may have taken part.
    #[serde(rename = "perceptiblePossiblyGenAI")]
    PerceptiblePossiblyGenAi,
    /// A change of form: format, scale, metadata, watermark.
    NonEditorial,
    /// The list of actions is missing, not complete, or holds actions of unknown meaning.
    AmbiguousActions,
}

/// The signals of one manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Signals {
    /// How the picture began.
    pub inception: Vec<InceptionSignal>,
    /// What was done to it.
    pub transformations: Vec<TransformationSignal>,
}

impl Signals {
    /// Whether the picture began like this.
    #[must_use]
    pub fn began(&self, signal: InceptionSignal) -> bool {
        self.inception.contains(&signal)
    }

    /// Whether this was done to it.
    #[must_use]
    pub fn changed(&self, signal: TransformationSignal) -> bool {
        self.transformations.contains(&signal)
    }
}

/// An action of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Action {
    /// Its name, such as `c2pa.created`.
    pub(super) name: Option<String>,
    /// Its digital source type as it stands there.
    pub(super) source_type: Option<String>,
}

impl Action {
    fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    pub(super) fn is_one_of(&self, names: &[&str]) -> bool {
        self.name.as_deref().is_some_and(|name| names.contains(&name))
    }
}

/// What the signals of a manifest depend on.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Actions of the assertion `c2pa.actions.v2`.
    pub(super) actions: Vec<Action>,
    /// Whether that assertion says that it lists all actions.
    pub(super) complete: bool,
    /// Whether the claim lists an actions assertion among those that the claim generator only gathered.
    pub(super) gathered: bool,
    /// Whether the assertion `c2pa.ingredient.v3` refers to no manifest.
    pub(super) unknown_ingredient: bool,
    /// Actions of all other actions assertions: those of version 1, and further ones.
    pub(super) more_actions: Vec<Action>,
}

impl Facts {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let mut facts = Self::default();
        // The library gives actions of every version the label of version 2. The claim has the real ones, in
        // the same order.
        let references: Vec<String> = manifest
            .assertion_references()
            .filter_map(|reference| Some(reference.url().rsplit_once('/')?.1.to_owned()))
            .filter(|label| label.starts_with("c2pa.actions"))
            .collect();
        let assertions: Vec<_> =
            manifest.assertions().iter().filter(|a| a.label().starts_with("c2pa.actions")).collect();
        let known = references.len() == assertions.len();
        for (index, assertion) in assertions.into_iter().enumerate() {
            facts.gathered |= manifest.claim_version().is_some_and(|v| v >= 2) && !assertion.created();
            let label = assertion.label_with_instance();
            let label = if known { references.get(index).unwrap_or(&label) } else { &label };
            let Ok(value) = assertion.value() else { continue };
            let actions = value.get("actions").and_then(Value::as_array).into_iter().flatten().map(action);
            if label == "c2pa.actions.v2" {
                facts.actions = actions.collect();
                facts.complete = value.get("allActionsIncluded") == Some(&Value::Bool(true));
            } else {
                facts.more_actions.extend(actions);
            }
        }
        facts.unknown_ingredient = manifest
            .ingredients()
            .iter()
            .find(|ingredient| ingredient.label() == Some("c2pa.ingredient.v3"))
            .is_some_and(|ingredient| ingredient.active_manifest().is_none());
        facts
    }

    /// All actions, those of the assertion that the rubric looks at first.
    pub(super) fn all_actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter().chain(&self.more_actions)
    }

    /// The signals by the rubric.
    pub(super) fn signals(&self) -> Signals {
        let inception = [
            (InceptionSignal::FullyGenAi, self.began_as(&[FULLY])),
            (InceptionSignal::PartlyGenAi, self.began_as(&[PARTLY])),
            (
                InceptionSignal::CapturedMedia,
                self.began_as(&[
                    "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
                    "http://cv.iptc.org/newscodes/digitalsourcetype/computationalCapture",
                ]),
            ),
            (
                InceptionSignal::CapturedMediaStitched,
                self.began_as(&["http://cv.iptc.org/newscodes/digitalsourcetype/compositeCapture"]),
            ),
            (InceptionSignal::Composition, self.began_as(&[COMPOSITE])),
            (
                InceptionSignal::ScreenCapture,
                self.began_as(&["http://cv.iptc.org/newscodes/digitalsourcetype/screenCapture"]),
            ),
            (
                InceptionSignal::DigitalCreation,
                self.began_as(&["http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation"]),
            ),
            (InceptionSignal::BlankCanvas, self.began_as(&["http://c2pa.org/digitalsourcetype/empty"])),
            (InceptionSignal::MediaUnknownProvenance, self.unknown_ingredient),
        ];
        let generative = |source_type: &str| GENERATIVE.contains(&source_type);
        let transformations = [
            (TransformationSignal::PerceptibleGenAi, self.changed_by(generative)),
            (TransformationSignal::PerceptibleNonGenAi, self.changed_by(|term| !generative(term))),
            (
                TransformationSignal::PerceptiblePossiblyGenAi,
                self.changed_by(|term| POSSIBLY_GENERATIVE.contains(&term)),
            ),
            (
                TransformationSignal::NonEditorial,
                self.actions.iter().any(|action| action.is_one_of(&NON_EDITORIAL)),
            ),
            (TransformationSignal::AmbiguousActions, self.ambiguous()),
        ];
        Signals {
            inception: inception.into_iter().filter(|(_, shown)| *shown).map(|(s, _)| s).collect(),
            transformations: transformations
                .into_iter()
                .filter(|(_, shown)| *shown)
                .map(|(s, _)| s)
                .collect(),
        }
    }

    /// Whether the picture was created or opened as one of these source types.
    fn began_as(&self, source_types: &[&str]) -> bool {
        self.actions.iter().any(|action| {
            action.is_one_of(&INCEPTION)
                && action.source_type.as_deref().is_some_and(|term| source_types.contains(&term))
        })
    }

    /// Whether an action that changes what the picture shows has such a source type.
    fn changed_by(&self, source_type: impl Fn(&str) -> bool) -> bool {
        self.actions.iter().any(|action| {
            action.name.is_some()
                && !action.is_one_of(&INCEPTION)
                && !action.is_one_of(&NON_EDITORIAL)
                && action.source_type.as_deref().is_some_and(&source_type)
        })
    }

    fn ambiguous(&self) -> bool {
        let foreign = |action: &Action| action.name.as_deref().is_some_and(|name| !name.starts_with("c2pa."));
        self.actions.is_empty()
            || !self.complete
            || self.gathered
            || self.actions.iter().any(|action| foreign(action) || action.is("c2pa.unknown"))
    }
}

fn action(value: &Value) -> Action {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Action { name: text("action"), source_type: text("digitalSourceType") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(actions: &[(&str, &str)]) -> Facts {
        let actions = actions
            .iter()
            .map(|(name, term)| Action {
                name: Some((*name).to_owned()),
                source_type: Some(format!("http://cv.iptc.org/newscodes/digitalsourcetype/{term}"))
                    .filter(|_| !term.is_empty()),
            })
            .collect();
        Facts { actions, complete: true, ..Facts::default() }
    }

    #[test]
    fn a_missing_or_open_list_is_ambiguous() {
        let ambiguous = |facts: &Facts| facts.signals().changed(TransformationSignal::AmbiguousActions);
        let whole = facts(&[("c2pa.created", "digitalCapture")]);
        assert!(!ambiguous(&whole));
        assert!(ambiguous(&Facts { complete: false, ..whole.clone() }));
        assert!(ambiguous(&Facts { gathered: true, ..whole.clone() }));
        assert!(ambiguous(&Facts { actions: Vec::new(), ..whole }));
        assert!(ambiguous(&facts(&[("c2pa.created", ""), ("c2pa.unknown", "")])));
        assert!(ambiguous(&facts(&[("c2pa.created", ""), ("com.example.edited", "")])));
    }

    #[test]
    fn source_types_are_compared_letter_by_letter() {
        let mut odd = facts(&[("c2pa.created", "trainedAlgorithmicMedia")]);
        assert_eq!(odd.signals().inception, [InceptionSignal::FullyGenAi]);
        odd.actions[0].source_type = Some("trainedAlgorithmicMedia".to_owned());
        assert!(odd.signals().inception.is_empty(), "the rubric knows the full address alone");
    }

    #[test]
    fn an_edit_of_unstated_nature_shows_no_signal() {
        let signals = facts(&[("c2pa.opened", ""), ("c2pa.edited", "")]).signals();
        assert_eq!(signals, Signals::default());
    }
}
