//! `[node]`.

use std::{net::IpAddr, path::PathBuf};

use toml::Spanned;

use super::{Item, Sink, Table, schema};
use crate::{
    config::table::Refusal,
    model::{InterfaceName, Name, Node, XdpMode},
};

const XDP_MODES: [(&str, XdpMode); 3] =
    [("auto", XdpMode::Auto), ("native", XdpMode::Native), ("generic", XdpMode::Generic)];

/// Reads the node; `None` if its name or its interfaces are not there.
pub(super) fn read(root: &Table<'_>, sink: &mut Sink) -> Option<Node> {
    let example = "{ name = \"director-1\", interface = \"eth0\" }";
    let table = root.require("node", example, sink)?.table(&schema::NODE, sink)?;
    let name = table
        .require("name", "\"director-1\"", sink)
        .and_then(|item| item.text(sink, |text| Ok(Name::new(text)?)));
    let interfaces = interfaces(&table, sink);
    // Everything is read before anything is given up, so that all errors are seen.
    let xdp_mode = table
        .get("xdp_mode")
        .and_then(|item| item.word(sink, "XDP mode", &XDP_MODES, &[]))
        .map(Spanned::into_inner)
        .unwrap_or_default();
    let peers = table.get("peers").map(|item| peers(&item, sink)).unwrap_or_default();
    let seed_file = path(&table, "seed_file", sink);
    let socket = path(&table, "socket", sink);
    let pin_folder = path(&table, "pin_folder", sink);
    let state_folder = path(&table, "state_folder", sink);
    let manage_addresses = table.get("manage_addresses").and_then(|item| item.boolean(sink));

    let node = Node::new(name?.into_inner(), interfaces?);
    Some(Node {
        xdp_mode,
        seed_file,
        peers,
        socket: socket.unwrap_or(node.socket),
        pin_folder: pin_folder.unwrap_or(node.pin_folder),
        state_folder: state_folder.unwrap_or(node.state_folder),
        manage_addresses: manage_addresses.unwrap_or(node.manage_addresses),
        ..node
    })
}

/// `interface = "eth0"` or `interfaces = ["eth0", "eth1"]`.
fn interfaces(table: &Table<'_>, sink: &mut Sink) -> Option<Vec<InterfaceName>> {
    let items = match (table.get("interface"), table.get("interfaces")) {
        (Some(one), Some(many)) => {
            sink.error(many.span, many.path, "`interface` and `interfaces` say the same")
                .related(one.span, "already said here")
                .help("keep one of them".to_owned());
            return None;
        }
        (None, None) => {
            sink.error(table.span.clone(), "node.interface", "no interface to take packets from")
                .help("add `interface = \"eth0\"` to [node]".to_owned());
            return None;
        }
        (Some(one), None) => vec![one],
        (None, Some(many)) => {
            let items = many.array(sink)?;
            if items.is_empty() {
                sink.error(many.span, many.path, "no interface to take packets from")
                    .help("name at least one: `interfaces = [\"eth0\"]`".to_owned());
                return None;
            }
            items
        }
    };
    let mut names: Vec<Spanned<InterfaceName>> = Vec::new();
    for item in items {
        let Some(name) = item.text(sink, |text| Ok(InterfaceName::new(text)?)) else { continue };
        match names.iter().find(|other| other.get_ref() == name.get_ref()) {
            Some(other) => {
                let message = format!("interface `{}` is named twice", name.get_ref());
                sink.error(name.span(), item.path, message).related(other.span(), "first here");
            }
            None => names.push(name),
        }
    }
    Some(names.into_iter().map(Spanned::into_inner).collect())
}

fn peers(item: &Item<'_>, sink: &mut Sink) -> Vec<IpAddr> {
    let mut peers: Vec<Spanned<IpAddr>> = Vec::new();
    for item in item.array(sink).unwrap_or_default() {
        let Some(peer) = item.address(sink) else { continue };
        match peers.iter().find(|other| other.get_ref() == peer.get_ref()) {
            Some(other) => {
                let message = format!("peer {} is named twice", peer.get_ref());
                sink.error(peer.span(), item.path, message).related(other.span(), "first here");
            }
            None => peers.push(peer),
        }
    }
    peers.into_iter().map(Spanned::into_inner).collect()
}

/// An absolute path, so that it does not depend on the folder a program was started in.
fn path(table: &Table<'_>, key: &str, sink: &mut Sink) -> Option<PathBuf> {
    let path = table.get(key)?.text(sink, |text| {
        if text.starts_with('/') && !text.contains('\0') {
            return Ok(PathBuf::from(text));
        }
        let message = format!("`{}` is not an absolute path", text.escape_debug());
        Err(Refusal { message, help: Some("write it from the root: \"/...\"".to_owned()) })
    });
    path.map(Spanned::into_inner)
}
