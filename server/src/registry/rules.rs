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
    relabelling::{comes_second, departed, is_transplant, keeps_label, may_be_origin, source_type_changes},
    texts::{self, Grounds},
};
use std::cmp::Reverse;
use touchstone_schema::{
    Timestamp,
    label::{FoundLabel, LabelLevel, LabelMeaning, LabelScheme},
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
    /// The best match is an AI output that was made from another picture, and the photo may be that one.
    may_be_origin: bool,
    ai_label_in_file: bool,
    /// The registered picture that the photo is has no such label.
    label_added: bool,
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
    facts.best.filter(|best| !best.is_output()).map(|best| best.tie)
}

/// The conclusions, in the order of precedence.
pub const RULES: &[Rule] = &[
    Rule {
        conclusion: Conclusion::Relabelled,
        when: (
            "The photo derives from a registered AI output, and the label that this had is missing, says less or \
             something else; or it is a picture that is registered without a label, and carries one that the \
             organisation to which its provider code is bound registered for another picture; or somebody else signed \
             a C2PA manifest over registered content that has one.",
            "照片源自已登记的 AI 生成内容，而其原有标识缺失、降级或不同；或照片是登记时不带标识的图片，却带有该编码绑定机构为另一图片\
             登记的标识；或他人对已带清单的登记内容重新签署 C2PA 清单。",
        ),
        recommendation: Recommendation::HumanReview,
        applies: |facts| facts.relabelled,
    },
    Rule {
        conclusion: Conclusion::Copy,
        when: (
            "The photo carries no AI label and is the same capture as a registered AI output that was itself made from \
             another picture: it may be that picture.",
            "照片不带 AI 标识，与一项由另一图片制作而成的已登记 AI 生成内容为同一次拍摄：照片可能就是该原图。",
        ),
        recommendation: Recommendation::HumanReview,
        applies: |facts| facts.may_be_origin && !facts.ai_label_in_file,
    },
    Rule {
        conclusion: Conclusion::Synthetic,
        when: (
            "The photo is, or derives from, a registered AI output.",
            "照片是已登记的 AI 生成内容，或源自该内容。",
        ),
        recommendation: Recommendation::HumanReview,
        applies: |facts| facts.best.is_some_and(Candidate::is_output),
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
        conclusion: Conclusion::Copy,
        when: (
            "The photo is the same capture as a picture that was registered without an AI label, no alteration was found, \
             and it carries an unsigned one.",
            "照片与登记时不带 AI 标识的图片为同一次拍摄，未发现改动，却带有未签名的 AI 标识。",
        ),
        recommendation: Recommendation::HumanReview,
        applies: |facts| facts.label_added,
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
        "The photo carries a label whose registered picture was not recognised in it.",
        "照片所带标识对应的已登记图片未在此照片中识别出。",
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
    (
        FindingKind::GeneratorTrace,
        "A text in the file looks like the trace of an AI generator; anybody can write it, and it is a ground for \
         suspicion at most.",
        "文件中有类似 AI 生成器痕迹的文字；任何人都可写入，至多作为疑似依据。",
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
        let kept = candidate.is_same_capture() && keeps_label(evidence, candidate);
        (
            // An entry that came in time tells more than a closer one that came late.
            registered_before(candidate, context) == Some(false),
            // Any digest tie is as good as another and better than a near match, and what the pixels tell better than
            // what a manifest says; what was examined comes first.
            candidate.tie == Tie::Parent,
            candidate.tie.is_near(),
            // Of outputs that look alike, the photo is the one whose label it has.
            !kept,
            candidate.tie.is_near() && candidate.examined.is_none(),
            // A picture that the photo shows unaltered is nearer than one that it would be an alteration of.
            candidate.examined.is_some_and(|found| found.altered),
            // Who registers a picture of somebody else's after him is told of as a conflict.
            comes_second(evidence, candidate),
            distance,
            // The same picture as an AI output tells more than as a merchant's own.
            !candidate.is_output(),
            (candidate.tie != Tie::File, candidate.binding == Binding::Declared, candidate.index),
        )
    })
}

/// Draws the conclusion.
#[must_use]
pub fn judge(evidence: &Evidence, context: &Context) -> Judgement {
    let nearest = best(evidence, context);
    let departed = nearest.and_then(|nearest| departed(evidence, nearest, context));
    let best = departed.map(|(candidate, _)| candidate).or(nearest);
    let departure = departed.map(|(_, departure)| departure);
    let mut elsewhere = evidence.labels_elsewhere.iter();
    let transplanted = elsewhere.any(|elsewhere| is_transplant(evidence, elsewhere, context));
    // A fingerprint that only its registrant computed may be anybody's.
    let declared_near =
        |candidate: &Candidate| candidate.binding == Binding::Declared && candidate.tie.is_near();
    // A trace is no label: unsigned text that generators leave, and recipes and couriers' forms as well.
    let ai_label_in_file = evidence.labels.iter().any(FoundLabel::discloses_ai);
    let capture_credential = evidence.labels.iter().any(|label| {
        label.meaning == LabelMeaning::Captured
            && label.scheme == LabelScheme::C2pa
            && label.level == LabelLevel::Verified
    }) && !ai_label_in_file;
    let facts = Facts {
        best,
        relabelled: departure.is_some() || transplanted,
        may_be_origin: best.is_some_and(|best| best.derived && may_be_origin(best)),
        ai_label_in_file,
        label_added: ai_label_in_file && best.is_some_and(|best| is_label_added(evidence, best)),
        capture_credential,
        informative: evidence.informative,
    };
    let mut findings = Vec::new();
    // Beside the same capture, what shows the like in another one tells nothing more.
    let tells = |candidate: &&Candidate| best.is_none() || candidate.tie != Tie::OtherCapture;
    for candidate in evidence.candidates.iter().filter(tells) {
        entry_findings(candidate, context, &mut findings);
    }
    if let Some((candidate, departure)) = departed {
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
    // What bears on the answer is never cut off by many like matches, however strong they are.
    let bears = |finding: &Finding| {
        caution(finding) || departure.is_some_and(|departure| departure.kind() == finding.kind)
    };
    let of_best = |finding: &Finding| best.is_some_and(|best| finding.statement == Some(best.id));
    findings.sort_by_key(|finding| (!bears(finding), !of_best(finding), Reverse(finding.strength)));
    findings.truncate(MAX_FINDINGS);
    findings.sort_by_key(|finding| (Reverse(finding.strength), !bears(finding)));

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
        reason: texts::reason(&Grounds {
            conclusion: rule.conclusion,
            found: best_match.as_ref().filter(|_| best.is_some()),
            departure,
            evidence,
            label_kept: best.is_some_and(|best| keeps_label(evidence, best)),
            may_be_origin: facts.may_be_origin,
            label_added: facts.label_added,
        })
        .followed_by(doubt),
        recommendation,
        limits: limits(evidence, best, rule.conclusion, context),
        best_match,
        findings,
    }
}

/// The photo is `best`, which was registered without the label that it carries. A signed label is its signer's word.
fn is_label_added(evidence: &Evidence, best: &Candidate) -> bool {
    let mut labels = evidence.labels.iter().filter(|label| label.discloses_ai());
    !best.is_output()
        && best.tie.is_near()
        && best.examined.is_some_and(|found| !found.altered)
        && best.binding == Binding::Observed
        && !best.carried_label
        && labels.all(|label| label.level == LabelLevel::Declared)
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
        && best.is_none_or(|best| !best.is_output())
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
