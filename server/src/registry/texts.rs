//! What people read in verdicts, in English and Chinese. Evidence, never an accusation.

use super::{
    evidence::{Evidence, Tie},
    relabelling::Departure,
    rules::{CAUTIONS, RULES},
};
use touchstone_schema::{
    label::{AiAttribute, FoundLabel, Gb45438Label, LabelLevel, LabelScheme},
    statement::{Role, View},
    verdict::{Bilingual, Conclusion, FindingKind, Limit, Match, Recommendation, Relation, SourceTypeChange},
};

/// One sentence for a finding.
#[must_use]
pub fn finding(kind: FindingKind) -> Bilingual {
    let (en, zh) = match kind {
        FindingKind::SameBytes => ("The file's bytes are registered.", "该文件的字节已登记。"),
        FindingKind::SameContent => {
            ("The file without its C2PA manifest is registered.", "去除 C2PA 清单后的文件已登记。")
        }
        FindingKind::SimilarPicture => {
            ("The fingerprint agrees with that of a registered picture.", "指纹与一张已登记图片吻合。")
        }
        FindingKind::LabelInFile => ("The file carries an AI label.", "文件带有 AI 标识。"),
        FindingKind::GeneratorTrace => (
            "A text in the file looks like the trace of an AI generator. Anybody can write it.",
            "文件中有类似 AI 生成器痕迹的文字。任何人都可写入。",
        ),
        FindingKind::LabelSignatureBroken => (
            "The signature in the file's AI label does not belong to its fields, or not to the producer that it names.",
            "文件 AI 标识中的签名与其字段不符，或不属于所写的服务提供者。",
        ),
        FindingKind::LabelRegistered => {
            ("The matched picture is registered as an AI output.", "匹配的图片已登记为 AI 生成内容。")
        }
        FindingKind::LabelRemoved => (
            "The registered AI label is missing in this photo. Chat programs and websites drop labels, too.",
            "已登记的 AI 标识在此照片中缺失。聊天软件和网站也会去掉标识。",
        ),
        FindingKind::LabelChanged => (
            "The photo's label says less, or something else, than the registered one.",
            "照片的标识弱于或不同于已登记的标识。",
        ),
        FindingKind::SourceTypeChanged => (
            "The photo states another digital source type than was registered.",
            "照片的数字来源类型与登记的不同。",
        ),
        FindingKind::LabelTransplanted => (
            "The photo carries a label that is registered for another picture.",
            "照片带有为另一图片登记的标识。",
        ),
        FindingKind::C2paValid => (
            "The C2PA manifest is intact; nobody trusted here vouches for its signer.",
            "C2PA 清单完整，但其签名者未获此处信任。",
        ),
        FindingKind::C2paTrusted => {
            ("The C2PA manifest is intact and its signer is trusted.", "C2PA 清单完整且签名者可信。")
        }
        FindingKind::C2paInvalid => {
            ("The C2PA manifest does not fit the file, or is broken.", "C2PA 清单与文件不符或已损坏。")
        }
        FindingKind::C2paEnded => (
            "The certificate behind the C2PA manifest has ended, and no trusted time stamp says when it was used. \
             Certificates end by themselves: it says nothing about the picture.",
            "C2PA 清单所用证书已到期，且没有可信时间戳说明其使用时间。证书会自然到期：这与图片无关。",
        ),
        FindingKind::C2paResigned => (
            "The C2PA manifest is not the registered one: somebody else signed the same content.",
            "C2PA 清单并非登记的清单：他人对同一内容重新签名。",
        ),
        FindingKind::C2paLabelShared => (
            "A registered C2PA manifest by another signer has the same label as this photo's, or as a parent's in it: the \
             label alone identifies neither.",
            "另一签名者的已登记 C2PA 清单与此照片的清单（或其中来源图片的清单）标签相同：仅凭标签无法识别。",
        ),
        FindingKind::EditedFromRegistered => (
            "The C2PA manifest names a registered picture as the parent of this one.",
            "C2PA 清单将一张已登记图片列为此图的来源。",
        ),
        FindingKind::CaptureCredential => {
            ("Trusted credentials say that a camera captured it.", "可信凭证表明由相机拍摄。")
        }
        FindingKind::ConflictingClaims => {
            ("Another issuer registered the same picture.", "另一签发者登记了同一图片。")
        }
        FindingKind::MerchantAndAi => {
            ("A merchant and an AI vendor both registered this picture.", "商家和 AI 厂商都登记了此图片。")
        }
        FindingKind::RegisteredAfterClaim => (
            "This entry was accepted only after the claim: it proves nothing.",
            "该条目在索赔之后才被接受：不能作为证明。",
        ),
        FindingKind::Withdrawn => ("The issuer withdrew this statement.", "签发者已撤回该声明。"),
        FindingKind::SuspectKey => {
            ("The entry was signed with a key that was suspect by then.", "条目由当时已可疑的密钥签名。")
        }
        FindingKind::IssuerSuspended => ("The issuer is suspended.", "签发者已被暂停。"),
        FindingKind::Uninformative => {
            ("The photo tells too little to be recognised by its looks.", "照片信息过少，无法凭外观识别。")
        }
        FindingKind::AlteredRegions => (
            "Regions of the photo differ from the registered picture of the same capture.",
            "照片的部分区域与同一次拍摄的已登记图片不同。",
        ),
        FindingKind::OverlaidRegions => (
            "Icons, bars, text, stickers or a lamp's reflection lie over the registered picture.",
            "已登记图片上覆盖有图标、状态栏、文字、贴纸或灯光反射。",
        ),
        FindingKind::OtherCapture => (
            "A registered picture is another capture that shares an object, a template or its surroundings. It counts against nobody.",
            "一张已登记图片为另一次拍摄，与照片有共同的物品、模板或背景。不对任何人构成不利。",
        ),
    };
    Bilingual::new(en, zh)
}

/// One sentence for a picture whose pixels were compared with the photo's.
#[must_use]
pub fn same_pixels() -> Bilingual {
    Bilingual::new("The pixels agree with those of a registered picture.", "像素与一张已登记图片吻合。")
}

/// One sentence for how a photo departs from what is registered.
#[must_use]
pub fn departure(departure: Departure) -> Bilingual {
    let (en, zh) = match departure {
        Departure::Removed => return finding(FindingKind::LabelRemoved),
        Departure::Resigned => return finding(FindingKind::C2paResigned),
        Departure::Weakened => (
            "The photo's label is weaker than the registered one, in the order confirmed, possible, suspected.",
            "照片标识的属性弱于登记的标识（依次为属于、可能、疑似）。",
        ),
        Departure::Producer => (
            "The photo's label names another producer than the registered one.",
            "照片标识中的服务提供者与登记的不同。",
        ),
        Departure::Number => (
            "The photo's label bears another content number than the registered one.",
            "照片标识中的内容编号与登记的不同。",
        ),
        Departure::SourceType => (
            "The photo's digital source type no longer says that AI made it as a whole.",
            "照片的数字来源类型不再表明整体由 AI 生成。",
        ),
        Departure::Replaced => {
            ("Another label stands in the place of the registered one.", "已登记的标识被另一标识取代。")
        }
    };
    Bilingual::new(en, zh)
}

/// One sentence for a digital source type that is not the registered one: what was registered, what is stated, and by whom.
#[must_use]
pub fn source_type(change: &SourceTypeChange) -> Bilingual {
    let (old, new) = (change.registered.term(), change.found.term());
    let (place, place_zh) = match change.stated_in {
        LabelScheme::C2pa => ("C2PA manifest", " C2PA 清单"),
        _ => ("IPTC metadata", " IPTC 元数据"),
    };
    let (by, by_zh) = match (&change.signer, change.level) {
        (None, _) => (String::new(), String::new()),
        (Some(signer), LabelLevel::Verified) => {
            (format!(", signed by {signer}"), format!("，由 {signer} 签名"))
        }
        (Some(signer), _) => (
            format!(", signed under the name {signer}, for which nobody trusted here vouches"),
            format!("，签名所用名称为 {signer}，未获此处信任"),
        ),
    };
    Bilingual::new(
        format!("The digital source type is registered as {old}; the photo's {place} states {new}{by}."),
        format!("登记的数字来源类型为 {old}；照片的{place_zh}写为 {new}{by_zh}。"),
    )
}

/// One sentence for a label in the photo whose registered picture is another one, or could not be compared.
#[must_use]
pub fn label_elsewhere(kind: FindingKind, certain: bool) -> Bilingual {
    match kind {
        FindingKind::LabelTransplanted if certain => finding(kind),
        FindingKind::LabelTransplanted => Bilingual::new(
            "The label's number is registered for a picture that this photo does not look like: it is another picture, or \
             a crop or edit too heavy to recognise.",
            "该标识的编号所登记的图片与此照片不相似：照片是另一图片，或裁剪、编辑过多而无法识别。",
        ),
        _ => Bilingual::new(
            "The label's number is registered; its picture could not be recognised in this photo.",
            "该标识的编号已登记；无法在此照片中识别出对应图片。",
        ),
    }
}

/// One sentence for an AI label in the photo.
#[must_use]
pub fn label_in_file(scheme: LabelScheme) -> Bilingual {
    let (en, zh) = match scheme {
        LabelScheme::Gb45438 => ("an AI label after GB 45438", "GB 45438 标识"),
        LabelScheme::Iptc => ("an AI label after IPTC", "IPTC 标识"),
        LabelScheme::C2pa => ("an AI label in its C2PA manifest", "C2PA 清单中的 AI 标识"),
        LabelScheme::GeneratorTrace => return finding(FindingKind::GeneratorTrace),
    };
    Bilingual::new(format!("The file carries {en}."), format!("该文件带有 {zh}。"))
}

/// Why a person should look at a match that nothing else speaks against.
#[must_use]
pub const fn doubt(late: bool, declared: bool) -> Option<(&'static str, &'static str)> {
    if late {
        Some(("It was registered after the time that counts for it.", "其登记晚于应比较的时间。"))
    } else if declared {
        Some(("Only the registrant computed its fingerprints.", "其指纹仅由登记方计算。"))
    } else {
        None
    }
}

/// The conclusion's name for people.
#[must_use]
pub const fn conclusion(conclusion: Conclusion) -> (&'static str, &'static str) {
    match conclusion {
        Conclusion::Original => ("original", "原图"),
        Conclusion::Copy => ("copy", "副本"),
        Conclusion::Altered => ("altered", "有改动"),
        Conclusion::Synthetic => ("synthetic", "AI 生成"),
        Conclusion::Relabelled => ("relabelled", "标识不符"),
        Conclusion::Captured => ("captured", "实拍"),
        Conclusion::Unknown => ("unknown", "未知"),
    }
}

/// The recommendation for people.
#[must_use]
pub const fn recommendation(recommendation: Recommendation) -> (&'static str, &'static str) {
    match recommendation {
        Recommendation::Proceed => ("go on as usual", "照常处理"),
        Recommendation::AskForAnotherPhoto => ("ask for another photo or a video", "请补充照片或视频"),
        Recommendation::HumanReview => ("let a person look at it", "转人工复核"),
    }
}

/// A limit for people.
#[must_use]
pub const fn limit(limit: Limit) -> (&'static str, &'static str) {
    match limit {
        Limit::AlterationsNotExamined => {
            ("Whether regions were altered was not examined.", "未检查是否有局部改动。")
        }
        Limit::MayBeMissed => (
            "Heavy crops, strong re-rendering and pictures with little texture may not be recognised.",
            "大幅裁剪、强烈重绘以及纹理很少的图片可能无法识别。",
        ),
        Limit::DeclaredOnly => ("Only the registrant computed the bindings.", "绑定信息仅由登记方计算。"),
        Limit::Unsigned => {
            ("The label is unsigned text that anybody can write.", "该标识未签名，任何人都可写入。")
        }
        Limit::TimeMissing => ("A time that the rule needs was not given.", "未提供规则所需的时间。"),
        Limit::WatermarksNotChecked => {
            ("Invisible watermarks cannot be checked here.", "此处无法检查隐形水印。")
        }
        Limit::PixelsNotSeen => ("Only fingerprints were given, no pixels.", "仅提供了指纹，未提供像素。"),
        Limit::SmallReference => (
            "Only a small reference was kept: thin cracks and small spots may be missed.",
            "仅保留了小尺寸参考图：可能漏检细裂纹和小斑点。",
        ),
        Limit::AlterationsMayBeMissed => (
            "The photo was changed as a whole (a screen, a filter), or something lies over it: alterations under that \
             may be missed.",
            "照片整体被处理（翻拍屏幕、滤镜等）或有内容覆盖其上：其下的改动可能漏检。",
        ),
        Limit::TooManyAlike => (
            "The photo looks like so many registered pictures that some were left out.",
            "照片与过多已登记图片相似，部分未列入比较。",
        ),
        Limit::OrderByLogAlone => (
            "Which C2PA signature came first follows from the log alone: the photo's has no trusted time stamp.",
            "C2PA 签名的先后仅依据日志：照片的签名没有可信时间戳。",
        ),
    }
}

fn thing(found: &Match) -> (&'static str, &'static str) {
    match (found.role, found.view) {
        (_, Some(View::Listing)) => ("listing picture", "商品图"),
        (_, Some(View::Packing)) => ("packing photo", "打包照片"),
        (_, Some(View::Shipping)) => ("shipping photo", "发货照片"),
        (Role::AiVendor, None) => ("AI output", " AI 生成内容"),
        (_, None) => ("picture", "图片"),
    }
}

/// What a conclusion rests on.
#[derive(Debug)]
pub struct Grounds<'a> {
    /// The conclusion.
    pub conclusion: Conclusion,
    /// The best match that counts.
    pub found: Option<&'a Match>,
    /// How the photo departs from it.
    pub departure: Option<Departure>,
    /// Everything that the rules looked at.
    pub evidence: &'a Evidence,
    /// The registered label is there.
    pub label_kept: bool,
    /// The photo may be what the matched output was made from.
    pub may_be_origin: bool,
    /// The matched picture has no such label as the photo.
    pub label_added: bool,
}

/// Why the conclusion was drawn, in one sentence.
#[must_use]
pub fn reason(grounds: &Grounds<'_>) -> Bilingual {
    let Grounds { conclusion, departure, evidence, .. } = *grounds;
    let Some(found) = grounds.found else { return reason_without_match(conclusion, evidence) };
    let (thing, thing_zh) = thing(found);
    let issuer = &found.issuer_name;
    let broken = evidence.credential.as_ref().is_some_and(|it| it.is_broken());
    match (conclusion, departure) {
        (Conclusion::Relabelled, Some(Departure::Resigned)) => Bilingual::new(
            format!("Registered content of {issuer}; somebody else signed a C2PA manifest over it."),
            format!("{issuer} 登记的内容；他人对其重新签署了 C2PA 清单。"),
        ),
        (Conclusion::Relabelled, Some(Departure::Removed)) => Bilingual::new(
            format!(
                "Derives from an {thing} of {issuer}; the registered AI label is missing. Chat programs drop labels, too."
            ),
            format!("源自 {issuer} 的{thing_zh}，已登记的 AI 标识缺失。聊天软件也会去掉标识。"),
        ),
        (Conclusion::Relabelled, Some(_)) => Bilingual::new(
            format!("Derives from an {thing} of {issuer}; its label no longer says what was registered."),
            format!("源自 {issuer} 的{thing_zh}，其标识与登记内容不符。"),
        ),
        (Conclusion::Synthetic, _) if found.role == Role::AiVendor && broken => Bilingual::new(
            format!("Derives from an {thing} of {issuer}; its C2PA manifest no longer fits the file."),
            format!("源自 {issuer} 的{thing_zh}，其 C2PA 清单与文件不再相符。"),
        ),
        (Conclusion::Synthetic, _) if found.role == Role::AiVendor && grounds.label_kept => Bilingual::new(
            format!("Registered by {issuer} as an AI output, with the label kept."),
            format!("{issuer} 登记的 AI 生成内容，标识保留。"),
        ),
        (Conclusion::Synthetic, _) if found.relation == Relation::SameCaptureAltered => Bilingual::new(
            format!(
                "The same capture as a picture that {issuer} registered as an AI output; regions differ."
            ),
            format!("与 {issuer} 登记为 AI 生成内容的图片为同一次拍摄；部分区域不同。"),
        ),
        (Conclusion::Synthetic, _) if found.role == Role::AiVendor => Bilingual::new(
            format!("Is or derives from a picture that {issuer} registered as an AI output."),
            format!("是 {issuer} 登记为 AI 生成内容的图片，或源自该图片。"),
        ),
        (Conclusion::Original, _) => Bilingual::new(
            format!(
                "These are the bytes of a {thing} of {issuer}: it shows nothing about the item received."
            ),
            format!("与 {issuer} 的{thing_zh}字节一致：不能说明所收到商品的状况。"),
        ),
        (Conclusion::Altered, _) if found.relation == Relation::EditedFrom => Bilingual::new(
            format!(
                "Its C2PA manifest says that it was edited from a {thing} of {issuer}; where is not known."
            ),
            format!("其 C2PA 清单称由 {issuer} 的{thing_zh}编辑而来；改动位置未知。"),
        ),
        (Conclusion::Copy, _) if found.relation == Relation::EditedFrom => Bilingual::new(
            format!("Its C2PA manifest says that it was made from a {thing} of {issuer} without an edit."),
            format!("其 C2PA 清单称源自 {issuer} 的{thing_zh}且未经编辑。"),
        ),
        (Conclusion::Altered, _) => Bilingual::new(
            format!("The same capture as a {thing} of {issuer}, with altered regions."),
            format!("与 {issuer} 的{thing_zh}为同一次拍摄，但有区域被改动。"),
        ),
        (Conclusion::Copy, _) if grounds.may_be_origin => Bilingual::new(
            format!(
                "The same capture as an {thing} of {issuer} that was itself made from another picture; it may be that \
                 picture."
            ),
            format!("与 {issuer} 的{thing_zh}为同一次拍摄，而后者由另一图片制作而成；照片可能就是该原图。"),
        ),
        (Conclusion::Copy, _) if grounds.label_added => Bilingual::new(
            format!(
                "The same capture as a {thing} of {issuer}; its AI label is not in the registered picture."
            ),
            format!("与 {issuer} 的{thing_zh}为同一次拍摄；其 AI 标识不在已登记的图片中。"),
        ),
        (Conclusion::Copy, _) if overlaid(evidence, found) => Bilingual::new(
            format!(
                "The same capture as a {thing} of {issuer}; something lies over it, and beside that no alteration was \
                 found."
            ),
            format!("与 {issuer} 的{thing_zh}为同一次拍摄；有内容覆盖其上，其余部分未发现改动。"),
        ),
        (Conclusion::Copy, _) if found.comparison.is_some() => Bilingual::new(
            format!("The same capture as a {thing} of {issuer}; no alteration was found."),
            format!("与 {issuer} 的{thing_zh}为同一次拍摄；未发现改动。"),
        ),
        (Conclusion::Copy, _) => Bilingual::new(
            format!("The same capture as a {thing} of {issuer}; alterations were not examined."),
            format!("与 {issuer} 的{thing_zh}为同一次拍摄；未检查改动。"),
        ),
        _ => reason_without_match(conclusion, evidence),
    }
}

/// Something that is no damage lies over the match.
fn overlaid(evidence: &Evidence, found: &Match) -> bool {
    let it = evidence.candidates.iter().find(|candidate| candidate.index == found.log_index);
    it.and_then(|candidate| candidate.examined).is_some_and(|examined| examined.overlaid)
}

/// Every label in the file says no more than that AI is possible or suspected.
fn only_perhaps(evidence: &Evidence) -> bool {
    let perhaps = |label: &FoundLabel| {
        let attribute = label.gb45438.as_ref().and_then(Gb45438Label::attribute);
        matches!(attribute, Some(AiAttribute::Possible | AiAttribute::Suspected))
    };
    evidence.labels.iter().filter(|label| label.discloses_ai()).all(perhaps)
}

fn reason_without_match(conclusion: Conclusion, evidence: &Evidence) -> Bilingual {
    match conclusion {
        Conclusion::Relabelled => Bilingual::new(
            "Carries a genuine label that is registered for another picture.",
            "带有为另一图片登记的真实标识。",
        ),
        Conclusion::Synthetic => {
            let ai = evidence.labels.iter().filter(|label| label.discloses_ai());
            match ai.map(|label| label.level).max() {
                Some(LabelLevel::Verified) => Bilingual::new(
                    "A trusted signature in the file says that AI made or edited it.",
                    "文件中的可信签名表明由 AI 生成或编辑。",
                ),
                Some(LabelLevel::Signed) => Bilingual::new(
                    "A signature in the file says that AI made or edited it; its signer is not known here.",
                    "文件中的签名表明由 AI 生成或编辑；签名者在此未知。",
                ),
                _ if only_perhaps(evidence) => Bilingual::new(
                    "The file's own unsigned label says that AI may have made or edited it.",
                    "文件自带的未签名标识表明可能或疑似由 AI 生成或编辑。",
                ),
                _ => Bilingual::new(
                    "The file's own unsigned label says that AI made or edited it.",
                    "文件自带的未签名标识表明由 AI 生成或编辑。",
                ),
            }
        }
        Conclusion::Captured => {
            Bilingual::new("Trusted credentials say that a camera captured it.", "可信凭证表明由相机拍摄。")
        }
        _ if evidence.candidates.iter().any(|it| !it.withdrawn && it.tie != Tie::OtherCapture) => {
            Bilingual::new(
                "A match was registered only after the claim: it proves nothing.",
                "匹配的登记晚于索赔：不能作为证明。",
            )
        }
        _ if evidence.candidates.iter().any(|it| !it.withdrawn) => Bilingual::new(
            "Another capture that shares an object, a template or its surroundings with a registered picture. That counts against nobody.",
            "与已登记图片有共同的物品、模板或背景，但为另一次拍摄。不对任何人构成不利。",
        ),
        _ if !evidence.informative => Bilingual::new(
            "The photo tells too little to be recognised. Nothing is known.",
            "照片信息过少，无法识别。没有已知信息。",
        ),
        _ if evidence.labels.iter().any(|label| label.meaning.is_ai() && !label.discloses_ai()) => {
            Bilingual::new(
                "No registered picture and no label is known of it.",
                "未发现对应的已登记图片，也没有标识。",
            )
        }
        _ => Bilingual::new(
            "Nothing is known. That is common and counts against nobody.",
            "没有已知信息。这很常见，不对任何人构成不利。",
        ),
    }
}

/// The documentation of both tables, in Markdown.
#[must_use]
pub fn document() -> String {
    let mut text = String::from(
        "# Verdicts 结论\n\nGenerated from the table in the code (`make generate`); do not edit.\n由代码中的表生成（`make generate`），请勿手工修改。\n\n\
         A verdict describes derivation, not honesty, and recommends a next step for a person.\n\
         结论描述图片的来源关系，而非诚信，并为人工处理建议下一步。\n\n\
         The first row whose condition holds gives the conclusion. 自上而下，首个满足条件的行给出结论。\n\n\
         | conclusion 结论 | when 条件 | recommendation 建议 |\n|---|---|---|\n",
    );
    for rule in RULES {
        let (name, name_zh) = conclusion(rule.conclusion);
        let (step, step_zh) = recommendation(rule.recommendation);
        text +=
            &format!("| `{name}` {name_zh} | {}<br>{} | {step}<br>{step_zh} |\n", rule.when.0, rule.when.1);
    }
    text += "\n## Human review 人工复核\n\nEach of these turns the recommendation into human review. \
             以下任一情况都会将建议改为人工复核。\n\n\
             - A near match whose bindings only the registrant computed. 仅由登记方计算绑定的近似匹配。\n\
             - A match accepted only after the time that counts for it. 匹配条目晚于应比较的时间。\n";
    for (_, en, zh) in CAUTIONS {
        text += &format!("- {en} {zh}\n");
    }
    text += "\n## Time 时间\n\n\
             `registered_before` compares the entry's acceptance time with the order time for listing pictures and AI \
             outputs, and with the dispatch time, else the claim time, for packing and shipping pictures. It is null \
             when that time is missing. Nothing accepted after the claim counts. A time in whole seconds stands for \
             all of its second.\n\
             `registered_before` 对商品图和 AI 内容比较下单时间，对打包和发货照片比较发货时间（缺失时比较索赔时间）；\
             缺少该时间时为 null。索赔之后接受的条目不作数。以整秒给出的时间代表该整秒。\n\n## Limits 局限\n\n\
             | limit 局限 | meaning 含义 |\n|---|---|\n";
    for each in [
        Limit::AlterationsNotExamined,
        Limit::MayBeMissed,
        Limit::DeclaredOnly,
        Limit::Unsigned,
        Limit::TimeMissing,
        Limit::WatermarksNotChecked,
        Limit::PixelsNotSeen,
        Limit::SmallReference,
        Limit::AlterationsMayBeMissed,
        Limit::TooManyAlike,
        Limit::OrderByLogAlone,
    ] {
        let (en, zh) = limit(each);
        let code = serde_json::to_string(&each).unwrap_or_default();
        text += &format!("| `{}` | {en}<br>{zh} |\n", code.trim_matches('"'));
    }
    text
}
