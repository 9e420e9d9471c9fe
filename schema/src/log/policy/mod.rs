//! Trust policies: which logs, and whose cosignatures, make a checkpoint valid (C2SP tlog-policy).

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    note::{Note, SignatureError, VerifierKey},
};
use std::fmt;

mod parse;

pub use parse::{MAX_DEFINITIONS, MAX_POLICY_BYTES, PolicyParseError, PolicyProblem};

/// A log that the policy trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    key: VerifierKey,
    url: Option<String>,
}

impl PolicyLog {
    /// The log's key; its name is the log's origin.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Where the log is reached.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// A witness that the policy knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    name: String,
    key: VerifierKey,
    url: Option<String>,
}

impl Witness {
    /// Its name within the policy; it means nothing elsewhere.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its cosigning key.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Submission prefix of the witness (C2SP tlog-witness).
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// How many members of a group must have witnessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threshold {
    All,
    Any,
    AtLeast(usize),
}

/// A witness or a group, by its place in the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: Threshold,
    /// Groups among them stand before this one.
    members: Vec<Member>,
}

/// A policy. Two are equal if they list the same definitions in the same order; spacing and comments do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    /// None if no cosignature is required.
    quorum: Option<Member>,
}

/// A checkpoint that satisfies a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    /// The tree head.
    pub checkpoint: Checkpoint,
    /// The log's key that signed it.
    pub log: VerifierKey,
    /// The witnesses that cosigned it: name within the policy, and time in seconds since 1970.
    pub witnesses: Vec<(String, u64)>,
}

/// Why a checkpoint does not satisfy a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The policy lists no log of this origin.
    #[error("the policy does not list the log {0:?}")]
    UnknownLog(String),
    /// No listed key of the log has signed it.
    #[error("no listed key of the log {0:?} has signed the checkpoint")]
    Unsigned(String),
    /// A signature that names a known key is not that key's: the whole note is refused.
    #[error("the signature that names {0:?} is not valid")]
    Signature(String),
    /// Too few witnesses.
    #[error("the quorum {quorum:?} is not met; cosigned by {}", names(.cosigned))]
    Quorum {
        /// Name of the witness or group required.
        quorum: String,
        /// Names of the witnesses that cosigned.
        cosigned: Vec<String>,
    },
}

fn names(cosigned: &[String]) -> String {
    if cosigned.is_empty() { "nobody".to_owned() } else { cosigned.join(", ") }
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyParseError`] with the line that is wrong.
    pub fn parse(text: &str) -> Result<Self, PolicyParseError> {
        parse::policy(text)
    }

    /// The logs in order.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses in order.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Name of the witness or group that must have witnessed a checkpoint; none if no cosignature is required.
    #[must_use]
    pub fn quorum(&self) -> Option<&str> {
        self.quorum.map(|member| self.name(member))
    }

    /// Whether the quorum is met, given which witnesses have cosigned, by their names within the policy.
    pub fn satisfied(&self, cosigned: impl Fn(&str) -> bool) -> bool {
        let witnesses: Vec<bool> = self.witnesses.iter().map(|witness| cosigned(&witness.name)).collect();
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        let met = |groups: &[bool], member| match member {
            Member::Witness(at) => witnesses.get(at).copied(),
            Member::Group(at) => groups.get(at).copied(),
        };
        for group in &self.groups {
            let count = group.members.iter().filter(|member| met(&groups, **member) == Some(true)).count();
            groups.push(match group.threshold {
                Threshold::All => count == group.members.len(),
                Threshold::Any => count >= 1,
                Threshold::AtLeast(least) => count >= least,
            });
        }
        self.quorum.is_none_or(|quorum| met(&groups, quorum) == Some(true))
    }

    /// Whether a note is a checkpoint of a listed log with the cosignatures that the quorum wants. Signatures of
    /// unknown keys are passed over; a false one that names a known key refuses the note (C2SP signed-note). The
    /// times are not judged.
    ///
    /// # Errors
    /// [`PolicyError`] with what is wrong or missing.
    pub fn verify(&self, note: &[u8]) -> Result<VerifiedCheckpoint, PolicyError> {
        let note = Note::parse(note).map_err(CheckpointError::from)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        let log = self.signing_log(&note, &checkpoint.origin)?;
        let mut witnesses = Vec::new();
        for witness in &self.witnesses {
            if let Some(time) = vouches(&note, &witness.key)?.flatten() {
                witnesses.push((witness.name.clone(), time));
            }
        }
        if !self.satisfied(|name| witnesses.iter().any(|(cosigned, _)| cosigned == name)) {
            let quorum = self.quorum().unwrap_or_default().to_owned();
            let cosigned = witnesses.into_iter().map(|(name, _)| name).collect();
            return Err(PolicyError::Quorum { quorum, cosigned });
        }
        Ok(VerifiedCheckpoint { checkpoint, log: log.clone(), witnesses })
    }

    /// The first listed key of the log that has signed; every listed key is heard.
    fn signing_log(&self, note: &Note, origin: &str) -> Result<&VerifierKey, PolicyError> {
        let mut keys = self.logs.iter().map(PolicyLog::key).filter(|key| key.name() == origin).peekable();
        if keys.peek().is_none() {
            return Err(PolicyError::UnknownLog(origin.to_owned()));
        }
        let mut signed = None;
        for key in keys {
            if vouches(note, key)?.is_some() {
                signed = signed.or(Some(key));
            }
        }
        signed.ok_or_else(|| PolicyError::Unsigned(origin.to_owned()))
    }

    fn name(&self, member: Member) -> &str {
        match member {
            Member::Witness(at) => self.witnesses.get(at).map(|witness| witness.name.as_str()),
            Member::Group(at) => self.groups.get(at).map(|group| group.name.as_str()),
        }
        .unwrap_or_default()
    }
}

fn vouches(note: &Note, key: &VerifierKey) -> Result<Option<Option<u64>>, PolicyError> {
    match note.verify(key) {
        Ok(time) => Ok(Some(time)),
        Err(SignatureError::Missing) => Ok(None),
        Err(SignatureError::Invalid) => Err(PolicyError::Signature(key.name().to_owned())),
    }
}

/// The policy file, without comments: logs, witnesses, groups, the quorum.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = |url: &Option<String>| url.as_ref().map_or_else(String::new, |url| format!(" {url}"));
        for PolicyLog { key, url } in &self.logs {
            writeln!(f, "log {key}{}", tail(url))?;
        }
        for Witness { name, key, url } in &self.witnesses {
            writeln!(f, "witness {name} {key}{}", tail(url))?;
        }
        for group in &self.groups {
            write!(f, "group {}", group.name)?;
            match group.threshold {
                Threshold::All => write!(f, " all")?,
                Threshold::Any => write!(f, " any")?,
                Threshold::AtLeast(least) => write!(f, " {least}")?,
            }
            group.members.iter().try_for_each(|member| write!(f, " {}", self.name(*member)))?;
            writeln!(f)?;
        }
        writeln!(f, "quorum {}", self.quorum().unwrap_or(parse::NONE))
    }
}
