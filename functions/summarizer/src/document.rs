//! A written summary as the seed's documents.

use bson::oid::ObjectId;
use matome_ai::Written;
use matome_domain::clock::Timestamp;
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
    Summary {
        id: summary_id(session.id),
        tenant_id: session.tenant_id.clone(),
        session_id: session.id,
        room_id: session.room_id,
        channel_id: session.channel_id.clone(),
        revision: session.revision,
        generated_by: if session.trigger == Some(CloseTrigger::Manual) { "manual" } else { "system" }
            .to_owned(),
        triggered_by: session.closed_by,
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
                key_points: p.key_points.clone(),
            })
            .collect(),
        citations: citations(draft),
        ai_metadata: metadata(written),
        language: draft.language.clone(),
        visibility: before.map_or_else(|| "room".to_owned(), |b| b.visibility.clone()),
        feedback: before.and_then(|b| b.feedback.clone()),
        status: SummaryStatus::Completed,
        completed_at: Some(date(now)),
        created_at: before.map_or_else(|| date(now), |b| b.created_at),
        updated_at: date(now),
        version: before.map_or(0, |b| b.version + 1),
    }
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
    let mut citations = Vec::new();
    for (field, lists) in fields {
        for (index, ids) in lists.iter().enumerate() {
            citations.push(Citation {
                field: field.to_owned(),
                index: i64::try_from(index).unwrap_or(i64::MAX),
                message_ids: ids.iter().filter_map(|id| ObjectId::parse_str(id).ok()).collect(),
            });
        }
    }
    citations
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
