//! `holdfast admin key`.

use http::Method;
use serde_json::json;

use super::ask::{AdminError, Server};
use super::say::{note, say};
use super::table::{grid, since};
use crate::admin::{KeyMade, KeyShown, NewKey};
use crate::cli::KeyCommand;

pub(super) async fn run(server: &Server, command: KeyCommand) -> Result<(), AdminError> {
    match command {
        KeyCommand::Add { id, note, json } => add(server, NewKey { id, note }, json).await,
        KeyCommand::List { json } => list(server, json).await,
        KeyCommand::Remove { id } => {
            server.send(Method::DELETE, &path(&id), &json!({})).await?;
            say(format!("{id} removed"));
            Ok(())
        }
        KeyCommand::Enable { id } => switch(server, &id, true).await,
        KeyCommand::Disable { id } => switch(server, &id, false).await,
    }
}

async fn add(server: &Server, new: NewKey, json: bool) -> Result<(), AdminError> {
    let made = server.send(Method::POST, "/v1/keys", &new).await?;
    if json {
        say(String::from_utf8_lossy(&made));
        return Ok(());
    }
    if let Ok(KeyMade { id, secret }) = serde_json::from_slice(&made) {
        say(format!("AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={secret}"));
        note("The secret is shown this once.");
    }
    Ok(())
}

async fn list(server: &Server, json: bool) -> Result<(), AdminError> {
    let keys: Vec<KeyShown> = server.get("/v1/keys").await?;
    if json {
        say(serde_json::to_string_pretty(&keys).unwrap_or_default());
        return Ok(());
    }
    if keys.is_empty() {
        say("No keys besides root's. Make one: holdfast admin key add --note 'what for'");
        return Ok(());
    }
    let now_ms = server.clock().wall().0;
    let mut table = grid(None, &["Key", "State", "Made", "Note"]);
    for key in keys {
        let state = if key.enabled { "enabled" } else { "disabled" };
        let age = since(now_ms.saturating_sub(key.created_ms) / 1000);
        table.add_row([key.id.as_str(), state, &format!("{age} ago"), &key.note]);
    }
    say(table);
    Ok(())
}

async fn switch(server: &Server, id: &str, enabled: bool) -> Result<(), AdminError> {
    server.send(Method::PATCH, &path(id), &json!({ "enabled": enabled })).await?;
    say(format!("{id} {}", if enabled { "enabled" } else { "disabled" }));
    Ok(())
}

/// An id's letters need no escapes; any other text is answered with "no such key".
fn path(id: &str) -> String {
    let kept: String =
        id.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
    format!("/v1/keys/{}", if kept == id && !id.is_empty() { kept } else { "-".into() })
}
