//! A tenant, a simulated LINE, and webhooks that read what the provisioner writes.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bson::doc;
use matome_domain::clock::Clock;
use matome_domain::ids::{ChannelId, TenantId};
use matome_domain::placement::Placement;
use matome_line_simulator::{LineSimulator, NewChannel, SimulatorConfig, signature};
use matome_runtime::clock::ManualClock;
use matome_runtime::directory::{Directory, secret_field};
use matome_runtime::keys::{DataKeys, Sealed};
use matome_runtime::line_signature;
use matome_store::entities::{Channel, Connection, LineConnection, Operation, OperationState};
use matome_tenancy::operations::{ConnectChannel, RotateChannelSecret};
use secrecy::ExposeSecret;

use crate::world::World;

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) line: LineSimulator,
    pub(crate) tenant: TenantId,
    /// The webhook that LINE posts to; its view of the directory is up to a minute old.
    pub(crate) webhook: Arc<Webhook>,
}

impl Stage {
    pub(crate) async fn open() -> Self {
        let mut world = World::start().await;
        let line = LineSimulator::start(SimulatorConfig::new(world.system.clock.clone())).await.unwrap();
        let webhook = Arc::new(Webhook::new(&world));
        world.line_url = line.api_url();
        world.webhook_base_url = serve(Arc::clone(&webhook)).await;
        let tenant = new_tenant(&world).await;
        Self { world, line, tenant, webhook }
    }

    /// A channel at LINE that is not connected to anybody.
    pub(crate) fn new_channel(&self) -> ChannelId {
        ChannelId::new(self.line.add_channel(NewChannel::default()).channel_id).unwrap()
    }

    /// The secret that LINE has for a channel.
    pub(crate) fn secret(&self, channel: &ChannelId) -> String {
        self.line.channel(channel.as_str()).unwrap().channel_secret
    }

    /// LINE issues another secret for a channel.
    pub(crate) fn issue_secret(&self, channel: &ChannelId, secret: &str) {
        self.line.update_channel(channel.as_str(), |c| c.channel_secret = secret.to_owned()).unwrap();
    }

    pub(crate) async fn seal(&self, tenant: &TenantId, channel: &ChannelId, secret: &str) -> Sealed {
        let (tenants, keys) = (self.world.system.tenants(), self.world.system.keys());
        tenants.seal(&keys, tenant, &secret_field(channel), secret).await.unwrap()
    }

    /// What connects a channel with the secret that LINE has for it.
    pub(crate) async fn connection(&self, tenant: &TenantId, channel: &ChannelId) -> ConnectChannel {
        let secret = self.seal(tenant, channel, &self.secret(channel)).await;
        ConnectChannel { channel_id: channel.clone(), secret }
    }

    /// What takes the secret into use that LINE has for a channel.
    pub(crate) async fn rotation(&self, channel: &ChannelId) -> RotateChannelSecret {
        let secret = self.seal(&self.tenant, channel, &self.secret(channel)).await;
        RotateChannelSecret { channel_id: channel.clone(), secret }
    }

    /// A connected channel.
    pub(crate) async fn connected(&self) -> ChannelId {
        let channel = self.new_channel();
        let done = self.connect(&channel).await;
        assert_eq!(done.state, OperationState::Done, "{done:?}");
        channel
    }

    /// Connects a channel to the tenant.
    pub(crate) async fn connect(&self, channel: &ChannelId) -> Operation {
        let job = self.world.ask(&self.tenant, &self.connection(&self.tenant, channel).await).await;
        self.world.drive(&job).await
    }

    pub(crate) async fn document(&self, channel: &ChannelId) -> Option<Channel> {
        let channels = self.world.system.store.platform_collection::<Channel>();
        channels.find_one(doc! { "channelId": channel.as_str() }).await.unwrap()
    }

    /// Whether the webhook takes an event that LINE posts now.
    pub(crate) async fn is_heard(&self, channel: &ChannelId) -> bool {
        self.line.post(channel.as_str(), &[]).await.unwrap().is_accepted()
    }

    pub(crate) fn now(&self) -> matome_domain::clock::Timestamp {
        self.world.system.clock.now()
    }
}

/// What only LINE's channels have.
pub(crate) fn of_line(channel: &Channel) -> &LineConnection {
    let Connection::Line(line) = &channel.connection;
    line
}

/// A tenant that has no channel yet.
pub(crate) async fn new_tenant(world: &World) -> TenantId {
    let tenant = world.system.tenant(Placement::Shared).await;
    world.system.directory().remove_channel(&tenant.channel).await.unwrap();
    tenant.id
}

/// Reads the directory as the webhook function does.
pub(crate) struct Webhook {
    directory: Directory,
    keys: DataKeys,
    clock: Arc<ManualClock>,
}

impl Webhook {
    /// One that has just been started.
    pub(crate) fn new(world: &World) -> Self {
        let system = &world.system;
        Self { directory: system.directory(), keys: system.keys(), clock: system.clock.clone() }
    }

    /// Whether it takes what is signed with this secret.
    pub(crate) async fn takes(&self, channel: &ChannelId, secret: &str) -> bool {
        let signature = line_signature::sign(secret, b"{}");
        self.answer(channel, b"{}", &signature).await == StatusCode::OK
    }

    /// Every secret that is taken now must open: what does not is a broken item, whoever posts.
    async fn answer(&self, channel: &ChannelId, body: &[u8], signature: &str) -> StatusCode {
        let record = self.directory.channel(channel).await.unwrap();
        let Some(record) = record else { return StatusCode::NOT_FOUND };
        let previous = record.previous_secret.as_ref().filter(|p| self.clock.now() < p.until);
        let mut taken = false;
        for sealed in std::iter::once(&record.secret).chain(previous.map(|p| &p.secret)) {
            let field = secret_field(channel);
            let secret = self.keys.open(&record.tenant_id, &record.key, &field, sealed).await.unwrap();
            taken |= line_signature::verify(secret.expose_secret(), body, signature);
        }
        if taken { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
    }
}

/// The webhook on a port of this machine; its base URL.
async fn serve(webhook: Arc<Webhook>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/line/{channel}", post(receive)).with_state(webhook);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}")
}

async fn receive(
    State(webhook): State<Arc<Webhook>>,
    Path(channel): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let signature = headers.get(signature::HEADER).and_then(|v| v.to_str().ok()).unwrap_or_default();
    webhook.answer(&ChannelId::new(channel).unwrap(), &body, signature).await
}
