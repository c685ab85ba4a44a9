//! `holdfast admin`: asks a running server, and shows what it says.
//!
//! Not here: what the server answers (`admin`), what may be typed (`cli`).

mod ask;
mod heal;
mod keys;
mod say;
mod table;

use std::io::IsTerminal;

pub use ask::{AdminError, Server};

use crate::admin::{Status, reader_token};
use crate::cli::{AdminArgs, AdminCommand};
use say::say;

/// Does what was typed. The text for stdout.
///
/// # Errors
/// [`AdminError`], one line.
pub async fn run(args: AdminArgs) -> Result<(), AdminError> {
    let server = Server::find(&args.target)?;
    match args.command {
        AdminCommand::Status { json: true } => {
            let status: Status = server.get("/v1/status").await?;
            say(serde_json::to_string_pretty(&status).unwrap_or_default());
        }
        AdminCommand::Status { json: false } => {
            let status: Status = server.get("/v1/status").await?;
            let width = std::io::stdout().is_terminal().then(terminal_width).flatten();
            say(table::render(&status, width, std::io::stdout().is_terminal()));
        }
        AdminCommand::Key { command } => keys::run(&server, command).await?,
        AdminCommand::Heal { verify, detach } => heal::run(&server, verify, detach).await?,
        AdminCommand::Health { live } => {
            let path = if live { "/health/live" } else { "/health/ready" };
            let _: serde_json::Value = server.get(path).await?;
            say(if live { "live" } else { "ready" });
        }
        AdminCommand::Token => say(reader_token(server.root()?)),
    }
    Ok(())
}

fn terminal_width() -> Option<u16> {
    comfy_table::Table::new().width()
}
