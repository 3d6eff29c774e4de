//! An error and its causes as one text.

use std::error::Error;

/// The text of an error and of its causes, each once. Some libraries, as `hyper`, print only
/// "client error" and leave the reason to `source`.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Outer(&'static str, Option<Box<Outer>>);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|error| error as _)
        }
    }

    #[test]
    fn causes_follow_in_order_once_each() {
        let refused = Outer("connection refused", None);
        let connect = Outer("connect error: connection refused", Some(Box::new(refused)));
        assert_eq!(
            with_causes(&Outer("client error", Some(Box::new(connect)))),
            "client error: connect error: connection refused"
        );
    }
}
