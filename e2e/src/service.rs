//! A program that serves until it is told to stop, started from a person's shell.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::person::Person;
use crate::run::{Ran, signal_group, until};
use crate::signals::asked_to_stop;

/// Longest wait for the first line of a service.
const FIRST_LINE: Duration = Duration::from_secs(30);

/// A running service, ended with this value.
#[derive(Debug)]
pub struct Service {
    child: Child,
}

impl Person {
    /// Starts `line` and waits for its first line of output. What it says on standard error goes to
    /// `<program>.log` in the person's home, and into the error when it does not come up.
    pub fn starts(&self, line: &str) -> Result<(Service, Ran)> {
        let program = line.split(' ').next().unwrap_or("service");
        let log = self.home().join(format!("{program}.log"));
        let file = fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let started = Instant::now();
        let mut child = self
            .shell(line)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {line}"))?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        let service = Service { child };
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                send.send(line).ok();
            }
        });
        loop {
            match lines.recv_timeout(Duration::from_millis(200)) {
                Ok(first) => {
                    let ran = Ran {
                        command: format!("{}: {line} &", self.name),
                        status: 0,
                        stdout: first.clone(),
                        stderr: String::new(),
                        output: first,
                        took: started.elapsed(),
                    };
                    return Ok((service, ran));
                }
                Err(mpsc::RecvTimeoutError::Timeout) if started.elapsed() < FIRST_LINE && !asked_to_stop() => {}
                Err(_) => bail!("{line} said nothing:\n{}", fs::read_to_string(&log)?),
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        signal_group(self.child.id(), "TERM");
        let gone = until(Duration::from_secs(20), || !matches!(self.child.try_wait(), Ok(None)));
        if !gone {
            signal_group(self.child.id(), "KILL");
            self.child.wait().ok();
        }
    }
}
