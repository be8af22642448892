//! What messages and summaries are found by.

use matome_domain::words;
use serde::Deserialize;

use crate::entities::{LocationData, Message, MessageStatus, Summary, SummaryAnalysis, SummaryContent};

/// Words kept of a message. LINE's longest text has 5,000 characters; this is a page of print.
const MESSAGE_WORDS: usize = 500;
/// Words kept of a summary.
const SUMMARY_WORDS: usize = 1_000;

/// The parts of a message that have words.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageText {
    content: Option<String>,
    file_data: Option<File>,
    location_data: Option<LocationData>,
    sticker_data: Option<Sticker>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    file_name: String,
}

#[derive(Debug, Deserialize)]
struct Sticker {
    text: Option<String>,
}

impl MessageText {
    /// Names of the fields, for projections.
    pub(super) const FIELDS: [&str; 4] = ["content", "fileData.fileName", "locationData", "stickerData.text"];

    /// Text, name of a file, title and address of a place, text of a sticker.
    pub(super) fn text(&self) -> String {
        let place = self.location_data.as_ref();
        lines(&[
            self.content.as_deref(),
            self.file_data.as_ref().map(|file| file.file_name.as_str()),
            place.and_then(|place| place.title.as_deref()),
            place.and_then(|place| place.address.as_deref()),
            self.sticker_data.as_ref().and_then(|sticker| sticker.text.as_deref()),
        ])
    }

    /// The words it is found by.
    pub(crate) fn words(&self) -> Vec<String> {
        words::of(&self.text(), MESSAGE_WORDS)
    }
}

impl Message {
    /// Brings `search` in line with what the message says. To be called by whoever changes that. Commands
    /// and tombstones have no words.
    pub fn renew_search(&mut self) {
        if self.status == MessageStatus::Deleted || self.command.is_some() {
            self.search.clear();
            return;
        }
        let text = MessageText {
            content: self.content.clone(),
            file_data: self.file_data.as_ref().map(|file| File { file_name: file.file_name.clone() }),
            location_data: self.location_data.clone(),
            sticker_data: self.sticker_data.as_ref().map(|sticker| Sticker { text: sticker.text.clone() }),
        };
        self.search = text.words();
    }
}

/// The parts of a summary that have words.
#[derive(Debug, Default, Deserialize)]
pub(super) struct SummaryText {
    #[serde(default)]
    content: SummaryContent,
    #[serde(default)]
    analysis: SummaryAnalysis,
}

impl SummaryText {
    /// Names of the fields, for projections.
    pub(super) const FIELDS: [&str; 2] = ["content", "analysis"];

    /// All it says, a line each.
    pub(super) fn text(&self) -> String {
        of_summary(&self.content, &self.analysis)
    }

    /// The words it is found by.
    pub(crate) fn words(&self) -> Vec<String> {
        words::of(&self.text(), SUMMARY_WORDS)
    }
}

impl Summary {
    /// Brings `search` in line with what the summary says. To be called by whoever changes that.
    pub fn renew_search(&mut self) {
        self.search = words::of(&of_summary(&self.content, &self.analysis), SUMMARY_WORDS);
    }
}

fn of_summary(content: &SummaryContent, analysis: &SummaryAnalysis) -> String {
    let mut all = vec![Some(content.brief.as_str()), Some(content.detailed.as_str())];
    let lists = [&content.bullet_points, &content.decisions, &content.open_questions];
    let lists = lists.into_iter().chain([&analysis.key_topics, &analysis.tags, &analysis.image_insights]);
    all.extend(lists.flatten().map(|text| Some(text.as_str())));
    all.extend(content.action_items.iter().flat_map(|a| [Some(a.item.as_str()), a.assigned_to.as_deref()]));
    lines(&all)
}

fn lines(parts: &[Option<&str>]) -> String {
    let parts: Vec<&str> = parts.iter().flatten().copied().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

/// The words of a stored document, for the migration that gives them to those that have none.
pub(crate) fn words_of_message(document: bson::Document) -> Result<Vec<String>, bson::error::Error> {
    if document.get_str("status").is_ok_and(|status| status == "deleted") || document.contains_key("command")
    {
        return Ok(Vec::new());
    }
    bson::deserialize_from_document::<MessageText>(document).map(|text| text.words())
}

/// As [`words_of_message`].
pub(crate) fn words_of_summary(document: bson::Document) -> Result<Vec<String>, bson::error::Error> {
    bson::deserialize_from_document::<SummaryText>(document).map(|text| text.words())
}
