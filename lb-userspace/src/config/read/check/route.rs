//! The keys of where a check goes and where from.

use toml::Spanned;

use super::{Sink, Table};
use crate::model::{CheckRoute, Mark, ProxyVersion};

const VERSIONS: [(&str, ProxyVersion); 2] = [("v1", ProxyVersion::V1), ("v2", ProxyVersion::V2)];

/// Reads them.
pub(super) fn read(table: &Table<'_>, sink: &mut Sink) -> CheckRoute {
    let address = table.get("address").and_then(|item| item.address(sink));
    let source = table.get("source").and_then(|item| item.address(sink));
    if let (Some(address), Some(source)) = (&address, &source)
        && address.get_ref().is_ipv4() != source.get_ref().is_ipv4()
    {
        let message = "a check from an IPv4 address goes to one, and so with IPv6".to_owned();
        sink.error(source.span(), table.path_of("source"), message)
            .related(address.span(), "of the other family");
    }
    let mark = table.get("mark").and_then(|item| item.integer(sink, |mark| Ok(Mark::new(mark)?)));
    let proxy = table
        .get("proxy_protocol")
        .and_then(|item| item.word(sink, "version of the PROXY protocol", &VERSIONS, &[]));
    let through = table.get("through_vip").and_then(|item| item.boolean(sink));
    let through_vip = through.as_ref().is_some_and(|through| *through.get_ref());
    if let (true, Some(through), Some(address)) = (through_vip, &through, &address) {
        let message = "a check through a VIP goes to each real server itself".to_owned();
        sink.error(through.span(), table.path_of("through_vip"), message)
            .related(address.span(), "elsewhere")
            .help("keep one of the two".to_owned());
    }
    CheckRoute {
        address: address.map(Spanned::into_inner),
        source: source.map(Spanned::into_inner),
        mark: mark.map(Spanned::into_inner),
        proxy_protocol: proxy.map(Spanned::into_inner),
        through_vip,
    }
}
