//! `WWW-Authenticate` (RFC 9110 § 11.6.1), as far as registries use it.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Challenge {
    Bearer { realm: String, service: Option<String> },
    Basic,
}

impl Challenge {
    /// The challenge to answer: Bearer before Basic. None when there is none we know.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let values = || headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let scheme = |value: &str| value.split(' ').next().unwrap_or_default().to_ascii_lowercase();
        if let Some(bearer) = values().find(|value| scheme(value) == "bearer") {
            let realm = parameter(bearer, "realm")?;
            return Some(Self::Bearer { realm, service: parameter(bearer, "service") });
        }
        values().any(|value| scheme(value) == "basic").then_some(Self::Basic)
    }
}

/// The value of `name` among `scheme name="value",name="value"`.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let (_, mut rest) = challenge.split_once(' ')?;
    loop {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim_matches([' ', ',']);
        let (value, next) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => after
                .split_once(',')
                .map_or_else(|| (after.trim().to_owned(), ""), |(value, next)| (value.trim().to_owned(), next)),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
}

fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        Challenge::read(&headers)
    }

    #[test]
    fn a_bearer_challenge_names_its_realm_and_service() {
        let expected = Challenge::Bearer { realm: "https://h/auth/token".to_owned(), service: Some("h, \"x\"".to_owned()) };
        assert_eq!(read(&[r#"Bearer realm="https://h/auth/token",service="h, \"x\"",scope="a:b:c""#]), Some(expected.clone()));
        assert_eq!(read(&["Basic realm=x", r#"bearer service="h, \"x\"" , realm=https://h/auth/token"#]), Some(expected));
    }

    #[test]
    fn basic_is_taken_when_there_is_nothing_better() {
        assert_eq!(read(&["Basic realm=\"x\""]), Some(Challenge::Basic));
    }

    #[test]
    fn what_cannot_be_understood_is_no_challenge() {
        for bad in ["Bearer", "Bearer realm", "Bearer realm=\"x", "Bearer service=\"x\"", "Negotiate", ""] {
            assert_eq!(read(&[bad]), None, "{bad}");
        }
        assert_eq!(read(&[]), None);
    }
}
