//! The default policy at more origins.

use yandex_cloud_auth::Workflows;

use crate::support::{START, WORKFLOWS, attaches, key, token};

#[test]
fn added_origin_keeps_rule_on_api_keys() {
    let policies = [
        Workflows::new()
            .allow("https://workflows.corp.example")
            .unwrap(),
        Workflows::new()
            .allow_insecure("http://workflows.corp.example")
            .unwrap(),
        Workflows::new().allow_any_https(),
        Workflows::new().allow_loopback(),
    ];
    let origins = [
        "https://workflows.corp.example",
        "http://workflows.corp.example",
        "https://workflows.corp.example",
        "http://127.0.0.1:8080",
    ];
    for (policy, origin) in policies.iter().zip(origins) {
        let workflow = format!("{origin}/workflows/v1/workflow");
        assert!(attaches(
            policy,
            &key(),
            "POST",
            &format!("{origin}{START}")
        ));
        assert!(!attaches(policy, &key(), "POST", &workflow), "{origin}");
        assert!(attaches(policy, &token(), "POST", &workflow), "{origin}");
        assert!(attaches(
            policy,
            &key(),
            "POST",
            &format!("{WORKFLOWS}{START}")
        ));
        assert!(!attaches(policy, &token(), "POST", "http://evil.example/"));
    }
}
