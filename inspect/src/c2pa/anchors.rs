//! Lists of trusted certificates: what is in one, and whether it can be used.

use super::report::cut;
use data_encoding::BASE64;
use touchstone_schema::Sha256Digest;
use touchstone_schema::time::Timestamp;
use x509_parser::pem::Pem;

/// A list of certificates, read from PEM text.
///
/// A certificate authority in it vouches for the certificates that it issues. Any other certificate is *pinned*:
/// it vouches for itself and for nothing that it issues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorList {
    /// SHA-256 of the list as it was given.
    pub sha256: Sha256Digest,
    /// The certificates, in the list's order; never empty.
    pub certificates: Vec<AnchorCertificate>,
}

/// A certificate of an [`AnchorList`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorCertificate {
    /// Distinguished name of the subject.
    pub subject: String,
    /// When its validity ends.
    pub ends: Timestamp,
    /// Whether it may issue certificates. False: it is pinned.
    pub is_authority: bool,
    /// SHA-256 of the certificate in DER form.
    pub sha256: Sha256Digest,
    der: Vec<u8>,
}

/// The text is no list of certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorListError {
    /// Not PEM, which is ASCII text.
    #[error("it is not text")]
    NotText,
    /// A PEM block is broken or is not a certificate.
    #[error("PEM block {block}: {reason}")]
    Block {
        /// Number of the block, from 1.
        block: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no PEM block.
    #[error("it holds no certificate")]
    Empty,
}

impl AnchorList {
    /// Reads a list. Every block of it must be a certificate: one that is skipped silently would be missed only
    /// when somebody is not trusted who should be.
    ///
    /// # Errors
    /// [`AnchorListError`] says which block cannot be used.
    pub fn read(pem: &[u8]) -> Result<Self, AnchorListError> {
        std::str::from_utf8(pem).map_err(|_| AnchorListError::NotText)?;
        let mut certificates = Vec::new();
        for (index, block) in Pem::iter_from_buffer(pem).enumerate() {
            let refuse = |reason: String| AnchorListError::Block { block: index + 1, reason };
            let block = block.map_err(|error| refuse(error.to_string()))?;
            if block.label != "CERTIFICATE" {
                return Err(refuse(format!("it is a {}", block.label)));
            }
            let certificate = block.parse_x509().map_err(|error| refuse(error.to_string()))?;
            certificates.push(AnchorCertificate {
                subject: cut(&certificate.subject().to_string()),
                // Held within the times that can be written: 1970 to 9999.
                ends: Timestamp::EPOCH.saturating_add_seconds(certificate.validity().not_after.timestamp()),
                is_authority: certificate.is_ca(),
                sha256: Sha256Digest::of(&block.contents),
                der: block.contents.clone(),
            });
        }
        if certificates.is_empty() {
            return Err(AnchorListError::Empty);
        }
        Ok(Self { sha256: Sha256Digest::of(pem), certificates })
    }

    /// When the first certificate of the list ends.
    #[must_use]
    pub fn soonest_end(&self) -> Option<Timestamp> {
        self.certificates.iter().map(|certificate| certificate.ends).min()
    }

    /// How many certificates have ended by `now`. An authority that has ended still vouches for what was signed
    /// before; a list in which many have ended is an old one.
    #[must_use]
    pub fn ended(&self, now: Timestamp) -> usize {
        self.certificates.iter().filter(|certificate| certificate.ends < now).count()
    }

    /// PEM text of the authorities, or of the pinned certificates.
    pub(super) fn pem(&self, authorities: bool) -> String {
        let mut text = String::new();
        for certificate in self.certificates.iter().filter(|c| c.is_authority == authorities) {
            text.push_str("-----BEGIN CERTIFICATE-----\n");
            let encoded = BASE64.encode(&certificate.der);
            for (index, letter) in encoded.chars().enumerate() {
                if index > 0 && index % 64 == 0 {
                    text.push('\n');
                }
                text.push(letter);
            }
            text.push_str("\n-----END CERTIFICATE-----\n");
        }
        text
    }

    /// Digests of the pinned certificates.
    pub(super) fn pinned(&self) -> impl Iterator<Item = Sha256Digest> {
        self.certificates.iter().filter(|certificate| !certificate.is_authority).map(|c| c.sha256)
    }
}
