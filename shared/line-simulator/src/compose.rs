//! From what somebody does to the event LINE would send, with the tokens and contents that go
//! with it.

use matome_domain::clock::Timestamp;
use serde_json::{Map, Value, json};

use crate::act::{Act, Deed, Media};
use crate::chat::{Author, ChatEntry, Sent};
use crate::id;
use crate::mention::{self, Target};
use crate::people::Place;
use crate::simulator::SimulatorError;
use crate::world::{Group, Preview, ReplyToken, StoredContent, StoredMessage, World};

/// What can be answered, and so carries a reply token.
const ANSWERABLE: [&str; 8] =
    ["message", "messageEdited", "follow", "join", "memberJoined", "postback", "beacon", "videoPlayComplete"];

impl World {
    /// Does the deed: changes memberships, keeps contents, issues tokens, writes the chat, and
    /// returns the event and the chat's new entry.
    pub(crate) fn compose(
        &mut self,
        channel_id: &str,
        deed: &Deed,
        now: Timestamp,
    ) -> Result<(Value, ChatEntry), SimulatorError> {
        self.check(channel_id, deed)?;
        let (event_type, fields) = self.act(channel_id, deed, now)?;
        let mut event = json!({
            "type": event_type,
            "mode": "active",
            "timestamp": now.0,
            "source": self.source(deed),
            "webhookEventId": id::ulid(now),
            "deliveryContext": {"isRedelivery": false},
        });
        // In standby another application has the conversation: there is nothing for us to answer.
        let standby = fields.get("mode").is_some_and(|mode| mode != "active");
        if ANSWERABLE.contains(&event_type.as_str()) && !standby {
            let token = id::token();
            let issued = ReplyToken {
                channel_id: channel_id.to_owned(),
                place: deed.place.clone(),
                issued: now,
                used: false,
            };
            self.reply_tokens.insert(token.clone(), issued);
            event["replyToken"] = json!(token);
        }
        if let Value::Object(event) = &mut event {
            for (name, value) in fields {
                if value.is_null() {
                    event.remove(&name);
                } else {
                    event.insert(name, value);
                }
            }
        }
        let author = match &deed.user {
            Some(user) => Author::User { user_id: user.clone(), name: self.name_of(user) },
            None => Author::Bot { name: self.channels[channel_id].name.clone() },
        };
        let entry = self.record(now, channel_id, &deed.place, author, Sent::Event, event.clone());
        Ok((event, entry))
    }

    fn check(&self, channel_id: &str, deed: &Deed) -> Result<(), SimulatorError> {
        if !self.channels.contains_key(channel_id) {
            return Err(SimulatorError::UnknownChannel(channel_id.to_owned()));
        }
        if let Some(user) = &deed.user
            && !self.people.contains_key(user)
        {
            return Err(SimulatorError::UnknownUser(user.clone()));
        }
        match &deed.place {
            Place::User(id) if deed.user.as_ref() == Some(id) => Ok(()),
            Place::User(id) if !self.people.contains_key(id) => Err(SimulatorError::UnknownUser(id.clone())),
            Place::User(_) => Err(SimulatorError::NotAMember),
            Place::Group(id) | Place::Room(id) => {
                let group = self.groups.get(id).ok_or_else(|| SimulatorError::UnknownPlace(id.clone()))?;
                let is_in = deed.user.as_ref().is_none_or(|u| group.members.contains(u));
                let changes_members = matches!(deed.act, Act::MemberJoined { .. } | Act::MemberLeft { .. });
                if is_in || changes_members { Ok(()) } else { Err(SimulatorError::NotAMember) }
            }
        }
    }

    fn source(&self, deed: &Deed) -> Value {
        let (kind, id_name, id) = match &deed.place {
            Place::User(id) => return json!({"type": "user", "userId": id}),
            Place::Group(id) => ("group", "groupId", id),
            Place::Room(id) => ("room", "roomId", id),
        };
        let mut source = json!({"type": kind, id_name: id});
        if let Some(user) = &deed.user
            && !self.people[user].hides_user_id
        {
            source["userId"] = json!(user);
        }
        source
    }

    /// The event's type and its own fields.
    fn act(
        &mut self,
        channel_id: &str,
        deed: &Deed,
        now: Timestamp,
    ) -> Result<(String, Map<String, Value>), SimulatorError> {
        let fields = |value: Value| match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let members = |ids: &[String]| -> Vec<Value> {
            ids.iter().map(|id| json!({"type": "user", "userId": id})).collect()
        };
        Ok(match &deed.act {
            Act::Unsend { message_id } => {
                let stored = self.own_message(deed, message_id)?;
                stored.unsent = true;
                ("unsend".into(), fields(json!({"unsend": {"messageId": message_id}})))
            }
            Act::Edit { message_id, text } => {
                let mention = mention::find(text, &self.targets(channel_id, &deed.place));
                let message = &mut self.own_message(deed, message_id)?.message;
                message["text"] = json!(text);
                if let Value::Object(message) = message {
                    message.remove("mention");
                    message.extend(mention.map(|m| ("mention".to_owned(), m)));
                }
                ("messageEdited".into(), fields(json!({"message": message.clone()})))
            }
            Act::Follow => {
                let user = deed.place.id().to_owned();
                let blocked = self.channels.get_mut(channel_id).is_some_and(|c| c.blocked_by.remove(&user));
                ("follow".into(), fields(json!({"follow": {"isUnblocked": blocked}})))
            }
            Act::Unfollow => {
                let user = deed.place.id().to_owned();
                if let Some(channel) = self.channels.get_mut(channel_id) {
                    channel.blocked_by.insert(user);
                }
                ("unfollow".into(), Map::new())
            }
            Act::Join => {
                self.group(&deed.place)?.channels.insert(channel_id.to_owned());
                ("join".into(), Map::new())
            }
            Act::Leave => {
                self.group(&deed.place)?.channels.remove(channel_id);
                ("leave".into(), Map::new())
            }
            Act::MemberJoined { user_ids } => {
                let group = self.group(&deed.place)?;
                for id in user_ids {
                    if !group.members.contains(id) {
                        group.members.push(id.clone());
                    }
                }
                ("memberJoined".into(), fields(json!({"joined": {"members": members(user_ids)}})))
            }
            Act::MemberLeft { user_ids } => {
                self.group(&deed.place)?.members.retain(|m| !user_ids.contains(m));
                ("memberLeft".into(), fields(json!({"left": {"members": members(user_ids)}})))
            }
            Act::Postback { data, params } => {
                let mut postback = json!({ "data": data });
                if let Some(params) = params {
                    postback["params"] = json!(params);
                }
                ("postback".into(), fields(json!({ "postback": postback })))
            }
            Act::Beacon { hwid, kind } => {
                ("beacon".into(), fields(json!({"beacon": {"hwid": hwid, "type": kind}})))
            }
            Act::Raw { event_type, fields } => (event_type.clone(), fields.clone()),
            message => {
                ("message".into(), fields(json!({"message": self.send(channel_id, deed, message, now)})))
            }
        })
    }

    /// A new message and, for media, its content.
    fn send(&mut self, channel_id: &str, deed: &Deed, act: &Act, now: Timestamp) -> Value {
        let message_id = id::message(now, self.next());
        let provider = json!({"type": "line"});
        let (kind, quotable, mut own, media): (_, _, Value, Option<&Media>) = match act {
            Act::Text { text, quoted_message_id } => {
                let mut own = json!({ "text": text });
                if let Some(mention) = mention::find(text, &self.targets(channel_id, &deed.place)) {
                    own["mention"] = mention;
                }
                if let Some(quoted) = quoted_message_id {
                    own["quotedMessageId"] = json!(quoted);
                }
                ("text", true, own, None)
            }
            Act::Image { media, image_set } => {
                let mut own = json!({"contentProvider": provider});
                if let Some(set) = image_set {
                    own["imageSet"] = set.clone();
                }
                ("image", true, own, Some(media))
            }
            Act::Video { media, duration } => {
                ("video", true, json!({"contentProvider": provider, "duration": duration}), Some(media))
            }
            Act::Audio { media, duration } => {
                ("audio", false, json!({"contentProvider": provider, "duration": duration}), Some(media))
            }
            Act::File { media, file_name } => {
                ("file", false, json!({"fileName": file_name, "fileSize": media.bytes.len()}), Some(media))
            }
            Act::Location { title, address, latitude, longitude } => (
                "location",
                false,
                json!({"title": title, "address": address, "latitude": latitude, "longitude": longitude}),
                None,
            ),
            Act::Sticker { package_id, sticker_id, keywords } => {
                let own = json!({
                    "packageId": package_id, "stickerId": sticker_id,
                    "stickerResourceType": "STATIC", "keywords": keywords,
                });
                ("sticker", true, own, None)
            }
            _ => ("unknown", false, json!({}), None),
        };
        own["id"] = json!(message_id);
        own["type"] = json!(kind);
        if quotable {
            own["quoteToken"] = json!(id::token());
        }
        let read = id::token();
        own["markAsReadToken"] = json!(read);
        self.read_tokens.insert(read, message_id.clone());
        let content = media.map(|m| StoredContent {
            bytes: m.bytes.clone().into(),
            content_type: m.content_type.clone(),
            preparing: m.preparing,
            unprepared: m.unprepared,
            expired: m.expired,
            preview: preview(act, m),
        });
        let stored = StoredMessage {
            channel_id: channel_id.to_owned(),
            place: deed.place.clone(),
            user_id: deed.user.clone(),
            message: own.clone(),
            content,
            unsent: false,
        };
        self.messages.insert(message_id, stored);
        own
    }

    /// Whom a text in `place` can mention.
    fn targets(&self, channel_id: &str, place: &Place) -> Vec<Target> {
        let Some(group) = self.groups.get(place.id()) else {
            return Vec::new();
        };
        let people = group.members.iter().filter_map(|m| self.people.get(m)).map(|p| Target {
            name: p.display_name.clone(),
            user_id: (!p.hides_user_id).then(|| p.user_id.clone()),
            is_self: false,
        });
        let bots = group.channels.iter().filter_map(|c| self.channels.get(c)).map(|c| Target {
            name: c.name.clone(),
            user_id: Some(c.bot_user_id.clone()),
            is_self: c.channel_id == channel_id,
        });
        people.chain(bots).collect()
    }

    /// People can take back and edit only what they wrote themselves.
    fn own_message(&mut self, deed: &Deed, message_id: &str) -> Result<&mut StoredMessage, SimulatorError> {
        let own =
            self.messages.get_mut(message_id).filter(|m| m.place == deed.place && m.user_id == deed.user);
        own.ok_or_else(|| SimulatorError::UnknownMessage(message_id.to_owned()))
    }

    fn group(&mut self, place: &Place) -> Result<&mut Group, SimulatorError> {
        self.groups.get_mut(place.id()).ok_or_else(|| SimulatorError::UnknownPlace(place.id().to_owned()))
    }
}

fn preview(act: &Act, media: &Media) -> Preview {
    match act {
        Act::Image { .. } | Act::Video { .. } if !media.preview.is_empty() => {
            Preview::Picture(media.preview.clone().into())
        }
        Act::Image { .. } => Preview::Picture(media.bytes.clone().into()),
        Act::Video { .. } => Preview::Missing,
        _ => Preview::Never,
    }
}
