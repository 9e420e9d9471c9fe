//! Programs that others wrote verify the log: the Go modules `golang.org/x/mod/sumdb/note` and `tlog`, and the fsck of
//! Tessera where it is installed.

use crate::{
    client::Client,
    pictures::{jpeg, picture},
    support::{Engine, TestApp},
};
use serde::Serialize;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};
use touchstone_schema::{
    api::{BatchItem, BatchResult, CheckpointList},
    statement::View,
};

const REMEDY: &str = "`make test` installs Go and golang.org/x/mod, or install the packages `golang-go` and \
                      `golang-golang-x-mod-dev`";
/// Statements of a request; three make more than one tile.
const BATCH: usize = 120;

#[derive(Serialize)]
struct Claims {
    checkpoints: Vec<String>,
    receipts: Vec<Claim>,
}

#[derive(Serialize, Clone)]
struct Claim {
    receipt: String,
    envelope: String,
}

/// A registry with more than one tile, and everything that it ever claimed.
fn claimed() -> (TestApp, Claims) {
    let app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    let statement = merchant.claim(&jpeg(&picture(1), 90), View::Listing);
    let mut receipts = Vec::new();
    for _ in 0..3 {
        let envelopes: Vec<String> =
            (0..BATCH).map(|_| String::from_utf8(merchant.sign(statement.clone())).unwrap()).collect();
        let body = format!("{{\"statements\":[{}]}}", envelopes.join(","));
        let result: BatchResult =
            merchant.client.post("/v1/statements?receipt=true", body.as_bytes()).json_with(200);
        for (item, envelope) in result.results.into_iter().zip(envelopes) {
            let BatchItem::Accepted(accepted) = item else { panic!("{item:?}") };
            receipts.push(Claim { receipt: accepted.receipt.expect("published in time"), envelope });
        }
    }
    let list: CheckpointList = app.client().get("/v1/log/checkpoints").json_with(200);
    let checkpoints = list.checkpoints.into_iter().map(|info| info.note).collect();
    (app, Claims { checkpoints, receipts })
}

/// The verifier, built once.
fn verifier() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("verify");
        let output = Command::new("go")
            .args(["build", "-o"])
            .arg(&built)
            .arg(".")
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/verify"))
            // What is installed, and nothing from the network.
            .envs([("GO111MODULE", "on"), ("GOFLAGS", "-mod=readonly"), ("GOPROXY", "off")])
            .envs([("GOTOOLCHAIN", "local"), ("GOWORK", "off")])
            .output()
            .unwrap_or_else(|error| panic!("Go does not start: {error}; {REMEDY}"));
        assert!(output.status.success(), "{}; {REMEDY}", String::from_utf8_lossy(&output.stderr));
        built
    })
}

fn prefix(client: &Client) -> String {
    format!("{}/log", client.base())
}

fn verify(app: &TestApp, key: &str, claims: &Claims) -> Output {
    let mut child = Command::new(verifier())
        .args([&prefix(&app.client()), key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(claims).unwrap()).unwrap();
    child.wait_with_output().unwrap()
}

/// Runs `f` while one byte of the first entry is another one.
fn damaged<T>(app: &mut TestApp, f: impl FnOnce(&TestApp) -> T) -> T {
    let path = app.log_folder().join("tile/entries/000");
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    // Behind its length and the head of the leaf.
    bytes[40] ^= 1;
    app.while_stopped(|| fs::write(&path, bytes).unwrap());
    let result = f(app);
    app.while_stopped(|| fs::write(&path, whole).unwrap());
    result
}

#[test]
fn the_go_modules_verify_the_log() {
    let (mut app, mut claims) = claimed();
    let info = app.info();
    let refused = |output: Output, why: &str| {
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    let output = verify(&app, &info.log_verifier_key, &claims);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = format!(
        "verified {} entries, {} checkpoints, {} receipts\n",
        info.log_size,
        claims.checkpoints.len(),
        claims.receipts.len()
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert!(info.log_size > 300 && claims.checkpoints.len() > 2);
    // Another key, an entry that changed, a receipt of another statement.
    let operator = info.operator_key.verifier_key(&info.origin);
    refused(verify(&app, &operator, &claims), "no verifiable signatures");
    let output = damaged(&mut app, |app| verify(app, &info.log_verifier_key, &claims));
    refused(output, "invalid transparency proof");
    let envelope = claims.receipts[7].envelope.clone();
    claims.receipts[8].envelope = envelope;
    refused(verify(&app, &info.log_verifier_key, &claims), "receipt of entry");
}

#[test]
fn the_fsck_of_tessera_verifies_the_log() {
    let Some(fsck) = std::env::var_os("TOUCHSTONE_TESSERA_FSCK") else {
        println!("skipped: TOUCHSTONE_TESSERA_FSCK is not set");
        return;
    };
    let (mut app, _) = claimed();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, app.info().log_verifier_key).unwrap();
    // What it said. Its exit status is 0 whatever it found, and over a damaged bundle it never ends.
    #[allow(clippy::disallowed_methods, reason = "a test that waits takes real time")]
    let check = |app: &TestApp, patience: Duration| {
        let said = folder.path().join("said");
        let mut child = Command::new(&fsck)
            .args(["--storage_url", &format!("{}/", prefix(&app.client())), "--ui=false", "--public_key"])
            .arg(&key)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        let until = Instant::now() + patience;
        while child.try_wait().unwrap().is_none() && Instant::now() < until {
            sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        child.wait().unwrap();
        fs::read_to_string(said).unwrap()
    };
    let proven = format!("Successfully fsck'd log with size {}", app.info().log_size);
    let said = check(&app, Duration::from_secs(60));
    assert!(said.contains(&proven), "{said}");
    let said = damaged(&mut app, |app| check(app, Duration::from_secs(5)));
    assert!(!said.contains("Successfully") && said.contains("log of size"), "{said}");
}
