//! The exact index of global codes: time, recall, memory and growth, beside FAISS on the same codes and queries.

use super::{
    BenchError, Options, Print, figure,
    peers::{self, MISSING, Peer},
    workload,
};
use crate::{
    cleanup::Folder,
    clock::{self, Times},
};
use touchstone_server::matching::hamming::{self, Code, HammingIndex, Limits};

/// Radius of PDQ and of the gradient hash.
const RADII: [u32; 2] = [31, 36];
const QUERIES: usize = 500;
const PASSES: usize = 3;
/// Queries whose answer is compared with that of a look at every code.
const EXHAUSTIVE: usize = 20;
/// FAISS gets no more codes than this: its hash needs 2.8 GB for them.
const MOST_FOR_PEERS: usize = 10_000_000;
/// How much faster than either peer the index has to be.
const TIMES_FASTER: f64 = 10.0;

/// Queries near to registered codes, with the identifiers.
type Planted = Vec<(Code, u32)>;

/// Measures every size that the options name.
pub(super) fn run(options: &Options, print: Print<'_>) -> Result<(), BenchError> {
    let mut before: Option<(usize, f64)> = None;
    for count in options.codes.iter().filter(|count| **count > 0) {
        let median = of_size(*count, options, print)?;
        if let Some((smaller, least)) = before {
            let (grown, slower) = (*count as f64 / smaller as f64, median / least);
            print(figure(
                format!("growth of a query from {smaller} to {count} codes, radius 31"),
                "less than half as fast as the codes",
                format!("{slower:.2} times for {grown:.1} times the codes"),
                slower < grown / 2.0,
            ));
        }
        before = Some((*count, median));
    }
    Ok(())
}

/// Measures `count` codes; answers the median at the smaller radius, milliseconds.
fn of_size(count: usize, options: &Options, print: Print<'_>) -> Result<f64, BenchError> {
    let entries = workload::registered(count);
    let queries: Vec<(u32, Planted)> =
        RADII.iter().map(|radius| (*radius, workload::queries(&entries, QUERIES, *radius))).collect();
    let index = HammingIndex::new(hamming::Options::default());
    let filled = clock::timed(|| index.insert_sealed(&entries)).1;
    let before: Vec<Times> = queries.iter().map(|(radius, planted)| time(&index, planted, *radius)).collect();
    let rivals =
        if count <= MOST_FOR_PEERS { peers::run(options, &entries, &queries)? } else { Some(Vec::new()) };
    let after: Vec<Times> = queries.iter().map(|(radius, planted)| time(&index, planted, *radius)).collect();
    let mut median = f64::INFINITY;
    for ((radius, planted), (first, second)) in queries.iter().zip(before.iter().zip(after)) {
        // Before and after the peers: whatever disturbs the machine disturbs both sides alike.
        let own = first.between(second);
        median = median.min(own.median);
        speed(count, *radius, own, print);
        recall(&index, &entries, planted, *radius, print);
        if count <= MOST_FOR_PEERS {
            compare(count, *radius, own, rivals.as_deref(), print);
        }
    }
    memory(count, &index, rivals.as_deref(), print);
    print(figure(
        format!("{count} codes sorted in at once"),
        ">= 500,000/s",
        format!("{:.0}/s", count as f64 / filled * 1e3),
        count as f64 / filled >= 500.0,
    ));
    snapshot(count, index, print)?;
    Ok(median)
}

fn time(index: &HammingIndex, planted: &Planted, radius: u32) -> Times {
    clock::measure(planted.len(), PASSES, |place| {
        let code = planted.get(place).map(|(code, _)| *code);
        std::hint::black_box(index.search(code.as_slice(), radius, &Limits::default()));
    })
}

fn speed(count: usize, radius: u32, own: Times, print: Print<'_>) {
    // 0.5 ms at 10 million and radius 31, 3 ms at 100 million; four times that for the wider radius.
    let most = if count <= 10_000_000 { 0.5 } else { 3.0 } * if radius > 31 { 4.0 } else { 1.0 };
    print(figure(
        format!("query in {count} codes, radius {radius}"),
        &format!("p50 <= {most} ms"),
        format!("mean {:.3}, p50 {:.3}, p95 {:.3} ms", own.mean, own.median, own.p95),
        own.median <= most,
    ));
}

/// Planted codes are found, and some answers are exactly those of a look at every code.
fn recall(index: &HammingIndex, entries: &[(Code, u32)], planted: &Planted, radius: u32, print: Print<'_>) {
    let ids = |code: &Code| {
        let hits = index.search(std::slice::from_ref(code), radius, &Limits::default()).hits;
        let mut ids: Vec<u32> = hits.iter().map(|hit| hit.id).collect();
        ids.sort_unstable();
        ids
    };
    let found = planted.iter().filter(|(code, id)| ids(code).contains(id)).count();
    let near = |code: &Code, other: &Code| {
        code.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>() <= radius
    };
    let exact = planted.iter().take(EXHAUSTIVE).filter(|(code, _)| {
        let all = entries.iter().filter(|(other, _)| near(code, other)).map(|(_, id)| *id);
        ids(code) == all.collect::<Vec<u32>>()
    });
    let exact = exact.count();
    print(figure(
        format!("planted codes found among {}, radius {radius}", entries.len()),
        "all; answers exact",
        format!("{found} of {}; {exact} of {EXHAUSTIVE} exact", planted.len()),
        found == planted.len() && exact == EXHAUSTIVE,
    ));
}

/// The mean and the median against those of both peers.
fn compare(count: usize, radius: u32, own: Times, rivals: Option<&[Peer]>, print: Print<'_>) {
    for (name, title) in [("flat", "IndexBinaryFlat"), ("multihash", "IndexBinaryMultiHash 16 x 16, 1 flip")]
    {
        let peer = rivals.and_then(|rivals| rivals.iter().find(|it| it.name == name && it.radius == radius));
        let reached = peer.map_or(MISSING.to_owned(), |peer| {
            format!(
                "{:.1} times in the mean, {:.1} in the median ({:.3}, {:.3} ms; recall {:.4})",
                peer.mean / own.mean,
                peer.median / own.median,
                peer.mean,
                peer.median,
                peer.recall
            )
        });
        let slowest = peer.map_or(0.0, |peer| (peer.mean / own.mean).min(peer.median / own.median));
        print(figure(
            format!("faster than FAISS {title}, {count} codes, radius {radius}"),
            &format!(">= {TIMES_FASTER} times"),
            reached,
            slowest >= TIMES_FASTER,
        ));
    }
}

fn memory(count: usize, index: &HammingIndex, rivals: Option<&[Peer]>, print: Print<'_>) {
    let own = index.stats().bytes as f64 / count as f64;
    let others = rivals.unwrap_or_default().iter().filter(|peer| peer.radius == RADII[0]);
    let others: String = others.map(|peer| format!("; FAISS {} {:.0}", peer.name, peer.bytes)).collect();
    print(figure(
        format!("memory of {count} codes"),
        "<= 80 B a code",
        format!("{own:.1} B{others}"),
        own <= 80.0,
    ));
}

fn snapshot(count: usize, index: HammingIndex, print: Print<'_>) -> Result<(), BenchError> {
    let folder = Folder::new()?;
    let path = folder.path().join("codes");
    let (saved, saving) = clock::timed(|| index.save(&path, 1));
    saved.map_err(BenchError::other)?;
    drop(index);
    let (loaded, loading) = clock::timed(|| HammingIndex::load(&path, hamming::Options::default()));
    let (loaded, _) = loaded.map_err(BenchError::other)?;
    if loaded.stats().entries != count {
        return Err(BenchError::Other("the snapshot lost codes".to_owned()));
    }
    // 5 s at 10 million.
    let most = 5_000.0 * (count as f64 / 1e7).max(0.1);
    print(figure(
        format!("snapshot of {count} codes read back"),
        &format!("< {:.1} s", most / 1e3),
        format!("{:.2} s (written in {:.2} s)", loading / 1e3, saving / 1e3),
        loading < most,
    ));
    Ok(())
}
