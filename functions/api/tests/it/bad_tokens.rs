//! The table of bad tokens and keys: each is refused on a route that reads and on one that changes, all with
//! the same answer, and nothing is changed, not even the audit.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bson::doc;
use jsonwebtoken::{Algorithm, EncodingKey};
use matome_api::auth::access_token::{AccessTokens, Amr, Subject};
use matome_api_testing::world::{AUDIENCE, ISSUER, Person, World, of};
use matome_domain::access::{Role, Scopes};
use matome_domain::clock::{Clock, Timestamp};
use matome_store::entities::{Account, ApiKey, AuditEntry, LoginSession, Room};
use matome_testing::TestTenant;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::auth::told;

/// Somebody's right token, taken apart.
struct Forger {
    header: Value,
    claims: Value,
    key: EncodingKey,
    /// The public half, as everybody can read it.
    public: Vec<u8>,
}

impl Forger {
    async fn of(world: &World, person: &Person) -> Self {
        let part = |at: usize| {
            let part = person.token.split('.').nth(at).expect("a part");
            let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
            serde_json::from_slice::<Value>(&bytes).expect("JSON")
        };
        let secrets = world.vault.secrets().await.expect("keys");
        let key = secrets.signing.current(world.system.clock.now()).expect("a key");
        let coordinates = [&key.public().x, &key.public().y];
        let mut public = vec![4];
        public.extend(coordinates.iter().flat_map(|c| URL_SAFE_NO_PAD.decode(c).expect("base64url")));
        Self { header: part(0), claims: part(1), key: key.private().clone(), public }
    }

    fn sign(&self, header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).expect("signed");
        format!("{message}.{signature}")
    }

    /// Rightly signed, with other claims.
    fn claiming(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims.clone();
        change(&mut claims);
        self.sign(&self.header, &claims, &self.key, Algorithm::ES256)
    }

    /// Rightly signed, with another header.
    fn headed(&self, name: &str, value: Value) -> String {
        let mut header = self.header.clone();
        header[name] = value;
        self.sign(&header, &self.claims, &self.key, Algorithm::ES256)
    }

    fn by_algorithm(&self, name: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
        let mut header = self.header.clone();
        header["alg"] = json!(name);
        self.sign(&header, &self.claims, key, algorithm)
    }

    fn unsigned(&self) -> String {
        let header = json!({ "alg": "none", "typ": "at+jwt", "kid": self.header["kid"] }).to_string();
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(self.claims.to_string()))
    }
}

fn rsa() -> EncodingKey {
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("a key");
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("PKCS #8");
    EncodingKey::from_rsa_pem(pem(der.as_ref()).as_bytes()).expect("a key")
}

fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// A token of other claims, issued rightly by our own code.
async fn issued(world: &World, tokens: &AccessTokens, person: &Person, at: Timestamp) -> String {
    let secrets = world.vault.secrets().await.expect("keys");
    let subject = Subject {
        account: person.account,
        session: person.session,
        amr: vec![Amr::Pwd],
        authenticated_at: at,
    };
    let issued = tokens.issue(&secrets.signing, &*world.system.random, subject, at).expect("issued");
    issued.text.expose_secret().to_owned()
}

/// Somebody of the tenant whose stored account or session is changed.
async fn member_but<E: matome_store::Entity>(
    world: &World,
    tenant: &TestTenant,
    id: impl Fn(&Person) -> matome_store::Id,
    set: bson::Document,
) -> String {
    let person = world.member(tenant, Role::Owner).await;
    let documents = world.system.store.platform_collection::<E>();
    documents.update_one(doc! { "_id": id(&person) }, doc! { "$set": set }).await.expect("changed");
    person.token
}

async fn key_but(world: &World, tenant: &TestTenant, set: bson::Document) -> String {
    let text = world.api_key(tenant, scopes()).await;
    let keys = world.system.store.of_tenant::<ApiKey>(&tenant.id);
    let prefix = text.split('_').nth(1).expect("a prefix");
    keys.update(doc! { "prefix": prefix }, doc! { "$set": set }).await.expect("changed");
    text
}

fn scopes() -> Scopes {
    serde_json::from_value(json!(["rooms:read", "rooms:create"])).expect("scopes")
}

/// The last character another one.
fn altered(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 2);
    let other = if last.starts_with('A') { 'B' } else { 'A' };
    format!("{rest}{other}{}", &last[1..])
}

/// What `Authorization` says, by name.
async fn bad(world: &World, tenant: &TestTenant) -> Vec<(&'static str, Option<String>)> {
    let (owner, now) = (world.member(tenant, Role::Owner).await, world.system.clock.now());
    let forger = Forger::of(world, &owner).await;
    let hmac = EncodingKey::from_secret(&forger.public);
    let another = EncodingKey::from_ec_der(&matome_api::auth::signing_key::generate().expect("a key"));
    let later = |minutes: i64| Timestamp(now.0 + minutes * 60_000);
    let ours = &world.tokens;
    let key = world.api_key(tenant, scopes()).await;
    let other = world.api_key(&world.tenant().await, scopes()).await;
    let prefix = |text: &str| text.split('_').nth(1).expect("a prefix").to_owned();
    let secret = key.split_once('_').and_then(|(_, rest)| rest.split_once('_')).expect("a secret").1;
    let at = world.now();
    let tokens = vec![
        ("no signature", forger.unsigned()),
        ("HS256 by the public key", forger.by_algorithm("HS256", &hmac, Algorithm::HS256)),
        ("RS256", forger.by_algorithm("RS256", &rsa(), Algorithm::RS256)),
        ("another key", forger.by_algorithm("ES256", &another, Algorithm::ES256)),
        ("unknown kid", forger.headed("kid", json!("nobody"))),
        ("no access token", forger.headed("typ", json!("JWT"))),
        ("wrong aud", issued(world, &AccessTokens::new(ISSUER, "another"), &owner, now).await),
        ("wrong iss", issued(world, &AccessTokens::new("https://a.example", AUDIENCE), &owner, now).await),
        ("exp as text", forger.claiming(|claims| claims["exp"] = json!(claims["exp"].to_string()))),
        ("expired", issued(world, ours, &owner, later(-10)).await),
        ("not yet", issued(world, ours, &owner, later(1)).await),
        ("no exp", forger.claiming(|claims| _ = claims.as_object_mut().map(|c| c.remove("exp")))),
        ("no sid", forger.claiming(|claims| _ = claims.as_object_mut().map(|c| c.remove("sid")))),
        ("unknown sid", forger.claiming(|claims| claims["sid"] = json!(world.id()))),
        ("another's sid", {
            let session = world.person().await.session;
            forger.claiming(|claims| claims["sid"] = json!(session))
        }),
        ("one character changed", altered(&owner.token)),
        ("cut", owner.token[..owner.token.len() - 1].to_owned()),
        (
            "session revoked",
            member_but::<LoginSession>(world, tenant, |p| p.session, doc! { "revokedAt": at }).await,
        ),
        (
            "session over",
            member_but::<LoginSession>(world, tenant, |p| p.session, doc! { "expiresAt": at }).await,
        ),
        (
            "account suspended",
            member_but::<Account>(world, tenant, |p| p.account, doc! { "status": "suspended" }).await,
        ),
        (
            "account deleted",
            member_but::<Account>(world, tenant, |p| p.account, doc! { "deletedAt": at }).await,
        ),
        ("key revoked", key_but(world, tenant, doc! { "revokedAt": at }).await),
        ("key expired", key_but(world, tenant, doc! { "expiresAt": at }).await),
        ("key deleted", key_but(world, tenant, doc! { "deletedAt": at }).await),
        ("key with a character changed", altered(&key)),
        ("key with another's prefix", format!("mtm_{}_{secret}", prefix(&other))),
        ("key of nobody", format!("mtm_{}_{secret}", "a".repeat(12))),
        ("nonsense", "x".to_owned()),
        ("too long", "a".repeat(5_000)),
    ];
    let mut all: Vec<_> =
        tokens.into_iter().map(|(name, token)| (name, Some(format!("Bearer {token}")))).collect();
    all.extend([
        ("none", None),
        ("empty", Some(String::new())),
        ("empty token", Some("Bearer ".to_owned())),
        ("no scheme", Some(owner.token.clone())),
        ("Basic", Some(format!("Basic {}", owner.token))),
        ("two at once", Some(format!("Bearer {0}, Bearer {0}", owner.token))),
    ]);
    all
}

#[tokio::test]
async fn every_bad_token_is_refused_with_the_same_answer_and_nothing_is_changed() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let path = of(&tenant, "/rooms");
    let state = async || {
        let rooms = tenant.store.collection::<Room>().count(doc! {}).await.unwrap();
        (rooms, tenant.store.collection::<AuditEntry>().count(doc! {}).await.unwrap())
    };
    let before = state().await;
    let mut expected = None;
    for (name, header) in bad(&world, &tenant).await {
        for method in ["GET", "POST"] {
            let mut call = world.request(method, &path);
            if let Some(header) = &header {
                call = call.header("authorization", header);
            }
            if method == "POST" {
                call = call.json(&json!({ "name": "Forged" }));
            }
            let reply = call.send().await;
            assert_eq!((reply.status.as_u16(), reply.code()), (401, "unauthenticated"), "{method} {name}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{method} {name}");
            let expected = expected.get_or_insert_with(|| told(&reply));
            assert_eq!(told(&reply), *expected, "{method} {name}");
        }
    }
    assert_eq!(state().await, before);
}

#[tokio::test]
async fn two_headers_are_refused_though_each_is_right() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(&tenant, Role::Owner).await;
    let once = world.get(of(&tenant, "/rooms")).by(&owner);
    let twice = world.get(of(&tenant, "/rooms")).by(&owner);
    let twice = twice.header("authorization", &format!("Bearer {}", owner.token)).send().await;
    assert_eq!((once.send().await.status.as_u16(), twice.status.as_u16()), (200, 401));
}

#[tokio::test]
async fn who_is_of_another_tenant_learns_as_much_as_of_one_that_is_not_there() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let stranger = world.member(&other, Role::Owner).await;
    let key = world.api_key(&other, scopes()).await;
    let nowhere = format!("/v1/organizations/{}/rooms", world.id());
    let entries = async || tenant.store.collection::<AuditEntry>().count(doc! {}).await.unwrap();
    let before = entries().await;
    for token in [&stranger.token, &key] {
        for method in ["GET", "POST"] {
            let ask = async |path: &str| {
                let call = world.request(method, path).with_token(token);
                told(&call.json(&json!({ "name": "Forged" })).send().await)
            };
            let (theirs, nobodys) = (ask(&of(&tenant, "/rooms")).await, ask(&nowhere).await);
            assert_eq!((theirs.0, &theirs), (404, &nobodys), "{method}");
        }
        assert_eq!(world.get(of(&other, "/rooms")).with_token(token).send().await.status, 200);
    }
    assert_eq!(entries().await, before);
}
