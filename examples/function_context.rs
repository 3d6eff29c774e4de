//! The service account of a cloud function, by the context that its handler receives.
//!
//!     cargo run --example function_context

use yandex_cloud_auth::{AuthLayer, Credential, ProviderError};

fn main() -> Result<(), ProviderError> {
    // In a handler, this is the JSON object that other languages call `context.token`.
    let context_token = r#"{"access_token":"t1.example","expires_in":43200,"token_type":"Bearer"}"#;
    let token = Credential::from_function_context(context_token)?;
    println!("{} {}", token.scheme(), token.fingerprint());

    // The layer is for this invocation. The next one has its own token.
    let _auth = AuthLayer::new(token);
    Ok(())
}
