//! The commands that ask a cluster from anywhere, with a client bundle as `docker` uses it.

pub(crate) mod policy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::cli::{Bundle, ExplainArguments};

/// Why an image may or may not run, as `POST /api/trust/explain` answers it.
#[derive(Deserialize)]
struct Explained {
    image: String,
    verdict: String,
    code: String,
    message: String,
    remedy: String,
    enforced: bool,
    digest: Option<String>,
    signers: Vec<Signer>,
    elsewhere: Vec<String>,
    rule: Option<String>,
    at_least: usize,
    required: Vec<String>,
    missing: Vec<String>,
    withheld: bool,
    stale_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct Signer {
    name: String,
    key: String,
    user: Option<String>,
    teams: Vec<String>,
}

/// `explain IMAGE`: exit status 1 when the image may not run.
pub(crate) async fn explain(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    let question = serde_json::json!({ "image": arguments.image, "namespace": arguments.namespace }).to_string();
    let answer = ask(&arguments.bundle, "/api/trust/explain", "application/json", question).await?;
    let explained: Explained = serde_json::from_str(&answer).context("the cluster's answer cannot be understood")?;
    if arguments.json {
        println!("{}", answer.trim_end());
    } else {
        print!("{}", explained.text());
    }
    Ok(if explained.verdict == "deny" { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Explained {
    fn text(&self) -> String {
        let mut lines = vec![format!("{}: {} ({})", self.image, self.verdict, self.code)];
        lines.extend(self.message.lines().filter(|line| !line.is_empty()).map(|line| format!("  {line}")));
        let mut row = |name: &str, value: String| {
            if !value.is_empty() {
                lines.push(format!("  {name:<10}{value}"));
            }
        };
        row("digest", self.digest.clone().unwrap_or_default());
        row("by", self.rule.clone().unwrap_or_else(|| "require_signature_from".to_owned()));
        match self.required.len() {
            0 => row("required", "a signature that counts".to_owned()),
            all if all == self.at_least => row("required", self.required.join(", ")),
            _ => row("required", format!("{} of {}", self.at_least, self.required.join(", "))),
        }
        for signer in &self.signers {
            let user = signer.user.as_deref().unwrap_or("nobody of this cluster");
            let teams = if signer.teams.is_empty() { String::new() } else { format!(", for {}", signer.teams.join(", ")) };
            row("signed", format!("as {} by {user}{teams} (key {})", signer.name, signer.key));
        }
        row("elsewhere", self.elsewhere.join(", "));
        row("missing", self.missing.join(", "));
        row("to do", self.remedy.clone());
        if !self.enforced {
            row("note", "`Run only signed images` is off: it runs all the same".to_owned());
        }
        if let Some(seconds) = self.stale_seconds {
            row("note", format!("the registry does not answer; its trust data is {seconds} s old"));
        }
        if self.withheld {
            row("note", "what was found is shown to readers of the repository only".to_owned());
        }
        shown(&lines)
    }
}

/// Lines for a terminal: what a registry's data holds is not the terminal's to obey.
fn shown(lines: &[String]) -> String {
    lines.iter().map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>() + "\n").collect()
}

/// Posts `body` to the cluster of the bundle and answers the text of a good answer.
async fn ask(bundle: &Bundle, path: &str, kind: &'static str, body: String) -> anyhow::Result<String> {
    let origin = origin(bundle.cluster.as_deref())?;
    let folder =
        bundle.cert_path.as_deref().context("give --cert-path, or source the bundle's env.sh: it sets DOCKER_CERT_PATH")?;
    let request = client(folder)?.post(format!("{origin}{path}")).header(reqwest::header::CONTENT_TYPE, kind).body(body);
    let answer = request.send().await.with_context(|| format!("{origin} did not answer"))?;
    let status = answer.status();
    let text = answer.text().await.with_context(|| format!("{origin} broke off"))?;
    if !status.is_success() {
        bail!("{origin} answered {status}: {}", text.chars().filter(|c| !c.is_control()).take(1000).collect::<String>());
    }
    Ok(text)
}

/// Trusts the bundle's CA and no other, and shows the bundle's certificate.
fn client(folder: &Path) -> anyhow::Result<reqwest::Client> {
    let read = |name: &str| -> anyhow::Result<Vec<u8>> {
        let path: PathBuf = folder.join(name);
        std::fs::read(&path).with_context(|| format!("cannot read {}: give the folder of a client bundle", path.display()))
    };
    let roots = reqwest::Certificate::from_pem_bundle(&read("ca.pem")?).context("the bundle's ca.pem is no certificate")?;
    let mut identity = read("cert.pem")?;
    identity.push(b'\n');
    identity.extend(read("key.pem")?);
    let identity = reqwest::Identity::from_pem(&identity).context("the bundle's cert.pem and key.pem do not go together")?;
    let builder = reqwest::Client::builder().no_proxy().https_only(true).redirect(reqwest::redirect::Policy::none());
    let builder = builder.timeout(Duration::from_mins(1)).tls_certs_only(roots).identity(identity);
    builder.build().context("cannot make an HTTPS client")
}

/// `tcp://host:port`, as `DOCKER_HOST` has it, or `https://host:port`.
fn origin(cluster: Option<&str>) -> anyhow::Result<String> {
    let written = cluster.context("give --cluster, or source the bundle's env.sh: it sets DOCKER_HOST")?;
    let address = written.strip_prefix("tcp://").or_else(|| written.strip_prefix("https://")).unwrap_or(written);
    let host: wharfinger_oci::Host =
        address.trim_end_matches('/').parse().with_context(|| format!("`{written}` is no cluster"))?;
    Ok(format!("https://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_named_as_docker_names_it_and_never_asked_in_the_clear() {
        for written in ["tcp://localhost:8443", "https://localhost:8443/", "localhost:8443"] {
            assert_eq!(origin(Some(written)).unwrap(), "https://localhost:8443", "{written}");
        }
        for bad in ["unix:///var/run/docker.sock", "http://localhost:8443", "tcp://localhost:8443/x", ""] {
            assert!(origin(Some(bad)).is_err(), "{bad}");
        }
        assert!(origin(None).unwrap_err().to_string().contains("DOCKER_HOST"));
    }

    #[test]
    fn everything_that_was_found_is_said_and_nothing_reaches_the_terminal_raw() {
        let explained: Explained = serde_json::from_value(serde_json::json!({
            "image": "dtr.test/qa/app:1", "verdict": "deny", "code": "policy-not-met", "message": "one\n\ntwo",
            "remedy": "sign it", "enforced": false, "digest": "sha256:aa", "rule": "rule 1 (dtr.test/qa/*)", "at_least": 2,
            "signers": [{"name": "q\u{1b}[31m", "key": "00ff", "user": "quinn", "teams": ["org/qa"]},
                        {"name": "x", "key": "11", "user": null, "teams": []}],
            "elsewhere": ["targets/old"], "required": ["org/qa", "org/sec", "ann"], "missing": ["org/sec", "ann"], "withheld": false,
        }))
        .unwrap();
        let text = explained.text();
        assert_eq!(
            text,
            "dtr.test/qa/app:1: deny (policy-not-met)\n  one\n  two\n  digest    sha256:aa\n  by        rule 1 (dtr.test/qa/*)\n  \
             required  2 of org/qa, org/sec, ann\n  signed    as q[31m by quinn, for org/qa (key 00ff)\n  \
             signed    as x by nobody of this cluster (key 11)\n  elsewhere targets/old\n  missing   org/sec, ann\n  \
             to do     sign it\n  note      `Run only signed images` is off: it runs all the same\n"
        );
    }
}
