//! The program in README.md is `program.rs`, and it runs: against a fake Yandex Cloud behind TLS,
//! which has the names and the port of the real one.

#[path = "../support/server.rs"]
mod server;

/// The program as printed.
mod printed {
    include!("program.rs");

    pub(super) fn run() -> Result<(), tower::BoxError> {
        main()
    }
}

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::{env, fs, thread};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use yandex_cloud_auth::testing::FakeCloud;

const HOSTS: &str = "127.0.0.1 iam.api.cloud.yandex.net serverless-workflows.api.cloud.yandex.net";

#[test]
fn readme_prints_this_program() {
    let readme = include_str!("../../README.md");
    let program = include_str!("program.rs");
    assert!(
        readme.contains(&format!("```rust,no_run\n{program}```\n")),
        "README.md prints another program than program.rs"
    );
    assert!(program.lines().count() <= 12, "README's program is short");
}

/// In a namespace with a network and a hosts file of its own, where a user may use port 443.
#[test]
#[ignore = "needs Linux with user namespaces, unshare, mount and ip"]
fn printed_program_prints_the_answer() {
    let folder = env::temp_dir().join(format!("yandex-cloud-auth-readme-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("hosts"), HOSTS).unwrap();
    fs::write(
        folder.join("root.pem"),
        include_bytes!("../fixtures/certificate.pem"),
    )
    .unwrap();

    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "--net", "sh", "-ec"])
        .arg("mount --bind hosts /etc/hosts; ip link set lo up; exec \"$@\"")
        .arg("sh")
        .arg(env::current_exe().unwrap())
        .args(["--exact", "run_printed_program", "--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", folder.join("root.pem"))
        .current_dir(&folder)
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();

    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && stdout.contains(r#"b"{\"executions\":["#),
        "{stdout}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[ignore = "run by another test, in the namespace it needs"]
fn run_printed_program() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cloud = runtime.block_on(FakeCloud::start());
    fs::write("key.json", cloud.service_account_key()).unwrap();
    terminate_tls(cloud.iam_url(), cloud.workflows_url());

    printed::run().unwrap();
}

/// Listens on port 443 and passes each request to one of these URLs by its host.
fn terminate_tls(iam_url: String, workflows_url: String) {
    let certificate =
        CertificateDer::from_pem_slice(include_bytes!("../fixtures/cloud.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../fixtures/ec.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:443").unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = StreamOwned::new(tls, stream.unwrap());
            let request = server::read_request(&mut tls);
            let url = if request.contains("host: iam.") {
                &iam_url
            } else {
                &workflows_url
            };
            tls.write_all(&forward(&request, url)).unwrap();
        }
    });
}

/// The response to this request of the server at `url`, which closes the connection after it.
fn forward(request: &str, url: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = vec![];
    stream.read_to_end(&mut response).unwrap();
    response
}
