//! Files that are no picture, are damaged, or would cost too much: wherever a picture is taken.

use crate::{
    pictures::{flat, jpeg, picture, png},
    support::{Engine, TestApp},
};
use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write;
use touchstone_schema::{
    Sha256Digest,
    api::InspectionReport,
    problem::ProblemCode as Code,
    statement::{ContentBindings, ImageRegistered, View},
};

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Where the first chunk after the header begins.
const PNG_AFTER_HEADER: usize = 33;

fn png_chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(content);
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length, &kind[..], content, &crc.sum().to_be_bytes()].concat()
}

fn png_header(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat();
    [PNG_SIGNATURE, &png_chunk(b"IHDR", &header)].concat()
}

/// So many zeros, deflated: a thousandth of their number in bytes.
fn bomb(megabytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..megabytes {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

fn inserted(png: &[u8], chunk: &[u8]) -> Vec<u8> {
    [&png[..PNG_AFTER_HEADER], chunk, &png[PNG_AFTER_HEADER..]].concat()
}

/// A JPEG whose frame header says 60,000 by 60,000.
fn huge_jpeg() -> Vec<u8> {
    let mut bytes = jpeg(&picture(1), 60);
    let frame = bytes.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    bytes
}

fn bad_pictures() -> Vec<(&'static str, Vec<u8>, Code)> {
    let (good_jpeg, good_png) = (jpeg(&picture(1), 80), png(&picture(1)));
    let ends =
        |header: Vec<u8>, data: &[u8]| [header, png_chunk(b"IDAT", data), png_chunk(b"IEND", b"")].concat();
    let garbled = {
        let mut bytes = good_png.clone();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].fill(0x55);
        bytes
    };
    vec![
        ("nothing", Vec::new(), Code::NotAnImage),
        ("one byte", vec![0xff], Code::NotAnImage),
        ("a text", b"a photo of a cracked cup".to_vec(), Code::NotAnImage),
        ("a page", b"<!DOCTYPE html><img src=x onerror=alert(1)>".to_vec(), Code::NotAnImage),
        ("a drawing", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), Code::NotAnImage),
        ("a document", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), Code::NotAnImage),
        ("an archive", b"PK\x03\x04\x14\x00\x00\x00\x08\x00".to_vec(), Code::NotAnImage),
        ("zeros", vec![0; 10_000], Code::NotAnImage),
        ("half a JPEG", good_jpeg[..good_jpeg.len() / 2].to_vec(), Code::CorruptPicture),
        ("a JPEG without its last bytes", good_jpeg[..good_jpeg.len() - 20].to_vec(), Code::CorruptPicture),
        ("the head of a JPEG", good_jpeg[..200].to_vec(), Code::CorruptPicture),
        ("half a PNG", good_png[..good_png.len() / 2].to_vec(), Code::CorruptPicture),
        ("a PNG without its end", good_png[..good_png.len() - 12].to_vec(), Code::CorruptPicture),
        ("the head of a PNG", good_png[..PNG_AFTER_HEADER].to_vec(), Code::CorruptPicture),
        ("a garbled PNG", garbled, Code::CorruptPicture),
        ("a PNG of no size", ends(png_header(0, 0, 8, 2), &bomb(0)), Code::CorruptPicture),
        ("60,000 by 60,000 as PNG", ends(png_header(60_000, 60_000, 8, 2), &bomb(1)), Code::TooManyPixels),
        ("4 billion by one", ends(png_header(u32::MAX >> 1, 1, 8, 2), &bomb(1)), Code::TooManyPixels),
        ("60,000 by 60,000 as JPEG", huge_jpeg(), Code::TooManyPixels),
        ("zip of death", ends(png_header(8_000, 8_000, 16, 6), &bomb(512)), Code::PictureTooCostly),
    ]
}

#[test]
fn a_bad_picture_is_refused_wherever_it_comes() {
    let app = TestApp::start(Engine::Sqlite);
    let (merchant, platform) = (app.merchant(), app.platform());
    let mut wrong = Vec::new();
    for (what, bytes, code) in bad_pictures() {
        let answers = app.stores_nothing(|| {
            [
                platform.client.post_form("/v1/checks", &[("photo", &bytes)]),
                platform.client.post_form("/v1/inspections", &[("photo", &bytes)]),
                platform.client.send("POST", "/v1/inspections", Some(("image/png", &bytes))),
            ]
        });
        // Its digest can be signed; its pixels are not taken.
        let digest = Sha256Digest::of(&bytes);
        let content = ContentBindings {
            sha256: digest,
            sha256_without_manifest: digest,
            media_type: "image/png".to_owned(),
            c2pa: None,
            record: None,
        };
        let accepted = merchant.accepted(ImageRegistered { view: View::Listing, product: None, content });
        let upload = app.stores_nothing(|| merchant.upload(&accepted.id, &bytes));
        assert_eq!(app.anonymous().statement(&accepted.id).observed_at_index, None);
        for (place, answer) in answers.iter().chain([&upload]).enumerate() {
            if answer.status < 400 || answer.problem().code != code.code() {
                wrong.push(format!("{what} ({place}): {} {}", answer.status, answer.text()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn compressed_bombs_beside_the_pixels_cost_nothing() {
    let app = TestApp::start(Engine::Sqlite);
    let platform = app.platform();
    let good = png(&picture(2));
    let bomb = bomb(256);
    let text = png_chunk(b"zTXt", &[b"Comment\0\0".as_slice(), &bomb].concat());
    let international = png_chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\x01\0\0\0".as_slice(), &bomb].concat());
    for chunk in [text, international] {
        let file = inserted(&good, &chunk);
        let answer = platform.client.send("POST", "/v1/inspections", Some(("image/png", &file)));
        let report: InspectionReport = answer.json_with(200);
        assert_eq!((report.width, report.height, report.labels.len()), (640, 480, 0));
    }
    // Far more pixel data than the header tells of.
    let small = [png_header(64, 64, 8, 2), png_chunk(b"IDAT", &bomb), png_chunk(b"IEND", b"")].concat();
    let answer = platform.client.send("POST", "/v1/inspections", Some(("image/png", &small)));
    if answer.status == 200 {
        let report: InspectionReport = answer.json();
        assert_eq!((report.width, report.height), (64, 64));
    } else {
        answer.refused(Code::CorruptPicture);
    }
}

#[test]
fn the_limit_on_pixels_is_the_configured_one() {
    let app = TestApp::start_with(Engine::Sqlite, |config| config.rules.max_pixels = Some(640 * 480 - 1));
    let platform = app.platform();
    let problem = platform.try_check(&png(&flat(9)), &Default::default()).refused(Code::TooManyPixels);
    assert!(problem.detail.unwrap().contains("307199"), "the limit is told");
}
