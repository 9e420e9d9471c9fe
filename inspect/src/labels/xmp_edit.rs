//! Changes the text of the `AIGC` property in an XMP packet and leaves every other byte as it is.

use quick_xml::{
    NsReader,
    escape::{escape, unescape},
    events::Event,
};
use std::ops::Range;

/// The deepest nesting that is followed.
const MAX_DEPTH: usize = 64;
const CDATA: (&str, &str) = ("<![CDATA[", "]]>");

/// `packet` with the text of its `AIGC` property replaced by what `change` makes of it. `None` if the packet is not
/// well-formed, has no such property or several, or if `change` gives nothing.
pub(super) fn changed(packet: &str, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    let place = only_value(packet)?;
    let raw = packet.get(place.clone())?;
    let cdata = raw.trim().strip_prefix(CDATA.0).and_then(|text| text.strip_suffix(CDATA.1));
    let new = match cdata {
        Some(text) if !text.contains(CDATA.1) => {
            // The text cannot end the section: a label's JSON has no bracket before a bracket, or it is refused.
            let new = change(text).filter(|new| !new.contains(CDATA.1))?;
            format!("{}{new}{}", CDATA.0, CDATA.1)
        }
        Some(_) => return None,
        None if raw.contains('<') => return None,
        None => {
            let text = unescape(raw).ok()?;
            escape(change(&text).or_else(|| twice(&text, &change))?).into_owned()
        }
    };
    let (head, tail) = (packet.get(..place.start)?, packet.get(place.end..)?);
    Some([head, &new, tail].concat())
}

/// Text whose entities were encoded twice.
fn twice(text: &str, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    let decoded = text.contains("&quot;").then(|| unescape(text).ok()).flatten()?;
    Some(escape(change(&decoded)?).into_owned())
}

/// Where the value of the only `AIGC` property stands: the content of an element or the value of an attribute.
fn only_value(packet: &str) -> Option<Range<usize>> {
    let start = super::xmp::root_start(packet)?;
    let body = packet.get(start..)?;
    let mut reader = NsReader::from_str(body);
    reader.config_mut().allow_dangling_amp = true;
    let at = |reader: &NsReader<&[u8]>| Some(start + usize::try_from(reader.buffer_position()).ok()?);
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open = None;
    let mut depth = 0_usize;
    loop {
        let from = at(&reader)?;
        let event = reader.read_event().ok()?;
        let to = at(&reader)?;
        match event {
            Event::Start(ref element) | Event::Empty(ref element) => {
                let is_start = matches!(event, Event::Start(_));
                for attribute in element.attributes().with_checks(false) {
                    let attribute = attribute.ok()?;
                    // The prefix itself may be called `AIGC`: its declaration is no property.
                    let declaration = attribute.key.as_namespace_binding().is_some();
                    let named = attribute.key.local_name().into_inner() == "AIGC";
                    if named && attribute.key.prefix().is_some() && !declaration {
                        let value: &str = &attribute.value;
                        let tag = packet.get(from..to)?;
                        let offset = (value.as_ptr() as usize).checked_sub(packet.as_ptr() as usize);
                        // The value is borrowed from the packet; otherwise its place is looked for in the tag.
                        let place = match offset.filter(|&at| at >= from && at + value.len() <= to) {
                            Some(at) => at..at + value.len(),
                            None => {
                                let at = from + tag.find(value)?;
                                at..at + value.len()
                            }
                        };
                        found.push(place);
                    }
                }
                if is_start {
                    if open.is_none() && element.local_name().into_inner() == "AIGC" {
                        open = Some((depth, to));
                    }
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return None;
                    }
                }
            }
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                if let Some((opened, content)) = open
                    && opened == depth
                {
                    found.push(content..from);
                    open = None;
                }
            }
            Event::DocType(_) => return None,
            Event::Eof => break,
            _ => {}
        }
        if depth == 0 && matches!(event, Event::End(_)) {
            break;
        }
    }
    let only = found.pop()?;
    found.is_empty().then_some(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

    fn upper(text: &str) -> Option<String> {
        text.starts_with('{').then(|| text.to_uppercase())
    }

    #[test]
    fn only_the_text_changes() {
        let cases = [
            ("<t:AIGC>{&quot;a&quot;}</t:AIGC>", "<t:AIGC>{&quot;A&quot;}</t:AIGC>"),
            ("<t:AIGC><![CDATA[{\"a\"}]]></t:AIGC>", "<t:AIGC><![CDATA[{\"A\"}]]></t:AIGC>"),
            ("<t:AIGC>{&#34;a\"}</t:AIGC>", "<t:AIGC>{&quot;A&quot;}</t:AIGC>"),
            ("<t:x q='{a}' t:AIGC='{a}'/>", "<t:x q='{a}' t:AIGC='{A}'/>"),
            ("<t:x t:AIGC=\"{&quot;a}\"> a </t:x>", "<t:x t:AIGC=\"{&quot;A}\"> a </t:x>"),
            ("<t:AIGC>&amp;quot;{a}</t:AIGC><t:b>{a}</t:b>", ""),
        ];
        for (old, new) in cases {
            let around = |body: &str| {
                format!(
                    "<?xpacket begin=''??><r:RDF xmlns:r='{RDF}' xmlns:t='urn:t'>{body}</r:RDF><?xpacket end='w'?>"
                )
            };
            let expected = (!new.is_empty()).then(|| around(new));
            assert_eq!(changed(&around(old), upper), expected, "{old}");
        }
    }

    #[test]
    fn unclear_packets_are_left_alone() {
        for body in [
            "",
            "<t:AIGC>{}</t:AIGC><t:AIGC>{}</t:AIGC>",
            "<t:AIGC>{<b/>}</t:AIGC>",
            "<t:AIGC/>",
            "<t:AIGC>{}",
        ] {
            let packet = format!("<r:RDF xmlns:r='{RDF}' xmlns:t='urn:t'>{body}</r:RDF>");
            assert_eq!(changed(&packet, upper), None, "{body}");
        }
        assert_eq!(changed(&"<a>".repeat(100_000), upper), None);
        assert_eq!(changed("<!DOCTYPE a [<!ENTITY b 'c'>]><a><t:AIGC>{}</t:AIGC></a>", upper), None);
    }
}
