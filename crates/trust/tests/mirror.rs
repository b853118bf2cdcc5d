//! Decisions without asking: when they are made, and what ends that.

#[path = "../../tuf/tests/forge/mod.rs"]
mod forge;
mod host;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use axum::http::StatusCode;
use forge::{Forge, now};
use host::{Cluster, Host};
use time::{Duration, OffsetDateTime};
use wharfinger_oci::Host as Name;
use wharfinger_storage_sql::Sql;
use wharfinger_trust::{
    Collection, Credentials, Gun, LineStatus, Pins, Reader, Registered, Registration, Resolver, Secret, TrustError,
};

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// One registration, which a test may change or take away.
struct Registry(Mutex<Option<(Registration, Option<Credentials>)>>);

#[async_trait]
impl Registered for Registry {
    async fn hosts(&self) -> Option<Vec<Name>> {
        Some(self.0.lock().unwrap().iter().map(|(registration, _)| registration.host.clone()).collect())
    }

    async fn reader(&self, host: &Name, _: Option<&Gun>) -> Option<Reader> {
        let registered = self.0.lock().unwrap();
        let (registration, credentials) = registered.as_ref().filter(|(registration, _)| registration.host == *host)?;
        Some(Reader { registration: registration.clone(), credentials: credentials.clone() })
    }
}

/// A process that follows.
struct Process {
    resolver: Arc<Resolver>,
    following: tokio::task::JoinHandle<()>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.following.abort();
    }
}

struct Stage {
    host: Host,
    cluster: Cluster,
    registry: Arc<Registry>,
    clock: Arc<Mutex<OffsetDateTime>>,
    process: Process,
    forge: Forge,
    gun: Gun,
}

impl Stage {
    /// Followed over a feed like ours, and not yet asked for anything.
    async fn new() -> Self {
        Self::with(|host| host.feed(true), None).await
    }

    async fn with(prepare: impl FnOnce(&Host), credentials: Option<Credentials>) -> Self {
        let host = Host::start().await;
        prepare(&host);
        let gun = host.gun("qa/app");
        let forge = Forge::signed(&gun);
        host.publish(&gun, forge.render());
        let cluster = Cluster::new();
        let registry = Arc::new(Registry(Mutex::new(Some((host.registration(), credentials)))));
        let clock = Arc::new(Mutex::new(now()));
        let process = start(&cluster, &registry, &clock).await;
        Self { gun: gun.parse().unwrap(), host, cluster, registry, clock, process, forge }
    }

    /// The one repository has been asked for, and needs not be any more.
    async fn warm(&self) {
        self.resolve().await.unwrap();
        self.until("it is current", async || self.line().is_some_and(|line| line.current == 1)).await;
        self.host.requests();
    }

    async fn restart(&mut self) {
        self.process = start(&self.cluster, &self.registry, &self.clock).await;
    }

    async fn resolve(&self) -> Result<Arc<Collection>, TrustError> {
        self.process.resolver.resolve(&self.host.registration(), &self.gun, &[]).await
    }

    fn line(&self) -> Option<LineStatus> {
        self.process.resolver.lines().into_iter().next()
    }

    fn publish_next(&mut self) {
        self.forge.next();
        self.host.publish(self.gun.as_str(), self.forge.render());
    }

    async fn until(&self, what: &str, done: impl AsyncFn() -> bool) {
        until(what, done).await;
    }

    /// Whether a decision now asks the registry for files.
    async fn asks(&self) -> bool {
        self.host.requests();
        let _ = self.resolve().await;
        !self.host.requests().is_empty()
    }
}

async fn until(what: &str, done: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn start(cluster: &Cluster, registry: &Arc<Registry>, clock: &Arc<Mutex<OffsetDateTime>>) -> Process {
    let sql = Sql::open(&cluster.folder.path().join("db")).await.unwrap();
    let clock = clock.clone();
    let resolver = Arc::new(Resolver::new(Arc::new(sql), Arc::new(move || *clock.lock().unwrap())));
    let following = tokio::spawn(resolver.clone().follow(registry.clone()));
    Process { resolver, following }
}

#[tokio::test]
async fn a_warm_decision_asks_nobody() {
    for ours in [true, false] {
        let mut stage = Stage::with(|host| host.feed(ours), None).await;
        stage.warm().await;
        for _ in 0..100 {
            assert_eq!(stage.resolve().await.unwrap().counted("v1").len(), 1);
        }
        assert_eq!(stage.host.requests(), [""; 0], "ours: {ours}");
        // After a restart what is remembered is confirmed before anybody asks, and read again without asking.
        stage.restart().await;
        stage.until("it is current", async || stage.line().is_some_and(|line| line.current == 1)).await;
        let confirming = stage.host.requests();
        assert!(confirming.iter().all(|line| line.contains("timestamp.json") || line.ends_with("/v2/")), "{confirming:?}");
        assert!(!stage.asks().await, "ours: {ours}");
    }
}

#[tokio::test]
async fn what_the_feed_tells_is_in_force() {
    for ours in [true, false] {
        let mut stage = Stage::with(|host| host.feed(ours), None).await;
        let second = Cluster::new();
        let second = start(&second, &stage.registry, &stage.clock).await;
        // A third on the same database as the first.
        let third = start(&stage.cluster, &stage.registry, &stage.clock).await;
        stage.warm().await;
        second.resolver.resolve(&stage.host.registration(), &stage.gun, &[]).await.unwrap();
        let old = stage.resolve().await.unwrap();
        for round in 2..5 {
            stage.forge.file("targets/qa").targets.clear();
            stage.publish_next();
            stage.host.tell(stage.gun.as_str());
            for process in [&stage.process, &second, &third] {
                until("the new state is in force", async || {
                    let collection = process.resolver.resolve(&stage.host.registration(), &stage.gun, &[]).await.unwrap();
                    collection.timestamp().signed().version == round && collection.counted("v1").is_empty()
                })
                .await;
            }
            assert!(!stage.process.resolver.is_current(&old));
        }
        stage.until("it is current again", async || !stage.asks().await).await;
    }
}

#[tokio::test]
async fn a_change_that_was_told_of_and_cannot_be_read_ends_what_was() {
    let stage = Stage::new().await;
    stage.warm().await;
    stage.process.resolver.prove(&stage.gun, "pinned", 1).await;
    stage.host.script().status = Some(StatusCode::SERVICE_UNAVAILABLE);
    assert!(!stage.asks().await);
    stage.host.tell(stage.gun.as_str());
    stage.until("it is not used", async || stage.resolve().await.is_err()).await;
    assert!(stage.process.resolver.stale(&stage.host.registration(), &stage.gun).await.is_none());
    stage.until("it is not proven", async || stage.process.resolver.proven("pinned", 1).await.unwrap().is_none()).await;
    // It recovers by itself.
    stage.host.script().status = None;
    stage.until("it is current again", async || stage.line().is_some_and(|line| line.current == 1)).await;
}

#[tokio::test]
async fn what_expires_meanwhile_is_left_out_or_ends_it_without_a_word_from_the_registry() {
    let mut stage = Stage::new().await;
    stage.forge.file("targets/qa").expires = now() + Duration::hours(1);
    stage.host.publish(stage.gun.as_str(), stage.forge.render());
    stage.warm().await;
    assert_eq!(stage.resolve().await.unwrap().counted("v1").len(), 1);
    *stage.clock.lock().unwrap() += Duration::hours(2);
    stage.until("it is heard again", async || stage.line().unwrap().current == 1).await;
    stage.host.requests();
    assert!(stage.resolve().await.unwrap().counted("v1").is_empty());
    assert_eq!(stage.host.requests(), [""; 0]);
    *stage.clock.lock().unwrap() += Duration::days(20);
    stage.until("it is heard again", async || stage.line().unwrap().current == 1).await;
    assert!(matches!(stage.resolve().await, Err(TrustError::Frozen { .. })));
    // A clock that is set back does not bring it back before the registry is heard.
    *stage.clock.lock().unwrap() -= Duration::days(20);
    assert!(stage.asks().await);
}

#[tokio::test]
async fn where_no_feed_can_be_read_each_decision_asks() {
    let huge = vec![b' '; 3 << 20];
    let unsorted = br#"{"records":[{"ID":"2","GUN":"a"},{"ID":"1","GUN":"a"}],"next":"2","rights":"1"}"#.to_vec();
    for instead in [
        (StatusCode::NOT_FOUND, Vec::new()),
        (StatusCode::UNAUTHORIZED, Vec::new()),
        (StatusCode::FORBIDDEN, Vec::new()),
        (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
        (StatusCode::OK, b"<html>".to_vec()),
        (StatusCode::OK, huge),
        (StatusCode::OK, unsorted),
    ] {
        let stage = Stage::new().await;
        stage.warm().await;
        let status = instead.0;
        stage.host.script().feed.as_mut().unwrap().instead = Some(instead);
        stage.until("each decision asks", async || stage.asks().await).await;
        stage.resolve().await.unwrap();
        assert!(stage.asks().await, "{status}");
    }
}

#[tokio::test]
async fn a_feed_that_begins_anew_makes_everything_be_read_again() {
    for ours in [true, false] {
        let mut stage = Stage::with(|host| host.feed(ours), None).await;
        for _ in 0..3 {
            stage.host.tell(stage.gun.as_str());
        }
        stage.warm().await;
        stage.publish_next();
        // Put back to an older state: nothing after what was seen last.
        stage.host.script().feed.as_mut().unwrap().lines.truncate(1);
        stage
            .until("the new state is in force", async || {
                stage.resolve().await.is_ok_and(|collection| collection.timestamp().signed().version == 2)
            })
            .await;
    }
}

#[tokio::test]
async fn a_line_about_another_registrys_repository_moves_nothing() {
    let stage = Stage::new().await;
    stage.warm().await;
    for gun in ["elsewhere.test/qa/app", "", "../..", &format!("{}/no/such", stage.host.name), &"x".repeat(10_000)] {
        stage.host.tell(gun);
    }
    let told = stage.line().unwrap().unheard;
    stage.until("the feed was read", async || stage.line().unwrap().unheard != told).await;
    assert!(!stage.asks().await);
    assert_eq!(stage.line().unwrap().repositories, 1);
}

fn reader(password: &str) -> Credentials {
    Credentials::Basic { username: "alice".to_owned(), password: Secret::new(password) }
}

#[tokio::test]
async fn who_loses_the_right_to_read_ends_being_allowed_by_what_was_read() {
    let private = |host: &Host| {
        host.feed(true);
        host.script().user = Some(("alice".to_owned(), "secret".to_owned()));
    };
    let stage = Stage::with(private, Some(reader("secret"))).await;
    let resolve = async |credentials: &[Credentials]| {
        stage.process.resolver.resolve(&stage.host.registration(), &stage.gun, credentials).await
    };
    resolve(&[reader("secret")]).await.unwrap();
    stage.until("it is current", async || stage.line().is_some_and(|line| line.current == 1)).await;
    assert!(!stage.asks().await);
    // The feed goes on for some other reader: only its rights tell.
    stage.host.script().sites.clear();
    stage.host.script().feed.as_mut().unwrap().rights = Some("2".to_owned());
    stage.until("it is refused", async || resolve(&[]).await.is_err()).await;
    // And when the registry lets nobody in any more.
    stage.host.publish(stage.gun.as_str(), stage.forge.render());
    stage.until("it is current", async || resolve(&[]).await.is_ok() && stage.line().unwrap().current == 1).await;
    stage.host.script().user = Some(("alice".to_owned(), "changed".to_owned()));
    stage.until("it is refused", async || resolve(&[]).await.is_err()).await;
    assert!(matches!(resolve(&[]).await, Err(TrustError::Absent { credentials_refused: true })));
}

#[tokio::test]
async fn what_the_feeds_reader_never_could_read_is_asked_for_and_stays_proven() {
    // Everybody may read the feed, and one user the repository.
    let stage = Stage::new().await;
    let resolver = &stage.process.resolver;
    stage.until("the feed is read", async || stage.line().is_some_and(|line| line.followed)).await;
    for hidden in [false, true] {
        let refusal = if hidden { StatusCode::NOT_FOUND } else { StatusCode::UNAUTHORIZED };
        stage.host.script().readers = Some(("token-of-alice".to_owned(), refusal));
        let alice = [Credentials::Bearer(Secret::new("token-of-alice"))];
        let collection = resolver.resolve(&stage.host.registration(), &stage.gun, &alice).await.unwrap();
        resolver.prove(&stage.gun, "pinned", 1).await;
        stage
            .until("the feed's reader was refused", async || {
                stage.host.requests().iter().any(|line| line.ends_with("timestamp.json"))
            })
            .await;
        for _ in 0..3 {
            resolver.resolve(&stage.host.registration(), &stage.gun, &alice).await.unwrap();
        }
        assert!(resolver.is_current(&collection));
        assert!(resolver.proven("pinned", 1).await.unwrap().is_some());
        assert_eq!(stage.line().unwrap().current, 0);
        stage.host.script().feed.as_mut().unwrap().rights = Some("2".to_owned());
    }
}

#[tokio::test]
async fn a_stock_feed_behind_a_login_is_not_followed() {
    let private = |host: &Host| {
        host.feed(false);
        host.script().user = Some(("alice".to_owned(), "secret".to_owned()));
    };
    let stage = Stage::with(private, Some(reader("secret"))).await;
    let resolve =
        || async { stage.process.resolver.resolve(&stage.host.registration(), &stage.gun, &[reader("secret")]).await.unwrap() };
    stage.until("there is a line", async || stage.line().is_some()).await;
    for _ in 0..3 {
        resolve().await;
        assert!(!stage.host.requests().is_empty());
    }
    assert!(!stage.line().unwrap().followed);
}

#[tokio::test]
async fn another_registration_or_another_pin_is_not_served_from_what_was_read_before() {
    let stage = Stage::new().await;
    stage.warm().await;
    let pinned = |id| Registration { pins: Pins { root_keys: [id].into(), ..Pins::default() }, ..stage.host.registration() };
    let resolve = async |registration| stage.process.resolver.resolve(&registration, &stage.gun, &[]).await;
    assert!(matches!(resolve(pinned(stage.forge.targets_key.id())).await, Err(TrustError::NotPinned { .. })));
    stage
        .until("it is current again", async || {
            stage.resolve().await.unwrap();
            stage.line().unwrap().current == 1
        })
        .await;
    stage.host.requests();
    resolve(pinned(stage.forge.root_key.id())).await.unwrap();
    assert_eq!(stage.host.requests(), [""; 0], "what is remembered was verified under the new pin");
    let other = Host::start().await;
    let elsewhere = Registration { ca_bundle: Some(other.ca.clone()), ..stage.host.registration() };
    assert!(matches!(resolve(elsewhere).await, Err(TrustError::Unreachable { .. })));
    // Gone and back.
    let known = stage.registry.0.lock().unwrap().take();
    stage.until("the line is closed", async || stage.line().is_none()).await;
    assert!(stage.asks().await);
    *stage.registry.0.lock().unwrap() = known;
    stage.until("it is current again", async || stage.line().is_some_and(|line| line.current == 1)).await;
}

#[tokio::test]
async fn a_forgotten_root_is_not_served_from_the_mirror() {
    let stage = Stage::new().await;
    stage.warm().await;
    let old = stage.resolve().await.unwrap();
    let mut anew = Forge::signed(stage.gun.as_str());
    anew.timestamp_version = 9;
    stage.host.publish(stage.gun.as_str(), anew.render());
    stage.host.tell(stage.gun.as_str());
    stage.until("it is refused", async || matches!(stage.resolve().await, Err(TrustError::Recreated { .. }))).await;
    assert!(!stage.process.resolver.is_current(&old));
    // By another process, as the operator's command does it.
    let beside = stage.cluster.start().await;
    assert!(beside.forget(&stage.gun).await.unwrap());
    stage.resolve().await.unwrap();
    stage.until("it is current", async || !stage.asks().await).await;
}

#[tokio::test]
async fn a_silent_registry_is_known_to_be_and_what_was_proven_is_told_with_its_age() {
    let stage = Stage::new().await;
    stage.warm().await;
    let resolver = &stage.process.resolver;
    resolver.prove(&stage.gun, "pinned", 7).await;
    stage.host.script().mute = true;
    let silent = async || matches!(stage.resolve().await, Err(TrustError::Unreachable { cause, .. }) if cause.contains("silent"));
    stage.until("it is known", silent).await;
    let begun = Instant::now();
    assert!(stage.resolve().await.is_err());
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "nobody waits for what is known");
    *stage.clock.lock().unwrap() += Duration::minutes(30);
    let known = resolver.stale(&stage.host.registration(), &stage.gun).await.unwrap();
    assert!(known.unheard.unwrap() >= std::time::Duration::from_mins(29));
    assert!(resolver.is_current(&known.collection));
    assert_eq!(resolver.proven("pinned", 7).await.unwrap(), Some(now()));
    assert_eq!(resolver.proven("pinned", 8).await.unwrap(), None);
    // Another process only knows what was proven, not how old the rest is.
    let later = stage.cluster.start_at(now() + Duration::minutes(30)).await;
    let known = later.stale(&stage.host.registration(), &stage.gun).await.unwrap();
    assert!(known.unheard.is_none() && later.is_current(&known.collection));
    // No longer than its timestamp holds.
    let much_later = stage.cluster.start_at(now() + Duration::days(15)).await;
    assert!(much_later.stale(&stage.host.registration(), &stage.gun).await.is_none());
    stage.host.script().mute = false;
    stage.until("it recovers", async || stage.resolve().await.is_ok()).await;
}

#[tokio::test]
async fn a_bad_answer_ends_what_was_proven() {
    let mut stage = Stage::new().await;
    let old = stage.forge.render();
    stage.publish_next();
    stage.warm().await;
    stage.process.resolver.prove(&stage.gun, "pinned", 1).await;
    stage.host.publish(stage.gun.as_str(), old);
    stage.host.tell(stage.gun.as_str());
    stage.until("it is a rollback", async || matches!(stage.resolve().await, Err(TrustError::Rollback { .. }))).await;
    assert_eq!(stage.process.resolver.proven("pinned", 1).await.unwrap(), None);
}

/// Two registries.
struct Both(Arc<Registry>, Registration);
#[async_trait]
impl Registered for Both {
    async fn hosts(&self) -> Option<Vec<Name>> {
        Some([vec![self.1.host.clone()], self.0.hosts().await?].concat())
    }

    async fn reader(&self, host: &Name, gun: Option<&Gun>) -> Option<Reader> {
        if *host == self.1.host {
            return Some(Reader { registration: self.1.clone(), credentials: None });
        }
        self.0.reader(host, gun).await
    }
}

#[tokio::test]
async fn one_dead_registry_delays_no_other() {
    let (stage, dead) = (Stage::new().await, Host::start().await);
    dead.script().mute = true;
    let resolver = Arc::new(stage.cluster.start().await);
    let both = Arc::new(Both(stage.registry.clone(), dead.registration()));
    let following = tokio::spawn(resolver.clone().follow(both));
    resolver.resolve(&stage.host.registration(), &stage.gun, &[]).await.unwrap();
    until("the living one is current", async || resolver.lines().iter().any(|line| line.current == 1)).await;
    until("the dead one is known to be", async || {
        let gun = dead.gun("qa/app").parse().unwrap();
        let asked = resolver.resolve(&dead.registration(), &gun, &[]).await;
        matches!(asked, Err(TrustError::Unreachable { cause, .. }) if cause.contains("silent"))
    })
    .await;
    assert!(resolver.lines().iter().any(|line| line.current == 1));
    following.abort();
}
