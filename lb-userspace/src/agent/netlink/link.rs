//! Interfaces: what the agent must know of a card before it forwards through it.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use ipnet::IpNet;
use netlink_packet_route::link::{
    InfoBond, InfoData, InfoVlan, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage,
    LinkXdp, VlanProtocol, XdpAttached,
};
use nix::errno::Errno;

use super::error::errno;
use super::{Error, Mac, Netlink};
use crate::preflight::network::{Bond, Interface, Vlan, XdpAttachment, XdpAttachmentMode};

impl Netlink {
    /// One interface.
    ///
    /// # Errors
    /// [`Error::NoInterface`] when there is none of that name.
    pub async fn interface(&self, name: &str) -> Result<Interface, Error> {
        let missing = || Error::NoInterface { name: name.to_owned() };
        let request = self.handle.link().get().match_name(name).execute();
        let link = std::pin::pin!(request).try_next().await;
        let link = match link {
            Ok(link) => link.ok_or_else(missing)?,
            // A name that is too long is refused as out of range.
            Err(error) if matches!(errno(&error), Some(Errno::ENODEV | Errno::ERANGE)) => {
                return Err(missing());
            }
            Err(error) => {
                return Err(Error::of(format!("cannot read interface {name}"), &error));
            }
        };
        let mut interface = Interface::of(&link);
        interface.addresses = self.addresses().await?.remove(&interface.index).unwrap_or_default();
        Ok(interface)
    }

    /// Every interface, in the kernel's order.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub async fn interfaces(&self) -> Result<Vec<Interface>, Error> {
        let request = self.handle.link().get().execute();
        let links: Vec<LinkMessage> = request
            .try_collect()
            .await
            .map_err(|error| Error::of("cannot list the interfaces", &error))?;
        let mut addresses: BTreeMap<u32, Vec<IpNet>> = self.addresses().await?;
        Ok(links
            .iter()
            .map(Interface::of)
            .map(|interface| Interface {
                addresses: addresses.remove(&interface.index).unwrap_or_default(),
                ..interface
            })
            .collect())
    }
}

impl Interface {
    /// All but the addresses, which come by another request.
    fn of(link: &LinkMessage) -> Self {
        let flags = link.header.flags;
        let mut interface = Self {
            index: link.header.index,
            up: flags.contains(LinkFlags::Up),
            running: flags.contains(LinkFlags::Up | LinkFlags::LowerUp),
            ethernet: link.header.link_layer_type == LinkLayerType::Ether,
            ..Self::default()
        };
        for attribute in &link.attributes {
            match attribute {
                LinkAttribute::IfName(name) => interface.name.clone_from(name),
                LinkAttribute::Mtu(mtu) => interface.mtu = *mtu,
                LinkAttribute::Address(bytes) => {
                    interface.mac = Mac::try_from(bytes.as_slice()).unwrap_or_default();
                }
                LinkAttribute::Xdp(xdp) => interface.xdp = XdpAttachment::of(xdp),
                LinkAttribute::Link(parent) => interface.parent = Some(*parent),
                LinkAttribute::Controller(master) => interface.master = Some(*master),
                LinkAttribute::LinkInfo(infos) => interface.details(infos),
                _ => {}
            }
        }
        if link.attributes.iter().any(|a| matches!(a, LinkAttribute::LinkNetNsId(_))) {
            // The index counts in another network namespace.
            interface.parent = None;
        }
        interface
    }

    fn details(&mut self, infos: &[LinkInfo]) {
        for info in infos {
            match info {
                LinkInfo::Kind(kind) => self.kind = Some(kind.to_string()),
                LinkInfo::Data(InfoData::Bond(attributes)) => self.bond = Bond::of(attributes),
                LinkInfo::Data(InfoData::Vlan(attributes)) => self.vlan = Vlan::of(attributes),
                _ => {}
            }
        }
    }
}

impl Vlan {
    /// `None` where the number is missing. The protocol is 802.1Q unless another one is named.
    fn of(attributes: &[InfoVlan]) -> Option<Self> {
        let id = attributes.iter().find_map(|attribute| match attribute {
            InfoVlan::Id(id) => Some(*id),
            _ => None,
        });
        let service = attributes.contains(&InfoVlan::Protocol(VlanProtocol::Ieee8021Ad));
        Some(Self { id: id?, service })
    }
}

impl Bond {
    fn of(attributes: &[InfoBond]) -> Option<Self> {
        let mode = attributes.iter().find_map(|attribute| match attribute {
            InfoBond::Mode(mode) => Some(mode.to_string()),
            _ => None,
        });
        let policy = attributes.iter().find_map(|attribute| match attribute {
            InfoBond::XmitHashPolicy(policy) => Some(policy.to_string()),
            _ => None,
        });
        Some(Self { mode: mode?, policy: policy? })
    }
}

impl XdpAttachment {
    /// `None` when the attributes speak of no program.
    fn of(attributes: &[LinkXdp]) -> Option<Self> {
        let attached = attributes.iter().find_map(|attribute| match attribute {
            LinkXdp::Attached(attached) => Some(*attached),
            _ => None,
        })?;
        let mode = match attached {
            XdpAttached::Driver => XdpAttachmentMode::Native,
            XdpAttached::SocketBuffer => XdpAttachmentMode::Generic,
            XdpAttached::Hardware => XdpAttachmentMode::Hardware,
            XdpAttached::Multiple => XdpAttachmentMode::Multiple,
            _ => return None,
        };
        let prog_id = attributes.iter().find_map(|attribute| match attribute {
            LinkXdp::ProgId(id)
            | LinkXdp::DrvProgId(id)
            | LinkXdp::SkbProgId(id)
            | LinkXdp::HwProgId(id) => Some(*id),
            _ => None,
        })?;
        Some(Self { mode, prog_id })
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{BondMode, BondXmitHashPolicy, InfoKind};

    use super::*;

    #[test]
    fn a_bond_tells_how_it_spreads_frames() {
        let mode = InfoBond::Mode(BondMode::Ieee8023Ad);
        let policy = InfoBond::XmitHashPolicy(BondXmitHashPolicy::VlanSrcMac);
        let mut interface = Interface::default();
        interface.details(&[LinkInfo::Data(InfoData::Bond(vec![mode.clone(), policy]))]);
        let expected = Bond { mode: "802.3ad".to_owned(), policy: "vlan+srcmac".to_owned() };
        assert_eq!(interface.bond, Some(expected));
        assert_eq!(Bond::of(&[mode]), None);
    }

    #[test]
    fn a_vlan_tells_its_tag() {
        let id = InfoVlan::Id(100);
        let of = |protocol| {
            let mut interface = Interface::default();
            let data = InfoData::Vlan(vec![InfoVlan::Protocol(protocol), id.clone()]);
            interface.details(&[LinkInfo::Kind(InfoKind::Vlan), LinkInfo::Data(data)]);
            (interface.kind, interface.vlan)
        };
        let kind = Some("vlan".to_owned());
        let tag = |service| Some(Vlan { id: 100, service });
        assert_eq!(of(VlanProtocol::Ieee8021Q), (kind.clone(), tag(false)));
        assert_eq!(of(VlanProtocol::Ieee8021Ad), (kind, tag(true)));
        assert_eq!(Vlan::of(std::slice::from_ref(&id)), tag(false));
        assert_eq!(Vlan::of(&[]), None);
    }

    /// The index of a parent in another network namespace means nothing here.
    #[test]
    fn a_parent_elsewhere_is_none() {
        let mut link = LinkMessage::default();
        link.attributes.push(LinkAttribute::Link(2));
        assert_eq!(Interface::of(&link).parent, Some(2));
        link.attributes.push(LinkAttribute::LinkNetNsId(0));
        assert_eq!(Interface::of(&link).parent, None);
    }

    #[test]
    fn xdp_attributes_tell_mode_and_program() {
        let native = [LinkXdp::Attached(XdpAttached::Driver), LinkXdp::ProgId(7)];
        let expected = XdpAttachment { mode: XdpAttachmentMode::Native, prog_id: 7 };
        assert_eq!(XdpAttachment::of(&native), Some(expected));
        assert_eq!(XdpAttachment::of(&[LinkXdp::Attached(XdpAttached::None)]), None);
        assert_eq!(XdpAttachment::of(&[]), None);
    }
}
