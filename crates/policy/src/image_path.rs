//! Where an image stands in an object that nobody but its makers knows: a `JSONPath` (RFC 9535), such as `$.spec.steps[*].image`.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json_path::JsonPath;

/// Bytes of one path.
const LONGEST: usize = 500;
/// Filters in one path: reading a nested one takes twice the time of the one around it.
const FILTERS: usize = 4;
/// Parentheses that one path opens.
const PARENTHESES: usize = 16;
/// `..` in one path: each more multiplies what is selected by what is there.
const DESCENTS: usize = 1;
/// What of an object is looked through: the depths of all its values together. Locating keeps the way to each that it comes by.
const HEAVIEST: usize = 2_000_000;
/// Places that one path finds in one object.
const MOST: usize = 1000;

/// A path that was read; it is written as it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImagePath {
    text: String,
    path: JsonPath,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ImagePathError {
    #[error("`{text}` is not a JSONPath (RFC 9535), such as $.spec.steps[*].image: {cause}")]
    Malformed { text: String, cause: String },
    #[error(
        "`{0}` is too intricate: a path has at most {LONGEST} bytes, {FILTERS} filters (?), {PARENTHESES} parentheses and one `..`; \
         write several plain ones"
    )]
    Intricate(String),
}

/// Why an object is not looked through.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TooMuch {
    #[error("it is too large and too deeply nested to look for images in it")]
    Object,
    #[error("`{0}` finds more than {MOST} places in it")]
    Places(String),
}

impl ImagePath {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Each place of `object` that it selects, once, as a JSON pointer (RFC 6901), and what stands there.
    pub fn locate<'a>(&self, object: &'a Value) -> Result<Vec<(String, &'a Value)>, TooMuch> {
        left_of(HEAVIEST, object, 1).ok_or(TooMuch::Object)?;
        let mut seen = HashSet::new();
        let nodes = self.path.query_located(object);
        let found = nodes.iter().map(|node| (node.location().to_json_pointer(), node.node()));
        let found: Vec<_> = found.filter(|(pointer, _)| seen.insert(pointer.clone())).take(MOST + 1).collect();
        if found.len() > MOST { Err(TooMuch::Places(self.text.clone())) } else { Ok(found) }
    }

    /// Whether it can only select members of a list where every object is a table.
    pub(crate) fn begins_in_a_list(&self) -> bool {
        let inside = self.text.strip_prefix('$').and_then(|rest| rest.trim_start().strip_prefix('['));
        let selectors = inside.and_then(|rest| rest.split_once(']')).map(|(selectors, _)| selectors);
        selectors.is_some_and(|it| it.chars().all(|c| matches!(c, '0'..='9' | '-' | ':' | ',') || c.is_whitespace()))
    }
}

/// What is left of `budget` when the depth of `value` and of each value in it is taken off; none: it was not enough.
fn left_of(budget: usize, value: &Value, depth: usize) -> Option<usize> {
    let budget = budget.checked_sub(depth)?;
    match value {
        Value::Array(items) => items.iter().try_fold(budget, |budget, item| left_of(budget, item, depth + 1)),
        Value::Object(fields) => fields.values().try_fold(budget, |budget, field| left_of(budget, field, depth + 1)),
        _ => Some(budget),
    }
}

impl FromStr for ImagePath {
    type Err = ImagePathError;

    fn from_str(text: &str) -> Result<Self, ImagePathError> {
        let shown = || text.chars().take(100).collect();
        let count = |what| text.matches(what).count();
        if text.len() > LONGEST || count("?") > FILTERS || count("(") > PARENTHESES || count("..") > DESCENTS {
            return Err(ImagePathError::Intricate(shown()));
        }
        match JsonPath::parse(text) {
            Ok(path) => Ok(Self { text: text.to_owned(), path }),
            Err(error) => Err(ImagePathError::Malformed { text: shown(), cause: error.to_string() }),
        }
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for ImagePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for ImagePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    fn located(path: &str, object: &Value) -> Vec<(String, String)> {
        let path: ImagePath = path.parse().unwrap();
        path.locate(object).unwrap().into_iter().map(|(pointer, node)| (pointer, node.to_string())).collect()
    }

    #[test]
    fn what_a_path_selects_is_located_once_by_a_pointer_that_finds_it_again() {
        let object = json!({
            "spec": { "steps": [{ "image": "a" }, { "script": "x" }, { "image": "b", "kind": "docker" }] },
            "odd~/name": { "it's": "c" },
        });
        let pairs = |expected: &[(&str, &str)]| -> Vec<(String, String)> {
            expected.iter().map(|(pointer, node)| ((*pointer).to_owned(), format!("\"{node}\""))).collect()
        };
        let both = pairs(&[("/spec/steps/0/image", "a"), ("/spec/steps/2/image", "b")]);
        assert_eq!(located("$.spec.steps[*].image", &object), both);
        assert_eq!(located("$..image", &object), both);
        assert_eq!(located("$.spec.steps[0,0,2].image", &object), both, "once, however often it is selected");
        assert_eq!(located("$.spec.steps[?@.kind == 'docker'].image", &object), pairs(&[("/spec/steps/2/image", "b")]));
        assert_eq!(located("$.spec.steps[?match(@.kind, 'd.*')].image", &object), pairs(&[("/spec/steps/2/image", "b")]));
        assert_eq!(located("$['odd~/name']['it\\'s']", &object), pairs(&[("/odd~0~1name/it's", "c")]));
        assert_eq!(located("$.spec.image", &object), []);
        for (pointer, node) in located("$..*", &object) {
            assert_eq!(object.pointer(&pointer).unwrap().to_string(), node, "{pointer}");
        }
    }

    #[test]
    fn an_object_that_would_take_much_is_not_looked_through() {
        let locate = |path: &str, object: &Value| path.parse::<ImagePath>().unwrap().locate(object).map(|found| found.len());
        let steps = |count: usize| json!({ "spec": { "steps": vec![json!({ "image": "a" }); count] } });
        assert_eq!(locate("$.spec.steps[*].image", &steps(MOST)), Ok(MOST));
        let many = Err(TooMuch::Places("$.spec.steps[*].image".to_owned()));
        assert_eq!(locate("$.spec.steps[*].image", &steps(MOST + 1)), many);
        assert_eq!(locate("$.spec.steps[0].image", &steps(MOST + 1)), Ok(1));
        let nested = |depth: usize, count: usize| (0..depth).fold(json!(vec![json!(1); count]), |inner, _| json!([inner]));
        assert_eq!(locate("$..image", &nested(100, 10_000)), Ok(0));
        assert_eq!(locate("$..image", &nested(100, 20_000)), Err(TooMuch::Object));
        assert_eq!(locate("$..image", &nested(2, 400_000)), Ok(0));
        assert_eq!(locate("$..image", &nested(2, 500_000)), Err(TooMuch::Object));
    }

    #[test]
    fn a_path_is_written_as_it_was_given() {
        let path: ImagePath = serde_json::from_str("\"$.spec['image']\"").unwrap();
        assert_eq!((path.as_str(), serde_json::to_string(&path).unwrap().as_str()), ("$.spec['image']", "\"$.spec['image']\""));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in
            ["", "spec.image", ".spec.image", "{.spec.image}", "$.spec[", "$.spec.image ", "$[?unknown(@)]", "$.spec[image]"]
        {
            assert!(matches!(bad.parse::<ImagePath>(), Err(ImagePathError::Malformed { .. })), "{bad}");
            assert!(serde_json::from_value::<ImagePath>(json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_that_would_take_long_is_refused_and_the_worst_that_is_not_takes_no_time() {
        let nested = |depth: usize| format!("$[?{}@.a{}]", "@[?".repeat(depth - 1), "]".repeat(depth - 1));
        let parentheses = |depth: usize| format!("$[?{}@.a{}]", "(".repeat(depth), ")".repeat(depth));
        let negated = |depth: usize| format!("$[?{}@.a{}]", "!(".repeat(depth), ")".repeat(depth));
        let functions = |depth: usize| format!("$[?{}@.a{} == 1]", "length(".repeat(depth), ")".repeat(depth));
        let long = |bytes: usize| format!("$.{}", "a".repeat(bytes - 2));
        for bad in
            [nested(FILTERS + 1), parentheses(PARENTHESES + 1), functions(PARENTHESES + 1), "$..a..b".to_owned(), long(501)]
        {
            assert!(matches!(bad.parse::<ImagePath>(), Err(ImagePathError::Intricate(_))), "{bad}");
        }
        for within in [nested(FILTERS), parentheses(PARENTHESES), negated(PARENTHESES), functions(PARENTHESES), long(LONGEST)] {
            let begun = Instant::now();
            let _read_or_not = within.parse::<ImagePath>();
            assert!(begun.elapsed() < Duration::from_secs(1), "{within} took {:?}", begun.elapsed());
        }
    }
}
