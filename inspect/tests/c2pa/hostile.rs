//! Damaged and hostile files.

use crate::certificates::Authority;
use crate::files::*;
use crate::xorshift::Xorshift;
use touchstone_inspect::c2pa::{C2paState, sign_manifest};

#[test]
fn mutated_files_never_panic_and_never_gain_trust_for_other_pixels() {
    let authority = Authority::new("Registrants");
    let signer = signing(&authority.signer("Inkstone Ltd"));
    let reader = reader_trusting(&authority);
    let mut random = Xorshift(0x7357_0123_4567_89ab);
    for (format, media_type) in FORMATS {
        let signed = sign_manifest(&picture(format, 24, 16), media_type, &signer, &generated()).unwrap();
        let pixels = image::load_from_memory(&signed).unwrap().to_rgb8();
        let start = find(&signed, b"jumdc2pa").unwrap();
        for round in 0..500 {
            let mut bytes = signed.clone();
            for _ in 0..=random.below(4) {
                let at = if random.below(3) == 0 {
                    random.below(bytes.len())
                } else {
                    start + random.below(4_000)
                };
                let at = at.min(bytes.len() - 1);
                match random.below(4) {
                    0 => bytes[at] ^= 1 << random.below(8),
                    1 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
                    2 => bytes.truncate(at.max(16)),
                    _ => drop(bytes.splice(at..at, [0xff, 0x00, 0x7f])),
                }
            }
            let Some(report) = reader.read(&bytes, media_type) else {
                continue;
            };
            if matches!(report.state, C2paState::Trusted | C2paState::Valid) {
                let decoded = image::load_from_memory(&bytes).unwrap().to_rgb8();
                assert_eq!(decoded, pixels, "{media_type} round {round}");
            }
        }
    }
}
