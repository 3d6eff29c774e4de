//! HTTP and gRPC clients of the fake cloud.

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PSS_SHA256;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};
use yandex_cloud_auth::Scheme;
use yandex_cloud_auth::testing::FakeCloud;

pub(crate) const TOKENS: &str = "/iam/v1/tokens";
pub(crate) const AUDIENCE: &str = "https://iam.api.cloud.yandex.net/iam/v1/tokens";
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The HTTP status, and the code of the `google.rpc.Status` in the body.
    pub(crate) fn error(&self) -> (u16, i64) {
        (
            self.status.as_u16(),
            self.json()["code"].as_i64().expect("a google.rpc.Status"),
        )
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .expect("a google.rpc.Status")
            .to_owned()
    }
}

/// A request. The last setter of a property wins.
pub(crate) struct Call {
    request: Request<Full<Bytes>>,
    http2: bool,
}

impl Call {
    pub(crate) fn new(method: Method, url: &str) -> Self {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .body(Full::default());
        Self {
            request: request.expect("a valid URL"),
            http2: false,
        }
    }

    pub(crate) fn get(url: &str) -> Self {
        Self::new(Method::GET, url)
    }

    pub(crate) fn post(url: &str) -> Self {
        Self::new(Method::POST, url)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.request
            .headers_mut()
            .insert(name, value.parse().expect("a header value"));
        self
    }

    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        self.request.headers_mut()
    }

    pub(crate) fn credentials(self, scheme: Scheme, secret: &str) -> Self {
        self.header(AUTHORIZATION, &format!("{scheme} {secret}"))
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.credentials(Scheme::Bearer, token)
    }

    pub(crate) fn body(mut self, kind: &str, body: String) -> Self {
        *self.request.body_mut() = Full::from(body);
        self.header(CONTENT_TYPE, kind)
    }

    pub(crate) fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn form(self, pairs: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    pub(crate) fn http2(self) -> Self {
        Self {
            http2: true,
            ..self
        }
    }

    pub(crate) async fn send(self) -> Reply {
        self.try_send().await.expect("a response")
    }

    pub(crate) async fn try_send(self) -> Result<Reply, Box<dyn Error + Send + Sync>> {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(self.http2)
            .build_http();
        let (head, body) = client.request(self.request).await?.into_parts();
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

/// The parts of a JWT, which a test can change before it signs them.
pub(crate) struct Jwt {
    pub(crate) key: Value,
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Jwt {
    pub(crate) fn new(key_file: &str, now: SystemTime) -> Self {
        let key: Value = serde_json::from_str(key_file).expect("a key file is JSON");
        let iat = now
            .duration_since(UNIX_EPOCH)
            .expect("a time after 1970")
            .as_secs();
        Self {
            header: json!({ "typ": "JWT", "alg": "PS256", "kid": key["id"] }),
            claims: json!({ "iss": key["service_account_id"], "aud": AUDIENCE, "iat": iat, "exp": iat + 3600 }),
            key,
        }
    }

    /// Adds seconds to a time in the claims.
    pub(crate) fn shift(&mut self, claim: &str, by: i64) {
        self.claims[claim] = json!(self.claims[claim].as_i64().expect("a time") + by);
    }

    pub(crate) fn sign(&self) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let pem = self.key["private_key"].as_str().expect("a private key");
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).expect("a PEM block");
        let pair = KeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("an RSA key");
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(
            &RSA_PSS_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

pub(crate) fn jwt(cloud: &FakeCloud) -> Jwt {
    Jwt::new(&cloud.service_account_key(), SystemTime::now())
}

/// A call of IAM's `Create` with this body.
pub(crate) fn create(cloud: &FakeCloud, body: Value) -> Call {
    Call::post(&(cloud.iam_url() + TOKENS)).json(body)
}

/// A call of IAM's `Create` with a valid JWT.
pub(crate) fn create_token(cloud: &FakeCloud) -> Call {
    create(cloud, json!({ "jwt": jwt(cloud).sign() }))
}

pub(crate) async fn issue_token(cloud: &FakeCloud) -> String {
    let response = create_token(cloud).send().await;
    assert_eq!(response.status, 200, "{:?}", response.body);
    response.json()["iamToken"]
        .as_str()
        .expect("a token")
        .to_owned()
}

/// Reads a workflow, which requires a token.
pub(crate) fn get_workflow(cloud: &FakeCloud) -> Call {
    Call::get(&(cloud.workflows_url() + "/workflows/v1/workflow/dfq1"))
}

/// Lists executions, which requires a token or an API key with the scope of Workflows.
pub(crate) fn list_executions(cloud: &FakeCloud) -> Call {
    Call::get(&(cloud.workflows_url() + "/workflows/v1/execution?workflowId=dfq1"))
}

pub(crate) async fn channel(cloud: &FakeCloud) -> Channel {
    Endpoint::from_shared(cloud.grpc_url())
        .expect("a valid URL")
        .connect()
        .await
        .expect("a connection")
}

pub(crate) fn grpc<T>(message: T, scheme: Scheme, secret: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert(
        "authorization",
        format!("{scheme} {secret}").parse().expect("metadata"),
    );
    request
}
