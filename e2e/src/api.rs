//! The HTTP interface, with the tool that the documents name: `curl`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::run::run;

/// Somebody in front of one origin, with the credentials they have.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    ca: Option<PathBuf>,
    credentials: Vec<String>,
    netns: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub asked: String,
    pub status: u16,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert!(self.status == status, "{} should answer {status}, not {}: {}", self.asked, self.status, self.body);
        self
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert!((200..300).contains(&self.status), "{} should succeed, not {}: {}", self.asked, self.status, self.body);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{} should answer JSON ({error}): {}", self.asked, self.body),
        }
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.body.contains(text), "{} should say {text:?}: {}", self.asked, self.body);
        self
    }
}

impl Api {
    /// Nobody yet, at `https://…`.
    pub fn at(base: &str) -> Self {
        Self { base: base.into(), ca: None, credentials: Vec::new(), netns: None }
    }

    /// Checks the server's certificate against this CA; without, nothing is checked.
    #[must_use]
    pub fn trusting(mut self, ca: &Path) -> Self {
        self.ca = Some(ca.into());
        self
    }

    #[must_use]
    pub fn behind(mut self, netns: &str) -> Self {
        self.netns = Some(netns.into());
        self
    }

    /// The same place as somebody who has no credentials.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { credentials: Vec::new(), ..self.clone() }
    }

    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        self.with(&["-H", &format!("Authorization: Bearer {token}")])
    }

    /// With the certificate of an unpacked client bundle.
    #[must_use]
    pub fn with_bundle(&self, bundle: &Path) -> Self {
        let file = |name: &str| bundle.join(name).display().to_string();
        self.with(&["--cert", &file("cert.pem"), "--key", &file("key.pem")])
    }

    #[must_use]
    pub fn with_password(&self, user: &str, password: &str) -> Self {
        self.with(&["-u", &format!("{user}:{password}")])
    }

    fn with(&self, credentials: &[&str]) -> Self {
        let credentials = credentials.iter().map(|&c| c.into()).collect();
        Self { credentials, ..self.clone() }
    }

    /// The same place in a password session of `user`.
    #[track_caller]
    pub fn login(&self, user: &str, password: &str) -> Self {
        let asked = serde_json::json!({"username": user, "password": password});
        let answer = self.anonymous().post("/auth/login", &asked).is(200).json();
        let token = answer.get("auth_token").and_then(Value::as_str);
        self.with_token(token.unwrap_or_default())
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(("application/json", &body.to_string())))
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, Some(("application/json", &body.to_string())))
    }

    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, Some(("application/json", &body.to_string())))
    }

    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<(&str, &str)>) -> Answer {
        match self.try_call(method, path, body) {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {}{path}: {error:#}", self.base),
        }
    }

    /// As [`Api::call`], for a server that may not answer at all.
    pub fn try_call(&self, method: &str, path: &str, body: Option<(&str, &str)>) -> Result<Answer> {
        let mut command = self.curl();
        command.args(["-X", method, "-w", "\n%{http_code}"]);
        if let Some((content_type, body)) = body {
            command.args(["-H", &format!("Content-Type: {content_type}"), "--data-binary", body]);
        }
        command.arg(format!("{}{path}", self.base));
        let ran = run(command)?;
        anyhow::ensure!(ran.status == 0, "{ran}");
        let (body, status) = ran.stdout.rsplit_once('\n').context("curl prints the status")?;
        Ok(Answer { asked: format!("{method} {}{path}", self.base), status: status.parse()?, body: body.to_owned() })
    }

    /// Saves what a path answers: a client bundle, a CA.
    #[track_caller]
    pub fn download(&self, method: &str, path: &str, to: &Path) {
        let mut command = self.curl();
        command.args(["-f", "-X", method, "-o"]).arg(to);
        command.arg(format!("{}{path}", self.base));
        match run(command) {
            Ok(ran) => drop(ran.ok()),
            Err(error) => panic!("{method} {}{path}: {error:#}", self.base),
        }
    }

    fn curl(&self) -> Command {
        let mut command = match &self.netns {
            None => Command::new("curl"),
            Some(netns) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", netns, "curl"]);
                command
            }
        };
        command.args(["-sS", "--max-time", "60"]).args(&self.credentials);
        match &self.ca {
            Some(ca) => command.arg("--cacert").arg(ca),
            None => command.arg("-k"),
        };
        command
    }
}
