//! A server of fixed answers, to try drivers against the protocol.
//!
//! `cargo run -p holdfast-wire --example echo -- 127.0.0.1:3399 [cert.pem key.pem]`
//!
//! Users `sha` and `native` with password `secret`, `open` without one, `tls` (password
//! `secret`, REQUIRE SSL), `locked`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "an example")]

mod serve;

use std::net::SocketAddr;
use std::sync::Arc;

use holdfast_io::clock::SystemClock;
use holdfast_io::net::{Net, TcpNet};
use holdfast_io::rng::SystemRng;
use holdfast_wire::{Peer, WireConfig};
use rustls_pki_types::pem::PemObject;
use serve::{accounts, serve};

fn tls(cert: &str, key: &str) -> Arc<rustls::ServerConfig> {
    let chain = rustls_pki_types::CertificateDer::pem_file_iter(cert).unwrap();
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = rustls_pki_types::PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let address: SocketAddr =
        arguments.get(1).map_or("127.0.0.1:3399", String::as_str).parse().unwrap();
    let mut shared = WireConfig::new(Arc::new(SystemClock), Arc::new(SystemRng));
    if let [_, _, cert, key] = &arguments[..] {
        shared.tls = Some(tls(cert, key));
    }
    let shared = Arc::new(shared);
    let mut listener = TcpNet.bind(address).await.unwrap();
    println!("{}", listener.address());
    for connection_id in 1.. {
        let (stream, address) = listener.accept().await.unwrap();
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let peer = Peer { address, connection_id };
            if let Err(error) = serve(stream, shared, accounts(), peer).await {
                println!("{connection_id}: {error}");
            }
        });
    }
}
