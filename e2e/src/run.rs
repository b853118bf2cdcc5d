//! One command of a person, run to its end or to its deadline, with everything it said.

use std::fmt;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::signals::asked_to_stop;

/// How long a command may take before it counts as hung.
const DEADLINE: Duration = Duration::from_mins(3);

/// What a command did. The assertions panic with all that is needed to understand a failure.
#[derive(Debug, Clone)]
pub struct Ran {
    pub command: String,
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
    /// Both streams in the order in which they came.
    pub output: String,
    pub took: Duration,
}

impl Ran {
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.status == 0, "should succeed:\n{self}");
        self
    }

    #[track_caller]
    pub fn fails(self) -> Self {
        assert!(self.status != 0, "should fail:\n{self}");
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.output.contains(text), "should say {text:?}:\n{self}");
        self
    }

    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(!self.output.contains(text), "should not say {text:?}:\n{self}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("should print JSON ({error}):\n{self}"),
        }
    }

    /// Standard output without the white space around it.
    pub fn line(&self) -> &str {
        self.stdout.trim()
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_secs_f32();
        writeln!(f, "$ {}\n{}", self.command, self.output.trim_end())?;
        write!(f, "[exit {} after {took:.1} s]", self.status)
    }
}

/// Runs `command` and collects what it says. A command that outlives its deadline is killed with its children
/// and is an error, not a result.
pub fn run(command: Command) -> Result<Ran> {
    run_within(command, DEADLINE)
}

/// As [`run`], for a command that may take longer or must be faster.
pub fn run_within(command: Command, deadline: Duration) -> Result<Ran> {
    run_from(command, Stdio::null(), deadline)
}

/// As [`run_within`], for a command that reads `stdin`.
pub(crate) fn run_from(mut command: Command, stdin: Stdio, deadline: Duration) -> Result<Ran> {
    let shown = shown(&command);
    let started = Instant::now();
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting {shown}"))?;
    let group = child.id();
    let both = Arc::new(Mutex::new(Vec::new()));
    let stdout = child.stdout.take().map(|pipe| collect(pipe, &both));
    let stderr = child.stderr.take().map(|pipe| collect(pipe, &both));

    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(child.wait()));
    let status = loop {
        match ended.recv_timeout(Duration::from_millis(200)) {
            Ok(status) => break status,
            Err(_) if started.elapsed() < deadline && !asked_to_stop() => {}
            Err(_) => {
                signal_group(group, "KILL");
                let said = text(&both.lock().expect("no reader panics"));
                bail!("stopped after {} s: {shown}\n{said}", started.elapsed().as_secs());
            }
        }
    };
    let status = status.with_context(|| format!("waiting for {shown}"))?;
    let stdout = finish(stdout);
    let stderr = finish(stderr);
    let output = text(&both.lock().expect("no reader panics"));
    Ok(Ran { command: shown, status: status.code().unwrap_or(-1), stdout, stderr, output, took: started.elapsed() })
}

type Reader = mpsc::Receiver<Vec<u8>>;

fn collect(mut pipe: impl Read + Send + 'static, both: &Arc<Mutex<Vec<u8>>>) -> Reader {
    let both = Arc::clone(both);
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut own = Vec::new();
        let mut chunk = [0; 8192];
        while let Ok(read @ 1..) = pipe.read(&mut chunk) {
            let bytes = &chunk[..read];
            own.extend_from_slice(bytes);
            both.lock().expect("no reader panics").extend_from_slice(bytes);
        }
        send.send(own).ok();
    });
    receive
}

/// A daemon that a command left behind may hold the pipe open for ever; what came until then is the answer.
fn finish(reader: Option<Reader>) -> String {
    let bytes = reader.and_then(|r| r.recv_timeout(Duration::from_secs(5)).ok());
    text(&bytes.unwrap_or_default())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let arguments = command.get_args().map(|a| a.to_string_lossy().into_owned());
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Sends `name` to the process group led by `leader`, which this process started.
pub(crate) fn signal_group(leader: u32, name: &str) {
    signal_raw(&format!("-{leader}"), name);
}

/// Sends `name` to one process that this process started.
pub(crate) fn signal(pid: u32, name: &str) {
    signal_raw(&pid.to_string(), name);
}

fn signal_raw(target: &str, name: &str) {
    // The system's `kill` because the workspace forbids `unsafe`, which the call itself would need.
    Command::new("kill").args(["-s", name, "--", target]).stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
}

/// Asks again until `done` says so; false when `limit` passed first. Only for the state of another program that
/// offers nothing to wait on.
pub fn until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(100));
    }
}
