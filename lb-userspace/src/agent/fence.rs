//! The fence around VIPs that move by VRRP: which lease each stands and falls with.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use lb_common::{
    abi::{Address, FenceKey, Lease},
    fence::sign_of,
};
use tracing::warn;

use super::{run::Agent, vrrp::Wanted};

/// How a warning begins that a VIP is not guarded.
const UNFENCED: &str = "an agent that does not run any more may hold on to VIPs: ";

/// What is guarded.
#[derive(Debug, Default)]
pub(super) struct Guarded {
    owners: Vec<u64>,
    vips: BTreeMap<FenceKey, u32>,
}

impl Agent {
    /// Gives each instance its lease, and guards its VIPs besides those that are guarded already.
    ///
    /// # Errors
    /// The kernel's: there are too many.
    pub(super) fn begin_fence(&mut self, instances: &mut [Wanted]) -> Result<Guarded> {
        self.warnings.retain(|warning| !warning.starts_with(UNFENCED));
        let mut guarded = Guarded::default();
        for instance in instances {
            let index = instance.place.index;
            let Some(exit) = self.director.placement.exit(index) else {
                let (name, interface) = (&instance.name, &instance.place.name);
                warn!(instance = %name, interface, "the XDP program is not on its interface: not fenced");
                self.warnings.push(format!(
                    "{UNFENCED}those of VRRP instance {name} are on {interface}, which is not among the \
                     interfaces under [node]"
                ));
                continue;
            };
            let v6 = instance.endpoint.source().is_ipv6();
            let owner = Lease::owner(index, v6, instance.endpoint.virtual_router().get());
            instance.lease = self.director.plane.leases().of(owner);
            let Some(lease) = &instance.lease else { continue };
            guarded.owners.push(owner);
            for vip in &instance.addresses {
                let address = Address::from(vip.address()).halves();
                let key = FenceKey::new(address, exit.interface, exit.vlan);
                guarded.vips.insert(key, lease.number());
            }
            if instance.place.virtual_mac.is_some() {
                let sign = sign_of(instance.place.mac);
                let key = FenceKey::new(sign, exit.interface, exit.vlan);
                guarded.vips.insert(key, lease.number());
            }
        }
        self.director.plane.set_own_macs(&self.own_macs())?;
        self.director.plane.add_fences(&guarded.vips)?;
        Ok(guarded)
    }

    /// Guards nothing else any more.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) fn finish_fence(&mut self, guarded: &Guarded) -> Result<()> {
        self.director.plane.keep_fences(&guarded.vips)?;
        self.director.plane.leases().retain(&guarded.owners);
        Ok(())
    }

    fn own_macs(&self) -> BTreeSet<[u8; 6]> {
        self.director.placement.segments.iter().map(|segment| segment.mac).collect()
    }
}
