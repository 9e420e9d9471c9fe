//! The built server with the registered photographs, asked as a platform asks it.

use crate::{BenchError, server};
use ed25519_dalek::SigningKey;
use image::GrayImage;
use std::{collections::HashMap, path::Path, thread, time::Duration};
use touchstone_schema::{
    Sha256Digest, StatementId,
    api::{CheckResult, NewOrganisation},
    key::PublicKey,
    record::Tier,
    statement::{Role, View},
    verdict::{Conclusion, Context, Verdict},
};
use touchstone_sdk::{
    client::{Client, ClientError},
    entropy::{Stopwatch, SystemEntropy},
    register::{Claim, Registrar, Upload},
};

/// How often a photo is put to a server that refuses it, and how much longer each pause gets.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

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

    /// The answer to a photo, and how long it took. The server gives up on a photo that takes too long, which
    /// happens on a machine that others use too: a run of minutes is not lost to that.
    fn asked(&self, photo: &[u8]) -> Result<(CheckResult, f64), BenchError> {
        let mut attempt = 1;
        loop {
            let watch = Stopwatch::start();
            match self.client.check(photo, &Context::default()) {
                Ok(result) => return Ok((result, watch.elapsed().as_secs_f64() * 1_000.0)),
                Err(ClientError::Problem(_)) if attempt < ATTEMPTS => thread::sleep(PAUSE * attempt),
                Err(error) => return Err(error.into()),
            }
            attempt += 1;
        }
    }

    /// Checks a photo.
    pub(crate) fn check(&self, photo: &[u8]) -> Result<Answer, BenchError> {
        let (result, milliseconds) = self.asked(photo)?;
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
