//! HEIC and AVIF: the container's side.
//!
//! Owns the survey of a HEIF file (ISO/IEC 23008-12) that adds up, before any decoding, what the file will cost, and
//! the choice of codec. It must not know how HEVC or AV1 code pixels.
//!
//! The survey is needed because small files can ask for much work: a grid may name one tile thousands of times, and an
//! item may be declared small and coded large.

use heifer::heifer_hevc_dec::nal::NalUnit;
use heifer::heifer_hevc_dec::params::Sps;
use heifer::heifer_isobmff::boxes::{ConstructionMethod, HevcConfig, Property};
use heifer::heifer_isobmff::{self as isobmff, HeifFile, ItemId};

use super::{DecodeError, Decoded, Format, Picture, av1};
use crate::limits::Limits;

/// Items, and targets of item references, in one file. A 48-megapixel phone picture has about a hundred.
const MAX_ITEMS: usize = 8_192;
/// Tiles of one grid.
const MAX_TILES: usize = 4_096;
/// Smallest side of a grid's tile, pixels (ISO/IEC 23000-22, 7.3.11.4.2).
const MIN_TILE_SIDE: u32 = 64;
/// Bytes of one HEVC configuration: the parameter sets, which every tile parses anew.
const MAX_CONFIGURATION: usize = 64 << 10;
/// Crops, rotations and mirrorings of one item: the standard defines one of each.
const MAX_TRANSFORMS: usize = 3;
/// Derivations on the way from the primary item to a coded one.
const MAX_DEPTH: u32 = 3;
/// Coded pixels, as a multiple of the pixel limit: the picture and an alpha plane of the same size.
const CODED_PER_PIXEL_LIMIT: u64 = 2;
/// Bytes per coded pixel that a codec holds at its peak: samples of 16 bits at 4:4:4, twice.
const CODEC_BYTES_PER_PIXEL: u64 = 12;
/// Bytes per pixel of the assembled picture, and again when it is turned.
const RGBA_BYTES: u64 = 4;
/// NAL unit type of a sequence parameter set (ITU-T H.265, table 7-1).
const SPS_NUT: u8 = 33;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Hevc,
    Av1,
}

/// Decodes the primary item of a HEIF file.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    let file = HeifFile::parse(bytes).map_err(from_container)?;
    let mut survey = Survey::new(&file, bytes.len(), limits)?;
    let (width, height) = survey.item(file.primary_id, 0)?;
    limits.check_dimensions(width, height)?;
    limits.check_memory(survey.peak_memory(width, height))?;
    limits.check_cancelled()?;
    let codec = survey.codec.ok_or(DecodeError::corrupt("no coded picture"))?;
    let image = match codec {
        Codec::Hevc => {
            let options = heifer::Options { max_threads: 1, max_pixels: limits.max_pixels };
            heifer::decode_rgba8(bytes, &options).map_err(from_heifer)?
        }
        Codec::Av1 => av1::decode_item(&file, file.primary_id, limits)?,
    };
    let picture = Picture::over_white(image.width, image.height, image.data)
        .ok_or(DecodeError::corrupt("pixels that do not match the dimensions"))?;
    // The coded item tells more than the file's brands, which may be generic.
    let format = match codec {
        Codec::Av1 => Format::Avif,
        Codec::Hevc => Format::Heic,
    };
    let sequence = [b"avis", b"hevc", b"hevx", b"msf1"].iter().any(|brand| file.file_type.has_brand(brand));
    let frames_ignored = sequence || file.top_level_image_ids().len() > 1;
    let (width, height) = (picture.width, picture.height);
    Ok(Decoded { picture, width, height, format, orientation: 1, frames_ignored })
}

struct Survey<'f, 'a> {
    file: &'f HeifFile<'a>,
    limits: &'f Limits,
    file_length: u64,
    coded_bytes: u64,
    coded_pixels: u64,
    largest_coded: u64,
    turned: bool,
    codec: Option<Codec>,
}

impl<'f, 'a> Survey<'f, 'a> {
    fn new(file: &'f HeifFile<'a>, file_length: usize, limits: &'f Limits) -> Result<Self, DecodeError> {
        let targets: usize = file.references.iter().map(|r| r.to.len()).sum();
        if file.items.len().max(file.references.len()).max(targets) > MAX_ITEMS {
            return Err(DecodeError::corrupt("more items than any picture needs"));
        }
        Ok(Self {
            file,
            limits,
            file_length: file_length as u64,
            coded_bytes: 0,
            coded_pixels: 0,
            largest_coded: 0,
            turned: false,
            codec: None,
        })
    }

    /// Adds up what decoding an item costs; gives its size before its own transforms.
    fn item(&mut self, id: ItemId, depth: u32) -> Result<(u32, u32), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::corrupt("derived pictures nested too deeply"));
        }
        let item_type = self.file.item(id).map_err(from_container)?.item_type;
        let size = match &item_type.0 {
            b"hvc1" => self.coded(id, Codec::Hevc)?,
            b"av01" => self.coded(id, Codec::Av1)?,
            b"grid" => self.grid(id, depth)?,
            b"iden" => match self.file.referenced_items(id, b"dimg") {
                &[source] => self.item(source, depth + 1)?,
                _ => return Err(DecodeError::corrupt("an identity derivation without one source")),
            },
            _ => {
                let what = format!("a HEIF picture of kind {item_type}; convert the picture to JPEG");
                return Err(DecodeError::unsupported(what));
            }
        };
        let is_transform = |p: &&Property| {
            matches!(p, Property::Rotation(_) | Property::Mirror(_) | Property::CleanAperture { .. })
        };
        let transforms = self.file.item_properties(id).map_err(from_container)?.filter(is_transform).count();
        if transforms > MAX_TRANSFORMS {
            return Err(DecodeError::corrupt("too many rotations"));
        }
        self.turned |= transforms != 0;
        for auxiliary in self.file.referencing_items(id, b"auxl") {
            if is_alpha(self.file, auxiliary)? {
                self.item(auxiliary, depth + 1)?;
            }
        }
        Ok(size)
    }

    fn grid(&mut self, id: ItemId, depth: u32) -> Result<(u32, u32), DecodeError> {
        self.check_location(id)?;
        let grid = self.file.grid(id).map_err(from_container)?;
        self.limits.check_dimensions(grid.output_width, grid.output_height)?;
        let tiles = self.file.referenced_items(id, b"dimg");
        let (columns, rows) = (u32::from(grid.columns), u32::from(grid.rows));
        if tiles.len() > MAX_TILES || tiles.len() as u64 != u64::from(columns) * u64::from(rows) {
            return Err(DecodeError::corrupt("a grid with the wrong number of tiles"));
        }
        let mut tile_size = None;
        for &tile in tiles {
            let size = self.item(tile, depth + 1)?;
            let (width, height) = *tile_size.get_or_insert(size);
            if size != (width, height) {
                return Err(DecodeError::corrupt("a grid with tiles of different sizes"));
            }
            // The tiles cover the picture, and none lies outside it.
            let covers = |side: u32, count: u32, output: u32| {
                u64::from(side) * u64::from(count) >= u64::from(output)
                    && u64::from(side) * u64::from(count - 1) < u64::from(output)
            };
            if tiles.len() > 1 && width.min(height) < MIN_TILE_SIDE
                || !covers(width, columns, grid.output_width)
                || !covers(height, rows, grid.output_height)
            {
                return Err(DecodeError::corrupt("a grid whose tiles do not fit its size"));
            }
        }
        Ok((grid.output_width, grid.output_height))
    }

    fn coded(&mut self, id: ItemId, codec: Codec) -> Result<(u32, u32), DecodeError> {
        if *self.codec.get_or_insert(codec) != codec {
            return Err(DecodeError::corrupt("HEVC and AV1 in one picture"));
        }
        self.coded_bytes += self.check_location(id)?;
        if self.coded_bytes > 2 * self.file_length {
            return Err(DecodeError::corrupt("coded data named more than once"));
        }
        let declared = self.file.image_size(id).map_err(from_container)?;
        let (width, height) = match codec {
            Codec::Hevc => self.largest_hevc_size(id)?,
            Codec::Av1 => declared.ok_or(DecodeError::corrupt("an AV1 picture without its size"))?,
        };
        self.limits.check_dimensions(width, height)?;
        let pixels = u64::from(width) * u64::from(height);
        self.coded_pixels += pixels;
        self.largest_coded = self.largest_coded.max(pixels);
        let max_pixels = self.limits.max_pixels;
        if self.coded_pixels > max_pixels.saturating_mul(CODED_PER_PIXEL_LIMIT) {
            let max_side = self.limits.max_side;
            return Err(DecodeError::TooManyPixels { width, height, max_pixels, max_side });
        }
        Ok(declared.unwrap_or((width, height)))
    }

    /// The bytes an item's extents name. Refuses items built from other items: no camera writes them.
    fn check_location(&self, id: ItemId) -> Result<u64, DecodeError> {
        let item = self.file.item(id).map_err(from_container)?;
        let location = item.location.as_ref().ok_or(DecodeError::corrupt("an item without data"))?;
        if location.construction_method == ConstructionMethod::Item {
            return Err(DecodeError::unsupported(
                "a HEIF item built from others; convert the picture to JPEG",
            ));
        }
        // A length of zero means the whole file.
        let length = |length: u64| if length == 0 { self.file_length } else { length };
        Ok(location.extents.iter().fold(0, |sum: u64, extent| sum.saturating_add(length(extent.length))))
    }

    /// The largest size in any sequence parameter set of an HEVC item: the decoder follows the set, not the container.
    fn largest_hevc_size(&self, id: ItemId) -> Result<(u32, u32), DecodeError> {
        let config = self.file.hevc_config(id).map_err(from_container)?;
        let config: &HevcConfig =
            config.ok_or(DecodeError::corrupt("an HEVC picture without configuration"))?;
        if config.nal_units.iter().map(|nal| nal.len()).sum::<usize>() > MAX_CONFIGURATION {
            return Err(DecodeError::corrupt("an HEVC configuration that is too long"));
        }
        let mut largest = None;
        let mut consider = |nal: &[u8]| -> Result<(), DecodeError> {
            if nal.first().is_none_or(|first| (first >> 1) & 0x3f != SPS_NUT) {
                return Ok(());
            }
            let sps =
                NalUnit::parse(nal).and_then(|nal| Sps::parse(&nal.rbsp)).map_err(DecodeError::corrupt)?;
            let size = (sps.pic_width_in_luma_samples, sps.pic_height_in_luma_samples);
            let area = |(w, h): (u32, u32)| u64::from(w) * u64::from(h);
            if largest.is_none_or(|known| area(size) > area(known)) {
                largest = Some(size);
            }
            Ok(())
        };
        for nal in &config.nal_units {
            consider(nal)?;
        }
        let data = self.file.item_data(id).map_err(from_container)?;
        let mut rest = &data[..];
        let prefix = usize::from(config.nal_length_size);
        while !rest.is_empty() && prefix != 0 {
            let (length, tail) = rest.split_at_checked(prefix).ok_or(DecodeError::Truncated)?;
            let length = length.iter().fold(0, |sum: usize, &b| (sum << 8) | usize::from(b));
            let (nal, tail) = tail.split_at_checked(length).ok_or(DecodeError::Truncated)?;
            consider(nal)?;
            rest = tail;
        }
        largest.ok_or(DecodeError::corrupt("an HEVC picture without parameters"))
    }

    fn peak_memory(&self, width: u32, height: u32) -> u64 {
        let pixels = u64::from(width) * u64::from(height);
        let copies = if self.turned { 2 } else { 1 };
        self.largest_coded * CODEC_BYTES_PER_PIXEL + pixels * RGBA_BYTES * copies
    }
}

/// Whether an item is an alpha plane, by the URN of its auxiliary type.
pub(super) fn is_alpha(file: &HeifFile<'_>, id: ItemId) -> Result<bool, DecodeError> {
    let is_alpha_urn = |p: &Property| {
        matches!(p, Property::AuxiliaryType(urn)
            if urn == "urn:mpeg:hevc:2015:auxid:1" || urn == "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")
    };
    Ok(file.item_properties(id).map_err(from_container)?.any(is_alpha_urn))
}

pub(super) fn from_container(error: isobmff::Error) -> DecodeError {
    match error {
        isobmff::Error::UnexpectedEof => DecodeError::Truncated,
        other => DecodeError::corrupt(other),
    }
}

fn from_heifer(error: heifer::Error) -> DecodeError {
    match error {
        heifer::Error::Container(e) => from_container(e),
        heifer::Error::Unsupported(what) => {
            DecodeError::unsupported(format!("HEIC with {what}; convert the picture to JPEG"))
        }
        other => DecodeError::corrupt(other),
    }
}
