//! Changes of a cluster's configuration, with a real database and a real registry host.

#[path = "../../tuf/tests/forge/mod.rs"]
mod forge;
#[path = "../../trust/tests/host/mod.rs"]
mod host;

use std::path::Path;
use std::sync::Arc;

use forge::now;
use host::Host;
use wharfinger_cluster::{Change, Cluster, ClusterError, NewRegistration, TeamError};
use wharfinger_identity::{Account, AccountId, Role, Team, TeamId};
use wharfinger_keys::SealKey;
use wharfinger_policy::{Signers, TrustDocument};
use wharfinger_storage::accounts::Accounts as _;
use wharfinger_storage::audit::Audit as _;
use wharfinger_storage_sql::Sql;
use wharfinger_trust::Resolver;

struct Stage {
    folder: tempfile::TempDir,
    sql: Arc<Sql>,
    cluster: Cluster,
    host: Host,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sql = Arc::new(Sql::open(&folder.path().join("db")).await.unwrap());
        let certs = Some(folder.path().join("certs.d"));
        let resolver = Arc::new(Resolver::new(sql.clone(), Arc::new(now)));
        let seal = Arc::new(SealKey::generate());
        let cluster = Cluster::new(sql.clone(), sql.clone(), sql.clone(), seal, certs, Some(resolver), now);
        Self { folder, sql, cluster, host: Host::start().await }
    }

    fn registration(&self, address: &str) -> NewRegistration {
        let body = serde_json::json!({ "hostAddress": address, "caBundle": self.host.ca });
        serde_json::from_value(body).unwrap()
    }

    async fn register(&self) -> Result<Change, ClusterError> {
        self.cluster.register("ann", self.registration(&self.host.name)).await
    }

    async fn account(&self, name: &str, is_org: bool) -> AccountId {
        let id = AccountId::generate();
        let account = Account {
            id: id.clone(),
            name: name.parse().unwrap(),
            full_name: String::new(),
            is_org,
            is_admin: false,
            is_active: true,
            role: Role::None,
        };
        self.sql.create_account(&account, None, now()).await.unwrap();
        id
    }

    async fn team(&self, org: &AccountId, name: &str, member: Option<&AccountId>) -> TeamId {
        let team = Team { id: TeamId::generate(), org: org.clone(), name: name.parse().unwrap(), description: String::new() };
        self.sql.create_team(&team).await.unwrap();
        if let Some(member) = member {
            self.sql.put_team_member(&team.id, member).await.unwrap();
        }
        team.id
    }

    async fn require(&self, teams: &[&str]) -> Result<Change, ClusterError> {
        let document = TrustDocument {
            require_content_trust: true,
            require_signature_from: Some(teams.iter().map(ToString::to_string).collect()),
            signers: Some(Signers::Any),
            allow_repos: Vec::new(),
            allow_builds: false,
            delegate_membership: false,
            max_staleness_minutes: None,
            rules: None,
            exemptions: Vec::new(),
        };
        self.cluster.replace_trust("ann", document, None).await
    }

    async fn required(&self) -> Vec<(TeamId, String)> {
        let trust = self.cluster.current().await.unwrap().configuration.trust;
        trust.require_signature_from.into_iter().map(|team| (team.id, team.name)).collect()
    }

    async fn actions(&self) -> Vec<String> {
        let entries = self.sql.newest(None, 100).await.unwrap();
        entries.into_iter().map(|entry| format!("{} {} {}", entry.act.actor, entry.act.action, entry.act.object)).collect()
    }

    fn engine_ca(&self) -> Option<String> {
        let file = Path::new("certs.d").join(&self.host.name).join("ca.crt");
        std::fs::read_to_string(self.folder.path().join(file)).ok()
    }
}

#[tokio::test]
async fn a_registry_is_added_when_its_certificate_is_the_cas_and_told_to_the_engine() {
    let stage = Stage::new().await;
    stage.register().await.unwrap();
    let registered = stage.cluster.registrations().await.unwrap();
    assert_eq!(registered.len(), 1);
    assert_eq!(registered[0].host_address, stage.host.name);
    assert!(stage.engine_ca().unwrap().contains(stage.host.ca.trim()));
    assert_eq!(stage.actions().await, [format!("ann registry.add {}", stage.host.name)]);
    stage.cluster.deregister("ann", &stage.host.name).await.unwrap();
    assert!(stage.cluster.registrations().await.unwrap().is_empty());
    assert_eq!(stage.engine_ca(), None);
    assert!(matches!(stage.cluster.deregister("ann", &stage.host.name).await, Err(ClusterError::NotRegistered(_))));
}

#[tokio::test]
async fn a_wrong_ca_is_refused_with_the_cause_and_changes_nothing() {
    let stage = Stage::new().await;
    let other = Host::start().await;
    let refused = async |ca: &str| {
        let new = NewRegistration { ca_bundle: ca.to_owned(), ..stage.registration(&stage.host.name) };
        stage.cluster.register("ann", new).await.unwrap_err().to_string()
    };
    let said = refused(&other.ca).await;
    assert!(said.starts_with(&format!("trusted registry not added: {}: ", stage.host.name)), "{said}");
    assert!(said.contains("not signed by the given CA"), "{said}");
    assert!(refused("no PEM").await.contains("CA bundle"));
    assert!(stage.cluster.registrations().await.unwrap().is_empty());
    stage.register().await.unwrap();
    refused(&other.ca).await;
    assert_eq!(
        stage.cluster.registrations().await.unwrap()[0].ca_bundle,
        stage.host.ca,
        "a working CA is not replaced by one that is not"
    );
}

#[tokio::test]
async fn a_host_that_is_down_is_not_added() {
    let stage = Stage::new().await;
    let said = stage.cluster.register("ann", stage.registration("127.0.0.1:1")).await.unwrap_err().to_string();
    assert!(said.starts_with("trusted registry not added: 127.0.0.1:1: "), "{said}");
}

#[tokio::test]
async fn an_address_with_a_scheme_a_path_or_a_space_is_refused() {
    let stage = Stage::new().await;
    for address in ["https://dtr.test", "dtr.test/v2", "dtr test", ""] {
        assert!(
            matches!(stage.cluster.register("ann", stage.registration(address)).await, Err(ClusterError::Host(_))),
            "{address}"
        );
    }
}

#[tokio::test]
async fn a_read_password_is_sealed_kept_for_its_user_and_never_shown() {
    let stage = Stage::new().await;
    let with = |username: &str, password: &str| NewRegistration {
        read_username: username.to_owned(),
        read_password: password.to_owned(),
        ..stage.registration(&stage.host.name)
    };
    let kept = async || stage.cluster.registrations().await.unwrap()[0].read_password.clone();
    stage.cluster.register("ann", with("reader", "tell-nobody")).await.unwrap();
    let sealed = kept().await;
    assert!(!sealed.is_empty() && !sealed.contains("tell-nobody"));
    stage.cluster.register("ann", with("reader", "")).await.unwrap();
    assert_eq!(kept().await, sealed, "not written again, it is kept");
    assert!(matches!(stage.cluster.register("ann", with("other", "")).await, Err(ClusterError::HalfCredentials(_))));
    assert!(matches!(stage.cluster.register("ann", with("", "alone")).await, Err(ClusterError::HalfCredentials(_))));
    let current = stage.cluster.current().await.unwrap();
    assert!(!current.configuration.write().contains(&sealed));
    stage.cluster.replace_file("ann", &current.configuration.write(), None).await.unwrap();
    assert_eq!(kept().await, sealed, "the file that was read can be written back");
    let recorded = stage.sql.newest(None, 100).await.unwrap();
    assert!(recorded.iter().all(|entry| !entry.act.detail.contains("tell-nobody") && !entry.act.detail.contains(&sealed)));
}

#[tokio::test]
async fn team_names_are_resolved_to_ids_when_they_are_written() {
    let stage = Stage::new().await;
    let (acme, beta) = (stage.account("acme", true).await, stage.account("beta", true).await);
    let quinn = stage.account("quinn", false).await;
    let qa = stage.team(&acme, "qa", Some(&quinn)).await;
    let ops = stage.team(&acme, "ops", Some(&quinn)).await;
    stage.team(&beta, "ops", Some(&quinn)).await;
    stage.team(&acme, "empty", None).await;
    for written in ["acme/qa", "qa", qa.as_str()] {
        stage.require(&[written]).await.unwrap();
        assert_eq!(stage.required().await, [(qa.clone(), "acme/qa".to_owned())], "{written}");
    }
    stage.require(&["acme/ops", "qa", "acme/qa"]).await.unwrap();
    assert_eq!(stage.required().await, [(ops, "acme/ops".to_owned()), (qa, "acme/qa".to_owned())], "twice the same counts once");
    let refused = async |name: &str| match stage.require(&[name]).await.unwrap_err() {
        ClusterError::Team(error) => error,
        other => panic!("{other}"),
    };
    assert!(matches!(refused("ops").await, TeamError::Ambiguous(_)));
    assert!(matches!(refused("acme/empty").await, TeamError::Empty(_)));
    for unknown in ["acme/none", "none/qa", "quinn/qa", "", "a/b/c"] {
        assert!(matches!(refused(unknown).await, TeamError::Unknown(_)), "{unknown}");
    }
    assert_eq!(stage.required().await.len(), 2, "a refused policy changes nothing");
}

#[tokio::test]
async fn rules_are_resolved_when_they_are_written_and_refused_by_name() {
    let stage = Stage::new().await;
    let acme = stage.account("acme", true).await;
    let quinn = stage.account("quinn", false).await;
    let idle = Account {
        id: AccountId::generate(),
        name: "idle".parse().unwrap(),
        full_name: String::new(),
        is_org: false,
        is_admin: false,
        is_active: false,
        role: Role::None,
    };
    stage.sql.create_account(&idle, None, now()).await.unwrap();
    let qa = stage.team(&acme, "qa", Some(&quinn)).await;
    stage.team(&acme, "empty", None).await;
    let write = async |require: &str| {
        let file = format!(
            "registries = []\n[trust_configuration]\nrequire_content_trust = true\n\
             [[trust_configuration.rules]]\nimages = [\"dtr.test/dev/*\"]\nrequire.users = [\"quinn\"]\nmode = \"audit\"\n\
             [[trust_configuration.rules]]\nimages = [\"dtr.test/qa/*\"]\n{require}\n"
        );
        stage.cluster.replace_file("ann", &file, None).await
    };
    write("require = { teams = [\"qa\"], users = [\"quinn\"], at_least = 1 }").await.unwrap();
    let trust = stage.cluster.current().await.unwrap().configuration.trust;
    assert_eq!(trust.rules[0].mode, wharfinger_policy::Mode::Audit);
    assert_eq!(trust.rules[1].require.teams[0].id, qa);
    assert_eq!((&trust.rules[1].require.users[0].id, trust.rules[1].require.at_least), (&quinn, 1));
    let file = stage.cluster.current().await.unwrap().configuration.write();
    stage.cluster.replace_file("ann", &file, None).await.unwrap();
    assert_eq!(stage.cluster.current().await.unwrap().configuration.trust, trust, "the file that was read can be written back");
    stage.cluster.replace_trust("ann", TrustDocument::from(&trust), None).await.unwrap();
    assert_eq!(stage.cluster.current().await.unwrap().configuration.trust, trust, "and so can the JSON");
    for (require, cause) in [
        ("", "names nobody"),
        ("require.teams = [\"acme/none\"]", "no team `acme/none`"),
        ("require.teams = [\"acme/empty\"]", "no active member"),
        ("require.users = [\"nobody\"]", "no user `nobody`"),
        ("require.users = [\"acme\"]", "no user `acme`"),
        ("require.users = [\"idle\"]", "`idle` is not active"),
        ("require = { teams = [\"qa\", \"acme/qa\"], at_least = 2 }", "`at_least` is 2 of 1"),
        ("mode = \"warn\"\nrequire.users = [\"quinn\"]", "unknown mode `warn`"),
        ("namespaces = []\nrequire.users = [\"quinn\"]", "`namespaces` is empty"),
        ("namespaces = [\"Prod\"]\nrequire.users = [\"quinn\"]", "`Prod` is not a namespace"),
    ] {
        let said = write(require).await.unwrap_err().to_string();
        assert!(said.contains("rule 2 (dtr.test/qa/*") && said.contains(cause), "{require}: {said}");
    }
    assert_eq!(stage.cluster.current().await.unwrap().configuration.trust, trust, "a refused policy changes nothing");
}

#[tokio::test]
async fn an_exemption_is_approved_by_the_admin_who_writes_it_and_stays_when_others_write() {
    let stage = Stage::new().await;
    let ann = stage.account("ann", false).await;
    let quinn = stage.account("quinn", false).await;
    stage.account("bob", false).await;
    let write = async |actor: &str, requested_by: &str, more: &str| {
        let file = format!(
            "registries = []\n[trust_configuration]\nrequire_content_trust = true\n[[trust_configuration.exemptions]]\n\
             repository = \"dtr.test/qa/*\"\nreason = \"a test\"\nexpires = \"2999-01-01T00:00:00Z\"\n\
             requested_by = \"{requested_by}\"\n{more}\n"
        );
        stage.cluster.replace_file(actor, &file, None).await
    };
    for (actor, requested_by, more, cause) in [
        ("ann", "ann", "", "somebody else has to approve"),
        ("ann", "nobody", "", "no user `nobody`"),
        ("ann", "quinn", "approved_by = \"bob\"", "approved by whoever writes it"),
        ("ann", "quinn", "approved_by = \"nobody\"", "no user `nobody`"),
        ("ghost", "quinn", "", "no user `ghost`"),
    ] {
        let said = write(actor, requested_by, more).await.unwrap_err().to_string();
        assert!(said.contains("exemption 1 (dtr.test/qa/*)") && said.contains(cause), "{said}");
    }
    write("ann", "quinn", "").await.unwrap();
    let exemptions = async || stage.cluster.current().await.unwrap().configuration.trust.exemptions;
    let first = exemptions().await;
    assert_eq!((&first[0].approved_by.id, &first[0].requested_by.id), (&ann, &quinn));
    write("bob", "quinn", "approved_by = \"ann\"").await.unwrap();
    assert_eq!(exemptions().await, first, "unchanged, it stays approved by ann");
    write("bob", "quinn", "").await.unwrap();
    assert_eq!(exemptions().await[0].approved_by.name, "bob", "written anew, it is bob's");
    let wider = write("ann", "quinn", "approved_by = \"bob\"\nnamespaces = [\"kube-system\"]").await;
    assert!(wider.unwrap_err().to_string().contains("approved by whoever writes it"), "for other namespaces it is another one");
    write("ann", "quinn", "namespaces = [\"kube-system\"]").await.unwrap();
    assert_eq!(exemptions().await[0].namespaces[0].to_string(), "kube-system");
}

#[tokio::test]
async fn a_change_that_was_made_on_an_old_version_is_refused() {
    let stage = Stage::new().await;
    let first = stage.cluster.current().await.unwrap();
    stage.require(&[]).await.unwrap();
    let text = first.configuration.write();
    assert!(matches!(stage.cluster.replace_file("ann", &text, Some(first.revision)).await, Err(ClusterError::Changed)));
    let change = stage.cluster.replace_file("ann", &text, Some(first.revision + 1)).await.unwrap();
    assert_eq!(change.revision, first.revision + 2);
    assert!(!stage.cluster.current().await.unwrap().configuration.trust.require_content_trust);
}

#[tokio::test]
async fn a_file_is_taken_as_a_whole_or_not_at_all() {
    let stage = Stage::new().await;
    stage.register().await.unwrap();
    let file = stage.cluster.current().await.unwrap().configuration.write();
    let with_a_dead_host = format!("{file}\n[[registries]]\nhost_address = \"127.0.0.1:1\"\n");
    assert!(matches!(stage.cluster.replace_file("ann", &with_a_dead_host, None).await, Err(ClusterError::NotAdded { .. })));
    assert_eq!(stage.cluster.registrations().await.unwrap().len(), 1);
    let kept = format!("{file}\n[scheduling_configuration]\nenable_admin_ucp_scheduling = true\n");
    let change = stage.cluster.replace_file("ann", &kept, None).await.unwrap();
    assert_eq!(change.without_effect, ["scheduling_configuration"]);
    assert!(stage.cluster.current().await.unwrap().configuration.write().contains("enable_admin_ucp_scheduling = true"));
}

#[tokio::test]
async fn what_is_said_of_kubernetes_is_checked_kept_recorded_and_gone_with_the_file_that_leaves_it_out() {
    let stage = Stage::new().await;
    let without = stage.cluster.current().await.unwrap().configuration.write();
    let with = format!(
        "{without}\n[kubernetes]\nserver = \"https://kube.test:6443\"\nca_bundle = '''\n{}'''\nrecheck_unchanged = true\n\
         [[kubernetes.resources]]\ngroup = \"argoproj.io\"\nresource = \"workflows\"\nimages = [\"$.spec.image\"]\n",
        stage.host.ca
    );
    let nobody = "api_server_account = \"nobody\"\nrecheck_unchanged";
    for (from, to) in [("BEGIN CERTIFICATE", "BEGIN NOTHING"), ("$.spec.image", "$"), ("recheck_unchanged", "recheck")] {
        let refused = stage.cluster.replace_file("ann", &with.replace(from, to), None).await.unwrap_err();
        assert!(refused.to_string().contains("[kubernetes]"), "{refused}");
    }
    let refused = stage.cluster.replace_file("ann", &with.replace("recheck_unchanged", nobody), None).await.unwrap_err();
    assert!(refused.to_string().contains("nobody"), "{refused}");
    assert_eq!(stage.cluster.replace_file("ann", &with, None).await.unwrap().notes, [""; 0]);
    let kept = stage.cluster.current().await.unwrap().configuration;
    assert_eq!((kept.kubernetes.server.as_str(), kept.kubernetes.recheck_unchanged), ("https://kube.test:6443", true));
    assert_eq!((kept.kubernetes.ca_bundle.trim(), kept.kubernetes.resources.len()), (stage.host.ca.trim(), 1));
    let detail = stage.sql.newest(None, 1).await.unwrap().remove(0).act.detail;
    let detail: serde_json::Value = serde_json::from_str(&detail).unwrap();
    assert_eq!(detail["to"]["kubernetes"]["resources"][0]["images"][0], "$.spec.image");
    assert_eq!(detail["from"]["kubernetes"]["server"], "");
    stage.require(&[]).await.unwrap();
    assert_eq!(stage.cluster.current().await.unwrap().configuration.kubernetes, kept.kubernetes, "a policy alone leaves it");
    let change = stage.cluster.replace_file("ann", &without, None).await.unwrap();
    assert!(change.notes[0].starts_with("images of workflows.argoproj.io are not decided on any more"), "{:?}", change.notes);
    assert!(stage.cluster.current().await.unwrap().configuration.kubernetes.server.is_empty());
}

#[tokio::test]
async fn breaking_the_glass_switches_off_and_says_why() {
    let stage = Stage::new().await;
    stage.require(&[]).await.unwrap();
    stage.cluster.switch_off("the registry burnt down").await.unwrap();
    assert!(!stage.cluster.current().await.unwrap().configuration.trust.require_content_trust);
    assert_eq!(stage.actions().await[0], "- policy.off the registry burnt down");
}

#[tokio::test]
async fn the_own_registry_follows_its_public_host() {
    let stage = Stage::new().await;
    let own = async |host: &str| stage.cluster.register_own(&host.parse().unwrap(), "PEM", "instance-1").await.unwrap();
    own("old.test").await;
    own("old.test").await;
    assert_eq!(stage.actions().await.len(), 1, "nothing changed the second time");
    own("new.test:5443").await;
    let hosts: Vec<_> = stage.cluster.registrations().await.unwrap().into_iter().map(|known| known.host_address).collect();
    assert_eq!(hosts, ["new.test:5443"]);
}

#[tokio::test]
async fn a_damaged_policy_stays_damaged_over_a_restart_until_somebody_writes_a_whole_one() {
    use wharfinger_storage::settings::Settings as _;
    let stage = Stage::new().await;
    for damaged in ["{", ""] {
        let revision = stage.sql.load().await.unwrap().revision;
        let revision = stage.sql.replace(revision, damaged).await.unwrap();
        stage.cluster.register_own(&"own.test".parse().unwrap(), "PEM", "instance-1").await.unwrap();
        assert_eq!(stage.sql.load().await.unwrap().revision, revision, "nothing was written over it");
        assert!(matches!(stage.cluster.current().await, Err(ClusterError::Damaged)));
        let whole = "registries = []\n[trust_configuration]\nrequire_content_trust = true";
        stage.cluster.replace_file("ann", whole, None).await.unwrap();
        assert!(stage.cluster.current().await.unwrap().configuration.trust.require_content_trust);
    }
}

#[tokio::test]
async fn a_notary_server_beside_the_registry_has_to_answer_under_its_own_ca() {
    let stage = Stage::new().await;
    let notary = Host::start().await;
    let with = |url: String, ca: &str| NewRegistration {
        notary_url: url,
        notary_ca_bundle: ca.to_owned(),
        ..stage.registration(&stage.host.name)
    };
    let url = format!("https://{}", notary.name);
    for (url, ca) in [
        (url.clone(), ""),
        (url.clone(), stage.host.ca.as_str()),
        (url.replace("https", "http"), &notary.ca),
        (notary.name.clone(), &notary.ca),
        (String::new(), &notary.ca),
    ] {
        let refused = stage.cluster.register("ann", with(url.clone(), ca)).await.unwrap_err();
        assert!(matches!(refused, ClusterError::NotAdded { .. }), "{url}: {refused}");
    }
    stage.cluster.register("ann", with(url.clone(), &notary.ca)).await.unwrap();
    let registered = stage.cluster.registrations().await.unwrap();
    assert_eq!((registered[0].notary_url.as_str(), registered[0].notary_ca_bundle.as_str()), (url.as_str(), notary.ca.as_str()));
    // A password that is not written again does not go to another place.
    let reader = |url: &str, password: &str| NewRegistration {
        read_username: "reader".to_owned(),
        read_password: password.to_owned(),
        ..with(url.to_owned(), if url.is_empty() { "" } else { &notary.ca })
    };
    stage.cluster.register("ann", reader(&url, "secret")).await.unwrap();
    stage.cluster.register("ann", reader(&url, "")).await.unwrap();
    for moved in [reader("", ""), NewRegistration { token_realm: "https://auth.test/token".to_owned(), ..reader(&url, "") }] {
        assert!(matches!(stage.cluster.register("ann", moved).await, Err(ClusterError::HalfCredentials(_))));
    }
    let body = serde_json::json!({ "hostAddress": "h.test", "notaryURL": "n", "notaryCABundle": "c", "tokenRealm": "t",
        "pinnedRoots": [{ "pattern": "h.test/*", "keys": ["k"] }] });
    let named: NewRegistration = serde_json::from_value(body).unwrap();
    assert_eq!((named.notary_url.as_str(), named.notary_ca_bundle.as_str(), named.token_realm.as_str()), ("n", "c", "t"));
    assert_eq!(named.pinned_roots[0].keys, ["k"]);
}

#[tokio::test]
async fn roots_are_pinned_by_what_can_be_read_and_never_by_nothing() {
    let stage = Stage::new().await;
    let everything = format!("{}/*", stage.host.name);
    let pin = async |pattern: &str, keys: &[&str], ca: &str| {
        let entry = serde_json::json!({ "pattern": pattern, "keys": keys, "ca": ca });
        let new = NewRegistration {
            pinned_roots: vec![serde_json::from_value(entry).unwrap()],
            ..stage.registration(&stage.host.name)
        };
        stage.cluster.register("ann", new).await
    };
    let id = "ab".repeat(32);
    // The host's own certificate is one, and not a CA's.
    for (pattern, keys, ca) in [
        (everything.as_str(), [].as_slice(), ""),
        (&everything, &["ab"], ""),
        (&everything, &[&id], "pem"),
        (&everything, &[], "pem"),
        (&everything, &[], stage.host.ca.as_str()),
        ("other.test/*", &[&id], ""),
    ] {
        assert!(pin(pattern, keys, ca).await.is_err(), "{pattern} {keys:?} {ca}");
    }
    assert!(stage.cluster.registrations().await.unwrap().is_empty());
    pin(&everything, &[&id], "").await.unwrap();
    assert_eq!(stage.cluster.registrations().await.unwrap()[0].pinned_roots[0].keys, [id]);
}

#[tokio::test]
async fn a_root_is_forgotten_for_a_reason_that_is_recorded() {
    let stage = Stage::new().await;
    let gun = stage.host.gun("qa/app");
    assert!(matches!(stage.cluster.repin("ann", &gun, "made anew").await, Err(ClusterError::NothingPinned(_))));
    let forge = forge::Forge::signed(&gun);
    stage.host.publish(&gun, forge.render());
    let resolver = Resolver::new(stage.sql.clone(), Arc::new(now));
    let resolve = async || resolver.resolve(&stage.host.registration(), &gun.parse().unwrap(), &[]).await;
    resolve().await.unwrap();
    stage.host.publish(&gun, forge::Forge::signed(&gun).render());
    assert_eq!(resolve().await.unwrap_err().code(), "re-created");

    assert!(matches!(stage.cluster.repin("ann", &gun, "  ").await, Err(ClusterError::NoReason)));
    assert!(matches!(stage.cluster.repin("ann", &format!("{gun}:v1"), "made anew").await, Err(ClusterError::NotARepository(_))));
    assert!(stage.actions().await.is_empty());
    assert_eq!(resolve().await.unwrap_err().code(), "re-created");
    stage.cluster.repin("ann", &gun, "made anew").await.unwrap();
    assert_eq!(stage.actions().await, [format!("ann trust.repin {gun}")]);
    let entry = stage.sql.newest(None, 1).await.unwrap().remove(0);
    assert!(entry.act.detail.contains("made anew") && entry.act.detail.contains(&forge.root_key.id().to_string()));

    // Another process sees it with its next decision, and takes the new line for the newest.
    let collection = resolve().await.unwrap();
    assert!(resolver.is_current(&collection));
}
