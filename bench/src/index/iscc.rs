//! Look-ups of ISCC codes in the database: time, recall and disk, on SQLite, through the store as the registry does it.
//!
//! Nothing of it lies in memory. Codes are those of a crowded world, too, in which a million fill their parts as a hundred
//! million do: bits of one code depend on each other, so that two of 299 photographs have a part in common 1.9 times as
//! often as by chance.

use super::{
    BenchError, Print, figure,
    workload::{self, Random},
};
use crate::{cleanup::Folder, clock};
use std::{fs, path::Path};
use touchstone_schema::{
    ManifestId, OrganisationId, Sha256Digest, StatementId, Timestamp,
    sbr::ISCC,
    statement::{Issuer, Kind, Role},
};
use touchstone_server::{
    matching::hamming::Code,
    store::{ISCC_RADIUS, NewEntry, NewManifest, NewOrganisation, Store, StoreConfig, StoreError},
};

/// Codes in one transaction.
const BATCH: usize = 20_000;
const QUERIES: usize = 300;
const PASSES: usize = 3;
/// Queries whose answer is compared with that of a look at every code.
const EXHAUSTIVE: usize = 20;
/// Values that a part takes in the crowded world, of 65,536: of a million codes, 2,941 have the same one.
const CROWDED: u64 = 340;

/// Measures so many codes, as even as chance and crowded.
pub(super) fn run(count: usize, print: Print<'_>) -> Result<(), BenchError> {
    if count == 0 {
        return Ok(());
    }
    let even: Vec<Code> = workload::registered(count).into_iter().map(|(code, _)| code).collect();
    of_codes("even", &even, print)?;
    let mut random = Random(3);
    let crowded: Vec<Code> = std::iter::repeat_with(|| crowded(&mut random)).take(count).collect();
    of_codes("crowded as a hundred million", &crowded, print)
}

/// A code whose parts take few values.
fn crowded(random: &mut Random) -> Code {
    let mut code = [0; 32];
    for (place, part) in code.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        // The values differ from part to part; multiplying by an odd number spreads them.
        let value = (random.next() % CROWDED * 40_503 + place as u64 * 9_973) & 0xFFFF;
        *part = (value as u16).to_be_bytes();
    }
    code
}

fn of_codes(world: &str, codes: &[Code], print: Print<'_>) -> Result<(), BenchError> {
    let folder = Folder::new()?;
    let (store, bytes) = filled(folder.path(), codes)?;
    let mut random = Random(5);
    let planted: Vec<(Code, Code)> = (0..QUERIES)
        .map(|_| {
            let code = codes[random.below(codes.len())];
            let flips = random.below(ISCC_RADIUS as usize + 1);
            (random.near(&code, flips), code)
        })
        .collect();
    let near = |query: &Code| store.read(|reader| reader.iscc_candidates(query));
    let mut failed = None;
    let times = clock::measure(planted.len(), PASSES, |place| {
        if let Err(error) = planted.get(place).map_or(Ok(()), |(query, _)| near(query).map(drop)) {
            failed = Some(error);
        }
    });
    failed.map_or(Ok(()), |error: StoreError| Err(error))?;
    let count = codes.len();
    print(figure(
        format!("ISCC look-up in {count} codes ({world})"),
        "p50 <= 50 ms",
        format!("mean {:.2}, p50 {:.2}, p95 {:.2} ms", times.mean, times.median, times.p95),
        times.median <= 50.0,
    ));
    let (mut found, mut exact) = (0, 0);
    for (at, (query, code)) in planted.iter().enumerate() {
        let answer = near(query)?;
        found += usize::from(answer.contains(code));
        if at < EXHAUSTIVE {
            let distance =
                |other: &Code| query.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
            let mut all: Vec<(u32, Code)> = codes.iter().map(|other| (distance(other), *other)).collect();
            all.retain(|(distance, _)| *distance <= ISCC_RADIUS);
            all.sort_unstable();
            all.dedup();
            exact += usize::from(answer.iter().eq(all.iter().map(|(_, code)| code)));
        }
    }
    print(figure(
        format!("ISCC codes found within {ISCC_RADIUS} bits ({world})"),
        "all; answers exact",
        format!("{found} of {QUERIES}; {exact} of {EXHAUSTIVE} exact"),
        found == QUERIES && exact == EXHAUSTIVE,
    ));
    print(figure(
        format!("an ISCC code on the disk ({world})"),
        "<= 1,200 B, none in memory",
        format!("{:.0} B", bytes as f64 / count as f64),
        bytes as f64 / count as f64 <= 1_200.0,
    ));
    Ok(())
}

/// A store with these codes bound to one manifest, and by how many bytes they made it grow.
#[allow(clippy::print_stderr, reason = "long work says how far it is")]
fn filled(folder: &Path, codes: &[Code]) -> Result<(Store, u64), BenchError> {
    let file = folder.join("registry.db");
    let url = format!("sqlite://{}", file.display());
    let store = Store::open(&StoreConfig { url, readers: 1, busy_timeout_ms: 5_000 })?;
    store.migrate()?;
    let label: ManifestId =
        "urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4".parse().map_err(BenchError::other)?;
    let now = Timestamp::from_micros(1_795_000_000_000_000).map_err(BenchError::other)?;
    let owner = OrganisationId::from_parts(1_795_000_000_000, [1; 10]);
    let entry = NewEntry {
        id: StatementId::from_parts(1_795_000_000_000, [2; 10]),
        kind: Kind::ManifestStored,
        issuer: Issuer::Registry,
        key: [0; 32],
        deduplication_key: Sha256Digest::of(b"entry"),
        envelope: b"{}",
    };
    store.write(|writer| {
        let index = writer.append(now, &entry)?.index;
        writer.insert_organisation(&NewOrganisation {
            id: owner,
            name: "Bench".to_owned(),
            role: Role::Merchant,
            admitted_at: now,
            admitted_at_index: index,
        })?;
        writer.put_manifest(&NewManifest {
            trusted: false,
            label: &label,
            store_digest: Sha256Digest::of(b"store"),
            certificate: Sha256Digest::of(b"certificate"),
            owner,
            alone: true,
            anchor_index: index,
            created_at: now,
            content_digest: None,
            bytes: b"store",
        })
    })?;
    let before = fs::metadata(&file)?.len();
    for (at, batch) in codes.chunks(BATCH).enumerate() {
        eprint!("\rfilling the database: {} of {}", at * BATCH, codes.len());
        store.write_beside_log(|writer| {
            batch.iter().try_for_each(|code| writer.bind(ISCC, code, &label, true))
        })?;
    }
    eprint!("\r{}\r", " ".repeat(60));
    Ok((store, fs::metadata(&file)?.len().saturating_sub(before)))
}
