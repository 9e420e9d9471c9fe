//! Words for people, in English and Chinese.

use super::args::Language;
use touchstone_schema::{
    label::{AiAttribute, LabelLevel, LabelMeaning, LabelScheme},
    label_integrity::LabelIntegrity,
    verdict::{Conclusion, Limit, Recommendation, Relation, Strength},
};

macro_rules! words {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// Headings and short words of one language.
        #[derive(Debug)]
        pub(crate) struct Words {
            $(pub(crate) $name: &'static str,)*
        }

        const EN: Words = Words { $($name: $en,)* };
        const ZH: Words = Words { $($name: $zh,)* };
    };
}

words! {
    error: "error", "错误";
    notice: "notice", "提示";
    statement: "statement", "声明";
    log_index: "log index", "日志序号";
    log_size: "log size", "日志条目数";
    accepted_at: "accepted at", "受理时间";
    admitted_at: "admitted at", "准入时间";
    kind: "kind", "类型";
    issuer: "issuer", "签发者";
    issued_at: "issued at", "签发时间";
    withdrawn: "withdrawn", "已撤回";
    observed: "observed by the registry", "登记处已核验";
    declared: "declared by the registrant", "登记方声明";
    observed_at: "observed at index", "核验记录序号";
    leaf_hash: "leaf hash", "叶哈希";
    registered: "registered", "已登记";
    registered_before: "registered in time", "及时登记";
    yes: "yes", "是";
    no: "no", "否";
    unknown_time: "not known: the time was not given", "未知：未提供所需时间";
    duplicate: "had been registered before", "此前已登记";
    not_searchable: "found by its digest alone", "仅可按摘要查到";
    matches: "match", "匹配";
    next_step: "next step", "建议";
    because: "why", "原因";
    finding: "finding", "发现";
    limits: "limits", "局限";
    altered_region: "altered region", "改动区域";
    overlaid_region: "overlaid region", "覆盖区域";
    check: "check", "核查";
    organisation: "organisation", "机构";
    name: "name", "名称";
    role: "role", "角色";
    state: "state", "状态";
    active: "active", "有效";
    suspended: "suspended", "已暂停";
    revoked: "revoked", "已吊销";
    key: "key", "密钥";
    codes: "provider codes", "服务提供者编码";
    token: "token", "令牌";
    token_once: "The token is shown this once; store it now.", "令牌仅显示这一次，请立即保存。";
    scopes: "scopes", "权限";
    expires_at: "expires at", "到期时间";
    created_at: "created at", "创建时间";
    user: "user", "用户";
    registry: "registry", "登记处";
    version: "version", "版本";
    log_key: "log key", "日志密钥";
    verdict_key: "verdict key", "结论密钥";
    operator_key: "operator key", "运营方密钥";
    time: "time", "时间";
    media_type: "media type", "媒体类型";
    size: "size", "尺寸";
    label: "label", "标识";
    generator: "generator", "生成工具";
    manifest: "manifest", "清单";
    signer: "signer", "签名者";
    vouched_by: "vouched for by", "信任依据";
    signals: "signals", "信号";
    actions: "actions", "操作";
    hard_binding: "hard binding", "硬绑定";
    kept_at: "kept at", "存放处";
    ingredient: "ingredient", "素材";
    relation: "relation", "关系";
    failures: "failures", "失败项";
    no_label: "none found; this never means that a person made it", "未发现；这并不表示由人创作";
    private_key: "private key", "私钥";
    public_key: "public key", "公钥";
    fingerprint: "fingerprint", "指纹";
    written: "written", "已写入";
    would_write: "would be labelled", "将写入标识";
    has_it_all: "has it all", "无需写入";
    content: "content", "内容";
}

impl Words {
    pub(crate) const fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &EN,
            Language::Zh => &ZH,
        }
    }
}

/// English and Chinese.
type Pair = (&'static str, &'static str);

pub(crate) const fn conclusion(conclusion: Conclusion) -> Pair {
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

pub(crate) const fn attribute(attribute: AiAttribute) -> Pair {
    match attribute {
        AiAttribute::Confirmed => ("confirmed", "属于"),
        AiAttribute::Possible => ("possible", "可能"),
        AiAttribute::Suspected => ("suspected", "疑似"),
    }
}

pub(crate) const fn recommendation(recommendation: Recommendation) -> Pair {
    match recommendation {
        Recommendation::Proceed => ("go on as usual", "照常处理"),
        Recommendation::AskForAnotherPhoto => ("ask for another photo or a video", "请买家补充照片或视频"),
        Recommendation::HumanReview => ("a person should look at it", "请人工复核"),
    }
}

pub(crate) const fn relation(relation: Relation) -> Pair {
    match relation {
        Relation::SameBytes => ("same bytes", "字节相同"),
        Relation::SameCapture => ("same capture", "同一次拍摄"),
        Relation::SameCaptureAltered => ("same capture, altered", "同一次拍摄，有改动"),
        Relation::EditedFrom => ("made from it, by its C2PA manifest", "其 C2PA 清单称源自该图"),
        Relation::SameObjectOtherCapture => {
            ("another capture that shares an object or surroundings", "另一次拍摄，有共同的物品或背景")
        }
        Relation::CannotTell => ("cannot tell", "无法判断"),
    }
}

pub(crate) const fn strength(strength: Strength) -> Pair {
    match strength {
        Strength::Hint => ("hint", "线索"),
        Strength::Supporting => ("supporting", "佐证"),
        Strength::Strong => ("strong", "有力"),
        Strength::Conclusive => ("conclusive", "确凿"),
    }
}

pub(crate) const fn limit(limit: Limit) -> Pair {
    match limit {
        Limit::AlterationsNotExamined => ("alterations were not examined", "未检查是否有改动"),
        Limit::MayBeMissed => {
            ("heavy crops and strong changes may be missed", "大幅裁剪或强烈改动可能无法识别")
        }
        Limit::DeclaredOnly => ("only the registrant computed the bindings", "绑定信息仅由登记方计算"),
        Limit::Unsigned => ("rests on unsigned text", "依据为未签名的文本"),
        Limit::TimeMissing => ("a time that the rule needs was not given", "缺少规则所需的时间"),
        Limit::WatermarksNotChecked => ("invisible watermarks were not checked", "未检查隐形水印"),
        Limit::PixelsNotSeen => ("the pixels were not seen", "未见像素"),
        Limit::TooManyAlike => ("it looks like very many registered pictures", "与过多已登记图片相似"),
        Limit::OrderByLogAlone => ("the log alone tells which signature came first", "签名先后仅依据日志"),
        Limit::AlterationsMayBeMissed => (
            "alterations under a screen's or filter's traces, or under an overlay, may be missed",
            "翻拍、滤镜或覆盖内容之下的改动可能漏检",
        ),
        Limit::SmallReference => {
            ("thin cracks may be missed: a small reference", "参考图较小，可能漏检细裂纹")
        }
    }
}

/// What a signature in a label is worth. Data of another kind says nothing.
pub(crate) const fn integrity(found: &LabelIntegrity) -> Pair {
    match found {
        LabelIntegrity::Unreadable { .. } => {
            ("integrity data of another kind, not checked", "完整性数据为其他形式，未核验")
        }
        LabelIntegrity::Invalid => ("its signature does not fit its fields", "签名与字段不符"),
        LabelIntegrity::Signed { .. } => {
            ("its signature fits, by a key nobody vouches for", "签名有效，密钥未经确认")
        }
        LabelIntegrity::Verified { .. } => {
            ("signed by the producer's pinned key", "由该服务提供者的已固定密钥签名")
        }
        LabelIntegrity::OtherKey { .. } => {
            ("signed by another key than the producer's", "签名密钥并非该服务提供者的密钥")
        }
    }
}

pub(crate) const fn level(level: LabelLevel) -> Pair {
    match level {
        LabelLevel::Declared => ("declared, unsigned", "声明，未签名"),
        LabelLevel::Signed => ("signed", "已签名"),
        LabelLevel::Verified => ("verified", "已验证"),
        LabelLevel::Registered => ("registered", "已登记"),
    }
}

pub(crate) const fn meaning(meaning: LabelMeaning) -> Pair {
    match meaning {
        LabelMeaning::Synthetic => ("made by AI", "AI 生成"),
        LabelMeaning::PartlySynthetic => ("partly made or edited by AI", "部分由 AI 生成或编辑"),
        LabelMeaning::Captured => ("captured by a camera", "相机拍摄"),
        LabelMeaning::Other => ("other", "其他"),
    }
}

pub(crate) const fn scheme(scheme: LabelScheme) -> &'static str {
    match scheme {
        LabelScheme::Gb45438 => "GB 45438",
        LabelScheme::Iptc => "IPTC",
        LabelScheme::C2pa => "C2PA",
        LabelScheme::GeneratorTrace => "generator trace",
    }
}
