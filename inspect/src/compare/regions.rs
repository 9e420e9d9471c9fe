//! Connected regions of a residual.
//!
//! Owns labelling, the grouping of near fragments and the measures of a region. Decides nothing.

// Areas are below 2^24 and exact in f32.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::raster::Plane;
use super::residual::extreme;

/// The measures of a region; the frame's pixels.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Region {
    /// Left, top, right, bottom; the last two exclusive.
    pub(crate) bounds: (usize, usize, usize, usize),
    /// Flagged pixels.
    pub(crate) area: u32,
    /// Sum of the relative residual over the flagged pixels, in units of the expected noise.
    pub(crate) mass: f32,
    /// The largest relative residual.
    pub(crate) peak: f32,
    /// Mean contrast of the predicted picture on the region, grey levels.
    pub(crate) texture: f32,
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

/// The measures of all regions in one pass; index 0 is label 1.
pub(crate) fn measure(
    labels: &[u32],
    count: usize,
    width: usize,
    relative: &Plane,
    contrast: &Plane,
) -> Vec<Region> {
    let mut regions = vec![Region { bounds: (usize::MAX, usize::MAX, 0, 0), ..Region::default() }; count];
    let height = labels.len() / width.max(1);
    for y in 0..height {
        for x in 0..width {
            let index = y * width + x;
            let Some(region) = (labels[index] as usize).checked_sub(1).and_then(|at| regions.get_mut(at))
            else {
                continue;
            };
            let (left, top, right, bottom) = region.bounds;
            region.bounds = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
            let value = f32::from(relative.data[index]) / super::residual::UNIT;
            region.area += 1;
            region.mass += value;
            region.peak = region.peak.max(value);
            region.texture += f32::from(contrast.data[index]);
        }
    }
    for region in &mut regions {
        region.texture /= region.area.max(1) as f32;
    }
    regions
}
