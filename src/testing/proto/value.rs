//! JSON values of Protocol Buffers.

use std::collections::BTreeMap;

/// A JSON value, `google.protobuf.Value`.
///
/// # Examples
///
/// An object with a list, and its JSON text:
///
/// ```
/// use yandex_cloud_auth::testing::proto::{Kind, ListValue, Struct, Value};
///
/// let value = |kind| Value { kind: Some(kind) };
/// let list = ListValue { values: vec![value(Kind::Number(1.0)), value(Kind::Bool(true))] };
/// let fields = [("list".to_owned(), value(Kind::List(list)))].into();
/// let object = value(Kind::Struct(Struct { fields }));
/// assert_eq!(serde_json::Value::from(object).to_string(), r#"{"list":[1,true]}"#);
/// ```
#[derive(Clone, PartialEq, prost::Message)]
pub struct Value {
    /// The value. `None` counts as null.
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    pub kind: Option<Kind>,
}

/// What a [`Value`] is.
#[derive(Clone, PartialEq, prost::Oneof)]
#[non_exhaustive]
pub enum Kind {
    /// Null. Its number is 0.
    #[prost(int32, tag = "1")]
    Null(i32),
    /// A number.
    #[prost(double, tag = "2")]
    Number(f64),
    /// A string.
    #[prost(string, tag = "3")]
    String(String),
    /// True or false.
    #[prost(bool, tag = "4")]
    Bool(bool),
    /// An object.
    #[prost(message, tag = "5")]
    Struct(Struct),
    /// An array.
    #[prost(message, tag = "6")]
    List(ListValue),
}

/// A JSON object, `google.protobuf.Struct`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Struct {
    /// The members by their names.
    #[prost(btree_map = "string, message", tag = "1")]
    pub fields: BTreeMap<String, Value>,
}

/// A JSON array, `google.protobuf.ListValue`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ListValue {
    /// The elements.
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<Value>,
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        match value.kind {
            None | Some(Kind::Null(_)) => Self::Null,
            Some(Kind::Number(number)) => json_number(number),
            Some(Kind::String(text)) => Self::String(text),
            Some(Kind::Bool(is_true)) => Self::Bool(is_true),
            Some(Kind::Struct(object)) => {
                let members = object.fields.into_iter();
                Self::Object(members.map(|(name, value)| (name, value.into())).collect())
            }
            Some(Kind::List(list)) => list.values.into_iter().collect(),
        }
    }
}

/// A whole number without a fraction, as the JSON mapping of Protocol Buffers has it.
fn json_number(number: f64) -> serde_json::Value {
    /// The first integer after which a double skips some.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        return serde_json::Value::from(number as i64);
    }
    serde_json::Value::from(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(kind: Kind) -> Value {
        Value { kind: Some(kind) }
    }

    #[test]
    fn every_kind_has_its_json() {
        let list = ListValue {
            values: vec![
                Value { kind: None },
                value(Kind::Null(0)),
                value(Kind::Bool(true)),
                value(Kind::Number(2.0)),
                value(Kind::Number(0.5)),
                value(Kind::Number(1e300)),
                value(Kind::Number(f64::NAN)),
            ],
        };
        let object = Struct {
            fields: BTreeMap::from([
                ("list".to_owned(), value(Kind::List(list))),
                ("text".to_owned(), value(Kind::String("a".to_owned()))),
            ]),
        };
        assert_eq!(
            serde_json::Value::from(value(Kind::Struct(object))),
            json!({ "list": [null, null, true, 2, 0.5, 1e300, null], "text": "a" })
        );
    }
}
