//! Work that would hold up a runtime's worker: signing, and files, which may lie on a network.

use crate::error::ProviderError;

/// Does the work where it may take its time: on tokio's blocking threads, or right here where there
/// is no tokio.
#[cfg(feature = "tokio")]
pub(crate) async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ProviderError> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return Ok(work());
    };
    match runtime.spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(ProviderError::transient("the runtime is shutting down")),
    }
}

/// Does the work right here, since there is no tokio to do it elsewhere.
#[cfg(not(feature = "tokio"))]
pub(crate) async fn spawn_blocking<T>(work: impl FnOnce() -> T) -> Result<T, ProviderError> {
    Ok(work())
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn work_is_done_on_another_thread_where_there_is_a_runtime() {
        let here = std::thread::current().id();
        assert_ne!(
            spawn_blocking(move || std::thread::current().id())
                .await
                .unwrap(),
            here
        );
    }

    #[test]
    fn work_is_done_at_once_where_there_is_no_runtime() {
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
    async fn a_panic_of_the_work_is_a_panic_of_the_caller() {
        let panicked = std::panic::AssertUnwindSafe(spawn_blocking(|| panic!("boom")))
            .catch_unwind()
            .await;
        assert!(panicked.is_err());
    }
}
