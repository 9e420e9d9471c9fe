//! What reading a picture's labels and validating its C2PA manifest add to a check, in this process, on one thread.

use super::{
    BenchError,
    load::percentile,
    tasks::{Print, figure, photograph},
};
use image::{DynamicImage, codecs::jpeg::JpegEncoder};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ED25519,
};
use touchstone_inspect::{
    c2pa::{C2paReader, C2paState, ManifestToWrite, SigningIdentity, TrustAnchors, sign_manifest},
    labels::{LabelToWrite, produced, read_labels, write_labels},
};
use touchstone_schema::label::{AiAttribute, DigitalSourceType};
use touchstone_sdk::entropy::Stopwatch;

const RUNS: usize = 200;
const MEDIA_TYPE: &str = "image/jpeg";

/// A photograph of 1,024 x 1,024 pixels as a JPEG file with an implicit label and a source type.
fn labelled() -> Result<Vec<u8>, BenchError> {
    let mut file = Vec::new();
    DynamicImage::ImageRgb8(photograph()?)
        .write_with_encoder(JpegEncoder::new_with_quality(&mut file, 92))?;
    let labels = LabelToWrite {
        gb45438: Some(produced(AiAttribute::Confirmed, "001191110102MACQD9K64010000", "bench-1")),
        digital_source_type: Some(DigitalSourceType::TrainedAlgorithmicMedia),
    };
    write_labels(&file, &labels).map_err(BenchError::other)
}

pub(crate) fn labels(print: Print<'_>) -> Result<(), BenchError> {
    let file = labelled()?;
    let (reached, p50) = timed(|| read_labels(&file).len() == 2)?;
    print(figure("all labels of a labelled 1-megapixel JPEG", "< 2 ms", reached, p50 < 2.0));
    Ok(())
}

pub(crate) fn c2pa(print: Print<'_>) -> Result<(), BenchError> {
    let (root, identity) = signer().map_err(BenchError::other)?;
    let anchors = TrustAnchors { registrants: Some(root.into_bytes()), ..TrustAnchors::default() };
    let reader = C2paReader::new(anchors).map_err(BenchError::other)?;
    let manifest = |edited| ManifestToWrite {
        digital_source_type: DigitalSourceType::TrainedAlgorithmicMedia,
        generator_name: "Touchstone bench".to_owned(),
        generator_version: None,
        title: None,
        edited,
    };
    let sign = |file: &[u8], edited| {
        sign_manifest(file, MEDIA_TYPE, &identity, &manifest(edited)).map_err(BenchError::other)
    };
    let once = sign(&labelled()?, false)?;
    let edited = sign(&sign(&once, true)?, true)?;
    for (name, file) in [("signed", &once), ("signed and edited twice", &edited)] {
        let (reached, p50) =
            timed(|| reader.read(file, MEDIA_TYPE).is_some_and(|report| report.state == C2paState::Trusted))?;
        let what = format!("C2PA validation of a 1-megapixel JPEG, {name}");
        print(figure(&what, "< 3 ms", reached, p50 < 3.0));
    }
    Ok(())
}

/// Time of a reading that must find what is there: in words, and the median in milliseconds.
fn timed(read: impl Fn() -> bool) -> Result<(String, f64), BenchError> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let watch = Stopwatch::start();
        let found = std::hint::black_box(read());
        times.push(watch.elapsed().as_secs_f64() * 1_000.0);
        if !found {
            return Err(BenchError::Other("what was written was not read".to_owned()));
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    let p50 = percentile(&times, 0.5);
    Ok((format!("p50 {p50:.2} ms, p95 {:.2} ms", percentile(&times, 0.95)), p50))
}

/// A root certificate to be trusted, and a signer under it.
fn signer() -> Result<(String, SigningIdentity), rcgen::Error> {
    let params = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, name);
        params
    };
    let mut root = params("Bench root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate_for(&PKCS_ED25519)?)?;
    let mut leaf = params("Bench signer");
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    let chain_pem = leaf.signed_by(&key, &root)?.pem();
    Ok((root.pem(), SigningIdentity { chain_pem, key_pkcs8_pem: key.serialize_pem() }))
}
