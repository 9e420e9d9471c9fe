//! The C2PA manifest repository and its Soft Binding Resolution API, as its clients use it.

mod bindings;
mod manifests;
mod service;

use crate::{
    actors::{Member, Merchant, inspect},
    client::{Answer, Client},
    pictures::{Authority, jpeg, picture},
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use std::ops::Deref;
use touchstone_inspect::digest::manifest_ranges;
use touchstone_schema::{
    ManifestId,
    api::ContentReceipt,
    label::DigitalSourceType,
    sbr::{Bindings, ManifestCreateResult, SoftBindingQuery, SoftBindingQueryResult},
    statement::View,
};

pub(crate) const TRUSTMARK: &str = "com.adobe.trustmark.P";

/// A picture signed by a camera that nobody need trust.
pub(crate) fn signed(seed: u64) -> Vec<u8> {
    Authority::new().sign(&jpeg(&picture(seed), 90), DigitalSourceType::DigitalCapture)
}

/// The same file without its manifest.
pub(crate) fn stripped(file: &[u8]) -> Vec<u8> {
    let [range] = manifest_ranges(file).try_into().expect("one manifest");
    [&file[..range.start], &file[range.end..]].concat()
}

pub(crate) fn label(file: &[u8]) -> ManifestId {
    inspect(file).c2pa_binding().unwrap().manifest.parse().unwrap()
}

/// A client of the Soft Binding Resolution API.
pub(crate) struct Sbr(pub(crate) Client);

impl Deref for Sbr {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

impl Sbr {
    pub(crate) fn of(member: &Member) -> Self {
        Self(member.client.clone())
    }

    pub(crate) fn by_content(&self, query: &str, file: &[u8]) -> Answer {
        self.send("POST", &format!("/sbr/v1/matches/byContent{query}"), Some(("image/jpeg", file)))
    }

    /// Manifests and scores of what is like this picture.
    #[track_caller]
    pub(crate) fn like(&self, query: &str, file: &[u8]) -> Vec<(ManifestId, u8)> {
        let found: SoftBindingQueryResult = self.by_content(query, file).json_with(200);
        found.matches.into_iter().map(|found| (found.manifest_id, found.similarity_score.unwrap())).collect()
    }

    fn by_binding(&self, alg: &str, value: &[u8]) -> Answer {
        let value = BASE64URL_NOPAD.encode(value);
        self.get(&format!("/sbr/v1/matches/byBinding?alg={alg}&value={value}"))
    }

    #[track_caller]
    pub(crate) fn bound(&self, alg: &str, value: &[u8]) -> Vec<ManifestId> {
        let found: SoftBindingQueryResult = self.by_binding(alg, value).json_with(200);
        let query = SoftBindingQuery { alg: alg.to_owned(), value: BASE64.encode(value) };
        let posted: SoftBindingQueryResult =
            self.post_json("/sbr/v1/matches/byBinding", &query).json_with(200);
        assert_eq!(posted, found, "both forms of the look-up answer alike");
        found.matches.into_iter().map(|found| found.manifest_id).collect()
    }

    pub(crate) fn manifest(&self, id: &ManifestId) -> Answer {
        self.get(&format!("/sbr/v1/manifests/{id}"))
    }

    pub(crate) fn store(&self, query: &str, store: &[u8]) -> Answer {
        self.send("POST", &format!("/sbr/v1/manifests{query}"), Some(("application/c2pa", store)))
    }

    #[track_caller]
    pub(crate) fn stored(&self, store: &[u8]) -> ManifestId {
        let result: ManifestCreateResult = self.store("", store).json_with(200);
        assert_eq!(result.receipt, None, "it was not asked for");
        result.manifest_id
    }

    pub(crate) fn remove(&self, id: &ManifestId) -> Answer {
        self.delete(&format!("/sbr/v1/manifests/{id}"))
    }

    pub(crate) fn bind(&self, method: &str, alg: Option<&str>, value: &[u8], id: &ManifestId) -> Answer {
        let body = Bindings {
            binding_value: BASE64.encode(value),
            manifest_id: id.clone(),
            alg: alg.map(str::to_owned),
        };
        let body = serde_json::to_vec(&body).unwrap();
        self.send(method, "/sbr/v1/bindings", Some(("application/json", &body)))
    }

    pub(crate) fn receipt(&self, id: &ManifestId) -> Answer {
        self.get(&format!("/sbr/v1/manifests/{id}/receipts"))
    }
}

#[track_caller]
pub(crate) fn done(answer: &Answer) {
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{}", answer.text());
}

#[track_caller]
pub(crate) fn register(merchant: &Merchant, file: &[u8]) -> (touchstone_schema::StatementId, ContentReceipt) {
    let accepted = merchant.declare(file, View::Listing);
    let receipt = merchant.uploaded(&accepted.id, file);
    assert_eq!(merchant.uploaded(&accepted.id, file), receipt, "a repetition says the same");
    (accepted.id, receipt)
}
