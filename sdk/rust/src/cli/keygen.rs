//! `touchstone keygen`.

use super::{
    args::Keygen,
    failure::{Failure, Status},
    session::Session,
};
use serde::Serialize;
use touchstone_schema::{Sha256Digest, key::PublicKey};
use touchstone_sdk::{
    entropy::{self, SystemEntropy},
    keys,
};

#[derive(Serialize)]
struct Made<'a> {
    private_key_file: String,
    public_key_file: String,
    public_key: PublicKey,
    fingerprint: Sha256Digest,
    purpose: &'a str,
}

pub(crate) fn run(session: &Session, args: &Keygen) -> Result<Status, Failure> {
    let key = entropy::signing_key(&SystemEntropy)?;
    let public_file = keys::write_pair(&args.out, &key)?;
    let public_key = PublicKey::from(&key);
    let made = Made {
        private_key_file: args.out.display().to_string(),
        public_key_file: public_file.display().to_string(),
        public_key,
        fingerprint: public_key.fingerprint(),
        purpose: if args.recovery { "recovery" } else { "signing" },
    };
    let out = &session.out;
    if out.json {
        out.object(&made);
        return Ok(Status::Done);
    }
    let words = out.words();
    out.fields(&[
        (words.private_key, made.private_key_file),
        (words.public_key, made.public_key_file),
        (words.fingerprint, made.fingerprint.to_string()),
    ]);
    out.line(if args.recovery {
        out.choose(
            "Move the private file to a place that no network reaches, twice. It alone replaces a lost or stolen key.",
            "请将私钥文件转移到不联网的地方并保留两份。密钥丢失或被盗时，只有它能更换密钥。",
        )
    } else {
        out.choose(
            "Give the public file to the operator of the registry. Keep the private file to yourself.",
            "请将公钥文件交给登记处运营方，私钥文件请妥善保管。",
        )
    });
    Ok(Status::Done)
}
