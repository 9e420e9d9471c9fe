//! The log's tiles in S3-compatible storage: the built program against another implementation of the interface.
//!
//! `TOUCHSTONE_S3_SERVER` names the program of moto's server; `make test` installs it.

use crate::{
    built_binary::{Served, made},
    client::Client,
};
use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};
use touchstone_schema::{
    api::{AdmittedOrganisation, RegistryInfo},
    log::{
        checkpoint::open_checkpoint,
        tile::{Level, Tile},
    },
};

/// Anyone reads objects of the bucket, as a public log wants it; writing takes the credentials.
const PUBLIC_READ: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::tiles/*"}
]}"#;

/// A storage server with one empty bucket.
struct Bucket {
    process: Child,
    address: SocketAddr,
}

impl Bucket {
    fn start(program: &str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bucket = Self { process, address };
        for _ in 0..600 {
            if TcpStream::connect(address).is_ok() {
                let made = ureq::put(format!("http://{address}/tiles")).send_empty().unwrap();
                assert_eq!(made.status(), 200);
                let policy = ureq::put(format!("http://{address}/tiles?policy"))
                    .content_type("application/json")
                    .send(PUBLIC_READ);
                assert!(policy.unwrap().status().is_success());
                return bucket;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the storage server does not answer");
    }

    /// An object as anyone with the bucket's address reads it, past the registry.
    fn object(&self, path: &str) -> Option<Vec<u8>> {
        match ureq::get(format!("http://{}/tiles/{path}", self.address)).call() {
            Ok(mut answer) => Some(answer.body_mut().read_to_vec().unwrap()),
            Err(ureq::Error::StatusCode(404)) => None,
            Err(error) => panic!("{path}: {error}"),
        }
    }

    fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT", format!("http://{}", self.address)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ]
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn admit(client: &Client, token: &str, n: u64) {
    let key = ed25519_dalek::SigningKey::from_bytes(
        touchstone_schema::Sha256Digest::of(&n.to_be_bytes()).as_bytes(),
    );
    let body = serde_json::json!({
        "name": format!("Shop {n}"), "role": "merchant",
        "public_key": touchstone_schema::key::PublicKey::from(&key),
    });
    let path = "/v1/organisations";
    client.with_token(token).post(path, body.to_string().as_bytes()).json_with::<AdmittedOrganisation>(201);
}

/// Waits until the checkpoint in the bucket covers the whole log, and returns its size.
fn settled(bucket: &Bucket, client: &Client) -> u64 {
    let info: RegistryInfo = client.get("/v1/registry").json_with(200);
    for _ in 0..1_200 {
        if let Some(note) = bucket.object("registry/log/checkpoint") {
            let (checkpoint, _) = open_checkpoint(&note, &info.log_verifier_key.parse().unwrap()).unwrap();
            if checkpoint.size == info.log_size {
                return checkpoint.size;
            }
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    let note =
        bucket.object("registry/log/checkpoint").map(|note| String::from_utf8_lossy(&note).into_owned());
    panic!("the bucket's checkpoint does not cover the {} entries of the log: {note:?}", info.log_size);
}

#[test]
fn tiles_and_checkpoint_are_kept_in_a_bucket() {
    let Ok(program) = std::env::var("TOUCHSTONE_S3_SERVER") else {
        println!("skipped: TOUCHSTONE_S3_SERVER is not set");
        return;
    };
    let bucket = Bucket::start(&program);
    let (folder, object) = made();
    let data = folder.path().join("registry");
    let environment = bucket.environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let storage = ["--log-storage", "s3://tiles/registry/log"];
    let token = object["operator_token"].as_str().unwrap();
    let mut sizes = Vec::new();
    for round in 0..2 {
        let served = Served::start_in(&data, &storage, &environment);
        let client = served.client();
        for n in 0..140 {
            admit(&client, token, round * 140 + n);
        }
        let size = settled(&bucket, &client);
        for tile in Tile::between(0, size) {
            let path = tile.path();
            let answer = client.get(&format!("/log/{path}"));
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert_eq!(bucket.object(&format!("registry/log/{path}")), Some(answer.body), "{path}");
        }
        let log = served.stop();
        assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
        sizes.push(size);
    }
    assert_eq!(sizes, [143, 283], "the second start went on where the first one ended");
    let partial = Tile { level: Level::Hashes(0), index: 0, width: 143 };
    assert_eq!(bucket.object(&format!("registry/log/{}", partial.path())), None, "its full tile is there");
    assert!(!data.join("log").exists(), "nothing is kept beside the bucket");
}
