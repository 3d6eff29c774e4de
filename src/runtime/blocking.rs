//! Work that would block a runtime's worker: signing, and reading files, which may be on a network.

use crate::error::ProviderError;

/// Runs `work` on tokio's blocking threads, or on the calling thread outside a runtime.
///
/// A thread of its own would not delay the shutdown of the runtime. But tokio's paused time, as
/// tests use it, advances while the runtime waits for such a thread, and the fetch would time out.
#[cfg(feature = "tokio")]
pub(crate) async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ProviderError> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return Ok(work());
    };
    match runtime.spawn_blocking(work).await {
        Ok(output) => Ok(output),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(ProviderError::transient("the runtime is shutting down")),
    }
}

/// Runs `work` on the calling thread: without tokio there is no other.
#[cfg(not(feature = "tokio"))]
pub(crate) async fn spawn_blocking<T>(work: impl FnOnce() -> T) -> Result<T, ProviderError> {
    Ok(work())
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn work_runs_on_another_thread_inside_runtime() {
        let here = std::thread::current().id();
        assert_ne!(
            spawn_blocking(move || std::thread::current().id())
                .await
                .unwrap(),
            here
        );
    }

    #[test]
    fn work_runs_on_calling_thread_outside_runtime() {
        let here = std::thread::current().id();
        assert_eq!(
            spawn_blocking(move || std::thread::current().id())
                .now_or_never()
                .unwrap()
                .unwrap(),
            here
        );
    }

    #[tokio::test]
    async fn panic_of_work_reaches_caller() {
        let panicked = std::panic::AssertUnwindSafe(spawn_blocking(|| panic!("boom")))
            .catch_unwind()
            .await;
        assert!(panicked.is_err());
    }
}
