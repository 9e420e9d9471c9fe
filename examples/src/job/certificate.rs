//! A signing certificate for C2PA manifests: an end entity under a fresh authority that nobody trusts.

use super::{JobError, file_error};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where chain and key were written.
pub(super) struct SigningFiles {
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
}

fn parameters(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "Inkstone AI");
    params
}

fn pems() -> Result<(String, String), rcgen::Error> {
    let authority_key = KeyPair::generate_for(&PKCS_ED25519)?;
    let mut authority = parameters("Inkstone AI signing authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let issuer = Issuer::from_params(&authority, &authority_key);
    // C2PA wants an end entity that is no authority, names an organisation and may sign documents.
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let mut signer = parameters("Inkstone AI output signer");
    signer.is_ca = IsCa::ExplicitNoCa;
    signer.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    signer.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    signer.use_authority_key_identifier_extension = true;
    Ok((signer.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
}

/// Makes a certificate and its key in `folder`.
pub(super) fn make(folder: &Path) -> Result<SigningFiles, JobError> {
    let (chain_pem, key_pem) = pems().map_err(|e| JobError::Program(format!("certificate: {e}")))?;
    let files = SigningFiles { chain: folder.join("c2pa-chain.pem"), key: folder.join("c2pa-key.pem") };
    fs::write(&files.chain, chain_pem).map_err(file_error(&files.chain))?;
    fs::write(&files.key, key_pem).map_err(file_error(&files.key))?;
    Ok(files)
}
