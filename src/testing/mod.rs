//! Test utilities: a manual clock, a scripted provider, and a fake Yandex Cloud on loopback.
//!
//! Each replaces something that a test cannot control otherwise. [`ManualClock`] replaces the
//! clocks that a cache reads. [`ScriptedProvider`] replaces the provider and succeeds, fails, hangs
//! or panics at a chosen call. [`FakeCloud`] replaces the servers of Yandex Cloud; it listens on
//! real sockets, speaks HTTP/1.1 and HTTP/2, and verifies signatures. [`proto`] has gRPC clients
//! and messages to call it with.
//!
//! [`SimulatedCache`] computes when a cache fetches, for simulations of many processes.
//!
//! A cache and a cloud that share a clock let a test advance both at once, for example past the
//! twelve hours of a token: see [`FakeCloud::set_clock`].
//!
//! # Examples
//!
//! A token expires for the cache and for the cloud at the same time:
//!
//! ```
//! # #[cfg(all(feature = "hyper-client", feature = "metadata"))]
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use std::time::Duration;
//! use yandex_cloud_auth::testing::{FakeCloud, ManualClock};
//! use yandex_cloud_auth::{CacheState, CredentialCache, MetadataService};
//!
//! let (cloud, clock) = (FakeCloud::start().await, ManualClock::new());
//! cloud.set_clock(clock.clone());
//! let provider = MetadataService::new().with_endpoint(cloud.metadata_url());
//! let cache = CredentialCache::builder(provider).clock(clock.clone()).build();
//!
//! let first = cache.get().await?;
//! clock.advance(Duration::from_secs(12 * 60 * 60));
//! assert_eq!(cache.status().state(), CacheState::Expired);
//! assert_ne!(cache.get().await?.fingerprint(), first.fingerprint());
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod cloud;
pub mod proto;
mod scripted;

pub use self::clock::ManualClock;
pub use self::cloud::{ErrorShape, ExpiresAt, FakeCloud, Fault, Host, Received};
pub use self::scripted::ScriptedProvider;
pub use crate::cache::SimulatedCache;
