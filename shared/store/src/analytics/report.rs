//! Adds up what was found: pure.

use std::collections::BTreeMap;

use matome_domain::activity::Answers;
use matome_domain::clock::Timestamp;
use matome_domain::summary::Sentiment;

use super::activity::Talk;
use super::sessions::Begun;
use super::{Analytics, AnalyticsQuery, AnswerTimes, By, Figures, MAX_ROOMS, Part, PartOf, TOPICS};
use crate::time::timestamp;

/// Rooms are without their names yet.
pub(super) fn of(query: &AnalyticsQuery, talk: Vec<Talk>, sessions: Vec<Begun>) -> Analytics {
    let mut total = Counting::default();
    let mut parts: BTreeMap<PartOf, Counting> = BTreeMap::new();
    if query.by == By::Day {
        parts.extend(query.days.each().map(|day| (PartOf::Day(day), Counting::default())));
    }
    let part = |room, at: Timestamp| match query.by {
        By::Day => query.days.day_of(at).map(PartOf::Day),
        By::Room => Some(PartOf::Room(room, None)),
    };
    for Talk { room, quarter } in talk {
        let part = part(room, quarter.from).map(|part| parts.entry(part).or_default());
        for counting in part.into_iter().chain([&mut total]) {
            for (kind, count) in &quarter.kinds {
                counting.figures.messages += count;
                *counting.figures.by_kind.entry(kind.clone()).or_default() += count;
            }
            quarter.answers.iter().for_each(|took| counting.answers.add(took));
        }
    }
    for session in sessions {
        let part = part(session.room_id, timestamp(session.start_time));
        let part = part.map(|part| parts.entry(part).or_default());
        for counting in part.into_iter().chain([&mut total]) {
            counting.add(&session);
        }
    }
    let mut parts: Vec<Part> =
        parts.into_iter().map(|(of, counting)| Part { of, figures: counting.figures() }).collect();
    if query.by == By::Room {
        parts.sort_by(|a, b| b.figures.messages.cmp(&a.figures.messages).then_with(|| a.of.cmp(&b.of)));
        parts.truncate(MAX_ROOMS);
    }
    Analytics { total: total.figures(), parts }
}

#[derive(Default)]
struct Counting {
    figures: Figures,
    /// Of closed sessions.
    milliseconds: u64,
    answers: Answers,
    topics: BTreeMap<String, u64>,
}

impl Counting {
    fn add(&mut self, session: &Begun) {
        let sessions = &mut self.figures.sessions;
        sessions.count += 1;
        if let Some(milliseconds) = session.duration {
            sessions.closed += 1;
            self.milliseconds += u64::try_from(milliseconds).unwrap_or_default();
        }
        let Some(found) = &session.ai_analysis else { return };
        match found.sentiment {
            Sentiment::Positive => sessions.sentiment.positive += 1,
            Sentiment::Neutral => sessions.sentiment.neutral += 1,
            Sentiment::Negative => sessions.sentiment.negative += 1,
        }
        for topic in &found.topics {
            *self.topics.entry(topic.clone()).or_default() += 1;
        }
        if let Some(category) = &found.category {
            *sessions.categories.entry(category.clone()).or_default() += 1;
        }
    }

    fn figures(mut self) -> Figures {
        self.figures.answers = AnswerTimes {
            count: self.answers.count(),
            average_ms: self.answers.average(),
            p50_ms: self.answers.percentile(50),
            p90_ms: self.answers.percentile(90),
        };
        let mut topics: Vec<(String, u64)> = self.topics.into_iter().collect();
        // Those with as many sessions stay in the order of their names.
        topics.sort_by_key(|(_, sessions)| std::cmp::Reverse(*sessions));
        topics.truncate(TOPICS);
        self.figures.topics = topics;
        let sessions = &mut self.figures.sessions;
        sessions.average_duration_ms = self.milliseconds.checked_div(sessions.closed);
        self.figures
    }
}
