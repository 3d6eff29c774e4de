//! Requests that are allowed, and requests that differ a little from them.

use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Uri};

use crate::random::Random;

const METHODS: [&str; 16] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "GET", "POST", "GET", "POST", "OPTIONS",
    "PURGE", "TRACE", "trace", "CONNECT", "cOnnect",
];

/// Origins that some policy trusts, and neighbours of them.
const ORIGINS: [&str; 28] = [
    "https://serverless-workflows.api.cloud.yandex.net",
    "https://serverless-workflows.api.cloud.yandex.net",
    "https://iam.api.cloud.yandex.net",
    "https://api.cloud.yandex.net",
    "https://a.b.api.cloud.yandex.net",
    "https://api.yandexcloud.kz",
    "https://iam.api.yandexcloud.kz",
    "https://a.example:8443",
    "https://a.example",
    "http://b.example",
    "http://b.example:80",
    "https://[2001:db8::1]",
    "https://[2001:db8:0:0::1]:443",
    "http://10.0.0.1:8080",
    "http://127.0.0.1:8080",
    "https://127.9.8.7",
    "http://[::1]:1",
    "http://[::ffff:127.0.0.1]:1",
    "http://localhost",
    "https://localhost:8443",
    "https://evil.example",
    "http://evil.example:8080",
    "https://storage.yandexcloud.net",
    "http://0x7f.1",
    "https://2130706433",
    "https://127.0x1",
    "https://xn--80ak6aa92e.api.cloud.yandex.net",
    "wss://iam.api.cloud.yandex.net",
];

const PATHS: [&str; 18] = [
    "/workflows/v1/execution",
    "/workflows/v1/execution",
    "/workflows/v1/execution/start",
    "/workflows/v1/execution/dfe1/history",
    "/workflows/v1/execution/dfe1:resume",
    "/workflows/v1/execution?workflowId=dfq1",
    "/workflows/v1/execution/a.b/c_d-e~f",
    "/yandex.cloud.serverless.workflows.v1.ExecutionService/Start",
    "/yandex.cloud.serverless.workflows.v1.ExecutionService/GetHistory",
    "/yandex.cloud.serverless.workflows.v1.WorkflowService/Create",
    "/workflows/v1/workflow/dfq1",
    "/workflows/v1/executions",
    "/Workflows/v1/execution",
    "/",
    "",
    "?x=/workflows/v1/execution",
    "//evil.example/workflows/v1/execution",
    "*",
];

/// What is put somewhere into an authority.
const HOST_PARTS: [&str; 30] = [
    ".",
    "..",
    ":443",
    ":0443",
    ":80",
    ":8443",
    ":",
    ":99999",
    ":65979",
    ":+443",
    ":443:443",
    "@",
    "u@",
    "u:p@",
    "%40",
    "%2e",
    "%61",
    "evil",
    ".evil.example",
    "evil.example.",
    "[",
    "]",
    "_",
    "-",
    ",",
    "*",
    "0x1",
    "1",
    "xn--",
    "\u{ff0e}",
];

/// What is put somewhere into a path.
const PATH_PARTS: [&str; 32] = [
    "/", "//", "/.", "/..", "/./", "/../", "..", ".", ";", ";x=1", "..;/", "%", "%2e%2e", "%2f",
    "%5c", "%00", "%0a", "%25", "\\", "/\\", "..\\", "?", "?x", "#", "#x", ":", "@", "{", "\"",
    "\u{e9}", "\u{7f}", "*",
];

const HOSTS: [&str; 14] = [
    "iam.api.cloud.yandex.net",
    "serverless-workflows.api.cloud.yandex.net",
    "a.example:8443",
    "b.example",
    "b.example:80",
    "[2001:db8::1]",
    "127.0.0.1:8080",
    "localhost",
    "evil.example",
    "",
    " ",
    "a.example:8443/x",
    "a.example\t:8443",
    "\u{e9}.example",
];

/// A request, and the texts that it was made of.
#[derive(Debug)]
pub struct Case {
    pub method: String,
    pub target: String,
    pub hosts: Vec<String>,
    pub request: Request<()>,
}

impl Case {
    /// `None` if the texts are no request, such as one with a space in its target.
    pub fn generate(random: &mut Random) -> Option<Self> {
        let method = random.one_of(&METHODS).to_owned();
        let mut target = target(random);
        let mut uri: Uri = target.parse().ok()?;
        if random.one_in(16) {
            uri = with_other_path(random, uri)?;
            target = uri.to_string();
        }
        let hosts = hosts(random, &target);
        let mut request = Request::builder().method(&*method).uri(uri);
        for host in &hosts {
            request = request.header("host", HeaderValue::from_bytes(host.as_bytes()).ok()?);
        }
        Some(Self {
            request: request.body(()).ok()?,
            method,
            target,
            hosts,
        })
    }
}

/// The URI with a path that was parsed by itself. The text of both may name another host.
fn with_other_path(random: &mut Random, uri: Uri) -> Option<Uri> {
    let mut path = random.one_of(&PATHS).to_owned();
    change(random, &mut path, &HOST_PARTS);
    // The text of an authority and an asterisk cannot be split again.
    if path.starts_with('*') {
        return None;
    }
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

fn target(random: &mut Random) -> String {
    let (mut origin, mut path) = (
        random.one_of(&ORIGINS).to_owned(),
        random.one_of(&PATHS).to_owned(),
    );
    // Most requests are changed in one place, and some in none.
    for _ in 0..[0, 0, 1, 1, 1, 1, 2, 3][random.below(8)] {
        if random.one_in(2) {
            change(random, &mut origin, &HOST_PARTS);
        } else {
            change(random, &mut path, &PATH_PARTS);
        }
    }
    match random.below(8) {
        // Origin-form, and authority-form.
        0 | 1 => path,
        2 if random.one_in(4) => origin.split("://").nth(1).unwrap_or_default().to_owned(),
        _ => origin + &path,
    }
}

/// Changes the text at one place.
fn change(random: &mut Random, text: &mut String, parts: &[&str]) {
    let at = boundary(text, random.below(text.len() + 1));
    match random.below(12) {
        0 => *text = text.to_ascii_uppercase(),
        1 => *text = text.replacen("https", "http", 1),
        2 => *text = text.replacen("http:", "https:", 1),
        3 => *text = flipped(text, at),
        4 => text.truncate(at),
        5 => {
            if at < text.len() {
                text.remove(at);
            }
        }
        6 => {
            let byte = u8::try_from(random.below(128)).expect("below 128");
            text.insert(at, char::from(byte));
        }
        7 => text.push_str(random.one_of(parts)),
        8 => {
            let start = text.find("://").map_or(0, |colon| colon + 3);
            text.insert_str(start, random.one_of(parts));
        }
        9 => {
            let dot = text.rfind(['.', '/']).unwrap_or(at);
            text.insert_str(dot, random.one_of(parts));
        }
        _ => text.insert_str(at, random.one_of(parts)),
    }
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The text with the letter at `at` in the other case.
fn flipped(text: &str, at: usize) -> String {
    let flip = |character: char| match character.is_ascii_lowercase() {
        true => character.to_ascii_uppercase(),
        false => character.to_ascii_lowercase(),
    };
    text.char_indices()
        .map(|(index, character)| {
            if index == at {
                flip(character)
            } else {
                character
            }
        })
        .collect()
}

/// The `Host` fields: most often none.
fn hosts(random: &mut Random, target: &str) -> Vec<String> {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let mut own = rest
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default()
        .to_owned();
    match random.below(16) {
        0..=9 => Vec::new(),
        10 | 11 => vec![own],
        12 | 13 => {
            change(random, &mut own, &HOST_PARTS);
            vec![own]
        }
        14 => vec![random.one_of(&HOSTS).to_owned()],
        _ => vec![own, random.one_of(&HOSTS).to_owned()],
    }
}
