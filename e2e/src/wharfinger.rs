//! The real `wharfinger` binary, started as an operator starts it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::run::{signal, until};

/// Longest wait for the `ready` line. The promise is two seconds; debug builds on a busy machine get more.
const READY: Duration = Duration::from_secs(30);

/// What to start: a serving command and its flags.
#[derive(Debug, Clone)]
pub struct Serve {
    arguments: Vec<String>,
    dir: PathBuf,
    netns: Option<String>,
    env: Vec<(String, String)>,
}

impl Serve {
    /// `wharfinger <command>` (`"up"`, `"registry serve"`, `"cluster serve"`) with its data under `dir`.
    pub fn new(command: &str, dir: &Path) -> Self {
        let mut arguments: Vec<String> = command.split(' ').map(Into::into).collect();
        arguments.extend(["--data-dir".into(), dir.join("data").display().to_string()]);
        Self { arguments, dir: dir.to_path_buf(), netns: None, env: Vec::new() }
    }

    #[must_use]
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        self.arguments.extend([name.into(), value.into()]);
        self
    }

    #[must_use]
    pub fn switch(mut self, name: &str) -> Self {
        self.arguments.push(name.into());
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn behind(mut self, netns: &str) -> Self {
        self.netns = Some(netns.into());
        self
    }

    fn command(&self) -> Command {
        let program = binary();
        let mut command = match &self.netns {
            None => Command::new(program),
            Some(netns) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", netns]).arg(program);
                command
            }
        };
        command.args(&self.arguments).envs(self.env.iter().cloned());
        command
    }

    /// Starts it and waits for the `ready` line.
    pub fn start(self) -> Result<Wharfinger> {
        fs::create_dir_all(&self.dir)?;
        let mut wharfinger = Wharfinger { serve: self, child: None, ready: String::new(), took: Duration::ZERO };
        wharfinger.launch()?;
        Ok(wharfinger)
    }

    /// Runs it to its end: for starts that must be refused.
    pub fn refused(self) -> Result<crate::Ran> {
        crate::run(self.command())
    }
}

/// A running `wharfinger`, ended with this value.
#[derive(Debug)]
pub struct Wharfinger {
    serve: Serve,
    child: Option<Child>,
    ready: String,
    took: Duration,
}

impl Wharfinger {
    fn launch(&mut self) -> Result<()> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_file())?;
        let started = Instant::now();
        let mut child = self
            .serve
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}; `cargo build -p wharfinger` makes it", binary().display()))?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        self.child = Some(child);
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                send.send(line).ok();
            }
        });
        match lines.recv_timeout(READY) {
            Ok(line) if line.starts_with("ready ") => {
                self.ready = line;
                self.took = started.elapsed();
                Ok(())
            }
            Ok(line) => bail!("the first line should be `ready …`, not {line:?}\n{}", self.log()),
            Err(_) => bail!("no `ready` line\n{}", self.log()),
        }
    }

    /// The whole `ready` line.
    pub fn ready(&self) -> &str {
        &self.ready
    }

    /// How long it took from the start to the `ready` line.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// `https://…` of the registry, when this instance has one.
    pub fn registry(&self) -> Option<&str> {
        self.url("registry=")
    }

    /// `https://…` of the cluster, when this instance has one.
    pub fn cluster(&self) -> Option<&str> {
        self.url("cluster=")
    }

    fn url(&self, key: &str) -> Option<&str> {
        self.ready.split(' ').find_map(|word| word.strip_prefix(key))
    }

    pub fn data(&self) -> PathBuf {
        self.serve.dir.join("data")
    }

    /// The first administrator's password.
    pub fn admin_password(&self) -> Result<String> {
        let path = self.data().join("admin-password");
        let password = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(password.trim().to_owned())
    }

    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Everything it logged, over all its starts.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.serve.dir.join("log")
    }

    /// `kill -9`, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// SIGTERM, and how it ended.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("it is not running")?;
        signal(child.id(), "TERM");
        let mut status = None;
        until(Duration::from_secs(20), || {
            status = child.try_wait().ok().flatten();
            status.is_some()
        });
        if status.is_none() {
            child.kill().ok();
            child.wait().ok();
        }
        status.context("it ignored SIGTERM")
    }

    /// Starts it again with the same flags on the same data.
    pub fn start_again(&mut self) -> Result<()> {
        self.kill();
        self.launch()
    }

    /// Changes how it will start the next time.
    pub fn flags(&mut self, change: impl FnOnce(Serve) -> Serve) {
        self.serve = change(self.serve.clone());
    }
}

impl Drop for Wharfinger {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.stop().ok();
        }
        // What a registration put into the engine's folder outlives the process on purpose; not this one's.
        for url in [self.registry(), self.cluster()].into_iter().flatten() {
            let host = url.trim_start_matches("https://");
            fs::remove_dir_all(Path::new("/etc/docker/certs.d").join(host)).ok();
        }
    }
}

/// `WHARFINGER_BIN`, else the `wharfinger` that was built beside the program that runs now.
pub fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("WHARFINGER_BIN") {
        return named.into();
    }
    let here = std::env::current_exe().unwrap_or_default();
    let built = here.ancestors().skip(1).take(2).map(|folder| folder.join("wharfinger")).find(|path| path.is_file());
    built.unwrap_or_else(|| "wharfinger".into())
}
