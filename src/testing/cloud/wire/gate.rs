//! The middleware of all hosts: records requests, applies faults, and adds the headers of a
//! response.

use std::time::UNIX_EPOCH;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{DATE, HeaderMap, HeaderName, HeaderValue, SERVER};

use crate::testing::cloud::state::audit::Received;
use crate::testing::cloud::state::random;
use crate::testing::cloud::state::world::{Shared, World};
use crate::testing::cloud::wire::access::Presented;
use crate::testing::cloud::wire::host::Host;
use crate::testing::cloud::wire::status::{ErrorStatus, RequestId};

/// The gate of one host.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) host: Host,
    pub(crate) cloud: Shared,
}

pub(crate) async fn pass(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let (index, fault) = {
        let mut world = gate.cloud.lock();
        let received = received(gate.host, &request, &id, &world);
        (
            world.audit.record_request(received),
            world.faults.next(gate.host, request.uri().path()),
        )
    };
    let response = next.run(request);
    let response = match fault {
        Some(fault) => fault.apply(gate.host, response).await,
        None => response.await,
    };
    let mut response = rendered(response, gate.host, &id);
    let mut world = gate.cloud.lock();
    add_headers(response.headers_mut(), &id, &world);
    world.audit.record_response(index, &response);
    response
}

fn received(host: Host, request: &Request, id: &RequestId, world: &World) -> Received {
    let presented = Presented::of(request.headers());
    let mut headers = request.headers().clone();
    headers.remove(http::header::AUTHORIZATION);
    Received {
        host,
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        version: request.version(),
        headers,
        scheme: presented.as_ref().map(|presented| presented.scheme),
        fingerprint: presented.as_ref().and_then(Presented::fingerprint),
        account: presented
            .as_ref()
            .and_then(|presented| presented.account(world))
            .map(str::to_owned),
        at: world.now(),
        status: None,
        grpc_status: None,
        request_id: id.0.clone(),
    }
}

/// Renders an [`ErrorStatus`] in the form of its host. Keeps the status and the headers, since a
/// fault may have set them.
fn rendered(response: Response, host: Host, id: &RequestId) -> Response {
    let Some(error) = response.extensions().get::<ErrorStatus>().cloned() else {
        return response;
    };
    let (status, headers) = (response.status(), response.headers().clone());
    let mut response = match host {
        Host::Grpc => error.to_grpc(id).into_http(),
        _ => {
            let mut response = error.to_rest(id);
            *response.status_mut() = status;
            response
        }
    };
    response.headers_mut().extend(headers);
    response
}

fn add_headers(headers: &mut HeaderMap, RequestId(id): &RequestId, world: &World) {
    let text = |text: &str| HeaderValue::from_str(text).expect("ids and dates are valid values");
    let date = httpdate::fmt_http_date(world.now().max(UNIX_EPOCH));
    headers.entry(DATE).or_insert_with(|| text(&date));
    headers.insert(SERVER, HeaderValue::from_static("ycapi"));
    headers.insert(HeaderName::from_static("x-request-id"), text(id));
    headers.insert(
        HeaderName::from_static("x-server-trace-id"),
        text(&random::trace_id()),
    );
}
