//! `virtual_mac` and `virtual_mac_interface`.

use toml::Spanned;

use super::{Sink, Table, yes};
use crate::{
    config::draft::VirtualMacDraft,
    model::InterfaceName,
    vrrp::types::{Family, VirtualRouterId},
};

/// Reads whether the virtual MAC address is wanted, and what its interface is called. The default names it after the
/// virtual router, as keepalived does.
pub(super) fn read(
    table: &Table<'_>,
    router: Option<(Family, VirtualRouterId)>,
    sink: &mut Sink,
) -> Option<VirtualMacDraft> {
    let wanted = yes(table, "virtual_mac", sink);
    let Some(item) = table.get("virtual_mac_interface") else {
        let wanted = wanted.filter(|wanted| *wanted.get_ref())?;
        let path = table.path_of("virtual_mac");
        let interface = router.and_then(|(family, id)| by_default(family, id));
        return Some(VirtualMacDraft { path, span: wanted.span(), interface });
    };
    let interface = item.text(sink, |text| Ok(InterfaceName::new(text)?)).map(Spanned::into_inner);
    if wanted.is_some_and(|wanted| *wanted.get_ref()) {
        return Some(VirtualMacDraft { path: item.path, span: item.span, interface });
    }
    if interface.is_some() {
        sink.error(item.span, item.path, "`virtual_mac_interface` without `virtual_mac = true`")
            .help("add `virtual_mac = true`, or leave it out".to_owned());
    }
    None
}

fn by_default(family: Family, id: VirtualRouterId) -> Option<InterfaceName> {
    let family = match family {
        Family::V4 => "vrrp",
        Family::V6 => "vrrp6",
    };
    InterfaceName::new(&format!("{family}.{id}")).ok()
}
