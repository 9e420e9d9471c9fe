//! From a picture or a soft binding back to the manifest.
//!
//! What is certain comes first: the same bytes without the manifest, then what the caller hints at, then pictures whose
//! ISCC is alike, then those that the matching engine recognises pixel by pixel, as a check does. Last comes what nobody
//! saw with a picture, the hash or the ISCC that a manifest merely claims: anybody can claim those of anybody's picture.

use super::{
    Caller, Inner, Refusal, Registry,
    bindings::{self, Value},
    recognise::Resemblance,
};
use crate::store::{ISCC_RADIUS, Reader};
use touchstone_inspect::{
    Inspection,
    decode::Picture,
    fingerprint::{self, hamming},
};
use touchstone_schema::{
    ManifestId,
    api::Scope,
    problem::ProblemCode,
    sbr::{ISCC, SoftBindingMatch, SoftBindingQueryResult},
};

/// Score of what is certain.
const CERTAIN: u8 = 100;
/// Highest score of what is not.
const NEARLY: u8 = 99;
/// Score of what would be certain if the registry had seen it, and not only somebody's word for it.
const CLAIMED: u8 = 90;

/// What `POST /matches/byContent` says besides the picture.
#[derive(Debug, Clone, Default)]
pub struct ContentQuery {
    /// The algorithm to be used alone.
    pub alg: Option<String>,
    /// Algorithm of a further soft binding.
    pub hint_alg: Option<String>,
    /// Its value in base64.
    pub hint_value: Option<String>,
    /// Most matches.
    pub max_results: usize,
}

/// Matches so far: each manifest once, with the score that it was first found with, at most so many.
struct Matches {
    found: Vec<SoftBindingMatch>,
    limit: usize,
}

impl Matches {
    const fn new(limit: usize) -> Self {
        Self { found: Vec::new(), limit }
    }

    fn is_full(&self) -> bool {
        self.found.len() >= self.limit
    }

    fn add(&mut self, manifests: Vec<ManifestId>, score: Option<u8>) {
        for manifest_id in manifests {
            if !self.is_full() && !self.found.iter().any(|known| known.manifest_id == manifest_id) {
                self.found.push(SoftBindingMatch { manifest_id, similarity_score: score });
            }
        }
    }

    /// Manifests with ISCC codes like `code`, the nearest first: those that the registry computed from their pictures, or
    /// those that are merely claimed.
    fn add_alike(&mut self, reader: &mut Reader<'_>, near: &Near, observed: bool) -> Result<(), Refusal> {
        for (distance, code) in &near.0 {
            if self.is_full() {
                break;
            }
            let score = if observed { alike(*distance) } else { by_word(alike(*distance)) };
            self.add(reader.manifests_by_iscc(code, observed, self.limit)?, Some(score));
        }
        Ok(())
    }

    /// Manifests with this value: exactly, and by likeness if it is an ISCC that says something.
    fn add_bound(&mut self, reader: &mut Reader<'_>, alg: &str, value: &Value) -> Result<(), Refusal> {
        match value {
            Value::Opaque(bytes) => self.add(reader.manifests_by_binding(alg, bytes, self.limit)?, None),
            Value::Iscc(code) => {
                let near = Near::of(reader, code)?;
                self.add_alike(reader, &near, true)?;
                self.add_alike(reader, &near, false)?;
            }
        }
        Ok(())
    }
}

/// An ISCC code and those that are bound here and alike, with the bits in which they differ, the nearest first. Plain
/// pictures, whose codes are alike by chance, have none beside their own.
struct Near(Vec<(u32, [u8; 32])>);

impl Near {
    fn of(reader: &mut Reader<'_>, code: &[u8; 32]) -> Result<Self, Refusal> {
        let mut near = vec![(0, *code)];
        if !fingerprint::is_featureless(code) {
            let candidates = reader.iscc_candidates(code)?.into_iter();
            near.extend(candidates.map(|known| (hamming(code, &known), known)));
            near.retain(|(distance, _)| *distance <= ISCC_RADIUS);
            near.sort_unstable();
            near.dedup();
        }
        Ok(Self(near))
    }
}

/// The score of two ISCC codes that differ in so many of 256 bits.
fn alike(distance: u32) -> u8 {
    let percent = (256_u32.saturating_sub(distance) * 100 + 128) / 256;
    let most = if distance == 0 { CERTAIN } else { NEARLY };
    u8::try_from(percent).unwrap_or(most).min(most)
}

/// The score of what would have `score` if the registry had seen it.
fn by_word(score: u8) -> u8 {
    u8::try_from(u16::from(score) * u16::from(CLAIMED) / u16::from(CERTAIN)).unwrap_or(CLAIMED)
}

/// The score of a picture that was recognised: how far the pixels agree; half if there were none to compare.
fn agreeing(found: &Resemblance) -> u8 {
    let agreement = found.examined().map_or(0.5, |examined| examined.numbers.correlation);
    (agreement.clamp(0.0, 1.0) * f32::from(NEARLY)).round() as u8
}

impl Inner {
    fn limit(&self, asked: usize) -> usize {
        asked.clamp(1, self.settings.max_matches)
    }

    fn hint(&self, query: &ContentQuery) -> Result<Option<(String, Vec<u8>)>, Refusal> {
        let refused = |detail: &str| Err(Refusal::with(ProblemCode::InvalidField, detail));
        match (&query.hint_alg, &query.hint_value) {
            (None, None) => Ok(None),
            (Some(alg), Some(value)) => {
                bindings::check_alg(alg)?;
                let value = bindings::decode("hintValue", value, self.settings.max_binding_bytes)?;
                Ok(Some((alg.clone(), value)))
            }
            _ => refused("hintAlg and hintValue belong together"),
        }
    }

    /// Manifests of pictures that the engine recognises in this one, the best first.
    fn recognised(
        &self,
        inspection: &Inspection,
        picture: &Picture,
        matches: &mut Matches,
    ) -> Result<(), Refusal> {
        self.follow()?;
        let recognition = self.recognise(inspection, picture, None)?;
        let same = recognition.resemblances.iter().filter(|found| found.is_same_capture());
        let mut same: Vec<(u8, u64)> = same.map(|found| (agreeing(found), found.index)).collect();
        same.sort_unstable_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
        self.store.read(|reader| {
            for (score, index) in same {
                matches.add(reader.manifest_of_picture(index)?.into_iter().collect(), Some(score));
            }
            Ok(())
        })
    }
}

impl Registry {
    /// Manifests with a soft binding: exactly this value, and for ISCC codes alike ones.
    ///
    /// # Errors
    /// `invalid-field` if the value is not base64, is too long, or is no value of the algorithm; `forbidden`.
    pub fn match_binding(
        &self,
        caller: &Caller,
        alg: &str,
        value: &str,
        max_results: usize,
    ) -> Result<SoftBindingQueryResult, Refusal> {
        caller.require(Scope::FetchManifests)?;
        let inner = &*self.0;
        let limit = inner.settings.max_binding_bytes;
        bindings::check_alg(alg)?;
        let value = bindings::decode("value", value, limit)?;
        let mut matches = Matches::new(inner.limit(max_results));
        // Of an algorithm that nothing is bound by here, nothing matches: callers ask many repositories alike.
        if touchstone_schema::sbr::is_supported(alg) {
            let value = Value::read(alg, &value, limit)?;
            inner.store.read(|reader| matches.add_bound(reader, alg, &value))?;
        }
        Ok(SoftBindingQueryResult { matches: matches.found })
    }

    /// Manifests of registered pictures that this one is, or is a copy of.
    ///
    /// # Errors
    /// The picture problems; `invalid-field` for an algorithm that is not computed here or a hint that cannot be read;
    /// `forbidden`.
    pub fn match_content(
        &self,
        caller: &Caller,
        bytes: &[u8],
        query: &ContentQuery,
    ) -> Result<SoftBindingQueryResult, Refusal> {
        caller.require(Scope::FetchManifests)?;
        let inner = &*self.0;
        if query.alg.as_deref().is_some_and(|alg| alg != ISCC) {
            let detail = format!("alg: of pictures, this registry computes {ISCC} alone");
            return Err(Refusal::with(ProblemCode::InvalidField, detail));
        }
        let hint = inner.hint(query)?;
        let mut matches = Matches::new(inner.limit(query.max_results));
        let (inspection, picture) = touchstone_inspect::inspect_picture(bytes, &inner.inspector())?;
        let content = &inspection.sha256_without_manifest;
        let near = inner.store.read(|reader| {
            matches.add(reader.manifests_by_content(content, true, matches.limit)?, Some(CERTAIN));
            let mut codes = Vec::with_capacity(2);
            // A hint that says nothing here is passed over: it was meant to help.
            let hint = hint.and_then(|(alg, value)| {
                let value = Value::read(&alg, &value, inner.settings.max_binding_bytes).ok()?;
                Some((alg, value))
            });
            match hint {
                Some((_, Value::Iscc(code))) => codes.push(code),
                Some((alg, value)) => matches.add_bound(reader, &alg, &value)?,
                None => {}
            }
            if !fingerprint::is_featureless(&inspection.iscc) {
                codes.push(inspection.iscc);
            }
            let near = codes.iter().map(|code| Near::of(reader, code)).collect::<Result<Vec<_>, _>>()?;
            for near in &near {
                matches.add_alike(reader, near, true)?;
            }
            Ok::<_, Refusal>(near)
        })?;
        if query.alg.is_none() && !matches.is_full() {
            inner.recognised(&inspection, &picture, &mut matches)?;
        }
        if !matches.is_full() {
            inner.store.read(|reader| {
                matches.add(reader.manifests_by_content(content, false, matches.limit)?, Some(CLAIMED));
                near.iter().try_for_each(|near| matches.add_alike(reader, near, false))
            })?;
        }
        Ok(SoftBindingQueryResult { matches: matches.found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_fall_with_the_distance() {
        assert_eq!((alike(0), alike(1), alike(8), alike(15)), (100, 99, 97, 94));
        let claimed: Vec<u8> = [0, 1, 15].map(|distance| by_word(alike(distance))).into();
        assert_eq!(claimed, [90, 89, 84], "below all that was observed");
    }

    #[test]
    fn each_manifest_matches_once_and_the_list_ends() {
        let id = |n: u8| -> ManifestId {
            format!("urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E{n}").parse().unwrap()
        };
        let mut matches = Matches::new(2);
        matches.add(vec![id(1), id(1)], Some(100));
        matches.add(vec![id(1), id(2), id(3)], Some(50));
        let found: Vec<_> =
            matches.found.iter().map(|m| (m.manifest_id.clone(), m.similarity_score)).collect();
        assert_eq!(found, [(id(1), Some(100)), (id(2), Some(50))]);
    }
}
