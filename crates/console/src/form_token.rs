//! The token in every form: proof that the form was made for the session that sends it.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What is authenticated under the session's own secret: nothing else does so with the same words.
const PURPOSE: &[u8] = b"wharfinger console form:1";

/// Made of the session's token, from which it cannot be told: no other session has it, and nothing has to be kept.
#[derive(Clone)]
pub(crate) struct FormToken(hmac::Key);

impl FormToken {
    pub(crate) fn of_session(session_token: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, session_token.as_bytes()))
    }

    /// The text that stands in forms.
    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, PURPOSE).as_ref())
    }

    /// In a time that does not tell how much of `given` is right.
    pub(crate) fn matches(&self, given: &str) -> bool {
        URL_SAFE_NO_PAD.decode(given).is_ok_and(|given| hmac::verify(&self.0, PURPOSE, &given).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forms_token_is_good_for_its_session_alone() {
        let (one, other) = (FormToken::of_session("one"), FormToken::of_session("other"));
        assert!(one.matches(&one.text()));
        assert!(!one.matches(&other.text()));
        for guess in ["", "one", "AAAA", &one.text()[1..]] {
            assert!(!one.matches(guess), "{guess}");
        }
        assert!(!one.text().contains("one"));
    }
}
