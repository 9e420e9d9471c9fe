//! How fast an auditor reads a log: a generated one as files, verified by its hashes alone and with every statement.

use super::{BenchError, Figure, cleanup::Folder, populate};
use ed25519_dalek::SigningKey;
use rayon::{ThreadPoolBuilder, prelude::*};
use std::{fs, path::Path};
use touchstone_schema::{
    OrganisationId, Sha256Digest, Timestamp,
    key::PublicKey,
    leaf,
    log::{
        Checkpoint, Frontier, Level, Policy, Tile, VerifierKey, encode_bundle, sign_checkpoint,
        tile::TILE_WIDTH,
    },
    statement::{Body, Issuer, Nonce, OrganisationAdmitted, PolicyChanged, Role, Statement},
};
use touchstone_sdk::{
    entropy::Stopwatch,
    log::{
        audit::{self, Observer},
        finding::Finding,
        replay::{Accepted, Entry, Replay, Violation},
        source::DirectoryLog,
        state::{State, StateError},
    },
};

const ORIGIN: &str = "bench.example/log";
/// Entries of the measured log.
const ENTRIES: u64 = 200_000;
/// What an earlier look at the log had seen: the measured one proves that it goes on from there.
const SEEN: u64 = 512;
const WIDTH: usize = TILE_WIDTH as usize;
/// 2026-11-22T09:00:00Z.
const START: i64 = 1_795_338_000_000_000;

/// Nobody watches; but nothing may be wrong.
#[derive(Default)]
struct Count {
    findings: u64,
}

impl Observer for Count {
    fn begins(&mut self, _: u64, _: u64) {}

    fn verified(&mut self, _: &mut State) -> Result<(), StateError> {
        Ok(())
    }

    fn judged(&mut self, _: &Replay, _: u64, _: &Entry, _: &Result<Accepted, Violation>) {}

    fn found(&mut self, _: &Finding) {
        self.findings += 1;
    }
}

/// Measures both ways on one thread, and with signatures on all.
pub(crate) fn measure(print: &mut dyn FnMut(Figure)) -> Result<(), BenchError> {
    let folder = Folder::new()?;
    let entries = entries()?;
    let rows = rows(&entries);
    let log = Log { folder: folder.path(), entries: &entries, rows: &rows };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cases = [
        ("hashes and consistency", false, 1, 50_000.0),
        ("every signature verified, every admission judged", true, 1, 10_000.0),
        ("every signature verified, every admission judged", true, cores, 10_000.0),
    ];
    for (what, statements, threads, target) in cases {
        let measured = log.read(statements, threads)?;
        print(Figure {
            what: format!("reading a log of {ENTRIES} entries, {what}, {threads} thread(s)"),
            target: format!(">= {target}/s"),
            reached: format!(
                "{:.0}/s, {:.0}/s per core of processor time",
                measured.per_second, measured.per_processor_second
            ),
            // One thread examines while another reads ahead, so a core's share is what counts.
            holds: if threads == 1 { measured.per_processor_second } else { measured.per_second } >= target,
        });
    }
    Ok(())
}

struct Measured {
    per_second: f64,
    per_processor_second: f64,
}

struct Log<'a> {
    folder: &'a Path,
    entries: &'a [Vec<u8>],
    rows: &'a [Vec<Sha256Digest>],
}

impl Log<'_> {
    fn read(&self, statements: bool, threads: usize) -> Result<Measured, BenchError> {
        let verifier = VerifierKey::ed25519(ORIGIN, PublicKey::from(&key(200))).map_err(BenchError::other)?;
        let policy = Policy::parse(&format!("log {verifier}\nquorum none\n")).map_err(BenchError::other)?;
        let source = DirectoryLog(self.folder.to_owned());
        let mut state = State::new(statements);
        let now = time(ENTRIES as i64)?;
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().map_err(BenchError::other)?;
        self.publish(SEEN)?;
        pool.install(|| audit::advance(&source, &policy, None, &mut state, now, &mut Count::default()))
            .map_err(BenchError::other)?;
        self.publish(ENTRIES)?;
        let mut count = Count::default();
        let (watch, processor) = (Stopwatch::start(), processor_seconds()?);
        pool.install(|| audit::advance(&source, &policy, None, &mut state, now, &mut count))
            .map_err(BenchError::other)?;
        let (wall, processor) = (watch.elapsed().as_secs_f64(), processor_seconds()? - processor);
        if count.findings > 0 || state.size() != ENTRIES {
            return Err(BenchError::Other("the generated log does not verify".to_owned()));
        }
        let entries = (ENTRIES - SEEN) as f64;
        Ok(Measured { per_second: entries / wall, per_processor_second: entries / processor })
    }

    /// Writes the files of the first `size` entries.
    fn publish(&self, size: u64) -> Result<(), BenchError> {
        for tile in Tile::between(0, size) {
            let first = tile.index as usize * WIDTH;
            let range = first..first + usize::from(tile.width);
            let bytes = match tile.level {
                Level::Entries => {
                    encode_bundle(self.entries[range].iter().map(Vec::as_slice)).map_err(BenchError::other)?
                }
                Level::Hashes(level) => {
                    self.rows[usize::from(level)][range].iter().flat_map(|hash| hash.0).collect()
                }
            };
            let path = self.folder.join(tile.path());
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, bytes)?;
        }
        let mut frontier = Frontier::new();
        self.rows[0][..size as usize].iter().for_each(|leaf| frontier.push(*leaf));
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: frontier.root() };
        let note = sign_checkpoint(&checkpoint, &key(200)).map_err(BenchError::other)?;
        Ok(fs::write(self.folder.join("checkpoint"), note.to_bytes())?)
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// What every log begins with, one merchant, and its pictures.
fn entries() -> Result<Vec<Vec<u8>>, BenchError> {
    let operator = key(201);
    let merchant = OrganisationId::from_parts(1, [1; 10]);
    let admission = OrganisationAdmitted {
        organisation: merchant,
        name: "Bench merchant".to_owned(),
        role: Role::Merchant,
        key: PublicKey::from(&populate::merchant_key()),
        recovery_key: None,
    };
    let policies = [
        ("origin", ORIGIN.to_owned()),
        ("operator_key", PublicKey::from(&operator).to_string()),
        ("verdict_key", PublicKey::from(&key(202)).to_string()),
    ];
    let policies =
        policies.map(|(policy, value)| Body::from(PolicyChanged { policy: policy.to_owned(), value }));
    let mut entries = Vec::new();
    for (n, body) in (0_i64..).zip(policies.into_iter().chain([admission.into()])) {
        let issued_at = time(n)?;
        let nonce = Nonce([7; 16]);
        let statement =
            Statement { audience: ORIGIN.to_owned(), issuer: Issuer::Registry, issued_at, nonce, body };
        let envelope = statement.sign(&operator).map_err(BenchError::other)?;
        entries.push(leaf::encode(issued_at, &envelope));
    }
    let pictures: Result<Vec<Vec<u8>>, BenchError> = (entries.len() as u64..ENTRIES)
        .into_par_iter()
        .map(|n| {
            let at = time(n as i64)?;
            let mut nonce = [0; 16];
            nonce[..8].copy_from_slice(&n.to_be_bytes());
            let envelope = populate::statement(ORIGIN, merchant, at, nonce, populate::digest(n))?;
            Ok(leaf::encode(at, &envelope))
        })
        .collect();
    entries.extend(pictures?);
    Ok(entries)
}

/// A hundred entries a second.
fn time(n: i64) -> Result<Timestamp, BenchError> {
    Timestamp::from_micros(START + n * 10_000).map_err(BenchError::other)
}

/// The hashes of each tile level.
fn rows(entries: &[Vec<u8>]) -> Vec<Vec<Sha256Digest>> {
    let mut rows: Vec<Vec<Sha256Digest>> = vec![entries.par_iter().map(|entry| leaf::hash(entry)).collect()];
    while let Some(row) = rows.last().filter(|row| row.len() >= WIDTH) {
        let above = row.chunks_exact(WIDTH).map(|tile| {
            let mut frontier = Frontier::new();
            tile.iter().for_each(|hash| frontier.push(*hash));
            frontier.root()
        });
        rows.push(above.collect());
    }
    rows
}

/// Processor time of this process so far, all threads, in seconds (proc(5): ticks of a hundredth of a second).
fn processor_seconds() -> Result<f64, BenchError> {
    let text = fs::read_to_string("/proc/self/stat")?;
    // The name of the program may hold anything, and ends with the last parenthesis.
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 =
        rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    Ok(ticks / 100.0)
}
