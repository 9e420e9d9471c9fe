//! The trailer that Samsung phones append to pictures ("SEF"): named blocks, then a directory that counts its way back
//! to them. Blocks about edits say in JSON whether generative AI took part.
//!
//! Layout as published by ExifTool's documentation of the Samsung trailer; no specification is public.

use crate::containers::le32;

/// Block about an edit.
const EDIT_BLOCK: &[u8] = b"PEg_Info";
/// How many blocks are looked at.
const MAX_BLOCKS: usize = 64;
/// The longest block that is read.
const MAX_BLOCK: usize = 64 << 10;
/// How far before the end the directory's closing word may stand.
const CLOSING_WINDOW: usize = 16;
/// How far before the end a block is looked for when there is no whole directory.
const LOOSE_WINDOW: usize = 16 << 10;

/// An edit block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EditBlock<'a> {
    /// Offset in the bytes that were searched.
    pub(super) offset: usize,
    /// Its JSON text.
    pub(super) text: &'a [u8],
}

/// The edit block in a trailer at the end of `bytes`.
pub(super) fn edit_block(bytes: &[u8]) -> Option<EditBlock<'_>> {
    in_directory(bytes).or_else(|| loose(bytes))
}

fn in_directory(bytes: &[u8]) -> Option<EditBlock<'_>> {
    let window = bytes.len().saturating_sub(CLOSING_WINDOW);
    let closing = window + bytes.get(window..)?.windows(4).rposition(|w| w == b"SEFT")?;
    let length_at = closing.checked_sub(4)?;
    let start = length_at.checked_sub(usize::try_from(le32(bytes, length_at)?).ok()?)?;
    let directory = bytes.get(start..length_at)?.strip_prefix(b"SEFH")?;
    // Version, count, then per block: two bytes, type, distance back from the directory, length.
    let count = usize::try_from(le32(directory, 4)?).ok()?.min(MAX_BLOCKS);
    directory.get(8..)?.as_chunks::<12>().0.iter().take(count).find_map(|entry| {
        let number = |at| le32(entry, at).and_then(|n| usize::try_from(n).ok());
        let (back, length) = (number(4)?, number(8)?);
        let offset = start.checked_sub(back)?;
        let block = bytes.get(offset..offset.checked_add(length)?)?;
        // Two bytes, type, length of the name, name, contents.
        let name = usize::try_from(le32(block, 4)?).ok()?;
        let named = block.get(8..8_usize.checked_add(name)?)?.starts_with(EDIT_BLOCK);
        let text = block.get(8 + name..).filter(|text| named && text.len() <= MAX_BLOCK)?;
        Some(EditBlock { offset, text })
    })
}

/// A block without its directory: the name, then JSON at once.
fn loose(bytes: &[u8]) -> Option<EditBlock<'_>> {
    let window = bytes.len().saturating_sub(LOOSE_WINDOW);
    let tail = bytes.get(window..)?;
    let at =
        tail.windows(EDIT_BLOCK.len() + 1).rposition(|w| w.starts_with(EDIT_BLOCK) && w.ends_with(b"{"))?;
    Some(EditBlock { offset: window + at, text: tail.get(at + EDIT_BLOCK.len()..)? })
}

/// Whether an edit block says that generative AI took part: `genAIType` other than zero.
pub(super) fn is_generative(text: &str) -> bool {
    let value = text.find('{').and_then(|start| {
        let mut values =
            serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<serde_json::Value>();
        values.next()?.ok()
    });
    value
        .as_ref()
        .and_then(|v| v.get("genAIType"))
        .and_then(serde_json::Value::as_i64)
        .is_some_and(|kind| kind != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn trailer(blocks: &[(&str, &str)]) -> Vec<u8> {
        let mut data = Vec::new();
        let mut starts = Vec::new();
        for (name, text) in blocks {
            let start = data.len();
            data.extend([0, 0, 1, 0x0A]);
            data.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
            data.extend([name.as_bytes(), text.as_bytes()].concat());
            starts.push((start, data.len() - start));
        }
        let at = data.len();
        let mut directory = b"SEFH\x6B\0\0\0".to_vec();
        directory.extend(u32::try_from(blocks.len()).unwrap().to_le_bytes());
        for (start, length) in starts {
            directory.extend([0, 0, 1, 0x0A]);
            directory.extend(u32::try_from(at - start).unwrap().to_le_bytes());
            directory.extend(u32::try_from(length).unwrap().to_le_bytes());
        }
        let length = u32::try_from(directory.len()).unwrap();
        [&data[..], &directory, &length.to_le_bytes(), b"SEFT"].concat()
    }

    #[test]
    fn edit_blocks_are_found_through_the_directory_or_without_it() {
        let json = "{\"reEditable\":true,\"genAIType\":8}";
        let file = [b"picture".to_vec(), trailer(&[("Image_UTC_Data", "17"), ("PEg_Info", json)])].concat();
        let found = edit_block(&file).unwrap();
        assert_eq!(found.text, json.as_bytes());
        assert_eq!(&file[found.offset + 8..][..8], b"PEg_Info");
        let loose = [b"picture", "PEg_Info".as_bytes(), json.as_bytes(), b"SEFH"].concat();
        let found = edit_block(&loose).unwrap();
        assert_eq!(found.offset, 7);
        assert!(is_generative(&String::from_utf8_lossy(found.text)));
        for (json, generative) in
            [("{\"genAIType\":0}", false), ("{}", false), ("", false), ("{\"genAIType\":1}", true)]
        {
            assert_eq!(is_generative(json), generative, "{json}");
        }
        for cut in 0..file.len() {
            let _ = edit_block(&file[..cut]);
        }
        assert_eq!(edit_block(b"SEFT"), None);
        assert_eq!(edit_block(b"SEFH\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFSEFT"), None);
    }
}
