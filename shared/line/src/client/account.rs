//! The account itself: who it is, what it may still send, where its webhooks go.

use serde::{Deserialize, Serialize};

use super::request::Call;
use super::{LineChannel, LineError};

/// Who the bot is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BotInfo {
    /// The `destination` of its webhooks.
    pub user_id: String,
    /// `@…`.
    pub basic_id: String,
    /// `@…` of the owner's choice.
    #[serde(default)]
    pub premium_id: Option<String>,
    /// Name.
    pub display_name: String,
    /// Picture.
    #[serde(default)]
    pub picture_url: Option<String>,
    /// `chat` or `bot`.
    pub chat_mode: String,
    /// `auto` or `manual`.
    pub mark_as_read_mode: String,
}

/// What may be sent in the current month (in Japan's time, as LINE counts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// No limit is set.
    Unlimited,
    /// At most so many messages, one counted for each recipient.
    Limited(u64),
}

#[derive(Deserialize)]
struct RawQuota {
    r#type: String,
    value: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consumption {
    total_usage: u64,
}

/// Where webhooks go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WebhookEndpoint {
    /// The URL.
    pub endpoint: String,
    /// Whether "use webhook" is on.
    pub active: bool,
}

/// How LINE's test of a webhook ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookTest {
    /// Whether it was answered with 200.
    #[serde(default)]
    pub success: bool,
    /// When, ISO 8601.
    pub timestamp: String,
    /// The status; zero or less without an answer.
    pub status_code: i32,
    /// `OK`, `COULD_NOT_CONNECT`, `REQUEST_TIMEOUT`, `ERROR_STATUS_CODE`, …
    pub reason: String,
    /// More of it.
    pub detail: String,
}

#[derive(Serialize)]
struct Endpoint<'a> {
    endpoint: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoadingAnimation<'a> {
    chat_id: &'a str,
    loading_seconds: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MarkAsRead<'a> {
    mark_as_read_token: &'a str,
}

impl LineChannel {
    /// Who the bot is: the cheapest proof that the credentials work.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn bot_info(&self) -> Result<BotInfo, LineError> {
        self.fetch("bot info", Call::get("/v2/bot/info".to_owned())).await
    }

    /// What may be sent this month.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn quota(&self) -> Result<Quota, LineError> {
        const NAME: &str = "quota";
        let raw: RawQuota = self.fetch(NAME, Call::get("/v2/bot/message/quota".to_owned())).await?;
        match (raw.r#type.as_str(), raw.value) {
            ("none", _) => Ok(Quota::Unlimited),
            (_, Some(value)) => Ok(Quota::Limited(value)),
            _ => Err(LineError::Malformed { call: NAME }),
        }
    }

    /// What has been sent this month; LINE calls it approximate.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn quota_consumption(&self) -> Result<u64, LineError> {
        let path = "/v2/bot/message/quota/consumption".to_owned();
        let used: Consumption = self.fetch("quota consumption", Call::get(path)).await?;
        Ok(used.total_usage)
    }

    /// Where webhooks go; `None` when no URL was ever set.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn webhook_endpoint(&self) -> Result<Option<WebhookEndpoint>, LineError> {
        self.find("webhook endpoint", Call::get("/v2/bot/channel/webhook/endpoint".to_owned())).await
    }

    /// Sets where webhooks go: https, at most 500 characters. Takes up to a minute at LINE.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn set_webhook_endpoint(&self, endpoint: &str) -> Result<(), LineError> {
        self.command(Call::put("/v2/bot/channel/webhook/endpoint", &Endpoint { endpoint })).await
    }

    /// Has LINE post an empty webhook to the URL that is set; 60 an hour.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn test_webhook_endpoint(&self) -> Result<WebhookTest, LineError> {
        let body = serde_json::Map::new();
        self.fetch("webhook test", Call::post("/v2/bot/channel/webhook/test", &body)).await
    }

    /// Shows "…" in a 1:1 chat for up to `seconds`, brought to LINE's 5–60 in steps of 5. Ends
    /// with the next message.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn show_loading_animation(&self, user_id: &str, seconds: u8) -> Result<(), LineError> {
        let loading_seconds = seconds.clamp(5, 60).div_ceil(5) * 5;
        let body = LoadingAnimation { chat_id: user_id, loading_seconds };
        self.command(Call::post("/v2/bot/chat/loading/start", &body)).await
    }

    /// Marks a chat as read up to the message that carried `mark_as_read_token`.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn mark_as_read(&self, mark_as_read_token: &str) -> Result<(), LineError> {
        self.command(Call::post("/v2/bot/chat/markAsRead", &MarkAsRead { mark_as_read_token })).await
    }
}
