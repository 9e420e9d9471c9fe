//! The implicit label of GB 45438-2025 Annex E: its keys, what its values must be, and its JSON as it is written.
//!
//! Knows nothing of the carriers that hold the text, nor of the many ways to write it wrongly.

use super::provider_code::{self, CodeFault, Role};
use thiserror::Error;
use touchstone_schema::{
    conformance::{LabelFinding, LabelFindingCode as Code},
    label::{AiAttribute, Gb45438Label},
};

/// The longest text that is read as a label. Real ones have 0.2 to 2 KiB.
pub const MAX_TEXT: usize = 64 << 10;
/// The seven keys in the order of the standard.
pub const KEYS: [&str; 7] = [
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
];

/// Why a label is not compliant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LabelFault {
    /// `Label` is not one of the three values.
    #[error("Label is not \"1\", \"2\" or \"3\"")]
    Attribute,
    /// A field that must say something is empty.
    #[error("{field} is empty")]
    Empty {
        /// Key of the field.
        field: &'static str,
    },
    /// A character outside 0x21, 0x23-0x5B, 0x5D-0x7E and the escaped quotation mark.
    #[error(
        "{field} has a character that the standard does not allow (space, backslash, non-ASCII or control)"
    )]
    CharacterSet {
        /// Key of the field.
        field: &'static str,
    },
    /// The 27-character provider code is not right.
    #[error("{field}: {fault}")]
    ProviderCode {
        /// Key of the field.
        field: &'static str,
        /// What is wrong.
        fault: CodeFault,
    },
}

impl LabelFault {
    /// Key of the field that is not right.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Attribute => KEYS[0],
            Self::Empty { field } | Self::CharacterSet { field } | Self::ProviderCode { field, .. } => field,
        }
    }

    /// The finding that reports it.
    #[must_use]
    pub fn finding(&self) -> LabelFinding {
        let code = match self {
            Self::Attribute => Code::LabelValue,
            Self::Empty { .. } => Code::ValueEmpty,
            Self::CharacterSet { .. } => Code::CharacterSet,
            Self::ProviderCode { fault, .. } => match fault {
                CodeFault::Length => Code::CodeLength,
                CodeFault::Characters => Code::CodeCharacters,
                CodeFault::Prefix => Code::CodePrefix,
                CodeFault::CheckCharacter => Code::CodeCheckCharacter,
                CodeFault::Extension => Code::CodeExtension,
            },
        };
        LabelFinding::of_field(code, self.field())
    }
}

/// The values in the order of [`KEYS`].
fn values(label: &Gb45438Label) -> [&str; 7] {
    [
        &label.label,
        &label.content_producer,
        &label.produce_id,
        &label.reserved_code_1,
        &label.content_propagator,
        &label.propagate_id,
        &label.reserved_code_2,
    ]
}

/// All departures of the label's values from GB 45438-2025, in the order of the fields. Empty means
/// compliant.
///
/// The integrity data of the reserved codes is the provider's own and is not judged beyond its characters.
/// Empty propagator fields are no fault here: content that nobody has spread yet carries them. Nor are empty producer
/// fields where a propagator wrote the label because a user declared it or traces were found: it does not know who
/// produced the content (Art. 6 of the labelling measures).
#[must_use]
pub fn faults(label: &Gb45438Label) -> Vec<LabelFault> {
    let mut faults = Vec::new();
    let by_propagator = matches!(label.attribute(), Some(AiAttribute::Possible | AiAttribute::Suspected))
        && !label.content_propagator.is_empty()
        && label.content_producer.is_empty()
        && label.produce_id.is_empty();
    for (at, (field, value)) in KEYS.into_iter().zip(values(label)).enumerate() {
        if at == 0 && label.attribute().is_none() {
            faults.push(LabelFault::Attribute);
        }
        if (at == 1 || at == 2) && value.is_empty() && !by_propagator {
            faults.push(LabelFault::Empty { field });
        }
        // A quotation mark in the decoded value stood escaped in the file, which is allowed.
        if !value.bytes().all(|b| matches!(b, 0x21..=0x5B | 0x5D..=0x7E)) {
            faults.push(LabelFault::CharacterSet { field });
        }
        if (at == 1 || at == 4)
            && provider_code::is_meant(value)
            && let Err(fault) = provider_code::check(value)
        {
            faults.push(LabelFault::ProviderCode { field, fault });
        }
    }
    faults
}

/// Departures of the fields from each other: the role that a code's extension states, and propagator fields of which
/// only one is filled in.
#[must_use]
pub fn role_findings(label: &Gb45438Label) -> Vec<LabelFinding> {
    let mut findings = Vec::new();
    let role = |code: &str| provider_code::check(code).ok().and_then(|()| provider_code::role(code));
    if role(&label.content_producer) == Some(Role::Propagation) {
        findings.push(LabelFinding::of_field(Code::CodeRole, KEYS[1]));
    }
    // On first writing the propagator's fields repeat the producer's.
    let repeats = label.content_propagator == label.content_producer;
    if !repeats && role(&label.content_propagator) == Some(Role::Generation) {
        findings.push(LabelFinding::of_field(Code::CodeRole, KEYS[4]));
    }
    match (label.content_propagator.is_empty(), label.propagate_id.is_empty()) {
        (false, true) => findings.push(LabelFinding::of_field(Code::PropagatorWithoutId, KEYS[5])),
        (true, false) => findings.push(LabelFinding::of_field(Code::IdWithoutPropagator, KEYS[4])),
        _ => {}
    }
    findings
}

/// The label as compact JSON with the keys in the order of the standard, without the outer `AIGC` member: the
/// field of the carrier has that name.
pub(super) fn to_json(label: &Gb45438Label) -> Option<String> {
    serde_json::to_string(label).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCER: &str = "001191110102MACQD9K64010000";

    fn label(producer: &str, propagator: &str, propagate_id: &str) -> Gb45438Label {
        Gb45438Label {
            label: "1".into(),
            content_producer: producer.into(),
            produce_id: "x".into(),
            content_propagator: propagator.into(),
            propagate_id: propagate_id.into(),
            ..Gb45438Label::default()
        }
    }

    #[test]
    fn each_value_has_its_fault() {
        let codes = |label: Gb45438Label| -> Vec<&str> {
            faults(&label).iter().map(|fault| fault.finding().code.code()).collect()
        };
        assert!(codes(label(PRODUCER, "", "")).is_empty());
        assert!(codes(label("kling", "MiniMax", "")).is_empty(), "a bare name is a name");
        assert_eq!(codes(label("", "", "")), ["value_empty"]);
        let unknown = |value: &str, propagator: &str| Gb45438Label {
            label: value.into(),
            produce_id: String::new(),
            ..label("", propagator, "1")
        };
        assert!(codes(unknown("3", "platform")).is_empty(), "a propagator does not know who produced it");
        assert_eq!(codes(unknown("1", "platform")), ["value_empty"; 2]);
        assert_eq!(codes(unknown("3", "")), ["value_empty"; 2]);
        assert_eq!(codes(label("a b", "\u{4E2D}", "\\")), ["character_set"; 3]);
        assert_eq!(codes(label(&PRODUCER[..26], "", "")), ["code_length"]);
        assert_eq!(codes(label(&PRODUCER.to_lowercase(), "", "")), ["code_characters"]);
        assert_eq!(codes(label(&PRODUCER.replacen("00", "01", 1), "", "")), ["code_prefix"]);
        assert_eq!(codes(label(&PRODUCER.replace('Q', "R"), "", "")), ["code_check_character"]);
        assert_eq!(codes(label(&PRODUCER.replace("10000", "30000"), "", "")), ["code_extension"]);
        assert_eq!(codes(Gb45438Label { label: "AIGC".into(), ..label("x", "", "") }), ["label_value"]);
    }

    #[test]
    fn roles_follow_the_extension_and_propagator_fields_come_in_pairs() {
        let spreading = "00119144030008867405X220001";
        let codes = |producer: &str, propagator: &str, id: &str| -> Vec<(&str, String)> {
            let findings = role_findings(&label(producer, propagator, id));
            findings.into_iter().map(|f| (f.code.code(), f.field.unwrap())).collect()
        };
        let of = |code: &'static str, field: &str| vec![(code, field.to_owned())];
        assert!(codes(PRODUCER, spreading, "1").is_empty());
        assert!(codes(PRODUCER, PRODUCER, "x").is_empty(), "first writing repeats the producer");
        assert!(codes("001191440101MA9Y9T4H7A00000", "001191440101MA9Y9T4H7A00000", "1").is_empty());
        assert_eq!(codes(spreading, "", ""), of("code_role", "ContentProducer"));
        assert_eq!(codes("kling", PRODUCER, "1"), of("code_role", "ContentPropagator"));
        assert_eq!(codes(PRODUCER, spreading, ""), of("propagator_without_id", "PropagateID"));
        assert_eq!(codes(PRODUCER, "", "1"), of("id_without_propagator", "ContentPropagator"));
    }
}
