//! From the text of a field to an implicit label: read with tolerance, judged strictly.
//!
//! Besides the form of GB 45438-2025 Annex E this knows what services write in its place. It knows nothing of the
//! carriers that hold the text.

use super::gb45438::{KEYS, MAX_TEXT, faults, role_findings};
use serde_json::{Map, Value};
use std::borrow::Cow;
use touchstone_schema::{
    conformance::{LabelFinding, LabelFindingCode as Code},
    label::{Gb45438Label, LabelMeaning},
};

/// How many keys outside the standard are named in the findings.
const MAX_UNKNOWN_KEYS: usize = 4;
/// Keys that are written in place of those of the standard, with the position of the right one in [`KEYS`].
const ALIASES: [(&str, usize); 6] = [
    ("Producer", 1),
    ("ProducerID", 2),
    ("ReserveCode1", 3),
    ("Propagator", 4),
    ("PropagatorID", 5),
    ("ReserveCode2", 6),
];

/// What a text turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// The fields, if the text is a label with fields at all.
    pub(super) label: Option<Gb45438Label>,
    pub(super) meaning: LabelMeaning,
    /// Product that a service's own form names.
    pub(super) generator: Option<String>,
    pub(super) findings: Vec<LabelFinding>,
}

/// Reads the text of a field. `named` says that the field's name contains `AIGC`: then the text is a label
/// even if it cannot be read. Otherwise `None` if nothing shows that it is a label.
pub(super) fn read(text: &str, named: bool) -> Option<Reading> {
    let unreadable = |code: Code| {
        let findings = vec![LabelFinding::new(code)];
        named.then_some(Reading { label: None, meaning: LabelMeaning::Other, generator: None, findings })
    };
    if text.len() > MAX_TEXT {
        return unreadable(Code::Unreadable);
    }
    let Some((Value::Object(outer), escaped_twice)) = json(text) else {
        return unreadable(Code::NotJson);
    };
    if let Some(reading) = own_form(&outer) {
        return Some(reading);
    }
    let (object, wrapped) = unwrap(outer);
    let Some(object) = object else {
        return unreadable(Code::NotJson);
    };
    let looks_like_label =
        || object.contains_key("Label") && KEYS.iter().skip(1).any(|key| object.contains_key(*key));
    if !(named || wrapped || looks_like_label()) {
        return None;
    }
    let mut findings = Vec::new();
    if escaped_twice {
        findings.push(LabelFinding::new(Code::EscapedTwice));
    }
    let (label, missing) = fields(&object, &mut findings);
    let of_values = faults(&label);
    let of_values = of_values.iter().filter(|fault| !missing.contains(&fault.field()));
    findings.extend(of_values.map(super::gb45438::LabelFault::finding));
    findings.extend(role_findings(&label));
    // An implicit label is written into generated content only, so that a missing or misspelt attribute does
    // not take back what the label says; an explicit zero does.
    let meaning = if label.label == "0" { LabelMeaning::Other } else { LabelMeaning::Synthetic };
    Some(Reading { label: Some(label), meaning, generator: None, findings })
}

/// The first JSON value in `text`, and whether it was escaped once too often (entities, or quotation marks with a
/// backslash). Text around it is ignored.
fn json(text: &str) -> Option<(Value, bool)> {
    let parse = |text: &str| {
        let start = text.find('{')?;
        serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<Value>().next()?.ok()
    };
    let decoded = || {
        if text.contains("&quot;") {
            quick_xml::escape::unescape(text).ok()
        } else if text.contains("{\\\"") {
            Some(Cow::Owned(text.replace("\\\"", "\"").replace("\\\\", "\\")))
        } else {
            None
        }
    };
    parse(text).map(|value| (value, false)).or_else(|| Some((parse(&decoded()?)?, true)))
}

/// Takes the outer `AIGC` member off, whose value is an object or a string that holds one.
fn unwrap(mut outer: Map<String, Value>) -> (Option<Map<String, Value>>, bool) {
    let Some(key) = outer.keys().find(|k| k.eq_ignore_ascii_case("AIGC")).cloned() else {
        return (Some(outer), false);
    };
    match outer.remove(&key) {
        Some(Value::Object(inner)) => (Some(inner), true),
        Some(Value::String(text)) => match json(&text) {
            Some((Value::Object(inner), _)) => (Some(inner), true),
            _ => (None, true),
        },
        _ => (None, true),
    }
}

/// Labels of services that do not follow Annex E: an older one of a cloud service (producer and number under other
/// names), and that of a video service, which says no more than that AI took part.
fn own_form(object: &Map<String, Value>) -> Option<Reading> {
    let text = |object: &Map<String, Value>, key: &str| -> Option<String> {
        object.get(key).and_then(Value::as_str).map(str::to_owned)
    };
    let found = |what: &str| vec![LabelFinding::new(Code::OtherForm).found(what)];
    if let (Some(content_producer), Some(produce_id)) =
        (text(object, "ServiceProvider"), text(object, "ContentId"))
    {
        let label = Gb45438Label { content_producer, produce_id, ..Gb45438Label::default() };
        let findings = found("ServiceProvider, ContentId");
        return Some(Reading {
            label: Some(label),
            meaning: LabelMeaning::Synthetic,
            generator: None,
            findings,
        });
    }
    let inner = match object.get("data") {
        Some(Value::Object(inner)) => inner,
        _ => object,
    };
    let info = match inner.get("aigc_info")? {
        Value::Object(info) => info.clone(),
        Value::String(text) => match json(text) {
            Some((Value::Object(info), _)) => info,
            _ => return None,
        },
        _ => return None,
    };
    let kind = info.get("aigc_type")?;
    let none = kind.as_i64() == Some(0) || kind.as_str() == Some("0");
    let meaning = if none { LabelMeaning::Other } else { LabelMeaning::Synthetic };
    let generator = text(inner, "product");
    Some(Reading { label: None, meaning, generator, findings: found("aigc_info") })
}

/// Position in [`KEYS`] of a key, and whether it is spelt as in the standard.
fn position(key: &str) -> Option<(usize, bool)> {
    if let Some(at) = KEYS.iter().position(|k| *k == key) {
        return Some((at, true));
    }
    let other = KEYS.iter().enumerate().map(|(at, k)| (*k, at)).chain(ALIASES);
    other.into_iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, at)| (at, false))
}

/// The fields of a label, and the keys that are missing.
fn fields(
    object: &Map<String, Value>,
    findings: &mut Vec<LabelFinding>,
) -> (Gb45438Label, Vec<&'static str>) {
    let mut found: [Option<String>; 7] = Default::default();
    let mut unknown = 0;
    // Right spellings go first, so that a misspelt key never replaces them.
    for exact in [true, false] {
        for (key, value) in object {
            let place =
                position(key).and_then(|(at, spelt)| Some((KEYS.get(at)?, found.get_mut(at)?, spelt)));
            match place {
                Some((name, place, spelt)) if spelt == exact && place.is_none() => {
                    if !spelt {
                        findings.push(LabelFinding::of_field(Code::KeyMisspelt, name).found(key));
                    }
                    *place = Some(match value {
                        Value::String(text) => text.clone(),
                        other => {
                            findings.push(LabelFinding::of_field(Code::ValueNotString, name));
                            if other.is_null() { String::new() } else { other.to_string() }
                        }
                    });
                }
                None if !exact => {
                    unknown += 1;
                    if unknown <= MAX_UNKNOWN_KEYS {
                        findings.push(LabelFinding::new(Code::KeyUnknown).found(key));
                    }
                }
                _ => {}
            }
        }
    }
    let missing: Vec<_> =
        KEYS.into_iter().zip(&found).filter(|(_, value)| value.is_none()).map(|(key, _)| key).collect();
    findings.extend(missing.iter().map(|key| LabelFinding::of_field(Code::KeyMissing, key)));
    let [
        label,
        content_producer,
        produce_id,
        reserved_code_1,
        content_propagator,
        propagate_id,
        reserved_code_2,
    ] = found.map(Option::unwrap_or_default);
    let label = Gb45438Label {
        label,
        content_producer,
        produce_id,
        reserved_code_1,
        content_propagator,
        propagate_id,
        reserved_code_2,
    };
    (label, missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "{\"Label\":\"1\",\"ContentProducer\":\"001191110102MACQD9K64010000\",\
        \"ProduceID\":\"cc75\",\"ReservedCode1\":\"\",\"ContentPropagator\":\"\",\"PropagateID\":\"\",\"ReservedCode2\":\"\"}";

    fn findings(text: &str) -> String {
        let found = read(text, true).unwrap().findings;
        found.into_iter().map(|f| format!("{} {}", f.code.code(), f.text.en)).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn compliant_forms_have_no_finding() {
        for text in [
            FULL.to_owned(),
            format!(r#"{{"AIGC":{FULL}}}"#),
            format!(r#"{{"AIGC": {}}}"#, serde_json::to_string(FULL).unwrap()),
            format!("\u{FEFF} {FULL}\0\0"),
        ] {
            let reading = read(&text, true).unwrap();
            assert_eq!(reading.findings, [], "{text}");
            assert_eq!(reading.meaning, LabelMeaning::Synthetic);
            assert_eq!(reading.label.unwrap().produce_id, "cc75");
        }
        let escaped = FULL.replace(r#""ReservedCode1":"""#, r#""ReservedCode1":"{\"a\":\"b\"}""#);
        assert_eq!(findings(&escaped), "");
    }

    #[test]
    fn each_departure_is_named() {
        let quoted = serde_json::to_string(FULL).unwrap();
        let cases = [
            (FULL.replace('"', "&quot;"), "escaped_twice"),
            (quoted.trim_matches('"').to_owned(), "escaped_twice"),
            (FULL.replace("\"Label\":\"1\"", "\"Label\":\"AIGC\""), "label_value Label"),
            (FULL.replace("\"Label\":\"1\"", "\"Label\":1"), "value_not_string Label"),
            (FULL.replace("\"Label\":\"1\",", ""), "key_missing Label"),
            (FULL.replace(",\"ReservedCode2\":\"\"", ""), "key_missing ReservedCode2"),
            (
                FULL.replace("ReservedCode1", "ReserveCode1"),
                "key_misspelt ReservedCode1: the key is written otherwise (\"ReserveCode1\")",
            ),
            (FULL.replace("ContentPropagator", "Propagator"), "key_misspelt ContentPropagator"),
            (FULL.replace("cc75", "c 75"), "character_set ProduceID"),
            (FULL.replace("cc75", "\u{4E2D}"), "character_set ProduceID"),
            (FULL.replace("cc75", "a\\\\b"), "character_set ProduceID"),
            (FULL.replace("cc75", ""), "value_empty ProduceID"),
            (FULL.replace("64010000", "64110000"), "code_check_character ContentProducer"),
            (FULL.replace("\"PropagateID\":\"\"", "\"PropagateID\":\"7\""), "id_without_propagator"),
            (FULL.replace("{", "{\"Extra\":1,"), "key_unknown a key that is not in the standard (\"Extra\")"),
            ("true".to_owned(), "not_json"),
            ("{\"AIGC\":1}".to_owned(), "not_json"),
            (format!("{{\"Label\":\"{}\"}}", "x".repeat(MAX_TEXT)), "unreadable"),
        ];
        for (text, expected) in cases {
            let found = findings(&text);
            assert!(found.contains(expected), "{expected}: {found}");
            assert_eq!(found.matches(';').count(), 0, "one departure, one finding: {found}");
        }
        assert_eq!(
            findings(&FULL.replace("001191110102MACQD9K64010000", "kling")),
            "",
            "a bare name is a name"
        );
    }

    #[test]
    fn other_json_is_no_label() {
        for text in [
            "{\"Label\":\"1\"}",
            "{\"data\":{\"product\":\"x\"}}",
            "plain",
            "",
            "{\"Label\":",
            "[1]",
            "{\"data\":{\"aigc_info\":\"nothing\"}}",
        ] {
            assert_eq!(read(text, false), None, "{text}");
        }
        let deep = format!("{{\"AIGC\":{}", "[".repeat(60_000));
        assert_eq!(read(&deep, false), None);
    }

    #[test]
    fn forms_of_single_services_are_known() {
        let cloud =
            read(r#"{"ServiceProvider":"x","ServiceUser":"y","Time":1,"ContentId":"z"}"#, false).unwrap();
        assert_eq!(
            cloud.label.as_ref().map(|l| (&l.content_producer[..], &l.produce_id[..])),
            Some(("x", "z"))
        );
        let video = |kind: &str| {
            let info = format!("{{\"aigc_type\":{kind}}}");
            let info = serde_json::to_string(&info).unwrap();
            read(&format!(r#"{{"data":{{"product":"aweme","aigc_info":{info}}}}}"#), false).unwrap()
        };
        assert_eq!(
            (video("1").meaning, video("1").generator.as_deref()),
            (LabelMeaning::Synthetic, Some("aweme"))
        );
        assert_eq!((video("0").meaning, video("\"0\"").meaning), (LabelMeaning::Other, LabelMeaning::Other));
        for reading in [cloud, video("1")] {
            assert_eq!(reading.findings.iter().map(|f| f.code).collect::<Vec<_>>(), [Code::OtherForm]);
        }
    }
}
