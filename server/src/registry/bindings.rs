//! Soft bindings: values that lead from a picture without its manifest back to the manifest.
//!
//! Owns how values are written (base64, and the ISCC in it) and who may bind them. A value says nothing by itself: the
//! owner of a manifest claims it, and whoever follows it holds the manifest against the picture.

use super::{Caller, Refusal, Registry, accepting::check_still_valid, manifests::owned};
use crate::store::{MAX_BINDING_VALUE, Writer};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use touchstone_inspect::fingerprint;
use touchstone_schema::{
    OrganisationId,
    api::Scope,
    problem::ProblemCode,
    sbr::{self, Bindings, ISCC},
};

/// Most soft bindings of one manifest.
pub const MAX_BINDINGS: usize = 64;
/// Longest name of an algorithm, in bytes.
const MAX_ALG: usize = 128;
/// Header of a 256-bit ISCC Image-Code, version 0: main type, subtype; version, length (ISO 24138:2024, Annex A).
const ISCC_IMAGE: [u8; 2] = [0x21, 0x07];
/// Main type of codes that are put together of others: they have no place in a sequence of units.
const ISCC_COMPOSITE: u8 = 5;

/// A soft binding's value, ready to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// The ISCC Image-Code.
    Iscc([u8; 32]),
    /// Anything else: the same or another.
    Opaque(Vec<u8>),
}

fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::with(ProblemCode::InvalidField, detail)
}

impl Value {
    /// From the bytes of a value of this algorithm, which must be one that is accepted here.
    pub(super) fn read(alg: &str, bytes: &[u8], limit: usize) -> Result<Self, Refusal> {
        let limit = limit.min(MAX_BINDING_VALUE);
        if bytes.is_empty() || bytes.len() > limit {
            return Err(invalid(format!("the value must have 1 to {limit} bytes")));
        }
        if alg == ISCC {
            let what = "an io.iscc.v0 value is a sequence of ISCC-UNITs with a 256-bit Image-Code among them";
            return iscc_image(bytes).map(Self::Iscc).ok_or_else(|| invalid(what));
        }
        if !sbr::is_supported(alg) {
            return Err(invalid("alg is not among the algorithms of /services/supportedAlgorithms"));
        }
        Ok(Self::Opaque(bytes.to_vec()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Iscc(code) => code,
            Self::Opaque(bytes) => bytes,
        }
    }

    /// Whether likeness to it says something: plain areas share their ISCC codes.
    pub(super) fn is_telling(&self) -> bool {
        matches!(self, Self::Iscc(code) if !fingerprint::is_featureless(code))
    }
}

/// The name of an algorithm has the form of one.
pub(super) fn check_alg(alg: &str) -> Result<(), Refusal> {
    let fits = (1..=MAX_ALG).contains(&alg.len()) && alg.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(()) } else { Err(invalid(format!("alg must have 1 to {MAX_ALG} visible ASCII characters"))) }
}

/// The bytes of a value in base64. Both alphabets are taken, padded or not, and a `+` that a query turned into a space.
pub(super) fn decode(name: &str, text: &str, limit: usize) -> Result<Vec<u8>, Refusal> {
    // Four characters carry three bytes; looked at before anything is copied.
    if text.len() > limit.min(MAX_BINDING_VALUE).div_ceil(3) * 4 + 4 {
        return Err(invalid(format!("{name} must have at most {limit} bytes")));
    }
    let text = text.trim_end_matches('=').replace(' ', "+");
    let encoding = if text.contains(['-', '_']) { BASE64URL_NOPAD } else { BASE64_NOPAD };
    encoding.decode(text.as_bytes()).map_err(|_| invalid(format!("{name} must be base64")))
}

/// The Image-Code in a sequence of ISCC-UNITs, each a header of two bytes and a body (IEP-0020). Shorter codes and other
/// units are passed over.
fn iscc_image(mut sequence: &[u8]) -> Option<[u8; 32]> {
    let mut found = None;
    while !sequence.is_empty() {
        let (header, rest) = sequence.split_first_chunk::<2>()?;
        let nibbles = header.map(|byte| [byte >> 4, byte & 0xF]).concat();
        // Longer headers begin with a set bit; no unit of version 0 has one.
        if nibbles.iter().any(|nibble| *nibble >= 8) || nibbles.first() == Some(&ISCC_COMPOSITE) {
            return None;
        }
        let (body, rest) = rest.split_at_checked((usize::from(header[1] & 0xF) + 1) * 4)?;
        if *header == ISCC_IMAGE {
            found = found.or(body.try_into().ok());
        }
        sequence = rest;
    }
    found
}

impl Registry {
    /// Binds a value to an own manifest, or, if `replace`, lets a value of own manifests lead to another of them.
    ///
    /// # Errors
    /// `not-found` if there is no such manifest, or nothing to replace; `not-owner` for everybody but the manifest's
    /// owner; `forbidden`; `invalid-field`.
    pub fn bind(&self, caller: &Caller, given: &Bindings, replace: bool) -> Result<(), Refusal> {
        caller.require(Scope::StoreBindings)?;
        let owner = caller.organisation()?;
        let inner = &*self.0;
        let limit = inner.settings.max_binding_bytes;
        given.alg.as_deref().map_or(Ok(()), check_alg)?;
        // The log's lock, so that the manifest is not deleted meanwhile.
        inner.append(|writer| {
            check_still_valid(writer, &owner)?;
            owned(writer, &given.manifest_id, &owner)?;
            let bytes = decode("bindingValue", &given.binding_value, limit)?;
            let (alg, value) = resolve(writer, given, &owner, &bytes, limit)?;
            if replace {
                unbind_all(writer, &owner, &alg, &value)?;
            }
            // Saying again what is bound already is never too much.
            let bound = writer.soft_bindings(&given.manifest_id)?;
            let known = bound.iter().any(|(name, bytes)| *name == alg && bytes == value.bytes());
            if !known && bound.len() >= MAX_BINDINGS {
                return Err(invalid(format!("a manifest may have at most {MAX_BINDINGS} soft bindings")));
            }
            Ok(writer.bind(&alg, value.bytes(), &given.manifest_id, value.is_telling())?)
        })
    }
}

/// The algorithm of a binding. The C2PA description names none: then it is the one that the value already has among the
/// owner's manifests, or the only one that the manifest claims, or the ISCC if the value is one.
fn resolve(
    writer: &mut Writer<'_>,
    given: &Bindings,
    owner: &OrganisationId,
    bytes: &[u8],
    limit: usize,
) -> Result<(String, Value), Refusal> {
    if let Some(alg) = &given.alg {
        return Ok((alg.clone(), Value::read(alg, bytes, limit)?));
    }
    if let Ok(value) = Value::read(ISCC, bytes, limit) {
        return Ok((ISCC.to_owned(), value));
    }
    let mut known: Vec<String> =
        writer.soft_bindings_of(owner, bytes)?.into_iter().map(|(alg, _)| alg).collect();
    if known.is_empty() {
        known = writer.soft_bindings(&given.manifest_id)?.into_iter().map(|(alg, _)| alg).collect();
    }
    known.retain(|alg| alg != ISCC);
    known.dedup();
    match known.as_slice() {
        [alg] => Ok((alg.clone(), Value::read(alg, bytes, limit)?)),
        _ => Err(invalid("alg must name the algorithm: the value does not tell it")),
    }
}

fn unbind_all(
    writer: &mut Writer<'_>,
    owner: &OrganisationId,
    alg: &str,
    value: &Value,
) -> Result<(), Refusal> {
    let bound = writer.soft_bindings_of(owner, value.bytes())?;
    let mut replaced = false;
    for (_, label) in bound.iter().filter(|(known, _)| known == alg) {
        replaced |= writer.unbind(alg, value.bytes(), label)?;
    }
    if replaced {
        return Ok(());
    }
    Err(Refusal::with(ProblemCode::NotFound, "none of your manifests has this soft binding"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(header: [u8; 2], length: usize) -> Vec<u8> {
        [&header[..], &vec![header[0]; length]].concat()
    }

    #[test]
    fn the_image_code_is_found_among_units() {
        let image = unit(ISCC_IMAGE, 32);
        assert_eq!(iscc_image(&image), Some([0x21; 32]));
        let data = unit([0x30, 0x01], 8);
        let semantic = unit([0x11, 0x07], 32);
        let short = unit([0x21, 0x01], 8);
        assert_eq!(iscc_image(&[&data[..], &semantic, &short, &image].concat()), Some([0x21; 32]));
        for refused in
            [&data[..], &short, &image[..33], &[&image[..], b"x"].concat(), &unit([0x55, 0x07], 32), &[]]
        {
            assert_eq!(iscc_image(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn base64_is_taken_in_all_its_forms() {
        let bytes = [0xFB, 0xEF, 0xFF, 0x01];
        for text in ["++//AQ==", "++//AQ", "--__AQ==", "--__AQ", "  //AQ=="] {
            assert_eq!(decode("value", text, 16).unwrap(), bytes, "{text}");
        }
        for text in ["+", "a%", "好", "+-/_"] {
            assert_eq!(decode("value", text, 16).unwrap_err().code, ProblemCode::InvalidField, "{text}");
        }
        assert_eq!(decode("value", &"A".repeat(100), 16).unwrap_err().code, ProblemCode::InvalidField);
    }

    #[test]
    fn values_are_bounded_and_of_known_algorithms() {
        let watermark = "com.adobe.trustmark.P";
        assert_eq!(Value::read(watermark, b"2*01", 4).unwrap(), Value::Opaque(b"2*01".to_vec()));
        for (alg, value, limit) in
            [(watermark, &b"2*01"[..], 3), (watermark, b"", 4), ("nobody.knows", b"x", 4)]
        {
            assert_eq!(Value::read(alg, value, limit).unwrap_err().code, ProblemCode::InvalidField);
        }
        assert!(Value::read(ISCC, &unit(ISCC_IMAGE, 32), 64).unwrap().is_telling());
        let plain = [&ISCC_IMAGE[..], &[0; 32]].concat();
        assert!(!Value::read(ISCC, &plain, 64).unwrap().is_telling());
    }
}
