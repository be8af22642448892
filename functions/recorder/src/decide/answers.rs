//! What is to be said back: always with the event's own reply token, which is free.

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_domain::ids::DocumentId;
use matome_line::postback::PostbackAction;
use matome_store::Write;
use matome_store::entities::{NewOutboxEntry, Purpose};
use matome_store::id::object_id;
use matome_store::time::date;

use super::talk::reply_token;
use super::{Desk, Fact};

impl Desk<'_> {
    /// Queues an answer to `fact`, if it can be answered.
    pub(super) fn answer(&mut self, fact: &Fact, what: &str, purpose: Purpose) {
        let Some(token) = reply_token(fact).filter(|t| t.expires_at > date(self.now)) else { return };
        let now = date(self.now);
        let entry = NewOutboxEntry {
            id: self.key.outbox_id(what, &fact.event_id),
            tenant_id: self.key.tenant.to_string(),
            channel_id: self.key.channel.to_string(),
            conversation_id: self.key.conversation.to_string(),
            room_id: Some(self.key.room_id()),
            purpose,
            reply_token: Some(token),
            reply_only: true,
            retry_key: (self.retry_keys)(),
        };
        self.outbox.push(entry.queued(now));
    }

    /// A summary that the quota kept back is offered with the first free token.
    pub(super) fn offer_waiting_summary(&mut self, fact: &Fact) {
        let fresh = reply_token(fact).is_some_and(|t| t.expires_at > date(self.now));
        let waiting = self.rooms.get(self.key.room_id()).and_then(|r| r.waiting_summary_id);
        if let Some(summary_id) = waiting.filter(|_| fresh) {
            self.room(fact).waiting_summary_id = None;
            self.answer(fact, "ready", Purpose::SummaryReady { summary_id });
        }
    }

    /// Does what a button asks for; returns the action as it is recorded.
    pub(super) fn tap(&mut self, fact: &Fact, action: &PostbackAction) -> Document {
        match action {
            PostbackAction::ShowSummary { summary_id } => {
                if let Some(id) = object_id(summary_id) {
                    self.answer(fact, "show", Purpose::Summary { summary_id: id });
                }
                recorded("showSummary", summary_id)
            }
            PostbackAction::ShowDetails { summary_id } => {
                if let Some(id) = object_id(summary_id) {
                    self.answer(fact, "details", Purpose::Details { summary_id: id });
                }
                recorded("showDetails", summary_id)
            }
            PostbackAction::RateSummary { summary_id, rating } => {
                let stars = i32::from(rating.stars());
                if let Some(id) = object_id(summary_id).filter(|id| self.may_rate(*id)) {
                    self.rate(fact, id, stars);
                    self.answer(fact, "thanks", Purpose::RatingThanks { rating: stars });
                }
                let mut action = recorded("rateSummary", summary_id);
                action.insert("rating", stars);
                action
            }
            PostbackAction::Summarize => {
                if !self.close_by_hand(fact) {
                    self.answer(fact, "nothing", Purpose::NothingToSummarize);
                }
                doc! { "type": "summarize" }
            }
            PostbackAction::Unknown { data } => doc! { "type": "unknown", "data": data },
        }
    }

    /// Whether a summary is there and for those in this room.
    fn may_rate(&self, summary: ObjectId) -> bool {
        let (delivery, here) = (&self.terms.settings.delivery, Some(self.key.room_id()));
        self.summaries.iter().any(|known| {
            known.id == summary
                && known.channel_id == self.key.channel.as_str()
                && delivery.is_for(known.room_id, here, self.key.conversation.as_str())
        })
    }

    /// One person's answer in place of whoever's was there: stars beside another one's words would be
    /// nobody's.
    fn rate(&mut self, fact: &Fact, summary: ObjectId, stars: i32) {
        let mut feedback = doc! { "rating": stars, "ratedAt": date(fact.at) };
        if let Some(user) = fact.user.as_deref() {
            feedback.insert("ratedBy", self.key.user_id(user));
        }
        let set = doc! { "feedback": feedback, "updatedAt": date(self.now) };
        self.ratings.push(Write::update(summary, doc! { "$set": set, "$inc": { "__v": 1 } }));
    }
}

fn recorded(what: &str, summary: &DocumentId) -> Document {
    doc! { "type": what, "summaryId": summary.as_str() }
}
