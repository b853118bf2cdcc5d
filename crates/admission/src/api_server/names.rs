//! Names before they go into a path: what Kubernetes would not call a thing is not asked for (RFC 1123).

use super::ApiServerError;

/// A namespace's name.
pub(crate) fn label(name: &str) -> Result<&str, ApiServerError> {
    if name.len() <= 63 && is_label(name) { Ok(name) } else { Err(not_a_name(name)) }
}

/// The name of most other things.
pub(crate) fn subdomain(name: &str) -> Result<&str, ApiServerError> {
    if name.len() <= 253 && name.split('.').all(is_label) { Ok(name) } else { Err(not_a_name(name)) }
}

fn is_label(label: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty() && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
}

fn not_a_name(name: &str) -> ApiServerError {
    ApiServerError::Name(name.chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_place_in_a_path() {
        for name in ["", ".", "..", "a/b", "a%2fb", "a?b", "a#b", "A", "-a", "a-", "a b", "é", "a\nb", "a..b", &"a".repeat(254)]
        {
            assert!(subdomain(name).is_err() && label(name).is_err(), "{name}");
        }
        assert!(label("a.b").is_err() && label(&"a".repeat(64)).is_err());
        assert_eq!(label("kube-system").unwrap(), "kube-system");
        assert_eq!(subdomain("my.pull-secret.1").unwrap(), "my.pull-secret.1");
    }
}
