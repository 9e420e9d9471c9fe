//! Large JPEGs, decoded at an eighth to a half of their sides.
//!
//! Owns which files are decoded that way (sequential, one scan, grey or Y'CbCr, which is what cameras write) and the
//! walk over their blocks. A file of another kind is left to the general decoder. It must not know what size is wanted
//! of a picture, nor how a file is found to be complete.
//!
//! Every coefficient has to be read, but only those that the smaller picture can show are transformed, and colour is
//! brought to the density of brightness by the transform itself. A damaged or short file is an error here, where other
//! decoders fill up with grey.

mod colour;
mod huffman;
mod tables;
mod transform;

use crate::{
    decode::{DecodeError, Picture, jpeg::JpegHeader},
    limits::Limits,
};
use huffman::{Bits, Table};
use tables::{Component, Tables};
use transform::{BLOCK, LANES, Sums, Transform};

/// Samples per block and axis of a full decode.
const FULL: usize = 8;
/// Samples per block and axis at most: with twice as many for halved colour, a block is not made larger than it was.
pub(super) const MOST: usize = 4;

/// A file that can be decoded at a smaller size.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    tables: Tables<'a>,
    /// Eighths of its sides at which the file is decoded.
    eighths: usize,
    width: u32,
    height: u32,
    blocks_across: usize,
    blocks_down: usize,
}

impl<'a> Plan<'a> {
    /// How to decode a file at `eighths` of its sides (1 to [`MOST`]); `None` if it is of another kind.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] if its tables contradict the format.
    pub(super) fn new(
        bytes: &'a [u8],
        header: &JpegHeader,
        eighths: usize,
    ) -> Result<Option<Self>, DecodeError> {
        if header.progressive || header.scans != 1 || !(1..=MOST).contains(&eighths) {
            return Ok(None);
        }
        let Some(tables) = Tables::read(bytes, header)? else { return Ok(None) };
        let (most_across, most_down) = tables.sampling;
        let fits = |own: usize, most: usize| most.is_multiple_of(own) && most / own * eighths <= LANES;
        if !tables.components.iter().all(|it| fits(it.across, most_across) && fits(it.down, most_down)) {
            return Ok(None);
        }
        let scaled = |side: u32| ((side * eighths as u32 + FULL as u32 / 2) / FULL as u32).max(1);
        Ok(Some(Self {
            blocks_across: (header.width as usize).div_ceil(FULL * most_across),
            blocks_down: (header.height as usize).div_ceil(FULL * most_down),
            width: scaled(header.width),
            height: scaled(header.height),
            tables,
            eighths,
        }))
    }

    /// Width of the result, pixels.
    pub(super) fn width(&self) -> u32 {
        self.width
    }

    /// Height of the result, pixels.
    pub(super) fn height(&self) -> u32 {
        self.height
    }

    /// Bytes that decoding takes besides the result.
    pub(super) fn working_memory(&self) -> u64 {
        let plane = self.stride() * self.rows();
        (plane * self.tables.components.len() * size_of::<f32>()) as u64
    }

    /// Values of a plane's row: the samples of a row of blocks, and room for the last block, which is written with all
    /// lanes.
    fn stride(&self) -> usize {
        self.blocks_across * self.tables.sampling.0 * self.eighths + LANES
    }

    /// Rows that a row of blocks gives.
    fn rows(&self) -> usize {
        self.tables.sampling.1 * self.eighths
    }

    /// Decodes the file.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] or [`DecodeError::Corrupt`] if its data do not give every block,
    /// [`DecodeError::TooSlow`] if the caller says so.
    pub(super) fn decode(&self, limits: &Limits) -> Result<Picture, DecodeError> {
        let (width, height) = (self.width as usize, self.height as usize);
        let (stride, rows) = (self.stride(), self.rows());
        let mut channels: Vec<Channel<'_>> =
            self.tables.components.iter().map(|component| Channel::new(component, self)).collect();
        let mut bits = Bits::new(self.tables.scan);
        let mut restarts = Restarts { interval: self.tables.restart_interval, done: 0 };
        let mut rgb = Vec::with_capacity(width * height * 3);
        for line in 0..self.blocks_down {
            limits.check_cancelled()?;
            for column in 0..self.blocks_across {
                if restarts.due(&mut bits)? {
                    channels.iter_mut().for_each(|channel| channel.mean = 0);
                }
                for channel in &mut channels {
                    channel.read(&mut bits, column, stride)?;
                }
            }
            bits.check()?;
            for row in (0..rows).take(height.saturating_sub(line * rows)) {
                let samples =
                    |channel: usize| channels.get(channel).map(|it| &it.plane[row * stride..][..width]);
                match (samples(0), samples(1), samples(2)) {
                    (Some(luma), Some(blue), Some(red)) => colour::push_colour([luma, blue, red], &mut rgb),
                    (Some(luma), ..) => colour::push_grey(luma, &mut rgb),
                    _ => {}
                }
            }
        }
        Picture::new(self.width, self.height, rgb).ok_or(DecodeError::Truncated)
    }
}

/// The restart markers of a scan.
struct Restarts {
    /// Steps of the walk between two of them; 0 if there are none.
    interval: usize,
    /// Steps done.
    done: usize,
}

impl Restarts {
    /// Counts a step; before it, passes the marker if one is due.
    fn due(&mut self, bits: &mut Bits<'_>) -> Result<bool, DecodeError> {
        let due = self.interval != 0 && self.done != 0 && self.done.is_multiple_of(self.interval);
        if due {
            // The markers are numbered in turn.
            bits.restart(((self.done / self.interval - 1) % 8) as u8)?;
        }
        self.done += 1;
        Ok(due)
    }
}

/// One component on its way.
struct Channel<'a> {
    means: &'a Table,
    others: &'a Table,
    transform: Transform,
    across: usize,
    down: usize,
    /// The last block's mean value, in steps of the quantisation.
    mean: i32,
    sums: Sums,
    /// Samples of a row of blocks, 0 in the middle.
    plane: Vec<f32>,
}

impl<'a> Channel<'a> {
    fn new(component: &'a Component, plan: &'a Plan<'_>) -> Self {
        let (most_across, most_down) = plan.tables.sampling;
        let points = |own: usize, most: usize| most / own * plan.eighths;
        Self {
            means: &component.means,
            others: &component.others,
            transform: Transform::new(
                &component.quantisation,
                points(component.across, most_across),
                points(component.down, most_down),
            ),
            across: component.across,
            down: component.down,
            mean: 0,
            sums: Sums::new(),
            plane: vec![0.0; plan.stride() * plan.rows()],
        }
    }

    /// Reads the blocks of one step of the walk, which stands at that column.
    fn read(&mut self, bits: &mut Bits<'_>, column: usize, stride: usize) -> Result<(), DecodeError> {
        for row in 0..self.down {
            for place in 0..self.across {
                self.read_block(bits)?;
                let at = row * self.transform.rows * stride
                    + (column * self.across + place) * self.transform.columns;
                self.sums.finish(&self.transform, &mut self.plane, at, stride);
            }
        }
        Ok(())
    }

    fn read_block(&mut self, bits: &mut Bits<'_>) -> Result<(), DecodeError> {
        let difference = bits.symbol(self.means)?.value;
        self.mean = self.mean.wrapping_add(difference);
        self.sums.add(&self.transform, 0, self.mean);
        let mut index = 1;
        while index < BLOCK {
            let symbol = bits.symbol(self.others)?;
            index += symbol.run;
            if symbol.value != 0 {
                if index <= self.transform.last {
                    self.sums.add(&self.transform, index, symbol.value);
                } else if index >= BLOCK {
                    return Err(DecodeError::corrupt("a block with more than 64 coefficients"));
                }
            } else if symbol.run != 15 {
                break;
            }
            index += 1;
        }
        Ok(())
    }
}
