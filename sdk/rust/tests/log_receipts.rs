//! Receipts are kept once they prove what they should: against a registry that mixes them up or makes them up.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

#[path = "support/log.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod log;

use log::{Log, Member, ORIGIN, key, log_key, operator, public, verdict};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
};
use tempfile::TempDir;
use touchstone_schema::{
    KeyId, OrganisationId, StatementId, Timestamp, envelope,
    statement::{KeyAdded, Role, Statement},
};

/// What a registry may do to its answers.
#[derive(Clone, Copy, Default)]
struct Lies {
    /// The receipt is that of the entry before.
    mixed_up: bool,
    /// The receipt rests on a checkpoint that a stranger signed.
    forged: bool,
    /// The acknowledgement names another index, time or identifier.
    index: bool,
    time: bool,
    id: bool,
    /// The receipt does not come with the acknowledgement.
    later: bool,
    /// The statement stands in the log already, in an envelope that is written otherwise.
    duplicate: bool,
    /// The registry states no usable key of its log.
    no_key: bool,
}

struct World {
    log: Log,
    shop: Member,
    lies: Lies,
    /// The last acknowledgement.
    said: Option<(StatementId, u64, Timestamp)>,
}

impl World {
    fn receipt(&self, index: u64) -> String {
        let signer = if self.lies.forged { key(9) } else { log_key() };
        let index = if self.lies.mixed_up { index - 1 } else { index };
        self.log.receipt(index, &self.log.note(self.log.size(), &signer)).0
    }

    fn submit(&mut self, body: &[u8], signer: &ed25519_dalek::VerifyingKey) -> Value {
        let signer: touchstone_schema::key::PublicKey = public_of(signer).parse().unwrap();
        let mut logged = body.to_vec();
        if self.lies.duplicate {
            // White space between the members: the same signed bytes in another envelope.
            logged = String::from_utf8(logged).unwrap().replacen("\":", "\": ", 1).into_bytes();
        }
        let index = self.log.append(&logged);
        let accepted_at = Timestamp::from_micros(self.log.now).unwrap();
        let opened = envelope::open(body, envelope::STATEMENT_TYPE).unwrap();
        let id = StatementId::of_entry(accepted_at, &opened.deduplication_key(&signer));
        let receipt = self.receipt(index);
        let later = Timestamp::from_micros(self.log.now + 1).unwrap();
        let said = (
            if self.lies.id { StatementId::from_parts(1, [1; 10]) } else { id },
            if self.lies.index { index + 1 } else { index },
            if self.lies.time { later } else { accepted_at },
        );
        self.said = Some(said);
        let mut answer = json!({
            "id": said.0, "log_index": said.1, "accepted_at": said.2, "duplicate": self.lies.duplicate,
        });
        if !self.lies.later {
            answer["receipt"] = receipt.into();
        }
        answer
    }

    fn answer(&mut self, head: &str, body: &[u8], signer: &ed25519_dalek::VerifyingKey) -> (u16, Vec<u8>) {
        let path = head.split(' ').nth(1).unwrap();
        let json = |value: Value| (200, value.to_string().into_bytes());
        let key = public_of(signer);
        if path == "/v1/registry" {
            let verifier = log::verifier().to_string();
            let verifier = if self.lies.no_key { format!("{verifier}\nlog {verifier}") } else { verifier };
            return json(json!({
                "origin": ORIGIN, "version": "1", "log_verifier_key": verifier,
                "verdict_key": public(&verdict()), "operator_key": public(&operator()), "log_size": 1,
                "published_size": 1, "time": Timestamp::from_micros(log::START).unwrap(),
                "max_upload_bytes": 1_000_000, "max_batch": 10,
            }));
        }
        if path == "/v1/caller" {
            return json(json!({
                "organisation": self.shop.id, "name": "shop", "role": "merchant", "scopes": ["register"],
                "keys": [{ "key": KeyId::from_parts(1, [1; 10]), "public_key": key, "valid_from_index": 4 }],
            }));
        }
        if let Some(digest) = path.strip_prefix("/v1/content/") {
            return json(json!({ "sha256": digest, "statements": [] }));
        }
        if head.starts_with("POST /v1/statements") {
            return json(self.submit(body, signer));
        }
        let Some((id, index, accepted_at)) = self.said else { return (404, Vec::new()) };
        if head.starts_with("PUT") {
            return json(json!({ "statement": id, "searchable": true }));
        }
        if path.ends_with("/receipt") {
            return (200, self.receipt(self.log.size() - 1).into_bytes());
        }
        let logged = self.log.entries.last().unwrap()[touchstone_schema::leaf::HEADER..].to_vec();
        let opened = envelope::open(&logged, envelope::STATEMENT_TYPE).unwrap();
        let statement = Statement::parse(&opened.payload).unwrap();
        json(json!({
            "id": id, "log_index": index, "accepted_at": accepted_at, "kind": statement.body.kind().name(),
            "issuer": "x", "issuer_name": "shop", "statement": {}, "withdrawn": false,
            "envelope": String::from_utf8(logged).unwrap(), "leaf_hash": "00".repeat(32),
        }))
    }
}

fn public_of(key: &ed25519_dalek::VerifyingKey) -> String {
    key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A registry, and a shop's desk beside it.
struct Desk {
    folder: TempDir,
    url: String,
    world: Arc<Mutex<World>>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::new();
        let shop = Member { id: OrganisationId::from_parts(1, [1; 10]), key: key(1), recovery: key(2) };
        log.decide(log::admission(&shop, Role::Merchant));
        let world = Arc::new(Mutex::new(World { log, shop, lies: Lies::default(), said: None }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let desk = Self { folder, url, world };
        assert!(desk.run(&["keygen", "--out", "shop.pem"]).status.success());
        let own = touchstone_sdk::keys::read_private(&desk.folder.path().join("shop.pem")).unwrap().key;
        {
            let mut world = desk.world.lock().unwrap();
            let organisation = world.shop.id;
            world.log.decide(KeyAdded { organisation, key: public(&own) });
        }
        let picture = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([(x * 4) as u8, (y * 5) as u8, 7]));
        picture.save(desk.folder.path().join("a.png")).unwrap();
        let (world, signer) = (Arc::clone(&desk.world), own.verifying_key());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = String::new();
                while reader.read_line(&mut head).unwrap() > 2 {}
                let lower = head.to_ascii_lowercase();
                let length = lower.split("content-length: ").nth(1);
                let length = length.map_or(0, |rest| rest.split('\r').next().unwrap().parse().unwrap());
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let (status, answer) = world.lock().unwrap().answer(&head, &body, &signer);
                let head = format!(
                    "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    answer.len()
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer));
            }
        });
        desk
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TOUCHSTONE_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env("LC_ALL", "C").env_remove("LANG");
        command.env("XDG_CONFIG_HOME", self.folder.path().join("settings"));
        command.args(words).args(["--url", &self.url, "--token", "t"]).output().unwrap()
    }

    /// Status, what was said, and the names of the kept files.
    fn register(&self, lies: Lies, more: &[&str]) -> (i32, String, Vec<String>) {
        self.world.lock().unwrap().lies = lies;
        let kept = self.folder.path().join("kept");
        let _ = fs::remove_dir_all(&kept);
        fs::create_dir(&kept).unwrap();
        let words = ["register", "--key", "shop.pem", "--receipts", "kept", "a.png"];
        let output = self.run(&[&words[..], more].concat());
        let mut names: Vec<String> = fs::read_dir(&kept)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap(), names)
    }
}

#[test]
fn only_what_proves_the_own_statement_is_kept() {
    let desk = Desk::new();
    fs::write(desk.folder.path().join("policy"), format!("log {}\nquorum none\n", log::verifier())).unwrap();
    for lies in [Lies::default(), Lies { later: true, ..Lies::default() }] {
        for more in [&[][..], &["--policy", "policy"]] {
            let (status, said, names) = desk.register(lies, more);
            assert_eq!((status, names.len()), (0, 2), "{said}");
            let [envelope, receipt] = names.as_slice() else { panic!("{names:?}") };
            let (envelope, receipt) = (format!("kept/{envelope}"), format!("kept/{receipt}"));
            let words = ["verify-receipt", "--policy", "policy", "--envelope", &envelope, &receipt];
            assert!(desk.run(&[&words[..], &["--signer", "shop.pem.pub"]].concat()).status.success());
        }
    }
    // Of a duplicate, the envelope that was logged is kept: the own one is not what the log has.
    let (status, said, names) = desk.register(Lies { duplicate: true, ..Lies::default() }, &[]);
    assert_eq!((status, names.len()), (0, 2), "{said}");
    let kept = fs::read_to_string(desk.folder.path().join("kept").join(&names[0])).unwrap();
    assert!(kept.contains("\": "), "{kept}");

    let plain = Lies::default();
    for lies in [
        Lies { mixed_up: true, ..plain },
        Lies { mixed_up: true, later: true, ..plain },
        Lies { forged: true, ..plain },
        Lies { index: true, ..plain },
        Lies { time: true, ..plain },
        Lies { id: true, ..plain },
        Lies { duplicate: true, id: true, ..plain },
    ] {
        let (status, said, names) = desk.register(lies, &[]);
        assert_eq!((status, names.len()), (5, 0), "{said}");
        assert!(said.contains("receipt") && said.contains("Nothing was written"), "{said}");
        let (_, said, _) = desk.register(lies, &["--lang", "zh"]);
        assert!(said.contains("收据不成立"), "{said}");
    }
    // The policy is the user's, not the registry's.
    let other = touchstone_schema::log::VerifierKey::ed25519(ORIGIN, public(&key(9))).unwrap();
    fs::write(desk.folder.path().join("other"), format!("log {other}\nquorum none\n")).unwrap();
    let (status, _, names) = desk.register(plain, &["--policy", "other"]);
    assert_eq!((status, names.len()), (5, 0));
}

#[test]
fn a_fetched_receipt_is_held_to_the_policy_and_the_statement() {
    let desk = Desk::new();
    let id = {
        let (status, said, names) = desk.register(Lies::default(), &[]);
        assert_eq!(status, 0, "{said}");
        names[0].trim_end_matches(".json").to_owned()
    };
    let fetch = |lies: Lies| {
        let _ = fs::remove_file(desk.folder.path().join("r"));
        desk.world.lock().unwrap().lies = lies;
        let output = desk.run(&["statement", "receipt", &id, "--out", "r"]);
        (output.status.code().unwrap(), desk.folder.path().join("r").exists())
    };
    assert_eq!(fetch(Lies::default()), (0, true));
    assert_eq!(fetch(Lies { mixed_up: true, ..Lies::default() }), (5, false));
    assert_eq!(fetch(Lies { forged: true, ..Lies::default() }), (5, false));
    desk.world.lock().unwrap().said.as_mut().unwrap().1 += 1;
    assert_eq!(fetch(Lies::default()), (5, false), "of another index");
}

#[test]
fn a_policy_is_made_of_one_key_of_the_logs_own_name() {
    let desk = Desk::new();
    let policy = desk.run(&["log", "policy", &desk.url]);
    assert!(policy.status.success());
    let text = String::from_utf8(policy.stdout).unwrap();
    assert!(text.contains(&format!("\nlog {} {}/log/\n", log::verifier(), desk.url)), "{text}");
    // More lines after the key would be the registry's own policy.
    desk.world.lock().unwrap().lies.no_key = true;
    let refused = desk.run(&["log", "policy", &desk.url]);
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(3), 0));
    let (status, said, names) = desk.register(Lies { no_key: true, ..Lies::default() }, &[]);
    assert_eq!((status, names.len()), (3, 0), "{said}");
}
