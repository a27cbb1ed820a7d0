//! Columns that stand under each other.

use unicode_width::UnicodeWidthStr as _;

use super::fit;

/// Rows of cells as lines of at most `width` columns: each column is as wide as its widest cell, empty columns vanish, and
/// what has no room is marked.
pub(super) fn aligned(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|row| row.get(c)).map(|cell| cell.width()).max().unwrap_or(0))
        .collect();
    rows.iter().map(|row| fit(line(row, &widths).trim_end(), width)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut out = String::new();
    for (cell, width) in row.iter().zip(widths).filter(|(_, width)| **width > 0) {
        out.push_str(cell);
        out.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn columns_stand_under_each_other_and_a_cut_is_marked() {
        let rows = [row(&["a", "", "410.00 USD", "x"]), row(&["東京", "", "1", "y"])];
        assert_eq!(aligned(&rows, 40), ["a     410.00 USD  x", "東京  1           y"]);
        assert_eq!(aligned(&rows, 10), ["a     410…", "東京  1  …"]);
    }
}
