//! A cold decision: nothing is known of the repository, and its six files come over TLS from a real registry. Beside it, Debian's
//! `notary list` against the same server.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use wharfinger_e2e::{Api, DockerCli, Person, Serve, Wharfinger, free_port};
use wharfinger_gate::{Decide as _, Workload};
use wharfinger_keys::PublicKey;
use wharfinger_storage_sql::Sql;
use wharfinger_trust::{Credentials, Secret};

use crate::figure::{Figure, Times};
use crate::world::{self, Cluster};

const ROUNDS: usize = 60;
const STOCK_ROUNDS: usize = 15;

pub fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::Builder::new().prefix("wf-").tempdir()?;
    let address = format!("127.0.0.1:{}", free_port());
    let registry = Serve::new("registry serve", folder.path()).flag("--registry-listen", &address).start()?;
    let (person, gun) = signed(&registry, &folder.path().join("people"))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let cold = runtime.block_on(decided(&registry, &person, &gun))?;
    let (empty, warm) = (stock(&person, &gun, true)?, stock(&person, &gun, false)?);
    let figure = |percent: usize| {
        Figure::ms(format!("cold decision: p{percent}"), cold.percentile(percent))
            .beside_ms("notary list, empty trust folder", empty.percentile(percent))
            .beside_ms("notary list, warm trust folder", warm.percentile(percent))
    };
    Ok(vec![figure(50), figure(95).at_most(30.0)])
}

/// A repository with six files, signed with the stock client: root, targets, snapshot, timestamp and two delegations.
fn signed(registry: &Wharfinger, people: &Path) -> Result<(Person, String)> {
    let url = registry.registry().context("a registry")?.to_owned();
    let password = registry.admin_password()?;
    let person = Person::new(people, "admin", DockerCli::newest())?.with_passphrases();
    Api::at(&url).download("GET", "/ca", &person.home().join("ca.pem"));
    let auth = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("admin:{password}"));
    let person = person.with("NOTARY_AUTH", &auth);
    let gun = format!("{}/admin/app", url.trim_start_matches("https://"));
    person.does(&format!("notary() {{ command notary -s {url} --tlscacert ~/ca.pem -d ${{TRUST:-~/.notary}} \"$@\"; }}"));
    person.does(&format!("notary init -p {gun}"));
    person.does(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 300 \
         -subj /CN=qa -keyout qa.key -out qa.pem 2>/dev/null; chmod 600 qa.key",
    );
    person.does("openssl x509 -in qa.pem -pubkey -noout > qa.pub");
    person.does("notary key import --role targets/qa qa.key");
    person.does(&format!("notary delegation add -p {gun} targets/releases qa.pem --all-paths"));
    person.does(&format!("notary delegation add -p {gun} targets/qa qa.pem --all-paths"));
    person.writes("target", "content");
    person.does(&format!("notary add -p -r targets/releases -r targets/qa {gun} v1 target"));
    Ok((person, gun))
}

async fn decided(registry: &Wharfinger, person: &Person, gun: &str) -> Result<Times> {
    let read = |name: &str| std::fs::read_to_string(person.home().join(name));
    let key = PublicKey::from_pem(&read("qa.pub")?)?;
    let ca = read("ca.pem")?;
    let host = gun.split('/').next().context("a host")?.parse()?;
    let credentials = Credentials::Basic { username: "admin".to_owned(), password: Secret::new(registry.admin_password()?) };
    let image = format!("{gun}:v1");
    let mut times = Times::default();
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir()?;
        let sql = Arc::new(Sql::open(&folder.path().join("db")).await?);
        world::tell(&sql, &key, &host, &ca).await?;
        let gate = Cluster::new(&sql).gate;
        let workload = Workload { credentials: Arc::new(vec![credentials.clone()]), ..world::workload(&image) };
        let start = Instant::now();
        let admitted = gate.admit(&workload).await;
        times.add(start.elapsed());
        ensure!(admitted.is_ok(), "refused: {:?}", admitted.err());
        sql.close().await;
    }
    Ok(times)
}

fn stock(person: &Person, gun: &str, empty: bool) -> Result<Times> {
    let mut times = Times::default();
    for round in 0..STOCK_ROUNDS {
        let folder = if empty { person.home().join(format!("empty{round}")) } else { person.home().join(".notary") };
        let mut list = Command::new("notary");
        list.args(["-s", &format!("https://{}", gun.split('/').next().unwrap_or_default()), "--tlscacert"])
            .arg(person.home().join("ca.pem"))
            .arg("-d")
            .arg(folder)
            .args(["list", gun])
            .env("NOTARY_AUTH", auth(person)?);
        let ran = wharfinger_e2e::run(list)?;
        ensure!(ran.status == 0 && ran.stdout.contains("v1"), "{ran}");
        times.add(ran.took);
    }
    Ok(times)
}

fn auth(person: &Person) -> Result<String> {
    Ok(person.try_sh("echo $NOTARY_AUTH")?.line().to_owned())
}
