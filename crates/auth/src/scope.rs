//! Scopes as docker's clients write them: `repository:qa/app:pull,push`, `repository:dtr.test:5400/qa/app:pull`, `registry:catalog:*`.

use wharfinger_oci::Repository;

use crate::tokens::Access;

/// More in one request are nobody's honest wish.
const MOST: usize = 64;

/// Every scope of a request: the parameter may be repeated, and each may hold several between spaces. What does not parse is
/// asked of nobody and granted to nobody.
pub(crate) fn parse_all(scopes: &[String]) -> Vec<Access> {
    scopes.iter().flat_map(|scope| scope.split_ascii_whitespace()).take(MOST).filter_map(parse).collect()
}

/// Split at the first and the *last* colon: the name may hold a port.
fn parse(scope: &str) -> Option<Access> {
    let (typ, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    if typ.is_empty() || name.is_empty() {
        return None;
    }
    let mut distinct = Vec::new();
    for action in actions.split(',').filter(|action| !action.is_empty()) {
        if !distinct.iter().any(|known| known == action) {
            distinct.push(action.to_owned());
        }
    }
    Some(Access { typ: typ.to_owned(), name: name.to_owned(), actions: distinct })
}

/// The repository a scope's name means: the engine says `qa/app`, docker trust `host:port/qa/app` for the same one.
///
/// A first component that can only be a host (it holds `.`, `:` or a capital, or is our own) is taken off. So a repository whose
/// path begins with such a component has no scope at all, and nobody has a permission on it.
pub(crate) fn repository(name: &str, public_host: &str) -> Option<Repository> {
    let path = match name.split_once('/') {
        Some((first, rest)) if is_host(first, public_host) => rest,
        _ => name,
    };
    path.parse().ok()
}

fn is_host(first: &str, public_host: &str) -> bool {
    first.eq_ignore_ascii_case(public_host) || first.bytes().any(|byte| matches!(byte, b'.' | b':') || byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_split_at_the_first_and_the_last_colon() {
        let asked =
            ["repository:dtr.test:5400/qa/app:pull,push repository:qa/app:pull".to_owned(), "registry:catalog:*".to_owned()];
        let scopes = parse_all(&asked);
        let names: Vec<&str> = scopes.iter().map(|scope| scope.name.as_str()).collect();
        assert_eq!(names, ["dtr.test:5400/qa/app", "qa/app", "catalog"]);
        assert_eq!(scopes[0].actions, ["pull", "push"]);
        assert_eq!(scopes[2].typ, "registry");
    }

    #[test]
    fn a_scope_that_does_not_parse_asks_for_nothing() {
        for bad in ["", "repository", "repository:qa", "::", ":a:pull", "repository::pull"] {
            assert_eq!(parse_all(&[bad.to_owned()]), [], "{bad}");
        }
        assert_eq!(parse_all(&["repository:a/b:pull ".repeat(1000)]).len(), MOST);
    }

    #[test]
    fn a_name_with_and_without_host_is_one_repository() {
        for (name, path) in [
            ("qa/app", Some("qa/app")),
            ("localhost:5443/qa/app", Some("qa/app")),
            ("dtr.test/qa/app", Some("qa/app")),
            ("DTR/qa/app", Some("qa/app")),
            ("dtr.test:443/a/b/c", Some("a/b/c")),
            ("app", Some("app")),
            // Never the path `dtr.test/qa/app` of some other registry.
            ("localhost:5443/dtr.test/qa/app", Some("dtr.test/qa/app")),
            ("qa/APP", None),
            ("qa/../app", None),
            ("dtr.test/", None),
        ] {
            assert_eq!(repository(name, "localhost:5443").as_ref().map(Repository::as_str), path, "{name}");
        }
    }
}
