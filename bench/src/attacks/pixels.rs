//! What every attack does with pixels: blend, blur, resize, warp, encode.
//!
//! Colours are 8 bits a channel between steps and `f32` from 0 to 255 within one. Knows nothing of single
//! attacks.

use super::{field::Field, random::Random};
use image::{
    GrayImage, ImageFormat, Luma, Rgb, RgbImage,
    codecs::jpeg::JpegEncoder,
    imageops::{self, FilterType},
};

/// A colour while it is being computed.
pub(crate) type Colour = [f32; 3];

/// A picture on its way through an attack, with the places that were painted.
#[derive(Clone)]
pub(crate) struct Shot {
    pub(crate) picture: RgbImage,
    /// White where paint lies, in the size of the picture.
    pub(crate) mask: Option<GrayImage>,
}

impl Shot {
    /// Changes the colours and leaves everything where it is.
    pub(crate) fn recoloured(self, change: impl FnOnce(&RgbImage) -> RgbImage) -> Self {
        Self { picture: change(&self.picture), mask: self.mask }
    }

    /// Changes the size.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Self {
        let mask = self.mask.as_ref();
        Self {
            picture: resize(&self.picture, width, height),
            mask: mask.map(|mask| imageops::resize(mask, width.max(1), height.max(1), FilterType::Nearest)),
        }
    }

    /// Changes the size by a factor; no side gets shorter than 8 pixels.
    pub(crate) fn scaled(&self, factor: f32) -> Self {
        let side = |side: u32| ((side as f32 * factor).round() as u32).max(8);
        self.resized(side(self.picture.width()), side(self.picture.height()))
    }

    /// Lies at (`x`, `y`) on `ground`, which loses what lies below and past its edges.
    pub(crate) fn onto(&self, mut ground: RgbImage, x: i64, y: i64) -> Self {
        let mask = self.mask.as_ref().map(|mask| {
            let mut whole = GrayImage::new(ground.width(), ground.height());
            imageops::replace(&mut whole, mask, x, y);
            whole
        });
        imageops::replace(&mut ground, &self.picture, x, y);
        Self { picture: ground, mask }
    }

    /// Each pixel of a `width` x `height` picture from the place `source` names in this one; `fill` outside.
    pub(crate) fn warped(
        &self,
        (width, height): (u32, u32),
        fill: impl Fn(u32, u32) -> Colour,
        source: impl Fn(f32, f32) -> (f32, f32),
    ) -> Self {
        let (w, h) = (self.picture.width() as f32, self.picture.height() as f32);
        let mut places = Vec::with_capacity(width as usize * height as usize);
        for y in 0..height {
            places.extend((0..width).map(|x| source(x as f32, y as f32)));
        }
        let place = |x: u32, y: u32| places[y as usize * width as usize + x as usize];
        let inside = |(x, y): (f32, f32)| x > -0.5 && y > -0.5 && x < w - 0.5 && y < h - 0.5;
        let picture = RgbImage::from_fn(width, height, |x, y| {
            let from = place(x, y);
            byte(if inside(from) { between(&self.picture, from) } else { fill(x, y) })
        });
        let mask = self.mask.as_ref().map(|mask| {
            GrayImage::from_fn(width, height, |x, y| {
                let from = place(x, y);
                let read = |from: (f32, f32)| *mask.get_pixel(from.0.round() as u32, from.1.round() as u32);
                if inside(from) { read((from.0.max(0.0), from.1.max(0.0))) } else { Luma([0]) }
            })
        });
        Self { picture, mask }
    }
}

/// To 8 bits.
pub(crate) fn byte(colour: Colour) -> Rgb<u8> {
    Rgb(colour.map(|value| (value + 0.5).clamp(0.0, 255.0) as u8))
}

/// Of 8 bits.
pub(crate) fn colour(pixel: &Rgb<u8>) -> Colour {
    pixel.0.map(f32::from)
}

/// From `first` to `second` as `part` goes from 0 to 1.
pub(crate) fn mix(first: Colour, second: Colour, part: f32) -> Colour {
    std::array::from_fn(|at| first[at] + (second[at] - first[at]) * part)
}

/// Brightness, ITU-R BT.601.
pub(crate) fn grey(colour: Colour) -> f32 {
    0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
}

/// The colour between pixels, from the four around.
pub(crate) fn between(picture: &RgbImage, (x, y): (f32, f32)) -> Colour {
    let (width, height) = (picture.width() as i32 - 1, picture.height() as i32 - 1);
    let (left, top) = (x.floor(), y.floor());
    let pixel =
        |x: i32, y: i32| colour(picture.get_pixel(x.clamp(0, width) as u32, y.clamp(0, height) as u32));
    let (u, v, left, top) = (x - left, y - top, left as i32, top as i32);
    let upper = mix(pixel(left, top), pixel(left + 1, top), u);
    let lower = mix(pixel(left, top + 1), pixel(left + 1, top + 1), u);
    mix(upper, lower, v)
}

/// Every colour by a function of its place and itself.
pub(crate) fn each(picture: &RgbImage, mut change: impl FnMut(usize, usize, Colour) -> Colour) -> RgbImage {
    let mut result = picture.clone();
    for (x, y, pixel) in result.enumerate_pixels_mut() {
        *pixel = byte(change(x as usize, y as usize, colour(pixel)));
    }
    result
}

/// In another size: averaged when it shrinks, cubic when it grows.
pub(crate) fn resize(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let (width, height) = (width.max(1), height.max(1));
    let shrinks = width < picture.width();
    let filter = if shrinks { FilterType::Triangle } else { FilterType::CatmullRom };
    imageops::resize(picture, width, height, filter)
}

/// Blurred by a Gaussian of this deviation in pixels.
pub(crate) fn blur(picture: &RgbImage, sigma: f32) -> RgbImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let planes: [Field; 3] = std::array::from_fn(|channel| Field {
        width,
        height,
        values: picture.pixels().map(|pixel| f32::from(pixel.0[channel])).collect(),
    });
    let planes = planes.map(|plane| plane.blurred(sigma));
    let mut at = 0;
    each(picture, |_, _, _| {
        at += 1;
        std::array::from_fn(|channel| planes[channel].values[at - 1])
    })
}

/// JPEG bytes; none if the encoder refuses the picture.
pub(crate) fn jpeg_bytes(picture: &RgbImage, quality: u8) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture).ok()?;
    Some(bytes)
}

/// Through JPEG and back.
pub(crate) fn jpeg(picture: &RgbImage, quality: u8) -> RgbImage {
    let decoded = jpeg_bytes(picture, quality)
        .and_then(|bytes| image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).ok());
    decoded.map_or_else(|| picture.clone(), |decoded| decoded.into_rgb8())
}

/// The noise of a sensor: independent in each channel of each pixel.
pub(crate) fn grain(picture: &RgbImage, strength: f32, random: &mut Random) -> RgbImage {
    each(picture, |_, _, colour| colour.map(|value| value + strength * random.normal()))
}
