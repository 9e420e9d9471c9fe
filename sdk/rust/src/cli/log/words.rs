//! Findings and alerts in English and Chinese.

use crate::cli::{args::Language, output::Output, words};
use touchstone_schema::statement::Issuer;
use touchstone_sdk::log::{
    finding::{AnswerFault, Finding, HistoryFault, TileFault},
    replay::Violation,
    watch::Event,
};

/// What is wrong, in one line. English is what the library itself says.
pub(super) fn finding(out: &Output, finding: &Finding) -> String {
    match out.language {
        Language::En => match finding {
            Finding::Statement { violation, .. } => format!("{finding} [{}]", violation.rule()),
            finding => finding.to_string(),
        },
        Language::Zh => finding_zh(finding),
    }
}

fn finding_zh(finding: &Finding) -> String {
    match finding {
        Finding::Checkpoint { reason, .. } => format!("检查点不成立：{reason}"),
        Finding::Missing { resource } => format!("缺少 {resource}"),
        Finding::Tile { resource, fault } => {
            let fault = match fault {
                TileFault::Length { expected, found } => format!("应为 {expected} 字节，实为 {found} 字节"),
                TileFault::Hash => "其哈希与已签名的根不符".to_owned(),
                TileFault::Below { tile } => format!("与下层 {tile} 的哈希不符"),
            };
            format!("{resource}：{fault}")
        }
        Finding::Root { size, signed, found } => {
            format!("大小为 {size} 时瓦片的根为 {found}，检查点声明 {signed}")
        }
        Finding::Bundle { resource, reason } => format!("{resource}：{reason}"),
        Finding::Entry { log_index } => format!("条目 {log_index} 与树中的哈希不符"),
        Finding::MoreDamage { bundles } => {
            format!("缺失或损坏的条目包超过 {bundles} 个，其余未检查")
        }
        Finding::Statement { log_index, violation } => {
            format!("条目 {log_index}：{} [{}]", violation_zh(violation), violation.rule())
        }
        Finding::Shrunk { earlier_size, later_size, .. } => {
            format!("日志由 {earlier_size} 条缩减为 {later_size} 条")
        }
        Finding::Forked { earlier_size, later_size, .. } => {
            format!("日志分叉：{later_size} 条的树并不以 {earlier_size} 条的树开头")
        }
        Finding::Withheld { witness, size, shown, .. } => {
            format!("见证人 {witness:?} 已联署 {size} 条，日志只展示 {shown} 条")
        }
        Finding::Outdated { size, seconds } => match seconds {
            Some(seconds) => format!("{size} 条的检查点最近一次联署在 {seconds} 秒前"),
            None => format!("{size} 条的检查点无人联署"),
        },
        Finding::History { size, fault, .. } => {
            let fault = match fault {
                HistoryFault::Note { reason } => reason.clone(),
                HistoryFault::Mismatch => "回答中的大小或根与签名内容不一致".to_owned(),
                HistoryFault::Order => "其大小未递增".to_owned(),
                HistoryFault::Root => "该大小时树的根与之不同".to_owned(),
                HistoryFault::Omitted => "日志曾签名，但已发布的历史中没有".to_owned(),
            };
            format!("大小为 {size} 的已发布检查点：{fault}")
        }
        Finding::Answer { file, fault } => {
            let fault = match fault {
                AnswerFault::Signature { reason } => reason.clone(),
                AnswerFault::Entries { stated, found } => {
                    format!("日志中有条目 {found:?}，回答为 {stated:?}")
                }
                AnswerFault::Cut { stated, found } => {
                    format!("回答称在条目 {stated:?} 后截断，日志中有 {found:?}")
                }
                AnswerFault::NeverThere { answered_at, log_size, log_index, accepted_at } => format!(
                    "回答于 {answered_at} 称有 {log_size} 个条目，而条目 {log_index} 受理于 {accepted_at}"
                ),
                AnswerFault::Stale { answered_at, log_size, accepted_at } => {
                    format!("回答于 {answered_at} 只计 {log_size} 个条目，而下一条目受理于 {accepted_at}")
                }
                AnswerFault::Future { answered_at } => format!("回答时间 {answered_at} 尚未到来"),
                AnswerFault::Checkpoint { reason } => format!("回答中的检查点：{reason}"),
            };
            format!("{file}：{fault}")
        }
        Finding::Outside { level, index } => format!("树中没有第 {level} 层的节点 {index}"),
    }
}

fn violation_zh(violation: &Violation) -> String {
    match violation {
        Violation::LeafForm => "不是已知版本的日志条目".to_owned(),
        Violation::EnvelopeForm { reason } => format!("信封格式有误：{reason}"),
        Violation::StatementForm { reason } => format!("声明格式有误：{reason}"),
        Violation::TimeOrder { accepted_at, before } => {
            format!("受理时间 {accepted_at} 早于前一条目（{before}）")
        }
        Violation::Future { accepted_at, latest } => {
            format!("受理时间 {accepted_at} 晚于覆盖它的检查点最迟可知的时间 {latest}")
        }
        Violation::Bootstrap { expected } => format!("该序号的条目应声明策略 {expected}"),
        Violation::PolicyValue { policy } => format!("策略 {policy} 的值不成立"),
        Violation::WrongAudience { audience } => format!("面向其他登记处 {audience:?}"),
        Violation::Stale { issued_at } => format!("签发于 {issued_at}，早于受理一天以上"),
        Violation::Ahead { issued_at } => format!("签发于 {issued_at}，晚于受理时间"),
        Violation::UnknownOrganisation { organisation } => format!("{organisation} 未获准入"),
        Violation::SuspendedOrganisation { organisation, since } => {
            format!("{organisation} 已于序号 {since} 被暂停")
        }
        Violation::WrongIssuer { kind } => format!("该签发者无权作出 {kind}"),
        Violation::OtherOrganisation => "正文指向签发者以外的机构".to_owned(),
        Violation::UnknownKey => "所用密钥不属于该签发者，或无权签署此类声明".to_owned(),
        Violation::RevokedKey { since } => format!("所用密钥已于序号 {since} 被吊销"),
        Violation::InvalidSignature => "签名无效".to_owned(),
        Violation::Duplicate { first } => format!("与序号 {first} 的声明重复"),
        Violation::IdTaken { statement, first } => format!("标识 {statement} 与序号 {first} 的声明相同"),
        Violation::ForeignCode { code, owner } => format!("服务提供者编码 {code:?} 属于 {owner}"),
        Violation::UnknownStatement { statement } => format!("所引用的 {statement} 不是可引用的先前声明"),
        Violation::WithdrawnStatement { statement } => format!("所引用的 {statement} 已被撤回"),
        Violation::ObservedAlready { statement } => format!("{statement} 的内容此前已核验"),
        Violation::OtherContent { statement } => format!("核验的内容与 {statement} 绑定的不同"),
        Violation::DeletedAlready { statement } => format!("{statement} 的记录此前已删除"),
        Violation::OtherRecord { statement } => {
            format!("所删记录不是 {statement} 或其核验所绑定的记录")
        }
        Violation::ManifestTaken { manifest, first } => {
            format!("清单 {manifest:?} 已于序号 {first} 存入且此后未删除")
        }
        Violation::UnknownManifest { manifest } => {
            format!("此前没有清单 {manifest:?} 的此存储，或已被删除")
        }
        Violation::KeyTaken => "该密钥已被登记".to_owned(),
        Violation::NoSuchKey => "该机构没有此有效密钥".to_owned(),
        Violation::SuspectIndex => "suspect_from_index 早于密钥生效或超出日志".to_owned(),
        Violation::OrganisationTaken => "该标识或名称的机构已存在".to_owned(),
        Violation::CodeTaken { code } => format!("服务提供者编码 {code:?} 已被绑定"),
        Violation::CodeRole => "服务提供者编码仅属于 AI 厂商".to_owned(),
    }
}

/// The signed notes that show it to others.
pub(super) fn evidence(finding: &Finding) -> Vec<&str> {
    match finding {
        Finding::Shrunk { earlier, later, .. } | Finding::Forked { earlier, later, .. } => {
            vec![earlier, later]
        }
        Finding::Checkpoint { note, .. } | Finding::History { note, .. } | Finding::Withheld { note, .. } => {
            vec![note]
        }
        _ => Vec::new(),
    }
}

/// What happened, and who did it.
pub(super) fn event(out: &Output, event: &Event, issuer: &Issuer) -> String {
    let who = match issuer {
        Issuer::Organisation(id) => id.to_string(),
        Issuer::Registry => out.words().registry.to_owned(),
    };
    let say = |en: String, zh: String| match out.language {
        Language::En => en,
        Language::Zh => zh,
    };
    match event {
        Event::CodeUsed { code, key } => {
            let key = key.map_or_else(|| "?".to_owned(), |key| key.to_string());
            say(
                format!("producer code {code:?} used by {who} with the key {key}"),
                format!("{who} 用密钥 {key} 使用了服务提供者编码 {code:?}"),
            )
        }
        Event::CodeBound { code, organisation } => say(
            format!("producer code {code:?} bound to {organisation}"),
            format!("服务提供者编码 {code:?} 被绑定到 {organisation}"),
        ),
        Event::PictureRegistered { sha256 } => {
            say(format!("picture {sha256} registered by {who}"), format!("图片 {sha256} 被 {who} 登记"))
        }
        Event::PictureRelabelled { sha256 } => say(
            format!("picture {sha256} registered as an AI output by {who}"),
            format!("图片 {sha256} 被 {who} 登记为 AI 产物"),
        ),
        Event::PictureEdited { sha256 } => say(
            format!("picture {sha256} used for an AI output by {who}"),
            format!("图片 {sha256} 被 {who} 用于 AI 产物"),
        ),
        Event::LabelWeakened { target, attribute, meaning } => {
            let (a, b) = (words::attribute(attribute.0), words::attribute(attribute.1));
            let (c, d) = (words::meaning(meaning.0), words::meaning(meaning.1));
            say(
                format!("label of #{target} weakened by {who}: {}, {} -> {}, {}", a.0, c.0, b.0, d.0),
                format!("{who} 弱化了 #{target} 的标识：{}，{} -> {}，{}", a.1, c.1, b.1, d.1),
            )
        }
        Event::Withdrawn { target } => {
            say(format!("#{target} withdrawn by {who}"), format!("{who} 撤回了 #{target}"))
        }
        Event::RecordDeleted { target } => {
            say(format!("reference record of #{target} deleted"), format!("#{target} 的参考记录已删除"))
        }
        Event::ManifestDeleted { target, manifest } => say(
            format!("manifest {manifest:?} of #{target} deleted"),
            format!("#{target} 的清单 {manifest:?} 已删除"),
        ),
        Event::KeyAdded { organisation, key } => say(
            format!("key {key} added for {organisation} by {who}"),
            format!("{who} 为 {organisation} 添加了密钥 {key}"),
        ),
        Event::KeyRotated { organisation, old, new } => say(
            format!("key {old} of {organisation} replaced by {new}"),
            format!("{organisation} 的密钥 {old} 被替换为 {new}"),
        ),
        Event::KeyRevoked { organisation, key, suspect_from_index } => {
            let from = |en: bool| match suspect_from_index {
                Some(index) if en => format!(", suspect from #{index}"),
                Some(index) => format!("，自 #{index} 起可疑"),
                None => String::new(),
            };
            say(
                format!("key {key} of {organisation} revoked by {who}{}", from(true)),
                format!("{who} 吊销了 {organisation} 的密钥 {key}{}", from(false)),
            )
        }
        Event::OrganisationAdmitted { organisation, name, role } => say(
            format!("{organisation} {name:?} admitted as {}", role.name()),
            format!("{organisation} {name:?} 获准入，角色 {}", role.name()),
        ),
        Event::OrganisationSuspended { organisation, reason } => {
            say(format!("{organisation} suspended: {reason}"), format!("{organisation} 被暂停：{reason}"))
        }
        Event::PolicyChanged { policy, value } => {
            say(format!("policy {policy} is now {value}"), format!("策略 {policy} 变更为 {value}"))
        }
    }
}
