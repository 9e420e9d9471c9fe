//! Connected regions of a residual.
//!
//! Owns labelling, the grouping of near fragments and the measures of a region. Decides nothing.

// Areas are below 2^24 and exact in f32.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::raster::Plane;
use super::residual::extreme;

/// Left, top, right, bottom; the last two exclusive.
pub(crate) type Bounds = (usize, usize, usize, usize);

/// The measures of a region; the frame's pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Region {
    /// Where it lies.
    pub(crate) bounds: Bounds,
    /// Flagged pixels.
    pub(crate) area: u32,
    /// Sum of the relative residual over the flagged pixels, in units of the expected noise.
    pub(crate) mass: f32,
    /// The largest relative residual.
    pub(crate) peak: f32,
    /// Mean contrast of the predicted picture on the region, grey levels.
    pub(crate) texture: f32,
    /// Flagged pixels within [`rim`] of the frame's border.
    pub(crate) rim: u32,
}

/// Depth, pixels, of the strip along a frame's border in which a misaligned border shows what lies around the picture.
pub(crate) fn rim(width: usize, height: usize) -> usize {
    (width.max(height) / 22 + 2).min(width.min(height) / 10)
}

impl Region {
    const NONE: Self =
        Self { bounds: (usize::MAX, usize::MAX, 0, 0), area: 0, mass: 0.0, peak: 0.0, texture: 0.0, rim: 0 };

    /// From the sum of the contrast to its mean.
    fn finish(&mut self) {
        self.texture /= self.area.max(1) as f32;
    }
}

/// Labels 1.. of the groups that are connected once grown by `reach` pixels; 0 elsewhere. Regions in order of label.
pub(crate) fn label(mask: &Plane, reach: usize) -> (Vec<u32>, usize) {
    let mut grown = mask.clone();
    for _ in 0..reach {
        grown = extreme(&grown, u8::max);
    }
    let (width, height) = (mask.width, mask.height);
    let mut labels = vec![0_u32; width * height];
    let mut parents: Vec<u32> = vec![0];
    for y in 0..height {
        for x in 0..width {
            let index = y * width + x;
            if grown.data[index] == 0 {
                continue;
            }
            let mut own = 0;
            let above = |dx: usize| {
                let column = (x + dx).checked_sub(1)?;
                (y > 0 && column < width).then(|| labels[index - width + dx - 1])
            };
            let near = [if x > 0 { Some(labels[index - 1]) } else { None }, above(0), above(1), above(2)];
            for other in near.into_iter().flatten().filter(|other| *other != 0) {
                let root = find(&mut parents, other);
                if own == 0 {
                    own = root;
                } else if own != root {
                    let (low, high) = (own.min(root), own.max(root));
                    parents[high as usize] = low;
                    own = low;
                }
            }
            if own == 0 {
                own = parents.len() as u32;
                parents.push(own);
            }
            labels[index] = own;
        }
    }
    // Roots in order of appearance become 1, 2, ...
    let mut names = vec![0_u32; parents.len()];
    let mut count = 0;
    for (label, flagged) in labels.iter_mut().zip(&mask.data) {
        if *flagged == 0 {
            *label = 0;
            continue;
        }
        let root = find(&mut parents, *label) as usize;
        if names[root] == 0 {
            count += 1;
            names[root] = count;
        }
        *label = names[root];
    }
    (labels, count as usize)
}

fn find(parents: &mut [u32], mut label: u32) -> u32 {
    while parents[label as usize] != label {
        let above = parents[parents[label as usize] as usize];
        parents[label as usize] = above;
        label = above;
    }
    label
}

/// What regions are measured on.
pub(crate) struct Ground<'a> {
    /// The frame's width, pixels.
    pub(crate) width: usize,
    /// Residual over the expected noise.
    pub(crate) relative: &'a Plane,
    /// Contrast of the predicted picture.
    pub(crate) contrast: &'a Plane,
}

impl Ground<'_> {
    /// The measures of all regions in one pass; index 0 is label 1.
    pub(crate) fn measure(&self, labels: &[u32], count: usize) -> Vec<Region> {
        let mut regions = vec![Region::NONE; count];
        for (y, row) in labels.chunks_exact(self.width.max(1)).enumerate() {
            for (x, label) in row.iter().enumerate().filter(|(_, label)| **label != 0) {
                if let Some(region) = regions.get_mut(*label as usize - 1) {
                    self.add(region, x, y);
                }
            }
        }
        regions.iter_mut().for_each(Region::finish);
        regions
    }

    /// The measures of one region within `bounds`.
    pub(crate) fn measure_one(&self, labels: &[u32], label: u32, bounds: Bounds) -> Region {
        let (left, top, right, bottom) = bounds;
        let mut region = Region::NONE;
        for y in top..bottom {
            for x in (left..right).filter(|x| labels.get(y * self.width + x) == Some(&label)) {
                self.add(&mut region, x, y);
            }
        }
        region.finish();
        region
    }

    fn add(&self, region: &mut Region, x: usize, y: usize) {
        let index = y * self.width + x;
        let (left, top, right, bottom) = region.bounds;
        region.bounds = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
        let value = f32::from(self.relative.data[index]) / super::residual::UNIT;
        region.area += 1;
        region.mass += value;
        region.peak = region.peak.max(value);
        region.texture += f32::from(self.contrast.data[index]);
        let (width, height) = (self.relative.width, self.relative.height);
        let to_border = x.min(y).min(width - 1 - x).min(height - 1 - y);
        region.rim += u32::from(to_border < rim(width, height));
    }
}

/// Gives the largest part of a region that is thicker than twice `reach` the label `core`, and leaves the rest its own.
/// Returns whether there are both.
pub(crate) fn part_core(
    labels: &mut [u32],
    (label, core): (u32, u32),
    bounds: Bounds,
    width: usize,
    reach: usize,
) -> bool {
    let (left, top, right, bottom) = bounds;
    // With a rim, so that what touches the bounds is thinned there, too.
    let mut mask = Plane::new(right - left + 2, bottom - top + 2);
    let mut area = 0_usize;
    for y in top..bottom {
        for x in (left..right).filter(|x| labels[y * width + x] == label) {
            mask.data[(y - top + 1) * mask.width + x - left + 1] = 255;
            area += 1;
        }
    }
    let own = mask.clone();
    for pick in [u8::min, u8::max] {
        for _ in 0..reach {
            mask = extreme(&mask, pick);
        }
    }
    for (value, own) in mask.data.iter_mut().zip(&own.data) {
        *value &= *own;
    }
    let (parts, count) = self::label(&mask, 0);
    let mut areas = vec![0_usize; count + 1];
    for part in parts.iter().filter(|part| **part != 0) {
        areas[*part as usize] += 1;
    }
    let (largest, size) = areas
        .iter()
        .enumerate()
        .fold((0, 0), |best, (part, area)| if *area > best.1 { (part, *area) } else { best });
    if size == 0 || size == area {
        return false;
    }
    for y in top..bottom {
        for x in left..right {
            if parts[(y - top + 1) * mask.width + x - left + 1] as usize == largest {
                labels[y * width + x] = core;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 40;

    /// A disc of radius 8 at (20, 20), and a line of three pixels' width from it to the left.
    fn disc_with_tail() -> Vec<u32> {
        let own = |i: usize| {
            let (x, y) = (i % SIDE, i / SIDE);
            let round = x.abs_diff(20).pow(2) + y.abs_diff(20).pow(2) <= 64;
            round || ((2..20).contains(&x) && (19..22).contains(&y))
        };
        (0..SIDE * SIDE).map(|i| u32::from(own(i))).collect()
    }

    #[test]
    fn a_tail_is_parted_from_the_core() {
        let mut labels = disc_with_tail();
        assert!(part_core(&mut labels, (1, 2), (2, 12, 29, 29), SIDE, 2));
        let of = |label: u32| (0..labels.len()).filter(|i| labels[*i] == label).collect::<Vec<_>>();
        let (core, rest) = (of(2), of(1));
        assert_eq!(core.len() + rest.len(), disc_with_tail().iter().filter(|label| **label == 1).count());
        assert_eq!(rest.iter().filter(|i| **i % SIDE < 12).count(), 30, "the whole tail");
        let ground =
            Ground { width: SIDE, relative: &Plane::new(SIDE, SIDE), contrast: &Plane::new(SIDE, SIDE) };
        // Without the disc's outermost points, which are thinner than that.
        assert_eq!(ground.measure_one(&labels, 2, (2, 12, 29, 29)).bounds, (13, 13, 28, 28));
    }

    #[test]
    fn what_has_no_core_or_nothing_else_stays_whole() {
        let mut thin: Vec<u32> = (0..SIDE * SIDE).map(|i| u32::from(i / SIDE == 7)).collect();
        let before = thin.clone();
        assert!(!part_core(&mut thin, (1, 2), (0, 7, SIDE, 8), SIDE, 2));
        assert_eq!(thin, before);
        let mut square: Vec<u32> =
            (0..SIDE * SIDE).map(|i| u32::from(i % SIDE < 9 && i / SIDE < 9)).collect();
        assert!(!part_core(&mut square, (1, 2), (0, 0, 9, 9), SIDE, 2));
    }
}
