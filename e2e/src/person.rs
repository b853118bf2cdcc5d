//! A person at a machine: a home folder, a trust store, a shell that remembers, and the stock tools.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{Ran, run};

/// Loads what the last command of this shell left behind, runs the next one and leaves its state.
/// `set -a` so that a variable set by one line is there in the next, as in a person's terminal; `GIVEN` names the
/// variables of the machine, so that one that was unset stays so.
const SHELL: &str = r#"
state=$HOME/.shell-state
leave() {
    status=$?
    { printf 'cd %q\n' "$PWD"; export -p; declare -f
      for name in $GIVEN; do [ -v "$name" ] || echo "unset $name"; done; } > "$state"
    exit $status
}
if [ -e "$state" ]; then . "$state"; fi
trap leave EXIT
set -a
eval "$1"
"#;

/// Which stock Docker client a person types `docker` for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DockerCli {
    /// Debian 12's `docker.io`.
    V20,
    /// A newer client, where the machine has one. It is the last line with content trust inside.
    V28,
}

impl DockerCli {
    /// The clients this machine has, the oldest first.
    pub fn present() -> Vec<Self> {
        [Self::V20, Self::V28].into_iter().filter(|cli| cli.path().exists()).collect()
    }

    /// The newest client with content trust on this machine.
    pub fn newest() -> Self {
        Self::present().pop().unwrap_or(Self::V20)
    }

    fn path(self) -> &'static Path {
        Path::new(match self {
            Self::V20 => "/usr/bin/docker",
            Self::V28 => "/usr/local/bin/docker",
        })
    }
}

/// Somebody with a home folder of their own. Commands of one person share environment and folder from line to line.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    home: PathBuf,
    netns: Option<String>,
    env: BTreeMap<String, String>,
}

impl Person {
    /// A new machine for `name` under `dir`, with nothing on it but the tools.
    pub fn new(dir: &Path, name: &str, cli: DockerCli) -> Result<Self> {
        let home = dir.join(name);
        let bin = home.join(".bin");
        fs::create_dir_all(&bin).with_context(|| format!("making {}", bin.display()))?;
        std::os::unix::fs::symlink(cli.path(), bin.join("docker")).context("linking docker")?;
        let mut env = BTreeMap::new();
        let path = format!("{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", bin.display());
        env.insert("PATH".into(), path);
        env.insert("HOME".into(), home.display().to_string());
        env.insert("LANG".into(), "C.UTF-8".into());
        env.insert("TERM".into(), "dumb".into());
        Ok(Self { name: name.into(), home, netns: None, env })
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A variable of the environment from now on. What the person's shell exported itself wins.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Works with the engine itself at `host`, without the cluster in front of it.
    #[must_use]
    pub fn at_engine(self, host: &str) -> Self {
        self.with("DOCKER_HOST", host)
    }

    /// Passphrases for content trust, as scripts and CI give them.
    #[must_use]
    pub fn with_passphrases(self) -> Self {
        self.with("DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE", "root-passphrase")
            .with("DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE", "key-passphrase")
            .with("NOTARY_ROOT_PASSPHRASE", "root-passphrase")
            .with("NOTARY_TARGETS_PASSPHRASE", "key-passphrase")
            .with("NOTARY_SNAPSHOT_PASSPHRASE", "key-passphrase")
            .with("NOTARY_DELEGATION_PASSPHRASE", "key-passphrase")
    }

    /// Sits behind the network namespace `name`.
    #[must_use]
    pub fn behind(mut self, name: &str) -> Self {
        self.netns = Some(name.into());
        self
    }

    /// Puts one more program on this machine.
    pub fn install(&self, name: &str, program: &Path) -> Result<()> {
        let link = self.home.join(".bin").join(name);
        std::os::unix::fs::symlink(program, &link).with_context(|| format!("linking {name}"))
    }

    /// Types `line` into this person's shell.
    pub fn try_sh(&self, line: &str) -> Result<Ran> {
        let mut ran = run(self.shell(line))?;
        ran.command = format!("{}: {line}", self.name);
        Ok(ran)
    }

    /// A shell of this person that types `line`.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let mut command = match &self.netns {
            None => Command::new("bash"),
            Some(netns) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", netns, "bash"]);
                command
            }
        };
        let given = self.env.keys().map(String::as_str).collect::<Vec<_>>().join(" ");
        command.args(["--norc", "--noprofile", "-c", SHELL, "bash", line]).current_dir(&self.home);
        command.env_clear().envs(&self.env).env("GIVEN", given);
        command
    }

    /// Types `line`; a shell that cannot be started or hangs ends the test.
    #[track_caller]
    pub fn sh(&self, line: &str) -> Ran {
        match self.try_sh(line) {
            Ok(ran) => ran,
            Err(error) => panic!("{}: {line}: {error:#}", self.name),
        }
    }

    /// Types `line` and expects it to succeed.
    #[track_caller]
    pub fn does(&self, line: &str) -> Ran {
        self.sh(line).ok()
    }

    /// Puts a file into this person's home.
    pub fn writes(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home.join(name);
        fs::write(&path, content).expect("the home folder is ours");
        path
    }
}
