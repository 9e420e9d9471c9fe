//! Recognising a photo: candidates by fingerprints and local features, then pixel by pixel.
//!
//! Cheap tests come first. Global codes propose what looks alike as a whole; only when none of it is the same capture
//! are local features asked, which find crops, screenshots and collages. What is proposed counts for nothing until
//! the pixels agree.

use super::{Inner, Refusal, evidence::Examined};
use crate::matching::Near;
use touchstone_inspect::{
    Inspection,
    compare::{self, Comparison, Homography, Relation, RgbView},
    decode::Picture,
    features,
    fingerprint::Symmetry,
    frames, geometry, reference,
};
use touchstone_schema::{
    record::Record,
    verdict::{self, Alteration, Reference},
};

/// Pictures that global codes propose and that are compared, nearest first.
const MAX_COMPARED: usize = 6;
/// Pictures that local features propose and whose geometry is tested, most votes first.
const MAX_ALIGNED: usize = 64;
/// Pictures whose geometry fits and that are compared.
const MAX_FITTING: usize = 6;

/// A registered picture that the photo resembles.
#[derive(Debug)]
pub(super) struct Resemblance {
    /// Log index of its statement.
    pub index: u64,
    /// Differing bits of PDQ, if global codes found it by that.
    pub distance: Option<u32>,
    /// What the pixels told; `None` if nothing was kept to compare with.
    pub comparison: Option<(Reference, Comparison)>,
}

/// What looking at a photo told.
#[derive(Debug, Default)]
pub(super) struct Recognition {
    /// Pictures that it resembles; those that turned out to be others are left out.
    pub resemblances: Vec<Resemblance>,
    /// The photo looks like so many registered pictures that some were left out.
    pub flooded: bool,
}

impl Resemblance {
    /// The pixels say: the same capture, altered or not. Where nothing was kept, the codes stand alone.
    pub(super) fn is_same_capture(&self) -> bool {
        let same = |(_, found): &(Reference, Comparison)| {
            matches!(found.relation, Relation::SameCapture | Relation::SameCaptureAltered)
        };
        self.comparison.as_ref().is_none_or(same)
    }

    fn is_altered(&self) -> bool {
        let altered = |(_, found): &(Reference, Comparison)| found.relation == Relation::SameCaptureAltered;
        self.comparison.as_ref().is_some_and(altered)
    }

    /// How well the pixels agree under the map that was found: of two maps between the same pictures, the one that
    /// agrees more is nearer to the truth.
    fn agreement(&self) -> f32 {
        self.comparison.as_ref().map_or(0.0, |(_, found)| found.agreement.median + found.agreement.quartile)
    }

    /// The numbers for the rules.
    pub(super) fn examined(&self) -> Option<Examined> {
        self.comparison.as_ref().map(|(reference, found)| Examined {
            numbers: verdict::Comparison {
                reference: *reference,
                overlap: found.overlap,
                correlation: found.agreement.median,
                altered_share: found.alterations.iter().map(|region| region.share).sum(),
            },
            altered: found.relation == Relation::SameCaptureAltered,
            overlaid: !found.overlays.is_empty(),
        })
    }

    /// The altered regions, in photo pixels.
    pub(super) fn alterations(&self, width: u32, height: u32) -> Vec<Alteration> {
        let found = self.comparison.iter().flat_map(|(_, found)| &found.alterations);
        found.filter_map(|region| within(region, width, height)).collect()
    }
}

/// A region in whole pixels inside the photo.
fn within(region: &compare::Alteration, width: u32, height: u32) -> Option<Alteration> {
    let clamp = |value: f32, limit: u32| (f64::from(value).clamp(0.0, f64::from(limit))) as u32;
    let (left, top) = (clamp(region.x.floor(), width), clamp(region.y.floor(), height));
    let right = clamp((region.x + region.width).ceil(), width);
    let bottom = clamp((region.y + region.height).ceil(), height);
    // Twice the least that is reported is middling; the scale has no end.
    let strength = region.strength / (region.strength + 1.0);
    (right > left && bottom > top).then(|| Alteration {
        x: left,
        y: top,
        width: right - left,
        height: bottom - top,
        strength,
    })
}

/// What is kept of a registered picture's pixels.
type Pixels = Option<(Reference, Picture)>;

/// A photo on its way through the stages.
struct Photo<'a> {
    picture: &'a Picture,
    query: compare::Query,
}

impl Inner {
    /// Registered pictures whose global codes lie near; nothing is compared.
    pub(super) fn resemble(&self, pdq: &[[u8; 32]], dhash: &[[u8; 32]]) -> Recognition {
        let nearest = self.index.near(pdq, dhash);
        let resemblances = nearest.near.iter().map(|near| Resemblance {
            index: near.index,
            distance: near.pdq,
            comparison: None,
        });
        Recognition { resemblances: resemblances.collect(), flooded: nearest.flooded }
    }

    /// Registered pictures that the photo is, shows a part of, or shows in another capture.
    pub(super) fn recognise(
        &self,
        inspection: &Inspection,
        picture: &Picture,
    ) -> Result<Recognition, Refusal> {
        let view = RgbView::new(picture.width, picture.height, &picture.rgb).map_err(Refusal::internal)?;
        let photo = Photo { picture, query: compare::Query::new(view) };
        let nearest = if inspection.pdq.is_informative() {
            self.index.near(&inspection.pdq_orientations, &inspection.dhash_orientations)
        } else {
            crate::matching::Nearest::default()
        };
        let mut found = Recognition { resemblances: Vec::new(), flooded: nearest.flooded };
        let mut again = Vec::new();
        for near in nearest.near.iter().take(MAX_COMPARED) {
            match self.compare_whole(&photo, near)? {
                Some(same) if same.is_same_capture() && !same.is_altered() => found.resemblances.push(same),
                // A crop or a change of shape may have spoilt the first map: local features give another.
                other => again.push((near.index, other)),
            }
        }
        if found.resemblances.is_empty() {
            self.recognise_parts(&photo, again, &mut found.resemblances)?;
        } else {
            found.resemblances.extend(again.into_iter().filter_map(|(_, before)| before));
        }
        Ok(found)
    }

    fn compare_whole(&self, photo: &Photo<'_>, near: &Near) -> Result<Option<Resemblance>, Refusal> {
        let Some(record) = self.record(near.index)? else { return Ok(None) };
        let found = Resemblance { index: near.index, distance: near.pdq, comparison: None };
        let Some((kind, reference)) = self.pixels(near.index, &record)? else { return Ok(Some(found)) };
        let symmetry = Symmetry::ALL.get(usize::from(near.orientation)).copied();
        let map = frames::by_orientation(
            symmetry.unwrap_or(Symmetry::Original),
            (reference.width, reference.height),
            (photo.picture.width, photo.picture.height),
        );
        let comparison = photo.compare(kind, &reference, &map);
        Ok(comparison.map(|comparison| Resemblance { comparison: Some(comparison), ..found }))
    }

    /// Crops, screenshots, collages: by local features and their geometry. `again` are pictures that look alike as a
    /// whole and are not the same capture by what was compared so far.
    fn recognise_parts(
        &self,
        photo: &Photo<'_>,
        again: Vec<(u64, Option<Resemblance>)>,
        found: &mut Vec<Resemblance>,
    ) -> Result<(), Refusal> {
        let looked_up = reference::query_features(photo.picture);
        let known: Vec<u64> = again.iter().map(|(index, _)| *index).collect();
        for (index, before) in again {
            let other = self.compare_part(photo, &looked_up, index)?;
            found.extend(better(before, other));
        }
        if found.iter().any(Resemblance::is_same_capture) {
            return Ok(());
        }
        let proposed = self.index.parts(&looked_up).map_err(Refusal::internal)?;
        let mut fitting = 0;
        for index in proposed.into_iter().filter(|index| !known.contains(index)).take(MAX_ALIGNED) {
            let other = self.compare_part(photo, &looked_up, index)?;
            fitting += usize::from(other.is_some());
            found.extend(other);
            if fitting == MAX_FITTING {
                break;
            }
        }
        Ok(())
    }

    fn compare_part(
        &self,
        photo: &Photo<'_>,
        looked_up: &features::Query,
        index: u64,
    ) -> Result<Option<Resemblance>, Refusal> {
        let Some(record) = self.record(index)? else { return Ok(None) };
        let Some(registered) = features_of(&record) else { return Ok(None) };
        let Some(alignment) = geometry::align(&registered, looked_up) else { return Ok(None) };
        let Some((kind, pixels)) = self.pixels(index, &record)? else { return Ok(None) };
        let sizes = ((pixels.width, pixels.height), (photo.picture.width, photo.picture.height));
        let map = frames::by_features(&alignment, &registered, looked_up, sizes.0, sizes.1);
        let comparison = photo.compare(kind, &pixels, &map);
        Ok(comparison.map(|comparison| Resemblance { index, distance: None, comparison: Some(comparison) }))
    }

    fn record(&self, index: u64) -> Result<Option<Record>, Refusal> {
        let bytes = self.store.read(|reader| {
            let row = reader.record(index).map_err(Refusal::from)?;
            Ok::<_, Refusal>(row.and_then(|row| row.bytes))
        })?;
        bytes.map(|bytes| Record::parse(&bytes).map_err(Refusal::internal)).transpose()
    }

    /// The largest reference that is kept. A registrant's sketch that cannot be read is as good as none.
    fn pixels(&self, index: u64, record: &Record) -> Result<Pixels, Refusal> {
        let detail = self.store.read(|reader| reader.detail(index).map_err(Refusal::from))?;
        let pixels = match (&detail, &record.sketch) {
            (Some(jpeg), _) => Some((Reference::Detail, jpeg.as_slice())),
            (None, Some(sketch)) => Some((Reference::Sketch, sketch.0.as_slice())),
            (None, None) => None,
        };
        Ok(pixels.and_then(|(kind, jpeg)| Some((kind, reference::read(jpeg).ok()?))))
    }
}

/// Of two comparisons with one picture, the one under the better map. Where nothing was kept, the codes stand.
fn better(first: Option<Resemblance>, second: Option<Resemblance>) -> Option<Resemblance> {
    match (first, second) {
        (Some(first), Some(second)) => {
            // By the same capture first: a map that shows it is right.
            let rank = |found: &Resemblance| (found.is_same_capture(), found.agreement());
            let distance = first.distance;
            let keep_first = first.comparison.is_none() || rank(&first) >= rank(&second);
            let kept = if keep_first { first } else { second };
            Some(Resemblance { distance, ..kept })
        }
        (first, second) => first.or(second),
    }
}

/// The features in a record, if there are some.
pub(super) fn features_of(record: &Record) -> Option<features::Reference> {
    features::Reference::from_bytes(&record.features.as_ref()?.0).ok()
}

impl Photo<'_> {
    /// Compares with a reference. `None` if it is not the same thing at all.
    fn compare(
        &self,
        kind: Reference,
        reference: &Picture,
        map: &Homography,
    ) -> Option<(Reference, Comparison)> {
        let view = RgbView::new(reference.width, reference.height, &reference.rgb).ok()?;
        let found = compare::compare(&self.query, view, map).ok()?;
        (found.relation != Relation::CannotTell).then_some((kind, found))
    }
}
