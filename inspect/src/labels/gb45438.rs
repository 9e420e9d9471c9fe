//! The implicit label of GB 45438-2025 Annex E as JSON: read with tolerance, judged strictly, written
//! exactly.
//!
//! Knows nothing of the carriers that hold the text.

use super::provider_code::{self, CodeFault};
use serde_json::{Map, Value};
use std::borrow::Cow;
use thiserror::Error;
use touchstone_schema::label::{Gb45438Label, LabelMeaning};

/// The longest text that is read as a label. Real ones have 0.2 to 2 KiB.
pub const MAX_TEXT: usize = 64 << 10;
/// How many keys outside the standard are named in the departures.
const MAX_UNKNOWN_KEYS: usize = 4;

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

/// Keys that are written in place of those of the standard, with the position of the right one in [`KEYS`].
/// The last two are the older label of one cloud service.
const ALIASES: [(&str, usize); 8] = [
    ("Producer", 1),
    ("ProducerID", 2),
    ("ReserveCode1", 3),
    ("Propagator", 4),
    ("PropagatorID", 5),
    ("ReserveCode2", 6),
    ("ServiceProvider", 1),
    ("ContentId", 2),
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
/// Empty propagator fields are no fault here: content that nobody has spread yet carries them.
#[must_use]
pub fn faults(label: &Gb45438Label) -> Vec<LabelFault> {
    let mut faults = Vec::new();
    for (at, (field, value)) in KEYS.into_iter().zip(values(label)).enumerate() {
        if at == 0 && label.attribute().is_none() {
            faults.push(LabelFault::Attribute);
        }
        if (at == 1 || at == 2) && value.is_empty() {
            faults.push(LabelFault::Empty { field });
        }
        // A quotation mark in the decoded value stood escaped in the file, which is allowed.
        if !value.bytes().all(|b| matches!(b, 0x21..=0x5B | 0x5D..=0x7E)) {
            faults.push(LabelFault::CharacterSet { field });
        }
        if (at == 1 || at == 4)
            && value.chars().count() == provider_code::CODE_LENGTH
            && let Err(fault) = provider_code::check(value)
        {
            faults.push(LabelFault::ProviderCode { field, fault });
        }
    }
    faults
}

/// The label as compact JSON with the keys in the order of the standard, without the outer `AIGC` member: the
/// field of the carrier has that name.
pub(super) fn to_json(label: &Gb45438Label) -> Option<String> {
    serde_json::to_string(label).ok()
}

/// What a text turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// The fields, if the text is a label at all.
    pub(super) label: Option<Gb45438Label>,
    pub(super) meaning: LabelMeaning,
    pub(super) departures: Vec<String>,
}

/// Reads the text of a field. `named` says that the field's name contains `AIGC`: then the text is a label
/// even if it cannot be read. Otherwise `None` if nothing shows that it is a label.
pub(super) fn read(text: &str, named: bool) -> Option<Reading> {
    let unreadable = |why: &str| {
        named.then(|| Reading { label: None, meaning: LabelMeaning::Other, departures: vec![why.to_owned()] })
    };
    if text.len() > MAX_TEXT {
        return unreadable("the label is longer than 64 KiB and was not read");
    }
    let Some(Value::Object(outer)) = json(text) else {
        return unreadable("the label is not a JSON object");
    };
    let mut departures = Vec::new();
    let (object, wrapped) = unwrap(outer);
    let Some(object) = object else {
        return unreadable("the AIGC member is not a JSON object");
    };
    if !(named || wrapped || looks_like_label(&object)) {
        return None;
    }
    let label = fields(&object, &mut departures);
    let missing = |field: &str| departures.iter().any(|d| *d == missing_key(field));
    let found: Vec<String> =
        faults(&label).iter().filter(|f| !missing(f.field())).map(ToString::to_string).collect();
    departures.extend(found);
    // An implicit label is written into generated content only, so that a missing or misspelt attribute does
    // not take back what the label says; an explicit zero does.
    let meaning = if label.label == "0" { LabelMeaning::Other } else { LabelMeaning::Synthetic };
    Some(Reading { label: Some(label), meaning, departures })
}

fn missing_key(key: &str) -> String {
    format!("{key} is missing")
}

/// The first JSON value in `text`. Text around it is ignored; entities that were encoded twice are decoded.
fn json(text: &str) -> Option<Value> {
    let parse = |text: &str| {
        let start = text.find('{')?;
        serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<Value>().next()?.ok()
    };
    parse(text).or_else(|| {
        let decoded =
            if text.contains("&quot;") { quick_xml::escape::unescape(text).ok()? } else { Cow::from("") };
        parse(&decoded)
    })
}

/// Takes the outer `AIGC` member off, whose value is an object or a string that holds one.
fn unwrap(mut outer: Map<String, Value>) -> (Option<Map<String, Value>>, bool) {
    let Some(key) = outer.keys().find(|k| k.eq_ignore_ascii_case("AIGC")).cloned() else {
        return (Some(outer), false);
    };
    match outer.remove(&key) {
        Some(Value::Object(inner)) => (Some(inner), true),
        Some(Value::String(text)) => match json(&text) {
            Some(Value::Object(inner)) => (Some(inner), true),
            _ => (None, true),
        },
        _ => (None, true),
    }
}

/// Whether an object in a field of another name is a label: `Label` with another key of the standard, or the
/// pair of keys that one cloud service writes.
fn looks_like_label(object: &Map<String, Value>) -> bool {
    let has = |key: &str| object.contains_key(key);
    has("Label") && KEYS[1..].iter().any(|k| has(k)) || has("ServiceProvider") && has("ContentId")
}

/// Position in [`KEYS`] of a key, and whether it is spelt as in the standard.
fn position(key: &str) -> Option<(usize, bool)> {
    if let Some(at) = KEYS.iter().position(|k| *k == key) {
        return Some((at, true));
    }
    let other = KEYS.iter().enumerate().map(|(at, k)| (*k, at)).chain(ALIASES);
    other.into_iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, at)| (at, false))
}

fn fields(object: &Map<String, Value>, departures: &mut Vec<String>) -> Gb45438Label {
    let mut found: [Option<String>; 7] = Default::default();
    let mut unknown = 0;
    // Right spellings go first, so that a misspelt key never replaces them.
    for exact in [true, false] {
        for (key, value) in object {
            match position(key) {
                Some((at, spelt)) if spelt == exact && found[at].is_none() => {
                    if !spelt {
                        departures.push(format!("{} is written as {}", KEYS[at], shorten(key)));
                    }
                    found[at] = Some(match value {
                        Value::String(text) => text.clone(),
                        other => {
                            departures.push(format!("{} is not a string", KEYS[at]));
                            if other.is_null() { String::new() } else { other.to_string() }
                        }
                    });
                }
                None if !exact => {
                    unknown += 1;
                    if unknown <= MAX_UNKNOWN_KEYS {
                        departures.push(format!("the key {} is not in the standard", shorten(key)));
                    }
                }
                _ => {}
            }
        }
    }
    for (key, value) in KEYS.iter().zip(&found) {
        if value.is_none() {
            departures.push(missing_key(key));
        }
    }
    let [
        label,
        content_producer,
        produce_id,
        reserved_code_1,
        content_propagator,
        propagate_id,
        reserved_code_2,
    ] = found.map(Option::unwrap_or_default);
    Gb45438Label {
        label,
        content_producer,
        produce_id,
        reserved_code_1,
        content_propagator,
        propagate_id,
        reserved_code_2,
    }
}

/// A key from the file, quoted and cut to a length that fits into a sentence.
fn shorten(key: &str) -> String {
    format!("{:?}", key.chars().take(40).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "{\"Label\":\"1\",\"ContentProducer\":\"001191110102MACQD9K64010000\",\
        \"ProduceID\":\"cc75\",\"ReservedCode1\":\"\",\"ContentPropagator\":\"\",\"PropagateID\":\"\",\"ReservedCode2\":\"\"}";

    fn departures(text: &str) -> String {
        read(text, true).unwrap().departures.join("; ")
    }

    #[test]
    fn compliant_forms_have_no_departure() {
        for text in [
            FULL.to_owned(),
            format!(r#"{{"AIGC":{FULL}}}"#),
            format!(r#"{{"AIGC": {}}}"#, serde_json::to_string(FULL).unwrap()),
            FULL.replace('"', "&quot;"),
            format!("\u{FEFF} {FULL}\0\0"),
        ] {
            let reading = read(&text, true).unwrap();
            assert_eq!(reading.departures, Vec::<String>::new(), "{text}");
            assert_eq!(reading.meaning, LabelMeaning::Synthetic);
            assert_eq!(reading.label.unwrap().produce_id, "cc75");
        }
        let escaped = FULL.replace(r#""ReservedCode1":"""#, r#""ReservedCode1":"{\"a\":\"b\"}""#);
        assert_eq!(departures(&escaped), "");
    }

    #[test]
    fn each_departure_is_named() {
        let cases = [
            (FULL.replace("\"Label\":\"1\"", "\"Label\":\"AIGC\""), "Label is not \"1\", \"2\" or \"3\""),
            (FULL.replace("\"Label\":\"1\"", "\"Label\":1"), "Label is not a string"),
            (FULL.replace("\"Label\":\"1\",", ""), "Label is missing"),
            (FULL.replace(",\"ReservedCode2\":\"\"", ""), "ReservedCode2 is missing"),
            (FULL.replace("ReservedCode1", "ReserveCode1"), "ReservedCode1 is written as \"ReserveCode1\""),
            (
                FULL.replace("ContentPropagator", "Propagator"),
                "ContentPropagator is written as \"Propagator\"",
            ),
            (FULL.replace("cc75", "c 75"), "ProduceID has a character"),
            (FULL.replace("cc75", "\u{4E2D}"), "ProduceID has a character"),
            (FULL.replace("cc75", "a\\\\b"), "ProduceID has a character"),
            (FULL.replace("cc75", ""), "ProduceID is empty"),
            (FULL.replace("64010000", "64110000"), "ContentProducer: the check character"),
            (FULL.replace("{", "{\"Extra\":1,"), "the key \"Extra\" is not in the standard"),
            ("true".to_owned(), "not a JSON object"),
            ("{\"AIGC\":1}".to_owned(), "the AIGC member is not a JSON object"),
            (format!("{{\"Label\":\"{}\"}}", "x".repeat(MAX_TEXT)), "longer than 64 KiB"),
        ];
        for (text, expected) in cases {
            let found = departures(&text);
            assert!(found.contains(expected), "{found}");
        }
        assert_eq!(
            departures(&FULL.replace("001191110102MACQD9K64010000", "kling")),
            "",
            "a bare name is a name"
        );
    }

    #[test]
    fn other_json_is_no_label() {
        for text in ["{\"Label\":\"1\"}", "{\"data\":{\"product\":\"x\"}}", "plain", "", "{\"Label\":", "[1]"]
        {
            assert_eq!(read(text, false), None, "{text}");
        }
        let cloud =
            read(r#"{"ServiceProvider":"x","ServiceUser":"y","Time":1,"ContentId":"z"}"#, false).unwrap();
        assert_eq!(cloud.label.unwrap().content_producer, "x");
        let deep = format!("{{\"AIGC\":{}", "[".repeat(60_000));
        assert_eq!(read(&deep, false), None);
    }
}
