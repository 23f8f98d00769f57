//! Counters, and the reasons for not forwarding a packet.

/// Packets and bytes (of the frame, without its check sequence), and connections that began.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// SYNs of TCP and Initials of QUIC among the packets: new connections, repeated attempts included.
    pub connections: u64,
}

const _: () = assert!(size_of::<Counter>() == 24);

impl core::ops::AddAssign for Counter {
    fn add_assign(&mut self, other: Self) {
        self.packets = self.packets.wrapping_add(other.packets);
        self.bytes = self.bytes.wrapping_add(other.bytes);
        self.connections = self.connections.wrapping_add(other.connections);
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
    /// A later fragment for a VIP whose ports nobody knows.
    Fragment = 10, true, "fragment", "a later fragment whose first one was not seen";
    /// For a VIP, with more headers (VLAN tags, IPv6 extensions) than are followed.
    Headers = 11, true, "headers", "more headers than are followed";
    /// The interface that the real server was behind takes no redirected packets any more.
    NoDevice = 12, true, "no_device", "the real server's interface is gone";
    /// The service's guard does not let the client in.
    Denied = 13, true, "denied", "the client is on a deny list, or on no allow list";
    /// More new connections than the service takes.
    ServiceRate = 14, true, "service_rate", "too many new connections for the service";
    /// More new connections than one source may make.
    SourceRate = 15, true, "source_rate", "too many new connections from one source";
    /// The pool has no real server, and the client is told.
    Rejected = 16, true, "rejected", "no real server is available: answered with ICMP unreachable";
    /// Larger than the way to the real server takes.
    TooBig = 17, true, "too_big", "too large for the way to the real server";
    /// Another director has sent it: it is not balanced a second time.
    FromDirector = 18, false, "from_director", "sent on by another director: for this host";
    /// A tunnel's outer header was taken off.
    Unpacked = 19, false, "unpacked", "taken out of its tunnel, for this host";
    /// In a tunnel to this host, but not from where tunnels may come.
    Stranger = 20, true, "stranger", "in a tunnel from a host that may not send tunnels";
    /// ICMP errors that were sent for packets counted under other reasons.
    Answered = 21, true, "answered", "answered with an ICMP error (counted besides)";
    /// The maps contradict each other: a defect.
    Inconsistent = 22, true, "inconsistent", "the maps contradict each other (a defect)";
    /// Packets that went on to this host without the mark of their service.
    Unmarked = 23, false, "unmarked", "went on without their mark: the driver takes no metadata (counted besides)";
    /// Asked for a VIP while this host is silent and another one has it.
    Fenced = 24, true, "fenced", "asked for a VIP that another director has: not answered (fenced)";
    /// Frames of this host that said that it has such a VIP, stopped on their way out.
    Muted = 25, true, "muted", "said that a VIP is here that another director has: not sent (fenced)";
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
