//! The largest segment (MSS) that clients may send to a VIP: what `--clamp-mss` asks for.
//!
//! A packet that a director puts into a tunnel grows by the tunnel's headers. How large clients make their
//! packets follows from the MSS that the *real server* announces when it answers their SYN (RFC 9293, section
//! 3.7.1), and that answer does not pass the director.

use std::{fmt, net::IpAddr, str::FromStr};

use super::plan::{Mend, Step};
use crate::agent::netlink::Interface;

/// The smallest MSS that Linux keeps to.
const SMALLEST: u16 = 88;
/// The largest packet, less the headers of IPv4 and TCP.
const LARGEST: u16 = u16::MAX - 40;
/// TCP's header without options, which the MSS does not count either.
const TCP_HEADER: u32 = 20;

/// What a tunnel puts in front of a packet, in bytes, by the word for it.
const TUNNELS: [(&str, u32); 5] =
    [("ip", 20), ("ip6", 40), ("gue", 28), ("gue6", 48), ("auto", 48)];

/// What `--clamp-mss` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clamp {
    /// This many bytes.
    Bytes(u16),
    /// What fits the MTU behind the headers of a tunnel.
    Behind(&'static str, u32),
    /// No limit: take away what an earlier `setup` has set.
    None,
}

/// `--clamp-mss` says something else.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "\"{0}\" is neither a number of bytes ({SMALLEST} to {LARGEST}) nor one of {words}, none",
        words = TUNNELS.map(|(word, _)| word).join(", ")
    )]
    NoClamp(String),
    #[error("no Ethernet interface is up, so its MTU is not known: say the MSS in bytes")]
    NoInterface,
}

impl FromStr for Clamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "none" {
            return Ok(Self::None);
        }
        if let Some((word, overhead)) = TUNNELS.into_iter().find(|(word, _)| *word == text) {
            return Ok(Self::Behind(word, overhead));
        }
        let bytes = text.parse().ok().filter(|bytes| (SMALLEST..=LARGEST).contains(bytes));
        bytes.map(Self::Bytes).ok_or_else(|| Error::NoClamp(text.to_owned()))
    }
}

impl fmt::Display for Clamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{bytes}"),
            Self::Behind(word, _) => f.write_str(word),
            Self::None => f.write_str("none"),
        }
    }
}

impl Clamp {
    /// The limit for `vip`, where packets for it come in by interfaces of this MTU.
    fn limit(self, vip: IpAddr, mtu: Option<u32>) -> Result<Option<u16>, Error> {
        let overhead = match self {
            Self::Bytes(bytes) => return Ok(Some(bytes)),
            Self::None => return Ok(None),
            Self::Behind(_, overhead) => overhead,
        };
        let headers = overhead + if vip.is_ipv4() { 20 } else { 40 } + TCP_HEADER;
        let mss = mtu.ok_or(Error::NoInterface)?.saturating_sub(headers);
        let mss = u16::try_from(mss).unwrap_or(LARGEST);
        Ok(Some(mss.clamp(SMALLEST, LARGEST)))
    }

    /// What must hold of each VIP; `now` gives the limit there is.
    pub(super) fn steps<E: From<Error>>(
        self,
        vips: &[IpAddr],
        interface: Option<&str>,
        interfaces: &[Interface],
        now: impl Fn(IpAddr) -> Result<Option<u16>, E>,
    ) -> Result<Vec<Step>, E> {
        let carries = |found: &&Interface| match interface {
            Some(name) => found.name == name,
            None => found.ethernet && found.up,
        };
        let mtu = interfaces.iter().filter(carries).map(|found| found.mtu).min();
        let step = |&vip: &IpAddr| {
            let wanted = self.limit(vip, mtu)?;
            let found = now(vip)?;
            Ok(Step {
                wanted: match wanted {
                    Some(mss) => format!("clients send {vip} at most {mss} bytes a segment"),
                    None => format!("no limit on segments for {vip}"),
                },
                found: found.map_or_else(|| "no limit".to_owned(), |mss| format!("{mss} bytes")),
                mend: (found != wanted).then_some(Mend::Clamp { vip, mss: wanted }),
            })
        };
        vips.iter().map(step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, mtu: u32, up: bool) -> Interface {
        Interface { name: name.to_owned(), mtu, up, ethernet: name != "lo", ..Interface::default() }
    }

    fn limit(clamp: &str, vip: &str) -> Result<Option<u16>, Error> {
        clamp.parse::<Clamp>()?.limit(vip.parse().unwrap(), Some(1_500))
    }

    #[test]
    fn a_segment_fits_behind_the_headers() {
        for (clamp, ipv4, ipv6) in [
            ("ip", 1_440, 1_420),
            ("ip6", 1_420, 1_400),
            ("gue", 1_432, 1_412),
            ("gue6", 1_412, 1_392),
            ("auto", 1_412, 1_392),
            ("1300", 1_300, 1_300),
        ] {
            assert_eq!(limit(clamp, "10.8.8.40"), Ok(Some(ipv4)), "{clamp}");
            assert_eq!(limit(clamp, "2001:db8::40"), Ok(Some(ipv6)), "{clamp}");
            assert_eq!(clamp.parse::<Clamp>().unwrap().to_string(), clamp);
        }
        assert_eq!(limit("none", "10.8.8.40"), Ok(None));
        for wrong in ["", "87", "65496", "ipip", "-1"] {
            assert_eq!(limit(wrong, "10.8.8.40"), Err(Error::NoClamp(wrong.to_owned())));
        }
    }

    #[test]
    fn the_smallest_interface_or_the_one_that_is_named() {
        let interfaces = [
            interface("lo", 65_536, true),
            interface("eth0", 9_000, true),
            interface("eth1", 1_500, true),
            interface("eth2", 1_400, false),
        ];
        let vip = "10.8.8.40".parse().unwrap();
        let steps = |name, now| {
            let clamp: Clamp = "ip".parse().unwrap();
            clamp.steps::<Error>(&[vip], name, &interfaces, |_| Ok(now)).unwrap()
        };
        let mend = |mss| Some(Mend::Clamp { vip, mss: Some(mss) });
        assert_eq!(steps(None, None)[0].mend, mend(1_440));
        assert_eq!(steps(None, Some(1_440))[0].mend, None);
        assert_eq!(steps(Some("eth0"), Some(1_440))[0].mend, mend(8_940));
        let none = Clamp::None.steps::<Error>(&[vip], None, &[], |_| Ok(Some(9))).unwrap();
        assert_eq!(none[0].mend, Some(Mend::Clamp { vip, mss: None }));
        let bare = Clamp::Behind("ip", 20).steps(&[vip], None, &[], |_| Ok(None));
        assert_eq!(bare, Err(Error::NoInterface));
    }
}
