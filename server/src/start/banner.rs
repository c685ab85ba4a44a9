//! What a person at a terminal sees once the server runs.

use std::io::{IsTerminal, Write};
use std::path::Path;

use super::credentials::{Credentials, Origin};
use crate::admin::Status;

/// What the banner shows besides the status.
pub struct Banner<'a> {
    /// Root.
    pub credentials: &'a Credentials,
    /// Where they came from.
    pub origin: &'a Origin,
    /// The data directory.
    pub data: &'a Path,
    /// As the server sees itself.
    pub status: &'a Status,
}

impl Banner<'_> {
    /// Prints it, to a terminal only; a generated password is shown this once (A1 of `credentials`).
    pub fn show(&self) {
        if std::io::stdout().is_terminal() {
            let _ = writeln!(std::io::stdout(), "{}", self.text());
        } else if let Origin::Generated(path) = self.origin {
            tracing::info!("root credentials were generated: see {}", path.display());
        }
    }

    fn text(&self) -> String {
        let status = self.status;
        let mut lines = vec![
            String::new(),
            format!("  Holdfast {} is ready", status.version),
            String::new(),
            format!("  S3       {}   (region {})", status.endpoints.s3, status.region),
            format!("  MySQL    {}", status.endpoints.mysql.as_deref().unwrap_or("off")),
            format!("  Admin    {}", status.endpoints.admin),
            format!("  Drives   {}", self.drives()),
            format!("  Disk I/O {}", self.backend()),
            format!("  Root     {}", self.root()),
        ];
        if let Origin::Generated(_) = self.origin {
            lines.push(format!("           user     {}", self.credentials.user));
            lines.push(format!("           password {}", self.credentials.password.expose()));
            lines.push("           (shown this once)".into());
        }
        lines.push(String::new());
        lines.extend(status.warnings.iter().map(|line| format!("  ! {line}")));
        if !status.warnings.is_empty() {
            lines.push(String::new());
        }
        lines.extend(self.example());
        lines.push(String::new());
        lines.join("\n")
    }

    fn drives(&self) -> String {
        let status = self.status;
        let online = status.drives.iter().filter(|drive| drive.state == "online").count();
        let (all, geometry) = (status.drives.len(), &status.store.geometry);
        let devices = match status.redundancy.devices {
            1 => "one device".to_string(),
            devices => format!("{devices} devices"),
        };
        format!("{online} of {all} online, geometry {geometry}, on {devices}")
    }

    fn backend(&self) -> String {
        let mut backends: Vec<_> =
            self.status.drives.iter().filter_map(|drive| drive.backend.as_deref()).collect();
        backends.sort_unstable();
        backends.dedup();
        backends.join(" and ")
    }

    fn root(&self) -> String {
        match self.origin {
            Origin::Environment(variable) => format!("{} (from {variable})", self.credentials.user),
            Origin::File(path) => format!("see {}", path.display()),
            Origin::Generated(path) => format!("generated, kept in {}", path.display()),
        }
    }

    fn example(&self) -> Vec<String> {
        let source = match self.origin {
            Origin::Environment(_) => None,
            Origin::File(path) | Origin::Generated(path) => {
                Some(format!("  set -a; . {}; set +a", path.display()))
            }
        };
        let (user, password) = match self.origin {
            Origin::Environment("MINIO_ROOT_USER") => ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"),
            _ => ("HOLDFAST_ROOT_USER", "HOLDFAST_ROOT_PASSWORD"),
        };
        let mut lines = vec!["  Try it, in another terminal:".to_string()];
        lines.extend(source);
        lines.push(format!("  export AWS_ACCESS_KEY_ID=${user} AWS_SECRET_ACCESS_KEY=${password}"));
        lines.push(format!("  export AWS_DEFAULT_REGION={}", self.status.region));
        lines.push(format!("  aws --endpoint-url {} s3 mb s3://photos", self.status.endpoints.s3));
        lines.push(format!("  holdfast admin status --data {}", self.data.display()));
        lines
    }
}
