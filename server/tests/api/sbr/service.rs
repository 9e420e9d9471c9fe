//! The service itself: what it says of itself, who may use it, and its limits.

use super::{Sbr, TRUSTMARK, done, label, register, signed};
use crate::{
    pictures::{jpeg, picture},
    support::{Engine, TestApp},
};
use serde_json::Value;
use touchstone_inspect::c2pa::embedded_store;
use touchstone_schema::{
    api::{IssuedToken, NewToken, Scope},
    problem::ProblemCode as Code,
    sbr::{
        ISCC, ServiceCapabilities, ServiceState, ServiceStatus, SoftBindingAlgList, SoftBindingQueryResult,
        VerifiedManifestReceipt, WellKnownDiscovery,
    },
};

#[test]
fn what_the_service_offers_needs_no_token() {
    let app = TestApp::start(Engine::Sqlite);
    let anybody = app.client();
    let found: WellKnownDiscovery = anybody.get("/.well-known/c2pa-soft-binding-resolution").json_with(200);
    assert_eq!(found.api_endpoint, "/sbr/v1");
    let capabilities: ServiceCapabilities = anybody.get(&found.capabilities_endpoint).json_with(200);
    assert_eq!(capabilities.c2pa_specification_version, found.c2pa_specification_version);
    assert_eq!(capabilities.supported_capabilities, ["queryByContent", "storeManifests", "storeBindings"]);
    anybody.post("/sbr/v1/matches/byReference", b"{}").refused(Code::NotFound);
    let status: ServiceStatus = anybody.get(&found.status_endpoint).json_with(200);
    assert!(status.status != ServiceState::Down);
    let algorithms: SoftBindingAlgList = anybody.get("/sbr/v1/services/supportedAlgorithms").json_with(200);
    assert_eq!(algorithms.fingerprints[0].alg, ISCC);
    assert!(algorithms.watermarks.iter().any(|found| found.alg == TRUSTMARK));
}

#[test]
fn addresses_are_whole_where_the_registry_knows_its_own() {
    let app = TestApp::start_with(Engine::Sqlite, |config| {
        config.rules.public_url = Some("https://registry.example/".to_owned());
    });
    let found: Value = app.client().get("/.well-known/c2pa-soft-binding-resolution").json_with(200);
    assert_eq!(found["apiEndpoint"], "https://registry.example/sbr/v1");
    let sbr = Sbr::of(&app.merchant());
    let id = sbr.stored(&embedded_store(&signed(22)).unwrap());
    let receipt: VerifiedManifestReceipt = sbr.receipt(&id).json_with(200);
    assert_eq!(receipt.receipt.repository.uri, "https://registry.example/sbr/v1");
}

#[test]
fn scopes_divide_who_may_do_what() {
    let app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    let narrow = |scope| {
        let new = NewToken { organisation: None, scopes: vec![scope], days: 1, name: "narrow".to_owned() };
        let issued: IssuedToken = merchant.client.post_json("/v1/tokens", &new).json_with(201);
        Sbr(app.client().with_token(&issued.token))
    };
    let [fetch, store, bind] =
        [Scope::FetchManifests, Scope::StoreManifests, Scope::StoreBindings].map(narrow);
    let id = store.stored(&embedded_store(&signed(23)).unwrap());
    store.manifest(&id).refused(Code::Forbidden);
    store.by_content("", &jpeg(&picture(23), 90)).refused(Code::Forbidden);
    store.bind("POST", Some(TRUSTMARK), b"1", &id).refused(Code::Forbidden);
    assert_eq!(fetch.manifest(&id).status, 200);
    fetch.remove(&id).refused(Code::Forbidden);
    done(&bind.bind("POST", Some(TRUSTMARK), b"1", &id));
    bind.by_binding(TRUSTMARK, b"1").refused(Code::Forbidden);
    let platform = Sbr::of(&app.platform());
    platform.store("", b"x").refused(Code::Forbidden);
    let new = NewToken {
        organisation: None,
        scopes: vec![Scope::StoreManifests],
        days: 1,
        name: "more than a platform may".to_owned(),
    };
    platform.post_json("/v1/tokens", &new).refused(Code::Forbidden);
}

#[test]
fn every_limit_is_kept() {
    let app = TestApp::start_with(Engine::Sqlite, |config| {
        config.rules.max_manifest_bytes = Some(9_000);
        config.rules.max_matches = Some(2);
        config.rules.max_binding_bytes = Some(64);
        config.limits.max_uri_bytes = 300;
    });
    let sbr = Sbr::of(&app.merchant());
    let stores: Vec<Vec<u8>> = (24..27).map(|seed| embedded_store(&signed(seed)).unwrap()).collect();
    for store in &stores {
        assert!(store.len() <= 9_000, "{}", store.len());
        let id = sbr.stored(store);
        done(&sbr.bind("POST", Some(TRUSTMARK), b"all", &id));
    }
    assert_eq!(sbr.bound(TRUSTMARK, b"all").len(), 2, "never more than the registry's most");
    let query = format!("/sbr/v1/matches/byBinding?alg={TRUSTMARK}&value=YWxs");
    let count = |most: &str| {
        let found: SoftBindingQueryResult = sbr.get(&format!("{query}&maxResults={most}")).json_with(200);
        found.matches.len()
    };
    assert_eq!((count("1"), count("3"), count("99999999999999999999999")), (1, 2, 2));
    for bad in ["0", "-1", "1.5", "many", ""] {
        sbr.get(&format!("{query}&maxResults={bad}")).refused(Code::InvalidField);
    }
    sbr.get(&format!("{query}&value=YWxs")).refused(Code::MalformedRequest);
    sbr.get("/sbr/v1/matches/byBinding?alg=x").refused(Code::MalformedRequest);
    sbr.get(&format!("{query}&other={}", "x".repeat(300))).refused(Code::UriTooLong);

    let id = label(&signed(28));
    let large = [0; 65];
    sbr.by_binding(TRUSTMARK, &large[..64]).json::<SoftBindingQueryResult>();
    sbr.by_binding(TRUSTMARK, &large).refused(Code::InvalidField);
    sbr.by_binding(TRUSTMARK, &[0; 120]).refused(Code::InvalidField);
    let own = sbr.stored(&stores[0]);
    sbr.bind("POST", Some(TRUSTMARK), &large, &own).refused(Code::InvalidField);
    sbr.bind("POST", Some(TRUSTMARK), b"x", &id).refused(Code::NotFound);
    for value in 0..63_u8 {
        done(&sbr.bind("POST", Some(TRUSTMARK), &[value], &own));
    }
    sbr.bind("POST", Some(TRUSTMARK), b"one more", &own).refused(Code::InvalidField);
    done(&sbr.bind("POST", Some(TRUSTMARK), b"all", &own));
    done(&sbr.bind("PUT", Some(TRUSTMARK), b"\0", &own));
    let second = sbr.stored(&stores[1]);
    done(&sbr.bind("POST", Some(TRUSTMARK), b"moved", &second));
    sbr.bind("PUT", Some(TRUSTMARK), b"moved", &own).refused(Code::InvalidField);
    assert_eq!(sbr.bound(TRUSTMARK, b"moved"), [second], "what is refused changes nothing");

    sbr.store("", &[0; 9_001]).refused(Code::BodyTooLarge);
    sbr.store("", b"no store").refused(Code::InvalidManifest);
    sbr.store("?returnReceipt=1", &stores[0]).refused(Code::InvalidField);
    sbr.send("POST", "/sbr/v1/manifests", Some(("application/json", b"{}"))).refused(Code::MalformedRequest);
    sbr.get(&format!("/sbr/v1/manifests/{own}?returnActiveManifest=yes")).refused(Code::InvalidField);

    sbr.by_content("?maxResults=0", &jpeg(&picture(24), 90)).refused(Code::InvalidField);
    sbr.by_content("", b"no picture").refused(Code::UnsupportedMediaType);
    let cut_off = jpeg(&picture(24), 90);
    sbr.by_content("", &cut_off[..cut_off.len() / 3]).refused(Code::InvalidField);
    let audio = sbr.send("POST", "/sbr/v1/matches/byContent", Some(("audio/mpeg", b"x")));
    audio.refused(Code::UnsupportedMediaType);
    // A manifest that is too large for the repository stays with its picture.
    let app = TestApp::start_with(Engine::Sqlite, |config| config.rules.max_manifest_bytes = Some(100));
    let (_, receipt) = register(&app.merchant(), &signed(29));
    assert_eq!(receipt.manifest, None);
}
