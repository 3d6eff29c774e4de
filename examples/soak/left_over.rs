//! Tasks and sockets that are left at the end.

use std::fs;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

/// How long tasks and sockets have to end.
const END: Duration = Duration::from_secs(10);

/// The open sockets of the process. `None` where the system does not report them.
pub(crate) fn sockets() -> Option<usize> {
    let descriptors = fs::read_dir("/proc/self/fd").ok()?;
    let is_socket = |entry: &fs::DirEntry| {
        fs::read_link(entry.path())
            .is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
    };
    Some(descriptors.flatten().filter(is_socket).count())
}

/// The tasks that have not ended once they have had time for it, not counting the caller's.
pub(crate) async fn tasks() -> u64 {
    let metrics = Handle::current().metrics();
    until_none(|| metrics.num_alive_tasks()).await
}

/// The sockets beyond `before` that are not closed once they have had time for it.
pub(crate) async fn sockets_beyond(before: Option<usize>) -> u64 {
    let beyond = || Some(sockets()?.saturating_sub(before?));
    until_none(|| beyond().unwrap_or(0)).await
}

async fn until_none(count: impl Fn() -> usize) -> u64 {
    let end = Instant::now() + END;
    while count() > 0 && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    count() as u64
}
