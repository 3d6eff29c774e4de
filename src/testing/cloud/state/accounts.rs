//! The service accounts of the cloud and their authorized keys.

use ring::rsa;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;

use crate::testing::cloud::state::random;

/// Two service accounts with one authorized key each, and a Yandex account.
pub(crate) struct Accounts {
    user: String,
    first: ServiceAccount,
    second: ServiceAccount,
    /// Whether a service account may request a token of the other one.
    pub(crate) impersonation: bool,
}

/// A service account.
pub(crate) struct ServiceAccount {
    pub(crate) id: String,
    pub(crate) key: AuthorizedKey,
}

/// An authorized key: a key pair and its id.
pub(crate) struct AuthorizedKey {
    id: String,
    pair: &'static KeyPair,
    created_at: jiff::Timestamp,
}

/// A key pair that was generated for this fake and is used nowhere else.
struct KeyPair {
    private_pem: &'static str,
    public_pem: &'static str,
}

static FIRST: KeyPair = KeyPair {
    private_pem: include_str!("../../keys/first.pem"),
    public_pem: include_str!("../../keys/first.pub.pem"),
};
static SECOND: KeyPair = KeyPair {
    private_pem: include_str!("../../keys/second.pem"),
    public_pem: include_str!("../../keys/second.pub.pem"),
};

impl Accounts {
    pub(crate) fn new() -> Self {
        Self {
            user: random::id("aje"),
            first: ServiceAccount::new(&FIRST),
            second: ServiceAccount::new(&SECOND),
            impersonation: true,
        }
    }

    /// Accounts whose first service account and key have these ids, for JWTs signed in advance.
    #[cfg(test)]
    pub(crate) fn with_ids(account: &str, key: &str) -> Self {
        let mut accounts = Self::new();
        (accounts.first.id, accounts.first.key.id) = (account.to_owned(), key.to_owned());
        accounts
    }

    /// The id of the Yandex account that owns the OAuth tokens.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// The first service account.
    pub(crate) fn first(&self) -> &ServiceAccount {
        &self.first
    }

    /// The second service account.
    pub(crate) fn second(&self) -> &ServiceAccount {
        &self.second
    }

    pub(crate) fn exists(&self, id: &str) -> bool {
        [&self.first, &self.second]
            .iter()
            .any(|account| account.id == id)
    }

    /// The key with this id and the account that owns it.
    pub(crate) fn key(&self, id: &str) -> Option<(&ServiceAccount, &AuthorizedKey)> {
        [&self.first, &self.second]
            .into_iter()
            .find(|account| account.key.id == id)
            .map(|account| (account, &account.key))
    }

    /// Replaces the key of the first service account. The old key becomes unknown.
    pub(crate) fn rotate_key(&mut self) {
        let other = if std::ptr::eq(self.first.key.pair, &FIRST) {
            &SECOND
        } else {
            &FIRST
        };
        self.first.key = AuthorizedKey::new(other);
    }
}

impl ServiceAccount {
    fn new(pair: &'static KeyPair) -> Self {
        Self {
            id: random::id("aje"),
            key: AuthorizedKey::new(pair),
        }
    }

    /// The key file, as `yc iam key create` writes it *(Authorized keys, Yandex Cloud docs)*.
    pub(crate) fn key_file(&self) -> String {
        let AuthorizedKey {
            id,
            pair,
            created_at,
        } = &self.key;
        let preamble = format!("PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <{id}>\n");
        // The CLI is written in Go, whose JSON encoder escapes these two characters.
        let json = |text: &str| {
            Value::from(text)
                .to_string()
                .replace('<', "\\u003c")
                .replace('>', "\\u003e")
        };
        format!(
            "{{\n   \"id\": {},\n   \"service_account_id\": {},\n   \"created_at\": \"{created_at:.9}\",\n   \
             \"key_algorithm\": \"RSA_2048\",\n   \"public_key\": {},\n   \"private_key\": {}\n}}\n",
            json(id),
            json(&self.id),
            json(pair.public_pem),
            json(&(preamble + pair.private_pem)),
        )
    }
}

impl AuthorizedKey {
    fn new(pair: &'static KeyPair) -> Self {
        Self {
            id: random::id("aje"),
            pair,
            created_at: jiff::Timestamp::now(),
        }
    }

    /// The public key, in the encoding that ring verifies with *(RFC 8017 §A.1.1)*.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.pair.private_pem.as_bytes())
            .expect("the test keys are PEM");
        let pair = rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("the test keys are RSA");
        ring::signature::KeyPair::public_key(&pair)
            .as_ref()
            .to_vec()
    }
}
