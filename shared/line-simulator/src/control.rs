//! `/_sim/…`: the simulator's own controls, for another process (`cargo xtask say`) to speak as a
//! person. JSON in and out; loopback only, like everything here.

use axum::Router;
use axum::extract::{Json, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::act::{Act, Deed};
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::login::Login;
use crate::people::{NewChannel, NewGroup, NewUser, Place};
use crate::simulator::{LineSimulator, SimulatorError};
use crate::webhook::Performed;

pub(crate) fn router(simulator: LineSimulator) -> Router {
    Router::new()
        .route("/state", get(state))
        .route("/chat", get(chat))
        .route("/say", post(say))
        .route("/tap", post(tap))
        .route("/act", post(act))
        .route("/channels", post(add_channel))
        .route("/users", post(add_user))
        .route("/groups", post(add_group))
        .route("/login", post(login))
        .route("/login/channels", post(add_login_channel))
        .route("/webhook", post(set_webhook))
        .route("/faults", post(add_fault))
        .with_state(simulator)
}

impl IntoResponse for SimulatorError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NoWebhook(_) => StatusCode::CONFLICT,
            Self::Bind { .. } | Self::Setup(_) | Self::Key => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::NOT_FOUND,
        };
        (status, Json(json!({"message": self.to_string()}))).into_response()
    }
}

type Answer = Result<Json<Value>, SimulatorError>;

/// Who speaks where, by id or by name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Speaker {
    /// May be left out when there is one channel.
    channel_id: Option<String>,
    /// Id or name; a new name is a new person.
    user: String,
    /// Id or name of a group or room; without one, the 1:1 chat.
    group: Option<String>,
}

impl Speaker {
    fn find(&self, simulator: &LineSimulator) -> Result<(String, Place, String), SimulatorError> {
        let channel_id = channel(simulator, self.channel_id.as_deref())?;
        let named = simulator.inspect(|w| {
            let by_id = w.people.get(&self.user);
            let found = by_id.or_else(|| w.people.values().find(|p| p.display_name == self.user));
            found.map(|p| p.user_id.clone())
        });
        let user = named.unwrap_or_else(|| simulator.add_user(NewUser::named(&self.user)));
        let Some(group) = &self.group else {
            return Ok((channel_id, Place::User(user.clone()), user));
        };
        let place = simulator
            .change(|w| {
                let by_id = w.groups.contains_key(group).then(|| group.clone());
                let id =
                    by_id.or_else(|| Some(w.groups.values().find(|g| g.name == *group)?.group_id.clone()))?;
                let members = &mut w.groups.get_mut(&id)?.members;
                if !members.contains(&user) {
                    members.push(user.clone());
                }
                Some(Place::of_id(&id))
            })
            .ok_or_else(|| SimulatorError::UnknownPlace(group.clone()))?;
        Ok((channel_id, place, user))
    }
}

fn channel(simulator: &LineSimulator, wanted: Option<&str>) -> Result<String, SimulatorError> {
    simulator.inspect(|w| match wanted {
        Some(id) if w.channels.contains_key(id) => Ok(id.to_owned()),
        Some(id) => Err(SimulatorError::UnknownChannel(id.to_owned())),
        None if w.channels.len() == 1 => Ok(w.channels.keys().next().cloned().unwrap_or_default()),
        None => Err(SimulatorError::UnknownChannel("(say which: there is not exactly one)".to_owned())),
    })
}

async fn perform(simulator: &LineSimulator, speaker: &Speaker, act: Act) -> Answer {
    let (channel_id, place, user) = speaker.find(simulator)?;
    let performed = simulator.perform(&channel_id, &Deed::new(&place, &user, act)).await?;
    Ok(report(&user, &place, &performed))
}

fn report(user: &str, place: &Place, performed: &Performed) -> Json<Value> {
    Json(json!({
        "userId": user, "place": place, "event": performed.event,
        "accepted": performed.delivery.is_accepted(), "attempts": performed.delivery.attempts,
    }))
}

#[derive(Debug, Deserialize)]
struct Say {
    #[serde(flatten)]
    speaker: Speaker,
    text: String,
}

async fn say(State(simulator): State<LineSimulator>, Json(say): Json<Say>) -> Answer {
    perform(&simulator, &say.speaker, Act::text(&say.text)).await
}

/// A button the bot has sent, by label, or any data: clients can send what they like.
#[derive(Debug, Deserialize)]
struct Tap {
    #[serde(flatten)]
    speaker: Speaker,
    #[serde(flatten)]
    button: Button,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Button {
    Label(String),
    Data(String),
}

async fn tap(State(simulator): State<LineSimulator>, Json(tap): Json<Tap>) -> Answer {
    let (channel_id, place, user) = tap.speaker.find(&simulator)?;
    let performed = match &tap.button {
        Button::Label(label) => simulator.tap(&channel_id, &place, &user, label).await?,
        Button::Data(data) => {
            simulator.perform(&channel_id, &Deed::new(&place, &user, Act::tap(data))).await?
        }
    };
    Ok(report(&user, &place, &performed))
}

#[derive(Debug, Deserialize)]
struct AnyAct {
    #[serde(flatten)]
    speaker: Speaker,
    act: Act,
}

async fn act(State(simulator): State<LineSimulator>, Json(any): Json<AnyAct>) -> Answer {
    perform(&simulator, &any.speaker, any.act).await
}

/// What is asked of the chat log.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Since {
    /// `next` of an earlier answer; entries after it.
    #[serde(default)]
    since: u64,
    channel_id: Option<String>,
}

async fn chat(State(simulator): State<LineSimulator>, Query(query): Query<Since>) -> Json<Value> {
    Json(simulator.inspect(|w| {
        let wanted = |channel_id: &str| query.channel_id.as_ref().is_none_or(|c| c == channel_id);
        let entries: Vec<_> = w
            .chat
            .iter()
            .filter(|e| e.seq > query.since && wanted(&e.channel_id))
            .map(|e| json!({"entry": e, "rendered": e.render()}))
            .collect();
        json!({"entries": entries, "next": w.chat.len()})
    }))
}

/// Who takes part. No secrets.
async fn state(State(simulator): State<LineSimulator>) -> Json<Value> {
    Json(simulator.inspect(|w| {
        let channels = w.channels.values().map(|c| {
            json!({
                "channelId": c.channel_id, "botUserId": c.bot_user_id, "name": c.name, "quota": c.quota,
                "quotaUsed": c.quota_used, "webhookUrl": c.webhook_url, "webhookHost": c.webhook_host,
            })
        });
        let users = w.people.values().map(|p| json!({"userId": p.user_id, "name": p.display_name}));
        let groups = w.groups.values().map(
            |g| json!({"groupId": g.group_id, "name": g.name, "members": g.members, "channels": g.channels}),
        );
        json!({
            "channels": channels.collect::<Vec<_>>(), "users": users.collect::<Vec<_>>(),
            "groups": groups.collect::<Vec<_>>(), "calls": w.calls.len(), "chat": w.chat.len(),
        })
    }))
}

async fn add_channel(State(simulator): State<LineSimulator>, Json(new): Json<NewChannel>) -> Json<Value> {
    let channel = simulator.add_channel(new);
    // The one who adds it is the one who may know its secret.
    Json(json!({
        "channelId": channel.channel_id, "channelSecret": channel.channel_secret, "botUserId": channel.bot_user_id,
    }))
}

async fn add_user(State(simulator): State<LineSimulator>, Json(new): Json<NewUser>) -> Json<Value> {
    Json(json!({"userId": simulator.add_user(new)}))
}

async fn add_group(State(simulator): State<LineSimulator>, Json(new): Json<NewGroup>) -> Json<Value> {
    Json(json!({"place": simulator.add_group(new)}))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NewLoginChannel {
    channel_id: Option<String>,
}

async fn add_login_channel(
    State(simulator): State<LineSimulator>,
    Json(new): Json<NewLoginChannel>,
) -> Json<Value> {
    let channel = simulator.add_login_channel(new.channel_id.as_deref());
    Json(json!({ "channelId": channel.channel_id, "channelSecret": channel.channel_secret }))
}

async fn login(State(simulator): State<LineSimulator>, Json(login): Json<Login>) -> Answer {
    Ok(Json(json!({ "idToken": simulator.id_token(&login)? })))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    channel_id: Option<String>,
    url: String,
    host_header: Option<String>,
}

async fn set_webhook(State(simulator): State<LineSimulator>, Json(webhook): Json<Webhook>) -> Answer {
    let channel_id = channel(&simulator, webhook.channel_id.as_deref())?;
    simulator.set_webhook(&channel_id, &webhook.url, webhook.host_header.as_deref())?;
    Ok(Json(json!({ "channelId": channel_id })))
}

#[derive(Debug, Deserialize)]
struct NewFault {
    endpoint: Endpoint,
    fault: Fault,
    #[serde(default = "once")]
    times: usize,
}

fn once() -> usize {
    1
}

async fn add_fault(State(simulator): State<LineSimulator>, Json(new): Json<NewFault>) -> Json<Value> {
    simulator.fail_next(new.endpoint, new.fault, new.times);
    Json(json!({}))
}
