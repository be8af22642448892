//! Reads the .txt file that LINE's own "export chat history" writes, in English, Japanese and Thai,
//! from phones (tab-separated) and desktops (space-separated, `2024.03.05 Tuesday`).
//!
//! The file has no message ids and no speaker ids: turns are `m1`, `m2`, …, a speaker's id is the name.

mod body;
mod date;
mod line;
mod notice;

use jiff::civil::{Date, DateTime};
use matome_domain::clock::Timestamp;
use matome_domain::dialogue::{Dialogue, Speaker, Turn};
use matome_domain::language::Language;

use self::line::Line;

/// An exported chat.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// The chat's name from the header: the other person, or the group.
    pub title: Option<String>,
    /// The language that the file's own words are in.
    pub language: Language,
    /// The talk, without notices (joins, leaves, unsent messages, calls).
    pub dialogue: Dialogue,
    /// Notices that were passed over.
    pub notices: usize,
}

/// Why a file is not an exported chat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ParseError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong; never repeats the line.
    pub reason: &'static str,
}

/// Reads an exported chat. Times in the file are local: `utc_offset_minutes` says where.
///
/// # Errors
/// [`ParseError`] for a file without a date line before its first message, or without any message
/// in the form LINE writes.
pub fn parse(text: &str, utc_offset_minutes: i32) -> Result<Export, ParseError> {
    let text = text.trim_start_matches('\u{FEFF}');
    let lines: Vec<&str> = text.lines().map(|l| l.trim_end_matches('\r')).collect();
    let mut reader = Reader::new(utc_offset_minutes, date::order(&lines));
    let names = line::desktop_names(&lines);
    let mut at = 0;
    while at < lines.len() {
        at += reader.read(&lines, at, &names)?;
    }
    reader.finish(lines.len())
}

struct Reader {
    export: Export,
    order: date::Order,
    today: Option<Date>,
}

impl Reader {
    fn new(utc_offset_minutes: i32, order: date::Order) -> Self {
        let dialogue = Dialogue { turns: Vec::new(), utc_offset_minutes };
        Self {
            export: Export { title: None, language: Language::En, dialogue, notices: 0 },
            order,
            today: None,
        }
    }

    /// Reads what starts at line `at`; returns how many lines it took.
    fn read(&mut self, lines: &[&str], at: usize, names: &[String]) -> Result<usize, ParseError> {
        let text = lines[at];
        if self.export.dialogue.turns.is_empty() && self.today.is_none() {
            if let Some((title, language)) = line::header(text) {
                self.export.title = Some(title);
                self.export.language = language;
                return Ok(1);
            }
            if line::is_saved_on(text) {
                return Ok(1);
            }
        }
        if text.trim().is_empty() {
            return Ok(1);
        }
        if let Some(date) = date::of_line(text, self.order) {
            self.today = Some(date);
            return Ok(1);
        }
        match line::message(text, names) {
            Some(Line::Message { time, name, text }) => {
                let Some(today) = self.today else {
                    return Err(ParseError {
                        line: at + 1,
                        reason: "a message stands before the first date line",
                    });
                };
                let (body, taken) = body::gather(lines, at, text);
                if notice::is_call_or_note(&body) {
                    self.export.notices += 1;
                    return Ok(taken);
                }
                // "Photos" with more below it is something that somebody wrote.
                let alone = lines.get(at + taken).is_none_or(|next| {
                    next.trim().is_empty()
                        || date::of_line(next, self.order).is_some()
                        || line::message(next, names).is_some()
                });
                let id = format!("m{}", self.export.dialogue.turns.len() + 1);
                self.export.dialogue.turns.push(Turn {
                    id,
                    speaker: Speaker { id: name.to_owned(), name: name.to_owned() },
                    at: timestamp(today.to_datetime(time), self.export.dialogue.utc_offset_minutes),
                    content: body::content(&body, alone && !names.is_empty()),
                });
                Ok(taken)
            }
            Some(Line::Notice) => {
                self.export.notices += 1;
                Ok(1)
            }
            None => self.continued(text, at),
        }
    }

    /// A line that starts nothing goes on with the message before it.
    fn continued(&mut self, text: &str, at: usize) -> Result<usize, ParseError> {
        match self.export.dialogue.turns.last_mut() {
            Some(turn) => {
                body::append(&mut turn.content, text);
                Ok(1)
            }
            // Right after a notice at the very start there is nothing to go on with.
            None if self.today.is_some() && self.export.notices > 0 => Ok(1),
            None => Err(ParseError {
                line: at + 1,
                reason: "is neither a header, a date nor a message of an exported LINE chat",
            }),
        }
    }

    fn finish(self, lines: usize) -> Result<Export, ParseError> {
        if self.export.dialogue.turns.is_empty() && self.export.notices == 0 {
            return Err(ParseError { line: lines.max(1), reason: "the file ends without a message" });
        }
        Ok(self.export)
    }
}

fn timestamp(local: DateTime, offset_minutes: i32) -> Option<Timestamp> {
    let offset = jiff::tz::Offset::from_seconds(offset_minutes.checked_mul(60)?).ok()?;
    offset.to_timestamp(local).ok().map(|t| Timestamp(t.as_millisecond()))
}
