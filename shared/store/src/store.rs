//! The one handle to MongoDB.

use std::time::Duration;

use bson::doc;
use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::{ClientOptions, ReadConcern, WriteConcern};
use mongodb::{Client, Database};

use crate::collection::Collection;
use crate::entity::{Entity, Scope};
use crate::error::StoreError;
use crate::scope::TENANT;

/// A connected client and the prefix its database names start with.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) client: Client,
    prefix: String,
}

impl Store {
    /// Connects to `uri`. Database names start with `prefix`, `matome` in production.
    ///
    /// Settings are those of architecture §8: two connections, because an invocation does one thing
    /// at a time; majority writes, because what is acknowledged must survive a failover; five
    /// seconds to find a server, so that an invocation fails before its time-out.
    ///
    /// # Errors
    /// [`StoreError::Setting`] when the URI cannot be parsed. Connecting itself is lazy: see [`Self::ping`].
    pub async fn connect(uri: &str, prefix: &str, max_pool_size: u32) -> Result<Self, StoreError> {
        Self::with(settings(uri, max_pool_size).await?, prefix)
    }

    /// As [`Self::connect`], telling `watch` the name of every command sent: for tests and benches
    /// that count round trips.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_watched(
        uri: &str,
        prefix: &str,
        max_pool_size: u32,
        watch: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let mut options = settings(uri, max_pool_size).await?;
        options.command_event_handler = Some(EventHandler::callback(move |event| {
            if let CommandEvent::Started(started) = event {
                watch(&started.command_name);
            }
        }));
        Self::with(options, prefix)
    }

    /// As [`Self::connect`], telling `took` of every command how long its answer took, in the task that sent
    /// it: for benches.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_timed(
        uri: &str,
        prefix: &str,
        max_pool_size: u32,
        took: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let mut options = settings(uri, max_pool_size).await?;
        options.command_event_handler = Some(EventHandler::callback(move |event| match event {
            CommandEvent::Succeeded(succeeded) => took(succeeded.duration),
            CommandEvent::Failed(failed) => took(failed.duration),
            _ => {}
        }));
        Self::with(options, prefix)
    }

    fn with(options: ClientOptions, prefix: &str) -> Result<Self, StoreError> {
        Ok(Self { client: Client::with_options(options)?, prefix: prefix.to_owned() })
    }

    /// One round trip, so that the connection is made during the cold start.
    ///
    /// # Errors
    /// When no server answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.client.database("admin").run_command(doc! { "ping": 1 }).await?;
        Ok(())
    }

    /// A tenant's data.
    #[must_use]
    pub fn tenant(&self, tenant: &TenantId, placement: Placement) -> TenantStore {
        TenantStore {
            database: self.client.database(&placement.database(&self.prefix, tenant)),
            client: self.client.clone(),
            tenant: tenant.clone(),
            placement,
        }
    }

    /// The platform's own database.
    #[must_use]
    pub fn platform(&self) -> Database {
        self.client.database(&format!("{}_platform", self.prefix))
    }

    /// The database all shared tenants live in.
    #[must_use]
    pub(crate) fn shared(&self) -> Database {
        self.client.database(&format!("{}_shared", self.prefix))
    }

    /// A platform entity's collection.
    #[must_use]
    pub fn platform_collection<E: Entity>(&self) -> mongodb::Collection<E> {
        assert!(E::SCOPE == Scope::Platform, "{} belongs to a tenant", E::COLLECTION);
        self.platform().collection(E::COLLECTION)
    }

    /// What the platform's database has of a tenant, scoped to it: entities of [`Scope::TenantOnPlatform`],
    /// and platform entities whose documents must say whose they are (the organization itself, its channels).
    #[must_use]
    pub fn of_tenant<E: Entity>(&self, tenant: &TenantId) -> Collection<E> {
        let says_whose = || E::shape().required_fields().contains(&TENANT);
        let is_fit = match E::SCOPE {
            Scope::TenantOnPlatform => true,
            Scope::Platform => says_whose(),
            Scope::Tenant => false,
        };
        assert!(is_fit, "{} has nothing of a tenant in the platform's database", E::COLLECTION);
        Collection::new(self.platform().collection(E::COLLECTION), tenant.clone())
    }

    /// For the few look-ups by which the tenant is found out: by a key, a token, an account.
    pub(crate) fn across_tenants<E: Entity>(&self) -> mongodb::Collection<E> {
        assert!(E::SCOPE == Scope::TenantOnPlatform, "{} is not one of these", E::COLLECTION);
        self.platform().collection(E::COLLECTION)
    }

    /// The same, with what the API does with entities.
    #[must_use]
    pub fn of_platform<E: Entity>(&self) -> Collection<E> {
        Collection::of_platform(self.platform_collection())
    }
}

async fn settings(uri: &str, max_pool_size: u32) -> Result<ClientOptions, StoreError> {
    let mut options = ClientOptions::parse(uri).await.map_err(|e| StoreError::Setting(e.kind.to_string()))?;
    options.app_name.get_or_insert_with(|| "matome".to_owned());
    options.max_pool_size = Some(max_pool_size);
    options.max_idle_time = Some(Duration::from_secs(60));
    options.server_selection_timeout = Some(Duration::from_secs(5));
    options.connect_timeout.get_or_insert(Duration::from_secs(5));
    options.write_concern = Some(WriteConcern::majority());
    options.read_concern = Some(ReadConcern::majority());
    Ok(options)
}

/// A tenant's data, wherever its placement puts it.
#[derive(Debug, Clone)]
pub struct TenantStore {
    pub(crate) database: Database,
    pub(crate) client: Client,
    pub(crate) tenant: TenantId,
    pub(crate) placement: Placement,
}

impl TenantStore {
    /// Whose data this is.
    #[must_use]
    pub fn tenant_id(&self) -> &TenantId {
        &self.tenant
    }

    /// The name an entity's collection has in this placement.
    #[must_use]
    pub fn name<E: Entity>(&self) -> String {
        assert!(E::SCOPE == Scope::Tenant, "{} belongs to the platform", E::COLLECTION);
        self.placement.collection(&self.tenant, E::COLLECTION)
    }

    /// An entity's collection, scoped to the tenant.
    #[must_use]
    pub fn collection<E: Entity>(&self) -> Collection<E> {
        Collection::new(self.database.collection(&self.name::<E>()), self.tenant.clone())
    }
}
