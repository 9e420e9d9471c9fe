//! The built server with the registered photographs, asked as a platform asks it.

use crate::{BenchError, server};
use ed25519_dalek::SigningKey;
use image::GrayImage;
use std::{collections::HashMap, path::Path};
use touchstone_schema::{
    Sha256Digest, StatementId,
    api::NewOrganisation,
    key::PublicKey,
    record::Tier,
    statement::{Role, View},
    verdict::{Conclusion, Context, Verdict},
};
use touchstone_sdk::{
    client::Client,
    entropy::{Stopwatch, SystemEntropy},
    register::{Claim, Registrar, Upload},
};

/// A running registry.
pub(crate) struct Registry {
    client: Client,
    statements: HashMap<StatementId, usize>,
    /// Ends with this value.
    _server: server::Server,
}

/// What the registry said of a photo.
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// The registered picture that it is called the same capture as.
    pub(crate) same_as: Option<usize>,
    /// White where it is altered, in the photo's proportions; none if no altered region is named.
    pub(crate) mask: Option<GrayImage>,
    /// From the first byte sent to the last received, without the mask.
    pub(crate) milliseconds: f64,
}

impl Registry {
    /// Starts an empty registry in `folder` and registers the files, keeping `tier` of each. `done` is called
    /// after each file.
    pub(crate) fn start(
        bin: Option<&Path>,
        folder: &Path,
        tier: Tier,
        files: &[&Path],
        done: impl Fn(),
    ) -> Result<Self, BenchError> {
        let operator_token = server::bootstrap(bin, folder)?;
        let server = server::Server::start(bin, folder)?;
        let operator = server.client(Some(&operator_token))?;
        let organisation = |name: &str, role: Role| {
            let key = SigningKey::from_bytes(Sha256Digest::of(name.as_bytes()).as_bytes());
            let admitted = operator.create_organisation(&NewOrganisation {
                name: name.to_owned(),
                role,
                public_key: PublicKey::from(&key),
                recovery_key: None,
                proof_of_possession: None,
                provider_codes: Vec::new(),
            })?;
            Ok::<_, BenchError>((server.client(Some(&admitted.token))?, key))
        };
        let (merchant, key) = organisation("Calibration merchant", Role::Merchant)?;
        let (client, _) = organisation("Calibration platform", Role::Platform)?;
        let registrar = Registrar::new(&merchant, key, &SystemEntropy)?.keeping(Some(tier));
        let view = if tier == Tier::Detail { View::Listing } else { View::Packing };
        let claim = Claim::Picture { view, product: None };
        let mut statements = HashMap::new();
        for (at, file) in files.iter().enumerate() {
            let prepared = registrar.prepare(file, &claim, Upload::Pixels)?;
            for accepted in registrar.submit(&[&prepared])? {
                let accepted = accepted.map_err(|problem| BenchError::Other(format!("{problem:?}")))?;
                registrar.upload(&prepared, &accepted.id)?;
                statements.insert(accepted.id, at);
            }
            done();
        }
        Ok(Self { client, statements, _server: server })
    }

    /// Checks a photo.
    pub(crate) fn check(&self, photo: &[u8]) -> Result<Answer, BenchError> {
        let watch = Stopwatch::start();
        let result = self.client.check(photo, &Context::default())?;
        let milliseconds = watch.elapsed().as_secs_f64() * 1_000.0;
        let verdict = result.verdict;
        let mask = if verdict.alterations.is_empty() {
            None
        } else {
            Some(image::load_from_memory(&self.client.alteration_mask(&result.id)?)?.into_luma8())
        };
        let same = matches!(
            verdict.conclusion,
            Conclusion::Original | Conclusion::Copy | Conclusion::Altered | Conclusion::Relabelled
        );
        let named = verdict.best_match.as_ref().and_then(|found| self.statements.get(&found.statement));
        let same_as = named.copied().filter(|_| same);
        Ok(Answer { verdict, same_as, mask, milliseconds })
    }
}
