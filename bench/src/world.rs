//! A registry host with signed repositories, and a cluster that trusts it.

use std::sync::Arc;

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};
use wharfinger_auth::{Accounts, Clock, SessionSettings};
use wharfinger_gate::{Directory, DirectoryError, Gate, Purpose, Workload};
use wharfinger_identity::{Account, AccountId, PublicKeyId, Role, Team, TeamId};
use wharfinger_keys::{PrivateKey, PublicKey, SealKey};
use wharfinger_oci::Host as HostName;
use wharfinger_policy::{Configuration, Owner, Registration, RequiredTeam};
use wharfinger_storage::accounts::{Accounts as _, PublicKeyRecord};
use wharfinger_storage::settings::Settings as _;
use wharfinger_storage_sql::Sql;
use wharfinger_trust::Resolver;

use crate::forge::{self, Forge, Identity, keys_of};

/// Who signs everything here: a member of the team that the policy asks for.
pub fn signer() -> Identity {
    Identity::bare()
}

/// `tags` tags, released and signed by `signer`, valid today.
pub fn repository(gun: &str, signer: &Identity, tags: usize) -> Forge {
    let mut forge = Forge::new(gun);
    let today = OffsetDateTime::now_utc() - forge::now();
    let valid = today - Duration::days(10)..today + Duration::days(3650);
    let root = Identity::with_certificate(PrivateKey::generate_p256(), gun, valid, false);
    forge.root.keys.remove(&forge.root_key.id());
    forge.root.keys.insert(root.id(), root.key.clone());
    forge.root.roles.insert(forge::role("root"), keys_of(&[&root], 1));
    forge.root_key = root;
    forge.delegate("targets/releases", vec![same(signer)], 1);
    forge.delegate("targets/qa", vec![same(signer)], 1);
    for number in 1..=tags {
        let content = format!("{gun} {number}");
        forge.tag("targets/releases", &format!("v{number}"), &content);
        forge.tag("targets/qa", &format!("v{number}"), &content);
    }
    forge.root.expires += today;
    forge.targets.values_mut().for_each(|file| file.expires += today);
    forge.snapshot_expires += today;
    forge.timestamp_expires += today;
    forge
}

fn same(identity: &Identity) -> Identity {
    let private = PrivateKey::from_pkcs8_der(&identity.private.to_pkcs8_der()).expect("it was a key before");
    Identity { private, key: identity.key.clone() }
}

/// Writes what a cluster must have been told: who `signer` is, and that only images signed by their team run. As another process
/// would beside a running server.
pub async fn tell(sql: &Sql, signer: &PublicKey, host: &HostName, ca: &str) -> anyhow::Result<()> {
    let now = OffsetDateTime::now_utc();
    let account = |name: &str, is_org: bool| {
        anyhow::Ok(Account {
            id: AccountId::generate(),
            name: name.parse()?,
            full_name: String::new(),
            is_org,
            is_admin: false,
            is_active: true,
            role: if is_org { Role::None } else { Role::FullControl },
        })
    };
    let (org, quinn) = (account("acme", true)?, account("quinn", false)?);
    let team = Team { id: TeamId::generate(), org: org.id.clone(), name: "qa".parse()?, description: String::new() };
    let key = PublicKeyRecord {
        id: PublicKeyId::generate(),
        account: quinn.id.clone(),
        spki: signer.spki_der().to_vec(),
        label: String::new(),
        certificates: Vec::new(),
        login: false,
        created: now,
    };
    sql.create_account(&org, None, now).await?;
    sql.create_account(&quinn, None, now).await?;
    sql.create_team(&team).await?;
    sql.put_team_member(&team.id, &quinn.id).await?;
    sql.add_key(&key).await?;
    let stored = sql.load().await?;
    let mut configuration = match stored.document.as_str() {
        "" => Configuration::default(),
        text => serde_json::from_str(text)?,
    };
    configuration.registries = vec![Registration::new(host, ca)];
    configuration.trust.require_content_trust = true;
    configuration.trust.require_signature_from = vec![RequiredTeam { id: team.id, name: "acme/qa".to_owned() }];
    sql.replace(stored.revision, &serde_json::to_string(&configuration)?).await?;
    Ok(())
}

/// What decides for one cluster, put together as the product does.
pub struct Cluster {
    pub gate: Arc<Gate>,
    pub resolver: Arc<Resolver>,
}

impl Cluster {
    pub fn new(sql: &Arc<Sql>) -> Self {
        let now: fn() -> OffsetDateTime = OffsetDateTime::now_utc;
        let accounts = Accounts::new(sql.clone(), sql.clone(), SessionSettings::default(), Clock::system());
        let (people, seal) = (Arc::new(People(accounts)), Arc::new(SealKey::generate()));
        let resolver = Arc::new(Resolver::new(sql.clone(), Arc::new(now)));
        let gate = Gate::new(sql.clone(), people, resolver.clone(), sql.clone(), None, seal, now);
        Self { gate: Arc::new(gate), resolver }
    }
}

/// What the product puts between gate and accounts.
struct People(Accounts);

#[async_trait]
impl Directory for People {
    async fn revision(&self) -> Result<i64, DirectoryError> {
        let revision = self.0.revision().await.map_err(|error| DirectoryError(Box::new(error)))?;
        i64::try_from(revision).map_err(|error| DirectoryError(Box::new(error)))
    }

    async fn owner(&self, key: &PublicKey) -> Result<Option<Owner>, DirectoryError> {
        let owner = self.0.owner_of(key).await.map_err(|error| DirectoryError(Box::new(error)))?;
        Ok(owner.map(|owner| Owner {
            account: owner.account.id.clone(),
            name: owner.account.name.to_string(),
            is_active: owner.account.is_active,
            teams: owner.teams.clone(),
        }))
    }
}

pub fn workload(image: &str) -> Workload {
    Workload { purpose: Purpose::Create, ..Workload::question(image, AccountId::stored("olga"), "olga") }
}
