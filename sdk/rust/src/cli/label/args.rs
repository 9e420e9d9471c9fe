//! The words of `touchstone label`.

use clap::{ArgAction, ArgGroup, Args, ValueEnum, builder::NonEmptyStringValueParser};
use std::path::PathBuf;
use touchstone_schema::label::DigitalSourceType;

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("role").args(["gb45438", "producer", "propagate"]),
    after_help = "Examples:
  AI service, on making a file: name and number it, say what it is
    touchstone label --producer CODE --content-id 'batch7-{stem}' \\
        --source-type trainedAlgorithmicMedia --out labelled/ *.png
  ... and sign the label (SM2) and the file (C2PA)
    touchstone label --producer CODE --content-id 'batch7-{stem}' \\
        --source-type trainedAlgorithmicMedia --sm2-key sm2.pem \\
        --c2pa-cert chain.pem --c2pa-key signer.pem --out labelled/ *.png
  Platform, on spreading files: add its own name and number to labels in them
    touchstone label --propagate --propagator CODE --propagate-id 'n-{stem}' \\
        --out spread/ uploads/*
  ... and label what the uploader declared to be made by AI
    touchstone label --propagate --propagator CODE --propagate-id 'n-{stem}' \\
        --basis declared --out spread/ declared/*
  See first what would be done
    touchstone label --propagate --propagator CODE --propagate-id 'n-{stem}' \\
        --dry-run uploads/*

What stands in a file is never replaced, weakened or removed, and existing files
are never overwritten. A file that has a label gets no second one: a platform
adds to it with --propagate. {stem} in a number stands for the file's name
without its ending. A manifest covers the label, so both are written in one
call; the manifest of an edited or spread file is kept inside the new one.
With --json, each line is {\"file\", \"output\", \"sha256\", \"gb45438\",
\"digital_source_type\", \"c2pa\", \"unchanged\"}."
)]
pub(crate) struct Label {
    /// The implicit label of GB 45438: a JSON file with the keys Label, ContentProducer, ProduceID, ...
    #[arg(long, value_name = "LABEL.json", help_heading = "Producer")]
    pub(crate) gb45438: Option<PathBuf>,
    /// Name or 27-character code of the provider (ContentProducer).
    #[arg(long, value_name = "CODE", requires = "content_id", value_parser = NonEmptyStringValueParser::new(),
          help_heading = "Producer")]
    pub(crate) producer: Option<String>,
    /// The provider's number of the content (ProduceID).
    #[arg(long, value_name = "ID", requires = "producer", value_parser = NonEmptyStringValueParser::new(),
          help_heading = "Producer")]
    pub(crate) content_id: Option<String>,
    /// How sure it is that AI made it (Label).
    #[arg(long, value_enum, requires = "producer", help_heading = "Producer")]
    pub(crate) attribute: Option<Attribute>,
    /// Leave ContentPropagator and PropagateID empty. On first write they repeat the producer's, as Annex E says.
    #[arg(long, requires = "producer", help_heading = "Producer")]
    pub(crate) no_propagator: bool,
    /// Sign the label into ReservedCode1 (TC260 PG-202511A) with this SM2 private key, PEM. To make one:
    /// openssl genpkey -algorithm SM2.
    #[arg(long, value_name = "KEY.pem", conflicts_with = "propagate", help_heading = "Producer")]
    pub(crate) sm2_key: Option<PathBuf>,
    /// What the SM2 key signs: the message as GB/T 32918.2 says, or its SM3 digest, as some producers do.
    #[arg(long, value_enum, requires = "sm2_key", help_heading = "Producer")]
    pub(crate) sm2_form: Option<Form>,
    /// Add a propagator's fields to the label that a file has; the producer's stay as they are. A file without a label
    /// that shows traces of AI gets one, as suspected.
    #[arg(long, requires_all = ["propagator", "propagate_id"], conflicts_with = "source_type",
          help_heading = "Propagator")]
    pub(crate) propagate: bool,
    /// Name or 27-character code of the service that spreads the files (ContentPropagator).
    #[arg(long, value_name = "CODE", requires = "propagate", value_parser = NonEmptyStringValueParser::new(),
          help_heading = "Propagator")]
    pub(crate) propagator: Option<String>,
    /// Its number of the content (PropagateID).
    #[arg(long, value_name = "ID", requires = "propagate", value_parser = NonEmptyStringValueParser::new(),
          help_heading = "Propagator")]
    pub(crate) propagate_id: Option<String>,
    /// Its integrity data (ReservedCode2).
    #[arg(long, value_name = "TEXT", requires = "propagate", help_heading = "Propagator")]
    pub(crate) propagator_integrity: Option<String>,
    /// Why files without a label get one.
    #[arg(long, value_enum, requires = "propagate", help_heading = "Propagator")]
    pub(crate) basis: Option<Basis>,
    /// IPTC digital source type to write, such as trainedAlgorithmicMedia. A C2PA manifest states it too.
    #[arg(long, value_name = "TERM", value_parser = parse_source_type)]
    pub(crate) source_type: Option<DigitalSourceType>,
    /// Name of the system for the manifest; by default the producer or propagator.
    #[arg(long, value_name = "NAME", requires = "c2pa_cert", help_heading = "C2PA manifest")]
    pub(crate) system: Option<String>,
    /// Version of the system.
    #[arg(long, value_name = "VERSION", requires = "c2pa_cert", help_heading = "C2PA manifest")]
    pub(crate) system_version: Option<String>,
    /// Certificates: the signer's first, then intermediates, without the root, PEM.
    #[arg(long, value_name = "CHAIN.pem", requires = "c2pa_key", help_heading = "C2PA manifest")]
    pub(crate) c2pa_cert: Option<PathBuf>,
    /// Private key of the signer, PKCS#8 PEM: Ed25519, P-256 or P-384, as the certificate says.
    #[arg(long, value_name = "KEY.pem", requires = "c2pa_cert", help_heading = "C2PA manifest")]
    pub(crate) c2pa_key: Option<PathBuf>,
    /// The system edited the files: they become the manifest's parents.
    #[arg(long, requires = "c2pa_cert", conflicts_with = "propagate", help_heading = "C2PA manifest")]
    pub(crate) edited: bool,
    /// A picture that was placed in the files. May be repeated.
    #[arg(long, value_name = "FILE", requires = "c2pa_cert", action = ArgAction::Append,
          help_heading = "C2PA manifest")]
    pub(crate) ingredient: Vec<PathBuf>,
    /// Where to write: a folder, or a file name for a single file.
    #[arg(long, value_name = "DIR|FILE", required_unless_present = "dry_run")]
    pub(crate) out: Option<PathBuf>,
    /// Do everything but write: show what each file would get, or why not.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The files: JPEG, PNG or WebP; for the implicit label MP4, M4A and MOV too.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Attribute {
    /// AI made it (属于).
    Confirmed,
    /// A user declared it (可能).
    Possible,
    /// Traces were found (疑似).
    Suspected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Basis {
    /// The uploader declared that AI made them: possible (可能).
    Declared,
    /// A visible label or traces were detected: suspected (疑似).
    Detected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// e = SM3(Z || M).
    Message,
    /// e = SM3(Z || SM3(M)).
    Digest,
}

/// The text is no term of the IPTC digital source types.
#[derive(Debug, thiserror::Error)]
#[error("a term of the IPTC digital source types expected, such as trainedAlgorithmicMedia")]
pub(crate) struct InvalidSourceType;

fn parse_source_type(text: &str) -> Result<DigitalSourceType, InvalidSourceType> {
    DigitalSourceType::parse(text).ok_or(InvalidSourceType)
}
