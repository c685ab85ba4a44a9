//! Logs: one line for people or one JSON object, on stderr; panics go there, too.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, LogFormat, ServerConfig};

/// Begins logging as `config` says. Once per process.
///
/// # Errors
/// [`ConfigError::Value`] for a filter that does not parse.
pub fn begin(config: &ServerConfig) -> Result<(), ConfigError> {
    let bad = |error: tracing_subscriber::filter::ParseError| ConfigError::Value {
        name: "log",
        value: config.log.clone(),
        what: error.to_string(),
    };
    let filter = EnvFilter::builder().parse(&config.log).map_err(bad)?;
    let raft = format!("{}=error", holdfast_meta::RAFT_LOG_TARGET);
    let filter = [raft.as_str(), "s3s=off", "hyper=warn"]
        .iter()
        .filter(|quiet| !config.log.contains(quiet.split('=').next().unwrap_or("")))
        .filter_map(|quiet| quiet.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let begun = match config.log_format {
        LogFormat::Text => lines.compact().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if begun.is_err() {
        tracing::debug!("logging had begun already");
    }
    log_panics();
    Ok(())
}

/// A panic is our mistake: one line with its place, and the task that had it ends.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload();
        let what = what
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| what.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        tracing::error!(%place, "panic, please report it: {what}");
    }));
}
