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
];

/// A block for each service, with an empty line between them.
pub(super) fn text(services: &[ServiceStatus], paint: Paint) -> String {
    services.iter().map(|service| block(service, paint)).collect::<Vec<_>>().join("\n")
}

fn block(service: &ServiceStatus, paint: Paint) -> String {
    let title = format!("service {}", service.name);
    let mark = service.mark.map(|mark| format!(", mark {mark}")).unwrap_or_default();
    let rows = service.reals.iter().map(|real| row(real, paint)).collect();
    format!(
        "{}  {} {}, {}{mark}, pool {}: {}, {}\n{}",
        paint.put(Tone::Title, &title),
        service.address,
        service.ports.join(" "),
        service.mode,
        service.pool,
        units::plural(service.packets, "packet"),
        units::bytes(service.bytes),
        table::lines(COLUMNS, rows, paint),
    )
}

fn row(real: &RealTraffic, paint: Paint) -> Vec<String> {
    vec![
        real.name.to_string(),
        real.address.to_string(),
        paint.put(Tone::of_state(&real.state), &real.state),
        real.weight.to_string(),
        units::share(real.share),
        units::count(real.packets),
        units::bytes(real.bytes),
    ]
}
