//! The certificate authorities that are trusted.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls_native_certs::{CertificateResult, ErrorKind, load_certs_from_paths, load_native_certs};

use crate::error::ProviderError;
use crate::redact;

const FILE: &str = "SSL_CERT_FILE";
const DIR: &str = "SSL_CERT_DIR";

/// The authorities of the process: those that the variables name, or those of the system, or
/// Mozilla's if there are neither. The first call reads files.
///
/// A variable that is set and contains no authority is an error, since it was set on purpose. The
/// next call then reads again.
pub(super) fn shared() -> Result<Arc<RootCertStore>, ProviderError> {
    static SHARED: Once<RootCertStore> = Once::new();
    SHARED.get_or_load(load)
}

/// A value that is loaded once. Callers wait while another one loads it.
///
/// `OnceLock` has no stable initializer that can fail.
struct Once<T>(Mutex<Option<Arc<T>>>);

impl<T> Once<T> {
    const fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn get_or_load<E>(&self, load: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let mut loaded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = &*loaded {
            return Ok(Arc::clone(value));
        }
        Ok(Arc::clone(loaded.insert(Arc::new(load()?))))
    }
}

fn load() -> Result<RootCertStore, ProviderError> {
    let named = from_variables(env::var_os(FILE), env::var_os(DIR));
    match named.map_err(ProviderError::permanent)? {
        Some(roots) => Ok(roots),
        None => of_system(load_native_certs()),
    }
}

/// Those of the system, or Mozilla's if it has none. Some that cannot be read, for example without
/// free file descriptors, are not replaced: a private authority may be among them.
fn of_system(found: CertificateResult) -> Result<RootCertStore, ProviderError> {
    let mut roots = store(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let unread = found.errors.iter().find(|error| !is_absent(&error.kind));
    if let Some(error) = unread {
        return Err(ProviderError::transient(format!(
            "the root certificates of the system cannot be read{}",
            reason(&error.kind)
        )));
    }
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(roots)
}

/// Those that the variables name. `None` if both are unset or empty.
fn from_variables(
    file: Option<OsString>,
    dirs: Option<OsString>,
) -> Result<Option<RootCertStore>, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file.filter(|file| !file.is_empty()) {
        let file = Path::new(&file);
        let found = load_certs_from_paths(Some(file), None);
        roots.extend(at_least_one(FILE, file, found)?.roots);
    }
    let dirs = dirs.unwrap_or_default();
    for dir in env::split_paths(&dirs).filter(|dir| !dir.as_os_str().is_empty()) {
        let found = load_certs_from_paths(None, Some(&dir));
        roots.extend(at_least_one(DIR, &dir, found)?.roots);
    }
    Ok(Some(roots).filter(|roots| !roots.is_empty()))
}

/// The roots that the path of a variable has.
fn at_least_one(
    variable: &str,
    path: &Path,
    found: CertificateResult,
) -> Result<RootCertStore, String> {
    let roots = store(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let reason = found.errors.first().map(|error| reason(&error.kind));
    Err(format!(
        "{variable} is set to {}, which contains no readable root certificate{}",
        redact::path(path),
        reason.unwrap_or_default()
    ))
}

fn store(certificates: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    roots
}

fn is_absent(error: &ErrorKind) -> bool {
    matches!(error, ErrorKind::Io { inner, .. } if inner.kind() == io::ErrorKind::NotFound)
}

/// Without the path, which the text of the error contains unredacted.
fn reason(error: &ErrorKind) -> String {
    match error {
        ErrorKind::Io { inner, .. } => format!(": {inner}"),
        _ => ": it is not PEM".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn fixture(name: &str) -> OsString {
        format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR")).into()
    }

    #[test]
    fn callers_wait_while_value_loads() {
        let once = Once::new();
        let load = || Ok::<_, ()>(once.0.try_lock().is_err());
        let locked = once.get_or_load(load).unwrap();
        assert!(*locked, "the lock is held");
    }

    #[test]
    fn failed_load_is_tried_again() {
        let once = Once::new();
        assert_eq!(once.get_or_load(|| Err("no file")), Err("no file"));
        for load in [Ok(1), Ok(2), Err("not called")] {
            assert_eq!(once.get_or_load(|| load), Ok(Arc::new(1)));
        }
    }

    /// What the system's loader reports of one file.
    fn failing_with(kind: io::ErrorKind) -> CertificateResult {
        let mut found = load_certs_from_paths(Some(Path::new("/nonexistent/ca.pem")), None);
        assert!(found.certs.is_empty());
        for error in &mut found.errors {
            if let ErrorKind::Io { inner, .. } = &mut error.kind {
                *inner = kind.into();
            }
        }
        found
    }

    #[test]
    fn system_roots_that_cannot_be_read_are_not_replaced() {
        let mozilla = of_system(failing_with(io::ErrorKind::NotFound)).unwrap();
        assert_eq!(mozilla.len(), webpki_roots::TLS_SERVER_ROOTS.len());
        // The other one is that of a lack of file descriptors.
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::Other] {
            let error = of_system(failing_with(kind)).unwrap_err();
            assert!(error.is_transient(), "{error}");

            let mut found = failing_with(kind);
            let certificate = Path::new(&fixture("certificate.pem")).to_owned();
            found.certs = load_certs_from_paths(Some(&certificate), None).certs;
            assert_eq!(of_system(found).unwrap().len(), 1);
        }
    }

    #[test]
    fn variable_without_roots_is_error() {
        let dir = env::temp_dir().join(format!("yandex-cloud-auth-roots-{}", std::process::id()));
        let empty = dir.join("empty");
        fs::create_dir_all(&empty).unwrap();
        let not_x509 = dir.join("not_x509.pem");
        let text = "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n";
        fs::write(&not_x509, text).unwrap();
        for (file, dirs, variable) in [
            (Some("/nonexistent/ca.pem".into()), None, FILE),
            (Some(fixture("service_account_key.pem")), None, FILE),
            (Some(not_x509.into()), None, FILE),
            (None, Some("/nonexistent".into()), DIR),
            (None, Some(empty.into()), DIR),
            (
                Some(fixture("certificate.pem")),
                Some("/nonexistent".into()),
                DIR,
            ),
        ] {
            let error = from_variables(file, dirs).unwrap_err();
            assert!(error.starts_with(variable), "{error}");
        }
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn variable_that_may_be_secret_is_not_shown() {
        for value in ["-----BEGIN canary", "{\"canary\":1}", "AQVNcanary"] {
            for (file, dirs) in [
                (Some(value.into()), None),
                (None, Some(OsString::from(value))),
            ] {
                let error = from_variables(file, dirs).unwrap_err();
                assert!(!error.contains("canary"), "{error}");
            }
        }
    }

    #[test]
    fn variables_name_roots() {
        let roots = from_variables(Some(fixture("certificate.pem")), None).unwrap();
        assert_eq!(roots.map(|roots| roots.len()), Some(1));
        for (file, dirs) in [
            (None, None),
            (None, Some(OsString::new())),
            (Some(OsString::new()), None),
        ] {
            assert!(from_variables(file, dirs).unwrap().is_none());
        }
    }
}
