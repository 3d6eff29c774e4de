//! What was asked of the cloud, and what it answered.

use std::time::SystemTime;

use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, Version};
use tonic::Code;

use crate::credential::{Fingerprint, Scheme};
use crate::testing::cloud::wire::host::Host;

/// A request that a [`FakeCloud`](crate::testing::FakeCloud) received. Holds no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// The host it was sent to.
    pub host: Host,
    /// Its method.
    pub method: Method,
    /// Its path, without the query.
    pub path: String,
    /// The HTTP version it came by.
    pub version: Version,
    /// Its headers but `Authorization`.
    pub headers: HeaderMap,
    /// The scheme of its credentials.
    pub scheme: Option<Scheme>,
    /// The fingerprint of its token or API key.
    pub fingerprint: Option<Fingerprint>,
    /// Whose token or API key that is, if it was ever given out.
    pub account: Option<String>,
    /// When it came, by the cloud's clock.
    pub at: SystemTime,
    /// The HTTP status of the answer. `None` while there is none.
    pub status: Option<StatusCode>,
    /// The code of the gRPC answer.
    pub grpc_status: Option<Code>,
    /// The request id in the answer.
    pub request_id: String,
}

/// Every request, in the order they came.
#[derive(Default)]
pub(crate) struct Audit {
    requests: Vec<Received>,
    /// How many were forgotten. An answer still finds the request it belongs to.
    forgotten: usize,
}

/// A request's place in the audit.
#[derive(Clone, Copy)]
pub(crate) struct Entry(usize);

impl Audit {
    pub(crate) fn arrived(&mut self, received: Received) -> Entry {
        self.requests.push(received);
        Entry(self.forgotten + self.requests.len() - 1)
    }

    pub(crate) fn answered(&mut self, Entry(place): Entry, answer: &Response) {
        let place = place.checked_sub(self.forgotten);
        let Some(entry) = place.and_then(|place| self.requests.get_mut(place)) else {
            return;
        };
        entry.status = Some(answer.status());
        if entry.host == Host::Grpc {
            entry.grpc_status = Some(grpc_code(answer));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.forgotten += self.requests.len();
        self.requests.clear();
    }

    pub(crate) fn all(&self) -> &[Received] {
        &self.requests
    }

    pub(crate) fn per_credential(&self) -> Vec<(Fingerprint, usize)> {
        let mut counts: Vec<(Fingerprint, usize)> = Vec::new();
        for fingerprint in self
            .requests
            .iter()
            .filter_map(|request| request.fingerprint)
        {
            match counts.iter_mut().find(|(known, _)| *known == fingerprint) {
                Some((_, count)) => *count += 1,
                None => counts.push((fingerprint, 1)),
            }
        }
        counts
    }
}

/// The code in a trailers-only answer. An answer of the fake that has a body has succeeded.
fn grpc_code(answer: &Response) -> Code {
    match answer.headers().get("grpc-status") {
        Some(code) => Code::from_bytes(code.as_bytes()),
        None if answer.status().is_success() => Code::Ok,
        None => Code::Unknown,
    }
}
