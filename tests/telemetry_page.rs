//! `src/docs/telemetry.md` lists exactly the events, spans and instruments of the source.

use std::collections::BTreeSet;

use syn::visit::Visit;

const PAGE: &str = include_str!("../src/docs/telemetry.md");
const EVENTS: &str = include_str!("../src/telemetry/events.rs");
const INSTRUMENTS: &str = include_str!("../src/telemetry/instruments.rs");

/// The cells of the rows of the table with this head.
fn rows(head: &str) -> Vec<Vec<&'static str>> {
    let lines = PAGE.lines().skip_while(|line| !line.starts_with(head));
    lines
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// The names in code font.
fn names(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The text between the first `start` and the `end` after it.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).expect(start);
    rest.split(end).next().expect(end)
}

/// A call of a macro: its name and its arguments, without white space between their tokens.
struct Call {
    name: String,
    arguments: Vec<String>,
}

#[derive(Default)]
struct Calls(Vec<Call>);

impl Calls {
    fn of(source: &str) -> Vec<Call> {
        let mut calls = Self::default();
        calls.visit_file(&syn::parse_file(source).expect("a source file"));
        calls.0
    }
}

impl Visit<'_> for Calls {
    fn visit_macro(&mut self, call: &syn::Macro) {
        let name = call.path.segments.last().expect("a name").ident.to_string();
        let mut arguments = vec![String::new()];
        for token in call.tokens.clone() {
            match token.to_string().as_str() {
                "," => arguments.push(String::new()),
                token => arguments.last_mut().expect("there is one").push_str(token),
            }
        }
        arguments.retain(|argument| !argument.is_empty());
        self.0.push(Call { name, arguments });
    }
}

impl Call {
    /// The arguments that set a field.
    fn fields(&self) -> Vec<&str> {
        let fields = self.arguments.iter().filter_map(|argument| {
            let is_shorthand = !argument.contains(['"', ':']);
            let (name, _) = argument
                .split_once('=')
                .or_else(|| is_shorthand.then_some((argument, "")))?;
            Some(name.trim_matches('"'))
        });
        fields.collect()
    }

    /// The argument that is only a text: the name of a span, the message of an event.
    fn text(&self) -> &str {
        let is_text = |argument: &&String| argument.starts_with('"') && argument.ends_with('"');
        let text = self
            .arguments
            .iter()
            .filter(is_text)
            .find(|a| !a.contains('='));
        text.expect("a text").trim_matches('"')
    }

    fn event_name(&self) -> Option<&str> {
        let mut arguments = self.arguments.iter();
        let name = arguments.find_map(|argument| argument.strip_prefix("name:"))?;
        Some(name.trim_matches('"'))
    }
}

fn row(name: &str, level: &str, fields: &[&str]) -> String {
    format!("{name} {level} {}", fields.join(" "))
}

/// The same from the page.
fn listed(head: &str) -> BTreeSet<String> {
    rows(head)
        .into_iter()
        .map(|row| {
            format!(
                "{} {} {}",
                names(row[0])[0],
                row[1],
                names(row[2]).join(" ")
            )
        })
        .collect()
}

#[test]
fn page_lists_events_of_source() {
    let events: BTreeSet<_> = Calls::of(EVENTS)
        .iter()
        .filter(|call| !call.name.ends_with("_span"))
        .map(|call| {
            let name = call.event_name().expect("every event has a name");
            row(name, &call.name.to_uppercase(), &call.fields())
        })
        .collect();
    assert_eq!(events, listed("| event |"));
}

#[test]
fn page_lists_spans_of_source() {
    let spans: BTreeSet<_> = Calls::of(EVENTS)
        .iter()
        .filter_map(|call| {
            let level = call.name.strip_suffix("_span")?.to_uppercase();
            Some(row(call.text(), &level, &call.fields()))
        })
        .collect();
    assert_eq!(spans, listed("| span |"));
}

#[test]
fn page_explains_every_field_of_events() {
    let explained: BTreeSet<_> = rows("| field |")
        .into_iter()
        .flat_map(|row| names(row[0]))
        .collect();
    let used: BTreeSet<_> = rows("| event |")
        .into_iter()
        .flat_map(|row| names(row[2]))
        .collect();
    assert_eq!(explained, used);
}

/// Name, kind, unit and labels of each instrument, as in the source.
fn instruments() -> BTreeSet<String> {
    let file = syn::parse_file(INSTRUMENTS).expect("a source file");
    let calls = Calls::of(INSTRUMENTS);
    let mut instruments = BTreeSet::new();
    for item in file.items {
        let syn::Item::Const(constant) = item else {
            continue;
        };
        let syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(name),
            ..
        }) = *constant.expr
        else {
            panic!("not a text: {}", constant.ident);
        };
        let of_constant = |call: &&Call| constant.ident == call.arguments[0];
        let described = calls.iter().filter(of_constant);
        let mut described = described.filter(|call| call.name.starts_with("describe_"));
        let described = described.next().expect("it is described");
        let kind = described.name.trim_start_matches("describe_");
        let used = calls
            .iter()
            .filter(of_constant)
            .filter(|call| call.name == kind);
        let labels: BTreeSet<_> = used.filter_map(|call| label(call)).collect();
        let labels: Vec<_> = labels.into_iter().collect();
        let is_seconds = described.arguments[1] == "Unit::Seconds";
        let unit = if is_seconds { "seconds" } else { "" };
        instruments.insert(format!("{} {kind} [{unit}] {labels:?}", name.value()));
    }
    instruments
}

/// The label that a record sets.
fn label(call: &Call) -> Option<&str> {
    match call.arguments.get(1)?.split_once("=>") {
        Some((label, _)) => Some(label.trim_matches('"')),
        // The variable `labels`.
        None => Some("error.type"),
    }
}

#[test]
fn page_lists_instruments_of_source() {
    let listed: BTreeSet<_> = rows("| instrument |")
        .into_iter()
        .map(|row| {
            let name = names(row[0])[0];
            format!("{name} {} [{}] {:?}", row[1], row[2], names(row[3]))
        })
        .collect();
    assert_eq!(instruments(), listed);
}

/// The names that an exporter to Prometheus derives.
fn in_prometheus() -> Vec<String> {
    let rows = rows("| instrument |").into_iter();
    rows.map(|row| {
        let mut name = names(row[0])[0].replace('.', "_");
        if row[2] == "seconds" {
            name += "_seconds";
        }
        if row[1] == "counter" {
            name += "_total";
        }
        assert_eq!(names(row[4]), [name.as_str()]);
        name
    })
    .collect()
}

#[test]
fn alerts_use_listed_instruments() {
    let known = in_prometheus();
    let rules = between(PAGE, "```yaml\n", "```");
    let expressions: Vec<_> = rules
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
        .filter(|word| word.starts_with("yandex_cloud_auth_"))
        .map(|word| word.trim_end_matches("_bucket"))
        .collect();
    assert!(expressions.len() >= rules.matches("alert:").count());
    for name in expressions {
        assert!(known.iter().any(|known| known == name), "{name}");
    }
    let events = listed("| event |");
    let words = rules.split_whitespace();
    for event in words.filter(|word| word.starts_with("yandex_cloud_auth.")) {
        let event = event.trim_end_matches(['.', ':']);
        assert!(
            events.iter().any(|listed| listed.starts_with(event)),
            "{event}"
        );
    }
}
