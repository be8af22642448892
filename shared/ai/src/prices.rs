//! What a model's tokens cost, from a table in the repository with its date and source.

use std::collections::BTreeMap;

use serde::Deserialize;

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Price {
    /// Tokens sent.
    pub input: f64,
    /// Tokens received, those spent on thinking included.
    pub output: f64,
}

/// Prices by model name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PriceTable {
    /// When the prices were read, `YYYY-MM-DD`.
    pub date: String,
    /// Where.
    pub source: String,
    /// The prices; a name also covers its dated versions (`gpt-4o-mini-2024-07-18`).
    pub models: BTreeMap<String, Price>,
}

impl Default for PriceTable {
    /// The table of this repository, `shared/ai/prices.json`.
    fn default() -> Self {
        serde_json::from_str(include_str!("../prices.json")).expect("prices.json is read by a test")
    }
}

impl PriceTable {
    /// Dollars for these tokens; `None` when the model's price is not known.
    #[must_use]
    pub fn cost(&self, model: &str, input_tokens: u64, output_tokens: u64) -> Option<f64> {
        let price = self.price(model)?;
        Some((input_tokens as f64 * price.input + output_tokens as f64 * price.output) / 1_000_000.0)
    }

    fn price(&self, model: &str) -> Option<Price> {
        self.models.get(model).copied().or_else(|| {
            // `-lite` is another model, `-2024-07-18`, `-001` and `-latest` are versions.
            self.models
                .iter()
                .filter(|(name, _)| {
                    model.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('-')).is_some_and(
                        |version| {
                            version == "latest" || version.chars().all(|c| c.is_ascii_digit() || c == '-')
                        },
                    )
                })
                .max_by_key(|(name, _)| name.len())
                .map(|(_, price)| *price)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_and_prices_are_per_million_tokens() {
        let table = PriceTable::default();
        assert_eq!(table.date.len(), 10);
        assert!(table.models.values().all(|p| p.input > 0.0 && p.output > 0.0));
        assert_eq!(table.cost("gemini-2.5-flash", 1_000_000, 1_000_000), Some(2.8));
        assert_eq!(table.cost("gpt-4o-mini-2024-07-18", 1_000_000, 0), Some(0.15));
        assert_eq!(table.cost("gemini-2.5-flash-lite-001", 1_000_000, 0), Some(0.1));
        assert_eq!(table.cost("gemini-2.5-flash-image", 1, 1), None);
    }
}
