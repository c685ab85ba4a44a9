//! The first two packets: the server's greeting and what the client says to it.
//!
//! ```text
//! 10 | version 0 | id (4) | salt[0..8] 0 | can, low (2) | collation | status (2)
//!    | can, high (2) | 21 | 0 x 10 | salt[8..20] 0 | plugin 0
//! can (4) | packet max (4) | collation | 0 x 23 | user 0 | proof | [database 0]
//!    | [plugin 0] | [attributes]
//! ```

use bytes::Bytes;

use crate::bits::{Capabilities, Status};
use crate::config::WireConfig;
use crate::login::LOGIN_PACKET_MAX;
use crate::scan::Scan;

/// Attributes of a client that are kept; the rest is skipped. [bytes, names and values]
const ATTRIBUTES_MAX: usize = 4 << 10;

/// Appends the greeting.
pub(crate) fn put_greeting(shared: &WireConfig, id: u32, salt: &[u8; 20], out: &mut Vec<u8>) {
    let can = offered(shared).bits();
    out.push(10);
    out.extend(shared.version.bytes().filter(|byte| *byte != 0));
    out.push(0);
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&salt[..8]);
    out.push(0);
    out.extend_from_slice(&(can as u16).to_le_bytes());
    out.push(shared.collation);
    out.extend_from_slice(&Status::AUTOCOMMIT.bits().to_le_bytes());
    out.extend_from_slice(&((can >> 16) as u16).to_le_bytes());
    out.push(21);
    out.extend_from_slice(&[0; 10]);
    out.extend_from_slice(&salt[8..]);
    out.push(0);
    out.extend_from_slice(shared.plugin.name().as_bytes());
    out.push(0);
}

/// What a server of this configuration can.
pub(crate) fn offered(shared: &WireConfig) -> Capabilities {
    match shared.tls {
        Some(_) => Capabilities::SERVER.with(Capabilities::SSL),
        None => Capabilities::SERVER,
    }
}

/// The head of a client's answer: all of it where TLS is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HelloHead {
    pub(crate) can: Capabilities,
    pub(crate) collation: u16,
    /// Nothing but the head came: TLS begins.
    pub(crate) is_tls_request: bool,
}

/// What a client says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hello {
    pub(crate) user: String,
    pub(crate) proof: Bytes,
    pub(crate) database: Option<String>,
    pub(crate) plugin: Option<String>,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) collation: u16,
}

impl HelloHead {
    /// `None` where it is none; a client older than 4.1 has no such bit in `can`.
    pub(crate) fn parse(packet: &[u8], offered: Capabilities) -> Option<Self> {
        let mut scan = Scan::new(packet);
        let said = Capabilities::from_bits(scan.u32()?);
        scan.u32()?;
        let collation = u16::from(scan.u8()?);
        scan.take(23)?;
        let is_tls_request = said.has(Capabilities::SSL) && scan.is_empty();
        Some(Self { can: said.common(offered), collation, is_tls_request })
    }
}

impl Hello {
    /// `None` where the packet ends early. `head` is the packet's own.
    pub(crate) fn parse(packet: &Bytes, head: HelloHead) -> Option<Self> {
        let mut scan = Scan::new(packet.get(32..)?);
        let user = text(scan.until_zero()?);
        let proof = proof(&mut scan, head.can)?;
        let mut hello = Self {
            user,
            proof: packet.slice_ref(proof),
            collation: head.collation,
            ..Self::default()
        };
        if head.can.has(Capabilities::CONNECT_WITH_DB) {
            hello.database = named(scan.until_zero_or_end());
        }
        if head.can.has(Capabilities::PLUGIN_AUTH) {
            hello.plugin = named(scan.until_zero_or_end());
        }
        if head.can.has(Capabilities::CONNECT_ATTRS) && !scan.is_empty() {
            hello.attributes = attributes(&mut scan)?;
        }
        Some(hello)
    }

    /// The payload of COM_CHANGE_USER.
    pub(crate) fn parse_change(packet: &Bytes, can: Capabilities) -> Option<Self> {
        if packet.len() as u64 > LOGIN_PACKET_MAX {
            return None;
        }
        let mut scan = Scan::new(packet);
        let user = text(scan.until_zero()?);
        let count = usize::from(scan.u8()?);
        let proof = packet.slice_ref(scan.take(count)?);
        let database = named(scan.until_zero_or_end());
        let mut hello = Self { user, proof, database, ..Self::default() };
        if !scan.is_empty() {
            hello.collation = scan.u16()?;
        }
        if can.has(Capabilities::PLUGIN_AUTH) && !scan.is_empty() {
            hello.plugin = named(scan.until_zero_or_end());
        }
        if can.has(Capabilities::CONNECT_ATTRS) && !scan.is_empty() {
            hello.attributes = attributes(&mut scan)?;
        }
        Some(hello)
    }
}

fn proof<'a>(scan: &mut Scan<'a>, can: Capabilities) -> Option<&'a [u8]> {
    if can.has(Capabilities::PLUGIN_AUTH_LENENC) {
        return scan.string();
    }
    if can.has(Capabilities::SECURE_CONNECTION) {
        let count = usize::from(scan.u8()?);
        return scan.take(count);
    }
    Some(scan.until_zero_or_end())
}

fn attributes(scan: &mut Scan<'_>) -> Option<Vec<(String, String)>> {
    let mut scan = Scan::new(scan.string()?);
    let (mut kept, mut size) = (Vec::new(), 0);
    while !scan.is_empty() {
        let (name, value) = (scan.string()?, scan.string()?);
        size += name.len() + value.len() + 2;
        if size <= ATTRIBUTES_MAX {
            kept.push((text(name), text(value)));
        }
    }
    Some(kept)
}

fn named(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| text(bytes))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
