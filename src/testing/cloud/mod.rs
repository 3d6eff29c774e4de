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
use self::wire::server::{Served, Server};
pub use self::wire::status::ErrorShape;
use self::wire::status::ErrorStatus;
use crate::credential::Fingerprint;

/// The lifetime of credentials that must not expire during a test.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A fake Yandex Cloud on loopback: IAM, metadata service, token exchange, and Workflows as REST
/// and as gRPC.
///
/// Each [`Host`] listens on its own port and speaks HTTP/1.1 and HTTP/2 without TLS. The gRPC
/// services are there with TLS, too, see [`grpc_tls_url`](Self::grpc_tls_url). The responses
/// follow the public documentation of Yandex Cloud. It checks the JWT of a service account, the
/// scopes of an API key and the expiry of a token as strictly as the documentation allows. A test
/// can make hosts fail, see [`inject`](Self::inject) and the methods after it. The cloud records
/// every request, see [`audit`](Self::audit).
///
/// The cloud runs on its own thread, so it needs no runtime and ignores a paused tokio clock.
/// Dropping it closes all connections and ports before the drop returns.
///
/// The documentation leaves some behavior open. The fake rejects an API key outside the Execution
/// resource with 403 (code 7), and an unknown or expired one with 401 (code 16). It rejects a token
/// from its expiry on. It accepts JWTs from clocks that are off by at most 30 seconds. Every
/// workflow id is valid, and an execution finishes at once with its input as its result.
///
/// # Examples
///
/// A gRPC request with an API key, and the record of it:
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
    /// If the system provides no free port or thread.
    ///
    /// # Cancel safety
    ///
    /// The future completes when it is first polled.
    pub async fn start() -> Self {
        let cloud = Shared::new();
        let mut addresses = BTreeMap::new();
        let mut served = Vec::new();
        for host in Host::ALL {
            let (listener, address) = wire::server::bind().expect("the system has a free port");
            addresses.insert(host, address);
            let router = router(host, &cloud);
            served.push(Served {
                listener,
                router,
                tls: None,
            });
        }
        let (listener, address) = wire::server::bind().expect("the system has a free port");
        let domain = format!("localhost:{}", address.port());
        served.push(Served {
            listener,
            router: router(Host::Grpc, &cloud),
            tls: Some(wire::tls::acceptor()),
        });
        let mut world = cloud.lock();
        world.domain = domain;
        world.endpoints = hosts::discovery::endpoints(&addresses);
        let account = world.accounts.first().id.clone();
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

    /// The address of `host`, as `http://127.0.0.1:port`.
    pub fn url(&self, host: Host) -> String {
        format!("http://{}", self.addresses[&host])
    }

    /// The address of Workflows as REST.
    pub fn workflows_url(&self) -> String {
        self.url(Host::Workflows)
    }

    /// The address of IAM, for `with_endpoint` of the providers that call it.
    pub fn iam_url(&self) -> String {
        self.url(Host::Iam)
    }

    /// The address of the metadata service. `YC_METADATA_ADDR` expects it without `http://`.
    pub fn metadata_url(&self) -> String {
        self.url(Host::Metadata)
    }

    /// The address of the token exchange, for workload identity.
    pub fn oauth_url(&self) -> String {
        self.url(Host::OAuth)
    }

    /// The address of Workflows and of the operations as gRPC.
    pub fn grpc_url(&self) -> String {
        self.url(Host::Grpc)
    }

    /// The address of the same services over TLS, as `https://localhost:port`. Its certificate is
    /// signed by [`root_certificate`](Self::root_certificate).
    ///
    /// SDKs take it as the address of the whole API: the list of endpoints
    /// (`yandex.cloud.endpoint.ApiEndpointService`) names this listener for every host, IAM
    /// (`yandex.cloud.iam.v1.IamTokenService/Create`) is there as well, and accepts the audience
    /// `https://iam.localhost:port/iam/v1/tokens` besides the official one.
    pub fn grpc_tls_url(&self) -> String {
        format!("https://{}", self.cloud.lock().domain)
    }

    /// The certificate that signed the one of [`grpc_tls_url`](Self::grpc_tls_url), as PEM.
    pub fn root_certificate(&self) -> &'static str {
        wire::tls::ROOT
    }

    /// The id of the first service account. It owns the
    /// [authorized key](Self::service_account_key), the [API key](Self::api_key) and the tokens of
    /// the metadata service.
    pub fn service_account_id(&self) -> String {
        self.cloud.lock().accounts.first().id.clone()
    }

    /// The authorized key of the first service account, in the JSON that `yc iam key create`
    /// writes.
    pub fn service_account_key(&self) -> String {
        self.cloud.lock().accounts.first().key_file()
    }

    /// The id of the second service account, for impersonation and for tests of mixed-up accounts.
    pub fn other_service_account_id(&self) -> String {
        self.cloud.lock().accounts.second().id.clone()
    }

    /// The authorized key of the second service account.
    pub fn other_service_account_key(&self) -> String {
        self.cloud.lock().accounts.second().key_file()
    }

    /// An API key of the first service account with the scope of Workflows. It does not expire.
    pub fn api_key(&self) -> String {
        self.api_key.clone()
    }

    /// An OAuth token of a Yandex account, issued early enough for IAM to accept it.
    pub fn oauth_token(&self) -> String {
        self.oauth_token.clone()
    }

    /// A token of another identity provider. The token exchange accepts it for both service
    /// accounts.
    pub fn subject_token(&self) -> String {
        self.subject_token.clone()
    }

    /// All requests received so far, oldest first.
    pub fn audit(&self) -> Vec<Received> {
        self.cloud.lock().audit.all().to_vec()
    }

    /// Removes the requests received so far from the record.
    pub fn clear_audit(&self) {
        drop(self.take_audit());
    }

    /// Returns the requests received so far, oldest first, and removes them from the record.
    ///
    /// Between [`audit`](Self::audit) and [`clear_audit`](Self::clear_audit), requests may arrive
    /// that are never seen. A test under load that reads the record in parts calls this instead.
    /// The response to a request that has none yet is not recorded.
    pub fn take_audit(&self) -> Vec<Received> {
        self.cloud.lock().audit.take()
    }

    /// The number of received requests for which `predicate` returns `true`.
    pub fn count(&self, predicate: impl Fn(&Received) -> bool) -> usize {
        self.cloud
            .lock()
            .audit
            .all()
            .iter()
            .filter(|request| predicate(request))
            .count()
    }

    /// The number of requests with each token or API key, in the order of their first use.
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
        Host::Grpc => hosts::grpc::routes(cloud)
            .merge(hosts::sdk::routes())
            .fallback(hosts::grpc::unimplemented),
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
