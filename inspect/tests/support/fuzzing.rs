//! Mutated files for the readers of labels and manifests: seeds, mutations that know lengths and magic words, and the bounds that
//! every read must keep. Seeded, so that file number n of a family is the same on every machine.
//!
//! A further family is one more entry of [`families`]: a name, files to start from, and what to do with a mutated one.

#[cfg(feature = "c2pa")]
use crate::manifests::{SIGNED, read_manifest};
use crate::{files::*, formats::*, media_files::*, xorshift::Xorshift};
use touchstone_inspect::{
    containers::{
        bmff::{self, boxed},
        gif, jpeg, png, webp,
    },
    decode::StoredPixels,
    digest::manifest_ranges,
    labels::{MAX_LABELS, MAX_RAW, TEXT_BUDGET, read_labels_counted, read_stealth},
};

/// Files of one kind, and their reader.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    seeds: fn() -> Vec<Vec<u8>>,
    /// Reads a mutated file, holds the reader to its bounds and tells how many labels, or manifests, it found.
    read: fn(&[u8]) -> usize,
}

impl Family {
    /// Whether manifests are read, which takes a signature's check for each file.
    pub(crate) fn reads_manifests(&self) -> bool {
        self.name.starts_with("c2pa")
    }
}

/// What a run has seen.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) files: usize,
    pub(crate) bytes: usize,
    /// Labels in all files: a run that finds none tests little.
    pub(crate) labels: usize,
}

/// Longest mutated file.
const MAX_FILE: usize = 64 << 10;

/// Every family.
pub(crate) fn families() -> Vec<Family> {
    let family = |name, seeds, read| Family { name, seeds, read };
    #[cfg_attr(not(feature = "c2pa"), allow(unused_mut))]
    let mut families = vec![
        family("jpeg", jpegs, read_file),
        family("png", pngs, read_file),
        family("webp", webps, read_file),
        family("gif", gifs, read_file),
        family("tiff", tiffs, read_file),
        family("bmff", videos_and_heifs, read_file),
        family("matroska", matroskas, read_file),
        family("flv", flvs, read_file),
        family("avi", avis, read_file),
        family("pdf", pdfs, read_file),
        family("xmp", packets, |packet| read_file(&webp_file(&chunk(*b"XMP ", packet)))),
        family("gb45438", texts, read_text),
        family("exif", exifs, |exif| read_file(&webp_file(&chunk(*b"EXIF", exif)))),
        family("stealth", pixels, read_pixels),
    ];
    #[cfg(feature = "c2pa")]
    families.extend([
        family("c2pa-jpeg", || signed("image/jpeg"), |file| usize::from(read_manifest(file, "image/jpeg"))),
        family("c2pa-png", || signed("image/png"), |file| usize::from(read_manifest(file, "image/png"))),
        family("c2pa-mp4", || signed("video/mp4"), |file| usize::from(read_manifest(file, "video/mp4"))),
    ]);
    families
}

/// Reads the files `from..from + files` of a family.
pub(crate) fn run(family: &Family, seed: u64, from: usize, files: usize) -> Seen {
    let seeds = (family.seeds)();
    let mut seen = Seen::default();
    for number in from..from + files {
        let file = mutated(&seeds, seed, number);
        if let Some(path) = std::env::var_os("FUZZ_KEEP") {
            std::fs::write(path, &file).unwrap();
        }
        let told = Told { family: family.name, seed, number };
        seen.labels += (family.read)(&file);
        drop(told);
        seen.files += 1;
        seen.bytes += file.len();
    }
    seen
}

/// Tells which file it was if it is dropped while a panic of the reader unwinds.
struct Told {
    family: &'static str,
    seed: u64,
    number: usize,
}

impl Drop for Told {
    #[allow(clippy::print_stderr, reason = "the only way to say which file it was")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("family {}, seed {}, file {}", self.family, self.seed, self.number);
        }
    }
}

pub(crate) fn read_file(bytes: &[u8]) -> usize {
    let (labels, work) = read_labels_counted(bytes);
    assert!(labels.len() <= MAX_LABELS, "{} labels", labels.len());
    for label in &labels {
        assert!(label.raw.len() <= MAX_RAW && usize::try_from(label.offset).unwrap() < bytes.len());
    }
    // Every part has two bytes at least; directories may lie over each other sixteen times, with one for EXIF each.
    assert!(work.parts <= 3 * bytes.len() + 64, "{work:?}");
    assert!(work.parsed + work.inflated <= TEXT_BUDGET + 64, "{work:?}");
    assert!(work.properties <= work.parsed, "{work:?}");
    assert!(manifest_ranges(bytes).windows(2).all(|w| w[0].end < w[1].start));
    labels.len()
}

/// The signed files of a kind.
#[cfg(feature = "c2pa")]
fn signed(kind: &str) -> Vec<Vec<u8>> {
    SIGNED.iter().filter(|(media_type, _)| *media_type == kind).map(|(_, file)| file.to_vec()).collect()
}

/// The text of a label, in a PNG without pixels.
fn read_text(text: &[u8]) -> usize {
    read_file(&[&png::SIGNATURE, &text_chunk(*b"tEXt", "AIGC", text)[..]].concat())
}

fn read_pixels(bytes: &[u8]) -> usize {
    // The first byte chooses the channels, the second the width.
    let [first, second, samples @ ..] = bytes else { return 0 };
    let channels = 3 + usize::from(first & 1);
    let width = 1 + u32::from(*second);
    let height = u32::try_from(samples.len() / channels / width as usize).unwrap();
    let found = read_stealth(&StoredPixels { width, height, channels, samples });
    assert!(found.iter().all(|label| label.raw.len() <= MAX_RAW));
    usize::from(found.is_some())
}

/// Words that readers look for.
const WORDS: &[&[u8]] = &[
    b"\xFF\xD8\xFF",
    b"\xFF\xE1",
    b"\xFF\xDA",
    b"\xFF\xD9",
    jpeg::XMP_HEADER,
    jpeg::EXIF_HEADER,
    b"http://ns.adobe.com/xmp/extension/\0",
    &png::SIGNATURE,
    b"iTXt",
    b"zTXt",
    b"tEXt",
    b"eXIf",
    b"XML:com.adobe.xmp\0",
    b"Raw profile type exif\0",
    b"AIGC\0",
    b"AIGC{",
    b"RIFF",
    b"WEBP",
    b"XMP ",
    b"EXIF",
    b"GIF89a",
    b"\x21\xFF\x0B",
    gif::XMP_APPLICATION,
    b"II*\0",
    b"MM\0*",
    b"II+\0\x08\0\0\0",
    b"\x69\x87",
    b"\x92\x86",
    b"\xBC\x02",
    b"UNICODE\0",
    b"ftyp",
    b"meta",
    b"iinf",
    b"infe",
    b"iloc",
    b"idat",
    b"mime",
    b"Exif",
    b"moov",
    b"udta",
    b"keys",
    b"ilst",
    b"data",
    b"----",
    b"uuid",
    &bmff::XMP_USER_TYPE,
    &bmff::C2PA_USER_TYPE,
    b"\xFF\xEB",
    b"caBX",
    b"jumb",
    b"jumdc2pa",
    b"c2pa.hash.",
    b"exclusions",
    b"merkle",
    b"c2pa.signature",
    b"c2pa.actions",
    b"x5chain",
    b"<rdf:Description",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<!DOCTYPE",
    b"&quot;",
    b"&#x10FFFF;",
    b"xmlns:a=\"",
    b"\"Label\":\"1\"",
    b"{\"AIGC\":",
    b"{\"data\":{\"aigc_info\":",
    b"\\\"",
    b"PEg_Info{",
    b"SEFT",
    b"stealth_pngcomp",
    b"MPF\0",
    b"\xFF\xE2",
    b"\xFF\xED",
    b"Photoshop 3.0\0",
    b"8BIM\x04\x04",
    b"\x1C\x02\x6E",
    b"\x1A\x45\xDF\xA3",
    b"\x12\x54\xC3\x67",
    b"\x67\xC8",
    b"FLV\x01",
    b"onMetaData",
    b"AVI ",
    b"LIST",
    b"INFO",
    b"_PMX",
    b"%PDF-",
    b"startxref",
    b"/AIGC",
    b"/ObjStm",
    b"<?xpacket begin",
    b"<?xpacket end",
];
/// Numbers at the edges of lengths, counts and offsets.
const NUMBERS: &[u64] =
    &[0, 1, 2, 7, 8, 11, 12, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, u64::MAX];

fn mutated(seeds: &[Vec<u8>], seed: u64, number: usize) -> Vec<u8> {
    // Neighbouring numbers must not give neighbouring states (splitmix64).
    let mut state = seed.wrapping_add((number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    state = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mut random = Xorshift((state ^ state >> 27) | 1);
    let mut file = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(6) {
        let at = place(&file, &mut random);
        match random.below(10) {
            0 => flip(&mut file, at, &mut random),
            1 | 2 => write_number(&mut file, at, &mut random),
            3 => file.truncate(at.max(1)),
            4 => remove(&mut file, at, &mut random),
            5 => repeat(&mut file, at, &mut random),
            6 => insert(&mut file, at, WORDS[random.below(WORDS.len())]),
            7 => overwrite(&mut file, at, WORDS[random.below(WORDS.len())]),
            8 => splice(&mut file, at, &seeds[random.below(seeds.len())], &mut random),
            _ => exchange(&mut file, at, &mut random),
        }
    }
    file.truncate(MAX_FILE);
    file
}

/// A place to mutate: anywhere, or where a word that readers look for begins or a length before it stands.
fn place(file: &[u8], random: &mut Xorshift) -> usize {
    let at = random.below(file.len().max(1));
    if random.below(2) == 0 {
        return at;
    }
    let word = WORDS[random.below(WORDS.len())];
    let rest = &file[at.min(file.len())..];
    let found = rest.windows(word.len()).position(|w| w == word).map_or(at, |found| at + found);
    (found + word.len() * random.below(2))
        .saturating_sub(random.below(3) * 4)
        .min(file.len().saturating_sub(1))
}

fn flip(file: &mut [u8], at: usize, random: &mut Xorshift) {
    if let Some(byte) = file.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

/// A length, count or offset at one of its edges, or near that of the file, in either byte order.
fn write_number(file: &mut [u8], at: usize, random: &mut Xorshift) {
    let number = match random.below(3) {
        0 => NUMBERS[random.below(NUMBERS.len())],
        1 => (file.len() - at.min(file.len())) as u64,
        _ => (file.len() + random.below(17)).saturating_sub(8) as u64,
    };
    let size = [1, 2, 4, 8][random.below(4)];
    let bytes = number.to_be_bytes();
    let mut bytes = bytes[8 - size..].to_vec();
    if random.below(2) == 0 {
        bytes.reverse();
    }
    overwrite(file, at, &bytes);
}

fn overwrite(file: &mut [u8], at: usize, word: &[u8]) {
    file.iter_mut().skip(at).zip(word).for_each(|(byte, new)| *byte = *new);
}

fn insert(file: &mut Vec<u8>, at: usize, word: &[u8]) {
    let at = at.min(file.len());
    file.splice(at..at, word.iter().copied());
}

fn range(length: usize, at: usize, random: &mut Xorshift) -> std::ops::Range<usize> {
    let most = [8, 64, 1024][random.below(3)];
    let at = at.min(length);
    at..(at + random.below(most)).min(length)
}

fn remove(file: &mut Vec<u8>, at: usize, random: &mut Xorshift) {
    let range = range(file.len(), at, random);
    file.drain(range);
}

fn repeat(file: &mut Vec<u8>, at: usize, random: &mut Xorshift) {
    let range = range(file.len(), at, random);
    let part = file[range.clone()].repeat(1 + random.below(4));
    file.splice(range.end..range.end, part);
}

fn splice(file: &mut Vec<u8>, at: usize, other: &[u8], random: &mut Xorshift) {
    let from = random.below(other.len().max(1));
    let part = other[range(other.len(), from, random)].to_vec();
    let place = range(file.len(), at, random);
    file.splice(place, part);
}

fn exchange(file: &mut [u8], at: usize, random: &mut Xorshift) {
    let (from, to) = (range(file.len(), at, random), random.below(file.len().max(1)));
    let part = file[from].to_vec();
    overwrite(file, to, &part);
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<Vec<u8>> {
    vec![webp::chunk(kind, data).unwrap()]
}

fn texts() -> Vec<Vec<u8>> {
    let full = json(&label());
    [
        full.clone(),
        format!("{{\"AIGC\":{full}}}"),
        full.replace('"', "&quot;"),
        serde_json::to_string(&full).unwrap(),
        full.replace("ReservedCode1", "ReserveCode1").replace("\"1\"", "1"),
        "{\"data\":{\"product\":\"aweme\",\"aigc_info\":\"{\\\"aigc_type\\\":1}\"}}".to_owned(),
        "{\"ServiceProvider\":\"x\",\"ServiceUser\":\"y\",\"Time\":17,\"ContentId\":\"z\"}".to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}

fn packets() -> Vec<Vec<u8>> {
    let uri = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
    let mut packets = vec![iptc_packet(uri), quirky_packet(&json(&label()))];
    packets.push(iptc_packet(uri).replace(
        "<rdf:Description",
        "<rdf:Description xmlns:p='http://ns.adobe.com/photoshop/1.0/' p:Credit='Made with Google AI'",
    ));
    packets.push(quirky_packet("x").replace("</rdf:Description>", &format!("<q:AIPromptInformation xmlns:q='{IPTC_EXT}'><rdf:Alt><rdf:li>a</rdf:li></rdf:Alt></q:AIPromptInformation></rdf:Description>")));
    packets.into_iter().map(String::into_bytes).collect()
}

fn exifs() -> Vec<Vec<u8>> {
    let text = json(&label());
    let utf16: Vec<u8> = b"UNICODE\0"
        .iter()
        .copied()
        .chain("Steps: 1, Sampler: x".encode_utf16().flat_map(u16::to_be_bytes))
        .collect();
    let packet = packets().swap_remove(1);
    vec![
        tiff(true, text.as_bytes(), format!("ASCII\0\0\0{text}").as_bytes()),
        tiff(false, b"a cup", &utf16),
        tiff_file(
            true,
            false,
            &[(0x010F, 2, b"Ideogram AI\0"), (0x02BC, 1, &packet)],
            &[(0x9286, 7, &utf16)],
        ),
    ]
}

fn tiffs() -> Vec<Vec<u8>> {
    let (text, packet) = (json(&label()), packets().swap_remove(1));
    let shapes = [(true, false), (false, false), (true, true), (false, true)];
    let file = |(little, big)| {
        let main: [Field<'_>; 2] = [(0x010E, 2, text.as_bytes()), (0x02BC, 1, &packet)];
        tiff_file(little, big, &main, &[(0x9286, 7, text.as_bytes())])
    };
    shapes.map(file).into_iter().chain(exifs()).collect()
}

fn jpegs() -> Vec<Vec<u8>> {
    let id = b"0123456789ABCDEF0123456789ABCDEF";
    let packet = packets().swap_remove(1);
    let extension =
        [b"http://ns.adobe.com/xmp/extension/\0", &id[..], &be32(packet.len()), &be32(0), &packet].concat();
    let main = format!(
        "<x xmlns:n='http://ns.adobe.com/xmp/note/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description n:HasExtendedXMP='{}'/></rdf:RDF></x>",
        String::from_utf8_lossy(id)
    );
    let xmp: Vec<_> = packets().iter().map(|packet| jpeg_xmp(&String::from_utf8_lossy(packet))).collect();
    let exif: Vec<_> = exifs().iter().map(|exif| jpeg_exif(exif)).collect();
    let bare = format!("AIGC{}", json(&label())).into_bytes();
    vec![
        jpeg_file(&exif, &xmp),
        jpeg_file(&[jpeg_xmp(&main), jpeg::segment(jpeg::APP1, &extension).unwrap()], &[]),
        jpeg_file(
            &[jpeg::segment(0xEA, &bare).unwrap(), bare.clone()],
            &[jpeg::segment(jpeg::COM, &bare[4..]).unwrap()],
        ),
        [jpeg_file(&[], &[]), b"PEg_Info{\"genAIType\":8}SEFH".to_vec()].concat(),
        jpeg_file(&[jpeg_iptc(&[dataset(5, b"x"), dataset(110, b"Made with Google AI")])], &[]),
        jpeg_pictures(true, &jpeg_file(&exif, &[]), &[jpeg_file(&[], &xmp), jpeg_file(&exif, &[])]),
    ]
}

fn pngs() -> Vec<Vec<u8>> {
    let packet = packets().swap_remove(1);
    let hex: String = packet.iter().map(|b| format!("{b:02x}")).collect();
    let profile = format!("\nxmp\n{:8}\n{hex}\n", packet.len());
    vec![
        png_file(
            &[text_chunk(*b"zTXt", "XML:com.adobe.xmp", &packet)],
            &[png::chunk(*b"eXIf", &exifs()[0]).unwrap()],
        ),
        png_file(
            &[text_chunk(*b"iTXt", "XML:com.adobe.xmp", &packet)],
            &[text_chunk(*b"tEXt", "AIGC", &texts()[0])],
        ),
        png_file(&[], &[text_chunk(*b"zTXt", "Raw profile type xmp", profile.as_bytes())]),
        png_file(
            &[
                text_chunk(*b"tEXt", "parameters", b"Steps: 1, Sampler: x"),
                text_chunk(*b"zTXt", "AIGC", &texts()[1]),
            ],
            &[],
        ),
    ]
}

fn webps() -> Vec<Vec<u8>> {
    let mut files: Vec<_> = packets().iter().map(|packet| webp_file(&chunk(*b"XMP ", packet))).collect();
    files.extend(exifs().iter().map(|exif| webp_file(&chunk(*b"EXIF", exif))));
    files
}

fn gifs() -> Vec<Vec<u8>> {
    let packet = packets().swap_remove(1);
    vec![
        gif_file(&[gif::xmp_extension(&packet)], &[gif_comment(&texts()[0])]),
        gif_file(&[], &[[b"\x21\xFF\x0BXMP DataXMP", &gif_comment(&packet)[2..]].concat()]),
    ]
}

fn videos_and_heifs() -> Vec<Vec<u8>> {
    let (text, packet) = (texts().swap_remove(0), packets().swap_remove(1));
    let (exif, packed) = (heif_exif(&exifs()[0]), deflated(&packet));
    let udta = |inner: Vec<u8>| boxed(*b"udta", &inner).unwrap();
    let uuid = boxed(*b"uuid", &[&bmff::XMP_USER_TYPE, &packet[..]].concat()).unwrap();
    let mut files = vec![
        mp4_file(&[udta(mp4_keys(&[("other", b"x"), ("AIGC", &text)], true))], &[uuid]),
        mp4_file(&[mp4_keys(&[("AIGC", &text)], false), udta(mp4_freeform("AIGC", &text))], &[]),
        mp4_file(&[udta([boxed(*b"XMP_", &packet).unwrap(), boxed(*b"AIGC", &text).unwrap()].concat())], &[]),
    ];
    for inside in [true, false] {
        let items: [HeifItem<'_>; 3] = [
            (*b"Exif", b"", &exif),
            (*b"mime", b"application/rdf+xml\0", &packet),
            (*b"mime", b"application/rdf+xml\0deflate\0", &packed),
        ];
        files.push(heif_file(b"heic", &items, inside));
    }
    files
}

fn matroskas() -> Vec<Vec<u8>> {
    let text = texts().swap_remove(0);
    let live = [&CLUSTER.to_be_bytes()[..], &[0xFF], &element(0xA3, b"frame")].concat();
    vec![
        matroska_file("webm", &[element(CLUSTER, b"frames"), tag("TITLE", b"x"), tag("AIGC", &text)]),
        matroska_file("matroska", &[live, tag("AIGC", &text)]),
    ]
}

fn flvs() -> Vec<Vec<u8>> {
    let text = texts().swap_remove(0);
    vec![flv_file(&[("encoder", b"x"), ("AIGC", &text)]), flv_file(&[("AIGC", &text), ("comment", b"y")])]
}

fn avis() -> Vec<Vec<u8>> {
    let (text, packet) = (texts().swap_remove(0), packets().swap_remove(1));
    vec![
        avi_file(&[(*b"ISFT", b"odd"), (*b"AIGC", &text)], &[]),
        avi_file(&[(*b"ICMT", b"x\0")], &chunk(*b"_PMX", &packet)),
    ]
}

fn pdfs() -> Vec<Vec<u8>> {
    let (text, packet) = (texts().swap_remove(0), packets().swap_remove(1));
    let begun = [b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>", &packet[..]].concat();
    vec![
        pdf_file(&[pdf_info(&pdf_text(&text)), begun]),
        pdf_file(&[pdf_objects(&pdf_info(&pdf_text(&text)))]),
    ]
}

/// Channels, width and samples with a text in their lowest bits.
fn pixels() -> Vec<Vec<u8>> {
    let text = b"Steps: 1, Sampler: x";
    let packed = {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let hidden = |magic: &str, data: &[u8]| {
        let alpha = magic.starts_with("stealth_png");
        let channels = if alpha { 4 } else { 3 };
        let message = [magic.as_bytes(), &be32(data.len() * 8), data].concat();
        let (width, height) = (32, 32);
        let mut samples = vec![0; width * height * channels];
        for (at, bit) in message.iter().flat_map(|byte| (0..8).rev().map(move |s| byte >> s & 1)).enumerate()
        {
            let (pixel, channel) = if alpha { (at, 3) } else { (at / 3, at % 3) };
            samples[(pixel % height * width + pixel / height) * channels + channel] |= bit;
        }
        [vec![u8::from(alpha), 31], samples].concat()
    };
    vec![
        hidden("stealth_pnginfo", text),
        hidden("stealth_pngcomp", &packed),
        hidden("stealth_rgbinfo", text),
        hidden("stealth_rgbcomp", &packed),
    ]
}
