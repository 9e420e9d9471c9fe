//! What the library's errors say, in Chinese. Their English is their own text.
//!
//! What comes from elsewhere stands in it as it came: the rules of a statement, the reasons of a decoder, the rarer words
//! of the system.

use super::{failure::Message, label::args::InvalidSourceType};
use std::{
    fmt::Display,
    io,
    num::{IntErrorKind, ParseIntError},
};
#[cfg(feature = "c2pa")]
use touchstone_inspect::c2pa::{C2paSignError, MAX_COMPONENTS};
use touchstone_inspect::{
    InspectError,
    decode::DecodeError,
    labels::{
        LabelWriteError,
        integrity::{MAX_PINS, ProducerKeysError, SigningKeyError},
    },
};
use touchstone_schema::{
    digest::InvalidDigest, id::InvalidId, key::InvalidPublicKey, log::VerifierKeyError, time::InvalidTime,
};
use touchstone_sdk::{
    check::CheckError,
    client::{ClientError, Obstacle, UrlFault},
    config::ConfigError,
    entropy::EntropyError,
    files::FileError,
    keys::KeyFileError,
    label::LabelError,
    log::{source::SourceError, state::StateError, witness::WitnessError},
    register::RegisterError,
};

/// An error that can be told in Chinese.
pub(super) trait InChinese: Display {
    /// It in Chinese.
    fn chinese(&self) -> String;

    /// It in both languages.
    fn message(&self) -> Message {
        Message::new(self.to_string(), self.chinese())
    }
}

impl InChinese for io::Error {
    fn chinese(&self) -> String {
        of_kind(self.kind()).map_or_else(|| self.to_string(), str::to_owned)
    }
}

/// What the system usually says about files and connections.
const fn of_kind(kind: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind as Kind;
    Some(match kind {
        Kind::NotFound => "文件或文件夹不存在",
        Kind::PermissionDenied => "没有权限",
        Kind::AlreadyExists => "已存在",
        Kind::IsADirectory => "这是文件夹，不是文件",
        Kind::NotADirectory => "路径中有一部分不是文件夹",
        Kind::DirectoryNotEmpty => "文件夹不为空",
        Kind::InvalidFilename => "文件名无效或过长",
        Kind::ReadOnlyFilesystem => "文件系统为只读",
        Kind::StorageFull => "磁盘空间不足",
        Kind::QuotaExceeded => "超出磁盘配额",
        Kind::FileTooLarge => "文件过大",
        Kind::TimedOut => "超时",
        Kind::ConnectionRefused => "连接被拒绝",
        Kind::ConnectionReset => "连接被对方重置",
        Kind::ConnectionAborted => "连接已中断",
        Kind::BrokenPipe => "对方已关闭连接",
        Kind::HostUnreachable => "无法到达该主机",
        Kind::NetworkUnreachable => "无法到达该网络",
        Kind::NetworkDown => "网络已断开",
        Kind::UnexpectedEof => "数据提前结束",
        _ => return None,
    })
}

impl InChinese for FileError {
    fn chinese(&self) -> String {
        match self {
            Self::Io { path, source } => format!("{}：{}", path.display(), source.chinese()),
            Self::TooLong { path, limit } => format!("{} 超过 {limit} 字节", path.display()),
            Self::NotAFile(path) => format!("{} 不是文件", path.display()),
        }
    }
}

impl InChinese for StateError {
    fn chinese(&self) -> String {
        match self {
            Self::Io { path, source } => format!("{}：{}", path.display(), source.chinese()),
            Self::Damaged { path, reason } => {
                format!("{} 不是审计状态，或已损坏：{reason}", path.display())
            }
            Self::OtherVersion { path, found } => {
                format!("{} 由其他版本写成（格式 {found}）：须重新验证其条目", path.display())
            }
            Self::InUse { path } => format!("{} 正被另一审计或监视进程使用", path.display()),
            Self::OtherPolicy { reason } => format!("状态中的检查点不属于策略所列日志：{reason}"),
            Self::Contradiction => "状态中的哈希与其自身检查点不符".to_owned(),
            Self::OtherLog { state, checkpoint } => {
                format!("状态属于日志 {state:?}，检查点属于 {checkpoint:?}")
            }
            Self::OtherOperator => "日志起始时的运营方密钥与所给不同".to_owned(),
            Self::HashesOnly => "该状态未检查过声明：请换用其他文件，或重新开始".to_owned(),
        }
    }
}

impl InChinese for SourceError {
    fn chinese(&self) -> String {
        match self {
            Self::Client(error) => error.chinese(),
            Self::File { path, source } => format!("{}：{}", path.display(), source.chinese()),
            Self::Interrupted(place) => format!("{place}：读取在最后一个条目之前中断"),
            Self::NoLog(place) => format!("{place} 不含日志：没有检查点"),
        }
    }
}

impl InChinese for KeyFileError {
    fn chinese(&self) -> String {
        match self {
            Self::Exists(path) => format!("{} 已存在；不会覆盖密钥：请换名或移走该文件", path.display()),
            Self::Io { path, source } => format!("{}：{}", path.display(), source.chinese()),
            Self::TooLong(path) => format!("{} 过长，不是密钥文件", path.display()),
            Self::NotPrivate(path) => {
                format!("{} 不是 PKCS#8 PEM 格式的 Ed25519 私钥：请用 touchstone keygen 生成", path.display())
            }
            Self::PublicInsteadOfPrivate(path) => {
                format!("{} 是公钥，此处需要私钥：不带 .pub 的文件", path.display())
            }
            Self::NotPublic(path) => {
                format!(
                    "{} 不是 SPKI PEM 格式的 Ed25519 公钥：touchstone keygen 会写出 FILE.pub",
                    path.display()
                )
            }
            Self::PrivateInsteadOfPublic(path) => {
                format!("{} 是私钥，请提供公钥：带 .pub 的文件", path.display())
            }
            Self::Encoding => "密钥无法编码".to_owned(),
        }
    }
}

impl InChinese for ConfigError {
    fn chinese(&self) -> String {
        match self {
            Self::NoHome => "未设置 XDG_CONFIG_HOME 和 HOME，无处保存设置".to_owned(),
            Self::Io { path, source } => format!("{}：{}", path.display(), source.chinese()),
            Self::Form { path, reason } => {
                format!("{} 不是设置文件（{reason}）：请重新运行 touchstone login", path.display())
            }
        }
    }
}

impl InChinese for EntropyError {
    fn chinese(&self) -> String {
        match self {
            Self::Random(reason) => format!("系统未提供随机数：{reason}"),
            Self::Clock => "系统时钟有误：请校准".to_owned(),
        }
    }
}

impl InChinese for ClientError {
    fn chinese(&self) -> String {
        match self {
            Self::InvalidUrl { url, reason } => format!("{url:?} 不是登记处地址：{}", reason.chinese()),
            Self::InvalidToken => "令牌含有无效字符；请重新复制".to_owned(),
            Self::Unreachable { url, reason } => format!("无法连接 {url}：{}", reason.chinese()),
            Self::Problem(problem) => problem.title_zh.clone(),
            Self::UnexpectedAnswer { url, reason } => format!("{url} 的应答不是登记处的应答：{reason}"),
            Self::Request(reason) => format!("无法写出请求：{reason}"),
        }
    }
}

impl InChinese for UrlFault {
    fn chinese(&self) -> String {
        match self {
            Self::NoUrl => "不是 URL",
            Self::Scheme => "须以 https:// 或 http:// 开头",
            Self::NoHost => "没有主机名",
            Self::Credentials => "其中不得包含用户名或密码",
            Self::QueryOrFragment => "不得带有查询参数或片段",
        }
        .to_owned()
    }
}

impl InChinese for Obstacle {
    fn chinese(&self) -> String {
        match self {
            Self::NoSuchHost => "找不到该主机".to_owned(),
            Self::NoConnection => "未能及时建立连接".to_owned(),
            Self::Late => "未及时应答".to_owned(),
            Self::System { kind, text } => of_kind(*kind).map_or_else(|| text.clone(), str::to_owned),
            Self::Other(text) => text.clone(),
        }
    }
}

impl InChinese for WitnessError {
    fn chinese(&self) -> String {
        match self {
            Self::Client(error) => error.chinese(),
            Self::Checkpoint(error) => format!("所给内容不是该日志的检查点：{error}"),
            Self::OtherLog(origin) => format!("所给内容是 {origin:?} 的检查点"),
            Self::Cosignature(error) => format!("所给内容未经其联署：{error}"),
        }
    }
}

impl InChinese for InspectError {
    fn chinese(&self) -> String {
        let Self::Decode(error) = self;
        match error {
            DecodeError::TooManyBytes { found, limit } => format!("文件有 {found} 字节，上限为 {limit}"),
            DecodeError::TooManyPixels { width, height, max_side, max_pixels } => {
                format!("图片为 {width} x {height}；上限为边长 {max_side}、{max_pixels} 像素")
            }
            DecodeError::TooMuchMemory { needed, limit } => {
                format!("解码约需 {needed} 字节内存，上限为 {limit}")
            }
            DecodeError::TooSlow => "解码耗时过长".to_owned(),
            DecodeError::Truncated => "文件不完整：图片被截断".to_owned(),
            DecodeError::Corrupt { reason } => format!("文件已损坏：{reason}"),
            DecodeError::Unsupported { what } => format!("不支持的图片：{what}"),
            DecodeError::NotAnImage => self.problem().title().1.to_owned(),
        }
    }
}

impl InChinese for RegisterError {
    fn chinese(&self) -> String {
        match self {
            Self::File(error) => error.chinese(),
            Self::Picture(error) => error.chinese(),
            Self::Client(error) => error.chinese(),
            Self::Statement(error) => format!("声明不符合规则：{error}"),
            Self::Record(error) => format!("参考记录无法写出：{error}"),
            Self::Entropy(error) => error.chinese(),
            Self::NoOrganisation => "该令牌属于运营方；请使用商家或 AI 厂商的令牌".to_owned(),
            Self::NotAllowed { organisation } => format!("{organisation} 的令牌没有登记权限"),
            Self::ForeignKey { fingerprint, organisation } => {
                format!("指纹为 {fingerprint} 的密钥未登记在 {organisation} 名下，或已被撤销")
            }
            Self::Receipt { id, fault } => format!("{id} 的收据不成立：{fault}"),
            Self::Changed(path) => format!("{} 在登记过程中发生了变化", path.display()),
            Self::OtherLabel { found, given } => {
                format!("文件自带的标识为 {found}，与所给标识 {given} 不同")
            }
        }
    }
}

impl InChinese for CheckError {
    fn chinese(&self) -> String {
        match self {
            Self::File(error) => error.chinese(),
            Self::Client(error) => error.chinese(),
            Self::Signature(error) => format!("结论未通过验签：{error}"),
            Self::Mismatch => "返回的结论与签名内容不符，或不是针对这张照片和这次申诉".to_owned(),
        }
    }
}

impl InChinese for ProducerKeysError {
    fn chinese(&self) -> String {
        match self {
            Self::Form(reason) => format!(
                "文件既不是 JSON（{{\"keys\":[{{\"producer\":...,\"spki\":...}}]}}），也不是 PEM：{reason}"
            ),
            Self::Empty => "文件中没有密钥".to_owned(),
            Self::TooMany => format!("文件中的密钥超过 {MAX_PINS} 个"),
            Self::Key { position } => {
                format!("第 {position} 个密钥不是 SM2 公钥（SubjectPublicKeyInfo）")
            }
            Self::NoProducer { position } => {
                format!("第 {position} 个密钥上方没有“Producer: 编码”一行")
            }
            Self::Producer { position } => {
                format!("第 {position} 个密钥的生成方既不是名称，也不是服务提供者编码的至少前 22 位")
            }
        }
    }
}

impl InChinese for LabelError {
    fn chinese(&self) -> String {
        match self {
            Self::Write(error) => error.chinese(),
            Self::Key(SigningKeyError::Unreadable) => {
                "文件不是 PEM 格式（PKCS #8 或 SEC 1）的 SM2 私钥".to_owned()
            }
            Self::Key(SigningKeyError::Failed) => "无法用此密钥为标识签名".to_owned(),
            #[cfg(feature = "c2pa")]
            Self::Manifest(error) => error.chinese(),
        }
    }
}

impl InChinese for LabelWriteError {
    fn chinese(&self) -> String {
        match self {
            Self::NothingToWrite => "没有要写入的标识".to_owned(),
            Self::UnsupportedFormat => "标识只能写入 JPEG、PNG、WebP、MP4 和 MOV 文件".to_owned(),
            Self::Malformed { what } => format!("文件已损坏：{what}"),
            Self::UnsupportedLayout { what } => format!("文件无法写入标识：{what}"),
            Self::InvalidLabel(fault) => format!("标识不符合 GB 45438：{}", fault.finding().text.zh),
            Self::Inconsistent(finding) => format!("标识不符合 GB 45438：{}", finding.text.zh),
            Self::AlreadyLabelled => "文件已有隐式标识".to_owned(),
            Self::SeveralLabels => "文件有多个隐式标识".to_owned(),
            Self::NoLabel => "文件没有可补充的标识，也没有其他标识表明由 AI 生成".to_owned(),
            Self::AlreadyPropagated { found } => format!("标识中已写有传播者：{found}"),
            Self::WouldWeaken { found, asked } => format!("标识为“{found}”，不得减弱为“{asked}”"),
            Self::OtherSourceType { found } => format!("文件已写有另一种数字来源类型：{found}"),
            Self::Contradiction { asked } => format!("来源类型 {asked} 与文件由 AI 生成的标识矛盾"),
            Self::SignedMovie => "影片带有 C2PA 清单，此时写入标识会使其失效".to_owned(),
            Self::WouldBreakManifest => "文件带有 C2PA 清单，此时写入标识会使其失效".to_owned(),
            Self::UnreadableXmp => "文件的 XMP 数据包无法读取".to_owned(),
            Self::TooLarge => "写入标识后，元数据会超出该格式的上限".to_owned(),
            Self::NotReadBack => "写入的标识无法从该文件中照原样读回".to_owned(),
        }
    }
}

#[cfg(feature = "c2pa")]
impl InChinese for C2paSignError {
    fn chinese(&self) -> String {
        match self {
            Self::Label(error) => error.chinese(),
            Self::Contradiction { asked, found } => format!("来源类型 {asked} 与文件自身的说明矛盾：{found}"),
            Self::WouldConceal { asked, found } => {
                format!("文件表明其由 AI 生成或参与生成（{found}）：将编辑标为 {asked} 会隐匿这一事实")
            }
            Self::SoftBinding(error) => {
                format!("无法生成软绑定：{}", InspectError::Decode(error.clone()).chinese())
            }
            Self::TooManyComponents => format!("一份清单最多列出 {MAX_COMPONENTS} 个素材"),
            Self::Component { title } => format!("素材 {title} 不是已知格式的图片"),
            Self::Parent => "编辑前的文件不是同一格式的图片".to_owned(),
            Self::UnsupportedFormat(format) => {
                format!("C2PA 清单可写入 JPEG、PNG、WebP、GIF、TIFF、AVIF 和 HEIC 文件，不能写入 {format}")
            }
            Self::WrongMediaType { given, found } => format!("文件为 {found}，不是 {given}"),
            Self::AlreadySigned => "文件已有 C2PA 清单；请按“已编辑”签名，以便保留原清单".to_owned(),
            Self::Text { field, max } => format!("{field} 须为 1 至 {max} 字节"),
            Self::KeyMismatch => "私钥与签名者证书不匹配".to_owned(),
            Self::Identity(reason) => format!("签名密钥或证书无法使用：{reason}"),
            Self::Library(reason) => format!("清单无法写出：{reason}"),
        }
    }
}

impl InChinese for InvalidTime {
    fn chinese(&self) -> String {
        "时间须按 RFC 3339 书写并带时区偏移，例如 2026-11-22T09:00:00Z".to_owned()
    }
}

impl InChinese for InvalidId {
    fn chinese(&self) -> String {
        format!("标识符须为 {}_ 加 26 个 Crockford Base32 字符", self.0)
    }
}

impl InChinese for InvalidDigest {
    fn chinese(&self) -> String {
        "SHA-256 摘要须为 64 位小写十六进制数字".to_owned()
    }
}

impl InChinese for InvalidPublicKey {
    fn chinese(&self) -> String {
        "不是可用的 Ed25519 公钥：须为 64 位小写十六进制数字，且不是弱公钥".to_owned()
    }
}

impl InChinese for VerifierKeyError {
    fn chinese(&self) -> String {
        match self {
            Self::Form => "验证密钥须写作 name+hex(密钥 ID)+base64(类型和密钥)".to_owned(),
            Self::Name(name) => format!("密钥名称 {name:?} 为空，或含有空格、加号或控制字符"),
            Self::UnknownType(kind) => {
                format!("不支持签名类型为 {kind:#04x} 的密钥；支持的类型为 0x01 和 0x04")
            }
            Self::PublicKey => "验证密钥中没有可用的 Ed25519 公钥".to_owned(),
            Self::KeyId { expected, found } => {
                format!("密钥 ID 为 {found}，而按名称和密钥应为 {expected}")
            }
        }
    }
}

impl InChinese for InvalidSourceType {
    fn chinese(&self) -> String {
        "须为 IPTC 数字来源类型中的一项，例如 trainedAlgorithmicMedia".to_owned()
    }
}

impl InChinese for ParseIntError {
    fn chinese(&self) -> String {
        match self.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "数值超出范围",
            _ => "须为非负整数",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_words_are_chinese_where_they_are_known() {
        let missing = std::fs::read("/nowhere/at/all").unwrap_err();
        let error = FileError::Io { path: "a.jpg".into(), source: missing };
        assert_eq!(error.chinese(), "a.jpg：文件或文件夹不存在");
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(full.chinese(), "磁盘空间不足");
        assert_eq!(io::Error::other("a rare one").chinese(), "a rare one");
        let refused = io::ErrorKind::ConnectionRefused;
        let reason = Obstacle::System { kind: refused, text: "Connection refused (os error 111)".to_owned() };
        let error = ClientError::Unreachable { url: "http://r.example".to_owned(), reason };
        assert_eq!(error.chinese(), "无法连接 http://r.example：连接被拒绝");
        assert_eq!(
            error.to_string(),
            "http://r.example cannot be reached: Connection refused (os error 111)"
        );
    }
}
