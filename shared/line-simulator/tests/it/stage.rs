//! A simulator with a channel, people, and a client, each test its own.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use matome_domain::clock::{Clock, Timestamp};
use matome_line::client::{Credentials, LineChannel, LineClient, LineConfig};
use matome_line_simulator::{Channel, LineSimulator, NewChannel, NewGroup, NewUser, Place, SimulatorConfig};
use serde_json::{Value, json};

/// Stands still until it is moved.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_783_400_700_000)))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Stage {
    pub(crate) simulator: LineSimulator,
    /// The simulator's clock.
    pub(crate) clock: Arc<TestClock>,
    /// The client's clock.
    pub(crate) client_clock: Arc<TestClock>,
    pub(crate) channel: Channel,
    pub(crate) yui: String,
    pub(crate) somchai: String,
    pub(crate) group: Place,
    pub(crate) line: LineChannel,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(NewChannel::default()).await
    }

    pub(crate) async fn with(channel: NewChannel) -> Self {
        let (clock, client_clock) = (TestClock::new(), TestClock::new());
        let simulator = LineSimulator::start(SimulatorConfig::new(clock.clone())).await.unwrap();
        let channel = simulator.add_channel(channel);
        let yui = simulator.add_user(NewUser { language: Some("ja".into()), ..NewUser::named("Yui") });
        let somchai = simulator.add_user(NewUser::named("Somchai"));
        let group = simulator.add_group(NewGroup {
            name: "Sakura order".into(),
            members: vec![yui.clone(), somchai.clone()],
            channels: vec![channel.channel_id.clone()],
            ..NewGroup::default()
        });
        let line = client(&simulator.api_url(), &channel, client_clock.clone());
        Self { simulator, clock, client_clock, channel, yui, somchai, group, line }
    }

    pub(crate) fn id(&self) -> &str {
        &self.channel.channel_id
    }

    pub(crate) fn yui_chat(&self) -> Place {
        Place::User(self.yui.clone())
    }

    /// A fresh reply token from a text of Yui's.
    pub(crate) fn reply_token(&self) -> String {
        let deed = matome_line_simulator::Deed::text(&self.yui_chat(), &self.yui, "hi");
        let event = self.simulator.compose(self.id(), &deed).unwrap();
        event["replyToken"].as_str().unwrap().to_owned()
    }

    /// How many messages the bot has sent to `place`.
    pub(crate) fn sent(&self, place: &Place) -> usize {
        self.simulator.inspect(|w| w.sent_to(place).len())
    }

    pub(crate) fn used(&self) -> u64 {
        self.simulator.channel(self.id()).unwrap().quota_used
    }
}

/// A client that gives up soon, for tests in which LINE does not answer.
pub(crate) fn client(url: &str, channel: &Channel, clock: Arc<dyn Clock>) -> LineChannel {
    let config = LineConfig {
        api_url: url.to_owned(),
        data_api_url: format!("{url}/"),
        call_timeout: Duration::from_secs(2),
        ..LineConfig::default()
    };
    LineClient::new(config, clock).unwrap().channel(Credentials::Secret {
        channel_id: channel.channel_id.clone(),
        channel_secret: channel.channel_secret.clone(),
    })
}

pub(crate) fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// A webhook that keeps what it gets and answers as it is told.
#[derive(Clone)]
pub(crate) struct Hook {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
}

impl Hook {
    /// Answers the first requests with `statuses` in turn, all later ones with 200. Status 0 never
    /// answers.
    pub(crate) async fn start(statuses: &[u16]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/line/1", listener.local_addr().unwrap());
        let hook = Self {
            url,
            got: Arc::default(),
            statuses: Arc::new(Mutex::new(statuses.iter().rev().copied().collect())),
        };
        let app = Router::new().fallback(take).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        hook
    }

    pub(crate) fn requests(&self) -> Vec<(HeaderMap, Bytes)> {
        self.got.lock().unwrap().clone()
    }
}

async fn take(State(hook): State<Hook>, headers: HeaderMap, body: Bytes) -> StatusCode {
    hook.got.lock().unwrap().push((headers, body));
    let status = hook.statuses.lock().unwrap().pop().unwrap_or(200);
    if status == 0 {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(status).unwrap()
}
