//! The presets for other services, and the official hosts outside the API domain.

use yandex_cloud_auth::{ApiKeyRules, CloudService, Policy, TrustedOrigins};

use crate::support::{attaches, key, token};

const SERVICES: [CloudService; 11] = [
    CloudService::ImageGeneration,
    CloudService::LanguageModels,
    CloudService::Logging,
    CloudService::Monitoring,
    CloudService::Monium,
    CloudService::SearchApi,
    CloudService::SpeechRecognition,
    CloudService::SpeechSense,
    CloudService::SpeechSynthesis,
    CloudService::Translate,
    CloudService::VisionOcr,
];

/// One method of each kind that the API reference of a service documents.
const METHODS: [(&[CloudService], &str); 33] = {
    use CloudService::*;
    [
        (
            &[ImageGeneration],
            "https://llm.api.cloud.yandex.net/foundationModels/v1/imageGenerationAsync",
        ),
        (
            &[ImageGeneration, LanguageModels],
            "https://llm.api.cloud.yandex.net:443/operations/fbv0example",
        ),
        (
            &[ImageGeneration],
            "https://llm.api.cloud.yandex.net/yandex.cloud.ai.foundation_models.v1.image_generation.ImageGenerationAsyncService/Generate",
        ),
        (
            &[LanguageModels],
            "https://llm.api.cloud.yandex.net/foundationModels/v1/completion",
        ),
        (
            &[LanguageModels],
            "https://llm.api.cloud.yandex.net/foundationModels/v1/completionAsync",
        ),
        (
            &[LanguageModels],
            "https://llm.api.cloud.yandex.net/foundationModels/v1/textEmbedding",
        ),
        (
            &[LanguageModels],
            "https://llm.api.cloud.yandex.net/foundationModels/v1/tokenize",
        ),
        (
            &[LanguageModels],
            "https://llm.api.cloud.yandex.net/v1/chat/completions",
        ),
        (
            &[LanguageModels],
            "https://ai.api.cloud.yandex.net/v1/responses",
        ),
        (
            &[LanguageModels],
            "https://llm.api.cloud.yandex.net/yandex.cloud.ai.foundation_models.v1.TextGenerationService/Completion",
        ),
        (
            &[LanguageModels],
            "https://llm.api.cloud.yandex.net/yandex.cloud.ai.foundation_models.v1.EmbeddingsService/TextEmbedding",
        ),
        (
            &[Logging],
            "https://ingester.logging.yandexcloud.net/yandex.cloud.logging.v1.LogIngestionService/Write",
        ),
        (
            &[Monitoring],
            "https://monitoring.api.cloud.yandex.net/monitoring/v2/data/write?folderId=b1g&service=custom",
        ),
        (
            &[Monitoring],
            "https://monitoring.api.cloud.yandex.net/prometheus/workspaces/mon0example/api/v1/write",
        ),
        (
            &[Monium],
            "https://ingest.monium.yandex.cloud/otlp/v1/traces",
        ),
        (
            &[Monium],
            "https://ingest.monium.yandex.cloud/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        ),
        (
            &[SearchApi],
            "https://searchapi.api.cloud.yandex.net/v2/web/searchAsync",
        ),
        (
            &[SearchApi],
            "https://searchapi.api.cloud.yandex.net/v2/gen/search",
        ),
        (
            &[SearchApi],
            "https://searchapi.api.cloud.yandex.net/v2/image/search_by_image",
        ),
        (
            &[SearchApi],
            "https://searchapi.api.cloud.yandex.net/v2/wordstat/dynamics",
        ),
        (
            &[SearchApi],
            "https://searchapi.api.cloud.yandex.net/yandex.cloud.searchapi.v2.WebSearchService/Search",
        ),
        (
            &[SpeechRecognition],
            "https://stt.api.cloud.yandex.net/speech/v1/stt:recognize?lang=ru-RU",
        ),
        (
            &[SpeechRecognition],
            "https://stt.api.cloud.yandex.net/stt/v3/getRecognition?operationId=f8d",
        ),
        (
            &[SpeechRecognition],
            "https://transcribe.api.cloud.yandex.net/speech/stt/v2/longRunningRecognize",
        ),
        (
            &[SpeechRecognition],
            "https://operation.api.cloud.yandex.net/operations/e03example",
        ),
        (
            &[SpeechRecognition],
            "https://stt.api.cloud.yandex.net/speechkit.stt.v3.Recognizer/RecognizeStreaming",
        ),
        (
            &[SpeechSense],
            "https://rest-api.speechsense.yandexcloud.net/speechsense/v1/talks/search",
        ),
        (
            &[SpeechSense],
            "https://api.speechsense.yandexcloud.net/yandex.cloud.speechsense.v1.TalkService/UploadAsStream",
        ),
        (
            &[SpeechSynthesis],
            "https://tts.api.cloud.yandex.net/speech/v1/tts:synthesize",
        ),
        (
            &[SpeechSynthesis],
            "https://tts.api.cloud.yandex.net/speechkit.tts.v3.Synthesizer/UtteranceSynthesis",
        ),
        (
            &[Translate],
            "https://translate.api.cloud.yandex.net/translate/v2/translate",
        ),
        (
            &[Translate],
            "https://translate.api.cloud.yandex.net/yandex.cloud.ai.translate.v2.TranslationService/Translate",
        ),
        (
            &[VisionOcr],
            "https://ocr.api.cloud.yandex.net/ocr/v1/recognizeText",
        ),
    ]
};

fn policy(rules: ApiKeyRules) -> impl Policy {
    TrustedOrigins::yandex_cloud()
        .allow_official_hosts()
        .and(rules)
}

#[test]
fn service_allows_its_own_methods_only() {
    for service in SERVICES {
        let policy = policy(ApiKeyRules::none().allow_service(service));
        for (services, uri) in METHODS {
            let allowed = attaches(&policy, &key(), "POST", uri);
            assert_eq!(allowed, services.contains(&service), "{service:?} {uri}");
        }
        assert!(
            METHODS
                .iter()
                .any(|(services, _)| services.contains(&service)),
            "{service:?}"
        );
    }
}

#[test]
fn service_allows_no_path_beside_its_methods() {
    let all = SERVICES
        .into_iter()
        .fold(ApiKeyRules::workflows(), ApiKeyRules::allow_service);
    let policy = policy(all);
    for uri in [
        "https://llm.api.cloud.yandex.net/foundationModels/v1/tuning",
        "https://llm.api.cloud.yandex.net/foundationModels/v1/completion2",
        "https://ai.api.cloud.yandex.net/v1/files",
        "https://iam.api.cloud.yandex.net/iam/v1/apiKeys",
        "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/workflow",
        "https://operation.api.cloud.yandex.net/yandex.cloud.operation.OperationService/Get",
        "https://reader.logging.yandexcloud.net/yandex.cloud.logging.v1.LogReadingService/Read",
        "https://kms.yandex/kms/v1/keys/abj:encrypt",
        "https://searchapi.api.cloud.yandex.net/v2/webhook",
        "https://monitoring.api.cloud.yandex.net/yandex.cloud.monitoring.v3.DashboardService/Get",
        "https://translate.api.cloud.yandex.net/ocr/v1/recognizeText",
        "https://stt.api.cloud.yandex.net/speech/v1/tts:synthesize",
    ] {
        assert!(!attaches(&policy, &key(), "POST", uri), "{uri}");
        assert!(attaches(&policy, &token(), "POST", uri), "{uri}");
    }
}

#[test]
fn official_hosts_are_exact_names() {
    let origins = TrustedOrigins::none().allow_official_hosts();
    for (uri, trusted) in [
        ("https://kms.yandex/kms/v1/keys/abj:encrypt", true),
        ("https://KMS.Yandex.:443/x", true),
        ("https://ingester.logging.yandexcloud.net/x", true),
        ("https://reader.logging.yandexcloud.net/x", true),
        ("https://api.speechsense.yandexcloud.net/x", true),
        ("https://rest-api.speechsense.yandexcloud.net/x", true),
        ("https://ingest.monium.yandex.cloud/x", true),
        ("http://kms.yandex/x", false),
        ("https://kms.yandex:8443/x", false),
        ("https://a.kms.yandex/x", false),
        ("https://yandexcloud.net/x", false),
        ("https://logging.yandexcloud.net/x", false),
        ("https://functions.yandexcloud.net/d4e0example", false),
        ("https://bba0example.containers.yandexcloud.net/x", false),
        ("https://d5d0example.apigw.yandexcloud.net/x", false),
        ("https://storage.yandexcloud.net/bucket/x", false),
        ("https://monium.yandex.cloud/x", false),
        ("https://api.cloud.yandex.net/x", false),
    ] {
        assert_eq!(attaches(&origins, &token(), "GET", uri), trusted, "{uri}");
    }
}

#[test]
fn private_container_gets_key_at_its_origin() {
    let container = "https://bba0example.containers.yandexcloud.net";
    let function =
        ApiKeyRules::none().allow_rest("https://functions.yandexcloud.net", "/d4e0example");
    let rules = function.unwrap().allow_origin(container).unwrap();
    let origins = TrustedOrigins::none()
        .allow(container)
        .unwrap()
        .allow("https://functions.yandexcloud.net")
        .unwrap();
    let policy = origins.and(rules);
    for (uri, allowed) in [
        (
            "https://bba0example.containers.yandexcloud.net/any/path?x",
            true,
        ),
        (
            "https://bba0other.containers.yandexcloud.net/any/path",
            false,
        ),
        ("https://functions.yandexcloud.net/d4e0example?x=1", true),
        ("https://functions.yandexcloud.net/d4e0other", false),
        ("https://functions.yandexcloud.net/", false),
    ] {
        assert_eq!(attaches(&policy, &key(), "POST", uri), allowed, "{uri}");
    }
}
