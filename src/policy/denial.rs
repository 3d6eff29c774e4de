//! Why a request was not sent: what was denied, and what would be allowed.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::{Method, Uri};

use super::request_head::RequestHead;
use crate::redact::printable;

/// The longest host and path printed, in characters.
const MAX_TARGET: usize = 200;

/// The longest method printed, in characters. The longest registered one has 17.
const MAX_METHOD: usize = 20;

/// Why a credential may not go with a request. Clones share it.
///
/// Prints the rule, the method, the host and path (cut at 200 characters, without secrets and
/// control characters; never the query), and what would be allowed.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{Denial, RequestHead};
///
/// let request = http::Request::delete("https://example.com/robots.txt?x=1").body(())?;
/// let denial = Denial::new("nothing is deleted here", &RequestHead::of(&request))
///     .allowed("GET and HEAD");
/// assert_eq!(
///     denial.to_string(),
///     "nothing is deleted here: DELETE example.com/robots.txt was not sent; allowed: GET and HEAD"
/// );
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Denial {
    rule: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    target: Arc<Target>,
}

/// Printed on demand: a denial of one credential may only be the reason to try another.
struct Target {
    method: Method,
    uri: Uri,
    /// Where a URI without authority goes, if that is known.
    origin: Option<String>,
}

impl Denial {
    /// Denies `request` by `rule`, a sentence that says why.
    pub fn new(rule: impl Into<Cow<'static, str>>, request: &RequestHead<'_>) -> Self {
        let origin = request.origin.filter(|_| request.uri.authority().is_none());
        let target = Target {
            method: request.method.clone(),
            uri: request.uri.clone(),
            origin: origin.map(ToString::to_string),
        };
        Self {
            rule: rule.into(),
            hint: None,
            target: Arc::new(target),
        }
    }

    /// Says what would be allowed.
    pub fn allowed(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// The rule that denied the request.
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} was not sent", self.rule, self.target)?;
        match &self.hint {
            Some(hint) => write!(f, "; allowed: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Denial").field(&self.to_string()).finish()
    }
}

impl Error for Denial {}

/// Without what may be secret: user information before the host, and the query.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.uri.authority().map_or("", |authority| {
            let text = authority.as_str();
            text.rsplit_once('@').map_or(text, |(_, host)| host)
        });
        let origin = self.origin.as_deref().unwrap_or(authority);
        // Cleaned before it is cut: the rest of a cut secret would not be recognized.
        let target = printable(&format!("{origin}{}", self.uri.path()), MAX_TARGET);
        let method = printable(self.method.as_str(), MAX_METHOD);
        write!(f, "{method} {target}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(method: &str, uri: &str) -> String {
        let request = http::Request::builder().method(method).uri(uri).body(());
        Denial::new("a rule", &RequestHead::of(&request.unwrap())).to_string()
    }

    #[test]
    fn denial_hides_password_query_and_secrets() {
        for (uri, shown) in [
            ("https://u:canary@h.example:1/p?canary", "h.example:1/p"),
            ("/p", "/p"),
            (
                "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/workflow/dfqexampleworkflow00",
                "serverless-workflows.api.cloud.yandex.net/workflows/v1/workflow/dfqexampleworkflow00",
            ),
            ("/t1.canary/p", "/[secret]/p"),
            ("/eyJcanary", "/[secret]"),
        ] {
            let expected = format!("a rule: POST {shown} was not sent");
            assert_eq!(denied("POST", uri), expected);
        }
    }

    #[test]
    fn long_target_and_method_are_cut() {
        let text = denied(
            &"Me-".repeat(30_000).replace("-", "!"),
            &format!("/{}", "a/".repeat(20_000)),
        );
        assert!(text.chars().count() < 300, "{}", text.len());
        assert_eq!(text.matches('…').count(), 2, "{text}");
    }

    #[test]
    fn secret_is_masked_before_cut() {
        let (first, second) = ("aB1".repeat(126), "canary1".repeat(20));
        let text = denied("GET", &format!("/{first}/{second}"));
        assert_eq!(text, "a rule: GET /[secret]/[secret] was not sent");
    }

    #[test]
    fn control_and_bidirectional_characters_are_replaced() {
        let ranges = [
            '\u{80}'..='\u{9f}',
            '\u{200e}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2066}'..='\u{2069}',
        ];
        for odd in ranges.into_iter().flatten() {
            let text = denied("POST", &format!("/a{odd}b"));
            assert_eq!(text, "a rule: POST /a b was not sent", "{odd:?}");
        }
    }
}
