//! Ways to come in and ways to be kept out.

use std::sync::Arc;

use holdfast_io::rng::{Rng, SeededRng};
use holdfast_wire::{Capabilities, WireConfig, WireError};
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use sha1::{Digest, Sha1};

use crate::client::{Client, Who, config, connect, error_code, hello, prove};

const NATIVE: &str = "mysql_native_password";
const SHA2: &str = "caching_sha2_password";

/// OAEP with SHA-1 by the book (RFC 8017, 7.1.1): another hand than the server's.
pub fn encrypt(pem: &str, plain: &[u8]) -> Vec<u8> {
    let key = RsaPublicKey::from_public_key_pem(pem).unwrap();
    let size = key.size();
    let mask = |seed: &[u8], count: usize| -> Vec<u8> {
        let blocks = (0_u32..).flat_map(|block| {
            Sha1::new().chain_update(seed).chain_update(block.to_be_bytes()).finalize()
        });
        blocks.take(count).collect()
    };
    let xor = |into: &mut [u8], mask: &[u8]| {
        into.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    };
    let mut block = Sha1::digest(b"").to_vec();
    block.resize(size - 22 - plain.len(), 0);
    block.push(1);
    block.extend_from_slice(plain);
    let mut seed = vec![0; 20];
    SeededRng::new(5).fill(&mut seed);
    xor(&mut block, &mask(&seed, size - 21));
    xor(&mut seed, &mask(&block, 20));
    let message = BigUint::from_bytes_be(&[&[0][..], &seed, &block].concat());
    let cipher = message.modpow(key.e(), key.n()).to_bytes_be();
    [vec![0; size - cipher.len()], cipher].concat()
}

#[test]
fn who_comes_in_and_who_does_not() {
    holdfast_sim::run(async {
        let shared = Arc::new(config());
        check(&shared, ("sha", "secret", SHA2), None).await;
        check(&shared, ("sha", "secret", SHA2), None).await; // The fast way.
        check(&shared, ("sha", "secret", NATIVE), None).await;
        check(&shared, ("native", "secret", NATIVE), None).await;
        check(&shared, ("native", "secret", SHA2), None).await;
        check(&shared, ("native", "secret", "dialog"), None).await;
        check(&shared, ("open", "", SHA2), None).await;
        check(&shared, ("open", "", NATIVE), None).await;
        for plugin in [SHA2, NATIVE] {
            check(&shared, ("sha", "wrong", plugin), Some(1045)).await;
            check(&shared, ("sha", "", plugin), Some(1045)).await;
            check(&shared, ("native", "wrong", plugin), Some(1045)).await;
            check(&shared, ("native", "", plugin), Some(1045)).await;
            check(&shared, ("open", "secret", plugin), Some(1045)).await;
            check(&shared, ("nobody", "secret", plugin), Some(1045)).await;
            check(&shared, ("nobody", "", plugin), Some(1045)).await;
            check(&shared, ("tls", "secret", plugin), Some(1045)).await;
            check(&shared, ("locked", "secret", plugin), Some(3118)).await;
            check(&shared, ("locked", "wrong", plugin), Some(1045)).await;
        }
        let mut strict = config();
        strict.requires_tls = true;
        check(&Arc::new(strict), ("sha", "secret", SHA2), Some(3159)).await;
    });
}

async fn check(
    shared: &Arc<WireConfig>,
    (user, password, plugin): (&'static str, &'static str, &'static str),
    refused: Option<u16>,
) {
    let (stream, served) = connect(shared, 1);
    let mut client = Client::new(stream);
    let verdict = client.log_in(&Who { user, password, plugin, ..Who::default() }).await;
    assert_eq!(error_code(&verdict), refused, "{user} {password} {plugin}");
    if refused.is_some() {
        assert_eq!(client.try_read().await, None, "the connection ends");
        assert!(matches!(served.await.unwrap(), Err(WireError::Refused { .. })));
        return;
    }
    assert_eq!(verdict[0], 0);
    assert_eq!(client.ask(0x0e, b"").await[0], 0, "ping");
    client.send(0x01, b"").await;
    assert_eq!(client.try_read().await, None);
    assert!(served.await.unwrap().is_ok());
}

#[test]
fn old_clients_know_native_passwords_only() {
    holdfast_sim::run(async {
        let can = Capabilities::SERVER.without(Capabilities::PLUGIN_AUTH);
        let can = can.without(Capabilities::CONNECT_WITH_DB).without(Capabilities::CONNECT_ATTRS);
        let can = can.without(Capabilities::PLUGIN_AUTH_LENENC).bits();
        for (user, refused) in [("native", None), ("sha", Some(1251))] {
            let (stream, _served) = connect(&Arc::new(config()), 1);
            let mut client = Client::new(stream);
            let who = Who { user, plugin: NATIVE, can, ..Who::default() };
            assert_eq!(error_code(&client.log_in(&who).await), refused, "{user}");
        }
    });
}

#[test]
fn tls_begins_in_mid_handshake() {
    holdfast_sim::run(async {
        let mut config = config();
        config.tls = Some(server_tls());
        config.requires_tls = true;
        let shared = Arc::new(config);
        for (user, refused) in [("sha", None), ("sha", None), ("tls", None), ("nobody", Some(1045))]
        {
            let (stream, _served) = connect(&shared, 1);
            let mut plain = Client::new(stream);
            plain.greeting().await;
            let who = Who { user, ..Who::default() };
            let who = Who { can: who.can | Capabilities::SSL.bits(), ..who };
            // The request and the first TLS record in one go, as some clients do.
            plain.write(&hello(&who, b"")[..32]).await;
            let connector = tokio_rustls::TlsConnector::from(client_tls());
            let name = ServerName::try_from("localhost").unwrap();
            let stream = connector.connect(name, plain.stream).await.unwrap();
            let mut client = Client { stream, sequence: plain.sequence, salt: plain.salt };
            let proof = prove(SHA2, who.password, &client.salt);
            client.write(&hello(&who, &proof)).await;
            let verdict = client.settle(&who, true).await;
            assert_eq!(error_code(&verdict), refused, "{user}");
            if refused.is_none() {
                assert_eq!(client.ask(0x0e, b"").await[0], 0, "ping");
            }
        }
    });
}

fn server_tls() -> Arc<rustls::ServerConfig> {
    let chain =
        vec![CertificateDer::from_pem_slice(include_bytes!("../data/tls-cert.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../data/tls-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

fn client_tls() -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    let cert = CertificateDer::from_pem_slice(include_bytes!("../data/tls-cert.pem")).unwrap();
    roots.add(cert).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

#[test]
fn another_user_has_to_prove_itself_again() {
    holdfast_sim::run(async {
        for (user, password, refused) in
            [("native", "secret", None), ("open", "", None), ("native", "x", Some(1045))]
        {
            let (stream, _served) = connect(&Arc::new(config()), 1);
            let mut client = Client::new(stream);
            client.log_in(&Who::default()).await;
            let mut body = [user.as_bytes(), b"\0\x04fake\0\xff\0"].concat();
            body.extend_from_slice(b"caching_sha2_password\0");
            client.send(0x11, &body).await;
            let who = Who { user, password, ..Who::default() };
            let verdict = client.settle(&who, false).await;
            assert_eq!(error_code(&verdict), refused, "{user} {password}");
            if refused.is_some() {
                assert_eq!(client.try_read().await, None, "the connection ends");
            } else {
                assert_eq!(client.ask(0x0e, b"").await[0], 0, "ping");
            }
        }
    });
}
