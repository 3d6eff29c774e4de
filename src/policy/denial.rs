//! A refusal that tells its reader what was refused and what would not be.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::Method;

use super::RequestHead;

/// The longest host and path printed, in characters.
const MAX_SHOWN: usize = 200;

/// Why a credential may not go with a request. Clones share it.
///
/// Prints the rule, the method, the host and path (cut at 200 characters; never the query), and
/// what would be allowed.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{Denial, RequestHead};
///
/// let request = http::Request::delete("https://example.com/robots.txt?x=1").body(()).unwrap();
/// let denial = Denial::new("nothing is deleted here", &RequestHead::of(&request)).allowed("GET and HEAD");
/// assert_eq!(
///     denial.to_string(),
///     "nothing is deleted here: DELETE example.com/robots.txt was not sent; allowed: GET and HEAD"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Denial {
    rule: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    refused: Arc<Refused>,
}

#[derive(Debug)]
struct Refused {
    method: Method,
    target: String,
}

impl Denial {
    /// A refusal of `request` by `rule`, a sentence that is true of what is refused.
    pub fn new(rule: impl Into<Cow<'static, str>>, request: &RequestHead<'_>) -> Self {
        let refused = Refused {
            method: request.method.clone(),
            target: target(request),
        };
        Self {
            rule: rule.into(),
            hint: None,
            refused: Arc::new(refused),
        }
    }

    /// Says what would be allowed.
    #[must_use]
    pub fn allowed(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// The rule that refused.
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} {} was not sent",
            self.rule, self.refused.method, self.refused.target
        )?;
        match &self.hint {
            Some(hint) => write!(f, "; allowed: {hint}"),
            None => Ok(()),
        }
    }
}

impl Error for Denial {}

/// Host and path, without what may be secret: user information before the host, and the query.
fn target(request: &RequestHead<'_>) -> String {
    let host = request.uri.authority().map_or("", |authority| {
        let text = authority.as_str();
        text.rsplit_once('@').map_or(text, |(_, host)| host)
    });
    let mut shown = host.chars().chain(request.uri.path().chars());
    let mut text: String = shown.by_ref().take(MAX_SHOWN).collect();
    if shown.next().is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(uri: &str) -> String {
        let request = http::Request::post(uri).body(()).unwrap();
        Denial::new("a rule", &RequestHead::of(&request)).to_string()
    }

    #[test]
    fn a_denial_shows_where_and_hides_password_and_query() {
        assert_eq!(
            denied("https://u:canary@h.example:1/p?canary"),
            "a rule: POST h.example:1/p was not sent"
        );
        assert_eq!(denied("/p"), "a rule: POST /p was not sent");
    }

    #[test]
    fn a_long_target_is_cut_at_200_characters() {
        let text = denied(&format!("https://h.example/{}", "é".repeat(5000)));
        let shown = text.split(' ').nth(3).unwrap();
        assert_eq!(shown.chars().count(), MAX_SHOWN + 1);
        assert!(shown.ends_with('…'));
    }
}
