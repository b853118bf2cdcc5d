//! Where the story plays: engines, people, and the names that the chapters use.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use wharfinger_e2e::story::Needs;
use wharfinger_e2e::{
    DockerCli, Engine, EngineOptions, PASSWORD, Person, Ran, Service, binary, claim_port, free_port, import_busybox,
};

use crate::packages;
use crate::terminal::{waiting, yellow};

use super::Options;

/// People who work in front of a machine of their own; the others reach an engine through a cluster.
const WITH_WORKSTATION: [&str; 3] = ["dev", "ci", "quinn"];
const THROUGH_A_CLUSTER: [&str; 4] = ["operator", "admin", "olga", "admin2"];
/// Where no engine answers.
const NOWHERE: &str = "unix:///nowhere.sock";
const BASE_IMAGE: &str = "wharfinger-demo/base:1";

pub struct Stage {
    pub names: Vec<(String, String)>,
    pub services: Vec<Service>,
    people: Vec<Person>,
    has: Needs,
    /// Set when the engine is somebody else's, who wants it back as it was.
    borrowed: Option<String>,
    trusted_before: bool,
    workstation: Option<Engine>,
    engine: Option<Engine>,
    dir: TempDir,
}

impl Stage {
    pub fn set(options: &Options) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("wharfinger-").tempdir()?;
        let mut stage = Self {
            names: Vec::new(),
            services: Vec::new(),
            people: Vec::new(),
            has: Needs::Nothing,
            borrowed: options.engine.clone(),
            trusted_before: false,
            workstation: None,
            engine: None,
            dir,
        };
        let host = stage.find_engine(options)?;
        let workstation = stage.workstation.as_ref().map_or(host.clone(), Engine::host);
        stage.name_things(options, &host, &workstation)?;
        stage.people(&workstation)?;
        if stage.has >= Needs::Engine {
            stage.base_image(options, &workstation)?;
        }
        Ok(stage)
    }

    /// The cluster's engine and how to reach it. Without one the story goes on as far as it can.
    fn find_engine(&mut self, options: &Options) -> Result<String> {
        if options.engine.as_deref() == Some(super::NO_ENGINE) {
            self.borrowed = None;
            return Ok(NOWHERE.into());
        }
        let may_start = packages::is_root() && installed("dockerd");
        if may_start {
            // The workstation's engine pulls and builds; it needs no network of its own.
            let place = self.dir.path().join("w");
            let engine = waiting("starting the workstations' engine", || Engine::start(&place, EngineOptions::default()));
            self.workstation = engine.map_err(complain).ok();
        }
        if let Some(host) = &options.engine {
            let info = docker(host, &["info", "--format", "{{.Swarm.ControlAvailable}}"])?;
            ensure!(info.status == 0, "no engine answers at {host}:\n{}", info.output.trim());
            self.has = if info.line() == "true" { Needs::Swarm } else { Needs::Engine };
            return Ok(host.clone());
        }
        if may_start {
            let place = self.dir.path().join("e");
            let options = EngineOptions { swarm: true, network: true, ..Default::default() };
            let engine = waiting("starting the cluster's engine", || Engine::start(&place, options));
            self.engine = engine.map_err(complain).ok();
        }
        if self.engine.is_some() {
            self.has = Needs::Swarm;
        }
        Ok(self.engine.as_ref().map_or(NOWHERE.into(), Engine::host))
    }

    fn name_things(&mut self, options: &Options, engine: &str, workstation: &str) -> Result<()> {
        let code = self.dir.path().join("code");
        fs::create_dir_all(&code)?;
        let ports = [5443, 8443, 8444].map(|port| if claim_port(port) { port } else { free_port() });
        let [registry, cluster, cluster2] = ports;
        let image = options.image.clone().unwrap_or_else(|| BASE_IMAGE.into());
        let names = [
            ("REGISTRY", format!("localhost:{registry}")),
            ("CLUSTER", format!("localhost:{cluster}")),
            ("CLUSTER2", format!("localhost:{cluster2}")),
            ("REGISTRY_LISTEN", format!("127.0.0.1:{registry}")),
            ("CLUSTER_LISTEN", format!("127.0.0.1:{cluster}")),
            ("CLUSTER2_LISTEN", format!("127.0.0.1:{cluster2}")),
            ("ENGINE", engine.into()),
            ("WORKSTATION", workstation.into()),
            ("IMAGE", image),
            ("PASSWORD", PASSWORD.into()),
            ("CODE", code.display().to_string()),
            ("OPERATOR", self.home("operator").display().to_string()),
        ];
        self.names = names.map(|(name, value)| (name.into(), value)).into();
        self.trusted_before = self.certificates().exists();
        Ok(())
    }

    fn people(&mut self, workstation: &str) -> Result<()> {
        let place = self.dir.path().join("people");
        for name in WITH_WORKSTATION.iter().chain(&THROUGH_A_CLUSTER) {
            let mut person = Person::new(&place, name, DockerCli::newest())?.with_passphrases();
            if WITH_WORKSTATION.contains(name) {
                person = person.at_engine(workstation);
            }
            for (name, value) in &self.names {
                person = person.with(name, value);
            }
            person.install("wharfinger", &binary())?;
            self.people.push(person);
        }
        Ok(())
    }

    fn base_image(&self, options: &Options, workstation: &str) -> Result<()> {
        let ci = self.person("ci")?;
        let Some(image) = &options.image else {
            return import_busybox(ci, BASE_IMAGE, "hello from a signed image");
        };
        if docker(workstation, &["image", "inspect", image])?.status == 0 {
            return Ok(());
        }
        // It may lie in the engine that was named, or in this machine's own; else it must come from a registry.
        let from = options.engine.as_deref().unwrap_or("unix:///var/run/docker.sock");
        let copy = format!("set -o pipefail; docker -H {from} save {image} | docker load");
        if ci.try_sh(&copy)?.status == 0 {
            return Ok(());
        }
        let pulled = ci.try_sh(&format!("docker pull {image}"))?;
        ensure!(pulled.status == 0, "{image} can neither be copied nor pulled:\n{}", pulled.output);
        Ok(())
    }

    pub fn person(&self, name: &str) -> Result<&Person> {
        let person = self.people.iter().find(|person| person.name == name);
        person.with_context(|| format!("the story has nobody called {name}"))
    }

    pub fn has(&self) -> Needs {
        self.has
    }

    fn home(&self, name: &str) -> PathBuf {
        self.dir.path().join("people").join(name)
    }

    fn value(&self, name: &str) -> &str {
        let found = self.names.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// What somebody who comes after the story wants to know.
    pub fn doors(&self) -> Vec<(&'static str, String)> {
        let password = |folder: &str| {
            let file = self.home("operator").join(folder).join("admin-password");
            fs::read_to_string(file).unwrap_or_default().trim().to_owned()
        };
        vec![
            ("registry", format!("https://{}", self.value("REGISTRY"))),
            ("cluster", format!("https://{}", self.value("CLUSTER"))),
            ("  administrator", format!("admin  {}", password("data"))),
            ("  dev ci quinn olga", PASSWORD.into()),
            ("second cluster", format!("https://{}", self.value("CLUSTER2"))),
            ("  administrator", format!("admin  {}", password("data2"))),
            ("olga's terminal", format!("cd {} && eval \"$(<env.sh)\" && docker ps", self.home("olga").display())),
        ]
    }

    fn certificates(&self) -> PathBuf {
        Path::new("/etc/docker/certs.d").join(self.value("REGISTRY"))
    }

    /// Takes back what the story made on an engine that is not ours.
    fn give_back(&self, host: &str) {
        docker(host, &["stack", "rm", "shop"]).ok();
        let registry = self.value("REGISTRY");
        for (list, remove) in [
            (["service", "ls", "--format", "{{.ID}} {{.Image}}"].as_slice(), ["service", "rm"].as_slice()),
            (&["ps", "-a", "--format", "{{.ID}} {{.Image}}"], &["rm", "-f"]),
            (&["image", "ls", "--format", "{{.Repository}}:{{.Tag}} {{.Repository}}"], &["image", "rm", "-f"]),
        ] {
            let Ok(listed) = docker(host, list) else { continue };
            for line in listed.stdout.lines() {
                let Some((id, image)) = line.split_once(' ') else { continue };
                if image.starts_with(registry) || image.starts_with("wharfinger-demo/") {
                    docker(host, &[remove, &[id]].concat()).ok();
                }
            }
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let host = self.borrowed.take();
        waiting("stopping and removing everything", || {
            self.services.clear();
            if let Some(host) = host {
                self.give_back(&host);
            }
            self.engine.take();
            self.workstation.take();
        });
        if !self.trusted_before {
            fs::remove_dir_all(self.certificates()).ok();
        }
    }
}

fn complain(error: anyhow::Error) -> anyhow::Error {
    println!("{}", yellow(&format!("{error:#}")));
    error
}

fn docker(host: &str, arguments: &[&str]) -> Result<Ran> {
    let mut command = Command::new("docker");
    command.args(["-H", host]).args(arguments);
    wharfinger_e2e::run(command)
}

fn installed(program: &str) -> bool {
    let found = Command::new("which").arg(program).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}
