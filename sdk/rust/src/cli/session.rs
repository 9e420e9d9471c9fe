//! What every command needs: where to print, which registry, whose token, which key.

use super::{
    args::{Global, Language},
    chinese::InChinese,
    failure::{Failure, Message},
    output::Output,
};
use ed25519_dalek::SigningKey;
use std::{
    env,
    io::{self, BufRead, IsTerminal},
    path::{Path, PathBuf},
};
use touchstone_schema::key::PublicKey;
use touchstone_sdk::{
    client::{Client, ClientSettings},
    config::{self, ConfigError, Effective, Given, Stored},
    keys::{self, KeyFileError},
};
use zeroize::Zeroizing;

const NO_REGISTRY: (&str, &str) = (
    "Give --url https://HOST, set TOUCHSTONE_URL, or run touchstone login.",
    "请使用 --url https://主机、设置 TOUCHSTONE_URL，或运行 touchstone login。",
);
const NO_TOKEN: (&str, &str) = (
    "Give --token, set TOUCHSTONE_TOKEN, or run touchstone login.",
    "请使用 --token、设置 TOUCHSTONE_TOKEN，或运行 touchstone login。",
);
const NO_KEY: (&str, &str) = (
    "Give --key FILE or set TOUCHSTONE_KEY; touchstone keygen makes one.",
    "请使用 --key FILE 或设置 TOUCHSTONE_KEY；可用 touchstone keygen 生成密钥。",
);

const NO_SUCH_KEY: (&str, &str) = (
    "Check the name, or make a key: touchstone keygen --out FILE. Give its public half, FILE.pub, to the registry's operator.",
    "请检查文件名，或生成密钥：touchstone keygen --out FILE。请将其公钥 FILE.pub 交给登记处运营方。",
);

/// Longest line that is read where a secret is asked for.
const MAX_LINE: u64 = 4096;

/// The surroundings of one command.
pub(crate) struct Session {
    pub(crate) out: Output,
    global: Global,
}

/// A registry that commands talk to.
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// The verdict key that was stored at login.
    pub(crate) verdict_key: Option<PublicKey>,
}

impl Session {
    pub(crate) const fn new(global: Global, out: Output) -> Self {
        Self { out, global }
    }

    /// The address that was given as option or variable.
    pub(crate) fn given_url(&self) -> Option<&str> {
        self.global.url.as_deref().map(str::trim).filter(|url| !url.is_empty())
    }

    /// The token that was given as option or variable.
    pub(crate) fn given_token(&self) -> Option<&str> {
        self.global.token.as_deref().map(str::trim).filter(|token| !token.is_empty())
    }

    /// Where the stored settings are.
    pub(crate) fn settings_path() -> Result<PathBuf, Failure> {
        let variable = |name| env::var_os(name).map(PathBuf::from);
        Ok(config::path(variable("XDG_CONFIG_HOME").as_deref(), variable("HOME").as_deref())?)
    }

    fn settings(&self) -> Result<Effective, Failure> {
        let given = Given { url: self.global.url.clone(), token: self.global.token.clone() };
        // With everything given, the file may be unusable; what it pins about this registry still holds.
        let needed = self.given_url().is_none() || self.given_token().is_none();
        let stored = match Self::settings_path() {
            Ok(path) => config::read(&path)
                .or_else(|error| if needed { Err(error) } else { self.unpinned(&error) })?,
            Err(_) => None,
        };
        Ok(config::resolve(given, stored.as_ref()))
    }

    /// The settings cannot be read and are not needed; what they pin is lost, and that is said.
    fn unpinned(&self, error: &ConfigError) -> Result<Option<Stored>, ConfigError> {
        self.out.notice(&match self.out.language {
            Language::En => format!("{error}: verdicts are not held to the key that was stored at login"),
            Language::Zh => format!("{}：无法用登录时保存的密钥核对结论", error.chinese()),
        });
        Ok(None)
    }

    /// The registry, for routes that need a token.
    pub(crate) fn connect(&self) -> Result<Connection, Failure> {
        let connection = self.settings()?;
        if connection.url.is_some() && connection.token.is_none() {
            return Err(Failure::Usage(Message::new("no token is given", "未提供令牌"), Some(NO_TOKEN)));
        }
        self.open(connection)
    }

    /// The registry, for public routes.
    pub(crate) fn connect_publicly(&self) -> Result<Connection, Failure> {
        let mut settings = self.settings()?;
        settings.token = None;
        self.open(settings)
    }

    /// The registry at `url`, or the configured one, for public routes.
    pub(crate) fn connect_publicly_to(&self, url: Option<&str>) -> Result<Client, Failure> {
        match url {
            Some(url) => Ok(Client::new(&ClientSettings::new(url, None))?),
            None => Ok(self.connect_publicly()?.client),
        }
    }

    fn open(&self, settings: Effective) -> Result<Connection, Failure> {
        let Some(url) = settings.url else {
            let message = Message::new("no registry is given", "未指定登记处");
            return Err(Failure::Usage(message, Some(NO_REGISTRY)));
        };
        let client = Client::new(&ClientSettings::new(url, settings.token.as_deref()))?;
        Ok(Connection { client, verdict_key: settings.verdict_key })
    }

    /// Path of the private key file, if one was given.
    pub(crate) fn key_path(&self) -> Option<&Path> {
        self.global.key.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// The private key.
    pub(crate) fn key(&self) -> Result<SigningKey, Failure> {
        let Some(path) = self.key_path() else {
            let message = Message::new("no signing key is given", "未指定签名密钥");
            return Err(Failure::Usage(message, Some(NO_KEY)));
        };
        let file = keys::read_private(path).map_err(|error| match error {
            KeyFileError::Io { ref source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Failure::Usage(error.message(), Some(NO_SUCH_KEY))
            }
            error => error.into(),
        })?;
        if file.readable_by_others {
            let path = path.display();
            self.out.notice(&match self.out.language {
                Language::En => format!("{path} can be read by others: chmod 600 {path}"),
                Language::Zh => format!("其他用户可读取 {path}：请运行 chmod 600 {path}"),
            });
        }
        Ok(file.key)
    }

    /// Asks for a secret without showing it; without a terminal, takes the first line of the input.
    pub(crate) fn ask_secret(&self, question: &str) -> Result<Zeroizing<String>, Failure> {
        let line = if io::stdin().is_terminal() {
            rpassword::prompt_password(format!("{question}: ")).map(Zeroizing::new)
        } else {
            read_line()
        };
        filled(line, question)
    }

    /// Asks for a line of text; without a terminal, takes the first line of the input.
    pub(crate) fn ask(&self, question: &str) -> Result<Zeroizing<String>, Failure> {
        if io::stdin().is_terminal() {
            self.out.say(&format!("{question}: "));
        }
        filled(read_line(), question)
    }
}

fn read_line() -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    io::Read::take(io::stdin().lock(), MAX_LINE).read_line(&mut line)?;
    Ok(line)
}

fn filled(line: io::Result<Zeroizing<String>>, question: &str) -> Result<Zeroizing<String>, Failure> {
    let failed = |error: io::Error| Failure::Usage(Message::of_system(question, &error), None);
    let line = line.map_err(failed)?;
    let text = line.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        let message =
            Message::new(format!("{question}: nothing was entered"), format!("{question}：未输入内容"));
        return Err(Failure::Usage(message, None));
    }
    Ok(Zeroizing::new(text.to_owned()))
}
