//! One line for each answer: a photo, and what one engine said of it.

use super::photos::Negative;
use crate::BenchError;
use std::path::Path;
use touchstone_schema::verdict::{Conclusion, Relation};

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Engine {
    /// The registry with a reference of 1,024 pixels.
    Detail,
    /// The registry with a sketch of 192 pixels.
    Sketch,
    /// PDQ.
    Pdq,
    /// The 64-bit DCT hash.
    Phash,
    /// The ISCC Image-Code.
    Iscc,
    /// ORB features and a plane map.
    Orb,
}

impl Engine {
    /// The registry's two ways to answer.
    pub(crate) const OWN: [Self; 2] = [Self::Detail, Self::Sketch];
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Detail, Self::Sketch, Self::Pdq, Self::Phash, Self::Iscc, Self::Orb];

    /// Name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Detail => "detail",
            Self::Sketch => "sketch",
            Self::Pdq => "PDQ",
            Self::Phash => "pHash",
            Self::Iscc => "ISCC",
            Self::Orb => "ORB",
        }
    }
}

/// What was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A registered photograph after the attack of this number.
    Attack(usize),
    /// A photograph that is not registered.
    Negative(Negative),
}

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) engine: Engine,
    pub(crate) subject: Subject,
    /// The photograph, before the attack.
    pub(crate) photo: String,
    /// The attacked picture was called the same capture as its original.
    pub(crate) found: bool,
    /// Called the same capture as a picture that it does not come from.
    pub(crate) wrong: Option<String>,
    pub(crate) conclusion: Option<Conclusion>,
    pub(crate) relation: Option<Relation>,
    /// Agreement of the blocks for the registry, distance for a hash, inliers for ORB.
    pub(crate) score: Option<f32>,
    /// Whether altered regions were named.
    pub(crate) altered: bool,
    /// At least a tenth of the painted area is marked; none where nothing was painted.
    pub(crate) hit: Option<bool>,
    /// Intersection over union of marked and painted area.
    pub(crate) iou: Option<f32>,
    pub(crate) milliseconds: Option<f64>,
}

/// Writes every row as CSV; `class` names the attacks.
pub(crate) fn write_csv(
    path: &Path,
    rows: &[Row],
    class: impl Fn(usize) -> String,
) -> Result<(), BenchError> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record([
        "engine",
        "subject",
        "class",
        "photo",
        "found",
        "wrong",
        "conclusion",
        "relation",
        "score",
        "altered",
        "hit",
        "iou",
        "milliseconds",
    ])?;
    for row in rows {
        let (subject, class) = match row.subject {
            Subject::Attack(at) => ("attack", class(at)),
            Subject::Negative(negative) => ("negative", negative.name().to_owned()),
        };
        let snake = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        writer.write_record([
            row.engine.name().to_owned(),
            subject.to_owned(),
            class,
            row.photo.clone(),
            row.found.to_string(),
            row.wrong.clone().unwrap_or_default(),
            row.conclusion.map(|value| snake(serde_json::json!(value))).unwrap_or_default(),
            row.relation.map(|value| snake(serde_json::json!(value))).unwrap_or_default(),
            row.score.map(|value| format!("{value:.4}")).unwrap_or_default(),
            row.altered.to_string(),
            row.hit.map(|value| value.to_string()).unwrap_or_default(),
            row.iou.map(|value| format!("{value:.3}")).unwrap_or_default(),
            row.milliseconds.map(|value| format!("{value:.1}")).unwrap_or_default(),
        ])?;
    }
    Ok(writer.flush()?)
}
