//! A network in memory: every address is a name for a listener of this process.
//!
//! Keeps N1 and N2. Faults (delay, loss of connections, partitions) come with
//! the scenarios that need them.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_io::BoxFuture;
use holdfast_io::net::{Listener, Net, Stream};
use tokio::sync::mpsc;

/// Bytes on their way in one direction of a connection.
const PIPE_BYTES: usize = 64 << 10;

/// Connections that nobody has accepted yet; more are refused.
const BACKLOG: usize = 128;

/// The first port that `bind` picks.
const FIRST_PORT: u16 = 49_152;

type Arrival = (Box<dyn Stream>, SocketAddr);

/// A network. Cheap to clone; clones are the same network.
#[derive(Clone, Debug, Default)]
pub struct SimNet(Arc<Mutex<BTreeMap<SocketAddr, mpsc::Sender<Arrival>>>>);

struct SimListener {
    net: SimNet,
    address: SocketAddr,
    arrivals: mpsc::Receiver<Arrival>,
}

impl SimNet {
    /// A network with nobody on it.
    pub fn new() -> Self {
        Self::default()
    }

    fn listen(&self, mut address: SocketAddr) -> std::io::Result<SimListener> {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if address.port() == 0 {
            let free = (FIRST_PORT..=u16::MAX)
                .map(|port| SocketAddr::new(address.ip(), port))
                .find(|address| !listeners.contains_key(address));
            address = free.ok_or(ErrorKind::AddrNotAvailable)?;
        }
        if listeners.contains_key(&address) {
            return Err(ErrorKind::AddrInUse.into());
        }
        let (sender, arrivals) = mpsc::channel(BACKLOG);
        listeners.insert(address, sender);
        Ok(SimListener { net: self.clone(), address, arrivals })
    }

    fn call(&self, address: SocketAddr) -> std::io::Result<Box<dyn Stream>> {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = || Error::from(ErrorKind::ConnectionRefused);
        let listener = listeners.get(&address).ok_or_else(refused)?;
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let from = SocketAddr::new(address.ip(), 0);
        listener.try_send((Box::new(theirs), from)).map_err(|_| refused())?;
        Ok(Box::new(ours))
    }
}

impl Net for SimNet {
    fn bind(&self, address: SocketAddr) -> BoxFuture<'_, std::io::Result<Box<dyn Listener>>> {
        let listener = self.listen(address);
        Box::pin(async move {
            tokio::task::yield_now().await;
            listener.map(|listener| Box::new(listener) as Box<dyn Listener>)
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, std::io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.call(address)
        })
    }
}

impl Listener for SimListener {
    fn accept(&mut self) -> BoxFuture<'_, std::io::Result<(Box<dyn Stream>, SocketAddr)>> {
        Box::pin(async move {
            let arrival = self.arrivals.recv().await;
            arrival.ok_or_else(|| Error::from(ErrorKind::NotConnected))
        })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        self.net.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.address);
    }
}

#[cfg(test)]
mod tests {
    use holdfast_io::net::contract;

    use super::*;

    #[test]
    fn the_simulated_net_keeps_the_contract() {
        crate::run(contract::run(&SimNet::new()));
    }
}
