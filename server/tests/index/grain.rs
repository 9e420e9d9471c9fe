//! Photos whose features grain has changed.

use super::kept::{looked_up, picture};
use touchstone_server::matching::PictureIndex;

#[test]
fn features_that_grain_changed_are_found_at_the_second_look_only() {
    let (index, _) = PictureIndex::open(None, |_| true).unwrap();
    index.insert(&(0..200).map(picture).collect::<Vec<_>>()).unwrap();
    let mut grainy = looked_up(&picture(7));
    for (number, two) in grainy.features.iter_mut().enumerate() {
        // 56 of 256 bits, in other places of every descriptor.
        for bit in (0..56).map(|step| (number * 7 + step * 9) % 256) {
            two.feature.code[bit / 64] ^= 1 << (bit % 64);
        }
    }
    assert_eq!(index.parts(&grainy).unwrap(), [0; 0]);
    assert_eq!(index.parts_despite_grain(&grainy).unwrap(), [7]);
    // A photo of something else stays unknown.
    assert_eq!(index.parts_despite_grain(&looked_up(&picture(1_000))).unwrap(), [0; 0]);
}
