//! Services whose hosts and methods are known: [`CloudService`].

use super::api_key::ApiKeyRules;
use super::origin::TrustedOrigins;

/// A service of Yandex Cloud that accepts API keys, with its hosts and methods in Russia.
///
/// [`ApiKeyRules::allow_service`] adds the methods. A key also needs the scope of the service, and
/// its service account a role. [`docs::services`](crate::docs::services) lists all of them.
///
/// The methods are those of the `google.api.http` annotations and of the gRPC services in
/// `yandex-cloud/cloudapi`; the hosts those of the API references and of the endpoint map in
/// `yandex-cloud/nodejs-sdk`; the scopes those of "API key" *(Yandex Cloud documentation)*. Each
/// variant names what else it is taken from.
///
/// # Examples
///
/// An API key for Translate, and for nothing else:
///
/// ```
/// use yandex_cloud_auth::{ApiKeyRules, AuthLayer, CloudService, Credential, Policy, TrustedOrigins};
///
/// let rules = ApiKeyRules::none().allow_service(CloudService::Translate);
/// let auth = AuthLayer::new(Credential::api_key("AQVNabc")?)
///     .with_policy(TrustedOrigins::yandex_cloud().and(rules));
/// assert_eq!(CloudService::Translate.api_key_scope(), "yc.ai.translate.execute");
/// # Ok::<(), yandex_cloud_auth::InvalidCredential>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloudService {
    /// Image generation in AI Studio, and the operations that return the images.
    ///
    /// *("Authentication with the AI Studio API"; "Generating an image using YandexART")*
    ImageGeneration,
    /// Text generation, embeddings and classification in AI Studio, and the chat completions,
    /// embeddings, models and responses of its OpenAI-compatible API.
    ///
    /// *("Authentication with the AI Studio API"; "Compatibility with OpenAI")*
    LanguageModels,
    /// Cloud Logging: the ingestion of entries. Reading accepts IAM tokens only.
    ///
    /// Its host needs [`TrustedOrigins::allow_official_hosts`].
    ///
    /// *("Authentication in the Cloud Logging API")*
    Logging,
    /// Monitoring: reading and writing metrics, also in Prometheus format.
    ///
    /// *("MetricsData"; "MetricsMeta"; "Writing metrics via the Remote API")*
    Monitoring,
    /// Monium: the ingestion of metrics, logs and traces over OTLP.
    ///
    /// Its host needs [`TrustedOrigins::allow_official_hosts`].
    ///
    /// *("OTLP in Monium"; the OTLP specification for the gRPC services)*
    Monium,
    /// Search API: web, generative and image search, and Wordstat.
    ///
    /// *("Authentication with the Search API")*
    SearchApi,
    /// SpeechKit: speech recognition, versions 1 to 3, and the operations of recognition.
    ///
    /// *("Authentication with the SpeechKit API"; "Synchronous recognition, API v1"; "Asynchronous
    /// recognition, API v2")*
    SpeechRecognition,
    /// SpeechSense: dialogs, projects, classifiers and assistants.
    ///
    /// Its hosts need [`TrustedOrigins::allow_official_hosts`].
    ///
    /// *("Authentication with the SpeechSense API"; "Talk Analytics API")*
    SpeechSense,
    /// SpeechKit: speech synthesis, versions 1 and 3.
    ///
    /// *("Authentication with the SpeechKit API"; "Speech synthesis, API v1")*
    SpeechSynthesis,
    /// Translate.
    ///
    /// *("Authentication with the Translate API")*
    Translate,
    /// Vision OCR: the recognition of text.
    ///
    /// *("Authentication with the Vision OCR API")*
    VisionOcr,
}

/// The row of one service.
struct Methods {
    scope: &'static str,
    rest: &'static [(&'static str, &'static [&'static str])],
    grpc: &'static [&'static str],
}

const OPERATIONS: (&str, &[&str]) = ("https://operation.api.cloud.yandex.net", &["/operations"]);

/// The methods of AI Studio that the OpenAI-compatible API has.
const OPENAI: &[&str] = &[
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/models",
    "/v1/responses",
];

const IMAGE_GENERATION: Methods = Methods {
    scope: "yc.ai.imageGeneration.execute",
    rest: &[(
        "https://llm.api.cloud.yandex.net",
        &["/foundationModels/v1/imageGenerationAsync", "/operations"],
    )],
    grpc: &["yandex.cloud.ai.foundation_models.v1.image_generation.ImageGenerationAsyncService"],
};

const LANGUAGE_MODELS: Methods = Methods {
    scope: "yc.ai.languageModels.execute",
    rest: &[
        (
            "https://llm.api.cloud.yandex.net",
            &[
                "/foundationModels/v1/completion",
                "/foundationModels/v1/completionAsync",
                "/foundationModels/v1/fewShotTextClassification",
                "/foundationModels/v1/textClassification",
                "/foundationModels/v1/textEmbedding",
                "/foundationModels/v1/tokenize",
                "/foundationModels/v1/tokenizeCompletion",
                "/operations",
            ],
        ),
        ("https://llm.api.cloud.yandex.net", OPENAI),
        ("https://ai.api.cloud.yandex.net", OPENAI),
    ],
    grpc: &[
        "yandex.cloud.ai.foundation_models.v1.EmbeddingsService",
        "yandex.cloud.ai.foundation_models.v1.TextGenerationAsyncService",
        "yandex.cloud.ai.foundation_models.v1.TextGenerationService",
        "yandex.cloud.ai.foundation_models.v1.TokenizerService",
        "yandex.cloud.ai.foundation_models.v1.text_classification.TextClassificationService",
    ],
};

const LOGGING: Methods = Methods {
    scope: "yc.logging.write",
    rest: &[],
    grpc: &["yandex.cloud.logging.v1.LogIngestionService"],
};

const MONITORING: Methods = Methods {
    scope: "yc.monitoring.manage",
    rest: &[(
        "https://monitoring.api.cloud.yandex.net",
        &["/monitoring/v2", "/prometheus"],
    )],
    grpc: &[],
};

const MONIUM: Methods = Methods {
    scope: "yc.monium.telemetry.write",
    rest: &[("https://ingest.monium.yandex.cloud", &["/otlp/v1"])],
    grpc: &[
        "opentelemetry.proto.collector.logs.v1.LogsService",
        "opentelemetry.proto.collector.metrics.v1.MetricsService",
        "opentelemetry.proto.collector.trace.v1.TraceService",
    ],
};

const SEARCH_API: Methods = Methods {
    scope: "yc.search-api.execute",
    rest: &[(
        "https://searchapi.api.cloud.yandex.net",
        &["/v2/gen", "/v2/image", "/v2/web", "/v2/wordstat"],
    )],
    grpc: &[
        "yandex.cloud.searchapi.v2.GenSearchService",
        "yandex.cloud.searchapi.v2.ImageSearchService",
        "yandex.cloud.searchapi.v2.WebSearchAsyncService",
        "yandex.cloud.searchapi.v2.WebSearchService",
        "yandex.cloud.searchapi.v2.WordstatService",
    ],
};

const SPEECH_RECOGNITION: Methods = Methods {
    scope: "yc.ai.speechkitStt.execute",
    rest: &[
        (
            "https://stt.api.cloud.yandex.net",
            &["/speech/v1/stt:recognize", "/stt/v3"],
        ),
        (
            "https://transcribe.api.cloud.yandex.net",
            &["/speech/stt/v2"],
        ),
        OPERATIONS,
    ],
    grpc: &[
        "speechkit.stt.v3.AsyncRecognizer",
        "speechkit.stt.v3.Recognizer",
        "yandex.cloud.ai.stt.v2.SttService",
    ],
};

const SPEECH_SENSE: Methods = Methods {
    scope: "yc.speech-sense.use",
    rest: &[(
        "https://rest-api.speechsense.yandexcloud.net",
        &["/speechsense/v1"],
    )],
    grpc: &[
        "yandex.cloud.speechsense.v1.AssistantsService",
        "yandex.cloud.speechsense.v1.ClassifiersService",
        "yandex.cloud.speechsense.v1.ProjectService",
        "yandex.cloud.speechsense.v1.TalkService",
    ],
};

const SPEECH_SYNTHESIS: Methods = Methods {
    scope: "yc.ai.speechkitTts.execute",
    rest: &[(
        "https://tts.api.cloud.yandex.net",
        &["/speech/v1/tts:synthesize", "/tts/v3"],
    )],
    grpc: &["speechkit.tts.v3.Synthesizer"],
};

const TRANSLATE: Methods = Methods {
    scope: "yc.ai.translate.execute",
    rest: &[("https://translate.api.cloud.yandex.net", &["/translate/v2"])],
    grpc: &["yandex.cloud.ai.translate.v2.TranslationService"],
};

const VISION_OCR: Methods = Methods {
    scope: "yc.ai.vision.execute",
    rest: &[("https://ocr.api.cloud.yandex.net", &["/ocr/v1"])],
    grpc: &[
        "yandex.cloud.ai.ocr.v1.TextRecognitionAsyncService",
        "yandex.cloud.ai.ocr.v1.TextRecognitionService",
    ],
};

/// The hosts of Yandex Cloud in Russia that are not under its API domain. Never a wildcard: user
/// content is served under `yandexcloud.net` too.
const OFFICIAL_HOSTS: [&str; 6] = [
    "https://api.speechsense.yandexcloud.net",
    "https://ingest.monium.yandex.cloud",
    "https://ingester.logging.yandexcloud.net",
    "https://kms.yandex",
    "https://reader.logging.yandexcloud.net",
    "https://rest-api.speechsense.yandexcloud.net",
];

impl CloudService {
    /// The scope that an API key needs for every method of the service, such as
    /// `yc.ai.translate.execute`.
    pub const fn api_key_scope(self) -> &'static str {
        self.methods().scope
    }

    const fn methods(self) -> &'static Methods {
        match self {
            Self::ImageGeneration => &IMAGE_GENERATION,
            Self::LanguageModels => &LANGUAGE_MODELS,
            Self::Logging => &LOGGING,
            Self::Monitoring => &MONITORING,
            Self::Monium => &MONIUM,
            Self::SearchApi => &SEARCH_API,
            Self::SpeechRecognition => &SPEECH_RECOGNITION,
            Self::SpeechSense => &SPEECH_SENSE,
            Self::SpeechSynthesis => &SPEECH_SYNTHESIS,
            Self::Translate => &TRANSLATE,
            Self::VisionOcr => &VISION_OCR,
        }
    }
}

impl ApiKeyRules {
    /// Adds the methods of one service.
    ///
    /// REST paths are allowed at the hosts of the service in Russia, gRPC methods at any host. For
    /// another region, use [`allow_rest`](Self::allow_rest) and [`allow_grpc`](Self::allow_grpc).
    ///
    /// # Examples
    ///
    /// ```
    /// use yandex_cloud_auth::{ApiKeyRules, CloudService, Policy, TrustedOrigins};
    ///
    /// let rules = ApiKeyRules::workflows()
    ///     .allow_service(CloudService::Translate)
    ///     .allow_service(CloudService::SearchApi);
    /// let policy = TrustedOrigins::yandex_cloud().and(rules);
    /// ```
    pub fn allow_service(self, service: CloudService) -> Self {
        let methods = service.methods();
        let paths = methods
            .rest
            .iter()
            .flat_map(|(origin, prefixes)| prefixes.iter().map(move |prefix| (origin, prefix)));
        let rules = paths
            .into_iter()
            .try_fold(self, |rules, (origin, prefix)| {
                rules.allow_rest(origin, prefix)
            })
            .expect("a test adds every service");
        methods
            .grpc
            .iter()
            .try_fold(rules, |rules, service| rules.allow_grpc(service))
            .expect("a test adds every service")
    }
}

impl TrustedOrigins {
    /// Adds the hosts of Yandex Cloud in Russia that are not under `api.cloud.yandex.net`: those of
    /// Key Management Service for data (`kms.yandex`), of Cloud Logging
    /// (`ingester.logging.yandexcloud.net`, `reader.logging.yandexcloud.net`), of Monium
    /// (`ingest.monium.yandex.cloud`) and of SpeechSense (`api.speechsense.yandexcloud.net`,
    /// `rest-api.speechsense.yandexcloud.net`).
    ///
    /// Each is added by its exact name, over `https` on the default port. Other names under
    /// `yandexcloud.net` serve content of users and are not added.
    ///
    /// *(The endpoint map in `yandex-cloud/nodejs-sdk`; Yandex Cloud documentation, "OTLP in
    /// Monium", "Talk Analytics API")*
    ///
    /// # Examples
    ///
    /// ```
    /// use yandex_cloud_auth::{ApiKeyRules, CloudService, Policy, TrustedOrigins};
    ///
    /// let policy = TrustedOrigins::yandex_cloud()
    ///     .allow_official_hosts()
    ///     .and(ApiKeyRules::none().allow_service(CloudService::Logging));
    /// ```
    pub fn allow_official_hosts(self) -> Self {
        OFFICIAL_HOSTS
            .into_iter()
            .try_fold(self, |origins, host| origins.allow(host))
            .expect("a test adds every host")
    }
}
