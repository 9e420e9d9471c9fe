//! The implicit label in MP4, M4A and QuickTime files: key `AIGC` in `moov.udta.meta` (GB 45438-2025; QuickTime File
//! Format, "Metadata").
//!
//! Samples stay byte-identical. Where `moov` grows in front of them, an empty `free` box behind it gives the room; if
//! there is none, the chunk offsets are corrected (ISO/IEC 14496-12, 8.7.5). Files with other absolute offsets are
//! refused rather than broken.

use super::write::LabelWriteError;
use crate::containers::bmff::{BmffBox, C2PA_USER_TYPE, boxed, boxes, children, meta_children};
use std::ops::Range;
use touchstone_schema::label::FoundLabel;

type Result<T> = std::result::Result<T, LabelWriteError>;

const KEY: &[u8] = b"AIGC";
/// Handler of metadata with keys.
const KEYED: &[u8; 4] = b"mdta";
/// Handler of metadata whose names are the types of their atoms.
const ITUNES: &[u8; 4] = b"mdir";
/// Boxes of fragmented files, which hold or imply offsets into the file.
const FRAGMENTS: [[u8; 4]; 5] = [*b"moof", *b"sidx", *b"ssix", *b"mfra", *b"styp"];

/// Brand of Canon's CR3 files: a box of its own in `moov` (`CTBO`) lists absolute offsets of the boxes behind `moov`.
const CANON_RAW: [u8; 4] = *b"crx ";

const fn malformed(what: &'static str) -> LabelWriteError {
    LabelWriteError::Malformed { what }
}

const fn unsupported(what: &'static str) -> LabelWriteError {
    LabelWriteError::UnsupportedLayout { what }
}

/// A file whose outer structure was found to be whole.
struct File<'a> {
    bytes: &'a [u8],
    top: Vec<BmffBox<'a>>,
    moov: BmffBox<'a>,
}

impl<'a> File<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self> {
        let top: Vec<_> = boxes(bytes).collect();
        // A few zeros at the end are met in real files and harm nobody.
        let end = top.last().map_or(0, |last| last.end);
        if bytes.get(end..).is_none_or(|rest| rest.len() >= 8 || rest.iter().any(|&b| b != 0)) {
            return Err(malformed("a box runs past the end of the file"));
        }
        let mut movies = top.iter().filter(|b| b.kind == *b"moov");
        let moov = *movies.next().ok_or(LabelWriteError::UnsupportedFormat)?;
        if movies.next().is_some() {
            return Err(malformed("it has two moov boxes"));
        }
        let file = Self { bytes, top, moov };
        if file.child(&moov, b"cmov").is_some() {
            return Err(unsupported("its moov box is compressed"));
        }
        Ok(file)
    }

    fn child(&self, parent: &BmffBox<'_>, kind: &[u8; 4]) -> Option<BmffBox<'a>> {
        children(self.bytes, parent, 0).find(|b| b.kind == *kind)
    }

    fn metas(&self) -> impl Iterator<Item = (Vec<BmffBox<'a>>, BmffBox<'a>)> + '_ {
        let in_moov = self.child(&self.moov, b"meta").map(|meta| (vec![self.moov], meta));
        let udta = self.child(&self.moov, b"udta");
        let in_udta = udta.and_then(|udta| Some((vec![self.moov, udta], self.child(&udta, b"meta")?)));
        in_udta.into_iter().chain(in_moov)
    }

    /// The file with `range`, which lies within `moov`, replaced by `new`. `around` are the boxes that hold the range,
    /// from the outermost to the innermost.
    fn with(&self, range: &Range<usize>, new: &[u8], around: &[BmffBox<'_>]) -> Result<Vec<u8>> {
        let grown = new.len().checked_sub(range.len()).ok_or(malformed("a label cannot shrink"))?;
        let bytes = self.bytes;
        let part = |range: Range<usize>| bytes.get(range).unwrap_or_default();
        let mut moov = [part(self.moov.offset..range.start), new, part(range.end..self.moov.end)].concat();
        for parent in around {
            let at = parent.offset - self.moov.offset;
            resize(&mut moov, at, parent, grown)?;
        }
        let behind = self
            .top
            .iter()
            .position(|b| b.offset == self.moov.offset)
            .map_or(&[][..], |at| self.top.get(at + 1..).unwrap_or_default());
        let (free, rest) = match behind.first().and_then(|next| shrunk(next, grown).map(|free| (next, free)))
        {
            Some((next, free)) => (free, next.end),
            None => {
                if behind.iter().any(|b| !matches!(&b.kind, b"free" | b"skip" | b"wide")) {
                    self.may_move()?;
                    move_chunks(&mut moov, self.moov.header, range.end, grown)?;
                }
                (Vec::new(), self.moov.end)
            }
        };
        Ok([part(0..self.moov.offset), &moov, &free, part(rest..bytes.len())].concat())
    }

    /// Whether what stands behind `moov` may move: only chunk offsets point there.
    fn may_move(&self) -> Result<()> {
        if self.has_brand(CANON_RAW) {
            return Err(unsupported("it is a Canon raw photo, whose index states offsets"));
        }
        if self.child(&self.moov, b"mvex").is_some() || self.top.iter().any(|b| FRAGMENTS.contains(&b.kind)) {
            return Err(unsupported("it is fragmented and has no free space behind its moov box"));
        }
        let indexed = |meta: &BmffBox<'_>| meta_children(self.bytes, meta).any(|b| b.kind == *b"iloc");
        let tracks: Vec<_> = children(self.bytes, &self.moov, 0).filter(|b| b.kind == *b"trak").collect();
        let of_tracks = tracks.iter().filter_map(|track| self.child(track, b"meta"));
        let of_file = self.top.iter().filter(|b| b.kind == *b"meta").copied();
        if of_tracks.chain(of_file).chain(self.metas().map(|(_, meta)| meta)).any(|meta| indexed(&meta)) {
            return Err(unsupported("it has an index of items"));
        }
        for track in &tracks {
            let tables = self.path(track, &[b"mdia", b"minf", b"stbl"]);
            if tables.is_some_and(|tables| self.child(&tables, b"saio").is_some()) {
                return Err(unsupported("its samples have auxiliary information"));
            }
            if let Some(references) = self.path(track, &[b"mdia", b"minf", b"dinf", b"dref"]) {
                // Flag 1: the samples are in this file.
                let inside = |b: BmffBox<'_>| b.data.get(3).is_some_and(|flags| flags & 1 == 1);
                if !children(self.bytes, &references, 8).all(inside) {
                    return Err(unsupported("its samples stand in other files"));
                }
            }
        }
        Ok(())
    }

    /// Whether `ftyp` names a brand: the major one, or behind its version a compatible one.
    fn has_brand(&self, brand: [u8; 4]) -> bool {
        self.top
            .iter()
            .filter(|b| b.kind == *b"ftyp")
            .any(|b| b.data.as_chunks().0.iter().enumerate().any(|(at, named)| at != 1 && *named == brand))
    }

    fn path(&self, from: &BmffBox<'_>, kinds: &[&[u8; 4]]) -> Option<BmffBox<'a>> {
        let (first, rest) = kinds.split_first()?;
        rest.iter().try_fold(self.child(from, first)?, |parent, kind| self.child(&parent, kind))
    }
}

/// Adds `grown` to the size of the box at `at`.
fn resize(bytes: &mut [u8], at: usize, parent: &BmffBox<'_>, grown: usize) -> Result<()> {
    if parent.open_ended {
        return Ok(());
    }
    let size = parent.size().checked_add(grown).ok_or(LabelWriteError::TooLarge)?;
    let large = parent.header >= 16;
    let (place, size) = if large {
        (at + 8..at + 16, (size as u64).to_be_bytes().to_vec())
    } else {
        let size = u32::try_from(size).map_err(|_| LabelWriteError::TooLarge)?;
        (at..at + 4, size.to_be_bytes().to_vec())
    };
    bytes.get_mut(place).ok_or(malformed("a box is too short"))?.copy_from_slice(&size);
    Ok(())
}

/// An empty `free` box that is `less` bytes shorter, or nothing if it is as long; `None` if the box has not the room.
fn shrunk(free: &BmffBox<'_>, less: usize) -> Option<Vec<u8>> {
    let empty =
        matches!(&free.kind, b"free" | b"skip") && !free.open_ended && free.data.iter().all(|&b| b == 0);
    let left = free.size().checked_sub(less).filter(|_| empty && free.header == 8)?;
    match left {
        0 => Some(Vec::new()),
        1..8 => None,
        _ => boxed(free.kind, &vec![0; left - 8]),
    }
}

/// Adds `grown` to the chunk offsets in `moov` that point to `from` or behind it.
fn move_chunks(moov: &mut [u8], header: usize, from: usize, grown: usize) -> Result<()> {
    let from = from as u64;
    let grown = grown as u64;
    for (table, wide) in chunk_tables(moov, header) {
        let entries = moov.get_mut(table).ok_or(malformed("a table of chunk offsets is too short"))?;
        if wide {
            for entry in entries.as_chunks_mut::<8>().0 {
                let offset = u64::from_be_bytes(*entry);
                if offset >= from {
                    *entry = offset.checked_add(grown).ok_or(LabelWriteError::TooLarge)?.to_be_bytes();
                }
            }
        } else {
            for entry in entries.as_chunks_mut::<4>().0 {
                let offset = u64::from(u32::from_be_bytes(*entry));
                if offset >= from {
                    let moved = u32::try_from(offset + grown).map_err(|_| LabelWriteError::TooLarge)?;
                    *entry = moved.to_be_bytes();
                }
            }
        }
    }
    Ok(())
}

/// Where the entries of `stco` and `co64` stand in `moov`, and whether they have 64 bits.
fn chunk_tables(moov: &[u8], header: usize) -> Vec<(Range<usize>, bool)> {
    let mut tables = Vec::new();
    let whole = BmffBox {
        kind: *b"moov",
        user_type: None,
        offset: 0,
        header,
        open_ended: false,
        end: moov.len(),
        data: moov.get(header..).unwrap_or_default(),
    };
    let mut level = vec![whole];
    for kind in [*b"trak", *b"mdia", *b"minf", *b"stbl"] {
        level = level
            .iter()
            .flat_map(|parent| children(moov, parent, 0).filter(move |b| b.kind == kind))
            .collect();
    }
    for (kind, width) in [(*b"stco", 4), (*b"co64", 8)] {
        let found = level.iter().flat_map(|samples| children(moov, samples, 0).filter(|b| b.kind == kind));
        for table in found {
            // Version and flags, number of entries.
            let count =
                table.data.get(4..8).and_then(|count| Some(u32::from_be_bytes(count.try_into().ok()?)));
            let length = usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX).saturating_mul(width);
            let start = table.data_offset() + 8;
            tables.push((start..start.saturating_add(length).min(table.end), width == 8));
        }
    }
    tables
}

/// Adds the label `json` to a file that has none.
pub(super) fn write(bytes: &[u8], json: &str) -> Result<Vec<u8>> {
    let file = File::open(bytes)?;
    let moov = file.moov;
    let Some(udta) = file.child(&moov, b"udta") else {
        let udta = make(*b"udta", &new_meta(json)?)?;
        return file.with(&(moov.end..moov.end), &udta, &[moov]);
    };
    let Some(meta) = file.child(&udta, b"meta") else {
        // In front, because a zero may end the list.
        let at = udta.data_offset();
        return file.with(&(at..at), &new_meta(json)?, &[moov, udta]);
    };
    let part = |kind: &[u8; 4]| meta_children(bytes, &meta).find(|b| b.kind == *kind);
    let handler = part(b"hdlr").and_then(|b| b.data.get(8..12)).unwrap_or_default();
    let list = part(b"ilst");
    let atom = if handler == KEYED {
        let keys = part(b"keys");
        let count = match &keys {
            Some(keys) => {
                keys.data.get(4..8).and_then(|count| Some(u32::from_be_bytes(count.try_into().ok()?)))
            }
            None => Some(0),
        };
        let index =
            count.and_then(|count| count.checked_add(1)).ok_or(malformed("its keys box is too short"))?;
        let old = keys.as_ref().and_then(|keys| keys.data.get(8..)).unwrap_or_default();
        let keys_data = [&[0; 4], &index.to_be_bytes()[..], old, &key()].concat();
        let atom = make(index.to_be_bytes(), &data(json)?)?;
        let keys_box = make(*b"keys", &keys_data)?;
        let (before, rest) = match (&keys, &list) {
            (Some(keys), Some(list)) => (keys, list),
            // Without one of the two there is nothing to add to: they are made as a pair behind the others.
            (None, None) => {
                let list = make(*b"ilst", &atom)?;
                return file.with(&(meta.end..meta.end), &[keys_box, list].concat(), &[moov, udta, meta]);
            }
            _ => return Err(malformed("its metadata has keys without values, or values without keys")),
        };
        let list_box = make(*b"ilst", &[rest.data, &atom].concat())?;
        let (first, second) = if before.offset < rest.offset {
            ((before, keys_box), (rest, list_box))
        } else {
            ((rest, list_box), (before, keys_box))
        };
        let between = bytes.get(first.0.end..second.0.offset).unwrap_or_default();
        let new = [&first.1, between, &second.1].concat();
        return file.with(&(first.0.offset..second.0.end), &new, &[moov, udta, meta]);
    } else if handler == ITUNES {
        // Such a list has no keys: a name of four letters would be an atom type, which its registry gives out. The
        // freeform atom is how it names a value, so that the label stands under the key `AIGC` in the list of
        // `moov.udta.meta`, which is the place the standard names.
        let mean = make(*b"mean", b"\0\0\0\0com.apple.iTunes")?;
        let name = make(*b"name", &[&[0; 4], KEY].concat())?;
        make(*b"----", &[mean, name, data(json)?].concat())?
    } else {
        return Err(unsupported("its user data has metadata of another kind"));
    };
    match list {
        Some(list) => file.with(&(list.end..list.end), &atom, &[moov, udta, meta, list]),
        None => file.with(&(meta.end..meta.end), &make(*b"ilst", &atom)?, &[moov, udta, meta]),
    }
}

/// Changes the text of a label that was found.
pub(super) fn change(
    bytes: &[u8],
    label: &FoundLabel,
    change: impl Fn(&str) -> Option<String>,
) -> Result<Vec<u8>> {
    let file = File::open(bytes)?;
    let offset = usize::try_from(label.offset).unwrap_or(usize::MAX);
    let found = file.metas().find_map(|(mut around, meta)| {
        let list = meta_children(bytes, &meta).find(|b| b.kind == *b"ilst")?;
        let atom = children(bytes, &list, 0).find(|atom| atom.offset <= offset && offset < atom.end)?;
        around.extend([meta, list, atom]);
        Some((around, file.child(&atom, b"data")?))
    });
    let (around, value) = found.ok_or(unsupported("its label stands where none is written"))?;
    let (head, text) = value.data.split_at_checked(8).ok_or(malformed("a value is too short"))?;
    let kind = head.get(1..4).unwrap_or_default();
    let text = std::str::from_utf8(text).ok().filter(|_| matches!(kind, [0, 0, 0 | 1]));
    let mut new = text.and_then(change).ok_or(unsupported("its label is not written as UTF-8 text"))?;
    // White space behind the object is no part of the label, and nothing moves.
    let missing = text.map_or(0, str::len).saturating_sub(new.len());
    new.push_str(&" ".repeat(missing));
    file.with(&(value.offset..value.end), &make(*b"data", &[head, new.as_bytes()].concat())?, &around)
}

/// Whether the file has a C2PA manifest.
pub(super) fn has_manifest(bytes: &[u8]) -> bool {
    boxes(bytes).any(|b| b.user_type == Some(C2PA_USER_TYPE))
}

fn make(kind: [u8; 4], data: &[u8]) -> Result<Vec<u8>> {
    boxed(kind, data).ok_or(LabelWriteError::TooLarge)
}

/// An entry of `keys`: size, namespace, name.
fn key() -> Vec<u8> {
    [&[0, 0, 0, 8 + KEY.len() as u8][..], KEYED, KEY].concat()
}

/// A UTF-8 value without a language.
fn data(json: &str) -> Result<Vec<u8>> {
    make(*b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0], json.as_bytes()].concat())
}

/// A `meta` box with the label alone.
fn new_meta(json: &str) -> Result<Vec<u8>> {
    // Version and flags, predefined, handler, reserved, empty name.
    let handler = make(*b"hdlr", &[&[0; 8][..], KEYED, &[0; 13]].concat())?;
    let keys = make(*b"keys", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &key()].concat())?;
    let list = make(*b"ilst", &make([0, 0, 0, 1], &data(json)?)?)?;
    make(*b"meta", &[&[0; 4][..], &handler, &keys, &list].concat())
}
