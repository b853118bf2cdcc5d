//! Walks the chapters: shows what is typed, types it, shows what came back, and checks that it is what the story says.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use wharfinger_e2e::asked_to_stop;
use wharfinger_e2e::story::{self, Block, Needs, Piece, Step};

use crate::terminal::{bold, cyan, dim, green, red, waiting, yellow};

use super::stage::Stage;

/// How the walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walked {
    Whole,
    WithoutSwarm,
    WithoutEngine,
    Failed,
    Stopped,
}

/// Values that the terminal shows by name only.
const UNSHOWN: [&str; 1] = ["PASSWORD"];

/// Lines of an answer that are shown; the rest is counted.
const SHOWN_LINES: usize = 14;

/// Walks all chapters, or up to the first step that does not do what it says.
pub fn story(stage: &mut Stage) -> Result<Walked> {
    for chapter in chapters()? {
        let text = fs::read_to_string(&chapter).with_context(|| format!("reading {}", chapter.display()))?;
        let pieces = story::parse(&text).with_context(|| format!("in {}", chapter.display()))?;
        for piece in pieces {
            if asked_to_stop() {
                return Ok(Walked::Stopped);
            }
            match piece {
                Piece::Heading(title) => println!("\n{}\n", bold(&format!("══ {title}"))),
                Piece::Text(text) => println!("{text}\n"),
                Piece::Scene(block) => {
                    if !act(stage, &block)? {
                        return Ok(if asked_to_stop() { Walked::Stopped } else { Walked::Failed });
                    }
                }
            }
        }
    }
    Ok(match stage.has() {
        Needs::Nothing => Walked::WithoutEngine,
        Needs::Engine => Walked::WithoutSwarm,
        Needs::Swarm => Walked::Whole,
    })
}

fn chapters() -> Result<Vec<PathBuf>> {
    let folder = crate::root().join("docs/story");
    let mut chapters = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "md") {
            chapters.push(path);
        }
    }
    chapters.sort();
    Ok(chapters)
}

/// Plays one block; false when a step did not do what it says.
fn act(stage: &mut Stage, block: &Block) -> Result<bool> {
    if block.needs > stage.has() {
        println!("{}\n", yellow(&format!("  (not run: {} needs an engine here)", block.who)));
        return Ok(true);
    }
    for step in &block.steps {
        let shown: Vec<_> = stage.names.iter().filter(|(name, _)| !UNSHOWN.contains(&name.as_str())).cloned().collect();
        println!("{} {}", green(&format!("{}$", block.who)), bold(&story::fill(&step.command, &shown)));
        if !take(stage, block, step)? {
            return Ok(false);
        }
    }
    println!();
    Ok(true)
}

/// A line of JSON would fill the screen; whoever looks for a failure sees all of it.
fn shortened(line: &str, held: bool) -> String {
    const WIDTH: usize = 150;
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) if held => format!("{} …", line.get(..end).unwrap_or(line)),
        _ => line.to_owned(),
    }
}

fn take(stage: &mut Stage, block: &Block, step: &Step) -> Result<bool> {
    let person = stage.person(&block.who)?.clone();
    let ran = match step.serves() {
        Some(line) => waiting("starting", || person.starts(line)).map(|(service, ran)| {
            stage.services.push(service);
            ran
        }),
        None => waiting("running", || person.try_sh(&step.command)),
    };
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => {
            println!("{}", red(&format!("  ✗ {error:#}")));
            return Ok(false);
        }
    };
    let held = step.holds(&ran, &stage.names);
    let lines: Vec<&str> = ran.output.lines().collect();
    let shown = if held.is_ok() { SHOWN_LINES } else { usize::MAX };
    for line in lines.iter().take(shown) {
        println!("  {}", cyan(&shortened(line, held.is_ok())));
    }
    if lines.len() > shown {
        println!("  {}", dim(&format!("… and {} more lines", lines.len() - shown)));
    }
    if ran.status != 0 {
        println!("  {}", dim(&format!("(exit status {})", ran.status)));
    }
    if let Err(why) = &held {
        println!("{}", red(&format!("  ✗ {why}")));
    }
    Ok(held.is_ok())
}
