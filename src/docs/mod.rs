//! Pages that belong to no single item: [which identity to use](identities), [how each platform
//! federates its workloads](federations), [which policy each service needs](services), [where the
//! layer goes in a stack](stacks), [how other clients get a token](clients), [how a service
//! starts, reports its health and stops](operations), [what to do on each error](troubleshooting),
//! [its events, metrics and alerts](telemetry), [what requests and processes cost](performance), and
//! [what each feature costs](features).

#[doc = include_str!("identities.md")]
pub mod identities {}

#[doc = include_str!("federations.md")]
pub mod federations {}

#[doc = include_str!("services.md")]
pub mod services {}

#[doc = include_str!("stacks.md")]
pub mod stacks {}

#[doc = include_str!("clients.md")]
pub mod clients {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("telemetry.md")]
pub mod telemetry {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("features.md")]
pub mod features {}
