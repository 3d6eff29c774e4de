//! Policies together.

use std::sync::Arc;

use yandex_cloud_auth::{
    ApiKeyRules, Credential, Decision, Denial, ExecutionOnly, Policy, RequestHead, TrustedOrigins,
    Unrestricted, Workflows, WorkflowsAt, policy_fn,
};

use crate::support::{attaches, key, request, token};

#[test]
fn deny_wins_over_skip_wins_over_attach() {
    let attach = |_: &RequestHead<'_>, _: &Credential| Decision::Attach;
    let skip = |_: &RequestHead<'_>, _: &Credential| Decision::Skip;
    let deny =
        |request: &RequestHead<'_>, _: &Credential| Decision::Deny(Denial::new("no", request));
    let request = request("GET", "/");
    let head = RequestHead::of(&request);
    assert!(matches!(
        attach.and(Unrestricted).decide(&head, &token()),
        Decision::Attach
    ));
    assert!(matches!(
        attach.and(skip).decide(&head, &token()),
        Decision::Skip
    ));
    assert!(matches!(
        skip.and(attach).decide(&head, &token()),
        Decision::Skip
    ));
    assert!(matches!(
        skip.and(deny).decide(&head, &token()),
        Decision::Deny(_)
    ));
    assert!(matches!(
        deny.and(skip).decide(&head, &token()),
        Decision::Deny(_)
    ));
    assert!(matches!(
        attach.and(Arc::new(deny)).decide(&head, &token()),
        Decision::Deny(_)
    ));
}

/// Decides the same before and after there is a credential.
#[derive(Clone, Copy)]
struct Always(fn(&RequestHead<'_>) -> Decision);

impl Policy for Always {
    fn decide(&self, request: &RequestHead<'_>, _: &Credential) -> Decision {
        self.0(request)
    }

    fn precheck(&self, request: &RequestHead<'_>) -> Option<Decision> {
        Some(self.0(request))
    }
}

#[test]
fn precheck_leaves_open_what_other_may_deny() {
    let attach = Always(|_| Decision::Attach);
    let skip = Always(|_| Decision::Skip);
    let deny = Always(|request| Decision::Deny(Denial::new("no", request)));
    let later = policy_fn(|_, _| Decision::Skip);
    let request = request("GET", "/");
    let head = RequestHead::of(&request);
    for policy in [
        attach.and(deny),
        deny.and(attach),
        skip.and(deny),
        deny.and(skip),
    ] {
        assert!(matches!(policy.precheck(&head), Some(Decision::Deny(_))));
    }
    assert!(matches!(
        skip.and(skip).precheck(&head),
        Some(Decision::Skip)
    ));
    for policy in [skip.and(attach), attach.and(skip)] {
        assert!(policy.precheck(&head).is_none());
    }
    assert!(skip.and(later).precheck(&head).is_none());
    assert!(matches!(
        Arc::new(deny).precheck(&head),
        Some(Decision::Deny(_))
    ));
}

#[test]
fn policies_are_shared_between_threads() {
    fn shared<P: Policy + Clone + std::fmt::Debug + Send + Sync + 'static>(_: &P) {}
    shared(&Workflows::default());
    shared(&ExecutionOnly);
    shared(&Unrestricted);
    shared(&Workflows::new().allow_loopback());
    shared(&ApiKeyRules::workflows());
    shared(&TrustedOrigins::yandex_cloud().and(ApiKeyRules::none()));
    assert_eq!(size_of::<(Workflows, ExecutionOnly, Unrestricted)>(), 0);
    assert!(size_of::<ApiKeyRules>() <= 16 && size_of::<WorkflowsAt>() <= 16);
}

#[test]
fn closure_without_types_is_a_policy() {
    let policy = policy_fn(|head, credential| match credential.scheme().as_str() {
        "Bearer" => Decision::Attach,
        _ => Decision::Deny(Denial::new("tokens only", head)),
    });
    assert_eq!(format!("{policy:?}"), "PolicyFn { .. }");
    assert!(attaches(&policy, &token(), "GET", "/"));
    assert!(!attaches(&policy, &key(), "GET", "/"));
    let both = Workflows::new().and(policy);
    assert!(
        both.precheck(&RequestHead::of(&request("GET", "https://evil.example/")))
            .is_some()
    );
}

/// Skips each request before there is a credential.
struct SkipsEarly;

impl Policy for SkipsEarly {
    fn decide(&self, _: &RequestHead<'_>, _: &Credential) -> Decision {
        Decision::Skip
    }

    fn precheck(&self, _: &RequestHead<'_>) -> Option<Decision> {
        Some(Decision::Skip)
    }
}

#[test]
fn early_skip_needs_both_policies() {
    let request = request("GET", "https://evil.example/");
    let head = RequestHead::of(&request);
    let both = SkipsEarly.and(SkipsEarly).precheck(&head);
    assert!(matches!(both, Some(Decision::Skip)));
    assert!(SkipsEarly.and(Unrestricted).precheck(&head).is_none());
    assert!(Unrestricted.and(SkipsEarly).precheck(&head).is_none());
    for denied in [
        SkipsEarly.and(Workflows::new()).precheck(&head),
        Workflows::new().and(SkipsEarly).precheck(&head),
    ] {
        assert!(matches!(denied, Some(Decision::Deny(_))));
    }
}
