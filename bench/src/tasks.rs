//! The measurements.

use super::{
    BenchError, Figure, Options,
    cleanup::Folder,
    index::Random,
    load::{self, percentile},
    log, matching,
    populate::{self, Populated},
    reading,
    server::Server,
};
use image::RgbImage;
use std::{path::Path, time::Duration};
use touchstone_examples::studio::{self, edits};
use touchstone_inspect::{
    WORKING_AREA,
    decode::{self, Picture},
    fingerprint,
    limits::Limits,
};
use touchstone_schema::{
    Sha256Digest,
    api::{BatchItem, NewOrganisation},
    key::PublicKey,
    statement::Role,
    verdict::{Conclusion, Context},
};
use touchstone_sdk::{client::Client, entropy::Stopwatch};

const CONNECTIONS: usize = 64;
const REQUESTS_EACH: usize = 3_000;
const BATCH: usize = 256;
const BATCHES: usize = 40;
const CHECKS: usize = 60;
const PDQ_RUNS: usize = 60;
const DECODES: usize = 15;
/// Longest time that indexing may take.
const INDEXING: Duration = Duration::from_secs(1_800);

pub(crate) type Print<'a> = &'a mut dyn FnMut(Figure);

pub(crate) fn figure(what: &str, target: &str, reached: String, holds: bool) -> Figure {
    Figure { what: what.to_owned(), target: target.to_owned(), reached, holds }
}

/// A rendered photograph of 1,024 x 1,024 pixels.
pub(crate) fn photograph() -> Result<RgbImage, BenchError> {
    let shot =
        studio::catalogue().first().ok_or_else(|| BenchError::Other("the studio is empty".to_owned()))?;
    Ok(studio::render(shot))
}

/// Runs what was asked for.
pub(crate) fn run(options: &Options, print: Print<'_>) -> Result<(), BenchError> {
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    if wanted("pdq") {
        pdq(print)?;
    }
    if wanted("matching") {
        matching::run(options.photos.as_deref(), print)?;
    }
    if wanted("labels") {
        reading::labels(print)?;
    }
    if wanted("c2pa") {
        reading::c2pa(print)?;
    }
    if wanted("audit") {
        super::audit::measure(print)?;
    }
    if wanted("registration") {
        let folder = Folder::new()?;
        registration(options, folder.path(), print)?;
    }
    if wanted("log") {
        log::published(options, print)?;
        log::engine(print)?;
    }
    if !["start", "content", "check"].into_iter().any(wanted) {
        return Ok(());
    }
    let folder = Folder::new()?;
    let data = options.data.as_deref().unwrap_or_else(|| folder.path());
    std::fs::create_dir_all(data)?;
    let data = &data.canonicalize()?;
    let populated = populate::registry(options, data)?;
    index_once(options, data)?;
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
    // Two indexes of at most 80 bytes a code, 64 postings of 8 bytes and 16 bytes of directories, beside the process.
    let budget = 100.0 + (160.0 + 512.0 + 16.0) * options.statements as f64 / f64::from(1 << 20);
    let target = format!("< {budget:.0} MiB: 100 and 688 bytes a picture");
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
    let unknown = edits::jpeg(&photograph()?, 90).map_err(BenchError::other)?;
    let altered = edits::with_stain(&populate::original()?, 5);
    let small = edits::jpeg(&altered, 88).map_err(BenchError::other)?;
    let large = edits::jpeg(&as_camera(&altered), 88).map_err(BenchError::other)?;
    let cases = [
        ("a 1-megapixel JPEG that matches nothing", unknown, Conclusion::Unknown, 40.0),
        ("a 1-megapixel JPEG, altered copy of a registered picture", small, Conclusion::Altered, 50.0),
        ("a 12-megapixel JPEG, altered copy of a registered picture", large, Conclusion::Altered, 150.0),
    ];
    for (what, photo, expected, target) in cases {
        let times = check_times(&client, &photo, expected)?;
        let (p50, p95, decoding) = (percentile(&times, 0.5), percentile(&times, 0.95), decode_time(&photo)?);
        let reached = format!(
            "p50 {p50:.1} ms, p95 {p95:.1} ms; decoding {decoding:.1} ms, {:.0} %",
            100.0 * decoding / p50
        );
        print(figure(
            &format!("whole check of {what}"),
            &format!("p50 < {target} ms"),
            reached,
            p50 < target,
        ));
    }
    Ok(())
}

/// Milliseconds of checks of one photo, ascending.
fn check_times(client: &Client, photo: &[u8], expected: Conclusion) -> Result<Vec<f64>, BenchError> {
    let mut times = Vec::with_capacity(CHECKS);
    for n in 0..CHECKS + 5 {
        let watch = Stopwatch::start();
        let found = client.check(photo, &Context::default())?.verdict.conclusion;
        if n >= 5 {
            times.push(watch.elapsed().as_secs_f64() * 1_000.0);
        }
        if found != expected {
            return Err(BenchError::Other(format!("a check concluded {found:?} instead of {expected:?}")));
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(times)
}

/// Milliseconds that decoding takes of a check, in the median.
fn decode_time(photo: &[u8]) -> Result<f64, BenchError> {
    let limits = Limits::default();
    let mut times = Vec::with_capacity(DECODES);
    for _ in 0..DECODES {
        let watch = Stopwatch::start();
        let decoded = decode::decode_reduced(photo, &limits, WORKING_AREA).map_err(BenchError::other)?;
        std::hint::black_box(decoded);
        times.push(watch.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(percentile(&times, 0.5))
}

/// The picture at 12 megapixels, with the grain of a phone's sensor: without it the file would be too easy to read.
fn as_camera(picture: &RgbImage) -> RgbImage {
    let factor = (12e6 / f64::from(picture.width() * picture.height())).sqrt();
    let mut large = edits::resized(picture, factor as f32);
    let mut random = Random(3);
    for pixel in large.pixels_mut() {
        let grain = (random.next() % 13) as i16 - 6;
        pixel.0 = pixel.0.map(|value| (i16::from(value) + grain).clamp(0, 255) as u8);
    }
    large
}

/// Waits until the server has all local features in its index and has written that to the disk, if it has not before:
/// the measured server starts from there, as any server does that was not stopped by force.
#[allow(clippy::print_stderr, reason = "long work says how far it is")]
fn index_once(options: &Options, data: &Path) -> Result<(), BenchError> {
    let kept = data.join("index").join("source");
    // A small one is not written before the end, and loaded at once.
    if kept.exists() || options.statements < 20_000 {
        return Ok(());
    }
    let watch = Stopwatch::start();
    let server = Server::start(options.bin.as_deref(), data)?;
    eprintln!("without a kept index the server is ready after {:.1} s", server.started_in.as_secs_f64());
    while !kept.exists() && watch.elapsed() < INDEXING {
        eprint!("\rloading local features: {:.0} s", watch.elapsed().as_secs_f64());
        std::thread::sleep(Duration::from_secs(1));
    }
    eprintln!();
    Ok(())
}
