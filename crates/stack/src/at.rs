//! Values of the file with the place where they stand, so that every error can name it.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use crate::error::{StackError, shown};

/// A value and where it stands, as `services.web.ports[0]`.
#[derive(Clone, Debug)]
pub(crate) struct At<'file> {
    pub(crate) value: &'file Value,
    pub(crate) place: String,
}

type Read<T> = Result<T, StackError>;

impl<'file> At<'file> {
    pub(crate) fn new(value: &'file Value, place: impl Into<String>) -> Self {
        Self { value, place: place.into() }
    }

    pub(crate) fn wrong(&self, why: impl Into<String>) -> StackError {
        StackError::wrong(&self.place, why)
    }

    pub(crate) fn not_here(&self, instead: &'static str) -> StackError {
        StackError::not_here(&self.place, instead)
    }

    pub(crate) fn keys(&self) -> Read<Keys<'file>> {
        match self.value {
            Value::Object(entries) => {
                let left = entries.iter().map(|(key, value)| (key.as_str(), value)).collect();
                Ok(Keys { place: self.place.clone(), left })
            }
            _ => Err(self.wrong("here stand keys with values")),
        }
    }

    /// The values under any keys, in the order of the keys.
    pub(crate) fn entries(&self) -> Read<Vec<(&'file str, At<'file>)>> {
        match self.value {
            Value::Object(entries) => {
                Ok(entries.iter().map(|(key, value)| (key.as_str(), At::new(value, below(&self.place, key)))).collect())
            }
            _ => Err(self.wrong("here stand names with values")),
        }
    }

    pub(crate) fn items(&self) -> Read<Vec<At<'file>>> {
        match self.value {
            Value::Array(items) => {
                Ok(items.iter().enumerate().map(|(at, value)| At::new(value, format!("{}[{at}]", self.place))).collect())
            }
            _ => Err(self.wrong("here stands a list")),
        }
    }

    /// Text, as the file means it: `$$` is a dollar sign.
    pub(crate) fn text(&self) -> Read<String> {
        match self.value {
            Value::String(text) => self.without_variables(text),
            _ => Err(self.wrong("here stands a text; put a number or a word like true into quotes")),
        }
    }

    /// A text or a number, as a text.
    pub(crate) fn text_or_number(&self) -> Read<String> {
        match self.value {
            Value::Number(number) => self.number_as_text(number),
            _ => self.text(),
        }
    }

    /// As the stock client writes it: `1.10` is 1.1, `1e3` is 1000. What it writes with an exponent is seldom meant.
    fn number_as_text(&self, number: &Number) -> Read<String> {
        let Some(fraction) = number.as_f64().filter(|_| number.is_f64()) else { return Ok(number.to_string()) };
        match fraction.abs() {
            size if size != 0.0 && !(1e-4..1e15).contains(&size) => {
                Err(self.wrong("put this number into quotes, as it is meant"))
            }
            _ => Ok(fraction.to_string()),
        }
    }

    pub(crate) fn flag(&self) -> Read<bool> {
        self.value.as_bool().ok_or_else(|| self.wrong("here stands true or false"))
    }

    pub(crate) fn number(&self) -> Read<u64> {
        self.value.as_u64().ok_or_else(|| self.wrong("here stands a whole number, not below 0"))
    }

    pub(crate) fn integer(&self) -> Read<i64> {
        self.value.as_i64().ok_or_else(|| self.wrong("here stands a whole number"))
    }

    pub(crate) fn fraction(&self) -> Read<f64> {
        self.value.as_f64().ok_or_else(|| self.wrong("here stands a number"))
    }

    pub(crate) fn texts(&self) -> Read<Vec<String>> {
        self.items()?.iter().map(Self::text).collect()
    }

    pub(crate) fn text_or_texts(&self) -> Read<Vec<String>> {
        match self.value {
            Value::String(_) => Ok(vec![self.text()?]),
            _ => self.texts(),
        }
    }

    /// `KEY: value` or a list of `KEY=value`; without a value: none.
    pub(crate) fn pairs(&self) -> Read<BTreeMap<String, Option<String>>> {
        let Value::Array(_) = self.value else {
            let pair = |(key, value): (&str, At)| {
                let value = if value.value.is_null() { None } else { Some(value.text_or_number()?) };
                Ok((key.to_owned(), value))
            };
            return self.entries()?.into_iter().map(pair).collect();
        };
        let mut pairs = BTreeMap::new();
        for item in self.items()? {
            let text = item.text()?;
            let (key, value) = match text.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (text, None),
            };
            if key.is_empty() {
                return Err(item.wrong("the name before the = is missing"));
            }
            if pairs.insert(key, value).is_some() {
                return Err(item.wrong("it stands twice"));
            }
        }
        Ok(pairs)
    }

    /// As [`At::pairs`], where no value means an empty one.
    pub(crate) fn labels(&self) -> Read<BTreeMap<String, String>> {
        Ok(self.pairs()?.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
    }

    fn without_variables(&self, text: &str) -> Read<String> {
        let mut meant = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            meant.push_str(before);
            meant.push('$');
            rest = after.strip_prefix('$').ok_or_else(|| {
                let end = after.find(|letter: char| letter.is_whitespace() || letter == '}').unwrap_or(after.len());
                let variable = shown(&format!("${}{}", &after[..end], if after[end..].starts_with('}') { "}" } else { "" }));
                StackError::Variable { place: shown(&self.place), variable }
            })?;
        }
        meant.push_str(rest);
        Ok(meant)
    }
}

/// The keys of one object, of which each has to be taken: what is left over is refused by name.
pub(crate) struct Keys<'file> {
    place: String,
    left: BTreeMap<&'file str, &'file Value>,
}

impl<'file> Keys<'file> {
    /// The value of a key, if it has one.
    pub(crate) fn take(&mut self, key: &str) -> Option<At<'file>> {
        let value = self.left.remove(key).filter(|value| !value.is_null())?;
        Some(At::new(value, below(&self.place, key)))
    }

    /// Of a key, what `read` makes of its value.
    pub(crate) fn read<T>(&mut self, key: &str, read: impl FnOnce(&At<'file>) -> Read<T>) -> Read<Option<T>> {
        self.take(key).as_ref().map(read).transpose()
    }

    /// Keys that anybody may make up, `x-…`, mean nothing to anybody else.
    pub(crate) fn without_extensions(mut self) -> Self {
        self.left.retain(|key, _| !key.starts_with("x-"));
        self
    }

    /// Refuses what nobody took. `hint` says more of some keys.
    pub(crate) fn finish(self, hint: impl Fn(&str) -> &'static str) -> Read<()> {
        let Some(key) = self.left.keys().next() else { return Ok(()) };
        let place = if self.place.is_empty() { "the file".to_owned() } else { shown(&self.place) };
        Err(StackError::Unknown { place, key: shown(key), hint: hint(key) })
    }

    /// As [`Keys::finish`], where there is nothing more to say.
    pub(crate) fn end(self) -> Read<()> {
        self.finish(|_| "")
    }
}

pub(crate) fn below(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}
