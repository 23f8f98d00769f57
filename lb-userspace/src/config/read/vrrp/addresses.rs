//! `addresses` of an instance: texts, or tables where there is more to say.

use std::ops::Range;

use ipnet::IpNet;
use toml::Spanned;

use super::{Item, Sink, Table, schema, yes};
use crate::{
    config::{
        draft::VirtualAddressDraft,
        table::{Meaning, Refusal},
    },
    model::{AddressLabel, VirtualAddress},
};

/// The VIPs of one instance.
pub(super) struct Addresses {
    /// The whole list.
    pub(super) span: Range<usize>,
    /// None was refused.
    pub(super) complete: bool,
    pub(super) entries: Vec<VirtualAddressDraft>,
}

/// Reads all of them.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> Addresses {
    let item = table.require("addresses", "[\"10.8.8.40/24\"]", sink);
    let span = item.as_ref().map_or_else(|| table.span.clone(), |item| item.span.clone());
    let Some(items) = item.and_then(|item| item.array(sink)) else {
        return Addresses { span, complete: false, entries: Vec::new() };
    };
    let wanted = items.len();
    let entries: Vec<_> = items.into_iter().filter_map(|item| one(&item, sink)).collect();
    Addresses { span, complete: entries.len() == wanted, entries }
}

fn one(item: &Item<'_>, sink: &mut Sink) -> Option<VirtualAddressDraft> {
    if !item.is_table() {
        let network = item.text(sink, vip)?;
        let address = VirtualAddress { network: *network.get_ref(), advertised: true, label: None };
        return Some(VirtualAddressDraft {
            path: item.path.clone(),
            span: network.span(),
            address,
            label: None,
        });
    }
    let table = item.table(&schema::VIRTUAL_ADDRESS, sink)?;
    let advertise = yes(&table, "advertise", sink);
    let label =
        table.get("label").and_then(|item| item.text(sink, |text| Ok(AddressLabel::new(text)?)));
    let network =
        table.require("address", "\"10.8.8.40/24\"", sink).and_then(|item| item.text(sink, vip))?;
    Some(VirtualAddressDraft {
        path: table.path_of("address"),
        span: network.span(),
        label: label.as_ref().map(|label| (label.span(), table.path_of("label"))),
        address: VirtualAddress {
            network: *network.get_ref(),
            advertised: advertise.is_none_or(Spanned::into_inner),
            label: label.map(Spanned::into_inner),
        },
    })
}

/// One address; who brings a line of keepalived (`10.8.8.40/24 dev eth0 label eth0:1`) learns how it is written
/// here.
fn vip(text: &str) -> Meaning<IpNet> {
    VirtualAddress::parse(text).map_err(|error| {
        let first = text.split_whitespace().next().filter(|first| first.len() < text.len());
        let help = first.filter(|first| VirtualAddress::parse(first).is_ok()).map(|first| {
            format!(
                "write {{ address = \"{first}\", label = ... }}; the interface is the instance's"
            )
        });
        Refusal { message: error.to_string(), help }
    })
}
