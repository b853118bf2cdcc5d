//! From flags, environment and file to options that mean something; every problem is reported, not only the first.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use wharfinger_oci::Host;
use wharfinger_transport::Bounds;

use crate::cli::{LogFormat, Serving};

/// What a serving process was told, checked.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) data_dir: PathBuf,
    pub(crate) registry: Origin,
    pub(crate) cluster: Origin,
    pub(crate) engine: String,
    pub(crate) engine_tls: Option<EngineTlsFiles>,
    pub(crate) admin_password_file: Option<PathBuf>,
    pub(crate) seal_key_file: PathBuf,
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) bundle_days: u16,
    pub(crate) bounds: Bounds,
    pub(crate) kubeconfig: Option<Kubeconfig>,
    pub(crate) install_ca: bool,
    pub(crate) engine_certs_dir: PathBuf,
    pub(crate) log_format: LogFormat,
}

/// How a Kubernetes API server is reached.
#[derive(Debug)]
pub(crate) enum Kubeconfig {
    /// As a pod reaches it, with its service account.
    InCluster,
    File(PathBuf),
}

impl From<&str> for Kubeconfig {
    fn from(written: &str) -> Self {
        if written == "in-cluster" { Self::InCluster } else { Self::File(written.into()) }
    }
}

/// One of the two doors.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) listen: SocketAddr,
    /// The public `host[:port]`.
    pub(crate) host: Host,
    pub(crate) tls: Option<TlsFiles>,
}

#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) ca: Option<PathBuf>,
}

/// How a `tcp://` engine is verified, and what it is shown.
#[derive(Debug)]
pub(crate) struct EngineTlsFiles {
    pub(crate) ca: PathBuf,
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

/// Everything that is wrong with the options; exit status 64.
#[derive(Debug)]
pub(crate) struct Problems(Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Options {
    pub(crate) fn read(mut serving: Serving) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        if let Some(file) = serving.config.clone() {
            fill_from_file(&mut serving, &file, &mut problems);
        }
        let options = Self::check(&serving, &mut problems);
        if problems.is_empty() { Ok(options) } else { Err(Problems(problems)) }
    }

    fn check(serving: &Serving, problems: &mut Vec<String>) -> Self {
        let data_dir = PathBuf::from(serving.data_dir.as_deref().unwrap_or("./data"));
        for (flag, value, remedy) in [
            ("database", &serving.database, "leave it out: SQLite in the data folder is used"),
            ("blobs", &serving.blobs, "leave it out: files in the data folder are used"),
        ] {
            if let Some(value) = value {
                problems.push(format!("{flag} = \"{}\": not built yet; {remedy}", without_password(value)));
            }
        }
        let engine = serving.engine.clone().unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
        if !engine.starts_with("unix:///") && !engine.starts_with("tcp://") {
            problems.push(format!("engine = \"{engine}\": write unix:///path/to/docker.sock or tcp://host:port"));
        }
        let engine_tls = engine_tls(serving, problems);
        Self {
            registry: origin(
                "registry",
                serving.registry_listen.as_deref().unwrap_or("127.0.0.1:5443"),
                serving.registry_host.as_deref(),
                [&serving.registry_tls_cert, &serving.registry_tls_key, &serving.registry_tls_ca],
                problems,
            ),
            cluster: origin(
                "cluster",
                serving.cluster_listen.as_deref().unwrap_or("127.0.0.1:8443"),
                serving.cluster_host.as_deref(),
                [&serving.cluster_tls_cert, &serving.cluster_tls_key, &serving.cluster_tls_ca],
                problems,
            ),
            engine,
            engine_tls,
            admin_password_file: serving.admin_password_file.clone().map(PathBuf::from),
            seal_key_file: serving.seal_key_file.clone().map_or_else(|| data_dir.join("seal.key"), PathBuf::from),
            metrics_listen: serving.metrics_listen.as_ref().and_then(|text| address("metrics-listen", text, problems)),
            bundle_days: match serving.bundle_days.as_deref().unwrap_or("365").parse() {
                Ok(days @ 1..=3650) => days,
                _ => {
                    problems.push("bundle-days: a number from 1 to 3650".to_owned());
                    365
                }
            },
            bounds: bounds(serving, problems),
            kubeconfig: serving.kubeconfig.as_deref().map(Into::into),
            install_ca: match serving.no_install_ca.as_deref() {
                None | Some("false") => true,
                Some("true") => false,
                Some(other) => {
                    problems.push(format!("no-install-ca = \"{other}\": true or false"));
                    true
                }
            },
            engine_certs_dir: PathBuf::from(serving.engine_certs_dir.as_deref().unwrap_or("/etc/docker/certs.d")),
            log_format: match serving.log_format.as_deref() {
                None | Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                Some(other) => {
                    problems.push(format!("log-format = \"{other}\": text or json"));
                    LogFormat::Text
                }
            },
            data_dir,
        }
    }
}

fn fill_from_file(serving: &mut Serving, file: &Path, problems: &mut Vec<String>) {
    let table = match std::fs::read_to_string(file)
        .map_err(|error| error.to_string())
        .and_then(|text| text.parse::<toml::Table>().map_err(|error| error.to_string()))
    {
        Ok(table) => table,
        Err(error) => return problems.push(format!("{}: {error}", file.display())),
    };
    for (key, value) in table {
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Boolean(_) | toml::Value::Integer(_) => value.to_string(),
            _ => {
                problems.push(format!("{}: {key}: a string, number or truth value is expected", file.display()));
                continue;
            }
        };
        match serving.slot(&key) {
            Some(slot) => {
                slot.get_or_insert(text);
            }
            None => problems.push(format!("{}: unknown key `{key}`: see `wharfinger config generate`", file.display())),
        }
    }
}

fn origin(
    name: &str,
    listen: &str,
    host: Option<&str>,
    [cert, key, ca]: [&Option<String>; 3],
    problems: &mut Vec<String>,
) -> Origin {
    let listen = address(&format!("{name}-listen"), listen, problems).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let written = host.map_or_else(|| format!("localhost:{}", listen.port()), str::to_owned);
    let host = written.parse().unwrap_or_else(|error| {
        problems.push(format!("{name}-host: {error}"));
        "localhost".parse().expect("localhost is a host")
    });
    Origin { listen, host, tls: tls_files(name, cert.as_ref(), key.as_ref(), ca.as_ref(), problems) }
}

fn address(flag: &str, text: &str, problems: &mut Vec<String>) -> Option<SocketAddr> {
    text.parse()
        .map_err(|_| problems.push(format!("{flag} = \"{text}\": write an IP address and a port, such as 127.0.0.1:5443")))
        .ok()
}

fn engine_tls(serving: &Serving, problems: &mut Vec<String>) -> Option<EngineTlsFiles> {
    let client = match (&serving.engine_tls_cert, &serving.engine_tls_key) {
        (Some(cert), Some(key)) => Some((cert.into(), key.into())),
        (None, None) => None,
        _ => {
            problems.push("engine-tls-cert and engine-tls-key belong together: give both or none".to_owned());
            None
        }
    };
    match &serving.engine_tls_ca {
        Some(ca) => Some(EngineTlsFiles { ca: ca.into(), client }),
        None => {
            if client.is_some() {
                problems.push("engine-tls-ca: without the CA the engine's certificate cannot be verified".to_owned());
            }
            None
        }
    }
}

fn tls_files(
    name: &str,
    cert: Option<&String>,
    key: Option<&String>,
    ca: Option<&String>,
    problems: &mut Vec<String>,
) -> Option<TlsFiles> {
    match (cert, key) {
        (Some(_), Some(_)) if ca.is_none() => {
            problems
                .push(format!("{name}-tls-ca: a certificate of your own needs its CA too: it is what clients are told to trust"));
            None
        }
        (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.into(), key: key.into(), ca: ca.map(Into::into) }),
        (None, None) if ca.is_none() => None,
        _ => {
            problems.push(format!("{name}-tls-cert, {name}-tls-key (and {name}-tls-ca) belong together: give both or none"));
            None
        }
    }
}

/// What one caller may have under way at once.
fn bounds(serving: &Serving, problems: &mut Vec<String>) -> Bounds {
    let mut number = |flag: &str, value: &Option<String>, default: usize| match value.as_deref().map(str::parse) {
        None => default,
        Some(Ok(number @ 1..)) => number,
        Some(_) => {
            problems.push(format!("{flag}: a number from 1"));
            default
        }
    };
    let default = Bounds::default();
    Bounds {
        calls_per_user: number("max-calls-per-user", &serving.max_calls_per_user, default.calls_per_user),
        streams_per_user: number("max-streams-per-user", &serving.max_streams_per_user, default.streams_per_user),
        calls_per_address: number("max-calls-per-address", &serving.max_calls_per_address, default.calls_per_address),
        connections_per_address: number(
            "max-connections-per-address",
            &serving.max_connections_per_address,
            default.connections_per_address,
        ),
    }
}

/// A URL as it may be shown.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}…{}", &url[..scheme + 3], &url[at..]),
        _ => url.to_owned(),
    }
}

/// The text of `config generate`.
pub(crate) fn generated_file() -> String {
    let mut text = String::from("# Keys of `wharfinger up`, `registry serve` and `cluster serve`. Remove the # to set one.\n");
    for (key, default, meaning) in Serving::KEYS {
        for line in meaning.lines() {
            text = format!("{text}\n#{line}");
        }
        text = format!("{text}\n# {key} = \"{default}\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Options, Problems> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wharfinger.toml");
        std::fs::write(&path, text).unwrap();
        Options::read(Serving { config: Some(path), ..Serving::default() })
    }

    #[test]
    fn all_problems_of_a_file_are_reported_at_once() {
        let problems =
            file("colour = \"red\"\nregistry-listen = \"nowhere\"\nbundle-days = 0\ndatabase = \"postgres://u:secret@h/db\"")
                .unwrap_err()
                .to_string();
        for part in ["colour", "registry-listen", "bundle-days", "not built yet"] {
            assert!(problems.contains(part), "{part}: {problems}");
        }
        assert!(!problems.contains("secret"));
    }

    /// The file that is generated shows what holds without it.
    #[test]
    fn the_bounds_of_the_generated_file_are_the_defaults() {
        let default = file("").unwrap();
        for (key, shown, _) in Serving::KEYS.iter().filter(|(key, ..)| key.starts_with("max-")) {
            assert_eq!(file(&format!("{key} = \"{shown}\"")).unwrap().bounds, default.bounds, "{key}");
            assert!(file(&format!("{key} = \"0\"")).is_err(), "{key}");
        }
        assert_eq!(default.bounds, Bounds::default());
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wharfinger.toml");
        std::fs::write(&path, "registry-listen = \"127.0.0.1:1\"\ncluster-listen = \"127.0.0.1:2\"").unwrap();
        let flags = Serving { config: Some(path), registry_listen: Some("127.0.0.1:3".to_owned()), ..Serving::default() };
        let options = Options::read(flags).unwrap();
        assert_eq!(options.registry.listen.port(), 3);
        assert_eq!(options.cluster.listen.port(), 2);
        assert_eq!(options.registry.host.as_str(), "localhost:3");
        assert_eq!(options.data_dir, PathBuf::from("./data"));
    }

    #[test]
    fn the_word_in_cluster_is_no_file() {
        assert!(matches!(file("kubeconfig = \"in-cluster\"").unwrap().kubeconfig, Some(Kubeconfig::InCluster)));
        assert!(matches!(file("kubeconfig = \"./in-cluster\"").unwrap().kubeconfig, Some(Kubeconfig::File(_))));
    }

    #[test]
    fn every_key_of_the_file_is_read() {
        let samples = [
            ("no-install-ca", "true"),
            ("registry-listen", "127.0.0.1:7001"),
            ("cluster-listen", "127.0.0.1:7002"),
            ("metrics-listen", "127.0.0.1:7003"),
            ("bundle-days", "7"),
            ("max-calls-per-user", "7"),
            ("max-streams-per-user", "7"),
            ("max-calls-per-address", "7"),
            ("max-connections-per-address", "7"),
            ("log-format", "json"),
            ("engine", "tcp://127.0.0.1:2375"),
        ];
        let base = format!("{:?}", file("").unwrap());
        for (key, _, _) in Serving::KEYS {
            let value = samples.iter().find(|(name, _)| name == key).map_or("given", |(_, value)| value);
            let text = match *key {
                // These come in pairs.
                "registry-tls-ca" | "cluster-tls-ca" | "engine-tls-ca" | "registry-tls-cert" | "cluster-tls-cert"
                | "engine-tls-cert" | "registry-tls-key" | "cluster-tls-key" | "engine-tls-key" => {
                    let name = key.split('-').next().unwrap();
                    format!("{name}-tls-cert = \"a\"\n{name}-tls-key = \"b\"\n{name}-tls-ca = \"c\"")
                }
                _ => format!("{key} = \"{value}\""),
            };
            match file(&text) {
                Ok(options) => assert_ne!(format!("{options:?}"), base, "{key} is ignored"),
                Err(problems) => assert!(problems.to_string().contains("not built yet"), "{key}: {problems}"),
            }
        }
    }
}
