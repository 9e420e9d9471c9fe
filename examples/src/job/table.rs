//! The table of verdicts.

use super::cases::Case;
use serde_json::Value;

/// One photo: a line of the table, and beneath it why.
#[derive(Debug)]
pub(super) struct Row {
    cells: [String; 5],
    why: String,
    as_expected: bool,
}

impl Row {
    pub(super) fn new(case: &Case, answer: &Value) -> Self {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
        let verdict = text("conclusion");
        let reason = answer.get("reason").and_then(|r| r.get("en").or(Some(r))).and_then(Value::as_str);
        let milliseconds = answer.get("milliseconds").and_then(Value::as_f64).unwrap_or(0.0);
        let as_expected = verdict == case.expected;
        let mark = if as_expected { "ok" } else { "NOT AS EXPECTED" };
        Self {
            cells: [
                case.story.to_owned(),
                case.expected.to_owned(),
                verdict,
                format!("{milliseconds:.0}"),
                mark.to_owned(),
            ],
            why: reason.unwrap_or("-").to_owned(),
            as_expected,
        }
    }

    pub(super) const fn as_expected(&self) -> bool {
        self.as_expected
    }
}

/// Columns that a terminal gives to a text: two for each wide character.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if ('\u{1100}'..'\u{20000}').contains(&c) && !('\u{2000}'..'\u{2e80}').contains(&c) {
                2
            } else {
                1
            }
        })
        .sum()
}

/// The table as text.
pub(super) fn render(rows: &[Row]) -> String {
    let head = ["refund photo, and why", "expected", "verdict", "ms", ""].map(str::to_owned);
    let mut widths = head.each_ref().map(|cell| width(cell));
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(&row.cells) {
            *widest = (*widest).max(width(cell));
        }
    }
    let line = |cells: &[String; 5]| {
        let padded =
            cells.iter().zip(widths).map(|(cell, w)| format!("{cell}{}", " ".repeat(w - width(cell))));
        format!("   {}", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let rule = format!("   {}", widths.map(|w| "─".repeat(w)).join("  "));
    let body = rows.iter().map(|row| format!("{}\n      {}", line(&row.cells), row.why));
    [String::new(), line(&head), rule]
        .into_iter()
        .chain(body)
        .chain([String::new()])
        .collect::<Vec<_>>()
        .join("\n")
}
