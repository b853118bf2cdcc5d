//! What a large registry and its cluster hold, put there through the product's own storage while nothing serves from it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use time::{Duration, OffsetDateTime};
use wharfinger_identity::{Account, AccountId, Role, Team, TeamId};
use wharfinger_oci::{Digest, Repository};
use wharfinger_storage::accounts::Accounts as _;
use wharfinger_storage::audit::{Act, Audit as _};
use wharfinger_storage::blobs::{Blobs as _, UploadId};
use wharfinger_storage::collections::{Collections as _, Head, NewFile, Publication, Published};
use wharfinger_storage::repositories::{
    AccessLevel, BlobLink, Content as _, ManifestPut, NewManifest, Repositories as _, RepositoryRecord, Scope, Visibility,
};
use wharfinger_storage_blob::BlobFiles;
use wharfinger_storage_sql::Sql;
use wharfinger_tuf::RoleName;

use crate::world;

const REPOSITORIES: usize = 100_000;
const USERS: usize = 10_000;
const ORGANIZATIONS: usize = 3_000;
/// Each of another organization, and each may read all of it.
const TEAMS: usize = 200;
const TAGS: usize = 2_000;
const SIGNED: usize = 500;
/// How often somebody published to the repository with many tags.
const PUBLISHED: usize = 30;
const ACTS: usize = 1_000_000;
/// Acts that are recorded at once.
const AT_ONCE: usize = 4_000;

/// The repository with many tags, and one that nobody else has a part of in its name.
pub const LARGE: &str = "org0000/large";
const UNIQUE: &str = "org2999/xylophone";

/// Fills `data`, in which `few` and `many` are users already, for the registry that is called `host`.
pub async fn fill(data: &Path, host: &str) -> Result<()> {
    let sql = Sql::open(&data.join("wharfinger.db")).await?;
    let organizations = people(&sql).await?;
    repositories(&sql, &organizations).await?;
    let blobs = BlobFiles::open(&data.join("blobs")).await?;
    tags(&sql, &blobs).await?;
    signatures(&sql, host).await?;
    acts(&sql).await?;
    sql.close().await;
    Ok(())
}

fn account(name: &str, is_org: bool) -> Result<Account> {
    Ok(Account {
        id: AccountId::generate(),
        name: name.parse()?,
        full_name: format!("The full name of {name}"),
        is_org,
        is_admin: false,
        is_active: true,
        role: if is_org { Role::None } else { Role::RestrictedControl },
    })
}

async fn people(sql: &Sql) -> Result<Vec<AccountId>> {
    let now = OffsetDateTime::now_utc();
    for number in 0..USERS {
        sql.create_account(&account(&format!("user{number:05}"), false)?, None, now).await?;
    }
    let mut organizations = Vec::with_capacity(ORGANIZATIONS);
    for number in 0..ORGANIZATIONS {
        let organization = account(&format!("org{number:04}"), true)?;
        sql.create_account(&organization, None, now).await?;
        organizations.push(organization.id);
    }
    let many = sql.account_named(&"many".parse()?).await?.context("many was made")?;
    let few = sql.account_named(&"few".parse()?).await?.context("few was made")?;
    for (number, org) in organizations.iter().enumerate().take(TEAMS) {
        let team = Team { id: TeamId::generate(), org: org.clone(), name: "dev".parse()?, description: String::new() };
        sql.create_team(&team).await?;
        sql.put_team_member(&team.id, &many.id).await?;
        let scope = Scope::Namespace(format!("org{number:04}").parse()?);
        sql.grant(&scope, &team.id, AccessLevel::ReadOnly).await?;
        if number == 0 {
            sql.put_team_member(&team.id, &few.id).await?;
        }
    }
    Ok(organizations)
}

async fn repositories(sql: &Sql, organizations: &[AccountId]) -> Result<()> {
    const KINDS: [&str; 8] = ["api", "web", "worker", "gateway", "ledger", "mailer", "search", "report"];
    let now = OffsetDateTime::now_utc();
    for number in 0..REPOSITORIES {
        let owner = number % ORGANIZATIONS;
        let name = match number {
            0 => LARGE.to_owned(),
            _ if number + 1 == ORGANIZATIONS => UNIQUE.to_owned(),
            _ => format!("org{owner:04}/{}-{number:06}", KINDS[number % KINDS.len()]),
        };
        let record = RepositoryRecord {
            name: name.parse()?,
            owner: organizations.get(owner).cloned(),
            visibility: if number % 3 == 0 { Visibility::Public } else { Visibility::Private },
            short_description: "What it is, in the words of those who made it.".to_owned(),
            long_description: "How it is used, and where to ask.".repeat(8),
            immutable_tags: false,
            created_at: now,
            updated_at: now,
        };
        ensure!(sql.create(&record).await?, "{name} is new");
    }
    Ok(())
}

async fn tags(sql: &Sql, blobs: &BlobFiles) -> Result<()> {
    let (repository, now): (Repository, _) = (LARGE.parse()?, OffsetDateTime::now_utc());
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    for number in 1..=TAGS {
        let config = serde_json::json!({ "os": "linux", "architecture": "amd64", "config": { "Cmd": ["/app"], "Labels": { "n": number } } });
        let config = config.to_string();
        let (upload, digest) = (UploadId::generate(), Digest::sha256(config.as_bytes()));
        blobs.begin(&upload).await?;
        let bytes = config.clone().into_bytes();
        blobs.append(&upload, None, Box::pin(futures_util::stream::iter([Ok(bytes.into())]))).await?;
        blobs.finish(&upload, &digest).await?;
        sql.link_blob(&repository, &BlobLink { digest: digest.clone(), size: config.len() as u64 }, now).await?;
        let content = serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type,
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": config.len() },
            "layers": [],
        });
        let content = content.to_string().into_bytes();
        let new = NewManifest {
            repository: repository.clone(),
            digest: Digest::sha256(&content),
            media_type: media_type.to_owned(),
            content,
            blobs: vec![digest],
            manifests: Vec::new(),
            subject: None,
            tag: Some(format!("v{number}").parse()?),
            author: "many".to_owned(),
            now,
        };
        ensure!(sql.put_manifest(&new).await? == ManifestPut::Stored, "v{number} is stored");
    }
    Ok(())
}

/// Signs some of the tags, again and again as they change.
async fn signatures(sql: &Sql, host: &str) -> Result<()> {
    let (gun, signer) = (format!("{host}/{LARGE}"), world::signer());
    let mut forge = world::repository(&gun, &signer, SIGNED);
    let (mut based_on, mut known, mut root) = (None, BTreeSet::new(), None);
    let began = OffsetDateTime::now_utc() - Duration::days(30);
    for (number, hours) in (1..=PUBLISHED).zip(0..) {
        if number > 1 {
            forge.next();
            for role in ["targets/releases", "targets/qa"] {
                forge.tag(role, &format!("v{number}"), &format!("content of {number}"));
            }
        }
        // The root stays the file it was: signed anew it would be another one of the same version.
        let site = forge.render_spoiled(|role, bytes| match role {
            RoleName::Root => root.get_or_insert(bytes).clone(),
            _ => bytes,
        });
        let mut files = Vec::new();
        for (name, bytes) in &site.files {
            let Some((version, role)) = name.strip_suffix(".json").and_then(|name| name.split_once('.')) else { continue };
            let Ok(version) = version.parse() else { continue };
            let sha256 = Digest::sha256(bytes).hex().to_owned();
            if known.insert((role.to_owned(), version)) {
                files.push(NewFile { role: role.to_owned(), version, sha256, signed_sha256: None, bytes: bytes.clone() });
            }
        }
        let hash = |role: &str| site.files.get(&format!("{role}.json")).map(|bytes| Digest::sha256(bytes).hex().to_owned());
        let (timestamp, snapshot) = hash("timestamp").zip(hash("snapshot")).context("both are made")?;
        let head =
            Head { timestamp_sha256: timestamp.clone(), snapshot_sha256: snapshot, resign_at: began + Duration::days(3650) };
        let (used_keys, by, at) = (Vec::new(), None, began + Duration::hours(hours));
        let publication = Publication { gun: gun.clone(), based_on, files, head, used_keys, by, at };
        ensure!(sql.publish(&publication).await? == Published::Stored, "the signatures are stored");
        based_on = Some(timestamp);
    }
    Ok(())
}

async fn acts(sql: &Sql) -> Result<()> {
    let now = OffsetDateTime::now_utc();
    for begin in (0..ACTS).step_by(AT_ONCE) {
        let acts: Vec<Act> = (begin..begin + AT_ONCE)
            .map(|number| Act {
                at: now,
                actor: format!("user{:05}", number % USERS),
                action: "deploy".to_owned(),
                object: format!("dtr.test/org{:04}/api:{number}", number % ORGANIZATIONS),
                outcome: "allow".to_owned(),
                detail: "{\"code\":\"policy-met\"}".to_owned(),
            })
            .collect();
        try_join_all(acts.iter().map(|act| sql.append(act))).await?;
    }
    Ok(())
}
