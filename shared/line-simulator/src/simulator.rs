//! The handle: starts the platform, declares who takes part, acts for people, and looks on.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use matome_domain::clock::{Clock, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};

use crate::act::{Act, Deed};
use crate::chat::ChatEntry;
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::listener::{Breakable, KillSwitch};
use crate::login::LoginKey;
use crate::people::{NewChannel, NewGroup, NewUser, Place};
use crate::webhook::Performed;
use crate::world::{Channel, Group, Person, World};
use crate::{api, control, id};

/// LINE's rate for most endpoints (reference, "Rate limits").
const RATE_PER_SECOND: u32 = 2_000;

/// How to start a simulator.
#[derive(Clone)]
pub struct SimulatorConfig {
    /// Loopback port; 0 = any that is free.
    pub port: u16,
    /// Decides when reply tokens, access tokens and retry keys end.
    pub clock: Arc<dyn Clock>,
    /// How long a webhook may take; 2 s at LINE.
    pub webhook_timeout: Duration,
}

impl SimulatorConfig {
    /// Any free port, LINE's two seconds.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { port: 0, clock, webhook_timeout: Duration::from_secs(2) }
    }
}

impl fmt::Debug for SimulatorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatorConfig").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Why the simulator could not do something.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The port cannot be used.
    #[error("the LINE simulator cannot listen on port {port}")]
    Bind {
        /// The port asked for.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The HTTP client could not be set up.
    #[error("the LINE simulator's HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),
    /// A key could not be made, or did not sign.
    #[error("the LINE simulator's key for ID tokens does not work")]
    Key,
    /// No such channel.
    #[error("channelId: no channel {0}")]
    UnknownChannel(String),
    /// No such user.
    #[error("user: nobody is called {0}")]
    UnknownUser(String),
    /// No such group or room.
    #[error("group: there is no {0}")]
    UnknownPlace(String),
    /// The user is not in the place.
    #[error("user: is not a member of the group, room or chat")]
    NotAMember,
    /// No such message by this user in this place.
    #[error("messageId: no message {0} by this user here")]
    UnknownMessage(String),
    /// The bot has sent no such button there.
    #[error("button: the bot has sent no button {0} there")]
    UnknownButton(String),
    /// Nobody said where the channel's webhooks go.
    #[error("channel {0} has no webhook URL")]
    NoWebhook(String),
}

/// A running platform; cheap to clone. It stops when the last handle goes.
#[derive(Clone)]
pub struct LineSimulator {
    shared: Arc<Shared>,
    /// Kept by handles outside the server only: when all are gone, the server stops.
    _alive: Option<Arc<watch::Sender<()>>>,
}

struct Shared {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
    chat: broadcast::Sender<ChatEntry>,
    clock: Arc<dyn Clock>,
    http: reqwest::Client,
    address: SocketAddr,
    login_key: LoginKey,
}

impl fmt::Debug for LineSimulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineSimulator").field("address", &self.shared.address).finish_non_exhaustive()
    }
}

impl LineSimulator {
    /// Starts a platform without channels or people.
    ///
    /// # Errors
    /// [`SimulatorError::Bind`], [`SimulatorError::Setup`], [`SimulatorError::Key`].
    pub async fn start(config: SimulatorConfig) -> Result<Self, SimulatorError> {
        let bind = |source| SimulatorError::Bind { port: config.port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let http = reqwest::Client::builder()
            .timeout(config.webhook_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(SimulatorError::Setup)?;
        let shared = Arc::new(Shared {
            world: Mutex::default(),
            changed: watch::channel(0).0,
            chat: broadcast::channel(1_024).0,
            clock: config.clock,
            http,
            address,
            login_key: LoginKey::generate()?,
        });
        let (alive, mut gone) = watch::channel(());
        let inside = Self { shared: Arc::clone(&shared), _alive: None };
        let routes = api::router(inside.clone()).nest("/_sim", control::router(inside));
        let service = routes.into_make_service_with_connect_info::<KillSwitch>();
        tokio::spawn(async move {
            tokio::select! {
                // It ends only with the process's runtime: errors of connections are handled inside.
                _ = std::future::IntoFuture::into_future(axum::serve(Breakable(listener), service)) => {}
                _ = gone.changed() => {}
            }
        });
        Ok(Self { shared, _alive: Some(Arc::new(alive)) })
    }

    /// Base URL of the API and of the content API: `LINE_API_URL` and `LINE_DATA_API_URL`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Adds a channel.
    pub fn add_channel(&self, new: NewChannel) -> Channel {
        let channel_id = new.channel_id.unwrap_or_else(id::channel);
        let channel = Channel {
            channel_secret: new.channel_secret.unwrap_or_else(id::token),
            bot_user_id: new.bot_user_id.unwrap_or_else(|| id::entity('U')),
            basic_id: format!("@{}", &channel_id[channel_id.len().saturating_sub(6)..]),
            name: new.name.unwrap_or_else(|| "Matome".to_owned()),
            quota: new.quota,
            quota_used: new.quota_used,
            rate_per_second: RATE_PER_SECOND,
            webhook_url: None,
            webhook_host: None,
            redeliveries: 0,
            blocked_by: Default::default(),
            loading: Vec::new(),
            read: Default::default(),
            tests: Vec::new(),
            channel_id: channel_id.clone(),
        };
        self.change(|w| w.channels.insert(channel_id, channel.clone()));
        channel
    }

    /// Adds a user, who is a friend of every channel until an `Unfollow`, and returns the user id.
    pub fn add_user(&self, new: NewUser) -> String {
        let user_id = new.user_id.unwrap_or_else(|| id::entity('U'));
        let person = Person {
            user_id: user_id.clone(),
            display_name: new.display_name,
            language: new.language,
            picture_url: new.picture_url,
            hides_user_id: new.hides_user_id,
        };
        self.change(|w| w.people.insert(user_id.clone(), person));
        user_id
    }

    /// Adds a group.
    pub fn add_group(&self, new: NewGroup) -> Place {
        Place::Group(self.add_place('C', new))
    }

    /// Adds a multi-person room.
    pub fn add_room(&self, new: NewGroup) -> Place {
        Place::Room(self.add_place('R', new))
    }

    fn add_place(&self, prefix: char, new: NewGroup) -> String {
        let group_id = new.group_id.unwrap_or_else(|| id::entity(prefix));
        let group = Group {
            group_id: group_id.clone(),
            name: new.name,
            picture_url: new.picture_url,
            members: new.members,
            channels: new.channels.into_iter().collect(),
        };
        self.change(|w| w.groups.insert(group_id.clone(), group));
        group_id
    }

    /// Says where a channel's webhooks go. `host` replaces the URL's own `Host` header: an
    /// emulated API Gateway is told apart by it.
    ///
    /// # Errors
    /// [`SimulatorError::UnknownChannel`].
    pub fn set_webhook(&self, channel_id: &str, url: &str, host: Option<&str>) -> Result<(), SimulatorError> {
        self.update_channel(channel_id, |c| {
            c.webhook_url = Some(url.to_owned());
            c.webhook_host = host.map(str::to_owned);
        })
    }

    /// Changes a channel: quota, rate, redeliveries, secret.
    ///
    /// # Errors
    /// [`SimulatorError::UnknownChannel`].
    pub fn update_channel(
        &self,
        channel_id: &str,
        change: impl FnOnce(&mut Channel),
    ) -> Result<(), SimulatorError> {
        self.change(|w| w.channels.get_mut(channel_id).map(change))
            .ok_or_else(|| SimulatorError::UnknownChannel(channel_id.to_owned()))
    }

    /// Does the deed without posting its event: for batches, reordering and redelivery. Post it
    /// with [`Self::post`].
    ///
    /// # Errors
    /// [`SimulatorError`] when somebody or something it needs does not exist.
    pub fn compose(&self, channel_id: &str, deed: &Deed) -> Result<serde_json::Value, SimulatorError> {
        let now = self.now();
        let (event, entry) = self.change(|w| w.compose(channel_id, deed, now))?;
        self.announce(entry);
        Ok(event)
    }

    /// Does the deed and posts its event.
    ///
    /// # Errors
    /// As [`Self::compose`] and [`Self::post`].
    pub async fn perform(&self, channel_id: &str, deed: &Deed) -> Result<Performed, SimulatorError> {
        let event = self.compose(channel_id, deed)?;
        let delivery = self.post(channel_id, std::slice::from_ref(&event)).await?;
        Ok(Performed { event, delivery })
    }

    /// `user` writes `text` in `place`.
    ///
    /// # Errors
    /// As [`Self::perform`].
    pub async fn say(
        &self,
        channel_id: &str,
        place: &Place,
        user: &str,
        text: &str,
    ) -> Result<Performed, SimulatorError> {
        self.perform(channel_id, &Deed::text(place, user, text)).await
    }

    /// `user` taps the newest button of the bot in `place` that is labelled `button` or carries it
    /// as data.
    ///
    /// # Errors
    /// [`SimulatorError::UnknownButton`], and as [`Self::perform`].
    pub async fn tap(
        &self,
        channel_id: &str,
        place: &Place,
        user: &str,
        button: &str,
    ) -> Result<Performed, SimulatorError> {
        let found = self.inspect(|w| w.button(channel_id, place, button));
        let found = found.ok_or_else(|| SimulatorError::UnknownButton(button.to_owned()))?;
        self.perform(channel_id, &Deed::new(place, user, Act::tap(&found.data))).await
    }

    /// Makes the next `times` calls to `endpoint` go wrong.
    pub fn fail_next(&self, endpoint: Endpoint, fault: Fault, times: usize) {
        self.change(|w| w.faults.add(endpoint, fault, times));
    }

    /// Looks at the platform's state.
    pub fn inspect<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.lock())
    }

    /// Waits until `look` finds something. Woken by changes, it does not poll. `None` = it was not
    /// there after `timeout`.
    pub async fn wait_for<T>(
        &self,
        mut look: impl FnMut(&World) -> Option<T>,
        timeout: Duration,
    ) -> Option<T> {
        let mut changed = self.shared.changed.subscribe();
        let found = async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = self.inspect(&mut look) {
                    return Some(found);
                }
                changed.changed().await.ok()?;
            }
        };
        tokio::time::timeout(timeout, found).await.ok().flatten()
    }

    /// Waits until the bot has sent `count` messages to `place`, and returns the message objects.
    pub async fn wait_for_messages(
        &self,
        place: &Place,
        count: usize,
        timeout: Duration,
    ) -> Option<Vec<serde_json::Value>> {
        let enough = |w: &World| {
            let sent = w.sent_to(place);
            (sent.len() >= count).then(|| sent.into_iter().map(|e| e.content.clone()).collect())
        };
        self.wait_for(enough, timeout).await
    }

    /// What happens in the chats from now on, for a terminal.
    #[must_use]
    pub fn watch_chat(&self) -> broadcast::Receiver<ChatEntry> {
        self.shared.chat.subscribe()
    }

    /// A channel as it is now.
    ///
    /// # Errors
    /// [`SimulatorError::UnknownChannel`].
    pub fn channel(&self, channel_id: &str) -> Result<Channel, SimulatorError> {
        let found = self.inspect(|w| w.channels.get(channel_id).cloned());
        found.ok_or_else(|| SimulatorError::UnknownChannel(channel_id.to_owned()))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub(crate) fn login_key(&self) -> &LoginKey {
        &self.shared.login_key
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.lock());
        self.shared.changed.send_modify(|version| *version += 1);
        result
    }

    pub(crate) fn announce(&self, entry: ChatEntry) {
        // An error means that nobody watches.
        let _ = self.shared.chat.send(entry);
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
