//! The API over real MongoDB, with people who may call it. DynamoDB and KMS are in memory unless a test
//! says otherwise; their real counterparts have tests of their own in `shared/runtime`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use bson::oid::ObjectId;
use http::{HeaderMap, Method, Request, StatusCode};
use lambda_http::RequestExt;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
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
use serde_json::Value;
use tower::ServiceExt;

/// Where every request comes from unless a test says otherwise (TEST-NET-1).
pub(crate) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
pub(crate) const ISSUER: &str = "http://127.0.0.1/api";
pub(crate) const AUDIENCE: &str = "matome";
/// The console's origin.
pub(crate) const CONSOLE: &str = "https://console.example";

/// See the module.
pub(crate) struct World {
    pub(crate) system: TestSystem,
    pub(crate) router: Router,
    pub(crate) vault: Arc<Vault>,
    pub(crate) tokens: AccessTokens,
    pub(crate) queued: Recording,
    pub(crate) mails: Outbox,
    /// Dumps of what would be in DynamoDB: rate limits and answers that are kept for repeats.
    pub(crate) ephemeral: Vec<Box<dyn Fn() -> String + Send + Sync>>,
    /// The body of every refusal so far.
    pub(crate) refusals: Mutex<Vec<String>>,
}

/// Somebody with a valid access token.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) account: Id,
    pub(crate) session: Id,
    pub(crate) token: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// JSON, or null when the body is none.
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, when all went well.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }
}

/// A request in the making.
pub(crate) struct Call<'a> {
    world: &'a World,
    method: Method,
    path: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    address: IpAddr,
}

impl Call<'_> {
    pub(crate) fn by(mut self, person: &Person) -> Self {
        self.token = Some(person.token.clone());
        self
    }

    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A body as it stands, of no type.
    pub(crate) fn text(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string());
        self.header("content-type", "application/json")
    }

    pub(crate) fn from(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    pub(crate) async fn send(self) -> Reply {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(self.body.unwrap_or_default())).expect("a request");
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some(self.address.to_string());
        let request = request.with_request_context(RequestContext::ApiGatewayV2(context));
        let response = self.world.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        if !parts.status.is_success() {
            let text = format!("{:?} {}", parts.headers, String::from_utf8_lossy(&body));
            self.world.refusals.lock().expect("nobody panicked").push(text);
        }
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::over(TestSystem::start().await, None, Issuers::default())
    }

    /// With who is believed to say who somebody is.
    pub(crate) fn over(system: TestSystem, line: Option<LineLogin>, issuers: Issuers) -> Self {
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
    pub(crate) fn with_aws(
        system: TestSystem,
        line: Option<LineLogin>,
        issuers: Issuers,
        aws: &Aws,
        bucket: &str,
    ) -> Self {
        Self::serving(system, line, issuers, aws, bucket, matome_api::routes::all())
    }

    /// With routes of one's own.
    pub(crate) fn serving(
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

    pub(crate) fn now(&self) -> Time {
        use matome_domain::clock::Clock;
        date(self.system.clock.now()).into()
    }

    pub(crate) fn id(&self) -> Id {
        let random = self.system.random.uuid().simple().to_string();
        ObjectId::parse_str(&random[..24]).expect("hexadecimal digits").into()
    }

    pub(crate) async fn tenant(&self) -> TestTenant {
        self.system.tenant(Placement::Shared).await
    }

    /// Somebody who is signed in and a member of nothing.
    pub(crate) async fn person(&self) -> Person {
        self.person_with(|_| {}, &[Amr::Pwd]).await
    }

    pub(crate) async fn super_admin(&self) -> Person {
        self.person_with(
            |account| account.platform_role = Some(PlatformRole::SuperAdmin),
            &[Amr::Pwd, Amr::Otp],
        )
        .await
    }

    pub(crate) async fn person_with(&self, change: impl FnOnce(&mut Account), amr: &[Amr]) -> Person {
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

    /// An access token that holds ten minutes from now.
    pub(crate) async fn token(&self, account: Id, session: Id, amr: &[Amr]) -> String {
        use matome_domain::clock::Clock;
        let secrets = self.vault.secrets().await.expect("keys");
        let now = self.system.clock.now();
        let subject = Subject { account, session, amr: amr.to_vec(), authenticated_at: now };
        let issued = self.tokens.issue(&secrets.signing, &*self.system.random, subject, now).expect("issued");
        issued.text.expose_secret().to_owned()
    }

    /// Somebody who is signed in and a member of the tenant.
    pub(crate) async fn member(&self, tenant: &TestTenant, role: Role) -> Person {
        self.member_with(tenant, role, Overrides::default()).await
    }

    pub(crate) async fn member_with(
        &self,
        tenant: &TestTenant,
        role: Role,
        permissions: Overrides,
    ) -> Person {
        let person = self.person().await;
        self.join(tenant, &person, role, permissions).await;
        person
    }

    pub(crate) async fn join(
        &self,
        tenant: &TestTenant,
        person: &Person,
        role: Role,
        permissions: Overrides,
    ) -> Id {
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
    pub(crate) async fn api_key(&self, tenant: &TestTenant, scopes: Scopes) -> String {
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

    fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        let (token, headers, body) = (None, Vec::new(), None);
        Call { world: self, method, path: path.into(), token, headers, body, address: ADDRESS }
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub(crate) fn patch(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PATCH, path)
    }

    pub(crate) fn put(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PUT, path)
    }

    pub(crate) fn delete(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    /// Any method.
    pub(crate) fn request(&self, method: &str, path: impl Into<String>) -> Call<'_> {
        self.call(method.parse().expect("a method"), path)
    }
}

/// A path of the tenant.
pub(crate) fn of(tenant: &TestTenant, path: &str) -> String {
    format!("/v1/organizations/{}{path}", tenant.id)
}

/// The secret of a token, which is `<scheme>_<id>_<secret>` and may have further `_` in its secret.
pub(crate) fn secret_part(token: &str) -> &str {
    token.splitn(3, '_').nth(2).expect("scheme, id, secret")
}
