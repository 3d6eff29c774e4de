//! What happens to a cache.

/// One event. A number that chooses among things counts from the newest, modulo their number.
#[derive(Clone, Debug)]
pub enum Event {
    /// Both clocks and the timers of the runtime move by this many seconds.
    Advance(u64),
    /// A caller asks for a credential.
    Call(Via),
    /// A waiter is dropped.
    Cancel(usize),
    /// The cache is cloned.
    Clone,
    /// All handles, services and waiters are dropped. A new cache takes the place of the old one.
    DropAll,
    /// One handle is dropped, unless it is the last one.
    DropClone(usize),
    /// One of the credentials fetched so far is passed to `invalidate`.
    Invalidate(usize),
    /// The server rejects a request with a 401, or accepts it.
    Respond { request: usize, is_rejected: bool },
    /// The runtime shuts down with its tasks, and the waiters move to another.
    RestartRuntime,
    /// The source gives this answer from now on, also to the fetch in flight.
    Source(Answer),
    /// The wall clock alone steps by this many seconds: a correction, or the end of a suspension.
    StepWall(i64),
}

/// How a caller asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// `get`.
    Get,
    /// `get`, first polled outside of the runtime.
    GetOutside,
    /// `get_valid_for`, with seconds.
    GetValidFor(u64),
    /// A request through one of two services.
    Layer(usize),
    /// `refresh`.
    Refresh,
}

/// What the source answers.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Credential(Lifetime),
    Hang,
    NotConfigured,
    Panic,
    Permanent,
    Transient { retry_after: Option<u64> },
}

/// When the credential ends, in seconds.
#[derive(Clone, Copy, Debug)]
pub enum Lifetime {
    /// At this time of the wall clock, counted from the arrival.
    At(i64),
    In(u64),
    Never,
}
