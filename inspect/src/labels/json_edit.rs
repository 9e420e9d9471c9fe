//! Changes of single values in a label's JSON that leave every other byte of the text as it is.

use serde::{
    Deserializer as _,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{fmt, ops::Range};

/// A value to write for a key.
pub(super) type Change<'a> = (&'static str, &'a str);

/// A member of an object: its key, decoded, and where its value stands in the text.
struct Member {
    key: String,
    value: Range<usize>,
}

/// Where the members of an object stand in a text.
struct Object {
    members: Vec<Member>,
    /// Offset of the closing brace.
    close: usize,
}

struct Members<'a>(&'a str);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Vec<Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
            // The raw value is a part of the text.
            let start = (value.get().as_ptr() as usize).saturating_sub(self.0.as_ptr() as usize);
            members.push(Member { key, value: start..start + value.get().len() });
        }
        Ok(members)
    }
}

impl Object {
    /// The first object of `text`.
    fn first(text: &str) -> Option<Self> {
        let start = text.find('{')?;
        let rest = text.get(start..)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let end = values.next()?.ok().map(|raw| start + raw.get().len())?;
        let mut deserializer = serde_json::Deserializer::from_str(text.get(start..end)?);
        let members = deserializer.deserialize_map(Members(text)).ok()?;
        Some(Self { members, close: end.checked_sub(1)? })
    }
}

/// `text`, which holds a label, with `changes` made to it: the value of a key is replaced, and a key that is
/// missing is added as the last one. The label may stand in an outer `AIGC` member, as an object or as text.
/// `None` if there is no object, or if it has one of the keys twice.
pub(super) fn changed(text: &str, changes: &[Change<'_>]) -> Option<String> {
    let object = Object::first(text)?;
    if let Some(outer) = object.members.iter().find(|m| m.key.eq_ignore_ascii_case("AIGC")) {
        let inner = text.get(outer.value.clone())?;
        let new = if inner.starts_with('"') {
            let decoded: String = serde_json::from_str(inner).ok()?;
            serde_json::to_string(&changed(&decoded, changes)?).ok()?
        } else {
            inner_object(inner, changes)?
        };
        return Some(splice(text, outer.value.clone(), &new));
    }
    in_object(text, &object, changes)
}

/// As [`changed`], for an object that is not looked into for another label.
fn inner_object(text: &str, changes: &[Change<'_>]) -> Option<String> {
    in_object(text, &Object::first(text)?, changes)
}

fn in_object(text: &str, object: &Object, changes: &[Change<'_>]) -> Option<String> {
    let mut edits = Vec::new();
    let mut added = String::new();
    for (key, value) in changes {
        let value = serde_json::to_string(value).ok()?;
        let mut found = object.members.iter().filter(|member| member.key == *key);
        match (found.next(), found.next()) {
            (Some(member), None) => edits.push((member.value.clone(), value)),
            (Some(_), Some(_)) => return None,
            _ => {
                let comma = if object.members.is_empty() && added.is_empty() { "" } else { "," };
                added.push_str(&format!("{comma}\"{key}\":{value}"));
            }
        }
    }
    // Behind the last value: what stands before the brace may be white space.
    let at = object.members.iter().map(|member| member.value.end).max().unwrap_or(object.close);
    edits.push((at..at, added));
    // From the back, so that the places in front stay right.
    edits.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
    Some(edits.into_iter().fold(text.to_owned(), |text, (range, new)| splice(&text, range, &new)))
}

fn splice(text: &str, range: Range<usize>, new: &str) -> String {
    let (head, tail) = (text.get(..range.start), text.get(range.end..));
    [head.unwrap_or_default(), new, tail.unwrap_or_default()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGES: [Change<'static>; 2] = [("ContentPropagator", "P\""), ("PropagateID", "7")];

    #[test]
    fn other_bytes_stay() {
        let cases = [
            (
                r#"x { "Label" : "1", "ContentPropagator" : "" , "Own":[1, {"PropagateID":"no"}] } y"#,
                r#"x { "Label" : "1", "ContentPropagator" : "P\"" , "Own":[1, {"PropagateID":"no"}],"PropagateID":"7" } y"#,
            ),
            ("{}", r#"{"ContentPropagator":"P\"","PropagateID":"7"}"#),
            (
                r#"{"AIGC": {"PropagateID":1,"Label":"\u0031"} ,"z":0}"#,
                r#"{"AIGC": {"PropagateID":"7","Label":"\u0031","ContentPropagator":"P\""} ,"z":0}"#,
            ),
            (
                r#"{"AIGC":"{\"Label\":\"1\"}"}"#,
                r#"{"AIGC":"{\"Label\":\"1\",\"ContentPropagator\":\"P\\\"\",\"PropagateID\":\"7\"}"}"#,
            ),
        ];
        for (old, new) in cases {
            assert_eq!(changed(old, &CHANGES).as_deref(), Some(new));
        }
    }

    #[test]
    fn unclear_texts_are_left_alone() {
        for text in [
            "",
            "no object",
            "{",
            "{\"a\":}",
            "{\"PropagateID\":\"1\",\"PropagateID\":\"2\"}",
            "{\"AIGC\":1}",
        ] {
            assert_eq!(changed(text, &CHANGES), None, "{text}");
        }
        assert_eq!(changed(&"{\"a\":".repeat(60_000), &CHANGES), None);
    }
}
