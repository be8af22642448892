//! The calls LINE answers, named so that tests can count them and make them fail.

use axum::http::Method;
use serde::{Deserialize, Serialize};

/// An endpoint of the Messaging API, or of LINE Login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Endpoint {
    /// `POST /oauth2/v3/token`
    Token,
    /// `POST /oauth2/v2.1/verify`
    VerifyIdToken,
    /// `GET /oauth2/v2.1/certs`
    Certs,
    /// `GET /v2/bot/info`
    BotInfo,
    /// `GET /v2/bot/profile/{userId}`
    Profile,
    /// `GET /v2/bot/{group|room}/{id}/member/{userId}`
    MemberProfile,
    /// `GET /v2/bot/group/{id}/summary`
    GroupSummary,
    /// `GET /v2/bot/{group|room}/{id}/members/count`
    MemberCount,
    /// `GET /v2/bot/{group|room}/{id}/members/ids`
    MemberIds,
    /// `GET /v2/bot/message/{id}/content`
    Content,
    /// `GET /v2/bot/message/{id}/content/preview`
    Preview,
    /// `GET /v2/bot/message/{id}/content/transcoding`
    Transcoding,
    /// `GET /v2/bot/message/quota`
    Quota,
    /// `GET /v2/bot/message/quota/consumption`
    QuotaConsumption,
    /// `POST /v2/bot/message/reply`
    Reply,
    /// `POST /v2/bot/message/push`
    Push,
    /// `POST /v2/bot/message/multicast`
    Multicast,
    /// `POST /v2/bot/message/validate/…`
    Validate,
    /// `POST /v2/bot/chat/loading/start`
    Loading,
    /// `POST /v2/bot/chat/markAsRead`
    MarkAsRead,
    /// `GET /v2/bot/channel/webhook/endpoint`
    GetWebhook,
    /// `PUT /v2/bot/channel/webhook/endpoint`
    SetWebhook,
    /// `POST /v2/bot/channel/webhook/test`
    TestWebhook,
}

impl Endpoint {
    /// Which endpoint a request means; `None` = LINE has none there (or the simulator has not).
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let segments: Vec<_> = path.split('/').skip(1).collect();
        Some(match (method.as_str(), &segments[..]) {
            ("POST", ["oauth2", "v3", "token"]) => Self::Token,
            ("POST", ["oauth2", "v2.1", "verify"]) => Self::VerifyIdToken,
            ("GET", ["oauth2", "v2.1", "certs"]) => Self::Certs,
            ("GET", ["v2", "bot", "info"]) => Self::BotInfo,
            ("GET", ["v2", "bot", "profile", _]) => Self::Profile,
            ("GET", ["v2", "bot", "group" | "room", _, "member", _]) => Self::MemberProfile,
            ("GET", ["v2", "bot", "group", _, "summary"]) => Self::GroupSummary,
            ("GET", ["v2", "bot", "group" | "room", _, "members", "count"]) => Self::MemberCount,
            ("GET", ["v2", "bot", "group" | "room", _, "members", "ids"]) => Self::MemberIds,
            ("GET", ["v2", "bot", "message", _, "content", "transcoding"]) => Self::Transcoding,
            ("GET", ["v2", "bot", "message", _, "content"]) => Self::Content,
            ("GET", ["v2", "bot", "message", _, "content", "preview"]) => Self::Preview,
            ("GET", ["v2", "bot", "message", "quota"]) => Self::Quota,
            ("GET", ["v2", "bot", "message", "quota", "consumption"]) => Self::QuotaConsumption,
            ("POST", ["v2", "bot", "message", "reply"]) => Self::Reply,
            ("POST", ["v2", "bot", "message", "push"]) => Self::Push,
            ("POST", ["v2", "bot", "message", "multicast"]) => Self::Multicast,
            (
                "POST",
                [
                    "v2",
                    "bot",
                    "message",
                    "validate",
                    "reply" | "push" | "multicast" | "narrowcast" | "broadcast",
                ],
            ) => Self::Validate,
            ("POST", ["v2", "bot", "chat", "loading", "start"]) => Self::Loading,
            ("POST", ["v2", "bot", "chat", "markAsRead"]) => Self::MarkAsRead,
            ("GET", ["v2", "bot", "channel", "webhook", "endpoint"]) => Self::GetWebhook,
            ("PUT", ["v2", "bot", "channel", "webhook", "endpoint"]) => Self::SetWebhook,
            ("POST", ["v2", "bot", "channel", "webhook", "test"]) => Self::TestWebhook,
            _ => return None,
        })
    }
}
