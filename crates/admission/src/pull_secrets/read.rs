//! The two shapes of pull secrets, as Kubernetes keeps them. What cannot be read counts as nothing.

use std::collections::BTreeMap;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, general_purpose::GeneralPurposeConfig, general_purpose::STANDARD},
};
use serde::Deserialize;
use serde_json::Value;
use wharfinger_oci::Host;
use wharfinger_trust::{Credentials, Secret};
use zeroize::Zeroizing;

use super::PullSecret;

/// `auth` is written with and without padding.
const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
struct DockerConfig {
    auths: BTreeMap<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// The names of a `ServiceAccount`'s imagePullSecrets.
pub(super) fn secrets_of_account(account: &Value) -> Vec<String> {
    let listed = account.get("imagePullSecrets").and_then(Value::as_array);
    let names = listed.into_iter().flatten().filter_map(|named| named.get("name")?.as_str());
    names.map(str::to_owned).collect()
}

/// Every entry of a `Secret` that is a pull secret.
pub(crate) fn secret(secret: &Value) -> Vec<PullSecret> {
    let entries = match secret.get("type").and_then(Value::as_str) {
        Some("kubernetes.io/dockerconfigjson") => {
            data(secret, ".dockerconfigjson").and_then(|json| Some(serde_json::from_slice::<DockerConfig>(&json).ok()?.auths))
        }
        Some("kubernetes.io/dockercfg") => data(secret, ".dockercfg").and_then(|json| serde_json::from_slice(&json).ok()),
        _ => None,
    };
    entries.unwrap_or_default().into_iter().filter_map(|(address, entry)| pull_secret(&address, entry)).collect()
}

fn data(secret: &Value, key: &str) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(secret.get("data")?.get(key)?.as_str()?).ok().map(Zeroizing::new)
}

fn pull_secret(address: &str, entry: Value) -> Option<PullSecret> {
    let credentials = credentials(serde_json::from_value(entry).ok()?)?;
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let mut parts = rest.split('/').filter(|part| !part.is_empty());
    let host: Host = parts.next()?.parse().ok()?;
    let mut path: Vec<String> = parts.map(str::to_owned).collect();
    // As in `https://index.docker.io/v1/`: the version of an API, no repository.
    if path.first().is_some_and(|first| matches!(first.as_str(), "v1" | "v2")) {
        path.remove(0);
    }
    Some(PullSecret { host, path, credentials })
}

fn credentials(entry: Entry) -> Option<Credentials> {
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    if let Some(token) = some(entry.identitytoken) {
        return Some(Credentials::IdentityToken(Secret::new(token)));
    }
    let (username, password) = match some(entry.auth) {
        Some(auth) => user_and_password(&auth)?,
        None => (some(entry.username)?, some(entry.password)?),
    };
    Some(Credentials::Basic { username, password: Secret::new(password) })
}

fn user_and_password(auth: &str) -> Option<(String, String)> {
    let decoded = Zeroizing::new(ANY_PADDING.decode(auth.trim()).ok()?);
    let (username, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    (!username.is_empty() && !password.is_empty()).then(|| (username.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wharfinger_oci::Reference;

    use super::*;

    fn of(kind: &str, key: &str, document: &Value) -> Vec<PullSecret> {
        secret(&json!({"type": kind, "data": {key: STANDARD.encode(document.to_string())}}))
    }

    fn config(auths: &Value) -> Vec<PullSecret> {
        of("kubernetes.io/dockerconfigjson", ".dockerconfigjson", &json!({"auths": auths}))
    }

    fn basic(username: &str, password: &str) -> Credentials {
        Credentials::Basic { username: username.to_owned(), password: Secret::new(password) }
    }

    fn for_image(entries: &[PullSecret], image: &str) -> Vec<Credentials> {
        let image: Reference = image.parse().unwrap();
        entries.iter().filter_map(|entry| entry.for_image(&image)).collect()
    }

    #[test]
    fn an_entry_is_for_its_host_and_no_other() {
        let entries = config(&json!({"dtr.test:5443": {"username": "qa", "password": "secret"}}));
        assert_eq!(for_image(&entries, "dtr.test:5443/qa/app:1"), [basic("qa", "secret")]);
        for other in ["dtr.test/qa/app:1", "evil.test:5443/qa/app:1", "dtr.test.evil.test:5443/qa/app:1", "qa/app:1"] {
            assert!(for_image(&entries, other).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_path_is_met_by_whole_components() {
        let entries = config(&json!({"https://dtr.test/qa/app": {"username": "qa", "password": "x"}}));
        assert_eq!(for_image(&entries, "dtr.test/qa/app:1").len(), 1);
        assert_eq!(for_image(&entries, "dtr.test/qa/app/sub:1").len(), 1);
        for other in ["dtr.test/qa/apple:1", "dtr.test/qa:1", "dtr.test/x/qa/app:1"] {
            assert!(for_image(&entries, other).is_empty(), "{other}");
        }
    }

    #[test]
    fn docker_hub_is_known_by_its_old_address() {
        let entries = config(&json!({"https://index.docker.io/v1/": {"auth": STANDARD.encode("qa:secret")}}));
        assert_eq!(for_image(&entries, "qa/app:1"), [basic("qa", "secret")]);
        assert_eq!(for_image(&entries, "docker.io/library/busybox"), [basic("qa", "secret")]);
    }

    #[test]
    fn a_host_with_a_star_is_nobodys() {
        let entries = config(&json!({"*.test": {"username": "qa", "password": "x"}, "*": {"username": "qa", "password": "x"}}));
        assert!(entries.is_empty());
    }

    #[test]
    fn both_types_and_all_kinds_of_credentials_are_read() {
        let old = of("kubernetes.io/dockercfg", ".dockercfg", &json!({"dtr.test": {"username": "qa", "password": "a:b"}}));
        assert_eq!(for_image(&old, "dtr.test/qa/app"), [basic("qa", "a:b")]);
        let auth = STANDARD.encode("qa:a:b");
        for written in [auth.clone(), auth.trim_end_matches('=').to_owned()] {
            let entries = config(&json!({"dtr.test": {"auth": written, "username": "other", "password": "other"}}));
            assert_eq!(for_image(&entries, "dtr.test/qa/app"), [basic("qa", "a:b")]);
        }
        let token = config(&json!({"dtr.test": {"auth": STANDARD.encode("x:"), "identitytoken": "refresh"}}));
        assert_eq!(for_image(&token, "dtr.test/qa/app"), [Credentials::IdentityToken(Secret::new("refresh"))]);
    }

    #[test]
    fn what_cannot_be_read_counts_as_nothing_and_spoils_nothing() {
        for auths in [json!({}), json!({"dtr.test": {}}), json!({"dtr.test": {"auth": "%"}}), json!({"dtr.test": null})] {
            assert!(config(&auths).is_empty(), "{auths}");
        }
        let mixed = config(&json!({"a.test": 7, "b.test": {"username": "qa", "password": "x"}, "": {"auth": "cTp4"}}));
        assert_eq!(mixed.len(), 1);
        for other in [json!({}), json!({"type": "Opaque", "data": {".dockercfg": "e30="}}), json!({"data": {}}), Value::Null] {
            assert!(secret(&other).is_empty(), "{other}");
        }
        let not_base64 = json!({"type": "kubernetes.io/dockercfg", "data": {".dockercfg": "{}"}});
        assert!(secret(&not_base64).is_empty());
        assert_eq!(secrets_of_account(&json!({"imagePullSecrets": [{"name": "a"}, {}, 1]})), ["a"]);
        assert!(secrets_of_account(&json!({"imagePullSecrets": null})).is_empty());
    }

    #[test]
    fn nothing_of_a_secret_is_in_its_debug_text() {
        let entries = config(&json!({"dtr.test": {"username": "qa", "password": "hunter2"}}));
        assert!(!format!("{entries:?}").contains("hunter2"));
    }
}
