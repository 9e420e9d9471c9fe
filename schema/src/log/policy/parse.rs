//! Reading policy files, line by line.

use super::{
    super::{
        note::{KeyKind, VerifierKey, VerifierKeyError},
        text::decimal,
    },
    Group, Member, Policy, PolicyLog, Threshold, Witness,
};
use std::collections::{HashMap, HashSet};

/// Longest policy file in bytes.
pub const MAX_POLICY_BYTES: usize = 1 << 18;
/// Most logs, most witnesses and most groups. The specification wants at least 32 of each.
pub const MAX_DEFINITIONS: usize = 256;
/// The predefined name of the quorum that requires nobody.
pub(super) const NONE: &str = "none";

/// Why a policy file is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy line {line}: {problem}")]
pub struct PolicyParseError {
    /// Counted from 1; the line after the last one if something is missing.
    pub line: usize,
    /// What is wrong.
    pub problem: PolicyProblem,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// Longer than [`MAX_POLICY_BYTES`].
    #[error("the file has {0} bytes; at most {MAX_POLICY_BYTES} are accepted")]
    TooLong(usize),
    /// More than [`MAX_DEFINITIONS`] of a kind.
    #[error("more than {MAX_DEFINITIONS} logs, witnesses or groups")]
    TooMany,
    /// A control character that is neither tab nor newline.
    #[error("a control character other than tab and newline")]
    Characters,
    /// The last line has no newline, so the file may be cut.
    #[error("the line does not end in a newline")]
    Unterminated,
    /// The line does not begin as one of the four.
    #[error("unknown keyword {0:?}; known are log, witness, group, quorum")]
    Keyword(String),
    /// Too few or too many items.
    #[error("expected: {0}")]
    Form(&'static str),
    /// A malformed or unsupported key.
    #[error(transparent)]
    Key(#[from] VerifierKeyError),
    /// A key of a signature type that a log, or a witness, does not have.
    #[error("a log has a key of type 0x01, a witness one of type 0x04; this is of type {0:#04x}")]
    KeyKind(u8),
    /// The same public key twice among the logs or among the witnesses.
    #[error("the public key stands in an earlier line")]
    DuplicateKey,
    /// A name twice, or the predefined one.
    #[error("the name {0:?} is already defined")]
    DuplicateName(String),
    /// Not defined on an earlier line.
    #[error("no witness or group {0:?} is defined on an earlier line")]
    UnknownName(String),
    /// A member of two groups, or twice of one.
    #[error("{0:?} is already a member of a group")]
    DuplicateMember(String),
    /// The threshold is not `all`, `any` or a number from 1 to the number of members.
    #[error("the threshold {threshold:?} is not all, any or a number from 1 to {members}")]
    Threshold {
        /// As written.
        threshold: String,
        /// Members of the group.
        members: usize,
    },
    /// A second quorum line.
    #[error("there is already a quorum line")]
    DuplicateQuorum,
    /// No quorum line.
    #[error("there is no quorum line")]
    NoQuorum,
}

/// What the lines so far define.
#[derive(Default)]
struct Reader<'a> {
    logs: Vec<PolicyLog>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Option<Member>>,
    names: HashMap<&'a str, Member>,
    members: HashSet<Member>,
}

pub(super) fn policy(text: &str) -> Result<Policy, PolicyParseError> {
    let too_long = PolicyProblem::TooLong(text.len());
    if text.len() > MAX_POLICY_BYTES {
        return Err(PolicyParseError { line: 1, problem: too_long });
    }
    let mut reader = Reader::default();
    let mut last = 0;
    for (line, content) in (1..).zip(text.split_inclusive('\n')) {
        reader.line(content).map_err(|problem| PolicyParseError { line, problem })?;
        last = line;
    }
    let Reader { logs, witnesses, groups, quorum, .. } = reader;
    let missing = PolicyParseError { line: last + 1, problem: PolicyProblem::NoQuorum };
    Ok(Policy { logs, witnesses, groups, quorum: quorum.ok_or(missing)? })
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) -> Result<(), PolicyProblem> {
        let line = line.strip_suffix('\n').ok_or(PolicyProblem::Unterminated)?;
        if line.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
            return Err(PolicyProblem::Characters);
        }
        let mut items = line.split([' ', '\t']).filter(|item| !item.is_empty());
        let Some(keyword) = items.next().filter(|keyword| !keyword.starts_with('#')) else {
            return Ok(());
        };
        let items: Vec<&str> = items.collect();
        match (keyword, items.as_slice()) {
            ("log", [key]) => self.log(key, None),
            ("log", [key, url]) => self.log(key, Some(url)),
            ("log", _) => Err(PolicyProblem::Form("log <vkey> [<url>]")),
            ("witness", [name, key]) => self.witness(name, key, None),
            ("witness", [name, key, url]) => self.witness(name, key, Some(url)),
            ("witness", _) => Err(PolicyProblem::Form("witness <name> <vkey> [<url>]")),
            ("group", [name, threshold, members @ ..]) if !members.is_empty() => {
                self.group(name, threshold, members)
            }
            ("group", _) => Err(PolicyProblem::Form("group <name> all|any|<k> <name>...")),
            ("quorum", [name]) => self.quorum(name),
            ("quorum", _) => Err(PolicyProblem::Form("quorum <name>|none")),
            _ => Err(PolicyProblem::Keyword(keyword.to_owned())),
        }
    }

    fn log(&mut self, key: &str, url: Option<&str>) -> Result<(), PolicyProblem> {
        let key: VerifierKey = key.parse()?;
        if key.kind() != KeyKind::Ed25519 {
            return Err(PolicyProblem::KeyKind(key.kind().byte()));
        }
        if self.logs.iter().any(|log| log.key.public_key() == key.public_key()) {
            return Err(PolicyProblem::DuplicateKey);
        }
        push(&mut self.logs, PolicyLog { key, url: url.map(str::to_owned) })?;
        Ok(())
    }

    fn witness(&mut self, name: &'a str, key: &str, url: Option<&str>) -> Result<(), PolicyProblem> {
        let key: VerifierKey = key.parse()?;
        if key.kind() != KeyKind::CosignatureV1 {
            return Err(PolicyProblem::KeyKind(key.kind().byte()));
        }
        if self.witnesses.iter().any(|witness| witness.key.public_key() == key.public_key()) {
            return Err(PolicyProblem::DuplicateKey);
        }
        let witness = Witness { name: name.to_owned(), key, url: url.map(str::to_owned) };
        let member = Member::Witness(push(&mut self.witnesses, witness)?);
        self.define(name, member)
    }

    fn group(&mut self, name: &'a str, threshold: &str, members: &[&'a str]) -> Result<(), PolicyProblem> {
        let threshold = match threshold {
            "all" => Threshold::All,
            "any" => Threshold::Any,
            number => decimal(number)
                .and_then(|least| usize::try_from(least).ok())
                .filter(|least| (1..=members.len()).contains(least))
                .map(Threshold::AtLeast)
                .ok_or_else(|| PolicyProblem::Threshold {
                    threshold: number.to_owned(),
                    members: members.len(),
                })?,
        };
        let members = members.iter().map(|member| self.member(member)).collect::<Result<_, _>>()?;
        let group = Group { name: name.to_owned(), threshold, members };
        let member = Member::Group(push(&mut self.groups, group)?);
        self.define(name, member)
    }

    fn quorum(&mut self, name: &str) -> Result<(), PolicyProblem> {
        if self.quorum.is_some() {
            return Err(PolicyProblem::DuplicateQuorum);
        }
        self.quorum = Some(if name == NONE { None } else { Some(self.find(name)?) });
        Ok(())
    }

    fn find(&self, name: &str) -> Result<Member, PolicyProblem> {
        self.names.get(name).copied().ok_or_else(|| PolicyProblem::UnknownName(name.to_owned()))
    }

    /// Each name is a member once in the whole policy, so that a witness counts in one way only.
    fn member(&mut self, name: &str) -> Result<Member, PolicyProblem> {
        let member = self.find(name)?;
        if self.members.insert(member) {
            Ok(member)
        } else {
            Err(PolicyProblem::DuplicateMember(name.to_owned()))
        }
    }

    fn define(&mut self, name: &'a str, member: Member) -> Result<(), PolicyProblem> {
        if name == NONE || self.names.insert(name, member).is_some() {
            return Err(PolicyProblem::DuplicateName(name.to_owned()));
        }
        Ok(())
    }
}

/// Appends within the limit; the place of what was appended.
fn push<T>(list: &mut Vec<T>, item: T) -> Result<usize, PolicyProblem> {
    if list.len() == MAX_DEFINITIONS {
        return Err(PolicyProblem::TooMany);
    }
    list.push(item);
    Ok(list.len() - 1)
}
