//! The tables that stand before a JPEG's scan, and its components.
//!
//! Owns the reading of quantisation and Huffman tables, restart interval, frame and scan header (T.81, annex B.2) of
//! files that can be decoded at a smaller size.

use super::{huffman::Table, transform::BLOCK};
use crate::decode::{
    DecodeError,
    jpeg::{self, JpegHeader},
};

/// One component of the picture.
#[derive(Debug)]
pub(super) struct Component {
    /// Blocks across and down in one step of the walk.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Steps of the coefficients, in the order in which these are stored.
    pub(super) quantisation: [u16; BLOCK],
    /// Codes of the mean values and of the others.
    pub(super) means: Table,
    pub(super) others: Table,
}

/// What stands before the scan.
#[derive(Debug)]
pub(super) struct Tables<'a> {
    pub(super) components: Vec<Component>,
    /// The most blocks of a component across and down.
    pub(super) sampling: (usize, usize),
    /// Steps between restart markers, 0 if there are none.
    pub(super) restart_interval: usize,
    /// The file from the entropy-coded data on.
    pub(super) scan: &'a [u8],
}

/// What was read so far.
#[derive(Default)]
struct Found {
    quantisation: [Option<[u16; BLOCK]>; 4],
    means: [Option<Table>; 4],
    others: [Option<Table>; 4],
    restart_interval: usize,
    /// Component, sampling across and down, quantisation table.
    frame: Vec<(u8, usize, usize, usize)>,
    /// The colours are said not to be Y'CbCr.
    other_colours: bool,
}

fn corrupt(what: &str) -> DecodeError {
    DecodeError::corrupt(what)
}

impl<'a> Tables<'a> {
    /// Reads as far as the first scan; `None` if the file is of another kind.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] if the tables contradict the format, [`DecodeError::Truncated`] if they end early.
    pub(super) fn read(bytes: &'a [u8], header: &JpegHeader) -> Result<Option<Self>, DecodeError> {
        let mut found = Found::default();
        let mut position = 2;
        loop {
            let (marker, segment, after) = jpeg::next_segment(bytes, position)?;
            position = after;
            match marker {
                0xc0 | 0xc1 => found.frame = frame(segment)?,
                0xc4 => found.huffman(segment)?,
                0xdb => found.quantisation(segment)?,
                0xdd => {
                    let interval =
                        segment.first_chunk().ok_or_else(|| corrupt("a short restart interval"))?;
                    found.restart_interval = usize::from(u16::from_be_bytes(*interval));
                }
                // Adobe's segment says how colours are coded; 1 is Y'CbCr.
                0xee if segment.starts_with(b"Adobe") => {
                    found.other_colours = header.components.len() == 3 && segment.get(11) != Some(&1);
                }
                jpeg::SOS => return Ok(found.finish(segment, &bytes[position..], header)),
                _ => {}
            }
        }
    }
}

fn frame(segment: &[u8]) -> Result<Vec<(u8, usize, usize, usize)>, DecodeError> {
    let specs = segment.get(6..).unwrap_or_default();
    let spec = |&[id, sampling, table]: &[u8; 3]| {
        let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
        let valid = (1..=4).contains(&across) && (1..=4).contains(&down) && table < 4;
        valid.then_some((id, across, down, usize::from(table)))
    };
    let components: Option<Vec<_>> = specs.as_chunks().0.iter().map(spec).collect();
    components.ok_or_else(|| corrupt("a component with an impossible sampling or table"))
}

impl Found {
    fn quantisation(&mut self, mut segment: &[u8]) -> Result<(), DecodeError> {
        while let [kind, rest @ ..] = segment {
            let slot = self.quantisation.get_mut(usize::from(kind & 15));
            let bytes = if kind >> 4 == 0 { 1 } else { 2 };
            let (values, after) = rest.split_at_checked(bytes * BLOCK).ok_or(DecodeError::Truncated)?;
            let step = |value: &[u8]| value.iter().fold(0, |sum, &byte| sum << 8 | u16::from(byte));
            let mut table = [0; BLOCK];
            table.iter_mut().zip(values.chunks_exact(bytes)).for_each(|(to, from)| *to = step(from));
            *slot.ok_or_else(|| corrupt("a quantisation table of an impossible number"))? = Some(table);
            segment = after;
        }
        Ok(())
    }

    fn huffman(&mut self, mut segment: &[u8]) -> Result<(), DecodeError> {
        while let [kind, rest @ ..] = segment {
            let tables = if kind >> 4 == 0 { &mut self.means } else { &mut self.others };
            let slot = tables.get_mut(usize::from(kind & 15)).filter(|_| kind >> 4 <= 1);
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(DecodeError::Truncated)?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, after) = rest.split_at_checked(total).ok_or(DecodeError::Truncated)?;
            let table = Table::new(counts, symbols)?;
            *slot.ok_or_else(|| corrupt("a Huffman table of an impossible number"))? = Some(table);
            segment = after;
        }
        Ok(())
    }

    fn finish<'a>(self, scan: &[u8], data: &'a [u8], header: &JpegHeader) -> Option<Tables<'a>> {
        // Identifiers that spell a colour space are a habit of some writers.
        let spelt = header.components == *b"RGB";
        let selectors = scan.get(1..1 + 2 * self.frame.len()).unwrap_or_default();
        let in_order = selectors.as_chunks::<2>().0.iter().zip(&self.frame).all(|(own, it)| own[0] == it.0);
        let usual = matches!(self.frame.len(), 1 | 3) && selectors.len() == 2 * self.frame.len() && in_order;
        if spelt || self.other_colours || !usual {
            return None;
        }
        // Files that rely on tables of their surroundings are left to the general decoder.
        let single = self.frame.len() == 1;
        let component = |(&(_, across, down, table), &[_, codes]): (&(u8, usize, usize, usize), &[u8; 2])| {
            let (means, others) = (usize::from(codes >> 4), usize::from(codes & 15));
            let codes = |tables: &[Option<Table>; 4], number: usize| tables.get(number).cloned().flatten();
            Some(Component {
                // A single component is stored block after block, whatever its sampling.
                across: if single { 1 } else { across },
                down: if single { 1 } else { down },
                quantisation: self.quantisation.get(table).copied().flatten()?,
                means: codes(&self.means, means).filter(Table::is_for_means)?,
                others: codes(&self.others, others)?,
            })
        };
        let pairs = self.frame.iter().zip(selectors.as_chunks().0);
        let components: Vec<Component> = pairs.map(component).collect::<Option<_>>()?;
        let most = |side: fn(&Component) -> usize| components.iter().map(side).max().unwrap_or(1);
        Some(Tables {
            sampling: (most(|it| it.across), most(|it| it.down)),
            components,
            restart_interval: self.restart_interval,
            scan: data,
        })
    }
}
