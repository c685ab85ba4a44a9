//! Runs the binary.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

pub const USER: &str = "operator";
pub const PASSWORD: &str = "tr0mbone-Canyon-17";

/// What a run of the binary that ends by itself left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    /// The last line of stderr.
    pub line: String,
    pub err: String,
}

/// The binary with a clean environment.
pub fn holdfast(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    for (name, _) in std::env::vars() {
        if name.starts_with("HOLDFAST_") || name.starts_with("MINIO_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs to the end.
pub fn ended(mut command: Command) -> Ended {
    let done = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let err = text(&done.stderr);
    let line = err.lines().last().unwrap_or_default().to_owned();
    Ended { code: done.status.code(), out: text(&done.stdout), line, err }
}

/// `holdfast server` on free ports with root's credentials in the environment.
pub fn server(data: &Path, more: &[&str]) -> Command {
    let data = data.to_str().unwrap();
    let mut command = holdfast(&[&["server", "--data", data][..], more].concat());
    for port in ["--s3", "--admin"].iter().filter(|port| !more.contains(port)) {
        command.args([port, "127.0.0.1:0"]);
    }
    if !more.contains(&"--mysql") {
        command.args(["--mysql", "off"]);
    }
    command.env("HOLDFAST_ROOT_USER", USER).env("HOLDFAST_ROOT_PASSWORD", PASSWORD);
    command
}

/// A server that runs; killed when dropped.
pub struct Running {
    child: Child,
    lines: BufReader<ChildStderr>,
    /// Its log up to "ready".
    pub log: String,
    pub admin: SocketAddr,
    pub data: PathBuf,
}

impl Running {
    /// Starts a server and waits until it is ready.
    #[track_caller]
    pub fn start(data: &Path, more: &[&str]) -> Self {
        Self::from(data, server(data, more))
    }

    #[track_caller]
    pub fn from(data: &Path, mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        while !log.contains(" ready ") && !log.contains("\"ready\"") {
            if lines.read_line(&mut log).unwrap() == 0 {
                panic!("the server ended with {:?}:\n{log}", child.wait());
            }
        }
        let endpoint = std::fs::read(data.join("endpoint")).unwrap();
        let endpoint: serde_json::Value = serde_json::from_slice(&endpoint).unwrap();
        let admin = endpoint["admin"].as_str().unwrap().parse().unwrap();
        Self { child, lines, log, admin, data: data.into() }
    }

    /// Reads the log until a line contains `text`.
    #[track_caller]
    pub fn until(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                panic!("the log ended before {text:?}:\n{}", self.log);
            }
            self.log.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// SIGTERM; the exit code, and the rest of the log in `log`.
    pub fn stop(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.lines.read_to_string(&mut self.log).unwrap();
        self.child.wait().unwrap().code()
    }

    /// One request with an optional `Authorization`; status and body.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        authorization: Option<&str>,
        body: &str,
    ) -> (u16, String) {
        http(self.admin, method, path, (authorization, body))
    }

    /// `holdfast admin ... --data DIR`
    pub fn admin(&self, arguments: &[&str]) -> Ended {
        let data = self.data.to_str().unwrap();
        let mut command = holdfast(&[&["admin"][..], arguments, &["--data", data]].concat());
        command.env("HOLDFAST_ROOT_USER", USER).env("HOLDFAST_ROOT_PASSWORD", PASSWORD);
        ended(command)
    }

    /// `holdfast admin status --json`
    #[track_caller]
    pub fn status(&self) -> serde_json::Value {
        let done = self.admin(&["status", "--json"]);
        assert_eq!(done.code, Some(0), "{done:?}");
        serde_json::from_str(&done.out).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A minimal HTTP/1.1 exchange.
pub fn http(
    to: SocketAddr,
    method: &str,
    path: &str,
    (authorization, body): (Option<&str>, &str),
) -> (u16, String) {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let authorization =
        authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status, body.unwrap_or_default())
}
