//! Signatures of labels: made here and by another implementation, pinned keys, hostile data.

use crate::files::{CODE, label};
use proptest::prelude::*;
use touchstone_inspect::labels::{
    gb45438::faults,
    integrity::{MAX_INTEGRITY_DATA, ProducerKeys, ProducerKeysError, SigningKeyError, Sm2SigningKey, check},
};
use touchstone_schema::{
    label::{Gb45438Label, LabelLevel},
    label_integrity::{LabelIntegrity, SignedForm},
};

/// Made with OpenSSL 3.0: `openssl genpkey -algorithm SM2`.
pub(crate) const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgPL+/+Bcqx+2SfOd9
1+OjTSFYDM+1ZsIftoZ0Fss/Ij2hRANCAAR63IJCEPZ30wvB/a4ugsweNX5EV0Rh
iB7NTYY7zjUUieImpxeXe6tTuNUqZwnCtsFgQpk5KcK+a73AHbWPgYq2
-----END PRIVATE KEY-----
";
const SPKI: &str = "3059301306072a8648ce3d020106082a811ccf5501822d034200047adc824210f677d30bc1fdae2e82cc1e\
    357e44574461881ecd4d863bce351489e226a717977bab53b8d52a6709c2b6c16042993929c2be6bbdc01db58f818ab6";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAEetyCQhD2d9MLwf2uLoLMHjV+RFdE
YYgezU2GO841FIniJqcXl3urU7jVKmcJwrbBYEKZOSnCvmu9wB21j4GKtg==
-----END PUBLIC KEY-----
";
/// `openssl dgst -sm3 -sign key.pem -sigopt distid:1234567812345678` over the message of [`label`] and over
/// its SM3 digest.
const BY_OPENSSL: [(SignedForm, &str); 2] = [
    (
        SignedForm::Message,
        "3046022100e208707cc76cee77782ee2c237b67bee81882b491e13b7acd9c55da99d8369e4022100edcf1611946f\
         5104473a19b6d5734cb2cecf62f31ff1bd730f3d5958a33cf9d0",
    ),
    (
        SignedForm::Digest,
        "30440220457dd9e437cfd8d5a58072cd3389ddcbbc88eb56887a6ed6dff0ca6130f2d9d302205220da4f112fd1a4\
         b38b02539c4b73f17adb9baa1bdac45d2c6a413298a39521",
    ),
];
/// The key of nobody here: the generator point.
const OTHER: &str = "3059301306072a8648ce3d020106082a811ccf5501822d0342000432c4ae2c1f1981195f9904466a39c994\
    8fe30bbff2660be1715a4589334c74c7bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0";

fn form(signature: &str, key: Option<&str>) -> String {
    let key = key.map(|key| format!(",{{\"Type\":\"PubKey\",\"KeyValue\":\"{key}\"}}")).unwrap_or_default();
    format!(
        "{{\"SecurityData\":{{\"Type\":\"TC260PG\",\"Version\":1,\"PubSD\":[{{\"Type\":\"DS\",\
         \"AlgID\":\"1.2.156.10197.1.501\",\"TBSData\":{{\"Type\":\"LabelMataData\"}},\
         \"Signature\":\"{signature}\"}}{key}]}}}}"
    )
}

fn with(reserved_code_1: String) -> Gb45438Label {
    Gb45438Label { reserved_code_1, ..label() }
}

fn pins(pins: &[(&str, &str)]) -> ProducerKeys {
    let keys: Vec<_> =
        pins.iter().map(|(producer, spki)| serde_json::json!({"producer": producer, "spki": spki})).collect();
    ProducerKeys::parse(serde_json::json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn reason(label: &Gb45438Label) -> String {
    match check(label, &ProducerKeys::default()) {
        Some(LabelIntegrity::Unreadable { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn signatures_of_another_implementation_hold_in_both_forms() {
    for (signed, signature) in BY_OPENSSL {
        let label = with(form(signature, Some(SPKI)));
        let found = check(&label, &ProducerKeys::default()).unwrap();
        assert!(matches!(&found, LabelIntegrity::Signed { form, .. } if *form == signed), "{found:?}");
        assert_eq!(found.level(), LabelLevel::Signed);
        for change in [
            |l: &mut Gb45438Label| l.label = "3".into(),
            |l: &mut Gb45438Label| l.produce_id.push('x'),
            |l: &mut Gb45438Label| l.content_producer = "kling".into(),
        ] {
            let mut changed = label.clone();
            change(&mut changed);
            let found = check(&changed, &ProducerKeys::default());
            assert_eq!(found, Some(LabelIntegrity::Invalid));
        }
        // The propagator's fields are not the producer's to sign.
        let spread = Gb45438Label { content_propagator: "other".into(), ..label };
        assert_eq!(check(&spread, &ProducerKeys::default()).unwrap().level(), LabelLevel::Signed);
    }
}

#[test]
fn a_pinned_key_verifies_and_another_key_does_not() {
    let label = with(form(BY_OPENSSL[0].1, Some(SPKI)));
    let by = |keys: &ProducerKeys| check(&label, keys).unwrap();
    for pinned in [CODE, &CODE[..22]] {
        let found = by(&pins(&[(pinned, SPKI)]));
        assert_eq!(found.level(), LabelLevel::Verified);
        assert!(matches!(found, LabelIntegrity::Verified { pinned_for, .. } if pinned_for == pinned));
        let found = by(&pins(&[(pinned, OTHER)]));
        assert_eq!(found.level(), LabelLevel::Declared);
        assert!(matches!(found, LabelIntegrity::OtherKey { .. }), "{found:?}");
    }
    // Two keys of one producer, a key of somebody else, and of two pins the longer one.
    assert_eq!(by(&pins(&[(CODE, OTHER), (CODE, SPKI)])).level(), LabelLevel::Verified);
    assert_eq!(by(&pins(&[("kling", SPKI)])).level(), LabelLevel::Signed);
    assert_eq!(by(&pins(&[(&CODE[..22], SPKI), (CODE, OTHER)])).level(), LabelLevel::Declared);

    // Without a key in the file, the pinned one decides, and without a pin nobody can.
    let keyless = with(form(BY_OPENSSL[1].1, None));
    assert_eq!(check(&keyless, &pins(&[(CODE, OTHER), (CODE, SPKI)])).unwrap().level(), LabelLevel::Verified);
    assert_eq!(check(&keyless, &pins(&[(CODE, OTHER)])), Some(LabelIntegrity::Invalid));
    assert!(reason(&keyless).contains("none is pinned"));
}

#[test]
fn integrity_data_of_other_kinds_is_unreadable_and_not_wrong() {
    assert_eq!(check(&label(), &ProducerKeys::default()), None);
    let good = form(BY_OPENSSL[0].1, Some(SPKI));
    let cases = [
        ("sha256:abc".to_owned(), "not of the form"),
        ("{\"Type\":\"TC260PG\",\"AlgID\":\"sm3\"}".to_owned(), "not of the form"),
        (good.replace("TC260PG", "Other"), "not of the form"),
        (good.replace("\"DS\"", "\"XX\""), "no signature"),
        (good.replace("10197.1.501", "10197.1.401"), "another algorithm"),
        (good.replace("3046", "3045"), "signature cannot be read"),
        (good.replace("3046", "zz46"), "signature cannot be read"),
        (good.replace("822d", "822e"), "public key"),
        (good.replace("047adc", "047add"), "public key"),
        (form(&"30".repeat(200), Some(SPKI)), "signature cannot be read"),
        (format!("{good}{}", " ".repeat(MAX_INTEGRITY_DATA)), "longer than"),
        ("[".repeat(4000), "not of the form"),
    ];
    for (text, expected) in cases {
        let found = reason(&with(text.clone()));
        assert!(found.contains(expected), "{found}: {text}");
    }
    // Zero and the group's order are no parts of a signature.
    let order = "00fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123";
    for r in ["020100", &format!("0221{order}")] {
        let body = format!("{r}020101");
        let signature = format!("30{:02x}{body}", body.len() / 2);
        assert!(reason(&with(form(&signature, Some(SPKI)))).contains("signature cannot be read"));
    }
}

#[test]
fn files_of_pinned_keys_are_read_whole_or_not_at_all() {
    let pem = format!(
        "# StepUp\nProducer: {}\n{PUBLIC}\nkling's key, since 2026\nProducer: kling\n{PUBLIC}",
        &CODE[..22]
    );
    let keys = ProducerKeys::parse(pem.as_bytes()).unwrap();
    assert_eq!(keys.len(), 2);
    let label = with(form(BY_OPENSSL[0].1, Some(SPKI)));
    assert_eq!(check(&label, &keys).unwrap().level(), LabelLevel::Verified);
    let json = serde_json::json!({"keys": [{"producer": CODE, "spki": PUBLIC}]}).to_string();
    assert_eq!(
        check(&label, &ProducerKeys::parse(json.as_bytes()).unwrap()).unwrap().level(),
        LabelLevel::Verified
    );

    let refused = |text: &str| ProducerKeys::parse(text.as_bytes()).unwrap_err();
    assert_eq!(refused("{\"keys\":[]}"), ProducerKeysError::Empty);
    assert_eq!(refused(""), ProducerKeysError::Empty);
    assert!(matches!(refused("hello"), ProducerKeysError::Form(_)));
    assert!(matches!(refused("{\"keys\":1}"), ProducerKeysError::Form(_)));
    assert_eq!(refused(PUBLIC), ProducerKeysError::NoProducer { position: 1 });
    assert_eq!(
        refused(&format!("Producer: a\n{PUBLIC}{PUBLIC}")),
        ProducerKeysError::NoProducer { position: 2 }
    );
    let bad = PUBLIC.replace("MFkw", "MFkx");
    assert_eq!(refused(&format!("Producer: a\n{bad}")), ProducerKeysError::Key { position: 1 });
    // A short beginning of a code would stand for many organisations.
    for producer in ["", "00", "0011911101", &"x".repeat(200)] {
        let found = refused(&format!("Producer: {producer}\n{PUBLIC}"));
        assert_eq!(found, ProducerKeysError::Producer { position: 1 }, "{producer}");
    }
}

#[test]
fn private_keys_of_other_kinds_are_refused_and_none_is_shown() {
    let key = Sm2SigningKey::from_pem(KEY).unwrap();
    assert_eq!(data_encoding::HEXLOWER.encode(key.public_key_der()), SPKI);
    assert!(!format!("{key:?}").contains("3cbf"), "the secret is not in the debug text");
    for pem in ["", PUBLIC, &KEY.replace("MIGH", "MIGI"), &KEY.replace("CCqBHM9VAYIt", "CCqGSM49AwEH")] {
        assert_eq!(Sm2SigningKey::from_pem(pem).unwrap_err(), SigningKeyError::Unreadable);
    }
}

#[test]
fn corpus_real_signatures_hold() {
    let Some(folder) = std::env::var_os("TOUCHSTONE_CORPUS").map(std::path::PathBuf::from) else {
        println!("skipped: TOUCHSTONE_CORPUS is not set");
        return;
    };
    let vectors = std::fs::read(folder.join("labels/vectors.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_slice(&vectors).unwrap();
    let real = &vectors["sm2_labels"];
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let spki = text(&real["spki"]);
    let cases = real["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let producer = text(&case["ContentProducer"]);
        let label = Gb45438Label {
            label: "1".into(),
            content_producer: producer.clone(),
            produce_id: text(&case["ProduceID"]),
            reserved_code_1: form(&text(&case["RC1_sig"]), Some(&spki)),
            ..Gb45438Label::default()
        };
        let found = check(&label, &ProducerKeys::default()).unwrap();
        assert!(matches!(found, LabelIntegrity::Signed { form: SignedForm::Digest, .. }), "{found:?}");
        let found = check(&label, &pins(&[(&producer[..22], &spki)])).unwrap();
        assert_eq!(found.level(), LabelLevel::Verified);
        let moved = Gb45438Label { label: "2".into(), ..label };
        assert_eq!(check(&moved, &ProducerKeys::default()), Some(LabelIntegrity::Invalid));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_here_is_compliant_and_verifies(
        attribute in "[123]",
        producer in "[!-\\[\\]-~]{1,26}",
        id in "[!-\\[\\]-~]{1,60}",
        digest in any::<bool>(),
    ) {
        let signed = if digest { SignedForm::Digest } else { SignedForm::Message };
        let key = Sm2SigningKey::from_pem(KEY).unwrap();
        let mut label = Gb45438Label {
            label: attribute,
            content_producer: producer,
            produce_id: id,
            ..Gb45438Label::default()
        };
        label.reserved_code_1 = key.sign(&label, signed).unwrap();
        prop_assert!(faults(&label).is_empty());
        let found = check(&label, &ProducerKeys::default()).unwrap();
        let holds = matches!(found, LabelIntegrity::Signed { form, .. } if form == signed);
        prop_assert!(holds);
        label.produce_id.push('0');
        prop_assert_eq!(check(&label, &ProducerKeys::default()), Some(LabelIntegrity::Invalid));
    }

    #[test]
    fn mutated_data_never_verifies_for_other_fields(at in 0usize..500, byte in any::<u8>()) {
        let mut text = form(BY_OPENSSL[0].1, Some(SPKI)).into_bytes();
        let at = at % text.len();
        text[at] = byte;
        if let Ok(text) = String::from_utf8(text) {
            let changed = Gb45438Label { produce_id: "other".into(), ..with(text) };
            prop_assert_eq!(check(&changed, &pins(&[(CODE, SPKI)])).unwrap().level(), LabelLevel::Declared);
        }
    }
}
