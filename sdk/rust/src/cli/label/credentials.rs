//! The C2PA manifest of `touchstone label`.

use super::{Failure, Label, Labelling, Message};

/// Adds what the arguments say of a manifest.
#[cfg(feature = "c2pa")]
pub(super) fn add(labelling: Labelling, args: &Label) -> Result<Labelling, Failure> {
    use super::{Implicit, MAX_LABEL_FILE, files};
    use std::path::Path;
    use touchstone_inspect::c2pa::{Component, MAX_COMPONENTS, ManifestToWrite, SigningIdentity};
    use touchstone_schema::{label::DigitalSourceType, record::clean_file_name};
    use touchstone_sdk::{files::MAX_PICTURE_BYTES, label::Credentials};

    let (Some(chain), Some(key)) = (&args.c2pa_cert, &args.c2pa_key) else {
        return Ok(labelling);
    };
    let of_label = || match &labelling.implicit {
        Some(Implicit::Produced { label, .. }) => Some(label.content_producer.clone()),
        Some(Implicit::Propagated(propagation)) => Some(propagation.propagator.clone()),
        None => None,
    };
    let Some(generator_name) = args.system.clone().or_else(of_label) else {
        let remedy = ("Give --system NAME.", "请提供 --system 名称。");
        let message = Message::new("the manifest needs the name of the system", "清单须写明系统名称");
        return Err(Failure::Usage(message, Some(remedy)));
    };
    if args.ingredient.len() > MAX_COMPONENTS {
        let message = Message::new(
            format!("a manifest names at most {MAX_COMPONENTS} ingredients"),
            format!("一份清单最多列出 {MAX_COMPONENTS} 个素材"),
        );
        return Err(Failure::Usage(message, None));
    }
    let text = |path: &Path| -> Result<String, Failure> {
        String::from_utf8(files::read(path, MAX_LABEL_FILE)?).map_err(|_| {
            Failure::Usage(
                Message::new(
                    format!("{} is not PEM", path.display()),
                    format!("{} 不是 PEM", path.display()),
                ),
                None,
            )
        })
    };
    let component = |path: &std::path::PathBuf| -> Result<Component, Failure> {
        let name = path.file_name().and_then(|name| clean_file_name(&name.to_string_lossy()));
        let bytes = files::read(path, MAX_PICTURE_BYTES)?;
        Ok(Component { title: name.unwrap_or_else(|| "ingredient".to_owned()), bytes })
    };
    let credentials = Credentials {
        identity: SigningIdentity { chain_pem: text(chain)?, key_pkcs8_pem: text(key)? },
        manifest: ManifestToWrite {
            digital_source_type: args.source_type.unwrap_or(DigitalSourceType::TrainedAlgorithmicMedia),
            generator_name,
            generator_version: args.system_version.clone(),
            title: None,
            edited: args.edited,
        },
        components: args.ingredient.iter().map(component).collect::<Result<_, _>>()?,
    };
    Ok(Labelling { credentials: Some(credentials), ..labelling })
}

/// Whether files get a manifest.
#[cfg(feature = "c2pa")]
pub(super) const fn are_in(labelling: &Labelling) -> bool {
    labelling.credentials.is_some()
}

#[cfg(not(feature = "c2pa"))]
pub(super) fn add(labelling: Labelling, args: &Label) -> Result<Labelling, Failure> {
    match args.c2pa_cert {
        None => Ok(labelling),
        Some(_) => Err(Failure::Usage(
            Message::new("this build writes no C2PA manifests", "此版本不写入 C2PA 清单"),
            None,
        )),
    }
}

#[cfg(not(feature = "c2pa"))]
pub(super) const fn are_in(_: &Labelling) -> bool {
    false
}
