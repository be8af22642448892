//! The API's routes, of which there are six figures each: a line for each route.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::bench::Figure;

const PREFIX: &str = "api: ";
/// The figures of a route, as `matome-bench` names them.
const COLUMNS: [&str; 6] = [
    "one at a time, p50",
    "one at a time, p99",
    "one at a time, p99 in the database",
    "8 at once, p50",
    "8 at once, p99",
    "8 at once, p99 in the database",
];

/// The route and the column of a figure that is one of a route's.
pub(crate) fn place(figure: &Figure) -> Option<(&str, usize)> {
    let (route, what) = figure.name.strip_prefix(PREFIX)?.split_once(", ")?;
    Some((route, COLUMNS.iter().position(|column| *column == what)?))
}

/// A table in Markdown, milliseconds, routes by name; nothing without routes.
pub(crate) fn table(figures: &[Figure]) -> Option<String> {
    let mut rows: BTreeMap<&str, ([String; COLUMNS.len()], Option<bool>)> = BTreeMap::new();
    for figure in figures {
        let Some((route, column)) = place(figure) else { continue };
        let (cells, kept) = rows.entry(route).or_default();
        cells[column] = figure.measured.map_or_else(|| "?".to_owned(), |ms| format!("{ms:.1}"));
        *kept = match (*kept, figure.kept) {
            (Some(before), Some(now)) => Some(before && now),
            (before, now) => before.or(now),
        };
    }
    if rows.is_empty() {
        return None;
    }
    let mut text =
        "| route | alone: p50 | p99 | p99 database | 8 at once: p50 | p99 | p99 database | |\n".to_owned();
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for (route, (cells, kept)) in rows {
        let kept = match kept {
            Some(true) => "kept",
            Some(false) => "**missed**",
            None => "",
        };
        // Writing to a String cannot fail.
        let _ok = writeln!(text, "| {route} | {} | {kept} |", cells.join(" | "));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Limit;

    fn figure(name: &str, budget: Option<f64>, ms: f64) -> Figure {
        Figure::measured(name.to_owned(), budget.map(Limit::AtMost), "ms", ms)
    }

    #[test]
    fn a_route_is_one_line_with_whether_all_its_budgets_are_kept() {
        let figures = [
            figure("webhook: own time per webhook, p99", Some(2.0), 0.02),
            figure("api: listRooms, one at a time, p50", None, 2.04),
            figure("api: listRooms, one at a time, p99", Some(200.0), 3.0),
            figure("api: getRoom, one at a time, p50", None, 1.0),
            figure("api: listRooms, 8 at once, p99", Some(200.0), 201.0),
        ];
        let text = table(&figures).expect("there are routes");
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| getRoom | 1.0 |  |  |  |  |  |  |",
                "| listRooms | 2.0 | 3.0 |  |  | 201.0 |  | **missed** |"
            ]
        );
        assert_eq!(table(&figures[..1]), None);
    }
}
