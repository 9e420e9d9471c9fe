//! `touchstone label` in the roles that people have: producers, platforms, signers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a failed step fails the test")]

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::Cursor,
    path::Path,
    process::{Command, Output, Stdio},
};

/// `openssl genpkey -algorithm SM2`, and its public half.
const SM2_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgPL+/+Bcqx+2SfOd9
1+OjTSFYDM+1ZsIftoZ0Fss/Ij2hRANCAAR63IJCEPZ30wvB/a4ugsweNX5EV0Rh
iB7NTYY7zjUUieImpxeXe6tTuNUqZwnCtsFgQpk5KcK+a73AHbWPgYq2
-----END PRIVATE KEY-----
";
const SM2_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAEetyCQhD2d9MLwf2uLoLMHjV+RFdE
YYgezU2GO841FIniJqcXl3urU7jVKmcJwrbBYEKZOSnCvmu9wB21j4GKtg==
-----END PUBLIC KEY-----
";
const PRODUCER: &str = "001191110102MACQD9K64010000";
const PLATFORM: &str = "00119144030008867405X220001";

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.put("sm2.pem", SM2_KEY.as_bytes());
        desk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    fn picture(&self, name: &str, seed: u32) {
        let picture = image::RgbImage::from_fn(160, 120, |x, y| {
            image::Rgb([
                ((x * 7 + y * 13 + seed * 29) % 200) as u8,
                (x * y % 251) as u8,
                ((x ^ y) % 256) as u8,
            ])
        });
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::from_path(name).unwrap()).unwrap();
        self.put(name, &bytes.into_inner());
    }

    fn run(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TOUCHSTONE_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.path()).stdin(Stdio::null()).args(line.split(' '));
        command.env("XDG_CONFIG_HOME", self.path().join("settings")).env("LC_ALL", "C").env_remove("LANG");
        command.output().unwrap()
    }

    /// The lines of a run that must succeed.
    fn done(&self, line: &str) -> Vec<Value> {
        let output = self.run(&format!("{line} --json"));
        assert_eq!(output.status.code(), Some(0), "{line}: {}", text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What a run says that must fail with this status.
    fn fails(&self, line: &str, status: i32) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(status), "{line}: {}", text(&output.stdout));
        text(&output.stderr)
    }

    /// Certificates and key of a signer on P-256, as most C2PA signers have.
    fn certify(&self) {
        let params = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.distinguished_name.push(DnType::OrganizationName, name);
            params.not_before = date_time_ymd(2024, 1, 1);
            params.not_after = date_time_ymd(2099, 1, 1);
            params
        };
        let mut root = params("Root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root =
            CertifiedIssuer::self_signed(root, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
                .unwrap();
        let mut signer = params("Teapot Ltd");
        signer.is_ca = IsCa::ExplicitNoCa;
        signer.use_authority_key_identifier_extension = true;
        signer.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        signer.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        self.put("chain.pem", signer.signed_by(&key, &root).unwrap().pem().as_bytes());
        self.put("signer.pem", key.serialize_pem().as_bytes());
    }

    fn labels(&self, line: &str) -> Vec<Value> {
        self.done(line)[0]["labels"].as_array().unwrap().clone()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_producer_signs_and_a_platform_adds() {
    let desk = Desk::new();
    for (name, seed) in [("a.jpg", 1), ("b.png", 2), ("c.webp", 3)] {
        desk.picture(name, seed);
    }
    let made = desk.done(&format!(
        "label --producer {PRODUCER} --content-id t-{{stem}} --sm2-key sm2.pem --out made a.jpg b.png c.webp"
    ));
    assert_eq!(made.len(), 3);
    for line in &made {
        let label = &line["gb45438"];
        assert_eq!(
            (&label["ContentPropagator"], &label["PropagateID"]),
            (&label["ContentProducer"], &label["ProduceID"])
        );
    }
    let spread = format!("label --propagate --propagator {PLATFORM} --propagate-id n-{{stem}}");
    let dry = desk.done(&format!("{spread} --dry-run made/a.jpg made/b.png made/c.webp"));
    assert!(
        dry.iter().all(|line| line["output"].is_null() && line["gb45438"]["ContentPropagator"] == PLATFORM)
    );
    assert!(!desk.path().join("spread").exists(), "a dry run writes nothing");
    let added = desk.done(&format!("{spread} --out spread made/a.jpg made/b.png made/c.webp"));
    for (line, before) in added.iter().zip(&made) {
        let (label, old) = (&line["gb45438"], &before["gb45438"]);
        for field in ["Label", "ContentProducer", "ProduceID", "ReservedCode1"] {
            assert_eq!(label[field], old[field]);
        }
        assert_eq!(label["ContentPropagator"], PLATFORM);
    }
    // The producer's signature still holds; with the producer's key it is verified.
    let level = |options: &str| {
        let labels = desk.labels(&format!("inspect {options}spread/b.png"));
        (labels[0]["level"].clone(), labels[0]["integrity"]["state"].clone())
    };
    assert_eq!(level(""), (json!("signed"), json!("signed")));
    desk.put("keys.pem", format!("Producer: {}\n{SM2_PUBLIC}", &PRODUCER[..22]).as_bytes());
    assert_eq!(level("--producer-keys keys.pem "), (json!("verified"), json!("verified")));
    assert!(desk.fails("inspect --producer-keys sm2.pem a.jpg", 2).contains("neither JSON"));
    desk.put("bare.pem", SM2_PUBLIC.as_bytes());
    let said = desk.fails("inspect --producer-keys bare.pem a.jpg", 2);
    assert!(said.contains("bare.pem: key 1 has no line") && said.contains("above the key's BEGIN"), "{said}");

    let other = "label --propagate --propagator other --propagate-id 1 --out x.jpg spread/a.jpg";
    assert!(desk.fails(other, 1).contains("already names a propagator"));
    let again = desk.done(&format!("{spread} --dry-run spread/a.jpg"));
    assert_eq!(again[0]["unchanged"], true);
}

#[test]
fn a_platform_labels_what_was_declared_and_leaves_the_rest() {
    let desk = Desk::new();
    desk.picture("a.jpg", 1);
    desk.picture("b.png", 2);
    let spread = format!("label --propagate --propagator {PLATFORM} --propagate-id n-{{stem}}");
    let said = desk.fails(&format!("{spread} --out x a.jpg b.png"), 1);
    assert!(
        said.contains("no label to add to") && said.contains("--basis declared") && said.contains("0 of 2"),
        "{said}"
    );
    for (basis, value) in [("declared", "2"), ("detected", "3")] {
        let made = desk.done(&format!("{spread} --basis {basis} --out {basis} a.jpg b.png"));
        assert!(made.iter().all(|line| line["gb45438"]["Label"] == value));
        let labels = desk.labels(&format!("inspect {basis}/b.png"));
        assert_eq!(labels[0].get("findings"), None, "{labels:?}");
    }
    let weaker = desk
        .fails(&format!("{} --basis detected --out y.png declared/b.png", spread.replace("{stem}", "b")), 1);
    assert!(weaker.contains("not weakened"), "{weaker}");
}

#[test]
fn roles_do_not_mix_and_wrong_words_are_explained() {
    let desk = Desk::new();
    desk.picture("a.jpg", 1);
    let wrong = [
        "label --propagate --propagator p --propagate-id 1 --producer q --content-id 2 --out x a.jpg",
        "label --propagate --propagator p --out x a.jpg",
        "label --propagator p --propagate-id 1 --out x a.jpg",
        "label --propagate --propagator p --propagate-id 1 --source-type digitalCapture --out x a.jpg",
        "label --propagate --propagator p --propagate-id 1 --sm2-key sm2.pem --out x a.jpg",
        "label --producer p --content-id 1 a.jpg",
        "label --producer p --content-id 1 --sm2-key a.jpg --out x a.jpg",
        "label --source-type digitalCapture --sm2-key sm2.pem --out x a.jpg",
        "label --producer p --content-id 1 --ingredient a.jpg --out x a.jpg",
    ];
    for line in wrong {
        assert!(!desk.fails(line, 2).is_empty());
    }
    let contradiction = "label --producer p --content-id 1 --source-type digitalCapture --out x.jpg a.jpg";
    assert!(desk.fails(contradiction, 1).contains("contradicts"));
    // In one call as in two: whatever a label says of AI, a capture takes it back.
    for attribute in ["confirmed", "possible", "suspected"] {
        let line = contradiction.replace("--producer", &format!("--attribute {attribute} --producer"));
        assert!(desk.fails(&line, 1).contains("contradicts"), "{attribute}");
    }
    desk.put("v.mp4", b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov");
    let made = desk.done("label --producer p --content-id 1 --no-propagator --out w.mp4 v.mp4");
    assert_eq!(made[0]["gb45438"]["ContentPropagator"], "");
    assert!(desk.read("w.mp4").windows(4).any(|window| window == b"AIGC"));
    // What was written is read again, although a video is not decoded.
    let seen = desk.done("inspect w.mp4");
    let line = &seen[0];
    assert_eq!(
        (&line["media_type"], &line["labels"][0]["gb45438"]["ProduceID"]),
        (&"video/mp4".into(), &"1".into())
    );
    assert!(line["labels"][0].get("findings").is_none(), "{line}");
}

#[test]
fn a_label_that_says_ai_is_not_concealed_by_an_edit() {
    let desk = Desk::new();
    desk.certify();
    for (name, seed) in [("a.jpg", 1), ("b.jpg", 2), ("c.jpg", 3)] {
        desk.picture(name, seed);
    }
    let certificate = "--c2pa-cert chain.pem --c2pa-key signer.pem --system Studio";
    // Said by a manifest alone, by the implicit label alone, by the metadata alone; and over an edit of each.
    desk.done(&format!("label {certificate} --out manifest.jpg a.jpg"));
    desk.done("label --producer ACME --content-id 1 --out implicit.jpg b.jpg");
    desk.done("label --source-type trainedAlgorithmicMedia --out metadata.jpg c.jpg");
    for name in ["manifest.jpg", "implicit.jpg", "metadata.jpg"] {
        let honest =
            format!("label --edited --source-type humanEdits {certificate} --out edited-{name} {name}");
        desk.done(&honest);
        for file in [name.to_owned(), format!("edited-{name}")] {
            for capture in ["digitalCapture", "computationalCapture", "screenCapture", "digitalCreation"] {
                let line = format!("label --edited --source-type {capture} {certificate} --out x.jpg {file}");
                let said = desk.fails(&line, 1);
                assert!(said.contains("would conceal") && said.contains("humanEdits"), "{file}: {said}");
                assert!(!desk.path().join("x.jpg").exists(), "nothing is written");
            }
        }
        // What the edit is stands in its manifest; what the file said of itself is said still, and nothing else is.
        let seen = &desk.done(&format!("inspect edited-{name}"))[0];
        assert_eq!(seen["c2pa"]["state"], "valid", "{seen}");
        assert!(seen["c2pa"]["digital_source_types"][0].as_str().unwrap().ends_with("humanEdits"));
        let labels = seen["labels"].as_array().unwrap();
        let stated =
            labels.iter().find(|label| label["scheme"] == "iptc").map(|it| &it["digital_source_type"]);
        let before = (name == "metadata.jpg").then(|| json!("trainedAlgorithmicMedia"));
        assert_eq!(stated, before.as_ref(), "{seen}");
        assert!(labels.iter().any(|label| label["meaning"] == "synthetic"), "{seen}");
    }
    let chinese = "label --lang zh --edited --source-type digitalCapture --c2pa-cert chain.pem --c2pa-key signer.pem \
                   --system Studio --out x.jpg manifest.jpg";
    assert!(desk.fails(chinese, 1).contains("不得隐匿"));
    // A photo is not concealed by being called one.
    desk.done(&format!("label --source-type digitalCapture {certificate} --out taken.jpg a.jpg"));
    desk.done(&format!(
        "label --edited --source-type digitalCapture {certificate} --out again.jpg taken.jpg"
    ));
}

#[test]
fn what_stands_against_labelling_a_movie_is_told_with_what_helps() {
    let desk = Desk::new();
    desk.certify();
    let movie = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov\0\0\0\x0Cmdatbeep";
    desk.put("movie.mp4", movie);
    let store = b"\0\0\0\x1Duuid\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c\x92\x97\x58\x28\x87\x7e\xc4\x81store";
    desk.put("signed.mp4", &[&movie[..], store].concat());
    let label = format!("label --producer {PRODUCER} --content-id v-1 --out new.mp4");
    let credentials =
        "--c2pa-cert chain.pem --c2pa-key signer.pem --system Studio --source-type trainedAlgorithmicMedia";
    // No manifest can keep the one that is there: nothing that this program does helps, with or without one.
    for more in ["", " --edited"] {
        let line = if more.is_empty() {
            format!("{label} signed.mp4")
        } else {
            format!("{label} {credentials}{more} signed.mp4")
        };
        let told = desk.fails(&line, 1);
        assert!(
            told.contains("the movie has a C2PA manifest") && told.contains("before it is signed"),
            "{told}"
        );
        assert!(!told.contains("--c2pa-cert"), "{told}");
    }
    let platform = format!("label --propagate --propagator {PLATFORM} --propagate-id n-1 --basis declared");
    let certificate = "--c2pa-cert chain.pem --c2pa-key signer.pem --out new.mp4 movie.mp4";
    let told = desk.fails(&format!("{platform} {certificate}"), 1);
    assert!(told.contains("not into video/mp4") && told.contains("implicit label alone"), "{told}");
    desk.done(&format!("{label} movie.mp4"));
}

#[test]
fn several_files_go_into_a_folder() {
    let desk = Desk::new();
    desk.picture("a.jpg", 1);
    desk.picture("b.jpg", 2);
    let label = "label --producer p --content-id {stem}";
    for options in ["", "--dry-run "] {
        let said = desk.fails(&format!("{label} {options}--out many.jpg a.jpg b.jpg"), 2);
        assert!(
            said.contains("many.jpg is the name of one file") && said.contains("--out FOLDER/"),
            "{said}"
        );
    }
    assert!(!desk.path().join("many.jpg").exists());
    desk.put("notes", b"");
    assert!(desk.fails(&format!("{label} --out notes a.jpg b.jpg"), 2).contains("--out FOLDER/"));
    assert_eq!(desk.read("notes"), b"", "a file is left alone");
    // A folder may be called anything, if it is said to be one.
    for folder in ["v1.2", "many.jpg/"] {
        desk.done(&format!("{label} --out {folder} a.jpg b.jpg"));
        assert!(desk.path().join(folder).join("b.jpg").is_file());
    }
}

#[test]
fn a_key_that_does_not_fit_its_certificate_is_told_apart() {
    let desk = Desk::new();
    desk.certify();
    desk.picture("a.jpg", 1);
    let other = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    desk.put("other.pem", other.serialize_pem().as_bytes());
    let line = "label --producer p --content-id 1 --source-type trainedAlgorithmicMedia --c2pa-cert chain.pem \
                --c2pa-key other.pem --out x.jpg a.jpg";
    let said = desk.fails(line, 1);
    assert!(said.contains("does not belong to the signer's certificate"), "{said}");
    assert!(said.contains("openssl x509"), "{said}");
    assert!(!desk.path().join("x.jpg").exists());
}

#[test]
fn errors_come_in_chinese_where_asked() {
    let desk = Desk::new();
    desk.picture("a.jpg", 1);
    desk.put("keys.pem", SM2_PUBLIC.as_bytes());
    let label = "--lang zh label --producer p --content-id 1";
    desk.done(&format!("{label} --out b.jpg a.jpg"));
    for (line, status, words) in [
        (format!("{label} --out c.jpg b.jpg"), 1, "文件已有隐式标识"),
        (format!("{label} --out c.jpg none.jpg"), 1, "none.jpg："),
        (format!("{label} --sm2-key a.jpg --out c.jpg a.jpg"), 2, "不是 SM2 私钥"),
        (format!("{label} --out b.jpg a.jpg"), 1, "b.jpg："),
        (format!("{label} --out c.jpg a.jpg b.jpg"), 2, "是单个文件名"),
        ("--lang zh label --out c.jpg a.jpg".to_owned(), 2, "没有要写入的标识"),
        ("--lang zh inspect keys.pem".to_owned(), 1, "不是"),
        ("--lang zh inspect --producer-keys keys.pem a.jpg".to_owned(), 2, "没有“Producer: 编码”一行"),
        ("--lang zh register --key keys.pem --url http://127.0.0.1:9 --token t a.jpg".to_owned(), 2, "公钥"),
    ] {
        let said = desk.fails(&line, status);
        assert!(said.contains(words), "{line}: {said}");
    }
}

#[test]
fn manifests_of_producers_and_platforms_are_read_by_another_reader() {
    let desk = Desk::new();
    desk.certify();
    desk.picture("a.jpg", 1);
    desk.picture("logo.png", 2);
    let certificate = "--c2pa-cert chain.pem --c2pa-key signer.pem";
    desk.done(&format!(
        "label --producer ACME --content-id 1 --source-type trainedAlgorithmicMedia --ingredient logo.png \
         {certificate} --out made.jpg a.jpg"
    ));
    let alone = "label --propagate --propagator shop --propagate-id 9 --out x.jpg made.jpg";
    let refused = desk.fails(alone, 1);
    assert!(refused.contains("C2PA manifest") && refused.contains("--c2pa-cert"), "{refused}");
    let line = format!(
        "label --propagate --propagator shop --propagate-id 9 {certificate} --out spread.jpg made.jpg"
    );
    assert_eq!(desk.done(&line)[0]["c2pa"], true);
    let seen = &desk.done("inspect spread.jpg")[0];
    assert_eq!(seen["c2pa"]["state"], "valid");
    assert_eq!(seen["labels"][0]["gb45438"]["ContentPropagator"], "shop");
    desk.done(&format!(
        "label --edited --system Retoucher --source-type compositeWithTrainedAlgorithmicMedia {certificate} \
         --out edited.jpg spread.jpg"
    ));

    let Some(python) = std::env::var_os("TOUCHSTONE_C2PA_PYTHON") else {
        println!("skipped: TOUCHSTONE_C2PA_PYTHON names no Python with the package c2pa-python");
        return;
    };
    let read = |name: &str| -> Value {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read_manifest.py");
        let output =
            Command::new(&python).arg(script).arg(desk.path().join(name)).arg("image/jpeg").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let base = "http://cv.iptc.org/newscodes/digitalsourcetype/";
    let made = read("made.jpg");
    assert_eq!(made["failures"], json!(["signingCredential.untrusted"]));
    assert_eq!(
        (&made["generator"], &made["title"], &made["algorithm"]),
        (&json!("ACME"), &json!("a.jpg"), &json!("Es256"))
    );
    assert_eq!(made["actions"], json!(["c2pa.created", "c2pa.placed"]));
    assert_eq!(made["source_types"][0], format!("{base}trainedAlgorithmicMedia"));
    assert_eq!(made["ingredients"], json!([["componentOf", "logo.png"]]));
    assert_eq!(made["soft_binding"], "io.iscc.v0");
    assert_eq!(made["soft_binding_value"].as_array().map(Vec::len), Some(1));
    let spread = read("spread.jpg");
    assert_eq!(spread["failures"], json!(["signingCredential.untrusted"]));
    assert_eq!(spread["actions"], json!(["c2pa.opened", "c2pa.edited.metadata"]));
    assert_eq!((&spread["ingredients"][0][0], &spread["manifests"]), (&json!("parentOf"), &json!(2)));
    assert_eq!(spread["soft_binding_value"], made["soft_binding_value"], "the pixels are the same");
    let edited = read("edited.jpg");
    assert_eq!(edited["actions"], json!(["c2pa.opened", "c2pa.edited"]));
    assert_eq!(edited["manifests"], 3);
}
