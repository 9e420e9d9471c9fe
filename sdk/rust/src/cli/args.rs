//! The command line's words: commands, options, help. Knows nothing of what they do.

use super::{
    label::args::Label,
    log::args::{Log, VerifyReceipt},
};
use clap::{
    ArgAction, Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use clap_complete::Shell;
use std::path::PathBuf;
use touchstone_schema::{
    KeyId, OrganisationId, StatementId, Timestamp, TokenId,
    api::Scope,
    record::Tier,
    statement::{Role, View},
};

const EXAMPLES: &str = "\
Examples:
  touchstone keygen --out shop.pem
  touchstone login --url https://registry.example
  touchstone register --key shop.pem --view listing photos/*.jpg
  touchstone check --order-time 2026-11-20T08:00:00Z refund.jpg
  touchstone inspect refund.jpg
  touchstone label --producer ACME --content-id 2026-17 --out labelled/ out.png

Settings: an option comes before its environment variable, which comes before
what `touchstone login` stored.

Exit status:
  0  every file was answered, or the command did what it was asked for
  1  some file failed; the others were answered, the message says what to do
  2  wrong usage: an option, a key file or a setting
  3  the registry cannot be reached, or what answers is no registry
  4  the registry refused
  5  the log is wrong, or a receipt proves nothing (log verify, log monitor,
     verify-receipt, register --receipts, statement receipt)
  6  an alert was raised (log monitor --once)
  7  an answer counts entries that are not published yet (log verify --answer)";

/// Columns of every page, whatever the terminal's: no example that people copy may be broken where that is narrow.
pub(crate) const PAGE_WIDTH: usize = 80;

/// Register pictures and AI outputs, check photos, read what a file tells about itself.
#[derive(Debug, Parser)]
#[command(name = "touchstone", version, after_help = EXAMPLES, propagate_version = true, term_width = PAGE_WIDTH, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Address of the registry.
    #[arg(long, global = true, env = "TOUCHSTONE_URL", value_name = "URL", help_heading = "Global options")]
    pub(crate) url: Option<String>,
    /// API token. Rather use the variable or `touchstone login`: other users can see options.
    #[arg(
        long,
        global = true,
        env = "TOUCHSTONE_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        help_heading = "Global options"
    )]
    pub(crate) token: Option<String>,
    /// Private key file that signs statements: see `touchstone keygen`.
    #[arg(long, global = true, env = "TOUCHSTONE_KEY", value_name = "FILE", help_heading = "Global options")]
    pub(crate) key: Option<PathBuf>,
    /// Print JSON: one object for each file or answer, each on one line. That of a file that failed has an "error" with
    /// "code", "title" and "remedy", a "statement" if one stands in the log all the same, and "tried": false if the run
    /// ended before its answer.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// Language of what people read. By default as LC_ALL or LANG say.
    #[arg(long, global = true, value_name = "LANG", help_heading = "Global options")]
    pub(crate) lang: Option<Language>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    En,
    Zh,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a signing key: FILE (private, mode 0600) and FILE.pub.
    Keygen(Keygen),
    /// Store the registry's address and a token.
    Login(Login),
    /// Forget the stored address and token.
    Logout,
    /// Sign and register pictures or AI outputs.
    Register(Register),
    /// Write AI labels into copies of files.
    Label(Label),
    /// Ask the registry about photos.
    Check(Check),
    /// Show what files tell about themselves: digests, fingerprints, labels, C2PA. Needs no registry.
    Inspect(Inspect),
    /// Look at statements in the log.
    #[command(subcommand)]
    Statement(StatementCommand),
    /// Verify and follow the registry's log.
    #[command(subcommand)]
    Log(Box<Log>),
    /// Verify offline that the log holds a statement.
    VerifyReceipt(VerifyReceipt),
    /// Manage organisations, keys, codes, tokens and users.
    #[command(subcommand)]
    Admin(Admin),
    /// Show the registry's name, keys and log size.
    Registry,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

impl Command {
    /// The files of a command that has an answer for each.
    pub(crate) fn files(&self) -> &[PathBuf] {
        match self {
            Self::Register(Register { files, .. })
            | Self::Label(Label { files, .. })
            | Self::Check(Check { files, .. })
            | Self::Inspect(Inspect { files, .. }) => files,
            _ => &[],
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  touchstone keygen --out shop.pem
  touchstone keygen --recovery --out recovery.pem   # keep this one offline

Give FILE.pub to the operator of the registry. Keys are never overwritten.")]
pub(crate) struct Keygen {
    /// Where to write the private key.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Make the recovery key, which replaces or revokes the signing key. It belongs on no server.
    #[arg(long)]
    pub(crate) recovery: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  touchstone login --url https://registry.example
  touchstone login --url https://registry.example --user ann
  printf '%s\\n' \"$SECRET\" | touchstone login --url https://registry.example

Asks for the token, or with --user for the password. Without a terminal, it is
the first line of the input.")]
pub(crate) struct Login {
    /// Sign in with this name and a password instead of a token.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  touchstone register --key shop.pem --view listing photos/*.jpg
  touchstone register --key shop.pem --view packing --product SKU-17 packed.jpg
  touchstone register --key shop.pem --no-pixels photos/*.jpg  # sends no photo
  touchstone register --key ai.pem --output --label label.json out.png

The statement is public: put no order number and nothing personal into
--product.
With --json, each line is {\"file\", \"statement\", \"log_index\", \"accepted_at\",
\"duplicate\", \"observed_at_index\", \"searchable\", \"receipt\"}.")]
pub(crate) struct Register {
    /// Where the pictures belong in a sale.
    #[arg(long, value_name = "VIEW", value_parser = named(VIEWS), default_value = "listing",
          conflicts_with = "output")]
    pub(crate) view: View,
    /// Product reference. Public.
    #[arg(long, value_name = "TEXT", conflicts_with = "output")]
    pub(crate) product: Option<String>,
    /// Register outputs of an AI system; needs --label.
    #[arg(long, requires = "label")]
    pub(crate) output: bool,
    /// The outputs' label: a JSON file of the form OutputLabel.
    #[arg(long, value_name = "LABEL.json", requires = "output")]
    pub(crate) label: Option<PathBuf>,
    /// Register outputs although a file's own label names another producer or number: it was made from a labelled
    /// picture and keeps that picture's label. Without this, such a file is refused.
    #[arg(long, requires = "output")]
    pub(crate) other_label: bool,
    /// A picture that the outputs were made from: a file or a SHA-256. May be repeated.
    #[arg(long, value_name = "FILE|SHA256", requires = "output", action = ArgAction::Append)]
    pub(crate) parent: Vec<String>,
    /// What the registry keeps of each picture: codes (found again, no alterations shown), sketch (192 pixels), detail
    /// (1,024 pixels, shows thin cracks). Unless given, detail for listing pictures and sketch for others.
    #[arg(long, value_name = "TIER", hide_possible_values = true,
          value_parser = named([Tier::Codes, Tier::Sketch, Tier::Detail].map(|tier| (tier, tier.name()))))]
    pub(crate) reference: Option<Tier>,
    /// Keep each statement and its receipt in this folder: ID.json and ID.tlog-proof.
    #[arg(long, value_name = "DIR")]
    pub(crate) receipts: Option<PathBuf>,
    /// Policy file that receipts must satisfy before they are kept: see `touchstone log policy`. Unless given, the log's
    /// key is the one that the registry states.
    #[arg(long, env = "TOUCHSTONE_POLICY", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Send fingerprints computed here instead of the pixels. The registry then cannot confirm them.
    #[arg(long)]
    pub(crate) no_pixels: bool,
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  touchstone check refund.jpg
  touchstone check --order-time 2026-11-20T08:00:00Z \\
      --claim-time 2026-11-25T10:00:00+08:00 claims/*.jpg
  touchstone check --overlay seen/ refund.jpg  # pictures of what was altered

A verdict says what is known about the picture, never what a person did. Times
decide whether a registration counts: only what was registered before the order
(or before dispatch) does.
With --json, each line is {\"file\", \"check\", \"conclusion\", \"recommendation\",
\"match\", \"alterations\", \"overlays\", \"findings\", \"reason\", \"limits\",
\"milliseconds\"}.")]
pub(crate) struct Check {
    /// When the order was placed (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(crate) order_time: Option<Timestamp>,
    /// When the parcel was handed over.
    #[arg(long, value_name = "TIME")]
    pub(crate) dispatch_time: Option<Timestamp>,
    /// When the claim was made.
    #[arg(long, value_name = "TIME")]
    pub(crate) claim_time: Option<Timestamp>,
    /// The product, in the seller's words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) product: Option<String>,
    /// The seller, as the platform names it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) seller: Option<String>,
    /// The platform's own reference of the claim. Nothing personal.
    #[arg(long, value_name = "TEXT")]
    pub(crate) claim: Option<String>,
    /// Folder for pictures of the altered and overlaid regions, NAME.mask.png and NAME.overlay.png; a second photo of one
    /// name gets NAME-2, and so on.
    #[arg(long, value_name = "DIR")]
    pub(crate) overlay: Option<PathBuf>,
    /// The photos.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  touchstone inspect photo.jpg
  touchstone inspect --c2pa-trust-list C2PA-TRUST-LIST.pem --json claims/*.jpg

Nothing is sent anywhere, and nothing that stands in a file is fetched. Each
label is shown with its level (unsigned, signed, verified), the place where it
stands, its fields, and a line for each departure from its standard. Of videos,
sounds and PDF documents, which are not decoded, the labels are shown. That no
label is found never means that a person made the picture.")]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) trust: Trust,
    /// Show no picture, even where the terminal can.
    #[arg(long)]
    pub(crate) no_thumbnail: bool,
    /// The files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Whom to trust. Without lists a signature shows that a file was not changed, and no more.
#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// SM2 keys of producers of AI labels, JSON or PEM: a label signed with one of them is verified.
    #[arg(long, env = "TOUCHSTONE_PRODUCER_KEYS", value_name = "FILE")]
    pub(crate) producer_keys: Option<PathBuf>,
    /// The C2PA trust list, as PEM.
    #[cfg(feature = "c2pa")]
    #[arg(long, value_name = "FILE")]
    pub(crate) c2pa_trust_list: Option<PathBuf>,
    /// The frozen interim list, as PEM.
    #[cfg(feature = "c2pa")]
    #[arg(long, value_name = "FILE")]
    pub(crate) c2pa_interim_list: Option<PathBuf>,
    /// Certificates of a registry's own registrants, as PEM.
    #[cfg(feature = "c2pa")]
    #[arg(long, value_name = "FILE")]
    pub(crate) c2pa_registrants: Option<PathBuf>,
    /// The C2PA list of time-stamp authorities, as PEM. Without it every signature is judged now.
    #[cfg(feature = "c2pa")]
    #[arg(long, value_name = "FILE")]
    pub(crate) c2pa_time_stamp_list: Option<PathBuf>,
    /// Certificates of persons and organisations in CAWG identity assertions, as PEM.
    #[cfg(feature = "c2pa")]
    #[arg(long, value_name = "FILE")]
    pub(crate) c2pa_identities: Option<PathBuf>,
    /// Decentralised identifier of an aggregator whose CAWG identity credentials are trusted. May be repeated.
    #[cfg(feature = "c2pa")]
    #[arg(long, value_name = "DID", action = ArgAction::Append)]
    pub(crate) c2pa_identity_aggregator: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StatementCommand {
    /// Show a statement as the log holds it.
    Show {
        /// Its identifier.
        id: StatementId,
    },
    /// Fetch the receipt: the proof that the log holds the statement. Waits until there is one, and gives it only if it
    /// proves that.
    Receipt {
        /// Its identifier.
        id: StatementId,
        /// Policy file that it must satisfy: see `touchstone log policy`. Unless given, the log's key is the one that the
        /// registry states.
        #[arg(long, env = "TOUCHSTONE_POLICY", value_name = "FILE")]
        policy: Option<PathBuf>,
        /// Write it here instead of printing it.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Fetch the exact envelope: what a receipt is verified with.
    Envelope {
        /// Its identifier.
        id: StatementId,
        /// Write it here instead of printing it.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Upload the file of a statement whose upload failed.
    Upload {
        /// Its identifier.
        id: StatementId,
        /// The file that was registered.
        file: PathBuf,
    },
    /// Delete the fingerprints, the reference picture and the file name that belong to a statement. The statement stays,
    /// and the very file is still recognised by its digest in the log.
    DeleteRecord {
        /// Its identifier.
        id: StatementId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Admit, list, show and suspend organisations (operator).
    #[command(subcommand)]
    Organisation(OrganisationCommand),
    /// Add and revoke keys (operator).
    #[command(subcommand)]
    Key(KeyCommand),
    /// Bind provider codes of GB 45438 (operator).
    #[command(subcommand)]
    Code(CodeCommand),
    /// Make, list and revoke tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Make console users.
    #[command(subcommand)]
    User(UserCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrganisationCommand {
    /// Admit an organisation. Prints its first token, once.
    #[command(after_help = "Example:
  touchstone admin organisation create --name 'Tea House' --role merchant \\
      --public-key shop.pem.pub --json

With --key, the private half of the public key also signs a proof that the
applicant holds it.
With --json, the line is {\"organisation\", \"token\", \"key\", \"log_index\"}.")]
    Create(CreateOrganisation),
    /// List all organisations.
    List,
    /// Show one organisation.
    Show {
        /// Its identifier.
        organisation: OrganisationId,
    },
    /// Suspend an organisation: from now on its statements are refused.
    Suspend {
        /// Its identifier.
        organisation: OrganisationId,
        /// Why. Public.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateOrganisation {
    /// Public name, unique in the registry.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// What it may do.
    #[arg(long, value_name = "ROLE", value_parser = named(
          [Role::Merchant, Role::AiVendor, Role::Platform, Role::Regulator].map(|role| (role, role.name()))))]
    pub(crate) role: Role,
    /// Its public key: FILE.pub of `touchstone keygen`.
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: PathBuf,
    /// Its public recovery key.
    #[arg(long, value_name = "FILE")]
    pub(crate) recovery_key: Option<PathBuf>,
    /// A provider code that belongs to it. May be repeated.
    #[arg(long, value_name = "CODE", action = ArgAction::Append)]
    pub(crate) provider_code: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Add a key to an organisation.
    Add {
        /// The organisation.
        organisation: OrganisationId,
        /// The public key file.
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
    },
    /// Revoke a key.
    Revoke {
        /// The organisation.
        organisation: OrganisationId,
        /// The key's identifier.
        key_id: KeyId,
        /// Why. Public.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Entries from this log index on may be forged.
        #[arg(long, value_name = "INDEX")]
        suspect_from_index: Option<u64>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CodeCommand {
    /// Bind a provider code to an organisation.
    Bind {
        /// The organisation.
        organisation: OrganisationId,
        /// The code, as it stands in ContentProducer.
        code: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token. It is printed once.
    Create {
        /// For whom; needed by the operator alone.
        #[arg(long, value_name = "ID")]
        organisation: Option<OrganisationId>,
        /// What it allows. May be repeated.
        #[arg(long, value_name = "SCOPE", required = true, value_parser = named(Scope::ALL), action = ArgAction::Append,
              value_delimiter = ',')]
        scope: Vec<Scope>,
        /// Days until it expires, 1 to 3650.
        #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        /// A name to recognise it by.
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// List the organisation's tokens, without their secrets.
    List,
    /// Revoke a token.
    Revoke {
        /// Its identifier.
        id: TokenId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a console user. Asks for the password, or reads it from the first line of the input.
    Create {
        /// Sign-in name, 3 to 64 of a-z 0-9 . _ - @.
        #[arg(long, value_name = "NAME")]
        name: String,
    },
}

const VIEWS: [(View, &str); 3] =
    [(View::Listing, "listing"), (View::Packing, "packing"), (View::Shipping, "shipping")];

/// A value that is given by its name. The parser knows the names, so that errors and completions list them.
fn named<T, const N: usize>(all: [(T, &'static str); N]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.map(|(_, name)| name)).try_map(move |given| {
        all.iter().find(|(_, name)| *name == given).map(|(value, _)| *value).ok_or("no such value")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        let words = "touchstone --url http://a --token t register --view packing --json --key k x.jpg y.jpg";
        let cli = Cli::try_parse_from(words.split(' ')).unwrap();
        assert!(cli.global.json);
        assert_eq!(cli.global.key.as_deref(), Some("k".as_ref()));
        let Command::Register(register) = cli.command else { panic!() };
        assert_eq!((register.view, register.files.len()), (View::Packing, 2));
        let cli = Cli::try_parse_from("touchstone check x.jpg --url http://a --json".split(' ')).unwrap();
        assert_eq!(cli.global.url.as_deref(), Some("http://a"));
    }

    #[test]
    fn outputs_need_a_label_and_have_no_view() {
        let parse = |words: &str| Cli::try_parse_from(words.split(' '));
        assert!(parse("touchstone register --output x.png").is_err());
        assert!(parse("touchstone register --label l.json x.png").is_err());
        assert!(parse("touchstone register --output --label l.json --view listing x.png").is_err());
        assert!(parse("touchstone register --output --label l.json x.png").is_ok());
        assert!(parse("touchstone register --reference sketch x.png").is_ok());
        let wrong = parse("touchstone register --view front x.png").unwrap_err().to_string();
        assert!(wrong.contains("[possible values: listing, packing, shipping]"), "{wrong}");
        assert!(parse("touchstone label --producer P --out o x.png").is_err());
        assert!(parse("touchstone check --order-time yesterday x.png").is_err());
    }
}
