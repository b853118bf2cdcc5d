//! Pages of elsewhere. A browser shows its client certificate, cookies and remembered passwords to whatever host a page makes
//! it call; the engine's own clients and curl say neither `Origin` nor `Sec-Fetch-Site`.

use http::{HeaderMap, Uri, header, request::Parts};

/// Whether a browser sent this on behalf of a page of another origin.
pub fn is_cross_site(parts: &Parts) -> bool {
    from_elsewhere(&parts.headers, &parts.uri)
}

fn from_elsewhere(headers: &HeaderMap, uri: &Uri) -> bool {
    if let Some(site) = headers.get("sec-fetch-site")
        && !matches!(site.as_bytes(), b"same-origin" | b"none")
    {
        return true;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let page = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    // HTTP/2 names the host in `:authority`.
    let authority = uri.authority().map(http::uri::Authority::as_str);
    let asked = authority.or(headers.get(header::HOST).and_then(|host| host.to_str().ok()));
    page.is_none() || page != asked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().uri("/containers/json").header(header::HOST, "cluster.test:8443");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_page_of_elsewhere_cannot_use_a_browsers_certificate() {
        assert!(!is_cross_site(&request(&[])));
        assert!(!is_cross_site(&request(&[("origin", "https://cluster.test:8443")])));
        assert!(is_cross_site(&request(&[("origin", "https://evil.test")])));
        assert!(is_cross_site(&request(&[("origin", "null")])));
        for (site, elsewhere) in [("cross-site", true), ("same-site", true), ("same-origin", false), ("none", false)] {
            assert_eq!(is_cross_site(&request(&[("sec-fetch-site", site)])), elsewhere, "{site}");
        }
    }
}
