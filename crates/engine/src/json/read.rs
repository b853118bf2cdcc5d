//! Reading JSON strictly (RFC 8259), without recursion deeper than the limit.

use std::collections::BTreeSet;

use thiserror::Error;

use super::Json;

/// Deeper nesting than any call of the engine has (its deepest is 9) is refused before it can exhaust the stack.
const DEEPEST: usize = 24;
/// A key is echoed in refusals, shortened.
const SHOWN: usize = 100;

#[derive(Debug, PartialEq, Eq, Error)]
pub enum JsonRefused {
    #[error("the body is not valid JSON at byte {at}")]
    Malformed { at: usize },
    #[error("the body is nested too deeply at byte {at}")]
    TooDeep { at: usize },
    #[error("something follows the JSON value at byte {at}")]
    Trailing { at: usize },
    #[error("the key `{key}` stands twice in one object")]
    Duplicate { key: String },
    #[error("the body is not valid UTF-8")]
    NotUtf8,
}

/// Reads one value and nothing after it.
pub(crate) fn read(bytes: &[u8]) -> Result<Json, JsonRefused> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonRefused::NotUtf8)?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at == text.len() { Ok(value) } else { Err(JsonRefused::Trailing { at: reader.at }) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn space(&mut self) {
        self.at += self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn malformed<T>(&self) -> Result<T, JsonRefused> {
        Err(JsonRefused::Malformed { at: self.at })
    }

    fn expect(&mut self, literal: &str) -> Result<(), JsonRefused> {
        if !self.rest().starts_with(literal.as_bytes()) {
            return self.malformed();
        }
        self.at += literal.len();
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Json, JsonRefused> {
        if depth > DEEPEST {
            return Err(JsonRefused::TooDeep { at: self.at });
        }
        self.space();
        match self.peek() {
            Some(b'n') => self.expect("null").map(|()| Json::Null),
            Some(b't') => self.expect("true").map(|()| Json::Bool(true)),
            Some(b'f') => self.expect("false").map(|()| Json::Bool(false)),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'[') => self.list(depth),
            Some(b'{') => self.object(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.malformed(),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, JsonRefused> {
        self.expect("[")?;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::List(items));
                }
                _ => return self.malformed(),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, JsonRefused> {
        self.expect("{")?;
        let mut entries = Vec::new();
        let mut seen = BTreeSet::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(entries));
        }
        loop {
            self.space();
            let key = self.string()?;
            if !seen.insert(key.clone()) {
                return Err(JsonRefused::Duplicate { key: key.chars().take(SHOWN).collect() });
            }
            self.space();
            self.expect(":")?;
            let value = self.value(depth + 1)?;
            entries.push((key, value));
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(entries));
                }
                _ => return self.malformed(),
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonRefused> {
        let start = self.at;
        self.expect("\"")?;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return self.malformed(),
            }
        }
        self.at += 1;
        // Escapes, control characters and lone surrogates are looked at there.
        let quoted = self.text.get(start..self.at).ok_or(JsonRefused::Malformed { at: start })?;
        serde_json::from_str(quoted).map_err(|_| JsonRefused::Malformed { at: start })
    }

    fn digits(&mut self) -> Result<(), JsonRefused> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return self.malformed();
        }
        self.at += count;
        Ok(())
    }

    fn number(&mut self) -> Result<Json, JsonRefused> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).ok_or(JsonRefused::Malformed { at: start })?;
        Ok(Json::Number(text.to_owned()))
    }
}
