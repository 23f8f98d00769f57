//! The XDP program of `lb`: a verdict for every frame, and what carries it out.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]
#![expect(unsafe_code, reason = "the section and symbol names that the kernel's loader needs")]

mod forward;
mod maps;
mod packet;
mod stats;

use aya_ebpf::{bindings::xdp_action, macros::xdp, programs::XdpContext};
use lb_common::{
    abi::Reason,
    verdict::{Verdict, steer},
};

use crate::{maps::Maps, packet::Packet};

/// The load balancer.
#[xdp]
#[expect(clippy::needless_pass_by_value, reason = "how the macro hands the context over")]
pub(crate) fn lb_xdp(ctx: XdpContext) -> u32 {
    let mut packet = Packet::new(&ctx);
    match steer(&packet, &Maps) {
        Verdict::Forward { choice, ip } => {
            log(&ctx, choice.hash, choice.number);
            match forward::direct_routing(&mut packet, &choice.real, ip) {
                Ok(action) => {
                    stats::forwarded(&packet, &choice);
                    action
                }
                Err(reason) => refuse(&packet, reason),
            }
        }
        Verdict::Refuse(reason) => refuse(&packet, reason),
    }
}

/// An XDP program that hands every frame on. In the lab it sits on the other ends of veth pairs, and a
/// benchmark measures what running a program costs at all.
#[xdp]
pub(crate) fn lb_pass(_: XdpContext) -> u32 {
    xdp_action::XDP_PASS
}

#[inline(always)]
fn refuse(packet: &Packet<'_>, reason: Reason) -> u32 {
    stats::refused(packet, reason);
    if reason.drops() { xdp_action::XDP_DROP } else { xdp_action::XDP_PASS }
}

#[cfg(feature = "log")]
fn log(ctx: &XdpContext, hash: u64, number: u16) {
    aya_log_ebpf::debug!(ctx, "flow {:x} to real server {}", hash, number);
}

#[cfg(not(feature = "log"))]
#[inline(always)]
fn log(_: &XdpContext, _: u64, _: u16) {}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // The verifier proves that nothing gets here: a program that could panic does not load.
    loop {}
}

/// The kernel lets only GPL-compatible programs call the helpers that this one needs.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
