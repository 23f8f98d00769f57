//! Why a packet was not taken as an advertisement.

/// Defines [`Reject`] with its names in one table.
macro_rules! rejects {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $words:literal;)+) => {
        /// Why a packet was dropped: each owns a counter, none changes a state.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reject { $($(#[$doc])* $name,)+ }

        impl Reject {
            /// All of them, in the order of their discriminants.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

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

rejects! {
    /// The IP packet contradicts itself: header, total length or protocol.
    Ip = "ip", "not a whole IP packet with VRRP in it";
    /// Neither version 2 nor 3, or not the version of the instance.
    Version = "version", "another version of VRRP";
    /// Not type 1.
    Type = "type", "not an advertisement";
    /// Shorter or longer than its count of addresses says.
    Length = "length", "its length does not fit its count of addresses";
    /// A count of addresses of 0.
    NoAddress = "no_address", "no address in it";
    /// No instance of this VRID is on the interface (0 among them).
    VirtualRouter = "virtual_router", "no instance with this VRID";
    /// Sent by the instance itself.
    Looped = "looped", "our own, looped back or sent under our address";
    /// To another address than this instance listens on.
    Destination = "destination", "to another address than this instance listens on";
    /// From an address that is none of the unicast peers.
    Peer = "peer", "from none of the unicast peers";
    /// By multicast, and a router may have forwarded it.
    Hops = "hops", "TTL or hop limit is not 255: it came through a router";
    /// Another authentication type than ours, or an authentication header where none is expected.
    AuthenticationType = "authentication_type", "another type of authentication";
    /// The password or the authentication code is another one.
    AuthenticationData = "authentication_data", "wrong password or authentication code";
    /// Damaged, or summed with the pseudo-header where it should not be, or the other way round.
    Checksum = "checksum", "wrong checksum (over IPv4 and version 3: look at the kind of checksum)";
    /// Version 2: not our interval. Version 3: 0.
    Interval = "interval", "another advertisement interval (version 2), or none";
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.words())
    }
}

impl std::error::Error for Reject {}
