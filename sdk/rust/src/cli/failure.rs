//! What can go wrong, what to do about it, and the exit status that says so.

use super::{chinese::InChinese, output::Output};
use serde::Serialize;
use std::{fmt::Display, io, path::Path};
use touchstone_schema::problem::{Problem, ProblemCode};
use touchstone_sdk::{
    check::CheckError, client::ClientError, config::ConfigError, entropy::EntropyError, files::FileError,
    keys::KeyFileError, register::RegisterError,
};

/// Exit statuses, as the help lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    Done = 0,
    SomeFailed = 1,
    Usage = 2,
    Unreachable = 3,
    Refused = 4,
    /// The log is wrong, or a receipt proves nothing.
    Wrong = 5,
    /// The monitor raised an alert.
    Alerted = 6,
    /// An answer counts entries that are not published yet.
    Pending = 7,
}

impl Status {
    /// The graver of two: what concerns every file comes before what concerns one.
    pub(crate) fn or(self, other: Self) -> Self {
        let gravity = |status| match status {
            Self::Done => 0,
            Self::Alerted => 1,
            Self::Pending => 2,
            Self::SomeFailed => 3,
            Self::Usage => 4,
            Self::Refused => 5,
            Self::Unreachable => 6,
            Self::Wrong => 7,
        };
        if gravity(other) > gravity(self) { other } else { self }
    }
}

/// A remedy in English and Chinese.
pub(crate) type Remedy = (&'static str, &'static str);

/// What to do about a receipt that proves nothing.
pub(crate) const UNPROVEN: Remedy = (
    "Nothing was written. Ask the registry's operator, and compare the key of its log through another channel.",
    "未写入任何文件。请联系登记处运营方，并通过其他渠道核对其日志密钥。",
);

/// What failed, in English and Chinese.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    en: String,
    zh: String,
}

impl Message {
    pub(crate) fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    /// A file or a question, and what the system said about it.
    pub(crate) fn of_system(what: impl Display, error: &io::Error) -> Self {
        Self::new(format!("{what}: {error}"), format!("{what}：{}", error.chinese()))
    }
}

/// A failure for scripts: the members of a problem document (RFC 9457) that say something at the command line.
#[derive(Debug, Serialize)]
pub(crate) struct Document<'a> {
    /// Stable: the registry's own code where it refused.
    code: &'a str,
    title: String,
    title_zh: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy_zh: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
}

/// Why a command or a file failed.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// An option, a key file or a setting is wrong.
    Usage(Message, Option<Remedy>),
    /// A file cannot be read, used or written.
    File(Message, Option<Remedy>),
    /// A log cannot be read.
    Unreadable(Message, Option<Remedy>),
    /// What the registry gave proves nothing.
    Unproven(Message, Option<Remedy>),
    /// The registry did not answer as wanted.
    Client(ClientError),
}

impl Failure {
    /// The status if the whole command failed for this.
    pub(crate) const fn status(&self) -> Status {
        match self {
            Self::Usage(..) => Status::Usage,
            Self::File(..) => Status::SomeFailed,
            Self::Unreadable(..) => Status::Unreachable,
            Self::Unproven(..) => Status::Wrong,
            Self::Client(ClientError::Problem(_)) => Status::Refused,
            Self::Client(ClientError::InvalidUrl { .. } | ClientError::InvalidToken) => Status::Usage,
            Self::Client(ClientError::Request(_)) => Status::SomeFailed,
            Self::Client(ClientError::Unreachable { .. } | ClientError::UnexpectedAnswer { .. }) => {
                Status::Unreachable
            }
        }
    }

    /// An answer cannot be written.
    pub(crate) fn unwritten(error: &io::Error) -> Self {
        Self::File(
            Message::new(format!("standard output: {error}"), format!("标准输出：{}", error.chinese())),
            Some(("Make room or give another place, then run it again.", "请腾出空间或更换输出位置后重试。")),
        )
    }

    /// The status of a run over files in which this one failed.
    pub(crate) fn status_among_files(&self) -> Status {
        match self {
            Self::Client(ClientError::Problem(problem)) if refuses_caller(problem) => Status::Refused,
            _ if matches!(self.status(), Status::Unreachable | Status::Wrong) => self.status(),
            _ => Status::SomeFailed,
        }
    }

    /// Whether every other file would fail for this, too: the caller is refused, or there is no connection. One that broke
    /// or was too slow half-way may be one file's.
    pub(crate) fn ends_run(&self) -> bool {
        match self {
            Self::Client(ClientError::Unreachable { reason, .. }) => !reason.is_half_way(),
            Self::Client(ClientError::Problem(problem)) => refuses_caller(problem),
            _ => false,
        }
    }

    /// What scripts know it by.
    fn code(&self) -> &str {
        match self {
            Self::Usage(..) | Self::Client(ClientError::InvalidUrl { .. } | ClientError::InvalidToken) => {
                "usage"
            }
            Self::File(..) | Self::Client(ClientError::Request(_)) => "file",
            Self::Unreadable(..) => "unreadable",
            Self::Unproven(..) => "unproven",
            Self::Client(ClientError::Problem(problem)) => &problem.code,
            Self::Client(ClientError::Unreachable { .. }) => "unreachable",
            Self::Client(ClientError::UnexpectedAnswer { .. }) => "unexpected-answer",
        }
    }

    /// It for scripts.
    pub(crate) fn document(&self) -> Document<'_> {
        let code = self.code();
        let told = |text: &Message, remedy: Option<Remedy>| Document {
            code,
            title: text.en.clone(),
            title_zh: text.zh.clone(),
            detail: None,
            remedy: remedy.map(|(en, _)| en),
            remedy_zh: remedy.map(|(_, zh)| zh),
            instance: None,
        };
        match self {
            Self::Usage(text, remedy)
            | Self::File(text, remedy)
            | Self::Unreadable(text, remedy)
            | Self::Unproven(text, remedy) => told(text, *remedy),
            Self::Client(ClientError::Problem(problem)) => {
                let (remedy, remedy_zh) = remedy_of_problem(problem);
                Document {
                    code,
                    title: problem.title.clone(),
                    title_zh: problem.title_zh.clone(),
                    detail: problem.detail.as_deref(),
                    remedy: Some(remedy),
                    remedy_zh: Some(remedy_zh),
                    instance: problem.instance.as_deref(),
                }
            }
            Self::Client(error) => told(&error.message(), remedy_of(error)),
        }
    }

    /// Says on standard error what failed and what to do.
    pub(crate) fn report(&self, out: &Output, file: Option<&Path>) {
        let (text, remedy) = self.describe(out);
        match file {
            // Messages about files often begin with the name already.
            Some(file) if !text.starts_with(&*file.to_string_lossy()) => {
                out.error(&format!("{}: {text}", file.display()), remedy.as_deref());
            }
            _ => out.error(&text, remedy.as_deref()),
        }
    }

    fn describe(&self, out: &Output) -> (String, Option<String>) {
        let choose = |(en, zh): Remedy| out.choose(en, zh).to_owned();
        match self {
            Self::Usage(text, remedy)
            | Self::File(text, remedy)
            | Self::Unreadable(text, remedy)
            | Self::Unproven(text, remedy) => (out.choose(&text.en, &text.zh).to_owned(), remedy.map(choose)),
            Self::Client(ClientError::Problem(problem)) => describe_problem(problem, out),
            Self::Client(error) => {
                (out.choose(&error.to_string(), &error.chinese()).to_owned(), remedy_of(error).map(choose))
            }
        }
    }
}

fn describe_problem(problem: &Problem, out: &Output) -> (String, Option<String>) {
    let title = out.choose(&problem.title, &problem.title_zh);
    let mut text = format!("{title} ({})", problem.code);
    if let Some(detail) = &problem.detail {
        text.push_str(": ");
        text.push_str(detail);
    }
    let (en, zh) = remedy_of_problem(problem);
    let mut remedy = out.choose(en, zh).to_owned();
    if let Some(instance) = &problem.instance {
        remedy.push_str(&format!(" [{instance}]"));
    }
    (text, Some(remedy))
}

/// The registry's remedy speaks to programs; at the command line a token is given in another way.
fn remedy_of_problem(problem: &Problem) -> (&str, &str) {
    if problem.code == ProblemCode::Unauthenticated.code() {
        (
            "Run touchstone login again, or give another token with --token or TOUCHSTONE_TOKEN.",
            "请重新运行 touchstone login，或用 --token、TOUCHSTONE_TOKEN 提供其他令牌。",
        )
    } else {
        (&problem.remedy, &problem.remedy_zh)
    }
}

/// Whether it is the caller who is refused, whatever the file. What somebody else owns (`not-owner`) is refused as one
/// thing among others: the next file may be the caller's own.
fn refuses_caller(problem: &Problem) -> bool {
    const OF_CALLER: [ProblemCode; 2] = [ProblemCode::Forbidden, ProblemCode::OrganisationSuspended];
    problem.status == 401 || OF_CALLER.iter().any(|code| code.code() == problem.code)
}

const fn remedy_of(error: &ClientError) -> Option<Remedy> {
    match error {
        ClientError::InvalidUrl { .. } => Some((
            "Give --url https://HOST, or run touchstone login.",
            "请使用 --url https://主机，或运行 touchstone login。",
        )),
        ClientError::InvalidToken => {
            Some(("Give --token, or run touchstone login.", "请使用 --token，或运行 touchstone login。"))
        }
        ClientError::Unreachable { .. } => {
            Some(("Check the address and the network, then try again.", "请检查地址和网络后重试。"))
        }
        ClientError::UnexpectedAnswer { .. } => Some((
            "Make sure that --url names a Touchstone registry of this version.",
            "请确认 --url 指向此版本的 Touchstone 登记处。",
        )),
        ClientError::Problem(_) | ClientError::Request(_) => None,
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<Box<Problem>> for Failure {
    fn from(problem: Box<Problem>) -> Self {
        Self::Client(ClientError::Problem(problem))
    }
}

/// What helps where the system refuses a file.
const CHECK_THE_FILE: Remedy = ("Check the name and the permissions.", "请检查文件名和权限。");

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        // The others say in their text what to do.
        let remedy = matches!(error, KeyFileError::Io { .. }).then_some(CHECK_THE_FILE);
        Self::Usage(error.message(), remedy)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.message(), None)
    }
}

impl From<EntropyError> for Failure {
    fn from(error: EntropyError) -> Self {
        Self::Usage(error.message(), None)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let remedy = match &error {
            FileError::Io { .. } => Some(CHECK_THE_FILE),
            FileError::TooLong { .. } => Some(("Save it smaller.", "请另存为更小的文件。")),
            FileError::NotAFile(_) => Some((
                "Name the files in it, for example with FOLDER/*.jpg.",
                "请指定其中的文件，例如 FOLDER/*.jpg。",
            )),
        };
        Self::File(error.message(), remedy)
    }
}

/// A file that is not a usable picture.
pub(crate) fn not_a_picture(error: &touchstone_inspect::InspectError) -> Failure {
    Failure::File(error.message(), Some(error.problem().remedy()))
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Client(error) => Self::Client(error),
            RegisterError::File(error) => error.into(),
            RegisterError::Picture(error) => not_a_picture(&error),
            RegisterError::Entropy(error) => error.into(),
            RegisterError::NoOrganisation => Self::Usage(error.message(), None),
            RegisterError::NotAllowed { .. } => Self::Usage(
                error.message(),
                Some((
                    "Use a token of a merchant or an AI vendor, with the scope register.",
                    "请使用商家或 AI 厂商的、具有 register 权限的令牌。",
                )),
            ),
            RegisterError::ForeignKey { .. } => Self::Usage(
                error.message(),
                Some((
                    "Give one of its keys with --key, or have the operator add this one: touchstone admin key add.",
                    "请用 --key 指定该机构的密钥，或请运营方添加此密钥：touchstone admin key add。",
                )),
            ),
            RegisterError::OtherLabel { .. } => Self::File(
                error.message(),
                Some((
                    "Register the label that stands in the file. If the file was made from a labelled picture and keeps \
                     that picture's label, give --other-label.",
                    "请登记文件中的标识。若文件由带标识的图片制成并保留了原图的标识，请加 --other-label。",
                )),
            ),
            RegisterError::Receipt { .. } => Self::Unproven(error.message(), Some(UNPROVEN)),
            RegisterError::Changed(_) => Self::File(
                error.message(),
                Some(("Register it again when it no longer changes.", "请在文件不再变化后重新登记。")),
            ),
            RegisterError::Statement(_) | RegisterError::Record(_) => Self::File(
                error.message(),
                Some((
                    "Change what the message names; nothing was sent.",
                    "请按提示修改；尚未发送任何内容。",
                )),
            ),
        }
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::File(error) => error.into(),
            CheckError::Client(error) => Self::Client(error),
            CheckError::Signature(_) | CheckError::Mismatch => Self::File(
                error.message(),
                Some((
                    "Do not rely on this answer. If the registry changed its key, run touchstone login again.",
                    "请勿依赖此结论。若登记处更换了密钥，请重新运行 touchstone login。",
                )),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use touchstone_sdk::client::Obstacle;

    #[test]
    fn a_run_ends_where_no_other_file_could_do_better() {
        let system = |kind: io::ErrorKind| Obstacle::System { kind, text: kind.to_string() };
        for (reason, ends) in [
            (Obstacle::NoSuchHost, true),
            (Obstacle::NoConnection, true),
            (Obstacle::Late, false),
            (system(io::ErrorKind::ConnectionRefused), true),
            (system(io::ErrorKind::ConnectionReset), false),
            (system(io::ErrorKind::BrokenPipe), false),
            (system(io::ErrorKind::UnexpectedEof), false),
            (system(io::ErrorKind::TimedOut), false),
            (Obstacle::Other("a certificate that nobody vouches for".to_owned()), true),
        ] {
            let url = "https://r.example".to_owned();
            let failure = Failure::from(ClientError::Unreachable { url, reason });
            assert_eq!(failure.ends_run(), ends, "{failure:?}");
        }
    }

    #[test]
    fn a_refusal_of_the_caller_is_none_of_a_file() {
        for (code, of_caller) in [
            (ProblemCode::Unauthenticated, true),
            (ProblemCode::Forbidden, true),
            (ProblemCode::OrganisationSuspended, true),
            (ProblemCode::NotOwner, false),
            (ProblemCode::CorruptPicture, false),
        ] {
            let failure = Failure::from(Box::new(code.document(None, None)));
            let status = if of_caller { Status::Refused } else { Status::SomeFailed };
            assert_eq!(
                (failure.ends_run(), failure.status_among_files()),
                (of_caller, status),
                "{failure:?}"
            );
            assert_eq!(failure.document().code, code.code());
        }
    }
}
