//! The admin port: who may call what, keys, restart.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use holdfast::admin::{Access, ROUTES};

use crate::harness::{PASSWORD, Running, USER};

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// What root gets from each route; a route that is not listed here fails the test.
const AS_ROOT: &[(&str, &str, &str, u16)] = &[
    ("GET", "/health/live", "", 200),
    ("GET", "/health/ready", "", 200),
    ("GET", "/metrics", "", 200),
    ("GET", "/v1/status", "", 200),
    ("GET", "/v1/keys", "", 200),
    ("POST", "/v1/keys", "{\"note\":\"n\"}", 201),
    ("PATCH", "/v1/keys/{id}", "{\"enabled\":false}", 404),
    ("DELETE", "/v1/keys/{id}", "", 404),
    ("POST", "/v1/heal", "", 202),
];

#[test]
fn every_route_asks_for_the_credentials_that_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::start(dir.path(), &[]);
    let root = basic(USER, PASSWORD);
    let token = running.admin(&["token"]);
    let reader = format!("Bearer {}", token.out.trim());
    for route in ROUTES {
        let listed = AS_ROOT.iter().find(|(m, p, ..)| (*m, *p) == (route.method, route.path));
        let (method, path, body, want) =
            listed.unwrap_or_else(|| panic!("{route:?} is not in the table"));
        let ask = |who: Option<&str>| running.ask(method, path, who, body).0;
        let (nobody, wrong) = match route.access {
            Access::Open => (*want, *want),
            Access::Reader | Access::Root => (401, 401),
        };
        let as_reader = if route.access == Access::Root { 403 } else { *want };
        assert_eq!(ask(None), nobody, "{route:?} without credentials");
        assert_eq!(ask(Some(&basic(USER, "wrong-password"))), wrong, "{route:?} with wrong ones");
        assert_eq!(ask(Some("Bearer 0000")), wrong, "{route:?} with a wrong token");
        assert_eq!(ask(Some(&reader)), as_reader, "{route:?} with the reader's token");
        assert_eq!(ask(Some(&root)), *want, "{route:?} with the right ones");
    }
    for (path, who, want) in [
        ("/", None, 401),
        ("/v2/secrets", None, 401),
        ("/v1/keys/../status", None, 401),
        ("/v2/secrets", Some(root.as_str()), 404),
    ] {
        assert_eq!(running.ask("GET", path, who, "").0, want, "{path}");
    }
    assert_eq!(running.stop(), Some(0));
    for secret in [PASSWORD, token.out.trim()] {
        assert!(!running.log.contains(secret), "P6: a secret is in the log");
    }
}

#[test]
fn access_keys_survive_a_restart_and_their_secrets_are_shown_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::start(dir.path(), &[]);
    let made = running.admin(&["key", "add", "--id", "backup", "--note", "nightly", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&made.out).unwrap();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert_eq!((made["id"].as_str(), secret.len()), (Some("backup"), 40));
    let twice = running.admin(&["key", "add", "--id", "backup"]);
    assert_eq!(twice.code, Some(1), "{twice:?}");
    assert!(twice.line.contains("there is such a key already"), "{twice:?}");
    let named_root = running.admin(&["key", "add", "--id", USER]);
    assert_eq!(named_root.code, Some(1), "root's name is taken: {named_root:?}");
    assert_eq!(running.admin(&["key", "disable", "backup"]).code, Some(0));
    assert_eq!(running.stop(), Some(0));
    assert!(!running.log.contains(&secret), "P6");

    let mut again = Running::start(dir.path(), &[]);
    let list = again.admin(&["key", "list", "--json"]);
    let keys: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    assert_eq!((&keys[0]["id"], &keys[0]["enabled"]), (&"backup".into(), &false.into()));
    assert!(!list.out.contains(&secret), "a secret is shown once");
    assert_eq!(again.admin(&["key", "enable", "backup"]).code, Some(0));
    assert_eq!(again.admin(&["key", "remove", "backup"]).code, Some(0));
    assert_eq!(again.admin(&["key", "remove", "backup"]).code, Some(1), "gone is gone");
    assert_eq!(again.stop(), Some(0));
}

#[test]
fn a_client_without_a_server_or_credentials_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::start(dir.path(), &[]);
    let admin = running.admin.to_string();
    let ask = |user: &str, password: &str, address: &str| {
        let mut command = crate::harness::holdfast(&["admin", "status", "--admin", address]);
        if !user.is_empty() {
            command.env("HOLDFAST_ROOT_USER", user).env("HOLDFAST_ROOT_PASSWORD", password);
        }
        crate::harness::ended(command)
    };
    for (done, want) in [
        (ask(USER, "wrong-password", &admin), "does not accept these credentials"),
        (ask("", "", &admin), "root's credentials are not known: give --data DIR"),
        (ask(USER, PASSWORD, "nonsense"), "--admin nonsense: write IP:PORT"),
    ] {
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(done.line.contains(want), "{want}: {done:?}");
    }
    assert_eq!(running.stop(), Some(0));
    let done = ask(USER, PASSWORD, &admin);
    assert!(done.line.contains("no server answers at"), "{done:?}");
}

#[test]
fn metrics_are_named_by_the_rule() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let more = ["--mysql", "127.0.0.1:0", "--sql-cache-dir", cache.to_str().unwrap()];
    let mut running = Running::start(&dir.path().join("data"), &more);
    let shown = running.admin(&["status"]);
    assert!(shown.out.contains("Cache        0 B of objects in 0 B of 16.0 GiB"), "{shown:?}");
    let (_, text) = running.ask("GET", "/metrics", Some(&basic(USER, PASSWORD)), "");
    let units = [
        "bytes", "seconds", "count", "state", "index", "number", "drives", "blobs", "bodies",
        "shards", "reads", "puts", "requests", "errors", "info",
    ];
    let mut names = 0;
    for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = name.split(' ').next().unwrap();
        let base = name.trim_end_matches("_total");
        assert!(base.starts_with("holdfast_"), "{name}");
        let named =
            units.iter().any(|unit| base.ends_with(unit)) || base == "holdfast_server_build";
        assert!(named, "{name} has no unit");
        names += 1;
    }
    assert!(names > 30, "{names} metrics only:\n{text}");
    for want in [
        "holdfast_drives_by_state_count{state=\"online\"} 6",
        "holdfast_store_writable_state 1",
        "holdfast_cache_serving_state 1",
    ] {
        assert!(text.contains(want), "{want} is not in {text}");
    }
    assert_eq!(running.stop(), Some(0));
}
