//! Which account a client is: hosts by pattern, the most specific one first.
//!
//! Not here: passwords (`wire`).

use std::net::IpAddr;
use std::sync::Arc;

use holdfast_value::Collation;
use holdfast_value::collate::Pattern;

use crate::catalog::AccountRow;

/// The account of a user who comes from `host`: of those that fit, the one whose
/// host is the most specific, and then the one that names the user.
pub fn choose<'a>(
    accounts: impl IntoIterator<Item = &'a Arc<AccountRow>>,
    user: &str,
    host: &str,
) -> Option<&'a Arc<AccountRow>> {
    let fits = |row: &&Arc<AccountRow>| {
        (row.user.is_empty() || row.user == user) && host_matches(&row.host, host)
    };
    let rank = |row: &&Arc<AccountRow>| (specificity(&row.host), !row.user.is_empty());
    accounts.into_iter().filter(fits).max_by_key(rank)
}

/// How specific a pattern is: a name or address, a network, a pattern by the length
/// of what comes before its first wildcard.
fn specificity(pattern: &str) -> (u8, usize) {
    match (pattern, pattern.find(['%', '_'])) {
        ("" | "%", _) => (0, 0),
        (_, Some(at)) => (1, at),
        (_, None) => match network(pattern) {
            Some((_, bits)) => (2, bits as usize),
            None => (3, 0),
        },
    }
}

/// Whether a client's address (or name) is one that a pattern means. `localhost` is
/// every loopback address: nobody comes through a socket file.
pub fn host_matches(pattern: &str, host: &str) -> bool {
    if matches!(pattern, "" | "%") || pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
    if pattern.eq_ignore_ascii_case("localhost") {
        return address.is_some_and(|address| address.is_loopback());
    }
    if let (Some((net, bits)), Some(address)) = (network(pattern), address) {
        return first_bits(net, bits) == first_bits(address, bits)
            && net.is_ipv4() == address.is_ipv4();
    }
    if let (Ok(wanted), Some(address)) = (pattern.parse::<IpAddr>(), address) {
        return wanted.to_canonical() == address;
    }
    pattern.contains(['%', '_'])
        && Pattern::new(pattern, Some('\\'), Collation::GeneralCi).matches(host)
}

/// `10.0.0.0/8` and `10.0.0.0/255.0.0.0`: the address, and how many bits count.
fn network(pattern: &str) -> Option<(IpAddr, u32)> {
    let (net, mask) = pattern.split_once('/')?;
    let net: IpAddr = net.parse().ok()?;
    let most = if net.is_ipv4() { 32 } else { 128 };
    if let Ok(bits) = mask.parse::<u32>() {
        return (bits <= most).then_some((net, bits));
    }
    let mask: std::net::Ipv4Addr = mask.parse().ok()?;
    let mask = u32::from(mask);
    let bits = mask.leading_ones();
    (net.is_ipv4() && mask.count_ones() == bits).then_some((net, bits))
}

fn first_bits(address: IpAddr, bits: u32) -> u128 {
    let (number, size) = match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    number.checked_shr(size - bits.min(size)).unwrap_or(0)
}
