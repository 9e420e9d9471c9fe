//! Signed notes and verifier keys (C2SP signed-note).
//!
//! A note's text means nothing until a trusted key has been found to vouch for it.

use super::{cosignature, text::LineError};
use crate::{Sha256Digest, base64, key::PublicKey};
use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signer, SigningKey};
use std::{fmt, str::FromStr};

/// Longest note in bytes: room for [`MAX_SIGNATURES`] signatures of post-quantum size.
pub const MAX_NOTE_BYTES: usize = 1 << 19;
/// Most signatures on a note. The specification wants at least 16 to be accepted.
pub const MAX_SIGNATURES: usize = 64;
/// An em dash and a space open each signature line.
const SIGNATURE_PREFIX: &str = "— ";
const SIGNATURE_LINE: &str = "a signature line: — name base64(key ID ‖ signature)";

/// What a key signs, and how: the signature type of signed notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Type 01: Ed25519 over the note text.
    Ed25519,
    /// Type 04: Ed25519 over a time and the note text (C2SP tlog-cosignature, `cosignature/v1`).
    CosignatureV1,
}

impl KeyKind {
    /// The signature type identifier byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            _ => None,
        }
    }
}

/// A name, a public key and what it signs. Text form: `name+hex(key ID)+base64(type ‖ key)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    key_id: [u8; 4],
    kind: KeyKind,
    public_key: PublicKey,
}

/// Why a verifier key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    /// Not three parts in their canonical form.
    #[error("a verifier key is written name+hex(key ID)+base64(type and key)")]
    Form,
    /// Empty, or with a space, a plus or a control character.
    #[error("the key name {0:?} is empty or has a space, a plus or a control character")]
    Name(String),
    /// A signature type that is not supported here.
    #[error("keys of signature type {0:#04x} are not supported; known are 0x01 and 0x04")]
    UnknownType(u8),
    /// The bytes are not a usable Ed25519 public key.
    #[error("the verifier key holds no usable Ed25519 public key")]
    PublicKey,
    /// The key ID is not that of name and key.
    #[error("the key ID is {found}; name and key make it {expected}")]
    KeyId {
        /// What name and key make it, hexadecimal.
        expected: String,
        /// What was written, hexadecimal.
        found: String,
    },
}

impl VerifierKey {
    /// A key that signs note texts: the key of a log.
    ///
    /// # Errors
    /// [`VerifierKeyError::Name`] if no note could carry the name.
    pub fn ed25519(name: &str, public_key: PublicKey) -> Result<Self, VerifierKeyError> {
        Self::new(name, KeyKind::Ed25519, public_key)
    }

    /// A key that cosigns checkpoints: the key of a witness.
    ///
    /// # Errors
    /// [`VerifierKeyError::Name`] if no note could carry the name.
    pub fn cosigner(name: &str, public_key: PublicKey) -> Result<Self, VerifierKeyError> {
        Self::new(name, KeyKind::CosignatureV1, public_key)
    }

    fn new(name: &str, kind: KeyKind, public_key: PublicKey) -> Result<Self, VerifierKeyError> {
        if !is_key_name(name) {
            return Err(VerifierKeyError::Name(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), key_id: key_id(name, kind, &public_key), kind, public_key })
    }

    /// The name that stands in signature lines.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256(name ‖ 0A ‖ type ‖ key).
    #[must_use]
    pub const fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// What the key signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key itself.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Whether `signature` names this key. It says nothing about the signature's truth.
    #[must_use]
    pub fn is_named_by(&self, signature: &NoteSignature) -> bool {
        signature.key_id == self.key_id && signature.name == self.name
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&verifier_key_text(&self.name, self.kind, &self.public_key))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        // Base64 may hold a plus; names and hexadecimal digits may not.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(typed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Form);
        };
        let id = HEXLOWER.decode(id.as_bytes()).map_err(|_| VerifierKeyError::Form)?;
        let id: [u8; 4] = id.try_into().map_err(|_| VerifierKeyError::Form)?;
        let typed = base64::decode(typed).ok_or(VerifierKeyError::Form)?;
        let (kind, key) = typed.split_first().ok_or(VerifierKeyError::Form)?;
        let kind = KeyKind::from_byte(*kind).ok_or(VerifierKeyError::UnknownType(*kind))?;
        let key = key.try_into().map_err(|_| VerifierKeyError::PublicKey)?;
        let key = PublicKey::from_bytes(key).map_err(|_| VerifierKeyError::PublicKey)?;
        let key = Self::new(name, kind, key)?;
        if key.key_id == id {
            Ok(key)
        } else {
            let expected = HEXLOWER.encode(&key.key_id);
            Err(VerifierKeyError::KeyId { expected, found: HEXLOWER.encode(&id) })
        }
    }
}

/// The text of a verifier key, whatever the name.
pub(crate) fn verifier_key_text(name: &str, kind: KeyKind, key: &PublicKey) -> String {
    let id = HEXLOWER.encode(&key_id(name, kind, key));
    format!("{name}+{id}+{}", BASE64.encode(&typed(kind, key)))
}

pub(super) fn key_id(name: &str, kind: KeyKind, key: &PublicKey) -> [u8; 4] {
    let [a, b, c, d, ..] = Sha256Digest::of_parts(&[name.as_bytes(), b"\n", &typed(kind, key)]).0;
    [a, b, c, d]
}

fn typed(kind: KeyKind, key: &PublicKey) -> [u8; 33] {
    let mut typed = [kind.byte(); 33];
    typed[1..].copy_from_slice(key.as_bytes());
    typed
}

/// Not empty, no Unicode space, no plus, no control character.
fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c < ' ')
}

/// One signature of a note. Its text form is the signature line without the newline.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// ID of the key.
    pub key_id: [u8; 4],
    /// What the key made, in the form of its signature type. Never empty.
    pub signature: Vec<u8>,
}

impl NoteSignature {
    fn is_valid(&self) -> bool {
        is_key_name(&self.name) && !self.signature.is_empty()
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, blob) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        let blob = base64::decode(blob)?;
        let (key_id, signature) = blob.split_first_chunk()?;
        Some(Self { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
            .filter(Self::is_valid)
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [self.key_id.as_slice(), &self.signature].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, BASE64.encode(&blob))
    }
}

/// Reads signature lines: the end of a note, or a witness's answer (C2SP tlog-witness). `first` is the number of the
/// first line.
pub(super) fn parse_signatures(lines: &str, first: usize) -> Result<Vec<NoteSignature>, NoteError> {
    let mut signatures = Vec::new();
    for (number, line) in (first..).zip(lines.split_inclusive('\n')) {
        let malformed = LineError { line: number, expected: SIGNATURE_LINE };
        if signatures.len() == MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        signatures.push(line.strip_suffix('\n').and_then(NoteSignature::parse).ok_or(malformed)?);
    }
    if signatures.is_empty() { Err(NoteError::Unsigned) } else { Ok(signatures) }
}

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("the note has {0} bytes; at most {MAX_NOTE_BYTES} are accepted")]
    TooLong(usize),
    /// Not UTF-8, or with a control character that is no newline.
    #[error("a note is UTF-8 without control characters other than newlines")]
    Characters,
    /// The text is empty or does not end in a newline.
    #[error("a note's text ends in a newline")]
    Text,
    /// No empty line, or nothing after it.
    #[error("the note has no signature lines after an empty line")]
    Unsigned,
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A signature line is malformed.
    #[error(transparent)]
    Line(#[from] LineError),
    /// A signature cannot stand in a note.
    #[error("a signature named {0:?} cannot stand in a note: the name or the signature is malformed")]
    Signature(String),
}

/// Why a key does not vouch for a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature names the key.
    #[error("the key has not signed the note")]
    Missing,
    /// A signature names the key and is not its own. Such a note deserves no trust at all.
    #[error("a signature that names the key is not valid")]
    Invalid,
}

/// A text and its signatures, one at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// A note with its first signature.
    ///
    /// # Errors
    /// [`NoteError`] if the text does not end in a newline, or text or signature cannot stand in a note.
    pub fn new(text: &str, signature: NoteSignature) -> Result<Self, NoteError> {
        check_characters(text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::Text);
        }
        Self { text: text.to_owned(), signatures: Vec::new() }.with_signature(signature)
    }

    /// Reads a note in its one canonical form. Nothing is verified.
    ///
    /// # Errors
    /// [`NoteError`] if it is malformed or beyond the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let note = str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        check_characters(note)?;
        // The text may have empty lines; signatures follow the last one.
        let end = note.rfind("\n\n").ok_or(NoteError::Unsigned)? + 1;
        let (text, rest) = note.split_at(end);
        let first = text.matches('\n').count() + 2;
        let signatures = parse_signatures(&rest[1..], first)?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The exact bytes of the note.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// The text with its final newline: what is signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures in order, those of unknown keys too.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature, in place of an earlier one that names the same key.
    ///
    /// # Errors
    /// [`NoteError`] if it cannot stand in a note, or the note is full.
    pub fn with_signature(mut self, signature: NoteSignature) -> Result<Self, NoteError> {
        if !signature.is_valid() {
            return Err(NoteError::Signature(signature.name));
        }
        let same =
            |other: &&mut NoteSignature| other.key_id == signature.key_id && other.name == signature.name;
        if let Some(earlier) = self.signatures.iter_mut().find(same) {
            *earlier = signature;
        } else if self.signatures.len() == MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        } else {
            self.signatures.push(signature);
        }
        Ok(self)
    }

    /// Whether `key` vouches for the text, by the strict rules of [`PublicKey::verifies`]: at least one signature
    /// names it, and all that do are valid. For a cosigner this gives its earliest time in seconds since 1970.
    ///
    /// # Errors
    /// [`SignatureError`] if it does not.
    pub fn verify(&self, key: &VerifierKey) -> Result<Option<u64>, SignatureError> {
        let mut outcome = Err(SignatureError::Missing);
        for signature in self.signatures.iter().filter(|signature| key.is_named_by(signature)) {
            let time = match key.kind {
                KeyKind::Ed25519 => verify_text(&self.text, signature, key).then_some(None),
                KeyKind::CosignatureV1 => {
                    cosignature::verify_cosignature(&self.text, signature, key).map(Some)
                }
            };
            let time = time.ok_or(SignatureError::Invalid)?;
            outcome = Ok(outcome.map_or(time, |earlier: Option<u64>| earlier.min(time)));
        }
        outcome
    }

    /// Whether [`Self::verify`] succeeds.
    #[must_use]
    pub fn verified_by(&self, key: &VerifierKey) -> bool {
        self.verify(key).is_ok()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// Signs a note text with a key of type 01. The text ends in a newline.
#[must_use]
pub fn sign(text: &str, name: &str, key: &SigningKey) -> NoteSignature {
    NoteSignature {
        name: name.to_owned(),
        key_id: key_id(name, KeyKind::Ed25519, &key.into()),
        signature: key.sign(text.as_bytes()).to_bytes().to_vec(),
    }
}

fn verify_text(text: &str, signature: &NoteSignature, key: &VerifierKey) -> bool {
    let blob = signature.signature.as_slice().try_into();
    blob.is_ok_and(|blob| key.public_key.verifies(text.as_bytes(), blob))
}

pub(super) fn check_characters(text: &str) -> Result<(), NoteError> {
    let control = text.bytes().any(|byte| byte < b' ' && byte != b'\n');
    if control { Err(NoteError::Characters) } else { Ok(()) }
}
