//! Paths that an API key may go to.

use http::{Method, Request, Uri};
use yandex_cloud_auth::{
    ApiKeyRules, Credential, Decision, ExecutionOnly, Policy, RequestHead, Workflows,
};

use super::input::Input;
use super::reading::{is_below, is_execution};

const HOST: &str = "https://serverless-workflows.api.cloud.yandex.net";

/// A byte for the spelling of the URI, a line for the prefix of a rule. The rest is path and query.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let is_absolute = input.byte() % 2 == 0;
    let prefix = String::from_utf8_lossy(input.line());
    let Some(uri) = uri(input.rest(), is_absolute) else {
        return;
    };
    let key = Credential::api_key("AQVN1").expect("the constant is a key");
    let token = Credential::iam_token("t1.a").expect("the constant is a token");
    let expected = is_execution(uri.path());
    let rules = ApiKeyRules::none().allow_rest(HOST, &*prefix).ok();

    let request = request(uri);
    let head = RequestHead::of(&request);
    let attaches = |decision| matches!(decision, Decision::Attach);
    assert_eq!(attaches(ExecutionOnly.decide(&head, &key)), expected);
    assert!(attaches(ExecutionOnly.decide(&head, &token)));
    if is_absolute {
        assert_eq!(attaches(Workflows::new().decide(&head, &key)), expected);
    }
    if let Some(rules) = rules {
        let expected = is_below(request.uri().path(), &prefix);
        assert_eq!(attaches(rules.decide(&head, &key)), expected);
    }
}

fn uri(path: &[u8], is_absolute: bool) -> Option<Uri> {
    if !is_absolute {
        return Uri::try_from(path)
            .ok()
            .filter(|uri| uri.authority().is_none());
    }
    let uri = Uri::builder()
        .scheme("https")
        .authority("serverless-workflows.api.cloud.yandex.net")
        .path_and_query(path);
    uri.build().ok()
}

fn request(uri: Uri) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    request
}
