//! A provider with scripted results.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::CredentialProvider;

/// A provider that follows a script: each fetch runs the next step, and the last step repeats.
///
/// Clones share the script and the number of calls, so a test can keep one clone, pass another to a
/// cache, and add steps while the cache uses it. With an empty script, a fetch returns an error
/// that is [not configured](ProviderError::is_not_configured).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use yandex_cloud_auth::{Credential, CredentialProvider, ProviderError, testing::ScriptedProvider};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let provider = ScriptedProvider::new()
///     .fail(ProviderError::transient("not yet"))
///     .after(Duration::from_millis(5))
///     .answer(Credential::iam_token("t1.abc")?);
///
/// assert!(provider.fetch().await.is_err());
/// assert_eq!(provider.fetch().await?.header_value(), "Bearer t1.abc"); // 5 ms later
/// assert_eq!(provider.fetch().await?.header_value(), "Bearer t1.abc"); // 5 ms later
/// assert_eq!(provider.calls(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct ScriptedProvider {
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    steps: Vec<Step>,
    /// The delay that [`ScriptedProvider::after`] sets for the next step.
    delay: Duration,
    calls: usize,
}

#[derive(Clone)]
struct Step {
    delay: Duration,
    action: Action,
}

#[derive(Clone)]
enum Action {
    Answer(Credential),
    Fail(ProviderError),
    Hang,
    Panic,
}

impl ScriptedProvider {
    /// Creates a provider with an empty script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step that returns this credential.
    #[must_use]
    pub fn answer(self, credential: Credential) -> Self {
        self.add(Action::Answer(credential))
    }

    /// Adds a step that returns this error.
    #[must_use]
    pub fn fail(self, error: ProviderError) -> Self {
        self.add(Action::Fail(error))
    }

    /// Adds a step that never completes.
    #[must_use]
    pub fn hang(self) -> Self {
        self.add(Action::Hang)
    }

    /// Adds a step that panics.
    #[must_use]
    pub fn panic(self) -> Self {
        self.add(Action::Panic)
    }

    /// Delays the step that is added next or, if there is none, the last step.
    ///
    /// The delay uses tokio's clock, which a test can pause, and needs a tokio runtime with timers.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        self.lock().delay += delay;
        self
    }

    /// The number of fetches that have started.
    pub fn calls(&self) -> usize {
        self.lock().calls
    }

    fn add(self, action: Action) -> Self {
        self.lock().add(action);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    fn add(&mut self, action: Action) {
        let delay = std::mem::take(&mut self.delay);
        self.steps.push(Step { delay, action });
    }

    fn next_step(&mut self) -> Option<Step> {
        let last = self.steps.len().checked_sub(1)?;
        let mut step = self.steps[self.calls.min(last)].clone();
        if self.calls >= last {
            step.delay += self.delay;
        }
        Some(step)
    }
}

impl CredentialProvider for ScriptedProvider {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let step = {
            let mut script = self.lock();
            let step = script.next_step();
            script.calls += 1;
            step
        };
        let Some(Step { delay, action }) = step else {
            return Err(ProviderError::not_configured("the script is empty")
                .with_provider("scripted provider"));
        };
        // A step without a delay uses no timer, so that it also runs without a runtime.
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match action {
            Action::Answer(credential) => Ok(credential),
            Action::Fail(error) => Err(error),
            Action::Hang => std::future::pending().await,
            Action::Panic => panic!("scripted provider: this step panics"),
        }
    }
}

impl fmt::Debug for ScriptedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = self.lock();
        f.debug_struct("ScriptedProvider")
            .field("steps", &script.steps.len())
            .field("calls", &script.calls)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use futures_util::FutureExt;
    use tokio::time::Instant;

    use super::*;

    fn token(text: &str) -> Credential {
        Credential::iam_token(text).unwrap()
    }

    #[test]
    fn steps_run_in_order_and_last_repeats() {
        let provider = ScriptedProvider::new()
            .answer(token("a"))
            .fail(ProviderError::transient("no"))
            .answer(token("b"));
        let handle = provider.clone();
        let seen: Vec<_> = (0..4)
            .map(|_| {
                provider
                    .fetch()
                    .now_or_never()
                    .unwrap()
                    .map(|credential| credential.header_value().clone())
                    .ok()
            })
            .collect();
        let (a, b) = (
            token("a").header_value().clone(),
            token("b").header_value().clone(),
        );
        assert_eq!(seen, [Some(a), None, Some(b.clone()), Some(b)]);
        assert_eq!(handle.calls(), 4);
    }

    #[test]
    fn empty_script_is_not_configured() {
        let provider = ScriptedProvider::new();
        assert!(
            provider
                .fetch()
                .now_or_never()
                .unwrap()
                .unwrap_err()
                .is_not_configured()
        );
        assert_eq!(provider.calls(), 1);
    }

    #[test]
    fn step_may_hang_or_panic() {
        assert!(
            ScriptedProvider::new()
                .hang()
                .fetch()
                .now_or_never()
                .is_none()
        );
        let provider = ScriptedProvider::new().panic();
        assert!(
            AssertUnwindSafe(provider.fetch())
                .catch_unwind()
                .now_or_never()
                .unwrap()
                .is_err()
        );
        assert_eq!(provider.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn delay_applies_to_following_or_last_step() {
        let s = Duration::from_secs;
        let inner = ScriptedProvider::new()
            .answer(token("a"))
            .after(s(3))
            .answer(token("b"));
        let last = ScriptedProvider::new()
            .answer(token("a"))
            .answer(token("b"))
            .after(s(3));
        for provider in [inner, last] {
            for expected in [s(0), s(3), s(3)] {
                let start = Instant::now();
                provider.fetch().await.unwrap();
                assert_eq!(start.elapsed(), expected);
            }
        }
    }

    #[test]
    fn script_prints_no_credentials() {
        let provider = ScriptedProvider::new().answer(token("canary"));
        assert!(!format!("{provider:?}").contains("canary"));
    }
}
