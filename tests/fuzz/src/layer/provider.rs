//! The provider: it answers, fails, hangs or panics.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use yandex_cloud_auth::{Credential, CredentialProvider, ProviderError};

use super::super::input::Input;
use super::world::World;

/// What a fetch does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Answer(Option<Duration>),
    Fail {
        permanent: bool,
        retry_after: Option<Duration>,
    },
    Hang(Option<Duration>),
    Panic,
}

impl Step {
    pub(super) fn of(input: &mut Input<'_>) -> Self {
        let kind = input.byte();
        let duration = input.byte();
        let duration = (duration != 0).then(|| Duration::from_millis(1 << (duration % 32)));
        match kind % 8 {
            0..=2 => Self::Answer(duration),
            3 => Self::Fail {
                permanent: false,
                retry_after: duration,
            },
            4 => Self::Fail {
                permanent: true,
                retry_after: duration,
            },
            5 | 6 => Self::Hang(duration),
            _ => Self::Panic,
        }
    }
}

pub(super) struct Scripted(pub(super) Arc<World>);

impl CredentialProvider for Scripted {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let world = &self.0;
        let _fetching = world.start_fetch();
        match world.step() {
            Step::Answer(lifetime) => Ok(world.issue(lifetime)),
            Step::Fail {
                permanent,
                retry_after,
            } => Err(failure(permanent, retry_after)),
            Step::Hang(lifetime) => {
                let before = world.released();
                poll_fn(|_| match world.released() == before {
                    true => Poll::Pending,
                    false => Poll::Ready(()),
                })
                .await;
                Ok(world.issue(lifetime))
            }
            // Does not call the panic hook, in which libFuzzer aborts.
            Step::Panic => std::panic::resume_unwind(Box::new("scripted")),
        }
    }
}

fn failure(permanent: bool, retry_after: Option<Duration>) -> ProviderError {
    let error = if permanent {
        ProviderError::permanent("no")
    } else {
        ProviderError::transient("not yet")
    };
    match retry_after {
        Some(delay) => error.with_retry_after(delay),
        None => error,
    }
}
