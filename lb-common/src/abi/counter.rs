//! Counters, and the reasons for not forwarding a packet.

/// Packets and bytes (of the frame, without its check sequence).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

const _: () = assert!(size_of::<Counter>() == 16);

impl core::ops::AddAssign for Counter {
    fn add_assign(&mut self, other: Self) {
        self.packets = self.packets.wrapping_add(other.packets);
        self.bytes = self.bytes.wrapping_add(other.bytes);
    }
}

/// Defines [`Reason`] with its number, name and words in one table.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $drops:literal, $key:literal, $words:literal;)+) => {
        /// Why a packet was not forwarded: each owns a counter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Reason { $($(#[$doc])* $name = $number,)+ }

        impl Reason {
            /// All of them, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// True where the packet was dropped, false where it went on to the host.
            #[inline(always)]
            #[must_use]
            pub const fn drops(self) -> bool {
                match self { $(Self::$name => $drops,)+ }
            }

            /// Its name in metrics and JSON.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// In words, for people.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)+ }
            }
        }
    };
}

reasons! {
    /// ARP and everything else that is not IP.
    NotIp = 0, false, "not_ip", "not IP (ARP among it)";
    /// IP, but neither TCP, UDP nor an ICMP error.
    OtherProtocol = 1, false, "other_protocol", "a protocol no service uses";
    /// No virtual service at this address and port.
    NoService = 2, false, "no_service", "no virtual service at this address and port";
    /// The frame ends before its headers do; not for a VIP.
    PassTruncated = 3, false, "pass_truncated", "headers cut short, not for a VIP";
    /// A later fragment that is not for a VIP.
    PassFragment = 4, false, "pass_fragment", "a later fragment, not for a VIP";
    /// Too many headers; not for a VIP.
    PassHeaders = 5, false, "pass_headers", "too many headers, not for a VIP";
    /// The pool has no real server that takes new flows.
    NoReal = 6, true, "no_real", "no real server is available";
    /// The real server's MAC address is not known yet.
    Unresolved = 7, true, "unresolved", "the real server's MAC address is not known";
    /// TTL or hop limit 1 or less.
    TtlExceeded = 8, true, "ttl_exceeded", "TTL or hop limit exceeded";
    /// For a VIP, but the headers are cut short.
    Truncated = 9, true, "truncated", "headers cut short";
    /// A later fragment for a VIP: it carries no port.
    Fragment = 10, true, "fragment", "a later fragment: carries no port";
    /// For a VIP, with more headers (VLAN tags, IPv6 extensions) than are followed.
    Headers = 11, true, "headers", "more headers than are followed";
    /// The interface that the real server was behind takes no redirected packets any more.
    NoDevice = 12, true, "no_device", "the real server's interface is gone";
    /// The maps contradict each other: a defect.
    Inconsistent = 13, true, "inconsistent", "the maps contradict each other (a defect)";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positions() {
        for (position, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, position);
        }
    }
}
