//! Weighted least squares for plane maps.
//!
//! Owns the normalisation (Hartley, "In defense of the eight-point algorithm", 1997) and the small linear
//! systems.

use super::homography::Homography;

/// A pair of points that should correspond, and how much it counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) reference: (f64, f64),
    pub(super) query: (f64, f64),
    pub(super) weight: f64,
}

/// How freely a map may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    /// Shift, turn and scale; with `mirrored` after turning over.
    Similarity { mirrored: bool },
    /// Any linear map and a shift.
    Affine,
    /// Any projective map, drawn slightly towards an affine one: with few pairs the foreshortening is
    /// ill-determined.
    Projective,
}

/// Weight of the draw towards an affine map: the squared ratio of a pair's expected error (0.5 % of the
/// spread) to the expected foreshortening (0.12 over the spread).
const AFFINE_PRIOR: f64 = 0.002;

/// A shift and scale that centres points and gives them unit spread.
#[derive(Clone, Copy)]
struct Frame {
    x: f64,
    y: f64,
    spread: f64,
}

impl Frame {
    fn of(points: impl Iterator<Item = ((f64, f64), f64)> + Clone) -> Option<Self> {
        let total: f64 = points.clone().map(|(_, weight)| weight).sum();
        if total <= 0.0 {
            return None;
        }
        let (mut x, mut y) = (0.0, 0.0);
        for ((px, py), weight) in points.clone() {
            x += weight * px;
            y += weight * py;
        }
        (x, y) = (x / total, y / total);
        let mut square = 0.0;
        for ((px, py), weight) in points {
            square += weight * ((px - x) * (px - x) + (py - y) * (py - y));
        }
        let spread = (square / total).sqrt();
        (spread > 1e-6).then_some(Self { x, y, spread })
    }

    fn inward(&self, (x, y): (f64, f64)) -> (f64, f64) {
        ((x - self.x) / self.spread, (y - self.y) / self.spread)
    }
}

/// The map of a model that fits the pairs best; `None` when they do not determine it.
pub(super) fn fit(pairs: &[Pair], model: Model) -> Option<Homography> {
    let from = Frame::of(pairs.iter().map(|pair| (pair.reference, pair.weight)))?;
    let to = Frame::of(pairs.iter().map(|pair| (pair.query, pair.weight)))?;
    let inner = pairs.iter().map(|pair| (from.inward(pair.reference), to.inward(pair.query), pair.weight));
    let rows = match model {
        Model::Similarity { mirrored } => similarity(inner, mirrored)?,
        Model::Affine => affine(inner)?,
        Model::Projective => projective(inner)?,
    };
    // Outward again: first into the reference's frame, last out of the query's.
    let entered = rows.map(|[a, b, c]| {
        let (a, b) = (a / from.spread, b / from.spread);
        [a, b, c - a * from.x - b * from.y]
    });
    let [upper, middle, lower] = entered;
    let outward = |row: [f64; 3], shift: f64| {
        [
            to.spread * row[0] + shift * lower[0],
            to.spread * row[1] + shift * lower[1],
            to.spread * row[2] + shift * lower[2],
        ]
    };
    Homography::new([outward(upper, to.x), outward(middle, to.y), lower])
}

type Matrix = [[f64; 3]; 3];
type Inner = ((f64, f64), (f64, f64), f64);

fn similarity(pairs: impl Iterator<Item = Inner>, mirrored: bool) -> Option<Matrix> {
    let side = if mirrored { -1.0 } else { 1.0 };
    let (mut along, mut across, mut square) = (0.0, 0.0, 0.0);
    for ((x, y), (u, v), weight) in pairs {
        let x = side * x;
        along += weight * (x * u + y * v);
        across += weight * (x * v - y * u);
        square += weight * (x * x + y * y);
    }
    let (along, across) = (along / square, across / square);
    (along * along + across * across > 1e-12).then_some([
        [side * along, -across, 0.0],
        [side * across, along, 0.0],
        [0.0, 0.0, 1.0],
    ])
}

fn affine(pairs: impl Iterator<Item = Inner>) -> Option<Matrix> {
    // Both rows share the matrix; the frames make the shift nearly zero, but weights may not.
    let mut normal = [[0.0; 3]; 3];
    let (mut right_u, mut right_v) = ([0.0; 3], [0.0; 3]);
    for ((x, y), (u, v), weight) in pairs {
        let row = [x, y, 1.0];
        for (line, left) in row.iter().enumerate() {
            for (sum, value) in normal[line].iter_mut().zip(&row) {
                *sum += weight * left * value;
            }
            right_u[line] += weight * left * u;
            right_v[line] += weight * left * v;
        }
    }
    Some([solve(normal, right_u)?, solve(normal, right_v)?, [0.0, 0.0, 1.0]])
}

fn projective(pairs: impl Iterator<Item = Inner>) -> Option<Matrix> {
    let mut normal = [[0.0; 8]; 8];
    let mut right = [0.0; 8];
    for ((x, y), (u, v), weight) in pairs {
        let rows = [
            ([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u),
            ([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v),
        ];
        for (row, target) in rows {
            for (line, left) in row.iter().enumerate() {
                for (sum, value) in normal[line].iter_mut().zip(&row) {
                    *sum += weight * left * value;
                }
                right[line] += weight * left * target;
            }
        }
    }
    normal[6][6] += AFFINE_PRIOR;
    normal[7][7] += AFFINE_PRIOR;
    let [a, b, c, d, e, f, g, h] = solve(normal, right)?;
    Some([[a, b, c], [d, e, f], [g, h, 1.0]])
}

/// Gaussian elimination with the largest pivot of each column; `None` when a pivot is too small.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let mut pivot = column;
        for line in column + 1..N {
            if matrix[line][column].abs() > matrix[pivot][column].abs() {
                pivot = line;
            }
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let head = matrix[column];
        if head[column].abs() < 1e-9 {
            return None;
        }
        for line in column + 1..N {
            let factor = matrix[line][column] / head[column];
            for (value, above) in matrix[line].iter_mut().zip(&head).skip(column) {
                *value -= factor * above;
            }
            right[line] -= factor * right[column];
        }
    }
    let mut solution = [0.0; N];
    for line in (0..N).rev() {
        let mut rest = right[line];
        for (value, known) in matrix[line].iter().zip(&solution).skip(line + 1) {
            rest -= value * known;
        }
        solution[line] = rest / matrix[line][line];
    }
    Some(solution)
}
