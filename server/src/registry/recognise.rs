//! Recognising a photo: candidates by fingerprints and local features, then pixel by pixel.
//!
//! Cheap tests come first. Global codes propose what looks alike as a whole; only when none of it is the same capture,
//! or one is altered under a map that may be off, are local features asked, which find crops, screenshots and collages.
//! What is proposed counts for nothing until the pixels agree.

use super::{
    Inner, Refusal,
    evidence::Examined,
    turns::{IN_A_ROW, Turns},
};
use crate::matching::{Near, PDQ_RADIUS};
use std::{cell::OnceCell, collections::HashMap};
use touchstone_inspect::{
    Inspection,
    compare::{self, Comparison, Homography, Relation, RgbView},
    decode::Picture,
    features,
    fingerprint::{Symmetry, hamming},
    frames, geometry,
    reference::{self, LookUp},
};
use touchstone_schema::{
    Timestamp,
    record::Record,
    verdict::{self, Alteration, Reference},
};

/// Pictures that an answer on fingerprints alone takes into account.
const MAX_UNSEEN: usize = 64;
/// Pictures that global codes propose and that are compared, nearest first.
const MAX_COMPARED: usize = 6;
/// Pictures that local features propose and that are put in order.
const MAX_PROPOSED: usize = 512;
/// Pictures that local features propose and whose geometry is tested, most votes first.
const MAX_ALIGNED: usize = 64;
/// Pictures whose geometry fits and that are compared.
const MAX_FITTING: usize = 6;
/// Overlaid regions that a verdict names, so that it fits an envelope.
const MAX_OVERLAYS: usize = 32;
/// Median and lower quartile of the blocks' agreement from which a map needs no second one beside it: a map that is off
/// agrees nowhere that well, and what was altered leaves most blocks as they were.
const CERTAIN: (f32, f32) = (0.985, 0.95);
/// Median local shift, pixels of a sketch, below which the map is exact. Of 222 crops 4, of two pictures, agreed as well
/// under a map that was off by a tenth of a pixel, and were called altered: features align them.
const EXACT: f32 = 0.06;

/// A registered picture that the photo resembles.
#[derive(Debug)]
pub(super) struct Resemblance {
    /// Log index of its statement.
    pub index: u64,
    /// Differing bits of PDQ, if global codes found it by that.
    pub distance: Option<u32>,
    /// What the pixels told; `None` if nothing was kept to compare with.
    pub comparison: Option<(Reference, Comparison)>,
    /// The part of the photo that shows it, if that is known.
    pub part: Option<frames::Part>,
}

/// What looking at a photo told.
#[derive(Debug, Default)]
pub(super) struct Recognition<'a> {
    /// Pictures that it resembles; those that turned out to be others are left out.
    pub resemblances: Vec<Resemblance>,
    /// The photo looks like so many registered pictures that some were left out.
    pub flooded: bool,
    /// The photo as it was compared; absent if it was compared with nothing.
    pub photo: Option<compare::Query<'a>>,
}

impl Resemblance {
    /// The pixels say: the same capture, altered or not. Where nothing was kept, PDQ stands alone; the gradient hash
    /// only proposes.
    pub(super) fn is_same_capture(&self) -> bool {
        let same = |(_, found): &(Reference, Comparison)| {
            matches!(found.relation, Relation::SameCapture | Relation::SameCaptureAltered)
        };
        self.comparison.as_ref().map_or(self.distance.is_some(), same)
    }

    fn is_altered(&self) -> bool {
        let altered = |(_, found): &(Reference, Comparison)| found.relation == Relation::SameCaptureAltered;
        self.comparison.as_ref().is_some_and(altered)
    }

    /// No other map can show more.
    fn is_settled(&self) -> bool {
        self.is_same_capture() && (!self.is_altered() || (self.is_certain() && self.shift() < EXACT))
    }

    /// The blocks agree as well as can be told.
    fn is_certain(&self) -> bool {
        let certain = |(_, found): &(Reference, Comparison)| {
            found.agreement.median >= CERTAIN.0 && found.agreement.quartile >= CERTAIN.1
        };
        self.comparison.as_ref().is_some_and(certain)
    }

    /// How well the blocks agree.
    fn agreement(&self) -> f32 {
        self.comparison.as_ref().map_or(0.0, |(_, found)| found.agreement.median + found.agreement.quartile)
    }

    /// The median local shift, pixels of a sketch; without end if there were too few places to tell.
    fn shift(&self) -> f32 {
        let told = self.comparison.as_ref().filter(|(_, found)| found.parallax.places > 0);
        told.map_or(f32::INFINITY, |(_, found)| found.parallax.median)
    }

    /// Whether the map it was compared under is nearer to the truth than that of `other`, a comparison of the same two
    /// pictures: a map under which they are the same capture is right, and one under which they agree more is nearer.
    /// Where both agree as well as can be told, the smaller shift is.
    fn is_nearer(&self, other: &Self) -> bool {
        let same = self.is_same_capture().cmp(&other.is_same_capture());
        let agreeing = if self.is_certain() && other.is_certain() {
            other.shift().total_cmp(&self.shift())
        } else {
            self.agreement().total_cmp(&other.agreement())
        };
        same.then(agreeing).is_gt()
    }

    /// The numbers for the rules.
    pub(super) fn examined(&self) -> Option<Examined> {
        self.comparison.as_ref().map(|(reference, found)| Examined {
            numbers: verdict::Comparison {
                reference: *reference,
                overlap: found.overlap,
                correlation: found.agreement.median,
                // From 0.0: the sum of nothing is -0.0.
                altered_share: found.alterations.iter().fold(0.0, |sum, region| sum + region.share),
            },
            altered: found.relation == Relation::SameCaptureAltered,
            overlaid: !found.overlays.is_empty(),
            uneven: found.lies_unevenly(),
            part: self.part,
        })
    }

    /// The altered regions, in pixels of the photo, which has `full` width and height and was compared at `seen`.
    pub(super) fn alterations(&self, seen: frames::Size, full: frames::Size) -> Vec<Alteration> {
        let found = self.comparison.iter().flat_map(|(_, found)| &found.alterations);
        found.filter_map(|region| within(region, seen, full)).collect()
    }

    /// What lies over it, largest first, in pixels as the altered regions are. Every letter of a text is one.
    pub(super) fn overlays(&self, seen: frames::Size, full: frames::Size) -> Vec<Alteration> {
        let mut found: Vec<_> = self.comparison.iter().flat_map(|(_, found)| &found.overlays).collect();
        found.sort_by(|one, other| other.share.total_cmp(&one.share));
        found.into_iter().take(MAX_OVERLAYS).filter_map(|region| within(region, seen, full)).collect()
    }
}

/// A region of the photo as it was compared, in whole pixels inside the whole photo.
fn within(region: &compare::Alteration, seen: frames::Size, full: frames::Size) -> Option<Alteration> {
    let scaled =
        |value: f32, seen: u32, full: u32| f64::from(value) * (f64::from(full) / f64::from(seen.max(1)));
    let clamp = |value: f64, limit: u32| (value.clamp(0.0, f64::from(limit))) as u32;
    let left = clamp(scaled(region.x, seen.0, full.0).floor(), full.0);
    let top = clamp(scaled(region.y, seen.1, full.1).floor(), full.1);
    let right = clamp(scaled(region.x + region.width, seen.0, full.0).ceil(), full.0);
    let bottom = clamp(scaled(region.y + region.height, seen.1, full.1).ceil(), full.1);
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
    /// PDQ in all orientations.
    pdq: &'a [[u8; 32]],
    view: RgbView<'a>,
    /// Made when something is compared: an unknown photo rarely comes so far.
    query: OnceCell<compare::Query<'a>>,
}

impl Inner {
    /// Registered pictures whose global codes lie near; nothing is compared.
    pub(super) fn resemble(
        &self,
        pdq: &[[u8; 32]],
        dhash: &[[u8; 32]],
        claim: Option<Timestamp>,
    ) -> Result<Recognition<'static>, Refusal> {
        let nearest = self.index.near(pdq, dhash);
        let indexes: Vec<u64> = nearest.near.iter().map(|near| near.index).collect();
        let mut resemblances = Vec::new();
        let order = self.turns(&indexes, claim)?.in_turns(indexes);
        let flooded = nearest.flooded || order.len() > MAX_UNSEEN;
        for index in order.into_iter().take(MAX_UNSEEN) {
            let Some(record) = self.record(index)? else { continue };
            if let Some(distance) = distance_within(pdq, &record) {
                resemblances.push(Resemblance {
                    index,
                    distance: Some(distance),
                    comparison: None,
                    part: None,
                });
            }
        }
        Ok(Recognition { resemblances, flooded, photo: None })
    }

    /// Registered pictures that the photo is, shows a part of, or shows in another capture.
    pub(super) fn recognise<'a>(
        &self,
        inspection: &'a Inspection,
        picture: &'a Picture,
        claim: Option<Timestamp>,
    ) -> Result<Recognition<'a>, Refusal> {
        let view = RgbView::new(picture.width, picture.height, &picture.rgb).map_err(Refusal::internal)?;
        let photo = Photo { picture, pdq: &inspection.pdq_orientations, view, query: OnceCell::new() };
        let nearest = if inspection.pdq.is_informative() {
            self.index.near(&inspection.pdq_orientations, &inspection.dhash_orientations)
        } else {
            crate::matching::Nearest::default()
        };
        let mut found = Recognition { flooded: nearest.flooded, ..Recognition::default() };
        let mut again = Vec::new();
        let indexes: Vec<u64> = nearest.near.iter().map(|near| near.index).collect();
        let order = self.turns(&indexes, claim)?.in_turns(indexes);
        found.flooded |= order.len() > MAX_COMPARED;
        for index in order.into_iter().take(MAX_COMPARED) {
            let Some(near) = nearest.near.iter().find(|near| near.index == index) else { continue };
            match self.compare_whole(&photo, near)? {
                Some(same) if same.is_settled() => found.resemblances.push(same),
                // A crop or a change of shape may have spoilt the first map: local features give another.
                other => again.push((near.index, other)),
            }
        }
        let is_open =
            |before: &Option<Resemblance>| before.as_ref().is_some_and(Resemblance::is_same_capture);
        if found.resemblances.is_empty() || again.iter().any(|(_, before)| is_open(before)) {
            self.recognise_parts(&photo, again, claim, &mut found.resemblances)?;
        } else {
            found.resemblances.extend(again.into_iter().filter_map(|(_, before)| before));
        }
        found.photo = photo.query.into_inner();
        Ok(found)
    }

    fn compare_whole(&self, photo: &Photo<'_>, near: &Near) -> Result<Option<Resemblance>, Refusal> {
        let Some(record) = self.record(near.index)? else { return Ok(None) };
        // The index may hold codes of an earlier record beside those that hold now.
        let distance = distance_within(photo.pdq, &record);
        let found = Resemblance { index: near.index, distance, comparison: None, part: None };
        let Some((kind, reference)) = self.pixels(near.index, &record)? else { return Ok(Some(found)) };
        let symmetry = Symmetry::ALL.get(usize::from(near.orientation)).copied();
        let map = frames::by_orientation(
            symmetry.unwrap_or(Symmetry::Original),
            (reference.width, reference.height),
            (photo.picture.width, photo.picture.height),
        );
        Ok(match photo.compare(kind, &reference, &map) {
            Compared::Told(told, part) => Some(Resemblance { comparison: Some(*told), part, ..found }),
            // Too plain to compare: PDQ stands, and that alterations were not examined.
            Compared::TooPlain => Some(found),
            Compared::Unlike => None,
        })
    }

    /// The turns of what was proposed.
    fn turns(&self, indexes: &[u64], claim: Option<Timestamp>) -> Result<Turns, Refusal> {
        let rows = self.store.read(|reader| reader.entries(indexes).map_err(Refusal::from))?;
        Ok(Turns::among(&rows, claim))
    }

    /// Crops, screenshots, collages: by local features and their geometry. `again` are pictures that look alike as a
    /// whole and are not the same capture by what was compared so far, or altered under a map that may be off; they are
    /// all that is looked at if something in `found`, or one of them, is the same capture.
    fn recognise_parts(
        &self,
        photo: &Photo<'_>,
        again: Vec<(u64, Option<Resemblance>)>,
        claim: Option<Timestamp>,
        found: &mut Vec<Resemblance>,
    ) -> Result<(), Refusal> {
        let look_up = LookUp::new(photo.picture);
        let looked_up = look_up.features();
        let known: Vec<u64> = again.iter().map(|(index, _)| *index).collect();
        for (index, before) in again {
            let other = self.compare_part(photo, &looked_up, index)?.flatten();
            found.extend(better(before, other));
        }
        if found.iter().any(Resemblance::is_same_capture) {
            return Ok(());
        }
        let mut proposed = self.index.parts(&looked_up).map_err(Refusal::internal)?;
        proposed.retain(|index| !known.contains(index));
        self.compare_proposed(photo, &looked_up, proposed, claim, found)?;
        if found.iter().any(Resemblance::is_same_capture) {
            return Ok(());
        }
        let Some(coarse) = look_up.coarse_features() else { return Ok(()) };
        let proposed = self.index.parts_despite_grain(&coarse).map_err(Refusal::internal)?;
        self.compare_proposed(photo, &coarse, proposed, claim, found)
    }

    /// Compares with pictures that were proposed, most votes first. Of two comparisons with one picture the better stays.
    fn compare_proposed(
        &self,
        photo: &Photo<'_>,
        looked_up: &features::Query,
        mut proposed: Vec<u64>,
        claim: Option<Timestamp>,
        found: &mut Vec<Resemblance>,
    ) -> Result<(), Refusal> {
        proposed.truncate(MAX_PROPOSED);
        // Most of what is proposed does not fit, so turns are given among what does: an issuer's pictures beyond those
        // wait until the others' were aligned.
        let turns = self.turns(&proposed, claim)?;
        let (mut fitting, mut waiting) = (HashMap::new(), Vec::new());
        let mut aligned = 0;
        for index in turns.timely_first(proposed) {
            let issuer = turns.issuer(index);
            if fitting.get(&issuer).is_some_and(|count| *count >= IN_A_ROW) {
                waiting.push(index);
                continue;
            }
            aligned += 1;
            // What fits costs a comparison, whatever comes of it.
            if let Some(other) = self.compare_part(photo, looked_up, index)? {
                *fitting.entry(issuer).or_insert(0) += 1;
                keep_better(found, index, other);
            }
            if aligned == MAX_ALIGNED || fitting.values().sum::<usize>() >= MAX_FITTING {
                break;
            }
        }
        let left = MAX_FITTING.saturating_sub(fitting.into_values().sum());
        for index in waiting.into_iter().take(left) {
            let other = self.compare_part(photo, looked_up, index)?.flatten();
            keep_better(found, index, other);
        }
        Ok(())
    }

    /// `None` if no plane map fits; otherwise what the pixels told under it.
    fn compare_part(
        &self,
        photo: &Photo<'_>,
        looked_up: &features::Query,
        index: u64,
    ) -> Result<Option<Option<Resemblance>>, Refusal> {
        let Some(record) = self.record(index)? else { return Ok(None) };
        let Some(registered) = features_of(&record) else { return Ok(None) };
        let Some(alignment) = geometry::align(&registered, looked_up) else { return Ok(None) };
        let Some((kind, pixels)) = self.pixels(index, &record)? else { return Ok(None) };
        let sizes = ((pixels.width, pixels.height), (photo.picture.width, photo.picture.height));
        let map = frames::by_features(&alignment, &registered, looked_up, sizes.0, sizes.1);
        Ok(Some(match photo.compare(kind, &pixels, &map) {
            Compared::Told(told, part) => {
                Some(Resemblance { index, distance: None, comparison: Some(*told), part })
            }
            Compared::TooPlain | Compared::Unlike => None,
        }))
    }

    fn record(&self, index: u64) -> Result<Option<Record>, Refusal> {
        let bytes = self.store.read(|reader| {
            let row = reader.record(index).map_err(Refusal::from)?;
            Ok::<_, Refusal>(row.and_then(|row| row.bytes))
        })?;
        // A record of an earlier form is as good as none.
        Ok(bytes.and_then(|bytes| Record::parse(&bytes).ok()))
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
            let distance = first.distance;
            let kept = if first.comparison.is_some() && second.is_nearer(&first) { second } else { first };
            Some(Resemblance { distance, ..kept })
        }
        (first, second) => first.or(second),
    }
}

/// Adds a comparison with the picture of that index, unless a better one is there.
fn keep_better(found: &mut Vec<Resemblance>, index: u64, other: Option<Resemblance>) {
    let before = found.iter().position(|before| before.index == index).map(|at| found.remove(at));
    found.extend(better(before, other));
}

/// The features in a record, if there are some.
pub(super) fn features_of(record: &Record) -> Option<features::Reference> {
    features::Reference::from_bytes(&record.features.as_ref()?.0).ok()
}

/// Differing bits of PDQ between any orientation of a photo and a record, if within the radius.
fn distance_within(pdq: &[[u8; 32]], record: &Record) -> Option<u32> {
    let nearest = pdq.iter().map(|code| hamming(code, &record.pdq.0)).min();
    nearest.filter(|distance| *distance <= PDQ_RADIUS)
}

/// What a comparison came to.
enum Compared {
    Told(Box<(Reference, Comparison)>, Option<frames::Part>),
    /// Hardly any texture to compare.
    TooPlain,
    /// Not the same thing at all.
    Unlike,
}

impl Photo<'_> {
    /// Compares with a reference.
    fn compare(&self, kind: Reference, reference: &Picture, map: &Homography) -> Compared {
        let view = RgbView::new(reference.width, reference.height, &reference.rgb).ok();
        let query = || self.query.get_or_init(|| compare::Query::new(self.view));
        let found = view.and_then(|view| compare::compare(query(), view, map).ok());
        match found {
            None => Compared::Unlike,
            Some(found) if found.relation != Relation::CannotTell => {
                let sizes = ((reference.width, reference.height), (self.picture.width, self.picture.height));
                let part = frames::part(&found.alignment, sizes.0, sizes.1);
                Compared::Told(Box::new((kind, found)), part)
            }
            Some(found) if found.agreement.is_too_plain() => Compared::TooPlain,
            Some(_) => Compared::Unlike,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_in_whole_pixels_of_the_whole_photo() {
        let region =
            |x: f32| compare::Alteration { x, y: 20.0, width: 30.0, height: 5.0, strength: 1.0, share: 0.1 };
        let place = |x: f32, full| {
            within(&region(x), (150, 100), full).map(|found| (found.x, found.y, found.width, found.height))
        };
        assert_eq!(place(10.25, (150, 100)), Some((10, 20, 31, 5)));
        assert_eq!(place(10.25, (400, 300)), Some((27, 60, 81, 15)));
        assert_eq!(place(130.0, (300, 200)), Some((260, 40, 40, 10)));
        assert_eq!(place(160.0, (300, 200)), None);
    }

    /// One picture compared: its blocks agree in the median and lower quartile, and shift by a median, if told.
    fn compared(relation: Relation, (median, quartile): (f32, f32), shift: Option<f32>) -> Resemblance {
        let agreement = compare::Agreement { median, quartile, alike: 1.0, unlike: 0.0, blocks: 400 };
        let told = compare::Parallax { median: shift.unwrap_or_default(), places: 90, ..Default::default() };
        let comparison = Comparison {
            relation,
            alignment: Homography::IDENTITY,
            overlap: 1.0,
            agreement,
            parallax: if shift.is_some() { told } else { compare::Parallax::default() },
            border: compare::Border::default(),
            level: 0.0,
            alterations: Vec::new(),
            overlays: Vec::new(),
            map: compare::Plane { width: 0, height: 0, data: Vec::new() },
        };
        let comparison = Some((Reference::Detail, comparison));
        Resemblance { index: 7, distance: Some(12), comparison, part: None }
    }

    #[test]
    fn what_is_altered_is_settled_under_an_exact_map_alone() {
        use Relation::{OtherCapture, SameCapture, SameCaptureAltered};
        let settled = |relation, agreement, shift| compared(relation, agreement, shift).is_settled();
        assert!(settled(SameCapture, (0.9, 0.7), None));
        assert!(settled(SameCaptureAltered, (0.99, 0.97), Some(0.03)));
        // Off by a tenth of a pixel, by an unknown shift, and where blocks agree less.
        assert!(!settled(SameCaptureAltered, (0.99, 0.97), Some(0.1)));
        assert!(!settled(SameCaptureAltered, (0.99, 0.97), None));
        assert!(!settled(SameCaptureAltered, (0.98, 0.97), Some(0.03)));
        assert!(!settled(OtherCapture, (0.99, 0.97), Some(0.03)));
    }

    #[test]
    fn of_two_maps_the_nearer_to_the_truth_stays() {
        use Relation::{OtherCapture, SameCapture, SameCaptureAltered};
        let other = |relation, agreement, shift| Resemblance {
            distance: None,
            ..compared(relation, agreement, shift)
        };
        // The first is better, whichever is asked first.
        for (best, worse) in [
            // Where both agree as well as can be told, shifts tell more than agreement.
            ((SameCapture, (0.99, 0.97), Some(0.02)), (SameCaptureAltered, (0.995, 0.98), Some(0.1))),
            ((SameCapture, (0.99, 0.97), Some(0.1)), (SameCaptureAltered, (0.995, 0.98), None)),
            ((SameCaptureAltered, (0.97, 0.9), Some(0.1)), (SameCaptureAltered, (0.96, 0.8), Some(0.02))),
            ((SameCapture, (0.9, 0.7), None), (OtherCapture, (0.99, 0.98), Some(0.01))),
        ] {
            for (first, second) in [(best, worse), (worse, best)] {
                let first = compared(first.0, first.1, first.2);
                let kept = better(Some(first), Some(other(second.0, second.1, second.2))).unwrap();
                assert_eq!(kept.distance, Some(12));
                let agreement = kept.comparison.map(|(_, found)| found.agreement.median);
                assert_eq!(agreement, Some(best.1.0), "{best:?}");
            }
        }
        // Where nothing was kept, the codes stand.
        let codes = Resemblance { index: 7, distance: Some(12), comparison: None, part: None };
        let kept = better(Some(codes), Some(other(SameCapture, (0.99, 0.97), None))).unwrap();
        assert!(kept.comparison.is_none() && kept.distance == Some(12));
    }
}
