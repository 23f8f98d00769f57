//! Reading frames: a bounds-checked [`Window`] onto any buffer, and the numbers of the headers.

mod window;

pub use window::Window;

/// A frame that can be looked at. Implemented by the XDP context and by byte slices.
pub trait Frame {
    /// The `N` bytes from `offset` on, where the frame has them.
    fn window<const N: usize>(&self, offset: usize) -> Option<Window<'_, N>>;

    /// Length of the frame in bytes.
    fn length(&self) -> usize;
}

impl Frame for [u8] {
    fn window<const N: usize>(&self, offset: usize) -> Option<Window<'_, N>> {
        self.get(offset..)?.first_chunk().map(Window::new)
    }

    fn length(&self) -> usize {
        self.len()
    }
}

/// IEEE 802: what follows the addresses. Host order.
pub mod ethertype {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// ARP.
    pub const ARP: u16 = 0x0806;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
    /// A VLAN tag (802.1Q).
    pub const VLAN: u16 = 0x8100;
    /// An outer VLAN tag (802.1ad).
    pub const SERVICE_VLAN: u16 = 0x88a8;
}

/// Length of an Ethernet header without tags.
pub const ETHERNET: usize = 14;
/// Length of one VLAN tag.
pub const VLAN_TAG: usize = 4;

/// True where a type says that a VLAN tag stands there.
#[inline(always)]
#[must_use]
pub const fn is_tag(kind: u16) -> bool {
    matches!(kind, ethertype::VLAN | ethertype::SERVICE_VLAN)
}

/// IANA: protocol numbers, which are IPv6's next header values too.
pub mod protocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 routing header.
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header.
    pub const FRAGMENT: u8 = 44;
    /// Authentication header.
    pub const AH: u8 = 51;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
    /// IPv6 destination options.
    pub const DESTINATION: u8 = 60;
    /// VRRP.
    pub const VRRP: u8 = 112;
}
