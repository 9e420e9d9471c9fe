//! The matching engine through the REST interface: what was altered, what is only a part, what is kept.

use crate::{
    pictures::{jpeg, picture, resized},
    support::TestApp,
};
use image::{Rgb, RgbImage, imageops};
use touchstone_schema::{
    api::CheckResult,
    problem::ProblemCode as Code,
    statement::View,
    verdict::{Conclusion, Context, FindingKind, Limit, Recommendation, Reference, Relation, Verdict},
};

on_both!(
    an_altered_region_is_shown_to_whoever_asked,
    an_untouched_copy_says_what_it_was_compared_with,
    what_lies_over_a_copy_is_shown_as_such,
    a_part_is_found_and_so_is_damage_in_it,
    another_capture_is_shown_with_its_numbers_and_concludes_nothing,
    what_is_kept_decides_what_can_be_told,
    a_deleted_record_takes_its_pixels_along,
    late_copies_hide_nothing,
    pictures_side_by_side_are_no_conflict,
    a_large_photo_is_told_of_in_its_own_pixels,
);

/// The picture with a dark stain; its box as x, y, width, height.
fn stained(picture: &RgbImage) -> (RgbImage, [u32; 4]) {
    let mut out = picture.clone();
    let (cx, cy, radius) = (350.0_f32, 210.0_f32, 38.0_f32);
    for (x, y, pixel) in out.enumerate_pixels_mut() {
        let (dx, dy) = (x as f32 - cx, y as f32 - cy);
        // A ragged edge, and darker towards the middle.
        let edge = radius * (1.0 + 0.18 * (dy.atan2(dx) * 5.0).sin());
        let depth = 1.0 - (dx * dx + dy * dy).sqrt() / edge;
        if depth > 0.0 {
            let keep = 0.75 - 0.5 * depth.min(0.6);
            *pixel = Rgb(pixel.0.map(|value| (f32::from(value) * keep * 0.8) as u8));
        }
    }
    (out, [312, 172, 76, 76])
}

fn part(picture: &RgbImage) -> RgbImage {
    imageops::crop_imm(picture, 90, 60, 450, 330).to_image()
}

fn finding(verdict: &Verdict, kind: FindingKind) -> bool {
    verdict.findings.iter().any(|finding| finding.kind == kind)
}

fn an_altered_region_is_shown_to_whoever_asked(app: &TestApp) {
    let (merchant, platform, other) = (app.merchant(), app.platform(), app.platform());
    let original = picture(31);
    let accepted = merchant.register(&jpeg(&original, 92), View::Listing);
    let (damaged, [x, y, width, height]) = stained(&original);
    let result = platform.look(&jpeg(&damaged, 85));
    let verdict = &result.verdict;
    assert_eq!(verdict.conclusion, Conclusion::Altered, "{verdict:#?}");
    assert_eq!(verdict.recommendation, Recommendation::HumanReview);
    let found = verdict.best_match.as_ref().unwrap();
    assert_eq!((found.statement, found.relation), (accepted.id, Relation::SameCaptureAltered));
    let numbers = found.comparison.unwrap();
    assert_eq!(numbers.reference, Reference::Detail);
    assert!(numbers.correlation >= 0.92 && numbers.overlap > 0.9, "{numbers:?}");
    assert!(finding(verdict, FindingKind::AlteredRegions));
    let first = verdict.alterations.first().unwrap();
    let inside = first.x + 12 >= x
        && first.y + 12 >= y
        && first.x + first.width <= x + width + 12
        && first.y + first.height <= y + height + 12;
    assert!(inside, "{:?}", verdict.alterations);

    let path = |name: &str| format!("/v1/checks/{}/{name}", result.id);
    let mask = platform.client.get(&path("mask.png"));
    assert_eq!((mask.status, mask.header("content-type")), (200, Some("image/png")));
    let mask = image::load_from_memory(&mask.body).unwrap().into_luma8();
    assert_eq!(mask.dimensions(), damaged.dimensions());
    let white = |x0: u32, y0: u32, w: u32, h: u32| {
        let places = (y0..y0 + h).flat_map(|y| (x0..x0 + w).map(move |x| (x, y)));
        places.filter(|(x, y)| mask[(*x, *y)].0[0] > 0).count()
    };
    let (all, there) = (white(0, 0, mask.width(), mask.height()), white(x, y, width, height));
    assert!(there * 10 >= all * 9 && there * 4 > (width * height) as usize, "{there} of {all}");
    let shown = platform.client.get(&path("alterations.png"));
    assert_eq!(image::load_from_memory(&shown.body).unwrap().width(), damaged.width());
    for name in ["mask.png", "alterations.png"] {
        other.client.get(&path(name)).refused(Code::NotFound);
        app.anonymous().0.get(&path(name)).refused(Code::Unauthenticated);
    }
}

fn an_untouched_copy_says_what_it_was_compared_with(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let (listing, packing) = (picture(32), picture(33));
    merchant.register(&jpeg(&listing, 92), View::Listing);
    merchant.register(&jpeg(&packing, 92), View::Packing);
    let result: CheckResult = platform.look(&jpeg(&resized(&listing, 60), 70));
    assert_eq!(result.verdict.conclusion, Conclusion::Copy, "{:#?}", result.verdict);
    assert!(!result.verdict.limits.contains(&Limit::AlterationsNotExamined));
    assert!(!result.verdict.limits.contains(&Limit::SmallReference));
    let path = format!("/v1/checks/{}/mask.png", result.id);
    platform.client.get(&path).refused(Code::NotFound);
    let verdict = platform.look(&jpeg(&packing, 60)).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Copy);
    assert_eq!(verdict.best_match.unwrap().comparison.unwrap().reference, Reference::Sketch);
    assert!(verdict.limits.contains(&Limit::SmallReference));
    let verdict = platform.look(&jpeg(&picture(34), 90)).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Unknown, "another picture");
}

fn a_part_is_found_and_so_is_damage_in_it(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let original = picture(35);
    let accepted = merchant.register(&jpeg(&original, 92), View::Listing);
    let verdict = platform.look(&jpeg(&part(&original), 85)).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Copy, "{verdict:#?}");
    let found = verdict.best_match.unwrap();
    assert_eq!((found.statement, found.relation), (accepted.id, Relation::SameCapture));
    assert!((0.3..0.7).contains(&found.comparison.unwrap().overlap), "{found:?}");
    let (damaged, _) = stained(&original);
    let verdict = platform.look(&jpeg(&part(&damaged), 85)).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Altered, "{verdict:#?}");
    let region = verdict.alterations.first().unwrap();
    assert!((200..300).contains(&region.x) && (90..180).contains(&region.y), "{region:?}");
}

/// A viewer's button is no damage; what it hides nobody saw, and the verdict says both.
fn what_lies_over_a_copy_is_shown_as_such(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let original = picture(74);
    merchant.register(&jpeg(&original, 92), View::Listing);
    let mut shown = original.clone();
    let (centre, radius) = ((520_u32, 360_u32), 26);
    for (x, y, pixel) in shown.enumerate_pixels_mut() {
        if x.abs_diff(centre.0).pow(2) + y.abs_diff(centre.1).pow(2) <= radius * radius {
            pixel.0 = pixel.0.map(|value| (f32::from(value) * 0.45).round() as u8);
        }
    }
    // On the picture alone the same disc is a stain.
    let verdict = platform.look(&jpeg(&shown, 90)).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Altered, "{verdict:#?}");
    const ABOVE: u32 = 180;
    let mut viewer = RgbImage::new(shown.width(), shown.height() + 2 * ABOVE);
    imageops::overlay(&mut viewer, &shown, 0, i64::from(ABOVE));
    let result = platform.look(&jpeg(&viewer, 90));
    let verdict = &result.verdict;
    assert_eq!(verdict.conclusion, Conclusion::Copy, "{verdict:#?}");
    assert!(verdict.reason.en.contains("something lies over it"), "{}", verdict.reason.en);
    assert!(finding(verdict, FindingKind::OverlaidRegions), "{verdict:#?}");
    assert!(verdict.limits.contains(&Limit::AlterationsMayBeMissed), "{:?}", verdict.limits);
    let over = verdict.overlays.first().unwrap();
    assert!(
        over.x.abs_diff(494) < 12 && over.y.abs_diff(334 + ABOVE) < 12 && over.width.abs_diff(52) < 20,
        "{over:?}"
    );
    let path = |name: &str| format!("/v1/checks/{}/{name}", result.id);
    let drawn = platform.client.get(&path("alterations.png"));
    assert_eq!(image::load_from_memory(&drawn.body).unwrap().width(), shown.width());
    let mask = image::load_from_memory(&platform.client.get(&path("mask.png")).body).unwrap().into_luma8();
    assert!(mask.pixels().all(|pixel| pixel.0[0] == 0), "nothing was altered");
}

/// A part of the same thing from another place: near and far points move against each other, which no plane map does.
fn another_capture_is_shown_with_its_numbers_and_concludes_nothing(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let original = picture(37);
    let accepted = merchant.register(&jpeg(&original, 92), View::Listing);
    let moved = RgbImage::from_fn(original.width(), original.height(), |x, y| {
        let (u, v) = (x as f32, y as f32);
        let (dx, dy) = (4.5 * (u / 23.0 + v / 31.0).sin(), 4.5 * (v / 19.0 - u / 37.0).cos());
        let at = |value: f32, limit: u32| (value.round().max(0.0) as u32).min(limit - 1);
        *original.get_pixel(at(u + dx, original.width()), at(v + dy, original.height()))
    });
    let verdict = platform.look(&jpeg(&part(&moved), 88)).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Unknown, "{verdict:#?}");
    assert!(verdict.reason.en.contains("Another capture"), "{:?}", verdict.reason);
    let found = verdict.best_match.unwrap();
    assert_eq!((found.statement, found.relation), (accepted.id, Relation::SameObjectOtherCapture));
    let numbers = found.comparison.unwrap();
    assert!(
        numbers.correlation > 0.0 && numbers.overlap < 0.8 && numbers.altered_share == 0.0,
        "{numbers:?}"
    );
    assert!(verdict.alterations.is_empty());
}

fn what_is_kept_decides_what_can_be_told(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let original = picture(36);
    let file = jpeg(&original, 92);
    let accepted = merchant.declare(&file, View::Listing);
    let path = |tier: &str| format!("/v1/statements/{}/content?reference={tier}", accepted.id);
    merchant.client.put(&path("everything"), "image/jpeg", &file).refused(Code::MalformedRequest);
    assert_eq!(merchant.client.put(&path("codes"), "image/jpeg", &file).status, 200);
    let (damaged, _) = stained(&original);
    let verdict = platform.look(&jpeg(&damaged, 85)).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Copy, "nothing was kept to compare with");
    assert!(verdict.limits.contains(&Limit::AlterationsNotExamined));
    assert_eq!(verdict.best_match.unwrap().comparison, None);
    // A record brings a sketch; the pixels stay at home.
    let original = picture(37);
    merchant.register_record(&jpeg(&original, 92), View::Listing);
    let (damaged, _) = stained(&original);
    let verdict = platform.look(&jpeg(&damaged, 85)).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Altered, "{verdict:#?}");
    assert!(verdict.limits.contains(&Limit::SmallReference) && verdict.limits.contains(&Limit::DeclaredOnly));
}

fn a_deleted_record_takes_its_pixels_along(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let original = picture(38);
    let accepted = merchant.register(&jpeg(&original, 92), View::Listing);
    assert_eq!(platform.look(&jpeg(&part(&original), 85)).verdict.conclusion, Conclusion::Copy);
    assert_eq!(merchant.delete_record(&accepted.id).status, 200);
    assert_eq!(platform.look(&jpeg(&part(&original), 85)).verdict.conclusion, Conclusion::Unknown);
    assert_eq!(platform.look(&jpeg(&original, 70)).verdict.conclusion, Conclusion::Unknown);
}

/// Whoever registers the claim's photo again and again after the claim pushes nothing out of sight.
fn late_copies_hide_nothing(app: &TestApp) {
    let (merchant, other, platform) = (app.merchant(), app.merchant(), app.platform());
    let original = picture(39);
    let accepted = merchant.register(&jpeg(&original, 92), View::Listing);
    let claim = app.now();
    app.clock.move_by(60);
    let photo = jpeg(&resized(&original, 70), 75);
    for quality in 70..78 {
        other.register(&jpeg(&resized(&original, 70), quality), View::Listing);
    }
    let context = Context { claim_time: Some(claim), ..Context::default() };
    let verdict = platform.check(&photo, &context).verdict;
    let found = verdict.best_match.as_ref().unwrap_or_else(|| panic!("{verdict:#?}"));
    assert_eq!((verdict.conclusion, found.statement), (Conclusion::Copy, accepted.id));
}

/// A collage of two merchants' pictures is no quarrel about either; the same picture registered by both is one.
fn pictures_side_by_side_are_no_conflict(app: &TestApp) {
    let (merchant, other, platform) = (app.merchant(), app.merchant(), app.platform());
    let (left, right) = (picture(70), picture(71));
    merchant.register(&jpeg(&left, 92), View::Listing);
    let second = other.register(&jpeg(&right, 92), View::Listing);
    let mut collage = RgbImage::from_pixel(1_300, 500, Rgb([240, 240, 240]));
    imageops::overlay(&mut collage, &left, 5, 10);
    imageops::overlay(&mut collage, &right, 655, 10);
    let photo = jpeg(&collage, 88);
    let verdict = platform.look(&photo).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Copy, "{verdict:#?}");
    assert!(!finding(&verdict, FindingKind::ConflictingClaims), "{verdict:#?}");
    merchant.register(&jpeg(&right, 80), View::Listing);
    let verdict = platform.look(&jpeg(&right, 85)).verdict;
    assert!(finding(&verdict, FindingKind::ConflictingClaims), "{verdict:#?}");
    assert!(verdict.findings.iter().any(|found| found.statement == Some(second.id)), "{verdict:#?}");
}

/// A photo of more than 5 megapixels is looked at smaller; what is said of it counts its own pixels.
fn a_large_photo_is_told_of_in_its_own_pixels(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let original = picture(72);
    merchant.register(&jpeg(&original, 92), View::Listing);
    let (damaged, region) = stained(&original);
    let [x, y, width, height] = region.map(|value| value * 9 / 2);
    let photo = jpeg(&resized(&damaged, 450), 85);
    let result = platform.look(&photo);
    let verdict = &result.verdict;
    assert_eq!(verdict.conclusion, Conclusion::Altered, "{verdict:#?}");
    assert_eq!((verdict.photo.width, verdict.photo.height), (Some(2_880), Some(2_160)));
    let first = verdict.alterations.first().unwrap();
    let near = 54;
    let inside = first.x + near >= x
        && first.y + near >= y
        && first.x + first.width <= x + width + near
        && first.y + first.height <= y + height + near;
    assert!(inside && first.width * 2 > width && first.height * 2 > height, "{:?}", verdict.alterations);
}
