//! XMP packets (ISO 16684-1): the properties that are labels, and the text of a packet with labels added.
//!
//! Properties are recognised by namespace, never by prefix. Nothing is expanded but the five entities of XML
//! and character references; a packet with a document type declaration is not read.

use quick_xml::{
    NsReader,
    escape::{escape, resolve_xml_entity, unescape},
    events::{BytesStart, Event},
    name::{Namespace, QName, ResolveResult},
};
use std::ops::Range;
use touchstone_schema::label::DigitalSourceType;

/// The largest packet that is read.
pub const MAX_PACKET: usize = 1 << 20;
/// The deepest nesting that is followed.
const MAX_DEPTH: usize = 64;
/// How many properties of a kind are returned, so that a flood of one does not hide another.
const MAX_OF_A_KIND: usize = 16;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const TC260: &str = "http://www.tc260.org.cn/ns/AIGC/1.0/";
const IPTC_EXT: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";

/// Properties of the picture itself that are told by namespace and name.
const PROPERTIES: [(&str, &str, Kind); 14] = [
    (TC260, "AIGC", Kind::Aigc),
    (IPTC_EXT, "DigitalSourceType", Kind::SourceType),
    (IPTC_EXT, "AIPromptInformation", Kind::Prompt),
    (IPTC_EXT, "AIPromptWriterName", Kind::PromptWriter),
    (IPTC_EXT, "AISystemUsed", Kind::System),
    (IPTC_EXT, "AISystemVersionUsed", Kind::SystemVersion),
    (IPTC_EXT, "DigImageGUID", Kind::ImageGuid),
    ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP", Kind::Extension),
    ("http://ns.adobe.com/xap/1.0/", "CreatorTool", Kind::Text("CreatorTool")),
    ("http://ns.adobe.com/photoshop/1.0/", "Credit", Kind::Text("Credit")),
    ("http://ns.adobe.com/photoshop/1.0/", "Source", Kind::Text("Source")),
    ("http://purl.org/dc/elements/1.1/", "description", Kind::Text("Description")),
    ("http://ns.adobe.com/tiff/1.0/", "ImageDescription", Kind::Text("ImageDescription")),
    ("http://ns.adobe.com/exif/1.0/", "UserComment", Kind::Text("UserComment")),
];

/// What a property is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `AIGC`: the implicit label of GB 45438.
    Aigc,
    /// `Iptc4xmpExt:DigitalSourceType`.
    SourceType,
    /// `Iptc4xmpExt:AIPromptInformation` (IPTC 2025.1, as the next three).
    Prompt,
    /// `Iptc4xmpExt:AIPromptWriterName`.
    PromptWriter,
    /// `Iptc4xmpExt:AISystemUsed`.
    System,
    /// `Iptc4xmpExt:AISystemVersionUsed`.
    SystemVersion,
    /// `Iptc4xmpExt:DigImageGUID`.
    ImageGuid,
    /// `xmpNote:HasExtendedXMP`: identifier of a packet that goes on elsewhere in a JPEG.
    Extension,
    /// Text in which labels and traces of generators are met, under the name of its field.
    Text(&'static str),
}

/// A property of the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) kind: Kind,
    pub(super) value: String,
    /// Whether it is an `AIGC` of somebody else's namespace.
    pub(super) foreign: bool,
}

/// Where a packet takes a further `rdf:Description`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Insertion {
    /// Bytes of the packet that are replaced; empty before an end tag.
    range: Range<usize>,
    before: &'static str,
    after: String,
}

/// What was found in a packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) properties: Vec<Property>,
    /// Elements and attributes that were looked at.
    pub(super) steps: usize,
    /// `rdf:about` of the first description: all of a packet must agree.
    about: Option<String>,
    insertion: Option<Insertion>,
    /// Whether the document was read to the end of its root element.
    complete: bool,
}

/// An element or attribute that matters here.
enum Name {
    Rdf,
    About,
    Resource,
    Property(Kind, bool),
    Other,
}

fn classify(namespace: &ResolveResult<'_>, local: &str) -> Name {
    let bound = match namespace {
        ResolveResult::Bound(Namespace(uri)) => Some(*uri),
        _ => None,
    };
    if bound == Some(RDF) {
        return match local {
            "RDF" => Name::Rdf,
            "about" => Name::About,
            "resource" => Name::Resource,
            _ => Name::Other,
        };
    }
    let is = |wanted: &str| {
        let key = |uri: &str| uri.trim_end_matches('/').replacen("https://", "http://", 1);
        bound.is_some_and(|uri| uri.len() <= wanted.len() + 1 && key(uri) == key(wanted))
    };
    if let Some((.., kind)) = PROPERTIES.iter().find(|(uri, name, _)| *name == local && is(uri)) {
        return Name::Property(*kind, false);
    }
    match local {
        "AIGC" => Name::Property(Kind::Aigc, true),
        // Without a prefix attributes have no namespace; RDF once allowed a bare `about`.
        "about" if bound.is_none() => Name::About,
        _ => Name::Other,
    }
}

/// Whether a name needs its namespace looked up at all.
fn matters(local: &str) -> bool {
    matches!(local, "RDF" | "about" | "resource") || PROPERTIES.iter().any(|(_, name, _)| *name == local)
}

/// Offset of the first element. Declarations, processing instructions and comments before it are passed over
/// however they are ordered: real packets have an XML declaration before the xpacket instruction. `None` if
/// there is no element or a document type declaration.
pub(super) fn root_start(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text.get(at..)?.find('<')?;
        let rest = text.get(at..)?;
        let (opening, closing) = if rest.starts_with("<?") {
            ("<?", "?>")
        } else if rest.starts_with("<!--") {
            ("<!--", "-->")
        } else if rest.starts_with("<!") {
            return None;
        } else {
            return Some(at);
        };
        at += opening.len();
        at += text.get(at..)?.find(closing)? + closing.len();
    }
}

/// Reads a packet as far as it is well-formed. A packet above [`MAX_PACKET`] reads as empty.
pub(super) fn read(text: &str) -> Packet {
    let mut walk = Walk::default();
    if text.len() <= MAX_PACKET
        && let Some(start) = root_start(text)
    {
        walk.run(text, start);
    }
    walk.packet
}

#[derive(Default)]
struct Walk {
    packet: Packet,
    depth: usize,
    /// Depth of the `rdf:RDF` element.
    rdf: Option<usize>,
    /// The property element that is open, with its depth.
    open: Option<(usize, Property)>,
}

impl Walk {
    fn run(&mut self, text: &str, start: usize) {
        let Some(body) = text.get(start..) else { return };
        let mut reader = NsReader::from_str(body);
        reader.config_mut().allow_dangling_amp = true;
        loop {
            let from = position(start, reader.buffer_position());
            let Ok(event) = reader.read_event() else { return };
            let to = position(start, reader.buffer_position());
            match event {
                Event::Start(element) => {
                    self.start(&reader, &element, None);
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return;
                    }
                }
                Event::Empty(element) => self.start(&reader, &element, Some(&(from..to))),
                Event::End(element) => {
                    self.depth = self.depth.saturating_sub(1);
                    self.end(&reader, element.name(), from);
                }
                Event::Text(text) => self.text(&text.into_inner()),
                Event::CData(text) => self.text(&text.into_inner()),
                Event::GeneralRef(entity) => match entity.resolve_char_ref() {
                    Ok(Some(c)) => self.text(c.encode_utf8(&mut [0; 4])),
                    _ => {
                        let name = entity.into_inner();
                        match resolve_xml_entity(&name) {
                            Some(known) => self.text(known),
                            None => self.text(&format!("&{name};")),
                        }
                    }
                },
                Event::DocType(_) | Event::Eof => return,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
            if self.depth == 0 {
                self.packet.complete = true;
                return;
            }
        }
    }

    /// A start tag; `whole` is its place in the packet if the element is empty.
    fn start(&mut self, reader: &NsReader<&[u8]>, element: &BytesStart<'_>, whole: Option<&Range<usize>>) {
        self.packet.steps += 1;
        let name = if matters(element.local_name().into_inner()) {
            let (namespace, local) = reader.resolver().resolve_element(element.name());
            classify(&namespace, local.into_inner())
        } else {
            Name::Other
        };
        if matches!(name, Name::Rdf) && self.rdf.is_none() {
            self.rdf = Some(self.depth);
            if let Some(whole) = whole {
                self.packet.insertion = Some(Insertion {
                    range: whole.end - 2..whole.end,
                    before: ">",
                    after: format!("</{}>", element.name().into_inner()),
                });
            }
        }
        let level = self.rdf.and_then(|rdf| self.depth.checked_sub(rdf));
        let mut property = match name {
            Name::Property(kind, foreign)
                if self.open.is_none() && (kind == Kind::Aigc || level == Some(2)) =>
            {
                Some(Property { kind, value: String::new(), foreign })
            }
            _ => None,
        };
        // Duplicate attributes are not looked for: that check is quadratic.
        for attribute in element.attributes().with_checks(false).map_while(Result::ok) {
            self.packet.steps += 1;
            // A declaration of the prefix `AIGC` is no property of that name.
            let declaration = attribute.key.as_namespace_binding().is_some();
            if declaration || !matters(attribute.key.local_name().into_inner()) {
                continue;
            }
            let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
            let value =
                || unescape(&attribute.value).map_or_else(|_| attribute.value.to_string(), |v| v.to_string());
            match classify(&namespace, local.into_inner()) {
                Name::Property(kind, foreign) if kind == Kind::Aigc || level == Some(1) => {
                    self.found(Property { kind, value: value(), foreign });
                }
                Name::Resource => {
                    if let Some(property) = &mut property {
                        property.value = value();
                    }
                }
                Name::About if level == Some(1) && self.packet.about.is_none() => {
                    self.packet.about = Some(value());
                }
                _ => {}
            }
        }
        match property {
            Some(property) if whole.is_some() => self.found(property),
            Some(property) => self.open = Some((self.depth, property)),
            None => {}
        }
    }

    fn end(&mut self, reader: &NsReader<&[u8]>, name: QName<'_>, from: usize) {
        if self.open.as_ref().is_some_and(|(depth, _)| *depth == self.depth)
            && let Some((_, property)) = self.open.take()
        {
            self.found(property);
        }
        if self.rdf == Some(self.depth) && self.packet.insertion.is_none() {
            let (namespace, local) = reader.resolver().resolve_element(name);
            if matches!(classify(&namespace, local.into_inner()), Name::Rdf) {
                self.packet.insertion =
                    Some(Insertion { range: from..from, before: "", after: String::new() });
            }
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, property)) = &mut self.open {
            property.value.push_str(text);
        }
    }

    fn found(&mut self, mut property: Property) {
        let same = self.packet.properties.iter().filter(|known| known.kind == property.kind).count();
        if same < MAX_OF_A_KIND {
            property.value = property.value.trim().to_owned();
            self.packet.properties.push(property);
        }
    }
}

fn position(start: usize, in_body: u64) -> usize {
    usize::try_from(in_body).map_or(usize::MAX, |at| start.saturating_add(at))
}

/// An `rdf:Description` that declares every prefix it uses, so that it fits into any packet.
fn description(about: &str, aigc_json: Option<&str>, source_type: Option<DigitalSourceType>) -> String {
    let mut namespaces = String::new();
    let mut properties = String::new();
    if let Some(json) = aigc_json {
        namespaces += &format!(" xmlns:TC260=\"{TC260}\"");
        properties += &format!("<TC260:AIGC>{}</TC260:AIGC>", escape(json));
    }
    if let Some(source_type) = source_type {
        namespaces += &format!(" xmlns:Iptc4xmpExt=\"{IPTC_EXT}\"");
        let uri = source_type.uri();
        properties += &format!("<Iptc4xmpExt:DigitalSourceType>{uri}</Iptc4xmpExt:DigitalSourceType>");
    }
    let about = escape(about);
    format!(
        "<rdf:Description xmlns:rdf=\"{RDF}\"{namespaces} rdf:about=\"{about}\">\
         {properties}</rdf:Description>"
    )
}

/// A new packet with the given labels.
pub(super) fn new_packet(aigc_json: Option<&str>, source_type: Option<DigitalSourceType>) -> String {
    let description = description("", aigc_json, source_type);
    format!(
        "<?xpacket begin=\"\u{FEFF}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"{RDF}\">{description}</rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>"
    )
}

/// The packet `text` with the given labels added before the end of its RDF, every other byte kept. `None` if
/// the packet is not well-formed or has no RDF.
pub(super) fn merged(
    text: &str,
    aigc_json: Option<&str>,
    source_type: Option<DigitalSourceType>,
) -> Option<String> {
    let packet = read(text);
    let insertion = packet.insertion.filter(|_| packet.complete)?;
    let description = description(&packet.about.unwrap_or_default(), aigc_json, source_type);
    let (head, tail) = (text.get(..insertion.range.start)?, text.get(insertion.range.end..)?);
    Some(format!("{head}{}{description}{}{tail}", insertion.before, insertion.after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(body: &str) -> String {
        format!("<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{RDF}'>{body}</rdf:RDF></x:xmpmeta>")
    }

    fn values(text: &str) -> Vec<(Kind, String)> {
        read(text).properties.into_iter().map(|p| (p.kind, p.value)).collect()
    }

    #[test]
    fn reads_every_way_to_write_a_property() {
        let uri = DigitalSourceType::TrainedAlgorithmicMedia.uri();
        for body in [
            format!(
                "<rdf:Description xmlns:q='{IPTC_EXT}'>\
                 <q:DigitalSourceType> {uri} </q:DigitalSourceType></rdf:Description>"
            ),
            format!("<rdf:Description xmlns:q='{IPTC_EXT}' q:DigitalSourceType='{uri}'/>"),
            format!(
                "<rdf:Description xmlns:q='{IPTC_EXT}'>\
                 <q:DigitalSourceType rdf:resource='{uri}'/></rdf:Description>"
            ),
            format!(
                "<rdf:Description><DigitalSourceType xmlns='{IPTC_EXT}'>\
                 <![CDATA[{uri}]]></DigitalSourceType></rdf:Description>"
            ),
        ] {
            assert_eq!(values(&packet(&body)), [(Kind::SourceType, uri.clone())], "{body}");
        }
        for body in [
            format!(
                "<rdf:Description xmlns:t='{TC260}'>\
                 <t:AIGC>{{&quot;a&quot;:&#34;b&#x22;}}</t:AIGC></rdf:Description>"
            ),
            format!("<rdf:Description xmlns:t='{TC260}' t:AIGC='{{&quot;a&quot;:\"b\"}}'/>"),
            format!(
                "<rdf:Description xmlns:t='{}'><t:AIGC>{{\"a\":\"b\"}}</t:AIGC></rdf:Description>",
                TC260.trim_end_matches('/')
            ),
        ] {
            assert_eq!(values(&packet(&body)), [(Kind::Aigc, "{\"a\":\"b\"}".to_owned())], "{body}");
        }
        let foreign = packet("<rdf:Description xmlns:t='urn:x'><t:AIGC>{}</t:AIGC></rdf:Description>");
        assert!(read(&foreign).properties[0].foreign);
    }

    #[test]
    fn a_part_of_the_picture_does_not_speak_for_it() {
        let body = format!(
            "<rdf:Description xmlns:q='{IPTC_EXT}'><q:Ingredients><rdf:Bag><rdf:li q:DigitalSourceType='x'/>\
             <rdf:li><q:DigitalSourceType>y</q:DigitalSourceType></rdf:li></rdf:Bag>\
             </q:Ingredients></rdf:Description>"
        );
        assert_eq!(values(&packet(&body)), []);
        let elsewhere = format!("<rdf:Description xmlns:q='urn:other' q:DigitalSourceType='{IPTC_EXT}'/>");
        assert_eq!(values(&packet(&elsewhere)), []);
    }

    #[test]
    fn hostile_packets_end() {
        let entities = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
        assert_eq!(read(entities), Packet::default());
        let deep = "<a>".repeat(100_000);
        assert!(read(&deep).properties.is_empty());
        let wide = format!("<a {}/>", (0..60_000).map(|i| format!("a{i}='' ")).collect::<String>());
        assert!(read(&wide).properties.is_empty());
        let bindings =
            format!("<a {}/>", (0..40_000).map(|i| format!("xmlns:a{i}='u' ")).collect::<String>());
        assert!(read(&bindings).properties.is_empty());
        assert_eq!(read(&" ".repeat(MAX_PACKET + 1)), Packet::default());
        let many =
            format!("<rdf:Description xmlns:t='{TC260}'><t:AIGC>1</t:AIGC></rdf:Description>").repeat(50);
        assert_eq!(read(&packet(&many)).properties.len(), MAX_OF_A_KIND);
        for text in ["", "<", "<?", "<!--", "no markup", "<a", "<a>&", "</a>", "<a></b>"] {
            assert!(read(text).properties.is_empty(), "{text}");
            assert_eq!(merged(text, Some("{}"), None), None, "{text}");
        }
    }

    #[test]
    fn merging_keeps_every_other_byte() {
        let source = DigitalSourceType::CompositeWithTrainedAlgorithmicMedia;
        let about =
            "<rdf:Description rdf:about='uuid:1&amp;2' xmlns:d='urn:d'><d:x>\u{4E2D}</d:x></rdf:Description>";
        for text in [
            packet(about),
            packet(about).replace("rdf:", "r:").replace("xmlns:rdf", "xmlns:r"),
            format!("<?xml version=\"1.0\"?><?xpacket begin=''??>{}<?xpacket end='w'?>  ", packet("")),
            format!("<rdf:RDF xmlns:rdf='{RDF}'/>"),
        ] {
            let json = "{\"a\":\"<&>\"}";
            let new = merged(&text, Some(json), Some(source)).unwrap();
            assert_eq!(
                values(&new),
                [(Kind::Aigc, json.to_owned()), (Kind::SourceType, source.uri())],
                "{new}"
            );
            let inserted = description(&read(&text).about.unwrap_or_default(), Some(json), Some(source));
            let restored = new.replace(&inserted, "").replace("></rdf:RDF>", "/>");
            assert!(new.replace(&inserted, "") == text || restored == text, "{new}");
        }
        assert!(merged(&packet(about), Some("{}"), None).unwrap().contains("rdf:about=\"uuid:1&amp;2\">"));
    }
}
