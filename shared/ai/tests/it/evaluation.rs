//! How good the built-in summarizer is, on dialogues with summaries that people wrote, against the
//! baseline that is hard to beat for chats: the first three messages. Run with `--no-capture` for
//! the table.

use matome_ai::summarize_builtin;
use matome_domain::summary::SummaryRequest;
use serde_json::Value;

use crate::rouge::Rouge;

const SETS: [(&str, &str); 3] = [
    ("en", include_str!("../dialogues/en.jsonl")),
    ("ja", include_str!("../dialogues/ja.jsonl")),
    ("th", include_str!("../dialogues/th.jsonl")),
];

fn lead_three(value: &Value) -> String {
    let turns = value["turns"].as_array().unwrap();
    turns
        .iter()
        .take(3)
        .map(|t| format!("{}: {}", t["speaker"].as_str().unwrap(), t["text"].as_str().unwrap()))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn briefs_beat_the_first_three_messages_in_every_language() {
    for (language, lines) in SETS {
        let (mut briefs, mut leads) = (Vec::new(), Vec::new());
        for (at, line) in lines.lines().enumerate() {
            let value: Value = serde_json::from_str(line).unwrap();
            let (id, dialogue) = matome_ai::jsonl::parse_line(line, at + 1).unwrap();
            let reference = value["reference"].as_str().unwrap();
            let draft = summarize_builtin(&dialogue, &SummaryRequest::default());
            assert_eq!(draft.language, language, "{id}");
            println!("{id}\n  reference: {reference}\n  brief:     {}", draft.brief);
            for statement in &draft.detailed {
                println!("    · {}", statement.text);
            }
            for action in &draft.action_items {
                println!("    → {} [{:?}]", action.item, action.assigned_to);
            }
            println!("    topics {:?} {:?} {:?}", draft.key_topics, draft.category, draft.sentiment);
            briefs.push(Rouge::of(&draft.brief, reference));
            leads.push(Rouge::of(&lead_three(&value), reference));
        }
        let (brief, lead) = (Rouge::mean(&briefs), Rouge::mean(&leads));
        for (name, score) in [("brief", brief), ("lead-3", lead)] {
            println!(
                "{language} {name:7} ROUGE-1 {:.3} ROUGE-2 {:.3} ROUGE-L {:.3}",
                score.one, score.two, score.longest
            );
        }
        assert!(brief.one > lead.one, "{language} ROUGE-1 {} against {}", brief.one, lead.one);
        assert!(brief.two > lead.two, "{language} ROUGE-2 {} against {}", brief.two, lead.two);
        assert!(
            brief.longest > lead.longest,
            "{language} ROUGE-L {} against {}",
            brief.longest,
            lead.longest
        );
    }
}
