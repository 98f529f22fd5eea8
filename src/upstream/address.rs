//! Which addresses a host's name may lead to: a name in the public internet leads to no machine in the user's own network, nor to a
//! cloud's metadata service, whoever answers the question.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names that are given out at home, at work and in the machine. Those behind Tailscale's `ts.net` are such too.
const PRIVATE_ENDS: [&str; 8] = [".local", ".lan", ".home", ".home.arpa", ".internal", ".intranet", ".corp", ".ts.net"];

/// The metadata services of clouds that are at none of the addresses where such are looked for: Alibaba's and Azure's, Amazon's and
/// Google's.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];
const METADATA_V6: [Ipv6Addr; 2] = [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// Whether a request for `host` may go to `address`. A host that is an address itself is not asked about: the user wrote it.
#[must_use]
pub fn may_lead_to(host: &str, address: IpAddr) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address = unmapped(address);
    if host == "localhost" || host.ends_with(".localhost") {
        return address.is_loopback();
    }
    if is_nowhere(address) {
        return false;
    }
    let private_name = !host.contains('.') || PRIVATE_ENDS.iter().any(|end| host.ends_with(end));
    private_name || !is_private(address)
}

/// No provider is there, under whatever name: link-local addresses (the metadata services of clouds are among them), the metadata
/// services that are not, and what is no single machine.
fn is_nowhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            // Oracle's metadata service is among the protocol assignments, 192.0.0.0/24
            let [first, second, third, _] = v4.octets();
            v4.is_link_local()
                || first == 0
                || [first, second, third] == [192, 0, 0]
                || v4.is_multicast()
                || v4.is_broadcast()
                || METADATA_V4.contains(&v4)
        }
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || METADATA_V6.contains(&v6),
    }
}

/// Addresses that mean another machine in every network. Not 198.18.0.0/15: local proxies answer with it for every name.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_loopback() || v4.is_private() || (first == 100 && second & 0xc0 == 64) || first >= 240
        }
        IpAddr::V6(v6) => {
            // a tunnel to a machine behind some router (Teredo), and the older sort of local addresses
            let [first, second, ..] = v6.segments();
            v6.is_loopback() || v6.is_unique_local() || (first == 0x2001 && second == 0) || first & 0xffc0 == 0xfec0
        }
    }
}

/// The IPv4 address inside an IPv6 one, where it leads there: mapped or compatible (RFC 4291), behind a translator (RFC 6052,
/// RFC 8215), or at the end of a 6to4 tunnel (RFC 3056).
fn unmapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let (high, low) = match v6.segments() {
        // `::` and `::1` are what they are
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return address,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => {
            (high, low)
        }
        [0x2002, high, low, ..] => (high, low),
        _ => return address,
    };
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_name_leads_to_no_private_address() {
        for (host, address, may) in [
            ("api.anthropic.com", "160.79.104.10", true),
            ("api.anthropic.com", "2607:6bc0::10", true),
            ("api.deepseek.com", "198.18.0.7", true),
            ("api.anthropic.com", "127.0.0.1", false),
            ("api.anthropic.com.", "10.0.0.1", false),
            ("API.anthropic.com", "172.16.0.1", false),
            ("api.anthropic.com", "192.168.1.1", false),
            ("api.anthropic.com", "100.64.0.1", false),
            ("api.anthropic.com", "169.254.169.254", false),
            ("api.anthropic.com", "0.0.0.0", false),
            ("api.anthropic.com", "::1", false),
            ("api.anthropic.com", "::", false),
            ("api.anthropic.com", "fe80::1", false),
            ("api.anthropic.com", "fd12::1", false),
            ("api.anthropic.com", "::ffff:10.0.0.1", false),
            ("api.anthropic.com", "64:ff9b::7f00:1", false),
            ("api.anthropic.com", "64:ff9b::a04f:680a", true),
            ("api.anthropic.com", "64:ff9b:1::a00:1", false),
            ("api.anthropic.com", "64:ff9b::a9fe:a9fe", false),
            ("api.anthropic.com", "::ffff:169.254.169.254", false),
            ("api.anthropic.com", "::ffff:160.79.104.10", true),
            ("api.anthropic.com", "::127.0.0.1", false),
            ("api.anthropic.com", "2002:7f00:1::", false),
            ("api.anthropic.com", "2002:c0a8:101::1", false),
            ("api.anthropic.com", "2002:a04f:680a::1", true),
            ("api.anthropic.com", "2001:0:4136:e378:8000:63bf:3fff:fdd2", false),
            ("api.anthropic.com", "fec0::1", false),
            ("api.anthropic.com", "240.0.0.1", false),
            ("api.anthropic.com", "255.255.255.255", false),
            ("api.anthropic.com", "224.0.0.1", false),
            ("api.anthropic.com", "192.0.0.192", false),
            ("api.anthropic.com", "168.63.129.16", false),
            ("localhost", "::ffff:127.0.0.1", true),
            ("nas", "fd20:ce::254", false),
            ("localhost", "127.0.0.1", true),
            ("localhost", "::1", true),
            ("localhost", "192.168.1.1", false),
            ("app.localhost", "10.0.0.1", false),
            ("nas", "192.168.1.5", true),
            ("llm.lan", "10.1.2.3", true),
            ("box.tail1234.ts.net", "100.101.102.103", true),
            ("metadata.google.internal", "169.254.169.254", false),
            ("instance-data.internal", "fd00:ec2::254", false),
            ("cloud.lan", "100.100.100.200", false),
        ] {
            assert_eq!(may_lead_to(host, address.parse().unwrap()), may, "{host} {address}");
        }
    }
}
