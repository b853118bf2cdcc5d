//! A real Docker Engine of our own: own data, own socket, nothing of it left when it stops.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::netns::{Netns, ip};
use crate::run::{run, signal, until};

/// How long an engine may take to come or go.
const PATIENCE: Duration = Duration::from_mins(1);

/// What an engine of ours is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct EngineOptions<'a> {
    /// Makes it a Swarm manager. One per network namespace: the swarm's ports are fixed.
    pub swarm: bool,
    /// Where it lives; on this machine's own network when there is none.
    pub netns: Option<&'a Netns>,
    /// With a bridge and firewall rules, as published ports and overlays need. Without, it leaves the machine's
    /// network alone and serves for pulls, builds and pushes.
    pub network: bool,
    /// More arguments for the daemon.
    pub arguments: &'a [&'a str],
}

/// An engine that ends, and cleans up, with this value.
#[derive(Debug)]
pub struct Engine {
    dir: PathBuf,
    daemon: Option<Child>,
    netns: Option<String>,
    bridge: Option<String>,
    arguments: Vec<String>,
    before: Option<Before>,
}

/// What the machine's network looked like before an engine with a network came.
#[derive(Debug)]
struct Before {
    firewall: Option<Vec<u8>>,
    forwarding: Option<String>,
    had_gateway_bridge: bool,
}

const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";
const GATEWAY_BRIDGE: &str = "docker_gwbridge";

impl Engine {
    /// Starts an engine in `dir`. Keep the path short: its sockets lie in it.
    pub fn start(dir: &Path, options: EngineOptions<'_>) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let mut engine = Self {
            dir: dir.to_path_buf(),
            daemon: None,
            netns: options.netns.map(|n| n.name.clone()),
            bridge: None,
            arguments: options.arguments.iter().map(|&a| a.into()).collect(),
            before: None,
        };
        if options.network || options.swarm {
            // A bridge of its own: the usual one may be that of the machine's own engine.
            let bridge = format!("wf{}", std::process::id());
            if engine.netns.is_none() {
                engine.before = Some(Before::look());
                let address = format!("10.215.{}.1/24", std::process::id() % 250);
                for line in [
                    format!("link add {bridge} type bridge"),
                    format!("addr add {address} dev {bridge}"),
                    format!("link set {bridge} up"),
                ] {
                    ip(&line)?;
                }
                engine.bridge = Some(bridge);
            } else {
                engine.bridge = Some("docker0".into());
            }
        }
        engine.launch()?;
        if options.swarm {
            let address = options.netns.map_or("127.0.0.1", |n| &n.address);
            let ran = engine.docker(&["swarm", "init", "--advertise-addr", address, "--listen-addr", address])?;
            ensure!(ran.status == 0, "{ran}");
        }
        Ok(engine)
    }

    fn launch(&mut self) -> Result<()> {
        let mut command = match &self.netns {
            None => Command::new("dockerd"),
            // Not `ip netns exec`: it mounts a fresh /sys, in which an engine finds no cgroups.
            Some(name) => {
                let hosts = r#"mount --bind "$0" /etc/hosts && exec dockerd "$@""#;
                let mut command = Command::new("nsenter");
                command.arg(format!("--net=/run/netns/{name}"));
                command.args(["unshare", "--mount", "bash", "-c", hosts]);
                command.arg(format!("/etc/netns/{name}/hosts"));
                command
            }
        };
        let file = |name: &str| self.dir.join(name).display().to_string();
        command.args(["--data-root", &file("data"), "--exec-root", &file("exec")]);
        command.args(["--host", &self.host(), "--pidfile", &file("pid")]);
        // A file of its own, so that neither this machine's settings nor its engine's identity are touched.
        let settings = serde_json::json!({"deprecated-key-path": file("key.json")});
        fs::write(file("engine.json"), settings.to_string())?;
        command.args(["--config-file", &file("engine.json")]);
        match &self.bridge {
            Some(bridge) => command.args(["--bridge", bridge]),
            None => command.args(["--bridge=none", "--iptables=false", "--ip6tables=false"]),
        };
        // What fails here fails for good: the default goes on trying for more than a minute.
        command.args(["--max-download-attempts", "1"]).args(&self.arguments);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.dir.join("log"))?;
        let daemon = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("starting dockerd (Debian package docker.io)")?;
        let daemon = self.daemon.insert(daemon);
        let mut ended = None;
        let socket = self.dir.join("sock");
        let mut version = Command::new("docker");
        version.args(["-H", &format!("unix://{}", socket.display()), "version"]);
        version.stdout(Stdio::null()).stderr(Stdio::null());
        let up = until(PATIENCE, || {
            ended = daemon.try_wait().ok().flatten();
            ended.is_some() || version.status().is_ok_and(|status| status.success())
        });
        if !up || ended.is_some() {
            let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(15).collect();
            bail!("the engine did not come up:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        Ok(())
    }

    /// Its address, as `DOCKER_HOST` and `--engine` take it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.dir.join("sock").display())
    }

    /// A command of the stock client, straight at this engine.
    pub fn docker(&self, arguments: &[&str]) -> Result<crate::Ran> {
        let mut command = Command::new("docker");
        command.args(["-H", &self.host()]).args(arguments);
        run(command)
    }

    /// Ends the daemon and starts it again on the same data.
    pub fn restart(&mut self) -> Result<()> {
        self.end_daemon();
        self.launch()
    }

    /// Ends the daemon and leaves its data: an engine that is down.
    pub fn down(&mut self) {
        self.end_daemon();
    }

    /// Starts it again after [`Engine::down`].
    pub fn again(&mut self) -> Result<()> {
        self.launch()
    }

    fn end_daemon(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        // In a namespace too the child has become dockerd itself: each program on the way replaces itself.
        signal(daemon.id(), "TERM");
        if !until(PATIENCE, || !matches!(daemon.try_wait(), Ok(None))) {
            daemon.kill().ok();
            daemon.wait().ok();
        }
    }

    fn clean(&mut self) {
        if self.daemon.is_some() {
            self.docker(&["swarm", "leave", "--force"]).ok();
            let stop = r#"ids=$(docker -H "$0" ps -q); [ -z "$ids" ] || docker -H "$0" kill $ids"#;
            let mut command = Command::new("bash");
            command.args(["-c", stop, &self.host()]);
            run(command).ok();
        }
        self.end_daemon();
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let inside = format!("{}/", self.dir.display());
        for mount in mounts.lines().rev().filter_map(|line| line.split(' ').nth(1)) {
            if mount.starts_with(&inside) {
                Command::new("umount").args(["-l", mount]).status().ok();
            }
        }
        if let Some(before) = self.before.take() {
            if let Some(bridge) = &self.bridge {
                ip(&format!("link del {bridge}")).ok();
            }
            before.put_back();
        }
        fs::remove_dir_all(&self.dir).ok();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.clean();
    }
}

impl Before {
    fn look() -> Self {
        let rules = Command::new("iptables-save").stderr(Stdio::null()).output().ok();
        Self {
            firewall: rules.filter(|o| o.status.success()).map(|o| o.stdout),
            forwarding: fs::read_to_string(FORWARDING).ok(),
            had_gateway_bridge: exists(GATEWAY_BRIDGE),
        }
    }

    fn put_back(self) {
        if another_engine_runs() {
            // Its rules came after ours, or stood among them: whoever ends last tidies up.
            return;
        }
        if !self.had_gateway_bridge && exists(GATEWAY_BRIDGE) {
            ip(&format!("link del {GATEWAY_BRIDGE}")).ok();
        }
        if let Some(rules) = self.firewall {
            restore(&rules).ok();
        }
        if let Some(value) = self.forwarding {
            fs::write(FORWARDING, value).ok();
        }
    }
}

fn another_engine_runs() -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut names = processes.filter_map(|p| fs::read_to_string(p.path().join("comm")).ok());
    names.any(|name| name.trim() == "dockerd")
}

fn exists(interface: &str) -> bool {
    Path::new("/sys/class/net").join(interface).exists()
}

/// What a table holds when nobody ever touched it. The rules that were saved leave such a table out, and restoring
/// them would keep the engine's chains in it.
const UNTOUCHED: [(&str, &str); 2] = [
    ("*filter", "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n"),
    ("*nat", "*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n"),
];

fn restore(rules: &[u8]) -> Result<()> {
    let mut child = Command::new("iptables-restore").stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut stdin = child.stdin.take().context("a pipe was asked for")?;
    stdin.write_all(rules)?;
    let known = String::from_utf8_lossy(rules);
    for (table, empty) in UNTOUCHED {
        if !known.contains(table) {
            stdin.write_all(empty.as_bytes())?;
        }
    }
    drop(stdin);
    child.wait()?;
    Ok(())
}
