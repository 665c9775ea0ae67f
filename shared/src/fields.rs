//! Members of a JSON object, read one by one, so that a complaint names the member and never repeats its value.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::id::BadWord;

/// An object whose members are asked for by name and type; `null` counts as absent.
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

type Read<T> = Result<T, String>;

impl<'a> Fields<'a> {
    pub(crate) fn of(name: &str, value: &'a Value) -> Read<Self> {
        let object = value
            .as_object()
            .ok_or_else(|| wrong(name, value, "an object"))?;
        Ok(Self(object))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Read<Option<&'a str>> {
        self.get(name).map(|v| text(name, v)).transpose()
    }

    pub(crate) fn must_text(&self, name: &str) -> Read<&'a str> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn owned(&self, name: &str) -> Read<Option<String>> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    /// A text that must also be acceptable as a `T`.
    pub(crate) fn word<T: FromStr<Err = BadWord>>(&self, name: &str) -> Read<Option<T>> {
        self.text(name)?
            .map(|t| t.parse().map_err(|e: BadWord| e.to_string()))
            .transpose()
    }

    pub(crate) fn integer<T: TryFrom<u64>>(&self, name: &str) -> Read<Option<T>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = value
            .as_u64()
            .ok_or_else(|| wrong(name, value, "a whole number"))?;
        let number = T::try_from(number).map_err(|_| format!("{name} is too large"))?;
        Ok(Some(number))
    }

    pub(crate) fn number(&self, name: &str) -> Read<Option<f64>> {
        self.get(name)
            .map(|v| v.as_f64().ok_or_else(|| wrong(name, v, "a number")))
            .transpose()
    }

    /// A list; absent is empty.
    pub(crate) fn list(&self, name: &str) -> Read<&'a [Value]> {
        match self.get(name) {
            None => Ok(&[]),
            Some(value) => {
                let list = value
                    .as_array()
                    .ok_or_else(|| wrong(name, value, "a list"))?;
                Ok(list)
            }
        }
    }
}

pub(crate) fn text<'a>(name: &str, value: &'a Value) -> Read<&'a str> {
    value.as_str().ok_or_else(|| wrong(name, value, "a string"))
}

pub(crate) fn missing(name: &str) -> String {
    format!("{name} is missing")
}

fn wrong(name: &str, value: &Value, wanted: &str) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("{name} is {kind}, not {wanted}")
}
