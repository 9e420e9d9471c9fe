//! Descriptors by formula: a small vocabulary, pictures of random codes and disturbed copies of them.
#![allow(dead_code, unreachable_pub, clippy::cast_sign_loss, clippy::cast_possible_truncation)]

use std::sync::Arc;

use touchstone_server::matching::postings::{Code, Local, MemoryCodes, Options, PostingIndex, Vocabulary};

/// `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(crate) fn code(&mut self) -> Code {
        [self.next(), self.next(), self.next(), self.next()]
    }
}

/// A vocabulary of random centres.
pub(crate) fn vocabulary(centres: usize) -> Arc<Vocabulary> {
    let mut random = Random(1);
    let mut half = || (0..centres).map(|_| [random.next(), random.next()]).collect::<Vec<_>>();
    let bytes = Vocabulary::encode(&half(), &half()).unwrap();
    Arc::new(Vocabulary::decode(&bytes).unwrap())
}

pub(crate) fn local(random: &mut Random) -> Local {
    Local {
        code: random.code(),
        x: random.below(14_336) as u16,
        y: random.below(14_336) as u16,
        log_scale: 40 + random.below(120) as u8,
        angle: random.next() as u8,
    }
}

/// Picture `number` of the set `seed`.
pub(crate) fn picture(seed: u64, number: u32) -> Vec<Local> {
    let mut random = Random(seed << 32 | u64::from(number));
    (0..64).map(|_| local(&mut random)).collect()
}

/// `kept` descriptors of a picture, turned and scaled as a whole, up to `flips` bits changed in each, among
/// `clutter` others.
pub(crate) fn disturbed(of: &[Local], kept: usize, flips: u64, clutter: usize, seed: u64) -> Vec<Local> {
    let mut random = Random(seed ^ 0xd15);
    let (turn, scale) = (random.next() as u8, random.below(24) as u8);
    let (sin, cos) = (f64::from(turn) / 128.0 * std::f64::consts::PI).sin_cos();
    let size = (f64::from(scale) / 24.0).exp2();
    let mut query: Vec<Local> = of.iter().take(kept).copied().collect();
    for it in &mut query {
        for _ in 0..random.below(flips + 1) {
            let bit = random.below(256);
            it.code[(bit / 64) as usize] ^= 1 << (bit % 64);
        }
        it.angle = it.angle.wrapping_add(turn).wrapping_add(random.below(8) as u8);
        it.log_scale += scale;
        let (x, y) = (f64::from(it.x) - 7_168.0, f64::from(it.y) - 7_168.0);
        it.x = ((x * cos - y * sin) * size + 24_000.0) as u16;
        it.y = ((x * sin + y * cos) * size + 24_000.0) as u16;
    }
    query.extend((0..clutter).map(|_| local(&mut random)));
    query
}

/// An index and its codes with pictures 0 to `count` of set 7.
pub(crate) fn filled(count: u32) -> (PostingIndex, MemoryCodes) {
    let (index, codes) = (PostingIndex::new(vocabulary(64), Options::default()), MemoryCodes::default());
    for number in 0..count {
        let locals = picture(7, number);
        codes.put(number, &locals);
        assert!(index.insert(number, &locals));
    }
    (index, codes)
}
