//! What the requests met beside what XDP counted, as a table.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use lb_tests::lab::{RealStatus, Status};
use lb_tests::load::{Report, ServiceReport};

const HEADER: [&str; 8] =
    ["service", "real server", "requests", "share", "packets", "bytes", "XDP mode", "failures"];
const NUMBERS: [usize; 5] = [2, 3, 4, 5, 7];

/// One row for each real server of each service, and the total.
pub(super) fn render(report: &Report, status: &Status) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(HEADER);
    let mode = status.xdp_modes();
    for (name, service) in &report.services {
        for (row, real) in real_names(name, service, status).into_iter().enumerate() {
            let counted = status.real(name, &real).cloned().unwrap_or_default();
            let requests = service.reals.get(&real).copied().unwrap_or(0);
            // A failed request has no real server: it stands in the first row of its service.
            let (name, failed) = if row == 0 {
                (name.as_str(), grouped(service.failed()))
            } else {
                ("", String::new())
            };
            table.add_row([
                name,
                &real,
                &grouped(requests),
                &format!("{:.1} %", service.share(&real) * 100.0),
                &grouped(counted.packets),
                &size(counted.bytes),
                &mode,
                &failed,
            ]);
        }
    }
    let total = |value: fn(&RealStatus) -> u64| -> u64 {
        status.services.iter().flat_map(|service| &service.reals).map(value).sum()
    };
    table.add_row([
        "all",
        "",
        &grouped(report.requests()),
        "",
        &grouped(total(|real| real.packets)),
        &size(total(|real| real.bytes)),
        "",
        &grouped(report.failed()),
    ]);
    for number in NUMBERS {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// One line: how many, how fast.
pub(super) fn summary(report: &Report) -> String {
    let seconds = report.elapsed.as_secs_f64();
    let latency = report.latency();
    format!(
        "{} requests in {seconds:.1} s ({:.0} a second), {} failed; half within {:.2?}, 99 % within {:.2?}, \
         all within {:.2?}",
        grouped(report.requests() + report.failed()),
        (report.requests() + report.failed()) as f64 / seconds.max(0.001),
        grouped(report.failed()),
        latency.percentile(50.0),
        latency.percentile(99.0),
        latency.max(),
    )
}

/// Those that answered, and those that `lb` knows.
fn real_names(name: &str, service: &ServiceReport, status: &Status) -> Vec<String> {
    let mut names: Vec<String> = service.reals.keys().cloned().collect();
    names.extend(
        status.service(name).into_iter().flat_map(|known| &known.reals).map(|r| r.name.clone()),
    );
    names.sort();
    names.dedup();
    if names.is_empty() {
        names.push(String::new());
    }
    names
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that fits.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_500_000), "1.5 MB");
    }

    #[test]
    fn a_service_without_an_answer_still_has_a_row() {
        let mut report = Report::default();
        report.services.insert("web4".into(), ServiceReport::default());
        assert!(render(&report, &Status::default()).contains("web4"));
    }
}
