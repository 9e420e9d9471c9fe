//! `touchstone inspect`: what a file tells about itself, without any registry.

use super::{
    args::{Inspect, Trust},
    chinese::InChinese,
    failed::Failed,
    failure::{self, Failure, Message, Status},
    output::{Output, Tone, clean},
    parallel::{self, Progress},
    session::Session,
    thumbnail, words,
};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};
use touchstone_inspect::{
    InspectOptions, Inspected, Inspection, Media,
    decode::Picture,
    labels::integrity::{ProducerKeys, ProducerKeysError},
};
use touchstone_schema::label::{FoundLabel, LabelLevel};
use touchstone_sdk::files;

/// Largest list of certificates or keys that is read. The C2PA trust list has 50 kB.
const MAX_LIST_BYTES: u64 = 16 << 20;

#[derive(Serialize)]
struct Line<Report> {
    file: String,
    #[serde(flatten)]
    report: Report,
}

pub(crate) fn run(session: &Session, args: &Inspect) -> Result<Status, Failure> {
    let out = &session.out;
    let options = args.trust.options()?;
    let work = |path: &PathBuf| -> Result<Inspected, Failure> {
        let bytes = files::read(path, files::limit_of(path))?;
        touchstone_inspect::inspect_file(&bytes, &options).map_err(|error| failure::not_a_picture(&error))
    };
    let mut failed = Failed::new(out);
    let progress = Progress::new(out, args.files.len());
    parallel::in_order(&args.files, work, |at, result| {
        let path = &args.files[at];
        progress.print(|| match result {
            Ok(seen) if out.json => {
                out.object(&Line { file: path.display().to_string(), report: seen.report() });
            }
            Ok(seen) => {
                if at > 0 {
                    out.line("");
                }
                out.line(&out.paint(Tone::Strong, &clean(&path.display().to_string())));
                match &seen {
                    Inspected::Picture(inspection, picture) => {
                        show(out, inspection, (!args.no_thumbnail).then_some(picture));
                    }
                    Inspected::Media(media) => show_media(out, media),
                }
            }
            Err(failure) => failed.file(path, None, &failure),
        });
        progress.step();
    });
    Ok(failed.finish())
}

/// A video, a sound or a document: its digest, its labels and its manifest.
fn show_media(out: &Output, media: &Media) {
    let words = out.words();
    let mut fields =
        vec![(words.media_type, media.media_type.to_owned()), ("SHA-256", media.sha256.to_string())];
    if media.labels.is_empty() {
        fields.push((words.label, words.no_label.to_owned()));
    }
    out.fields(&fields);
    media.labels.iter().for_each(|label| show_label(out, label));
    #[cfg(feature = "c2pa")]
    if let Some(report) = &media.c2pa {
        credential::show(out, report);
    }
}

fn show(out: &Output, inspection: &Inspection, picture: Option<&Picture>) {
    let words = out.words();
    let report = inspection.report();
    if let Some((picture, palette)) = picture.zip(out.palette) {
        thumbnail::lines(picture, palette).iter().for_each(|line| out.line(line));
    }
    let mut fields = vec![
        (words.media_type, report.media_type.clone()),
        (words.size, format!("{} x {}", report.width, report.height)),
        ("SHA-256", report.sha256.to_string()),
    ];
    if report.sha256_without_manifest != report.sha256 {
        fields.push(("SHA-256 (-C2PA)", report.sha256_without_manifest.to_string()));
    }
    let pdq = report.pdq.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    fields.push(("PDQ", format!("{pdq} ({}/100)", report.pdq_quality)));
    fields.push(("ISCC", report.iscc.clone()));
    if report.labels.is_empty() {
        fields.push((words.label, words.no_label.to_owned()));
    }
    out.fields(&fields);
    report.labels.iter().for_each(|label| show_label(out, label));
    #[cfg(feature = "c2pa")]
    if let Some(report) = &inspection.c2pa {
        credential::show(out, report);
    }
}

impl Trust {
    /// How to inspect under the given lists.
    fn options(&self) -> Result<InspectOptions, Failure> {
        let mut options = self.anchored()?;
        if let Some(path) = &self.producer_keys {
            let keys = ProducerKeys::parse(&files::read(path, MAX_LIST_BYTES)?);
            let refuse = |error: ProducerKeysError| {
                let path = path.display();
                let message =
                    Message::new(format!("{path}: {error}"), format!("{path}：{}", error.chinese()));
                Failure::Usage(message, Some(error.remedy()))
            };
            options.producer_keys = Arc::new(keys.map_err(refuse)?);
        }
        Ok(options)
    }

    #[cfg(feature = "c2pa")]
    fn anchored(&self) -> Result<InspectOptions, Failure> {
        use touchstone_inspect::c2pa::TrustAnchors;
        let read = |path: &Option<PathBuf>| {
            path.as_deref().map(|path| files::read(path, MAX_LIST_BYTES)).transpose()
        };
        let anchors = TrustAnchors {
            c2pa_trust_list: read(&self.c2pa_trust_list)?,
            interim_list: read(&self.c2pa_interim_list)?,
            registrants: read(&self.c2pa_registrants)?,
            time_stamp_list: read(&self.c2pa_time_stamp_list)?,
            identities: read(&self.c2pa_identities)?,
            identity_aggregators: self.c2pa_identity_aggregator.clone(),
        };
        InspectOptions::with_c2pa(anchors).map_err(|error| {
            let message = Message::new(error.to_string(), format!("信任列表无法使用：{error}"));
            Failure::Usage(message, None)
        })
    }

    #[cfg(not(feature = "c2pa"))]
    fn anchored(&self) -> Result<InspectOptions, Failure> {
        Ok(InspectOptions::default())
    }
}

const fn tone(level: LabelLevel) -> Tone {
    match level {
        LabelLevel::Declared => Tone::Careful,
        LabelLevel::Signed | LabelLevel::Verified | LabelLevel::Registered => Tone::Good,
    }
}

/// A label: what it says and how far that can be trusted, its fields, and where it departs from its standard.
fn show_label(out: &Output, label: &FoundLabel) {
    let choose = |(en, zh)| out.choose(en, zh);
    let place = out.paint(Tone::Faint, &clean(&format!("{} @ {}", label.carrier, label.offset)));
    out.line(&format!(
        "{} · {} · {}  {place}",
        words::scheme(label.scheme),
        choose(words::meaning(label.meaning)),
        out.paint(tone(label.level), choose(words::level(label.level))),
    ));
    let mut fields = Vec::new();
    if let Some(gb) = &label.gb45438 {
        let attribute = gb.attribute().map(|it| format!(" ({})", choose(words::attribute(it))));
        fields.extend([
            ("Label", format!("{}{}", gb.label, attribute.unwrap_or_default())),
            ("ContentProducer", gb.content_producer.clone()),
            ("ProduceID", gb.produce_id.clone()),
            ("ReservedCode1", shortened(&gb.reserved_code_1)),
            ("ContentPropagator", gb.content_propagator.clone()),
            ("PropagateID", gb.propagate_id.clone()),
            ("ReservedCode2", shortened(&gb.reserved_code_2)),
        ]);
    }
    if let Some(term) = label.digital_source_type {
        fields.push(("digitalSourceType", term.term().to_owned()));
    }
    if let Some(iptc) = &label.iptc {
        let text = |value: &Option<String>| value.as_deref().map(shortened).unwrap_or_default();
        fields.extend([
            ("AISystemUsed", text(&iptc.system)),
            ("AISystemVersionUsed", text(&iptc.system_version)),
            ("AIPromptInformation", text(&iptc.prompt)),
            ("AIPromptWriterName", text(&iptc.prompt_writer)),
            ("DigImageGUID", text(&iptc.image_guid)),
        ]);
    }
    fields.push((out.words().generator, label.generator.clone().unwrap_or_default()));
    out.indented(&fields);
    if let Some(integrity) = &label.integrity {
        out.mark(tone(integrity.level()), choose(words::integrity(integrity)));
    }
    for finding in &label.findings {
        out.mark(Tone::Careful, out.choose(&finding.text.en, &finding.text.zh));
    }
}

/// The beginning of long text.
fn shortened(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(feature = "c2pa")]
mod credential {
    //! The C2PA manifest of a file.

    use super::{Output, Tone, clean};
    use touchstone_inspect::c2pa::{AnchorSet, C2paReport, C2paState, Identity, IdentityState, Signals};

    /// Characters of a manifest's label that tell it from others in a table.
    const LABEL: usize = 48;

    /// The state of a manifest as people read it: `valid` says nothing about who signed.
    const fn state(state: C2paState) -> (Tone, &'static str, &'static str) {
        match state {
            C2paState::Trusted => {
                (Tone::Good, "intact, by a signer on a trust list", "完整，签名者在信任列表中")
            }
            C2paState::Valid => (
                Tone::Careful,
                "intact; no trust list that was given knows who signed it",
                "完整；签名者不在所给信任列表中",
            ),
            C2paState::Invalid => {
                (Tone::Bad, "does not hold; the codes below say why", "不成立；原因见下列代码")
            }
            C2paState::Remote => {
                (Tone::Careful, "kept elsewhere; nothing was fetched", "存于别处；未联网读取")
            }
            C2paState::Unreadable => (Tone::Bad, "cannot be read", "无法读取"),
            C2paState::NotJudged => {
                (Tone::Careful, "there is a manifest, which is not judged here", "带有清单，此处不作判定")
            }
        }
    }

    const fn anchors(set: AnchorSet) -> (&'static str, &'static str) {
        match set {
            AnchorSet::C2pa => ("the C2PA trust list", "C2PA 信任列表"),
            AnchorSet::Interim => ("the frozen interim list", "已冻结的过渡列表"),
            AnchorSet::Registrants => ("the list of the registry's registrants", "登记处注册方列表"),
        }
    }

    pub(super) fn show(out: &Output, report: &C2paReport) {
        let words = out.words();
        let (tone, en, zh) = state(report.state);
        let place = out.paint(Tone::Faint, &clean(&format!("{} @ {}", report.carrier, report.offset)));
        out.line(&format!("C2PA · {}  {place}", out.paint(tone, out.choose(en, zh))));
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let vouched = report.anchor_set.map(|set| {
            let (en, zh) = anchors(set);
            out.choose(en, zh).to_owned()
        });
        let signer = report.signer.clone().unwrap_or_default();
        let name = [text(&signer.common_name), text(&signer.organisation)];
        let name: Vec<String> = name.into_iter().filter(|part| !part.is_empty()).collect();
        let binding = report.hard_binding.as_ref();
        out.indented(&[
            (words.manifest, text(&report.active_manifest)),
            (words.signer, name.join(" · ")),
            (words.issuer, text(&signer.issuer)),
            (words.vouched_by, vouched.unwrap_or_default()),
            (words.time, text(&signer.time)),
            (words.generator, text(&report.claim_generator)),
            (words.signals, signals(&report.signals)),
            (words.actions, report.actions.join(", ")),
            ("digitalSourceType", report.digital_source_types.join(", ")),
            (words.hard_binding, binding.map(|it| format!("{} {}", it.alg, it.hash)).unwrap_or_default()),
            (words.kept_at, text(&report.remote_url)),
            (words.because, text(&report.problem)),
        ]);
        if !report.ingredients.is_empty() {
            let rows: Vec<Vec<String>> = report
                .ingredients
                .iter()
                .map(|it| {
                    let label: String = text(&it.active_manifest).chars().take(LABEL).collect();
                    let indent = " ".repeat(it.depth.saturating_sub(1).min(8) as usize);
                    let title = format!("  {indent}{}", it.title.as_deref().unwrap_or("-"));
                    vec![title, it.relationship.clone(), label, it.failures.join(", ")]
                })
                .collect();
            let ingredient = format!("  {}", words.ingredient);
            out.table(&[&ingredient, words.relation, words.manifest, words.failures], &rows);
        }
        report.identities.iter().for_each(|identity| show_identity(out, identity));
        report.failures.iter().for_each(|code| out.mark(Tone::Bad, code));
        report.informational.iter().for_each(|code| out.mark(Tone::Faint, code));
    }

    /// The rubric's own names: how it began, then what was done to it.
    fn signals(signals: &Signals) -> String {
        let name = |value: serde_json::Result<serde_json::Value>| {
            value.ok().and_then(|value| value.as_str().map(str::to_owned))
        };
        let began = signals.inception.iter().filter_map(|it| name(serde_json::to_value(it)));
        let changed = signals.transformations.iter().filter_map(|it| name(serde_json::to_value(it)));
        began.chain(changed).collect::<Vec<_>>().join(", ")
    }

    fn show_identity(out: &Output, identity: &Identity) {
        let (tone, en, zh) = match identity.state {
            IdentityState::Verified => (Tone::Good, "identity verified", "身份已验证"),
            IdentityState::NotVerified => (Tone::Careful, "identity not verified", "身份未验证"),
            IdentityState::Invalid => (Tone::Bad, "identity invalid", "身份无效"),
        };
        let claimed = [&identity.name, &identity.organisation, &identity.issuer].into_iter().flatten();
        let claimed: Vec<&str> = claimed.chain(&identity.roles).map(String::as_str).collect();
        out.mark(tone, &format!("{}: {}", out.choose(en, zh), claimed.join(" · ")));
    }
}
