use wharfinger_auth::{Principal, Via, authorize};
use wharfinger_identity::{Account, AccountId, Role};

use super::*;

fn call(method: &Method, path: &str) -> Call {
    Call::parse(method, path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn a_call_that_is_not_in_the_table_is_refused() {
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/nothing"),
        (Method::POST, "/containers/json"),
        (Method::GET, "/containers/create"),
        (Method::POST, "/containers/a/b/start"),
        (Method::POST, "/containers/a/copy"),
        (Method::GET, "/debug/pprof/heap"),
        (Method::OPTIONS, "/containers/json"),
        (Method::PATCH, "/containers/a"),
        (Method::HEAD, "/containers/json"),
        (Method::GET, "/images//json"),
        (Method::POST, "/Containers/create"),
    ] {
        assert!(Call::parse(&method, path).is_err(), "{method} {path}");
    }
}

#[test]
fn names_of_images_hold_slashes_and_names_of_containers_do_not() {
    let inspect = call(&Method::GET, "/v1.41/images/dtr.test:5443/qa/app:1/json");
    assert_eq!(inspect.name.as_deref(), Some("dtr.test:5443/qa/app:1"));
    assert_eq!(inspect.pattern, "/images/{name…}/json");
    assert_eq!(call(&Method::GET, "/images/json/json").name.as_deref(), Some("json"));
    assert_eq!(call(&Method::DELETE, "/images/a/b").name.as_deref(), Some("a/b"));
    assert_eq!(call(&Method::GET, "/distribution/a/b@sha256:x/json").name.as_deref(), Some("a/b@sha256:x"));
    assert!(Call::parse(&Method::GET, "/containers/a/b/json").is_err());
}

#[test]
fn a_line_without_places_goes_before_one_with() {
    for (method, path) in [
        (Method::GET, "/images/json"),
        (Method::GET, "/images/get"),
        (Method::POST, "/containers/create"),
        (Method::POST, "/services/create"),
        (Method::GET, "/swarm/unlockkey"),
        (Method::GET, "/plugins/privileges"),
    ] {
        assert_eq!(call(&method, path).pattern, path);
    }
}

#[test]
fn every_line_of_the_table_is_reached_by_its_own_pattern() {
    for route in table::TABLE {
        let path = route.pattern.replace("{name…}", "a/b").replace(['{', '}'], "");
        let call = call(&route.method, &path);
        assert_eq!(call.pattern, route.pattern, "{} {path}", route.method);
    }
}

#[test]
fn a_version_above_the_tables_or_the_engines_is_refused() {
    let engine: ApiVersion = "1.41".parse().unwrap();
    let version = |path: &str| call(&Method::GET, path).effective_version(engine.min(ApiVersion::NEWEST));
    assert_eq!(version("/info").unwrap(), engine);
    assert_eq!(version("/v1.30/info").unwrap().to_string(), "1.30");
    assert!(matches!(version("/v1.42/info"), Err(CallRefused::TooNew { .. })));
    assert!(matches!(version("/v1.99/info"), Err(CallRefused::TooNew { .. })));
    assert!(matches!(version("/v1.23/info"), Err(CallRefused::TooOld { .. })));
    assert_eq!(call(&Method::GET, "/info").effective_version(ApiVersion::NEWEST).unwrap(), ApiVersion::NEWEST);
}

/// The engine of the tests speaks 1.41. What came after that, up to the newest version the table knows, is held here and by the
/// requests in `image/requests`, which have every key.
#[test]
fn what_newer_versions_brought_stands_in_the_table() {
    for (version, method, path, pattern) in [
        ("1.42", Method::PUT, "/volumes/a", "/volumes/{name}"),
        ("1.42", Method::GET, "/containers/a/attach/ws", "/containers/{id}/attach/ws"),
        ("1.42", Method::POST, "/containers/a/stop", "/containers/{id}/stop"),
        ("1.43", Method::POST, "/networks/create", "/networks/create"),
        ("1.44", Method::POST, "/containers/create", "/containers/create"),
        ("1.46", Method::POST, "/images/dtr.test/qa/app/push", "/images/{name…}/push"),
        ("1.48", Method::GET, "/images/dtr.test/qa/app:1/history", "/images/{name…}/history"),
        ("1.48", Method::POST, "/build/prune", "/build/prune"),
        ("1.49", Method::GET, "/images/dtr.test/qa/app:1/json", "/images/{name…}/json"),
        ("1.50", Method::DELETE, "/images/dtr.test/qa/app:1", "/images/{name…}"),
        ("1.51", Method::POST, "/services/create", "/services/create"),
    ] {
        let call = call(&method, &format!("/v{version}{path}"));
        assert_eq!(call.pattern, pattern);
        assert_eq!(call.effective_version(ApiVersion::NEWEST).unwrap().to_string(), version);
    }
    // Of 1.55: an engine that has it is spoken to in 1.51.
    assert!(Call::parse(&Method::GET, "/v1.51/images/a/attestations").is_err());
}

/// What the engine's routers had and have no more: none of it is let through.
#[test]
fn what_older_versions_had_is_gone() {
    for (method, path) in [
        (Method::POST, "/v1.24/containers/a/copy"),
        (Method::GET, "/v1.24/plugins/a"),
        (Method::POST, "/v1.24/plugins/a"),
        (Method::GET, "/v1.24/images/a/b/c"),
        (Method::OPTIONS, "/v1.24/anything"),
    ] {
        assert!(Call::parse(&method, path).is_err(), "{method} {path}");
    }
}

/// The calls by which images come to run, or code that nobody signed does. Who adds one changes this list on purpose.
#[test]
fn these_calls_and_no_others_are_looked_into() {
    let looked_into: Vec<String> = table::TABLE
        .iter()
        .filter(|route| {
            !matches!(route.carries, Carries::Nothing | Carries::Ping | Carries::Version | Carries::Hijack | Carries::Document(_))
        })
        .map(|route| format!("{} {}", route.method, route.pattern))
        .collect();
    let expected = [
        "POST /containers/create",
        "POST /images/create",
        "GET /distribution/{name…}/json",
        "POST /build",
        "POST /session",
        "POST /grpc",
        "POST /services/create",
        "POST /services/{id}/update",
        "POST /plugins/pull",
        "POST /plugins/create",
        "POST /plugins/{name…}/upgrade",
    ];
    assert_eq!(looked_into, expected);
}

/// What each role may do with each line of the table, as it is committed beside the tests. Who changes a line changes this file,
/// on purpose: run the test, and put what it shows in the file's place.
#[test]
fn the_matrix_of_roles_and_calls_is_the_one_that_is_committed() {
    let rendered = matrix();
    let committed = include_str!("../../tests/matrix.txt");
    let difference = rendered.lines().zip(committed.lines().chain(std::iter::repeat(""))).find(|(now, was)| now != was);
    assert!(rendered == committed, "the matrix differs, first at {difference:?}; it is now:\n{rendered}");
}

fn matrix() -> String {
    let columns = ["none", "viewonly", "restricted", "scheduler", "full", "admin"];
    let mut text = String::from(MATRIX_HEAD);
    let mut line = |call: &str, carries: &str, words: [&str; 6]| {
        let words = words.map(|word| format!("{word:<11}")).concat();
        text.push_str(format!("{call:<45}{carries:<9}{words}").trim_end());
        text.push('\n');
    };
    line("call", "carries", columns);
    for route in table::TABLE {
        let words = [
            verdict(route, Role::None, false),
            verdict(route, Role::ViewOnly, false),
            verdict(route, Role::RestrictedControl, false),
            verdict(route, Role::Scheduler, false),
            verdict(route, Role::FullControl, false),
            verdict(route, Role::None, true),
        ];
        let carries = match route.carries {
            Carries::Nothing | Carries::Ping | Carries::Version => "-",
            Carries::Hijack => "stream",
            Carries::Image(_) => "image",
            Carries::Document(_) => "document",
            Carries::Build | Carries::BuildTunnel => "build",
            Carries::Plugin => "plugin",
        };
        line(&format!("{:<7}{}", route.method.as_str(), route.pattern), carries, words);
    }
    text
}

const MATRIX_HEAD: &str = "\
# What each role may do with each call of the engine's API. A test renders this from the code that the door runs.
#
# allow       as it is                      own         if it is theirs or a team-mate's, else 404
# filtered    answered with their part      own+limits  and if it, and what is asked of it, is within the limits
# deny        never                         limits      if what is made is within the limits; it becomes theirs
# hidden      as if it was not there
#
# image: each image in it is decided by the policy. document: read in full, written anew. build, plugin: refused while only
# signed images run (builds unless the policy allows them).

";

fn verdict(route: &table::Route, role: Role, is_admin: bool) -> &'static str {
    let Some(need) = route.need else { return Verdict::Allow.word() };
    let account = Account {
        id: AccountId::stored("id"),
        name: "ada".parse().unwrap(),
        full_name: String::new(),
        is_org: false,
        is_admin,
        is_active: true,
        role,
    };
    match authorize(Principal { account, via: Via::Password }, need) {
        Ok(granted) => Verdict::of(granted.reach(), route.about).word(),
        Err(_) => "deny",
    }
}

fn denied(method: &Method, path: &str, role: Role) -> bool {
    let call = call(method, path);
    let route = table::TABLE.iter().find(|route| route.method == *method && route.pattern == call.pattern).unwrap();
    verdict(route, role, false) == "deny"
}

/// An allow-list, not "all that is read": these GETs read out of workloads, images or secrets.
#[test]
fn view_only_looks_and_reads_nothing_out() {
    for path in [
        "/containers/a/logs",
        "/containers/a/export",
        "/containers/a/archive",
        "/containers/a/attach/ws",
        "/containers/a/top",
        "/containers/a/changes",
        "/exec/a/json",
        "/services/a/logs",
        "/tasks/a/logs",
        "/images/get",
        "/images/a/get",
        "/secrets",
        "/configs",
        "/configs/a",
        "/swarm",
        "/swarm/unlockkey",
        "/events",
        "/distribution/a/json",
    ] {
        assert!(denied(&Method::GET, path, Role::ViewOnly), "{path}");
    }
    let changes = table::TABLE.iter().filter(|route| route.method != Method::GET && route.method != Method::HEAD);
    let allowed: Vec<_> =
        changes.filter(|route| verdict(route, Role::ViewOnly, false) != "deny").map(|route| route.pattern).collect();
    assert_eq!(allowed, ["/auth"]);
}

#[test]
fn swarm_nodes_and_plugins_are_an_administrators() {
    for route in table::TABLE {
        let about_those = route.pattern.starts_with("/swarm")
            || ((route.pattern.starts_with("/nodes") || route.pattern.starts_with("/plugins")) && route.method != Method::GET)
            || route.pattern == "/plugins/privileges";
        let admin = verdict(route, Role::FullControl, false) == "deny";
        assert_eq!(admin, about_those, "{} {}", route.method, route.pattern);
        assert_eq!(verdict(route, Role::None, true), "allow", "{} {}", route.method, route.pattern);
    }
}

/// Whatever makes something with an owner is read in full, or the label could be forged or left out.
#[test]
fn what_makes_or_changes_something_with_an_owner_is_read_in_full() {
    for route in table::TABLE {
        let makes = matches!(route.about, About::New(_));
        let updates = route.pattern.ends_with("/update") && !matches!(route.need, Some(Need::Admin));
        if makes || updates {
            let read = matches!(route.carries, Carries::Image(_) | Carries::Document(_));
            assert!(read, "{} {}", route.method, route.pattern);
        }
    }
}

#[test]
fn every_document_is_tried_with_hostile_bytes() {
    for route in table::TABLE {
        if let Carries::Document(kind) = route.carries {
            assert!(Document::ALL.contains(&kind), "{kind:?} is not in the list that the fuzz target goes through");
        }
    }
}

#[test]
fn a_call_names_by_its_id_what_was_looked_up() {
    let mut start = call(&Method::POST, "/v1.41/containers/web/start");
    start.rename("0123");
    assert_eq!((start.path(ApiVersion::NEWEST).as_str(), start.name.as_deref()), ("/v1.51/containers/0123/start", Some("0123")));
    let mut commit = call(&Method::POST, "/commit");
    commit.rename("0123");
    assert_eq!(commit.path(ApiVersion::NEWEST), "/v1.51/commit");
}
