//! The built auditor's commands on logs as files: what they say, and with which exit status.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "support/log.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod log;

use log::{Log, Member, bindings, digest, key, label, log_key, output, policy_changed, public};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;
use touchstone_schema::{
    Sha256Digest, Timestamp,
    answer::{ANSWER_TYPE, Answer, Question},
    envelope,
    label::{AiAttribute, DigitalSourceType, OutputLabel},
    leaf,
    log::{Note, TlogProof, VerifierKey, cosign, prove_inclusion},
    statement::{
        CodeBound, KeyAdded, KeyRevoked, LabelCorrected, OrganisationSuspended, OutputLabelled, Role,
        StatementWithdrawn,
    },
};

/// A folder with a policy, a log, and the command line in it.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("policy", format!("log {}\nquorum none\n", log::verifier()));
        desk
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn publish(&self, log: &Log) {
        log.write(&self.0.path().join("log"), log.size());
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TOUCHSTONE_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.0.path()).stdin(Stdio::null()).env("LC_ALL", "C").env_remove("LANG");
        command.env("XDG_CONFIG_HOME", self.0.path().join("settings")).args(words).output().unwrap()
    }

    /// Exit status and the JSON lines of a command.
    fn json(&self, words: &[&str]) -> (i32, Vec<Value>) {
        let output = self.run(&[words, &["--json"]].concat());
        let lines = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (status(&output), lines)
    }
}

const VERIFY: [&str; 5] = ["log", "verify", "--policy", "policy", "log"];

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn small() -> (Log, Member) {
    let mut log = Log::new();
    let shop = log.admit(1, Role::Merchant);
    for n in 0..5 {
        log.register(&shop, &format!("picture {n}"));
    }
    (log, shop)
}

#[test]
fn a_right_log_is_verified_in_both_languages() {
    let (log, _) = small();
    let desk = Desk::new();
    desk.publish(&log);
    let (status_code, lines) = desk.json(&VERIFY);
    assert_eq!((status_code, lines.len()), (0, 1));
    let line = &lines[0];
    assert_eq!((&line["verified"], &line["size"], &line["findings"]), (&true.into(), &9.into(), &0.into()));
    assert_eq!(line["root"], log.root(9).to_string());
    let english = desk.run(&VERIFY);
    assert!(stdout(&english).contains("verified") && stderr(&english).is_empty());
    let chinese = desk.run(&[&VERIFY[..], &["--lang", "zh"]].concat());
    assert!(stdout(&chinese).contains("已验证"), "{}", stdout(&chinese));
    let verifier = log::verifier().to_string();
    assert_eq!(status(&desk.run(&["log", "verify", "--log-key", &verifier, "--hashes-only", "log"])), 0);
}

#[test]
fn statuses_tell_a_wrong_log_from_one_that_cannot_be_read_and_from_wrong_usage() {
    let (log, _) = small();
    let desk = Desk::new();
    desk.publish(&log);
    // 2: usage.
    assert_eq!(status(&desk.run(&["log", "verify", "log"])), 2, "whom to trust is said by the auditor");
    assert_eq!(status(&desk.run(&["log", "verify", "--policy", "none", "log"])), 2);
    desk.write("bad", "log x\n");
    let bad = desk.run(&["log", "verify", "--policy", "bad", "log"]);
    assert_eq!(status(&bad), 2);
    assert!(stderr(&bad).contains("line 1"), "{}", stderr(&bad));
    assert_eq!(status(&desk.run(&[&VERIFY[..], &["--history"]].concat())), 2);
    desk.write("state", "{}");
    assert_eq!(status(&desk.run(&[&VERIFY[..], &["--state", "state"]].concat())), 2);
    // 3: cannot be read.
    assert_eq!(status(&desk.run(&["log", "verify", "--policy", "policy", "nowhere"])), 3);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    assert_eq!(status(&desk.run(&["log", "verify", "--policy", "policy", &url])), 3);
    // 5: wrong.
    fs::write(desk.0.path().join("log/checkpoint"), log.note(9, &key(9))).unwrap();
    let wrong = desk.run(&VERIFY);
    assert_eq!(status(&wrong), 5);
    assert!(stdout(&wrong).contains("no listed key"), "{}", stdout(&wrong));
    assert!(stdout(&desk.run(&[&VERIFY[..], &["--lang", "zh"]].concat())).contains("检查点不成立"));
}

#[test]
fn a_broken_rule_is_told_with_its_index_now_and_later() {
    let (mut log, shop) = small();
    log.say(shop.issuer(), &shop.recovery, log::image("with the wrong key"));
    let desk = Desk::new();
    desk.publish(&log);
    let with_state = [&VERIFY[..], &["--state", "state"]].concat();
    for from in [0, 10] {
        let (status_code, lines) = desk.json(&with_state);
        assert_eq!(status_code, 5);
        assert_eq!((&lines[0]["finding"], &lines[0]["rule"]), (&"statement".into(), &"unknown-key".into()));
        assert_eq!((&lines[0]["log_index"], &lines[1]["findings"]), (&9.into(), &1.into()));
        assert_eq!((&lines[1]["from"], &lines[1]["verified"]), (&from.into(), &false.into()));
    }
    // Hashes alone hold.
    assert_eq!(desk.json(&[&VERIFY[..], &["--hashes-only"]].concat()).0, 0);
}

#[test]
fn a_fork_is_shown_with_both_notes() {
    let (log, shop) = small();
    let desk = Desk::new();
    desk.publish(&log);
    let with_state = [&VERIFY[..], &["--state", "state"]].concat();
    assert_eq!(desk.json(&with_state).0, 0);
    let mut fork = log.clone();
    fork.entries.truncate(8);
    fork.register(&shop, "another past");
    fork.register(&shop, "and more");
    desk.publish(&fork);
    let (status_code, lines) = desk.json(&with_state);
    assert_eq!((status_code, &lines[0]["finding"]), (5, &"forked".into()));
    assert_eq!(lines[0]["earlier"], log.note(9, &log_key()));
    assert_eq!(lines[0]["later"], fork.note(10, &log_key()));
    let told = stdout(&desk.run(&with_state));
    assert!(told.contains("forked") && told.matches("— r.example/log").count() == 2, "{told}");
}

fn answer(log: &Log, question: Question, entries: Vec<u64>, log_size: u64, signer: u8) -> Vec<u8> {
    let answer = Answer {
        registry: log::ORIGIN.to_owned(),
        answered_at: Timestamp::from_micros(log.now).unwrap(),
        log_size,
        question,
        entries,
        truncated: false,
        checkpoint: Some(log.note(4, &log_key())),
    };
    envelope::sign(ANSWER_TYPE, &serde_json::to_vec(&answer).unwrap(), &key(signer))
}

#[test]
fn answers_are_held_to_the_log() {
    let (mut log, _) = small();
    let vendor = log.admit(11, Role::AiVendor);
    let (labelled, id) = log.say(vendor.issuer(), &vendor.key, output("ACME", "1", "dragon"));
    let corrected = LabelCorrected { statement: id, label: label("ACME", "2"), reason: "mistake".to_owned() };
    let (by, _) = log.say(vendor.issuer(), &vendor.key, corrected);
    let desk = Desk::new();
    desk.publish(&log);
    let content = |name: &str| Question::Content { sha256: digest(name) };
    let number = |id: &str| Question::Label { producer: "ACME".to_owned(), content_id: id.to_owned() };
    let size = log.size();
    let verdict = 202;
    let cases = [
        (answer(&log, content("picture 0"), vec![4], size, verdict), 0, "confirmed"),
        (answer(&log, content("picture 0 without manifest"), vec![4], size, verdict), 0, "confirmed"),
        (answer(&log, content("picture 0"), vec![], size, verdict), 5, "wrong"),
        (answer(&log, content("picture 0"), vec![], 4, verdict), 0, "confirmed"),
        (answer(&log, content("nothing"), vec![], size, verdict), 0, "confirmed"),
        (answer(&log, content("nothing"), vec![4], size, verdict), 5, "wrong"),
        (answer(&log, content("picture 0"), vec![4], size + 1, verdict), 0, "pending"),
        (answer(&log, content("picture 0"), vec![4], size, 201), 5, "wrong"),
        (answer(&log, number("1"), vec![labelled], size, verdict), 0, "confirmed"),
        (answer(&log, number("2"), vec![labelled], size, verdict), 0, "confirmed"),
        (answer(&log, number("2"), vec![labelled], by, verdict), 5, "wrong"),
        (answer(&log, number("2"), vec![], by, verdict), 0, "confirmed"),
        (b"{}".to_vec(), 5, "wrong"),
    ];
    // An audit that goes on looks at earlier entries again for the answers.
    assert_eq!(desk.json(&[&VERIFY[..], &["--state", "state"]].concat()).0, 0);
    for (n, (bytes, expected, held)) in cases.into_iter().enumerate() {
        desk.write("answer", bytes);
        for state in [&[][..], &["--state", "state"]] {
            let (status_code, lines) = desk.json(&[&VERIFY[..], &["--answer", "answer"], state].concat());
            assert_eq!(
                (status_code, &lines.last().unwrap()["answers"][0]["held"]),
                (expected, &held.into()),
                "{n}"
            );
        }
    }
    // It rests on a checkpoint of another past.
    let mut other = Log::new();
    other.admit(1, Role::Platform);
    let false_base = answer(&other, content("nothing"), vec![], size, verdict);
    desk.write("answer", false_base);
    let (status_code, lines) = desk.json(&[&VERIFY[..], &["--answer", "answer"]].concat());
    assert_eq!((status_code, &lines[0]["finding"]), (5, &"answer".into()));
}

fn monitor(desk: &Desk, more: &[&str]) -> (i32, Vec<Value>) {
    let words = ["log", "monitor", "--policy", "policy", "--state", "seen", "--once", "log"];
    desk.json(&[&words[..], more].concat())
}

fn alerts(lines: &[Value]) -> Vec<(String, u64)> {
    let text = |line: &Value| line["alert"].as_str().unwrap_or("finding").to_owned();
    lines.iter().map(|line| (text(line), line["log_index"].as_u64().unwrap())).collect()
}

#[test]
fn the_monitor_tells_owners_what_others_do_with_what_is_theirs() {
    let (mut log, shop) = small();
    let vendor = log.admit(11, Role::AiVendor);
    log.decide(CodeBound { organisation: vendor.id, code: "ACME".to_owned() });
    let desk = Desk::new();
    desk.publish(&log);
    let (shop_id, vendor_id) = (shop.id.to_string(), vendor.id.to_string());
    let own = ["--organisation", &shop_id, "--organisation", &vendor_id];
    let (status_code, lines) = monitor(&desk, &own);
    assert_eq!(
        (status_code, alerts(&lines)),
        (
            6,
            [("organisation-admitted", 3), ("organisation-admitted", 9)]
                .map(|(alert, index)| (alert.to_owned(), index))
                .to_vec()
        )
    );
    assert_eq!(monitor(&desk, &own), (0, Vec::new()), "nothing is told twice");

    // What is the owner's own doing is no news.
    log.register(&shop, "another");
    log.say(vendor.issuer(), &vendor.key, output("ACME", "1", "dragon"));
    desk.publish(&log);
    assert_eq!(monitor(&desk, &own), (0, Vec::new()));

    let rival = log.admit(31, Role::Merchant);
    let faker = log.admit(41, Role::AiVendor);
    let (registered, _) = log.register(&rival, "picture 1");
    let (relabelled, _) = log.say(faker.issuer(), &faker.key, output("Free", "1", "picture 2"));
    let edited = OutputLabelled {
        label: label("Free", "2"),
        content: bindings("picture 3, cracked"),
        parents: vec![digest("picture 3")],
    };
    let (edited, _) = log.say(faker.issuer(), &faker.key, edited);
    // The registry should have refused this one: it is a finding, and the owner's alert all the same.
    let (misused, _) = log.say(faker.issuer(), &faker.key, output("ACME", "9", "other dragon"));
    let (added, _) = log.decide(KeyAdded { organisation: shop.id, key: public(&key(3)) });
    let revoked = KeyRevoked {
        organisation: shop.id,
        key: public(&key(3)),
        suspect_from_index: None,
        reason: "x".into(),
    };
    let (revoked, _) = log.say(shop.issuer(), &shop.recovery, revoked);
    let (changed, _) = log.decide(policy_changed("retention", "90 days"));
    let suspended = OrganisationSuspended { organisation: vendor.id, reason: "x".into() };
    let (suspended, _) = log.decide(suspended);
    log.decide(OrganisationSuspended { organisation: rival.id, reason: "x".into() });
    desk.publish(&log);
    let (status_code, lines) = monitor(&desk, &own);
    let expected = [
        ("picture-registered", registered),
        ("picture-relabelled", relabelled),
        ("picture-edited", edited),
        ("code-used", misused),
        ("key-added", added),
        ("key-revoked", revoked),
        ("policy-changed", changed),
        ("organisation-suspended", suspended),
        ("finding", misused),
    ];
    let expected: Vec<(String, u64)> = expected.map(|(alert, index)| (alert.to_owned(), index)).to_vec();
    assert_eq!((status_code, alerts(&lines)), (5, expected));
    assert_eq!(lines[0]["issuer"], rival.id.to_string());
    assert_eq!(lines[0]["sha256"], digest("picture 1").to_string());
}

#[test]
fn weakened_labels_and_withdrawals_are_told_by_the_rules() {
    let (mut log, _) = small();
    let vendor = log.admit(11, Role::AiVendor);
    let mut labelled = |id: &str| log.say(vendor.issuer(), &vendor.key, output("ACME", id, id)).1;
    let (first, second, third) = (labelled("1"), labelled("2"), labelled("3"));
    let mut correct = |statement, label: OutputLabel| {
        let correction = LabelCorrected { statement, label, reason: "mistake".to_owned() };
        log.say(vendor.issuer(), &vendor.key, correction).0
    };
    let possible = |id: &str| OutputLabel { attribute: AiAttribute::Possible, ..label("ACME", id) };
    let weaker = correct(first, possible("1"));
    correct(first, label("ACME", "1"));
    let again = correct(first, possible("1"));
    correct(second, OutputLabel { system: "model 2".to_owned(), ..label("ACME", "2") });
    let partly = DigitalSourceType::CompositeWithTrainedAlgorithmicMedia;
    let less = correct(second, OutputLabel { digital_source_type: partly, ..label("ACME", "2") });
    let withdrawn = StatementWithdrawn { statement: third, reason: "mistake".to_owned() };
    let (withdrawn, _) = log.say(vendor.issuer(), &vendor.key, withdrawn);
    let desk = Desk::new();
    desk.publish(&log);
    let fresh = |more: &[&str]| {
        let _ = fs::remove_file(desk.0.path().join("seen"));
        let (status_code, lines) = monitor(&desk, more);
        (status_code, alerts(&lines))
    };
    let told =
        |pairs: &[(&str, u64)]| pairs.iter().map(|(alert, index)| ((*alert).to_owned(), *index)).collect();
    // Without an organisation, everybody's are told; those before --since are not.
    let all: Vec<(String, u64)> = told(&[
        ("organisation-admitted", 3),
        ("organisation-admitted", 9),
        ("label-weakened", weaker),
        ("label-weakened", again),
        ("label-weakened", less),
        ("withdrawn", withdrawn),
    ]);
    assert_eq!(fresh(&[]), (6, all.clone()));
    assert_eq!(fresh(&["--since", &again.to_string()]), (6, all[3..].to_vec()));
    desk.write("rules.toml", "[alerts]\nlabels = \"off\"\norganisations = \"off\"\n");
    assert_eq!(fresh(&["--rules", "rules.toml"]), (6, told(&[("withdrawn", withdrawn)])));
    desk.write("rules.toml", "[alerts]\nlabels = \"own\"\nwithdrawals = \"own\"\norganisations = \"own\"\n");
    assert_eq!(fresh(&["--rules", "rules.toml"]), (0, Vec::new()));
    assert_eq!(
        fresh(&["--rules", "rules.toml", "--code", "ACME"]).1.len(),
        8,
        "three outputs, five corrections"
    );
    let vendor_key = public(&vendor.key).to_string();
    assert_eq!(
        fresh(&["--rules", "rules.toml", "--code", "ACME", "--own-key", &vendor_key]),
        (0, Vec::new())
    );
    desk.write("rules.toml", "colour = \"red\"\n");
    let words =
        ["log", "monitor", "--policy", "policy", "--state", "seen", "--rules", "rules.toml", "--once", "log"];
    let refused = desk.run(&words);
    assert_eq!(status(&refused), 2);
    assert!(stderr(&refused).contains("colour"), "{}", stderr(&refused));
}

#[test]
fn the_monitor_reports_a_wrong_log_and_takes_nothing_of_it() {
    let (log, shop) = small();
    let desk = Desk::new();
    desk.publish(&log);
    assert_eq!(monitor(&desk, &["--organisation", &shop.id.to_string()]).0, 6);
    let mut fork = log.clone();
    fork.entries.truncate(5);
    for n in 0..9 {
        fork.register(&shop, &format!("fork {n}"));
    }
    desk.publish(&fork);
    let seen = fs::read(desk.0.path().join("seen")).unwrap();
    let (status_code, lines) = monitor(&desk, &[]);
    assert_eq!((status_code, &lines[0]["finding"]), (5, &"forked".into()));
    assert_eq!(fs::read(desk.0.path().join("seen")).unwrap(), seen);
    let chinese = desk
        .run(&["log", "monitor", "--policy", "policy", "--state", "seen", "--once", "log", "--lang", "zh"]);
    assert!(stdout(&chinese).contains("日志分叉"), "{}", stdout(&chinese));
}

/// The receipt of an entry, and its envelope.
fn receipt(log: &Log, index: u64, note: &str) -> (String, Vec<u8>) {
    let data = &log.entries[index as usize];
    let leaves: Vec<Sha256Digest> = log.entries.iter().map(|entry| leaf::hash(entry)).collect();
    let mut nodes = |id: touchstone_schema::log::NodeId| {
        let mut frontier = touchstone_schema::log::Frontier::new();
        let (from, to) = (id.index << id.level, (id.index + 1) << id.level);
        leaves[from as usize..to as usize].iter().for_each(|leaf| frontier.push(*leaf));
        Ok::<_, std::convert::Infallible>(frontier.root())
    };
    let hashes = prove_inclusion(index, log.size(), &mut nodes).unwrap();
    let (head, envelope) = data.split_at(leaf::HEADER);
    let proof = TlogProof { extra: Some(head.to_vec()), index, hashes, checkpoint: note.to_owned() };
    (proof.to_string(), envelope.to_vec())
}

#[test]
fn receipts_prove_offline_what_the_log_holds() {
    let (log, _) = small();
    let desk = Desk::new();
    let witness = key(51);
    let mut note = Note::parse(log.note(9, &log_key()).as_bytes()).unwrap();
    note = note.clone().with_signature(cosign(note.text(), "w", &witness, 1_795_400_000)).unwrap();
    let cosigner = VerifierKey::cosigner("w", public(&witness)).unwrap();
    desk.write("policy", format!("log {}\nwitness w {cosigner}\nquorum w\n", log::verifier()));
    let (text, statement) = receipt(&log, 6, &note.to_string());
    desk.write("r.tlog-proof", &text);
    desk.write("r.json", &statement);
    let words = ["verify-receipt", "--policy", "policy", "--envelope", "r.json", "r.tlog-proof"];
    let (status_code, lines) = desk.json(&words);
    let line = &lines[0];
    assert_eq!((status_code, &line["proven"], &line["log_index"]), (0, &true.into(), &6.into()));
    assert_eq!((&line["kind"], &line["checkpoint_size"]), (&"image.registered".into(), &9.into()));
    assert_eq!(line["key_hint"], public(&key(1)).fingerprint().to_string());
    assert_eq!(line["witnessed_at"], "2026-11-23T02:13:20.000000Z");
    assert_eq!((&line["signature_verified"], &line["statement"]), (&false.into(), &Value::Null));
    assert!(stdout(&desk.run(&words)).contains("the log holds this statement"));
    assert!(stdout(&desk.run(&[&words[..], &["--lang", "zh"]].concat())).contains("日志包含该声明"));

    let fails = |what: &str| {
        let output = desk.run(&words);
        assert_eq!(status(&output), 5, "{what}: {}", stdout(&output));
        assert!(stdout(&output).contains("proves nothing"), "{what}");
    };
    let mut other = statement.clone();
    other[40] ^= 1;
    desk.write("r.json", other);
    fails("another envelope");
    desk.write("r.json", &statement);
    desk.write("r.tlog-proof", text.replacen("index 6", "index 5", 1));
    fails("another index");
    desk.write("r.tlog-proof", receipt(&log, 6, &log.note(9, &log_key())).0);
    fails("no witness");
    desk.write("r.tlog-proof", receipt(&log, 6, &log.note(9, &key(9))).0);
    fails("another log's key");
    desk.write("r.tlog-proof", "nonsense");
    fails("no receipt");
}

#[test]
fn a_signature_is_verified_where_its_key_is_given() {
    let (mut log, shop) = small();
    let desk = Desk::new();
    for name in ["a", "b"] {
        assert_eq!(status(&desk.run(&["keygen", "--out", name])), 0);
    }
    let signer = touchstone_sdk::keys::read_private(&desk.0.path().join("a")).unwrap().key;
    log.decide(KeyAdded { organisation: shop.id, key: public(&signer) });
    let (index, id) = log.say(shop.issuer(), &signer, log::image("signed"));
    let (text, statement) = receipt(&log, index, &log.note(log.size(), &log_key()));
    desk.write("r.tlog-proof", &text);
    desk.write("r.json", &statement);
    let words = ["verify-receipt", "--policy", "policy", "--envelope", "r.json", "r.tlog-proof", "--signer"];
    let (status_code, lines) = desk.json(&[&words[..], &["a.pub"]].concat());
    assert_eq!((status_code, &lines[0]["statement"]), (0, &id.to_string().into()));
    assert_eq!(desk.json(&[&words[..], &["b.pub"]].concat()).0, 5);
}

#[test]
fn the_state_is_made_where_it_is_named() {
    let (log, _) = small();
    let desk = Desk::new();
    desk.publish(&log);
    let made = |name: &str| Path::new(&desk.0.path().join(name)).exists();
    assert_eq!(monitor(&desk, &["--since", "9"]).0, 0);
    assert!(made("seen") && made("seen.entries"));
    // What the monitor saw, an audit need not verify again.
    let (status_code, lines) = desk.json(&[&VERIFY[..], &["--state", "seen"]].concat());
    assert_eq!((status_code, &lines[0]["from"]), (0, &9.into()));
}
