//! A fake Yandex Cloud on loopback.

mod hosts;
mod state;
mod switches;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, UNIX_EPOCH};

use axum::{Router, middleware};

use self::state::api_keys::WORKFLOWS_SCOPE;
pub use self::state::audit::Received;
pub use self::state::expires_at::ExpiresAt;
use self::state::world::Shared;
pub use self::wire::fault::Fault;
use self::wire::gate::Gate;
pub use self::wire::host::Host;
use self::wire::server::Server;
pub use self::wire::status::ErrorShape;
use self::wire::status::ErrorStatus;
use crate::credential::Fingerprint;

/// How far ahead "for as long as the test runs" is.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A Yandex Cloud on this machine: IAM, metadata service, token exchange, Workflows by REST and by
/// gRPC.
///
/// Each [`Host`] has a loopback port of its own and speaks HTTP/1.1 and HTTP/2 without TLS. Its
/// answers are those of the cloud's public documentation; the JWT of a service account, the scopes
/// of an API key and the end of a token are checked as strictly as that allows. Whatever can go
/// wrong goes wrong on demand: see [`inject`](Self::inject) and the methods after it. Each request
/// is on record, see [`audit`](Self::audit).
///
/// It runs on a thread of its own and so needs no runtime of its user's, nor minds a paused clock.
/// Dropping it closes every connection and port before the drop returns.
///
/// Where the documentation is silent it decides: an API key is refused with 403 (code 7) elsewhere
/// than on the Execution resource, an unknown or expired one with 401 (code 16), a token from its
/// very end on; clocks may differ by 30 seconds. Every workflow exists, whatever its id, and an
/// execution finishes at once with its input as its result.
///
/// # Examples
///
/// A request that the cloud knows, and what the cloud noted of it:
///
/// ```
/// use yandex_cloud_auth::{Scheme, testing::{FakeCloud, Host, proto}};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let cloud = FakeCloud::start().await;
/// let channel = tonic::transport::Endpoint::from_shared(cloud.grpc_url())?.connect().await?;
/// let mut client = proto::ExecutionServiceClient::new(channel);
///
/// let mut request = tonic::Request::new(proto::StartExecutionRequest { workflow_id: "dfq0".into(), input: None });
/// let credentials = format!("Api-Key {}", cloud.api_key()).parse()?;
/// request.metadata_mut().insert("authorization", credentials);
/// client.start(request).await?;
///
/// assert_eq!(cloud.count(|request| request.host == Host::Grpc), 1);
/// assert_eq!(cloud.audit()[0].scheme, Some(Scheme::ApiKey));
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FakeCloud {
    addresses: BTreeMap<Host, SocketAddr>,
    api_key: String,
    oauth_token: String,
    subject_token: String,
    cloud: Shared,
    _server: Server,
}

impl FakeCloud {
    /// Starts a cloud on free ports of `127.0.0.1`.
    ///
    /// # Panics
    ///
    /// Where the system has no port or no thread left.
    pub async fn start() -> Self {
        let cloud = Shared::new();
        let mut addresses = BTreeMap::new();
        let mut served = Vec::new();
        for host in Host::ALL {
            let (listener, address) = wire::server::bind().expect("the system has a free port");
            addresses.insert(host, address);
            served.push((listener, router(host, &cloud)));
        }
        let mut world = cloud.lock();
        world.endpoints = hosts::discovery::endpoints(&addresses);
        let account = world.accounts.robot().id.clone();
        let end = world.now() + FAR;
        let api_key = world.api_keys.issue(&account, &[WORKFLOWS_SCOPE], None);
        let oauth_token = world.grants.issue_oauth(UNIX_EPOCH);
        let subject_token = world.grants.issue_subject(end);
        drop(world);
        let server = Server::start(served).expect("the system has a free thread");
        Self {
            addresses,
            api_key,
            oauth_token,
            subject_token,
            cloud,
            _server: server,
        }
    }

    /// Where `host` is: `http://127.0.0.1:port`.
    pub fn url(&self, host: Host) -> String {
        format!("http://{}", self.addresses[&host])
    }

    /// Where Workflows is, as REST.
    pub fn workflows_url(&self) -> String {
        self.url(Host::Workflows)
    }

    /// Where IAM is, for the endpoint of providers that ask it.
    pub fn iam_url(&self) -> String {
        self.url(Host::Iam)
    }

    /// Where the metadata service is. `YC_METADATA_ADDR` takes it without `http://`.
    pub fn metadata_url(&self) -> String {
        self.url(Host::Metadata)
    }

    /// Where the token exchange of workload identity is.
    pub fn oauth_url(&self) -> String {
        self.url(Host::OAuth)
    }

    /// Where Workflows and the operations are, as gRPC.
    pub fn grpc_url(&self) -> String {
        self.url(Host::Grpc)
    }

    /// The id of the service account that the keys, the metadata service's tokens and the [API
    /// key](Self::api_key) belong to.
    pub fn service_account_id(&self) -> String {
        self.cloud.lock().accounts.robot().id.clone()
    }

    /// Its authorized key, as the file that `yc iam key create` writes.
    pub fn service_account_key(&self) -> String {
        self.cloud.lock().accounts.robot().key_file()
    }

    /// The id of another service account, to impersonate or to mistake for the first.
    pub fn other_service_account_id(&self) -> String {
        self.cloud.lock().accounts.deputy().id.clone()
    }

    /// The authorized key of the other service account.
    pub fn other_service_account_key(&self) -> String {
        self.cloud.lock().accounts.deputy().key_file()
    }

    /// An API key with the scope of Workflows, without an end.
    pub fn api_key(&self) -> String {
        self.api_key.clone()
    }

    /// A Yandex account's OAuth token, issued early enough to be accepted.
    pub fn oauth_token(&self) -> String {
        self.oauth_token.clone()
    }

    /// Another identity provider's token, to be exchanged for one of either service account.
    pub fn subject_token(&self) -> String {
        self.subject_token.clone()
    }

    /// Every request received so far, in order.
    pub fn audit(&self) -> Vec<Received> {
        self.cloud.lock().audit.all().to_vec()
    }

    /// Forgets the requests received so far.
    pub fn clear_audit(&self) {
        self.cloud.lock().audit.clear();
    }

    /// How many requests of this kind were received.
    pub fn count(&self, of: impl Fn(&Received) -> bool) -> usize {
        self.cloud
            .lock()
            .audit
            .all()
            .iter()
            .filter(|request| of(request))
            .count()
    }

    /// How many requests came with each token or API key, in the order these first appeared.
    pub fn requests_per_credential(&self) -> Vec<(Fingerprint, usize)> {
        self.cloud.lock().audit.per_credential()
    }
}

impl fmt::Debug for FakeCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeCloud")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

fn router(host: Host, cloud: &Shared) -> Router {
    let routes = match host {
        Host::Discovery => hosts::discovery::routes(),
        Host::Grpc => hosts::grpc::routes(cloud).fallback(hosts::grpc::unimplemented),
        Host::Iam => hosts::iam::routes(),
        Host::Metadata => hosts::metadata::routes(),
        Host::OAuth => hosts::token_exchange::routes(),
        Host::Operation => hosts::operations::routes(cloud),
        Host::Workflows => hosts::rest::routes(cloud),
    };
    let gate = Gate {
        host,
        cloud: cloud.clone(),
    };
    let routes = if host == Host::Grpc {
        routes
    } else {
        routes.fallback(no_route)
    };
    routes
        .method_not_allowed_fallback(no_route)
        .layer(middleware::from_fn_with_state(gate, wire::gate::pass))
        .with_state(cloud.clone())
}

async fn no_route() -> ErrorStatus {
    ErrorStatus::not_found("Not Found")
}
