//! How long people wait for the pages of a large registry and its cluster, and how much is sent to them, over TLS as browsers ask.
//!
//! What is timed is a whole answer on an open connection from this machine: the server's time, and a little more.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Response, StatusCode, redirect, tls};
use wharfinger_e2e::{Api, Serve, Wharfinger, free_port};

use crate::figure::{Figure, Times};
use crate::shelves::{self, LARGE};

const PASSWORD: &str = "correct horse battery staple";
const WARMING: usize = 3;
const ASKED: usize = 60;
/// Milliseconds, and bytes.
const BAR: f64 = 30.0;
const LIGHT: f64 = 60.0 * 1024.0;
/// Milliseconds that a part of a name is looked for at most, in a log of any length: a second, and what was begun in it.
const LOOKED_FOR: f64 = 1100.0;

/// Somebody's browser at one console.
struct Visitor {
    client: Client,
    origin: String,
    cookie: Option<String>,
}

/// A kind of page: what it is called, its addresses, and what its answer must hold.
struct Kind {
    name: &'static str,
    path: String,
    says: &'static str,
    bar: f64,
}

pub fn measure() -> Result<Vec<Figure>> {
    // On memory: filling it is not what is measured, and what is read of a page is in memory at the second look on any machine.
    let memory = Path::new("/dev/shm");
    let mut folder = tempfile::Builder::new();
    let folder = folder.prefix("wf-");
    let folder = if memory.is_dir() { folder.tempdir_in(memory)? } else { folder.tempdir()? };
    let address = || format!("127.0.0.1:{}", free_port());
    let mut both = Serve::new("up", folder.path())
        .flag("--registry-listen", &address())
        .flag("--cluster-listen", &address())
        .flag("--engine", "unix:///run/no-engine-here.sock")
        .switch("--no-install-ca")
        .start()?;
    let admin = Api::at(both.cluster().context("a cluster")?).login("admin", &both.admin_password()?);
    for name in ["few", "many"] {
        admin.post("/accounts/", &serde_json::json!({ "name": name, "password": PASSWORD })).is(201);
    }
    both.stop()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let host = both.registry().context("a registry")?.trim_start_matches("https://").to_owned();
    // Named by its port as clients write it.
    let host = host.replace("127.0.0.1", "localhost");
    runtime.block_on(shelves::fill(&both.data(), &host))?;
    both.start_again()?;
    runtime.block_on(look(&both))
}

async fn look(both: &Wharfinger) -> Result<Vec<Figure>> {
    let (registry, cluster) = (both.registry().context("a registry")?, both.cluster().context("a cluster")?);
    let password = both.admin_password()?;
    let mut guests = vec![Visitor::at(registry, None).await?];
    for (name, password) in [("few", PASSWORD), ("many", PASSWORD), ("admin", password.as_str())] {
        guests.push(Visitor::at(registry, Some((name, password))).await?);
    }
    let admin = Visitor::at(cluster, Some(("admin", &password))).await?;
    let mut figures = Vec::new();
    for kind in of_registry() {
        figures.extend(kind.measured(&guests.iter().collect::<Vec<_>>()).await?);
    }
    for kind in of_cluster() {
        figures.extend(kind.measured(&[&admin]).await?);
    }
    for (name, visitor, path) in
        [("registry", guests.last().context("an administrator")?, "/repositories"), ("cluster", &admin, "/manage/")]
    {
        let bytes = visitor.first_page(path).await?;
        figures.push(Figure::new(format!("{name}: the first page and all it needs"), bytes, "bytes").at_most(LIGHT));
    }
    Ok(figures)
}

fn kind(name: &'static str, path: impl Into<String>, says: &'static str) -> Kind {
    Kind { name, path: path.into(), says, bar: BAR }
}

fn of_registry() -> Vec<Kind> {
    let large = format!("/repositories/{LARGE}");
    vec![
        kind("registry: first page", "/repositories", "org0000/"),
        kind("registry: a late page", "/repositories?after=org0180%2Fz", "org018"),
        kind("registry: a search that finds many", "/repositories?find=gateway", "gateway-"),
        kind("registry: a search that finds one", "/repositories?find=-000600", "-000600"),
        kind("registry: a search that finds nothing", "/repositories?find=nowhere", "has <strong>nowhere</strong>"),
        kind("registry: two letters that are nowhere", "/repositories?find=qq", "has <strong>qq</strong>"),
        kind("registry: a repository with many tags", large.clone(), "Next page"),
        kind("registry: a tag", format!("{large}/tags/v7"), "docker trust sign"),
        kind("registry: roles and keys", format!("{large}/trust"), "targets/releases"),
    ]
}

fn of_cluster() -> Vec<Kind> {
    vec![
        kind("cluster: overview", "/manage/", "<h1>"),
        kind("cluster: users and teams", "/manage/accounts", "org0000"),
        kind("cluster: the audit log", "/manage/audit", "user0"),
        Kind {
            bar: LOOKED_FOR,
            ..kind("cluster: audit entries that are not there", "/manage/audit?actor=nobody", "Nothing matches")
        },
        Kind { bar: LOOKED_FOR, ..kind("cluster: audit entries of one user", "/manage/audit?actor=user00007", "user00007") },
        kind("cluster: Docker Content Trust", "/manage/settings/contenttrust", "Add Team"),
    ]
}

impl Kind {
    /// The time of the slowest of these visitors, and what was sent to them at most.
    async fn measured(&self, visitors: &[&Visitor]) -> Result<[Figure; 2]> {
        let (mut slowest, mut largest) = (Times::default(), 0.0_f64);
        for visitor in visitors {
            let mut times = Times::default();
            for number in 0..WARMING + ASKED {
                let began = Instant::now();
                let (bytes, text) = sent(visitor.ask(&self.path).await?).await?;
                if number >= WARMING {
                    times.add(began.elapsed());
                }
                ensure!(text.contains(self.says), "{} does not say {:?}", self.path, self.says);
                largest = largest.max(bytes);
            }
            if times.percentile(95) > slowest.percentile(95) {
                slowest = times;
            }
        }
        let time = Figure::ms(format!("{}, p95", self.name), slowest.percentile(95)).at_most(self.bar);
        let time = time.beside_ms("p50", slowest.percentile(50));
        Ok([time, Figure::new(format!("{}, sent", self.name), largest, "bytes").at_most(LIGHT)])
    }
}

impl Visitor {
    /// Somebody who signs in, or nobody in particular.
    async fn at(origin: &str, who: Option<(&str, &str)>) -> Result<Self> {
        let builder = Client::builder().http1_only().no_proxy().redirect(redirect::Policy::none());
        // Which certificate it is, is not the question here.
        let client = builder.tls_danger_accept_invalid_certs(true).tls_version_min(tls::Version::TLS_1_3).build()?;
        let mut visitor = Self { client, origin: origin.to_owned(), cookie: None };
        if let Some((username, password)) = who {
            let form = [("username", username), ("password", password), ("next", "")];
            let asked = visitor.client.post(format!("{origin}/manage/login")).header("sec-fetch-site", "same-origin").form(&form);
            let answer = asked.send().await?;
            ensure!(answer.status() == StatusCode::SEE_OTHER, "{username} cannot sign in: {}", answer.status());
            let cookie = answer.headers().get("set-cookie").context("a cookie")?.to_str()?;
            visitor.cookie = Some(cookie.split(';').next().unwrap_or_default().to_owned());
        }
        Ok(visitor)
    }

    async fn ask(&self, path: &str) -> Result<Response> {
        let mut asked = self.client.get(format!("{}{path}", self.origin)).header("accept-encoding", "gzip, deflate, br");
        if let Some(cookie) = &self.cookie {
            asked = asked.header("cookie", cookie);
        }
        Ok(asked.send().await?.error_for_status()?)
    }

    /// What is sent to somebody who was never here.
    async fn first_page(&self, path: &str) -> Result<f64> {
        let (mut bytes, page) = sent(self.ask(path).await?).await?;
        for before in ["rel=\"stylesheet\" href=\"", "type=\"module\" src=\""] {
            let (_, rest) = page.split_once(before).context("a page has both")?;
            let path = rest.split('"').next().unwrap_or_default();
            bytes += sent(self.ask(path).await?).await?.0;
        }
        Ok(bytes)
    }
}

/// Head and body, in bytes before TLS, and the body as text where it is text.
#[allow(clippy::cast_precision_loss, reason = "a count")]
async fn sent(answer: Response) -> Result<(f64, String)> {
    let head: usize = answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let body = answer.bytes().await?;
    let status_line = "HTTP/1.1 200 OK\r\n\r\n".len();
    Ok(((status_line + head + body.len()) as f64, String::from_utf8_lossy(&body).into_owned()))
}
