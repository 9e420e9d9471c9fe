//! Traces that generators leave by themselves: prompts, parameters and signatures in the text fields of a file.
//!
//! A trace is unsigned, trivially forged and trivially stripped: it is a ground for suspicion and no more. A keyword
//! alone proves nothing, since `prompt` and `parameters` are common words; the text must look like the generator's.

use touchstone_schema::label::LabelMeaning;

/// How NovelAI names itself in JSON.
const NOVELAI: [&str; 2] = ["\"Software\":\"NovelAI\"", "\"Software\": \"NovelAI\""];
/// Keys that its comment has together; `uc` is its name for what a picture should not show.
const COMMENT_OF_NOVELAI: [&str; 3] = ["\"uc\"", "\"sampler\"", "\"steps\""];

/// Parameters that Midjourney writes behind a prompt, nearly always its version. Couriers and printers number their jobs
/// as well.
const PARAMETERS_OF_MIDJOURNEY: [&str; 8] =
    [" --v ", " --ar ", " --niji ", " --s ", " --stylize ", " --style ", " --raw ", " --profile "];

/// Whose trace it is, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) generator: &'static str,
    pub(super) meaning: LabelMeaning,
}

const fn by(generator: &'static str) -> Trace {
    Trace { generator, meaning: LabelMeaning::Synthetic }
}

/// PNG keywords and names of EXIF fields and XMP properties whose text may be a trace.
pub(super) const FIELDS: [&str; 20] = [
    "parameters",
    "prompt",
    "workflow",
    "invokeai_metadata",
    "invokeai_graph",
    "sd-metadata",
    "Dream",
    "fooocus_scheme",
    "Title",
    "Software",
    "Comment",
    "Description",
    "ImageDescription",
    "UserComment",
    "Make",
    "Model",
    "CreatorTool",
    "Credit",
    "Source",
    "Artist",
];

/// The trace in a field, by its name and text.
pub(super) fn of_field(name: &str, text: &str) -> Option<Trace> {
    let text = text.trim();
    let has = |marker: &str| text.contains(marker);
    let trace = match name {
        "prompt" => has("\"class_type\"").then(|| by("ComfyUI")),
        "workflow" => (has("\"nodes\"") && has("\"links\"")).then(|| by("ComfyUI")),
        // In EXIF, ComfyUI keeps the two under the names of maker and model.
        "Make" | "Model" => match text.split_once(':') {
            Some((inner @ ("prompt" | "workflow"), rest)) => of_field(inner, rest),
            _ => (text == "Ideogram AI").then(|| by("Ideogram")),
        },
        "invokeai_metadata" | "invokeai_graph" => text.starts_with('{').then(|| by("InvokeAI")),
        "sd-metadata" => {
            (text.starts_with('{') && (has("\"app_id\"") || has("\"model\""))).then(|| by("InvokeAI"))
        }
        "Dream" => {
            let options = [" -s", " -W", " -H", " -C", " -A"];
            (has(" -S") && options.iter().any(|option| has(option))).then(|| by("InvokeAI"))
        }
        "fooocus_scheme" => matches!(text, "fooocus" | "a1111").then(|| by("Fooocus")),
        "Title" => matches!(text, "AI generated image" | "NovelAI generated image").then(|| by("NovelAI")),
        "Software" if text == "NovelAI" => Some(by("NovelAI")),
        "Software" | "CreatorTool" => text.to_ascii_lowercase().contains("reve.com").then(|| by("Reve")),
        "Credit" | "Source" => match text {
            "Made with Google AI" => Some(by("Google AI")),
            "Edited with Google AI" => {
                Some(Trace { generator: "Google AI", meaning: LabelMeaning::PartlySynthetic })
            }
            _ => None,
        },
        _ => None,
    };
    trace.or_else(|| {
        of_text(text).filter(|_| {
            matches!(name, "parameters" | "UserComment" | "Comment" | "Description" | "ImageDescription")
        })
    })
}

/// The trace in a text of any name, by what only generators write.
pub(super) fn of_text(text: &str) -> Option<Trace> {
    let has = |marker: &str| text.contains(marker);
    let any = |markers: &[&str]| markers.iter().any(|marker| has(marker));
    if has("\"Fooocus v") || has("Version: Fooocus") {
        Some(by("Fooocus"))
    } else if has("Steps: ") && any(&["Sampler: ", "CFG scale: ", "Negative prompt: "]) {
        Some(by("AUTOMATIC1111"))
    } else if text.starts_with('{') && (any(&NOVELAI) || COMMENT_OF_NOVELAI.iter().all(|key| has(key))) {
        Some(by("NovelAI"))
    } else if any(&PARAMETERS_OF_MIDJOURNEY) && job_ids(text).next().is_some() {
        Some(by("Midjourney"))
    } else {
        None
    }
}

/// The trace in a description whose job is the picture's `DigImageGUID`: Midjourney writes both.
pub(super) fn of_job(text: &str, guid: &str) -> Option<Trace> {
    job_ids(text).any(|id| id == guid.trim()).then(|| by("Midjourney"))
}

/// The UUIDs that a text gives as numbers of jobs.
fn job_ids(text: &str) -> impl Iterator<Item = &str> {
    text.split("Job ID: ").skip(1).take(4).filter_map(|rest| rest.get(..36)).filter(|id| is_uuid(id))
}

/// Whether a text is a UUID in its usual form.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Grok's pair of EXIF fields: a signature as the description and a UUID as the artist.
pub(super) fn of_grok(description: &str, artist: &str) -> Option<Trace> {
    let signature = description.trim().strip_prefix("Signature: ")?;
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_');
    (signature.len() >= 40 && signature.bytes().all(base64) && is_uuid(artist.trim())).then(|| by("Grok"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "a cat --v 6 Job ID: 0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001";

    #[test]
    fn every_generator_has_its_trace() {
        for (name, text, generator) in [
            (
                "parameters",
                "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7",
                "AUTOMATIC1111",
            ),
            ("UserComment", "a cat\nSteps: 20, Sampler: Euler a", "AUTOMATIC1111"),
            ("prompt", "{\"3\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":NaN}}}", "ComfyUI"),
            ("workflow", "{\"nodes\":[],\"links\":[]}", "ComfyUI"),
            ("Make", "workflow:{\"nodes\":[],\"links\":[]}", "ComfyUI"),
            ("Model", "prompt:{\"3\":{\"class_type\":\"KSampler\"}}", "ComfyUI"),
            ("invokeai_metadata", "{\"generation_mode\":\"txt2img\"}", "InvokeAI"),
            ("sd-metadata", "{\"model\":\"stable diffusion\",\"app_id\":\"invoke-ai/InvokeAI\"}", "InvokeAI"),
            ("Dream", "\"a cat\" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms", "InvokeAI"),
            ("fooocus_scheme", "fooocus", "Fooocus"),
            ("parameters", "{\"prompt\":\"a\",\"version\":\"Fooocus v2.5.5\"}", "Fooocus"),
            ("parameters", "a\nSteps: 30, Sampler: x, Version: Fooocus v2.5.5", "Fooocus"),
            ("Title", "AI generated image", "NovelAI"),
            ("Software", "NovelAI", "NovelAI"),
            ("Comment", "{\"steps\": 28, \"sampler\": \"k_euler\", \"uc\": \"bad\"}", "NovelAI"),
            ("Description", JOB, "Midjourney"),
            ("Credit", "Made with Google AI", "Google AI"),
            ("Make", "Ideogram AI", "Ideogram"),
            ("CreatorTool", "https://app.reve.com", "Reve"),
        ] {
            assert_eq!(of_field(name, text).map(|t| t.generator), Some(generator), "{name} {text}");
            assert!(FIELDS.contains(&name));
        }
        let edited = of_field("Credit", "Edited with Google AI").unwrap();
        assert_eq!(edited.meaning, LabelMeaning::PartlySynthetic);
    }

    #[test]
    fn a_keyword_alone_is_no_trace() {
        for name in FIELDS {
            for text in [
                "",
                "of a camera",
                "{}x",
                "Steps: 20",
                "Job ID: 17",
                "Parcel 7, Job ID: 0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001",
                "a cat --v 6",
                "Job ID: zf2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001",
            ] {
                let expected = name.starts_with("invokeai") && text.starts_with('{');
                assert_eq!(of_field(name, text).is_some(), expected, "{name} {text}");
            }
        }
        assert_eq!(of_field("Author", JOB), None);
    }

    #[test]
    fn a_job_is_midjourneys_by_its_parameters_or_by_the_pictures_number() {
        let id = "0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001";
        let plain = format!("a cat Job ID: {id}");
        assert_eq!(of_text(&plain), None);
        assert_eq!(of_job(&plain, id), Some(by("Midjourney")));
        assert_eq!(of_job(&plain, "0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f002"), None);
        assert_eq!(of_job("a cat", id), None);
        for text in ["a cat --ar 3:4", "a cat --niji 6 --raw"] {
            assert_eq!(of_text(&format!("{text} Job ID: {id}")), Some(by("Midjourney")));
        }
    }

    #[test]
    fn groks_two_fields_belong_together() {
        let signature = format!("Signature: {}", "aB3+/=".repeat(12));
        let artist = "0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001";
        assert_eq!(of_grok(&signature, artist).map(|t| t.generator), Some("Grok"));
        assert_eq!(of_grok(&signature, "A. Photographer"), None);
        assert_eq!(of_grok("Signature: J. Smith", artist), None);
        assert_eq!(of_grok("a cat", artist), None);
    }
}
