//! What a PDF file (ISO 32000-2) says about itself under a name, and the packets in it.
//!
//! The objects are not resolved: the file is searched from its first byte to its last for the names, wherever they
//! stand. That finds them in files whose tables are damaged, too.

use super::find;

/// What opens a file.
pub const SIGNATURE: &[u8] = b"%PDF-";
/// How far before its end a file says where its table of objects stands.
const TRAILER: usize = 2048;
/// How many names and packets one search looks at.
pub const MAX_FOUND: usize = 4096;
/// How far behind the name of an object stream its data begins.
const DICTIONARY: usize = 2048;
/// What opens and ends an XMP packet.
const PACKET: &[u8] = b"<?xpacket begin";
const END: &[u8] = b"<?xpacket end";
/// How deep brackets stand in a text.
const MAX_BRACKETS: usize = 64;

/// Whether the bytes begin and end like a file: one that breaks off is none.
#[must_use]
pub fn is_pdf(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(TRAILER)..).unwrap_or_default();
    bytes.starts_with(SIGNATURE) && find(tail, b"startxref").is_some()
}

/// Something that stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// A name that was searched for with what follows it, and its offset.
    Value(usize, &'a [u8]),
    /// An XMP packet and its offset.
    Packet(usize, &'a [u8]),
    /// Compressed objects, and the offset of their name.
    Objects(usize, &'a [u8]),
}

/// The values under `name`, the packets and the object streams, as long as [`MAX_FOUND`] beginnings of them suffice. A
/// packet that is longer than `limit` is left out.
pub fn search<'a>(bytes: &'a [u8], name: &'static [u8], limit: usize) -> impl Iterator<Item = Found<'a>> {
    let (mut at, mut left) = (0, MAX_FOUND);
    // Where the next packet ends, so that no byte is searched for it twice; and whether there is a further one.
    let (mut next_end, mut ends) = (0, true);
    std::iter::from_fn(move || {
        loop {
            at += bytes.get(at..)?.iter().position(|byte| matches!(byte, b'/' | b'<'))?;
            let (offset, rest) = (at, bytes.get(at..)?);
            at += 1;
            if let Some(value) = named(rest, name) {
                left = usize::checked_sub(left, 1)?;
                return Some(Found::Value(offset, value));
            }
            if let Some(rest) = named(rest, b"/ObjStm") {
                left = usize::checked_sub(left, 1)?;
                let window = rest.get(..rest.len().min(DICTIONARY)).unwrap_or_default();
                if let Some(data) = find(window, b"stream").and_then(|start| rest.get(start + 6..)) {
                    return Some(Found::Objects(offset, data.trim_ascii_start()));
                }
            }
            if ends && rest.starts_with(PACKET) {
                if next_end < offset {
                    let found = find(rest, END);
                    (next_end, ends) = (offset + found.unwrap_or(0), found.is_some());
                }
                let packet = bytes.get(offset..next_end).filter(|packet| (1..=limit).contains(&packet.len()));
                if let Some(packet) = packet {
                    left = usize::checked_sub(left, 1)?;
                    at = next_end;
                    return Some(Found::Packet(offset, packet));
                }
            }
        }
    })
}

/// What follows `name`, if the bytes begin with it and no longer one.
fn named<'a>(bytes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = bytes.strip_prefix(name)?;
    let longer =
        rest.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    (!longer).then_some(rest)
}

/// The bytes of the text (7.3.4) that the bytes begin with, at most `limit` of them; and how many were looked at.
#[must_use]
pub fn string(bytes: &[u8], limit: usize) -> (Option<Vec<u8>>, usize) {
    // Every byte of a text is written in four at most; a line may be broken anywhere.
    let window = bytes.get(..bytes.len().min(limit.saturating_mul(4).saturating_add(2))).unwrap_or_default();
    let mut rest = window.iter().copied().skip_while(u8::is_ascii_whitespace);
    let text = match rest.next() {
        Some(b'(') => literal(&mut rest, limit),
        Some(b'<') => hexadecimal(&mut rest, limit),
        _ => None,
    };
    (text, window.len() - rest.count())
}

fn literal(bytes: &mut impl Iterator<Item = u8>, limit: usize) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut open = 0;
    let mut rest = bytes.peekable();
    while let Some(byte) = rest.next().filter(|_| text.len() <= limit) {
        match byte {
            b')' if open == 0 => return Some(text).filter(|text| text.len() <= limit),
            b'\\' => match rest.next()? {
                b'n' => text.push(b'\n'),
                b'r' => text.push(b'\r'),
                b't' => text.push(b'\t'),
                b'b' => text.push(8),
                b'f' => text.push(12),
                // The end of a line behind a backslash is no part of the text.
                b'\r' => {
                    rest.next_if_eq(&b'\n');
                }
                b'\n' => {}
                first @ b'0'..=b'7' => {
                    let mut code = u32::from(first - b'0');
                    for _ in 0..2 {
                        let digit = rest.next_if(|byte| matches!(byte, b'0'..=b'7'));
                        code = digit.map_or(code, |digit| code * 8 + u32::from(digit - b'0'));
                    }
                    text.push(code.to_le_bytes()[0]);
                }
                other => text.push(other),
            },
            byte => {
                open = match byte {
                    b'(' if open < MAX_BRACKETS => open + 1,
                    b'(' => return None,
                    b')' => open - 1,
                    _ => open,
                };
                text.push(byte);
            }
        }
    }
    None
}

fn hexadecimal(bytes: &mut impl Iterator<Item = u8>, limit: usize) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut high = None;
    for byte in bytes.filter(|byte| !byte.is_ascii_whitespace()) {
        if byte == b'>' {
            // A missing last digit is zero.
            text.extend(high.map(|high| high << 4));
            return Some(text).filter(|text| text.len() <= limit);
        }
        let digit = u8::try_from(char::from(byte).to_digit(16)?).ok()?;
        match high.take() {
            Some(high) if text.len() < limit => text.push(high << 4 | digit),
            Some(_) => return None,
            None => high = Some(digit),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_escapes_brackets_and_digits() {
        let read = |text: &[u8]| string(text, 100).0;
        assert_eq!(read(b" ({\"a\":\"(b)\\)\"}\\\n\\101\\0)x").unwrap(), b"{\"a\":\"(b))\"}A\0");
        assert_eq!(read(b"<7B 7d4>").unwrap(), b"{}@");
        for bad in [&b"(never ends"[..], b"(ends in\\", b"<7g>", b"<7B", b"/Name", b"", b"((((a)"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        for long in [&b"(four)"[..], b"<41424344>", &[b'('; 1000], &[b' '; 1000]] {
            let (text, looked_at) = string(long, 3);
            assert!(text.is_none() && looked_at <= 14, "{long:?}: {text:?}, {looked_at}");
        }
    }

    #[test]
    fn names_packets_and_object_streams_are_found_in_their_order() {
        let file =
            b"%PDF-1.7\n1 0 obj<</AIGCX(no)/AIGC (yes)>>endobj\n<?xpacket begin='x'?><x/><?xpacket end='w'?>\
            2 0 obj<</Type/ObjStm/N 1>>stream\r\ndata endstream startxref 9 %%EOF";
        let found: Vec<_> = search(file, b"/AIGC", 1000).collect();
        assert_eq!(found.len(), 3);
        assert!(matches!(found[0], Found::Value(28, value) if value.starts_with(b" (yes)")));
        assert!(matches!(found[1], Found::Packet(_, b"<?xpacket begin='x'?><x/>")));
        assert!(matches!(found[2], Found::Objects(_, data) if data.starts_with(b"data ")));
        assert_eq!(search(file, b"/AIGC", 20).count(), 2, "the packet is too long");
        assert!(is_pdf(file) && !is_pdf(&file[..90]));
        assert_eq!(search(&b"/AIGC".repeat(2 * MAX_FOUND), b"/AIGC", 10).count(), MAX_FOUND);
    }
}
