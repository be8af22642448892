//! What every summary must hold before anyone sees it, whoever wrote it: each statement rests on
//! messages that exist; a statement left with none is dropped; a summary left without a brief is
//! no summary.

use std::collections::HashSet;

use matome_domain::dialogue::Dialogue;
use matome_domain::summary::{CATEGORIES, Statement, SummaryDraft};

/// The draft says nothing: no brief, or a brief that rests on nothing in a talk that has messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the summary has no brief that rests on the dialogue")]
pub struct Unfounded;

/// Cleans `draft` in place: unknown and repeated sources go, statements without sources go, so do
/// empty texts, unknown categories and participants that are not in the dialogue.
///
/// # Errors
/// [`Unfounded`] when nothing worth keeping is left.
pub fn verify(draft: &mut SummaryDraft, dialogue: &Dialogue) -> Result<(), Unfounded> {
    let known: HashSet<&str> = dialogue.turns.iter().map(|t| t.id.as_str()).collect();
    let clean = |sources: &mut Vec<String>| {
        let mut seen = HashSet::new();
        sources.retain(|id| known.contains(id.as_str()) && seen.insert(id.clone()));
        !sources.is_empty()
    };
    let founded = |s: &mut Statement| !s.text.trim().is_empty() && clean(&mut s.sources);
    draft.detailed.retain_mut(founded);
    draft.bullet_points.retain_mut(founded);
    draft.decisions.retain_mut(founded);
    draft.open_questions.retain_mut(founded);
    draft.image_insights.retain_mut(founded);
    draft.action_items.retain_mut(|a| !a.item.trim().is_empty() && clean(&mut a.sources));
    for action in &mut draft.action_items {
        action.assigned_to = action.assigned_to.take().filter(|a| !a.trim().is_empty());
        action.deadline =
            action.deadline.take().filter(|d| d.len() == 10 && d.parse::<jiff::civil::Date>().is_ok());
    }
    draft.category = draft.category.take().filter(|c| CATEGORIES.contains(&c.as_str()));
    let speakers: HashSet<&str> = dialogue.turns.iter().map(|t| t.speaker.id.as_str()).collect();
    draft.participants.retain(|p| speakers.contains(p.speaker_id.as_str()));
    draft.participants.iter_mut().for_each(|p| p.key_points.retain_mut(founded));
    let brief_founded = clean(&mut draft.brief_sources);
    if draft.brief.trim().is_empty() || !(brief_founded || dialogue.turns.is_empty()) {
        return Err(Unfounded);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use matome_domain::dialogue::{Speaker, Turn, TurnContent};
    use matome_domain::summary::{ActionItem, Level, ParticipantPoints, Sentiment};

    use super::*;

    fn dialogue() -> Dialogue {
        let turn = |id: &str| Turn {
            id: id.to_owned(),
            speaker: Speaker { id: "s".to_owned(), name: "Sam".to_owned() },
            at: None,
            content: TurnContent::Text { text: "hello".to_owned() },
        };
        Dialogue { turns: vec![turn("a"), turn("b")], utc_offset_minutes: 0 }
    }

    fn statement(text: &str, sources: &[&str]) -> Statement {
        Statement { text: text.to_owned(), sources: sources.iter().map(|s| (*s).to_owned()).collect() }
    }

    #[test]
    fn unknown_sources_go_and_statements_without_any_go_with_them() {
        let mut draft = SummaryDraft {
            brief: "b".to_owned(),
            brief_sources: vec!["a".to_owned(), "zzz".to_owned(), "a".to_owned()],
            detailed: vec![
                statement("kept", &["b", "x"]),
                statement("dropped", &["x"]),
                statement(" ", &["a"]),
            ],
            category: Some("gossip".to_owned()),
            action_items: vec![ActionItem {
                item: "do".to_owned(),
                assigned_to: Some(String::new()),
                priority: Level::Low,
                deadline: Some("soon".to_owned()),
                sources: vec!["a".to_owned()],
            }],
            participants: vec![ParticipantPoints {
                speaker_id: "s".to_owned(),
                message_count: 2,
                sentiment: Sentiment::Neutral,
                key_points: vec![statement("kept", &["x", "a"]), statement("dropped", &["x"])],
            }],
            ..SummaryDraft::default()
        };
        verify(&mut draft, &dialogue()).unwrap();
        assert_eq!(draft.brief_sources, ["a"]);
        assert_eq!(draft.detailed, [statement("kept", &["b"])]);
        assert_eq!(draft.participants[0].key_points, [statement("kept", &["a"])]);
        assert_eq!(draft.category, None);
        assert_eq!(
            (draft.action_items[0].assigned_to.clone(), draft.action_items[0].deadline.clone()),
            (None, None)
        );
    }

    #[test]
    fn a_brief_must_rest_on_the_dialogue() {
        let mut nothing = SummaryDraft::default();
        assert_eq!(verify(&mut nothing, &dialogue()), Err(Unfounded));
        let mut invented = SummaryDraft {
            brief: "b".to_owned(),
            brief_sources: vec!["x".to_owned()],
            ..SummaryDraft::default()
        };
        assert_eq!(verify(&mut invented, &dialogue()), Err(Unfounded));
        let mut empty_talk =
            SummaryDraft { brief: "There are no messages.".to_owned(), ..SummaryDraft::default() };
        assert_eq!(verify(&mut empty_talk, &Dialogue::default()), Ok(()));
    }
}
