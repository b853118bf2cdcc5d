//! Resolving against a host that does what it should, and hosts that do not.

#[path = "../../tuf/tests/forge/mod.rs"]
mod forge;
mod host;

use axum::http::StatusCode;
use forge::{Forge, Identity, now};
use host::{Cluster, Host};
use time::Duration;
use wharfinger_trust::{Credentials, Gun, NotaryServer, Pins, Registration, Resolver, Secret, TrustError};

const PATH: &str = "qa/app";

struct Stage {
    host: Host,
    cluster: Cluster,
    resolver: Resolver,
    forge: Forge,
    gun: Gun,
}

impl Stage {
    async fn new() -> Self {
        let host = Host::start().await;
        let cluster = Cluster::new();
        let resolver = cluster.start().await;
        let gun = host.gun(PATH);
        let forge = Forge::signed(&gun);
        host.publish(&gun, forge.render());
        Self { host, cluster, resolver, forge, gun: gun.parse().unwrap() }
    }

    fn publish(&self) {
        self.host.publish(self.gun.as_str(), self.forge.render());
    }

    async fn restart(&mut self) {
        self.resolver = self.cluster.start().await;
    }

    async fn resolve(&self) -> Result<std::sync::Arc<wharfinger_trust::Collection>, TrustError> {
        self.resolve_as(&[]).await
    }

    async fn resolve_as(&self, credentials: &[Credentials]) -> Result<std::sync::Arc<wharfinger_trust::Collection>, TrustError> {
        self.resolver.resolve(&self.host.registration(), &self.gun, credentials).await
    }

    /// The names of the files asked for since the last call, hashes cut.
    fn files(&self) -> Vec<String> {
        let names = self.host.requests().into_iter().filter_map(|line| {
            let (_, rest) = line.split_once("/_trust/tuf/")?;
            let name = rest.split(' ').next()?.to_owned();
            let parts: Vec<_> = name.split('.').filter(|part| part.len() != 64).collect();
            Some(parts.join("."))
        });
        names.collect()
    }
}

fn basic(password: &str) -> Credentials {
    Credentials::Basic { username: "alice".to_owned(), password: Secret::new(password) }
}

#[tokio::test]
async fn the_first_decision_reads_all_and_later_ones_only_the_timestamp() {
    let mut stage = Stage::new().await;
    let collection = stage.resolve().await.unwrap();
    assert_eq!(collection.counted("v1").len(), 1);
    let mut files = stage.files();
    files.sort();
    let all = ["root.json", "snapshot.json", "targets.json", "targets/qa.json", "targets/releases.json", "timestamp.json"];
    assert_eq!(files, all);
    stage.resolve().await.unwrap();
    assert_eq!(stage.files(), ["timestamp.json"]);
    stage.restart().await;
    stage.resolve().await.unwrap();
    assert_eq!(stage.files(), ["timestamp.json"]);
}

#[tokio::test]
async fn only_what_changed_is_read_again() {
    let mut stage = Stage::new().await;
    stage.resolve().await.unwrap();
    stage.files();
    stage.forge.tag("targets/qa", "v2", "manifest two");
    stage.forge.file("targets/qa").version += 1;
    stage.forge.snapshot_version += 1;
    stage.forge.timestamp_version += 1;
    // Signing anew makes new bytes of every file; only these were published.
    let old = stage.host.script().sites[stage.gun.as_str()].clone();
    let site = stage.forge.render_spoiled(|role, bytes| match old.files.get(&format!("{role}.json")) {
        Some(before) if ["root", "targets", "targets/releases"].contains(&role.as_str()) => before.clone(),
        _ => bytes,
    });
    stage.host.publish(stage.gun.as_str(), site);
    stage.resolve().await.unwrap();
    assert_eq!(stage.files(), ["timestamp.json", "snapshot.json", "targets/qa.json"]);
}

#[tokio::test]
async fn the_timestamp_is_asked_for_conditionally() {
    let stage = Stage::new().await;
    stage.host.script().etags = true;
    stage.resolve().await.unwrap();
    stage.host.requests();
    stage.resolve().await.unwrap();
    let requests = stage.host.requests();
    assert!(requests.iter().any(|line| line.contains("timestamp.json") && line.ends_with("304")), "{requests:?}");
}

#[tokio::test]
async fn a_rollback_is_denied_also_after_a_restart() {
    let mut stage = Stage::new().await;
    let old = stage.forge.render();
    stage.forge.next();
    stage.publish();
    stage.resolve().await.unwrap();
    stage.host.publish(stage.gun.as_str(), old);
    assert!(matches!(stage.resolve().await, Err(TrustError::Rollback { .. })));
    stage.restart().await;
    assert!(matches!(stage.resolve().await, Err(TrustError::Rollback { .. })));
    stage.publish();
    stage.resolve().await.unwrap();
}

#[tokio::test]
async fn a_repository_made_anew_is_denied_until_its_root_is_forgotten() {
    let stage = Stage::new().await;
    stage.resolve().await.unwrap();
    let mut other = Forge::signed(stage.gun.as_str());
    other.timestamp_version = 9;
    stage.host.publish(stage.gun.as_str(), other.render());
    let error = stage.resolve().await.unwrap_err();
    assert!(matches!(error, TrustError::Recreated { .. }), "{error}");
    assert!(error.remedy("i").contains(&format!("wharfinger policy re-pin {} --reason", stage.gun)));
    assert!(stage.resolver.forget(&stage.gun).await.unwrap());
    stage.resolve().await.unwrap();
}

#[tokio::test]
async fn a_rotated_root_is_followed() {
    let mut stage = Stage::new().await;
    stage.resolve().await.unwrap();
    let old = stage.forge.rotate_root();
    stage.forge.next();
    let both = forge::sign(&stage.forge.root, &[&stage.forge.root_key, &old]);
    let site = stage.forge.render_spoiled(|role, bytes| if role.as_str() == "root" { both.clone() } else { bytes });
    stage.host.publish(stage.gun.as_str(), site);
    assert_eq!(stage.resolve().await.unwrap().root().signed().version, 2);
}

#[tokio::test]
async fn a_signed_file_republished_under_another_repository_is_replayed() {
    let stage = Stage::new().await;
    stage.resolve().await.unwrap();
    // The stranger's repository delegates to the same key and shows the same file.
    let stolen = stage.host.script().sites[stage.gun.as_str()].files["targets/qa.json"].clone();
    let gun = stage.host.gun("mallory/app");
    let mut mallory = Forge::new(&gun);
    let key = stage.forge.signers[&forge::role("targets/qa")][0].key.clone();
    mallory.delegate("targets/releases", vec![Identity::bare()], 1);
    mallory.tag("targets/releases", "v1", "manifest one");
    mallory.delegate("targets/qa", vec![Identity::bare()], 1);
    let delegations = &mut mallory.file("targets").delegations;
    delegations.keys.insert(key.tuf_id(), key.clone());
    delegations.roles[1].keys.keyids = vec![key.tuf_id()];
    let site = mallory.render_spoiled(|role, bytes| if role.as_str() == "targets/qa" { stolen.clone() } else { bytes });
    stage.host.publish(&gun, site);
    let error = stage.resolver.resolve(&stage.host.registration(), &gun.parse().unwrap(), &[]).await.unwrap_err();
    assert!(matches!(error, TrustError::Replayed { .. }), "{error}");
    // The rightful repository goes on.
    stage.resolve().await.unwrap();
}

#[tokio::test]
async fn a_signed_file_republished_as_another_role_is_replayed() {
    let mut stage = Stage::new().await;
    let old = stage.forge.render().files["targets/qa.json"].clone();
    stage.resolve().await.unwrap();
    let key = stage.forge.signers[&forge::role("targets/qa")][0].key.clone();
    // QA has withdrawn its signature; the holder of the repository key shows the old file as that of `targets/qa2`.
    for first_seen_version in [1, 5] {
        stage.forge.next();
        let qa = stage.forge.file("targets/qa");
        qa.targets.clear();
        qa.version += first_seen_version;
        qa.expires += Duration::hours(1);
    }
    stage.publish();
    stage.resolve().await.unwrap();
    stage.forge.delegate("targets/qa2", vec![Identity::bare()], 1);
    stage.forge.next();
    let delegations = &mut stage.forge.file("targets").delegations;
    delegations.keys.insert(key.tuf_id(), key.clone());
    delegations.roles[2].keys.keyids = vec![key.tuf_id()];
    let show = |bytes: &[u8]| {
        let bytes = bytes.to_vec();
        stage.forge.render_spoiled(|role, made| if role.as_str() == "targets/qa2" { bytes.clone() } else { made })
    };
    stage.host.publish(stage.gun.as_str(), show(&old));
    let error = stage.resolve().await.unwrap_err();
    assert!(matches!(error, TrustError::Replayed { .. }), "{error}");
    // One this cluster never saw: the key has signed later since.
    let qa = &stage.forge.signers[&forge::role("targets/qa")][0];
    let unseen = forge::sign(&wharfinger_tuf::Targets { version: 2, ..forge::empty_targets() }, &[qa]);
    stage.host.publish(stage.gun.as_str(), show(&unseen));
    let error = stage.resolve().await.unwrap_err();
    assert!(matches!(error, TrustError::Replayed { .. }), "{error}");
    // The same key under a second name, signed anew, is nobody's replay.
    let anew = wharfinger_tuf::Targets { expires: now() + Duration::days(1001), ..forge::empty_targets() };
    stage.host.publish(stage.gun.as_str(), show(&forge::sign(&anew, &[qa])));
    stage.resolve().await.unwrap();
}

#[tokio::test]
async fn private_repositories_are_read_with_the_requests_credentials() {
    let stage = Stage::new().await;
    stage.host.script().user = Some(("alice".to_owned(), "secret".to_owned()));
    let absent = |result: Result<_, TrustError>| matches!(result, Err(TrustError::Absent { credentials_refused: true }));
    assert!(absent(stage.resolve().await));
    assert!(absent(stage.resolve_as(&[basic("wrong")]).await));
    // The second of two that were given is the right one.
    stage.resolve_as(&[basic("wrong"), basic("secret")]).await.unwrap();
    // Later requests that bring none are served with what worked; with a token that is still good.
    stage.host.requests();
    stage.resolve().await.unwrap();
    assert_eq!(stage.files(), ["timestamp.json"]);
}

#[tokio::test]
async fn identity_and_access_tokens_serve_as_well() {
    let stage = Stage::new().await;
    stage.host.script().user = Some(("alice".to_owned(), "secret".to_owned()));
    stage.resolve_as(&[Credentials::Bearer(Secret::new("token-of-alice-secret"))]).await.unwrap();
    stage.resolver.forget_credentials(&stage.host.registration().host);
    assert!(stage.resolve().await.is_err());
    assert!(stage.resolve_as(&[Credentials::IdentityToken(Secret::new("refresh-mallory"))]).await.is_err());
    stage.resolve_as(&[Credentials::IdentityToken(Secret::new("refresh-alice"))]).await.unwrap();
}

#[tokio::test]
async fn refused_credentials_are_not_kept() {
    let mut stage = Stage::new().await;
    stage.host.script().user = Some(("alice".to_owned(), "secret".to_owned()));
    stage.resolve_as(&[basic("secret")]).await.unwrap();
    stage.host.script().user = Some(("alice".to_owned(), "changed".to_owned()));
    assert!(matches!(stage.resolve().await, Err(TrustError::Absent { credentials_refused: true })));
    stage.host.script().user = Some(("alice".to_owned(), "secret".to_owned()));
    assert!(stage.resolve().await.is_err());
    // Nor does another process know them.
    stage.resolve_as(&[basic("secret")]).await.unwrap();
    stage.restart().await;
    assert!(stage.resolve().await.is_err());
}

#[tokio::test]
async fn credentials_never_go_to_another_host() {
    let stage = Stage::new().await;
    let thief = Host::start().await;
    for realm in
        [format!("https://{}/auth/token", thief.name), format!("http://{}/auth/token", stage.host.name), "nonsense".to_owned()]
    {
        stage.host.script().user = Some(("alice".to_owned(), "secret".to_owned()));
        stage.host.script().realm = Some(realm);
        let error = stage.resolve_as(&[basic("secret")]).await.unwrap_err();
        assert!(matches!(error, TrustError::Unusable { .. }), "{error}");
    }
    assert!(thief.requests().is_empty());
    // Before the challenge is known, nothing is sent either.
    assert!(stage.host.requests().iter().all(|line| !line.contains("Basic")));
}

#[tokio::test]
async fn what_is_not_there_is_absent() {
    let stage = Stage::new().await;
    let gun = stage.host.gun("no/such").parse().unwrap();
    let error = stage.resolver.resolve(&stage.host.registration(), &gun, &[basic("x")]).await.unwrap_err();
    assert!(matches!(error, TrustError::Absent { credentials_refused: false }), "{error}");
    // Also what was there before: what is remembered is no answer.
    stage.resolve().await.unwrap();
    stage.host.script().sites.clear();
    let error = stage.resolve().await.unwrap_err();
    assert!(matches!(error, TrustError::Deleted { .. }), "{error}");
    assert!(error.remedy("i").contains("policy re-pin"));
}

#[tokio::test]
async fn each_reason_has_its_word_and_its_repair() {
    let mut stage = Stage::new().await;
    stage.resolve().await.unwrap();
    let code = async |stage: &Stage| {
        let error = stage.resolve().await.unwrap_err();
        assert!(!error.remedy("i").is_empty());
        error.code()
    };
    stage.forge.timestamp_version = 3_000_000;
    stage.publish();
    assert_eq!(code(&stage).await, "fast-forward");
    // It was not taken in: the next right version passes.
    stage.forge.timestamp_version = 2;
    stage.publish();
    stage.resolve().await.unwrap();
    // Another root of a higher version that the trusted one never signed.
    let mut posing = Forge::signed(stage.gun.as_str());
    posing.root.version = 2;
    posing.timestamp_version = 9;
    stage.host.publish(stage.gun.as_str(), posing.render());
    assert_eq!(code(&stage).await, "root-replaced");
    stage.forge.timestamp_expires = now() - Duration::days(1);
    stage.forge.timestamp_version = 3;
    stage.publish();
    assert_eq!(code(&stage).await, "frozen");
    stage.forge.timestamp_expires = now() + Duration::days(14);
    stage.forge.file("targets").expires = now() - Duration::days(1);
    stage.forge.next();
    stage.publish();
    assert_eq!(code(&stage).await, "expired");
}

/// A registry whose trust data and tokens are elsewhere.
struct Apart {
    registry: Host,
    notary: Host,
    resolver: Resolver,
    gun: Gun,
    _cluster: Cluster,
}

impl Apart {
    async fn new() -> Self {
        let (registry, notary, cluster) = (Host::start().await, Host::start().await, Cluster::new());
        let gun = registry.gun(PATH);
        notary.publish(&gun, Forge::signed(&gun).render());
        notary.script().user = Some(("alice".to_owned(), "secret".to_owned()));
        Self { gun: gun.parse().unwrap(), resolver: cluster.start().await, registry, notary, _cluster: cluster }
    }

    fn registration(&self) -> Registration {
        let url = format!("https://{}", self.notary.name).parse().unwrap();
        let notary = NotaryServer { url, ca_bundle: Some(self.notary.ca.clone()) };
        Registration { notary: Some(notary), ..self.registry.registration() }
    }

    async fn resolve(&self, registration: &Registration) -> Result<(), TrustError> {
        self.resolver.resolve(registration, &self.gun, &[basic("secret")]).await.map(drop)
    }
}

#[tokio::test]
async fn a_registered_notary_server_is_read_instead_of_the_registry() {
    let apart = Apart::new().await;
    assert!(matches!(apart.resolve(&apart.registry.registration()).await, Err(TrustError::Absent { .. })));
    assert!(apart.notary.requests().is_empty());
    apart.registry.requests();
    apart.resolve(&apart.registration()).await.unwrap();
    assert!(apart.registry.requests().is_empty(), "credentials go to the Notary server's own token service");
    // Its certificate is judged by its own CA, or by the registry's when it has none.
    let mut other = apart.registration();
    other.notary.as_mut().unwrap().ca_bundle = None;
    assert!(matches!(apart.resolve(&other).await, Err(TrustError::Unreachable { .. })));
}

#[tokio::test]
async fn tokens_for_a_notary_server_are_fetched_from_the_registry_or_the_registered_realm_only() {
    let apart = Apart::new().await;
    let third = Host::start().await;
    for host in [&apart.registry, &third] {
        host.script().user = Some(("alice".to_owned(), "secret".to_owned()));
    }
    let realm = format!("https://{}/auth/token", third.name);
    apart.notary.script().realm = Some(realm.clone());
    let registered = |realm: &str| Registration {
        token_realm: Some(realm.parse().unwrap()),
        ca_bundle: Some(format!("{}{}", apart.registry.ca, third.ca)),
        ..apart.registration()
    };
    for registration in [apart.registration(), registered(&format!("{realm}2"))] {
        let error = apart.resolve(&registration).await.unwrap_err();
        assert!(error.to_string().contains("token_realm"), "{error}");
    }
    assert!(third.requests().is_empty());
    apart.resolve(&registered(&realm)).await.unwrap();
    assert_eq!(third.requests().len(), 1);

    let apart = Apart::new().await;
    apart.registry.script().user = Some(("alice".to_owned(), "secret".to_owned()));
    apart.notary.script().realm = Some(format!("https://{}/auth/token", apart.registry.name));
    apart.resolve(&apart.registration()).await.unwrap();
    assert!(apart.registry.requests().iter().any(|line| line.contains("/auth/token Basic")));
}

#[tokio::test]
async fn a_root_that_is_not_the_pinned_one_is_told_apart() {
    let stage = Stage::new().await;
    let pinned = |id| Registration { pins: Pins { root_keys: [id].into(), ..Pins::default() }, ..stage.host.registration() };
    let resolve = async |registration| stage.resolver.resolve(&registration, &stage.gun, &[]).await;
    let error = resolve(pinned(stage.forge.targets_key.id())).await.unwrap_err();
    assert!(matches!(error, TrustError::NotPinned { .. }), "{error}");
    resolve(pinned(stage.forge.root_key.id())).await.unwrap();
    // Also one that was trusted before.
    assert_eq!(resolve(pinned(stage.forge.targets_key.id())).await.unwrap_err().code(), "not-pinned");
}

#[tokio::test]
async fn a_host_that_does_not_answer_properly_is_told_from_one_that_cannot_answer_now() {
    let stage = Stage::new().await;
    stage.resolve().await.unwrap();
    for (status, code) in [
        (StatusCode::INTERNAL_SERVER_ERROR, "unreachable"),
        (StatusCode::SERVICE_UNAVAILABLE, "unreachable"),
        (StatusCode::TOO_MANY_REQUESTS, "unreachable"),
        (StatusCode::FOUND, "unusable"),
        (StatusCode::BAD_REQUEST, "unusable"),
    ] {
        stage.host.script().status = Some(status);
        let error = stage.resolve().await.unwrap_err();
        assert_eq!(error.code(), code, "{status}: {error}");
        assert!(error.to_string().contains(status.as_str()));
    }
    stage.host.script().status = None;
    stage.resolve().await.unwrap();
}

/// Something comes, and then nothing more. Time runs ahead as soon as everyone waits.
fn begin_and_stall() -> axum::body::Body {
    tokio::time::pause();
    let first = futures_util::stream::iter([Ok::<_, std::io::Error>("{".to_owned())]);
    axum::body::Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending()))
}

#[tokio::test]
async fn a_host_that_takes_too_long_is_unreachable() {
    let stage = Stage::new().await;
    stage.host.script().timestamps = Some(begin_and_stall);
    let error = stage.resolve().await.unwrap_err();
    assert!(matches!(error, TrustError::Unreachable { .. }), "{error}");
    // It recovers without a restart.
    tokio::time::resume();
    stage.host.script().timestamps = None;
    stage.resolve().await.unwrap();
}

#[tokio::test]
async fn a_host_with_an_unknown_certificate_or_none_is_unreachable() {
    let stage = Stage::new().await;
    let other = Host::start().await;
    let registration = wharfinger_trust::Registration { ca_bundle: Some(other.ca.clone()), ..stage.host.registration() };
    let error = stage.resolver.resolve(&registration, &stage.gun, &[]).await.unwrap_err();
    assert!(matches!(&error, TrustError::Unreachable { cause, .. } if cause.contains("certificate")), "{error}");
    let gone = format!("127.0.0.1:{}", wharfinger_e2e::free_port());
    let registration = wharfinger_trust::Registration { host: gone.parse().unwrap(), ..stage.host.registration() };
    assert!(matches!(stage.resolver.resolve(&registration, &stage.gun, &[]).await, Err(TrustError::Unreachable { .. })));
    let registration = wharfinger_trust::Registration { ca_bundle: Some("nonsense".to_owned()), ..stage.host.registration() };
    assert!(matches!(stage.resolver.resolve(&registration, &stage.gun, &[]).await, Err(TrustError::Unreachable { .. })));
}

#[tokio::test]
async fn expired_spoiled_and_endless_trust_data_is_told_apart() {
    let stage = Stage::new().await;
    let late = stage.cluster.start_at(now() + Duration::days(15)).await;
    let error = late.resolve(&stage.host.registration(), &stage.gun, &[]).await.unwrap_err();
    assert!(matches!(error, TrustError::Frozen { .. }), "{error}");
    stage.host.script().endless = true;
    let error = stage.resolve().await.unwrap_err();
    assert!(matches!(error, TrustError::Invalid { .. }), "{error}");
    stage.host.script().endless = false;
    for file in ["timestamp.json", "root.json"] {
        stage.host.script().sites.get_mut(stage.gun.as_str()).unwrap().files.insert(file.to_owned(), b"<html>".to_vec());
        let error = stage.resolve().await.unwrap_err();
        assert!(matches!(error, TrustError::Invalid { .. }), "{error}");
        stage.publish();
    }
    // What was refused is not remembered.
    stage.resolve().await.unwrap();
}

#[tokio::test]
async fn a_decision_can_see_that_something_newer_was_accepted() {
    let mut stage = Stage::new().await;
    let first = stage.resolve().await.unwrap();
    assert!(stage.resolver.is_current(&first));
    stage.forge.next();
    stage.publish();
    let second = stage.resolve().await.unwrap();
    assert!(!stage.resolver.is_current(&first));
    assert!(stage.resolver.is_current(&second));
}

#[tokio::test]
async fn decisions_at_the_same_time_as_a_publish_are_not_rollbacks() {
    let mut stage = Stage::new().await;
    for _ in 0..5 {
        stage.forge.next();
        stage.publish();
        let (one, two, three) = tokio::join!(stage.resolve(), stage.resolve(), stage.resolve());
        one.and(two).and(three).unwrap();
    }
}

#[test]
fn secrets_do_not_print() {
    let shown = format!("{:?}", [basic("hunter2"), Credentials::IdentityToken(Secret::new("hunter2"))]);
    assert!(!shown.contains("hunter2"), "{shown}");
}
