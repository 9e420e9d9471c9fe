//! What the matching engine promises, as numbers: the table that every run is held to.

use crate::attacks::{Change, Class, Damage};
use touchstone_schema::record::Tier;

/// Share of an attack's photos that must be found.
pub(crate) fn recall(class: &Class) -> f64 {
    match (class.damage, class.change) {
        (None, Change::Rephoto(180)) => 0.90,
        (None, Change::Rerender(3)) => 0.85,
        _ => 0.98,
    }
}

/// Share of other captures that may be called the same.
pub(crate) const OTHER_CAPTURES: f64 = 0.005;
/// Share of photographs of other products that may be called the same.
pub(crate) const OTHER_PRODUCTS: f64 = 0.0;
/// Share of attacked photos that may be called the same as another picture than their own.
pub(crate) const WRONG_ORIGINALS: f64 = 0.0;
/// Share of harmless changes that may be called altered.
pub(crate) const FALSE_ALTERATIONS: f64 = 0.01;

/// Share of altered regions that must be shown, in all sizes, also after jpeg, resize, crop and screenshot.
pub(crate) const fn hits(damage: Damage, tier: Tier) -> f64 {
    match (damage, tier) {
        (Damage::Crack, Tier::Detail) => 0.85,
        (Damage::Mould, Tier::Detail) => 0.90,
        (_, Tier::Detail) => 0.95,
        (Damage::Crack, _) => 0.55,
        (Damage::Mould, _) => 0.80,
        _ => 0.90,
    }
}

/// Mean overlap of shown and painted regions; with the sketch nothing is promised.
pub(crate) const fn overlap(damage: Damage, tier: Tier) -> Option<f64> {
    match (damage, tier) {
        (Damage::Crack, Tier::Detail) => Some(0.3),
        (_, Tier::Detail) => Some(0.5),
        _ => None,
    }
}

/// Whether a class counts for what must be shown of its damage: photographs of screens and pictures rendered
/// again change everywhere.
pub(crate) const fn counts_for_regions(class: &Class) -> bool {
    class.damage.is_some() && !matches!(class.change, Change::Rephoto(_) | Change::Rerender(_))
}
