//! The chain from an image over the policy to the keys, as boxes and lines: what was required, found and missing.

use wharfinger_gate::Explanation;
use wharfinger_policy::Signers;

use crate::words::short;

const HEIGHT: usize = 56;
const STEP: usize = HEIGHT + 16;
const TOP: usize = 36;
/// Letters that fit into a box, of its first and its second line.
const FIT: (usize, usize) = (25, 29);
/// Left edge and width of image, policy, requirements and keys.
const COLUMNS: [(usize, usize); 4] = [(0, 220), (260, 220), (520, 220), (780, 220)];

/// One box: two lines of text, the whole text for who points at it.
pub(crate) struct Node {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) class: &'static str,
    pub(crate) first: String,
    pub(crate) second: String,
    pub(crate) title: String,
}

pub(crate) struct Edge {
    pub(crate) path: String,
    pub(crate) class: &'static str,
}

/// The whole drawing.
pub(crate) struct Chain {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
    /// The same in words, for whoever does not see it.
    pub(crate) words: String,
}

impl Chain {
    /// `signers`: what is enough where nobody in particular is required.
    pub(crate) fn of(explanation: &Explanation, signers: Signers) -> Self {
        let required = requirements(explanation, signers);
        let rows = required.len().max(explanation.signers.len()).max(1);
        let mut chain =
            Self { width: 1002, height: TOP + rows * STEP - 14, nodes: Vec::new(), edges: Vec::new(), words: String::new() };
        let digest =
            explanation.digest.as_deref().map_or("no signed digest".to_owned(), |digest| format!("signed: {}", short(digest)));
        chain.put(0, 0, rows, "", &explanation.image, &digest);
        let policy = explanation.rule.clone().unwrap_or_else(|| "Run only signed images".to_owned());
        let asks = match (explanation.required.len(), explanation.at_least) {
            (0, _) => "one signature".to_owned(),
            (1, _) => "one signer".to_owned(),
            (2, 2) => "both have to sign".to_owned(),
            (all, least) if all == least => format!("all {all} have to sign"),
            (all, least) => format!("{least} of {all} have to sign"),
        };
        chain.put(1, 0, rows, if explanation.enforced { "" } else { "off" }, &policy, &asks);
        chain.join((0, 0, 1), (1, 0, 1), rows, "");
        for (row, requirement) in required.iter().enumerate() {
            let (class, state) = if requirement.met { ("good", "signed") } else { ("bad", requirement.open) };
            chain.put(2, row, rows, class, &requirement.name, state);
            chain.join((1, 0, 1), (2, row, required.len()), rows, class);
        }
        for (row, signer) in explanation.signers.iter().enumerate() {
            let counts = required.iter().any(|requirement| requirement.by.contains(&row));
            let user = signer.user.as_deref().map_or("key of nobody here".to_owned(), |user| format!("key of {user}"));
            let class = if counts { "good" } else { "" };
            chain.put(3, row, rows, class, &user, &format!("{} · {}", signer.name, short(&signer.key)));
            for (which, _) in required.iter().enumerate().filter(|(_, requirement)| requirement.by.contains(&row)) {
                chain.join((2, which, required.len()), (3, row, explanation.signers.len()), rows, "good");
            }
        }
        let said = required.iter().map(|one| format!("{}: {}", one.name, if one.met { "signed" } else { one.open }));
        chain.words =
            format!("{policy}, {asks}. {}. Keys found: {}.", said.collect::<Vec<_>>().join("; "), explanation.signers.len());
        chain
    }

    fn put(&mut self, column: usize, row: usize, rows: usize, class: &'static str, first: &str, second: &str) {
        let Some(&(x, width)) = COLUMNS.get(column) else { return };
        let y = if column < 2 { middle(rows) } else { TOP + row * STEP };
        let (title, first, second) = (format!("{first}\n{second}"), fitted(first, FIT.0), fitted(second, FIT.1));
        self.nodes.push(Node { x, y, width, class, first, second, title });
    }

    /// A line between two boxes, each as column, row, and how many rows its column has.
    fn join(&mut self, from: (usize, usize, usize), to: (usize, usize, usize), rows: usize, class: &'static str) {
        let (Some(&(left, width)), Some(&(right, _))) = (COLUMNS.get(from.0), COLUMNS.get(to.0)) else { return };
        let height =
            |(column, row, _): (usize, usize, usize)| HEIGHT / 2 + if column < 2 { middle(rows) } else { TOP + row * STEP };
        let (start, begin, end) = (left + width, height(from), height(to));
        let bend = usize::midpoint(start, right);
        self.edges.push(Edge { path: format!("M{start} {begin}C{bend} {begin} {bend} {end} {right} {end}"), class });
    }
}

/// Where the single box of a column stands.
fn middle(rows: usize) -> usize {
    TOP + (rows.saturating_sub(1)) * STEP / 2
}

fn fitted(text: &str, fit: usize) -> String {
    if text.chars().count() <= fit {
        return text.to_owned();
    }
    // The end of an image's name tells more than its host.
    let tail: String = text.chars().rev().take(fit - 1).collect();
    format!("…{}", tail.chars().rev().collect::<String>())
}

struct Required {
    name: String,
    met: bool,
    /// What it is when it is not met.
    open: &'static str,
    /// Which signers stand for it.
    by: Vec<usize>,
}

fn requirements(explanation: &Explanation, signers: Signers) -> Vec<Required> {
    let found = |counts: &dyn Fn(&wharfinger_gate::ExplainedSigner) -> bool| -> Vec<usize> {
        explanation.signers.iter().enumerate().filter(|(_, signer)| counts(signer)).map(|(place, _)| place).collect()
    };
    if explanation.required.is_empty() {
        let (name, by) = match signers {
            Signers::Any => ("anyone", found(&|_| true)),
            Signers::Cluster => ("a user of this cluster", found(&|signer| signer.user.is_some())),
        };
        let open = if explanation.withheld { "not shown to you" } else { "nobody has signed" };
        return vec![Required { name: name.to_owned(), met: !by.is_empty(), open, by }];
    }
    let required = explanation.required.iter().map(|name| {
        let by = found(&|signer| signer.teams.contains(name) || signer.user.as_ref() == Some(name));
        let missing = explanation.missing.contains(name);
        let open = match (explanation.withheld, missing) {
            (true, _) => "not shown to you",
            (false, true) => "missing",
            (false, false) => "not needed",
        };
        Required { name: name.clone(), met: !by.is_empty() && !missing, open, by }
    });
    required.collect()
}

#[cfg(test)]
mod tests {
    use wharfinger_gate::ExplainedSigner;

    use super::*;

    fn explanation(required: &[&str], missing: &[&str], signers: &[(&str, &[&str])]) -> Explanation {
        let all = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let signer = |(user, teams): &(&str, &[&str])| ExplainedSigner {
            name: "signer".to_owned(),
            key: "0123456789abcdef".to_owned(),
            user: Some((*user).to_owned()).filter(|user| !user.is_empty()),
            teams: all(teams),
        };
        Explanation {
            image: "dtr.test/acme/application-with-a-long-name:1".to_owned(),
            verdict: "deny",
            code: "policy-not-met",
            message: String::new(),
            remedy: String::new(),
            enforced: true,
            digest: None,
            signers: signers.iter().map(signer).collect(),
            elsewhere: Vec::new(),
            rule: None,
            at_least: required.len(),
            required: all(required),
            missing: all(missing),
            stale_seconds: None,
            withheld: false,
        }
    }

    fn classes(chain: &Chain, column: usize) -> Vec<&'static str> {
        chain.nodes.iter().filter(|node| node.x == COLUMNS[column].0).map(|node| node.class).collect()
    }

    #[test]
    fn what_is_required_is_drawn_as_signed_or_missing_and_joined_to_the_keys_that_count() {
        let signers: [(&str, &[&str]); 2] = [("quinn", &["acme/qa"]), ("", &[])];
        let chain = Chain::of(&explanation(&["acme/qa", "acme/dev"], &["acme/dev"], &signers), Signers::Any);
        assert_eq!(classes(&chain, 2), ["good", "bad"]);
        assert_eq!(classes(&chain, 3), ["good", ""], "a key of nobody counts for no team");
        assert_eq!(chain.edges.len(), 1 + 2 + 1);
        assert!(chain.words.contains("acme/qa: signed; acme/dev: missing"), "{}", chain.words);
        assert!(chain.nodes[0].first.starts_with('…') && chain.nodes[0].title.starts_with("dtr.test/"));
    }

    #[test]
    fn without_teams_the_choice_between_anyone_and_this_cluster_decides() {
        let by_a_stranger: [(&str, &[&str]); 1] = [("", &[])];
        assert_eq!(classes(&Chain::of(&explanation(&[], &[], &by_a_stranger), Signers::Any), 2), ["good"]);
        assert_eq!(classes(&Chain::of(&explanation(&[], &[], &by_a_stranger), Signers::Cluster), 2), ["bad"]);
    }
}
