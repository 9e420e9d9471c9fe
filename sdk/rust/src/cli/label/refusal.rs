//! What to do when a file cannot be labelled.

use super::super::{
    chinese::InChinese,
    failure::{Failure, Remedy},
};
#[cfg(feature = "c2pa")]
use touchstone_inspect::c2pa::C2paSignError;
use touchstone_inspect::labels::LabelWriteError;
use touchstone_sdk::label::LabelError;

/// The failure of one file, with what helps against it.
pub(super) fn of(error: &LabelError) -> Failure {
    let remedy = match error {
        LabelError::Write(error) => of_label(error),
        LabelError::Key(_) => None,
        #[cfg(feature = "c2pa")]
        LabelError::Manifest(error) => of_manifest(error),
    };
    Failure::File(error.message(), remedy)
}

fn of_label(error: &LabelWriteError) -> Option<Remedy> {
    Some(match error {
        LabelWriteError::UnsupportedFormat => {
            ("Convert it to JPEG, PNG, WebP, MP4 or MOV.", "请转换为 JPEG、PNG、WebP、MP4 或 MOV。")
        }
        LabelWriteError::InvalidLabel(_) | LabelWriteError::Inconsistent(_) => {
            ("Correct the label; nothing was written.", "请更正标识；尚未写入任何内容。")
        }
        LabelWriteError::WouldBreakManifest => (
            "Write both in one call: give --c2pa-cert and --c2pa-key, with --edited or --propagate. The old manifest is \
             kept inside the new one.",
            "请在一次调用中同时写入：提供 --c2pa-cert 与 --c2pa-key，并加 --edited 或 --propagate。原清单会保留在新清单内。",
        ),
        LabelWriteError::SignedMovie => (
            "Label the movie before it is signed: ask whoever signed it, or label the copy from before. Manifests are \
             written into pictures only.",
            "请在签名之前为影片写入标识：请联系签名者，或使用签名之前的副本。清单仅写入图片。",
        ),
        LabelWriteError::AlreadyLabelled => (
            "A file has one label. Who spreads it adds to the label with --propagate; a new work needs a file without one.",
            "一个文件只有一个标识。传播者请用 --propagate 补充传播要素；新作品请使用未标识的文件。",
        ),
        LabelWriteError::SeveralLabels => (
            "Ask the producer for a file with one label. Labels are not removed here.",
            "请向生成方索取仅含一个标识的文件。此处不删除标识。",
        ),
        LabelWriteError::NoLabel => (
            "If the uploader declared it, give --basis declared; if you detected it, --basis detected. Otherwise spread the \
             file as it is.",
            "如上传者已声明，请加 --basis declared；如系检测发现，请加 --basis detected。否则按原样传播。",
        ),
        LabelWriteError::AlreadyPropagated { .. } => (
            "The label has room for one propagator. Spread the file as it is, and keep your own record of it.",
            "标识只能容纳一个传播者。请按原样传播该文件，并自行留存记录。",
        ),
        LabelWriteError::WouldWeaken { .. } => {
            ("A label is never made to say less. Leave --basis out.", "标识的内容不得减弱。请去掉 --basis。")
        }
        LabelWriteError::OtherSourceType { .. } | LabelWriteError::Contradiction { .. } => (
            "Leave --source-type out, or give the one that fits the file's own label.",
            "请去掉 --source-type，或改为与文件自身标识一致的类型。",
        ),
        LabelWriteError::UnsupportedLayout { .. } | LabelWriteError::NotReadBack => (
            "Label it where it is made, or save it anew with its metadata and try again.",
            "请在生成时写入标识，或连同元数据重新保存后再试。",
        ),
        LabelWriteError::Malformed { .. } | LabelWriteError::UnreadableXmp => (
            "Save it anew with a program that repairs it, keeping its metadata.",
            "请用可修复该文件的程序重新保存，并保留其元数据。",
        ),
        LabelWriteError::NothingToWrite | LabelWriteError::TooLarge => return None,
    })
}

#[cfg(feature = "c2pa")]
fn of_manifest(error: &C2paSignError) -> Option<Remedy> {
    Some(match error {
        C2paSignError::AlreadySigned => (
            "Give --edited: the old manifest is kept inside the new one.",
            "请加 --edited：原清单会保留在新清单内。",
        ),
        C2paSignError::Contradiction { .. } => (
            "Give the --source-type that fits the file's own label.",
            "请提供与文件自身标识一致的 --source-type。",
        ),
        C2paSignError::WouldConceal { .. } => (
            "A label that says AI is never concealed. Give the source type of the edit, such as humanEdits, \
             algorithmicallyEnhanced or compositeWithTrainedAlgorithmicMedia; what the file says stays.",
            "表明 AI 的标识不得隐匿。请提供该编辑的来源类型，例如 humanEdits、algorithmicallyEnhanced 或 \
             compositeWithTrainedAlgorithmicMedia；文件原有标识保持不变。",
        ),
        C2paSignError::Identity(_) => (
            "Give an end-entity certificate of the C2PA profile first in --c2pa-cert, and its key in PKCS#8: \
             openssl pkcs8 -topk8 -nocrypt -in KEY.",
            "--c2pa-cert 须以符合 C2PA 规范的终端证书开头，密钥须为 PKCS#8：openssl pkcs8 -topk8 -nocrypt -in KEY。",
        ),
        C2paSignError::KeyMismatch => (
            "Give the key that the first certificate in --c2pa-cert was issued for. openssl pkey -in KEY -pubout and \
             openssl x509 -in CHAIN -pubkey -noout print the same key if they fit.",
            "请提供 --c2pa-cert 中第一张证书对应的私钥。二者匹配时，openssl pkey -in KEY -pubout 与 openssl x509 -in CHAIN \
             -pubkey -noout 输出的公钥相同。",
        ),
        C2paSignError::UnsupportedFormat(_) => (
            "Manifests are written into pictures; give a video its implicit label alone.",
            "清单仅写入图片；视频请只写入隐式标识。",
        ),
        C2paSignError::Component { .. } => ("Give pictures as --ingredient.", "--ingredient 须为图片。"),
        _ => return None,
    })
}
