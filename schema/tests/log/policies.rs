//! Trust policies.

use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use touchstone_schema::{
    key::PublicKey,
    log::{
        Checkpoint, CheckpointError, Note, NoteError, Policy, PolicyError, PolicyParseError, VerifierKey,
        cosign, empty_root,
        note::sign,
        policy::{MAX_DEFINITIONS, MAX_POLICY_BYTES, PolicyProblem},
        sign_checkpoint,
    },
};

const ORIGIN: &str = "registry.example/log";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn log_vkey(seed: u8) -> String {
    VerifierKey::ed25519(ORIGIN, PublicKey::from(&key(seed))).unwrap().to_string()
}

/// Witness `seed` is called `w<seed>` in notes.
fn witness_vkey(seed: u8) -> String {
    VerifierKey::cosigner(&format!("w{seed}"), PublicKey::from(&key(seed))).unwrap().to_string()
}

/// The example of C2SP tlog-policy.
fn example() -> String {
    let [log, x1, x2, x3, y1, y2, y3] = [
        log_vkey(1),
        witness_vkey(11),
        witness_vkey(12),
        witness_vkey(13),
        witness_vkey(21),
        witness_vkey(22),
        witness_vkey(23),
    ];
    format!(
        "log {log}

witness X1 {x1}
witness X2 {x2}
witness X3 {x3}
group X-witnesses 2 X1 X2 X3

witness Y1 {y1}
witness Y2 {y2}
witness Y3 {y3}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"
    )
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: 0, root: empty_root() }
}

/// A checkpoint of the log, cosigned by these witnesses, each at the time of its seed.
fn cosigned(witnesses: &[u8]) -> Note {
    let note = sign_checkpoint(&checkpoint(), &key(1)).unwrap();
    witnesses.iter().fold(note, |note, seed| {
        let signature = cosign(note.text(), &format!("w{seed}"), &key(*seed), (*seed).into());
        note.with_signature(signature).unwrap()
    })
}

#[test]
fn quorum_of_the_specification() {
    let policy = Policy::parse(&example()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
    assert_eq!(policy.quorum(), Some("X-and-Y"));
    let met = |names: &[&str]| policy.satisfied(|name| names.contains(&name));
    assert!(met(&["X1", "X2", "Y1"]) && met(&["X2", "X3", "Y3"]) && met(&["X1", "X2", "X3", "Y2"]));
    assert!(!met(&[]) && !met(&["X1", "Y1"]) && !met(&["X1", "X2", "X3"]) && !met(&["Y1", "Y2", "Y3"]));
    // Names of groups are nobody's cosignature.
    assert!(!met(&["X-and-Y", "X-witnesses", "Y-witnesses"]));

    let verified = policy.verify(&cosigned(&[22, 13, 11]).to_bytes()).unwrap();
    assert_eq!(verified.checkpoint, checkpoint());
    assert_eq!(verified.log.to_string(), log_vkey(1));
    let times = [("X1".to_owned(), 11), ("X3".to_owned(), 13), ("Y2".to_owned(), 22)];
    assert_eq!(verified.witnesses, times);
    let missing = PolicyError::Quorum {
        quorum: "X-and-Y".to_owned(),
        cosigned: vec!["X1".to_owned(), "Y1".to_owned()],
    };
    assert_eq!(policy.verify(&cosigned(&[11, 21]).to_bytes()), Err(missing));
}

#[test]
fn a_file_is_written_back() {
    let text = example();
    let policy = Policy::parse(&text).unwrap();
    let sorted: Vec<String> = policy.to_string().lines().map(str::to_owned).collect();
    let mut expected: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    expected
        .sort_by_key(|line| ["log", "wit", "gro", "quo"].iter().position(|start| line.starts_with(start)));
    assert_eq!(sorted, expected);
    assert_eq!(Policy::parse(&policy.to_string()), Ok(policy.clone()));
    // Spacing, comments and URLs.
    let spaced = format!(
        "\t# a comment \u{e9}\n \n\t log\t {}  https://registry.example/log/ \n#\nwitness 水 {} https://w.example\nquorum \t水\n",
        log_vkey(1),
        witness_vkey(11)
    );
    let policy = Policy::parse(&spaced).unwrap();
    assert_eq!(policy.logs()[0].url(), Some("https://registry.example/log/"));
    assert_eq!(policy.witnesses()[0].url(), Some("https://w.example"));
    assert_eq!((policy.witnesses()[0].name(), policy.quorum()), ("水", Some("水")));
    assert_eq!(Policy::parse(&policy.to_string()), Ok(policy));
}

#[test]
fn without_quorum_the_log_alone_counts() {
    let policy = Policy::parse(&format!("log {}\nquorum none\n", log_vkey(1))).unwrap();
    assert_eq!(policy.quorum(), None);
    assert!(policy.satisfied(|_| false));
    assert_eq!(policy.verify(&cosigned(&[]).to_bytes()).unwrap().witnesses, []);
    let empty = Policy::parse("quorum none\n").unwrap();
    assert_eq!(empty.verify(&cosigned(&[]).to_bytes()), Err(PolicyError::UnknownLog(ORIGIN.to_owned())));
}

#[test]
fn only_listed_keys_count() {
    let policy =
        Policy::parse(&format!("log {}\nwitness W {}\nquorum W\n", log_vkey(1), witness_vkey(11))).unwrap();
    assert!(policy.verify(&cosigned(&[11, 12]).to_bytes()).is_ok());
    // Another key of the same origin.
    let other = sign_checkpoint(&checkpoint(), &key(2)).unwrap();
    assert_eq!(policy.verify(&other.to_bytes()), Err(PolicyError::Unsigned(ORIGIN.to_owned())));
    // The log's key under another origin.
    let elsewhere = Checkpoint { origin: "elsewhere".to_owned(), ..checkpoint() };
    let elsewhere = sign_checkpoint(&elsewhere, &key(1)).unwrap();
    assert_eq!(policy.verify(&elsewhere.to_bytes()), Err(PolicyError::UnknownLog("elsewhere".to_owned())));
    let text = elsewhere.text();
    let named = Note::new(text, sign(text, ORIGIN, &key(1))).unwrap();
    assert_eq!(policy.verify(&named.to_bytes()), Err(PolicyError::UnknownLog("elsewhere".to_owned())));
    // A false signature of a known key spoils the note, even where it is not needed.
    let mut forged = cosign(other.text(), "w11", &key(12), 5);
    forged.key_id = witness_vkey(11).parse::<VerifierKey>().unwrap().key_id();
    let forged = cosigned(&[]).with_signature(forged).unwrap().to_bytes();
    assert_eq!(policy.verify(&forged), Err(PolicyError::Signature("w11".to_owned())));
    let lax = Policy::parse(&policy.to_string().replace("quorum W", "quorum none")).unwrap();
    assert_eq!(lax.verify(&forged), Err(PolicyError::Signature("w11".to_owned())));
    // A witness that signs as a log does has not cosigned.
    let plain = cosigned(&[]).with_signature(sign(other.text(), "w11", &key(11))).unwrap();
    assert!(matches!(policy.verify(&plain.to_bytes()), Err(PolicyError::Quorum { .. })));
    let unsigned = PolicyError::Checkpoint(CheckpointError::Note(NoteError::Unsigned));
    assert_eq!(policy.verify(b""), Err(unsigned));
}

#[test]
fn a_log_may_have_two_keys() {
    let policy = Policy::parse(&format!("log {}\nlog {}\nquorum none\n", log_vkey(2), log_vkey(1))).unwrap();
    assert_eq!(policy.verify(&cosigned(&[]).to_bytes()).unwrap().log.to_string(), log_vkey(1));
    let both = cosigned(&[]);
    let both = both.clone().with_signature(sign(both.text(), ORIGIN, &key(2))).unwrap();
    assert_eq!(policy.verify(&both.to_bytes()).unwrap().log.to_string(), log_vkey(2));
}

#[test]
fn errors_name_line_and_reason() {
    use PolicyProblem as P;
    let (log, a, b) = (log_vkey(1), witness_vkey(11), witness_vkey(12));
    let group = "group <name> all|any|<k> <name>...";
    let threshold = |text: &str| P::Threshold { threshold: text.to_owned(), members: 2 };
    let name = |name: &str| name.to_owned();
    let ab = format!("witness A {a}\nwitness B {b}\n");
    for (text, line, problem) in [
        (String::new(), 1, P::NoQuorum),
        ("# nothing\n\n".to_owned(), 3, P::NoQuorum),
        ("quorum none".to_owned(), 1, P::Unterminated),
        ("quorum none\n\nquorum none\n".to_owned(), 3, P::DuplicateQuorum),
        ("quorum\n".to_owned(), 1, P::Form("quorum <name>|none")),
        ("quorum none # nobody\n".to_owned(), 1, P::Form("quorum <name>|none")),
        ("quorum A\n".to_owned(), 1, P::UnknownName(name("A"))),
        (format!("quorum A\n{ab}"), 1, P::UnknownName(name("A"))),
        ("quorum none\r\n".to_owned(), 1, P::Characters),
        ("quorum\u{b}none\n".to_owned(), 1, P::Characters),
        ("# \u{7f}\n".to_owned(), 1, P::Characters),
        ("quorum\u{a0}none\n".to_owned(), 1, P::Keyword(name("quorum\u{a0}none"))),
        ("Quorum none\n".to_owned(), 1, P::Keyword(name("Quorum"))),
        ("log\n".to_owned(), 1, P::Form("log <vkey> [<url>]")),
        (format!("log {log} a b\n"), 1, P::Form("log <vkey> [<url>]")),
        (format!("log {log}\nlog {log}\n"), 2, P::DuplicateKey),
        (format!("log {log}\nlog {}\n", PublicKey::from(&key(1)).verifier_key("x")), 2, P::DuplicateKey),
        (format!("log {a}\n"), 1, P::KeyKind(4)),
        (format!("witness A {log}\n"), 1, P::KeyKind(1)),
        (format!("witness {a}\n"), 1, P::Form("witness <name> <vkey> [<url>]")),
        (format!("witness A {a} b c\n"), 1, P::Form("witness <name> <vkey> [<url>]")),
        (format!("witness A {a}\nwitness B {a}\n"), 2, P::DuplicateKey),
        (format!("witness A {a}\nwitness A {b}\n"), 2, P::DuplicateName(name("A"))),
        (format!("witness none {a}\n"), 1, P::DuplicateName(name("none"))),
        (format!("{ab}group none any A\n"), 3, P::DuplicateName(name("none"))),
        (format!("{ab}group A any B\n"), 3, P::DuplicateName(name("A"))),
        (format!("{ab}group G any\n"), 3, P::Form(group)),
        (format!("{ab}group G\n"), 3, P::Form(group)),
        (format!("{ab}group G any none\n"), 3, P::UnknownName(name("none"))),
        (format!("{ab}group G any G\n"), 3, P::UnknownName(name("G"))),
        (format!("{ab}group G any a\n"), 3, P::UnknownName(name("a"))),
        (format!("{ab}group G any A A\n"), 3, P::DuplicateMember(name("A"))),
        (format!("{ab}group G any A\ngroup H any B A\n"), 4, P::DuplicateMember(name("A"))),
        (format!("{ab}group G 0 A B\n"), 3, threshold("0")),
        (format!("{ab}group G 3 A B\n"), 3, threshold("3")),
        (format!("{ab}group G +1 A B\n"), 3, threshold("+1")),
        (format!("{ab}group G 99999999999999999999 A B\n"), 3, threshold("99999999999999999999")),
        (format!("{ab}group G ALL A B\n"), 3, threshold("ALL")),
    ] {
        assert_eq!(Policy::parse(&text), Err(PolicyParseError { line, problem }), "{text}");
    }
    let key = Policy::parse("log x\n").unwrap_err();
    assert!(matches!(key, PolicyParseError { line: 1, problem: P::Key(_) }));
    assert!(key.to_string().starts_with("policy line 1: a verifier key is written"), "{key}");
}

#[test]
fn policies_have_limits() {
    let witnesses = |count: u16| {
        (0..count).fold(String::new(), |text, number| {
            let [high, low] = number.to_be_bytes();
            let mut seed = [9; 32];
            (seed[0], seed[1]) = (high, low);
            let public = PublicKey::from(&SigningKey::from_bytes(&seed));
            let key = VerifierKey::cosigner("w", public).unwrap();
            format!("{text}witness W{number} {key}\n")
        })
    };
    let full = witnesses(256) + "quorum none\n";
    assert_eq!(Policy::parse(&full).unwrap().witnesses().len(), MAX_DEFINITIONS);
    let error = |text: &str| Policy::parse(text).unwrap_err().problem;
    assert_eq!(error(&(witnesses(257) + "quorum none\n")), PolicyProblem::TooMany);
    assert_eq!(error(&"\n".repeat(MAX_POLICY_BYTES + 1)), PolicyProblem::TooLong(MAX_POLICY_BYTES + 1));
}

proptest! {
    #[test]
    fn what_parses_is_written_back(text: String, at in 0_usize..2000, byte in any::<char>(), other in 0_usize..2000) {
        let example = example();
        let at = at % example.len();
        let changed = format!("{}{byte}{}", &example[..at], &example[at + 1..]);
        let mut lines: Vec<&str> = example.lines().collect();
        let (from, to) = (other % lines.len(), at % lines.len());
        lines.swap(from, to);
        let swapped = lines.join("\n") + "\n";
        for text in [text, changed, swapped] {
            if let Ok(policy) = Policy::parse(&text) {
                prop_assert_eq!(Policy::parse(&policy.to_string()), Ok(policy));
            }
        }
    }

    /// Thresholds by counting.
    #[test]
    fn thresholds_count_members(least in 1_usize..=5, mask in 0_u8..32) {
        let names = ["a", "b", "c", "d", "e"];
        let witnesses: String = (0..5).map(|i| format!("witness {} {}\n", names[i], witness_vkey(u8::try_from(i).unwrap()))).collect();
        let policy = Policy::parse(&format!("{witnesses}group g {least} a b c d e\nquorum g\n")).unwrap();
        let cosigned = |name: &str| names.iter().position(|other| *other == name).is_some_and(|i| mask >> i & 1 == 1);
        prop_assert_eq!(policy.satisfied(cosigned), usize::try_from(mask.count_ones()).unwrap() >= least);
    }
}
