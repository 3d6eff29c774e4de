//! What the cloud received.

use std::collections::HashSet;

use yandex_cloud_auth::Fingerprint;
use yandex_cloud_auth::testing::{FakeCloud, Host, Received};

use crate::client::{CLIENT, Kind};

/// The sums over the cloud's record, which is emptied each time it is read.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) requests: u64,
    pub(crate) token_requests: u64,
    /// Requests without credentials, with more than one, or with those of another client.
    pub(crate) wrong_credentials: u64,
    pub(crate) tokens: HashSet<Fingerprint>,
}

impl Record {
    pub(crate) fn read(&mut self, cloud: &FakeCloud) {
        let account = cloud.service_account_id();
        for received in cloud.take_audit() {
            if received.host == Host::Iam {
                self.token_requests += 1;
            } else {
                self.add(&received, &account);
            }
        }
    }

    fn add(&mut self, received: &Received, account: &str) {
        self.requests += 1;
        let client = Kind::ALL.into_iter().find(|kind| {
            received
                .headers
                .get(CLIENT)
                .is_some_and(|name| name == kind.name())
        });
        let is_right = client.is_some_and(|kind| received.scheme == Some(kind.scheme()))
            && received.account.as_deref() == Some(account);
        self.wrong_credentials += u64::from(!is_right);
        if client != Some(Kind::ApiKey) {
            self.tokens.extend(received.fingerprint);
        }
    }
}
