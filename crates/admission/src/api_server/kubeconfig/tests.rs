use std::path::Path;

use super::*;

/// A kubeconfig with these lines for its cluster and its user.
fn config(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\npreferences: {{}}\n\
         contexts:\n- name: c\n  context: {{cluster: k, user: u, namespace: qa}}\n\
         clusters:\n- name: k\n  cluster: {{{cluster}}}\n\
         users:\n- name: u\n  user: {{{user}}}\n"
    )
}

fn opened(text: &str) -> Result<ApiServer, KubeconfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, text).unwrap();
    ApiServer::from_kubeconfig(&file)
}

fn refused(cluster: &str, user: &str) -> String {
    opened(&config(cluster, user)).expect_err("refused").to_string()
}

const SERVER: &str = "server: 'https://192.0.2.1:6443/k8s/'";

#[test]
fn the_current_context_says_where_and_as_whom() {
    let api = opened(&config(SERVER, "token: abc")).unwrap();
    assert_eq!(api.server(), "https://192.0.2.1:6443/k8s");
    let json = r#"{"current-context":"c","contexts":[{"name":"c","context":{"cluster":"k"}}],
                   "clusters":[{"name":"k","cluster":{"server":"https://[2001:db8::1]"}}],"users":null}"#;
    assert_eq!(opened(json).unwrap().server(), "https://[2001:db8::1]");
    let other = config(SERVER, "token: abc");
    for (from, to, what) in [
        ("current-context: c", "current-context: ''", "current-context"),
        ("current-context: c", "current-context: d", "context `d`"),
        ("cluster: k,", "cluster: l,", "cluster `l`"),
        ("user: u,", "user: v,", "user `v`"),
    ] {
        let error = opened(&other.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn what_runs_programs_trusts_anybody_or_goes_elsewhere_is_refused_with_what_to_do() {
    for (user, remedy) in [
        ("exec: {command: sh, apiVersion: client.authentication.k8s.io/v1}", "create token"),
        ("auth-provider: {name: gcp}", "create token"),
        ("username: a, password: b", "create token"),
        ("as: root, token: x", "create token"),
    ] {
        let error = refused(SERVER, user);
        assert!(error.contains(user.split(':').next().unwrap()) && error.contains(remedy), "{error}");
    }
    for (more, remedy) in [
        ("insecure-skip-tls-verify: true", "certificate-authority"),
        ("proxy-url: 'http://p'", "directly"),
        ("tls-server-name: other", "by a name"),
    ] {
        let error = refused(&format!("{SERVER}, {more}"), "token: x");
        assert!(error.contains(more.split(':').next().unwrap()) && error.contains(remedy), "{error}");
    }
    assert!(opened(&config(&format!("{SERVER}, insecure-skip-tls-verify: false"), "token: x")).is_ok());
    for server in ["http://192.0.2.1", "192.0.2.1:6443", "https://", "https://u:p@192.0.2.1", "https://192.0.2.1/?a=b", "''"] {
        let error = refused(&format!("server: '{}'", server.trim_matches('\'')), "token: x");
        assert!(error.contains("https://"), "{error}");
    }
}

#[test]
fn files_stand_beside_the_kubeconfig_and_data_wins_over_them() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["k".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    let file = folder.path().join("config");
    let open = |cluster: &str, user: &str| {
        std::fs::write(&file, config(cluster, user)).unwrap();
        ApiServer::from_kubeconfig(&file)
    };
    let with_ca = format!("{SERVER}, certificate-authority: ca.pem");
    open(&with_ca, "client-certificate: ca.pem, client-key: key.pem").unwrap();
    let (pem, key_pem) = (STANDARD.encode(certificate.pem()), STANDARD.encode(key.serialize_pem()));
    open(&with_ca, &format!("client-certificate-data: {pem}, client-key-data: {key_pem}")).unwrap();
    open(&format!("{SERVER}, certificate-authority-data: {pem}, certificate-authority: nowhere"), "token: x").unwrap();
    for (cluster, user, what) in [
        (format!("{SERVER}, certificate-authority: nowhere"), "token: x", "nowhere"),
        (format!("{SERVER}, certificate-authority: key.pem"), "token: x", "CA bundle"),
        (format!("{SERVER}, certificate-authority-data: '%%'"), "token: x", "certificate-authority-data"),
        (with_ca.clone(), "client-certificate: ca.pem", "belong together"),
        (with_ca.clone(), "client-certificate: ca.pem, client-key: ca.pem", "cannot be used together"),
    ] {
        let error = open(&cluster, user).expect_err(what).to_string();
        assert!(error.contains(what), "{error}");
    }
}

/// Whoever reads the log has not read the kubeconfig.
#[test]
fn no_credential_is_in_an_error_or_a_debug_text() {
    for text in [
        config(SERVER, "token: [hunter2]"),
        config(SERVER, "token: {a: hunter2}"),
        config("server: 7", "token: hunter2").replace("users:", "users: hunter2\nusers:"),
        config(SERVER, "token: \"hunter2\\nX-Other: 1\""),
        config("server: 'https://u:hunter2@'", "token: x").replace("server: 'https://u:hunter2@'", "token: hunter2"),
        "token: hunter2\n\t- x".to_owned(),
    ] {
        let error = opened(&text).expect_err(&text);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let api = opened(&config(SERVER, "token: hunter2")).unwrap();
    assert!(!format!("{api:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_token_file_is_read_again_for_each_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let token = Token::File(path.clone());
    assert!(matches!(token.authorization().await, Err(crate::ApiServerError::Token { .. })));
    for text in ["first\n", "second"] {
        std::fs::write(&path, text).unwrap();
        let header = token.authorization().await.unwrap().unwrap();
        assert!(header.is_sensitive());
        assert_eq!(header.to_str().unwrap(), format!("Bearer {}", text.trim()));
    }
    std::fs::write(&path, "\n").unwrap();
    assert!(token.authorization().await.is_err());
}

#[test]
fn a_pod_reaches_it_by_its_service_account() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(ApiServer::in_cluster("10.0.0.1", "443", folder.path()), Err(KubeconfigError::File { .. })));
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["k".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.path().join("ca.crt"), certificate.pem()).unwrap();
    for (host, server) in [("10.0.0.1", "https://10.0.0.1:443"), ("2001:db8::1", "https://[2001:db8::1]:443")] {
        assert_eq!(ApiServer::in_cluster(host, "443", Path::new(folder.path())).unwrap().server(), server);
    }
}
