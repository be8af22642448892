//! The one door to summaries: the provider where there is one, the built-in summarizer whenever
//! that cannot. A summary always arrives, and says who wrote it and why.

use std::sync::Arc;
use std::time::Instant;

use matome_domain::dialogue::Dialogue;
use matome_domain::summary::{FallbackReason, Provenance, SummaryDraft, SummaryRequest};

use crate::builtin::{self, summarize_builtin};
use crate::config::{AiConfig, ConfigError};
use crate::prices::PriceTable;
use crate::provider::{Failure, Pace, Provider, RealPace, Run};
use crate::verify::verify;

/// Tokens that may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenBudget {
    /// No limit.
    #[default]
    Unlimited,
    /// What is left of the organization's month.
    Remaining(u64),
    /// None, and why: over a limit, or not in the plan.
    Withheld(FallbackReason),
}

/// A summary and who wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The summary, verified: see [`crate::verify::verify`].
    pub draft: SummaryDraft,
    /// Who, at what cost, and why the built-in one if it was.
    pub provenance: Provenance,
}

/// Writes summaries. Made once at cold start, used for every session.
pub struct Summarizer {
    provider: Option<Backed>,
    prices: PriceTable,
}

struct Backed {
    client: Provider,
    name: String,
    model: String,
}

impl Summarizer {
    /// A summarizer of these settings. Connects nothing yet.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that cannot be used.
    pub fn new(config: &AiConfig) -> Result<Self, ConfigError> {
        Self::with_pace(config, Arc::new(RealPace))
    }

    /// The built-in summarizer alone.
    #[must_use]
    pub fn builtin() -> Self {
        Self { provider: None, prices: PriceTable::default() }
    }

    /// As [`Summarizer::new`], with waiting between attempts in the caller's hands.
    ///
    /// # Errors
    /// As [`Summarizer::new`].
    pub fn with_pace(config: &AiConfig, pace: Arc<dyn Pace>) -> Result<Self, ConfigError> {
        let provider = match config.target()? {
            None => None,
            Some(target) => {
                let client = Provider::new(&target, config, pace).map_err(|_| ConfigError {
                    setting: "AI_PROVIDER",
                    reason: "no client can be built for it",
                })?;
                Some(Backed { client, name: target.provider, model: target.model })
            }
        };
        Ok(Self { provider, prices: config.prices.clone() })
    }

    /// The provider's name and model; `builtin` and `extractive-1` without one.
    #[must_use]
    pub fn writer(&self) -> (&str, &str) {
        self.provider.as_ref().map_or((builtin::PROVIDER, builtin::MODEL), |p| (&p.name, &p.model))
    }

    /// Whether pictures are shown to the provider; without this they need not be loaded.
    #[must_use]
    pub fn sees(&self) -> bool {
        self.provider.as_ref().is_some_and(|p| p.client.sees())
    }

    /// Writes a summary of `dialogue`. Never fails: where the provider does, the built-in summarizer
    /// writes and `fallback_reason` says why; what was spent on the way is in the provenance.
    ///
    /// Turn ids must be unique within the dialogue.
    pub async fn summarize(
        &self,
        dialogue: &Dialogue,
        request: &SummaryRequest,
        budget: TokenBudget,
    ) -> Written {
        let started = Instant::now();
        let mut own = summarize_builtin(dialogue, request);
        if verify(&mut own, dialogue).is_err() {
            // Cannot be by construction; the property tests hold it. Say so rather than panic.
            tracing::error!(ai.code = "unfounded", "the built-in summary does not hold");
        }
        let mut provenance = Provenance {
            provider: builtin::PROVIDER.to_owned(),
            model: builtin::MODEL.to_owned(),
            ..Provenance::default()
        };
        let draft = match (&self.provider, budget) {
            (None, _) => {
                provenance.fallback_reason = Some(FallbackReason::NoProvider);
                own
            }
            (Some(_), TokenBudget::Withheld(why)) => {
                provenance.fallback_reason = Some(why);
                own
            }
            // Nothing to send.
            (Some(_), _) if dialogue.turns.is_empty() => own,
            (Some(provider), _) => {
                let remaining = match budget {
                    TokenBudget::Unlimited => None,
                    TokenBudget::Remaining(tokens) => Some(tokens),
                    TokenBudget::Withheld(_) => Some(0),
                };
                let run = Run::new(remaining);
                let written = provider.client.summarize(dialogue, request, own.clone(), &run).await;
                let spent = run.spent();
                provenance.input_tokens = spent.input_tokens;
                provenance.output_tokens = spent.output_tokens;
                provenance.requests = spent.requests;
                provenance.cost = self.prices.cost(&provider.model, spent.input_tokens, spent.output_tokens);
                match written {
                    Ok(draft) => {
                        provenance.provider.clone_from(&provider.name);
                        provenance.model.clone_from(&provider.model);
                        draft
                    }
                    Err(failure) => {
                        provenance.fallback_reason = Some(fall_back(provider, failure, spent.requests));
                        own
                    }
                }
            }
        };
        provenance.processing_time_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Written { draft, provenance }
    }
}

fn fall_back(provider: &Backed, failure: Failure, requests: u32) -> FallbackReason {
    let reason = failure.reason();
    tracing::warn!(ai.provider = %provider.name, ai.model = %provider.model, ai.code = ?reason, ai.requests = requests, "the built-in summarizer stands in");
    reason
}
