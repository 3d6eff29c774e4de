//! From a key file to requests that continue while their token is renewed, against a fake Yandex
//! Cloud on loopback.
//!
//!     cargo run --example quickstart --features testing

#[path = "support/workflows.rs"]
mod workflows;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::BoxError;
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host};
use yandex_cloud_auth::{
    AuthLayer, CacheState, Credential, CredentialCache, ExecutionOnly, Policy, ServiceAccountKey,
    TrustedOrigins,
};

use workflows::Workflows;
use workflows::proto::execution_result;

/// A workflow id in the format of the API. The fake accepts every id.
const WORKFLOW: &str = "dfqexampleworkflow00";

/// Real tokens live for hours. These are renewed about every two seconds.
const TOKEN_LIFETIME: Duration = Duration::from_millis(2500);

/// How long IAM takes to respond, so that requests run during a renewal.
const IAM_DELAY: Duration = Duration::from_millis(250);

const ROTATION_RUN: Duration = Duration::from_secs(9);
const WORKERS: usize = 8;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("yandex-cloud-auth against a fake Yandex Cloud on loopback\n");
    let cloud = FakeCloud::start().await;
    cloud.set_token_lifetime(TOKEN_LIFETIME);
    cloud.reuse_tokens(false);
    cloud.inject(Host::Iam, Fault::slow(IAM_DELAY));

    let key_file = KeyFile::write(&cloud.service_account_key())?;
    line(
        "cloud",
        format_args!(
            "REST on {}, gRPC on {}",
            cloud.workflows_url(),
            cloud.grpc_url()
        ),
    );
    line("key file", key_file.0.display());

    let key = ServiceAccountKey::from_file(&key_file.0)?.with_endpoint(cloud.iam_url());
    let cache = CredentialCache::new(key);
    let workflows = Workflows::new(
        AuthLayer::from_cache(cache.clone()).with_policy(loopback_only()),
        &cloud.workflows_url(),
        &cloud.grpc_url(),
    )?;

    start_and_read(&workflows, &cache).await?;
    deny_api_key(&cloud).await?;
    rotate(&cloud, &workflows, &cache).await
}

/// The default policy, with loopback in place of the hosts of Yandex Cloud.
fn loopback_only() -> impl Policy + Clone + Send + Sync + 'static {
    TrustedOrigins::none().allow_loopback().and(ExecutionOnly)
}

async fn start_and_read<P>(
    workflows: &Workflows<P>,
    cache: &CredentialCache,
) -> Result<(), BoxError>
where
    P: Policy + Clone + Send + Sync + 'static,
{
    println!("\n1  a key file is exchanged for an IAM token, which starts a workflow");
    let id = workflows
        .start(WORKFLOW, &serde_json::json!({ "greeting": "hello" }))
        .await?;
    line(
        "REST",
        format_args!("POST /workflows/v1/execution/start → {id}"),
    );
    let token = cache.get().await?;
    line(
        "sent with",
        format_args!("{} {} (fingerprint)", token.scheme(), token.fingerprint()),
    );

    let execution = workflows.execution(&id).await?;
    let result = execution.result.as_ref();
    let json = match result.and_then(|result| result.result.as_ref()) {
        Some(execution_result::Result::ResultJson(json)) => json,
        None => "no result",
    };
    line(
        "gRPC",
        format_args!("ExecutionService/Get → {:?} {json}", execution.status()),
    );
    Ok(())
}

async fn deny_api_key(cloud: &FakeCloud) -> Result<(), BoxError> {
    println!("\n2  an API key is sent to the Execution resource and to nothing else");
    let auth = AuthLayer::new(Credential::api_key(cloud.api_key())?).with_policy(loopback_only());
    let workflows = Workflows::new(auth, &cloud.workflows_url(), &cloud.grpc_url())?;

    let id = workflows.start(WORKFLOW, &serde_json::json!({})).await?;
    line(
        "allowed",
        format_args!("POST /workflows/v1/execution/start → {id}"),
    );

    let before = cloud.audit().len();
    let error = match workflows.send(get(cloud, "/workflows/v1/workflow")?).await {
        Ok(response) => {
            return Err(format!("not denied, the server returned {}", response.status()).into());
        }
        Err(error) => error.to_string(),
    };
    for (number, part) in error.split("; ").enumerate() {
        line(if number == 0 { "denied" } else { "" }, part);
    }
    line(
        "reached",
        format_args!("the server: {} requests", cloud.audit().len() - before),
    );
    Ok(())
}

async fn rotate<P>(
    cloud: &FakeCloud,
    workflows: &Workflows<P>,
    cache: &CredentialCache,
) -> Result<(), BoxError>
where
    P: Policy + Clone + Send + Sync + 'static,
{
    println!("\n3  the token is renewed while requests run");
    line(
        "setting",
        format_args!(
            "tokens live {TOKEN_LIFETIME:?}, IAM responds after {IAM_DELAY:?}, {WORKERS} workers"
        ),
    );
    cloud.clear_audit();
    let list = get(
        cloud,
        &format!("/workflows/v1/execution?workflowId={WORKFLOW}"),
    )?;
    let end = Instant::now() + ROTATION_RUN;
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| tokio::spawn(work(workflows.clone(), cache.clone(), list.clone(), end)))
        .collect();
    let mut total = Tally::default();
    for worker in workers {
        total.add(worker.await?);
    }

    let audit = cloud.audit();
    let received: Vec<_> = audit
        .iter()
        .filter(|seen| seen.host == Host::Workflows)
        .collect();
    let tokens: HashSet<_> = received
        .iter()
        .filter_map(|seen| seen.fingerprint)
        .collect();
    let exchanges = cloud.count(|seen| seen.host == Host::Iam);
    line(
        "sent",
        format_args!("{} requests, {} received", total.sent, received.len()),
    );
    line(
        "tokens",
        format_args!("{} used, {exchanges} renewals", tokens.len()),
    );
    line(
        "failures",
        if total.failures == 0 {
            "none".to_owned()
        } else {
            total.failures.to_string()
        },
    );
    line(
        "slowest",
        format_args!(
            "{:.1?} while a token was being renewed",
            total.slowest_renewing
        ),
    );
    line(
        "",
        format_args!("{:.1?} at any other time", total.slowest_otherwise),
    );
    if total.failures > 0 || tokens.len() < 3 {
        return Err("the token was not renewed without a failed request".into());
    }
    Ok(())
}

fn get(cloud: &FakeCloud, path: &str) -> Result<Request<Full<Bytes>>, BoxError> {
    Ok(Request::get(cloud.workflows_url() + path).body(Full::default())?)
}

/// The results of one worker.
#[derive(Default)]
struct Tally {
    sent: usize,
    failures: usize,
    slowest_renewing: Duration,
    slowest_otherwise: Duration,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.failures += other.failures;
        self.slowest_renewing = self.slowest_renewing.max(other.slowest_renewing);
        self.slowest_otherwise = self.slowest_otherwise.max(other.slowest_otherwise);
    }
}

/// Sends `request` repeatedly until `end`.
async fn work<P>(
    workflows: Workflows<P>,
    cache: CredentialCache,
    request: Request<Full<Bytes>>,
    end: Instant,
) -> Tally
where
    P: Policy + Clone + Send + Sync + 'static,
{
    let mut tally = Tally::default();
    while Instant::now() < end {
        let renewing = cache.status().state() == CacheState::Due;
        let start = Instant::now();
        let result = workflows.send(request.clone()).await;
        let slowest = if renewing {
            &mut tally.slowest_renewing
        } else {
            &mut tally.slowest_otherwise
        };
        *slowest = (*slowest).max(start.elapsed());
        tally.sent += 1;
        tally.failures += usize::from(result.is_err());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tally
}

/// A key file that is removed when it is dropped.
struct KeyFile(std::path::PathBuf);

impl KeyFile {
    fn write(key: &str) -> std::io::Result<Self> {
        let path =
            std::env::temp_dir().join(format!("yandex-cloud-auth-{}.json", std::process::id()));
        std::fs::write(&path, key)?;
        Ok(Self(path))
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn line(label: &str, text: impl std::fmt::Display) {
    println!("   {label:<10} {text}");
}
