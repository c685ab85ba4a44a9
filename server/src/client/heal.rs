//! `holdfast admin heal`: starts a verification, and watches a heal to its end.

use std::time::Duration;

use http::Method;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::ask::{AdminError, Server};
use super::say::say;
use super::table::since;
use crate::admin::Status;

/// How often the server is asked how far it is.
const EVERY: Duration = Duration::from_millis(500);

pub(super) async fn run(server: &Server, verify: bool, detach: bool) -> Result<(), AdminError> {
    let before: Status = server.get("/v1/status").await?;
    if verify {
        server.send(Method::POST, "/v1/heal", &json!({})).await?;
    }
    if detach {
        say("verification started: holdfast admin heal shows how far it is");
        return Ok(());
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = "{bar:40} {pos}/{len} blobs  {msg}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    let mut status: Status = server.get("/v1/status").await?;
    while busy(&status) {
        show(&bar, &status);
        server.clock().sleep(EVERY).await;
        status = server.get("/v1/status").await?;
    }
    bar.finish_and_clear();
    if let Some(trouble) = status.verification.trouble.filter(|_| verify) {
        say(format!("the verification was cut off: {trouble}"));
        return Ok(());
    }
    let found = status.store.shards_found_bad - before.store.shards_found_bad;
    let healed = status.store.shards_healed - before.store.shards_healed;
    say(match (verify, status.redundancy.shards_complete) {
        (true, true) => {
            format!("every shard verified: {found} bad or absent, {healed} healed, all complete")
        }
        (false, true) => "nothing to heal: all shards are complete".to_string(),
        (_, false) => format!(
            "{found} shards bad or absent, {healed} healed; NOT COMPLETE: see holdfast admin status"
        ),
    });
    Ok(())
}

fn busy(status: &Status) -> bool {
    let waits = status.drives.iter().any(|drive| drive.state == "healing");
    status.verification.running
        || status.store.heal.is_some()
        || waits
        || status.redundancy.heal_queued > 0 && writable(status)
}

/// Blobs that wait for drives that are out wait on; that is not worth watching.
fn writable(status: &Status) -> bool {
    status.drives.iter().all(|drive| drive.state == "online" || drive.state == "healing")
}

fn show(bar: &ProgressBar, status: &Status) {
    let heal = status.store.heal.clone().unwrap_or_default();
    bar.set_length(heal.total.max(heal.done));
    bar.set_position(heal.done);
    let left =
        heal.eta_s.map_or("time left unknown".into(), |left| format!("{} left", since(left)));
    let queued = status.redundancy.heal_queued;
    let queued = if queued > 0 { format!(", {queued} queued") } else { String::new() };
    bar.set_message(format!("{} written, {left}{queued}", heal.bytes));
}
