//! The manifest repository: whose a label is, what goes with what, soft bindings by value and by likeness.

use super::*;
use touchstone_schema::{ManifestId, sbr::ISCC};
use touchstone_server::store::{ISCC_RADIUS, MAX_BINDING_VALUE, ManifestRow, NewManifest};

both_engines!(
    manifests_are_kept_once_and_come_back,
    a_manifest_goes_with_its_owners_last_picture,
    bindings_go_with_their_manifest,
    alike_codes_share_a_part,
    what_was_observed_is_told_from_what_is_claimed,
    a_crowd_hides_nothing_that_lies_elsewhere,
);

fn label(n: u64) -> ManifestId {
    format!("urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-{n:012X}").parse().unwrap()
}

fn manifest(label: &ManifestId, owner: u64, alone: bool) -> NewManifest<'_> {
    NewManifest {
        label,
        store_digest: Sha256Digest::of(label.as_str().as_bytes()),
        certificate: Sha256Digest(bytes32(owner)),
        owner: organisation_id(owner),
        alone,
        trusted: false,
        anchor_index: 1,
        created_at: at(2_000),
        content_digest: Some(Sha256Digest(bytes32(7))),
        bytes: label.as_str().as_bytes(),
    }
}

fn manifests_are_kept_once_and_come_back(database: &Database) {
    let store = with_organisations(database);
    let (one, two) = (label(1), label(2));
    let new = manifest(&one, 1, true);
    write(&store, |w| w.put_manifest(&new));
    let row = ManifestRow {
        label: one.clone(),
        store_digest: new.store_digest,
        certificate: new.certificate,
        owner: new.owner,
        alone: true,
        trusted: false,
        anchor_index: 1,
        created_at: at(2_000),
        deleted_at: None,
    };
    assert_eq!(read(&store, |r| r.manifest(&one)), Some(row.clone()));
    assert_eq!(read(&store, |r| r.manifest_bytes(&one)), Some(new.bytes.to_vec()));
    assert_eq!(read(&store, |r| r.manifest(&two)), None);
    assert_eq!(read(&store, |r| r.manifest_bytes(&two)), None);
    assert_eq!(constraint(store.write(|w| w.put_manifest(&new))), "manifests.label");
    let content = Sha256Digest(bytes32(7));
    write(&store, |w| w.put_manifest(&NewManifest { anchor_index: 0, ..manifest(&two, 2, true) }));
    let of = |observed, limit| read(&store, |r| r.manifests_by_content(&content, observed, limit));
    assert_eq!(of(false, 9), [two.clone(), one.clone()], "oldest first");
    assert_eq!(of(false, 1), std::slice::from_ref(&two));
    assert_eq!(of(true, 9), [], "no picture was seen");

    write(&store, |w| w.delete_manifest(&one, at(3_000)));
    assert_eq!(read(&store, |r| r.manifest(&one)), Some(ManifestRow { deleted_at: Some(at(3_000)), ..row }));
    assert_eq!(read(&store, |r| r.manifest_bytes(&one)), None);
    assert_eq!(of(false, 9), [two]);
    assert_eq!(constraint(store.write(|w| w.delete_manifest(&one, at(4_000)))), "manifests.deleted_at");
    assert_eq!(constraint(store.write(|w| w.delete_manifest(&label(3), at(4_000)))), "manifests.deleted_at");
    write(&store, |w| w.put_manifest(&manifest(&one, 2, false)));
    let back = read(&store, |r| r.manifest(&one)).unwrap();
    assert_eq!((back.owner, back.alone, back.deleted_at), (organisation_id(2), false, None));
    constraint(
        store.write(|w| w.put_manifest(&NewManifest { anchor_index: 99, ..manifest(&label(4), 1, true) })),
    );
    constraint(store.write(|w| w.put_manifest(&manifest(&label(4), 9, true))));
    constraint(store.write(|w| w.put_manifest(&NewManifest { bytes: b"", ..manifest(&label(4), 1, true) })));
}

fn a_manifest_goes_with_its_owners_last_picture(database: &Database) {
    let store = with_organisations(database);
    // The entry with number 1 is of organisation 1, the others are not.
    let (own, foreign, none, owner) = (1, 2, 0, 1);
    let (one, alone) = (label(1), label(2));
    write(&store, |w| {
        w.put_manifest(&manifest(&one, owner, false))?;
        w.link_picture(own, &one)?;
        w.link_picture(foreign, &one)
    });
    constraint(store.write(|w| w.link_picture(own, &one)));
    constraint(store.write(|w| w.link_picture(none, &label(9))));
    assert_eq!(read(&store, |r| r.manifest_of_picture(own)), Some(one.clone()));
    let content = Sha256Digest(bytes32(7));
    assert_eq!(read(&store, |r| r.manifests_by_content(&content, true, 9)), std::slice::from_ref(&one));
    assert_eq!(read(&store, |r| r.manifests_by_content(&content, false, 9)), []);
    assert!(read(&store, |r| r.is_observed(&one)) && !read(&store, |r| r.is_observed(&alone)));
    assert_eq!(read(&store, |r| r.manifest_of_picture(none)), None);
    // Somebody else's picture with the same manifest goes alone.
    write(&store, |w| w.release_picture(foreign, at(3_000)));
    assert!(read(&store, |r| r.manifest_bytes(&one)).is_some());
    write(&store, |w| w.release_picture(none, at(3_000)));
    let row = read(&store, |r| r.manifest(&one)).unwrap();
    assert!(!write(&store, |w| w.pass_manifest_on(&row)), "there is nobody else");
    assert_eq!(read(&store, |r| r.manifest_of_picture(own)), Some(one.clone()));
    write(&store, |w| w.release_picture(own, at(3_000)));
    assert_eq!(read(&store, |r| r.manifest(&one)).unwrap().deleted_at, Some(at(3_000)));
    write(&store, |w| {
        w.put_manifest(&manifest(&alone, owner, false))?;
        w.link_picture(own, &alone)?;
        w.mark_alone(&alone)?;
        w.release_picture(own, at(3_000))
    });
    assert_eq!(read(&store, |r| r.manifest(&alone)).unwrap().deleted_at, None);
    assert_eq!(read(&store, |r| r.manifest_of_picture(own)), None);
}

fn bindings_go_with_their_manifest(database: &Database) {
    let store = with_organisations(database);
    let (one, two) = (label(1), label(2));
    let code = bytes32(3);
    write(&store, |w| {
        w.put_manifest(&manifest(&one, 1, true))?;
        w.put_manifest(&manifest(&two, 2, true))?;
        w.bind("mark", b"value", &one, false)?;
        w.bind("mark", b"value", &one, false)?;
        w.bind("mark", b"value", &two, false)?;
        w.bind(ISCC, &code, &one, true)?;
        w.bind(ISCC, &code, &two, true)
    });
    assert_eq!(read(&store, |r| r.manifests_by_binding("mark", b"value", 9)), [one.clone(), two.clone()]);
    assert_eq!(read(&store, |r| r.manifests_by_binding("mark", b"value", 1)), std::slice::from_ref(&one));
    assert_eq!(read(&store, |r| r.manifests_by_binding("mark", b"valu", 9)), []);
    assert_eq!(
        read(&store, |r| r.soft_bindings(&one)),
        [(ISCC.to_owned(), code.to_vec()), ("mark".to_owned(), b"value".to_vec())]
    );
    assert_eq!(
        read(&store, |r| r.soft_bindings_of(&organisation_id(2), b"value")),
        [("mark".to_owned(), two.clone())]
    );
    assert!(write(&store, |w| w.unbind("mark", b"value", &two)));
    assert!(!write(&store, |w| w.unbind("mark", b"value", &two)));
    write(&store, |w| w.delete_manifest(&one, at(3_000)));
    assert_eq!(read(&store, |r| r.soft_bindings(&one)), []);
    assert_eq!(read(&store, |r| r.iscc_candidates(&code)), [code], "the other one has it too");
    write(&store, |w| w.delete_manifest(&two, at(3_000)));
    assert_eq!(read(&store, |r| r.iscc_candidates(&code)), [[0; 32]; 0]);
    let long = [1; MAX_BINDING_VALUE + 1];
    write(&store, |w| w.bind("mark", &long[1..], &two, false));
    constraint(store.write(|w| w.bind("mark", &long, &two, false)));
    constraint(store.write(|w| w.bind("mark", b"", &two, false)));
    constraint(store.write(|w| w.bind("mark", b"x", &label(9), false)));
}

fn what_was_observed_is_told_from_what_is_claimed(database: &Database) {
    let store = with_organisations(database);
    let (one, two) = (label(1), label(2));
    let (code, own) = (bytes32(3), 1);
    write(&store, |w| {
        w.put_manifest(&manifest(&one, 1, true))?;
        w.put_manifest(&manifest(&two, 2, true))?;
        w.bind(ISCC, &code, &one, true)?;
        w.bind(ISCC, &code, &two, true)
    });
    let with = |observed, limit| read(&store, |r| r.manifests_by_iscc(&code, observed, limit));
    assert_eq!((with(true, 9), with(false, 9)), (vec![], vec![one.clone(), two.clone()]));
    write(&store, |w| {
        w.link_picture(own, &one)?;
        w.bind_observed(&code, &one, true)
    });
    let apart = (vec![one.clone()], vec![two.clone()]);
    assert_eq!((with(true, 9), with(false, 9)), apart);
    // To claim it again takes nothing away.
    write(&store, |w| w.bind(ISCC, &code, &one, true));
    assert_eq!((with(true, 9), with(false, 9)), apart);
    constraint(store.write(|w| w.bind_observed(&code, &label(9), true)));
    // Without its picture it is its owner's word again.
    write(&store, |w| w.release_picture(own, at(3_000)));
    assert_eq!((with(true, 9), with(false, 1)), (vec![], vec![one.clone()]));

    write(&store, |w| w.mark_trusted(&one));
    let trusted = |id| read(&store, |r| r.manifest(id)).unwrap().trusted;
    assert_eq!((trusted(&one), trusted(&two)), (true, false));
    write(&store, |w| {
        w.delete_manifest(&one, at(3_000))?;
        w.delete_manifest(&two, at(3_000))?;
        w.put_manifest(&manifest(&one, 1, true))?;
        w.put_manifest(&NewManifest { trusted: true, ..manifest(&two, 1, true) })
    });
    assert_eq!((trusted(&one), trusted(&two)), (false, true), "as it came last");
}

fn alike_codes_share_a_part(database: &Database) {
    let store = with_organisations(database);
    let one = label(1);
    let code = bytes32(3);
    let hidden = bytes32(4);
    write(&store, |w| {
        w.put_manifest(&manifest(&one, 1, true))?;
        w.bind(ISCC, &code, &one, true)?;
        w.bind(ISCC, &hidden, &one, false)
    });
    // However so few bits are spread, one part stays as it was.
    for seed in 0..64 {
        let mut near = code;
        for bit in 0..ISCC_RADIUS as usize {
            let at = usize::from(bytes32(seed)[bit]);
            near[at / 8] ^= 1 << (at % 8);
        }
        assert_eq!(read(&store, |r| r.iscc_candidates(&near)), [code]);
    }
    let mut far = code;
    far.iter_mut().step_by(2).for_each(|byte| *byte ^= 1);
    assert_eq!(read(&store, |r| r.iscc_candidates(&far)), [[0; 32]; 0]);
    assert_eq!(read(&store, |r| r.iscc_candidates(&hidden)), [[0; 32]; 0]);
}

/// A crowd of codes that have 15 of 16 parts in common with a registered one, and differ in the last part only.
fn a_crowd_hides_nothing_that_lies_elsewhere(database: &Database) {
    let store = with_organisations(database);
    let one = label(1);
    let registered = bytes32(3);
    let member = |n: u16| {
        let mut code = registered;
        code[30..].copy_from_slice(&n.to_be_bytes());
        code
    };
    let crowd = |numbers: std::ops::Range<u16>| {
        write(&store, |w| numbers.into_iter().try_for_each(|n| w.bind(ISCC, &member(n), &one, true)));
    };
    write(&store, |w| {
        w.put_manifest(&manifest(&one, 1, true))?;
        w.bind(ISCC, &registered, &one, true)
    });
    // More of each part than one round reads: all of it is read, and the nearest come first.
    crowd(0..3_000);
    let mut copy = registered;
    copy[0] ^= 1;
    let near = |code: &[u8; 32]| read(&store, |r| r.iscc_candidates(code));
    let distance = |code: &[u8; 32]| -> u32 {
        code.iter().zip(&copy).map(|(one, other)| (one ^ other).count_ones()).sum()
    };
    let expected = (0..3_000).map(member).chain([registered]);
    let mut expected: Vec<_> = expected.map(|code| (distance(&code), code)).collect();
    expected.retain(|(distance, _)| *distance <= ISCC_RADIUS);
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(near(&copy), expected.iter().map(|(_, code)| *code).collect::<Vec<_>>());
    assert!(near(&copy)[0] == registered && expected.len() > 2_000);
    // More of fifteen parts than a look-up reads: what has one part of its own is found all the same.
    crowd(3_000..9_000);
    let mut elsewhere = registered;
    elsewhere.iter_mut().step_by(2).take(15).for_each(|byte| *byte ^= 0x80);
    elsewhere[30..].copy_from_slice(&[0xFF, 0xFE]);
    write(&store, |w| w.bind(ISCC, &elsewhere, &one, true));
    let mut query = elsewhere;
    for part in query.chunks_exact_mut(2).take(15) {
        part[0] ^= 0x80;
    }
    assert_eq!(query[..30], registered[..30], "it has fifteen parts in common with the crowd");
    assert!(near(&query).contains(&elsewhere));
    assert!(near(&query).len() < 8_500, "the crowd itself is cut off");
}
