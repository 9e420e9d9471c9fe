//! From evidence to a verdict: one table of conclusions, one of cautions.
//!
//! [`RULES`] is read from the top; the first row whose condition holds gives the conclusion and the recommendation.
//! [`CAUTIONS`] then turn a recommendation into human review. `docs/verdicts.md` is generated from both tables.

use super::{
    evidence::{Candidate, Evidence, Tie},
    findings::{
        conflict_findings, credential_findings, departure_finding, entry_findings, examination_limits,
        label_findings, plain, source_type_finding,
    },
    relabelling::{departure, is_transplant, label_kept, source_type_changes},
    texts,
};
use touchstone_schema::{
    Timestamp,
    label::{LabelLevel, LabelMeaning, LabelScheme},
    statement::View,
    verdict::{
        Basis, Bilingual, Binding, Conclusion, Context, Finding, FindingKind, Limit, Match, Recommendation,
        Relation, Strength,
    },
};

/// Findings in a verdict, so that it fits an envelope.
const MAX_FINDINGS: usize = 24;

/// What the table's conditions look at.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The best match that counts.
    best: Option<&'a Candidate>,
    relabelled: bool,
    ai_label_in_file: bool,
    capture_credential: bool,
    informative: bool,
}

/// One row of the table.
#[derive(Debug)]
pub struct Rule {
    /// The conclusion that it draws.
    pub conclusion: Conclusion,
    /// When, in English and Chinese.
    pub when: (&'static str, &'static str),
    /// What it recommends.
    pub recommendation: Recommendation,
    applies: fn(&Facts<'_>) -> bool,
}

fn is_child(facts: &Facts<'_>) -> bool {
    merchant_tie(facts) == Some(Tie::Parent)
}

/// The photo's own manifests say that what it shows was changed since.
fn is_edited(best: &Candidate) -> bool {
    best.descent.is_some_and(|descent| descent.edited)
}

fn merchant_tie(facts: &Facts<'_>) -> Option<Tie> {
    facts.best.filter(|best| best.labels.is_empty()).map(|best| best.tie)
}

/// The conclusions, in the order of precedence.
pub const RULES: &[Rule] = &[
    Rule {
        conclusion: Conclusion::Relabelled,
        when: (
            "The photo derives from a registered AI output and its label was removed, weakened or replaced; or it \
             carries a genuine label that is registered for another picture of the same size, by the organisation that \
             its provider code is bound to; or somebody else signed a C2PA manifest over registered content that has \
             one.",
            "照片源自已登记的 AI 生成内容，但标识被删除、降级或替换；或照片带有由该编码绑定机构为同尺寸的另一图片登记的真实标识；\
             或他人对已带清单的登记内容重新签署 C2PA 清单。",
        ),
        recommendation: Recommendation::HumanReview,
        applies: |facts| facts.relabelled,
    },
    Rule {
        conclusion: Conclusion::Synthetic,
        when: (
            "The photo is, or derives from, a registered AI output.",
            "照片是已登记的 AI 生成内容，或源自该内容。",
        ),
        recommendation: Recommendation::HumanReview,
        applies: |facts| facts.best.is_some_and(|best| !best.labels.is_empty()),
    },
    Rule {
        conclusion: Conclusion::Original,
        when: (
            "The bytes, with or without the C2PA manifest, are those of a registered picture.",
            "字节（含或不含 C2PA 清单）与已登记图片一致。",
        ),
        recommendation: Recommendation::AskForAnotherPhoto,
        applies: |facts| matches!(merchant_tie(facts), Some(Tie::File | Tie::WithoutManifest)),
    },
    Rule {
        conclusion: Conclusion::Altered,
        when: (
            "The photo is the same capture as a registered picture, and regions of it were altered.",
            "照片与已登记图片为同一次拍摄，且部分区域被改动。",
        ),
        recommendation: Recommendation::HumanReview,
        applies: |facts| facts.best.is_some_and(|best| best.examined.is_some_and(|found| found.altered)),
    },
    Rule {
        conclusion: Conclusion::Synthetic,
        when: (
            "The file carries a label that says AI made or edited it.",
            "文件带有表明由 AI 生成或编辑的标识。",
        ),
        recommendation: Recommendation::HumanReview,
        applies: |facts| facts.ai_label_in_file,
    },
    Rule {
        conclusion: Conclusion::Altered,
        when: (
            "The file's intact C2PA manifest says that it was edited from a registered picture, which the pixels did \
             not tell.",
            "文件完整的 C2PA 清单称其由已登记图片编辑而来，而像素未能说明。",
        ),
        recommendation: Recommendation::HumanReview,
        applies: |facts| is_child(facts) && facts.best.is_some_and(is_edited),
    },
    Rule {
        conclusion: Conclusion::Copy,
        when: (
            "The photo is the same capture as a registered picture: encoded again, resized, turned, cropped, or taken \
             from a screen. No alteration was found, or a limit says that none could be looked for. Or its intact C2PA \
             manifest says that it was made from a registered picture without an edit.",
            "照片与已登记图片为同一次拍摄：经重新编码、缩放、旋转、裁剪，或翻拍自屏幕。未发现改动，或局限中说明未能检查。\
             或其完整的 C2PA 清单称其源自已登记图片且未经编辑。",
        ),
        recommendation: Recommendation::AskForAnotherPhoto,
        applies: |facts| merchant_tie(facts).is_some_and(Tie::is_near) || is_child(facts),
    },
    Rule {
        conclusion: Conclusion::Captured,
        when: (
            "Trusted credentials say that a camera captured it, and nothing contradicts them.",
            "可信凭证表明由相机拍摄，且无矛盾信息。",
        ),
        recommendation: Recommendation::Proceed,
        applies: |facts| facts.capture_credential,
    },
    Rule {
        conclusion: Conclusion::Unknown,
        when: (
            "The photo tells too little to be recognised, and nothing is known.",
            "照片信息过少，无法识别，且无其他信息。",
        ),
        recommendation: Recommendation::AskForAnotherPhoto,
        applies: |facts| !facts.informative,
    },
    Rule {
        conclusion: Conclusion::Unknown,
        when: (
            "Nothing is known. This does not count against anyone.",
            "没有已知信息。这不构成对任何人的不利依据。",
        ),
        recommendation: Recommendation::Proceed,
        applies: |_| true,
    },
];

/// Findings that turn any recommendation into human review.
pub const CAUTIONS: &[(FindingKind, &str, &str)] = &[
    (FindingKind::ConflictingClaims, "Two issuers claim the same picture.", "两个签发者主张同一图片。"),
    (
        FindingKind::MerchantAndAi,
        "A merchant registered as its own what an AI vendor registered as output.",
        "商家登记的图片同时被 AI 厂商登记为生成内容。",
    ),
    (
        FindingKind::LabelTransplanted,
        "The photo carries a label that is registered for another picture.",
        "照片带有为另一图片登记的标识。",
    ),
    (
        FindingKind::SuspectKey,
        "The entry was signed with a key that was suspect by then.",
        "条目由当时已可疑的密钥签名。",
    ),
    (FindingKind::IssuerSuspended, "The issuer is suspended.", "签发者已被暂停。"),
    (
        FindingKind::C2paResigned,
        "Somebody else signed a C2PA manifest over the same content.",
        "他人对同一内容重新签署了 C2PA 清单。",
    ),
    (
        FindingKind::SourceTypeChanged,
        "It states another digital source type than was registered.",
        "其数字来源类型与登记的不同。",
    ),
    (FindingKind::C2paInvalid, "The C2PA manifest does not fit the file.", "C2PA 清单与文件不符。"),
];

/// The part of a verdict that the rules decide.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The conclusion.
    pub conclusion: Conclusion,
    /// Why, in one sentence.
    pub reason: Bilingual,
    /// The next step.
    pub recommendation: Recommendation,
    /// The best match.
    pub best_match: Option<Match>,
    /// Everything that was found, strongest first.
    pub findings: Vec<Finding>,
    /// Where the answer ends.
    pub limits: Vec<Limit>,
}

impl Judgement {
    /// The best match is the same capture in other bytes.
    #[must_use]
    pub fn same_capture(&self) -> bool {
        let same = [Relation::SameCapture, Relation::SameCaptureAltered];
        self.best_match.as_ref().is_some_and(|found| same.contains(&found.relation))
    }
}

/// Whether an entry was accepted before the time that counts for it; `None` when that time was not given.
#[must_use]
pub fn registered_before(candidate: &Candidate, context: &Context) -> Option<bool> {
    let reference: Option<Timestamp> = match candidate.view {
        Some(View::Packing | View::Shipping) => context.dispatch_time.or(context.claim_time),
        Some(View::Listing) | None => context.order_time,
    };
    // A time in whole seconds stands for all of its second: platforms rarely keep more of it, and the registry does.
    reference.map(|time| candidate.accepted_at < time.end_of_second())
}

pub(super) fn counts(candidate: &Candidate, context: &Context) -> bool {
    candidate.tie != Tie::OtherCapture
        && !candidate.withdrawn
        && context.claim_time.is_none_or(|claim| candidate.accepted_at < claim.end_of_second())
}

fn relation(candidate: &Candidate) -> Relation {
    match candidate.tie {
        Tie::File | Tie::WithoutManifest => Relation::SameBytes,
        Tie::Parent => Relation::EditedFrom,
        Tie::OtherCapture => Relation::SameObjectOtherCapture,
        Tie::Similar(_) | Tie::Geometry if candidate.examined.is_some_and(|found| found.altered) => {
            Relation::SameCaptureAltered
        }
        Tie::Similar(_) | Tie::Geometry => Relation::SameCapture,
    }
}

fn best<'a>(evidence: &'a Evidence, context: &Context) -> Option<&'a Candidate> {
    evidence.candidates.iter().filter(|candidate| counts(candidate, context)).min_by_key(|candidate| {
        let distance = match candidate.tie {
            Tie::File | Tie::WithoutManifest => 0,
            Tie::Similar(distance) => distance,
            Tie::Geometry | Tie::Parent | Tie::OtherCapture => u32::MAX,
        };
        (
            // An entry that came in time tells more than a closer one that came late.
            registered_before(candidate, context) == Some(false),
            // Any digest tie is as good as another and better than a near match, and what the pixels tell better than
            // what a manifest says; what was examined comes first.
            candidate.tie == Tie::Parent,
            candidate.tie.is_near(),
            candidate.tie.is_near() && candidate.examined.is_none(),
            // A picture that the photo shows unaltered is nearer than one that it would be an alteration of.
            candidate.examined.is_some_and(|found| found.altered),
            distance,
            // The same picture as an AI output tells more than as a merchant's own.
            candidate.labels.is_empty(),
            candidate.binding == Binding::Declared,
            candidate.index,
        )
    })
}

/// Draws the conclusion.
#[must_use]
pub fn judge(evidence: &Evidence, context: &Context) -> Judgement {
    let best = best(evidence, context);
    let departure = best.and_then(|best| departure(evidence, best).map(|departure| (best, departure)));
    let transplanted = evidence.labels_elsewhere.iter().any(|elsewhere| is_transplant(elsewhere, context));
    // A fingerprint that only its registrant computed may be anybody's: it carries no such conclusion.
    let declared_near =
        |candidate: &Candidate| candidate.binding == Binding::Declared && candidate.tie.is_near();
    let ai_label_in_file = evidence.labels.iter().any(|label| label.meaning.is_ai());
    let capture_credential = evidence.labels.iter().any(|label| {
        label.meaning == LabelMeaning::Captured
            && label.scheme == LabelScheme::C2pa
            && label.level == LabelLevel::Verified
    }) && !ai_label_in_file;
    let facts = Facts {
        best,
        relabelled: departure.is_some_and(|(candidate, _)| !declared_near(candidate)) || transplanted,
        ai_label_in_file,
        capture_credential,
        informative: evidence.informative,
    };
    let mut findings = Vec::new();
    // Beside the same capture, what shows the like in another one tells nothing more.
    let tells = |candidate: &&Candidate| best.is_none() || candidate.tie != Tie::OtherCapture;
    for candidate in evidence.candidates.iter().filter(tells) {
        entry_findings(candidate, context, &mut findings);
    }
    if let Some((candidate, departure)) = departure {
        findings.push(departure_finding(evidence, candidate, departure, context));
    }
    if let Some(best) = best {
        let changes = source_type_changes(evidence, best).into_iter();
        findings.extend(changes.map(|change| source_type_finding(best, change, context)));
    }
    conflict_findings(evidence, context, &mut findings);
    label_findings(evidence, context, &mut findings);
    credential_findings(evidence, capture_credential, &mut findings);
    if !evidence.informative {
        findings.push(plain(FindingKind::Uninformative, Strength::Supporting, Basis::Fingerprint));
    }
    let caution = |finding: &Finding| caution_text(finding).is_some();
    let cautioned = findings.iter().any(caution);
    // What bears on the recommendation is never cut off by many like matches.
    findings.sort_by_key(|finding| {
        let bears =
            caution(finding) || departure.is_some_and(|(_, departure)| departure.kind() == finding.kind);
        (std::cmp::Reverse(finding.strength), !bears)
    });
    findings.truncate(MAX_FINDINGS);

    let rule = RULES.iter().find(|rule| (rule.applies)(&facts)).unwrap_or(&RULES[RULES.len() - 1]);
    let late = best.is_some_and(|best| registered_before(best, context) == Some(false));
    let declared = best.is_some_and(declared_near);
    let doubt = findings.iter().find_map(caution_text).or_else(|| texts::doubt(late, declared));
    let recommendation =
        if cautioned || late || declared { Recommendation::HumanReview } else { rule.recommendation };
    // Another capture of the same thing is worth showing, and no ground for anything.
    let other = || evidence.candidates.iter().find(|candidate| candidate.tie == Tie::OtherCapture);
    let best_match = best.or_else(other).map(|best| matched(best, context));
    Judgement {
        conclusion: rule.conclusion,
        reason: texts::reason(
            rule.conclusion,
            best_match.as_ref().filter(|_| best.is_some()),
            departure.map(|(_, departure)| departure),
            evidence,
            best.is_some_and(|best| label_kept(evidence, &best.labels)),
        )
        .followed_by(doubt),
        recommendation,
        limits: limits(evidence, best, rule.conclusion, context),
        best_match,
        findings,
    }
}

/// Why a finding asks for a person, if it does.
fn caution_text(finding: &Finding) -> Option<(&'static str, &'static str)> {
    CAUTIONS.iter().find(|(kind, ..)| *kind == finding.kind).map(|(_, en, zh)| (*en, *zh))
}

fn matched(candidate: &Candidate, context: &Context) -> Match {
    Match {
        statement: candidate.id,
        log_index: candidate.index,
        accepted_at: candidate.accepted_at,
        issuer: candidate.issuer,
        issuer_name: candidate.issuer_name.clone(),
        role: candidate.role,
        view: candidate.view,
        file_name: candidate.file_name.clone(),
        relation: relation(candidate),
        registered_before: registered_before(candidate, context),
        binding: candidate.binding,
        comparison: candidate.examined.map(|found| found.numbers),
    }
}

fn limits(
    evidence: &Evidence,
    best: Option<&Candidate>,
    conclusion: Conclusion,
    context: &Context,
) -> Vec<Limit> {
    let mut limits = Vec::new();
    match best {
        Some(best) => {
            limits.extend(examination_limits(best));
            if best.binding == Binding::Declared {
                limits.push(Limit::DeclaredOnly);
            }
            if registered_before(best, context).is_none() {
                limits.push(Limit::TimeMissing);
            }
        }
        None => limits.push(Limit::MayBeMissed),
    }
    if conclusion == Conclusion::Synthetic
        && best.is_none_or(|best| best.labels.is_empty())
        && evidence.labels.iter().all(|l| l.level == LabelLevel::Declared)
    {
        limits.push(Limit::Unsigned);
    }
    if matches!(conclusion, Conclusion::Unknown | Conclusion::Captured) && evidence.pixels_seen {
        limits.push(Limit::WatermarksNotChecked);
    }
    if !evidence.pixels_seen {
        limits.push(Limit::PixelsNotSeen);
    }
    if evidence.flooded {
        limits.push(Limit::TooManyAlike);
    }
    limits
}
