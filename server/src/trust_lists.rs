//! Trust lists in the data directory: what is in one, and how the operator puts a new one in the place of the old.
//!
//! A list changes only by the operator's command, never by anything that is uploaded, and never over the network: he
//! fetches it in the way that he trusts. A list that is not there is not emulated; the server says which it has.

use crate::config::{ConfigError, read_file};
use clap::ValueEnum;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};
use touchstone_inspect::c2pa::{AnchorList, AnchorListError, TrustAnchors};
use touchstone_schema::Timestamp;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Set {
    /// The C2PA trust list
    C2pa,
    /// The frozen interim list of C2PA
    Interim,
    /// Certificate authorities of this registry's registrants
    Registrants,
    /// The C2PA list of time-stamp authorities
    TimeStamp,
    /// Persons and organisations in CAWG identity assertions
    Identities,
}

impl Set {
    /// Every list, the most widely recognised first.
    pub const ALL: [Self; 5] =
        [Self::C2pa, Self::Interim, Self::Registrants, Self::TimeStamp, Self::Identities];

    /// Its name, as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::C2pa => "c2pa",
            Self::Interim => "interim",
            Self::Registrants => "registrants",
            Self::TimeStamp => "time-stamp",
            Self::Identities => "identities",
        }
    }

    /// Where it stands in a data directory.
    #[must_use]
    pub fn path(self, data: &Path) -> PathBuf {
        data.join("trust").join(format!("{}.pem", self.name()))
    }

    const fn of(self, anchors: &mut TrustAnchors) -> &mut Option<Vec<u8>> {
        match self {
            Self::C2pa => &mut anchors.c2pa_trust_list,
            Self::Interim => &mut anchors.interim_list,
            Self::Registrants => &mut anchors.registrants,
            Self::TimeStamp => &mut anchors.time_stamp_list,
            Self::Identities => &mut anchors.identities,
        }
    }
}

/// Why a list was not put in place. The old one is as it was.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ConfigError),
    /// The file is no list of certificates.
    #[error("{path:?} is no list of certificates in PEM: {reason}")]
    NoList {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: AnchorListError,
    },
    /// There is no such directory.
    #[error("{0:?} is no directory of a registry; touchstone-server bootstrap makes one")]
    NoRegistry(PathBuf),
    /// It cannot be written.
    #[error("{path:?} cannot be written: {cause}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Fills in the lists that stand in the data directory and are not given otherwise.
///
/// # Errors
/// [`ConfigError::Unreadable`] if one is there and cannot be read.
pub fn fill(anchors: &mut TrustAnchors, data: &Path) -> Result<(), ConfigError> {
    for set in Set::ALL {
        let (path, given) = (set.path(data), set.of(anchors));
        if given.is_none() && is_there(&path)? {
            *given = Some(read_file(&path)?);
        }
    }
    Ok(())
}

/// What is in a list, in one line: certificates, how many ended, when the next one ends, digest.
#[must_use]
pub fn describe(list: &AnchorList, now: Timestamp) -> String {
    let next = list.certificates.iter().map(|certificate| certificate.ends).filter(|ends| *ends >= now).min();
    format!(
        "{} certificates, {} ended, next end {}, SHA-256 {}",
        list.certificates.len(),
        list.ended(now),
        next.map_or_else(|| "-".to_owned(), |ends| ends.to_string()),
        list.sha256,
    )
}

/// The list of `set` in the data directory, if there is one.
///
/// # Errors
/// [`InstallError`] if it cannot be read.
pub fn installed(set: Set, data: &Path) -> Result<Option<AnchorList>, InstallError> {
    let path = set.path(data);
    if is_there(&path)? { read(&path).map(|(_, list)| Some(list)) } else { Ok(None) }
}

/// A list that cannot be looked at is not taken for one that is not there.
fn is_there(path: &Path) -> Result<bool, ConfigError> {
    path.try_exists().map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })
}

fn read(path: &Path) -> Result<(Vec<u8>, AnchorList), InstallError> {
    let bytes = read_file(path)?;
    let list = AnchorList::read(&bytes);
    let list = list.map_err(|reason| InstallError::NoList { path: path.to_owned(), reason })?;
    Ok((bytes, list))
}

/// Puts the list in the file `from` in the place of the one in the data directory, wholly or not at all. A server takes
/// it up when it starts.
///
/// # Errors
/// [`InstallError`]; the old list is as it was.
pub fn install(set: Set, from: &Path, data: &Path) -> Result<AnchorList, InstallError> {
    if !data.is_dir() {
        return Err(InstallError::NoRegistry(data.to_owned()));
    }
    let (bytes, list) = read(from)?;
    let path = set.path(data);
    let failed = |cause| InstallError::Unwritable { path: path.clone(), cause };
    let folder = path.parent().unwrap_or(data);
    fs::create_dir_all(folder).map_err(failed)?;
    let new = path.with_extension("pem.new");
    let mut file = File::create(&new).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&new, &path).and_then(|()| File::open(folder)?.sync_all()).map_err(failed)?;
    Ok(list)
}
