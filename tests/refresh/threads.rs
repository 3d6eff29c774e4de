//! Two identities in one process, read and renewed by several threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use yandex_cloud_auth::{Credential, CredentialCache};

use crate::polling::block_on;

const RENEWALS: u64 = 500;

/// A cache whose tokens have this name and a number that increases.
fn cache_of(name: &'static str) -> CredentialCache {
    let number = AtomicU64::new(0);
    CredentialCache::new(move || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        async move { Ok(Credential::iam_token(format!("{name}.{number}.{name}")).unwrap()) }
    })
}

/// The number in a token, which must be whole and of this name.
fn number_of(credential: &Credential, name: &str) -> u64 {
    let text = credential.expose_secret();
    let number = text
        .strip_prefix(&format!("{name}."))
        .and_then(|text| text.strip_suffix(&format!(".{name}")));
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{text} in the cache of {name}"))
}

#[test]
fn readers_never_get_foreign_or_older_credential() {
    let names = ["first", "second"];
    let caches = names.map(cache_of);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut latest = [0; 2];
                while !over.load(Ordering::Relaxed) {
                    for (index, name) in names.iter().enumerate() {
                        let number = number_of(&block_on(caches[index].get()).unwrap(), name);
                        assert!(number >= latest[index], "{name}: {number} is older");
                        latest[index] = number;
                    }
                }
            });
        }
        for _ in 0..RENEWALS {
            for (cache, name) in caches.iter().zip(names) {
                number_of(&block_on(cache.refresh()).unwrap(), name);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    for (cache, name) in caches.iter().zip(names) {
        assert!(number_of(&cache.peek().unwrap(), name) >= RENEWALS - 1);
    }
}
