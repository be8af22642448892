//! What comes back: parsed, its labels turned into ids, and refused when it is not a summary of
//! this talk but someone else's wish.

use matome_domain::dialogue::Dialogue;
use matome_domain::summary::{ActionItem, Level, ParticipantPoints, Sentiment, Statement, SummaryDraft};
use serde::Deserialize;

use super::envelope::{Labels, SYSTEM};
use super::failure::Failure;
use crate::builtin;
use crate::verify::verify;

/// The answer as the schema has it. Lenient where leaving out does no harm.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    brief: String,
    brief_sources: Vec<String>,
    detailed: Vec<Statement>,
    bullet_points: Vec<Statement>,
    #[serde(default)]
    action_items: Vec<Action>,
    #[serde(default)]
    decisions: Vec<Statement>,
    #[serde(default)]
    open_questions: Vec<Statement>,
    #[serde(default)]
    key_topics: Vec<String>,
    #[serde(default)]
    sentiment: Sentiment,
    #[serde(default)]
    emotions: Vec<String>,
    #[serde(default)]
    urgency: Level,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    image_insights: Vec<Statement>,
    #[serde(default)]
    participants: Vec<Person>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    item: String,
    #[serde(default)]
    assigned_to: Option<String>,
    #[serde(default)]
    priority: Level,
    #[serde(default)]
    deadline: Option<String>,
    sources: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    name: String,
    #[serde(default)]
    sentiment: Sentiment,
    #[serde(default)]
    key_points: Vec<Statement>,
}

/// The JSON object in an answer; models like to wrap it in a code fence.
pub(super) fn json(text: &str) -> Result<serde_json::Value, Failure> {
    let start = text.find('{').ok_or(Failure::Malformed)?;
    let end = text.rfind('}').filter(|end| *end > start).ok_or(Failure::Malformed)?;
    serde_json::from_str(&text[start..=end]).map_err(|_| Failure::Malformed)
}

/// Reads an answer into a draft that holds for `dialogue`. `draft` is the built-in summarizer's and
/// supplies what an answer cannot know (counts) or left out (people).
pub(super) fn read(
    value: &serde_json::Value,
    dialogue: &Dialogue,
    labels: &Labels,
    own: SummaryDraft,
) -> Result<SummaryDraft, Failure> {
    if repeats_instructions(value) {
        return Err(Failure::Malformed);
    }
    let answer = Answer::deserialize(value).map_err(|_| Failure::Malformed)?;
    let ids = |sources: Vec<String>| -> Vec<String> {
        sources.iter().filter_map(|l| labels.turns.get(l.trim()).cloned()).collect()
    };
    let statements = |list: Vec<Statement>| -> Vec<Statement> {
        list.into_iter().map(|s| Statement { text: tidy(&s.text), sources: ids(s.sources) }).collect()
    };
    let participants = participants(answer.participants, labels, own.participants)
        .map(|(person, said)| match said {
            Some(said) => ParticipantPoints {
                sentiment: said.sentiment,
                key_points: statements(said.key_points),
                ..person
            },
            None => person,
        })
        .collect();
    let mut draft = SummaryDraft {
        language: own.language.clone(),
        brief: tidy(&answer.brief),
        brief_sources: ids(answer.brief_sources),
        detailed: statements(answer.detailed),
        bullet_points: statements(answer.bullet_points),
        action_items: answer
            .action_items
            .into_iter()
            .map(|a| ActionItem {
                item: tidy(&a.item),
                assigned_to: a.assigned_to.map(|name| plain_name(&name, dialogue, labels)),
                priority: a.priority,
                deadline: a.deadline,
                sources: ids(a.sources),
            })
            .collect(),
        decisions: statements(answer.decisions),
        open_questions: statements(answer.open_questions),
        key_topics: texts(answer.key_topics),
        sentiment: answer.sentiment,
        emotions: texts(answer.emotions),
        urgency: answer.urgency,
        category: answer.category,
        tags: texts(answer.tags),
        image_insights: statements(answer.image_insights),
        participants,
    };
    verify(&mut draft, dialogue).map_err(|_| Failure::Malformed)?;
    builtin::keep_what_was_said(&mut draft.action_items, dialogue);
    if draft.detailed.is_empty() || !builtin::shares_words(&draft, dialogue) {
        return Err(Failure::Malformed);
    }
    Ok(draft)
}

fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn texts(list: Vec<String>) -> Vec<String> {
    const MOST: usize = 12;
    list.into_iter()
        .map(|t| tidy(&t))
        .filter(|t| !t.is_empty() && t.chars().count() <= 80)
        .take(MOST)
        .collect()
}

/// Whether any string in the answer repeats a line of the instructions.
fn repeats_instructions(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => {
            let text = tidy(text).to_lowercase();
            SYSTEM
                .lines()
                .flat_map(|l| l.split(". "))
                .filter(|l| l.len() >= 40)
                .any(|l| text.contains(&l.trim_end_matches('.').to_lowercase()))
        }
        serde_json::Value::Array(list) => list.iter().any(repeats_instructions),
        serde_json::Value::Object(map) => map.values().any(repeats_instructions),
        _ => false,
    }
}

/// A name without the number that tells people of one name apart.
fn plain_name(name: &str, dialogue: &Dialogue, labels: &Labels) -> String {
    let id = labels.names.iter().find(|(_, n)| *n == name.trim()).map(|(id, _)| id);
    let speaker = id.and_then(|id| dialogue.turns.iter().find(|t| t.speaker.id == *id));
    speaker.map_or_else(|| name.trim().to_owned(), |t| t.speaker.name.clone())
}

/// Everyone who spoke, counted by us, with the answer's view of them where it has one.
fn participants(
    mut answer: Vec<Person>,
    labels: &Labels,
    own: Vec<ParticipantPoints>,
) -> impl Iterator<Item = (ParticipantPoints, Option<Person>)> {
    own.into_iter().map(move |person| {
        let name = labels.names.get(&person.speaker_id);
        let at = answer.iter().position(|p| Some(&p.name) == name);
        (person, at.map(|at| answer.swap_remove(at)))
    })
}
