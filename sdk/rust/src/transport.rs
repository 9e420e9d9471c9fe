//! One HTTP exchange: limits, retries, problem documents. Knows no route.

use std::{
    fmt,
    io::{self, Read},
    net::IpAddr,
    str::FromStr,
    time::Duration,
};
use touchstone_schema::{json, problem::Problem};
use ureq::{
    Agent, Body, Timeout,
    http::{HeaderMap, Method, Request, Response, Uri, header},
};
use zeroize::Zeroizing;

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 << 20;
/// Longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// Idle connections are given up sooner than usual servers close them, so that none is used while it closes.
const MAX_IDLE: Duration = Duration::from_secs(4);
const PRODUCT: &str = concat!("touchstone/", env!("CARGO_PKG_VERSION"));

/// Why the registry gave no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// The address of the registry is not usable.
    #[error("{url:?} is not the address of a registry: {reason}")]
    InvalidUrl {
        /// What was given.
        url: String,
        /// What is wrong.
        reason: UrlFault,
    },
    /// The token has characters that no token has.
    #[error("the token has characters that no token has; copy it again")]
    InvalidToken,
    /// The registry cannot be reached, or the connection broke.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// The registry.
        url: String,
        /// Why.
        reason: Obstacle,
    },
    /// The registry refused.
    #[error("{}", describe(.0))]
    Problem(Box<Problem>),
    /// What answered does not answer as a registry does.
    #[error("{url} does not answer as a registry does: {reason}")]
    UnexpectedAnswer {
        /// The registry.
        url: String,
        /// What was unexpected.
        reason: String,
    },
    /// The request cannot be written.
    #[error("the request cannot be written: {0}")]
    Request(String),
}

impl ClientError {
    /// The problem document, if the registry refused.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}

/// What is wrong with the address of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It is no URL at all.
    #[error("not a URL")]
    NoUrl,
    /// It begins otherwise than registries' addresses do.
    #[error("it must begin with https:// or http://")]
    Scheme,
    /// It names no host.
    #[error("it names no host")]
    NoHost,
    /// It holds a name or a password.
    #[error("names and passwords do not belong into it")]
    Credentials,
    /// It goes on after its path.
    #[error("it must have neither query nor fragment")]
    QueryOrFragment,
}

/// What stands between a client and its registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The address names a host that nobody knows.
    #[error("no such host")]
    NoSuchHost,
    /// No connection came about in time.
    #[error("no connection in time")]
    NoConnection,
    /// A connection was there, but the exchange took too long.
    #[error("it did not answer in time")]
    Late,
    /// The system says what.
    #[error("{text}")]
    System {
        /// What kind of error it is.
        kind: io::ErrorKind,
        /// Its words.
        text: String,
    },
    /// Anything else, such as a certificate that nobody vouches for.
    #[error("{0}")]
    Other(String),
}

impl Obstacle {
    /// Whether a connection was there, and what it carried broke off or took too long: the next exchange may do better.
    #[must_use]
    pub const fn is_half_way(&self) -> bool {
        match self {
            Self::Late => true,
            Self::System { kind, .. } => broke(*kind) || matches!(kind, io::ErrorKind::TimedOut),
            Self::NoSuchHost | Self::NoConnection | Self::Other(_) => false,
        }
    }
}

fn describe(problem: &Problem) -> String {
    match &problem.detail {
        Some(detail) => format!("{} ({}): {detail}", problem.title, problem.code),
        None => format!("{} ({})", problem.title, problem.code),
    }
}

/// How a client behaves.
#[derive(Clone)]
pub struct ClientSettings {
    /// Address of the registry, such as `https://registry.example`. A path is allowed.
    pub url: String,
    /// The token. Secret; without it only public routes answer.
    pub token: Option<Zeroizing<String>>,
    /// Longest time to connect.
    pub connect_timeout: Duration,
    /// Longest time for one exchange, upload and answer included.
    pub exchange_timeout: Duration,
    /// How often a request is sent again when the registry is busy (429, 503). Only requests that may be repeated
    /// without harm are.
    pub retries: u32,
}

impl ClientSettings {
    /// The usual behaviour: 10 s to connect, 120 s for an exchange, 4 further attempts.
    pub fn new(url: impl Into<String>, token: Option<&str>) -> Self {
        Self {
            url: url.into(),
            token: token.map(|token| Zeroizing::new(token.trim().to_owned())),
            connect_timeout: Duration::from_secs(10),
            exchange_timeout: Duration::from_secs(120),
            retries: 4,
        }
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSettings").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Whether a request may be sent twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// A second one changes nothing.
    Harmless,
    /// A second one would do it again.
    Never,
}

/// A request below the registry's address.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<(&'a str, &'a [u8])>,
    pub(crate) repeat: Repeat,
}

/// What most routes answer with.
const JSON: &str = "application/json";
/// Files may be served as anything.
const ANYTHING: &str = "*/*";

pub(crate) struct Transport {
    agent: Agent,
    base: String,
    token: Option<Zeroizing<String>>,
    retries: u32,
}

impl Transport {
    pub(crate) fn new(settings: &ClientSettings) -> Result<Self, ClientError> {
        let (base, host) = parse_base(&settings.url)?;
        if let Some(token) = &settings.token
            && !token.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(ClientError::InvalidToken);
        }
        let mut config = Agent::config_builder()
            .user_agent(PRODUCT)
            .http_status_as_error(false)
            // A registry does not redirect. Following one would show the token to whoever it names.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_age(MAX_IDLE)
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_global(Some(settings.exchange_timeout));
        if is_loopback(&host) {
            config = config.proxy(None);
        }
        Ok(Self {
            agent: config.build().new_agent(),
            base,
            token: settings.token.clone(),
            retries: settings.retries,
        })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends the request, again where that helps and harms nothing, and returns the body of a successful answer.
    pub(crate) fn send(&self, outgoing: &Outgoing<'_>) -> Result<Vec<u8>, ClientError> {
        self.read(self.exchange(outgoing, JSON)?)
    }

    /// Gets what stands at `path`: all of it, or its first `limit` bytes and one more; none if nothing does. For that
    /// status 404 is enough: files may come from a plain file server.
    pub(crate) fn get_if_there(&self, path: String, limit: u64) -> Result<Option<Vec<u8>>, ClientError> {
        let outgoing = Outgoing { method: Method::GET, path, body: None, repeat: Repeat::Harmless };
        let mut response = self.exchange(&outgoing, ANYTHING)?;
        match response.status().as_u16() {
            404 => Ok(None),
            200..300 => {
                let mut bytes = Vec::new();
                let mut start = response.body_mut().as_reader().take(limit.saturating_add(1));
                start.read_to_end(&mut bytes).map_err(|error| self.unreachable(&error.into()))?;
                Ok(Some(bytes))
            }
            _ => self.read(response).map(Some),
        }
    }

    fn exchange(&self, outgoing: &Outgoing<'_>, accept: &str) -> Result<Response<Body>, ClientError> {
        let mut attempt = 0;
        loop {
            let last = attempt == self.retries || outgoing.repeat == Repeat::Never;
            match self.once(outgoing, accept) {
                Ok(response) if !last && matches!(response.status().as_u16(), 429 | 503) => {
                    std::thread::sleep(pause(response.headers(), attempt));
                }
                Ok(response) => return Ok(response),
                // A connection that broke half-way: the registry may have acted, which is harmless here.
                Err(ureq::Error::Io(error)) if !last && attempt == 0 && broke(error.kind()) => {}
                Err(error) => return Err(self.unreachable(&error)),
            }
            attempt += 1;
        }
    }

    fn once(&self, outgoing: &Outgoing<'_>, accept: &str) -> Result<Response<Body>, ureq::Error> {
        let mut request = Request::builder()
            .method(outgoing.method.clone())
            .uri(format!("{}{}", self.base, outgoing.path))
            .header(header::ACCEPT, accept);
        if let Some(token) = &self.token {
            let value = Zeroizing::new(format!("Bearer {}", token.as_str()));
            request = request.header(header::AUTHORIZATION, value.as_str());
        }
        match outgoing.body {
            None => self.agent.run(request.body(())?),
            Some((media_type, bytes)) => {
                self.agent.run(request.header(header::CONTENT_TYPE, media_type).body(bytes)?)
            }
        }
    }

    fn read(&self, mut response: Response<Body>) -> Result<Vec<u8>, ClientError> {
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let body = body.map_err(|error| self.unreachable(&error))?;
        match status {
            200..300 => Ok(body),
            300..400 => {
                let to = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
                Err(self.unexpected(format!("it redirects to {}", to.unwrap_or("an unnamed place"))))
            }
            _ => Err(match serde_json::from_slice::<Problem>(&body) {
                Ok(problem) => ClientError::Problem(Box::new(problem)),
                Err(_) => self.unexpected(format!("status {status} without a problem document")),
            }),
        }
    }

    pub(crate) fn unexpected(&self, reason: String) -> ClientError {
        ClientError::UnexpectedAnswer { url: self.base.clone(), reason }
    }

    fn unreachable(&self, error: &ureq::Error) -> ClientError {
        let reason = match error {
            ureq::Error::Io(error) => Obstacle::System { kind: error.kind(), text: error.to_string() },
            ureq::Error::HostNotFound => Obstacle::NoSuchHost,
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => Obstacle::NoConnection,
            ureq::Error::Timeout(_) => Obstacle::Late,
            ureq::Error::Protocol(error) => {
                return self.unexpected(format!("its answer is malformed: {error}"));
            }
            ureq::Error::BodyExceedsLimit(limit) => {
                return self.unexpected(format!("its answer is longer than {limit} bytes"));
            }
            other => Obstacle::Other(other.to_string()),
        };
        ClientError::Unreachable { url: self.base.clone(), reason }
    }

    /// Reads an answer into its type. Members that this version does not know are passed over.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&self, body: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(body).map_err(|error| {
            let reason = match json::check(body) {
                Err(json::StrictJsonError::Syntax(_)) => "its answer is not JSON".to_owned(),
                _ => format!("its answer has another form: {error}"),
            };
            self.unexpected(reason)
        })
    }
}

const fn broke(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// How long the registry asks to wait, bounded; else a pause that doubles from a quarter of a second.
fn pause(headers: &HeaderMap, attempt: u32) -> Duration {
    let asked = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let pause = asked.map_or_else(|| Duration::from_millis(250 << attempt.min(7)), Duration::from_secs);
    pause.min(MAX_PAUSE)
}

/// The address without its last slash, and its host.
fn parse_base(url: &str) -> Result<(String, String), ClientError> {
    let invalid = |reason| ClientError::InvalidUrl { url: url.to_owned(), reason };
    let text = url.trim().trim_end_matches('/');
    let uri = Uri::from_str(text).map_err(|_| invalid(UrlFault::NoUrl))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        _ => return Err(invalid(UrlFault::Scheme)),
    }
    let authority = uri.authority().ok_or_else(|| invalid(UrlFault::NoHost))?;
    if authority.as_str().contains('@') {
        return Err(invalid(UrlFault::Credentials));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(invalid(UrlFault::QueryOrFragment));
    }
    Ok((text.to_owned(), authority.host().to_owned()))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a token sent to `url` could be read on its way: plain HTTP to another machine.
#[must_use]
pub fn sends_in_clear(url: &str) -> bool {
    url.trim().starts_with("http://") && parse_base(url).is_ok_and(|(_, host)| !is_loopback(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_held_to_their_form() {
        assert_eq!(parse_base("https://r.example/").unwrap().0, "https://r.example");
        assert_eq!(parse_base("http://127.0.0.1:8080/base/").unwrap().0, "http://127.0.0.1:8080/base");
        for bad in
            ["r.example", "ftp://r.example", "https://", "https://u:p@r.example", "https://r.example?x=1", ""]
        {
            assert!(matches!(parse_base(bad), Err(ClientError::InvalidUrl { .. })), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_fine_on_this_machine_only() {
        assert!(sends_in_clear("http://r.example"));
        for good in ["https://r.example", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"] {
            assert!(!sends_in_clear(good), "{good}");
        }
    }

    #[test]
    fn pauses_are_bounded() {
        let mut headers = HeaderMap::new();
        assert_eq!(pause(&headers, 0), Duration::from_millis(250));
        assert_eq!(pause(&headers, 40), MAX_PAUSE);
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("2"));
        assert_eq!(pause(&headers, 0), Duration::from_secs(2));
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("86400"));
        assert_eq!(pause(&headers, 0), MAX_PAUSE);
    }

    #[test]
    fn tokens_with_strange_characters_are_not_sent() {
        for bad in ["a b", "a\nb", "口令"] {
            let settings = ClientSettings::new("http://127.0.0.1:1", Some(bad));
            assert!(matches!(Transport::new(&settings), Err(ClientError::InvalidToken)), "{bad}");
        }
    }
}
