//! Tables for people: columns that fit the terminal, one row a line.
//!
//! Takes cells that are safe already; cuts what does not fit and marks the place.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// No column is cut to less than this, except on terminals that have no room for any.
const NARROWEST: usize = 8;
/// Between two columns.
const GAP: usize = 2;

/// Rows under a head.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with only its head.
    pub fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row; an empty cell is shown as `-`.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { cell }).collect());
    }

    /// The lines, at most `columns` wide where that is possible at all.
    pub fn lines(&self, columns: Option<usize>) -> Vec<String> {
        let widths = fitted(self.natural(), columns);
        self.rows.iter().map(|row| line(row, &widths)).collect()
    }

    fn natural(&self) -> Vec<usize> {
        let count = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widest = |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max();
        (0..count).map(|at| widest(at).unwrap_or_default()).collect()
    }
}

/// Takes from the widest column, one by one, until the line fits.
fn fitted(mut widths: Vec<usize>, columns: Option<usize>) -> Vec<usize> {
    let Some(columns) = columns else { return widths };
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > columns {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > NARROWEST) else { break };
        *widest -= 1;
    }
    widths
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| {
        let cell = cut(cell, *width);
        let pad = width.saturating_sub(cell.width());
        format!("{cell}{:pad$}", "")
    });
    cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
}

/// The head of a cell that is too long, and a mark.
fn cut(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut used = 0;
    let head = cell.chars().take_while(|c| {
        used += c.width().unwrap_or_default();
        used < width
    });
    format!("{}…", head.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["CODE", "DOMAIN", "SESSION"]);
        table.row(vec!["7K2M".into(), "shop.example.com".into(), "refund-bot-14".into()]);
        table.row(vec!["9ABC".into(), String::new(), "東京で買う東京で買う".into()]);
        table
    }

    #[test]
    fn columns_line_up_and_are_whole_where_nobody_looks_at_a_terminal() {
        assert_eq!(
            table().lines(None),
            [
                "CODE  DOMAIN            SESSION",
                "7K2M  shop.example.com  refund-bot-14",
                "9ABC  -                 東京で買う東京で買う"
            ]
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_what_is_cut_is_marked() {
        for columns in 24..60 {
            let lines = table().lines(Some(columns));
            assert!(lines.iter().all(|line| line.width() <= columns), "{columns}: {lines:#?}");
        }
        assert_eq!(table().lines(Some(30))[1], "7K2M  shop.examp…  refund-bot…");
    }

    #[test]
    fn a_terminal_without_room_still_shows_every_column() {
        assert_eq!(table().lines(Some(5))[1], "7K2M  shop.ex…  refund-…");
    }
}
