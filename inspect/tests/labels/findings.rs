//! What is found wrong with labels, through whole files, and labels in forms of their own.

use crate::files::*;
use proptest::prelude::*;
use touchstone_inspect::{
    containers::jpeg,
    labels::{
        gb45438::{KEYS, faults},
        provider_code, read_labels,
    },
};
use touchstone_schema::{
    conformance::LabelFindingCode as Code,
    label::{FoundLabel, Gb45438Label, LabelMeaning, LabelScheme},
};

fn in_png(text: &str) -> FoundLabel {
    only(&png_file(&[text_chunk(*b"tEXt", "AIGC", text.as_bytes())], &[]))
}

fn in_description(text: &str) -> FoundLabel {
    only(&jpeg_file(&[jpeg_exif(&tiff(true, text.as_bytes(), b"hello"))], &[]))
}

fn in_comment(text: &str) -> FoundLabel {
    only(&jpeg_file(&[jpeg_exif(&tiff(true, b"a cup", format!("ASCII\0{text}").as_bytes()))], &[]))
}

#[test]
fn a_label_with_half_of_the_keys_is_read_and_judged() {
    let found = in_png(
        "{\"ContentPropagator\":\"001191440101MA9Y9T4H7A00000\",\"Label\":\"1\",\
         \"ProduceID\":\"u:100834564696/task:e5118399\"}",
    );
    let about: Vec<_> = found.findings.iter().map(|f| (f.code, f.field.clone().unwrap())).collect();
    let missing = |key: &str| (Code::KeyMissing, key.to_owned());
    assert_eq!(
        about,
        [
            missing("ContentProducer"),
            missing("ReservedCode1"),
            missing("PropagateID"),
            missing("ReservedCode2"),
            (Code::PropagatorWithoutId, "PropagateID".to_owned()),
        ]
    );
    let label = found.gb45438.unwrap();
    assert_eq!(label.content_propagator, "001191440101MA9Y9T4H7A00000");
    assert_eq!(label.produce_id, "u:100834564696/task:e5118399");
}

#[test]
fn a_label_with_integrity_data_in_exif_is_read() {
    let reserved = "{\\\"Type\\\":\\\" TC260PG\\\",\\\"AlgID\\\":\\\"sm3\\\"}";
    let found = in_comment(&format!(
        "{{\"AIGC\": {{\"Label\":\"1\",\"ContentProducer\":\"001191440300708461136T1WFUO\",\"ProduceID\":\"7\",\
         \"ReservedCode1\":\"{reserved}\",\"ContentPropagator\":\"\",\"PropagateID\":\"\",\"ReservedCode2\":\"\"}}}}"
    ));
    assert_eq!(found.carrier, "jpeg:app1:exif:UserComment");
    assert_eq!(codes(&found), ["character_set"], "the space before TC260PG");
    assert_eq!(found.gb45438.unwrap().reserved_code_1, "{\"Type\":\" TC260PG\",\"AlgID\":\"sm3\"}");
}

#[test]
fn unreadable_and_odd_labels_are_reported() {
    assert_eq!((in_png("not JSON").gb45438, codes(&in_png("not JSON"))), (None, vec!["not_json"]));
    assert_eq!(in_png("{\"Label\":\"0\"}").meaning, LabelMeaning::Other);
    let found = in_png(&json(&label()).replace("\"1\"", "\"AIGC\""));
    assert_eq!((codes(&found), found.meaning), (vec!["label_value"], LabelMeaning::Synthetic));
    let found = in_png(
        &json(&label()).replace("ReservedCode1", "ReserveCode1").replace("ContentPropagator", "Propagator"),
    );
    assert_eq!(codes(&found), ["key_misspelt"; 2]);
    for name in ["kling", "MiniMax", "doubao", "picwish"] {
        let found = in_png(&json(&Gb45438Label { content_producer: name.into(), ..label() }));
        assert_eq!(codes(&found), [""; 0], "a bare name is a name");
    }
    // The property as an attribute, and JSON that stays escaped after the XML was read.
    let attribute = quirky_packet("{}").replace(
        "rdf:about=\"\"",
        &format!("TC260:AIGC='{}' rdf:about=\"\"", json(&label()).replace('"', "&quot;")),
    );
    let labels = read_labels(&jpeg_file(&[jpeg_xmp(&attribute)], &[]));
    assert_eq!(labels[0].gb45438, Some(label()));
    let twice = quirky_packet(&json(&label()).replace('"', "&quot;").replace('&', "&amp;"));
    let found = only(&jpeg_file(&[jpeg_xmp(&twice)], &[]));
    assert_eq!((found.gb45438.as_ref(), codes(&found)), (Some(&label()), vec!["escaped_twice"]));
    // A property of the right name in a namespace of somebody else.
    let packet = quirky_packet(&json(&label())).replace(TC260, "urn:somebody");
    assert_eq!(codes(&only(&jpeg_file(&[jpeg_xmp(&packet)], &[]))), ["namespace_foreign"]);
}

#[test]
fn each_further_implicit_label_is_one_too_many() {
    let chunk = text_chunk(*b"tEXt", "AIGC", json(&label()).as_bytes());
    let other = json(&Gb45438Label { produce_id: "else".into(), ..label() });
    let other = text_chunk(*b"tEXt", "AIGC", other.as_bytes());
    let found = read_labels(&png_file(&[chunk.clone(), chunk, other], &[]));
    let findings: Vec<_> = found.iter().map(codes).collect();
    assert_eq!(findings, [vec![], vec!["label_repeated"], vec!["label_repeated", "label_contradicts"]]);
    // Other schemes are no implicit labels.
    let uri = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
    let both = [jpeg_xmp(&quirky_packet(&json(&label()))), jpeg_xmp(&iptc_packet(uri))];
    assert!(read_labels(&jpeg_file(&both, &[])).iter().all(|found| found.findings.is_empty()));
}

#[test]
fn services_with_forms_of_their_own_are_told_as_such() {
    let cloud =
        in_description("{\"ServiceProvider\":\"x\",\"ServiceUser\":\"y\",\"Time\":17,\"ContentId\":\"z\"}");
    assert_eq!((cloud.scheme, cloud.meaning), (LabelScheme::Gb45438, LabelMeaning::Synthetic));
    assert_eq!(codes(&cloud), ["other_form"]);
    let label = cloud.gb45438.unwrap();
    assert_eq!((&label.content_producer[..], &label.produce_id[..]), ("x", "z"));
    let video =
        in_comment("{\"data\":{\"product\":\"aweme\",\"aigc_info\":\"{\\\"aigc_type\\\":1,\\\"x\\\":2}\"}}");
    assert_eq!((video.meaning, video.generator.as_deref()), (LabelMeaning::Synthetic, Some("aweme")));
    assert_eq!(codes(&video), ["other_form"]);
    // It does not take the one place that the standard gives to the implicit label.
    let own = format!("ASCII\0{}", "{\"data\":{\"product\":\"aweme\",\"aigc_info\":{\"aigc_type\":1}}}");
    let exif = jpeg_exif(&tiff(true, b"a cup", own.as_bytes()));
    let found =
        read_labels(&jpeg_file(&[exif, jpeg_xmp(&quirky_packet(&json(&crate::files::label())))], &[]));
    assert_eq!(found.iter().map(codes).collect::<Vec<_>>(), [vec!["other_form"], vec![]]);
}

/// A value whose faults an oracle can name: characters, and what a provider code must be.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof!["[!-~ ]{0,40}", Just(CODE.to_owned()), "001191110102MACQD9K640[0-3]{5}", "\\PC{0,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the values are, they are read as they were written, and the findings are those a table in words gives.
    #[test]
    fn values_are_read_as_written_and_judged_by_the_table(values in proptest::array::uniform7(any_value())) {
        let object: serde_json::Map<_, _> =
            KEYS.iter().zip(&values).map(|(key, value)| ((*key).to_owned(), value.clone().into())).collect();
        let found = in_png(&serde_json::to_string(&object).unwrap());
        let label = found.gb45438.clone().unwrap();
        prop_assert_eq!(serde_json::to_value(&label).unwrap(), serde_json::Value::Object(object));
        let has = |code: Code, key: &str| found.findings.iter().any(|f| f.code == code && f.field.as_deref() == Some(key));
        for (at, (key, value)) in KEYS.iter().zip(&values).enumerate() {
            let clean = value.chars().all(|c| c.is_ascii_graphic() && c != '\\');
            prop_assert_eq!(has(Code::CharacterSet, key), !clean);
            prop_assert_eq!(has(Code::ValueEmpty, key), matches!(at, 1 | 2) && value.is_empty());
            prop_assert_eq!(has(Code::LabelValue, key), at == 0 && !["1", "2", "3"].contains(&value.as_str()));
        }
        prop_assert_eq!(has(Code::PropagatorWithoutId, KEYS[5]), !values[4].is_empty() && values[5].is_empty());
        prop_assert_eq!(has(Code::IdWithoutPropagator, KEYS[4]), values[4].is_empty() && !values[5].is_empty());
        prop_assert!(faults(&label).len() <= found.findings.len());
        prop_assert!(!has(Code::KeyMissing, KEYS[0]));
    }

    /// A code passes when its check character is the one that the sum of GB 32100 gives, and no other.
    #[test]
    fn one_check_character_of_31_is_right(number in "[159][0-9A-HJ-NPQRTUWXY][0-9]{6}[0-9A-HJ-NPQRTUWXY]{9}") {
        let alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        let mut weight = 1;
        let mut sum = 0;
        for c in number.chars() {
            sum += weight * alphabet.find(c).unwrap();
            weight = weight * 3 % 31;
        }
        let right = alphabet.chars().nth((31 - sum % 31) % 31).unwrap();
        for check in alphabet.chars() {
            let code = format!("0011{number}{check}10000");
            prop_assert_eq!(provider_code::check(&code).is_ok(), check == right);
        }
    }

    /// Any way to cut a text into pieces of markup gives the same label.
    #[test]
    fn entities_references_and_cdata_are_all_one(forms in proptest::collection::vec(0_u8..4, 400)) {
        let text = json(&label());
        let mut forms = forms.into_iter().cycle();
        let value: String = text.chars().map(|c| match forms.next() {
            Some(1) => format!("&#{};", u32::from(c)),
            Some(2) => format!("&#x{:X};", u32::from(c)),
            Some(3) => format!("<![CDATA[{c}]]>"),
            _ if c == '"' => "&quot;".to_owned(),
            _ => c.to_string(),
        }).collect();
        let packet = quirky_packet("VALUE").replace("VALUE", &value);
        let found = only(&jpeg_file(&[jpeg_xmp(&packet)], &[]));
        prop_assert_eq!(found.gb45438, Some(label()));
        prop_assert_eq!(found.findings, []);
    }

    /// A bare label is found in any segment of no known kind.
    #[test]
    fn bare_labels_are_found_in_other_segments(marker in 0xE3_u8..=0xEA, before in "[a-z ]{0,200}") {
        let data = format!("{before}AIGC{}", json(&label()));
        let found = only(&jpeg_file(&[jpeg::segment(marker, data.as_bytes()).unwrap()], &[]));
        prop_assert_eq!(codes(&found), ["carrier_not_named"]);
        prop_assert_eq!(found.gb45438, Some(label()));
    }
}
