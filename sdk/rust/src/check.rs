//! Checking photo files: ask, then hold the answer to its signature.

use crate::{
    client::{Client, ClientError},
    files::{self, FileError, MAX_PICTURE_BYTES},
    verify::{self, VerifyError},
};
use std::path::Path;
use touchstone_schema::{Sha256Digest, api::CheckResult, key::PublicKey, verdict::Context};

/// Why a photo got no verdict.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The registry gave no answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The verdict is not signed by the registry's key.
    #[error("the verdict does not verify: {0}")]
    Signature(#[from] VerifyError),
    /// The verdict that was shown is not the one that was signed, or is about something else.
    #[error("the answer is not the signed verdict on this photo and claim")]
    Mismatch,
}

/// Checks the photo at `path`. With `verdict_key`, an answer that this key did not sign is refused.
///
/// # Errors
/// [`CheckError`].
pub fn check_file(
    client: &Client,
    path: &Path,
    context: &Context,
    verdict_key: Option<&PublicKey>,
) -> Result<CheckResult, CheckError> {
    let photo = files::read(path, MAX_PICTURE_BYTES)?;
    check(client, &photo, context, verdict_key)
}

/// Checks the photo in `bytes`: see [`check_file`].
///
/// # Errors
/// [`CheckError`].
pub fn check(
    client: &Client,
    bytes: &[u8],
    context: &Context,
    verdict_key: Option<&PublicKey>,
) -> Result<CheckResult, CheckError> {
    let result = client.check(bytes, context)?;
    if let Some(key) = verdict_key {
        hold_to_signature(&result, key)?;
    }
    hold_to_question(&result, bytes, context)?;
    Ok(result)
}

/// The verdict must be about these bytes and this claim: an old one of another photo proves nothing.
///
/// # Errors
/// [`CheckError::Mismatch`].
pub fn hold_to_question(result: &CheckResult, bytes: &[u8], context: &Context) -> Result<(), CheckError> {
    let same =
        result.verdict.photo.sha256 == Some(Sha256Digest::of(bytes)) && result.verdict.context == *context;
    if same { Ok(()) } else { Err(CheckError::Mismatch) }
}

/// The verdict that is shown must be the one that `key` signed.
///
/// # Errors
/// [`CheckError::Signature`] or [`CheckError::Mismatch`].
pub fn hold_to_signature(result: &CheckResult, key: &PublicKey) -> Result<(), CheckError> {
    let signed = verify::verdict(result.envelope.as_bytes(), key)?;
    if signed == result.verdict && signed.check == result.id { Ok(()) } else { Err(CheckError::Mismatch) }
}
