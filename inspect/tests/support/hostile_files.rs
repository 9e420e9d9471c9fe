//! Files made to cost as much as they can: bombs, floods, structures that lie over themselves. Up to 32 MiB each.

use crate::{files::*, formats::*, media_files::*};
use touchstone_inspect::containers::{
    bmff::{XMP_USER_TYPE, boxed},
    iim, jpeg, png, webp,
};

/// Name and bytes of each.
pub(crate) fn hostile_files() -> Vec<(&'static str, Vec<u8>)> {
    let uuid = |packet: &str| boxed(*b"uuid", &[&XMP_USER_TYPE, packet.as_bytes()].concat()).unwrap();
    vec![
        ("two thousand bombs of 2 MiB", {
            png_file(&vec![text_chunk(*b"zTXt", "AIGC", &vec![b' '; 2 << 20]); 2_000], &[])
        }),
        ("bombs that inflate to packets", {
            let packet = wide_packet("<q:AIGC xmlns:q='urn:x'>{}</q:AIGC>", 1 << 20);
            png_file(&vec![text_chunk(*b"zTXt", "XML:com.adobe.xmp", packet.as_bytes()); 50], &[])
        }),
        ("half a million labels", png_file(&vec![text_chunk(*b"tEXt", "AIGC", b"{}"); 500_000], &[])),
        ("labels of 64 KiB with ten thousand keys", {
            let keys: String = (0..5_000).map(|i| format!("\"k{i}\":[0],")).collect();
            png_file(
                &vec![text_chunk(*b"tEXt", "AIGC", format!("{{{keys}\"Label\":\"1\"}}").as_bytes()); 400],
                &[],
            )
        }),
        ("raw profiles in hexadecimal", {
            let text = format!("\nxmp\n{:8}\n{}\n", 500_000, "3c".repeat(500_000));
            png_file(&vec![text_chunk(*b"tEXt", "Raw profile type xmp", text.as_bytes()); 30], &[])
        }),
        ("a million segments", jpeg_file(&vec![jpeg::segment(jpeg::COM, b"{").unwrap(); 1_000_000], &[])),
        ("extended XMP of 30 MiB", {
            let id = "0123456789ABCDEF0123456789ABCDEF";
            let main = quirky_packet("{}").replace(
                "rdf:about=\"\"",
                &format!("xmlns:n='http://ns.adobe.com/xmp/note/' n:HasExtendedXMP='{id}'"),
            );
            let piece = |at: usize| {
                let head =
                    [b"http://ns.adobe.com/xmp/extension/\0", id.as_bytes(), &be32(0), &be32(at)].concat();
                jpeg::segment(jpeg::APP1, &[head, vec![b'<'; 65_000]].concat()).unwrap()
            };
            let pieces: Vec<_> = (0..500).map(|i| piece(i * 65_000)).collect();
            jpeg_file(&[vec![jpeg_xmp(&main)], pieces].concat(), &[])
        }),
        ("a directory that names one text 60,000 times", {
            let mut exif = b"II*\0\x08\0\0\0\x60\xEA".to_vec();
            for _ in 0..60_000 {
                exif.extend(b"\x86\x92\x07\0\xFF\xFF\xFF\0\x0A\0\0\0");
            }
            webp_file(&[webp::chunk(*b"EXIF", &exif).unwrap()])
        }),
        ("directories that follow themselves and name the whole file", {
            let mut tiff = b"MM\0*\0\0\0\x08\x0F\xFF".to_vec();
            for _ in 0..0x0FFF {
                tiff.extend(b"\x02\xBC\0\x01\0\x0F\xFF\xFF\0\0\0\0");
            }
            tiff.extend(b"\0\0\0\x08");
            tiff.resize(8 << 20, b'<');
            tiff
        }),
        ("comments of a GIF, 20 MiB", gif_file(&vec![gif_comment(&vec![b'{'; 60_000]); 350], &[])),
        ("a packet of 100,000 bound names", {
            let bindings: String = (0..120).map(|i| format!(" xmlns:a{i}='urn:{i}'")).collect();
            let open = format!("<x{bindings}>");
            mp4_file(&[], &[uuid(&wide_packet(&open, 2_000).replace("</x>", &"<a0:AIGC/>".repeat(100_000)))])
        }),
        ("a packet of attributes", {
            let attributes: String = (0..60_000).map(|i| format!(" a{i}='&quot;'")).collect();
            mp4_file(&[], &vec![uuid(&format!("<x{attributes}/>")); 10])
        }),
        ("items whose extents take no bytes", {
            let info =
                [&b"\0\0\0\0\0\x01"[..], &boxed(*b"infe", b"\x02\0\0\0\0\x09\0\0Exif\0").unwrap()].concat();
            let location = [&b"\0\0\0\0\0\0\xEA\x60"[..], &b"\0\x09\0\0\xFF\xFF".repeat(60_000)].concat();
            let parts = [&[0; 4][..], &boxed(*b"iinf", &info).unwrap(), &boxed(*b"iloc", &location).unwrap()]
                .concat();
            [boxed(*b"ftyp", b"heic\0\0\0\0").unwrap(), boxed(*b"meta", &parts).unwrap()].concat()
        }),
        ("a million boxes", {
            let values =
                boxed(*b"ilst", &boxed([0, 0, 0, 1], &mp4_data(1, b"{")).unwrap().repeat(900_000)).unwrap();
            let meta =
                boxed(*b"meta", &[&[0; 4][..], &boxed(*b"hdlr", b"").unwrap(), &values].concat()).unwrap();
            mp4_file(&[boxed(*b"udta", &meta).unwrap()], &vec![boxed(*b"free", b"").unwrap(); 200_000])
        }),
        ("private data of 30 MiB", png_file(&[png::chunk(*b"prVt", &vec![0; 30 << 20]).unwrap()], &[])),
        ("image resources and datasets without end", {
            let datasets = resource(iim::IPTC_RESOURCE, &dataset(25, b"").repeat(1 << 17));
            let whole = [resource(0x03ED, b"").repeat(1 << 15), datasets].concat();
            let segment =
                |part: &[u8]| jpeg::segment(jpeg::APP13, &[iim::PHOTOSHOP_HEADER, part].concat()).unwrap();
            let picture = jpeg_file(&whole.chunks(65_000).map(segment).collect::<Vec<_>>(), &[]);
            jpeg_pictures(true, &picture, &vec![picture.clone(); 15])
        }),
        ("a million tags", matroska_file("webm", &vec![tag("AIGX", b"{}"); 300_000])),
        ("properties without end", {
            let property = b"\0\x01a\x02\0\x01b".repeat(2 << 20);
            flv_script(&[b"\x02\0\x0AonMetaData\x03", &property[..]].concat())
        }),
        ("entries of a list without end", avi_file(&vec![(*b"ISFT", &b"x"[..]); 1 << 20], &[])),
        ("names and packets that never end", {
            let words = [&b"/AIGC(((("[..], b"/ObjStm ", b"<?xpacket begin"].concat();
            pdf_file(&[words.repeat(1 << 20)])
        }),
        ("object streams that inflate to nothing else", {
            let objects = pdf_objects(&vec![b'/'; 1 << 20]);
            pdf_file(&vec![objects; 4_000])
        }),
    ]
}

/// A packet that repeats `part` until it is about `length` bytes long, and closes what it opened.
fn wide_packet(part: &str, length: usize) -> String {
    if part.starts_with("<x") {
        return format!("{part}{}</x>", " ".repeat(length));
    }
    let start = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>";
    let body = part.repeat((length - 200) / part.len());
    format!("{start}{body}</rdf:RDF>")
}
