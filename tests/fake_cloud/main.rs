//! The fake cloud does what the documentation of the real one says, and goes wrong as it is told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use yandex_cloud_auth::testing::{ErrorShape, ExpiresAt, FakeCloud, Fault, Host, ManualClock, proto};
use yandex_cloud_auth::{Clock, Credential, Scheme};

const TOKENS: &str = "/iam/v1/tokens";
const FOR_ACCOUNT: &str = "/iam/v1/tokens:createForServiceAccount";
const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
const AUDIENCE: &str = "https://iam.api.cloud.yandex.net/iam/v1/tokens";

// ---- asking

type Http = Client<HttpConnector, Full<Bytes>>;

fn http1() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The HTTP status, and the code of the `google.rpc.Status` in the body.
    fn refusal(&self) -> (u16, i64) {
        (self.status.as_u16(), self.json()["code"].as_i64().expect("a google.rpc.Status"))
    }

    fn message(&self) -> String {
        self.json()["message"].as_str().expect("a google.rpc.Status").to_owned()
    }
}

/// One request to one of the cloud's hosts.
struct Ask(http::request::Builder, Bytes);

impl Ask {
    fn new(method: Method, url: String) -> Self {
        Self(Request::builder().method(method).uri(url), Bytes::new())
    }

    fn get(url: String) -> Self {
        Self::new(Method::GET, url)
    }

    fn post(url: String) -> Self {
        Self::new(Method::POST, url)
    }

    fn header(self, name: impl TryInto<http::HeaderName, Error: Into<http::Error>>, value: &str) -> Self {
        Self(self.0.header(name, value), self.1)
    }

    fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION, &format!("Bearer {token}"))
    }

    fn api_key(self, key: &str) -> Self {
        self.header(AUTHORIZATION, &format!("Api-Key {key}"))
    }

    fn json(self, body: Value) -> Self {
        let Self(builder, _) = self.header(CONTENT_TYPE, "application/json");
        Self(builder, body.to_string().into())
    }

    fn form(self, pairs: &[(&str, &str)]) -> Self {
        let Self(builder, _) = self.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        Self(builder, form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into())
    }

    async fn send(self) -> Answer {
        self.try_send().await.expect("an answer")
    }

    async fn try_send(self) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let (parts, body) = http1().request(self.0.body(Full::new(self.1))?).await?.into_parts();
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
    }
}

// ---- what a service account does

/// The parts of a JWT, each of which a test may spoil.
struct Jwt {
    key: Value,
    header: Value,
    claims: Value,
}

impl Jwt {
    fn new(key_file: &str, now: SystemTime) -> Self {
        let key: Value = serde_json::from_str(key_file).expect("a key file is JSON");
        let iat = now.duration_since(UNIX_EPOCH).unwrap().as_secs();
        Self {
            header: json!({ "typ": "JWT", "alg": "PS256", "kid": key["id"] }),
            claims: json!({ "iss": key["service_account_id"], "aud": AUDIENCE, "iat": iat, "exp": iat + 3600 }),
            key,
        }
    }

    fn with(mut self, spoil: impl FnOnce(&mut Self)) -> Self {
        spoil(&mut self);
        self
    }

    fn sign(&self) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let pem = self.key["private_key"].as_str().unwrap();
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).expect("the preamble is skipped");
        let pair = KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
        let mut signature = vec![0; pair.public().modulus_len()];
        let padding = &ring::signature::RSA_PSS_SHA256;
        pair.sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn jwt(cloud: &FakeCloud) -> Jwt {
    Jwt::new(&cloud.service_account_key(), SystemTime::now())
}

fn create(cloud: &FakeCloud, body: Value) -> Ask {
    Ask::post(cloud.iam_url() + TOKENS).json(body)
}

async fn token(cloud: &FakeCloud) -> String {
    let answer = create(cloud, json!({ "jwt": jwt(cloud).sign() })).send().await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()["iamToken"].as_str().unwrap().to_owned()
}

async fn channel(cloud: &FakeCloud) -> Channel {
    Endpoint::from_shared(cloud.grpc_url()).unwrap().connect().await.unwrap()
}

fn grpc<T>(message: T, scheme: Scheme, secret: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", format!("{scheme} {secret}").parse().unwrap());
    request
}

// ---- IAM

#[tokio::test]
async fn a_signed_jwt_becomes_a_token_of_twelve_hours_in_nine_digits() {
    let cloud = FakeCloud::start().await;
    let answer = create(&cloud, json!({ "jwt": jwt(&cloud).sign() })).send().await;
    let (body, now) = (answer.json(), SystemTime::now());
    assert!(Credential::iam_token(body["iamToken"].as_str().unwrap()).is_ok());
    let text = body["expiresAt"].as_str().unwrap();
    assert_eq!(text.len(), "2025-03-23T03:06:38.419948750Z".len());
    let end = SystemTime::try_from(text.parse::<jiff::Timestamp>().unwrap()).unwrap();
    let off = (now + Duration::from_secs(12 * 3600)).duration_since(end).unwrap();
    assert!(off < Duration::from_secs(60), "{off:?}");
}

#[tokio::test]
async fn an_execution_started_by_rest_is_read_back_by_grpc_and_by_rest() {
    let cloud = FakeCloud::start().await;
    let token = token(&cloud).await;
    let body = json!({ "workflowId": "dfq00000000000000001", "input": { "inputJson": "{\"a\":1}" } });
    let started =
        Ask::post(cloud.workflows_url() + "/workflows/v1/execution/start").bearer(&token).json(body).send().await;
    let id = started.json()["executionId"].as_str().unwrap().to_owned();

    let mut client = proto::ExecutionServiceClient::new(channel(&cloud).await);
    let request = grpc(proto::GetExecutionRequest { execution_id: id.clone() }, Scheme::Bearer, &token);
    let execution = client.get(request).await.unwrap().into_inner().execution.unwrap();
    assert_eq!(execution.status(), proto::ExecutionStatus::Finished);
    assert_eq!(execution.result.unwrap().result_json.unwrap(), "{\"a\":1}");

    let read = Ask::get(format!("{}/workflows/v1/execution/{id}", cloud.workflows_url())).bearer(&token).send().await;
    let execution = &read.json()["execution"];
    assert_eq!((&execution["status"], &execution["result"]["resultJson"]), (&json!("FINISHED"), &json!("{\"a\":1}")));
}
