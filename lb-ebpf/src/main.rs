//! The XDP program of `lb`: a verdict for every frame, and what carries it out.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]
#![expect(unsafe_code, reason = "the section and symbol names that the kernel's loader needs")]

mod capture;
mod checksum;
mod ethernet;
mod fence;
mod forward;
mod guard;
mod icmp;
mod maps;
mod marks;
mod packet;
mod place;
mod room;
mod schedule;
mod skb;
mod stats;
mod tables;
mod through;
mod unpack;
mod vlan;

use aya_ebpf::{
    bindings::{TC_ACT_UNSPEC, xdp_action},
    macros::{classifier, xdp},
    programs::{TcContext, XdpContext},
};
use lb_common::{
    abi::{Features, RealState, Reason, Way},
    decode::IpHeader,
    verdict::{Choice, Verdict, steer},
    wire::Frame as _,
};

use crate::{forward::Refusal, packet::Packet, tables::Maps};

/// The load balancer.
#[xdp]
#[expect(clippy::needless_pass_by_value, reason = "how the macro hands the context over")]
pub(crate) fn lb_xdp(ctx: XdpContext) -> u32 {
    let mut packet = Packet::new(&ctx);
    if maps::features().has(Features::UNPACK)
        && let Some(action) = unpack::unpack(&mut packet)
    {
        if action == xdp_action::XDP_PASS {
            marks::put(&mut packet);
        }
        return action;
    }
    match steer(&packet, &Maps) {
        Verdict::Forward { choice, ip } => {
            log(&ctx, choice.hash, choice.number);
            let captured = capture::forwarded(&packet, choice.number);
            let bytes = packet.length();
            match forward(&mut packet, &choice, ip) {
                Ok(action) => {
                    stats::forwarded(&choice, bytes);
                    if captured {
                        capture::goes_out(&packet, choice.link.interface);
                    }
                    action
                }
                Err(refusal) => {
                    if !captured {
                        // Not wanted as a packet for its real server: perhaps as one that did not get there.
                        capture::refused(&packet, refusal.reason);
                    }
                    let told = if choice.told { ip } else { IpHeader::NONE };
                    refuse(&mut packet, &refusal, told)
                }
            }
        }
        Verdict::Refuse { reason, ip } => {
            let reason = fence::judge(&mut packet, reason);
            capture::refused(&packet, reason);
            refuse(&mut packet, &reason.into(), ip)
        }
    }
}

/// Sends a packet to its real server.
#[inline(always)]
fn forward(packet: &mut Packet<'_>, choice: &Choice, ip: IpHeader) -> Result<u32, Refusal> {
    let features = maps::features();
    if features.has(Features::PEERS) && ethernet::source(packet).is_some_and(maps::is_peer) {
        // For this host: what another director has chosen it for.
        marks::put(packet);
        return Err(Reason::FromDirector.into());
    }
    if features.has(Features::LOCAL) && choice.real.state().has(RealState::LOCAL) {
        marks::put(packet);
        return Ok(xdp_action::XDP_PASS);
    }
    if features.has(Features::VLANS) && vlan::has_two_tags(ip.offset) {
        return Err(Reason::Headers.into());
    }
    let action = if features.has(Features::TUNNEL) && choice.tunnel {
        forward::tunnel(packet, choice, ip)?
    } else {
        forward::direct_routing(packet, choice, ip)?
    };
    if features.has(Features::VLANS) {
        vlan::retag(packet, &choice.real)?;
    }
    Ok(action)
}

/// Counts a packet that is not forwarded, and tells its sender where that is due.
#[inline(always)]
fn refuse(packet: &mut Packet<'_>, refusal: &Refusal, ip: IpHeader) -> u32 {
    let reason = refusal.reason;
    stats::refused(reason, packet.length());
    if !reason.drops() {
        return xdp_action::XDP_PASS;
    }
    match icmp::answer(packet, ip, reason, refusal.mtu) {
        Some(action) => {
            stats::refused(Reason::Answered, packet.length());
            action
        }
        None => xdp_action::XDP_DROP,
    }
}

/// Behind XDP, for packets that go on to this host: takes the mark that XDP has put in front of one. Says nothing
/// of where it goes, so that other programs at the same place have their turn.
#[classifier]
#[expect(clippy::needless_pass_by_value, reason = "how the macro hands the context over")]
pub(crate) fn lb_mark(ctx: TcContext) -> i32 {
    if let Some(mark) = marks::carried(&ctx) {
        ctx.set_mark(mark);
    }
    TC_ACT_UNSPEC
}

/// On the way out, where VIPs move by VRRP: stops claims of this host that are not true any more.
#[classifier]
#[expect(clippy::needless_pass_by_value, reason = "how the macro hands the context over")]
pub(crate) fn lb_fence(ctx: TcContext) -> i32 {
    fence::mute(&ctx)
}

/// On the way out, where checks go through VIPs: what a check sends to a real server becomes a packet for the VIP.
#[classifier]
#[expect(clippy::needless_pass_by_value, reason = "how the macro hands the context over")]
pub(crate) fn lb_check_out(ctx: TcContext) -> i32 {
    through::translate(&ctx, Way::Out)
}

/// On the way in, behind XDP: the answer to a check comes from the VIP, and goes on as the real server's own.
#[classifier]
#[expect(clippy::needless_pass_by_value, reason = "how the macro hands the context over")]
pub(crate) fn lb_check_in(ctx: TcContext) -> i32 {
    through::translate(&ctx, Way::In)
}

/// An XDP program that hands every frame on. In the lab it sits on the other ends of veth pairs, and a
/// benchmark measures what running a program costs at all.
#[xdp]
pub(crate) fn lb_pass(_: XdpContext) -> u32 {
    xdp_action::XDP_PASS
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
