//! The network seam: listeners and byte streams.
//!
//! - N1: bytes arrive in order, unchanged, or the connection ends with an error.
//! - N2: `bind` to a port in use errs at once.

pub mod contract;

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::BoxFuture;

/// A two-way byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// A network.
pub trait Net: Send + Sync + 'static {
    /// Listens on `address`; port 0 picks a free one.
    fn bind(&self, address: SocketAddr) -> BoxFuture<'_, std::io::Result<Box<dyn Listener>>>;
    /// Connects to `address`. The caller sets the deadline.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, std::io::Result<Box<dyn Stream>>>;
}

/// A bound address.
pub trait Listener: Send + 'static {
    /// The next connection and where it comes from.
    fn accept(&mut self) -> BoxFuture<'_, std::io::Result<(Box<dyn Stream>, SocketAddr)>>;
    /// Where it listens.
    fn address(&self) -> SocketAddr;
}

/// TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpNet;

struct TcpListener {
    inner: tokio::net::TcpListener,
    address: SocketAddr,
}

impl Net for TcpNet {
    fn bind(&self, address: SocketAddr) -> BoxFuture<'_, std::io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let inner = tokio::net::TcpListener::bind(address).await?;
            let address = inner.local_addr()?;
            Ok(Box::new(TcpListener { inner, address }) as Box<dyn Listener>)
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, std::io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

impl Listener for TcpListener {
    fn accept(&mut self) -> BoxFuture<'_, std::io::Result<(Box<dyn Stream>, SocketAddr)>> {
        Box::pin(async move {
            let (stream, from) = self.inner.accept().await?;
            stream.set_nodelay(true)?;
            Ok((Box::new(stream) as Box<dyn Stream>, from))
        })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tcp_keeps_the_contract() {
        contract::run(&TcpNet).await;
    }
}
