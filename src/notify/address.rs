//! Which addresses a webhook must not reach unless the configuration allows it: this machine, private networks, and what
//! clouds answer secrets at.
//!
//! Pure. Judges addresses, never names: a name is judged by what it resolves to, at the moment of the connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address this is, in words, when it is one that is refused; `None` for addresses of the public network.
#[must_use]
pub fn refused(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Option<&'static str> {
    // Cloud metadata that is not link-local: Alibaba's, and Azure's wire server.
    const METADATA: [[u8; 4]; 2] = [[100, 100, 100, 200], [168, 63, 129, 16]];
    let octets = address.octets();
    let what = match octets {
        _ if METADATA.contains(&octets) => "a cloud's metadata service",
        [0, ..] => "unspecified",
        [127, ..] => "of this machine (loopback)",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "of a private network",
        [100, 64..=127, ..] => "of a carrier's private network",
        [169, 254, ..] => "link-local, where clouds have their metadata service",
        [224..=239, ..] => "multicast",
        [192, 0, 0, _]
        | [192, 0, 2, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [240..=255, ..] => "reserved",
        _ => return None,
    };
    Some(what)
}

/// Also looks at the IPv4 address inside: mapped, compatible, 6to4, Teredo and NAT64 addresses lead to it.
fn v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("of this machine (loopback)"),
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0, 0, high, low] => {
            Some(v4(inner(high, low)).unwrap_or("an IPv4 address in the form of an IPv6 address"))
        }
        // RFC 8215's local-use prefix: where it leads is the local network's business.
        [0x64, 0xff9b, 1, ..] => Some("of a private network"),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => v4(inner(high, low)),
        [0x2001, 0, ..] => Some("a tunnel (Teredo)"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] | [0x100, 0, 0, 0, ..] => Some("reserved"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfec0..=0xfeff, ..] | [0xfc00..=0xfdff, ..] => Some("of a private network (unique local)"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_network_pass() {
        for text in [
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "fe80::1",
            "febf::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001:0:1::1",
            "2001:db8::1",
        ] {
            assert!(refused(text.parse().unwrap()).is_some(), "{text} passes");
        }
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "172.32.0.1",
            "172.15.0.1",
            "100.128.0.1",
            "169.253.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert_eq!(refused(text.parse().unwrap()), None, "{text}");
        }
    }
}
