//! The few shapes that the plots are made of, as SVG, and their colours.
//!
//! Knows no figures of a run.

use crate::{BenchError, vector};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use std::{fmt::Display, fs::File, io::BufWriter, path::Path};

/// Colours that people with any colour vision tell apart (Okabe and Ito 2008).
pub(crate) const BLUE: &str = "#0072b2";
pub(crate) const ORANGE: &str = "#e69f00";
pub(crate) const RED: &str = "#d55e00";
/// Text, rules, and what stands back.
pub(crate) const INK: &str = "#26303a";
pub(crate) const GREY: &str = "#66707a";
pub(crate) const PALE: &str = "#e3e7eb";

/// Pixels for each unit: sharp on today's screens.
const SCALE: f32 = 1.6;

/// Where text stands beside its place.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing that grows.
pub(crate) struct Chart {
    width: u32,
    height: u32,
    body: String,
}

impl Chart {
    /// A white sheet with a title and a line below it.
    pub(crate) fn new(width: u32, height: u32, title: &str, subtitle: &str) -> Self {
        let mut chart = Self { width, height, body: String::new() };
        chart.rect((0.0, 0.0), (width as f32, height as f32), "#ffffff");
        chart.styled((24.0, 36.0), 20.0, Anchor::Start, INK, true, title);
        chart.text((24.0, 58.0), 13.0, Anchor::Start, GREY, subtitle);
        chart
    }

    fn push(&mut self, shape: impl Display) {
        self.body.push_str(&shape.to_string());
    }

    /// A filled rectangle from its upper left corner.
    pub(crate) fn rect(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), fill: &str) {
        self.push(format_args!(
            "<rect x='{x:.2}' y='{y:.2}' width='{:.2}' height='{:.2}' fill='{fill}'/>",
            width.max(0.0),
            height.max(0.0)
        ));
    }

    /// A straight line.
    pub(crate) fn line(&mut self, (x1, y1): (f32, f32), (x2, y2): (f32, f32), colour: &str, width: f32) {
        self.push(format_args!(
            "<path d='M{x1:.2} {y1:.2}L{x2:.2} {y2:.2}' stroke='{colour}' stroke-width='{width}'/>"
        ));
    }

    /// A dashed line.
    pub(crate) fn dashed(&mut self, (x1, y1): (f32, f32), (x2, y2): (f32, f32), colour: &str) {
        self.push(format_args!(
            "<path d='M{x1:.2} {y1:.2}L{x2:.2} {y2:.2}' stroke='{colour}' stroke-width='1.6' \
             stroke-dasharray='5 3'/>"
        ));
    }

    /// Text in the regular face; the place is on its base line.
    pub(crate) fn text(&mut self, place: (f32, f32), size: f32, anchor: Anchor, colour: &str, text: &str) {
        self.styled(place, size, anchor, colour, false, text);
    }

    /// Text in the heavier face.
    pub(crate) fn strong(&mut self, place: (f32, f32), size: f32, anchor: Anchor, colour: &str, text: &str) {
        self.styled(place, size, anchor, colour, true, text);
    }

    fn styled(
        &mut self,
        (x, y): (f32, f32),
        size: f32,
        anchor: Anchor,
        colour: &str,
        strong: bool,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (weight, text) = (if strong { 500 } else { 400 }, vector::escaped(text));
        self.push(format_args!(
            "<text x='{x:.2}' y='{y:.2}' font-size='{size}' font-weight='{weight}' \
             text-anchor='{anchor}' fill='{colour}'>{text}</text>"
        ));
    }

    /// A key: small squares with names beside each other, from a place to the right.
    pub(crate) fn key(&mut self, (mut x, y): (f32, f32), entries: &[(&str, &str)]) {
        for (colour, name) in entries {
            self.rect((x, y - 10.0), (11.0, 11.0), colour);
            self.text((x + 17.0, y), 13.0, Anchor::Start, INK, name);
            // Wide enough for the widest letters of the face.
            x += 34.0 + 7.2 * name.len() as f32;
        }
    }

    /// Writes the drawing as PNG, as small as it gets: it is kept with the source.
    pub(crate) fn save(&self, path: &Path) -> Result<(), BenchError> {
        let drawn = vector::draw(self.width, self.height, SCALE, &self.body);
        let drawn = drawn.ok_or_else(|| BenchError::Other("a plot that is no SVG".to_owned()))?;
        let file = BufWriter::new(File::create(path)?);
        let encoder = PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
        Ok(drawn.write_with_encoder(encoder)?)
    }
}
