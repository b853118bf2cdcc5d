use proptest::prelude::*;

use super::*;

fn refused(text: &str) -> JsonRefused {
    read(text.as_bytes()).expect_err(text)
}

#[test]
fn what_the_engine_could_read_twice_is_refused() {
    for text in
        [r#"{"Image":"a","Image":"b"}"#, r#"{"Image":"a","\u0049mage":"b"}"#, r#"{"HostConfig":{"Mounts":[],"Mounts":null}}"#]
    {
        assert!(matches!(refused(text), JsonRefused::Duplicate { .. }), "{text}");
    }
    assert!(matches!(refused(r#"{"Image":"a"}{"Image":"b"}"#), JsonRefused::Trailing { .. }));
    assert!(matches!(refused("{} x"), JsonRefused::Trailing { .. }));
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[",
        "[1,]",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{'a':1}",
        "nul",
        "nulll",
        "tru",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "0x1",
        "NaN",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\u{1}\"",
        "\u{feff}{}",
        "// x\n{}",
        "\"\\",
        "\"é\\",
    ] {
        assert!(read(text.as_bytes()).is_err(), "{text:?}");
    }
    assert_eq!(read(b"\"\xff\""), Err(JsonRefused::NotUtf8));
    assert!(matches!(refused(&"[".repeat(100_000)), JsonRefused::TooDeep { .. }));
}

#[test]
fn numbers_are_forwarded_as_they_were_written() {
    for text in ["18446744073709551615", "-9223372036854775808", "0.1", "1e400", "-0", "1.0", "123456789012345678901234567890"] {
        assert_eq!(read(text.as_bytes()).unwrap().to_string(), text);
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map("[a-m]{1,4}", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_as_what_was_read(value in any_json()) {
        let text = value.to_string();
        prop_assert_eq!(read(text.as_bytes()).unwrap().to_string(), text);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    /// Whatever is accepted here, a lenient reader accepts as well, and reads as the same.
    #[test]
    fn what_is_accepted_is_json(text in r#"[\[\]{}",:0-9aeE.+ntrufls \\-]{0,24}"#) {
        if let Ok(ours) = read(text.as_bytes()) {
            let lenient: Result<serde_json::Value, _> = serde_json::from_str(&text);
            match lenient {
                Ok(lenient) => prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&ours.to_string()).unwrap(), lenient),
                // serde_json refuses numbers beyond f64; they are forwarded as text and the engine refuses them.
                Err(error) => prop_assert!(error.to_string().contains("number out of range"), "{error}"),
            }
        }
    }
}
