//! What our writer refuses.

use crate::certificates::{Authority, Usage};
use crate::files::*;
use touchstone_inspect::c2pa::{
    C2paReader, C2paSetupError, C2paSignError, ManifestToWrite, SigningIdentity, TrustAnchors, sign_manifest,
};

#[test]
fn certificates_outside_the_profile_or_their_validity_do_not_sign() {
    let authority = Authority::new("Registrants");
    let original = picture(image::ImageFormat::Jpeg, 48, 48);
    for identity in [
        authority.signer_for("Web", Usage::ServerAuth, 2099),
        authority.signer_for("Old", Usage::EmailProtection, 2025),
    ] {
        // The writer validates what it wrote and refuses to hand out a manifest that would not hold.
        let refused = sign_manifest(&original, "image/jpeg", &signing(&identity), &generated());
        assert!(matches!(refused, Err(C2paSignError::Library(_))), "{refused:?}");
    }
}

#[test]
fn unusable_anchors_and_requests_get_typed_errors() {
    for broken in [
        &b""[..],
        b"no certificate",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"\xff\xfe",
    ] {
        let anchors = TrustAnchors { interim_list: Some(broken.to_vec()), ..TrustAnchors::default() };
        let error = C2paReader::new(anchors).unwrap_err();
        assert!(matches!(error, C2paSetupError::Anchors { set: "interim_list", .. }), "{error}");
    }
    let identity = signing(&Authority::new("Registrants").signer("Inkstone Ltd"));
    let jpeg = picture(image::ImageFormat::Jpeg, 16, 16);
    let sign = |bytes: &[u8], media_type: &str, manifest: &ManifestToWrite| {
        sign_manifest(bytes, media_type, &identity, manifest).unwrap_err()
    };
    assert!(matches!(
        sign(b"not a picture", "image/jpeg", &generated()),
        C2paSignError::UnsupportedFormat(_)
    ));
    assert!(matches!(sign(&jpeg, "image/png", &generated()), C2paSignError::WrongMediaType { .. }));
    let nameless = ManifestToWrite { generator_name: String::new(), ..generated() };
    assert!(matches!(sign(&jpeg, "image/jpeg", &nameless), C2paSignError::Text { .. }));
    let no_key = SigningIdentity { key_pkcs8_pem: "nonsense".to_owned(), ..identity.clone() };
    let error = sign_manifest(&jpeg, "image/jpeg", &no_key, &generated()).unwrap_err();
    assert!(matches!(error, C2paSignError::Identity(_)), "{error}");
    // The key of another certificate under the same root: nothing is handed out that would not hold.
    let other = signing(&Authority::new("Registrants").signer("Inkstone Ltd"));
    let swapped = SigningIdentity { key_pkcs8_pem: other.key_pkcs8_pem, ..identity.clone() };
    for edited in [false, true] {
        let manifest = ManifestToWrite { edited, ..generated() };
        let error = sign_manifest(&jpeg, "image/jpeg", &swapped, &manifest).unwrap_err();
        assert!(matches!(error, C2paSignError::KeyMismatch), "{error:?}");
    }
    assert!(!format!("{identity:?}").contains("PRIVATE"));
}
