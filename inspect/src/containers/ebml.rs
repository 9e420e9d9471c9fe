//! Tags of Matroska and WebM files (EBML, RFC 8794; Matroska, RFC 9559, "Tags").
//!
//! The elements that tags stand in are walked down, all others are stepped over by their sizes. A segment or cluster of
//! unknown size, as live streams have them, is entered. Nothing recurses: the walk is one cursor.

/// The element that opens a file.
pub const SIGNATURE: [u8; 4] = [0x1A, 0x45, 0xDF, 0xA3];
/// How many elements one walk visits. A file of an hour has a few thousand on the levels that are walked.
pub const MAX_ELEMENTS: usize = 65_536;

const HEADER: u32 = 0x1A45_DFA3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
const TAGS: u32 = 0x1254_C367;
const TAG: u32 = 0x7373;
const SIMPLE_TAG: u32 = 0x67C8;
const TAG_NAME: u32 = 0x45A3;
const TAG_STRING: u32 = 0x4487;

/// A tag: a name and a text, both UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimpleTag<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its text.
    pub text: &'a [u8],
    /// Offset of the element with the text.
    pub offset: usize,
}

/// Iterator over the tags of a file.
#[derive(Debug, Clone)]
pub struct SimpleTags<'a> {
    elements: Elements<'a>,
    name: Option<&'a [u8]>,
    text: Option<(usize, &'a [u8])>,
}

/// The tags of a file, those of tracks, chapters and attachments included.
#[must_use]
pub const fn simple_tags(bytes: &[u8]) -> SimpleTags<'_> {
    SimpleTags { elements: Elements { bytes, at: 0, left: MAX_ELEMENTS }, name: None, text: None }
}

/// What kind of file it is: `matroska` or `webm`.
#[must_use]
pub fn doc_type(bytes: &[u8]) -> Option<&[u8]> {
    let mut elements = Elements { bytes, at: 0, left: MAX_ELEMENTS };
    elements.find(|element| element.id == DOC_TYPE).map(|element| element.data)
}

/// The elements of a file: parents that tags or the kind of file stand in, each followed by its children, and leaves.
#[derive(Debug, Clone)]
struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
    left: usize,
}

struct Element<'a> {
    id: u32,
    offset: usize,
    /// Empty for parents that are entered.
    data: &'a [u8],
}

/// A number of variable size at `at`, and how many bytes it has; its marker is kept or not. `None` as the number: all
/// bits are set, which stands for unknown.
fn number(bytes: &[u8], at: usize, most: u32, marked: bool) -> Option<(Option<u64>, usize)> {
    let first = *bytes.get(at)?;
    let length = first.leading_zeros() + 1;
    if length > most {
        return None;
    }
    let mask = 0xFF_u64 >> length;
    let start = if marked { u64::from(first) } else { u64::from(first) & mask };
    let size = length as usize;
    let rest = bytes.get(at.checked_add(1)?..at.checked_add(size)?)?;
    let value = rest.iter().fold(start, |sum, byte| sum << 8 | u64::from(*byte));
    let unknown = !marked && value == (1 << (7 * length)) - 1;
    Some(((!unknown).then_some(value), size))
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        self.left = self.left.checked_sub(1)?;
        let offset = self.at;
        let (id, id_size) = number(self.bytes, offset, 4, true)?;
        let id = u32::try_from(id?).ok()?;
        let (size, size_size) = number(self.bytes, offset + id_size, 8, false)?;
        let data_at = offset + id_size + size_size;
        let entered = match size {
            None => matches!(id, SEGMENT | CLUSTER),
            Some(_) => matches!(id, HEADER | SEGMENT | TAGS | TAG | SIMPLE_TAG),
        };
        let end = if entered { data_at } else { data_at.checked_add(usize::try_from(size?).ok()?)? };
        let data = self.bytes.get(data_at..end)?;
        self.at = end;
        Some(Element { id, offset, data })
    }
}

impl<'a> Iterator for SimpleTags<'a> {
    type Item = SimpleTag<'a>;

    fn next(&mut self) -> Option<SimpleTag<'a>> {
        loop {
            let element = self.elements.next()?;
            match element.id {
                SIMPLE_TAG => (self.name, self.text) = (None, None),
                TAG_NAME => self.name = Some(element.data),
                TAG_STRING => self.text = Some((element.offset, element.data)),
                _ => continue,
            }
            if let (Some(name), Some((offset, text))) = (self.name, self.text) {
                (self.name, self.text) = (None, None);
                return Some(SimpleTag { name, text, offset });
            }
        }
    }
}
