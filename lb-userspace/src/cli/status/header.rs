//! The head of the page: who speaks, on which interfaces, and what an operator should look at.

use std::fmt::Write as _;

use crate::{
    api::{InterfaceStatus, Status},
    cli::{
        paint::{Paint, Tone},
        units,
    },
};

/// The lines, each with its line break.
pub(super) fn text(status: &Status, paint: Paint) -> String {
    let Status { node, version, pid, config, .. } = status;
    let node = paint.put(Tone::Title, node.as_str());
    let uptime = units::seconds(status.uptime_seconds);
    let adopted = if status.adopted { ", forwarding was adopted" } else { "" };
    let mut text = format!(
        "{node}  lb {version}, up {uptime} (pid {pid}){adopted}\nconfiguration {}\n",
        config.display()
    );
    for interface in &status.interfaces {
        text.push_str(&interface_line(interface, paint));
    }
    if !status.warnings.is_empty() {
        text.push('\n');
    }
    for warning in &status.warnings {
        // A warning may have lines of its own, which stay below its first.
        let warning = warning.trim_end().replace('\n', "\n         ");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {warning}", paint.put(Tone::Odd, "warning:"));
    }
    text
}

fn interface_line(interface: &InterfaceStatus, paint: Paint) -> String {
    let InterfaceStatus { name, xdp_mode, fell_back } = interface;
    let tone = if xdp_mode == "native" { Tone::Good } else { Tone::Odd };
    let mode = paint.put(tone, xdp_mode);
    let why = fell_back.as_ref().map(|why| format!(" (not native: {why})")).unwrap_or_default();
    format!("interface {name}  XDP {mode}{why}\n")
}
