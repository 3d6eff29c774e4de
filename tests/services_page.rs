//! Every line of code in the tables of `src/docs/services.md` compiles, and the other columns agree
//! with it.

use yandex_cloud_auth::{
    ApiKeyRules, CloudService, Credential, InvalidRule, Policy, Region, RequestHead,
    TrustedOrigins, Workflows,
};

const PAGE: &str = include_str!("../src/docs/services.md");

/// Compiles each line, and returns it as text.
macro_rules! lines {
    ($($line:expr;)*) => {
        [$({
            fn is_policy(_: impl Policy) {}
            is_policy($line);
            stringify!($line)
        }),*]
    };
}

fn compiled() -> Result<Vec<String>, InvalidRule> {
    let lines = lines! {
        ApiKeyRules::workflows();
        ApiKeyRules::none().allow_service(CloudService::ImageGeneration);
        ApiKeyRules::none().allow_service(CloudService::LanguageModels);
        ApiKeyRules::none().allow_service(CloudService::Logging);
        ApiKeyRules::none().allow_service(CloudService::Monitoring);
        ApiKeyRules::none().allow_service(CloudService::Monium);
        ApiKeyRules::none().allow_service(CloudService::SearchApi);
        ApiKeyRules::none().allow_service(CloudService::SpeechRecognition);
        ApiKeyRules::none().allow_service(CloudService::SpeechSynthesis);
        ApiKeyRules::none().allow_service(CloudService::SpeechSense);
        ApiKeyRules::none().allow_service(CloudService::Translate);
        ApiKeyRules::none().allow_service(CloudService::VisionOcr);
        ApiKeyRules::none().allow_rest("https://functions.yandexcloud.net", "/d4e0example")?;
        ApiKeyRules::none().allow_origin("https://bba0example.containers.yandexcloud.net")?;
        ApiKeyRules::none().allow_rest("https://service.api.cloud.yandex.net", "/service/v1/resource")?;
        TrustedOrigins::yandex_cloud().allow_official_hosts();
        Workflows::new();
        TrustedOrigins::region(&Region::kazakhstan());
        TrustedOrigins::region(&Region::at("api.example.net")?);
    };
    Ok(lines.map(without_spaces).to_vec())
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The cells of each row that ends with a line of code.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = PAGE
        .lines()
        .filter(|line| line.starts_with("| ") && line.ends_with("` |"));
    lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
}

fn in_backticks(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_line_of_page_compiles() {
    let compiled = compiled().unwrap();
    let on_page: Vec<_> = rows()
        .map(|cells| without_spaces(cells.last().unwrap().trim_matches('`')))
        .collect();
    assert!(on_page.len() > 20, "{on_page:?}");
    for line in &on_page {
        assert!(compiled.contains(line), "{line}");
    }
    for line in &compiled {
        assert!(on_page.contains(line), "{line}");
    }
}

#[test]
fn scope_of_service_is_that_of_its_row() {
    for (service, scope) in [
        (
            "ImageGeneration",
            CloudService::ImageGeneration.api_key_scope(),
        ),
        (
            "LanguageModels",
            CloudService::LanguageModels.api_key_scope(),
        ),
        ("Logging", CloudService::Logging.api_key_scope()),
        ("Monitoring", CloudService::Monitoring.api_key_scope()),
        ("Monium", CloudService::Monium.api_key_scope()),
        ("SearchApi", CloudService::SearchApi.api_key_scope()),
        (
            "SpeechRecognition",
            CloudService::SpeechRecognition.api_key_scope(),
        ),
        ("SpeechSense", CloudService::SpeechSense.api_key_scope()),
        (
            "SpeechSynthesis",
            CloudService::SpeechSynthesis.api_key_scope(),
        ),
        ("Translate", CloudService::Translate.api_key_scope()),
        ("VisionOcr", CloudService::VisionOcr.api_key_scope()),
    ] {
        let row = rows()
            .find(|cells| cells[3..].concat().contains(&format!("::{service})")))
            .unwrap();
        assert_eq!(in_backticks(row[2]).next(), Some(scope), "{service}");
    }
}

#[test]
fn hosts_outside_domain_are_marked() {
    let domain = TrustedOrigins::yandex_cloud();
    let official = TrustedOrigins::none().allow_official_hosts();
    let token = Credential::iam_token("t1.abc").unwrap();
    let trusts = |origins: &TrustedOrigins, host: &str| {
        let request = http::Request::get(format!("https://{host}/"))
            .body(())
            .unwrap();
        matches!(
            origins.decide(&RequestHead::of(&request), &token),
            yandex_cloud_auth::Decision::Attach
        )
    };
    for row in rows().filter(|cells| cells.len() == 4) {
        for cell in row[1].split(", ").filter(|cell| cell.starts_with('`')) {
            let host = in_backticks(cell).next().unwrap();
            assert_eq!(trusts(&official, host), cell.ends_with('†'), "{host}");
            assert_eq!(trusts(&domain, host), cell.ends_with('`'), "{host}");
        }
    }
}
