//! The fence: a director whose agent is silent, and whose VIPs another one has claimed since, neither answers for
//! them nor says that it has them. What still arrives for their services is forwarded all the same.
#![expect(
    unsafe_code,
    reason = "functions that the kernel's verifier looks at by themselves; memory that it checks"
)]

use aya_ebpf::{
    bindings::{TC_ACT_SHOT, TC_ACT_UNSPEC, xdp_md},
    helpers::generated::bpf_ktime_get_boot_ns,
    programs::TcContext,
};
use core::ptr;
use lb_common::{
    abi::{Features, FenceKey, Halves, Lease, Reason},
    fence::{Heard, What, heard, told, vlan},
    wire::Frame as _,
};

use crate::{
    maps::{self, FENCES, LEASES, OWN_MACS},
    packet::{Outgoing, Packet},
    stats,
};

/// The reason for a frame that goes on to this host: a better one, where it asks for what is fenced.
#[inline(always)]
pub(crate) fn judge(packet: &mut Packet<'_>, reason: Reason) -> Reason {
    if !maps::features().has(Features::FENCE)
        || !matches!(reason, Reason::NotIp | Reason::OtherProtocol)
    {
        return reason;
    }
    let fenced = fence_packet(packet.context());
    packet.reload();
    if fenced == 0 { reason } else { Reason::Fenced }
}

/// A global function of the program: notes a claim; 1 for a question that must not be answered.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn fence_packet(ctx: *mut xdp_md) -> u32 {
    // SAFETY: called with the context of the running program, which reads its packet anew afterwards.
    let packet = unsafe { Packet::from_raw(ctx) };
    let heard = heard(&packet);
    let own = heard.what == What::Claimed && OWN_MACS.get_ptr(heard.by).is_some();
    if heard.what == What::Nothing || own {
        return 0;
    }
    let Some(lease) = lease(heard.address, packet.interface(), vlan(&packet)) else { return 0 };
    if heard.what == What::Asked {
        return u32::from(is_fenced(lease));
    }
    note(lease, &heard);
    0
}

/// Writes down what another host says of an address of ours.
#[inline(always)]
fn note(lease: *mut Lease, heard: &Heard) {
    let now = if heard.what == What::Left { 0 } else { now() };
    // SAFETY: array elements live as long as the map; the agent, and other CPUs, replace single words.
    unsafe {
        if heard.what != What::Claimed {
            if heard.by != u64::from((*lease).virtual_router()) {
                return;
            }
            ptr::write_volatile(&raw mut (*lease).heard, now);
        }
        ptr::write_volatile(&raw mut (*lease).claimed, now);
    }
}

/// On the way out: stops what would tell neighbours that a fenced VIP is here. Says nothing of other frames, so that
/// other programs at the same place have their turn.
#[inline(always)]
pub(crate) fn mute(ctx: &TcContext) -> i32 {
    let frame = Outgoing::new(ctx);
    let Some(address) = told(&frame) else { return TC_ACT_UNSPEC };
    let beside = frame.vlan_beside();
    let vlan = if beside == 0 { vlan(&frame) } else { beside };
    if lease(address, frame.interface(), vlan).is_some_and(is_fenced) {
        stats::refused(Reason::Muted, frame.length());
        return TC_ACT_SHOT;
    }
    TC_ACT_UNSPEC
}

/// The lease of the instance that an address belongs to, in the network that it was seen in.
#[inline(always)]
fn lease(address: Halves, interface: u32, vlan: u16) -> Option<*mut Lease> {
    let number = FENCES.get_ptr(FenceKey::new(address, interface, vlan))?;
    // SAFETY: a number, which the agent replaces by one store.
    LEASES.get_ptr_mut(unsafe { ptr::read_volatile(number) })
}

#[inline(always)]
fn is_fenced(lease: *mut Lease) -> bool {
    // SAFETY: as in `fence_packet`. Any mixture of old and new words is one that was so, or will be so.
    unsafe { ptr::read_volatile(lease) }.is_fenced(now())
}

/// Nanoseconds of `CLOCK_BOOTTIME`.
#[inline(always)]
fn now() -> u64 {
    if maps::features().has(Features::CLOCK) {
        return maps::node().map_or(0, |node| node.clock);
    }
    // SAFETY: a helper without arguments.
    unsafe { bpf_ktime_get_boot_ns() }
}
