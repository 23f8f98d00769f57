//! Virtual services: a line each, and a table of what their real servers were given.

use crate::{
    api::{RealTraffic, ServiceStatus},
    cli::{
        paint::{Paint, Tone},
        table::{self, Column},
        units,
    },
};

const COLUMNS: &[Column] = &[
    Column::Text("REAL SERVER"),
    Column::Text("ADDRESS"),
    Column::Toned("STATE"),
    Column::Number("WEIGHT"),
    Column::Number("SHARE"),
    Column::Number("PACKETS"),
    Column::Number("BYTES"),
    Column::Number("CONNS"),
    Column::Number("PKT/S"),
    Column::Number("BIT/S"),
    Column::Number("CONN/S"),
];

/// A block for each service, with an empty line between them.
pub(super) fn text(services: &[ServiceStatus], paint: Paint) -> String {
    services.iter().map(|service| block(service, paint)).collect::<Vec<_>>().join("\n")
}

fn block(service: &ServiceStatus, paint: Paint) -> String {
    let title = format!("service {}", service.name);
    let on = if service.mark_on_packets { " (on packets to this host)" } else { "" };
    let mark = service.mark.map(|mark| format!(", mark {mark}{on}")).unwrap_or_default();
    let flood = service.flood.then(|| {
        let seconds = units::seconds(service.flood_seconds.unwrap_or_default());
        format!(", {}", paint.put(Tone::Odd, &format!("flood for {seconds}")))
    });
    let flood = flood.unwrap_or_default();
    let rows = service.reals.iter().map(|real| row(real, paint)).collect();
    format!(
        "{}  {} {}, {}{mark}, pool {}: {}, {}, {}{flood}\n  now {} packets/s, {} bit/s, {} connections/s\n{}",
        paint.put(Tone::Title, &title),
        service.address,
        service.ports.join(" "),
        service.mode,
        service.pool,
        units::plural(service.packets, "packet"),
        units::bytes(service.bytes),
        units::plural(service.connections, "connection"),
        units::count(service.rates.packets_per_second),
        units::bits(service.rates.bits_per_second),
        units::count(service.rates.connections_per_second),
        table::lines(COLUMNS, rows, paint),
    )
}

/// A sorry server has none: it has no part beside others.
pub(super) fn weight(weight: u16, sorry: bool) -> String {
    if sorry { "sorry".to_owned() } else { weight.to_string() }
}

fn row(real: &RealTraffic, paint: Paint) -> Vec<String> {
    vec![
        real.name.to_string(),
        real.address.to_string(),
        paint.put(Tone::of_state(&real.state), &real.state),
        weight(real.weight, real.sorry),
        units::share(real.share),
        units::count(real.packets),
        units::bytes(real.bytes),
        units::count(real.connections),
        units::count(real.rates.packets_per_second),
        units::bits(real.rates.bits_per_second),
        units::count(real.rates.connections_per_second),
    ]
}
