//! The four plots: recall beside peers, agreement, altered regions, false alterations.

use super::{
    chart::{Anchor, BLUE, Chart, GREY, INK, ORANGE, PALE, RED},
    photos::Negative,
    rows::{Engine, Row, Subject},
    run::Measured,
    targets,
    wilson::Rate,
};
use crate::{
    BenchError,
    attacks::{Damage, Size},
};
use std::path::Path;
use touchstone_schema::record::Tier;

/// The agreement from which pictures are the same capture.
const SAME_CAPTURE: f32 = 0.92;

/// Writes the plots into `out`.
pub(crate) fn write(out: &Path, measured: &Measured) -> Result<(), BenchError> {
    recall(measured).save(&out.join("recall.png"))?;
    agreement(measured).save(&out.join("agreement.png"))?;
    alterations(measured).save(&out.join("alterations.png"))?;
    harmless(measured).save(&out.join("harmless.png"))
}

/// Between two colours, as SVG writes it.
fn blend(from: [f32; 3], to: [f32; 3], part: f32) -> String {
    let value = |at: usize| from[at] + (to[at] - from[at]) * part;
    format!("rgb({:.0},{:.0},{:.0})", value(0), value(1), value(2))
}

/// The colour of a recall from 0 to 1, and that of text on it.
fn shade(share: f32) -> (String, &'static str) {
    let (low, middle, high) = ([252.0, 236.0, 226.0], [160.0, 205.0, 226.0], [0.0, 96.0, 152.0]);
    let fill =
        if share < 0.5 { blend(low, middle, share * 2.0) } else { blend(middle, high, share * 2.0 - 1.0) };
    (fill, if share > 0.7 { "#ffffff" } else { INK })
}

/// A table of shades: a row for each attack, a column for each engine, in two halves beside each other.
fn recall(measured: &Measured) -> Chart {
    const ROW: f32 = 20.0;
    const CELL: f32 = 58.0;
    const LABEL: f32 = 196.0;
    let engines: Vec<Engine> = Engine::ALL.into_iter().filter(|engine| measured.ran(*engine)).collect();
    let count = measured.classes.len();
    let half = count.div_ceil(2);
    let panel = LABEL + CELL * engines.len() as f32;
    let (width, height) = (2.0 * panel + 88.0, 112.0 + ROW * half as f32);
    let subtitle = "Percent of attacked photos whose original was named; detail and sketch are ours";
    let mut chart = Chart::new(width as u32, height as u32, "Found, by attack", subtitle);
    for side in 0..2 {
        let left = 24.0 + side as f32 * (panel + 40.0);
        for (column, engine) in engines.iter().enumerate() {
            let x = left + LABEL + CELL * (column as f32 + 0.5);
            chart.strong((x, 88.0), 13.0, Anchor::Middle, INK, engine.name());
        }
        for (row, at) in (side * half..count.min((side + 1) * half)).enumerate() {
            let top = 98.0 + ROW * row as f32;
            let name = &measured.classes[at].name;
            chart.text((left + LABEL - 10.0, top + 14.5), 12.5, Anchor::End, INK, name);
            for (column, engine) in engines.iter().enumerate() {
                let Some(share) = measured.recall(*engine, at).share() else { continue };
                let (fill, ink) = shade(share as f32);
                // A wider gap sets the peers apart.
                let gap = if column >= Engine::OWN.len() { 5.0 } else { 0.0 };
                let x = left + LABEL + CELL * column as f32 + gap;
                chart.rect((x, top), (CELL - 1.5, ROW - 1.5), &fill);
                let percent = format!("{:.0}", 100.0 * share);
                chart.text((x + CELL / 2.0, top + 14.0), 12.0, Anchor::Middle, ink, &percent);
            }
        }
    }
    chart
}

/// Histograms of the agreement: same captures, other captures, other products; one column for each reference.
fn agreement(measured: &Measured) -> Chart {
    const BINS: usize = 60;
    const LOW: f32 = 0.4;
    const PANEL: (f32, f32) = (450.0, 120.0);
    let title = "Agreement after alignment";
    let subtitle = "Median correlation of the blocks; other captures should stay left of 0.92";
    let mut chart = Chart::new(1_040, 640, title, subtitle);
    let attacked = |row: &Row| matches!(row.subject, Subject::Attack(_)) && row.wrong.is_none();
    let other = |row: &Row| row.subject == Subject::Negative(Negative::OtherCapture);
    let unrelated = |row: &Row| matches!(row.subject, Subject::Negative(_)) && !other(row);
    for (column, engine) in Engine::OWN.into_iter().enumerate() {
        let left = 44.0 + column as f32 * 500.0;
        chart.strong((left, 92.0), 14.0, Anchor::Start, INK, engine.name());
        let groups = [
            ("attacked photos of registered pictures", BLUE, measured.agreement(engine, attacked)),
            ("other captures of registered products", ORANGE, measured.agreement(engine, other)),
            ("photos of other products", RED, measured.agreement(engine, unrelated)),
        ];
        let across = |value: f32| left + (value.clamp(LOW, 1.0) - LOW) / (1.0 - LOW) * PANEL.0;
        for (row, (name, colour, (values, same, photos))) in groups.into_iter().enumerate() {
            let base = 252.0 + row as f32 * 165.0;
            let mut bins = [0_usize; BINS];
            for value in &values {
                let bin = (value.clamp(LOW, 1.0) - LOW) / (1.0 - LOW) * BINS as f32;
                bins[(bin as usize).min(BINS - 1)] += 1;
            }
            let most = bins.iter().copied().max().unwrap_or(0).max(1) as f32;
            // Square roots keep single photos visible beside hundreds.
            for (bin, count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
                let height = (*count as f32 / most).sqrt() * (PANEL.1 - 26.0);
                let wide = PANEL.0 / BINS as f32;
                let x = left + bin as f32 * wide;
                chart.rect((x + 0.5, base - height), (wide - 1.0, height), colour);
            }
            chart.line((left, base), (left + PANEL.0, base), GREY, 1.0);
            let note = format!("{name}: {} of {photos} compared, {same} called the same", values.len());
            chart.text((left, base - PANEL.1 + 2.0), 13.0, Anchor::Start, INK, &note);
            for tick in 0..=6 {
                let value = LOW + 0.1 * tick as f32;
                chart.line((across(value), base), (across(value), base + 4.0), GREY, 1.0);
                let text = format!("{}{value:.1}", if tick == 0 { "≤ " } else { "" });
                chart.text((across(value), base + 17.0), 11.5, Anchor::Middle, GREY, &text);
            }
            chart.dashed((across(SAME_CAPTURE), base), (across(SAME_CAPTURE), base - PANEL.1 + 12.0), INK);
        }
    }
    chart.text(
        (44.0, 624.0),
        12.0,
        Anchor::Start,
        GREY,
        "Heights are square roots of counts, each panel on its own scale.",
    );
    chart
}

/// Bars with intervals: altered regions shown, by kind and size.
fn alterations(measured: &Measured) -> Chart {
    const PANEL: (f32, f32) = (460.0, 250.0);
    const SHADES: [&str; 3] = ["#bcdff2", "#74b9e0", "#2a87bf"];
    let title = "Altered regions shown";
    let subtitle = "Percent of regions of which a tenth is marked, 95 % intervals; dashes are targets; spots take a quarter of these sizes";
    let mut chart = Chart::new(1_080, 420, title, subtitle);
    let sizes: Vec<(&str, &str)> =
        SHADES.into_iter().zip(["1–3 %", "3–7 %", "8–15 % of the picture"]).collect();
    chart.key((700.0, 92.0), &sizes);
    for (column, (engine, tier)) in Engine::OWN.into_iter().zip([Tier::Detail, Tier::Sketch]).enumerate() {
        let (left, base) = (64.0 + column as f32 * 520.0, 368.0);
        let up = |share: f64| base - share as f32 * PANEL.1;
        chart.strong((left, 92.0), 14.0, Anchor::Start, INK, engine.name());
        for tick in 0..=4 {
            let share = f64::from(tick) / 4.0;
            chart.line((left, up(share)), (left + PANEL.0, up(share)), PALE, 1.0);
            let percent = format!("{:.0}", 100.0 * share);
            chart.text((left - 8.0, up(share) + 4.0), 12.0, Anchor::End, GREY, &percent);
        }
        let wide = PANEL.0 / Damage::ALL.len() as f32;
        for (kind, damage) in Damage::ALL.into_iter().enumerate() {
            let start = left + wide * kind as f32;
            for (at, (size, shade)) in Size::ALL.into_iter().zip(SHADES).enumerate() {
                let rate = measured.hits(engine, damage, Some(size));
                let Some(share) = rate.share() else { continue };
                let x = start + 5.0 + at as f32 * 19.0;
                chart.rect((x, up(share)), (17.0, base - up(share)), shade);
                let (low, high) = rate.interval();
                chart.line((x + 8.5, up(low)), (x + 8.5, up(high)), INK, 1.2);
                chart.line((x + 5.5, up(low)), (x + 11.5, up(low)), INK, 1.2);
                chart.line((x + 5.5, up(high)), (x + 11.5, up(high)), INK, 1.2);
            }
            let target = up(targets::hits(damage, tier));
            chart.dashed((start + 4.0, target), (start + wide - 5.0, target), RED);
            chart.text((start + wide / 2.0 - 1.0, base + 18.0), 13.0, Anchor::Middle, INK, damage.name());
        }
        chart.line((left, base), (left + PANEL.0, base), GREY, 1.0);
    }
    chart
}

/// Two bars for each harmless change: how often it was called altered.
fn harmless(measured: &Measured) -> Chart {
    const ROW: f32 = 25.0;
    const LABEL: f32 = 150.0;
    const WIDE: f32 = 560.0;
    let classes: Vec<usize> = measured.harmless().collect();
    let rates = |at: usize| Engine::OWN.map(|engine| measured.altered(engine, at));
    let worst = classes.iter().flat_map(|at| rates(*at)).filter_map(Rate::share).fold(0.0, f64::max);
    // A scale that does not make little look like much.
    let full = [0.1, 0.25, 0.5].into_iter().find(|full| worst <= *full).unwrap_or(1.0);
    let height = 136.0 + ROW * classes.len() as f32;
    let subtitle = "Percent called altered after a harmless change; dashed is the target for all together";
    let mut chart = Chart::new(900, height as u32, "False alterations", subtitle);
    let (left, top) = (24.0 + LABEL, 108.0);
    let bottom = top + ROW * classes.len() as f32;
    chart.key((left, 88.0), &[(BLUE, "detail"), (ORANGE, "sketch")]);
    let across = |share: f64| left + (share / full) as f32 * WIDE;
    for tick in 0..=5 {
        let share = full * f64::from(tick) / 5.0;
        chart.line((across(share), top), (across(share), bottom), PALE, 1.0);
        let percent = format!("{:.0}", 100.0 * share);
        chart.text((across(share), bottom + 17.0), 12.0, Anchor::Middle, GREY, &percent);
    }
    for (row, at) in classes.into_iter().enumerate() {
        let y = top + ROW * row as f32;
        chart.text((left - 10.0, y + 16.5), 13.0, Anchor::End, INK, &measured.classes[at].name);
        for (bar, (rate, colour)) in rates(at).into_iter().zip([BLUE, ORANGE]).enumerate() {
            let Some(share) = rate.share() else { continue };
            let y = y + 3.0 + 10.0 * bar as f32;
            // A sliver says that it was measured.
            chart.rect((left, y), ((across(share) - left).max(1.5), 9.0), colour);
            if rate.hits > 0 {
                chart.text((across(share) + 6.0, y + 8.5), 11.0, Anchor::Start, GREY, &rate.count());
            }
        }
    }
    let target = across(targets::FALSE_ALTERATIONS);
    chart.dashed((target, top - 4.0), (target, bottom), RED);
    chart.line((left, top), (left, bottom), GREY, 1.0);
    chart
}
