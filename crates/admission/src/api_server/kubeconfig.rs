//! A kubeconfig file, or a pod's service account: where the API server is, and as whom it is asked.
//!
//! What would run a program, go through another host or trust anybody is refused with what to do instead.

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Uri;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use wharfinger_transport::{Caller, CallerSettings, OutboundError};
use zeroize::Zeroizing;

use super::{
    ApiServer, LONGEST_ANSWER, PATIENCE,
    token::{Token, bearer},
};

/// Why a kubeconfig cannot be used. Says nothing of the credentials in it.
#[derive(Debug, Error)]
pub enum KubeconfigError {
    #[error("cannot read {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("it is not a kubeconfig: what stands in line {line} cannot be read")]
    Unreadable { line: u64 },
    #[error("it names no current-context: choose one with `kubectl config use-context NAME`")]
    NoContext,
    #[error("it has no {kind} `{name}`")]
    Missing { kind: &'static str, name: String },
    #[error("`{key}` is not supported: {instead}")]
    NotSupported { key: &'static str, instead: &'static str },
    #[error("the server `{0}` is not an https:// address: what is sent there must not be read on the way")]
    NotHttps(String),
    #[error("`{0}` is not PEM in base64")]
    Data(&'static str),
    #[error("client-certificate and client-key belong together: give both or none")]
    HalfACertificate,
    #[error("the token cannot be sent: it holds what no header can")]
    Token,
    #[error(transparent)]
    Client(#[from] OutboundError),
}

const A_TOKEN: &str = "give the user a token instead (`kubectl -n NAMESPACE create token ACCOUNT`, or a Secret of type \
                       kubernetes.io/service-account-token) or a client certificate";
const A_CA: &str = "name the API server's CA in certificate-authority or certificate-authority-data";
const DIRECTLY: &str = "give a server that is reached directly";

#[derive(Deserialize)]
struct Kubeconfig {
    #[serde(rename = "current-context")]
    current_context: Option<String>,
    contexts: Option<Vec<NamedContext>>,
    clusters: Option<Vec<NamedCluster>>,
    users: Option<Vec<NamedUser>>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    cluster: String,
    user: Option<String>,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Cluster,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    insecure_skip_tls_verify: Option<bool>,
    proxy_url: Option<String>,
    tls_server_name: Option<String>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    user: Option<User>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
struct User {
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
    exec: Option<Value>,
    auth_provider: Option<Value>,
    username: Option<String>,
    #[serde(rename = "as")]
    impersonates: Option<String>,
}

impl ApiServer {
    /// As `kubectl --kubeconfig FILE` reaches it. Files that are named in it are looked for beside it.
    pub fn from_kubeconfig(file: &Path) -> Result<Self, KubeconfigError> {
        let text = Zeroizing::new(read(file)?);
        let (cluster, user) = parse(&text)?;
        let beside = |path: &Path| file.parent().unwrap_or(Path::new("")).join(path);
        let ca = match cluster.certificate_authority_data.as_deref().filter(|data| !data.is_empty()) {
            Some(data) => Some(from_data("certificate-authority-data", data)?),
            None => match &cluster.certificate_authority {
                Some(path) => Some(Zeroizing::new(read(&beside(path))?)),
                None => None,
            },
        };
        let pem = |key, data: Option<&str>, path: Option<&PathBuf>| match (data, path) {
            (Some(data), _) => from_data(key, data).map(Some),
            (None, Some(path)) => read(&beside(path)).map(|text| Some(Zeroizing::new(text))),
            (None, None) => Ok(None),
        };
        let certificate =
            pem("client-certificate-data", user.client_certificate_data.as_deref(), user.client_certificate.as_ref())?;
        let key_data = user.client_key_data.map(Zeroizing::new);
        let key = pem("client-key-data", key_data.as_ref().map(|data| data.as_str()), user.client_key.as_ref())?;
        let client_pem = match (&certificate, &key) {
            (Some(certificate), Some(key)) => Some((certificate.as_str(), key.as_str())),
            (None, None) => None,
            _ => return Err(KubeconfigError::HalfACertificate),
        };
        let token = match (user.token_file, user.token.map(Zeroizing::new)) {
            (Some(path), _) => Token::File(beside(&path)),
            (None, Some(token)) if bearer(&token).is_none() => return Err(KubeconfigError::Token),
            (None, Some(token)) => Token::Fixed(token),
            (None, None) => Token::None,
        };
        Self::connect(&cluster.server, ca.as_ref().map(|pem| pem.as_str()), client_pem, token)
    }

    /// As a pod reaches it: `host` and `port` of its environment, `account` the folder where its service account is mounted.
    pub fn in_cluster(host: &str, port: &str, account: &Path) -> Result<Self, KubeconfigError> {
        let server = match host.parse() {
            Ok(IpAddr::V6(address)) => format!("https://[{address}]:{port}"),
            _ => format!("https://{host}:{port}"),
        };
        let ca = read(&account.join("ca.crt"))?;
        Self::connect(&server, Some(&ca), None, Token::File(account.join("token")))
    }

    fn connect(
        server: &str,
        ca_bundle: Option<&str>,
        client_pem: Option<(&str, &str)>,
        token: Token,
    ) -> Result<Self, KubeconfigError> {
        let not_https = || KubeconfigError::NotHttps(server.chars().take(300).collect());
        let uri: Uri = server.parse().map_err(|_| not_https())?;
        let plain = uri.query().is_none() && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if uri.scheme_str() != Some("https") || !plain {
            return Err(not_https());
        }
        let settings = CallerSettings { ca_bundle, client_pem, longest_answer: LONGEST_ANSWER };
        let server = server.trim_end_matches('/').to_owned();
        Ok(Self { caller: Caller::new(&settings)?, server, token, patience: PATIENCE })
    }
}

/// The cluster and the user of the current context, without what is not supported.
fn parse(text: &str) -> Result<(Cluster, User), KubeconfigError> {
    // The parser's own message would quote the line, and tokens stand in lines.
    let unreadable = |error: serde_saphyr::Error| {
        let line = error.location().map_or(1, |location| location.line());
        KubeconfigError::Unreadable { line }
    };
    let config: Kubeconfig = serde_saphyr::from_str(text).map_err(unreadable)?;
    let current = config.current_context.filter(|name| !name.is_empty()).ok_or(KubeconfigError::NoContext)?;
    let missing = |kind, name: &str| KubeconfigError::Missing { kind, name: name.chars().take(300).collect() };
    let contexts = config.contexts.unwrap_or_default();
    let context = contexts.into_iter().find(|context| context.name == current);
    let context = context.ok_or_else(|| missing("context", &current))?.context;
    let clusters = config.clusters.unwrap_or_default();
    let cluster = clusters.into_iter().find(|cluster| cluster.name == context.cluster);
    let cluster = cluster.ok_or_else(|| missing("cluster", &context.cluster))?.cluster;
    let user = match context.user.filter(|name| !name.is_empty()) {
        None => User::default(),
        Some(name) => {
            let user = config.users.unwrap_or_default().into_iter().find(|user| user.name == name);
            user.ok_or_else(|| missing("user", &name))?.user.unwrap_or_default()
        }
    };
    let refused = [
        (user.exec.is_some(), "exec", A_TOKEN),
        (user.auth_provider.is_some(), "auth-provider", A_TOKEN),
        (user.username.is_some(), "username", A_TOKEN),
        (user.impersonates.is_some(), "as", A_TOKEN),
        (cluster.insecure_skip_tls_verify == Some(true), "insecure-skip-tls-verify", A_CA),
        (cluster.proxy_url.is_some(), "proxy-url", DIRECTLY),
        (cluster.tls_server_name.is_some(), "tls-server-name", "give the server by a name that its certificate holds"),
    ];
    match refused.into_iter().find(|(is_there, ..)| *is_there) {
        Some((_, key, instead)) => Err(KubeconfigError::NotSupported { key, instead }),
        None => Ok((cluster, user)),
    }
}

fn read(path: &Path) -> Result<String, KubeconfigError> {
    fs::read_to_string(path).map_err(|source| KubeconfigError::File { path: path.to_owned(), source })
}

fn from_data(key: &'static str, data: &str) -> Result<Zeroizing<String>, KubeconfigError> {
    let bytes = STANDARD.decode(data.trim()).map_err(|_| KubeconfigError::Data(key))?;
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|_| KubeconfigError::Data(key))
}

#[cfg(feature = "fuzzing")]
pub(crate) fn readable(text: &str) -> bool {
    parse(text).is_ok()
}

#[cfg(test)]
mod tests;
