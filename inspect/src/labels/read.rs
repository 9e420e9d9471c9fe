//! Finds labels in JPEG, PNG and WebP files.
//!
//! The work is bounded: the structure is walked once, and the text that is inflated and parsed has a budget
//! per file.

use super::{
    exif, gb45438,
    png_text::TextChunk,
    xmp::{self, Kind, MAX_PACKET},
};
use crate::containers::{Container, jpeg, png, webp};
use std::borrow::Cow;
use touchstone_schema::label::{DigitalSourceType, FoundLabel, LabelLevel, LabelMeaning, LabelScheme};

/// How many labels of a file are reported.
pub const MAX_LABELS: usize = 64;
/// How many bytes of a label are reported as found.
pub const MAX_RAW: usize = 4096;
/// How much text of a file is inflated and parsed.
const TEXT_BUDGET: usize = 4 * MAX_PACKET;
/// What the shortest text costs, so that a flood of tiny ones ends as well.
const LEAST_COST: usize = 256;
/// How far into a segment of no known kind a bare label is looked for.
const BARE_WINDOW: usize = 4096;
/// Names of the application segments as carriers.
const JPEG_APPLICATION: [&str; 16] = [
    "jpeg:app0",
    "jpeg:app1",
    "jpeg:app2",
    "jpeg:app3",
    "jpeg:app4",
    "jpeg:app5",
    "jpeg:app6",
    "jpeg:app7",
    "jpeg:app8",
    "jpeg:app9",
    "jpeg:app10",
    "jpeg:app11",
    "jpeg:app12",
    "jpeg:app13",
    "jpeg:app14",
    "jpeg:app15",
];
/// PNG keyword of an XMP packet.
pub(super) const PNG_XMP_KEYWORD: &[u8] = b"XML:com.adobe.xmp";

/// All labels of a file in the order in which they stand in it, at most [`MAX_LABELS`]. Empty for other formats
/// and for bytes that are no picture at all.
///
/// A file can be made so large that a label in it lies beyond the budget: as everywhere, no label found is no
/// statement about the picture.
#[must_use]
pub fn read_labels(bytes: &[u8]) -> Vec<FoundLabel> {
    let mut collector = Collector { labels: Vec::new(), budget: TEXT_BUDGET };
    match Container::sniff(bytes) {
        Some(Container::Jpeg) => collector.jpeg(bytes),
        Some(Container::Png) => collector.png(bytes),
        Some(Container::WebP) => collector.webp(bytes),
        None => {}
    }
    collector.finish()
}

struct Collector {
    labels: Vec<FoundLabel>,
    budget: usize,
}

impl Collector {
    /// Whether nothing more can be reported or read.
    fn done(&self) -> bool {
        self.labels.len() >= MAX_LABELS || self.budget < LEAST_COST
    }

    /// Takes the cost of reading `length` bytes off the budget; `false` if it does not suffice.
    fn afford(&mut self, length: usize) -> bool {
        let left = self.budget.checked_sub(length.max(LEAST_COST));
        self.budget = left.unwrap_or(self.budget);
        left.is_some()
    }

    fn jpeg(&mut self, bytes: &[u8]) {
        let mut end = 0;
        let mut scanning = false;
        for segment in jpeg::segments(bytes) {
            if self.done() {
                return;
            }
            // Some writers put a label between two segments, where decoders pass it over.
            if !scanning && segment.offset > end {
                self.bare("jpeg:bare", end, bytes.get(end..segment.offset).unwrap_or_default());
            }
            (end, scanning) = (segment.end, scanning || segment.marker == jpeg::SOS);
            match segment.marker {
                jpeg::APP1 if segment.data.starts_with(jpeg::XMP_HEADER) => {
                    let packet = segment.data.get(jpeg::XMP_HEADER.len()..).unwrap_or_default();
                    self.xmp("jpeg:app1:xmp", segment.offset, packet);
                }
                jpeg::APP1 if segment.data.starts_with(jpeg::EXIF_HEADER) => {
                    self.exif("jpeg:app1:exif", segment.offset, segment.data);
                }
                marker @ jpeg::APP0..=jpeg::APP15 if marker != jpeg::APP2 && marker != jpeg::APP11 => {
                    let name = JPEG_APPLICATION.get(usize::from(marker - jpeg::APP0));
                    self.bare(name.copied().unwrap_or("jpeg:app"), segment.offset, segment.data);
                }
                jpeg::COM => self.bare("jpeg:com", segment.offset, segment.data),
                _ => {}
            }
        }
    }

    fn png(&mut self, bytes: &[u8]) {
        for chunk in png::chunks(bytes) {
            if self.done() {
                return;
            }
            if chunk.kind == *b"eXIf" {
                self.exif("png:eXIf", chunk.offset, chunk.data);
            }
            let Some(text) = TextChunk::parse(&chunk) else {
                continue;
            };
            let is_xmp = text.keyword == PNG_XMP_KEYWORD;
            let is_label = text.keyword.windows(4).any(|w| w.eq_ignore_ascii_case(b"AIGC"));
            let trace = trace_of(text.keyword);
            if !(is_xmp || is_label || trace.is_some()) {
                continue;
            }
            let carrier = format!("png:{}:{}", text.kind, latin1_or_utf8(text.keyword));
            let limit = self.budget.min(MAX_PACKET);
            let Some(body) = text.text(limit) else {
                if is_label {
                    let mut label =
                        found(LabelScheme::Gb45438, LabelMeaning::Other, &carrier, chunk.offset, "");
                    label.departures.push("the label is too long or cannot be inflated".to_owned());
                    self.push(label);
                }
                // What was inflated in vain was work too.
                self.budget -= if text.compressed { limit } else { 0 };
                continue;
            };
            if !self.afford(body.len()) {
                continue;
            }
            if is_xmp {
                self.packet(&carrier, chunk.offset, &body);
            } else if is_label {
                self.text(&carrier, chunk.offset, &latin1_or_utf8(&body), true);
            } else if let Some(trace) = trace {
                self.trace(&carrier, chunk.offset, &latin1_or_utf8(&body), trace);
            }
        }
    }

    fn webp(&mut self, bytes: &[u8]) {
        for chunk in webp::chunks(bytes) {
            if self.done() {
                return;
            }
            match &chunk.kind {
                b"XMP " => self.xmp("webp:XMP", chunk.offset, chunk.data),
                b"EXIF" => self.exif("webp:EXIF", chunk.offset, chunk.data),
                _ => {}
            }
        }
    }

    /// A packet, if the budget allows reading it.
    fn xmp(&mut self, carrier: &str, offset: usize, packet: &[u8]) {
        if packet.len() <= MAX_PACKET && self.afford(packet.len()) {
            self.packet(carrier, offset, packet);
        }
    }

    fn packet(&mut self, carrier: &str, offset: usize, packet: &[u8]) {
        let properties = xmp::read(&String::from_utf8_lossy(packet)).properties;
        let system = properties.iter().find(|p| p.kind == Kind::System && !p.value.is_empty());
        let system = system.map(|p| cut(&p.value).to_owned());
        for property in properties {
            let before = self.labels.len();
            match property.kind {
                Kind::Aigc => self.text(carrier, offset, &property.value, true),
                Kind::SourceType => self.source_type(carrier, offset, &property.value, system.clone()),
                Kind::System => {}
            }
            if let (Some(departure), Some(label)) = (property.departure, self.labels.get_mut(before)) {
                label.departures.push(departure.to_owned());
            }
        }
    }

    fn exif(&mut self, carrier: &str, offset: usize, tiff: &[u8]) {
        if !self.afford(tiff.len()) {
            return;
        }
        for field in exif::text_fields(tiff) {
            self.text(&format!("{carrier}:{}", field.name), offset, &field.text, false);
        }
    }

    /// A label without any structure around it: `AIGC{...}`, or a JSON object at the start.
    fn bare(&mut self, carrier: &str, offset: usize, data: &[u8]) {
        let window = data.get(..data.len().min(BARE_WINDOW)).unwrap_or_default();
        let marked = window.windows(5).position(|w| w == b"AIGC{").map(|at| (at + 4, true));
        let object = window.first().filter(|&&b| b == b'{').map(|_| (0, false));
        let Some((at, named)) = object.or(marked) else {
            return;
        };
        let text = data.get(at..data.len().min(at + gb45438::MAX_TEXT)).unwrap_or_default();
        if self.afford(text.len()) {
            self.text(carrier, offset, &String::from_utf8_lossy(text), named);
        }
    }

    fn text(&mut self, carrier: &str, offset: usize, text: &str, named: bool) {
        if let Some(reading) = gb45438::read(text, named) {
            let mut label = found(LabelScheme::Gb45438, reading.meaning, carrier, offset, text);
            label.gb45438 = reading.label;
            label.departures = reading.departures;
            self.push(label);
        }
    }

    fn source_type(&mut self, carrier: &str, offset: usize, value: &str, system: Option<String>) {
        let term = DigitalSourceType::parse(value);
        let meaning = term.map_or(LabelMeaning::Other, DigitalSourceType::meaning);
        let mut label = found(LabelScheme::Iptc, meaning, carrier, offset, value);
        label.digital_source_type = term;
        label.generator = system;
        if term.is_none() {
            label.departures.push("not a term of the IPTC digital source type vocabulary".to_owned());
        }
        self.push(label);
    }

    fn trace(&mut self, carrier: &str, offset: usize, text: &str, trace: Trace) {
        if trace.markers.iter().all(|any| any.iter().any(|marker| text.contains(marker))) {
            let meaning = LabelMeaning::Synthetic;
            let mut label = found(LabelScheme::GeneratorTrace, meaning, carrier, offset, text);
            label.generator = Some(trace.generator.to_owned());
            self.push(label);
        }
    }

    fn push(&mut self, label: FoundLabel) {
        if self.labels.len() < MAX_LABELS {
            self.labels.push(label);
        }
    }

    fn finish(mut self) -> Vec<FoundLabel> {
        let implicit = |l: &&mut FoundLabel| l.scheme == LabelScheme::Gb45438;
        if self.labels.iter_mut().filter(implicit).count() > 1 {
            for label in self.labels.iter_mut().filter(implicit) {
                label.departures.push("the file has more than one implicit label".to_owned());
            }
        }
        self.labels
    }
}

/// What a generator leaves in a PNG text chunk.
#[derive(Clone, Copy)]
struct Trace {
    generator: &'static str,
    /// Of each group, one marker must stand in the text.
    markers: &'static [&'static [&'static str]],
}

/// The keyword alone proves nothing: `prompt` and `parameters` are common words.
fn trace_of(keyword: &[u8]) -> Option<Trace> {
    let (generator, markers): (_, &[&[&str]]) = match keyword {
        b"parameters" => {
            ("AUTOMATIC1111", &[&["Steps: "], &["Sampler: ", "CFG scale: ", "Negative prompt: "]])
        }
        b"prompt" => ("ComfyUI", &[&["\"class_type\""]]),
        b"workflow" => ("ComfyUI", &[&["\"nodes\""], &["\"links\""]]),
        _ => return None,
    };
    Some(Trace { generator, markers })
}

fn found(scheme: LabelScheme, meaning: LabelMeaning, carrier: &str, offset: usize, raw: &str) -> FoundLabel {
    FoundLabel {
        scheme,
        level: LabelLevel::Declared,
        meaning,
        carrier: carrier.to_owned(),
        offset: u64::try_from(offset).unwrap_or(u64::MAX),
        gb45438: None,
        digital_source_type: None,
        generator: None,
        raw: cut(raw).to_owned(),
        departures: Vec::new(),
    }
}

/// At most [`MAX_RAW`] bytes, cut between two characters.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_RAW)).unwrap_or_default()
}

/// `tEXt` is Latin-1 by the standard and UTF-8 in many real files.
fn latin1_or_utf8(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&b| char::from(b)).collect()),
    }
}
