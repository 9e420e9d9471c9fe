//! Strict JSON: one meaning for the same bytes, everywhere.
//!
//! A signed text that two parsers read differently is a hole. Before a payload is read into its type it is walked
//! once: duplicate member names, nesting deeper than [`MAX_DEPTH`], and numbers that are not integers within 2^53
//! (RFC 8259 section 6, RFC 7493) are refused.

use serde::{
    Serialize,
    de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use std::{cell::Cell, collections::HashSet, fmt};

/// Deepest nesting of arrays and objects that is read.
pub const MAX_DEPTH: usize = 16;
/// Largest magnitude of an integer that every JSON reader keeps exactly: 2^53 - 1.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Why a text is refused before its meaning is looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrictJsonError {
    /// Not JSON at all, or text after its end.
    #[error("not valid JSON: {0}")]
    Syntax(String),
    /// A member name occurs twice in one object.
    #[error("the member name {0:?} occurs twice in one object")]
    DuplicateName(String),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A number that is not an integer within 2^53.
    #[error("numbers must be integers of magnitude below 2^53; larger ones are written as strings")]
    Number,
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    depth: usize,
    fault: &'a Cell<Option<Fault>>,
    name: &'a std::cell::RefCell<String>,
}

#[derive(Clone, Copy)]
enum Fault {
    Duplicate,
    Deep,
    Number,
}

impl Walk<'_> {
    fn fail<E: serde::de::Error>(self, fault: Fault) -> E {
        self.fault.set(Some(fault));
        E::custom("strict JSON")
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.fail(Fault::Deep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        if value > MAX_SAFE_INTEGER { Err(self.fail(Fault::Number)) } else { Ok(()) }
    }
    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.visit_u64(value.unsigned_abs())
    }
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        Err(self.fail(Fault::Number))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while seq.next_element_seed(inner)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                *self.name.borrow_mut() = name;
                return Err(A::Error::custom(self.fail::<A::Error>(Fault::Duplicate)));
            }
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// Walks `text` once and refuses what two readers could understand differently.
///
/// # Errors
/// The first departure found, in reading order.
pub fn check(text: &[u8]) -> Result<(), StrictJsonError> {
    let fault = Cell::new(None);
    let name = std::cell::RefCell::new(String::new());
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let walk = Walk { depth: 0, fault: &fault, name: &name };
    match walk.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
        Ok(()) => Ok(()),
        Err(error) => Err(match fault.get() {
            Some(Fault::Duplicate) => StrictJsonError::DuplicateName(name.into_inner()),
            Some(Fault::Deep) => StrictJsonError::TooDeep,
            Some(Fault::Number) => StrictJsonError::Number,
            None => StrictJsonError::Syntax(error.to_string()),
        }),
    }
}

/// Why a text is not a value of a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Refused before its meaning was looked at.
    #[error(transparent)]
    Strict(#[from] StrictJsonError),
    /// A member that the type does not have.
    #[error("{0}")]
    UnknownField(String),
    /// A member is missing or has a value of another form.
    #[error("{0}")]
    Form(String),
}

impl ReadError {
    /// serde_json tells departures of form in words only; its wording "unknown field" is held by tests here.
    #[must_use]
    pub fn of(error: &serde_json::Error) -> Self {
        let text = describe(error);
        if text.starts_with("unknown field") { Self::UnknownField(text) } else { Self::Form(text) }
    }
}

/// What was wrong, without the names that the types have in this program.
#[must_use]
pub fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let mut words = text.split(' ').peekable();
    let mut plain = Vec::new();
    while let Some(word) = words.next() {
        let general = match word {
            "struct" => "an object",
            "enum" => "one of its values",
            _ => {
                plain.push(word);
                continue;
            }
        };
        plain.push(general);
        words.next();
    }
    plain.join(" ")
}

/// Reads a text strictly into a type: [`check`], then the members, then that objects were written as objects.
///
/// # Errors
/// [`ReadError`] names the first departure.
pub fn parse<T: DeserializeOwned + Serialize>(text: &[u8]) -> Result<T, ReadError> {
    check(text)?;
    let value: T = serde_json::from_slice(text).map_err(|error| ReadError::of(&error))?;
    check_shape(text, &value)?;
    Ok(value)
}

/// serde would also read an array as the members of an object, in their order. One statement would then have
/// several forms, so arrays in the place of objects are refused at any depth.
fn check_shape(text: &[u8], value: &impl Serialize) -> Result<(), ReadError> {
    let form = |error: serde_json::Error| ReadError::Form(describe(&error));
    let given: Value = serde_json::from_slice(text).map_err(form)?;
    let read = serde_json::to_value(value).map_err(form)?;
    if same_shape(&given, &read) {
        Ok(())
    } else {
        Err(ReadError::Form("an array in the place of an object".to_owned()))
    }
}

fn same_shape(given: &Value, read: &Value) -> bool {
    match (given, read) {
        (Value::Array(_), Value::Object(_)) => false,
        (Value::Array(given), Value::Array(read)) => given.iter().zip(read).all(|(g, r)| same_shape(g, r)),
        (Value::Object(given), Value::Object(read)) => {
            given.iter().all(|(name, g)| read.get(name).is_none_or(|r| same_shape(g, r)))
        }
        _ => true,
    }
}

/// Gives a type that is written as a string its place in the OpenAPI document and the JSON Schemas.
macro_rules! string_schema {
    ($type:ty, $format:literal, $pattern:literal, $description:literal) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let mut object = utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .format(Some(utoipa::openapi::SchemaFormat::Custom($format.to_owned())))
                    .description(Some($description));
                if !$pattern.is_empty() {
                    object = object.pattern(Some($pattern));
                }
                object.into()
            }
        }
        impl utoipa::ToSchema for $type {}
    };
}
pub(crate) use string_schema;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_documents_pass() {
        check(br#"{"a":[1,-2,{"b":"\u00e9"}],"c":null,"d":true}"#).unwrap();
    }

    #[test]
    fn arrays_are_no_objects_and_types_keep_their_names() {
        #[derive(Debug, Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Inner {
            a: u8,
        }
        #[derive(Debug, Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Outer {
            inner: Vec<Inner>,
        }
        assert_eq!(parse::<Outer>(br#"{"inner":[{"a":1}]}"#).unwrap().inner[0].a, 1);
        for text in [r#"[[{"a":1}]]"#, r#"{"inner":[[1]]}"#, r#"{"inner":{}}"#, "1"] {
            let error = parse::<Outer>(text.as_bytes()).unwrap_err();
            assert!(
                matches!(&error, ReadError::Form(text) if !text.contains("Outer") && !text.contains("Inner"))
            );
        }
        assert!(matches!(parse::<Outer>(br#"{"inner":[],"x":1}"#), Err(ReadError::UnknownField(_))));
    }

    #[test]
    fn ambiguity_is_refused() {
        let duplicate = check(br#"{"x":{"a":1,"\u0061":2}}"#).unwrap_err();
        assert_eq!(duplicate, StrictJsonError::DuplicateName("a".to_owned()));
        for number in ["1.5", "1e3", "9007199254740992", "-9007199254740992", "18446744073709551616"] {
            assert_eq!(check(number.as_bytes()).unwrap_err(), StrictJsonError::Number, "{number}");
        }
        check(b"9007199254740991").unwrap();
        assert!(matches!(check(b"{} {}").unwrap_err(), StrictJsonError::Syntax(_)));
        assert!(matches!(check(b"\xff").unwrap_err(), StrictJsonError::Syntax(_)));
        let deep = "[".repeat(17) + &"]".repeat(17);
        assert_eq!(check(deep.as_bytes()).unwrap_err(), StrictJsonError::TooDeep);
        check(("[".repeat(16) + &"]".repeat(16)).as_bytes()).unwrap();
    }
}
