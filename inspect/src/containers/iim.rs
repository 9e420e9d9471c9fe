//! IPTC-IIM datasets, alone or in an image resource of Photoshop, where JPEG and TIFF keep them (IPTC-NAA Information
//! Interchange Model 4.2, chapter 1; Adobe Photoshop File Formats Specification, "Image Resources Section").

/// What opens an APP13 segment of JPEG with image resources. A long section is continued in further segments, each
/// with this header.
pub const PHOTOSHOP_HEADER: &[u8] = b"Photoshop 3.0\0";
/// Number of the resource with IPTC-IIM datasets.
pub const IPTC_RESOURCE: u16 = 0x0404;
/// What opens a resource.
const RESOURCE: &[u8] = b"8BIM";
/// What opens a dataset.
const TAG_MARKER: u8 = 0x1C;

/// An image resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource<'a> {
    /// Number that tells what it holds.
    pub id: u16,
    /// Offset of its data.
    pub offset: usize,
    /// Its data without padding.
    pub data: &'a [u8],
}

/// A dataset: one value of one property. Properties that may have several values are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dataset<'a> {
    /// Record; 2 is the application record.
    pub record: u8,
    /// Number of the property in its record.
    pub number: u8,
    /// Offset of the tag marker.
    pub offset: usize,
    /// Its value.
    pub data: &'a [u8],
}

/// The image resources that stand one behind the other.
pub fn resources(bytes: &[u8]) -> impl Iterator<Item = Resource<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..)?.strip_prefix(RESOURCE)?;
        let (id, rest) = rest.split_first_chunk()?;
        // A name with its length before it, both together padded to an even length.
        let name = (usize::from(*rest.first()?) + 1).next_multiple_of(2);
        let (size, rest) = rest.get(name..)?.split_first_chunk()?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        let data = rest.get(..size)?;
        let offset = bytes.len() - rest.len();
        at = offset + size.next_multiple_of(2);
        Some(Resource { id: u16::from_be_bytes(*id), offset, data })
    })
}

/// The datasets that stand one behind the other.
pub fn datasets(bytes: &[u8]) -> impl Iterator<Item = Dataset<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (head, rest) = bytes.get(at..)?.split_first_chunk::<5>()?;
        let [TAG_MARKER, record, number, high, low] = *head else { return None };
        let (length, rest) = match u16::from_be_bytes([high, low]) {
            // An extended dataset says in so many bytes how long it is.
            count @ 0x8000.. => {
                let count = usize::from(count & 0x7FFF);
                let (length, rest) = rest.split_at_checked(count).filter(|_| count <= 4)?;
                (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
            }
            length => (usize::from(length), rest),
        };
        let data = rest.get(..length)?;
        let offset = std::mem::replace(&mut at, bytes.len() - rest.len() + length);
        Some(Dataset { record, number, offset, data })
    })
}
