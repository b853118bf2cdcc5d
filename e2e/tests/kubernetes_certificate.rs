//! The webhook's certificate is exchanged while the API server asks.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use wharfinger_e2e::{Guarded, Kind, NAMESPACE, run, until};

/// Certificates are looked at once a minute.
const PATIENCE: Duration = Duration::from_secs(100);

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn a_certificate_that_is_renewed_while_pods_are_made_fails_no_admission() {
    let guarded = Guarded::up();
    let before = serial(&guarded.scene.cluster);
    forget_certificate(&guarded);
    let (renewed, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    thread::scope(|scope| {
        for lane in 0..2 {
            let (guarded, path, renewed, made) = (&guarded, &path, &renewed, &made);
            scope.spawn(move || {
                let mut pod = Kind::named("Pod").object(NAMESPACE, "", &[("app", &guarded.signed)]);
                pod["metadata"] = json!({"generateName": format!("lane{lane}-")});
                // Some more after the renewal, on new connections too.
                let mut left = 20;
                while left > 0 {
                    guarded.kubernetes.api().post(path, &pod).is(201);
                    made.fetch_add(1, Ordering::Relaxed);
                    left -= usize::from(renewed.load(Ordering::Relaxed));
                }
            });
        }
        let exchanged = until(PATIENCE, || serial(&guarded.scene.cluster) != before);
        renewed.store(true, Ordering::Relaxed);
        assert!(exchanged, "a new certificate is served: {}", guarded.scene.wharfinger.log());
    });
    assert!(made.into_inner() > 40);
    guarded.kubectl(&["run", "last", "--image", &guarded.unsigned]).fails().says("denied the request");
}

fn serial(host: &str) -> String {
    let mut bash = Command::new("bash");
    bash.args(["-c", "openssl s_client -connect \"$0\" </dev/null 2>/dev/null | openssl x509 -noout -serial", host]);
    run(bash).unwrap().ok().line().to_owned()
}

/// As if it came to its end: one that cannot be found is made anew.
fn forget_certificate(guarded: &Guarded) {
    let forget = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1], timeout=20) as sql:\n    \
                  assert sql.execute(\"delete from secrets where name = 'tls/cluster'\").rowcount == 1";
    let mut python = Command::new("python3");
    python.args(["-c", forget]).arg(guarded.scene.wharfinger.data().join("wharfinger.db"));
    run(python).unwrap().ok();
}
