//! Counts over the rows: the figures that tables and plots share.

use super::{
    photos::Negative,
    rows::{Engine, Row, Subject},
    run::Measured,
    targets,
    wilson::Rate,
};
use crate::attacks::{Damage, Size};

impl Measured {
    fn of(&self, engine: Engine) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.engine == engine)
    }

    /// Attacked photos and the number of their class.
    fn attacked(&self, engine: Engine) -> impl Iterator<Item = (usize, &Row)> {
        self.of(engine).filter_map(|row| match row.subject {
            Subject::Attack(at) => Some((at, row)),
            Subject::Negative(_) => None,
        })
    }

    /// Whether this engine answered at all.
    pub(crate) fn ran(&self, engine: Engine) -> bool {
        self.of(engine).next().is_some()
    }

    /// How many photos of an attack class were found.
    pub(crate) fn recall(&self, engine: Engine, class: usize) -> Rate {
        Rate::of(self.attacked(engine).filter(|(at, _)| *at == class).map(|(_, row)| row.found))
    }

    /// How many attacked photos were called the same as another picture.
    pub(crate) fn wrong(&self, engine: Engine) -> Rate {
        Rate::of(self.attacked(engine).map(|(_, row)| row.wrong.is_some()))
    }

    /// How many photographs that are not registered were called the same as one that is.
    pub(crate) fn false_matches(&self, engine: Engine, negative: Negative) -> Rate {
        let rows = self.of(engine).filter(|row| row.subject == Subject::Negative(negative));
        Rate::of(rows.map(|row| row.wrong.is_some()))
    }

    /// Rows that called a photo the same as a picture that it does not come from.
    pub(crate) fn wrong_rows(&self, engine: Engine) -> impl Iterator<Item = &Row> {
        self.of(engine).filter(|row| row.wrong.is_some())
    }

    /// How many painted regions were shown; of one size, or of all sizes and also after further changes.
    pub(crate) fn hits(&self, engine: Engine, damage: Damage, size: Option<Size>) -> Rate {
        let rows = self.regions(engine, damage).filter(|(plain, found, _)| match size {
            Some(size) => *plain && *found == size,
            None => true,
        });
        Rate::of(rows.filter_map(|(_, _, row)| row.hit))
    }

    /// Mean intersection over union of shown and painted regions.
    pub(crate) fn overlap(&self, engine: Engine, damage: Damage) -> Option<f64> {
        let overlaps = self.regions(engine, damage).filter_map(|(_, _, row)| row.iou);
        mean(overlaps.map(f64::from))
    }

    /// Photos whose damage counts: whether nothing was done after painting, the size, the row.
    fn regions(&self, engine: Engine, damage: Damage) -> impl Iterator<Item = (bool, Size, &Row)> {
        self.attacked(engine).filter_map(move |(at, row)| {
            let class = self.classes.get(at).filter(|class| targets::counts_for_regions(class))?;
            let (found, size) = class.damage?;
            (found == damage).then_some((class.is_painted_only(), size, row))
        })
    }

    /// How many photos of a class were called altered.
    pub(crate) fn altered(&self, engine: Engine, class: usize) -> Rate {
        Rate::of(self.attacked(engine).filter(|(at, _)| *at == class).map(|(_, row)| row.altered))
    }

    /// The numbers of the classes after which nothing may be called altered.
    pub(crate) fn harmless(&self) -> impl Iterator<Item = usize> {
        (0..self.classes.len()).filter(|at| self.classes[*at].is_harmless())
    }

    /// Agreement of the blocks wherever pixels were compared; how many photos were called the same as a
    /// registered one, and how many there were.
    pub(crate) fn agreement(&self, engine: Engine, of: impl Fn(&Row) -> bool) -> (Vec<f32>, usize, usize) {
        let rows: Vec<&Row> = self.of(engine).filter(|row| of(row)).collect();
        let same = rows.iter().filter(|row| row.found || row.wrong.is_some()).count();
        (rows.iter().filter_map(|row| row.score).collect(), same, rows.len())
    }

    /// Milliseconds of each check, sorted.
    pub(crate) fn milliseconds(&self, engine: Engine) -> Vec<f64> {
        let mut times: Vec<f64> = self.of(engine).filter_map(|row| row.milliseconds).collect();
        times.sort_unstable_by(f64::total_cmp);
        times
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}
