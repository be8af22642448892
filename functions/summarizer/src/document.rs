//! A written summary as the seed's documents.

use bson::oid::ObjectId;
use matome_ai::Written;
use matome_domain::clock::Timestamp;
use matome_domain::dialogue::{Dialogue, TurnContent};
use matome_domain::queue::CloseTrigger;
use matome_domain::summary::{ActionItem, Statement, SummaryDraft};
use matome_store::entities::{
    AiAnalysis, AiMetadata, Citation, Session, StoredActionItem, Summary, SummaryAnalysis, SummaryContent,
    SummaryParticipant, SummaryStatus,
};
use matome_store::id::derived;
use matome_store::time::date;

/// The id of a session's summary.
#[must_use]
pub fn summary_id(session: ObjectId) -> ObjectId {
    derived(&["summary", &session.to_hex()])
}

/// The document of a summary just written; `before` is the one it takes the place of.
#[must_use]
pub fn summary(session: &Session, written: &Written, before: Option<&Summary>, now: Timestamp) -> Summary {
    let draft = &written.draft;
    let by_hand = session.trigger == Some(CloseTrigger::Manual) || session.summary_wish.is_some();
    let by_schedule = session.trigger == Some(CloseTrigger::Schedule);
    let generated_by = if by_hand {
        "manual"
    } else if by_schedule {
        "scheduled"
    } else {
        "system"
    };
    let mut summary = Summary {
        id: summary_id(session.id),
        tenant_id: session.tenant_id.clone(),
        session_id: session.id,
        room_id: session.room_id,
        channel_id: session.channel_id.clone(),
        revision: session.revision,
        generated_by: generated_by.to_owned(),
        triggered_by: session.summary_wish.as_ref().and_then(|wish| wish.by).or(session.closed_by),
        content: content(draft),
        analysis: SummaryAnalysis {
            key_topics: draft.key_topics.clone(),
            sentiment: draft.sentiment,
            emotions: draft.emotions.clone(),
            urgency: draft.urgency,
            category: draft.category.clone(),
            tags: draft.tags.clone(),
            image_insights: texts(&draft.image_insights),
        },
        participants: draft
            .participants
            .iter()
            .map(|p| SummaryParticipant {
                user_id: ObjectId::parse_str(&p.speaker_id).ok(),
                message_count: i64::from(p.message_count),
                sentiment: p.sentiment,
                key_points: texts(&p.key_points),
            })
            .collect(),
        citations: citations(draft),
        ai_metadata: metadata(written),
        language: draft.language.clone(),
        visibility: before.map_or_else(|| "room".to_owned(), |b| b.visibility.clone()),
        exports: before.map(|b| b.exports.clone()).unwrap_or_default(),
        feedback: before.and_then(|b| b.feedback.clone()),
        search: Vec::new(),
        status: SummaryStatus::Completed,
        scheduled_for: by_schedule.then_some(session.closes_at),
        completed_at: Some(date(now)),
        deleted_at: before.and_then(|b| b.deleted_at),
        deleted_by: before.and_then(|b| b.deleted_by),
        created_at: before.map_or_else(|| date(now), |b| b.created_at),
        updated_at: date(now),
        version: before.map_or(0, |b| b.version + 1),
    };
    summary.renew_search();
    summary
}

/// `session.aiAnalysis`.
#[must_use]
pub fn analysis(draft: &SummaryDraft) -> AiAnalysis {
    AiAnalysis {
        sentiment: draft.sentiment,
        urgency: draft.urgency,
        category: draft.category.clone(),
        topics: draft.key_topics.clone(),
    }
}

/// What a provider saw in each picture it was shown, to be kept with the picture (the seed's
/// `geminiAnalysis`). A statement about several messages says too little about any one of them.
#[must_use]
pub fn pictures_seen(dialogue: &Dialogue, written: &Written) -> Vec<(ObjectId, String)> {
    let shown = |id: &str| {
        dialogue
            .turns
            .iter()
            .any(|turn| turn.id == id && matches!(&turn.content, TurnContent::Image { data: Some(_), .. }))
    };
    let insights = written.draft.image_insights.iter();
    let of_one = insights.filter_map(|insight| match insight.sources.as_slice() {
        [message] if shown(message) => Some((ObjectId::parse_str(message).ok()?, insight.text.clone())),
        _ => None,
    });
    if written.provenance.fallback_reason.is_some() { Vec::new() } else { of_one.collect() }
}

fn content(draft: &SummaryDraft) -> SummaryContent {
    let spaces = !matches!(draft.language.get(..2), Some("ja" | "zh"));
    SummaryContent {
        brief: draft.brief.clone(),
        detailed: texts(&draft.detailed).join(if spaces { " " } else { "" }),
        bullet_points: texts(&draft.bullet_points),
        action_items: draft.action_items.iter().map(action_item).collect(),
        decisions: texts(&draft.decisions),
        open_questions: texts(&draft.open_questions),
    }
}

fn action_item(item: &ActionItem) -> StoredActionItem {
    StoredActionItem {
        item: item.item.clone(),
        assigned_to: item.assigned_to.clone(),
        priority: item.priority,
        deadline: item.deadline.clone(),
    }
}

fn texts(statements: &[Statement]) -> Vec<String> {
    statements.iter().map(|s| s.text.clone()).collect()
}

fn citations(draft: &SummaryDraft) -> Vec<Citation> {
    let of = |statements: &[Statement]| statements.iter().map(|s| s.sources.clone()).collect();
    let fields: [(&str, Vec<Vec<String>>); 7] = [
        ("brief", vec![draft.brief_sources.clone()]),
        ("detailed", of(&draft.detailed)),
        ("bulletPoints", of(&draft.bullet_points)),
        ("actionItems", draft.action_items.iter().map(|a| a.sources.clone()).collect()),
        ("decisions", of(&draft.decisions)),
        ("openQuestions", of(&draft.open_questions)),
        ("imageInsights", of(&draft.image_insights)),
    ];
    let of_fields = fields.into_iter().flat_map(|(field, lists)| cited(field, None, lists));
    let of_people = draft
        .participants
        .iter()
        .enumerate()
        .flat_map(|(participant, p)| cited("keyPoints", Some(position(participant)), of(&p.key_points)));
    of_fields.chain(of_people).collect()
}

/// One list of statements, each by the messages it rests on.
fn cited(
    field: &'static str,
    participant: Option<i64>,
    lists: Vec<Vec<String>>,
) -> impl Iterator<Item = Citation> {
    lists.into_iter().enumerate().map(move |(index, ids)| Citation {
        field: field.to_owned(),
        participant,
        index: position(index),
        message_ids: ids.iter().filter_map(|id| ObjectId::parse_str(id).ok()).collect(),
    })
}

fn position(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

fn metadata(written: &Written) -> AiMetadata {
    let provenance = &written.provenance;
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    AiMetadata {
        provider: provenance.provider.clone(),
        model: provenance.model.clone(),
        fallback_reason: provenance.fallback_reason,
        tokens_used: count(provenance.tokens_used()),
        input_tokens: count(provenance.input_tokens),
        output_tokens: count(provenance.output_tokens),
        processing_time: count(provenance.processing_time_ms),
        cost: provenance.cost,
        requests: i64::from(provenance.requests),
    }
}

#[cfg(test)]
mod tests {
    use matome_domain::dialogue::{ImageData, Speaker, Turn};
    use matome_domain::summary::{FallbackReason, ParticipantPoints, Provenance, Sentiment};

    use super::*;

    fn turn(id: &str, content: TurnContent) -> Turn {
        Turn { id: id.into(), speaker: Speaker { id: "s".into(), name: "S".into() }, at: None, content }
    }

    #[test]
    fn key_points_are_cited_by_participant_and_position() {
        let [first, second] = ["0", "1"].map(|n| n.repeat(24));
        let point = |of: &String| Statement { text: "a point".into(), sources: vec![of.clone()] };
        let person = |key_points| ParticipantPoints {
            speaker_id: "s".into(),
            message_count: 1,
            sentiment: Sentiment::Neutral,
            key_points,
        };
        let draft = SummaryDraft {
            brief_sources: vec![first.clone()],
            participants: vec![person(vec![]), person(vec![point(&first), point(&second)])],
            ..SummaryDraft::default()
        };
        let cited = |field: &str, participant, index, of: &str| Citation {
            field: field.into(),
            participant,
            index,
            message_ids: vec![ObjectId::parse_str(of).unwrap()],
        };
        assert_eq!(
            citations(&draft),
            [
                cited("brief", None, 0, &first),
                cited("keyPoints", Some(1), 0, &first),
                cited("keyPoints", Some(1), 1, &second),
            ]
        );
    }

    #[test]
    fn only_what_was_shown_was_seen() {
        let [shown, not_shown, text] = ["0", "1", "2"].map(|n| n.repeat(24));
        let data = Some(ImageData { media_type: "image/png".into(), bytes: vec![1] });
        let dialogue = Dialogue {
            turns: vec![
                turn(&shown, TurnContent::Image { description: None, data }),
                turn(&not_shown, TurnContent::Image { description: None, data: None }),
                turn(&text, TurnContent::Text { text: "hi".into() }),
            ],
            utc_offset_minutes: 0,
        };
        let insight = |of: &[&String]| Statement {
            text: "a shop front".into(),
            sources: of.iter().map(|s| (*s).clone()).collect(),
        };
        let mut written = Written { draft: SummaryDraft::default(), provenance: Provenance::default() };
        written.draft.image_insights =
            vec![insight(&[&shown]), insight(&[&not_shown]), insight(&[&text]), insight(&[&shown, &text])];
        let seen = pictures_seen(&dialogue, &written);
        assert_eq!(seen, [(ObjectId::parse_str(&shown).unwrap(), "a shop front".to_owned())]);
        written.provenance.fallback_reason = Some(FallbackReason::Timeout);
        assert!(pictures_seen(&dialogue, &written).is_empty(), "the built-in one sees nothing");
    }
}
