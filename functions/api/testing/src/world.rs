//! The API over real MongoDB, with people who may call it. DynamoDB and KMS are in memory unless a test
//! says otherwise; their real counterparts have tests of their own in `shared/runtime`.

use std::sync::{Arc, Mutex};

use axum::Router;
use bson::oid::ObjectId;
use matome_api::auth::Accounts;
use matome_api::auth::access_token::{AccessTokens, Amr, Subject};
use matome_api::auth::accounts::Parts;
use matome_api::auth::api_key::ApiKeyToken;
use matome_api::auth::line_login::LineLogin;
use matome_api::auth::mail::{Mail, Outbox};
use matome_api::auth::oidc::{Issuers, OidcVerifier};
use matome_api::auth::vault::Vault;
use matome_api::auth::web::Web;
use matome_api::guard::Origins;
use matome_api::routes::Route;
use matome_api::settings::Settings;
use matome_api::{Api, Context};
use matome_domain::access::{Overrides, PlatformRole, Role, Scopes};
use matome_domain::placement::Placement;
use matome_runtime::api_calls::ApiCalls;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::config::Env;
use matome_runtime::idempotency::Idempotency;
use matome_runtime::queue::{Queues, Recording};
use matome_runtime::rate_limit::RateLimits;
use matome_runtime::scoped::TenantAccess;
use matome_store::entities::{
    Account, AccountStatus, ApiKey, LoginSession, Member, MemberPresence, MemberStatus,
    NotificationPreferences,
};
use matome_store::time::date;
use matome_store::value::{Id, Time};
use matome_testing::{TestSystem, TestTenant};
use secrecy::ExposeSecret;

/// What access tokens say issued them.
pub const ISSUER: &str = "http://127.0.0.1/api";
/// Whom they are for.
pub const AUDIENCE: &str = "matome";
/// The console's origin.
pub const CONSOLE: &str = "https://console.example";

/// See the module.
pub struct World {
    /// Databases, time, chance.
    pub system: TestSystem,
    /// All routes.
    pub router: Router,
    /// What tokens are signed with.
    pub vault: Arc<Vault>,
    /// How.
    pub tokens: AccessTokens,
    /// What was sent to queues.
    pub queued: Recording,
    /// What was sent to people.
    pub mails: Outbox,
    /// Dumps of what would be in DynamoDB: rate limits and answers that are kept for repeats.
    pub ephemeral: Vec<Box<dyn Fn() -> String + Send + Sync>>,
    /// The body of every refusal so far.
    pub refusals: Mutex<Vec<String>>,
}

/// Somebody with a valid access token.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their account.
    pub account: Id,
    /// What they logged in as.
    pub session: Id,
    /// Their access token.
    pub token: String,
}

impl World {
    /// With nobody else to say who somebody is, and without S3.
    pub async fn start() -> Self {
        Self::over(TestSystem::start().await, None, Issuers::default())
    }

    /// With who is believed to say who somebody is.
    pub fn over(system: TestSystem, line: Option<LineLogin>, issuers: Issuers) -> Self {
        // Nothing listens there: what needs S3 is on MiniStack, see `s3`.
        let env = Env::from_map([
            ("AWS_REGION", "ap-northeast-1"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ]);
        let aws = Aws::from_env(&env, Patience::CONSUMER).expect("settings");
        Self::with_aws(system, line, issuers, &aws, "b")
    }

    /// With a bucket.
    pub fn with_aws(
        system: TestSystem,
        line: Option<LineLogin>,
        issuers: Issuers,
        aws: &Aws,
        bucket: &str,
    ) -> Self {
        Self::serving(system, line, issuers, aws, bucket, matome_api::routes::all())
    }

    /// With routes of one's own.
    pub fn serving(
        system: TestSystem,
        line: Option<LineLogin>,
        issuers: Issuers,
        aws: &Aws,
        bucket: &str,
        routes: Vec<Route>,
    ) -> Self {
        let (queues, queued) = Queues::recording();
        let clock = system.clock.clone();
        let random = system.random.clone();
        let vault = Vault::open(system.store.clone(), system.keys(), clock.clone(), random.clone());
        let vault = Arc::new(vault);
        let tokens = AccessTokens::new(ISSUER, AUDIENCE);
        let (mail, mails) = Mail::in_memory(CONSOLE);
        let web = Web::new().expect("an HTTP client");
        let accounts = Accounts::new(Parts {
            store: system.store.clone(),
            vault: vault.clone(),
            mail,
            line,
            oidc: OidcVerifier::new(issuers, web, clock.clone()),
            tokens: tokens.clone(),
            clock: clock.clone(),
            random: random.clone(),
        });
        let limits = RateLimits::in_memory(clock.clone());
        let idempotency = Idempotency::in_memory(Arc::new(system.keys()), clock.clone(), random.clone());
        let ephemeral: Vec<Box<dyn Fn() -> String + Send + Sync>> =
            vec![Box::new(limits.dump()), Box::new(idempotency.dump())];
        let context = Context {
            tenants: system.tenants(),
            vault: vault.clone(),
            tokens: tokens.clone(),
            accounts,
            limits,
            api_calls: ApiCalls::in_memory(clock.clone()),
            idempotency,
            keys: Arc::new(system.keys()),
            queues,
            access: Arc::new(TenantAccess::new(
                aws,
                "arn:aws:iam::000000000000:role/tenant-access".to_owned(),
                bucket.to_owned(),
                clock.clone(),
            )),
            origins: Origins::default(),
            settings: Settings {
                issuer: ISSUER.to_owned(),
                audience: AUDIENCE.to_owned(),
                console_origin: Some(CONSOLE.to_owned()),
                even_time: std::time::Duration::ZERO,
            },
            clock,
            random,
        };
        let router = Api::serving(context, routes).router;
        let refusals = Mutex::default();
        Self { system, router, vault, tokens, queued, mails, ephemeral, refusals }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        use matome_domain::clock::Clock;
        date(self.system.clock.now()).into()
    }

    /// A new id.
    ///
    /// # Panics
    /// Never: it is made of hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> Id {
        let random = self.system.random.uuid().simple().to_string();
        ObjectId::parse_str(&random[..24]).expect("hexadecimal digits").into()
    }

    /// An organization in the shared placement.
    pub async fn tenant(&self) -> TestTenant {
        self.system.tenant(Placement::Shared).await
    }

    /// Somebody who is signed in and a member of nothing.
    pub async fn person(&self) -> Person {
        self.person_with(|_| {}, &[Amr::Pwd]).await
    }

    /// Who runs the platform.
    pub async fn super_admin(&self) -> Person {
        self.person_with(
            |account| account.platform_role = Some(PlatformRole::SuperAdmin),
            &[Amr::Pwd, Amr::Otp],
        )
        .await
    }

    /// Somebody who is signed in, otherwise.
    ///
    /// # Panics
    /// When they cannot be stored.
    pub async fn person_with(&self, change: impl FnOnce(&mut Account), amr: &[Amr]) -> Person {
        let (id, session, now) = (self.id(), self.id(), self.now());
        let mut account = Account {
            id,
            email: format!("{}@example.com", id.to_hex()),
            email_verified: true,
            name: "Somebody".to_owned(),
            first_name: None,
            last_name: None,
            avatar_url: None,
            phone_number: None,
            phone_verified: false,
            two_factor_enabled: false,
            timezone: "Asia/Bangkok".to_owned(),
            language: "th".to_owned(),
            notification_preferences: NotificationPreferences::default(),
            platform_role: None,
            identities: Vec::new(),
            status: AccountStatus::Active,
            last_login_at: None,
            last_login_ip: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            deleted_by: None,
            version: 0,
        };
        change(&mut account);
        let store = &self.system.store;
        store.platform_collection::<Account>().insert_one(&account).await.expect("stored");
        let names: Vec<String> = amr
            .iter()
            .map(|amr| serde_json::to_value(amr).expect("text"))
            .map(|v| v.as_str().unwrap_or_default().to_owned())
            .collect();
        let login = LoginSession {
            id: session,
            account_id: id,
            device_id: None,
            refresh_tag: format!("none {}", session.to_hex()),
            previous_tag: None,
            rotated_at: now,
            amr: names,
            auth_time: now,
            ip: None,
            user_agent: None,
            last_used_at: now,
            // Far beyond the machine's own clock, by which MongoDB removes what has expired.
            expires_at: bson::DateTime::from_millis(2 * matome_testing::tenant::BEGIN.0).into(),
            revoked_at: None,
            revoked_because: None,
            created_at: now,
            updated_at: now,
            version: 0,
        };
        store.platform_collection::<LoginSession>().insert_one(&login).await.expect("stored");
        let token = self.token(id, session, amr).await;
        Person { account: id, session, token }
    }

    /// Somebody's access token with a second factor, anew.
    pub async fn signed(&self, person: &Person) -> String {
        self.token(person.account, person.session, &[Amr::Pwd, Amr::Otp]).await
    }

    /// An access token that holds ten minutes from now.
    pub async fn token(&self, account: Id, session: Id, amr: &[Amr]) -> String {
        use matome_domain::clock::Clock;
        let secrets = self.vault.secrets().await.expect("keys");
        let now = self.system.clock.now();
        let subject = Subject { account, session, amr: amr.to_vec(), authenticated_at: now };
        let issued = self.tokens.issue(&secrets.signing, &*self.system.random, subject, now).expect("issued");
        issued.text.expose_secret().to_owned()
    }

    /// Somebody who is signed in and a member of the tenant.
    pub async fn member(&self, tenant: &TestTenant, role: Role) -> Person {
        self.member_with(tenant, role, Overrides::default()).await
    }

    /// The same with overrides.
    pub async fn member_with(&self, tenant: &TestTenant, role: Role, permissions: Overrides) -> Person {
        let person = self.person().await;
        self.join(tenant, &person, role, permissions).await;
        person
    }

    /// Makes somebody a member; the membership's id.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn join(&self, tenant: &TestTenant, person: &Person, role: Role, permissions: Overrides) -> Id {
        let now = self.now();
        let member = Member {
            id: self.id(),
            tenant_id: tenant.id.to_string(),
            account_id: person.account,
            name: None,
            email: None,
            avatar_url: None,
            role,
            permissions,
            department_id: None,
            title: None,
            status: MemberStatus::Active,
            presence: MemberPresence::default(),
            joined_at: now,
            invited_by: None,
            last_active_at: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            deleted_by: None,
            version: 0,
        };
        self.system.store.of_tenant::<Member>(&tenant.id).insert(&member).await.expect("stored");
        member.id
    }

    /// An API key's text.
    pub async fn api_key(&self, tenant: &TestTenant, scopes: Scopes) -> String {
        let token = ApiKeyToken::generate(&*self.system.random);
        let secrets = self.vault.secrets().await.expect("keys");
        let now = self.now();
        let key = ApiKey {
            id: self.id(),
            tenant_id: tenant.id.to_string(),
            name: "A machine".to_owned(),
            description: None,
            prefix: token.prefix().to_owned(),
            tag: token.tag(&secrets.mac).as_str().to_owned(),
            scopes,
            expires_at: None,
            last_used_at: None,
            last_used_ip: None,
            created_by: None,
            replaced_by: None,
            revoked_at: None,
            revoked_by: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            deleted_by: None,
            version: 0,
        };
        self.system.store.of_tenant::<ApiKey>(&tenant.id).insert(&key).await.expect("stored");
        token.text().expose_secret().to_owned()
    }
}

/// A path of the tenant.
#[must_use]
pub fn of(tenant: &TestTenant, path: &str) -> String {
    format!("/v1/organizations/{}{path}", tenant.id)
}

/// The secret of a token, which is `<scheme>_<id>_<secret>` and may have further `_` in its secret.
pub fn secret_part(token: &str) -> &str {
    token.splitn(3, '_').nth(2).expect("scheme, id, secret")
}
