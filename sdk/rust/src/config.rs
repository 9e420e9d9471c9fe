//! Settings: command-line option, else environment, else the file that `touchstone login` writes.
//!
//! The file is `$XDG_CONFIG_HOME/touchstone/config.json` (or `~/.config/touchstone/config.json`), readable by its
//! owner alone. A stored token is only ever sent to the registry that it was stored for.

use serde::{Deserialize, Serialize};
use std::{
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};
use touchstone_schema::{TokenId, key::PublicKey};

/// Environment variable that names the registry.
pub const URL_VARIABLE: &str = "TOUCHSTONE_URL";
/// Environment variable that holds the token.
pub const TOKEN_VARIABLE: &str = "TOUCHSTONE_TOKEN";
/// Environment variable that names the private key file.
pub const KEY_VARIABLE: &str = "TOUCHSTONE_KEY";
const MAX_FILE: u64 = 65_536;

/// Why the stored settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Neither `XDG_CONFIG_HOME` nor `HOME` is set.
    #[error("neither XDG_CONFIG_HOME nor HOME is set, so there is no place for settings")]
    NoHome,
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not what `touchstone login` writes.
    #[error("{path} is not a settings file ({reason}): run touchstone login again")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// What `touchstone login` stores.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// Base URL of the registry.
    pub url: String,
    /// The token. Secret.
    pub token: String,
    /// The token's identifier, if it came from a sign-in: logging out revokes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<TokenId>,
    /// The registry's verdict key at the time of login: later verdicts must be signed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict_key: Option<PublicKey>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What was given on the command line or, in its place, in the environment. Empty texts count as not given.
#[derive(Clone, Default)]
pub struct Given {
    /// Base URL of the registry.
    pub url: Option<String>,
    /// The token. Secret.
    pub token: Option<String>,
}

/// The settings that hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Effective {
    /// Base URL of the registry.
    pub url: Option<String>,
    /// The token. Secret.
    pub token: Option<String>,
    /// The verdict key that was stored for this registry.
    pub verdict_key: Option<PublicKey>,
}

/// Joins what was given with what is stored.
#[must_use]
pub fn resolve(given: Given, stored: Option<&Stored>) -> Effective {
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let url = filled(given.url).or_else(|| stored.map(|stored| stored.url.clone()));
    // The token of one registry is never shown to another.
    let own = stored.filter(|stored| url.as_deref().is_some_and(|url| same_registry(url, &stored.url)));
    let token = filled(given.token).or_else(|| own.map(|stored| stored.token.clone()));
    Effective { url, token, verdict_key: own.and_then(|stored| stored.verdict_key) }
}

fn same_registry(a: &str, b: &str) -> bool {
    a.trim().trim_end_matches('/') == b.trim().trim_end_matches('/')
}

/// Where the settings are kept, given the values of `XDG_CONFIG_HOME` and `HOME`.
///
/// # Errors
/// [`ConfigError::NoHome`] if neither is an absolute path.
pub fn path(xdg_config_home: Option<&Path>, home: Option<&Path>) -> Result<PathBuf, ConfigError> {
    // The XDG Base Directory Specification: relative paths are ignored.
    let absolute = |path: Option<&Path>| path.filter(|path| path.is_absolute()).map(Path::to_owned);
    let base = absolute(xdg_config_home)
        .or_else(|| absolute(home).map(|home| home.join(".config")))
        .ok_or(ConfigError::NoHome)?;
    Ok(base.join("touchstone").join("config.json"))
}

/// Reads the settings; `None` if there are none.
///
/// # Errors
/// [`ConfigError`] if the file is there and cannot be used.
pub fn read(path: &Path) -> Result<Option<Stored>, ConfigError> {
    let io = |source| ConfigError::Io { path: path.to_owned(), source };
    let form = |reason: String| ConfigError::Form { path: path.to_owned(), reason };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
        Ok(data) if data.len() > MAX_FILE => return Err(form("too long".to_owned())),
        Ok(_) => {}
    }
    let text = fs::read(path).map_err(io)?;
    // The parser's message could quote the token; the place is enough.
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| form(format!("line {} column {}", error.line(), error.column())))
}

/// Writes the settings with mode 0600, replacing earlier ones in one step.
///
/// # Errors
/// [`ConfigError`] if they cannot be written; earlier ones are then still there.
pub fn write(path: &Path, stored: &Stored) -> Result<(), ConfigError> {
    let io = |source| ConfigError::Io { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(io)?;
    let text = serde_json::to_vec_pretty(stored)
        .map_err(|error| ConfigError::Form { path: path.to_owned(), reason: error.to_string() })?;
    let staged = folder.join(format!("config.json.{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options.open(&staged).and_then(|mut file| {
        file.write_all(&text)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&staged, path)
    });
    written.map_err(|error| {
        let _ = fs::remove_file(&staged);
        io(error)
    })
}

/// Removes the settings; false if there were none.
///
/// # Errors
/// [`ConfigError::Io`] if they cannot be removed.
pub fn remove(path: &Path) -> Result<bool, ConfigError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(ConfigError::Io { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Stored {
        Stored { url: "https://a.example".into(), token: "stored".into(), token_id: None, verdict_key: None }
    }

    fn given(url: Option<&str>, token: Option<&str>) -> Given {
        Given { url: url.map(str::to_owned), token: token.map(str::to_owned) }
    }

    #[test]
    fn what_is_given_comes_before_what_is_stored() {
        let both = resolve(given(Some("https://b.example"), Some("flag")), Some(&stored()));
        assert_eq!((both.url.as_deref(), both.token.as_deref()), (Some("https://b.example"), Some("flag")));
        let none = resolve(given(None, None), Some(&stored()));
        assert_eq!((none.url.as_deref(), none.token.as_deref()), (Some("https://a.example"), Some("stored")));
        let empty = resolve(given(Some(" "), Some("")), Some(&stored()));
        assert_eq!(
            (empty.url.as_deref(), empty.token.as_deref()),
            (Some("https://a.example"), Some("stored"))
        );
        assert_eq!(resolve(given(None, None), None).url, None);
    }

    #[test]
    fn a_stored_token_stays_with_its_registry() {
        let other = resolve(given(Some("https://b.example"), None), Some(&stored()));
        assert_eq!(other.token, None);
        let same = resolve(given(Some("https://a.example/"), None), Some(&stored()));
        assert_eq!(same.token.as_deref(), Some("stored"));
    }

    #[test]
    fn the_place_follows_the_specification() {
        let home = Path::new("/home/u");
        let expected = Path::new("/home/u/.config/touchstone/config.json");
        assert_eq!(path(None, Some(home)).unwrap(), expected);
        assert_eq!(path(Some(Path::new("relative")), Some(home)).unwrap(), expected);
        assert_eq!(path(Some(Path::new("/x")), Some(home)).unwrap(), Path::new("/x/touchstone/config.json"));
        assert!(matches!(path(None, None), Err(ConfigError::NoHome)));
    }

    #[test]
    fn files_round_trip_and_never_leak() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("touchstone/config.json");
        assert_eq!(read(&path).unwrap(), None);
        write(&path, &stored()).unwrap();
        write(&path, &stored()).unwrap();
        assert_eq!(read(&path).unwrap(), Some(stored()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(!format!("{:?}", stored()).contains("stored\""));
        fs::write(&path, r#"{"url":"u","token":"SECRET","x":1}"#).unwrap();
        assert!(!read(&path).unwrap_err().to_string().contains("SECRET"));
        assert!(remove(&path).unwrap());
        assert!(!remove(&path).unwrap());
    }
}
