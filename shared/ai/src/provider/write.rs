//! Writes one summary: with one request, or for a long talk in parts that are then joined.

use std::ops::Range;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use genai::chat::{ChatOptions, ContentPart};
use matome_domain::dialogue::Dialogue;
use matome_domain::language::Language;
use matome_domain::summary::{SummaryDraft, SummaryRequest};
use serde_json::Value;

use super::client::{Provider, options};
use super::envelope::{self, Labels};
use super::run::Run;
use super::{Failure, answer, parts};

/// Parts that are asked for at once: a long talk is done in time, and a provider's rate is not the first
/// thing it meets.
const AT_ONCE: usize = 4;

/// How long a summary may take in all, repeats included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For each step that waits for the one before it.
    pub(crate) step: Duration,
    /// At the very most.
    pub(crate) longest: Duration,
}

impl Patience {
    /// For a talk of so many parts: they are asked for [`AT_ONCE`] at a time, and then joined.
    fn for_parts(self, parts: usize) -> Duration {
        let steps = if parts <= 1 { 1 } else { parts.div_ceil(AT_ONCE) + 1 };
        self.step.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX)).min(self.longest)
    }
}

impl Provider {
    /// Writes the summary; `own` is the built-in summarizer's draft of the same talk.
    pub(crate) async fn summarize(
        &self,
        dialogue: &Dialogue,
        request: &SummaryRequest,
        own: SummaryDraft,
        run: &Run,
    ) -> Result<SummaryDraft, Failure> {
        let writing = Writing {
            provider: self,
            dialogue,
            request,
            labels: Labels::of(dialogue),
            language: Language::from_tag(&own.language).unwrap_or_default(),
            options: options(request),
            own,
            run,
        };
        let parts = writing.parts();
        let patience = self.patience().for_parts(parts.len());
        tokio::time::timeout(patience, writing.write(parts)).await.unwrap_or(Err(Failure::Timeout))
    }
}

struct Writing<'w> {
    provider: &'w Provider,
    dialogue: &'w Dialogue,
    request: &'w SummaryRequest,
    labels: Labels,
    language: Language,
    options: ChatOptions,
    own: SummaryDraft,
    run: &'w Run,
}

impl Writing<'_> {
    /// The ranges of turns that fit one request each.
    fn parts(&self) -> Vec<Range<usize>> {
        let whole = self.messages(0..self.dialogue.turns.len());
        let sizes = parts::sizes(whole["messages"].as_array().map_or(&[][..], Vec::as_slice));
        parts::split(&sizes, self.provider.chunk_tokens())
    }

    async fn write(&self, parts: Vec<Range<usize>>) -> Result<SummaryDraft, Failure> {
        if parts.len() <= 1 {
            return self.ask(self.content(0..self.dialogue.turns.len())).await.map(|(draft, _)| draft);
        }
        let asked: Vec<_> = parts.into_iter().map(|part| self.part(part)).collect();
        let mut written: Vec<Value> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        loop {
            let groups = parts::split(&parts::sizes(&written), self.provider.chunk_tokens());
            // Groups of one would never end: two at least, however large.
            let groups = if groups.len() * 2 > written.len() && groups.len() > 1 {
                pairs(written.len())
            } else {
                groups
            };
            if groups.len() == 1 {
                return self.ask(self.joined(&written)).await.map(|(draft, _)| draft);
            }
            let asked: Vec<_> = groups.into_iter().map(|group| self.join(&written[group])).collect();
            let joined = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
            written = joined;
        }
    }

    /// A part must hold like a whole one; it is kept as JSON, labels and all, to be joined.
    async fn part(&self, part: Range<usize>) -> Result<Value, Failure> {
        self.ask(self.content(part)).await.map(|(_, answer)| answer)
    }

    async fn join(&self, parts: &[Value]) -> Result<Value, Failure> {
        match parts {
            [only] => Ok(only.clone()),
            parts => self.ask(self.joined(parts)).await.map(|(_, answer)| answer),
        }
    }

    /// The summary that an answer is, and the answer itself.
    async fn ask(&self, content: Vec<ContentPart>) -> Result<(SummaryDraft, Value), Failure> {
        let read = |value: &Value| {
            let draft = answer::read(value, self.dialogue, &self.labels, self.own.clone())?;
            Ok((draft, value.clone()))
        };
        self.provider.ask(content, &self.options, self.run, read).await
    }

    fn content(&self, part: Range<usize>) -> Vec<ContentPart> {
        self.provider.content(&self.messages(part.clone()), self.dialogue, part)
    }

    fn joined(&self, parts: &[Value]) -> Vec<ContentPart> {
        let document = envelope::parts(parts, self.request, self.language);
        self.provider.content(&document, self.dialogue, 0..0)
    }

    fn messages(&self, part: Range<usize>) -> Value {
        envelope::messages(self.dialogue, part, &self.labels, self.request, self.language)
    }
}

fn pairs(count: usize) -> Vec<Range<usize>> {
    (0..count).step_by(2).map(|at| at..(at + 2).min(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_talk_of_more_parts_gets_more_time_within_a_limit() {
        let patience = Patience { step: Duration::from_secs(90), longest: Duration::from_secs(240) };
        let seconds = [0, 1, 2, 4, 5, 8, 100].map(|parts| patience.for_parts(parts).as_secs());
        assert_eq!(seconds, [90, 90, 180, 180, 240, 240, 240]);
    }
}
