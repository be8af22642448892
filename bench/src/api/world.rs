//! The API's router in this process, over the bench's own MongoDB, and people who call it. DynamoDB (limits,
//! quotas, idempotency, the directory), KMS and SQS are in memory: on AWS each adds a call of some
//! milliseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use matome_api::auth::Accounts;
use matome_api::auth::access_token::{AccessTokens, Amr, Subject};
use matome_api::auth::accounts::Parts;
use matome_api::auth::mail::Mail;
use matome_api::auth::oidc::{Issuers, OidcVerifier};
use matome_api::auth::vault::Vault;
use matome_api::auth::web::Web;
use matome_api::guard::Origins;
use matome_api::settings::Settings;
use matome_api::{Api, Context};
use matome_domain::access::{Overrides, PlatformRole, Role};
use matome_domain::clock::Clock;
use matome_domain::ids::TenantId;
use matome_runtime::api_calls::ApiCalls;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::config::Env;
use matome_runtime::idempotency::Idempotency;
use matome_runtime::queue::Queues;
use matome_runtime::rate_limit::RateLimits;
use matome_runtime::scoped::TenantAccess;
use matome_store::entities::{Account, LoginSession, Member};
use matome_store::id::derived;
use matome_store::time::date;
use matome_store::{Entity, Id, Store};
use matome_testing::TestSystem;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

/// Longer than any bench.
const LONG: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const URL: &str = "http://127.0.0.1/api";

tokio::task_local! {
    /// Nanoseconds that the commands of the request at hand took.
    static DATABASE: AtomicU64;
}

/// The system over a client that tells how long commands took.
pub(super) async fn system(uri: &str) -> anyhow::Result<TestSystem> {
    let mut system = TestSystem::on(uri).await;
    let name = system.store.platform().name().to_owned();
    let prefix = name.strip_suffix("_platform").unwrap_or(&name);
    system.store = Store::connect_timed(uri, prefix, 16, |took| {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // What is sent outside of requests is nobody's.
        let _nobody = DATABASE.try_with(|sum| sum.fetch_add(nanos, Ordering::Relaxed));
    })
    .await?;
    Ok(system)
}

/// See the module.
pub(super) struct World {
    pub(super) system: TestSystem,
    router: Router,
    vault: Arc<Vault>,
    tokens: AccessTokens,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(super) struct Person {
    account: Id,
    session: Id,
    pub(super) token: String,
}

/// What is sent.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) token: Option<String>,
    pub(super) body: Option<String>,
}

/// What came of it.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    /// From the request to the last byte of the answer.
    pub(super) took: Duration,
    /// Of that, waiting for MongoDB; commands that run side by side are added up.
    pub(super) database: Duration,
    pub(super) body: Vec<u8>,
}

impl World {
    pub(super) fn new(system: TestSystem) -> anyhow::Result<Self> {
        let (clock, random) = (system.clock.clone(), system.random.clone());
        // Nothing of S3 is asked for.
        let env = Env::from_map([
            ("AWS_REGION", "ap-northeast-1"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ]);
        let aws = Aws::from_env(&env, Patience::CONSUMER)?;
        let vault = Vault::open(system.store.clone(), system.keys(), clock.clone(), random.clone());
        let vault = Arc::new(vault);
        let tokens = AccessTokens::new(URL, "matome");
        let accounts = Accounts::new(Parts {
            store: system.store.clone(),
            vault: vault.clone(),
            mail: Mail::in_memory(URL).0,
            line: None,
            oidc: OidcVerifier::new(Issuers::default(), Web::new()?, clock.clone()),
            tokens: tokens.clone(),
            clock: clock.clone(),
            random: random.clone(),
        });
        let context = Context {
            tenants: system.tenants(),
            vault: vault.clone(),
            tokens: tokens.clone(),
            accounts,
            limits: RateLimits::in_memory(clock.clone()),
            api_calls: ApiCalls::in_memory(clock.clone()),
            idempotency: Idempotency::in_memory(Arc::new(system.keys()), clock.clone(), random.clone()),
            keys: Arc::new(system.keys()),
            queues: Queues::recording().0,
            access: Arc::new(TenantAccess::new(
                &aws,
                "arn:aws:iam::0:role/x".to_owned(),
                "b".to_owned(),
                clock.clone(),
            )),
            origins: Origins::default(),
            settings: Settings {
                issuer: URL.to_owned(),
                audience: "matome".to_owned(),
                console_origin: None,
                even_time: Duration::ZERO,
            },
            clock,
            random,
        };
        Ok(Self { router: Api::new(context).router, system, vault, tokens })
    }

    /// Somebody who is signed in; with a tenant, a member of it.
    pub(super) async fn person(
        &self,
        name: &str,
        tenant: Option<(&TenantId, Role)>,
    ) -> anyhow::Result<Person> {
        let now = date(self.system.clock.now());
        let tenant_id = tenant.map_or("platform", |(id, _)| id.as_str());
        let id = |kind: &str| derived(&[kind, tenant_id, name]);
        let account = made::<Account>(bson::doc! {
            "_id": id("account"), "email": format!("{name}@{tenant_id}.example"), "emailVerified": true,
            "name": "Somebody", "status": "active", "createdAt": now, "updatedAt": now, "__v": 0_i64,
        })?;
        let account =
            Account { platform_role: tenant.is_none().then_some(PlatformRole::SuperAdmin), ..account };
        let session = made::<LoginSession>(bson::doc! {
            "_id": id("session"), "accountId": id("account"), "refreshTag": id("tag").to_hex(), "rotatedAt": now,
            "amr": ["pwd", "otp"], "authTime": now, "lastUsedAt": now, "expiresAt": date(self.system.clock.now().plus(LONG)),
            "createdAt": now, "updatedAt": now, "__v": 0_i64,
        })?;
        let store = &self.system.store;
        store.platform_collection::<Account>().insert_one(&account).await?;
        store.platform_collection::<LoginSession>().insert_one(&session).await?;
        if let Some((tenant, role)) = tenant {
            let member = made::<Member>(bson::doc! {
                "_id": id("member"), "tenantId": tenant_id, "accountId": id("account"), "role": "viewer",
                "status": "active", "joinedAt": now, "createdAt": now, "updatedAt": now, "__v": 0_i64,
                "permissions": {},
            })?;
            let member = Member { role, permissions: Overrides::default(), ..member };
            store.of_tenant::<Member>(tenant).insert(&member).await?;
        }
        let mut person = Person { account: account.id, session: session.id, token: String::new() };
        self.sign(&mut person).await?;
        Ok(person)
    }

    /// A new access token: one holds ten minutes.
    pub(super) async fn sign(&self, person: &mut Person) -> anyhow::Result<()> {
        let secrets = self.vault.secrets().await?;
        let now = self.system.clock.now();
        let (account, session) = (person.account, person.session);
        let subject = Subject { account, session, amr: vec![Amr::Pwd, Amr::Otp], authenticated_at: now };
        let issued = self.tokens.issue(&secrets.signing, &*self.system.random, subject, now)?;
        issued.text.expose_secret().clone_into(&mut person.token);
        Ok(())
    }

    /// Sends one request, in a task of its own.
    pub(super) fn ask(&self, ask: Ask) -> tokio::task::JoinHandle<Answered> {
        let router = self.router.clone();
        tokio::spawn(DATABASE.scope(AtomicU64::new(0), async move {
            let mut request = Request::builder().method(ask.method).uri(ask.path);
            if let Some(token) = &ask.token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            if ask.body.is_some() {
                request = request.header("content-type", "application/json");
            }
            let request = request.body(Body::from(ask.body.unwrap_or_default())).expect("a request");
            let begin = Instant::now();
            let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            let status = response.status();
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
            let took = begin.elapsed();
            let database = DATABASE.with(|sum| Duration::from_nanos(sum.load(Ordering::Relaxed)));
            Answered { status, took, database, body: body.to_vec() }
        }))
    }
}

/// What serde needs is given, the rest is its default.
fn made<E: Entity + DeserializeOwned>(document: bson::Document) -> anyhow::Result<E> {
    Ok(bson::deserialize_from_document(document)?)
}
