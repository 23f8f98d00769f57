//! `lb vrrp`: who holds the VIPs, why, and what was heard.

use std::process::ExitCode;

use super::{
    backend,
    client::Client,
    output,
    paint::{Paint, Tone},
    table::{Column, lines},
    units::{count, seconds},
};
use crate::{
    api::{
        Done, LeaseStatus, Notifications, TrackerStatus, TransitionStatus, VirtualMacStatus,
        VrrpStatus,
    },
    model::Name,
};

/// Show VRRP instances, or move their VIPs.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Give the VIPs of an instance to another director, which must be there.
    Release {
        /// The instance.
        #[arg(value_name = "NAME")]
        name: Name,
    },
    /// Take the VIPs of an instance, whatever the priorities are.
    Take {
        /// The instance.
        #[arg(value_name = "NAME")]
        name: Name,
    },
}

/// Does what was asked for.
pub fn run(args: Args, client: &Client) -> anyhow::Result<ExitCode> {
    let (name, what) = match args.command {
        Some(Command::Release { name }) => (name, "release"),
        Some(Command::Take { name }) => (name, "take"),
        None => {
            let instances: Vec<VrrpStatus> = client.get("/v1/vrrp")?;
            if args.json {
                output::print_json(&instances)?;
            } else if instances.is_empty() {
                output::print("no VRRP: the configuration has no [[vrrp]]\n")?;
            } else {
                output::print(&text(&instances, Paint::of_stdout()))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    let done: Done = client.post(&format!("/v1/vrrp/{name}/{what}"))?;
    backend::report(&done)
}

/// A section for each instance, with an empty line between them.
fn text(instances: &[VrrpStatus], paint: Paint) -> String {
    let sections: Vec<_> = instances.iter().map(|one| section(one, paint)).collect();
    sections.join("\n")
}

fn section(one: &VrrpStatus, paint: Paint) -> String {
    let tone = match one.state.as_str() {
        "master" | "backup" => Tone::Good,
        _ => Tone::Odd,
    };
    let addresses: Vec<_> = one.addresses.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "{}  {} for {}, priority {}{}\n  VRID {} on {}, VRRPv{}{}\n{}  VIPs {}{}\n",
        one.name,
        paint.put(tone, &one.state),
        ago(one.since_seconds),
        one.priority,
        configured(one),
        one.virtual_router_id,
        one.interface,
        one.version,
        one.group.as_ref().map_or_else(String::new, |group| format!(", group {group}")),
        one.virtual_mac.as_ref().map_or_else(String::new, |VirtualMacStatus { mac, interface }| {
            format!("  virtual MAC {mac} on {interface}\n")
        }),
        addresses.join(" "),
        if one.held { "" } else { " (not on this host)" },
    );
    let mut line = |words: String| text += &format!("  {words}\n");
    if let Some(fault) = &one.fault {
        line(paint.put(Tone::Odd, fault));
    }
    if let Some(problem) = &one.problem {
        line(paint.put(Tone::Odd, problem));
    }
    if let Some(other) = &one.heard_master {
        let said = match other.priority {
            0 => "it leaves".to_owned(),
            priority => format!("priority {priority}"),
        };
        let others = if other.other_addresses { ", with other VIPs" } else { "" };
        line(format!("heard {}: {said}, {} ago{others}", other.address, ago(other.seconds_ago)));
    }
    line(format!("advertisements: {} sent, {} heard", count(one.sent), count(one.heard)));
    if let Some(lease) = &one.lease
        && let Some(words) = lease_words(lease)
    {
        line(if lease.fenced { paint.put(Tone::Odd, &words) } else { words });
    }
    if one.not_sent > 0 {
        line(paint.put(Tone::Odd, &format!("{} could not be sent", count(one.not_sent))));
    }
    for reject in &one.rejected {
        line(format!("dropped {}: {}", count(reject.packets), reject.words));
    }
    if one.untold > 0 {
        line(
            paint.put(Tone::Odd, &format!("nobody was told of {} transitions", count(one.untold))),
        );
    }
    let group = one.group.as_ref().map(|group| format!("notifications of group {group}"));
    let told =
        [(Some("notifications".to_owned()), &one.notifications), (group, &one.group_notifications)];
    for (what, notifications) in told {
        if let Some(words) = what.and_then(|what| problems(&what, notifications)) {
            line(paint.put(Tone::Odd, &words));
        }
    }
    text + &trackers(&one.trackers, paint) + &history(&one.transitions, paint)
}

/// What the file says, where the priority is another one.
fn configured(one: &VrrpStatus) -> String {
    match one.configured_priority {
        same if same == one.priority => String::new(),
        other => format!(" ({other} configured)"),
    }
}

fn trackers(trackers: &[TrackerStatus], paint: Paint) -> String {
    if trackers.is_empty() {
        return String::new();
    }
    let columns = [
        Column::Text("TRACKER"),
        Column::Toned("STATE"),
        Column::Number("WEIGHT"),
        Column::Number("SHARE"),
        Column::Text("WHY"),
    ];
    let row = |one: &TrackerStatus| {
        let tone = match one.state.as_str() {
            "down" | "unknown" => Tone::Odd,
            _ if one.forbids => Tone::Odd,
            _ => Tone::Good,
        };
        let share = if one.forbids { "fault".to_owned() } else { format!("{:+}", one.share) };
        let why = match &one.said {
            Some(said) => format!("{}: {said}", one.reason),
            None => one.reason.clone(),
        };
        vec![one.name.to_string(), paint.put(tone, &one.state), one.weight.to_string(), share, why]
    };
    lines(&columns, trackers.iter().map(row).collect(), paint)
}

/// For as long as it has the VIPs.
fn lease_words(lease: &LeaseStatus) -> Option<String> {
    let left = ago(lease.seconds_left?);
    Some(match lease.claimed_seconds_ago.map(ago) {
        Some(claimed) if lease.fenced => {
            format!(
                "fenced: another host has claimed the VIPs {claimed} ago, and gets all requests for them"
            )
        }
        Some(claimed) => {
            format!("lease: {left} left; another host has claimed the VIPs {claimed} ago")
        }
        None => format!("lease: {left} left"),
    })
}

/// What went wrong with notifications, if anything did.
pub(super) fn problems(what: &str, notifications: &Notifications) -> Option<String> {
    let (failed, dropped) = notifications.problems();
    let counted: Vec<_> = [(failed, "failed"), (dropped, "dropped")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", count(number)))
        .collect();
    let last =
        notifications.last_problem.as_ref().map_or_else(String::new, |last| format!("; {last}"));
    (!counted.is_empty()).then(|| format!("{what}: {}{last}", counted.join(", ")))
}

fn history(transitions: &[TransitionStatus], paint: Paint) -> String {
    if transitions.is_empty() {
        return String::new();
    }
    let columns =
        [Column::Number("AGO"), Column::Text("FROM"), Column::Text("TO"), Column::Text("WHY")];
    let row = |step: &TransitionStatus| {
        vec![ago(step.seconds_ago), step.from.clone(), step.to.clone(), step.reason.clone()]
    };
    lines(&columns, transitions.iter().rev().map(row).collect(), paint)
}

/// Whole seconds, but for what has only just been.
fn ago(time: f64) -> String {
    if time < 10.0 {
        format!("{time:.1}s")
    } else {
        // Negative or beyond what fits is not said by any agent.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        seconds(time as u64)
    }
}

#[cfg(test)]
#[path = "vrrp_test.rs"]
mod tests;
