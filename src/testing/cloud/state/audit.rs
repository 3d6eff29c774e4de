//! The record of requests and responses.

use std::time::SystemTime;

use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, Version};
use tonic::Code;

use crate::credential::{Fingerprint, Scheme};
use crate::testing::cloud::wire::host::Host;

/// A request that a [`FakeCloud`](crate::testing::FakeCloud) received. Contains no secret.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::testing::{FakeCloud, Host, proto};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let cloud = FakeCloud::start().await;
/// let channel = tonic::transport::Endpoint::from_shared(cloud.grpc_url())?.connect().await?;
/// let mut client = proto::ExecutionServiceClient::new(channel);
/// assert!(client.get(proto::GetExecutionRequest::default()).await.is_err());
///
/// let received = &cloud.audit()[0];
/// assert_eq!((received.host, received.scheme), (Host::Grpc, None));
/// assert_eq!(received.grpc_status, Some(tonic::Code::Unauthenticated));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// The host that received it.
    pub host: Host,
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The HTTP version.
    pub version: Version,
    /// The headers without `Authorization`.
    pub headers: HeaderMap,
    /// The scheme of the credentials. `None` if there are none or their scheme is unknown.
    pub scheme: Option<Scheme>,
    /// The fingerprint of the token or API key.
    pub fingerprint: Option<Fingerprint>,
    /// The id of the account that owns the token or API key. `None` if the cloud did not issue it.
    pub account: Option<String>,
    /// The time of arrival by the cloud's clock.
    pub at: SystemTime,
    /// The HTTP status of the response. `None` before the response.
    pub status: Option<StatusCode>,
    /// The status code of the gRPC response.
    pub grpc_status: Option<Code>,
    /// The request id in the response.
    pub request_id: String,
}

/// All requests, in the order of arrival.
#[derive(Default)]
pub(crate) struct Audit {
    requests: Vec<Received>,
    /// The number of removed requests, so that an index stays valid when the record is cleared.
    removed: usize,
}

/// The index of a request, counted from the start of the cloud.
#[derive(Clone, Copy)]
pub(crate) struct Index(usize);

impl Audit {
    pub(crate) fn record_request(&mut self, received: Received) -> Index {
        self.requests.push(received);
        Index(self.removed + self.requests.len() - 1)
    }

    pub(crate) fn record_response(&mut self, Index(index): Index, response: &Response) {
        let index = index.checked_sub(self.removed);
        let Some(request) = index.and_then(|index| self.requests.get_mut(index)) else {
            return;
        };
        request.status = Some(response.status());
        if request.host == Host::Grpc {
            request.grpc_status = Some(grpc_code(response));
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Received> {
        self.removed += self.requests.len();
        std::mem::take(&mut self.requests)
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

/// The code in a trailers-only response. The fake sends all errors as trailers-only, so a response
/// with a body is a success.
fn grpc_code(response: &Response) -> Code {
    match response.headers().get("grpc-status") {
        Some(code) => Code::from_bytes(code.as_bytes()),
        None if response.status().is_success() => Code::Ok,
        None => Code::Unknown,
    }
}
