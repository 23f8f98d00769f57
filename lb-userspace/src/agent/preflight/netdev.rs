//! The kernel's netdev family (6.3 and later): what a driver says of XDP.
//!
//! `Documentation/netlink/specs/netdev.yaml`; one request and one attribute of it.

use futures_util::StreamExt as _;
use netlink_packet_core::{
    DecodeError, DefaultNla, Emitable, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload, Nla as _,
    NlasIterator, Parseable as _, ParseableParametrized,
};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};

/// `NETDEV_CMD_DEV_GET`
const DEV_GET: u8 = 1;
/// `NETDEV_A_DEV_IFINDEX`
const IFINDEX: u16 = 1;
/// `NETDEV_A_DEV_XDP_FEATURES`
const XDP_FEATURES: u16 = 3;
/// `NETDEV_XDP_ACT_BASIC`: the verdicts ABORTED, DROP, PASS and TX.
const BASIC: u64 = 1;
/// `NETDEV_XDP_ACT_NDO_XMIT`: frames of other interfaces; of a veth: the other end takes frames.
const NDO_XMIT: u64 = 4;

/// What a driver does with XDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Features {
    /// It runs programs.
    pub(super) basic: bool,
    /// It sends frames that it is given. Some drivers can, and say so only while they have a program.
    pub(super) transmit: bool,
}

/// `None` where the kernel does not tell.
pub(super) async fn features(interface: u32) -> Option<Features> {
    let (connection, mut handle, _) = genetlink::new_connection().ok()?;
    let connection = tokio::spawn(connection);
    let index = DefaultNla::new(IFINDEX, interface.to_ne_bytes().to_vec());
    let mut request = NetlinkMessage::from(GenlMessage::from_payload(Device(vec![index])));
    request.header.flags = NLM_F_REQUEST;
    let answer = match handle.request(request).await {
        Ok(answers) => std::pin::pin!(answers).next().await,
        Err(_) => None,
    };
    connection.abort();
    match answer?.ok()?.payload {
        NetlinkPayload::InnerMessage(message) => message.payload.features(),
        _ => None,
    }
}

/// A device's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Device(Vec<DefaultNla>);

impl Device {
    fn features(&self) -> Option<Features> {
        let features = self.0.iter().find(|attribute| attribute.kind() == XDP_FEATURES)?;
        let mut bytes = [0; 8];
        if features.value_len() != bytes.len() {
            return None;
        }
        features.emit_value(&mut bytes);
        let bits = u64::from_ne_bytes(bytes);
        Some(Features { basic: bits & BASIC != 0, transmit: bits & NDO_XMIT != 0 })
    }
}

impl GenlFamily for Device {
    fn family_name() -> &'static str {
        "netdev"
    }

    fn command(&self) -> u8 {
        DEV_GET
    }

    fn version(&self) -> u8 {
        1
    }
}

impl Emitable for Device {
    fn buffer_len(&self) -> usize {
        self.0.as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.0.as_slice().emit(buffer);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Device {
    fn parse_with_param(bytes: &[u8], _: GenlHeader) -> Result<Self, DecodeError> {
        let attributes = NlasIterator::new(bytes).map(|nla| DefaultNla::parse(&nla?));
        Ok(Self(attributes.collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_of_a_driver() {
        let header = GenlHeader { cmd: DEV_GET, version: 1 };
        for (features, basic, transmit) in
            [(0_u64, false, false), (0x23, true, false), (0x67, true, true), (0x22, false, false)]
        {
            let attributes = Device(vec![
                DefaultNla::new(IFINDEX, 2_u32.to_ne_bytes().to_vec()),
                DefaultNla::new(XDP_FEATURES, features.to_ne_bytes().to_vec()),
            ]);
            let mut bytes = vec![0; attributes.buffer_len()];
            attributes.emit(&mut bytes);
            let read = Device::parse_with_param(&bytes, header).unwrap();
            assert_eq!(read.features(), Some(Features { basic, transmit }), "{features:#x}");
        }
        assert_eq!(Device(Vec::new()).features(), None);
    }
}
