//! Choosing few points that cover the picture.

use super::detect::Point;

/// A cell's points beyond this rank are ordered by strength only.
const LAST_RANK: u32 = 6;

/// Keeps the `count` points to describe: the strongest of each cell of a grid of about `count` cells first,
/// then the second of each, and so on; within a rank the stronger first. Points weaker than `contrast` come
/// after all others. Ties keep the order of detection.
pub(super) fn balance(points: &mut Vec<Point>, count: usize, contrast: f32, width: usize, height: usize) {
    points.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    if points.len() <= count || count == 0 {
        points.truncate(count);
        return;
    }
    let cell = ((width * height) as f32 / count as f32).sqrt().max(1.0);
    let columns = (width as f32 / cell) as usize + 1;
    let rows = (height as f32 / cell) as usize + 1;
    let mut filled = vec![0_u32; columns * rows];
    let mut ranked: Vec<(u32, Point)> = points
        .iter()
        .map(|point| {
            let (column, row) = ((point.x / cell) as usize, (point.y / cell) as usize);
            let place = row.min(rows - 1) * columns + column.min(columns - 1);
            let rank = filled[place];
            filled[place] += 1;
            let weak = point.strength < contrast;
            (if weak { LAST_RANK + 1 } else { rank.min(LAST_RANK) }, *point)
        })
        .collect();
    // Stable: within a rank the order of strength stays.
    ranked.sort_by_key(|(rank, _)| *rank);
    points.clear();
    points.extend(ranked.into_iter().take(count).map(|(_, point)| point));
}
