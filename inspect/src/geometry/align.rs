//! The search for the map that explains most matches.
//!
//! Every match carries a whole similarity (its features' positions, scales and directions), so each one in
//! turn is the hypothesis and no random sampling is needed (Philbin et al., "Object retrieval with large
//! vocabularies and fast spatial matching", CVPR 2007). The best hypotheses are refined from similarity over
//! affine to projective, each time with every registered feature looked for again where the map puts it, and
//! residuals weighted smoothly instead of counted in or out (after Barath et al., MAGSAC, CVPR 2019).

use super::fit::{Model, Pair, fit};
use super::homography::Homography;
use super::matching::{Match, codes, distance, nearest};
use crate::features::maths::{cos_sin, exp2, log2, turn_between, turns};
use crate::features::{Code, Keypoint, Query, Reference};

/// Inliers at distinct places from which a map is reported.
pub const MIN_INLIERS: usize = 8;
/// Matches, with the hypothesis itself, that must agree before a hypothesis is refined.
const MIN_SUPPORT: usize = 4;
/// Hypotheses that are refined at most.
const REFINED: usize = 6;
/// Inliers from which no further hypothesis is tried.
const ENOUGH: usize = 24;
/// Allowed residual: share of the reference's longer side as it appears in the query, and least pixels.
const TOLERANCE: f64 = 0.012;
const LEAST_TOLERANCE: f64 = 3.0;
/// Places closer than this count once: pixels of the reference's raster, and of the query's.
const DISTINCT_REFERENCE: f64 = 8.0;
const DISTINCT_QUERY: f64 = 4.0;

/// A plane map between two pictures and what supports it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alignment {
    /// From the reference's raster to the query's, pixels.
    pub homography: Homography,
    /// Whether the query shows the reference mirrored.
    pub mirrored: bool,
    /// Inliers at distinct places; at least [`MIN_INLIERS`].
    pub inliers: usize,
    /// All matches that obey the map, in the order of the registered features.
    pub matches: Vec<Match>,
}

/// Finds the map under which most of the reference's features reappear in the query, or `None` when fewer
/// than [`MIN_INLIERS`] do. Deterministic; the work is bounded by the product of the two numbers of features.
///
/// Enough inliers mean *the same template or the same capture*, never more: printed artwork photographed by
/// somebody else obeys a plane map too.
#[must_use]
pub fn align(reference: &Reference, query: &Query) -> Option<Alignment> {
    let mut faces = Vec::with_capacity(2);
    let mut hypotheses = Vec::new();
    for mirrored in [false, true] {
        let codes = codes(query, mirrored);
        let matches = nearest(reference, query, &codes);
        let face = Face { reference, query, codes, mirrored };
        for (index, one) in matches.iter().enumerate() {
            let support = face.support(&matches, one);
            if support >= MIN_SUPPORT {
                hypotheses.push((support, mirrored, index, *one));
            }
        }
        faces.push(face);
    }
    // Most supported first; ties in the order of the registered features, upright before mirrored.
    hypotheses.sort_by_key(|&(support, mirrored, index, _)| (std::cmp::Reverse(support), mirrored, index));
    let mut order: Vec<usize> = (0..query.features.len()).collect();
    let row = |index: usize| query.features.get(index).map_or(0.0, |two| two.feature.keypoint.y);
    order.sort_by(|&a, &b| row(a).total_cmp(&row(b)));
    let mut best: Option<Alignment> = None;
    let mut tried = 0;
    for (_, mirrored, _, one) in hypotheses {
        let known = best.as_ref().is_some_and(|best| best.matches.contains(&one));
        if known {
            // The match belongs to the map found already.
            continue;
        }
        let Some(face) = faces.get(usize::from(mirrored)) else { continue };
        let found = face.refine(&order, &one);
        if found.as_ref().map_or(0, |found| found.inliers) > best.as_ref().map_or(0, |best| best.inliers) {
            best = found;
        }
        tried += 1;
        if tried == REFINED || best.as_ref().is_some_and(|best| best.inliers >= ENOUGH) {
            break;
        }
    }
    best.filter(|best| best.inliers >= MIN_INLIERS)
}

/// One way to look at the query: as it is or mirrored.
struct Face<'a> {
    reference: &'a Reference,
    query: &'a Query,
    codes: Vec<Code>,
    mirrored: bool,
}

/// Limits for taking a pair into account in one round of refinement.
struct Round {
    model: fn(bool) -> Model,
    /// Residual in tolerances.
    residual: f64,
    /// Differing bits.
    distance: u32,
    /// Turns.
    angle: f32,
    /// Octaves.
    scale: f32,
}

const ROUNDS: [Round; 5] = [
    Round {
        model: |mirrored| Model::Similarity { mirrored },
        residual: 5.0,
        distance: 76,
        angle: 0.09,
        scale: 0.9,
    },
    Round { model: |_| Model::Affine, residual: 3.0, distance: 80, angle: 0.08, scale: 0.8 },
    Round { model: |_| Model::Projective, residual: 2.0, distance: 84, angle: 0.08, scale: 0.8 },
    Round { model: |_| Model::Projective, residual: 1.4, distance: 88, angle: 0.08, scale: 0.8 },
    Round { model: |_| Model::Projective, residual: 1.0, distance: 88, angle: 0.08, scale: 0.8 },
];

impl Face<'_> {
    fn keypoints(&self, one: &Match) -> Option<(Keypoint, Keypoint)> {
        let reference = self.reference.features.get(one.reference)?;
        let query = self.query.features.get(one.query)?;
        Some((reference.keypoint, query.feature.keypoint))
    }

    /// The similarity that one match implies.
    fn hypothesis(&self, one: &Match) -> Option<Homography> {
        let (from, to) = self.keypoints(one)?;
        let scale = exp2(f64::from(to.log_scale - from.log_scale).clamp(-6.0, 6.0));
        let (side, angle) = if self.mirrored { (-1.0, 0.5 - from.angle) } else { (1.0, from.angle) };
        let whole = to.angle - angle;
        let turn = whole - whole.floor();
        let direction = cos_sin(if turn >= 1.0 { 0.0 } else { turn });
        let (along, across) = (scale * f64::from(direction.0), scale * f64::from(direction.1));
        let (x, y) = (f64::from(from.x), f64::from(from.y));
        let (a, b, c, d) = (side * along, -across, side * across, along);
        let shift = (f64::from(to.x) - a * x - b * y, f64::from(to.y) - c * x - d * y);
        Homography::new([[a, b, shift.0], [c, d, shift.1], [0.0, 0.0, 1.0]])
    }

    /// Number of matches that roughly agree with one match's similarity in place, direction and scale.
    fn support(&self, matches: &[Match], one: &Match) -> usize {
        let Some((from, to)) = self.keypoints(one) else { return 0 };
        let Some(map) = self.hypothesis(one) else { return 0 };
        let ratio = to.log_scale - from.log_scale;
        let turn = self.turn(&from, &to);
        let factor = exp2(f64::from(ratio).clamp(-6.0, 6.0));
        let side = f64::from(self.reference.width.max(self.reference.height));
        let agrees = |other: &&Match| {
            let Some((from, to)) = self.keypoints(other) else { return false };
            let scale = (to.log_scale - from.log_scale - ratio).abs();
            if scale > 1.0 || turn_between(turn, self.turn(&from, &to)).abs() > 0.1 {
                return false;
            }
            let (x, y) = (f64::from(from.x), f64::from(from.y));
            let Some((u, v)) = map.apply((x, y)) else { return false };
            let (du, dv) = (u - f64::from(to.x), v - f64::from(to.y));
            // A single feature's direction and scale err by some degrees and per cent: the residual may grow
            // with the distance from it.
            let (dx, dy) = (x - f64::from(self.x(one)), y - f64::from(self.y(one)));
            let reach = (dx * dx + dy * dy).sqrt();
            let allowed = factor * (0.02 * side + 0.25 * reach);
            du * du + dv * dv <= allowed * allowed
        };
        matches.iter().filter(agrees).count()
    }

    fn x(&self, one: &Match) -> f32 {
        self.reference.features.get(one.reference).map_or(0.0, |feature| feature.keypoint.x)
    }

    fn y(&self, one: &Match) -> f32 {
        self.reference.features.get(one.reference).map_or(0.0, |feature| feature.keypoint.y)
    }

    /// The turn from a registered feature to a query's, in turns 0 to 1.
    fn turn(&self, from: &Keypoint, to: &Keypoint) -> f32 {
        let turn = if self.mirrored { to.angle - 0.5 + from.angle } else { to.angle - from.angle };
        turn - turn.floor()
    }

    /// The map around one match's similarity, with its inliers.
    fn refine(&self, order: &[usize], one: &Match) -> Option<Alignment> {
        let mut map = self.hypothesis(one)?;
        for round in &ROUNDS {
            let found = self.look(order, &map, round);
            if found.len() < MIN_SUPPORT {
                return None;
            }
            let model = if found.len() < 6 { Model::Affine } else { (round.model)(self.mirrored) };
            map = self.fit(&map, &found, model, round.residual)?;
        }
        let last = ROUNDS.last()?;
        let matches = self.look(order, &map, last);
        let (width, height) = (f64::from(self.reference.width), f64::from(self.reference.height));
        if !map.is_plausible(width, height, self.mirrored) {
            return None;
        }
        let inliers = self.distinct(&matches);
        Some(Alignment { homography: map, mirrored: self.mirrored, inliers, matches })
    }

    /// Pixels of the query by which a pair may miss.
    fn tolerance(&self, map: &Homography) -> f64 {
        let (width, height) = (f64::from(self.reference.width), f64::from(self.reference.height));
        let area =
            map.derivative((width / 2.0, height / 2.0)).map_or(0.0, |[[a, b], [c, d]]| (a * d - b * c).abs());
        (TOLERANCE * area.sqrt() * width.max(height)).clamp(LEAST_TOLERANCE, 60.0)
    }

    /// For each registered feature the query's most similar one near the place where the map puts it, turned
    /// and scaled as the map says. Each of the query's features is used once.
    fn look(&self, order: &[usize], map: &Homography, round: &Round) -> Vec<Match> {
        let reach = self.tolerance(map) * round.residual;
        let row = |index: usize| {
            self.query.features.get(index).map_or(0.0, |two| f64::from(two.feature.keypoint.y))
        };
        let mut found: Vec<Match> = Vec::new();
        for (index, feature) in self.reference.features.iter().enumerate() {
            let from = feature.keypoint;
            let place = (f64::from(from.x), f64::from(from.y));
            let (Some((x, y)), Some([[a, b], [c, d]])) = (map.apply(place), map.derivative(place)) else {
                continue;
            };
            let (cosine, sine) = cos_sin(from.angle);
            let angle = turns(a as f32 * cosine + b as f32 * sine, c as f32 * cosine + d as f32 * sine);
            let area = (a * d - b * c).abs().clamp(1e-6, 1e6);
            let log_scale = from.log_scale + (0.5 * log2(area)) as f32;
            let start = order.partition_point(|&other| row(other) < y - reach);
            let mut best: Option<Match> = None;
            for &other in order.get(start..).unwrap_or_default() {
                let Some(two) = self.query.features.get(other) else { continue };
                let to = two.feature.keypoint;
                let (dx, dy) = (f64::from(to.x) - x, f64::from(to.y) - y);
                if dy > reach {
                    break;
                }
                if dx * dx + dy * dy > reach * reach
                    || (to.log_scale - log_scale).abs() > round.scale
                    || turn_between(angle, to.angle).abs() > round.angle
                {
                    continue;
                }
                let Some(code) = self.codes.get(other) else { continue };
                let distance = distance(&feature.code, code);
                if distance <= round.distance && best.is_none_or(|best| distance < best.distance) {
                    best = Some(Match { reference: index, query: other, distance });
                }
            }
            found.extend(best);
        }
        // One registered feature per feature of the query: the nearest.
        let mut owner: Vec<Option<Match>> = vec![None; self.query.features.len()];
        for one in &found {
            if let Some(owner) = owner.get_mut(one.query)
                && owner.is_none_or(|other| one.distance < other.distance)
            {
                *owner = Some(*one);
            }
        }
        found.retain(|one| owner.get(one.query).is_some_and(|owner| *owner == Some(*one)));
        found
    }

    /// The model's map through the pairs, near ones of low distance counting more.
    fn fit(&self, map: &Homography, found: &[Match], model: Model, residual: f64) -> Option<Homography> {
        let sigma = self.tolerance(map) * residual * 0.5;
        let mut current = *map;
        for _ in 0..3 {
            let pairs: Vec<Pair> = found
                .iter()
                .filter_map(|one| {
                    let (from, to) = self.keypoints(one)?;
                    let reference = (f64::from(from.x), f64::from(from.y));
                    let query = (f64::from(to.x), f64::from(to.y));
                    let (u, v) = current.apply(reference)?;
                    let square =
                        ((u - query.0) * (u - query.0) + (v - query.1) * (v - query.1)) / (sigma * sigma);
                    let denominator = 1.0 + square;
                    Some(Pair { reference, query, weight: 1.0 / (denominator * denominator) })
                })
                .collect();
            current = fit(&pairs, model)?;
        }
        Some(current)
    }

    /// Number of matches at distinct places of both pictures.
    fn distinct(&self, matches: &[Match]) -> usize {
        let mut kept: Vec<(Keypoint, Keypoint)> = Vec::new();
        for (from, to) in matches.iter().filter_map(|one| self.keypoints(one)) {
            let near = |a: &Keypoint, b: &Keypoint, limit: f64| {
                f64::from((a.x - b.x).abs()) < limit && f64::from((a.y - b.y).abs()) < limit
            };
            let taken = kept.iter().any(|(other_from, other_to)| {
                near(&from, other_from, DISTINCT_REFERENCE) || near(&to, other_to, DISTINCT_QUERY)
            });
            if !taken {
                kept.push((from, to));
            }
        }
        kept.len()
    }
}
