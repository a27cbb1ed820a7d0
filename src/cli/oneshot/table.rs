//! Tables for people: columns that fit the terminal, one row a line.
//!
//! Takes cells that are safe already; cuts what does not fit and marks the place, or wraps the last column where that is what
//! the table is read for.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::operator::layout::wrap;

/// No column is cut to less than this, except on terminals that have no room for any.
const NARROWEST: usize = 8;
/// Between two columns.
const GAP: usize = 2;
/// A last column that is wrapped stands on lines of its own where it would have less room than this, and begins there so far
/// from the left.
const READABLE: usize = 24;
const INDENT: usize = 4;

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

    /// The lines, at most `columns` wide, with all that the last column says: it goes on below, or stands below its row.
    pub fn lines_with_whole_last(&self, columns: Option<usize>) -> Vec<String> {
        let mut widths = self.natural();
        let (Some(columns), Some(_)) = (columns, widths.pop()) else { return self.lines(columns) };
        let left = widths.iter().map(|width| width + GAP).sum::<usize>();
        let beside = left + READABLE <= columns;
        let indent = if beside { left } else { INDENT };
        let widths = if beside { widths } else { fitted(widths, Some(columns)) };
        let room = columns.saturating_sub(indent).max(NARROWEST);
        let row = |row: &Vec<String>| {
            let mut wrapped = row.last().map(|last| wrap(last, room)).unwrap_or_default().into_iter();
            let mut first = line(row.get(..widths.len()).unwrap_or(row), &widths);
            if beside {
                let pad = left.saturating_sub(first.width());
                first = format!("{first}{:pad$}{}", "", wrapped.next().unwrap_or_default());
            }
            let below = wrapped.map(|text| format!("{:indent$}{text}", ""));
            let lines = std::iter::once(first).chain(below).map(|line| line.trim_end().to_owned());
            lines.collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(row).collect()
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
    fn a_last_column_that_counts_is_whole_on_every_terminal() {
        let mut table = Table::new(&["SEQ", "CODE", "WHAT"]);
        table.row(vec!["1".into(), "7K2M".into(), "rule purchase, high, 410.00 USD, shop.example.com".into()]);
        for columns in 16..90 {
            let lines = table.lines_with_whole_last(Some(columns));
            assert!(lines.iter().all(|line| line.width() <= columns), "{columns}: {lines:#?}");
            let words = lines.join(" ").split_whitespace().collect::<String>();
            assert!(words.ends_with("rulepurchase,high,410.00USD,shop.example.com"), "{columns}: {lines:#?}");
        }
        assert_eq!(table.lines_with_whole_last(None), table.lines(None));
        let beside = ["SEQ  CODE  WHAT", "1    7K2M  rule purchase, high, 410.00", "           USD, shop.example.com"];
        assert_eq!(table.lines_with_whole_last(Some(40)), beside);
        let below = [
            "SEQ  CODE",
            "    WHAT",
            "1    7K2M",
            "    rule purchase,",
            "    high, 410.00 USD,",
            "    shop.example.com",
        ];
        assert_eq!(table.lines_with_whole_last(Some(22)), below);
    }

    #[test]
    fn a_terminal_without_room_still_shows_every_column() {
        assert_eq!(table().lines(Some(5))[1], "7K2M  shop.ex…  refund-…");
    }
}
