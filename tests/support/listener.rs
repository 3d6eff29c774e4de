//! A `tracing` subscriber that records all events and spans.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Records every event and span of every crate, at every level. Clones share the record.
#[derive(Clone, Default)]
pub(crate) struct Listener(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    lines: Vec<String>,
    spans: Vec<&'static str>,
    entered: Vec<u64>,
}

impl Listener {
    /// One line for each event and each new span: level, target, the current span, and the fields.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().lines.clone()
    }

    fn record_line(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut dyn Visit)) {
        let mut line = format!("{} {}", metadata.level(), metadata.target());
        if let Some(span) = self.0.lock().unwrap().current_span() {
            write!(line, " in {span}").unwrap();
        }
        if metadata.is_span() {
            write!(line, " new {}", metadata.name()).unwrap();
        }
        // Not under the lock, since a value that is printed may emit an event.
        record(&mut Writer(&mut line));
        self.0.lock().unwrap().lines.push(line);
    }
}

impl Recorded {
    fn current_span(&self) -> Option<&'static str> {
        let number = usize::try_from(*self.entered.last()?).unwrap();
        Some(self.spans[number - 1])
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.record_line(span.metadata(), |visit| span.record(visit));
        let spans = &mut self.0.lock().unwrap().spans;
        spans.push(span.metadata().name());
        Id::from_u64(spans.len().try_into().unwrap())
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = String::from("recorded");
        values.record(&mut Writer(&mut line));
        self.0.lock().unwrap().lines.push(line);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.record_line(event.metadata(), |visit| event.record(visit));
    }

    fn enter(&self, id: &Id) {
        self.0.lock().unwrap().entered.push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        let entered = &mut self.0.lock().unwrap().entered;
        if let Some(index) = entered
            .iter()
            .rposition(|entered| *entered == id.into_u64())
        {
            entered.remove(index);
        }
    }
}

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => write!(self.0, ": {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        }
        .unwrap();
    }
}
