//! The errors of the cloud: `google.rpc.Status`, with the request's id *(API design guide, Errors,
//! Yandex Cloud docs)*.

use std::borrow::Cow;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use prost::Message;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::testing::cloud::state::random;
use crate::testing::proto::rpc;

const REQUEST_INFO: &str = "type.googleapis.com/google.rpc.RequestInfo";

/// The form of the errors of the token exchange. Yandex documents none; both were observed.
///
/// # Examples
///
/// A rejected subject token is a permanent error in both forms:
///
/// ```
/// # #[cfg(all(feature = "hyper-client", feature = "workload-identity"))]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use yandex_cloud_auth::testing::{ErrorShape, FakeCloud};
/// use yandex_cloud_auth::{CredentialProvider, WorkloadIdentity};
///
/// let cloud = FakeCloud::start().await;
/// let unknown = || async { Ok("e30.e30.c2ln".to_owned()) };
/// let provider = WorkloadIdentity::from_fn(cloud.service_account_id(), unknown)
///     .with_endpoint(cloud.oauth_url());
/// for shape in [ErrorShape::OAuth, ErrorShape::Status] {
///     cloud.set_exchange_errors(shape);
///     assert!(provider.fetch().await.unwrap_err().is_permanent());
/// }
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorShape {
    /// `{"error","error_description"}` *(RFC 6749 §5.2)*.
    #[default]
    OAuth,
    /// `google.rpc.Status`, as IAM does.
    Status,
}

/// The id of a request: from the header `x-request-id`, or a new one.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get("x-request-id").and_then(|id| id.to_str().ok());
        Self(sent.map_or_else(random::request_id, str::to_owned))
    }
}

/// The error of a request. The gate adds the request id and renders it.
#[derive(Clone)]
pub(crate) struct ErrorStatus {
    code: Code,
    message: Cow<'static, str>,
}

impl ErrorStatus {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn unauthenticated(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Unauthenticated, message)
    }

    pub(crate) fn denied() -> Self {
        Self::new(Code::PermissionDenied, "Permission denied")
    }

    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    pub(crate) fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::NotFound, message)
    }

    pub(crate) fn to_rest(&self, id: &RequestId) -> Response {
        (http_status(self.code), Json(self.to_json(id))).into_response()
    }

    pub(crate) fn to_json(&self, RequestId(id): &RequestId) -> Value {
        json!({
            "code": i32::from(self.code),
            "message": self.message,
            "details": [{ "@type": REQUEST_INFO, "requestId": id }],
        })
    }

    pub(crate) fn to_grpc(&self, RequestId(id): &RequestId) -> Status {
        let info = rpc::RequestInfo {
            request_id: id.clone(),
        };
        let details = rpc::Status {
            code: self.code.into(),
            message: self.message.to_string(),
            details: vec![rpc::Any {
                type_url: REQUEST_INFO.to_owned(),
                value: info.encode_to_vec(),
            }],
        };
        Status::with_details(
            self.code,
            self.message.clone(),
            details.encode_to_vec().into(),
        )
    }
}

impl IntoResponse for ErrorStatus {
    fn into_response(self) -> Response {
        let mut response = http_status(self.code).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The HTTP status of a gRPC code.
fn http_status(code: Code) -> StatusCode {
    let status = match code {
        Code::Ok => 200,
        Code::Cancelled => 499,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::DeadlineExceeded => 504,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::PermissionDenied => 403,
        Code::ResourceExhausted => 429,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::Unauthenticated => 401,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
    };
    StatusCode::from_u16(status).expect("the statuses of the table are valid")
}

/// The gRPC code of an HTTP status: the inverse of [`http_status`], by class for other statuses.
pub(crate) fn grpc_code(status: StatusCode) -> Code {
    match status.as_u16() {
        200..300 => Code::Ok,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        408 | 504 => Code::DeadlineExceeded,
        409 => Code::AlreadyExists,
        429 => Code::ResourceExhausted,
        400..500 => Code::InvalidArgument,
        500 => Code::Internal,
        501 => Code::Unimplemented,
        502 | 503 => Code::Unavailable,
        _ => Code::Unknown,
    }
}
