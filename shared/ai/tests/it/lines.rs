//! Files of dialogues in, summaries out.

use matome_ai::Summarizer;
use matome_ai::fake::FakeProvider;
use matome_ai::jsonl::{JsonlError, summarize_lines};
use matome_domain::summary::SummaryRequest;
use serde_json::Value;

const INPUT: &str = "\u{FEFF}{\"id\":\"a\",\"turns\":[{\"speaker\":\"Amanda\",\"text\":\"I baked cookies.\"},{\"speaker\":\"Jerry\",\"text\":\"Bring me some tomorrow please\"}]}\r\n\n{\"id\":7,\"turns\":[]}\n";

async fn run(summarizer: &Summarizer, input: &str) -> (Result<usize, JsonlError>, Vec<Value>) {
    let mut output = Vec::new();
    let count =
        summarize_lines(summarizer, &SummaryRequest::default(), input.as_bytes(), &mut output, |_| {}).await;
    let lines =
        String::from_utf8(output).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    (count, lines)
}

#[tokio::test]
async fn every_line_gets_its_summary() {
    let (count, lines) = run(&Summarizer::builtin(), INPUT).await;
    assert_eq!(count.unwrap(), 2);
    assert_eq!((lines[0]["id"].as_str(), lines[1]["id"].as_i64()), (Some("a"), Some(7)));
    let mut fields: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["brief", "bulletPoints", "detailed", "id"]);
    assert!(lines[0]["brief"].as_str().unwrap().contains("Amanda baked cookies"));
    assert!(lines[0]["bulletPoints"][0].is_string());
}

#[tokio::test]
async fn the_configured_provider_writes_them_too() {
    let fake = FakeProvider::start([]).await.unwrap();
    let summarizer = Summarizer::new(&fake.config()).unwrap();
    let (_, lines) = run(&summarizer, INPUT).await;
    assert_eq!(lines[0]["detailed"], "They talk. They agree.");
}

#[tokio::test]
async fn a_bad_line_stops_with_its_number_and_keeps_what_came_before() {
    let (count, lines) = run(&Summarizer::builtin(), &format!("{INPUT}{{\"id\":1}}\n")).await;
    assert_eq!(count.unwrap_err().to_string(), "line 4: turns: is missing");
    assert_eq!(lines.len(), 2);
}
