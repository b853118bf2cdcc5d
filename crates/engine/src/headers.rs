//! Which headers cross the door, in either direction.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers of one connection, not of the message (RFC 9110 § 7.6.1). `Connection` names more of them.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// What the caller proved itself by is for this door only; what claims to say who is calling or where from is a claim.
const OURS: [&str; 11] = [
    "authorization",
    "cookie",
    "forwarded",
    "via",
    "expect",
    "host",
    "content-length",
    "origin",
    "referer",
    "proxy-connection",
    "x-real-ip",
];
const CLAIMS: [&str; 6] = ["x-forwarded-", "x-remote-", "x-ucp-", "x-wharfinger-", "impersonate-", "sec-fetch-"];

/// What the engine gets of a request's headers. Lengths are set anew, by what is really sent.
pub(crate) fn towards_engine(mut headers: HeaderMap) -> HeaderMap {
    strip_hop_by_hop(&mut headers);
    let claimed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| OURS.contains(&name.as_str()) || CLAIMS.iter().any(|claim| name.as_str().starts_with(claim)))
        .cloned()
        .collect();
    for name in claimed {
        headers.remove(name);
    }
    headers.insert(header::HOST, HeaderValue::from_static("docker"));
    headers
}

/// What the caller gets of an answer's headers.
pub(crate) fn towards_caller(mut headers: HeaderMap) -> HeaderMap {
    strip_hop_by_hop(&mut headers);
    headers.remove(header::SET_COOKIE);
    headers
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// The protocol a request wants to change to, if it says so in both places.
pub(crate) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let connection = headers.get_all(header::CONNECTION);
    let asks = connection
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    headers.get(header::UPGRADE).filter(|_| asks).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn credentials_for_the_door_and_claims_of_identity_stay_outside() {
        let passed = towards_engine(headers(&[
            ("authorization", "Bearer x"),
            ("cookie", "a=b"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-remote-user", "admin"),
            ("x-registry-auth", "e30="),
            ("x-registry-config", "e30="),
            ("x-docker-expose-session-uuid", "1"),
            ("content-type", "application/json"),
            ("connection", "keep-alive, x-secret-hop"),
            ("x-secret-hop", "1"),
            ("upgrade", "tcp"),
            ("host", "cluster.test"),
        ]));
        let mut names: Vec<&str> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "host", "x-docker-expose-session-uuid", "x-registry-auth", "x-registry-config"]);
        assert_eq!(passed["host"], "docker");
    }

    #[test]
    fn an_upgrade_is_wanted_only_when_both_headers_say_so() {
        assert!(wanted_upgrade(&headers(&[("connection", "Upgrade"), ("upgrade", "tcp")])).is_some());
        assert!(wanted_upgrade(&headers(&[("connection", "keep-alive, upgrade"), ("upgrade", "h2c")])).is_some());
        assert!(wanted_upgrade(&headers(&[("upgrade", "tcp")])).is_none());
        assert!(wanted_upgrade(&headers(&[("connection", "upgrade")])).is_none());
    }
}
