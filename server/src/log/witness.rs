//! Asks witnesses to cosign checkpoints (C2SP tlog-witness, `add-checkpoint`), as many as a policy wants (tlog-policy).
//!
//! Each witness has a thread, which remembers what the witness cosigned last. A round sends the checkpoint to all of
//! them at the same time and ends soon after the quorum is met; whoever is slow keeps nobody waiting. A witness that
//! was not heard since the start, or that contradicted this log, is waited for: it may know that the database is an
//! old backup.

use super::{
    publisher::{WitnessError, Witnesses},
    view::ViewError,
};
use crate::clock::Deadline;
use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender, SyncSender},
    },
    thread,
    time::Duration,
};
use touchstone_schema::{
    Sha256Digest,
    log::{
        checkpoint::Checkpoint,
        cosignature::verify_cosignature,
        note::{MAX_SIGNATURES, Note, NoteSignature, VerifierKey},
        policy::{Policy, PolicyLog, PolicyParseError, Witness},
        witness::{AddCheckpoint, SIZE_MEDIA_TYPE, parse_cosignatures},
    },
};
use ureq::{
    Agent, Body,
    http::{Response, Uri, header::CONTENT_TYPE},
};

/// How long the others are waited for once the quorum is met.
const GRACE: Duration = Duration::from_millis(100);
/// Longest answer with cosignatures, in bytes: room for a dozen of post-quantum size.
const MAX_COSIGNATURES: u64 = 64 << 10;
/// Longest answer with a size, in bytes.
const MAX_SIZE: u64 = 32;
/// Longest head of an answer, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// Longest reason that is told for one witness, in characters.
const MAX_REASON: usize = 160;
/// A connection that was idle for so long may be closed at the other end.
const MAX_IDLE: Duration = Duration::from_secs(10);

/// Why a policy cannot be what a log's checkpoints are cosigned under.
#[derive(Debug, thiserror::Error)]
pub enum WitnessPolicyError {
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    Characters,
    /// Malformed.
    #[error(transparent)]
    Parse(#[from] PolicyParseError),
    /// `quorum none`: nobody would have to cosign.
    #[error(
        "its quorum is none, so that no witness would be needed: name a witness or a group in the quorum line, or serve \
         without a policy"
    )]
    NoQuorum,
    /// It is about other logs.
    #[error("it does not list this registry's log: add the line \"log {0}\"")]
    UnknownLog(Box<VerifierKey>),
    /// Too few witnesses can be asked.
    #[error("its quorum {quorum:?} cannot be met by the witnesses that have a URL: add the URL of {missing}")]
    Unreachable {
        /// Name of the quorum.
        quorum: String,
        /// Names of the witnesses without URL.
        missing: String,
    },
    /// An address that cannot be asked.
    #[error("the URL {url:?} of the witness {witness:?} is no address like https://witness.example")]
    Url {
        /// Name of the witness.
        witness: String,
        /// As written.
        url: String,
    },
    /// A note cannot carry so many signatures.
    #[error("{0} of its witnesses have a URL; at most {max} can be asked", max = MAX_SIGNATURES - 1)]
    TooMany(usize),
    /// A thread cannot be started.
    #[error("a thread for a witness cannot be started: {0}")]
    Thread(io::Error),
}

/// The witnesses of a policy, asked over HTTP.
#[derive(Debug)]
pub struct Cosigners {
    policy: Policy,
    seats: Vec<Seat>,
    patience: Duration,
}

/// A witness as a round sees it.
#[derive(Debug)]
struct Seat {
    name: String,
    requests: Sender<Request>,
    standing: Arc<Standing>,
}

/// What outlives a round.
#[derive(Debug)]
struct Standing {
    /// Asked, and not done with it.
    busy: AtomicBool,
    /// Not heard since the start, or contradicted this log in a round that did not wait for it.
    suspect: AtomicBool,
}

/// A checkpoint to be cosigned before the deadline.
#[derive(Debug)]
struct Request {
    seat: usize,
    note: Arc<Note>,
    size: u64,
    deadline: Deadline,
    events: Sender<Event>,
}

/// What a witness's thread tells the round.
#[derive(Debug)]
enum Event {
    /// It needs the proof from that size on.
    Proof { old: u64, reply: SyncSender<Result<Vec<Sha256Digest>, ViewError>> },
    /// It is done.
    Done { seat: usize, outcome: Result<NoteSignature, Refusal> },
}

/// Why there is no cosignature.
#[derive(Debug)]
enum Refusal {
    /// It may go better next time, or with another configuration.
    Failed(String),
    /// The witness cosigned more entries than the checkpoint has.
    Ahead(u64),
    /// The checkpoint does not continue the tree of that size that the witness cosigned.
    Fork(u64),
}

impl Refusal {
    /// What is told comes from elsewhere: it is cut, and one line.
    fn failed(reason: impl fmt::Display) -> Self {
        let reason = reason.to_string();
        let line = reason.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self::Failed(line.take(MAX_REASON).collect())
    }
}

impl Cosigners {
    /// Asks the witnesses of a policy file for the checkpoints of `log`, and waits for them for `patience`.
    ///
    /// # Errors
    /// [`WitnessPolicyError`] says what is wrong with the policy and what to do.
    pub fn open(policy: &[u8], log: &VerifierKey, patience: Duration) -> Result<Self, WitnessPolicyError> {
        let policy = str::from_utf8(policy).map_err(|_| WitnessPolicyError::Characters)?;
        let policy = Policy::parse(policy)?;
        let quorum = policy.quorum().ok_or(WitnessPolicyError::NoQuorum)?;
        if !policy.logs().iter().map(PolicyLog::key).any(|key| key == log) {
            return Err(WitnessPolicyError::UnknownLog(Box::new(log.clone())));
        }
        let (asked, silent): (Vec<_>, Vec<_>) =
            policy.witnesses().iter().partition(|witness| witness.url().is_some());
        if !policy.satisfied(|name| asked.iter().any(|witness| witness.name() == name)) {
            let missing = silent.iter().map(|witness| witness.name()).collect::<Vec<_>>().join(", ");
            return Err(WitnessPolicyError::Unreachable { quorum: quorum.to_owned(), missing });
        }
        if asked.len() >= MAX_SIGNATURES {
            return Err(WitnessPolicyError::TooMany(asked.len()));
        }
        let seats = asked.into_iter().map(Seat::take).collect::<Result<_, _>>()?;
        Ok(Self { policy, seats, patience })
    }
}

impl Seat {
    fn take(witness: &Witness) -> Result<Self, WitnessPolicyError> {
        let standing = Arc::new(Standing { busy: AtomicBool::new(false), suspect: AtomicBool::new(true) });
        let client = Client::new(witness, Arc::clone(&standing))?;
        let (requests, inbox) = mpsc::channel();
        thread::Builder::new()
            .name("witness".to_owned())
            .spawn(move || client.run(&inbox))
            .map_err(WitnessPolicyError::Thread)?;
        Ok(Self { name: witness.name().to_owned(), requests, standing })
    }
}

/// One checkpoint and what came of it so far.
struct Round<'a> {
    cosigners: &'a Cosigners,
    deadline: Deadline,
    grace: Option<Deadline>,
    outcomes: Vec<Option<Result<NoteSignature, String>>>,
    /// Free when the round began: worth the grace.
    prompt: Vec<bool>,
}

impl<'a> Round<'a> {
    fn begin(cosigners: &'a Cosigners, note: &Arc<Note>, size: u64) -> (Self, Receiver<Event>) {
        let (events, inbox) = mpsc::channel();
        let deadline = Deadline::after(cosigners.patience);
        let mut round = Self { cosigners, deadline, grace: None, outcomes: Vec::new(), prompt: Vec::new() };
        for (number, seat) in cosigners.seats.iter().enumerate() {
            round.prompt.push(!seat.standing.busy.swap(true, Ordering::AcqRel));
            let (note, events) = (Arc::clone(note), events.clone());
            let sent = seat.requests.send(Request { seat: number, note, size, deadline, events });
            round.outcomes.push(sent.err().map(|_| Err("its thread has ended".to_owned())));
        }
        (round, inbox)
    }

    fn is_met(&self) -> bool {
        let cosigned = |name: &str| {
            let mut heard = self.cosigners.seats.iter().zip(&self.outcomes);
            heard.any(|(seat, outcome)| seat.name == name && matches!(outcome, Some(Ok(_))))
        };
        self.cosigners.policy.satisfied(cosigned)
    }

    /// How long the next event is waited for; not at all once the round is over.
    fn patience(&mut self) -> Option<Duration> {
        let seats = self.cosigners.seats.iter().zip(&self.outcomes).zip(&self.prompt);
        let pending: Vec<_> = seats.filter(|((_, outcome), _)| outcome.is_none()).collect();
        let left = self.deadline.remaining();
        let suspect = |seat: &Seat| seat.standing.suspect.load(Ordering::Acquire);
        let patience = if pending.is_empty() {
            Duration::ZERO
        } else if !self.is_met() || pending.iter().any(|((seat, _), _)| suspect(seat)) {
            left
        } else if pending.iter().any(|(_, prompt)| **prompt) {
            self.grace.get_or_insert_with(|| Deadline::after(GRACE)).remaining().min(left)
        } else {
            Duration::ZERO
        };
        (!patience.is_zero()).then_some(patience)
    }

    /// Takes what a witness's thread tells.
    fn hear(
        &mut self,
        event: Event,
        consistency: &dyn Fn(u64) -> Result<Vec<Sha256Digest>, ViewError>,
    ) -> Result<(), WitnessError> {
        match event {
            Event::Proof { old, reply } => {
                // A thread that gave up meanwhile needs none.
                let _ = reply.send(consistency(old));
            }
            Event::Done { seat, outcome } => {
                let name =
                    || self.cosigners.seats.get(seat).map(|seat| seat.name.clone()).unwrap_or_default();
                let outcome = match outcome {
                    Ok(signature) => Ok(signature),
                    Err(Refusal::Failed(reason)) => Err(reason),
                    Err(Refusal::Ahead(size)) => return Err(WitnessError::Ahead { witness: name(), size }),
                    Err(Refusal::Fork(size)) => {
                        return Err(WitnessError::Conflict(format!(
                            "the witness {:?} cosigned {size} entries of this log that are not those of this database: \
                             one of the two is another registry's or damaged. Going on would sign two different logs",
                            name()
                        )));
                    }
                };
                if let Some(place) = self.outcomes.get_mut(seat) {
                    *place = Some(outcome);
                }
            }
        }
        Ok(())
    }

    /// The note with what was collected, in the order of the policy.
    fn end(self, note: Note) -> Result<Note, WitnessError> {
        let seats = &self.cosigners.seats;
        if self.is_met() {
            // Who has not spoken by now is only waited for again if it turns out to contradict.
            seats.iter().for_each(|seat| seat.standing.suspect.store(false, Ordering::Release));
            let mut cosignatures = self.outcomes.into_iter().flatten().flatten();
            let signed = cosignatures.try_fold(note, Note::with_signature);
            return signed.map_err(|error| WitnessError::NoQuorum(error.to_string()));
        }
        let patience = self.cosigners.patience.as_millis();
        let tell = |(seat, outcome): (&Seat, Option<Result<NoteSignature, String>>)| match outcome {
            Some(Ok(_)) => format!("{} cosigned", seat.name),
            Some(Err(reason)) => format!("{}: {reason}", seat.name),
            None => format!("{}: no answer within {patience} ms", seat.name),
        };
        Err(WitnessError::NoQuorum(seats.iter().zip(self.outcomes).map(tell).collect::<Vec<_>>().join("; ")))
    }
}

impl Witnesses for Cosigners {
    fn cosign(
        &mut self,
        note: Note,
        checkpoint: &Checkpoint,
        consistency: &dyn Fn(u64) -> Result<Vec<Sha256Digest>, ViewError>,
    ) -> Result<Note, WitnessError> {
        let shared = Arc::new(note.clone());
        let (mut round, inbox) = Round::begin(self, &shared, checkpoint.size);
        while let Some(patience) = round.patience() {
            // Nothing more comes: time is up, or every thread is done.
            let Ok(event) = inbox.recv_timeout(patience) else { break };
            round.hear(event, consistency)?;
        }
        round.end(note)
    }
}

/// Speaks to one witness, on its thread.
struct Client {
    url: String,
    key: VerifierKey,
    agent: Agent,
    /// Entries that the witness cosigned last, as far as it said.
    known: u64,
    standing: Arc<Standing>,
}

/// What a witness answered.
enum Reply {
    Cosigned(NoteSignature),
    /// The size that it cosigned last is this one.
    Knows(u64),
}

impl Client {
    fn new(witness: &Witness, standing: Arc<Standing>) -> Result<Self, WitnessPolicyError> {
        let prefix = witness.url().unwrap_or_default().trim_end_matches('/');
        let refused =
            || WitnessPolicyError::Url { witness: witness.name().to_owned(), url: prefix.to_owned() };
        let uri: Uri = prefix.parse().map_err(|_| refused())?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(refused)?;
        if !["http", "https"].contains(&scheme) || uri.query().is_some() {
            return Err(refused());
        }
        let mut config = Agent::config_builder()
            .user_agent(concat!("touchstone-server/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MAX_HEAD)
            .max_idle_age(MAX_IDLE);
        if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            config = config.proxy(None);
        }
        let url = format!("{prefix}/add-checkpoint");
        Ok(Self { url, key: witness.key().clone(), agent: config.build().new_agent(), known: 0, standing })
    }

    fn run(mut self, inbox: &Receiver<Request>) {
        while let Ok(request) = inbox.recv() {
            let outcome = self.ask(&request);
            if matches!(outcome, Err(Refusal::Ahead(_) | Refusal::Fork(_))) {
                self.standing.suspect.store(true, Ordering::Release);
            }
            self.standing.busy.store(false, Ordering::Release);
            // A round that is over does not listen any more.
            let _ = request.events.send(Event::Done { seat: request.seat, outcome });
        }
    }

    /// Has the checkpoint cosigned; once more if the witness knows another size than was thought.
    fn ask(&mut self, request: &Request) -> Result<NoteSignature, Refusal> {
        for _ in 0..2 {
            if self.known > request.size {
                return Err(Refusal::Ahead(self.known));
            }
            match self.exchange(request, self.known)? {
                Reply::Cosigned(signature) => {
                    self.known = request.size;
                    return Ok(signature);
                }
                Reply::Knows(size) if size > request.size => return Err(Refusal::Ahead(size)),
                Reply::Knows(size) => self.known = size,
            }
        }
        Err(Refusal::failed(format_args!(
            "it answered 409 twice and named {} entries at last: does another server of this log ask it too?",
            self.known
        )))
    }

    fn exchange(&self, request: &Request, old: u64) -> Result<Reply, Refusal> {
        let proof = request.proof(old)?;
        let body = AddCheckpoint { old, proof, checkpoint: request.note.to_string() }.to_bytes();
        let left = request.deadline.remaining();
        if left.is_zero() {
            return Err(Refusal::failed("no answer in time"));
        }
        let post = self.agent.post(&self.url).config().timeout_global(Some(left)).build();
        let answer = post.content_type("text/plain; charset=utf-8").send(body.as_slice()).map_err(said)?;
        match answer.status().as_u16() {
            200 => self.cosignature(answer, &request.note).map(Reply::Cosigned),
            409 => known(answer).map(Reply::Knows),
            // With the size that the witness itself named, only another tree has no proof.
            422 if old > 0 => Err(Refusal::Fork(old)),
            400 => Err(Refusal::failed("it answered 400: it cannot read the request")),
            403 => Err(Refusal::failed("it answered 403: it trusts another key for this log")),
            404 => Err(Refusal::failed("it answered 404: it does not know this log, or the URL is wrong")),
            status => Err(Refusal::failed(format_args!("it answered {status}"))),
        }
    }

    /// The cosignature in an answer, verified. Those of unknown keys are passed over.
    fn cosignature(&self, answer: Response<Body>, note: &Note) -> Result<NoteSignature, Refusal> {
        let bytes =
            answer.into_body().into_with_config().limit(MAX_COSIGNATURES).read_to_vec().map_err(said)?;
        let signatures = parse_cosignatures(&bytes)
            .map_err(|error| Refusal::failed(format_args!("its cosignature is malformed: {error}")))?;
        let mut named = signatures.into_iter().filter(|signature| self.key.is_named_by(signature)).peekable();
        if named.peek().is_none() {
            return Err(Refusal::failed(format_args!("it did not cosign with the key {}", self.key)));
        }
        // A cosignature of a checkpoint states its time.
        let holds = |signature: &NoteSignature| {
            verify_cosignature(note.text(), signature, &self.key).is_some_and(|at| at > 0)
        };
        named.find(holds).ok_or_else(|| Refusal::failed("its cosignature is not valid"))
    }
}

impl Request {
    /// The proof from `old` entries on, made by the round. One that is over makes none.
    fn proof(&self, old: u64) -> Result<Vec<Sha256Digest>, Refusal> {
        let late = || Refusal::failed("no answer in time");
        let (reply, answer) = mpsc::sync_channel(1);
        self.events.send(Event::Proof { old, reply }).map_err(|_| late())?;
        let proof = answer.recv_timeout(self.deadline.remaining()).map_err(|_| late())?;
        proof.map_err(|error| {
            Refusal::failed(format_args!("the consistency proof from {old} entries cannot be made: {error}"))
        })
    }
}

/// The size in an answer 409: decimal, and a newline.
fn known(answer: Response<Body>) -> Result<u64, Refusal> {
    let media_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let names_size = media_type.is_some_and(|found| found.split(';').next() == Some(SIZE_MEDIA_TYPE));
    let malformed = || Refusal::failed("it answered 409 without the size that it knows");
    if !names_size {
        return Err(malformed());
    }
    let bytes = answer.into_body().into_with_config().limit(MAX_SIZE).read_to_vec().map_err(said)?;
    let text = str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n')).ok_or_else(malformed)?;
    let size: u64 = text.parse().map_err(|_| malformed())?;
    // One form only: no sign, no leading zero.
    if size.to_string() == text { Ok(size) } else { Err(malformed()) }
}

/// What the HTTP client says, without what it has from the other end.
fn said(error: ureq::Error) -> Refusal {
    match error {
        ureq::Error::Timeout(_) => Refusal::failed("no answer in time"),
        ureq::Error::BodyExceedsLimit(limit) => {
            Refusal::failed(format_args!("its answer is longer than {limit} bytes"))
        }
        ureq::Error::Io(error) => Refusal::failed(error),
        ureq::Error::HostNotFound => Refusal::failed("its host has no address"),
        ureq::Error::Protocol(_) => Refusal::failed("its answer is not HTTP"),
        other => Refusal::failed(other),
    }
}
