//! The label model: what a picture says about being made or edited by AI, and how far that can be trusted.
//!
//! Sources: GB 45438-2025 Annex E (implicit label), IPTC digital source type NewsCodes, C2PA 2.x actions, and the
//! record duties of the EU AI Act Art. 50 and California SB 942, whose union is [`OutputLabel`].

use crate::{conformance::LabelFinding, label_integrity::LabelIntegrity, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a label can be trusted. A missing label never means "made by a person".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelLevel {
    /// Unsigned, in the file: anybody could have written it.
    Declared,
    /// Signed, but with a key that only the file itself vouches for.
    Signed,
    /// Signed by a pinned key or under a trust list.
    Verified,
    /// A signed statement in this registry's log.
    Registered,
}

/// The label's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelScheme {
    /// China: implicit label of GB 45438-2025 ("AIGC").
    Gb45438,
    /// IPTC `digitalSourceType` in XMP.
    Iptc,
    /// A C2PA manifest.
    C2pa,
    /// A trace that a generator leaves by itself, such as a prompt in a PNG text chunk.
    GeneratorTrace,
}

/// What a label says about the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelMeaning {
    /// Wholly made by AI.
    Synthetic,
    /// AI made a part of it or edited it.
    PartlySynthetic,
    /// Captured by a camera.
    Captured,
    /// Something else: a scan, a drawing, a screenshot, an edit without AI.
    Other,
}

impl LabelMeaning {
    /// Whether AI took part.
    #[must_use]
    pub const fn is_ai(self) -> bool {
        matches!(self, Self::Synthetic | Self::PartlySynthetic)
    }
}

/// The attribute of GB 45438 (`Label`): 属于, 可能, 疑似. JSON form `"1"`, `"2"`, `"3"` as in the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum AiAttribute {
    /// 属于: the producer says that AI made it.
    #[serde(rename = "1")]
    Confirmed,
    /// 可能: a user declared it.
    #[serde(rename = "2")]
    Possible,
    /// 疑似: traces were found.
    #[serde(rename = "3")]
    Suspected,
}

/// The implicit label of GB 45438-2025 Annex E, as it stands in the file. All values are strings there; missing
/// keys read as empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gb45438Label {
    /// `"1"` confirmed, `"2"` possible, `"3"` suspected; other text is kept as it was found.
    #[serde(rename = "Label")]
    pub label: String,
    /// Name or 27-character code of the provider that made the content.
    #[serde(rename = "ContentProducer")]
    pub content_producer: String,
    /// The producer's own unique number of the content.
    #[serde(rename = "ProduceID")]
    pub produce_id: String,
    /// The producer's integrity data.
    #[serde(rename = "ReservedCode1")]
    pub reserved_code_1: String,
    /// Name or code of the service that spread the content.
    #[serde(rename = "ContentPropagator")]
    pub content_propagator: String,
    /// The propagator's own unique number of the content.
    #[serde(rename = "PropagateID")]
    pub propagate_id: String,
    /// The propagator's integrity data.
    #[serde(rename = "ReservedCode2")]
    pub reserved_code_2: String,
}

impl Gb45438Label {
    /// The attribute, if it is one of the three of the standard.
    #[must_use]
    pub fn attribute(&self) -> Option<AiAttribute> {
        match self.label.as_str() {
            "1" => Some(AiAttribute::Confirmed),
            "2" => Some(AiAttribute::Possible),
            "3" => Some(AiAttribute::Suspected),
            _ => None,
        }
    }
}

/// A term of the IPTC digital source type vocabulary (or of its C2PA extension), by its last path segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DigitalSourceType {
    /// A photograph.
    DigitalCapture,
    /// Several captures computed into one, as phones do.
    ComputationalCapture,
    /// Scan of a negative.
    NegativeFilm,
    /// Scan of a positive.
    PositiveFilm,
    /// Scan of a print.
    Print,
    /// Edited by a person without AI.
    HumanEdits,
    /// Enhanced by an algorithm without generating content.
    AlgorithmicallyEnhanced,
    /// Made by a person with software.
    DigitalCreation,
    /// A rendering of data.
    DataDrivenMedia,
    /// Wholly made by a trained model.
    TrainedAlgorithmicMedia,
    /// A composite in which a trained model made a part.
    CompositeWithTrainedAlgorithmicMedia,
    /// Made by an algorithm that was not trained.
    AlgorithmicMedia,
    /// A screenshot.
    ScreenCapture,
    /// A recording in a virtual world.
    VirtualRecording,
    /// A composite of several elements.
    Composite,
    /// A composite of captures.
    CompositeCapture,
    /// A composite in which at least one element is synthetic.
    CompositeSynthetic,
    /// Retired: small edits by a person.
    MinorHumanEdits,
    /// Retired: a drawing.
    DigitalArt,
    /// Retired: a picture made by software.
    SoftwareImage,
    /// C2PA: no content yet.
    Empty,
    /// C2PA: output of a trained model that is not media.
    TrainedAlgorithmicData,
}

/// Base of the IPTC vocabulary.
pub const IPTC_SOURCE_TYPE_BASE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/";
/// Base of C2PA's own terms.
pub const C2PA_SOURCE_TYPE_BASE: &str = "http://c2pa.org/digitalsourcetype/";

impl DigitalSourceType {
    const ALL: [(Self, &'static str); 22] = [
        (Self::DigitalCapture, "digitalCapture"),
        (Self::ComputationalCapture, "computationalCapture"),
        (Self::NegativeFilm, "negativeFilm"),
        (Self::PositiveFilm, "positiveFilm"),
        (Self::Print, "print"),
        (Self::HumanEdits, "humanEdits"),
        (Self::AlgorithmicallyEnhanced, "algorithmicallyEnhanced"),
        (Self::DigitalCreation, "digitalCreation"),
        (Self::DataDrivenMedia, "dataDrivenMedia"),
        (Self::TrainedAlgorithmicMedia, "trainedAlgorithmicMedia"),
        (Self::CompositeWithTrainedAlgorithmicMedia, "compositeWithTrainedAlgorithmicMedia"),
        (Self::AlgorithmicMedia, "algorithmicMedia"),
        (Self::ScreenCapture, "screenCapture"),
        (Self::VirtualRecording, "virtualRecording"),
        (Self::Composite, "composite"),
        (Self::CompositeCapture, "compositeCapture"),
        (Self::CompositeSynthetic, "compositeSynthetic"),
        (Self::MinorHumanEdits, "minorHumanEdits"),
        (Self::DigitalArt, "digitalArt"),
        (Self::SoftwareImage, "softwareImage"),
        (Self::Empty, "empty"),
        (Self::TrainedAlgorithmicData, "trainedAlgorithmicData"),
    ];

    /// The term, such as `trainedAlgorithmicMedia`.
    #[must_use]
    pub fn term(self) -> &'static str {
        Self::ALL.iter().find(|(value, _)| *value == self).map_or("", |(_, term)| term)
    }

    /// The full URI as C2PA and XMP write it.
    #[must_use]
    pub fn uri(self) -> String {
        let base = match self {
            Self::Empty | Self::TrainedAlgorithmicData => C2PA_SOURCE_TYPE_BASE,
            _ => IPTC_SOURCE_TYPE_BASE,
        };
        format!("{base}{}", self.term())
    }

    /// Reads a URI (http or https, either base) or a bare term.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let term = match text.rsplit_once('/') {
            None => text,
            Some((base, term)) => {
                let base = base.trim_start_matches("https://").trim_start_matches("http://");
                let known = [IPTC_SOURCE_TYPE_BASE, C2PA_SOURCE_TYPE_BASE]
                    .iter()
                    .any(|b| b.trim_start_matches("http://").trim_end_matches('/') == base);
                if !known {
                    return None;
                }
                term
            }
        };
        Self::ALL.iter().find(|(_, t)| *t == term).map(|(value, _)| *value)
    }

    /// Whether the vocabulary no longer has the term.
    #[must_use]
    pub const fn is_retired(self) -> bool {
        matches!(self, Self::MinorHumanEdits | Self::DigitalArt | Self::SoftwareImage)
    }

    /// What the term says about AI. `algorithmicMedia` is not trained AI.
    #[must_use]
    pub const fn meaning(self) -> LabelMeaning {
        match self {
            Self::TrainedAlgorithmicMedia | Self::TrainedAlgorithmicData => LabelMeaning::Synthetic,
            Self::CompositeWithTrainedAlgorithmicMedia | Self::CompositeSynthetic => {
                LabelMeaning::PartlySynthetic
            }
            Self::DigitalCapture | Self::ComputationalCapture => LabelMeaning::Captured,
            _ => LabelMeaning::Other,
        }
    }
}

/// A label found in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundLabel {
    /// Format.
    pub scheme: LabelScheme,
    /// Trust, judged from the file and the configured anchors alone (never `registered`).
    pub level: LabelLevel,
    /// What it says.
    pub meaning: LabelMeaning,
    /// Where it stands, for example `jpeg:app1:xmp`, `jpeg:app1:exif:UserComment`, `png:iTXt:XML:com.adobe.xmp`,
    /// `png:tEXt:AIGC`, `webp:XMP`, `heif:mime:xmp`, `mp4:moov.udta.meta.ilst:AIGC`.
    pub carrier: String,
    /// Byte offset in the file at which the carrier's segment, chunk, block, box, item data or directory entry begins;
    /// 0 for what stands in the pixels.
    pub offset: u64,
    /// The fields, if this is a GB 45438 label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gb45438: Option<Gb45438Label>,
    /// The source type, if the label states one that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digital_source_type: Option<DigitalSourceType>,
    /// What IPTC properties say about the picture's making, if this is an IPTC label with any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub iptc: Option<IptcFields>,
    /// What the label's integrity data is worth, if it has any and the file was inspected for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub integrity: Option<LabelIntegrity>,
    /// Tool or system that the label names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// The label as it was found, at most 4,096 bytes, lossily decoded.
    pub raw: String,
    /// Departures from the standard; empty if it is followed in everything that can be checked.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub findings: Vec<LabelFinding>,
}

impl FoundLabel {
    /// Says that AI took part, as a label: a trace that a generator left by itself is none.
    #[must_use]
    pub fn discloses_ai(&self) -> bool {
        self.scheme != LabelScheme::GeneratorTrace && self.meaning.is_ai()
    }
}

/// IPTC Extension properties about making a picture (IPTC Photo Metadata Standard 2025.1), each at most 4,096 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IptcFields {
    /// `AIPromptInformation`: what the generating service was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// `AIPromptWriterName`: who wrote that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_writer: Option<String>,
    /// `AISystemUsed`: engine or model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// `AISystemVersionUsed`: its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_version: Option<String>,
    /// `DigImageGUID`: the maker's identifier of the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_guid: Option<String>,
}

/// Why a label says what it says (Art. 6 of China's labelling measures).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelBasis {
    /// The system that made it says so.
    Produced,
    /// Metadata found in the file said so.
    Metadata,
    /// A user declared it.
    UserDeclared,
    /// Traces or a visible label were detected.
    Detected,
}

/// The state of one labelling layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LayerStatus {
    /// The vendor says that it is there.
    Declared,
    /// It was tested and is there.
    Tested,
    /// It is not there.
    Absent,
    /// Nobody outside can check it.
    NotCheckable,
}

/// The label that an AI vendor registers for an output: the union of what the jurisdictions ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputLabel {
    /// Name or code of the provider: equals `gb45438.ContentProducer` where that label is present.
    pub producer: String,
    /// The provider's unique number of the content: equals `gb45438.ProduceID` where that label is present.
    pub content_id: String,
    /// Confirmed, possible or suspected.
    pub attribute: AiAttribute,
    /// Why.
    pub basis: LabelBasis,
    /// IPTC source type: wholly or partly made by AI.
    pub digital_source_type: DigitalSourceType,
    /// Name of the system.
    pub system: String,
    /// Version of the system.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system_version: Option<String>,
    /// When the content was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created_at: Option<Timestamp>,
    /// The implicit label exactly as the file carries it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gb45438: Option<Gb45438Label>,
    /// Signed metadata in the file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature_layer: Option<LayerStatus>,
    /// Imperceptible watermark in the pixels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub watermark_layer: Option<LayerStatus>,
    /// Visible label in the picture.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub visible_label: Option<LayerStatus>,
    /// Where anyone can test content of this provider. Never fetched by the registry.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detector_url: Option<String>,
    /// How long the provider keeps its own log, in days.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retention_days: Option<u32>,
}
