//! An IAM token for the examples in which something else holds one.

use yandex_cloud_auth::testing::FakeCloud;
use yandex_cloud_auth::{CredentialProvider, MetadataService, ProviderError};

/// A token that the fake cloud issued.
pub(crate) async fn issued_by(cloud: &FakeCloud) -> Result<String, ProviderError> {
    let machine = MetadataService::new().with_endpoint(cloud.metadata_url());
    Ok(machine.fetch().await?.expose_secret().to_owned())
}
