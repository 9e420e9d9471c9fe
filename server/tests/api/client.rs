//! A blocking HTTP client that holds every answer to the contract: each one carries its request identifier, and each
//! refusal is a problem document that tells nothing of the registry's inside.

use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::HashSet,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};
use touchstone_schema::problem::{MEDIA_TYPE, Problem, ProblemCode};
use ureq::{Agent, http::Request};

/// Longest wait for an answer. The machine may be busy.
const TIMEOUT: Duration = Duration::from_secs(120);
/// What no answer may show, in lower case: SQL, paths, names of types, files of the program.
const INSIDE: &[&str] = &[
    "select ",
    "insert into",
    "update set",
    "sqlite",
    "postgres",
    "diesel",
    "constraint",
    "panicked",
    "/tmp/",
    "/home/",
    "/src/",
    ".rs:",
    "registry.db",
    "::",
    "expected struct ",
    "tuple struct",
];

/// Identifiers of the requests that one test made.
pub(crate) type Seen = Arc<Mutex<HashSet<String>>>;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("every answer is UTF-8")
    }

    /// The body of a successful answer.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The body of an answer with this status.
    pub(crate) fn json_with<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The problem document.
    pub(crate) fn problem(&self) -> Problem {
        assert!(self.status >= 400, "a refusal expected: {} {}", self.status, self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// Holds the answer to one problem.
    #[track_caller]
    pub(crate) fn refused(&self, code: ProblemCode) -> Problem {
        let problem = self.problem();
        assert_eq!(problem.code, code.code(), "{problem:?}");
        problem
    }

    /// The identifier of the request.
    pub(crate) fn request_id(&self) -> &str {
        self.header("x-request-id").expect("every answer names its request")
    }

    fn check(&self, has_body: bool) {
        let id = self.request_id();
        assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        if self.status < 400 || !has_body {
            return;
        }
        assert_eq!(self.header("content-type"), Some(MEDIA_TYPE), "{} {}", self.status, self.text());
        let problem = self.problem();
        let code = ProblemCode::from_code(&problem.code);
        let code = code.unwrap_or_else(|| panic!("an unknown problem: {problem:?}"));
        let expected = code.document(problem.detail.clone(), Some(id.to_owned()));
        assert_eq!(problem, expected, "the document is that of the table");
        assert_eq!(problem.status, self.status);
        if let Some(detail) = &problem.detail {
            let lower = detail.to_lowercase();
            let shown: Vec<_> = INSIDE.iter().filter(|inside| lower.contains(**inside)).collect();
            assert!(shown.is_empty(), "the detail shows {shown:?}: {detail}");
            assert!(detail.len() <= 1_024, "a detail of {} bytes", detail.len());
        }
        if self.status == 401 && code == ProblemCode::Unauthenticated {
            assert_eq!(self.header("www-authenticate"), Some("Bearer"));
        }
        if matches!(self.status, 429 | 503) {
            assert!(self.header("retry-after").is_some(), "{problem:?}");
        }
    }
}

/// Speaks to one server, with or without a token.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    agent: Agent,
    token: Option<String>,
    seen: Seen,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, seen: Seen) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // No connection outlives its request, so that a server stops at once.
            .max_idle_connections(0)
            .timeout_global(Some(TIMEOUT))
            .build();
        Self { address, agent: config.new_agent(), token: None, seen }
    }

    /// The same server with this token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same token at another address: the server was started again.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// The server's address for other programs.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
    }

    /// Sends a body that says it is JSON.
    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.send("POST", path, Some(("application/json", body)))
    }

    /// Sends a value as JSON.
    pub(crate) fn post_json(&self, path: &str, body: &impl Serialize) -> Answer {
        self.post(path, &serde_json::to_vec(body).unwrap())
    }

    pub(crate) fn put(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        self.send("PUT", path, Some((content_type, body)))
    }

    /// Sends parts as `multipart/form-data`.
    pub(crate) fn post_form(&self, path: &str, parts: &[(&str, &[u8])]) -> Answer {
        let boundary = "a-boundary-that-no-picture-holds-7f3a";
        let mut body = Vec::new();
        for (name, content) in parts {
            let head = match *name {
                "photo" => {
                    format!(
                        "--{boundary}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"claim.jpg\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                    )
                }
                name => format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n"),
            };
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        self.send("POST", path, Some((&format!("multipart/form-data; boundary={boundary}"), &body)))
    }

    /// One exchange.
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = match body {
            None => self.agent.run(request.body(()).unwrap()),
            Some((content_type, bytes)) => {
                self.agent.run(request.header("content-type", content_type).body(bytes).unwrap())
            }
        };
        let mut response = response.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
        self.checked(Answer { status, headers, body }, method != "HEAD")
    }

    /// Sends these bytes as they are and reads until the server closes the connection. `head` is what stands before
    /// the headers that all requests have.
    pub(crate) fn raw(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let authorization =
            self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let text = format!("{head}\r\nHost: registry\r\nConnection: close\r\n{authorization}\r\n");
        stream.write_all(text.as_bytes()).unwrap();
        // A server that has refused already need not read the rest.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        self.checked(Answer { status, headers, body: bytes[end + 4..].to_vec() }, true)
    }

    fn checked(&self, answer: Answer, has_body: bool) -> Answer {
        self.seen.lock().unwrap().insert(answer.request_id().to_owned());
        answer.check(has_body);
        answer
    }
}
