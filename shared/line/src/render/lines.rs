//! Lines of a given width in terminal columns: CJK and emoji take two, Thai marks none.

use std::sync::LazyLock;

use icu_segmenter::options::LineBreakOptions;
use icu_segmenter::{LineSegmenter, LineSegmenterBorrowed};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Knows where Japanese and Thai, which write no spaces, may be broken.
static SEGMENTER: LazyLock<LineSegmenterBorrowed<'static>> =
    LazyLock::new(|| LineSegmenter::new_auto(LineBreakOptions::default()));

/// Where a line stands in its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Start,
    Center,
    End,
}

/// `text` in lines of at most `width` columns, broken where its language allows.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut start = 0;
        for end in SEGMENTER.segment_str(paragraph) {
            let piece = &paragraph[start..end];
            start = end;
            if line.width() + piece.trim_end().width() > width && !line.is_empty() {
                lines.push(line.trim_end().to_owned());
                line.clear();
            }
            if piece.trim_end().width() <= width {
                line.push_str(piece);
                continue;
            }
            for grapheme in piece.graphemes(true) {
                if line.width() + grapheme.width() > width && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                line.push_str(grapheme);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// `line` filled with spaces to `width` columns.
pub(super) fn pad(line: &str, width: usize, align: Align) -> String {
    let room = width.saturating_sub(line.width());
    let before = match align {
        Align::Start => 0,
        Align::Center => room / 2,
        Align::End => room,
    };
    format!("{}{line}{}", " ".repeat(before), " ".repeat(room - before))
}

/// Columns that the widest of `lines` takes.
pub(super) fn width_of(lines: &[String]) -> usize {
    lines.iter().map(|l| l.width()).max().unwrap_or(0)
}
