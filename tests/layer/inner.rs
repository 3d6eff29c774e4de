//! Access to the inner service.

use tower::Layer;
use yandex_cloud_auth::{Auth, AuthLayer, GrpcAuth};

use crate::support::*;

// The policy's type is not written: it has a default.
struct Clients {
    rest: Auth<String>,
    grpc: GrpcAuth<String>,
}

#[test]
fn inner_service_is_accessible() {
    let layer = AuthLayer::new(key());
    let mut clients = Clients {
        rest: layer.layer("rest".to_owned()),
        grpc: layer.grpc().layer("grpc".to_owned()),
    };
    clients.rest.get_mut().push('1');
    clients.grpc.get_mut().push('2');
    assert_eq!(clients.rest.get_ref(), "rest1");
    assert_eq!(clients.grpc.get_ref(), "grpc2");
    assert_eq!(clients.rest.into_inner(), "rest1");
    assert_eq!(clients.grpc.into_inner(), "grpc2");
}
