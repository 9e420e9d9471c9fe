//! Metadata values of MP4, M4A and QuickTime files: the `ilst` box, with names in `keys` (QuickTime File Format,
//! "Metadata"), in a freeform `----` atom, or as the atom's own type.

use super::{
    be32,
    bmff::{BmffBox, Boxes, children, full, meta_children},
};
use std::borrow::Cow;

/// How many keys are known by name.
pub const MAX_KEYS: usize = 4096;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<'a> {
    /// Key, freeform name, or type of the atom.
    pub name: Cow<'a, str>,
    /// Whether the name is a freeform one.
    pub freeform: bool,
    /// Offset of the atom in the file.
    pub offset: usize,
    /// Well-known type: 1 is UTF-8, 2 is UTF-16, 0 is said to be implied by the name.
    pub kind: u32,
    /// The value's bytes.
    pub data: &'a [u8],
}

/// Iterator over the values of one `meta` box.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    bytes: &'a [u8],
    keys: Vec<&'a [u8]>,
    atoms: Option<Boxes<'a>>,
}

/// The values of a `meta` box of the file `bytes`.
#[must_use]
pub fn values<'a>(bytes: &'a [u8], meta: &BmffBox<'_>) -> Values<'a> {
    let child = |kind: &[u8; 4]| meta_children(bytes, meta).find(|b| b.kind == *kind);
    let keys = child(b"keys").map(|keys| key_names(keys.data)).unwrap_or_default();
    Values { bytes, keys, atoms: child(b"ilst").map(|list| children(bytes, &list, 0)) }
}

/// Names in a `keys` box: each is a size, a namespace and the name.
fn key_names(data: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    let mut rest = full(data).and_then(|(_, _, rest)| rest.get(4..)).unwrap_or_default();
    while let Some(size) = be32(rest, 0).and_then(|size| usize::try_from(size).ok()) {
        let Some(name) = rest.get(8..size).filter(|_| names.len() < MAX_KEYS) else { break };
        names.push(name);
        rest = rest.get(size..).unwrap_or_default();
    }
    names
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        loop {
            let atom = self.atoms.as_mut()?.next()?;
            if let Some(value) = self.value(&atom) {
                return Some(value);
            }
        }
    }
}

impl<'a> Values<'a> {
    fn value(&self, atom: &BmffBox<'_>) -> Option<Value<'a>> {
        let child = |kind: &[u8; 4]| children(self.bytes, atom, 0).find(|b| b.kind == *kind);
        let data = child(b"data")?.data;
        // Type indicator and locale precede the value.
        let (kind, data) = (be32(data, 0)? & 0x00FF_FFFF, data.get(8..)?);
        let freeform = atom.kind == *b"----";
        let named = if freeform {
            Some(full(child(b"name")?.data)?.2)
        } else {
            let index = usize::try_from(u32::from_be_bytes(atom.kind)).ok()?;
            index.checked_sub(1).and_then(|index| self.keys.get(index).copied())
        };
        let name = match named {
            Some(name) => String::from_utf8_lossy(name),
            None => Cow::Owned(atom.kind.iter().map(|&b| char::from(b)).collect()),
        };
        Some(Value { name, freeform, offset: atom.offset, kind, data })
    }
}

impl Value<'_> {
    /// The value as text; `None` if its type says that it is none.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self.kind {
            0 | 1 => Some(String::from_utf8_lossy(self.data).into_owned()),
            2 => {
                let units: Vec<u16> =
                    self.data.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
                Some(String::from_utf16_lossy(&units))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::bmff::{boxed, boxes};

    fn data(kind: u8, value: &[u8]) -> Vec<u8> {
        boxed(*b"data", &[&[0, 0, 0, kind, 0, 0, 0, 0], value].concat()).unwrap()
    }

    #[test]
    fn names_come_from_keys_from_freeform_atoms_or_from_the_type() {
        let keys = [&b"\0\0\0\0\0\0\0\x02"[..], b"\0\0\0\x0Bmdtaone", b"\0\0\0\x0CmdtaAIGC"].concat();
        let free = [
            boxed(*b"mean", b"\0\0\0\0com.apple.iTunes").unwrap(),
            boxed(*b"name", b"\0\0\0\0AIGC").unwrap(),
            data(1, b"free"),
        ]
        .concat();
        let list = [
            boxed([0, 0, 0, 2], &data(1, b"{}")).unwrap(),
            boxed(*b"----", &free).unwrap(),
            boxed(*b"\xA9cmt", &data(2, b"\0o\0k")).unwrap(),
            boxed([0, 0, 0, 1], b"no data").unwrap(),
            boxed([0, 0, 0, 1], &data(21, b"\x01")).unwrap(),
        ]
        .concat();
        let meta =
            [boxed(*b"hdlr", b"").unwrap(), boxed(*b"keys", &keys).unwrap(), boxed(*b"ilst", &list).unwrap()];
        let bytes = boxed(*b"meta", &meta.concat()).unwrap();
        let meta = boxes(&bytes).next().unwrap();
        let found: Vec<_> = values(&bytes, &meta).map(|v| (v.name.clone().into_owned(), v.text())).collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            found,
            [
                ("AIGC".to_owned(), text("{}")),
                ("AIGC".to_owned(), text("free")),
                ("\u{A9}cmt".to_owned(), text("ok")),
                ("one".to_owned(), None)
            ]
        );
        let free = values(&bytes, &meta).nth(1).unwrap();
        assert!(free.freeform && bytes[free.offset + 4..].starts_with(b"----"));
    }

    #[test]
    fn hostile_keys_end() {
        let keys = [&b"\0\0\0\0\0\0\0\x02"[..], &b"\0\0\0\x08mdta".repeat(3 * MAX_KEYS)].concat();
        assert_eq!(key_names(&keys).len(), MAX_KEYS);
        for size in [0_u32, 7, 9, u32::MAX] {
            assert!(key_names(&[&[0; 8], &size.to_be_bytes()[..], b"mdta"].concat()).is_empty(), "{size}");
        }
    }
}
