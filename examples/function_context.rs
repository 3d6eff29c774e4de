//! The service account of a cloud function, by what its handler is given.
//!
//!     cargo run --example function_context

use yandex_cloud_auth::{AuthLayer, Credential, ProviderError};

fn main() -> Result<(), ProviderError> {
    // In a handler: the JSON object that other languages call `context.token`.
    let context_token = r#"{"access_token":"t1.example","expires_in":43200,"token_type":"Bearer"}"#;
    let token = Credential::from_function_context(context_token)?;
    println!("{} {}", token.scheme(), token.fingerprint());

    // For this invocation: the next one is given a token of its own.
    let _auth = AuthLayer::new(token);
    Ok(())
}
