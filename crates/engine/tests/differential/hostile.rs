//! Requests as somebody would write them who wants one reader to see what another does not.

use std::fmt::Write as _;

use serde_json::Value;

/// JSON that remembers order and duplicates, and holds what is no JSON at all.
#[derive(Clone)]
enum Doc {
    Raw(String),
    Text(String),
    List(Vec<Doc>),
    Object(Vec<(String, Doc)>),
}

const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    "1.0",
    "1e2",
    "1E400",
    "0.1",
    "18446744073709551616",
    "-9223372036854775809",
    "01",
    "+1",
    ".5",
    "NaN",
    "\"\"",
    "\"image\"",
    "\"bind\"",
    "\"dtr.test:5443/evil/app:1\"",
    "[]",
    "[null]",
    "[[[]]]",
    "{}",
    "{\"Type\":\"image\",\"Source\":\"dtr.test/evil/app\"}",
    "[{\"Type\":\"image\",\"Source\":\"dtr.test/evil/app\"}]",
    "\"\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"\\u0000\"",
    "\"\u{2028}\"",
    "\"\\x41\"",
    "'a'",
    "undefined",
];
const KEYS: &[&str] = &[
    "Image",
    "Privileged",
    "Mounts",
    "Source",
    "Type",
    "Binds",
    "HostConfig",
    "Runtime",
    "PluginSpec",
    "ContainerSpec",
    "",
    "\u{0}",
    "Cpuset",
    "Memory",
    "Config",
    "Resources",
];
const JUNK: &[&str] = &[
    "{}",
    " ",
    "\n",
    "\u{0}",
    "//x\n",
    "/**/",
    "#",
    ",",
    "}",
    "]",
    "\u{feff}",
    "null",
    "{\"Image\":\"dtr.test/evil/app\"}",
    "\u{a0}",
    "\u{2028}",
    "\"",
    "\\",
    ":",
];

/// A generator that says the same in every run.
pub struct Hostile(u64);

impl Hostile {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most.max(1)).unwrap()).unwrap()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// A body like `sample`, and unlike it in a few places.
    pub fn body(&mut self, sample: &str) -> Vec<u8> {
        let mut doc = Doc::of(&serde_json::from_str(sample).unwrap());
        self.thin(&mut doc);
        for _ in 0..self.below(4) {
            self.bend(&mut doc);
        }
        let mut text = String::new();
        let escaping = self.one_in(3);
        self.write(&doc, escaping, &mut text);
        let mut bytes = text.into_bytes();
        if self.one_in(4) {
            self.damage(&mut bytes);
        }
        bytes
    }

    /// Most of a sample goes, so that a case is short and what is bent in it matters.
    fn thin(&mut self, doc: &mut Doc) {
        match doc {
            Doc::Object(entries) => {
                let keep = 1 + self.below(4);
                let kept = std::mem::take(entries).into_iter().filter(|_| self.below(5) < keep);
                *entries = kept.collect();
                for (_, value) in entries {
                    self.thin(value);
                }
            }
            Doc::List(items) => items.iter_mut().for_each(|item| self.thin(item)),
            Doc::Raw(_) | Doc::Text(_) => {}
        }
    }

    fn bend(&mut self, doc: &mut Doc) {
        // Deeper with each step, somewhere.
        match doc {
            Doc::Object(entries) if !entries.is_empty() && !self.one_in(3) => {
                let at = self.below(entries.len());
                return self.bend(&mut entries[at].1);
            }
            Doc::List(items) if !items.is_empty() && !self.one_in(3) => {
                let at = self.below(items.len());
                return self.bend(&mut items[at]);
            }
            _ => {}
        }
        match doc {
            Doc::Object(entries) => {
                let at = self.below(entries.len());
                match (self.below(6), entries.get(at).cloned()) {
                    (0, Some((key, value))) => entries.push((self.respelled(&key), value)),
                    (1, Some((key, _))) => entries.insert(0, (self.respelled(&key), Doc::Raw(self.pick(VALUES).to_owned()))),
                    (2, Some((key, _))) => entries[at].0 = self.respelled(&key),
                    (3, _) => entries.push((self.pick(KEYS).to_owned(), Doc::Raw(self.pick(VALUES).to_owned()))),
                    (4, _) => entries.reverse(),
                    _ => *doc = Doc::Raw(self.pick(VALUES).to_owned()),
                }
            }
            Doc::List(items) if self.one_in(2) => items.push(Doc::Raw(self.pick(VALUES).to_owned())),
            other => *other = Doc::Raw(self.pick(VALUES).to_owned()),
        }
    }

    /// A key that is the same to somebody.
    fn respelled(&mut self, key: &str) -> String {
        match self.below(6) {
            0 => key.to_owned(),
            1 => key.to_lowercase(),
            2 => key.to_uppercase(),
            3 => key.replacen(['s', 'S'], "\u{17f}", 1).replacen(['k', 'K'], "\u{212a}", 1),
            4 => key.chars().map(|c| if self.one_in(2) { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect(),
            _ => format!("{key}\u{0}"),
        }
    }

    fn write(&mut self, doc: &Doc, escaping: bool, out: &mut String) {
        match doc {
            Doc::Raw(raw) => out.push_str(raw),
            Doc::Text(text) => self.quote(text, escaping, out),
            Doc::List(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    out.push_str(if position > 0 { "," } else { "" });
                    self.write(item, escaping, out);
                }
                out.push(']');
            }
            Doc::Object(entries) => {
                out.push('{');
                for (position, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if position > 0 { " ,\t" } else { "" });
                    self.quote(key, escaping, out);
                    out.push_str(if escaping { "\r\n: " } else { ":" });
                    self.write(value, escaping, out);
                }
                out.push('}');
            }
        }
    }

    fn quote(&mut self, text: &str, escaping: bool, out: &mut String) {
        out.push('"');
        for unit in text.chars() {
            match unit {
                '/' if escaping && self.one_in(2) => out.push_str("\\/"),
                unit if escaping && self.one_in(8) => {
                    let mut units = [0; 2];
                    for unit in unit.encode_utf16(&mut units) {
                        let escape = if self.one_in(2) { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
                        out.push_str(&escape);
                    }
                }
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                // As it is, now and then: JSON forbids it.
                unit if unit < ' ' && !self.one_in(8) => {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{:04x}", u32::from(unit));
                }
                unit => out.push(unit),
            }
        }
        out.push('"');
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(8) {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_slice(self.pick(JUNK).as_bytes()),
            2 => drop(bytes.splice(0..0, self.pick(JUNK).bytes())),
            3 => drop(bytes.splice(at..at, self.pick(JUNK).bytes())),
            4 => bytes.insert(at, 0xff),
            5 => bytes.insert(at, 0xc0),
            6 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
            _ => {
                let end = (at + self.below(20)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }

    /// A query: parameters of the calls that carry images, and what could pass for them.
    pub fn query(&mut self) -> String {
        const NAMES: &[&str] = &[
            "fromImage",
            "tag",
            "platform",
            "repo",
            "message",
            "changes",
            "fromSrc",
            "version",
            "rollback",
            "registryAuthFrom",
            "name",
        ];
        const PLAIN: &[&str] =
            &["dtr.test%3A5443/qa/app", "dtr.test/qa/app:1", "1", "latest", "previous", "a+b", "%C3%A9", "a%2Bb", "-", ""];
        const ODD: &[&str] = &[
            "%00",
            "%ff",
            "%",
            "%4",
            "%zz",
            ";",
            "a;b",
            "a=b",
            "%26tag=x",
            "é",
            "%e2%80%a8",
            "\u{17f}",
            "a%0d%0ab",
            "@sha256:",
            "#",
            "?",
        ];
        let calls: &[&[&str]] =
            &[&["fromImage", "tag", "platform"], &["name", "platform"], &["version", "registryAuthFrom", "rollback"], NAMES];
        let names = calls[self.below(calls.len())];
        let mut text = String::new();
        for position in 0..=self.below(4) {
            let mut name = if position == 0 { names[0].to_owned() } else { self.pick(names).to_owned() };
            if self.one_in(12) {
                name = self.respelled(&name);
            }
            if self.one_in(4) {
                let at = self.below(name.len());
                if let Some(byte) =
                    name.is_char_boundary(at).then(|| name.as_bytes().get(at)).flatten().filter(|byte| byte.is_ascii())
                {
                    name = format!("{}%{byte:02x}{}", &name[..at], &name[at + 1..]);
                }
            }
            let value = if self.one_in(5) { self.pick(ODD) } else { self.pick(PLAIN) };
            let digest = format!("sha256:{}", "a".repeat(64));
            let value = if self.one_in(12) { &digest } else { value };
            let equals = if self.one_in(20) { "" } else { "=" };
            let separator = if position == 0 { "" } else { self.pick(&["&", "&", "&", "&&", "&amp;"]) };
            text = format!("{text}{separator}{name}{equals}{value}");
        }
        text
    }

    /// A path as `http` lets it through.
    pub fn path(&mut self) -> String {
        const SEGMENTS: &[&str] = &[
            "v1.41",
            "containers",
            "create",
            "images",
            "json",
            "dtr.test:5443",
            "qa",
            "app:1",
            "services",
            "v1.24",
            "%76%31.41",
            "a%20b",
        ];
        const ODD: &[&str] = &[
            "",
            ".",
            "..",
            "%2e",
            "%2E%2e",
            "%2f",
            "a%2Fb",
            "%5c",
            "\\",
            "%25",
            "%2525",
            "%00",
            "%0a",
            "%ff",
            "%zz",
            "%",
            "v1",
            "v1.41.0",
            "%C3%A9",
            "é",
            "a;b",
            "a@sha256:b",
            "*",
            "~",
            "+",
            "a%3Fb",
            "a%23b",
            "%7F",
            "v",
            "v.",
            "[",
            "\"",
            "{x}",
            "|",
        ];
        let mut text = String::new();
        for _ in 0..=self.below(5) {
            let segment = if self.one_in(5) { self.pick(ODD) } else { self.pick(SEGMENTS) };
            text = format!("{text}/{segment}");
        }
        text
    }
}

impl Doc {
    fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::of).collect()),
            Value::Object(entries) => Self::Object(entries.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect()),
            other => Self::Raw(other.to_string()),
        }
    }
}
