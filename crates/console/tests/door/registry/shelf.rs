//! A registry on a temporary `SQLite`, with people, teams, images and trust data signed by real keys.

use std::sync::Arc;

use axum::Router;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use wharfinger_auth::{Accounts, Clock, Directory, NewKey, NoPolicy, RegistryAccess, Secret, SessionSettings, Tokens};
use wharfinger_console::{People, RegistryConsole, registry_console_routes};
use wharfinger_identity::TeamId;
use wharfinger_keys::{PrivateKey, SealKey};
use wharfinger_notary::Notary;
use wharfinger_oci::Digest;
use wharfinger_storage::blobs::UploadId;
use wharfinger_storage::repositories::{
    BlobLink, Content as _, ManifestPut, ManifestSelector, NewManifest, Repositories as _, RepositoryRecord, Visibility,
};
use wharfinger_storage_blob::BlobFiles;
use wharfinger_storage_sql::Sql;
use wharfinger_transport::Live;
use wharfinger_tuf::{Hashes, TargetFile};

use super::collection::Collection;
use crate::browser::{Browser, PASSWORD};
use crate::folk::{CutLive, Folk};

pub const HOST: &str = "dtr.test:5443";

pub struct Shelf {
    pub console: RegistryConsole,
    pub sql: Arc<Sql>,
    pub router: Router,
    folk: Folk,
    live: Arc<Live>,
    _folder: tempfile::TempDir,
}

pub async fn shelf() -> Shelf {
    shelf_with(People::Here).await
}

/// With accounts that are kept here or elsewhere.
pub async fn shelf_with(kept: impl FnOnce(Arc<Directory>) -> People) -> Shelf {
    let folder = tempfile::tempdir().unwrap();
    let sql = Arc::new(Sql::open(&folder.path().join("db")).await.unwrap());
    let (seal, clock, live) = (SealKey::generate(), Clock::system(), Live::new());
    let accounts = Accounts::new(sql.clone(), sql.clone(), SessionSettings::default(), clock.clone()).with_cookies_of("test");
    let accounts = Arc::new(accounts);
    accounts.ensure_admin(&Secret::new(PASSWORD)).await.unwrap();
    let tokens = Arc::new(Tokens::open(&*sql, &seal, HOST, clock.clone()).await.unwrap());
    let access = Arc::new(RegistryAccess::new(accounts.clone(), tokens, sql.clone(), sql.clone(), HOST));
    let cut = Arc::new(CutLive(live.clone()));
    let directory = Arc::new(Directory::new(accounts.clone(), Arc::new(NoPolicy), cut, None, sql.clone()));
    let folk = Folk { accounts: accounts.clone(), directory };
    let blobs = Arc::new(BlobFiles::open(&folder.path().join("blobs")).await.unwrap());
    let (content, collections) = (sql.clone(), sql.clone());
    let trust = Arc::new(Notary::new(HOST, access.clone(), sql.clone(), Arc::new(seal), Arc::new(OffsetDateTime::now_utc)));
    let people = kept(folk.directory.clone());
    let console = RegistryConsole { accounts, people, access, content, blobs, collections, trust, clock, host: HOST.to_owned() };
    Shelf { router: registry_console_routes(console.clone()), console, folk, sql, live, _folder: folder }
}

impl Shelf {
    pub async fn team_id(&self, org: &str, team: &str) -> TeamId {
        self.directory.team_of(&self.principal("admin").await, org, team).await.unwrap().team.id
    }

    pub async fn key_of(&self, user: &str, key: &PrivateKey) {
        let admin = self.principal("admin").await;
        let new = NewKey { public_key: key.public_key().to_pem(), ..NewKey::default() };
        self.directory.add_key(&admin, user, new).await.unwrap();
    }

    pub async fn repository(&self, name: &str, visibility: Visibility) {
        let now = OffsetDateTime::now_utc();
        let owner = self.console.accounts.find_named(&name.split('/').next().unwrap().parse().unwrap()).await.unwrap();
        let record = RepositoryRecord {
            name: name.parse().unwrap(),
            owner: owner.map(|owner| owner.id),
            visibility,
            short_description: "<script>alert(1)</script>".to_owned(),
            long_description: String::new(),
            immutable_tags: false,
            created_at: now,
            updated_at: now,
        };
        assert!(self.sql.create(&record).await.unwrap());
    }

    async fn blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let (upload, digest, bytes) = (UploadId::generate(), Digest::sha256(bytes), bytes.to_vec());
        let link = BlobLink { digest: digest.clone(), size: bytes.len() as u64 };
        self.console.blobs.begin(&upload).await.unwrap();
        let content = futures_util::stream::iter([Ok(bytes.into())]);
        self.console.blobs.append(&upload, None, Box::pin(content)).await.unwrap();
        self.console.blobs.finish(&upload, &digest).await.unwrap();
        assert!(self.sql.link_blob(&repository.parse().unwrap(), &link, OffsetDateTime::now_utc()).await.unwrap());
        digest
    }

    /// An image with one layer; `note` stands in a label and makes it another one.
    pub async fn push(&self, repository: &str, tag: &str, note: &str) -> Pushed {
        let config = json!({
            "os": "linux", "architecture": "arm64", "variant": "v8",
            "config": { "Cmd": ["/bin/app"], "Labels": { "note": note } },
        });
        let config = config.to_string();
        let (config_digest, layer) = (self.blob(repository, config.as_bytes()).await, self.blob(repository, b"layer").await);
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type,
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest, "size": config.len() },
            "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer, "size": 34_000_000 }],
        });
        let content = manifest.to_string().into_bytes();
        let digest = Digest::sha256(&content);
        let target = TargetFile { custom: None, hashes: Hashes::of(&content), length: content.len() as u64 };
        let new = NewManifest {
            repository: repository.parse().unwrap(),
            digest: digest.clone(),
            media_type: media_type.to_owned(),
            content,
            blobs: vec![config_digest, layer],
            manifests: Vec::new(),
            subject: None,
            tag: Some(tag.parse().unwrap()),
            author: "pusher".to_owned(),
            now: OffsetDateTime::now_utc(),
        };
        assert_eq!(self.sql.put_manifest(&new).await.unwrap(), ManifestPut::Stored);
        Pushed { digest, target }
    }

    /// One more tag for an image that is there.
    pub async fn tag(&self, repository: &str, tag: &str, pushed: &Pushed) {
        let selector = ManifestSelector::Digest(pushed.digest.clone());
        let there = self.sql.manifest(&repository.parse().unwrap(), &selector).await.unwrap().unwrap();
        let new = NewManifest {
            repository: repository.parse().unwrap(),
            digest: pushed.digest.clone(),
            media_type: there.media_type,
            content: there.content,
            blobs: Vec::new(),
            manifests: Vec::new(),
            subject: None,
            tag: Some(tag.parse().unwrap()),
            author: "pusher".to_owned(),
            now: OffsetDateTime::now_utc(),
        };
        assert_eq!(self.sql.put_manifest(&new).await.unwrap(), ManifestPut::Stored);
    }

    /// Trust data in which the role `targets/<signer>` and `targets/releases` say that `tag` is `pushed`, both signed with `key`.
    pub async fn sign(&self, repository: &str, tag: &str, pushed: &Pushed, signing: Signing<'_>) {
        let Signing { signer, key, forged, lives } = signing;
        let mut collection = Collection::new(&format!("{HOST}/{repository}"), signer, key, lives);
        collection.forger = forged.then(PrivateKey::generate_p256);
        collection.tag(tag, Some(&pushed.target));
        collection.publish(&self.sql, &collection.all(), None, OffsetDateTime::now_utc()).await;
    }
}

/// How a tag is signed.
pub struct Signing<'key> {
    pub signer: &'static str,
    pub key: &'key PrivateKey,
    /// The signer's file is signed by somebody else under the key's id.
    pub forged: bool,
    /// Until everything expires.
    pub lives: Duration,
}

impl<'key> Signing<'key> {
    pub fn by(signer: &'static str, key: &'key PrivateKey) -> Self {
        Self { signer, key, forged: false, lives: Duration::days(30) }
    }
}

/// An image that was pushed.
pub struct Pushed {
    pub digest: Digest,
    pub target: TargetFile,
}

impl std::ops::Deref for Shelf {
    type Target = Folk;

    fn deref(&self) -> &Folk {
        &self.folk
    }
}

impl Shelf {
    pub fn browser(&self) -> Browser {
        Browser::at(&self.router, &self.live, HOST)
    }

    /// Signed in, with the token of a form at hand.
    pub async fn browser_of(&self, name: &str) -> Browser {
        self.browser().signed_in(name).await
    }
}
