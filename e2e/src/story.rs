//! A story a person can read and a machine can walk.
//!
//! A chapter is a Markdown file. Its text is the *why*; its `console` blocks are what is typed and what comes back:
//!
//! ````markdown
//! ```console developer
//! $ docker push $REGISTRY/qa/app:1
//! 1: digest: sha256:…
//! ```
//! ````
//!
//! `$ ` begins a command (a line that ends in `\` goes on). The lines under it must come back in this order, with
//! anything between them; `…` inside a line stands for any text. `[exit 1]` is the status when it is not 0,
//! `[nothing]` that nothing at all is said. A command that ends in `&` serves until the end of the story; its first
//! line must come. After `console` stands who types; `needs=engine` or `needs=swarm` leaves the block out when
//! there is none.

use anyhow::{Result, bail, ensure};

use crate::run::Ran;

/// One piece of a chapter, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Heading(String),
    Text(String),
    Scene(Block),
}

/// What a block cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    Nothing,
    Engine,
    Swarm,
}

/// What one person types without a break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub who: String,
    pub needs: Needs,
    pub steps: Vec<Step>,
}

/// One command and what it must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub command: String,
    pub expected: Vec<String>,
    pub nothing: bool,
    pub exit: i32,
}

/// Reads a chapter.
pub fn parse(markdown: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut text: Vec<&str> = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix('#') {
            end_text(&mut text, &mut pieces);
            pieces.push(Piece::Heading(title.trim_start_matches('#').trim().to_owned()));
        } else if let Some(info) = line.strip_prefix("```console") {
            end_text(&mut text, &mut pieces);
            let inside = lines.by_ref().take_while(|line| *line != "```");
            pieces.push(Piece::Scene(block(info, inside)?));
        } else if line.trim().is_empty() {
            end_text(&mut text, &mut pieces);
        } else {
            text.push(line.trim_end());
        }
    }
    end_text(&mut text, &mut pieces);
    Ok(pieces)
}

fn end_text(text: &mut Vec<&str>, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.join("\n")));
        text.clear();
    }
}

fn block<'a>(info: &str, lines: impl Iterator<Item = &'a str>) -> Result<Block> {
    let mut words = info.split_whitespace();
    let Some(who) = words.next() else {
        bail!("```console must say who types");
    };
    let mut block = Block { who: who.to_owned(), needs: Needs::Nothing, steps: Vec::new() };
    for word in words {
        match word {
            "needs=engine" => block.needs = Needs::Engine,
            "needs=swarm" => block.needs = Needs::Swarm,
            other => bail!("```console {who}: {other:?} means nothing here"),
        }
    }
    let mut goes_on = false;
    for line in lines {
        if goes_on {
            let Some(step) = block.steps.last_mut() else { continue };
            step.command.push('\n');
            step.command.push_str(line);
            goes_on = line.ends_with('\\');
        } else if let Some(command) = line.strip_prefix("$ ") {
            block.steps.push(Step { command: command.to_owned(), expected: Vec::new(), nothing: false, exit: 0 });
            goes_on = command.ends_with('\\');
        } else if let Some(step) = block.steps.last_mut() {
            step.expect(line)?;
        } else {
            bail!("```console {who}: {line:?} comes before any command");
        }
    }
    Ok(block)
}

impl Step {
    fn expect(&mut self, line: &str) -> Result<()> {
        if line == "[nothing]" {
            self.nothing = true;
        } else if let Some(status) = line.strip_prefix("[exit ").and_then(|l| l.strip_suffix(']')) {
            self.exit = status.parse()?;
        } else if !line.trim().is_empty() {
            self.expected.push(line.trim_end().to_owned());
        }
        Ok(())
    }

    /// The command of a service, which goes on while the story does.
    pub fn serves(&self) -> Option<&str> {
        self.command.strip_suffix(" &")
    }

    /// Whether what happened is what the story says.
    pub fn holds(&self, ran: &Ran, names: &[(String, String)]) -> Result<()> {
        ensure!(ran.status == self.exit, "should end with status {}, not {}", self.exit, ran.status);
        ensure!(!self.nothing || ran.output.trim().is_empty(), "should say nothing");
        let mut lines = ran.output.lines();
        for wanted in &self.expected {
            let filled = fill(wanted, names);
            ensure!(lines.any(|line| matches(&filled, line)), "should say: {filled}");
        }
        Ok(())
    }
}

/// Puts the values of `$NAMES` in, as the shell does for commands; a longer name goes before its beginning.
pub fn fill(line: &str, names: &[(String, String)]) -> String {
    let mut names: Vec<_> = names.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names.iter().fold(line.to_owned(), |line, (name, value)| line.replace(&format!("${name}"), value))
}

/// `pattern` with `…` for any text, anywhere in `line`.
fn matches(pattern: &str, line: &str) -> bool {
    let mut rest = line;
    pattern.split('…').map(str::trim).all(|part| match rest.find(part) {
        Some(at) => {
            rest = rest.get(at + part.len()..).unwrap_or_default();
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const CHAPTER: &str = "# Push\n\nA developer\npushes.\n\n```console dev needs=engine\n$ docker push \\\n    $REGISTRY/a:1\n1: digest: sha256:…\n$ false\n[nothing]\n[exit 1]\n```\n";

    fn ran(status: i32, output: &str) -> Ran {
        Ran {
            command: String::new(),
            status,
            stdout: String::new(),
            stderr: String::new(),
            output: output.into(),
            took: Duration::ZERO,
        }
    }

    fn steps() -> Vec<Step> {
        let pieces = parse(CHAPTER).unwrap();
        match pieces.into_iter().next_back() {
            Some(Piece::Scene(block)) => block.steps,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_chapter_is_text_and_what_people_type() {
        let pieces = parse(CHAPTER).unwrap();
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces[1], Piece::Text("A developer\npushes.".into()));
        let Piece::Scene(block) = &pieces[2] else { panic!() };
        assert!(block.needs == Needs::Engine && block.who == "dev");
        assert_eq!(block.steps[0].command, "docker push \\\n    $REGISTRY/a:1");
        assert_eq!(block.steps[1].exit, 1);
    }

    #[test]
    fn a_step_holds_only_when_its_lines_come_in_order() {
        let names = [];
        let push = &steps()[0];
        assert!(push.holds(&ran(0, "pushing\n1: digest: sha256:ab size: 2"), &names).is_ok());
        assert!(push.holds(&ran(0, "pushing"), &names).is_err());
        assert!(push.holds(&ran(1, "1: digest: sha256:ab"), &names).is_err());
    }

    #[test]
    fn nothing_means_nothing() {
        let fails = &steps()[1];
        assert!(fails.holds(&ran(1, "\n"), &[]).is_ok());
        assert!(fails.holds(&ran(1, "oops"), &[]).is_err());
    }

    #[test]
    fn a_longer_name_is_not_taken_for_its_beginning() {
        let names = [("A".into(), "1".into()), ("AB".into(), "2".into())];
        assert_eq!(fill("$AB $A", &names), "2 1");
    }

    #[test]
    fn a_block_without_a_person_is_refused() {
        assert!(parse("```console\n$ true\n```").is_err());
        assert!(parse("```console dev sometimes\n$ true\n```").is_err());
    }
}
