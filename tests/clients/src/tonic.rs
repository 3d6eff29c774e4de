use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Request, Status};
use yandex_cloud_auth::CredentialCache;

pub fn interceptor(
    cache: CredentialCache,
) -> impl FnMut(Request<()>) -> Result<Request<()>, Status> + Clone {
    move |mut request| {
        let credential = cache
            .peek()
            .ok_or_else(|| Status::unavailable("no credential yet"))?;
        let value = credential.header_value().as_bytes();
        let mut value: MetadataValue<Ascii> = value
            .try_into()
            .map_err(|_| Status::internal("invalid credential"))?;
        value.set_sensitive(true);
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}
