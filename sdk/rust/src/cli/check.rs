//! `touchstone check`: asks the registry about photos.

use super::{
    args::{Check, Language},
    failed::Failed,
    failure::{Failure, Message, Status},
    output::{Output, Tone, clean},
    parallel::{self, Progress},
    session::Session,
    words,
};
use serde::Serialize;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};
use touchstone_inspect::overlay::{self, LEGEND};
use touchstone_schema::{
    CheckId, StatementId, Timestamp,
    api::CheckResult,
    verdict::{
        Alteration, Bilingual, Binding, Comparison, Conclusion, Context, Finding, Limit, Match,
        Recommendation, Relation, Verdict,
    },
};
use touchstone_sdk::{
    check as checking,
    client::Client,
    entropy::Stopwatch,
    files::{self, MAX_PICTURE_BYTES},
};

/// The contract for scripts: one of these on each line.
#[derive(Serialize)]
struct Line<'a> {
    file: String,
    check: CheckId,
    conclusion: Conclusion,
    recommendation: Recommendation,
    #[serde(rename = "match")]
    best_match: Option<MatchLine<'a>>,
    alterations: &'a [Alteration],
    overlays: &'a [Alteration],
    findings: &'a [Finding],
    reason: &'a Bilingual,
    limits: &'a [Limit],
    milliseconds: u64,
}

#[derive(Serialize)]
struct MatchLine<'a> {
    statement: StatementId,
    file_name: Option<&'a str>,
    relation: Relation,
    registered_before: Option<bool>,
    comparison: Option<Comparison>,
}

impl<'a> Line<'a> {
    fn new(path: &Path, verdict: &'a Verdict, milliseconds: u64) -> Self {
        Self {
            file: path.display().to_string(),
            check: verdict.check,
            conclusion: verdict.conclusion,
            recommendation: verdict.recommendation,
            best_match: verdict.best_match.as_ref().map(|found| MatchLine {
                statement: found.statement,
                file_name: found.file_name.as_deref(),
                relation: found.relation,
                registered_before: found.registered_before,
                comparison: found.comparison,
            }),
            alterations: &verdict.alterations,
            overlays: &verdict.overlays,
            findings: &verdict.findings,
            reason: &verdict.reason,
            limits: &verdict.limits,
            milliseconds,
        }
    }
}

pub(crate) fn run(session: &Session, args: &Check) -> Result<Status, Failure> {
    let out = &session.out;
    if let Some(folder) = args.overlay.as_deref().filter(|path| path.exists() && !path.is_dir()) {
        return Err(not_a_folder(folder));
    }
    // The registry would refuse every photo for it.
    if let (Some(order), Some(claim)) = (args.order_time, args.claim_time)
        && order > claim
    {
        return Err(ordered_after_the_claim(order, claim));
    }
    let connection = session.connect()?;
    let client = &connection.client;
    let verdict_key = match connection.verdict_key {
        Some(key) => key,
        None => client.registry()?.verdict_key,
    };
    let context = Context {
        order_time: args.order_time,
        dispatch_time: args.dispatch_time,
        claim_time: args.claim_time,
        product: args.product.clone(),
        seller: args.seller.clone(),
        claim: args.claim.clone(),
    };
    let work = |path: &PathBuf| -> Result<(CheckResult, u64), Failure> {
        let photo = files::read(path, MAX_PICTURE_BYTES)?;
        let watch = Stopwatch::start();
        let result = client.check(&photo, &context)?;
        let milliseconds = watch.milliseconds();
        checking::hold_to_signature(&result, &verdict_key)?;
        checking::hold_to_question(&result, &photo, &context)?;
        Ok((result, milliseconds))
    };
    let ends = |result: &Result<_, Failure>| result.as_ref().is_err_and(Failure::ends_run);
    let mut failed = Failed::new(out);
    let mut marked = false;
    let names = overlay_names(&args.files);
    let progress = Progress::new(out, args.files.len());
    parallel::in_order_until(&args.files, work, ends, |at, result| {
        let path = &args.files[at];
        progress.print(|| match result {
            Some(Ok((result, milliseconds))) => {
                let verdict = &result.verdict;
                if out.json {
                    out.object(&Line::new(path, verdict, milliseconds));
                } else {
                    show(out, path, verdict, milliseconds);
                }
                if let Some(folder) = &args.overlay {
                    match overlay(out, client, (folder, &names[at]), path, verdict) {
                        Ok(written) => marked |= written,
                        Err(failure) => failed.beside(path, &failure),
                    }
                }
            }
            Some(Err(failure)) => failed.file(path, None, &failure),
            None => failed.untried(path, None),
        });
        progress.step();
    });
    drop(progress);
    if marked && !out.json {
        let legend = format!("*.overlay.png{}{}", out.choose(": ", "："), out.choose(LEGEND.0, LEGEND.1));
        out.line(&out.paint(Tone::Faint, &legend));
    }
    Ok(failed.finish())
}

/// Writes `NAME.overlay.png` and `NAME.mask.png`, the mask in the photo's pixels. False if there is nothing to draw.
fn overlay(
    out: &Output,
    client: &Client,
    (folder, name): (&Path, &str),
    path: &Path,
    verdict: &Verdict,
) -> Result<bool, Failure> {
    let nothing = verdict.alterations.is_empty() && verdict.overlays.is_empty();
    let (Some(width), Some(height), false) = (verdict.photo.width, verdict.photo.height, nothing) else {
        say_why_no_overlay(out, path, verdict);
        return Ok(false);
    };
    let marked = client.alterations(&verdict.check)?;
    let mask = client.alteration_mask(&verdict.check)?;
    let mask = overlay::scale_mask(&mask, width, height).map_err(|error| {
        let message = Message::new(format!("the registry's mask: {error}"), format!("登记处的掩膜：{error}"));
        Failure::File(message, None)
    })?;
    for (kind, bytes) in [("overlay", marked), ("mask", mask)] {
        files::write(&folder.join(format!("{name}.{kind}.png")), &bytes)?;
    }
    Ok(true)
}

/// What the pictures of each photo are called: its name without the ending, which no two photos share. Case is not
/// counted on, as some file systems do not tell it.
fn overlay_names(files: &[PathBuf]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut name = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut name = stem.clone();
        let mut number = 2;
        while !taken.insert(name.to_lowercase()) {
            name = format!("{stem}-{number}");
            number += 1;
        }
        name
    };
    files.iter().map(&mut name).collect()
}

/// Without altered or overlaid regions there is nothing to draw; when none could be looked for, that is said.
fn say_why_no_overlay(out: &Output, path: &Path, verdict: &Verdict) {
    let path = path.display();
    let findings = verdict.findings.iter().flat_map(|finding| &finding.limits);
    let unexamined =
        verdict.limits.iter().chain(findings).any(|limit| *limit == Limit::AlterationsNotExamined);
    let (en, zh) = if unexamined {
        ("alterations were not examined, so no overlay was written", "未检查是否有改动，因此未写入叠加图")
    } else {
        ("no altered or overlaid region, so no overlay was written", "无改动或覆盖区域，因此未写入叠加图")
    };
    out.notice(&match out.language {
        Language::En => format!("{path}: {en}"),
        Language::Zh => format!("{path}：{zh}"),
    });
}

fn not_a_folder(path: &Path) -> Failure {
    Failure::Usage(
        Message::new(
            format!("--overlay {} is a file", path.display()),
            format!("--overlay {} 是文件", path.display()),
        ),
        Some((
            "name a folder; it is made if it is not there, and gets NAME.overlay.png and NAME.mask.png",
            "请指定文件夹（不存在时会创建），其中写入 NAME.overlay.png 和 NAME.mask.png",
        )),
    )
}

fn ordered_after_the_claim(order: Timestamp, claim: Timestamp) -> Failure {
    Failure::Usage(
        Message::new(
            format!("--order-time {order} lies after --claim-time {claim}"),
            format!("--order-time {order} 晚于 --claim-time {claim}"),
        ),
        Some((
            "Look whether the two are swapped and whether their offsets (Z, +08:00) are right, or leave one out.",
            "请检查两个时间是否颠倒、时区偏移（Z、+08:00）是否正确；也可省略其中一个。",
        )),
    )
}

const fn tone(recommendation: Recommendation) -> Tone {
    match recommendation {
        Recommendation::Proceed => Tone::Good,
        Recommendation::AskForAnotherPhoto => Tone::Careful,
        Recommendation::HumanReview => Tone::Bad,
    }
}

fn show(out: &Output, path: &Path, verdict: &Verdict, milliseconds: u64) {
    let words = out.words();
    let choose = |(en, zh)| out.choose(en, zh);
    let bilingual = |text: &Bilingual| out.choose(&text.en, &text.zh).to_owned();
    let head = out.paint(Tone::Strong, &clean(&path.display().to_string()));
    let conclusion = out.paint(tone(verdict.recommendation), choose(words::conclusion(verdict.conclusion)));
    let took = out.paint(Tone::Faint, &format!("{milliseconds} ms"));
    out.line(&format!("{head}  {conclusion}  {took}"));
    let mut fields = vec![
        (words.because, bilingual(&verdict.reason)),
        (words.next_step, choose(words::recommendation(verdict.recommendation)).to_owned()),
    ];
    if let Some(found) = &verdict.best_match {
        fields.push((words.matches, describe(out, found)));
        let timely = match found.registered_before {
            Some(true) => words.yes,
            Some(false) => words.no,
            None => words.unknown_time,
        };
        fields.push((words.registered_before, format!("{timely} ({})", found.accepted_at)));
    }
    for region in &verdict.alterations {
        let Alteration { x, y, width, height, strength } = region;
        let named = out.choose("strength", "强度");
        fields.push((words.altered_region, format!("{width} x {height} @ {x}, {y} ({named} {strength:.2})")));
    }
    for Alteration { x, y, width, height, .. } in &verdict.overlays {
        fields.push((words.overlaid_region, format!("{width} x {height} @ {x}, {y}")));
    }
    for finding in &verdict.findings {
        let strength = choose(words::strength(finding.strength));
        let entry = finding.statement.zip(finding.log_index);
        let entry = entry.map_or(String::new(), |(statement, index)| format!(" ({statement} #{index})"));
        fields.push((words.finding, format!("[{strength}] {}{entry}", bilingual(&finding.summary))));
    }
    let limits: Vec<&str> = verdict.limits.iter().map(|limit| choose(words::limit(*limit))).collect();
    fields.push((words.limits, limits.join(out.choose("; ", "；"))));
    fields.push((words.check, verdict.check.to_string()));
    out.fields(&fields);
}

fn describe(out: &Output, found: &Match) -> String {
    let words = out.words();
    let (en, zh) = words::relation(found.relation);
    let binding = match found.binding {
        Binding::Observed => words.observed,
        Binding::Declared => words.declared,
    };
    let mut parts: Vec<String> = found.file_name.iter().cloned().collect();
    parts.extend([
        found.issuer_name.clone(),
        out.choose(en, zh).to_owned(),
        binding.to_owned(),
        format!("{} #{}", found.statement, found.log_index),
    ]);
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_two_photos_share_the_name_of_their_pictures() {
        let files = ["a/x.jpg", "b/x.jpg", "x-2.png", "X.webp", "y"].map(PathBuf::from);
        assert_eq!(overlay_names(&files), ["x", "x-2", "x-2-2", "X-3", "y"]);
    }

    #[test]
    fn lines_keep_the_contract_for_scripts() {
        let verdict: Verdict = serde_json::from_value(json!({
            "check": "chk_01JDAAAAAAAAAAAAAAAAAAAAAA", "registry": "r.example/log",
            "checked_at": "2026-11-22T09:00:00Z", "log_size": 3, "photo": {}, "context": {},
            "conclusion": "copy", "reason": {"en": "e", "zh": "z"}, "recommendation": "human_review",
            "match": {
                "statement": "stm_01JDAAAAAAAAAAAAAAAAAAAAAA", "log_index": 2, "accepted_at": "2026-11-22T08:00:00Z",
                "issuer": "org_01JDAAAAAAAAAAAAAAAAAAAAAA", "issuer_name": "Tea", "role": "merchant",
                "file_name": null, "relation": "same_capture", "registered_before": null, "binding": "observed"
            },
            "alterations": [{"x": 1, "y": 2, "width": 3, "height": 4, "strength": 0.5}],
            "findings": [], "limits": ["alterations_not_examined"]
        }))
        .unwrap();
        let line = serde_json::to_value(Line::new("a/b.jpg".as_ref(), &verdict, 7)).unwrap();
        assert_eq!(
            line,
            json!({
                "file": "a/b.jpg", "check": "chk_01JDAAAAAAAAAAAAAAAAAAAAAA", "conclusion": "copy",
                "recommendation": "human_review",
                "match": {
                    "statement": "stm_01JDAAAAAAAAAAAAAAAAAAAAAA", "file_name": null,
                    "relation": "same_capture", "registered_before": null, "comparison": null
                },
                "alterations": [{"x": 1, "y": 2, "width": 3, "height": 4, "strength": 0.5}], "overlays": [],
                "findings": [], "reason": {"en": "e", "zh": "z"},
                "limits": ["alterations_not_examined"], "milliseconds": 7
            })
        );
    }
}
