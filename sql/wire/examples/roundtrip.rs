//! How long the wire's part of a small query takes: a statement in, one row out,
//! over a pipe in one thread, the client's part included.
//!
//! `cargo run --release -p holdfast-wire --example roundtrip`
#![allow(clippy::unwrap_used, missing_docs, reason = "an example")]

use std::sync::Arc;
use std::time::Duration;

use holdfast_io::clock::{Clock, SystemClock};
use holdfast_io::rng::SystemRng;
use holdfast_value::{Collation, SqlType, Value};
use holdfast_wire::{
    Account, AccountName, Accounts, ColumnMeta, Command, Connection, Format, OkPacket, Peer,
    Plugin, Status, Wait, WireConfig, WireError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const COUNT: u32 = 200_000;

struct Open;

impl Accounts for Open {
    fn find(&self, user: &str, host: &str) -> Option<Account> {
        let name = AccountName { user: user.to_owned(), host: host.to_owned() };
        let (plugin, auth) = (Plugin::Native, String::new());
        Some(Account { name, plugin, auth, is_locked: false, requires_tls: false })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (here, there) = tokio::io::duplex(64 << 10);
    let (served, client) = tokio::join!(serve(there), ask(here));
    served.unwrap();
    println!("{:.2} us per round trip", client.as_secs_f64() * 1e6 / f64::from(COUNT));
}

async fn serve(stream: DuplexStream) -> Result<(), WireError> {
    let shared = Arc::new(WireConfig::new(Arc::new(SystemClock), Arc::new(SystemRng)));
    let peer = Peer { address: "127.0.0.1:1".parse().unwrap(), connection_id: 1 };
    let (mut connection, _) = Connection::accept(Box::new(stream), shared, &Open, peer).await?;
    connection.ok(&OkPacket::default());
    let wait = Wait { idle: Duration::from_secs(60), packet_max: 1 << 20 };
    let types = [SqlType::INT, SqlType::VarChar(120, Collation::default())];
    let columns = [
        ColumnMeta::expression("id", types[0].clone()),
        ColumnMeta::expression("c", types[1].clone()),
    ];
    let row = [Value::Int(42), Value::text("x".repeat(120))];
    while let Some(Command::Query(_)) = connection.next_command(wait).await? {
        connection.columns(&columns, Format::Text, Status::AUTOCOMMIT);
        connection.row(&row, &types).await?;
        connection.end(Status::AUTOCOMMIT, 0);
    }
    Ok(())
}

async fn ask(mut stream: DuplexStream) -> Duration {
    let mut buffer = vec![0; 4096];
    let _ = stream.read(&mut buffer).await.unwrap();
    // PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH, DEPRECATE_EOF; user u, no password.
    let mut hello = vec![0x00, 0x82, 0x08, 0x01, 0, 0, 0, 1, 255];
    hello.extend_from_slice(&[0; 23]);
    hello.extend_from_slice(b"u\0\0mysql_native_password\0");
    stream.write_all(&[hello.len() as u8, 0, 0, 1]).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    let _ = stream.read(&mut buffer).await.unwrap();
    let begin = SystemClock.monotonic();
    for _ in 0..COUNT {
        stream.write_all(b"\x26\0\0\0\x03SELECT id, c FROM sbtest1 WHERE id=42").await.unwrap();
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 100, "one write, one read: {count}");
    }
    SystemClock.monotonic().saturating_sub(begin)
}
