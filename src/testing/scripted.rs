//! A provider that follows a script.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::CredentialProvider;

/// A provider that follows a script: one step a fetch, in order, the last one again and again.
///
/// Clones share the script and the count, so a test keeps one and gives the other away, and may add
/// steps while it is in use. An empty script is a provider that is not configured.
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
    /// What [`ScriptedProvider::after`] asked for and no step has taken yet.
    delay: Duration,
    calls: usize,
}

#[derive(Clone)]
struct Step {
    delay: Duration,
    act: Act,
}

#[derive(Clone)]
enum Act {
    Answer(Credential),
    Fail(ProviderError),
    Hang,
    Panic,
}

impl ScriptedProvider {
    /// An empty script.
    pub fn new() -> Self {
        Self::default()
    }

    /// The fetch returns this credential.
    #[must_use]
    pub fn answer(self, credential: Credential) -> Self {
        self.add(Act::Answer(credential))
    }

    /// The fetch returns this error.
    #[must_use]
    pub fn fail(self, error: ProviderError) -> Self {
        self.add(Act::Fail(error))
    }

    /// The fetch never ends.
    #[must_use]
    pub fn hang(self) -> Self {
        self.add(Act::Hang)
    }

    /// The fetch panics.
    #[must_use]
    pub fn panic(self) -> Self {
        self.add(Act::Panic)
    }

    /// Delays the step added next, or, where none follows, the last one. By tokio's clock, which a
    /// test may have paused.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        self.lock().delay += delay;
        self
    }

    /// How many fetches have begun.
    pub fn calls(&self) -> usize {
        self.lock().calls
    }

    fn add(self, act: Act) -> Self {
        self.lock().add(act);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    fn add(&mut self, act: Act) {
        let delay = std::mem::take(&mut self.delay);
        self.steps.push(Step { delay, act });
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
        let Some(Step { delay, act }) = step else {
            return Err(ProviderError::not_configured("the script is empty")
                .with_provider("scripted provider"));
        };
        // Without a delay no timer is asked for, so that the provider also runs where there is
        // none.
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match act {
            Act::Answer(credential) => Ok(credential),
            Act::Fail(error) => Err(error),
            Act::Hang => std::future::pending().await,
            Act::Panic => panic!("scripted provider: this step panics"),
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
