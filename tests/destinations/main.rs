//! Where credentials go on real connections: to the trusted server, and to no foreign server,
//! redirect target or proxy.

mod foreign;
mod injection;
mod proxies;
mod redirects;
#[path = "../support/server.rs"]
mod server;
mod site;
mod tls;
