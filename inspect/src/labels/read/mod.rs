//! Finds labels in files of pictures, videos, sounds and documents.
//!
//! The work is bounded: the structure is walked once, and the text that is inflated and parsed has a budget
//! per file. One module a container says where labels stand in it; what they say is judged here, in one place.

mod bmff;
mod gif;
mod iptc;
mod jpeg;
mod pdf;
mod png;
mod tiff;
mod video;
mod webp;

pub(super) use png::XMP_KEYWORD as PNG_XMP_KEYWORD;

use super::{
    exif, gb45438, parse, samsung, traces,
    xmp::{self, Kind, MAX_PACKET, Property},
};
use crate::containers::{Container, tiff::Tiff};
use std::borrow::Cow;
use touchstone_schema::{
    conformance::{LabelFinding, LabelFindingCode as Code},
    label::{DigitalSourceType, FoundLabel, IptcFields, LabelLevel, LabelMeaning, LabelScheme},
};

/// How many labels of a file are reported.
pub const MAX_LABELS: usize = 64;
/// How many bytes of a label are reported as found.
pub const MAX_RAW: usize = 4096;
/// How much text of a file is inflated and parsed, bytes.
pub const TEXT_BUDGET: usize = 4 * MAX_PACKET;
/// What the shortest text costs, so that a flood of tiny ones ends as well.
const LEAST_COST: usize = 256;
/// How far into a segment of no known kind a bare label is looked for.
const BARE_WINDOW: usize = 4096;

/// Places that GB 45438-2025 (Annex E and its practice guides) names for an implicit label.
const NAMED_CARRIERS: [&str; 16] = [
    "jpeg:app1:xmp",
    "jpeg:app1:xmp-extension",
    "jpeg:app1:exif:UserComment",
    "png:iTXt:XML:com.adobe.xmp",
    "png:tEXt:AIGC",
    "webp:XMP",
    "webp:EXIF:UserComment",
    "heif:mime:xmp",
    "tiff:xmp",
    "gif:application:xmp",
    "mp4:moov.udta.meta.ilst:AIGC",
    // The same list with the handler `mdir`, which names its values in freeform atoms and has no box of keys.
    "mp4:moov.udta.meta.ilst:----:AIGC",
    "matroska:SimpleTag:AIGC",
    "flv:onMetaData:AIGC",
    "avi:LIST.INFO:AIGC",
    "pdf:Info:AIGC",
];

/// What reading a file has cost, in counts that are the same on every machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Segments, chunks, blocks, boxes and directory entries visited.
    pub parts: usize,
    /// Bytes of text parsed; a short text counts as 256.
    pub parsed: usize,
    /// Bytes inflated, in vain or not.
    pub inflated: usize,
    /// XML elements and attributes visited.
    pub properties: usize,
}

/// All labels of a file in the order in which they stand in it, at most [`MAX_LABELS`]. Empty for other formats
/// and for bytes that are no picture at all.
///
/// A file can be made so large that a label in it lies beyond the budget: as everywhere, no label found is no
/// statement about the picture.
#[must_use]
pub fn read_labels(bytes: &[u8]) -> Vec<FoundLabel> {
    read_labels_counted(bytes).0
}

/// As [`read_labels`], and what it cost.
#[must_use]
pub fn read_labels_counted(bytes: &[u8]) -> (Vec<FoundLabel>, Work) {
    let mut collector = Collector { labels: Vec::new(), budget: TEXT_BUDGET, work: Work::default() };
    match Container::sniff(bytes) {
        Some(Container::Jpeg) => collector.jpeg(bytes),
        Some(Container::Png) => collector.png(bytes),
        Some(Container::WebP) => collector.webp(bytes),
        Some(Container::Gif) => collector.gif(bytes),
        Some(Container::Tiff) => collector.tiff_file(bytes),
        Some(Container::Bmff) => collector.bmff(bytes),
        Some(Container::Matroska) => collector.matroska(bytes),
        Some(Container::Flv) => collector.flv(bytes),
        Some(Container::Avi) => collector.avi(bytes),
        Some(Container::Pdf) => collector.pdf(bytes),
        None => return (Vec::new(), collector.work),
    }
    collector.samsung(bytes, 0);
    collector.finish()
}

struct Collector {
    labels: Vec<FoundLabel>,
    budget: usize,
    work: Work,
}

impl Collector {
    /// Counts a part of the file; whether more can be reported and read.
    fn visit(&mut self) -> bool {
        self.work.parts += 1;
        self.labels.len() < MAX_LABELS && self.budget >= LEAST_COST
    }

    /// Takes the cost of reading `length` bytes off the budget; `false` if it does not suffice.
    fn afford(&mut self, length: usize) -> bool {
        let cost = length.max(LEAST_COST);
        let left = self.budget.checked_sub(cost);
        self.budget = left.unwrap_or(self.budget);
        self.work.parsed += left.map_or(0, |_| cost);
        left.is_some()
    }

    /// Takes what was inflated off the budget.
    fn inflated(&mut self, work: usize) {
        self.budget = self.budget.saturating_sub(work);
        self.work.inflated += work;
    }

    /// A packet, if the budget allows reading it. Gives the identifier of its extension, if it names one.
    fn xmp(&mut self, carrier: &str, offset: usize, packet: &[u8]) -> Option<String> {
        if packet.len() > MAX_PACKET || !self.afford(packet.len()) {
            return None;
        }
        let packet = xmp::read(&unicode(packet));
        self.work.properties += packet.steps;
        let first = |kind: Kind| {
            let mut values = packet.properties.iter().filter(|p| p.kind == kind && !p.value.is_empty());
            values.next().map(|p| cut(&p.value).to_owned())
        };
        let iptc = IptcFields {
            prompt: first(Kind::Prompt),
            prompt_writer: first(Kind::PromptWriter),
            system: first(Kind::System),
            system_version: first(Kind::SystemVersion),
            image_guid: first(Kind::ImageGuid),
        };
        for property in &packet.properties {
            self.property(carrier, offset, property, &iptc);
        }
        if first(Kind::SourceType).is_none() {
            self.ai_properties(carrier, offset, iptc);
        }
        first(Kind::Extension)
    }

    fn property(&mut self, carrier: &str, offset: usize, property: &Property, iptc: &IptcFields) {
        let before = self.labels.len();
        match property.kind {
            Kind::Aigc => self.text(carrier, offset, &property.value, true),
            Kind::SourceType => self.source_type(carrier, offset, &property.value, iptc),
            Kind::Text(name) => {
                let carrier = format!("{carrier}:{name}");
                self.field(&carrier, offset, name, &property.value);
                let job = |guid: &String| traces::of_job(&property.value, guid);
                if let Some(trace) = iptc.image_guid.as_ref().and_then(job) {
                    self.trace(&carrier, offset, &property.value, trace);
                }
            }
            _ => {}
        }
        if property.foreign
            && let Some(label) = self.labels.get_mut(before)
        {
            label.findings.push(LabelFinding::new(Code::NamespaceForeign));
        }
    }

    /// Fields of a TIFF structure that stands in another container, with the offset of its part there.
    fn exif(&mut self, carrier: &str, offset: usize, bytes: &[u8]) {
        let bytes = bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes);
        if let Some(tiff) = Tiff::open(bytes)
            && let Some(first) = tiff.directories().next()
        {
            self.directory(carrier, Some(offset), &tiff, first);
        }
    }

    /// Fields of one directory and its EXIF directory; `offset` is that of the entry unless it is given.
    fn directory(&mut self, carrier: &str, offset: Option<usize>, tiff: &Tiff<'_>, at: usize) {
        let (fields, seen) = exif::fields(tiff, at);
        self.work.parts += seen;
        let (mut description, mut artist) = (None, None);
        for (name, entry) in fields {
            let offset = offset.unwrap_or(entry.offset);
            let length = tiff.value(&entry).len();
            if name == exif::PACKET {
                self.xmp(&format!("{carrier}:xmp"), offset, tiff.value(&entry));
                continue;
            }
            if name == exif::DATASETS {
                self.iptc(&format!("{carrier}:iptc"), offset, tiff.value(&entry));
                continue;
            }
            if !self.afford(length.min(exif::MAX_TEXT)) {
                return;
            }
            let text = exif::text(tiff, name, &entry);
            self.read_field(&format!("{carrier}:{name}"), offset, name, &text);
            match name {
                "ImageDescription" => description = Some((offset, text)),
                "Artist" => artist = Some(text),
                _ => {}
            }
        }
        if let (Some((offset, description)), Some(artist)) = (description, artist)
            && let Some(trace) = traces::of_grok(&description, &artist)
        {
            self.trace(&format!("{carrier}:ImageDescription"), offset, &description, trace);
        }
    }

    /// The text of a field, if the budget allows reading it.
    fn field(&mut self, carrier: &str, offset: usize, name: &str, text: &str) {
        if self.afford(text.len()) {
            self.read_field(carrier, offset, name, text);
        }
    }

    /// A field's text is a label, or a trace, or neither.
    fn read_field(&mut self, carrier: &str, offset: usize, name: &str, text: &str) {
        let before = self.labels.len();
        self.text(carrier, offset, text, is_label_name(name.as_bytes()));
        if self.labels.len() == before
            && let Some(trace) = traces::of_field(name, text)
        {
            self.trace(carrier, offset, text, trace);
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
        if let Some(reading) = parse::read(text, named) {
            let mut label = found(LabelScheme::Gb45438, reading.meaning, carrier, offset, text);
            label.gb45438 = reading.label;
            label.generator = reading.generator;
            label.findings = reading.findings;
            self.push(label);
        }
    }

    /// A label that is there and cannot be read.
    fn unreadable(&mut self, carrier: &str, offset: usize) {
        let mut label = found(LabelScheme::Gb45438, LabelMeaning::Other, carrier, offset, "");
        label.findings.push(LabelFinding::new(Code::Unreadable));
        self.push(label);
    }

    fn source_type(&mut self, carrier: &str, offset: usize, value: &str, iptc: &IptcFields) {
        let term = DigitalSourceType::parse(value);
        let meaning = term.map_or(LabelMeaning::Other, DigitalSourceType::meaning);
        let mut label = found(LabelScheme::Iptc, meaning, carrier, offset, value);
        label.digital_source_type = term;
        label.generator = iptc.system.clone();
        label.iptc = Some(iptc.clone()).filter(|iptc| *iptc != IptcFields::default());
        let code = match term {
            None => Some(Code::SourceTypeUnknown),
            Some(term) if term.is_retired() => Some(Code::SourceTypeRetired),
            Some(_) if !value.contains('/') => Some(Code::SourceTypeNotUri),
            Some(_) => None,
        };
        label.findings.extend(code.map(|code| LabelFinding::new(code).found(value)));
        self.push(label);
    }

    /// AI properties without a source type: they are about making pictures by AI, and not how much of this one is.
    fn ai_properties(&mut self, carrier: &str, offset: usize, iptc: IptcFields) {
        let stated = [&iptc.system, &iptc.prompt, &iptc.system_version, &iptc.prompt_writer];
        let raw = stated.into_iter().flatten().next().cloned();
        if let Some(raw) = raw {
            let mut label = found(LabelScheme::Iptc, LabelMeaning::PartlySynthetic, carrier, offset, &raw);
            label.generator = iptc.system.clone();
            label.iptc = Some(iptc);
            label.findings.push(LabelFinding::new(Code::SourceTypeMissing));
            self.push(label);
        }
    }

    /// A trace; a further one of the same generator says nothing new.
    fn trace(&mut self, carrier: &str, offset: usize, text: &str, trace: traces::Trace) {
        let known = |label: &FoundLabel| {
            label.scheme == LabelScheme::GeneratorTrace && label.generator.as_deref() == Some(trace.generator)
        };
        if !self.labels.iter().any(known) {
            let mut label = found(LabelScheme::GeneratorTrace, trace.meaning, carrier, offset, text);
            label.generator = Some(trace.generator.to_owned());
            self.push(label);
        }
    }

    /// The trailer of a phone's editor at the end of `bytes`, which begin at `start` in the file.
    fn samsung(&mut self, bytes: &[u8], start: usize) {
        let Some(block) = samsung::edit_block(bytes) else {
            return;
        };
        if self.afford(block.text.len()) {
            let text = String::from_utf8_lossy(block.text);
            if samsung::is_generative(&text) {
                let trace = traces::Trace { generator: "Samsung", meaning: LabelMeaning::PartlySynthetic };
                self.trace("trailer:PEg_Info", start + block.offset, &text, trace);
            }
        }
    }

    fn push(&mut self, label: FoundLabel) {
        if self.labels.len() < MAX_LABELS {
            self.labels.push(label);
        }
    }

    /// Judges what concerns the file as a whole: one implicit label, in a place that is named for it.
    fn finish(mut self) -> (Vec<FoundLabel>, Work) {
        let mut first = None;
        for label in self.labels.iter_mut().filter(|label| label.scheme == LabelScheme::Gb45438) {
            if label.findings.iter().any(|finding| finding.code == Code::OtherForm) {
                continue;
            }
            if !NAMED_CARRIERS.contains(&label.carrier.as_str()) {
                label.findings.push(LabelFinding::new(Code::CarrierNotNamed));
            }
            match &first {
                None => first = Some(label.gb45438.clone()),
                Some(first) => {
                    label.findings.push(LabelFinding::new(Code::LabelRepeated));
                    if label.gb45438.is_some() && first.is_some() && label.gb45438 != *first {
                        label.findings.push(LabelFinding::new(Code::LabelContradicts));
                    }
                }
            }
        }
        (self.labels, self.work)
    }
}

/// Whether the name of a field says that it holds an implicit label.
fn is_label_name(name: &[u8]) -> bool {
    name.windows(4).any(|w| w.eq_ignore_ascii_case(b"AIGC"))
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
        iptc: None,
        integrity: None,
        generator: None,
        raw: cut(raw).to_owned(),
        findings: Vec::new(),
    }
}

/// At most [`MAX_RAW`] bytes, cut between two characters.
pub(super) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_RAW)).unwrap_or_default()
}

/// The text of a packet: UTF-8, which most formats ask for, or UTF-16, told by its byte order mark or first character
/// (ISO 16684-1, 7.3.2).
fn unicode(packet: &[u8]) -> Cow<'_, str> {
    let unit: fn([u8; 2]) -> u16 = match packet {
        [0xFE, 0xFF, ..] | [0, b'<', ..] => u16::from_be_bytes,
        [0xFF, 0xFE, ..] | [b'<', 0, ..] => u16::from_le_bytes,
        _ => return String::from_utf8_lossy(packet),
    };
    let units: Vec<u16> = packet.as_chunks().0.iter().map(|pair| unit(*pair)).collect();
    Cow::Owned(String::from_utf16_lossy(&units))
}

/// `tEXt` is Latin-1 by the standard and UTF-8 in many real files.
fn latin1_or_utf8(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&b| char::from(b)).collect()),
    }
}
