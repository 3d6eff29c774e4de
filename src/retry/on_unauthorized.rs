//! Replays a request whose credential was rejected.

use std::future::{Ready, ready};

use http::{Request, Response};
use tower::retry::Policy;

use crate::auth::CredentialReplaced;

/// A [`tower::retry::Policy`] that replays a request once after a `401` or a trailers-only gRPC
/// status 16.
///
/// It replays a request only if the layer below dropped or replaced the rejected credential, so
/// that the replay carries the next one. A second rejection goes to the caller. Place it directly
/// outside of the layer.
///
/// # Examples
///
/// ```
/// use tower::ServiceBuilder;
/// use yandex_cloud_auth::{AuthLayer, Credential, retry::OnUnauthorized};
///
/// # let client = tower::service_fn(|_: http::Request<String>| async { Ok::<_, std::io::Error>(http::Response::new(())) });
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// let client = ServiceBuilder::new().retry(OnUnauthorized::new()).layer(auth).service(client);
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
///
/// # Compile errors
///
/// The body of the request must be `Clone`. If it is not, the compiler says of `oneshot` and
/// `ready` only that trait bounds were not satisfied; [`Auth`](crate::Auth) shows how to make it
/// name the cause. `http_body_util::Full<Bytes>`, `String` and `()` are `Clone`. For a body that is
/// not, such as tonic's or reqwest's, use [`ReplayLayer`](super::ReplayLayer).
#[derive(Clone, Copy, Debug, Default)]
pub struct OnUnauthorized {
    replayed: bool,
}

impl OnUnauthorized {
    /// Replays each request at most once.
    pub const fn new() -> Self {
        Self { replayed: false }
    }

    pub(super) const fn has_replayed(self) -> bool {
        self.replayed
    }

    /// Whether the request of this result is to be replayed.
    pub(super) fn replay<R, E>(&mut self, result: &Result<Response<R>, E>) -> Option<Ready<()>> {
        let response = result.as_ref().ok()?;
        if self.replayed || response.extensions().get::<CredentialReplaced>().is_none() {
            return None;
        }
        self.replayed = true;
        Some(ready(()))
    }
}

impl<B: Clone, R, E> Policy<Request<B>, Response<R>, E> for OnUnauthorized {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<B>,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Self::Future> {
        self.replay(result)
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        (!self.replayed).then(|| request.clone())
    }
}
