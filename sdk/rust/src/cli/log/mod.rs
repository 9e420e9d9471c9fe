//! `touchstone log` and `touchstone verify-receipt`: the auditor's commands.

pub(crate) mod args;
mod monitor;
mod receipt;
mod report;
mod verify;
mod words;

pub(crate) use receipt::run as verify_receipt;

use super::{
    failure::{Failure, Message, Status},
    session::Session,
};
use args::{Answer, Log, PolicyOf, Trusted};
use std::{path::Path, thread, time::Duration};
use touchstone_schema::{
    key::PublicKey,
    log::{Policy, policy::MAX_POLICY_BYTES},
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
            url => Ok(Self::Registry(session.connect_publicly_to(url)?)),
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
    let bytes = files::read(path, MAX_POLICY_BYTES as u64).map_err(unusable)?;
    let name = path.display();
    let message = || Message::new(format!("{name} is not UTF-8"), format!("{name} 不是 UTF-8 文本"));
    String::from_utf8(bytes).map_err(|_| Failure::Usage(message(), None))
}

/// A file that an option names cannot be used.
fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::Usage(Message::same(error), None)
}

/// What ends an audit without saying anything about the log.
fn failure(error: SourceError) -> Failure {
    match error {
        SourceError::Client(error) => Failure::Client(error),
        error @ (SourceError::File { .. } | SourceError::NoLog(_)) => Failure::Unreadable(error.to_string()),
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Io { .. } => Self::File(Message::same(error), None),
            error => Self::Usage(Message::same(error), None),
        }
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
    observer: &mut dyn Observer,
) -> Result<Outcome, AuditError> {
    // Files do not change by asking again.
    let attempts = if source.parallel() > 1 { PATIENCE } else { 0 };
    for _ in 0..attempts {
        match audit::advance(source, policy, operator, state, observer) {
            Err(AuditError::Wrong(finding)) if matches!(*finding, Finding::Shrunk { .. }) => {
                thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
    audit::advance(source, policy, operator, state, observer)
}

/// Tells a finding apart from what keeps the log from being read.
fn split(error: AuditError) -> Result<Box<Finding>, Failure> {
    match error {
        AuditError::Wrong(finding) => Ok(finding),
        AuditError::Source(error) => Err(failure(error)),
        AuditError::State(error) => Err(error.into()),
    }
}

fn policy_of(session: &Session, args: &PolicyOf) -> Result<Status, Failure> {
    let out = &session.out;
    let client = session.connect_publicly_to(args.place.as_deref())?;
    let info = client.registry()?;
    let key = &info.log_verifier_key;
    let unusable = |error: &dyn std::fmt::Display| Failure::Unreadable(format!("{}: {error}", client.url()));
    let text = format!("log {key} {}/log/\nquorum none\n", client.url());
    Policy::parse(&text).map_err(|error| unusable(&error))?;
    if out.json {
        out.object(&serde_json::json!({ "origin": info.origin, "log_verifier_key": key, "policy": text }));
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
