//! What `lb run` would refuse, as findings.

use super::{
    Finding,
    host::{BTF, HostError, KERNEL_FLOOR, KERNEL_SUPPORTED},
};

/// The same judgement, told in parts.
pub(super) fn finding(error: &HostError) -> Finding {
    match error {
        HostError::Privilege { missing } => Finding::error("privilege")
            .problem(format!("this process lacks {}", missing.join(", ")))
            .why("`lb run` needs them; without them, neither loading the program nor its pins were looked at")
            .remedy("run `lb preflight` as root"),
        HostError::KernelTooOld { release } => Finding::error("kernel")
            .problem(format!("kernel {release} is too old"))
            .why(format!(
                "below {}.{} it lacks what the agent is built on (neighbours that the kernel keeps resolved)",
                KERNEL_FLOOR.0, KERNEL_FLOOR.1
            ))
            .remedy(format!("run kernel {}.{} or newer", KERNEL_SUPPORTED.0, KERNEL_SUPPORTED.1)),
        HostError::NoBtf => Finding::error("kernel")
            .problem(format!(
                "{BTF} is missing: this kernel was built without BTF (CONFIG_DEBUG_INFO_BTF=y)"
            ))
            .why("lb's program and maps describe their types, and the kernel must know its own")
            .remedy("run your distribution's stock kernel"),
        HostError::NoBpffs { folder, existing, mount_point } => Finding::error("node.pin_folder")
            .problem(format!(
                "{}: {} is not on a BPF file system", folder.display(), existing.display()
            ))
            .why("maps and links are pinned there, so that forwarding outlives the agent")
            .remedy(format!("mount -t bpf bpf {}", mount_point.display())),
        HostError::NoInterface { name, nearest, existing } => Finding::error(name)
            .problem(format!("there is no such interface; this host has {existing}"))
            .why("`interface` under [node] names it")
            .remedy(nearest.as_ref().map_or_else(
                || format!("name one of these, or create {name}"),
                |near| format!("did you mean `interface = \"{near}\"`?"),
            )),
        HostError::NotEthernet { name, what } => Finding::error(name)
            .problem(format!("it is {what}, which carries no Ethernet frames"))
            .why("direct routing rewrites Ethernet addresses")
            .remedy("set `interface` under [node] to the Ethernet interface behind which the real servers are"),
        HostError::InterfaceDown { name } => Finding::error(name)
            .problem("it is down")
            .why("no packet comes in by it")
            .remedy(format!("ip link set dev {name} up")),
        HostError::OffLink { server, address, interfaces } => Finding::error(address.to_string())
            .problem(format!("real server {server} is in no subnet of {interfaces}"))
            .why("direct routing changes nothing but Ethernet addresses: a router in between would send the packet back to the VIP")
            .remedy(
                "give this host an address in the real server's subnet, or its services `mode = \"tunnel\"`",
            ),
        HostError::Stacked { server, address, interface } => Finding::error(address.to_string())
            .problem(format!(
                "real server {server} is behind {interface}, a VLAN within a VLAN (QinQ) or one of 802.1ad"
            ))
            .why("lb sends with one tag of 802.1Q")
            .remedy("give this host a plain VLAN in the real server's network"),
        HostError::NoRoute { server, address, interfaces } => Finding::error(address.to_string())
            .problem(format!("no route to real server {server} leads through {interfaces}"))
            .why("tunnels to it leave by the interfaces of the configuration, through the router of that route")
            .remedy(format!("ip route add {address} via ROUTER")),
        HostError::NoEnd { address } => Finding::error("node.decapsulate")
            .problem(format!("{address} is no address of this host"))
            .why("tunnels are taken apart by the host that they end at")
            .remedy("write an address that this host has"),
    }
}
