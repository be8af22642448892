//! Files of dialogues, one a line, for evaluation: reads `{"id","turns":[{"speaker","text"}]}` and
//! writes `{"id","brief","detailed","bulletPoints"}`.

use std::io::{BufRead, Write};

use matome_domain::dialogue::{Dialogue, Speaker, Turn, TurnContent};
use matome_domain::summary::{SummaryDraft, SummaryRequest};
use serde::Serialize;
use serde_json::Value;

use crate::summarizer::{Summarizer, TokenBudget};

/// Why a file of dialogues could not be worked through. Never repeats the file's text.
#[derive(Debug, thiserror::Error)]
pub enum JsonlError {
    /// A line is not a dialogue.
    #[error("line {line}: {field}: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// The field, such as `turns[2].speaker`; `line` for the whole.
        field: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file cannot be read.
    #[error("line {line}: cannot be read")]
    Read {
        /// Counted from 1.
        line: usize,
        /// The cause.
        source: std::io::Error,
    },
    /// The result cannot be written.
    #[error("the result of line {line} cannot be written")]
    Write {
        /// The input line, counted from 1.
        line: usize,
        /// The cause.
        source: std::io::Error,
    },
}

/// One line of the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// As given: a string or a number.
    pub id: Value,
    /// [`SummaryDraft::brief`].
    pub brief: String,
    /// The sentences of [`SummaryDraft::detailed`], joined.
    pub detailed: String,
    /// The texts of [`SummaryDraft::bullet_points`].
    pub bullet_points: Vec<String>,
}

impl Output {
    /// The output for a draft.
    #[must_use]
    pub fn of(id: Value, draft: &SummaryDraft) -> Self {
        let gap = if draft.language == "ja" { "" } else { " " };
        Self {
            id,
            brief: draft.brief.clone(),
            detailed: draft.detailed.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(gap),
            bullet_points: draft.bullet_points.iter().map(|s| s.text.clone()).collect(),
        }
    }
}

/// Summarizes every line of `input` into a line of `output`; empty lines are passed over. Returns
/// how many dialogues there were. `progress` is told the line just finished.
///
/// # Errors
/// [`JsonlError`] at the first line that is not a dialogue; what came before it is written.
pub async fn summarize_lines(
    summarizer: &Summarizer,
    request: &SummaryRequest,
    input: impl BufRead,
    mut output: impl Write,
    mut progress: impl FnMut(usize),
) -> Result<usize, JsonlError> {
    let mut count = 0;
    for (at, text) in input.lines().enumerate() {
        let line = at + 1;
        let text = text.map_err(|source| JsonlError::Read { line, source })?;
        let text = text.trim_start_matches('\u{FEFF}').trim();
        if text.is_empty() {
            continue;
        }
        let (id, dialogue) = parse_line(text, line)?;
        let written = summarizer.summarize(&dialogue, request, TokenBudget::Unlimited).await;
        let failed = |source: std::io::Error| JsonlError::Write { line, source };
        serde_json::to_writer(&mut output, &Output::of(id, &written.draft)).map_err(|e| failed(e.into()))?;
        output.write_all(b"\n").map_err(failed)?;
        count += 1;
        progress(line);
    }
    output.flush().map_err(|source| JsonlError::Write { line: count, source })?;
    Ok(count)
}

/// Reads one line: the dialogue's id and its turns, with ids `1`, `2`, … A turn may carry `at`
/// (milliseconds since the epoch).
///
/// # Errors
/// [`JsonlError::Line`] with `line` and the field.
pub fn parse_line(text: &str, line: usize) -> Result<(Value, Dialogue), JsonlError> {
    let refuse = |field: String, reason| JsonlError::Line { line, field, reason };
    let value: Value = serde_json::from_str(text).map_err(|_| refuse("line".to_owned(), "is not JSON"))?;
    let object = value.as_object().ok_or_else(|| refuse("line".to_owned(), "is not a JSON object"))?;
    let id = match object.get("id") {
        Some(id @ (Value::String(_) | Value::Number(_))) => id.clone(),
        Some(_) => return Err(refuse("id".to_owned(), "must be a string or a number")),
        None => return Err(refuse("id".to_owned(), "is missing")),
    };
    let turns = match object.get("turns") {
        Some(Value::Array(turns)) => turns,
        Some(_) => return Err(refuse("turns".to_owned(), "must be an array")),
        None => return Err(refuse("turns".to_owned(), "is missing")),
    };
    let mut dialogue = Dialogue::default();
    for (at, turn) in turns.iter().enumerate() {
        let text_of = |name: &str| match turn.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(refuse(format!("turns[{at}].{name}"), "must be a string")),
            None => Err(refuse(format!("turns[{at}].{name}"), "is missing")),
        };
        let speaker = text_of("speaker")?;
        let when =
            match turn.get("at") {
                None | Some(Value::Null) => None,
                Some(value) => Some(value.as_i64().ok_or_else(|| {
                    refuse(format!("turns[{at}].at"), "must be milliseconds since the epoch")
                })?),
            };
        dialogue.turns.push(Turn {
            id: (at + 1).to_string(),
            speaker: Speaker { id: speaker.clone(), name: speaker },
            at: when.map(matome_domain::clock::Timestamp),
            content: TurnContent::Text { text: text_of("text")? },
        });
    }
    Ok((id, dialogue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named_with_its_field_and_not_repeated() {
        for (text, field) in [
            ("{", "line"),
            ("[]", "line"),
            (r#"{"turns":[]}"#, "id"),
            (r#"{"id":true,"turns":[]}"#, "id"),
            (r#"{"id":"a"}"#, "turns"),
            (r#"{"id":"a","turns":{}}"#, "turns"),
            (r#"{"id":"a","turns":[{"speaker":"x","text":"y"},{"text":"secret"}]}"#, "turns[1].speaker"),
            (r#"{"id":"a","turns":[{"speaker":"x","text":7}]}"#, "turns[0].text"),
            (r#"{"id":"a","turns":["secret"]}"#, "turns[0].speaker"),
        ] {
            let message = parse_line(text, 7).unwrap_err().to_string();
            assert!(message.starts_with(&format!("line 7: {field}: ")), "{message}");
            assert!(!message.contains("secret"));
        }
    }
}
