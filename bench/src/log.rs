//! The public log: statements over HTTP until their receipts are there, the append engine alone, reads of what is published.

use super::{
    BenchError, Options,
    cleanup::Folder,
    load::{self, Answered, Measured, percentile},
    populate,
    server::{self, Server},
    tasks::{Print, figure},
    tessera::{Job, Tessera},
};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use touchstone_schema::{
    OrganisationId, Timestamp,
    api::{Acknowledgement, BatchItem, BatchResult, NewOrganisation, RegistryInfo},
    key::PublicKey,
    leaf,
    log::{policy::Policy, receipt::TlogProof},
    statement::{Issuer, Kind, Role},
};
use touchstone_sdk::entropy::Stopwatch;
use touchstone_server::{
    clock::SystemClock,
    config::LogConfig,
    log::{
        publisher::{CheckpointSigner, Publisher, Unwitnessed},
        storage::Directory,
        view::View,
    },
    store::{NewEntry, Store, StoreConfig},
};

const BATCH: usize = 256;
const BATCH_CLIENTS: usize = 8;
const BATCHES_EACH: usize = 24;
const SINGLE_CLIENTS: usize = 64;
const SINGLES_EACH: usize = 100;
const READERS: usize = 64;
const READS_EACH: usize = 3_000;
/// Receipts that are verified of each run.
const VERIFIED: usize = 500;
/// Rounds of the append engine and of Tessera, in turn: whatever disturbs the machine disturbs both sides alike.
const ENGINE_ROUNDS: usize = 3;
const ENGINE_ENTRIES: u64 = 200_000;
/// Writers, and the entries of each call: what is under way bounds the rate on both sides.
const ENGINE_LOADS: [(u64, u64); 2] = [(4, 500), (8, 1_000)];
/// Bytes of the envelope in each entry.
const ENGINE_ENVELOPE: usize = 700;

/// Statements of the bench's merchant, ready to be sent.
struct Signer {
    info: RegistryInfo,
    merchant: OrganisationId,
    next: u64,
}

impl Signer {
    fn statement(&mut self) -> Result<Vec<u8>, BenchError> {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.next.to_be_bytes());
        let content = populate::digest(self.next);
        self.next += 1;
        populate::statement(&self.info.origin, self.merchant, self.info.time, nonce, content)
    }

    fn batch(&mut self) -> Result<Vec<u8>, BenchError> {
        let mut body = br#"{"statements":["#.to_vec();
        for n in 0..BATCH {
            body.extend_from_slice(if n == 0 { b"" } else { b"," });
            body.extend_from_slice(&self.statement()?);
        }
        body.extend_from_slice(b"]}");
        Ok(body)
    }

    /// Whether a receipt proves that the log holds a leaf with that envelope.
    fn verify(&self, accepted: &Acknowledgement, envelope: &[u8]) -> Result<(), BenchError> {
        let policy = format!("log {}\nquorum none\n", self.info.log_verifier_key);
        let policy = Policy::parse(&policy).map_err(BenchError::other)?;
        let text = accepted.receipt.as_deref();
        let text = text.ok_or_else(|| BenchError::Other("a receipt did not come in time".to_owned()))?;
        let leaf = leaf::encode(accepted.accepted_at, envelope);
        let proof = TlogProof::parse(text).map_err(BenchError::other)?;
        proof.verify(&leaf::hash(&leaf), &policy).map(drop).map_err(BenchError::other)
    }
}

/// The full path over HTTP: signed statement, strict verification, exact deduplication, durable, published, receipt.
pub(crate) fn published(options: &Options, print: Print<'_>) -> Result<(), BenchError> {
    let folder = Folder::new()?;
    let operator = server::bootstrap(options.bin.as_deref(), folder.path())?;
    let server = Server::start(options.bin.as_deref(), folder.path())?;
    let merchant = server.client(Some(&operator))?.create_organisation(&NewOrganisation {
        name: "Bench merchant".to_owned(),
        role: Role::Merchant,
        public_key: PublicKey::from(&populate::merchant_key()),
        recovery_key: None,
        proof_of_possession: None,
        provider_codes: Vec::new(),
    })?;
    let info = server.client(None)?.registry()?;
    let mut signer = Signer { info, merchant: merchant.organisation, next: 0 };
    batches(&server, &merchant.token, &mut signer, print)?;
    singles(&server, &merchant.token, &mut signer, print)?;
    reads(&server, print)
}

fn batches(server: &Server, token: &str, signer: &mut Signer, print: Print<'_>) -> Result<(), BenchError> {
    let mut clients = Vec::new();
    for _ in 0..BATCH_CLIENTS {
        clients.push((0..BATCHES_EACH).map(|_| signer.batch()).collect::<Result<Vec<_>, _>>()?);
    }
    let (seconds, answers) = load::post(&server.address, "/v1/statements?receipt=true", token, &clients)?;
    let total = BATCH_CLIENTS * BATCHES_EACH * BATCH;
    let every = VERIFIED.min(total).max(1);
    for (bodies, answers) in clients.iter().zip(&answers) {
        for (body, Answered { body: answer, .. }) in bodies.iter().zip(answers) {
            let sent: serde_json::Value = serde_json::from_slice(body).map_err(BenchError::other)?;
            let result: BatchResult = serde_json::from_slice(answer).map_err(BenchError::other)?;
            for (n, item) in result.results.iter().enumerate() {
                let BatchItem::Accepted(accepted) = item else {
                    return Err(BenchError::Other(format!("a statement was refused: {item:?}")));
                };
                if n % (total / every) == 0 {
                    // Members keep their order, so the text is the one that was sent.
                    signer.verify(accepted, envelope_text(&sent["statements"][n]).as_bytes())?;
                } else if accepted.receipt.is_none() {
                    return Err(BenchError::Other("a receipt did not come in time".to_owned()));
                }
            }
        }
    }
    let (p50, p99) = spread(answers);
    let per_second = total as f64 / seconds;
    let what =
        format!("statements in batches of {BATCH} from {BATCH_CLIENTS} clients, until all have receipts");
    let reached = format!("{per_second:.0}/s, p50 {p50:.0} ms, p99 {p99:.0} ms");
    print(figure(&what, ">= 5,000/s, p99 < 1 s", reached, per_second >= 5_000.0 && p99 < 1_000.0));
    Ok(())
}

/// The envelope as the bench writes it.
fn envelope_text(envelope: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let signature = &envelope["signatures"][0];
    format!(
        r#"{{"payloadType":"{}","payload":"{}","signatures":[{{"keyid":"{}","sig":"{}"}}]}}"#,
        text(&envelope["payloadType"]),
        text(&envelope["payload"]),
        text(&signature["keyid"]),
        text(&signature["sig"])
    )
}

fn spread(answers: Vec<Vec<Answered>>) -> (f64, f64) {
    let mut times: Vec<f64> = answers.into_iter().flatten().map(|answer| answer.milliseconds).collect();
    times.sort_unstable_by(f64::total_cmp);
    (percentile(&times, 0.5), percentile(&times, 0.99))
}

fn singles(server: &Server, token: &str, signer: &mut Signer, print: Print<'_>) -> Result<(), BenchError> {
    let mut clients = Vec::new();
    for _ in 0..SINGLE_CLIENTS {
        clients.push((0..SINGLES_EACH).map(|_| signer.statement()).collect::<Result<Vec<_>, _>>()?);
    }
    let (seconds, answers) = load::post(&server.address, "/v1/statements?receipt=true", token, &clients)?;
    for (envelopes, answers) in clients.iter().zip(&answers) {
        for (envelope, answer) in envelopes.iter().zip(answers) {
            let accepted: Acknowledgement =
                serde_json::from_slice(&answer.body).map_err(BenchError::other)?;
            signer.verify(&accepted, envelope)?;
        }
    }
    let (p50, p99) = spread(answers);
    let per_second = (SINGLE_CLIENTS * SINGLES_EACH) as f64 / seconds;
    let what = format!("statements one by one from {SINGLE_CLIENTS} clients, each until its receipt");
    let reached = format!("{per_second:.0}/s, p50 {p50:.0} ms, p99 {p99:.0} ms");
    print(figure(&what, ">= 1,000/s, p99 < 1 s", reached, per_second >= 1_000.0 && p99 < 1_000.0));
    Ok(())
}

fn reads(server: &Server, print: Print<'_>) -> Result<(), BenchError> {
    let size = server.client(None)?.registry()?.published_size;
    let tiles = (size / 256).max(1);
    let tile = |n: usize| {
        let index = (n as u64).wrapping_mul(2_654_435_761) % tiles;
        format!("/log/tile/0/{index:03}")
    };
    let cases: [(&str, &(dyn Fn(usize) -> String + Sync)); 2] =
        [("GET of hash tiles", &tile), ("GET of the checkpoint", &|_| "/log/checkpoint".to_owned())];
    for (what, path) in cases {
        load::get(&server.address, READERS, READS_EACH / 10, path)?;
        let measured = load::get(&server.address, READERS, READS_EACH, path)?;
        let reached = format!("{:.0}/s, p99 {:.2} ms", measured.per_second, measured.percentile(0.99));
        let what = format!("{what} over {READERS} connections, load on the same cores");
        print(figure(&what, ">= 20,000/s", reached, measured.per_second >= 20_000.0));
    }
    Ok(())
}

fn entry(n: u64, envelope: &[u8]) -> NewEntry<'_> {
    let deduplication_key = populate::digest(n);
    NewEntry {
        id: touchstone_schema::StatementId::of_entry(Timestamp::EPOCH, &deduplication_key),
        kind: Kind::ImageRegistered,
        issuer: Issuer::Registry,
        key: [7; 32],
        deduplication_key,
        envelope,
    }
}

/// Sequencing and publication in process, without HTTP and signatures: appended, durable, published. Tessera in turn.
pub(crate) fn engine(print: Print<'_>) -> Result<(), BenchError> {
    let tessera = Tessera::build();
    ENGINE_LOADS.iter().try_for_each(|(writers, batch)| engine_beside(*writers, *batch, &tessera, print))
}

fn engine_beside(
    writers: u64,
    batch: u64,
    tessera: &Result<Tessera, String>,
    print: Print<'_>,
) -> Result<(), BenchError> {
    let job = Job {
        entries: ENGINE_ENTRIES,
        size: leaf::encode(Timestamp::EPOCH, &[b'x'; ENGINE_ENVELOPE]).len(),
        writers,
        in_flight: writers * batch,
    };
    let mut own = Vec::new();
    let mut peer = tessera.as_ref().map(|tessera| (tessera, Vec::new()));
    for _ in 0..ENGINE_ROUNDS {
        own.push(run_engine(Folder::new()?.path(), writers, batch)?);
        if let Ok((tessera, rounds)) = &mut peer {
            rounds.push(tessera.run(&job)?);
        }
    }
    let own = median(own, |round| round.per_second)?;
    let (p50, p99) = (own.percentile(0.5), own.percentile(0.99));
    let what = format!(
        "append engine alone, {writers} writers of {batch} entries, until published; median of \
         {ENGINE_ROUNDS} rounds"
    );
    let reached = format!("{:.0}/s, p50 {p50:.0} ms, p99 {p99:.0} ms", own.per_second);
    print(figure(&what, ">= 15,000/s, p99 < 0.5 s", reached, own.per_second >= 15_000.0 && p99 < 500.0));
    let (measured, reached) = match peer {
        Ok((_, rounds)) => {
            let peer = median(rounds, |round| round.per_second)?;
            let times = own.per_second / peer.per_second;
            (true, format!("ours {times:.2} times as fast; Tessera {peer}"))
        }
        Err(why) => (false, why.clone()),
    };
    let what = format!("the same by Tessera {} on POSIX, in turn", Tessera::version());
    print(figure(&what, "in the same run", reached, measured));
    Ok(())
}

/// The round in the middle, by its rate.
fn median<T>(mut rounds: Vec<T>, rate: impl Fn(&T) -> f64) -> Result<T, BenchError> {
    rounds.sort_by(|one, other| rate(one).total_cmp(&rate(other)));
    let middle = rounds.len() / 2;
    rounds.into_iter().nth(middle).ok_or_else(|| BenchError::Other("no round was run".to_owned()))
}

/// Entries in a second, and the milliseconds of each batch from its call until a checkpoint covered it.
fn run_engine(folder: &Path, writers: u64, batch: u64) -> Result<Measured, BenchError> {
    let store = Store::open(&StoreConfig {
        url: format!("sqlite://{}", folder.join("registry.db").display()),
        readers: 4,
        busy_timeout_ms: 30_000,
    })?;
    store.migrate()?;
    let storage = Arc::new(Directory::open(folder.join("log"))?);
    let view = Arc::new(View::new(storage, 64 << 20));
    let signer =
        CheckpointSigner::new("bench.example/log", populate::merchant_key()).map_err(BenchError::other)?;
    let rhythm = LogConfig::default().rhythm();
    let opened = Publisher::open(
        store.clone(),
        Arc::clone(&view),
        Arc::new(SystemClock),
        signer,
        Box::new(Unwitnessed),
        rhythm,
    );
    let (publisher, edge) = opened.map_err(BenchError::other)?;
    let publisher = publisher.spawn(edge)?;
    let times = Mutex::new(Vec::new());
    let envelope = [b'x'; ENGINE_ENVELOPE];
    let write = |writer: u64| -> Result<(), BenchError> {
        let share = ENGINE_ENTRIES / writers;
        let mut at = writer * share;
        while at < (writer + 1) * share {
            let watch = Stopwatch::start();
            let size = store.write(|w| {
                for n in at..at + batch {
                    w.append(Timestamp::EPOCH, &entry(n, &envelope))?;
                }
                w.lock_log()
            })?;
            view.committed(size);
            view.look_again();
            if !view.wait_until_reached(size, Duration::from_secs(30)) {
                return Err(BenchError::Other("the log was not published".to_owned()));
            }
            let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
            times.push(watch.elapsed().as_secs_f64() * 1_000.0);
            at += batch;
        }
        Ok(())
    };
    let watch = Stopwatch::start();
    thread::scope(|scope| {
        let write = &write;
        let threads: Vec<_> = (0..writers).map(|n| scope.spawn(move || write(n))).collect();
        let gone = || Err(BenchError::Other("a writer panicked".to_owned()));
        threads.into_iter().try_for_each(|writer| writer.join().unwrap_or_else(|_| gone()))
    })?;
    let seconds = watch.elapsed().as_secs_f64();
    view.stop();
    let _ = publisher.join();
    let published = view.current().map(|published| (published.size, published.root));
    let committed = store.read(|reader| reader.log_head())?.frontier;
    if published != Some((committed.size(), committed.root())) {
        return Err(BenchError::Other("what was published is not what was committed".to_owned()));
    }
    let mut milliseconds = times.into_inner().unwrap_or_else(PoisonError::into_inner);
    milliseconds.sort_unstable_by(f64::total_cmp);
    Ok(Measured { per_second: ENGINE_ENTRIES as f64 / seconds, milliseconds })
}
