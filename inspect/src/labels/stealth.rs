//! Text that generators hide in the least significant bits of a lossless picture ("stealth PNG info").
//!
//! The bits stand column by column, top to bottom: one a pixel in alpha, or three a pixel in red, green and blue. They
//! spell a magic word of 15 characters, the number of bits that follow (32 bits, big-endian) and the text, as it is or
//! as gzip. Nothing but the magic is read unless it fits.

use super::{
    MAX_PACKET,
    inflate::{Coding, inflate},
    read::cut,
    traces,
};
use crate::decode::StoredPixels;
use std::borrow::Cow;
use touchstone_schema::label::{FoundLabel, LabelLevel, LabelMeaning, LabelScheme};

/// The most bytes that are read from pixels. Real texts have a few thousand.
pub const MAX_STEALTH: usize = 256 << 10;
/// Characters of the magic word.
const MAGIC: usize = 15;

/// The label hidden in the pixels of a lossless file, if there is one.
///
/// Takes 160 samples of a picture that carries none.
#[must_use]
pub fn read_stealth(pixels: &StoredPixels<'_>) -> Option<FoundLabel> {
    [Place::Alpha, Place::Colours].into_iter().find_map(|place| {
        let mut bits = Bits { pixels, place, at: 0 };
        let magic = bits.bytes(MAGIC)?;
        let compressed = match (place, &magic[..]) {
            (Place::Alpha, b"stealth_pnginfo") | (Place::Colours, b"stealth_rgbinfo") => false,
            (Place::Alpha, b"stealth_pngcomp") | (Place::Colours, b"stealth_rgbcomp") => true,
            _ => return None,
        };
        let length = u32::from_be_bytes(bits.bytes(4)?.try_into().ok()?);
        let length = usize::try_from(length).ok()? / 8;
        let data = bits.bytes(length).filter(|_| length <= MAX_STEALTH)?;
        let text = if compressed { inflate(&data, Coding::Gzip, MAX_PACKET).text? } else { data };
        Some(label(&String::from_utf8_lossy(&text), place))
    })
}

fn label(text: &str, place: Place) -> FoundLabel {
    let known = traces::of_text(text);
    FoundLabel {
        scheme: LabelScheme::GeneratorTrace,
        level: LabelLevel::Declared,
        meaning: LabelMeaning::Synthetic,
        carrier: place.carrier().to_owned(),
        offset: 0,
        gb45438: None,
        digital_source_type: None,
        iptc: None,
        integrity: None,
        generator: Some(
            known.map_or(Cow::Borrowed("stealth PNG info"), |trace| trace.generator.into()).into_owned(),
        ),
        raw: cut(text).to_owned(),
        findings: Vec::new(),
    }
}

/// In which samples the bits stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Alpha,
    Colours,
}

impl Place {
    const fn carrier(self) -> &'static str {
        match self {
            Self::Alpha => "pixels:alpha",
            Self::Colours => "pixels:rgb",
        }
    }
}

struct Bits<'a> {
    pixels: &'a StoredPixels<'a>,
    place: Place,
    /// Number of the next bit.
    at: usize,
}

impl Bits<'_> {
    /// The next bytes, or `None` if the picture has not as many bits. Allocates no more than it has.
    fn bytes(&mut self, length: usize) -> Option<Vec<u8>> {
        let wanted = length.checked_mul(8)?.checked_add(self.at)?;
        if wanted > self.capacity()? || length > MAX_STEALTH {
            return None;
        }
        let mut bytes = Vec::with_capacity(length);
        for _ in 0..length {
            let mut byte = 0;
            for _ in 0..8 {
                byte = byte << 1 | self.bit()?;
            }
            bytes.push(byte);
        }
        Some(bytes)
    }

    fn capacity(&self) -> Option<usize> {
        let StoredPixels { width, height, channels, .. } = *self.pixels;
        let pixels = usize::try_from(width).ok()?.checked_mul(usize::try_from(height).ok()?)?;
        match self.place {
            Place::Alpha => (channels == 4).then_some(pixels),
            Place::Colours => pixels.checked_mul(3),
        }
    }

    fn bit(&mut self) -> Option<u8> {
        let StoredPixels { width, height, channels, samples } = *self.pixels;
        let (width, height) = (usize::try_from(width).ok()?, usize::try_from(height).ok()?);
        let (pixel, channel) = match self.place {
            Place::Alpha => (self.at, 3),
            Place::Colours => (self.at / 3, self.at % 3),
        };
        self.at += 1;
        let (x, y) = (pixel.checked_div(height)?, pixel.checked_rem(height)?);
        let sample = (y.checked_mul(width)?.checked_add(x)?).checked_mul(channels)?.checked_add(channel)?;
        samples.get(sample).map(|value| value & 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    /// Pixels with a text hidden in them, and one bit more than it needs.
    fn hidden(magic: &str, text: &[u8], width: u32, height: u32) -> Vec<u8> {
        let alpha = magic.starts_with("stealth_png");
        let channels = if alpha { 4 } else { 3 };
        let length = u32::try_from(text.len() * 8).unwrap();
        let message = [magic.as_bytes(), &length.to_be_bytes(), text].concat();
        let mut samples = vec![0xFE; (width * height) as usize * channels];
        let bits = message.iter().flat_map(|byte| (0..8).rev().map(move |shift| byte >> shift & 1));
        for (at, bit) in bits.enumerate() {
            let (pixel, channel) = if alpha { (at, 3) } else { (at / 3, at % 3) };
            let (x, y) = (pixel / height as usize, pixel % height as usize);
            samples[(y * width as usize + x) * channels + channel] |= bit;
        }
        samples
    }

    fn read(samples: &[u8], width: u32, height: u32) -> Option<FoundLabel> {
        let channels = samples.len() / (width * height) as usize;
        read_stealth(&StoredPixels { width, height, channels, samples })
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn all_four_forms_are_read() {
        let novel = b"{\"Software\":\"NovelAI\",\"Comment\":\"{}\"}";
        let plain = b"a cat\nSteps: 20, Sampler: Euler a";
        for (magic, carrier) in [
            ("stealth_pnginfo", "pixels:alpha"),
            ("stealth_pngcomp", "pixels:alpha"),
            ("stealth_rgbinfo", "pixels:rgb"),
            ("stealth_rgbcomp", "pixels:rgb"),
        ] {
            for (text, generator) in
                [(&novel[..], "NovelAI"), (plain, "AUTOMATIC1111"), (b"{\"prompt\":1}", "stealth PNG info")]
            {
                let data = if magic.ends_with("comp") { packed(text) } else { text.to_vec() };
                let found = read(&hidden(magic, &data, 40, 30), 40, 30).unwrap();
                assert_eq!(found.raw.as_bytes(), text);
                assert_eq!((&found.carrier[..], found.generator.as_deref()), (carrier, Some(generator)));
                assert_eq!(
                    (found.scheme, found.meaning),
                    (LabelScheme::GeneratorTrace, LabelMeaning::Synthetic)
                );
            }
        }
    }

    #[test]
    fn pictures_without_a_whole_text_carry_none() {
        assert_eq!(read(&[0xFF; 1200 * 4], 40, 30), None);
        assert_eq!(read(&[0; 3], 1, 1), None);
        // Shorter than it says, longer than is read, not gzip, a bomb.
        let mut short = hidden("stealth_rgbinfo", b"", 40, 30);
        short.truncate(100);
        assert_eq!(read_stealth(&StoredPixels { width: 40, height: 30, channels: 3, samples: &short }), None);
        let cut = hidden("stealth_rgbinfo", &[b'x'; 430], 40, 30);
        assert!(read(&cut, 40, 30).is_some());
        assert_eq!(read(&hidden("stealth_rgbcomp", b"not gzip", 40, 30), 40, 30), None);
        let bomb = packed(&vec![b' '; 2 << 20]);
        assert_eq!(read(&hidden("stealth_rgbcomp", &bomb, 100, 100), 100, 100), None);
        let long = vec![b'x'; MAX_STEALTH + 1];
        assert_eq!(read(&hidden("stealth_rgbinfo", &long, 1000, 1000), 1000, 1000), None);
        // The words of one place do not count in the other.
        assert_eq!(
            read(&hidden("stealth_rgbinfo".replace("rgb", "xyz").as_str(), b"x", 40, 30), 40, 30),
            None
        );
    }
}
