//! Times and durations of Protocol Buffers.

/// A point in time, `google.protobuf.Timestamp`.
///
/// # Examples
///
/// As a [`SystemTime`](std::time::SystemTime), for times since 1970:
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use yandex_cloud_auth::testing::proto::Timestamp;
///
/// let started_at = Timestamp { seconds: 1_700_000_000, nanos: 500_000_000 };
/// let since_epoch = Duration::new(started_at.seconds.try_into()?, started_at.nanos.try_into()?);
/// let started_at = UNIX_EPOCH + since_epoch;
/// # assert_eq!(since_epoch, Duration::from_millis(1_700_000_000_500));
/// # Ok::<(), std::num::TryFromIntError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Whole seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The nanoseconds of the second, 0 to 999 999 999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// A duration, `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The nanoseconds of the second, with the same sign.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}
