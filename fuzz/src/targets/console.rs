//! What browsers, and who pretends to be one, send to the console.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wharfinger_console::fuzzing as console;

const FORM: &str = "application/x-www-form-urlencoded";

/// A form; written again as a browser writes it, lines and all, it is the same form.
pub fn form(bytes: &[u8]) {
    let Some(fields) = console::form(FORM, bytes) else { return };
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pair = |(name, value): &(String, String)| format!("{}={}", encoded(name), encoded(&value.replace('\n', "\r\n")));
    let pairs: Vec<String> = fields.iter().map(pair).collect();
    let written = pairs.join("&");
    let again = console::form(FORM, written.as_bytes());
    assert_eq!(again.as_ref(), Some(&fields), "{written:?}");
    assert_eq!(console::form("text/plain", bytes), None, "what is no form is read as one");
}

/// `next` of the page to sign in.
pub fn next_page(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        console::next(text);
    }
}
