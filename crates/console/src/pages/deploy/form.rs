//! The fields of a new service, and what they ask an engine for.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use wharfinger_oci::Reference;
use wharfinger_stack::{parse_mount, parse_port, split_words};

use crate::engine::registry_login::RegistryLogin;
use crate::posted::Fields;

/// As the engine has it.
const LONGEST_NAME: usize = 63;
/// Most tasks of one service that a form asks for.
const MOST_REPLICAS: u64 = 10_000;

/// What is wrong, by the field where it stands.
pub(crate) type Wrong = BTreeMap<&'static str, String>;

pub(crate) struct NewService {
    pub(crate) name: String,
    pub(crate) image: String,
    /// The body of `POST /services/create`.
    pub(crate) body: Value,
    pub(crate) login: Option<Arc<RegistryLogin>>,
}

impl NewService {
    /// # Errors
    /// Everything that is wrong, at once.
    pub(crate) fn read(fields: &Fields) -> Result<Self, Wrong> {
        let mut form = Form { fields, wrong: Wrong::new() };
        let (name, image) = (form.name(), form.image());
        let mode = form.mode();
        let args = form.check("command", |text| {
            split_words(text).ok_or("A quote is not closed, or nothing follows a backslash.".to_owned())
        });
        let env = form.lines("environment", |line| match line.split_once('=') {
            Some((name, _)) if !name.trim().is_empty() => Ok(line.to_owned()),
            _ => Err("write it as NAME=value".to_owned()),
        });
        let ports: Vec<Value> = form.lines("ports", parse_port).into_iter().flatten().collect();
        let mounts = form.lines("mounts", parse_mount);
        let networks = form.lines("networks", |line| Ok(json!({ "Target": line })));
        let constraints = form.lines("constraints", |line| match line.split_once("==").or_else(|| line.split_once("!=")) {
            Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => Ok(line.to_owned()),
            _ => Err("write it as node.role == worker, or with !=".to_owned()),
        });
        let labels = form.lines("labels", |line| {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            if name.trim().is_empty() { Err("write it as name=value".to_owned()) } else { Ok((name.to_owned(), value.into())) }
        });
        let labels: Map<String, Value> = labels.into_iter().collect();
        let login = form.login(image.as_ref());
        if !form.wrong.is_empty() {
            return Err(form.wrong);
        }
        let image = fields.text("image").to_owned();
        let mut container = json!({ "Image": image });
        for (key, value) in [("Args", json!(args.unwrap_or_default())), ("Env", json!(env)), ("Mounts", json!(mounts))] {
            if value.as_array().is_some_and(|list| !list.is_empty()) {
                container[key] = value;
            }
        }
        let mut task = json!({ "ContainerSpec": container });
        if !networks.is_empty() {
            task["Networks"] = networks.into();
        }
        if !constraints.is_empty() {
            task["Placement"] = json!({ "Constraints": constraints });
        }
        let mut body = json!({ "Name": name, "Labels": labels, "TaskTemplate": task, "Mode": mode });
        if !ports.is_empty() {
            body["EndpointSpec"] = json!({ "Ports": ports });
        }
        Ok(Self { name, image, body, login })
    }
}

/// Fields that are being read, and what was wrong so far.
struct Form<'a> {
    fields: &'a Fields,
    wrong: Wrong,
}

impl Form<'_> {
    fn name(&mut self) -> String {
        let name = self.fields.text("name");
        let fits = name.len() <= LONGEST_NAME
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.ends_with(|last: char| last.is_ascii_alphanumeric())
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'));
        if !fits {
            let why =
                "Write a name of letters, digits, - and _, beginning and ending with a letter or digit, at most 63 of them.";
            self.wrong.insert("name", why.to_owned());
        }
        name.to_owned()
    }

    fn image(&mut self) -> Option<Reference> {
        let image = self.fields.text("image").parse::<Reference>();
        image
            .map_err(|_| {
                let why = "Write the image as registry/namespace/repository:tag, such as dtr.example.com/acme/app:1.";
                self.wrong.insert("image", why.to_owned());
            })
            .ok()
    }

    fn mode(&mut self) -> Value {
        if self.fields.text("mode") == "global" {
            return json!({ "Global": {} });
        }
        match self.fields.text("replicas").parse::<u64>() {
            Ok(replicas) if replicas <= MOST_REPLICAS => json!({ "Replicated": { "Replicas": replicas } }),
            _ => {
                self.wrong.insert("replicas", format!("Write how many should run, a number from 0 to {MOST_REPLICAS}."));
                Value::Null
            }
        }
    }

    fn check<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        read(self.fields.text(name)).map_err(|why| self.wrong.insert(name, why)).ok()
    }

    /// One thing a line; empty lines are none.
    fn lines<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let lines = self.fields.raw(name).lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
        let read = lines.map(|(at, line)| read(line).map_err(|why| format!("Line {}: {why}.", at + 1)));
        let all: Result<Vec<T>, String> = read.collect();
        all.unwrap_or_else(|why| {
            self.wrong.insert(name, why);
            Vec::new()
        })
    }

    fn login(&mut self, image: Option<&Reference>) -> Option<Arc<RegistryLogin>> {
        let login = RegistryLogin::read(self.fields, image?.host.clone());
        login
            .unwrap_or_else(|(field, why)| {
                self.wrong.insert(field, why.to_owned());
                None
            })
            .map(Arc::new)
    }
}
