//! `touchstone log` and `touchstone verify-receipt`: the auditor's commands.

pub(crate) mod args;
mod monitor;
mod receipt;
mod report;
mod verify;
mod words;

pub(crate) use receipt::run as verify_receipt;

use super::{
    chinese::InChinese,
    failure::{Failure, Message, Status},
    session::Session,
};
use args::{Answer, Log, PolicyOf, Trusted};
use std::{path::Path, thread, time::Duration};
use touchstone_schema::{
    Timestamp,
    key::PublicKey,
    log::{Policy, VerifierKey, policy::MAX_POLICY_BYTES},
};
use touchstone_sdk::{
    client::Client,
    files,
    log::{
        audit::{self, Observer, Outcome},
        finding::{AuditError, Finding},
        source::{DirectoryLog, HttpLog, Source, SourceError},
        state::{State, StateError},
    },
};

pub(crate) fn run(session: &Session, command: &Log) -> Result<Status, Failure> {
    match command {
        Log::Verify(args) => verify::run(session, args),
        Log::Monitor(args) => monitor::run(session, args),
        Log::Policy(args) => policy_of(session, args),
        Log::Answer(args) => answer(session, args),
    }
}

/// Where a log is read.
enum Place {
    Registry(Client),
    Directory(DirectoryLog),
}

impl Place {
    fn open(session: &Session, place: Option<&str>) -> Result<Self, Failure> {
        match place {
            Some(path) if !is_url(path) => Ok(Self::Directory(DirectoryLog(path.into()))),
            // The address that policies hold is the log's own, one step below the registry's.
            url => {
                let registry = url.map(|url| url.trim_end_matches('/'));
                let registry = registry.map(|url| url.strip_suffix("/log").unwrap_or(url));
                Ok(Self::Registry(session.connect_publicly_to(registry)?))
            }
        }
    }

    fn client(&self) -> Option<&Client> {
        match self {
            Self::Registry(client) => Some(client),
            Self::Directory(_) => None,
        }
    }

    fn with<R>(&self, then: impl FnOnce(&dyn Source) -> R) -> R {
        match self {
            Self::Registry(client) => then(&HttpLog(client)),
            Self::Directory(log) => then(log),
        }
    }
}

fn is_url(place: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| place.starts_with(scheme))
}

/// The policy that receipts must satisfy before they are kept: the user's, or the key that the registry states of its
/// log in this run. The latter at least keeps what was damaged or mixed up from being taken for a receipt.
pub(super) fn receipt_policy(file: Option<&Path>, (origin, key): (&str, &str)) -> Result<Policy, Failure> {
    let trusted = match file.filter(|path| !path.as_os_str().is_empty()) {
        Some(path) => Trusted { policy: Some(path.to_owned()), log_key: None },
        None => Trusted { policy: None, log_key: Some(log_key(origin, key)?) },
    };
    let policy = policy(&trusted)?;
    // Said before anything is sent: what was registered stays.
    if policy.logs().iter().any(|log| log.key().name() == origin) {
        Ok(policy)
    } else {
        let message = Message::new(
            format!("the policy does not list this registry's log {origin:?}"),
            format!("策略未列出本登记处的日志 {origin:?}"),
        );
        let remedy = (
            "touchstone log policy URL prints what to add.",
            "可用 touchstone log policy URL 查看应添加的内容。",
        );
        Err(Failure::Usage(message, Some(remedy)))
    }
}

/// The policy that checkpoints must satisfy.
fn policy(trusted: &Trusted) -> Result<Policy, Failure> {
    let refused = |message: Message| {
        let remedy = (
            "touchstone log policy URL prints one to begin with.",
            "可用 touchstone log policy URL 生成初始策略文件。",
        );
        Failure::Usage(message, Some(remedy))
    };
    let (name, text) = match (&trusted.policy, &trusted.log_key) {
        (Some(path), _) => (path.display().to_string(), text_file(path)?),
        (None, Some(key)) => ("--log-key".to_owned(), format!("log {key}\nquorum none\n")),
        (None, None) => {
            return Err(refused(Message::new(
                "neither --policy nor --log-key is given",
                "未给出 --policy 或 --log-key",
            )));
        }
    };
    let policy = Policy::parse(&text)
        .map_err(|error| refused(Message::new(format!("{name}: {error}"), format!("{name}：{error}"))))?;
    if policy.logs().is_empty() {
        Err(refused(Message::new(format!("{name} names no log"), format!("{name} 未列出日志"))))
    } else {
        Ok(policy)
    }
}

fn text_file(path: &Path) -> Result<String, Failure> {
    let bytes = files::read(path, MAX_POLICY_BYTES as u64).map_err(|error| unusable(error.message()))?;
    let name = path.display();
    let message = || Message::new(format!("{name} is not UTF-8"), format!("{name} 不是 UTF-8 文本"));
    String::from_utf8(bytes).map_err(|_| unusable(message()))
}

/// A file that an option names cannot be used.
fn unusable(message: Message) -> Failure {
    Failure::Usage(message, None)
}

/// What ends an audit without saying anything about the log.
fn failure(error: SourceError) -> Failure {
    match error {
        SourceError::Client(error) => Failure::Client(error),
        error @ SourceError::File { .. } => Failure::Unreadable(
            error.message(),
            Some(("Check the directory and its permissions.", "请检查目录及其权限。")),
        ),
        error @ SourceError::Interrupted(_) => {
            Failure::Unreadable(error.message(), Some(("Run it again.", "请重新运行。")))
        }
        error @ SourceError::NoLog(_) => Failure::Unreadable(
            error.message(),
            Some((
                "Give the registry's address, or the directory that holds the log's file \"checkpoint\".",
                "请给出登记处地址，或包含日志 checkpoint 文件的目录。",
            )),
        ),
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let remedy = match &error {
            StateError::Io { .. } => {
                return Self::File(
                    error.message(),
                    Some((
                        "Check the name, the permissions and the free space.",
                        "请检查文件名、权限和剩余空间。",
                    )),
                );
            }
            StateError::Damaged { .. } | StateError::Contradiction | StateError::OtherVersion { .. } => (
                "Move FILE and FILE.entries away, or name another file: the log is then verified from its beginning.",
                "请移走 FILE 和 FILE.entries，或换用其他文件：日志将从头验证。",
            ),
            StateError::InUse { .. } => (
                "Wait until it ends, or give this one a state file of its own.",
                "请等待其结束，或为本次运行另用一个状态文件。",
            ),
            StateError::OtherPolicy { .. } => (
                "Give the policy or the key with which the state was made, or another state file.",
                "请使用生成该状态时的策略或密钥，或换用其他状态文件。",
            ),
            StateError::OtherLog { .. } => {
                ("Give the state file of this log.", "请使用属于该日志的状态文件。")
            }
            StateError::OtherOperator => (
                "If the key is right, this is not that operator's log. Otherwise leave --operator-key out.",
                "若密钥无误，则这不是该运营方的日志；否则请去掉 --operator-key。",
            ),
            StateError::HashesOnly => {
                ("Give another state file, or --hashes-only.", "请换用其他状态文件，或加 --hashes-only。")
            }
        };
        Self::Usage(error.message(), Some(remedy))
    }
}

/// How often, and how far apart, a log is looked at before it is said that it shrank: of several servers one may be a
/// moment behind.
const PATIENCE: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// As [`audit::advance`], patient with a registry that answers with an older checkpoint.
fn advance(
    source: &dyn Source,
    policy: &Policy,
    operator: Option<PublicKey>,
    state: &mut State,
    now: Timestamp,
    observer: &mut dyn Observer,
) -> Result<Outcome, AuditError> {
    // Files do not change by asking again.
    let attempts = if source.parallel() > 1 { PATIENCE } else { 0 };
    for _ in 0..attempts {
        match audit::advance(source, policy, operator, state, now, observer) {
            Err(AuditError::Wrong(finding)) if matches!(*finding, Finding::Shrunk { .. }) => {
                thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
    audit::advance(source, policy, operator, state, now, observer)
}

/// Tells a finding apart from what keeps the log from being read.
fn split(error: AuditError) -> Result<Box<Finding>, Failure> {
    match error {
        AuditError::Wrong(finding) => Ok(finding),
        AuditError::Source(error) => Err(failure(error)),
        AuditError::State(error) => Err(error.into()),
    }
}

fn strange(error: &dyn std::fmt::Display) -> Failure {
    Failure::Unreadable(
        Message::new(
            format!("what the registry says of its log cannot be used: {error}"),
            format!("登记处对其日志的自述不可用：{error}"),
        ),
        Some(("Ask its operator for the key of the log.", "请向其运营方索取日志密钥。")),
    )
}

/// The log's key as the registry states it: one key and nothing beside it, of the name that the log has.
fn log_key(origin: &str, key: &str) -> Result<VerifierKey, Failure> {
    let key: VerifierKey = key.parse().map_err(|error| strange(&error))?;
    if key.name() == origin {
        Ok(key)
    } else {
        Err(strange(&format!("the key is of {:?}, and the log is {origin:?}", key.name())))
    }
}

fn policy_of(session: &Session, args: &PolicyOf) -> Result<Status, Failure> {
    let out = &session.out;
    let client = session.connect_publicly_to(args.place.as_deref())?;
    let info = client.registry()?;
    let key = log_key(&info.origin, &info.log_verifier_key)?;
    let text = format!("log {key} {}/log/\nquorum none\n", client.url());
    Policy::parse(&text).map_err(|error| strange(&error))?;
    if out.json {
        out.object(&serde_json::json!({ "origin": info.origin, "log_verifier_key": key.to_string(), "policy": text }));
    } else {
        let head = out.choose(
            "# The key is what the registry itself says. Compare it through another channel before you rely on it.\n\
             # For each witness: \"witness NAME KEY\", then \"group all-of-them all NAME...\" and \"quorum all-of-them\".\n",
            "# 密钥由登记处自行给出。使用前请通过其他渠道核对。\n\
             # 每个见证人一行：“witness 名称 密钥”，再写 “group 组名 all 名称...” 和 “quorum 组名”。\n",
        );
        out.raw(format!("{head}{text}").as_bytes());
    }
    Ok(Status::Done)
}

fn answer(session: &Session, args: &Answer) -> Result<Status, Failure> {
    let client = session.connect_publicly()?.client;
    let bytes = match (&args.sha256, &args.producer, &args.content_id) {
        (Some(sha256), ..) => client.content_answer(sha256)?,
        (None, Some(producer), Some(content_id)) => client.label_answer(producer, content_id)?,
        _ => {
            return Err(Failure::Usage(
                Message::new(
                    "give --sha256, or --producer and --content-id",
                    "请给出 --sha256，或 --producer 与 --content-id",
                ),
                None,
            ));
        }
    };
    session.out.deliver(args.out.as_deref(), &bytes)?;
    Ok(Status::Done)
}
