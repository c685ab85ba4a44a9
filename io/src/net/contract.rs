//! The network contract as a test; see `disk::contract` for the manner.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test, though not behind cfg(test)")]

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Net;

/// More than any buffer on the way holds. [bytes]
const MANY: usize = 1 << 20;

/// Runs N1 and N2 on loopback.
///
/// # Panics
/// With the id of what is broken.
pub async fn run(net: &impl Net) {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let mut listener = net.bind(any).await.unwrap();
    let address = listener.address();
    assert_ne!(address.port(), 0, "port 0 picks a free one");
    let taken = net.bind(address).await.err().expect("N2: the port is in use");
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse, "N2");

    let sent: Vec<u8> = (0..MANY).map(|at| (at / 7) as u8).collect();
    let client = async {
        let mut stream = net.connect(address).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut echo = Vec::new();
        stream.read_to_end(&mut echo).await.unwrap();
        assert_eq!(echo, b"thanks", "N1: both directions");
    };
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        stream.write_all(b"thanks").await.unwrap();
        got
    };
    let ((), got) = futures_util::future::join(client, server).await;
    assert!(got == sent, "N1: in order, unchanged");

    drop(listener);
    let refused = net.connect(address).await.err().expect("nobody listens any more");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    net.bind(address).await.expect("N2: the port is free again");
}
