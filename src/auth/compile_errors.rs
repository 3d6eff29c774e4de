//! Programs that must not compile, each after the same one corrected. The sections "Compile errors"
//! of the documentation explain them.

/// The inner service must be `Clone`.
///
/// ```
/// # use {http::{Request, Response}, tower::{Layer, Service}};
/// # use yandex_cloud_auth::{AuthLayer, Credential};
/// #[derive(Clone)]
/// struct Client;
/// # impl Service<Request<()>> for Client {
/// #     type Response = Response<()>;
/// #     type Error = std::convert::Infallible;
/// #     type Future = std::future::Ready<Result<Response<()>, Self::Error>>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> { todo!() }
/// #     fn call(&mut self, _: Request<()>) -> Self::Future { todo!() }
/// # }
/// fn assert_service<B, S: Service<Request<B>>>(_: &S) {}
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// assert_service(&auth.layer(Client));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
///
/// ```compile_fail,E0277
/// # use {http::{Request, Response}, tower::{Layer, Service}};
/// # use yandex_cloud_auth::{AuthLayer, Credential};
/// struct Client;
/// # impl Service<Request<()>> for Client {
/// #     type Response = Response<()>;
/// #     type Error = std::convert::Infallible;
/// #     type Future = std::future::Ready<Result<Response<()>, Self::Error>>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> { todo!() }
/// #     fn call(&mut self, _: Request<()>) -> Self::Future { todo!() }
/// # }
/// fn assert_service<B, S: Service<Request<B>>>(_: &S) {}
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// assert_service(&auth.layer(Client));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
struct InnerServiceIsClone;

/// The error of the inner service must convert into a boxed error under `Auth`.
///
/// ```
/// # use {http::{Request, Response}, tower::{Layer, Service}};
/// # use yandex_cloud_auth::{AuthLayer, Credential};
/// #[derive(Debug)]
/// struct ClientError;
/// # impl std::fmt::Display for ClientError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { todo!() }
/// # }
/// impl std::error::Error for ClientError {}
/// let client = tower::service_fn(|_: Request<()>| async { Err::<Response<()>, _>(ClientError) });
/// fn assert_service<B, S: Service<Request<B>>>(_: &S) {}
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// assert_service::<(), _>(&auth.layer(client));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
///
/// ```compile_fail,E0277
/// # use {http::{Request, Response}, tower::{Layer, Service}};
/// # use yandex_cloud_auth::{AuthLayer, Credential};
/// #[derive(Debug)]
/// struct ClientError;
/// let client = tower::service_fn(|_: Request<()>| async { Err::<Response<()>, _>(ClientError) });
/// fn assert_service<B, S: Service<Request<B>>>(_: &S) {}
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// assert_service::<(), _>(&auth.layer(client));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
struct InnerErrorIsError;

/// The body of a response must have a `Default` under `GrpcAuth`.
///
/// ```
/// # use {http::{Request, Response}, tower::{Layer, Service}};
/// # use yandex_cloud_auth::{AuthLayer, Credential};
/// #[derive(Default)]
/// struct Body;
/// let channel = tower::service_fn(|_: Request<()>| async { Ok::<_, std::io::Error>(Response::new(Body {})) });
/// fn assert_service<B, S: Service<Request<B>>>(_: &S) {}
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?).grpc();
/// assert_service::<(), _>(&auth.layer(channel));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
///
/// ```compile_fail,E0277
/// # use {http::{Request, Response}, tower::{Layer, Service}};
/// # use yandex_cloud_auth::{AuthLayer, Credential};
/// struct Body;
/// let channel = tower::service_fn(|_: Request<()>| async { Ok::<_, std::io::Error>(Response::new(Body {})) });
/// fn assert_service<B, S: Service<Request<B>>>(_: &S) {}
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?).grpc();
/// assert_service::<(), _>(&auth.layer(channel));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
struct GrpcBodyHasDefault;

/// The body of a request must be `Clone` under `OnUnauthorized`.
///
/// ```
/// # use {http::{Request, Response}, tower::{Service, ServiceBuilder}};
/// # use yandex_cloud_auth::{AuthLayer, Credential, retry::OnUnauthorized};
/// #[derive(Clone)]
/// struct Body;
/// let client = tower::service_fn(|_: Request<Body>| async { Ok::<_, std::io::Error>(Response::new(())) });
/// fn assert_service<B, S: Service<Request<B>>>(_: &S) {}
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// assert_service::<Body, _>(&ServiceBuilder::new().retry(OnUnauthorized::new()).layer(auth).service(client));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
///
/// ```compile_fail,E0277
/// # use {http::{Request, Response}, tower::{Service, ServiceBuilder}};
/// # use yandex_cloud_auth::{AuthLayer, Credential, retry::OnUnauthorized};
/// struct Body;
/// let client = tower::service_fn(|_: Request<Body>| async { Ok::<_, std::io::Error>(Response::new(())) });
/// fn assert_service<B, S: Service<Request<B>>>(_: &S) {}
/// let auth = AuthLayer::new(Credential::iam_token("t1.abc")?);
/// assert_service::<Body, _>(&ServiceBuilder::new().retry(OnUnauthorized::new()).layer(auth).service(client));
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[cfg(feature = "retry")]
struct ReplayedBodyIsClone;
