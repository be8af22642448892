//! `cargo xtask summarize`: summarizes a file, by the provider that the environment names (`AI_PROVIDER`,
//! `AI_MODEL`, `AI_BASE_URL`, `AI_API_KEY`, `AI_VISION`) or by the built-in summarizer.

use std::fmt::Write as _;
use std::io::{BufReader, Read, stdin, stdout};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use matome_ai::jsonl::summarize_lines;
use matome_ai::{AiConfig, Secret, Summarizer, TokenBudget, Written, export};
use matome_domain::language::Language;
use matome_domain::summary::{Sentiment, Statement, SummaryRequest};
use matome_local_stack::{Progress, variable};

#[derive(Debug, Args)]
pub(crate) struct Summarize {
    /// The .txt file of LINE's "export chat history" in English, Japanese or Thai; `-` is standard input.
    file: PathBuf,
    /// The file holds dialogues, one a line: {"id","turns":[{"speaker","text"}]}. Writes
    /// {"id","brief","detailed","bulletPoints"} a line.
    #[arg(long)]
    jsonl: bool,
    /// Write in this language (en, ja, th) instead of that of the talk.
    #[arg(long, value_parser = language)]
    language: Option<Language>,
    /// Where the people of the exported chat are: minutes east of UTC, such as 540 for Japan.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-1080..=1080))]
    utc_offset: i32,
}

fn language(tag: &str) -> Result<Language, String> {
    Language::from_tag(tag).ok_or_else(|| "use en, ja or th".to_owned())
}

impl Summarize {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let summarizer = Summarizer::new(&config_from(variable)?)?;
        let language = self.language.map(|language| language.tag().to_owned());
        let request = SummaryRequest { language, ..SummaryRequest::default() };
        let name = self.file.display().to_string();
        let input = self.open().with_context(|| format!("cannot read {name}"))?;
        if self.jsonl {
            let step = Progress::shown().step(format!("Summarizing {name}"));
            let note = |line| step.note(format!("line {line}"));
            summarize_lines(&summarizer, &request, BufReader::new(input), stdout().lock(), note)
                .await
                .with_context(|| name.clone())?;
            step.done();
            return Ok(());
        }
        let mut text = String::new();
        { input }.read_to_string(&mut text).with_context(|| format!("cannot read {name}"))?;
        let chat = export::parse(&text, self.utc_offset).with_context(|| name.clone())?;
        let (provider, model) = summarizer.writer();
        let step = Progress::shown().step(format!("Summarizing {name} with {provider} {model}"));
        let written = summarizer.summarize(&chat.dialogue, &request, TokenBudget::Unlimited).await;
        step.done();
        print!("{}", render(&chat, &written));
        Ok(())
    }

    fn open(&self) -> std::io::Result<Box<dyn Read>> {
        if self.file.as_os_str() == "-" {
            return Ok(Box::new(stdin()));
        }
        Ok(Box::new(std::fs::File::open(&self.file)?))
    }
}

/// The settings of the summarizer function. An exported chat has no pictures for `AI_VISION` to show.
fn config_from(read: impl Fn(&str) -> Option<String>) -> anyhow::Result<AiConfig> {
    Ok(AiConfig {
        provider: read("AI_PROVIDER"),
        model: read("AI_MODEL"),
        base_url: read("AI_BASE_URL"),
        api_key: read("AI_API_KEY").map(Secret::new),
        vision: read("AI_VISION").map(|value| value.parse()).transpose().context("AI_VISION")?,
        ..AiConfig::default()
    })
}

fn render(chat: &export::Export, written: &Written) -> String {
    let draft = &written.draft;
    let turns = &chat.dialogue.turns;
    let title = chat.title.as_deref().unwrap_or("Chat");
    let mut text = format!("{title} ({} messages)\n\n{}\n", turns.len(), draft.brief);
    let statements = |list: &[Statement]| list.iter().map(|s| s.text.clone()).collect::<Vec<_>>();
    let actions = draft.action_items.iter().map(|action| {
        let who = action.assigned_to.as_ref().map(|name| format!(" — {name}")).unwrap_or_default();
        let when = action.deadline.as_ref().map(|day| format!(" ({day})")).unwrap_or_default();
        format!("{}{who}{when}", action.item)
    });
    let people = draft.participants.iter().map(|person| {
        let speaker = turns.iter().map(|turn| &turn.speaker).find(|speaker| speaker.id == person.speaker_id);
        let name = speaker.map_or("?", |speaker| speaker.name.as_str());
        let points: String =
            person.key_points.iter().map(|point| format!("\n      {}", point.text)).collect();
        let (said, tone) = (person.message_count, tone(person.sentiment));
        format!("{name} ({said} of {} messages, {tone}){points}", turns.len())
    });
    for (heading, items) in [
        ("In full", statements(&draft.detailed)),
        ("Key points", statements(&draft.bullet_points)),
        ("To do", actions.collect()),
        ("Decided", statements(&draft.decisions)),
        ("Open questions", statements(&draft.open_questions)),
        ("Topics", draft.key_topics.clone()),
        ("Tone", vec![tone(draft.sentiment).to_owned()]),
        ("People", people.collect()),
    ] {
        if !items.is_empty() {
            // Writing to a String cannot fail.
            let _ok = writeln!(text, "\n{heading}\n  • {}", items.join("\n  • "));
        }
    }
    let by = &written.provenance;
    let why = by.fallback_reason.as_ref().map(|reason| format!(" ({reason:?})")).unwrap_or_default();
    let _ok = writeln!(text, "\nWritten by {} {}{why}", by.provider, by.model);
    text
}

fn tone(sentiment: Sentiment) -> &'static str {
    match sentiment {
        Sentiment::Positive => "positive",
        Sentiment::Neutral => "neutral",
        Sentiment::Negative => "negative",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &str = "[LINE] Chat history in Team\nSaved on: 2024/03/06 10:00\n\n2024.03.05 Tuesday\n\
        10:00 Emma Can you send the menu by Friday?\n10:01 Tanaka Yes, I will send the menu by Friday.\n";

    #[tokio::test]
    async fn an_exported_chat_becomes_a_summary_that_says_who_wrote_it() {
        let chat = export::parse(CHAT, 540).unwrap();
        let summarizer = Summarizer::new(&config_from(|_| None).unwrap()).unwrap();
        let request = SummaryRequest::default();
        let written = summarizer.summarize(&chat.dialogue, &request, TokenBudget::Unlimited).await;
        let text = render(&chat, &written);
        assert!(text.contains("(2 messages)") && text.contains("menu"), "{text}");
        for heading in ["In full", "Key points", "To do", "Tone", "People"] {
            assert!(text.contains(&format!("\n{heading}\n  • ")), "{heading}: {text}");
        }
        assert!(text.contains("Tone\n  • neutral\n"), "{text}");
        assert!(text.contains("• Tanaka (1 of 2 messages, neutral)\n      Tanaka "), "{text}");
        assert!(text.contains("Written by builtin"), "{text}");
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let config = config_from(|name| (name == "AI_PROVIDER").then(|| "nobody".to_owned()));
        let error = Summarizer::new(&config.unwrap()).err().unwrap();
        assert!(error.to_string().starts_with("AI_PROVIDER"), "{error}");
        let error = config_from(|name| (name == "AI_VISION").then(|| "yes".to_owned())).unwrap_err();
        assert_eq!(error.to_string(), "AI_VISION");
    }
}
