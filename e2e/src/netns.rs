//! A network namespace with a wire to this machine: the only way to have a registry at an address that is not
//! loopback, for which the stock clients really check the CA.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Result, ensure};

use crate::run::run;

/// One namespace, removed with its wire and its hosts file when dropped.
#[derive(Debug)]
pub struct Netns {
    pub name: String,
    /// The address inside.
    pub address: String,
    /// This machine's address on the wire.
    pub outside: String,
    wire: String,
}

static NEXT: AtomicU8 = AtomicU8::new(1);

impl Netns {
    /// Makes a namespace with loopback and a wire out. `hosts` are extra lines for its `/etc/hosts`.
    pub fn new(label: &str, hosts: &str) -> Result<Self> {
        let pid = std::process::id();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wf-{label}-{pid}");
        let wire = format!("wf{number}p{pid}");
        let net = format!("10.213.{}", (pid % 25) * 10 + u32::from(number));
        let netns = Self { address: format!("{net}.2"), outside: format!("{net}.1"), name, wire };
        let Self { name, wire, address, outside } = &netns;
        ip(&format!("netns add {name}"))?;
        ip(&format!("link add {wire} type veth peer name eth0 netns {name}"))?;
        ip(&format!("addr add {outside}/24 dev {wire}"))?;
        ip(&format!("link set {wire} up"))?;
        ip(&format!("-n {name} addr add {address}/24 dev eth0"))?;
        ip(&format!("-n {name} link set lo up"))?;
        ip(&format!("-n {name} link set eth0 up"))?;
        ip(&format!("-n {name} route add default via {outside}"))?;
        // `ip netns exec` puts this file over /etc/hosts inside.
        fs::create_dir_all(netns.etc())?;
        fs::write(netns.etc().join("hosts"), format!("127.0.0.1 localhost\n{hosts}\n"))?;
        Ok(netns)
    }

    /// A second wire, straight to another namespace: this machine's firewall has no say in it. The addresses of
    /// this end and of the other.
    pub fn connect(&self, other: &Self) -> Result<(String, String)> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let net = format!("10.214.{}", (std::process::id() % 25) * 10 + u32::from(number));
        let (here, there) = (format!("{net}.1"), format!("{net}.2"));
        let (wire, far) = (format!("wire{number}"), format!("wire{number}"));
        ip(&format!("link add {wire} netns {} type veth peer name {far} netns {}", self.name, other.name))?;
        for (netns, wire, address) in [(self, &wire, &here), (other, &far, &there)] {
            ip(&format!("-n {} addr add {address}/24 dev {wire}", netns.name))?;
            ip(&format!("-n {} link set {wire} up", netns.name))?;
        }
        Ok((here, there))
    }

    /// More names that processes inside can resolve.
    pub fn knows(&self, address: &str, host: &str) -> Result<()> {
        let path = self.etc().join("hosts");
        let known = fs::read_to_string(&path)?;
        fs::write(path, format!("{known}{address} {host}\n"))?;
        Ok(())
    }

    /// `program` as a command inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    fn etc(&self) -> PathBuf {
        PathBuf::from("/etc/netns").join(&self.name)
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        ip(&format!("link del {}", self.wire)).ok();
        ip(&format!("netns del {}", self.name)).ok();
        fs::remove_dir_all(self.etc()).ok();
    }
}

/// Runs `ip` with `arguments`.
pub(crate) fn ip(arguments: &str) -> Result<()> {
    let mut command = Command::new("ip");
    command.args(arguments.split_whitespace());
    let ran = run(command)?;
    ensure!(ran.status == 0, "{ran}");
    Ok(())
}
