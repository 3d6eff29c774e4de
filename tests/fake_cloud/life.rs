//! Start and drop of a cloud.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host};

use crate::client::*;

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

fn urls(cloud: &FakeCloud) -> Vec<String> {
    let named = [
        cloud.workflows_url(),
        cloud.iam_url(),
        cloud.metadata_url(),
        cloud.oauth_url(),
        cloud.grpc_url(),
    ];
    named
        .into_iter()
        .chain([cloud.url(Host::Discovery), cloud.url(Host::Operation)])
        .collect()
}

#[tokio::test]
async fn drop_closes_every_port() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Iam, Fault::hang());
    cloud.inject(Host::Workflows, Fault::endless());
    let hanging = [
        create_token(&cloud),
        create_token(&cloud).http2(),
        get_workflow(&cloud).http2(),
    ];
    let hanging: Vec<_> = hanging
        .map(|call| tokio::spawn(call.try_send()))
        .into_iter()
        .collect();
    // All requests arrive before the drop.
    while cloud.audit().len() < 3 {
        tokio::task::yield_now().await;
    }
    let urls = urls(&cloud);
    assert!(
        urls.iter()
            .all(|url| address(url).ip().is_loopback() && TcpStream::connect(address(url)).is_ok())
    );
    drop(cloud);
    for url in urls {
        assert!(TcpStream::connect(address(&url)).is_err(), "{url}");
    }
    for request in hanging {
        let ended = timeout(Duration::from_secs(10), request)
            .await
            .expect("the end of the stream");
        assert!(ended.unwrap().is_err());
    }
}

#[test]
fn cloud_outlives_its_runtime() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let cloud = runtime().block_on(FakeCloud::start());
    let token = runtime().block_on(issue_token(&cloud));
    assert_eq!(
        runtime()
            .block_on(get_workflow(&cloud).bearer(&token).send())
            .status,
        200
    );
}

#[tokio::test]
async fn two_clouds_share_no_state() {
    let (one, two) = (FakeCloud::start().await, FakeCloud::start().await);
    assert_eq!(
        create(&two, json!({ "jwt": jwt(&one).sign() }))
            .send()
            .await
            .error(),
        (401, 16)
    );
    assert_eq!(
        get_workflow(&two)
            .bearer(&issue_token(&one).await)
            .send()
            .await
            .error(),
        (401, 16)
    );
    assert_ne!(one.api_key(), two.api_key());
}

#[test]
fn cloud_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<FakeCloud>();
}
