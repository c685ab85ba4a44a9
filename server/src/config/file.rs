//! The configuration file: below flags and environment, above the defaults.

use std::path::Path;

use super::{ConfigError, ServerArgs};

/// `args` with what only the file named by `--config` says.
///
/// # Errors
/// [`ConfigError::File`] and [`ConfigError::Line`].
pub fn merge_file(args: ServerArgs) -> Result<ServerArgs, ConfigError> {
    let Some(path) = args.config.clone() else { return Ok(args) };
    let name = path.display().to_string();
    let bytes = holdfast_io::host::read_small(&path)
        .map_err(|source| ConfigError::File { path: name.clone(), source })?;
    let below = parse(&name, &bytes)?;
    Ok(args.over(anchored(below, path.parent().unwrap_or(Path::new(".")))))
}

fn parse(path: &str, bytes: &[u8]) -> Result<ServerArgs, ConfigError> {
    let at_line = |line, what: &str| ConfigError::Line {
        path: path.into(),
        line,
        what: what.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let text = std::str::from_utf8(bytes).map_err(|bad| {
        at_line(1 + newlines(&bytes[..bad.valid_up_to()]), "not UTF-8 from here on")
    })?;
    toml::from_str(text).map_err(|bad| {
        let start = bad.span().map_or(0, |span| span.start.min(bytes.len()));
        at_line(1 + newlines(&bytes[..start]), bad.message())
    })
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Relative paths in a file are relative to the file.
fn anchored(mut args: ServerArgs, folder: &Path) -> ServerArgs {
    for path in args.drive.iter_mut().chain(&mut args.data).chain(&mut args.sql_cache_dir) {
        *path = folder.join(&*path);
    }
    for path in args.tls_cert.iter_mut().chain(&mut args.tls_key) {
        *path = folder.join(&*path);
    }
    args
}

impl ServerArgs {
    /// `self` where it says something, else `below`.
    #[must_use]
    fn over(self, below: Self) -> Self {
        fn first<T>(mine: Vec<T>, below: Vec<T>) -> Vec<T> {
            if mine.is_empty() { below } else { mine }
        }
        Self {
            data: self.data.or(below.data),
            drive: first(self.drive, below.drive),
            geometry: self.geometry.or(below.geometry),
            degraded: self.degraded || below.degraded,
            io: self.io.or(below.io),
            sql_cache_dir: self.sql_cache_dir.or(below.sql_cache_dir),
            sql_cache_size: self.sql_cache_size.or(below.sql_cache_size),
            s3: self.s3.or(below.s3),
            admin: self.admin.or(below.admin),
            mysql: self.mysql.or(below.mysql),
            domain: first(self.domain, below.domain),
            region: self.region.or(below.region),
            tls_cert: self.tls_cert.or(below.tls_cert),
            tls_key: self.tls_key.or(below.tls_key),
            connections: self.connections.or(below.connections),
            idle_timeout: self.idle_timeout.or(below.idle_timeout),
            shutdown_grace: self.shutdown_grace.or(below.shutdown_grace),
            log_format: self.log_format.or(below.log_format),
            log: self.log.or(below.log),
            config: self.config,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str) -> String {
        parse("h.toml", text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn unknown_keys_are_refused_with_their_line() {
        let said = refused("data = \"/d\"\n\n# a comment\nbucket = 1\n");
        assert!(said.starts_with("h.toml, line 4: unknown field `bucket`"), "{said}");
        assert!(!said.contains('\n'), "one line: {said}");
        assert!(refused("data = \n").contains("line 1"), "{}", refused("data = \n"));
        assert!(refused("\nio = \"gpu\"").contains("line 2: unknown variant `gpu`"));
    }

    #[test]
    fn what_stands_above_wins() {
        let above = ServerArgs { s3: Some("1".into()), ..ServerArgs::default() };
        let below = parse("f", b"s3 = \"2\"\nregion = \"x\"\ndrive = [\"a\", \"/b\"]").unwrap();
        let both = above.over(anchored(below, Path::new("/etc")));
        assert_eq!((both.s3.as_deref(), both.region.as_deref()), (Some("1"), Some("x")));
        assert_eq!(both.drive, [Path::new("/etc/a"), Path::new("/b")]);
    }
}
