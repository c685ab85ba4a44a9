//! TLS from PEM files, for servers; and for our own client, which trusts exactly
//! the certificates of one PEM file.
//!
//! - X1: whatever is wrong with a PEM file is one line that names the file.
//!
//! Not here: certificates of our own making; there are none.

use std::path::Path;
use std::sync::Arc;

use holdfast_io::host;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::config::TlsFiles;
use crate::start::{StartError, plain};

/// What a listening port needs to speak TLS 1.2 and 1.3.
///
/// # Errors
/// [`StartError::Tls`] (X1).
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, StartError> {
    let mut config = server_config(files)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The same, for a protocol that begins TLS by itself.
///
/// # Errors
/// [`StartError::Tls`] (X1).
pub fn server_config(files: &TlsFiles) -> Result<ServerConfig, StartError> {
    let bad = |path: &Path, what: String| StartError::Tls { path: path.into(), what };
    let chain = certificates(&files.cert)?;
    let pem = host::read_small(&files.key).map_err(|error| bad(&files.key, plain(&error)))?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|error| bad(&files.key, format!("no private key in PEM format ({error})")))?;
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                bad(&files.key, format!("not the key of {}", files.cert.display()))
            }
            error => bad(&files.cert, format!("not usable: {error}")),
        })
}

/// A client that trusts servers which show a certificate of `pem`, or one issued by it.
///
/// # Errors
/// [`StartError::Tls`] (X1).
pub fn pinned_connector(pem: &Path) -> Result<TlsConnector, StartError> {
    let bad = |what: String| StartError::Tls { path: pem.into(), what };
    let pins = certificates(pem)?;
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(pins.iter().cloned());
    let chain = rustls::client::WebPkiServerVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::clone(&provider),
    );
    let verifier = Pinned { pins, chain: chain.build().ok(), provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let bad = |what: String| StartError::Tls { path: path.into(), what };
    let pem = host::read_small(path).map_err(|error| bad(plain(&error)))?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(format!("not PEM ({error})")))?;
    if chain.is_empty() {
        return Err(bad("no certificate in PEM format".into()));
    }
    Ok(chain)
}

/// Trusts the very certificates of a file; a handshake still proves the key.
#[derive(Debug)]
struct Pinned {
    pins: Vec<CertificateDer<'static>>,
    chain: Option<Arc<rustls::client::WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.pins.iter().any(|pin| pin.as_ref() == shown.as_ref()) {
            return Ok(ServerCertVerified::assertion());
        }
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let chain = self.chain.as_ref().ok_or(unknown)?;
        chain.verify_server_cert(shown, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
