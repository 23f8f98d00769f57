//! Tables without lines: two spaces between columns, numbers on the right.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::paint::{Paint, Tone};

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    /// Text, set to the left.
    Text(&'static str),
    /// Text, each cell in a colour.
    Toned(&'static str),
    /// Numbers, set to the right.
    Number(&'static str),
}

impl Column {
    fn alignment(self) -> CellAlignment {
        match self {
            Self::Text(_) | Self::Toned(_) => CellAlignment::Left,
            Self::Number(_) => CellAlignment::Right,
        }
    }

    /// With colours, every cell of a toned column, title among them, is painted: sequences count
    /// as width, and are of one length.
    fn title(self, paint: Paint) -> String {
        match self {
            Self::Text(title) | Self::Number(title) => title.to_owned(),
            Self::Toned(title) => paint.put(Tone::Usual, title),
        }
    }
}

/// The lines of a table, each indented by two and with a line break.
pub(super) fn lines(columns: &[Column], rows: Vec<Vec<String>>, paint: Paint) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| Cell::new(column.title(paint))));
    table.add_rows(rows);
    for (made, column) in table.column_iter_mut().zip(columns) {
        made.set_padding((2, 0)).set_cell_alignment(column.alignment());
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_left_numbers_right() {
        let columns = [Column::Text("NAME"), Column::Number("PACKETS"), Column::Text("NOTE")];
        let rows = [["a", "1", ""], ["longer", "12345678", "x"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(
            lines(&columns, rows, Paint::Plain),
            "  NAME     PACKETS  NOTE\n  a              1\n  longer  12345678  x\n"
        );
    }

    #[test]
    fn colours_keep_the_columns_in_line() {
        let columns = [Column::Toned("STATE"), Column::Number("N")];
        let row = |tone, state| vec![Paint::Ansi.put(tone, state), "7".to_owned()];
        let rows = vec![row(Tone::Good, "up"), row(Tone::Odd, "unresolved")];
        let text = lines(&columns, rows, Paint::Ansi);
        let seen: String = ["\x1b[39m", "\x1b[32m", "\x1b[33m", "\x1b[0m"]
            .iter()
            .fold(text, |text, sequence| text.replace(sequence, ""));
        assert_eq!(seen, "  STATE       N\n  up          7\n  unresolved  7\n");
    }
}
