//! Which addresses are public: the special-purpose registries of IANA (RFC 6890), multicast and
//! reserved ranges taken away from the rest.
//!
//! Stricter than a list of private ranges: for IPv6 only what IANA allocates for global unicast
//! (`2000::/3`) is public, so that mapped, translated (NAT64), site-local and future forms of a
//! private IPv4 address are refused without being named.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Network and prefix length of the IPv4 ranges that are not public.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),           // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, metadata of clouds
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays, withdrawn
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, broadcast
];

/// The same for the global unicast part of IPv6.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

fn in_v4(address: Ipv4Addr, (network, bits): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (32 - bits) == 0
}

fn in_v6(address: Ipv6Addr, (network, bits): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (128 - bits) == 0
}

/// Whether anybody on the internet may be meant by this address.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|range| in_v4(address, *range)),
        IpAddr::V6(address) => {
            in_v6(address, GLOBAL_UNICAST)
                && !NOT_PUBLIC_V6.iter().any(|range| in_v6(address, *range))
        }
    }
}

/// Whether the address means this machine, its link or nobody in particular: loopback, link-local
/// (where clouds put their metadata), unspecified, multicast, broadcast; also written as IPv6.
pub(crate) fn is_own_machine_or_link(address: IpAddr) -> bool {
    let own = |address: Ipv4Addr| {
        address.octets()[0] == 0
            || address.is_loopback()
            || address.is_link_local()
            || address.is_multicast()
            || address.is_broadcast()
    };
    match address {
        IpAddr::V4(address) => own(address),
        IpAddr::V6(address) => {
            address.is_unspecified()
                || address.is_loopback()
                || address.is_multicast()
                || in_v6(address, (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10))
                || embedded_v4(address).is_some_and(own)
        }
    }
}

/// The IPv4 address inside a mapped, compatible or NAT64 IPv6 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let nat64 = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
    if in_v6(address, nat64) {
        return Some(Ipv4Addr::from_bits(address.to_bits() as u32));
    }
    address.to_ipv4()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for text in [
            "1.1.1.1",
            "93.184.216.34",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "223.255.255.255",
            "2606:2800:220:1:248:1893:25c8:1946",
            "2a00:1450:4001::1",
        ] {
            assert!(is_public(address(text)), "{text}");
            assert!(!is_own_machine_or_link(address(text)), "{text}");
        }
    }

    #[test]
    fn private_special_and_translated_addresses_are_not_public() {
        for text in [
            "0.0.0.0",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.9",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.255.255",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:93.184.216.34",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn the_own_machine_is_found_in_every_notation_but_a_private_network_is_not_it() {
        for text in [
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::169.254.169.254",
            "fe80::1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(is_own_machine_or_link(address(text)), "{text}");
        }
        for text in ["10.0.0.1", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1"] {
            assert!(!is_own_machine_or_link(address(text)), "{text}");
        }
    }
}
