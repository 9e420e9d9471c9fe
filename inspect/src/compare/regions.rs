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

/// The places of a region's pixels in planes of `width`, row by row, and whether all four neighbours are in it, too.
/// No region reaches the frame's outermost pixels, which are never judged; there nothing has four neighbours.
pub(crate) fn pixels(
    labels: &[u32],
    label: u32,
    (left, top, right, bottom): Bounds,
    width: usize,
) -> impl Iterator<Item = (usize, bool)> {
    let own = move |place: usize| labels.get(place) == Some(&label);
    let places = (top..bottom).flat_map(move |y| (left..right).map(move |x| (x, y * width + x)));
    places.filter(move |(_, place)| own(*place)).map(move |(x, place)| {
        let within = x > 0 && x + 1 < width && place >= width;
        let surrounded =
            within && own(place - 1) && own(place + 1) && own(place - width) && own(place + width);
        (place, surrounded)
    })
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

    /// The measures of the pixels within `bounds` that `own` takes for one region.
    pub(crate) fn measure_where(&self, bounds: Bounds, own: impl Fn(usize, usize) -> bool) -> Region {
        let (left, top, right, bottom) = bounds;
        let mut region = Region::NONE;
        for y in top..bottom {
            for x in (left..right).filter(|x| own(*x, y)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_measured_for_itself_is_measured_as_among_all() {
        let (width, height) = (40, 30);
        let value = |i: usize| (i * i * 31 + i * 7) as u8;
        let plane = |shift: usize| Plane {
            width,
            height,
            data: (0..width * height).map(|i| value(i + shift)).collect(),
        };
        let mask = Plane {
            width,
            height,
            data: (0..width * height).map(|i| if i % width / 6 % 2 == 0 { 255 } else { 0 }).collect(),
        };
        let (labels, count) = label(&mask, 1);
        let (relative, contrast) = (plane(3), plane(11));
        let ground = Ground { width, relative: &relative, contrast: &contrast };
        let regions = ground.measure(&labels, count);
        assert_eq!(regions.len(), 4);
        for (index, region) in regions.iter().enumerate() {
            let own = |x: usize, y: usize| labels[y * width + x] == index as u32 + 1;
            assert_eq!(ground.measure_where(region.bounds, own), *region);
            let upper = ground.measure_where(region.bounds, |x, y| own(x, y) && y < 10);
            assert_eq!((upper.area, upper.bounds.3), (region.area / 3, 10));
        }
    }
}
