//! The page `src/docs/troubleshooting.md` has each text of an error in the sources, and no text of
//! this crate that the sources do not have.

use std::fs;
use std::path::Path;

use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprLit, ExprMethodCall, ItemConst, ItemFn, ItemMod, Lit, LitStr, Macro, Meta,
    Token,
};

const PAGE: &str = include_str!("../src/docs/troubleshooting.md");

/// From this heading on, the page has texts of the cloud.
const TEXTS_OF_CLOUD: &str = "\n# Responses of the cloud\n";

/// Sources without errors that a user of the crate sees.
const SKIPPED: [&str; 6] = [
    "src/cache/orderings.rs",
    "src/cache/schedules.rs",
    "src/docs",
    "src/runtime/shuttle.rs",
    "src/telemetry",
    "src/testing",
];

/// Texts that are no errors: what a login prompt of `yc` contains.
const NO_ERRORS: [&str; 2] = ["log in", "oauth token"];

/// Parts of rows that come from elsewhere: the cloud, the standard library, and HTTP statuses.
const FOREIGN: [&str; 5] = [
    "401 Unauthorized",
    "' was not found",
    "connect timed out",
    "connection refused",
    "dns error",
];

#[test]
fn page_has_every_error_text() {
    let page = on_one_line(PAGE);
    let missing: Vec<_> = texts()
        .into_iter()
        .filter(|text| !page.contains(text.as_str()) && !NO_ERRORS.contains(&text.as_str()))
        .collect();
    assert!(missing.is_empty(), "not on the page: {missing:#?}");
}

#[test]
fn page_has_no_other_error_text() {
    let texts = texts().join("\n");
    let (own, _) = PAGE.split_once(TEXTS_OF_CLOUD).unwrap();
    let rows = own.lines().filter(|line| line.starts_with("| "));
    let first_cells = rows.map(|row| row[2..].split(" | ").next().unwrap());
    let unknown: Vec<_> = first_cells
        .flat_map(code_spans)
        .flat_map(|span| span.split('…').map(trimmed).collect::<Vec<_>>())
        .filter(|part| !is_known(part, &texts))
        .collect();
    assert!(unknown.is_empty(), "not in the sources: {unknown:#?}");
}

/// Whether these texts contain the part, or what is before and after a separator in it.
fn is_known(part: &str, texts: &str) -> bool {
    let part = trimmed(part);
    if !has_words(part) || texts.contains(part) || FOREIGN.contains(&part) {
        return true;
    }
    [": ", "; ", " ("].iter().any(|separator| {
        part.match_indices(separator).any(|(at, separator)| {
            let (before, after) = (&part[..at], &part[at + separator.len()..]);
            is_known(before, texts) && is_known(after, texts)
        })
    })
}

/// The texts of errors in the sources, with `…` in place of what is inserted.
fn texts() -> Vec<String> {
    let mut literals = Literals::default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    literals.visit_folder(root, &root.join("src"));
    assert!(literals.all.len() > 150, "{}", literals.all.len());
    let texts = literals.all.iter().map(|text| with_ellipses(text));
    texts
        .map(|text| trimmed(&text).to_owned())
        .filter(|text| has_words(text))
        .collect()
}

/// Replaces each placeholder of a format string.
fn with_ellipses(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        result.push_str(before);
        if !result.ends_with('…') {
            result.push('…');
        }
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    on_one_line(&(result + rest))
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || "…:;,()".contains(c))
}

/// Whether the text has two words or more, one of them in lower case, as PEM labels have not.
fn has_words(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphabetic());
    let words: Vec<_> = words.filter(|word| word.len() > 1).collect();
    let is_lower = |word: &&str| word.chars().all(char::is_lowercase);
    text.contains(' ') && words.len() > 1 && words.iter().any(is_lower)
}

/// What is between backticks, by one or two of them.
fn code_spans(cell: &str) -> Vec<&str> {
    let mut spans = vec![];
    let mut rest = cell;
    while let Some(start) = rest.find('`') {
        let fence = if rest[start..].starts_with("``") {
            "``"
        } else {
            "`"
        };
        let text = &rest[start + fence.len()..];
        let end = text.find(fence).expect("a code span ends in its cell");
        spans.push(&text[..end]);
        rest = &text[end + fence.len()..];
    }
    spans
}

/// The string literals of the sources, without tests, attributes and `expect`, and with the texts of
/// the constants that a file inserts into its own.
#[derive(Default)]
struct Literals {
    all: Vec<String>,
    of_file: Vec<String>,
    constants: Vec<(String, String)>,
}

impl Literals {
    fn visit_folder(&mut self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let below_root = path.strip_prefix(root).unwrap();
            if SKIPPED
                .iter()
                .any(|skipped| below_root.starts_with(skipped))
            {
                continue;
            }
            if path.is_dir() {
                self.visit_folder(root, &path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                self.visit_file(&syn::parse_file(&text).unwrap());
                self.end_file();
            }
        }
    }

    fn end_file(&mut self) {
        let constants = std::mem::take(&mut self.constants);
        for mut text in self.of_file.drain(..) {
            for (name, value) in &constants {
                text = text.replace(&format!("{{{name}}}"), value);
            }
            self.all.push(text);
        }
    }
}

/// Whether these have `cfg(test)`, alone or among other conditions.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let tokens = list.tokens.to_string();
            tokens
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| word == "test")
        }
        _ => false,
    })
}

impl<'ast> Visit<'ast> for Literals {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_const(&mut self, constant: &'ast ItemConst) {
        if let Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) = &*constant.expr
        {
            self.constants
                .push((constant.ident.to_string(), text.value()));
        }
        visit::visit_item_const(self, constant);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "expect" {
            self.visit_expr(&call.receiver);
        } else {
            visit::visit_expr_method_call(self, call);
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        let arguments = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(mac.tokens.clone());
        for argument in arguments.iter().flatten() {
            // The arguments do not live as long as the file.
            let mut inner = Self::default();
            inner.visit_expr(argument);
            self.of_file.append(&mut inner.of_file);
        }
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        self.of_file.push(text.value());
    }
}
