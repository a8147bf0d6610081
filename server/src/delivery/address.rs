//! Which addresses callbacks may lead to: a listener is somebody else's machine, so an address that
//! means this one, its link, or nobody in particular is refused (server-side request forgery).
//!
//! Judged are addresses, never names: `localhost`, `0x7f.1`, a name with a trailing dot or in
//! punycode all end as an address. An IPv4 address inside an IPv6 one (mapped, compatible,
//! translated, 6to4, NAT64) is judged as what it is. Pure; [`super::resolver`] finds the addresses.

use crate::config::Delivery;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What the operator allows beyond public addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AddressPolicy {
    /// This machine: 127.0.0.0/8, `::1`.
    pub loopback: bool,
    /// The same link: 169.254.0.0/16, `fe80::/10`. Clouds give out credentials there.
    pub link_local: bool,
    /// The same organisation, where listeners mostly live: 10.0.0.0/8, 172.16.0.0/12,
    /// 192.168.0.0/16, 100.64.0.0/10, `fc00::/7`.
    pub private: bool,
}

/// Why an address may not be called.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("leads to {kind}, which may not be called")]
pub struct Forbidden {
    kind: &'static str,
}

/// What an address is, as far as it matters here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Public,
    Private,
    Loopback,
    LinkLocal,
    /// Nobody's: unspecified, multicast, broadcast, reserved.
    Nobody,
    /// Where clouds give out credentials, outside the link-local ranges.
    Metadata,
}

/// Amazon's over IPv6, Google's over IPv6, Alibaba's, and Azure's host.
const METADATA: [IpAddr; 4] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

impl AddressPolicy {
    /// What the settings say, for a server that listens there.
    pub fn of(settings: &Delivery, listen: SocketAddr) -> Self {
        Self {
            loopback: settings.allow_loopback.by(listen),
            link_local: settings.allow_link_local,
            private: settings.allow_private,
        }
    }

    /// Judges an address.
    ///
    /// # Errors
    /// [`Forbidden`], saying what it is.
    pub fn judge(self, address: IpAddr) -> Result<(), Forbidden> {
        let (allowed, kind) = match Kind::of(address) {
            Kind::Public => (true, ""),
            Kind::Private => (self.private, "a private address"),
            Kind::Loopback => (self.loopback, "a loopback address"),
            Kind::LinkLocal => (self.link_local, "a link-local address"),
            Kind::Nobody => (false, "an address of no single host"),
            Kind::Metadata => (false, "a cloud's metadata service"),
        };
        if allowed { Ok(()) } else { Err(Forbidden { kind }) }
    }
}

impl Kind {
    fn of(address: IpAddr) -> Self {
        match address {
            _ if METADATA.contains(&address) => Self::Metadata,
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => match embedded(address) {
                Some(inside) => Self::of(inside.into()),
                None => Self::of_v6(address),
            },
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            // "This network": 0.0.0.0 and all of 0/8 reach this machine on many systems.
            [0, ..] => Self::Nobody,
            [127, ..] => Self::Loopback,
            [169, 254, ..] => Self::LinkLocal,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Self::Private,
            // Multicast, and what is reserved, the broadcast address among it.
            [224..=255, ..] => Self::Nobody,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0] => Self::Nobody,
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            [0xfe80..=0xfebf, ..] => Self::LinkLocal,
            [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Self::Private,
            [0xff00..=0xffff, ..] => Self::Nobody,
            // Teredo hides two addresses, and NAT64 for local use (RFC 8215) hides one somewhere.
            [0x2001, 0, ..] | [0x64, 0xff9b, 1, ..] => Self::Nobody,
            _ => Self::Public,
        }
    }
}

/// The IPv4 address that packets to this IPv6 address end at.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Unspecified and loopback, which look like compatible addresses.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Compatible (RFC 4291 §2.5.5.1), mapped (§2.5.5.2), translated (RFC 2765), NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => of(high, low),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: AddressPolicy =
        AddressPolicy { loopback: false, link_local: false, private: false };

    /// One letter per policy under which the address may be called: `l`oopback allowed, lin`k`-local
    /// allowed, `p`rivate allowed, `-` nothing allowed.
    #[track_caller]
    fn check(address: &str, expected: &str) {
        let address: IpAddr = address.parse().unwrap();
        let allowed: String = [
            ('l', AddressPolicy { loopback: true, ..STRICT }),
            ('k', AddressPolicy { link_local: true, ..STRICT }),
            ('p', AddressPolicy { private: true, ..STRICT }),
            ('-', STRICT),
        ]
        .into_iter()
        .filter_map(|(letter, policy)| policy.judge(address).is_ok().then_some(letter))
        .collect();
        assert_eq!(allowed, expected, "{address}");
    }

    #[test]
    fn version_4() {
        for (address, expected) in [
            ("192.0.2.1", "lkp-"),
            ("8.8.8.8", "lkp-"),
            ("126.255.255.255", "lkp-"),
            ("127.0.0.1", "l"),
            ("127.255.255.254", "l"),
            ("128.0.0.0", "lkp-"),
            ("169.253.255.255", "lkp-"),
            ("169.254.169.254", "k"),
            ("169.255.0.0", "lkp-"),
            ("10.0.0.1", "p"),
            ("11.0.0.0", "lkp-"),
            ("172.15.255.255", "lkp-"),
            ("172.16.0.1", "p"),
            ("172.31.255.255", "p"),
            ("172.32.0.0", "lkp-"),
            ("192.168.1.1", "p"),
            ("192.169.0.0", "lkp-"),
            ("100.63.255.255", "lkp-"),
            ("100.64.0.1", "p"),
            ("100.127.255.255", "p"),
            ("100.100.100.200", ""),
            ("168.63.129.16", ""),
            ("0.0.0.0", ""),
            ("0.1.2.3", ""),
            ("223.255.255.255", "lkp-"),
            ("224.0.0.1", ""),
            ("239.255.255.255", ""),
            ("240.0.0.1", ""),
            ("255.255.255.255", ""),
        ] {
            check(address, expected);
        }
    }

    #[test]
    fn version_6() {
        for (address, expected) in [
            ("2001:db8::1", "lkp-"),
            ("2606:4700::1111", "lkp-"),
            ("::", ""),
            ("::1", "l"),
            ("fe80::1", "k"),
            ("febf::1", "k"),
            ("fec0::1", "p"),
            ("fc00::1", "p"),
            ("fdff::1", "p"),
            ("fd00:ec2::254", ""),
            ("fd20:ce::254", ""),
            ("ff02::1", ""),
            ("2001::1", ""),
            ("64:ff9b:1::7f00:1", ""),
        ] {
            check(address, expected);
        }
    }

    #[test]
    fn an_address_within_an_address_is_judged_as_what_it_is() {
        for (inside, expected) in [
            ("127.0.0.1", "l"),
            ("169.254.169.254", "k"),
            ("192.168.0.1", "p"),
            ("0.0.0.0", ""),
            ("224.0.0.1", ""),
            ("100.100.100.200", ""),
            ("8.8.8.8", "lkp-"),
        ] {
            let inside: Ipv4Addr = inside.parse().unwrap();
            let [a, b, c, d] = inside.octets();
            check(&format!("::ffff:{inside}"), expected);
            check(&format!("::ffff:0:{inside}"), expected);
            check(&format!("64:ff9b::{inside}"), expected);
            check(&format!("2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1"), expected);
            // `::0.0.0.0` is the unspecified address itself.
            check(&format!("::{inside}"), expected);
        }
    }

    #[test]
    fn it_says_what_it_is_and_not_where() {
        let told = STRICT.judge("127.0.0.1".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(told, "leads to a loopback address, which may not be called");
    }
}
