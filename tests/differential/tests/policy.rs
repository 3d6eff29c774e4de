//! Decisions of the policies, and of the layer, on random requests.
//!
//! `DIFFERENTIAL_COUNT` sets the number of requests, and `DIFFERENTIAL_SEED` the seed.

use std::convert::Infallible;
use std::env;

use futures_util::FutureExt;
use http::{Request, Response, header};
use tower::{Layer, ServiceExt};
use yandex_cloud_auth::{
    ApiKeyRules, AuthLayer, Credential, Decision, ExecutionOnly, Policy, Region, RequestHead,
    TrustedOrigins, Workflows,
};
use yandex_cloud_auth_differential_tests::case::Case;
use yandex_cloud_auth_differential_tests::random::Random;
use yandex_cloud_auth_differential_tests::reading::{ForKeys, Trusted, Written};

/// One request of this many is also sent through the layer.
const SENT: u64 = 8;

const YANDEX_CLOUD: Trusted = Trusted {
    domain: Some("api.cloud.yandex.net"),
    origins: &[],
    loopback: false,
    any_https: false,
};

const NONE: Trusted = Trusted {
    domain: None,
    ..YANDEX_CLOUD
};

const KAZAKHSTAN: Trusted = Trusted {
    domain: Some("api.yandexcloud.kz"),
    ..NONE
};

const LISTED: &[&str] = &[
    "https://a.example:8443",
    "https://[2001:db8::1]",
    "http://b.example",
    "http://10.0.0.1:8080",
];

const EXECUTION: ForKeys = ForKeys {
    rest: &[],
    origins: &[],
};

const RULES: ForKeys = ForKeys {
    rest: &[(LISTED[0], &["workflows", "v1", "workflow"])],
    origins: &[LISTED[1], "http://127.0.0.1:8080"],
};

/// The origins that a layer is given.
const GIVEN: [Option<&str>; 5] = [
    None,
    Some("https://serverless-workflows.api.cloud.yandex.net"),
    Some("https://A.example.:08443"),
    Some("http://127.0.0.1:8080"),
    Some("https://evil.example"),
];

/// A policy, by itself and in a layer.
trait Judge {
    fn attaches(&self, request: &Request<()>, credential: &Credential) -> bool;

    /// Sends the request through a layer, and returns whether it arrived. It then has one
    /// credential.
    fn sends(&self, request: &Request<()>, credential: &Credential, origin: Option<&str>) -> bool;
}

impl<P: Policy + Clone> Judge for P {
    fn attaches(&self, request: &Request<()>, credential: &Credential) -> bool {
        let head = RequestHead::of(request);
        let attaches = matches!(self.decide(&head, credential), Decision::Attach);
        // What is refused before a fetch must be refused after it.
        assert!(!attaches || self.precheck(&head).is_none());
        attaches
    }

    fn sends(&self, request: &Request<()>, credential: &Credential, origin: Option<&str>) -> bool {
        let mut layer = AuthLayer::new(credential.clone()).with_policy(self.clone());
        if let Some(origin) = origin {
            layer = layer.with_origin(origin).unwrap();
        }
        let client = tower::service_fn(|request: Request<()>| async move {
            let values = request.headers().get_all(header::AUTHORIZATION);
            let values: Vec<_> = values.iter().cloned().collect();
            Ok::<_, Infallible>(Response::new(values))
        });
        let outcome = layer.layer(client).oneshot(request.clone()).now_or_never();
        let response = outcome.expect("the credential is at hand");
        if let Ok(response) = &response {
            assert_eq!(response.body(), &[credential.header_value().clone()]);
        }
        response.is_ok()
    }
}

/// A policy, and the reading of it.
struct Subject {
    name: &'static str,
    judge: Box<dyn Judge>,
    trusted: Option<Trusted>,
    for_keys: Option<ForKeys>,
    allowed: u64,
    denied: u64,
}

impl Subject {
    fn new(
        name: &'static str,
        judge: impl Judge + 'static,
        trusted: Option<Trusted>,
        for_keys: Option<ForKeys>,
    ) -> Self {
        Self {
            name,
            judge: Box::new(judge),
            trusted,
            for_keys,
            allowed: 0,
            denied: 0,
        }
    }

    fn count(&mut self, attaches: bool) {
        if attaches {
            self.allowed += 1;
        } else {
            self.denied += 1;
        }
    }

    /// What the rules say. `None` if the url crate cannot say.
    fn expected(&self, written: Written<'_>, credential: &Credential) -> Option<bool> {
        let trusted = match self.trusted {
            Some(trusted) => trusted.allows(written)?,
            None => true,
        };
        let is_key = credential.scheme().as_str() == "Api-Key";
        let for_keys = self.for_keys.filter(|_| is_key);
        Some(trusted && for_keys.is_none_or(|for_keys| for_keys.allows(written)))
    }
}

fn subjects() -> Vec<Subject> {
    let listed = TrustedOrigins::none()
        .allow(LISTED[0])
        .and_then(|origins| origins.allow(LISTED[1]))
        .and_then(|origins| origins.allow_insecure(LISTED[2]))
        .and_then(|origins| origins.allow_insecure(LISTED[3]))
        .unwrap();
    let kazakhstan = TrustedOrigins::region(&Region::kazakhstan());
    let workflows_at = Workflows::new().allow(LISTED[0]).unwrap().allow_loopback();
    let rules = ApiKeyRules::workflows()
        .allow_rest(LISTED[0], "/workflows/v1/workflow")
        .and_then(|rules| rules.allow_origin(LISTED[1]))
        .and_then(|rules| rules.allow_origin("http://127.0.0.1:8080"))
        .unwrap();
    vec![
        Subject::new(
            "yandex_cloud",
            TrustedOrigins::yandex_cloud(),
            Some(YANDEX_CLOUD),
            None,
        ),
        Subject::new("kazakhstan", kazakhstan, Some(KAZAKHSTAN), None),
        Subject::new(
            "listed",
            listed,
            Some(Trusted {
                origins: LISTED,
                ..NONE
            }),
            None,
        ),
        Subject::new(
            "loopback",
            TrustedOrigins::none().allow_loopback(),
            Some(Trusted {
                loopback: true,
                ..NONE
            }),
            None,
        ),
        Subject::new(
            "any_https",
            TrustedOrigins::none().allow_any_https(),
            Some(Trusted {
                any_https: true,
                ..NONE
            }),
            None,
        ),
        Subject::new(
            "Workflows",
            Workflows::new(),
            Some(YANDEX_CLOUD),
            Some(EXECUTION),
        ),
        Subject::new(
            "WorkflowsAt",
            workflows_at,
            Some(Trusted {
                origins: &LISTED[..1],
                loopback: true,
                ..YANDEX_CLOUD
            }),
            Some(EXECUTION),
        ),
        Subject::new("ExecutionOnly", ExecutionOnly, None, Some(EXECUTION)),
        Subject::new("ApiKeyRules", rules, None, Some(RULES)),
    ]
}

fn variable(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().expect(name))
}

/// What the comparison found.
#[derive(Debug, Default)]
struct Findings {
    requests: u64,
    texts: u64,
    through_layer: u64,
    unread: u64,
    disagreements: Vec<String>,
}

impl Findings {
    /// Compares one decision.
    fn note(
        &mut self,
        subject: &mut Subject,
        written: Written<'_>,
        credential: &Credential,
        attaches: bool,
    ) {
        match subject.expected(written, credential) {
            None => self.unread += 1,
            Some(expected) => {
                subject.count(attaches);
                if attaches != expected && self.disagreements.len() < 40 {
                    let name = subject.name;
                    self.disagreements
                        .push(format!("{name} attaches: {attaches}, {written:?}"));
                }
            }
        }
    }

    fn print(&self, subjects: &[Subject]) {
        let (requests, texts, layers) = (self.requests, self.texts, self.through_layer);
        println!("{requests} requests of {texts} texts, {layers} decisions of layers");
        println!("{} decisions were not compared", self.unread);
        for Subject {
            name,
            allowed,
            denied,
            ..
        } in subjects
        {
            println!("{name}: {allowed} decisions attach, {denied} deny");
        }
    }
}

fn compare(count: u64, random: &mut Random, subjects: &mut [Subject]) -> Findings {
    let credentials = [
        Credential::api_key("AQVNcanary").unwrap(),
        Credential::iam_token("t1.canary").unwrap(),
    ];
    let mut findings = Findings::default();
    while findings.requests < count {
        findings.texts += 1;
        let Some(case) = Case::generate(random) else {
            continue;
        };
        findings.requests += 1;
        let credential = &credentials[random.below(2)];
        let origin = GIVEN[random.below(GIVEN.len())];
        let written = |origin| Written {
            method: &case.method,
            target: &case.target,
            hosts: &case.hosts,
            origin,
        };
        for subject in subjects.iter_mut() {
            let attaches = subject.judge.attaches(&case.request, credential);
            findings.note(subject, written(None), credential, attaches);
            if findings.requests % SENT == 0 {
                findings.through_layer += 1;
                let attaches = subject.judge.sends(&case.request, credential, origin);
                findings.note(subject, written(origin), credential, attaches);
            }
        }
    }
    findings
}

#[test]
fn decisions_agree_with_url_crate() {
    let mut random = Random::new(variable("DIFFERENTIAL_SEED", 1));
    let mut subjects = subjects();
    let findings = compare(
        variable("DIFFERENTIAL_COUNT", 1_000_000),
        &mut random,
        &mut subjects,
    );
    findings.print(&subjects);
    let disagreements = findings.disagreements.join("\n");
    assert!(disagreements.is_empty(), "\n{disagreements}\n");
    for Subject {
        name,
        allowed,
        denied,
        ..
    } in &subjects
    {
        let all = allowed + denied;
        assert!(
            allowed * 20 > all && denied * 20 > all,
            "{name}: {allowed} of {all} attach"
        );
        assert!(
            findings.unread * 20 < all,
            "{} not compared",
            findings.unread
        );
    }
}
