//! Hand-made MP4 files: each sample can be found through the chunk offsets, so that a broken one shows.

use touchstone_inspect::containers::bmff::{boxed, boxes, children};

/// What stands where in a made file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `moov` behind the samples.
    Behind,
    /// `moov` in front of the samples.
    Front,
    /// `moov` in front, an empty `free` box of this size between.
    FrontFree(usize),
}

/// How a made file is built.
#[derive(Debug, Clone)]
pub(crate) struct Movie {
    pub(crate) layout: Layout,
    /// 64-bit chunk offsets.
    pub(crate) wide: bool,
    /// Boxes in `udta`; without any there is no `udta`.
    pub(crate) user_data: Vec<u8>,
    /// Further boxes in `moov`.
    pub(crate) more: Vec<u8>,
    /// Further boxes in `stbl`.
    pub(crate) tables: Vec<u8>,
    /// Whether `dref` says that the samples are in the file.
    pub(crate) inside: bool,
    /// Further boxes behind all others.
    pub(crate) end: Vec<u8>,
}

pub(crate) const SAMPLES: [&[u8]; 3] = [b"first sample", b"second", b"the third one"];

impl Default for Movie {
    fn default() -> Self {
        Self {
            layout: Layout::Front,
            wide: false,
            user_data: Vec::new(),
            more: Vec::new(),
            tables: Vec::new(),
            inside: true,
            end: Vec::new(),
        }
    }
}

pub(crate) fn make(kind: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    boxed(kind, &parts.concat()).unwrap()
}

impl Movie {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let ftyp = make(*b"ftyp", &[b"isom\0\0\x02\0isommp42"]);
        let mdat = make(*b"mdat", &SAMPLES);
        let free = match self.layout {
            Layout::FrontFree(size) => make(*b"free", &[&vec![0; size - 8]]),
            _ => Vec::new(),
        };
        let length = self.moov(0).len();
        let samples_at = ftyp.len() + 8 + if self.layout == Layout::Behind { 0 } else { length + free.len() };
        let moov = self.moov(samples_at);
        let parts = match self.layout {
            Layout::Behind => [ftyp, mdat, moov, free],
            _ => [ftyp, moov, free, mdat],
        };
        [parts.concat(), self.end.clone()].concat()
    }

    fn moov(&self, samples_at: usize) -> Vec<u8> {
        let mut at = samples_at;
        let mut entries = Vec::new();
        for sample in SAMPLES {
            if self.wide {
                entries.extend((at as u64).to_be_bytes());
            } else {
                entries.extend(u32::try_from(at).unwrap().to_be_bytes());
            }
            at += sample.len();
        }
        let chunks = make(if self.wide { *b"co64" } else { *b"stco" }, &[&[0; 4], &[0, 0, 0, 3], &entries]);
        let url = make(*b"url ", &[&[0, 0, 0, u8::from(self.inside)]]);
        let dref = make(*b"dref", &[&[0; 4], &[0, 0, 0, 1], &url]);
        let stbl = make(*b"stbl", &[&chunks, &self.tables]);
        let minf = make(*b"minf", &[&make(*b"dinf", &[&dref]), &stbl]);
        let trak = make(*b"trak", &[&make(*b"mdia", &[&minf])]);
        let udta = if self.user_data.is_empty() { Vec::new() } else { make(*b"udta", &[&self.user_data]) };
        make(*b"moov", &[&make(*b"mvhd", &[&[0; 100]]), &trak, &udta, &self.more])
    }
}

/// The samples as the chunk offsets of a file find them.
pub(crate) fn samples(file: &[u8]) -> Vec<Vec<u8>> {
    let moov = boxes(file).find(|b| b.kind == *b"moov").unwrap();
    let mut level = moov;
    for kind in [b"trak", b"mdia", b"minf", b"stbl"] {
        level = children(file, &level, 0).find(|b| b.kind == *kind).unwrap();
    }
    let table = children(file, &level, 0).find(|b| matches!(&b.kind, b"stco" | b"co64")).unwrap();
    let width = if table.kind == *b"co64" { 8 } else { 4 };
    let offsets = table.data[8..]
        .chunks(width)
        .map(|entry| entry.iter().fold(0_usize, |number, &byte| number << 8 | usize::from(byte)));
    offsets.zip(SAMPLES).map(|(at, sample)| file[at..at + sample.len()].to_vec()).collect()
}
