//! Requests and credentials for the policies to judge.

use http::Request;
use yandex_cloud_auth::{Credential, Decision, Denial, Policy, RequestHead};

pub(crate) const WORKFLOWS: &str = "https://serverless-workflows.api.cloud.yandex.net";
pub(crate) const OPERATION: &str = "https://operation.api.cloud.yandex.net";
pub(crate) const SERVICE: &str = "yandex.cloud.serverless.workflows.v1.ExecutionService";
pub(crate) const START: &str = "/workflows/v1/execution/start";
pub(crate) const ID: &str = "dfqt5gd2kbtmn1f4ag3e";

pub(crate) fn key() -> Credential {
    Credential::api_key("AQVNcanary").unwrap()
}

pub(crate) fn token() -> Credential {
    Credential::iam_token("t1.canary").unwrap()
}

pub(crate) fn request(method: &str, uri: &str) -> Request<()> {
    Request::builder()
        .method(method)
        .uri(uri)
        .body(())
        .unwrap_or_else(|error| panic!("{uri}: {error}"))
}

pub(crate) fn decide(
    policy: &impl Policy,
    credential: &Credential,
    request: &Request<()>,
) -> Result<(), Denial> {
    match policy.decide(&RequestHead::of(request), credential) {
        Decision::Attach => Ok(()),
        Decision::Deny(denial) => Err(denial),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn attaches(
    policy: &impl Policy,
    credential: &Credential,
    method: &str,
    uri: &str,
) -> bool {
    decide(policy, credential, &request(method, uri)).is_ok()
}

/// Every text that differs from `text` by one byte: replaced, inserted or left out.
pub(crate) fn mutations(text: &str) -> impl Iterator<Item = Vec<u8>> {
    let text = text.as_bytes();
    (0..=text.len()).flat_map(move |at| {
        let (head, tail) = text.split_at(at);
        let without = tail.get(1..).unwrap_or_default();
        let changed = (0..=255).flat_map(move |byte| {
            [
                [head, &[byte], without].concat(),
                [head, &[byte], tail].concat(),
            ]
        });
        changed.chain([[head, without].concat()])
    })
}
