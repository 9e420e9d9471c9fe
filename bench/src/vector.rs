//! Vector drawings to pixels: SVG in, RGB out, with the two fonts that lie in `assets/`.
//!
//! Both the plots and the screens of the attacks are drawn with it. System fonts are never looked at: a
//! drawing is the same wherever it is made.

use image::{Rgb, RgbImage};
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree},
};
use std::sync::LazyLock;

/// Roboto, Apache-2.0, reduced to the characters that are used here (`assets/README.md`).
const FONTS: [&[u8]; 2] =
    [include_bytes!("../assets/Roboto-Regular.ttf"), include_bytes!("../assets/Roboto-Medium.ttf")];

static OPTIONS: LazyLock<Options<'static>> = LazyLock::new(|| {
    let mut options = Options { font_family: "Roboto".to_owned(), ..Options::default() };
    for font in FONTS {
        options.fontdb_mut().load_font_data(font.to_vec());
    }
    options
});

/// A drawing of `width` x `height` units, as pixels with opacity, `scale` pixels to a unit.
fn pixels(width: u32, height: u32, scale: f32, body: &str) -> Option<Pixmap> {
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' \
         font-family='Roboto'>{body}</svg>"
    );
    let tree = Tree::from_str(&svg, &OPTIONS).ok()?;
    let side = |length: u32| (length as f32 * scale).round() as u32;
    let mut pixmap = Pixmap::new(side(width), side(height))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    Some(pixmap)
}

/// Draws over a picture, a unit a pixel. A drawing that is no SVG leaves it as it is.
pub(crate) fn draw_over(picture: &mut RgbImage, body: &str) {
    let Some(drawn) = pixels(picture.width(), picture.height(), 1.0, body) else { return };
    for (below, above) in picture.pixels_mut().zip(drawn.pixels()) {
        // What is drawn is already multiplied by its opacity.
        let rest = 255 - u16::from(above.alpha());
        let over =
            |below: u8, above: u8| (u16::from(above) + (u16::from(below) * rest + 127) / 255).min(255) as u8;
        let [red, green, blue] = below.0;
        *below = Rgb([over(red, above.red()), over(green, above.green()), over(blue, above.blue())]);
    }
}

/// A drawing on white; none if it is no SVG.
pub(crate) fn draw(width: u32, height: u32, scale: f32, body: &str) -> Option<RgbImage> {
    let drawn = pixels(width, height, scale, body)?;
    let mut picture = RgbImage::new(drawn.width(), drawn.height());
    for (pixel, above) in picture.pixels_mut().zip(drawn.pixels()) {
        let rest = 255 - above.alpha();
        // Opacity and colour never sum to more than 255.
        *pixel = Rgb([above.red(), above.green(), above.blue()].map(|value| value.saturating_add(rest)));
    }
    Some(picture)
}

/// Text that may stand in SVG.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
