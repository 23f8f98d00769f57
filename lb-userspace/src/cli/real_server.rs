//! `lb real-server`: prepares a real server for direct routing, or says what is missing.
//!
//! With direct routing a real server gets packets whose destination is still the VIP. It must
//! have the VIP, and must not tell the network so:
//!
//! - The VIP goes on `lo` as /32 or /128. (A wider prefix would make the host take the whole
//!   subnet for its own.)
//! - IPv4: Linux answers ARP for an address on whichever interface the question comes in.
//!   `arp_ignore=1` answers only on the interface that has the address, `arp_announce=2` keeps the
//!   VIP out of the host's own questions. Of `conf.all` and the interface's own value the kernel
//!   takes the larger, so `all` is enough unless an interface is set to something larger still.
//! - IPv6: nothing more. Linux answers neighbour solicitations only for addresses of the interface
//!   they come in by, and joins a solicited-node group only there, so an address on `lo` is never
//!   claimed (tried: no advertisement for it, with and without forwarding, while its packets are
//!   taken). The VIP is added deprecated and without duplicate address detection, so that the host
//!   does not choose it for connections of its own.
//! - Packets that come through a tunnel have less room. `--clamp-mss` lowers the MSS in what the host says as
//!   the VIP; the director cannot, since that does not pass it.
//! - `rp_filter` needs no change: it looks at the way back to the *client*, which leaves by the
//!   interface the packet came in by.

mod clamp;
mod nft;
mod plan;

use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::Context;

use self::clamp::Clamp;
use self::plan::{Facts, Mend, Step};
use crate::agent::{netlink::Netlink, sysctl};

/// Prepares this host as a real server for direct routing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Puts the VIPs on `lo` and sets what ARP must be told; prints each step. Safe to repeat.
    Setup(What),
    /// Changes nothing; says what is missing and the command that mends it.
    Check(What),
}

#[derive(Debug, clap::Args)]
struct What {
    /// A virtual address this host serves; may be given several times.
    #[arg(long = "vip", value_name = "ADDRESS", required = true)]
    vips: Vec<IpAddr>,
    /// The interface that packets for the VIPs come in by [default: look at every one].
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Limits the segments that clients send to the VIPs (TCP's MSS), for packets that come through a tunnel: a
    /// number of bytes, or what fits the interface's MTU behind a tunnel's headers: `ip` (IPIP), `ip6` (over
    /// IPv6), `gue`, `gue6`, or `auto`, which leaves room for any of them. `none` takes a limit away. Needs `nft`.
    #[arg(long, value_name = "MSS")]
    clamp_mss: Option<Clamp>,
}

/// Runs it. Not everything as it must be: exit code 1.
///
/// # Errors
/// When this host cannot be read or changed.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let netlink = Netlink::connect()?;
        match &args.command {
            Command::Setup(what) => setup(&netlink, what).await,
            Command::Check(what) => check(&netlink, what).await,
        }
    })
}

async fn steps(netlink: &Netlink, what: &What) -> anyhow::Result<Vec<Step>> {
    if let Some(name) = &what.interface {
        netlink.interface(name).await?;
    }
    let interface = what.interface.as_deref();
    let facts = Facts { interfaces: netlink.interfaces().await?, read: sysctl::read };
    let mut steps = plan::steps(&what.vips, interface, &facts)?;
    if let Some(clamp) = what.clamp_mss {
        let now = |vip| nft::limit(vip).map_err(anyhow::Error::from);
        steps.extend(clamp.steps(&what.vips, interface, &facts.interfaces, now)?);
    }
    Ok(steps)
}

async fn check(netlink: &Netlink, what: &What) -> anyhow::Result<ExitCode> {
    let steps = steps(netlink, what).await?;
    for step in &steps {
        match &step.mend {
            None => println!("ok       {}", step.wanted),
            Some(mend) => {
                println!("missing  {} (now: {})", step.wanted, step.found);
                println!("         mend with: {mend}");
            }
        }
    }
    let missing = steps.iter().filter(|step| step.mend.is_some()).count();
    if missing == 0 {
        println!("this host is ready as a real server");
        return Ok(ExitCode::SUCCESS);
    }
    let vips = what.vips.iter().map(|vip| format!("--vip {vip}"));
    let clamp = what.clamp_mss.map(|clamp| format!("--clamp-mss {clamp}"));
    let options: Vec<String> = vips.chain(clamp).collect();
    println!("{missing} missing; `lb real-server setup {}` does all it can", options.join(" "));
    Ok(ExitCode::FAILURE)
}

async fn setup(netlink: &Netlink, what: &What) -> anyhow::Result<ExitCode> {
    let mut by_hand = 0;
    for step in steps(netlink, what).await? {
        match &step.mend {
            None => println!("already  {}", step.wanted),
            Some(Mend::AddToLoopback { vip, index }) => {
                netlink.add_address(*index, *vip, plan::single(*vip)).await?;
                println!("added    {}", step.wanted);
            }
            Some(Mend::Set { setting, value }) => {
                sysctl::write(setting, *value)?;
                println!("set      {} (before: {})", step.wanted, step.found);
            }
            Some(Mend::Clamp { vip, mss }) => {
                nft::set(*vip, *mss)?;
                println!("set      {} (before: {})", step.wanted, step.found);
            }
            Some(mend @ Mend::ByHand(_)) => {
                by_hand += 1;
                println!("FAULT    {} ({})", step.wanted, step.found);
                println!("         mend with: {mend}");
            }
        }
    }
    if what.vips.iter().any(IpAddr::is_ipv4) {
        println!("`all` is enough: the kernel takes the larger of `all` and an interface's own.");
    }
    if what.vips.iter().any(IpAddr::is_ipv6) {
        println!(
            "IPv6 needs no more: Linux never advertises an address of lo on other interfaces."
        );
    }
    println!("These settings last until the next boot: run this command at boot, too.");
    Ok(if by_hand == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
