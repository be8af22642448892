//! Puts counted rows together: pure.

use std::collections::BTreeMap;

use bson::Bson;
use bson::oid::ObjectId;
use matome_domain::summary::Sentiment;

use super::{
    Analytics, AnalyticsQuery, AnswerTimes, By, Figures, MAX_ROOMS, Part, PartOf, SentimentCounts, Sessions,
    answers, sessions, volume,
};

pub(super) fn of(
    query: &AnalyticsQuery,
    volume: Vec<volume::Row>,
    answers: &[answers::Row],
    sessions: Vec<sessions::Row>,
    topics: Vec<sessions::Topic>,
    names: &BTreeMap<ObjectId, Option<String>>,
) -> Analytics {
    let mut total = Counted::default();
    let mut parts: BTreeMap<PartOf, Counted> = BTreeMap::new();
    if query.by == By::Day {
        parts.extend(query.days.each().map(|day| (PartOf::Day(day), Counted::default())));
    }
    let of = |part: &Bson| match part {
        Bson::ObjectId(room) => Some(PartOf::Room(*room, names.get(room).cloned().flatten())),
        Bson::String(day) => day.parse().ok().map(PartOf::Day),
        _ => None,
    };
    for row in volume {
        let part = of(&row.part).map(|part| parts.entry(part).or_default());
        for counted in part.into_iter().chain([&mut total]) {
            counted.figures.messages += unsigned(row.messages);
            *counted.figures.by_kind.entry(row.kind.clone()).or_default() += unsigned(row.messages);
        }
    }
    for row in sessions {
        let part = of(&row.part).map(|part| parts.entry(part).or_default());
        for counted in part.into_iter().chain([&mut total]) {
            counted.add(&row);
        }
    }
    for row in answers {
        let part = of(&row.part).map(|part| parts.entry(part).or_default());
        for counted in part.into_iter().chain([&mut total]) {
            counted.answers.push(row);
        }
    }
    let mut parts: Vec<Part> =
        parts.into_iter().map(|(of, counted)| Part { of, figures: counted.figures() }).collect();
    if query.by == By::Room {
        parts.sort_by(|a, b| b.figures.messages.cmp(&a.figures.messages).then_with(|| a.of.cmp(&b.of)));
        parts.truncate(MAX_ROOMS);
    }
    let topics = topics.into_iter().map(|topic| (topic.topic, unsigned(topic.sessions))).collect();
    Analytics { total: total.figures(), topics, parts }
}

#[derive(Default)]
struct Counted<'r> {
    figures: Figures,
    milliseconds: u64,
    answers: Vec<&'r answers::Row>,
}

impl Counted<'_> {
    fn add(&mut self, row: &sessions::Row) {
        let count = unsigned(row.sessions);
        let Sessions { count: all, closed, sentiment, categories, .. } = &mut self.figures.sessions;
        *all += count;
        *closed += unsigned(row.closed);
        self.milliseconds += unsigned(row.milliseconds);
        let SentimentCounts { positive, neutral, negative } = sentiment;
        match row.sentiment {
            Some(Sentiment::Positive) => *positive += count,
            Some(Sentiment::Neutral) => *neutral += count,
            Some(Sentiment::Negative) => *negative += count,
            None => {}
        }
        if let Some(category) = &row.category {
            *categories.entry(category.clone()).or_default() += count;
        }
    }

    fn figures(mut self) -> Figures {
        self.figures.answers = AnswerTimes::of(self.answers);
        let closed = self.figures.sessions.closed;
        self.figures.sessions.average_duration_ms = self.milliseconds.checked_div(closed);
        self.figures
    }
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}
