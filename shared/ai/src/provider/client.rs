//! Talks to the provider: one request at a time, repeated where that can help, counted always.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use genai::chat::{
    ChatMessage, ChatOptions, ChatRequest, ChatResponse, ChatResponseFormat, ContentPart, JsonSpec,
    StopReason,
};
use genai::resolver::{AuthData, Endpoint, ServiceTargetResolver};
use genai::{Client, ModelIden, ServiceTarget};
use matome_domain::dialogue::{Dialogue, TurnContent};
use matome_domain::summary::SummaryRequest;
use serde_json::Value;

use super::envelope::{self, SYSTEM, tokens};
use super::pace::{Pace, wait};
use super::run::{Run, Underway};
use super::write::Patience;
use super::{Failure, answer};
use crate::config::{AiConfig, Target};

/// Tokens that an answer may take, thinking included, where the organization says nothing else.
const ANSWER_TOKENS: u32 = 8_000;
/// Pictures of one request, and bytes of one picture.
const PICTURES: usize = 8;
const PICTURE_BYTES: usize = 4 * 1024 * 1024;

/// A configured provider.
pub(crate) struct Provider {
    client: Client,
    model: String,
    vision: bool,
    timeout: Duration,
    patience: Patience,
    max_retries: u32,
    chunk_tokens: u64,
    pace: Arc<dyn Pace>,
}

impl Provider {
    /// Connects nothing yet; the first request does.
    pub(crate) fn new(target: &Target, config: &AiConfig, pace: Arc<dyn Pace>) -> Result<Self, genai::Error> {
        let fixed = target.clone();
        let resolver = ServiceTargetResolver::from_resolver_fn(
            move |given: ServiceTarget| -> Result<ServiceTarget, genai::resolver::Error> {
                let endpoint = fixed.base_url.clone().map_or(given.endpoint, Endpoint::from_owned);
                // Never from the environment: a key that nobody configured is nobody's to use.
                let auth = AuthData::from_single(fixed.api_key.as_ref().map_or("none", |k| k.expose()));
                Ok(ServiceTarget {
                    endpoint,
                    auth,
                    model: ModelIden::new(fixed.adapter, fixed.model.clone()),
                })
            },
        );
        let client = Client::builder()
            .with_adapter_kind(target.adapter)
            .with_service_target_resolver(resolver)
            .build()?;
        Ok(Self {
            client,
            model: target.model.clone(),
            vision: target.vision,
            timeout: config.timeout,
            patience: Patience { step: config.total_timeout, longest: config.longest_timeout },
            max_retries: config.max_retries,
            chunk_tokens: config.chunk_tokens,
            pace,
        })
    }

    /// Whether pictures are sent along.
    pub(crate) fn sees(&self) -> bool {
        self.vision
    }

    /// How long a summary may take.
    pub(super) fn patience(&self) -> Patience {
        self.patience
    }

    /// Estimated tokens of one request's messages.
    pub(super) fn chunk_tokens(&self) -> u64 {
        self.chunk_tokens
    }

    /// The document, and the pictures of its turns where the provider can see.
    pub(super) fn content(
        &self,
        document: &Value,
        dialogue: &Dialogue,
        range: std::ops::Range<usize>,
    ) -> Vec<ContentPart> {
        let mut content = vec![ContentPart::from_text(document.to_string())];
        if !self.vision {
            return content;
        }
        let pictures = range.filter_map(|at| match &dialogue.turns[at].content {
            TurnContent::Image { data: Some(data), .. } if data.bytes.len() <= PICTURE_BYTES => {
                Some((at, data))
            }
            _ => None,
        });
        for (at, picture) in pictures.take(PICTURES) {
            content.push(ContentPart::from_text(format!("The picture of message {}:", envelope::label(at))));
            let encoded = base64::engine::general_purpose::STANDARD.encode(&picture.bytes);
            content.push(ContentPart::from_binary_base64(picture.media_type.clone(), encoded, None));
        }
        content
    }

    /// Asks until `read` accepts the answer: once more after a malformed one, saying so.
    pub(super) async fn ask<T>(
        &self,
        content: Vec<ContentPart>,
        options: &ChatOptions,
        run: &Run,
        read: impl Fn(&Value) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut chat = ChatRequest::from_system(SYSTEM).append_message(ChatMessage::user(content));
        let mut repaired = false;
        loop {
            let failure = match self.send(&chat, options, run).await {
                Ok(text) => match answer::json(&text).and_then(|value| read(&value)) {
                    Ok(read) => return Ok(read),
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            if failure != Failure::Malformed || repaired {
                return Err(failure);
            }
            repaired = true;
            tracing::warn!(ai.model = %self.model, ai.code = "malformed", "asking the provider to repair its answer");
            // The broken answer is not repeated to it: it may carry what misled it.
            chat = chat.append_message(ChatMessage::user(
                "Your previous answer could not be used: it must be one complete JSON object of the schema, a summary of the messages, every statement with labels that occur in the data. Answer again.",
            ));
        }
    }

    /// One request, repeated on 429, 5xx and time-outs.
    async fn send(&self, request: &ChatRequest, options: &ChatOptions, run: &Run) -> Result<String, Failure> {
        let estimate = estimate(request);
        let mut retries = 0;
        loop {
            let underway = run.begin(estimate)?;
            let call = self.client.exec_chat(self.model.as_str(), request.clone(), Some(options));
            let failure = match tokio::time::timeout(self.timeout, call).await {
                Err(_) => Failure::Timeout,
                Ok(Err(error)) => Failure::from(&error),
                Ok(Ok(response)) => return text(response, underway),
            };
            drop(underway);
            let Some(wish) = failure.retry().filter(|_| retries < self.max_retries) else {
                return Err(failure);
            };
            retries += 1;
            self.pace.sleep(wait(retries, self.pace.jitter(), wish)).await;
        }
    }
}

/// How an answer is to be written, whatever it is about.
pub(super) fn options(request: &SummaryRequest) -> ChatOptions {
    let options = ChatOptions::default()
        .with_max_tokens(request.max_tokens.unwrap_or(ANSWER_TOKENS))
        .with_response_format(ChatResponseFormat::JsonSpec(JsonSpec::new("summary", envelope::schema())));
    match request.temperature {
        Some(temperature) => options.with_temperature(temperature),
        None => options,
    }
}

fn estimate(request: &ChatRequest) -> u64 {
    let written: u64 = request.messages.iter().flat_map(|m| m.content.texts()).map(tokens).sum();
    // A picture costs a provider a few hundred tokens.
    let pictures: u64 = request.messages.iter().map(|m| m.content.binaries().len() as u64 * 300).sum();
    written + pictures + tokens(SYSTEM)
}

fn text(response: ChatResponse, underway: Underway<'_>) -> Result<String, Failure> {
    let count = |tokens: Option<i32>| u64::try_from(tokens.unwrap_or(0)).unwrap_or(0);
    underway.took(count(response.usage.prompt_tokens), count(response.usage.completion_tokens));
    match response.stop_reason {
        Some(StopReason::ContentFilter(_)) => return Err(Failure::Refused),
        Some(StopReason::MaxTokens(_)) => return Err(Failure::Malformed),
        _ => {}
    }
    // OpenAI's protocol refuses with no content and a `refusal` beside it.
    response.into_first_text().filter(|t| !t.trim().is_empty()).ok_or(Failure::Refused)
}
