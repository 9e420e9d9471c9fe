//! Words of `touchstone log` and `touchstone verify-receipt`.

use clap::{ArgAction, Args, Subcommand};
use std::path::PathBuf;
use touchstone_schema::{OrganisationId, Sha256Digest, key::PublicKey, log::VerifierKey};

#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Verify the whole log: every tile, every entry, every signature, every admission.
    Verify(Verify),
    /// Follow the log and tell what concerns you.
    Monitor(Monitor),
    /// Print a policy file to begin with: which log is trusted, and whose cosignatures are wanted.
    Policy(PolicyOf),
    /// Fetch a signed answer: exactly these entries of the log bind a picture or register a label.
    Answer(Answer),
}

/// Whom to trust.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Trusted {
    /// Policy file (C2SP tlog-policy): see `touchstone log policy`.
    #[arg(long, env = "TOUCHSTONE_POLICY", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Verifier key of the log, in the place of a policy: no cosignatures are wanted.
    #[arg(long, value_name = "KEY")]
    pub(crate) log_key: Option<VerifierKey>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  touchstone log policy https://registry.example > policy.txt
  touchstone log verify --policy policy.txt https://registry.example
  touchstone log verify --policy policy.txt --state audit.json --history \\
      https://registry.example
  touchstone log verify --policy policy.txt --answer answer.json /srv/mirror/log

Compare the log's key in the policy through another channel.
The state is two files, FILE and FILE.entries, and FILE.lock keeps others from
using it meanwhile. A run that is interrupted goes on from there; a later run
verifies what is new, and that the log still begins with what was verified
before.
With --json, each finding is one line {\"finding\", ...}; the last line is
{\"verified\", \"origin\", \"size\", \"root\", \"from\", \"findings\", \"witnesses\",
\"history\", \"pending\", \"answers\"}.

Exit status:
  0  everything holds
  1  a file, or standard output, cannot be read or written
  2  wrong usage: an option, the policy, the state file, or an answer that is
     none
  3  the log cannot be read
  4  the registry refused to give a file of the log
  5  the log is wrong: the findings say where
  7  everything holds, and an answer counts entries that are not published yet:
     ask again later")]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) trusted: Trusted,
    /// Verify hashes only: entries are not looked into.
    #[arg(long, conflicts_with = "answer")]
    pub(crate) hashes_only: bool,
    /// Go on from what this file says was verified, and write it.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// The operator's public key. Unless given, it is the one that the log's second entry states.
    #[arg(long, value_name = "HEX")]
    pub(crate) operator_key: Option<PublicKey>,
    /// A signed answer of the registry, held to the log. May be repeated.
    #[arg(long, value_name = "FILE", action = ArgAction::Append)]
    pub(crate) answer: Vec<PathBuf>,
    /// Verify every checkpoint that the registry ever published, too. Needs a registry, not a directory.
    #[arg(long)]
    pub(crate) history: bool,
    /// The registry's address, or a directory with the log's files. By default the configured registry.
    #[arg(value_name = "URL|DIR")]
    pub(crate) place: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  touchstone log monitor --policy policy.txt --state seen.json \\
      --organisation org_... https://registry.example
  touchstone log monitor --policy policy.txt --state seen.json \\
      --code ACME --once https://registry.example
  touchstone log monitor --policy policy.txt --state seen.json \\
      --rules rules.toml https://registry.example

rules.toml, everything in it optional:
  organisations = [\"org_...\"]    # yours: their pictures, codes and keys are
                                 # learned from the log
  codes = [\"ACME\"]               # producer codes that are yours
  keys = [\"64 hex digits\"]       # keys that may use them
  pictures = [\"sha256\"]          # pictures that are yours
  [alerts]
  labels = \"all\"                 # off, own or all; so withdrawals, deletions,
                                 # keys, organisations
  policies = false

Witnesses of the policy that have an address (witness NAME KEY URL) are asked
what they cosigned last: another past, or more than the log shows in three
looks, is a finding. One that does not answer is a notice.
An alert can come twice when the monitor is interrupted, and is never left out.
With --json, each alert is one line {\"alert\", \"log_index\", \"statement\",
\"issuer\", ...}, each finding one line {\"finding\", ...}.

Exit status with --once:
  0  verified, nothing to tell
  1  a file, or standard output, cannot be written: what could not be told is
     told next time
  2  wrong usage: an option, the policy, the rules or the state file
  3  the log cannot be read
  4  the registry refused to give a file of the log
  5  the log is wrong
  6  verified, and at least one alert")]
pub(crate) struct Monitor {
    #[command(flatten)]
    pub(crate) trusted: Trusted,
    /// What was seen so far; made if it is missing. It can be shared with `touchstone log verify`, one after the other: what
    /// that verified, the monitor tells all the same.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// Rules as TOML.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// An organisation that is yours. May be repeated.
    #[arg(long, value_name = "ID", action = ArgAction::Append)]
    pub(crate) organisation: Vec<OrganisationId>,
    /// A producer code or name that is yours. May be repeated.
    #[arg(long, value_name = "CODE", action = ArgAction::Append)]
    pub(crate) code: Vec<String>,
    /// A public key that may use your codes. May be repeated; by default all keys of your organisations.
    #[arg(long, value_name = "HEX", action = ArgAction::Append)]
    pub(crate) own_key: Vec<PublicKey>,
    /// A picture that is yours. May be repeated.
    #[arg(long, value_name = "SHA256", action = ArgAction::Append)]
    pub(crate) picture: Vec<Sha256Digest>,
    /// Learn from entries before this index without telling anything about them.
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    pub(crate) since: u64,
    /// The operator's public key. Unless given, it is the one that the log's second entry states.
    #[arg(long, value_name = "HEX")]
    pub(crate) operator_key: Option<PublicKey>,
    /// Seconds between two looks at the checkpoint.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) interval: u64,
    /// Complain when the newest cosignature on the checkpoint is older. A log that nobody writes to publishes nothing new.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) max_age: Option<u64>,
    /// Look once and end.
    #[arg(long)]
    pub(crate) once: bool,
    /// The registry's address, or a directory with the log's files. By default the configured registry.
    #[arg(value_name = "URL|DIR")]
    pub(crate) place: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyOf {
    /// The registry's address. By default the configured one.
    #[arg(value_name = "URL")]
    pub(crate) place: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  touchstone log answer --sha256 e3b0... --out answer.json
  touchstone log answer --producer ACME --content-id 2026-17 --out answer.json
  touchstone log verify --policy policy.txt --answer answer.json")]
pub(crate) struct Answer {
    /// Digest of a file, or of a file without its C2PA manifest.
    #[arg(long, value_name = "SHA256", required_unless_present = "producer", conflicts_with = "producer")]
    pub(crate) sha256: Option<Sha256Digest>,
    /// Producer of a label.
    #[arg(long, value_name = "CODE", requires = "content_id")]
    pub(crate) producer: Option<String>,
    /// The producer's number of the content.
    #[arg(long, value_name = "ID", requires = "producer")]
    pub(crate) content_id: Option<String>,
    /// Write it here instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  touchstone verify-receipt --policy policy.txt \\
      --envelope stm_X.json stm_X.tlog-proof

Needs no network. It proves that the log holds the statement and who vouches for
that; it proves who made the statement only with --signer.

Exit status:
  0  the receipt proves it
  1  a file cannot be read, or standard output not written
  2  wrong usage: an option or the policy
  5  it proves nothing")]
pub(crate) struct VerifyReceipt {
    #[command(flatten)]
    pub(crate) trusted: Trusted,
    /// The statement's envelope, its exact bytes.
    #[arg(long, value_name = "FILE")]
    pub(crate) envelope: PathBuf,
    /// Public key file of the issuer: its signature is verified, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) signer: Option<PathBuf>,
    /// The receipt (C2SP tlog-proof).
    #[arg(value_name = "RECEIPT")]
    pub(crate) receipt: PathBuf,
}
