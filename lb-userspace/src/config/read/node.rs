//! `[node]`.

use std::{collections::BTreeSet, num::NonZeroU16};

use toml::Spanned;

use super::{
    Sink, Table, absolute_path, decapsulate,
    lists::{addresses, values},
    port_number, schema,
    script::user,
};
use crate::{
    config::{
        draft::DecapsulateDraft,
        table::{Item, Meaning},
    },
    model::{InterfaceName, Name, Node, Sysctls, XdpMode, parse_network4, parse_network6},
};

const XDP_MODES: [(&str, XdpMode); 3] =
    [("auto", XdpMode::Auto), ("native", XdpMode::Native), ("generic", XdpMode::Generic)];

const SYSCTLS: [(&str, Sysctls); 3] = [
    ("arp", Sysctls::Arp),
    ("forwarding", Sysctls::Forwarding),
    ("nonlocal_bind", Sysctls::NonlocalBind),
];

/// Reads the node, `None` if its name or its interfaces are not there, and where tunnels end at it.
pub(super) fn read(root: &Table<'_>, sink: &mut Sink) -> (Option<Node>, DecapsulateDraft) {
    let example = "{ name = \"director-1\", interface = \"eth0\" }";
    let item = root.require("node", example, sink);
    let Some(table) = item.and_then(|item| item.table(&schema::NODE, sink)) else {
        return (None, DecapsulateDraft::default());
    };
    let decapsulate = decapsulate::read(&table, sink);
    (node(&table, &decapsulate, sink), decapsulate)
}

fn node(table: &Table<'_>, decapsulate: &DecapsulateDraft, sink: &mut Sink) -> Option<Node> {
    let name = table
        .require("name", "\"director-1\"", sink)
        .and_then(|item| item.text(sink, |text| Ok(Name::new(text)?)));
    let interfaces = interfaces(table, sink);
    // Everything is read before anything is given up, so that all errors are seen.
    let xdp_mode = table
        .get("xdp_mode")
        .and_then(|item| item.word(sink, "XDP mode", &XDP_MODES, &[]))
        .map(Spanned::into_inner)
        .unwrap_or_default();
    let peers = addresses(table, "peers", "peer", sink);
    let peer_port = table.get("peer_port").and_then(|item| item.integer(sink, port));
    let tunnel_source = table
        .get("tunnel_source")
        .and_then(|item| item.text(sink, |text| Ok(parse_network4(text)?)));
    let tunnel_source6 = table
        .get("tunnel_source6")
        .and_then(|item| item.text(sink, |text| Ok(parse_network6(text)?)));
    let path = |key, sink: &mut Sink| table.get(key).and_then(|item| absolute_path(&item, sink));
    let seed_file = path("seed_file", sink);
    let socket = path("socket", sink);
    let pin_folder = path("pin_folder", sink);
    let state_folder = path("state_folder", sink);
    let user = table.get("user").and_then(|item| item.text(sink, user));
    let manage_addresses = table.get("manage_addresses").and_then(|item| item.boolean(sink));
    let sysctls = sysctls(table, sink);

    let node = Node::new(name?.into_inner(), interfaces?);
    Some(Node {
        xdp_mode,
        seed_file,
        peers: values(&peers),
        peer_port: peer_port.map_or(node.peer_port, Spanned::into_inner),
        tunnel_source: tunnel_source.map(Spanned::into_inner),
        tunnel_source6: tunnel_source6.map(Spanned::into_inner),
        decapsulate: values(&decapsulate.addresses),
        decapsulate_from: values(&decapsulate.senders),
        socket: socket.unwrap_or(node.socket),
        pin_folder: pin_folder.unwrap_or(node.pin_folder),
        state_folder: state_folder.unwrap_or(node.state_folder),
        user: user.map(Spanned::into_inner),
        manage_addresses: manage_addresses.map_or(node.manage_addresses, Spanned::into_inner),
        sysctls,
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

/// Naming one twice does no harm.
fn sysctls(table: &Table<'_>, sink: &mut Sink) -> BTreeSet<Sysctls> {
    let items = table.get("sysctls").and_then(|item| item.array(sink)).unwrap_or_default();
    let word = |item: &Item<'_>| item.word(sink, "group of sysctls", &SYSCTLS, &[]);
    items.iter().filter_map(word).map(Spanned::into_inner).collect()
}

fn port(number: i128) -> Meaning<NonZeroU16> {
    // Never 0: that is refused before.
    Ok(NonZeroU16::new(port_number(number)?).unwrap_or(Node::DEFAULT_PEER_PORT))
}
