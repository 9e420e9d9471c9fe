//! Verdicts: what is known about a photo, each finding with what it rests on and where it ends.
//!
//! A verdict describes derivation, never honesty, and recommends a next step for a person.

use crate::{
    digest::Sha256Digest,
    id::{CheckId, OrganisationId, StatementId},
    label::{DigitalSourceType, LabelLevel, LabelScheme},
    statement::{Role, View},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The conclusion. The documentation's table says when each is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Same bytes, or same bytes without manifest, as a registered picture.
    Original,
    /// The same capture as a registered picture, encoded again, resized or turned.
    Copy,
    /// Derives from a registered picture, with altered regions.
    Altered,
    /// An AI output by a declared, signed, verified or registered label.
    Synthetic,
    /// A registered label is missing, says less, or is another picture's.
    /// Or somebody else signed registered content.
    Relabelled,
    /// Trusted capture credentials, no conflict.
    Captured,
    /// Nothing is known.
    Unknown,
}

/// The next step for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recommendation {
    /// Nothing speaks against going on as usual.
    Proceed,
    /// Ask for another photo or a video of the item received.
    AskForAnotherPhoto,
    /// A person should look at it.
    HumanReview,
}

/// How the photo relates to the matched picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The bytes are the same, with or without the C2PA manifest.
    SameBytes,
    /// The same capture.
    SameCapture,
    /// The same capture, with altered regions.
    SameCaptureAltered,
    /// The photo's C2PA manifest says that it was made from it; the pixels did not tell.
    EditedFrom,
    /// Another capture that shares an object, a template or its surroundings. Never counts against the buyer.
    SameObjectOtherCapture,
    /// Too small or too degraded. Never counts against the buyer.
    CannotTell,
}

/// Text in the two languages that people read here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bilingual {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

impl Bilingual {
    /// Both texts.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    /// With another sentence behind it.
    #[must_use]
    pub fn followed_by(mut self, more: Option<(&str, &str)>) -> Self {
        if let Some((en, zh)) = more {
            self.en.push(' ');
            self.en.push_str(en);
            self.zh.push_str(zh);
        }
        self
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The file's bytes are registered.
    SameBytes,
    /// The file without its C2PA manifest is registered.
    SameContent,
    /// Fingerprints agree with a registered picture.
    SimilarPicture,
    /// The file carries an AI label.
    LabelInFile,
    /// A text in the file looks like what an AI generator leaves. Anybody can write it.
    GeneratorTrace,
    /// The signature in the file's AI label does not belong to its fields, or not to the producer that it names.
    LabelSignatureBroken,
    /// The matched picture has a registered AI label.
    LabelRegistered,
    /// The registered label is missing in the photo.
    LabelRemoved,
    /// The photo's label says less, or something else, than the registered one.
    LabelChanged,
    /// The photo states another digital source type, in IPTC metadata or in its C2PA manifest, than was registered.
    SourceTypeChanged,
    /// The photo's label is registered for another picture, or, if this is `supporting` only, for one that was not
    /// recognised in the photo: a heavy crop or edit may look like that.
    LabelTransplanted,
    /// The C2PA manifest is intact; nobody trusted vouches for its signer.
    C2paValid,
    /// The C2PA manifest is intact and its signer is trusted.
    C2paTrusted,
    /// The C2PA manifest does not fit the file or is broken.
    C2paInvalid,
    /// The certificate behind the C2PA manifest has ended, and no trusted time stamp says when it was used.
    C2paEnded,
    /// The C2PA manifest was signed by somebody else than the registered one, over the same content.
    C2paResigned,
    /// A registered C2PA manifest by another signer has the label of the photo's manifest, or of a parent's in it.
    C2paLabelShared,
    /// The intact C2PA manifest names a registered picture as the parent of this one.
    EditedFromRegistered,
    /// Trusted credentials say that a camera captured it.
    CaptureCredential,
    /// Two issuers claim the same picture.
    ConflictingClaims,
    /// A merchant registered as its own what an AI vendor registered as output.
    MerchantAndAi,
    /// The matched entry was accepted only after the claim.
    RegisteredAfterClaim,
    /// The issuer withdrew the matched statement.
    Withdrawn,
    /// The matched statement was signed with a key that was suspect by then.
    SuspectKey,
    /// The issuer is suspended.
    IssuerSuspended,
    /// The photo tells too little to be recognised by fingerprints.
    Uninformative,
    /// The photo is the same capture as a registered picture, with altered regions.
    AlteredRegions,
    /// Something lies over the same capture: an app's icons, a status bar, text, a sticker.
    OverlaidRegions,
    /// A registered picture is another capture that shares an object, a template or its surroundings. Counts against
    /// nobody.
    OtherCapture,
}

/// How much a finding carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Anybody could have brought it about.
    Hint,
    /// Speaks for it, with a known rate of error.
    Supporting,
    /// Rests on a signature or on a match with a very low rate of error.
    Strong,
    /// Rests on equal digests.
    Conclusive,
}

/// What a finding rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Equal SHA-256 digests.
    Digest,
    /// Close fingerprints.
    Fingerprint,
    /// The pixels, compared with what the registry keeps of a registered picture.
    Pixels,
    /// A label in the file.
    Label,
    /// A C2PA signature.
    Credential,
    /// A signed statement in the log.
    Log,
}

/// Who computed the bindings of the matched statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// The registry computed them from uploaded pixels.
    Observed,
    /// Only the registrant did.
    Declared,
}

/// Where the evidence ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Whether regions were altered was not examined.
    AlterationsNotExamined,
    /// Heavy crops, strong re-rendering and pictures with little texture may not be recognised.
    MayBeMissed,
    /// Only the registrant computed the bindings.
    DeclaredOnly,
    /// Unsigned text that anybody can write.
    Unsigned,
    /// A time that the rule needs was not given.
    TimeMissing,
    /// Invisible watermarks cannot be checked here.
    WatermarksNotChecked,
    /// Only fingerprints were given, no pixels.
    PixelsNotSeen,
    /// Only a small reference was kept: thin cracks and small spots may be missed.
    SmallReference,
    /// The photo was changed as a whole, or something lies over it: alterations under that may be missed.
    AlterationsMayBeMissed,
    /// The photo looks like so many registered pictures that some were left out.
    TooManyAlike,
    /// Which of two C2PA signatures came first follows from the log alone: the photo's has no trusted time stamp.
    OrderByLogAlone,
}

/// A digital source type in a photo that is not the registered one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceTypeChange {
    /// What is registered.
    pub registered: DigitalSourceType,
    /// What the photo states.
    pub found: DigitalSourceType,
    /// Where it states it: `iptc` or `c2pa`.
    pub stated_in: LabelScheme,
    /// How far that can be trusted.
    pub level: LabelLevel,
    /// Who signed it, by the name in the certificate, if it stands in a C2PA manifest. Anybody can put any name into a
    /// certificate of his own: it is worth what `level` says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signer: Option<String>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// How much it carries.
    pub strength: Strength,
    /// What it rests on.
    pub rests_on: Basis,
    /// One sentence for people.
    pub summary: Bilingual,
    /// The statement behind it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub statement: Option<StatementId>,
    /// Its log index.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log_index: Option<u64>,
    /// Whether it was accepted before the time that counts for its view; null when that time was not given.
    pub registered_before: Option<bool>,
    /// Who computed the bindings.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub binding: Option<Binding>,
    /// Differing bits of 256 between the fingerprints, if it rests on them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub distance: Option<u32>,
    /// What became of the digital source type, if it tells about that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_type: Option<SourceTypeChange>,
    /// Where it ends.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub limits: Vec<Limit>,
}

/// A rectangle in photo pixels that was altered, or that something lies over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alteration {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// 0 to 1.
    pub strength: f32,
}

/// What a photo was compared with, pixel by pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// 192 pixels.
    Sketch,
    /// 1,024 pixels.
    Detail,
}

/// The numbers behind a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// What the registry kept of the registered picture.
    pub reference: Reference,
    /// Share of the registered picture that the photo shows, 0 to 1.
    pub overlap: f32,
    /// Median correlation of the blocks after alignment, -1 to 1; at least 0.92 in the same capture.
    pub correlation: f32,
    /// Share of the photo that was altered, 0 to 1.
    pub altered_share: f32,
}

/// The best match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Match {
    /// The statement.
    pub statement: StatementId,
    /// Its log index.
    pub log_index: u64,
    /// When the registry accepted it.
    pub accepted_at: Timestamp,
    /// Who issued it.
    pub issuer: OrganisationId,
    /// The issuer's public name.
    pub issuer_name: String,
    /// The issuer's role.
    pub role: Role,
    /// The view, for a merchant's picture.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub view: Option<View>,
    /// The file's name, if the registrant gave one.
    pub file_name: Option<String>,
    /// How the photo relates to it.
    pub relation: Relation,
    /// Whether it was accepted before the time that counts for its view; null when that time was not given.
    pub registered_before: Option<bool>,
    /// Who computed the bindings.
    pub binding: Binding,
    /// The numbers behind the comparison of the pixels, if there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comparison: Option<Comparison>,
}

/// What the platform knows about the claim. Nothing personal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Context {
    /// When the order was placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_time: Option<Timestamp>,
    /// When the parcel was handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatch_time: Option<Timestamp>,
    /// When the claim was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_time: Option<Timestamp>,
    /// The product, in the seller's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The seller, as the platform names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller: Option<String>,
    /// The platform's own reference of the claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}

/// What was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Photo {
    /// SHA-256 of the file; absent when only fingerprints were given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<Sha256Digest>,
    /// SHA-256 of the file without its C2PA manifest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256_without_manifest: Option<Sha256Digest>,
    /// Media type.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media_type: Option<String>,
    /// Width after orientation, in pixels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub width: Option<u32>,
    /// Height after orientation, in pixels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height: Option<u32>,
}

/// The registry's answer to a check. It is signed as the payload of an envelope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// The check.
    pub check: CheckId,
    /// Origin of the registry's log.
    pub registry: String,
    /// When it was checked.
    pub checked_at: Timestamp,
    /// Number of log entries that the answer takes into account.
    pub log_size: u64,
    /// The log's checkpoint that was published last when it was checked: a signed note. Entries between its size and
    /// `log_size` are covered by a later one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub checkpoint: Option<String>,
    /// What was checked.
    pub photo: Photo,
    /// What the platform said about the claim.
    pub context: Context,
    /// The conclusion.
    pub conclusion: Conclusion,
    /// Why, in one sentence.
    pub reason: Bilingual,
    /// The next step.
    pub recommendation: Recommendation,
    /// The best match.
    #[serde(rename = "match")]
    pub best_match: Option<Match>,
    /// Altered regions, in photo pixels.
    pub alterations: Vec<Alteration>,
    /// What lies over the registered picture and is no damage, such as an app's icons, a status bar, text, a sticker
    /// or a lamp's reflection, in photo pixels; the largest ones.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub overlays: Vec<Alteration>,
    /// Everything that was found, strongest first.
    pub findings: Vec<Finding>,
    /// Where the answer as a whole ends.
    pub limits: Vec<Limit>,
}
