//! Three voters of the metadata on three drives: one is lost, and replaced.
//!
//! Which drives carry voters is written down in the cluster file by the first start, by
//! their devices. A first start that was cut off after that file is taken up again, so
//! that a file written here makes three directories of one device pass for three devices.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::Running;

const CLUSTER: &str = "11111111111111111111111111111111";

fn lay(data: &Path) {
    let mut folders = Vec::new();
    for drive in ["drive1", "drive2", "drive3"] {
        let folder = data.join(drive).join("meta");
        std::fs::create_dir_all(&folder).unwrap();
        folders.push(std::fs::canonicalize(folder).unwrap());
    }
    (4..=6).for_each(|no| std::fs::create_dir(data.join(format!("drive{no}"))).unwrap());
    let file = serde_json::json!({
        "format": 1, "cluster": CLUSTER, "node": "22222222222222222222222222222222",
        "geometry": "4+2", "meta": folders, "drives": [],
    });
    let key = data.join("secret.key");
    std::fs::write(&key, "3".repeat(64)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(data.join("cluster"), file.to_string()).unwrap();
}

/// Role and number of the replica at each place.
fn voters(running: &Running) -> Vec<(String, u64)> {
    let status = running.status();
    let replicas = status["meta"]["replicas"].as_array().unwrap();
    let role = |one: &serde_json::Value| one["role"].as_str().unwrap().to_owned();
    replicas.iter().map(|one| (role(one), one["id"].as_u64().unwrap())).collect()
}

#[test]
fn a_lost_voter_is_replaced_on_the_drive_that_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    lay(dir.path());
    let mut running = Running::start(dir.path(), &[]);
    let all = |ids: [u64; 3]| ids.map(|id| ("voter".to_owned(), id));
    assert_eq!(voters(&running), all([1, 2, 3]));
    let made = running.admin(&["key", "add", "--id", "before"]);
    assert_eq!(made.code, Some(0), "{made:?}");

    let lost = dir.path().join("drive2");
    std::fs::remove_dir_all(&lost).unwrap();
    running.until("a metadata replica stopped");
    assert_eq!(running.ask("GET", "/health/ready", None, "").0, 200);
    assert_eq!(running.admin(&["key", "add", "--id", "meanwhile"]).code, Some(0));
    let table = running.admin(&["status"]).out;
    assert!(table.contains("2 of 3 replicas vote") && table.contains("away"), "{table}");
    assert!(!lost.exists(), "a missing drive is never made by us");

    std::fs::create_dir(&lost).unwrap();
    running.until("a metadata replica listens");
    running.until("a metadata replica votes");
    let (role, id) = voters(&running).swap_remove(1);
    assert!(role == "voter" && id > 3, "a new number: {role} {id}");
    assert_eq!(voters(&running), all([1, id, 3]));
    assert_eq!(running.ask("GET", "/health/ready", None, "").0, 200);

    // Now another may go, and the server starts without it.
    std::fs::remove_dir_all(dir.path().join("drive1")).unwrap();
    running.until("a metadata replica stopped");
    assert_eq!(running.admin(&["key", "add", "--id", "after"]).code, Some(0));
    assert_eq!(running.stop(), Some(0));
    let mut again = Running::start(dir.path(), &[]);
    let list = again.admin(&["key", "list", "--json"]).out;
    for key in ["before", "meanwhile", "after"] {
        assert!(list.contains(key), "{key} is not in {list}");
    }
    assert_eq!(again.stop(), Some(0));
}
