//! The canonical JSON that Notary v1 signs: the form of the *decoded* value, so white space, order and escapes on the wire do not matter.
//!
//! Keys sorted bytewise, no white space, UTF-8 as it is; in strings only `\` and `"` are escaped (control characters stay raw);
//! numbers are integers. Neither RFC 8785 nor the canonical JSON of the newer TUF specification: those sort and escape differently.

use std::fmt::Write as _;

use serde_json::Value;

/// Numbers are decoded as doubles by the signers: beyond this they would not be the number that was written.
const LARGEST: u64 = 1 << 53;

#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an integer of at most 53 bits, and cannot be signed")]
pub struct CanonicalError(String);

/// The bytes that a signature over `value` covers.
pub fn to_vec(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::with_capacity(1024);
    write(value, &mut out)?;
    Ok(out)
}

/// `value` as it stands in a file: the canonical form, with those characters escaped that Go's encoder escapes, so that a stock server
/// which re-serialises what it received arrives at the same bytes.
pub fn to_wire(value: &Value) -> Result<String, CanonicalError> {
    let canonical = to_vec(value)?;
    let mut out = String::with_capacity(canonical.len());
    for character in String::from_utf8_lossy(&canonical).chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                write!(out, "\\u{:04x}", u32::from(character)).unwrap_or_default();
            }
            _ => out.push(character),
        }
    }
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => out.extend_from_slice(integer(number)?.to_string().as_bytes()),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_unstable_by(|(one, _), (other, _)| one.as_bytes().cmp(other.as_bytes()));
            out.push(b'{');
            for (at, (key, member)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_string(key, out);
                out.push(b':');
                write(member, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn integer(number: &serde_json::Number) -> Result<i64, CanonicalError> {
    let refuse = || CanonicalError(number.to_string());
    if let Some(integer) = number.as_i64() {
        return if integer.unsigned_abs() <= LARGEST { Ok(integer) } else { Err(refuse()) };
    }
    // `1.0` and `1e3` are integers to a decoder that reads doubles.
    let double = number.as_f64().ok_or_else(refuse)?;
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // 2^53 and whole numbers below it are exact
    if double.fract() == 0.0 && double.abs() <= LARGEST as f64 { Ok(double as i64) } else { Err(refuse()) }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn canonical(text: &str) -> Result<String, CanonicalError> {
        let bytes = to_vec(&serde_json::from_str(text).expect("the test is JSON"))?;
        Ok(String::from_utf8(bytes).expect("canonical JSON is UTF-8"))
    }

    #[test]
    fn the_form_is_that_of_notary() {
        assert_eq!(canonical(r#"{ "b" : [1, true,null], "a":{} }"#).unwrap(), r#"{"a":{},"b":[1,true,null]}"#);
        assert_eq!(canonical(r#""\u003c\/\u00e9\u2028""#).unwrap(), "\"</é\u{2028}\"");
        assert_eq!(canonical(r#""\n\"\\""#).unwrap(), "\"\n\\\"\\\\\"");
        // Where other canonicalisers differ: keys sort raw, before any escaping and without their closing quote; nothing is normalised.
        assert_eq!(canonical(r#"{"v1!":1,"v1":2,"v1 final":3}"#).unwrap(), r#"{"v1":2,"v1 final":3,"v1!":1}"#);
        assert_eq!(canonical(r#"{"aZ":1,"a\"":2}"#).unwrap(), r#"{"a\"":2,"aZ":1}"#);
        assert_eq!(canonical("\"e\u{301}\"").unwrap(), "\"e\u{301}\"");
        assert_eq!(canonical(r#"{"a":1,"a":2}"#).unwrap(), r#"{"a":2}"#);
    }

    #[test]
    fn numbers_are_integers_of_at_most_53_bits() {
        assert_eq!(canonical("[9007199254740992,-1,1.0,1e3,-0]").unwrap(), "[9007199254740992,-1,1,1000,0]");
        for bad in ["9007199254740993", "1.5", "-9007199254740993", "1e300", "18446744073709551615"] {
            assert!(canonical(bad).is_err(), "{bad}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(|number| json!(number)),
            any::<String>().prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_form_does_not_depend_on_how_the_value_was_written(value in any_json()) {
            let compact: Value = serde_json::from_slice(&serde_json::to_vec(&value).unwrap()).unwrap();
            let pretty: Value = serde_json::from_slice(&serde_json::to_vec_pretty(&value).unwrap()).unwrap();
            prop_assert_eq!(to_vec(&compact), to_vec(&pretty));
        }

        #[test]
        fn different_values_have_different_forms(one in any_json(), other in any_json()) {
            if one != other {
                prop_assert_ne!(to_vec(&one).unwrap(), to_vec(&other).unwrap());
            }
        }

        #[test]
        fn keys_come_sorted_by_their_raw_bytes(keys in prop::collection::btree_set("[ -~é]{0,4}", 0..8)) {
            let value = Value::Object(keys.iter().map(|key| (key.clone(), Value::Null)).collect());
            let expected: Vec<String> =
                keys.iter().map(|key| format!("\"{}\":null", key.replace('\\', "\\\\").replace('"', "\\\""))).collect();
            prop_assert_eq!(to_vec(&value).unwrap(), format!("{{{}}}", expected.join(",")).into_bytes());
        }
    }
}
