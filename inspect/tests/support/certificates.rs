//! Certificates for tests: a CA and signers under it, made anew in every run.
//!
//! They follow the C2PA certificate profile: the signer is no CA, may sign (`digitalSignature`), has an
//! authority key identifier, an organisation in its subject, and an extended key usage for C2PA.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ED25519, date_time_ymd,
};

/// Extended key usages under which a signer may be certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// `id-kp-emailProtection`.
    EmailProtection,
    /// `id-kp-documentSigning`.
    DocumentSigning,
    /// `c2pa-kp-claimSigning`, as on the C2PA trust list.
    ClaimSigning,
    /// `id-kp-serverAuth`, which is not allowed.
    ServerAuth,
}

/// A root CA.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A signer's chain and key as PEM text.
pub struct Identity {
    /// The signer's certificate alone: its issuer is a root.
    pub chain_pem: String,
    /// PKCS #8.
    pub key_pkcs8_pem: String,
}

impl Authority {
    /// A new root with an Ed25519 key.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, format!("{name} authority"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2024, 1, 1);
        params.not_after = date_time_ymd(2099, 1, 1);
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("root certificate") }
    }

    /// The root's certificate, to be trusted.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A signer with the usual extended key usage.
    pub fn signer(&self, organisation: &str) -> Identity {
        self.signer_for(organisation, Usage::EmailProtection, 2099)
    }

    /// A signer with this extended key usage, whose certificate ends with the year before `end`.
    pub fn signer_for(&self, organisation: &str, usage: Usage, end: i32) -> Identity {
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("key");
        let certificate = signer_params(organisation, usage, end)
            .signed_by(&key, &self.issuer)
            .expect("signer's certificate");
        Identity { chain_pem: certificate.pem(), key_pkcs8_pem: key.serialize_pem() }
    }

    /// A signer under this root, and another one that the first has certified although it is no CA.
    pub fn signer_and_its_client(&self, organisation: &str, client: &str) -> (Identity, Identity) {
        let params = signer_params(organisation, Usage::EmailProtection, 2099);
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signer's certificate");
        let first = Identity { chain_pem: certificate.pem(), key_pkcs8_pem: key.serialize_pem() };
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("key");
        let second = signer_params(client, Usage::EmailProtection, 2099)
            .signed_by(&key, &issuer)
            .expect("client's certificate");
        let chain_pem = [second.pem(), first.chain_pem.clone()].concat();
        (first, Identity { chain_pem, key_pkcs8_pem: key.serialize_pem() })
    }
}

fn signer_params(organisation: &str, usage: Usage, end: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("{organisation} signer"));
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![match usage {
        Usage::EmailProtection => ExtendedKeyUsagePurpose::EmailProtection,
        Usage::DocumentSigning => ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36]),
        Usage::ClaimSigning => ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 62558, 2, 1]),
        Usage::ServerAuth => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(end, 1, 1);
    params
}
