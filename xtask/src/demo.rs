//! The whole story of signed images, walked in the terminal for real.
//!
//! The chapters are the files of `docs/story`; this is the stage: an engine, the people, the names that the
//! chapters use. Everything lies in one temporary folder that goes away at the end.

mod stage;
mod walk;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use wharfinger_e2e::{asked_to_stop, until};

use crate::terminal::{bold, cyan, dim, yellow};
use crate::{cargo, packages};

use stage::Stage;
use walk::Walked;

/// `--engine none`: the story as it goes on a machine that cannot have an engine.
const NO_ENGINE: &str = "none";

/// What the person asked for.
#[derive(Debug, Default)]
pub struct Options {
    pub image: Option<String>,
    pub engine: Option<String>,
    pub exit: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || match arguments.next() {
                Some(value) => Ok(Some(value.clone())),
                None => bail!("{argument} needs a value"),
            };
            match argument.as_str() {
                "--image" => options.image = value()?,
                "--engine" => options.engine = value()?,
                "--exit" => options.exit = true,
                other => bail!("{other} means nothing to `cargo xtask demo [--image IMG] [--engine HOST] [--exit]`"),
            }
        }
        Ok(options)
    }
}

pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let installed = packages::ensure_installed(packages::DEMO);
    if let Err(error) = &installed {
        println!("{}", yellow(&format!("{error:#}")));
    }
    if std::env::var_os("WHARFINGER_BIN").is_none() {
        // Not `--package`: that would choose other features of what the whole workspace is built with, and build it anew.
        cargo(&["build", "--quiet", "--bin", "wharfinger"])?;
    }

    let mut stage = Stage::set(&options)?;
    let walked = walk::story(&mut stage)?;
    match walked {
        Walked::Stopped => println!("\n{}", yellow("stopped")),
        Walked::Failed => println!("\n{}", dim("What was started is stopped and removed now.")),
        Walked::Whole | Walked::WithoutEngine | Walked::WithoutSwarm => {
            if !options.exit {
                leave_running(&stage);
            }
        }
    }
    drop(stage);
    let code = match walked {
        Walked::Whole => {
            println!("\n{}", bold("Every step did what it says."));
            0
        }
        Walked::WithoutEngine => {
            println!("\nNOT RUN: deploy (no Docker Engine: needs root and Debian's docker.io, or --engine HOST)");
            3
        }
        Walked::WithoutSwarm => {
            println!("\nNOT RUN: services (the engine is no Swarm manager: `docker swarm init` makes it one)");
            3
        }
        Walked::Failed | Walked::Stopped => 1,
    };
    Ok(ExitCode::from(code))
}

fn leave_running(stage: &Stage) {
    println!("\n{}\n", bold("All of it goes on running."));
    for (what, value) in stage.doors() {
        println!("  {what:<22} {}", cyan(&value));
    }
    println!("\n{}", dim("Ctrl-C stops it and removes everything."));
    until(Duration::MAX, asked_to_stop);
}
