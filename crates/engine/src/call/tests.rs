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

/// The calls by which images come to run, or code that nobody signed does. Who adds one changes this list on purpose.
#[test]
fn these_calls_and_no_others_are_looked_into() {
    let looked_into: Vec<String> = table::TABLE
        .iter()
        .filter(|route| !matches!(route.carries, Carries::Nothing | Carries::Ping | Carries::Version | Carries::Hijack))
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

#[test]
fn users_without_full_control_get_the_lists_and_nothing_else() {
    let listed: Vec<&str> = table::TABLE
        .iter()
        .filter(|route| matches!(route.rights, Rights::List | Rights::Anyone))
        .map(|route| route.pattern)
        .collect();
    let expected = [
        "/_ping",
        "/_ping",
        "/version",
        "/info",
        "/auth",
        "/containers/json",
        "/images/json",
        "/networks",
        "/volumes",
        "/services",
        "/tasks",
        "/nodes",
        "/plugins",
    ];
    assert_eq!(listed, expected);
}
