//! The measurements.

use super::{
    BenchError, Figure, Options,
    load::{self, percentile},
    populate::{self, Populated},
    server::Server,
};
use image::RgbImage;
use std::path::Path;
use touchstone_examples::studio::{self, edits};
use touchstone_inspect::{decode::Picture, fingerprint};
use touchstone_schema::{
    Sha256Digest,
    api::{BatchItem, NewOrganisation},
    key::PublicKey,
    statement::Role,
    verdict::Context,
};
use touchstone_sdk::entropy::Stopwatch;

const CONNECTIONS: usize = 64;
const REQUESTS_EACH: usize = 3_000;
const BATCH: usize = 256;
const BATCHES: usize = 40;
const CHECKS: usize = 60;
const PDQ_RUNS: usize = 60;

type Print<'a> = &'a mut dyn FnMut(Figure);

fn figure(what: &str, target: &str, reached: String, holds: bool) -> Figure {
    Figure { what: what.to_owned(), target: target.to_owned(), reached, holds }
}

/// A rendered photograph of 1,024 x 1,024 pixels.
fn photograph() -> Result<RgbImage, BenchError> {
    let shot =
        studio::catalogue().first().ok_or_else(|| BenchError::Other("the studio is empty".to_owned()))?;
    Ok(studio::render(shot))
}

/// A folder beside the program: the system's own may be in memory, where nothing is durable.
fn folder() -> Result<tempfile::TempDir, BenchError> {
    let program = std::env::current_exe()?;
    Ok(tempfile::tempdir_in(program.parent().unwrap_or_else(|| Path::new(".")))?)
}

/// Runs what was asked for.
pub(crate) fn run(options: &Options, print: Print<'_>) -> Result<(), BenchError> {
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    if wanted("pdq") {
        pdq(print)?;
    }
    if wanted("registration") {
        let folder = folder()?;
        registration(options, folder.path(), print)?;
    }
    if !["start", "content", "check"].into_iter().any(wanted) {
        return Ok(());
    }
    let folder = folder()?;
    let data = options.data.as_deref().unwrap_or_else(|| folder.path());
    std::fs::create_dir_all(data)?;
    let data = &data.canonicalize()?;
    let populated = populate::registry(options, data)?;
    let server = Server::start(options.bin.as_deref(), data)?;
    if wanted("start") {
        start(options, &server, print)?;
    }
    if wanted("content") {
        content(options, &server, print)?;
    }
    if wanted("check") {
        check(&server, &populated, print)?;
    }
    Ok(())
}

fn pdq(print: Print<'_>) -> Result<(), BenchError> {
    let image = photograph()?;
    let (width, height) = image.dimensions();
    let picture =
        Picture::new(width, height, image.into_raw()).ok_or_else(|| BenchError::Other("size".to_owned()))?;
    let mut times: Vec<f64> = (0..PDQ_RUNS)
        .map(|_| {
            let watch = Stopwatch::start();
            std::hint::black_box(fingerprint::pdq(std::hint::black_box(&picture)));
            watch.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    let p50 = percentile(&times, 0.5);
    let reached = format!("p50 {p50:.2} ms, best {:.2} ms", percentile(&times, 0.0));
    print(figure("PDQ of a decoded 1-megapixel picture", "< 3 ms", reached, p50 < 3.0));
    Ok(())
}

fn registration(options: &Options, data: &Path, print: Print<'_>) -> Result<(), BenchError> {
    let operator = super::server::bootstrap(options.bin.as_deref(), data)?;
    let server = Server::start(options.bin.as_deref(), data)?;
    let merchant = server.client(Some(&operator))?.create_organisation(&NewOrganisation {
        name: "Bench merchant".to_owned(),
        role: Role::Merchant,
        public_key: PublicKey::from(&populate::merchant_key()),
        recovery_key: None,
        proof_of_possession: None,
        provider_codes: Vec::new(),
    })?;
    let client = server.client(Some(&merchant.token))?;
    let info = client.registry()?;
    let mut batches = Vec::with_capacity(BATCHES);
    for n in 0..BATCHES as u64 {
        let mut batch = Vec::with_capacity(BATCH);
        for m in 0..BATCH as u64 {
            let number = n * BATCH as u64 + m;
            let mut nonce = [0; 16];
            nonce[..8].copy_from_slice(&number.to_be_bytes());
            let content = populate::digest(number);
            batch.push(populate::statement(&info.origin, merchant.organisation, info.time, nonce, content)?);
        }
        batches.push(batch);
    }
    let watch = Stopwatch::start();
    for batch in &batches {
        let envelopes: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
        let results = client.submit_batch(&envelopes)?;
        if results.iter().any(|item| matches!(item, BatchItem::Refused { .. })) {
            return Err(BenchError::Other("a statement was refused".to_owned()));
        }
    }
    let per_second = (BATCHES * BATCH) as f64 / watch.elapsed().as_secs_f64();
    let what = format!("signed statements in batches of {BATCH}, durable, one client");
    print(figure(&what, ">= 3,000/s", format!("{per_second:.0}/s"), per_second >= 3_000.0));
    print(figure(
        "idle memory, small registry",
        "< 100 MiB",
        format!("{:.0} MiB", server.resident_mib()?),
        server.resident_mib()? < 100.0,
    ));
    Ok(())
}

fn start(options: &Options, server: &Server, print: Print<'_>) -> Result<(), BenchError> {
    let seconds = server.started_in.as_secs_f64();
    let what = format!("start with {} statements", options.statements);
    print(figure(&what, "< 5 s", format!("{seconds:.2} s"), seconds < 5.0));
    let mib = server.resident_mib()?;
    let what = format!("memory after start with {} searchable pictures", options.statements);
    // Two indexes of at most 80 bytes a code, beside the process itself.
    let budget = 100.0 + 160.0 * options.statements as f64 / f64::from(1 << 20);
    let target = format!("< {budget:.0} MiB: 100 and 80 bytes a code");
    print(figure(&what, &target, format!("{mib:.0} MiB"), mib < budget));
    Ok(())
}

fn content(options: &Options, server: &Server, print: Print<'_>) -> Result<(), BenchError> {
    let statements = options.statements;
    // A multiplicative step visits the statements in an order without locality.
    let path = |n: usize| {
        format!("/v1/content/{}", populate::digest((n as u64).wrapping_mul(2_654_435_761) % statements))
    };
    load::get(&server.address, CONNECTIONS, REQUESTS_EACH / 10, path)?;
    let measured = load::get(&server.address, CONNECTIONS, REQUESTS_EACH, path)?;
    let p99 = measured.percentile(0.99);
    let reached =
        format!("{:.0}/s, p50 {:.2} ms, p99 {p99:.2} ms", measured.per_second, measured.percentile(0.5));
    let holds = measured.per_second >= 20_000.0 && p99 < 20.0;
    let what = format!("GET /v1/content over {CONNECTIONS} connections, load on the same cores");
    print(figure(&what, ">= 20,000/s, p99 < 20 ms", reached, holds));
    Ok(())
}

fn check(server: &Server, populated: &Populated, print: Print<'_>) -> Result<(), BenchError> {
    let operator = server.client(Some(&populated.operator_token))?;
    let name = format!("Bench platform {}", operator.registry()?.time);
    let platform = operator.create_organisation(&NewOrganisation {
        public_key: PublicKey::from(&ed25519_dalek::SigningKey::from_bytes(
            Sha256Digest::of(name.as_bytes()).as_bytes(),
        )),
        name,
        role: Role::Platform,
        recovery_key: None,
        proof_of_possession: None,
        provider_codes: Vec::new(),
    })?;
    let client = server.client(Some(&platform.token))?;
    let photo = edits::jpeg(&photograph()?, 90).map_err(BenchError::other)?;
    let mut times = Vec::with_capacity(CHECKS);
    for n in 0..CHECKS + 5 {
        let watch = Stopwatch::start();
        client.check(&photo, &Context::default())?;
        if n >= 5 {
            times.push(watch.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    let p50 = percentile(&times, 0.5);
    let reached = format!("p50 {p50:.1} ms, p95 {:.1} ms", percentile(&times, 0.95));
    print(figure(
        "whole check of a 1-megapixel JPEG that matches nothing",
        "p50 < 40 ms",
        reached,
        p50 < 40.0,
    ));
    Ok(())
}
