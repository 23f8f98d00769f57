//! `tunnel` of a pool.

use toml::Spanned;

use super::{Item, Sink, port_number, schema};
use crate::model::{Tunnel, TunnelKind};

const KINDS: [(&str, TunnelKind); 2] =
    [("ip", TunnelKind::Ip), ("gue", TunnelKind::Gue { port: TunnelKind::DEFAULT_GUE_PORT })];

/// Reads how the servers of a pool are reached through tunnels.
pub(super) fn read(item: &Item<'_>, sink: &mut Sink) -> Option<Spanned<Tunnel>> {
    let table = item.table(&schema::TUNNEL, sink)?;
    let kind = match table.get("type") {
        None => Some(TunnelKind::default()),
        Some(item) => item.word(sink, "tunnel type", &KINDS, &[]).map(Spanned::into_inner),
    };
    let port = table.get("port");
    if let (Some(TunnelKind::Ip), Some(port)) = (kind, &port) {
        let message = "a tunnel of type `ip` has no port";
        sink.error(port.span.clone(), port.path.clone(), message)
            .help("leave it out, or write `type = \"gue\"`".to_owned());
        return None;
    }
    let port = port.and_then(|item| item.integer(sink, port_number)).map(Spanned::into_inner);
    let mtu = table.get("mtu").and_then(|item| item.integer(sink, |mtu| Ok(Tunnel::mtu(mtu)?)));
    let tunnel = Tunnel {
        kind: port.map_or(kind?, |port| TunnelKind::Gue { port }),
        mtu: mtu.map(Spanned::into_inner),
    };
    Some(Spanned::new(table.span, tunnel))
}
