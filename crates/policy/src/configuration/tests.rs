use super::*;

const FILE: &str = r#"
    [audit_log_configuration]
    level = "metadata"
    [auth]
    backend = "managed"
    default_new_user_role = "viewonly"
    [trust_configuration]
    require_content_trust = true
    require_signature_from = ["org/qa"]
    signers = "cluster"
    allow_repos = ["dtr.test/infra/*"]
    allow_builds = true
    max_staleness_minutes = 5
    [kubernetes]
    server = "https://kube.test:6443"
    recheck_unchanged = true
    [[kubernetes.resources]]
    group = "argoproj.io"
    resource = "workflows"
    images = ["$.spec.templates[*].container.image"]
    [[registries]]
    host_address = "DTR.test:443"
    ca_bundle = "pem"
    notary_url = "https://notary.test:4443"
    notary_ca_bundle = "other pem"
    token_realm = "https://auth.test/token"
    pinned_roots = [{ pattern = "dtr.test/qa/*", ca = "third pem" }]
    read_username = "reader"
    read_password = "secret"
"#;

fn configuration(text: &str) -> Configuration {
    let written = Configuration::read(text).unwrap();
    let team = |name: &String| RequiredTeam { id: TeamId::stored(name), name: name.clone() };
    let teams = written.trust.require_signature_from.as_ref().map(|names| names.iter().map(team).collect());
    let trust = written.trust.resolved(teams, None, Vec::new(), &TrustConfiguration::default()).unwrap();
    let WrittenConfiguration { registries, auth, kubernetes, kept, .. } = written;
    Configuration { registries, trust, auth, kubernetes, kept }
}

#[test]
fn what_is_written_can_be_read_again_and_holds_no_secret() {
    let first = configuration(FILE);
    assert_eq!(first.registries[0].host_address, "dtr.test");
    assert_eq!(first.auth.default_new_user_role, Role::ViewOnly);
    assert_eq!((first.kubernetes.server.as_str(), first.kubernetes.recheck_unchanged), ("https://kube.test:6443", true));
    assert_eq!(first.kubernetes.resources[0].name(), "workflows.argoproj.io");
    assert_eq!(first.without_effect(), ["audit_log_configuration", "auth.backend"]);
    let text = first.write();
    assert!(!text.contains("secret"), "{text}");
    let mut second = configuration(&text);
    second.registries[0].read_password = "secret".to_owned();
    assert_eq!(first, second);
}

#[test]
fn a_file_without_our_sections_is_refused() {
    assert!(matches!(Configuration::read("registries = []"), Err(ConfigurationError::Missing("[trust_configuration]"))));
    let no_registries = "[trust_configuration]\nrequire_content_trust = true";
    assert!(matches!(Configuration::read(no_registries), Err(ConfigurationError::Missing("registries"))));
    assert!(matches!(Configuration::read("registries = []\n[trust_configuration]"), Err(ConfigurationError::Section { .. })));
}

#[test]
fn unknown_and_mistyped_keys_of_ours_are_refused() {
    for (from, to) in [
        ("require_content_trust = true", "require_content_trust = \"yes\""),
        ("signers = \"cluster\"", "signers = \"some\""),
        ("signers = \"cluster\"", "signer = \"cluster\""),
        ("host_address = \"DTR.test:443\"", "host_address = \"https://dtr.test\""),
        ("ca_bundle", "ca_bundel"),
        ("max_staleness_minutes = 5", "max_staleness_minutes = 10081"),
        ("max_staleness_minutes = 5", "max_staleness_minutes = -1"),
        ("notary_url", "notary_uri"),
        ("dtr.test/qa/*", "other.test/qa/*"),
        ("ca = \"third pem\"", "cas = \"third pem\""),
        ("ca = \"third pem\"", "keys = []"),
        ("viewonly", "viewer"),
        ("recheck_unchanged", "recheck"),
        ("https://kube.test:6443", "kube.test"),
        ("$.spec.templates[*].container.image", "$"),
    ] {
        assert!(Configuration::read(&FILE.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn a_file_without_kubernetes_has_none_and_a_document_stored_before_there_was_any_is_read() {
    let (without, _) = FILE.split_once("[kubernetes]").unwrap();
    let without = configuration(&format!("registries = []\n{without}"));
    assert_eq!(without.kubernetes, KubernetesSettings::default());
    assert!(!without.write().contains("kubernetes"), "{}", without.write());
    let mut stored = serde_json::to_value(&without).unwrap();
    stored.as_object_mut().unwrap().remove("kubernetes").unwrap();
    assert_eq!(serde_json::from_value::<Configuration>(stored).unwrap(), without);
}

#[test]
fn one_host_under_two_spellings_is_listed_twice() {
    let twice = format!("{FILE}\n[[registries]]\nhost_address = \"dtr.test\"");
    assert!(matches!(Configuration::read(&twice), Err(ConfigurationError::Twice(_))));
}

#[test]
fn an_exemption_that_is_no_pattern_is_refused() {
    let written = Configuration::read(&FILE.replace("dtr.test/infra/*", "*")).unwrap();
    assert!(written.trust.resolved(None, None, Vec::new(), &TrustConfiguration::default()).is_err());
}

#[test]
fn what_is_left_out_never_makes_the_policy_weaker() {
    let present = configuration(FILE).trust;
    let written: TrustDocument = toml::from_str("require_content_trust = false").unwrap();
    let off = written.resolved(None, None, Vec::new(), &present).unwrap();
    assert_eq!((&off.require_signature_from, off.signers), (&present.require_signature_from, Signers::Cluster));
    assert_eq!(off.max_staleness_minutes.bound(), std::time::Duration::from_mins(5));
    assert!(!off.require_content_trust && !off.allow_builds && off.allow_repos.is_empty());
    let emptied: TrustDocument =
        toml::from_str("require_content_trust = true\nrequire_signature_from = []\nsigners = \"any\"").unwrap();
    let emptied = emptied.resolved(Some(Vec::new()), None, Vec::new(), &present).unwrap();
    assert!(emptied.require_signature_from.is_empty() && emptied.signers == Signers::Any, "said, not left out");
}
