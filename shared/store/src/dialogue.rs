//! A session's messages as the dialogue that a summarizer reads.

use std::collections::HashMap;

use bson::oid::ObjectId;
use matome_domain::dialogue::{Dialogue, ImageData, Speaker, Turn, TurnContent};

use crate::entities::{Message, MessageStatus, User};
use crate::time::timestamp;

/// The speaker of messages whose sender LINE does not tell.
const UNIDENTIFIED: &str = "unidentified";

/// Whether a message is part of the talk: commands and tombstones are not.
#[must_use]
pub fn counts(message: &Message) -> bool {
    let nothing_known = message.placeholder && message.content.is_none();
    message.status != MessageStatus::Deleted && message.command.is_none() && !nothing_known
}

/// Messages in time order, with the names of those who spoke and the pictures that were loaded.
#[must_use]
pub fn dialogue(
    messages: &[Message],
    users: &[User],
    mut pictures: HashMap<ObjectId, ImageData>,
    utc_offset_minutes: i32,
) -> Dialogue {
    let names: HashMap<ObjectId, &str> =
        users.iter().filter_map(|u| Some((u.id, u.display_name.as_deref()?))).collect();
    let mut nameless: Vec<ObjectId> = Vec::new();
    let turns = messages.iter().filter(|m| counts(m)).map(|m| Turn {
        id: m.id.to_hex(),
        speaker: speaker(m, &names, &mut nameless),
        at: Some(timestamp(m.timestamp)),
        content: content(m, pictures.remove(&m.id)),
    });
    Dialogue { turns: turns.collect(), utc_offset_minutes }
}

fn speaker(message: &Message, names: &HashMap<ObjectId, &str>, nameless: &mut Vec<ObjectId>) -> Speaker {
    let Some(user) = message.user_id else {
        return Speaker { id: UNIDENTIFIED.to_owned(), name: "?".to_owned() };
    };
    let name = names.get(&user).map_or_else(
        || {
            // Told apart, at least, until LINE tells the name.
            let at = nameless.iter().position(|n| *n == user).unwrap_or_else(|| {
                nameless.push(user);
                nameless.len() - 1
            });
            format!("User {}", at + 1)
        },
        |name| (*name).to_owned(),
    );
    Speaker { id: user.to_hex(), name }
}

fn content(message: &Message, picture: Option<ImageData>) -> TurnContent {
    let file_name = || message.file_data.as_ref().map(|f| f.file_name.clone()).unwrap_or_default();
    match message.message_type.as_str() {
        "image" => TurnContent::Image {
            description: message
                .media
                .as_ref()
                .and_then(|m| m.analysis.as_ref())
                .and_then(|a| a.get_str("description").ok())
                .map(str::to_owned),
            data: picture,
        },
        "video" => TurnContent::Video,
        "audio" => TurnContent::Audio,
        "file" => TurnContent::File { name: file_name() },
        "sticker" => TurnContent::Sticker {
            keywords: message.sticker_data.as_ref().map(|s| s.keywords.clone()).unwrap_or_default(),
        },
        "location" => {
            let place = message.location_data.as_ref();
            let label = place.and_then(|p| p.title.clone().or_else(|| p.address.clone()));
            TurnContent::Location { label: label.unwrap_or_default() }
        }
        _ => match &message.content {
            Some(text) => TurnContent::Text { text: text.clone() },
            // A kind of message that came after this code: something was sent, we cannot say what.
            None => TurnContent::File { name: message.message_type.clone() },
        },
    }
}
