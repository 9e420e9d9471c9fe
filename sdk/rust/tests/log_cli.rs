//! The built auditor's commands on logs as files: what they say, and with which exit status.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "support/desk.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod desk;
#[path = "support/log.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod log;

use desk::{Desk, VERIFY, small, status, stderr, stdout};
use log::{Log, digest, key, label, log_key, output, policy_changed, public};
use serde_json::Value;
use std::fs;
use touchstone_schema::{
    Timestamp,
    answer::{ANSWER_TYPE, Answer, Question},
    envelope,
    log::{Note, VerifierKey, cosign},
    statement::{KeyAdded, LabelCorrected, Role},
};

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
    let checkpoint = Some(log.note(3, &log_key()));
    signed(&Answer { checkpoint, ..plain(log, question, entries, log_size) }, signer)
}

fn signed(answer: &Answer, signer: u8) -> Vec<u8> {
    envelope::sign(ANSWER_TYPE, &serde_json::to_vec(answer).unwrap(), &key(signer))
}

fn plain(log: &Log, question: Question, entries: Vec<u64>, log_size: u64) -> Answer {
    Answer {
        registry: log::ORIGIN.to_owned(),
        answered_at: Timestamp::from_micros(log.now).unwrap(),
        log_size,
        question,
        entries,
        truncated: false,
        checkpoint: None,
    }
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
        (answer(&log, content("picture 0"), vec![4], size + 1, verdict), 7, "pending"),
        (answer(&log, content("picture 0"), vec![4], size, 201), 5, "wrong"),
        (answer(&log, number("1"), vec![labelled], size, verdict), 0, "confirmed"),
        (answer(&log, number("2"), vec![labelled], size, verdict), 0, "confirmed"),
        (answer(&log, number("2"), vec![labelled], by, verdict), 5, "wrong"),
        (answer(&log, number("2"), vec![], by, verdict), 0, "confirmed"),
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
    let desk_status = |bytes: Vec<u8>| {
        desk.write("answer", bytes);
        desk.json(&[&VERIFY[..], &["--answer", "answer"]].concat())
    };
    // What is no answer at all is wrong usage.
    assert_eq!(desk_status(b"{}".to_vec()).0, 2);
    // What is told about each.
    let told = answer(&log, content("picture 0"), vec![4], size, verdict);
    let (_, lines) = desk_status(told);
    let line = &lines.last().unwrap()["answers"][0];
    assert_eq!((&line["log_size"], &line["truncated"]), (&size.into(), &false.into()));
    assert_eq!(line["answered_at"], Timestamp::from_micros(log.now).unwrap().to_string());
    // It rests on a checkpoint of another past.
    let mut other = Log::new();
    other.admit(1, Role::Platform);
    let false_base = Answer {
        checkpoint: Some(other.note(4, &log_key())),
        ..plain(&log, content("nothing"), vec![], size)
    };
    let (status_code, lines) = desk_status(signed(&false_base, verdict));
    assert_eq!((status_code, &lines[0]["finding"]), (5, &"answer".into()));
}

/// The status of an audit with an answer, and the fault that it found.
fn held(desk: &Desk, answer: &Answer, signer: u8) -> (i32, String) {
    desk.write("answer", signed(answer, signer));
    let (status_code, lines) = desk.json(&[&VERIFY[..], &["--answer", "answer"]].concat());
    let last = lines.last().unwrap();
    let pending = if last["pending"] == 1 { "pending" } else { "" };
    let fault = match &lines[0]["fault"] {
        Value::Object(fault) => fault.keys().next().unwrap().clone(),
        _ => pending.to_owned(),
    };
    (status_code, fault)
}

#[test]
fn a_lying_nothing_is_found_out() {
    let (mut log, shop) = small();
    // Twenty minutes later; each second another one.
    log.now += 1_200_000_000;
    for _ in 0..600 {
        log.register(&shop, "often");
    }
    let desk = Desk::new();
    desk.publish(&log);
    let size = log.size();
    let content = |name: &str| Question::Content { sha256: digest(name) };
    let answer = |name: &str, entries: Vec<u64>, size| plain(&log, content(name), entries, size);
    let ok = (0, String::new());
    let wrong = |fault: &str| (5, fault.to_owned());
    // Cut where the registry's limit is, in order; nowhere else.
    let often: Vec<u64> = (9..size).collect();
    let cut = |entries: &[u64]| Answer { truncated: true, ..answer("often", entries.to_vec(), size) };
    assert_eq!(held(&desk, &cut(&often[..500]), 202), ok);
    assert_eq!(held(&desk, &cut(&often), 202), ok);
    assert_eq!(held(&desk, &cut(&[]), 202), wrong("cut"));
    assert_eq!(held(&desk, &cut(&often[..499]), 202), wrong("cut"));
    assert_eq!(held(&desk, &cut(&often[1..]), 202), wrong("cut"));
    let nothing = Answer { truncated: true, ..answer("picture 0", Vec::new(), size) };
    assert_eq!(held(&desk, &nothing, 202), wrong("cut"));
    // Counted less than it showed itself.
    let less = Answer { checkpoint: Some(log.note(9, &log_key())), ..answer("often", Vec::new(), 8) };
    let less = Answer { answered_at: Timestamp::from_micros(log::START + 9_000_000).unwrap(), ..less };
    assert_eq!(held(&desk, &less, 202), wrong("checkpoint"));
    // Counted what was long out of date, or what never came.
    assert_eq!(held(&desk, &answer("often", Vec::new(), 9), 202), wrong("stale"));
    let at = |log_size, micros| Answer {
        answered_at: Timestamp::from_micros(micros).unwrap(),
        ..answer("nothing", Vec::new(), log_size)
    };
    assert_eq!(held(&desk, &at(9, log::START + 200_000_000), 202), ok);
    assert_eq!(held(&desk, &at((1 << 53) - 1, log.now - 200_000_000), 202), (7, "pending".to_owned()));
    assert_eq!(held(&desk, &at((1 << 53) - 1, log.now - 301_000_000), 202), wrong("never-there"));
    assert_eq!(held(&desk, &at(size, log.now - 301_000_000), 202), wrong("never-there"));
    assert_eq!(held(&desk, &at(size, 253_000_000_000_000_000), 202), wrong("future"));
    // A checkpoint beyond the tree is not proven yet, whatever the answer says.
    let mut longer = log.clone();
    longer.register(&shop, "one more");
    let ahead = Answer {
        checkpoint: Some(longer.note(size + 1, &log_key())),
        ..answer("often", Vec::new(), size + 1)
    };
    assert_eq!(held(&desk, &ahead, 202), (7, "pending".to_owned()));
    let foreign = Answer { checkpoint: Some(longer.note(size + 1, &key(9))), ..at(size + 1, log.now) };
    assert_eq!(held(&desk, &foreign, 202), wrong("checkpoint"));
}

#[test]
fn an_answer_is_signed_with_the_key_of_its_time() {
    let (mut log, _) = small();
    let (changed, _) = log.decide(policy_changed("verdict_key", &public(&key(212)).to_string()));
    log.decide(policy_changed("retention", "1 day"));
    let desk = Desk::new();
    desk.publish(&log);
    let nothing = |size| plain(&log, Question::Content { sha256: digest("nothing") }, Vec::new(), size);
    for (size, signer, expected) in [
        (changed, 202, 0),
        (changed, 212, 5),
        (changed + 1, 202, 5),
        (changed + 1, 212, 0),
        (changed + 2, 212, 0),
        (2, 202, 5),
    ] {
        assert_eq!(held(&desk, &nothing(size), signer).0, expected, "{size} {signer}");
    }
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
    let (text, statement) = log.receipt(6, &note.to_string());
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
    desk.write("r.tlog-proof", log.receipt(6, &log.note(9, &log_key())).0);
    fails("no witness");
    desk.write("r.tlog-proof", log.receipt(6, &log.note(9, &key(9))).0);
    fails("another log's key");
    desk.write("r.tlog-proof", "nonsense");
    fails("no receipt");
    desk.write("r.tlog-proof", b"\xff\xfe");
    fails("no text");
    desk.write("r.tlog-proof", vec![b'x'; (1 << 20) + 1]);
    fails("too long");
    // Cosigned before it was accepted.
    let early = Note::parse(log.note(9, &log_key()).as_bytes()).unwrap();
    let hours = (log::START / 1_000_000) as u64 - 2 * 3_600;
    let early = early.clone().with_signature(cosign(early.text(), "w", &witness, hours)).unwrap();
    desk.write("r.tlog-proof", log.receipt(6, &early.to_string()).0);
    fails("dated after it was witnessed");
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
    let (text, statement) = log.receipt(index, &log.note(log.size(), &log_key()));
    desk.write("r.tlog-proof", &text);
    desk.write("r.json", &statement);
    let words = ["verify-receipt", "--policy", "policy", "--envelope", "r.json", "r.tlog-proof", "--signer"];
    let (status_code, lines) = desk.json(&[&words[..], &["a.pub"]].concat());
    assert_eq!((status_code, &lines[0]["statement"]), (0, &id.to_string().into()));
    assert_eq!(lines[0]["signer"], public(&signer).fingerprint().to_string());
    assert_eq!(desk.json(&[&words[..], &["b.pub"]].concat()).0, 5);
}
