//! A browser that keeps its cookie, and what it is answered.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use axum::{Extension, Router};
use http::{HeaderMap, Request, StatusCode, header};
use tower::ServiceExt as _;
use wharfinger_transport::{Live, Peer};

pub const PASSWORD: &str = "correct horse battery";

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.text().contains(words), "should say {words:?}: {}", self.text());
        self
    }

    #[track_caller]
    pub fn hides(self, words: &str) -> Self {
        assert!(!self.text().contains(words), "should not say {words:?}: {}", self.text());
        self
    }

    /// 303, and where to.
    #[track_caller]
    pub fn leads_to(self) -> String {
        assert_eq!(self.status, 303, "{}", self.text());
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    /// The value of the hidden field of that name.
    #[track_caller]
    pub fn hidden(&self, name: &str) -> String {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}: {text}"));
        rest.split('"').next().unwrap().to_owned()
    }
}

/// Somebody's browser, at one console.
pub struct Browser {
    router: Router,
    live: Arc<Live>,
    host: &'static str,
    pub cookie: Option<String>,
    /// What it says of where a form comes from.
    pub says: Vec<(&'static str, &'static str)>,
    pub token: String,
}

impl Browser {
    pub fn at(router: &Router, live: &Arc<Live>, host: &'static str) -> Self {
        let says = vec![("sec-fetch-site", "same-origin")];
        Self { router: router.clone(), live: live.clone(), host, cookie: None, says, token: String::new() }
    }

    /// Signed in and led to the console's first page, with the token of a form at hand.
    pub async fn signed_in(mut self, name: &str) -> Self {
        let answer = self.post("/manage/login", &[("username", name), ("password", PASSWORD), ("next", "")]).await;
        self.cookie = Some(answer.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned());
        let home = answer.leads_to();
        self.token = self.get(&home).await.is(200).hidden("token");
        self
    }

    pub async fn send(&self, request: http::request::Builder, body: String) -> Answer {
        let (parts, body) = self.open(request, body).await.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    /// An answer whose body is still to be read.
    pub async fn open(&self, request: http::request::Builder, body: String) -> Response {
        let mut request = request.header(header::HOST, self.host);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, "theme=dark").header(header::COOKIE, cookie);
        }
        let address: SocketAddr = "192.0.2.1:40000".parse().unwrap();
        let peer = Peer::new(address, None, &self.live);
        let router = self.router.clone().layer(Extension(peer));
        router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    /// Exactly these fields.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in &self.says {
            request = request.header(*name, *value);
        }
        let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        self.send(request, pairs.join("&")).await
    }

    /// A form of ours: these fields with the token.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let all: Vec<(&str, &str)> = [("token", self.token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post(path, &all).await
    }
}
