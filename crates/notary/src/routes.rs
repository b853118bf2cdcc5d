//! The table of paths. `GUN` is everything between `/v2/` and `/_trust/`, colons and slashes included.
//!
//! | method | path | |
//! |---|---|---|
//! | POST | `/v2/GUN/_trust/tuf/` | publish |
//! | DELETE | `/v2/GUN/_trust/tuf/` | remove the collection |
//! | GET | `/v2/GUN/_trust/tuf/ROLE.json` | the current file |
//! | GET | `/v2/GUN/_trust/tuf/ROLE.SHA256.json` | by hash |
//! | GET | `/v2/GUN/_trust/tuf/N.ROLE.json` | by version |
//! | GET, POST | `/v2/GUN/_trust/tuf/(timestamp\|snapshot).key` | the server's key, a new one |
//! | GET | `/v2/GUN/_trust/changefeed`, `/v2/_trust/changefeed` | what changed |
//!
//! Anything else is 404, HEAD on a role too.

use http::Method;
use percent_encoding::percent_decode_str;
use wharfinger_tuf::RoleName;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Route {
    Publish { gun: String },
    Delete { gun: String },
    Read { gun: String, role: RoleName, which: Which },
    Key { gun: String, role: ServerRole },
    RotateKey { gun: String, role: ServerRole },
    Changes { gun: Option<String> },
}

/// Which of a role's files is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Which {
    Current,
    Hash(String),
    Version(i64),
}

/// The roles whose key the server may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ServerRole {
    Timestamp,
    Snapshot,
}

impl ServerRole {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
        }
    }
}

/// What `method` on `path` asks for; `None`: nothing that exists.
pub(crate) fn route(method: &Method, path: &str) -> Option<Route> {
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let rest = path.strip_prefix("/v2/")?;
    if rest == "_trust/changefeed" {
        return (method == Method::GET).then_some(Route::Changes { gun: None });
    }
    let (gun, rest) = rest.split_once("/_trust/")?;
    if gun.is_empty() || gun.contains('*') {
        return None;
    }
    let gun = gun.to_owned();
    if rest == "changefeed" {
        return (method == Method::GET).then_some(Route::Changes { gun: Some(gun) });
    }
    let file = rest.strip_prefix("tuf/")?;
    if file.is_empty() {
        return match *method {
            Method::POST => Some(Route::Publish { gun }),
            Method::DELETE => Some(Route::Delete { gun }),
            _ => None,
        };
    }
    if let Some(role) = file.strip_suffix(".key") {
        let role = match role {
            "timestamp" => ServerRole::Timestamp,
            "snapshot" => ServerRole::Snapshot,
            _ => return None,
        };
        return match *method {
            Method::GET => Some(Route::Key { gun, role }),
            Method::POST => Some(Route::RotateKey { gun, role }),
            _ => None,
        };
    }
    if method != Method::GET {
        return None;
    }
    let (role, which) = file_name(file.strip_suffix(".json")?)?;
    Some(Route::Read { gun, role, which })
}

/// `ROLE`, `ROLE.SHA256` or `N.ROLE`. No role's name holds a dot.
fn file_name(name: &str) -> Option<(RoleName, Which)> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let hex = |text: &str| text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let (role, which) = match name.split_once('.') {
        None => (name, Which::Current),
        Some((version, role)) if digits(version) => (role, Which::Version(version.parse().ok()?)),
        Some((role, hash)) if hex(hash) => (role, Which::Hash(hash.to_owned())),
        Some(_) => return None,
    };
    Some((role.parse().ok()?, which))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUN: &str = "dtr.test:5400/qa/app";

    fn get(rest: &str) -> Option<Route> {
        route(&Method::GET, &format!("/v2/{GUN}/_trust/{rest}"))
    }

    fn read(role: &str, which: Which) -> Route {
        Route::Read { gun: GUN.into(), role: role.parse().unwrap(), which }
    }

    #[test]
    fn every_path_of_the_table_is_found() {
        let hash = "ab".repeat(32);
        assert_eq!(get("tuf/root.json"), Some(read("root", Which::Current)));
        assert_eq!(get("tuf/targets/a/b.json"), Some(read("targets/a/b", Which::Current)));
        assert_eq!(get(&format!("tuf/targets/releases.{hash}.json")), Some(read("targets/releases", Which::Hash(hash))));
        assert_eq!(get("tuf/3.root.json"), Some(read("root", Which::Version(3))));
        assert_eq!(get("tuf/12.targets/a.json"), Some(read("targets/a", Which::Version(12))));
        assert_eq!(get("tuf/timestamp.key"), Some(Route::Key { gun: GUN.into(), role: ServerRole::Timestamp }));
        assert_eq!(get("changefeed"), Some(Route::Changes { gun: Some(GUN.into()) }));
        assert_eq!(route(&Method::GET, "/v2/_trust/changefeed"), Some(Route::Changes { gun: None }));
        let tuf = format!("/v2/{GUN}/_trust/tuf/");
        assert_eq!(route(&Method::POST, &tuf), Some(Route::Publish { gun: GUN.into() }));
        assert_eq!(route(&Method::DELETE, &tuf), Some(Route::Delete { gun: GUN.into() }));
        let key = format!("{tuf}snapshot.key");
        assert_eq!(route(&Method::POST, &key), Some(Route::RotateKey { gun: GUN.into(), role: ServerRole::Snapshot }));
        assert_eq!(route(&Method::GET, "/v2/dtr.test%3A5400/qa/app/_trust/tuf/root.json"), get("tuf/root.json"));
    }

    #[test]
    fn anything_else_is_nothing() {
        let upper = "AB".repeat(32);
        for rest in [
            "tuf/",
            "tuf",
            "",
            "tuf/root",
            "tuf/root.key",
            "tuf/targets.key",
            "tuf/mirrors.json",
            "tuf/targets/.json",
            "tuf/targets/../root.json",
            "tuf/targets/%2e%2e/root.json",
            "tuf/targets/A.json",
            "tuf/root.abc.json",
            &format!("tuf/root.{upper}.json"),
            "tuf/1.2.root.json",
            "tuf/99999999999999999999.root.json",
            "tuf/-1.root.json",
            "tuf/.json",
            "changefeed/",
        ] {
            assert_eq!(get(rest), None, "{rest}");
        }
        for (method, path) in [
            (Method::HEAD, format!("/v2/{GUN}/_trust/tuf/root.json")),
            (Method::POST, format!("/v2/{GUN}/_trust/tuf")),
            (Method::POST, format!("/v2/{GUN}/_trust/tuf/root.json")),
            (Method::PUT, format!("/v2/{GUN}/_trust/tuf/")),
            (Method::POST, "/v2//_trust/tuf/".to_owned()),
            (Method::GET, "/v2/a*/_trust/tuf/root.json".to_owned()),
            (Method::POST, "/v2/_trust/changefeed".to_owned()),
            (Method::GET, "/v1/a/_trust/tuf/root.json".to_owned()),
        ] {
            assert_eq!(route(&method, &path), None, "{method} {path}");
        }
    }
}
