//! Columns of text.

use console::{Alignment, measure_text_width, pad_str, style};

/// Rows under a heading, each column as wide as its widest cell.
pub(super) fn render(heading: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
        cells.chain([heading[column]]).map(measure_text_width).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded =
            cells.iter().zip(&widths).map(|(cell, width)| pad_str(cell, *width, Alignment::Left, None));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text = format!("{}\n", style(line(heading.to_vec())).dim());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        let rows = [vec!["まとめ".to_owned(), "1".to_owned()], vec!["a".to_owned(), "22".to_owned()]];
        let text = console::strip_ansi_codes(&render(&["name", "n"], &rows)).into_owned();
        assert_eq!(text, "name    n\nまとめ  1\na       22\n");
    }
}
