//! Who makes a journey.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use matome_store::Entity;
use matome_testing::TestTenant;
use serde_json::{Value, json};

use super::Stage;
use crate::call::{Call, Reply};
use crate::sign_in::PASSWORD;
use crate::world::Person;

/// Between two steps, so that quotas grow back.
const PAUSE: Duration = Duration::from_millis(500);

/// Carries requests, and is told which route each is for.
pub trait Messenger: Sync {
    /// Sends it.
    fn carry(&self, operation: &str, call: Call<'_>) -> impl Future<Output = Reply> + Send;
}

/// See the module.
pub struct Traveller<'a, M> {
    pub(super) stage: &'a Stage,
    pub(super) tenant: &'a TestTenant,
    /// May everything in the tenant.
    pub(super) owner: Person,
    /// Runs the platform.
    pub(super) operator: Person,
    messenger: &'a M,
    number: u32,
    address: IpAddr,
}

/// Somebody who has registered and logged in.
pub(super) struct Somebody {
    pub(super) email: String,
    pub(super) account: String,
    pub(super) tokens: Value,
}

impl Somebody {
    pub(super) fn token(&self) -> &str {
        self.tokens["accessToken"].as_str().unwrap_or_default()
    }
}

/// The id of what was answered.
pub(super) fn id(answer: &Value) -> &str {
    answer["id"].as_str().unwrap_or_default()
}

impl<'a, M: Messenger> Traveller<'a, M> {
    /// `number` is no other traveller's on this stage; the people's tokens are signed anew.
    pub async fn new(
        stage: &'a Stage,
        messenger: &'a M,
        tenant: &'a TestTenant,
        (owner, operator): (&Person, &Person),
        number: u32,
    ) -> Self {
        let signed =
            async |person: &Person| Person { token: stage.world.signed(person).await, ..person.clone() };
        let (owner, operator) = (signed(owner).await, signed(operator).await);
        // Of the networks for documentation (RFC 3849); an address is counted by its first 64 bits.
        let [high, low] = [number >> 16, number & 0xffff].map(|half| u16::try_from(half).unwrap_or_default());
        let address = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, high, low, 0, 0, 0, 1));
        Self { stage, tenant, owner, operator, messenger, number, address }
    }

    /// Nobody else's name for something.
    pub(super) fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.number)
    }

    /// Nobody else's address.
    pub(super) fn email(&self, who: &str) -> String {
        format!("{}@journeys.example", self.name(who))
    }

    /// Calls a route by its name. `at` are the ids in its path after the organization's; a body that is null is
    /// none.
    pub(super) async fn ask(
        &self,
        token: Option<&str>,
        operation: &str,
        at: &[&str],
        body: Value,
    ) -> anyhow::Result<Value> {
        let world = &self.stage.world;
        world.system.clock.advance(PAUSE);
        let rule = self.stage.rule(operation);
        let mut at = at.iter().copied();
        let mut path = "/v1".to_owned();
        for part in rule.path.split('/').skip(1) {
            path.push('/');
            path.push_str(match part {
                "{organizationId}" => self.tenant.id.as_str(),
                part if part.starts_with('{') => {
                    at.next().with_context(|| format!("an id of {operation}"))?
                }
                part => part,
            });
        }
        let mut call = world.call(rule.method.clone(), path).from(self.address);
        if let Some(token) = token {
            call = call.with_token(token);
        }
        if !body.is_null() {
            call = call.json(&body);
        }
        let reply = self.messenger.carry(operation, call).await;
        ensure!(reply.status.is_success(), "{operation}: {} {}", reply.status, reply.body);
        Ok(reply.body)
    }

    pub(super) async fn as_nobody(&self, operation: &str, body: Value) -> anyhow::Result<Value> {
        self.ask(None, operation, &[], body).await
    }

    pub(super) async fn as_owner(&self, operation: &str, at: &[&str], body: Value) -> anyhow::Result<Value> {
        self.ask(Some(&self.owner.token), operation, at, body).await
    }

    pub(super) async fn as_operator(
        &self,
        operation: &str,
        at: &[&str],
        body: Value,
    ) -> anyhow::Result<Value> {
        self.ask(Some(&self.operator.token), operation, at, body).await
    }

    /// The token in the last mail to an address.
    pub(super) fn mailed(&self, email: &str) -> anyhow::Result<String> {
        let mail = self.stage.world.mails.to(email).pop().with_context(|| format!("no mail to {email}"))?;
        let (_, token) = mail.text.split_once("#token=").context("a mail without a link")?;
        Ok(token.split_whitespace().next().context("a link without a token")?.to_owned())
    }

    /// Registers somebody.
    pub(super) async fn somebody(&self, who: &str) -> anyhow::Result<Somebody> {
        let email = self.email(who);
        let new = json!({ "email": email, "name": "Some Body", "password": PASSWORD });
        self.as_nobody("register", new).await?;
        let verify = json!({ "token": self.mailed(&email)?, "password": PASSWORD });
        self.as_nobody("verifyEmail", verify).await?;
        let tokens = self.log_in(&email, PASSWORD).await?;
        let account = tokens["accountId"].as_str().context("an account")?.to_owned();
        Ok(Somebody { email, account, tokens })
    }

    pub(super) async fn log_in(&self, email: &str, password: &str) -> anyhow::Result<Value> {
        self.as_nobody("logIn", json!({ "email": email, "password": password })).await
    }

    /// Puts something into the tenant that no route makes.
    pub(super) async fn put<E: Entity>(&self, entity: &E) -> anyhow::Result<()> {
        Ok(self.tenant.store.collection::<E>().insert(entity).await?)
    }
}
