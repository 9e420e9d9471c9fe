//! The built monitor on logs as files: what it tells to whom, and that nothing is left out.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "support/desk.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod desk;
#[path = "support/log.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod log;

use desk::{Desk, VERIFY, small, status, stderr, stdout};
use log::{Log, Member, bindings, digest, key, label, output, policy_changed, public};
use serde_json::Value;
use std::{fs, path::Path};
use touchstone_schema::{
    label::{AiAttribute, DigitalSourceType, OutputLabel},
    statement::{
        C2paBinding, CodeBound, ContentObserved, ImageRegistered, KeyAdded, KeyRevoked, LabelCorrected,
        ManifestDeleted, OrganisationSuspended, OutputLabelled, RecordDeleted, Role, StatementWithdrawn,
        View,
    },
};

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
    let counted = |desk: &Desk| {
        let seen: Value = serde_json::from_slice(&fs::read(desk.0.path().join("seen")).unwrap()).unwrap();
        seen["state"]["size"].clone()
    };
    let seen = counted(&desk);
    let (status_code, lines) = monitor(&desk, &[]);
    assert_eq!((status_code, &lines[0]["finding"]), (5, &"forked".into()));
    assert_eq!(counted(&desk), seen);
    let chinese = desk
        .run(&["log", "monitor", "--policy", "policy", "--state", "seen", "--once", "log", "--lang", "zh"]);
    assert!(stdout(&chinese).contains("日志分叉"), "{}", stdout(&chinese));
    // A proof stays one, whatever the log shows afterwards, to whom it may be shown.
    desk.publish(&log);
    let (status_code, lines) = monitor(&desk, &[]);
    assert_eq!((status_code, lines.len(), &lines[0]["finding"]), (5, 1, &"forked".into()));
    let (status_code, lines) = desk.json(&[&VERIFY[..], &["--state", "seen"]].concat());
    assert_eq!((status_code, lines.len(), &lines[0]["finding"]), (5, 2, &"forked".into()));
    assert_eq!((&lines[1]["verified"], &lines[1]["findings"]), (&false.into(), &1.into()));
}

#[test]
fn what_an_audit_verified_is_news_for_the_monitor() {
    let (mut log, shop) = small();
    let desk = Desk::new();
    desk.publish(&log);
    let own = ["--organisation", &shop.id.to_string()];
    assert_eq!(monitor(&desk, &own).0, 6);
    let rival = log.admit(31, Role::Merchant);
    let (registered, _) = log.register(&rival, "picture 1");
    desk.publish(&log);
    let audit = [&VERIFY[..], &["--state", "seen"]].concat();
    assert_eq!(desk.json(&audit).0, 0);
    let expected = vec![("picture-registered".to_owned(), registered)];
    let (status_code, lines) = monitor(&desk, &own);
    assert_eq!((status_code, alerts(&lines)), (6, expected));
    assert_eq!(monitor(&desk, &own), (0, Vec::new()), "nothing is told twice");
    // Between two audits, and with what is new beside it.
    let (second, _) = log.register(&rival, "picture 2");
    desk.publish(&log);
    assert_eq!(desk.json(&audit).0, 0);
    let (third, _) = log.register(&rival, "picture 3");
    desk.publish(&log);
    let expected = [second, third].map(|index| ("picture-registered".to_owned(), index)).to_vec();
    assert_eq!(alerts(&monitor(&desk, &own).1), expected);
}

#[test]
fn alerts_that_nobody_could_read_come_again() {
    let (mut log, shop) = small();
    let desk = Desk::new();
    desk.publish(&log);
    let own = ["--organisation", &shop.id.to_string()];
    assert_eq!(monitor(&desk, &own).0, 6);
    let rival = log.admit(31, Role::Merchant);
    let (registered, _) = log.register(&rival, "picture 1");
    desk.publish(&log);
    let words = ["log", "monitor", "--policy", "policy", "--state", "seen", "--once", "--json", "log"];
    if let Ok(full) = fs::File::options().write(true).open("/dev/full") {
        let mut command = desk.command(&[&words[..], &own].concat());
        let output = command.stdout(full).output().unwrap();
        assert_eq!(status(&output), 1);
        assert!(stderr(&output).contains("standard output"), "{}", stderr(&output));
    }
    // Nobody reads.
    let mut command = desk.command(&[&words[..], &own].concat());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(status(&command.stdout(writer).output().unwrap()), 1);
    let expected = vec![("picture-registered".to_owned(), registered)];
    assert_eq!(alerts(&monitor(&desk, &own).1), expected);
    // What was found before nobody read on is in the status.
    log.say(shop.issuer(), &shop.recovery, log::image("with the wrong key"));
    desk.publish(&log);
    let mut command = desk.command(&VERIFY);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(status(&command.stdout(writer).output().unwrap()), 5);
}

#[test]
fn two_processes_do_not_share_a_state() {
    let (log, _) = small();
    let desk = Desk::new();
    desk.publish(&log);
    let held = touchstone_sdk::log::state::StateFile::open(&desk.0.path().join("seen"), true).unwrap();
    let words = [&VERIFY[..], &["--state", "seen"]].concat();
    let output = desk.run(&words);
    assert_eq!(status(&output), 2);
    assert!(stderr(&output).contains("in use") && stderr(&output).contains("Wait"), "{}", stderr(&output));
    let chinese = desk.run(&[&words[..], &["--lang", "zh"]].concat());
    assert!(stderr(&chinese).contains("正被另一审计") && stderr(&chinese).contains("请等待"));
    drop(held);
    assert_eq!(status(&desk.run(&words)), 0);
    desk.write("seen", "{\"version\":1,\"origin\":null}");
    let output = desk.run(&words);
    assert_eq!(status(&output), 2);
    assert!(stderr(&output).contains("Move FILE and FILE.entries away"), "{}", stderr(&output));
}

#[test]
fn deleted_records_and_manifests_are_told_to_their_owners() {
    let (mut log, shop) = small();
    let rival = log.admit(31, Role::Merchant);
    let deleted = |log: &mut Log, member: &Member, picture: &str, manifest: &str| {
        let mut content = bindings(picture);
        content.record = Some(digest(picture));
        let image = ImageRegistered { view: View::Listing, product: None, content: content.clone() };
        let (index, statement) = log.say(member.issuer(), &member.key, image);
        let store_sha256 = digest(manifest);
        content.c2pa = Some(C2paBinding {
            manifest: manifest.to_owned(),
            store_sha256,
            signer: None,
            certificate_sha256: None,
            claim_signature_sha256: None,
            hard_binding: None,
        });
        let (brought, _) =
            log.observe(ContentObserved { statement, content, width: 1, height: 1, c2pa: None });
        let (record, _) = log.observe(RecordDeleted { statement, record: digest(picture) });
        let (gone, _) = log.observe(ManifestDeleted { manifest: manifest.to_owned(), store_sha256 });
        [("record-deleted".to_owned(), record, index), ("manifest-deleted".to_owned(), gone, brought)]
    };
    let mine = deleted(&mut log, &shop, "mine", "urn:mine");
    let theirs = deleted(&mut log, &rival, "theirs", "urn:theirs");
    let desk = Desk::new();
    desk.publish(&log);
    let fresh = |more: &[&str]| {
        let _ = fs::remove_file(desk.0.path().join("seen"));
        let (_, lines) = monitor(&desk, &[more, &["--since", "10"]].concat());
        let text = |line: &Value| line["alert"].as_str().unwrap_or("finding").to_owned();
        let number = |value: &Value| value.as_u64().unwrap();
        lines
            .iter()
            .map(|line| (text(line), number(&line["log_index"]), number(&line["target"])))
            .collect::<Vec<_>>()
    };
    assert_eq!(fresh(&["--organisation", &shop.id.to_string()]), mine);
    assert_eq!(fresh(&[]), [], "everybody's are no news");
    desk.write("rules.toml", "[alerts]\ndeletions = \"all\"\n");
    assert_eq!(fresh(&["--rules", "rules.toml"]), [mine, theirs].concat());
}

#[test]
fn the_state_is_made_where_it_is_named() {
    let (log, _) = small();
    let desk = Desk::new();
    desk.publish(&log);
    let made = |name: &str| Path::new(&desk.0.path().join(name)).exists();
    assert_eq!(monitor(&desk, &["--since", "9"]).0, 0);
    assert!(made("seen") && made("seen.entries") && made("seen.lock"));
    // What the monitor saw, an audit need not verify again.
    let (status_code, lines) = desk.json(&[&VERIFY[..], &["--state", "seen"]].concat());
    assert_eq!((status_code, &lines[0]["from"]), (0, &9.into()));
}
