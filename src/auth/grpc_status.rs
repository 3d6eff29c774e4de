//! An error of the layer as a gRPC response.

use http::{HeaderName, HeaderValue, Response, header};

use super::challenge::{GRPC_STATUS, Handled};
use super::error::AuthError;

const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The metadata that distinguishes an error of the layer from one of the server.
const REFUSED_BY_LAYER: HeaderName = HeaderName::from_static("yandex-cloud-auth");

/// The longest `grpc-message`, in bytes as sent.
const MAX_MESSAGE: usize = 1024;

/// A response that consists of trailers only *(gRPC over HTTP/2, "Responses")*.
#[cold]
pub(super) fn trailers_only<R: Default>(error: &AuthError) -> Response<R> {
    let (status, reason) = status(error);
    let mut response = Response::new(R::default());
    response.extensions_mut().insert(Handled);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/grpc"),
        (GRPC_STATUS, status),
        (REFUSED_BY_LAYER, reason),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(message) = HeaderValue::try_from(percent_encoded(&error.to_string())) {
        headers.insert(GRPC_MESSAGE, message);
    }
    response
}

/// The number of a `google.rpc.Code`, and the value of the metadata.
fn status(error: &AuthError) -> (&'static str, &'static str) {
    match error {
        // PERMISSION_DENIED, UNAVAILABLE, UNAUTHENTICATED
        AuthError::Denied(_) => ("7", "denied"),
        AuthError::Provider(error) if error.is_transient() => ("14", "no-credential"),
        AuthError::Provider(_) => ("16", "no-credential"),
    }
}

/// Percent-encodes the message as gRPC over HTTP/2 requires, and cuts a long one between
/// characters.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for character in text.chars() {
        let end = encoded.len();
        let mut bytes = [0; 4];
        for byte in character.encode_utf8(&mut bytes).bytes() {
            push_encoded(&mut encoded, byte);
        }
        if encoded.len() > MAX_MESSAGE {
            encoded.truncate(end);
            break;
        }
    }
    encoded
}

fn push_encoded(encoded: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    match byte {
        b'%' | ..b' ' | 0x7f.. => {
            let digits = [byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)]));
            encoded.push('%');
            encoded.extend(digits);
        }
        _ => encoded.push(char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ProviderError;

    #[test]
    fn message_is_percent_encoded() {
        assert_eq!(
            percent_encoded("a b~ 100%\n\u{7f}é"),
            "a b~ 100%25%0A%7F%C3%A9"
        );
    }

    #[test]
    fn long_message_is_cut_between_characters() {
        // Six bytes each as sent: 170 of them fit.
        assert_eq!(percent_encoded(&"é".repeat(1000)), "%C3%A9".repeat(170));
        assert_eq!(percent_encoded(&"a".repeat(2000)).len(), MAX_MESSAGE);
        assert_eq!(percent_encoded(&"a".repeat(MAX_MESSAGE)).len(), MAX_MESSAGE);
    }

    #[test]
    fn each_error_has_its_status() {
        for (error, expected) in [
            (ProviderError::transient("x"), "14"),
            (ProviderError::permanent("x"), "16"),
            (ProviderError::not_configured("x"), "16"),
        ] {
            let response: Response<()> = trailers_only(&error.into());
            let headers = response.headers();
            assert_eq!(headers["grpc-status"], expected);
            assert_eq!(headers["grpc-message"], "no credential to send: x");
            assert_eq!(headers["content-type"], "application/grpc");
            assert_eq!(headers["yandex-cloud-auth"], "no-credential");
        }
    }
}
