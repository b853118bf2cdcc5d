//! `policy diff NEW.toml`: what a new configuration would do to what runs.

use std::process::ExitCode;

use anyhow::Context as _;
use serde::Deserialize;

use super::{ask, shown};
use crate::cli::DiffArguments;

/// The answer of `POST /api/trust/diff`.
#[derive(Deserialize)]
struct Difference {
    workloads: Vec<Compared>,
    refused: usize,
    allowed: usize,
    /// Why not all that runs was looked at.
    #[serde(default)]
    unseen: Vec<String>,
}

#[derive(Deserialize)]
struct Compared {
    kind: String,
    /// Of Kubernetes.
    namespace: Option<String>,
    name: String,
    #[serde(default)]
    parts: Vec<String>,
    pods: Option<usize>,
    image: String,
    runs: Option<String>,
    #[serde(default = "yes")]
    started: bool,
    now: Foreseen,
    new: Foreseen,
}

#[derive(Deserialize)]
struct Foreseen {
    verdict: String,
    code: String,
    message: String,
    remedy: String,
}

/// Exit status 1 when something that passes now would be refused; 2 when nothing was found, but not all that runs could be looked at.
pub(crate) async fn diff(arguments: &DiffArguments) -> anyhow::Result<ExitCode> {
    let file = arguments.file.display();
    let text = std::fs::read_to_string(&arguments.file).with_context(|| format!("cannot read {file}"))?;
    let answer = ask(&arguments.bundle, "/api/trust/diff", "text/plain", text).await?;
    let difference: Difference = serde_json::from_str(&answer).context("the cluster's answer cannot be understood")?;
    if arguments.json {
        println!("{}", answer.trim_end());
    } else {
        print!("{}", difference.text());
    }
    Ok(match (difference.refused, difference.unseen.len()) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    })
}

impl Difference {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for Compared { kind, namespace, name, parts, pods, image, runs, started, now, new } in &self.workloads {
            let name = namespace.as_ref().map_or(name.clone(), |namespace| format!("{namespace}/{name}"));
            lines.push(format!("{kind} {name}: {} ({}) → {} ({})", now.verdict, now.code, new.verdict, new.code));
            if let Some(pods) = pods {
                lines.push(format!("  pods      {pods} ({})", parts.join(", ")));
            }
            lines.push(format!("  image     {image}"));
            match runs {
                Some(runs) if runs != image => lines.push(format!("  runs      {runs}")),
                Some(_) => {}
                None if !started => lines.push("  runs      nothing yet: no node has started it".to_owned()),
                None => lines.push("  runs      what exactly cannot be told".to_owned()),
            }
            if new.verdict != "allow" {
                // The sentence says it once for the engine's clients and once for people.
                lines.extend(new.message.lines().next().map(|line| format!("  reason    {line}")));
                lines.push(format!("  to do     {}", new.remedy));
            }
        }
        let rest = self.workloads.len().saturating_sub(self.refused + self.allowed);
        lines.push(format!(
            "{} workloads run: {} would be refused, {} would pass that are refused now, {rest} stay as they are",
            self.workloads.len(),
            self.refused,
            self.allowed
        ));
        lines.extend(self.unseen.iter().map(|why| format!("not looked at: {why}")));
        shown(&lines)
    }
}

/// From a cluster that does not say.
fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_workload_says_what_it_runs_and_what_would_become_of_it() {
        let foreseen = |verdict: &str, code: &str, remedy: &str| serde_json::json!({ "verdict": verdict, "code": code, "message": "one\n\ntwo", "remedy": remedy });
        let difference: Difference = serde_json::from_value(serde_json::json!({
            "workloads": [
                { "kind": "service", "name": "web\u{1b}[2J", "image": "dtr.test/qa/app:1", "runs": "dtr.test/qa/app:1@sha256:aa",
                  "now": foreseen("allow", "off", ""), "new": foreseen("deny", "other-digest", "sign it") },
                { "kind": "container", "name": "db", "image": "dtr.test/qa/db@sha256:bb", "runs": "dtr.test/qa/db@sha256:bb",
                  "now": foreseen("allow", "off", ""), "new": foreseen("allow", "signed", "") },
                { "kind": "Deployment", "namespace": "shop", "name": "web", "parts": ["container app", "init container wait"], "pods": 3,
                  "image": "dtr.test/qa/web:1", "runs": null, "started": false,
                  "now": foreseen("allow", "off", ""), "new": foreseen("allow", "signed", "") },
                { "kind": "service", "name": "far", "image": "dtr.test/qa/far:1", "runs": null,
                  "now": foreseen("deny", "no-trust-data", "x"), "new": foreseen("allow", "exempt", "") },
            ],
            "refused": 1, "allowed": 1, "unseen": ["the engine is away"],
        }))
        .unwrap();
        assert_eq!(
            difference.text(),
            "service web[2J: allow (off) → deny (other-digest)\n  image     dtr.test/qa/app:1\n  runs      dtr.test/qa/app:1@sha256:aa\n  \
             reason    one\n  to do     sign it\ncontainer db: allow (off) → allow (signed)\n  image     dtr.test/qa/db@sha256:bb\n\
             Deployment shop/web: allow (off) → allow (signed)\n  pods      3 (container app, init container wait)\n  image     \
             dtr.test/qa/web:1\n  runs      nothing yet: no node has started it\nservice far: deny (no-trust-data) → allow (exempt)\n  \
             image     dtr.test/qa/far:1\n  runs      what exactly cannot be told\n4 workloads run: 1 would be refused, 1 would pass that are refused now, 2 stay as they are\nnot looked at: the engine is \
             away\n"
        );
    }
}
