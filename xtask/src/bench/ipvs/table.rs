//! The table of figures, and what its columns mean.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use lb_tests::contest::Round;

use super::figures::Row;

/// What the guest's clock counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Clock {
    /// Nanoseconds of this machine
    Time,
    /// Instructions of the guest, a nanosecond each: the same figures on every machine, busy or not
    Instructions,
}

impl Clock {
    /// What a packet's cost is counted in.
    const fn unit(self) -> &'static str {
        match self {
            Self::Time => "ns",
            Self::Instructions => "instructions",
        }
    }
}

/// Columns whose cells are figures.
const FIGURES: std::ops::RangeInclusive<usize> = 2..=7;

/// One row for each load and director.
pub(super) fn render(rows: &[Row], clock: Clock) -> String {
    let mut table = Table::new();
    let cost = format!("{}/packet", clock.unit());
    let header = [
        "load",
        "director",
        "packets/s",
        "CPU share",
        &cost,
        "(rounds)",
        "packets/s, whole CPU",
        "ratio",
    ];
    table.load_preset(UTF8_FULL_CONDENSED).set_header(header);
    let mut load = "";
    for row in rows {
        let lost = if row.lost > 0.0 {
            format!(" ({:.1} % lost)", row.lost * 100.0)
        } else {
            String::new()
        };
        table.add_row([
            if row.load == load { "" } else { &row.load },
            &format!("{}{lost}", row.director),
            &thousands(row.rate),
            &format!("{:.0} %", row.share * 100.0),
            &format!("{:.0}", row.cost),
            &format!("{:.0}–{:.0}", row.range.0, row.range.1),
            &thousands(row.whole_cpu()),
            &format!("{:.1}", row.ratio),
        ]);
        load = &row.load;
    }
    for figure in FIGURES {
        if let Some(column) = table.column_mut(figure) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// What the columns mean.
pub(super) const LEGEND: &str = "\
packets/s             came through in a second of the one CPU, which generator, director and real servers share
CPU share             the director's part of that second: the thread that polls its interface, from the frame in its
                      receive queue to the frame in the peer's (as the scheduler accounts for that thread)
ns, instructions      of that thread, for each packet that came through
packets/s, whole CPU  what the director would forward with a CPU of its own
ratio                 how many times cheaper than IPVS in the same round";

/// What is to be known about a table's figures.
pub(super) fn meaning(clock: Clock) -> &'static str {
    match clock {
        Clock::Time => {
            "Time is this machine's; an emulated CPU is many times slower than a real one: compare, do not quote."
        }
        Clock::Instructions => {
            "A second is 1,000,000,000 instructions. Misses in caches, which come with many connections, are \
             not in it."
        }
    }
}

/// One line: how a director stands to the yardstick, over all loads.
pub(super) fn summary(rows: &[Row], director: &str) -> String {
    let ratios = || rows.iter().filter(|row| row.director == director).map(|row| row.ratio);
    let (least, most) = (ratios().fold(f64::INFINITY, f64::min), ratios().fold(0.0, f64::max));
    format!(
        "With the same CPU {director} forwards {least:.1} to {most:.1} times as many packets as IPVS; published \
         figures put\nKatran at 4.2 times (The eXpress Data Path, CoNEXT 2018)."
    )
}

/// A round as it comes in.
pub(super) fn progress(round: &Round) -> String {
    let Round { load, director, sent, arrived, all, cpu } = round;
    format!(
        "  {load:<26}{director:<18}{arrived:>7} of {sent} in {:.3} s, the director {:.3} s",
        all.as_secs_f64(),
        cpu.as_secs_f64()
    )
}

/// `1234567` as `1,235 k`.
fn thousands(value: f64) -> String {
    let whole = format!("{:.0}", value / 1e3);
    let (head, tail) = whole.split_at(whole.len().saturating_sub(3));
    if head.is_empty() { format!("{tail} k") } else { format!("{head},{tail} k") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(director: &str, lost: f64) -> Row {
        Row {
            load: "UDP, 1 flow".into(),
            director: director.into(),
            rate: 88_000.0,
            share: 0.42,
            cost: 4_750.0,
            range: (4_700.2, 5_000.0),
            ratio: 1.0,
            lost,
        }
    }

    #[test]
    fn thousands_are_easy_to_read() {
        assert_eq!(thousands(88_400.0), "88 k");
        assert_eq!(thousands(1_234_567.0), "1,235 k");
    }

    #[test]
    fn the_summary_names_the_least_and_the_most() {
        let lb = |ratio| Row { ratio, ..row("lb", 0.0) };
        let text = summary(&[row("IPVS", 0.0), lb(7.04), lb(3.96), lb(5.0)], "lb");
        assert!(text.contains("lb forwards 4.0 to 7.0 times"), "{text}");
    }

    #[test]
    fn a_load_is_named_once_and_losses_are_shown() {
        let text = render(&[row("IPVS", 0.0), row("lb", 0.25)], Clock::Time);
        assert_eq!(text.matches("UDP, 1 flow").count(), 1, "{text}");
        assert!(text.contains("lb (25.0 % lost)") && text.contains("ns/packet"), "{text}");
        assert!(
            text.contains("4700–5000") && text.contains("211 k") && text.contains("42 %"),
            "{text}"
        );
    }
}
