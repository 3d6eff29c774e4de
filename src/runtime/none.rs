//! What stands in for a runtime where there is none: nothing is spawned, and no timer fires.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pub(crate) struct Runtime(Infallible);

impl Runtime {
    pub(crate) const fn current() -> Option<Self> {
        None
    }

    pub(crate) fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) -> Task {
        match self.0 {}
    }
}

pub(crate) struct Task(Infallible);

impl Task {
    pub(crate) fn abort(&self) {
        match self.0 {}
    }

    pub(crate) fn is_finished(&self) -> bool {
        match self.0 {}
    }
}

pub(crate) struct Timer(Infallible);

impl Timer {
    pub(crate) fn is_foreign(&self) -> bool {
        match self.0 {}
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match self.0 {}
    }
}

pub(crate) const fn timer(_: Duration) -> Option<Timer> {
    None
}
