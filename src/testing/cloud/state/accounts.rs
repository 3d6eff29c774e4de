//! The service accounts of the cloud and their authorized keys.

use ring::rsa;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;

use crate::testing::cloud::state::random;

/// Two service accounts with a key each, and a Yandex account.
pub(crate) struct Accounts {
    user: String,
    robot: ServiceAccount,
    deputy: ServiceAccount,
    /// Whether one may ask for a token of the other.
    pub(crate) impersonation: bool,
}

/// A service account.
pub(crate) struct ServiceAccount {
    pub(crate) id: String,
    pub(crate) key: AuthorizedKey,
}

/// An authorized key: a key pair under an id that the cloud knows.
pub(crate) struct AuthorizedKey {
    id: String,
    pair: &'static KeyPair,
    created_at: jiff::Timestamp,
}

/// The key pairs were generated for this fake and open nothing.
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
            robot: ServiceAccount::new(&FIRST),
            deputy: ServiceAccount::new(&SECOND),
            impersonation: true,
        }
    }

    /// With a first account and key of these ids, for what was signed beforehand.
    #[cfg(test)]
    pub(crate) fn with_ids(account: &str, key: &str) -> Self {
        let mut accounts = Self::new();
        (accounts.robot.id, accounts.robot.key.id) = (account.to_owned(), key.to_owned());
        accounts
    }

    /// The person to whom OAuth tokens belong.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// The account that most tests are about.
    pub(crate) fn robot(&self) -> &ServiceAccount {
        &self.robot
    }

    /// Another one, to impersonate, and whose key is not the first one's.
    pub(crate) fn deputy(&self) -> &ServiceAccount {
        &self.deputy
    }

    pub(crate) fn exists(&self, id: &str) -> bool {
        [&self.robot, &self.deputy]
            .iter()
            .any(|account| account.id == id)
    }

    /// The key of that id and the account that owns it.
    pub(crate) fn key(&self, id: &str) -> Option<(&ServiceAccount, &AuthorizedKey)> {
        [&self.robot, &self.deputy]
            .into_iter()
            .find(|account| account.key.id == id)
            .map(|account| (account, &account.key))
    }

    /// Replaces the first account's key. The old one is unknown from then on.
    pub(crate) fn rotate_key(&mut self) {
        let other = if std::ptr::eq(self.robot.key.pair, &FIRST) {
            &SECOND
        } else {
            &FIRST
        };
        self.robot.key = AuthorizedKey::new(other);
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
        // The CLI is written in Go, whose JSON escapes these two.
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
