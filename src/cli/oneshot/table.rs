//! Tables for people: columns that fit the terminal, one row a line.
//!
//! Takes cells that are safe already; cuts what does not fit and marks the place, or wraps the last column where that is what
//! the table is read for. What is copied from a table, as ids are, is never cut.

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
/// What an empty cell shows.
const NOTHING: &str = "-";

/// Rows under a head.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// The column that is never cut.
    whole: Option<usize>,
}

impl Table {
    /// A table with only its head.
    pub fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()], whole: None }
    }

    /// The column with this head is never cut, however narrow the terminal is.
    pub fn with_whole(mut self, head: &str) -> Self {
        self.whole = self.rows.first().and_then(|cells| cells.iter().position(|cell| cell == head));
        self
    }

    /// Adds a row; an empty cell is shown as `-`.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(|cell| if cell.is_empty() { NOTHING.to_owned() } else { cell }).collect());
    }

    /// The lines, at most `columns` wide where that is possible at all. Where one line is too short for a column that is never
    /// cut, the last column stands below.
    pub fn lines(&self, columns: Option<usize>) -> Vec<String> {
        let widths = fitted(self.natural(), columns, self.whole);
        match columns {
            Some(columns) if self.whole.is_some() && total(&widths) > columns => self.lines_with_last_below(columns),
            Some(_) | None => self.rows.iter().map(|row| line(row, &widths)).collect(),
        }
    }

    fn lines_with_last_below(&self, columns: usize) -> Vec<String> {
        let mut widths = self.natural();
        let Some(last) = widths.pop() else { return Vec::new() };
        let is_whole = self.whole == Some(widths.len());
        let room = if is_whole { last } else { columns.saturating_sub(INDENT).max(NARROWEST) };
        let widths = fitted(widths, Some(columns), self.whole);
        let row = |row: &Vec<String>| {
            let (beside, below) = row.split_at(widths.len().min(row.len()));
            let below =
                below.iter().filter(|cell| *cell != NOTHING).map(|cell| format!("{:INDENT$}{}", "", cut(cell, room)));
            std::iter::once(line(beside, &widths)).chain(below).collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(row).collect()
    }

    /// The lines, at most `columns` wide, with all that the last column says: it goes on below, or stands below its row.
    pub fn lines_with_whole_last(&self, columns: Option<usize>) -> Vec<String> {
        let mut widths = self.natural();
        let (Some(columns), Some(_)) = (columns, widths.pop()) else { return self.lines(columns) };
        let left = widths.iter().map(|width| width + GAP).sum::<usize>();
        let beside = left + READABLE <= columns;
        let indent = if beside { left } else { INDENT };
        let widths = if beside { widths } else { fitted(widths, Some(columns), self.whole) };
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

/// Takes from the widest column but the one that stays whole, one by one, until the line fits.
fn fitted(mut widths: Vec<usize>, columns: Option<usize>, whole: Option<usize>) -> Vec<usize> {
    let Some(columns) = columns else { return widths };
    while total(&widths) > columns {
        let may_shrink = widths.iter_mut().enumerate().filter(|(at, _)| Some(*at) != whole).map(|(_, width)| width);
        let Some(widest) = may_shrink.max().filter(|width| **width > NARROWEST) else { break };
        *widest -= 1;
    }
    widths
}

/// How wide a line of columns so wide is.
fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
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
    fn an_id_is_whole_on_every_terminal_and_what_stands_beside_it_is_shortened() {
        let id = "01a21530-b98f-73d5-be84-124eb4fff02b";
        let table = |head: [&str; 3], row: [&str; 3]| {
            let mut table = Table::new(&head).with_whole("SESSION");
            table.row(row.map(str::to_owned).to_vec());
            table
        };
        let last = table(["CODE", "RULE", "SESSION"], ["K9Q9", "purchases beyond the limit", id]);
        let first = table(["SESSION", "STATE", "GOAL"], [id, "held", "buy a headset and nothing else"]);
        for columns in 1..120 {
            for table in [&last, &first] {
                let lines = table.lines(Some(columns));
                assert!(lines.iter().any(|line| line.contains(id)), "{columns}: {lines:#?}");
                let widest = lines.iter().map(|line| line.width()).max().unwrap_or_default();
                assert!(widest <= columns || columns < 45, "{columns}: {lines:#?}");
            }
        }
        assert_eq!(last.lines(Some(60))[1], format!("K9Q9  purchases beyon…  {id}"));
        let below = ["CODE  RULE".to_owned(), "    SESSION".to_owned()];
        let row = ["K9Q9  purchases beyond the limit".to_owned(), format!("    {id}")];
        assert_eq!(last.lines(Some(45)), [below, row].concat());
        let row = [format!("{id}  held"), "    buy a headset and nothing else".to_owned()];
        assert_eq!(first.lines(Some(50))[2..], row);
        let goalless = table(["SESSION", "STATE", "GOAL"], [id, "held", ""]);
        assert_eq!(goalless.lines(Some(45))[2..], [format!("{id}  held")]);
    }

    #[test]
    fn a_terminal_without_room_still_shows_every_column() {
        assert_eq!(table().lines(Some(5))[1], "7K2M  shop.ex…  refund-…");
    }
}
