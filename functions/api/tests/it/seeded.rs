//! A tenant that has some of everything, and paths with its ids: for tests that walk over all routes. Of plain
//! entities there is something by themselves.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use matome_api_testing::world::{Person, World};
use matome_domain::access::Role;
use matome_store::collection::encode;
use matome_store::create_organization::default_room;
use matome_store::entities::{
    AccountAuditEntry, ApiKey, AuditEntry, Channel, Device, ExposedVisitor, Invitation, IpRule, LoginSession,
    Member, Message, MonthlyUsage, Operation, Owner, Room, RoomMember, SecurityPolicy, Session, Summary,
    User, visit_plain_entities,
};
use matome_store::exposed::{Exposed, NewContext};
use matome_store::id::derived;
use matome_store::{Entity, Scope};
use matome_testing::tenant::BEGIN;
use matome_testing::{TestTenant, fixtures};
use mongodb::Database;

/// When everything is.
const NOW: DateTime = DateTime::from_millis(BEGIN.0);
/// A word of every message and summary.
pub(crate) const WORD: &str = "picnic";

/// See the module.
pub(crate) struct Seeded {
    pub(crate) tenant: TestTenant,
    /// Its owner, who may everything.
    pub(crate) owner: Person,
    /// One of its agents, from whom private rooms are hidden.
    pub(crate) agent: Person,
    /// Documents of each kind.
    pub(crate) size: u32,
}

impl Seeded {
    /// A tenant with `size` documents of each kind.
    pub(crate) async fn start(world: &World, size: u32) -> Self {
        let tenant = world.tenant().await;
        let owner = world.member(&tenant, Role::Owner).await;
        let agent = world.member(&tenant, Role::Agent).await;
        let seeded = Self { tenant, owner, agent, size };
        seeded.talk(world).await;
        seeded.administration(world).await;
        seeded.of_account(world).await;
        seeded.plain(world).await;
        seeded
    }

    /// The id of the document of a kind and number.
    pub(crate) fn id(&self, kind: &str, number: u32) -> ObjectId {
        derived(&[kind, self.tenant.id.as_str(), &number.to_string()])
    }

    /// `/v1` and a route's path, with ids of what is there.
    ///
    /// # Panics
    /// On a name that is not known here: whoever adds a route with a new one says here what it names.
    pub(crate) fn path(&self, route: &str) -> String {
        let mut path = "/v1".to_owned();
        for part in route.split('/').skip(1) {
            path.push('/');
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => path.push_str(&self.value(name, route)),
                None => path.push_str(part),
            }
        }
        path
    }

    fn value(&self, name: &str, route: &str) -> String {
        let kind = match (name, route) {
            ("organizationId", _) => return self.tenant.id.to_string(),
            ("provider", _) => return "line".to_owned(),
            ("channelId", _) => return self.tenant.channel.to_string(),
            ("ownerId", _) => return self.tenant.id.to_string(),
            ("accountId", _) => return self.owner.account.to_hex(),
            ("sessionId", route) if route.starts_with("/account/") => return self.owner.session.to_hex(),
            ("memberId" | "roomMemberId", route) if route.contains("/rooms/") => RoomMember::COLLECTION,
            ("memberId", _) => Member::COLLECTION,
            ("roomId", _) => Room::COLLECTION,
            ("userId", _) => User::COLLECTION,
            ("sessionId", _) => Session::COLLECTION,
            ("messageId", _) => Message::COLLECTION,
            ("summaryId", _) => Summary::COLLECTION,
            ("apiKeyId" | "keyId", _) => ApiKey::COLLECTION,
            ("invitationId", _) => Invitation::COLLECTION,
            ("ruleId" | "ipRuleId", _) => IpRule::COLLECTION,
            ("entryId" | "auditEntryId", _) => AuditEntry::COLLECTION,
            ("deviceId", _) => Device::COLLECTION,
            ("operationId" | "erasureId", _) => Operation::COLLECTION,
            (name, route) => match plain().into_iter().find(|plain| plain.id == name) {
                Some(plain) => plain.collection,
                None => panic!("what is {{{name}}} of {route}? Seed one and say so in tests/it/seeded.rs"),
            },
        };
        self.id(kind, 0).to_hex()
    }

    async fn talk(&self, world: &World) {
        let tenant = self.tenant.id.as_str();
        let of = |kind| self.id(kind, 0);
        let (room, session) = (of(Room::COLLECTION), of(Session::COLLECTION));
        self.seed::<Room>(world, |number| {
            let id = self.id(Room::COLLECTION, number);
            let mut room = Room { id, conversation_id: number.to_string(), ..default_room(tenant, NOW) };
            // One in three is hidden from who is not in it.
            room.settings.privacy = (number % 3 == 1).then(|| "private".to_owned());
            encode(&room).expect("can be written")
        })
        .await;
        self.seed::<User>(world, |number| {
            let user = fixtures::user(&self.tenant, &number.to_string());
            encode(&User { id: self.id(User::COLLECTION, number), ..user }).expect("can be written")
        })
        .await;
        self.seed::<RoomMember>(world, |number| {
            sample::<RoomMember>(doc! {
                "roomId": room, "userId": self.id(User::COLLECTION, number), "role": "member", "joinedAt": NOW,
                "lastActiveAt": NOW, "status": "active", "statusAt": NOW, "permissions": {
                    "canSendMessage": true, "canViewHistory": true, "canExportData": false,
                    "canManageSettings": false,
                },
                "statistics": { "messagesSent": 0_i64, "sessionsParticipated": 0_i64 },
            })
        })
        .await;
        self.seed::<Session>(world, |number| {
            sample::<Session>(doc! {
                "roomId": room, "channelId": self.tenant.channel.as_str(), "conversationId": "0",
                "sessionNumber": i64::from(number), "participants": [of(User::COLLECTION)],
                "status": if number == 0 { "active" } else { "closed" }, "openedAt": NOW, "closesAt": NOW,
                "startTime": NOW, "lastMessageAt": NOW, "revision": 0_i64, "metadata": { "platform": "line" },
                "statistics": { "messageCount": 3_i64, "imageCount": 0_i64, "participantCount": 1_i64 },
            })
        })
        .await;
        self.seed::<Message>(world, |number| {
            sample::<Message>(doc! {
                "channelId": self.tenant.channel.as_str(), "sessionId": session, "roomId": room,
                "userId": of(User::COLLECTION), "lineMessageId": number.to_string(), "messageType": "text",
                "status": "delivered", "content": format!("{WORD} {number}"),
                "search": [WORD, number.to_string()],
                "media": {
                    "status": "stored", "key": format!("tenants/{tenant}/media/{number}/original"),
                    "mimeType": "image/png", "fileSize": 3_i64, "attempts": 0_i64,
                },
                "timestamp": DateTime::from_millis(BEGIN.0 - i64::from(number) * 1_000),
            })
        })
        .await;
        self.seed::<Summary>(world, |number| {
            sample::<Summary>(doc! {
                "sessionId": self.id(Session::COLLECTION, number), "roomId": room,
                "channelId": self.tenant.channel.as_str(), "revision": 0_i64, "generatedBy": "system",
                "content": { "brief": WORD }, "analysis": {}, "participants": [], "citations": [],
                "aiMetadata": {
                    "provider": "builtin", "model": "builtin", "tokensUsed": 0_i64, "inputTokens": 0_i64,
                    "outputTokens": 0_i64, "processingTime": 0_i64, "requests": 0_i64,
                },
                "language": "ja", "visibility": "room", "status": "completed", "search": [WORD],
            })
        })
        .await;
        self.seed::<MonthlyUsage>(world, |number| {
            sample::<MonthlyUsage>(doc! { "month": format!("{:04}-11", 2026 - number), "computedAt": NOW })
        })
        .await;
    }

    async fn administration(&self, world: &World) {
        let later = DateTime::from_millis(BEGIN.0 * 2);
        self.seed::<AuditEntry>(world, |number| sample::<AuditEntry>(audit(number))).await;
        self.seed::<Member>(world, |number| {
            sample::<Member>(doc! {
                "accountId": self.id("accounts", number), "role": "viewer", "status": "active", "joinedAt": NOW,
                "permissions": {},
            })
        })
        .await;
        self.seed::<Invitation>(world, |number| {
            sample::<Invitation>(doc! {
                "email": format!("{number}@example.com"), "role": "viewer", "status": "pending",
                "tag": self.id("tag", number).to_hex(), "expiresAt": later,
            })
        })
        .await;
        self.seed::<ApiKey>(world, |number| {
            sample::<ApiKey>(doc! {
                "name": "A machine", "prefix": self.id("prefix", number).to_hex(), "tag": "tag",
                "scopes": ["rooms:read"],
            })
        })
        .await;
        // Few: an organization has a hundred at most, and each request reads them all.
        self.seed_some::<IpRule>(world, 3, |number| {
            let network = format!("203.0.113.{number}/32");
            sample::<IpRule>(doc! { "kind": "block", "network": network, "expiresAt": later })
        })
        .await;
        self.seed_some::<SecurityPolicy>(world, 1, |_| {
            let id = SecurityPolicy::id_of(&self.tenant.id);
            sample::<SecurityPolicy>(doc! { "_id": id, "secondFactorRequired": false })
        })
        .await;
        self.seed_some::<Channel>(world, 1, |_| encode(&fixtures::channel(&self.tenant)).expect("written"))
            .await;
        self.seed_some::<Owner>(world, 1, |_| {
            let mut owner = sample::<Owner>(doc! {
                "email": format!("{}@example.com", self.owner.account.to_hex()), "name": "Someone", "plan": "free",
                "subscription": { "status": "active", "startDate": NOW },
            });
            // As `TestSystem` names the organization's owner.
            owner.insert("_id", ObjectId::parse_str(self.tenant.id.as_str()).expect("hexadecimal digits"));
            owner
        })
        .await;
        self.seed::<Operation>(world, |_| {
            sample::<Operation>(doc! {
                "kind": "change_tier", "input": {}, "state": "done", "requestedBy": self.owner.account.to_hex(),
            })
        })
        .await;
    }

    async fn of_account(&self, world: &World) {
        let account = self.owner.account;
        self.seed::<Device>(world, |number| {
            sample::<Device>(doc! {
                "accountId": account, "fingerprint": self.id("device", number).to_hex(), "name": "A browser",
                "firstSeenAt": NOW, "lastSeenAt": NOW,
            })
        })
        .await;
        self.seed::<LoginSession>(world, |number| {
            sample::<LoginSession>(doc! {
                "accountId": account, "refreshTag": self.id("refresh", number).to_hex(), "rotatedAt": NOW,
                "amr": ["pwd"], "authTime": NOW, "lastUsedAt": NOW,
                "expiresAt": DateTime::from_millis(BEGIN.0 * 2),
            })
        })
        .await;
        self.seed::<AccountAuditEntry>(world, |number| {
            let mut entry = audit(number);
            entry.insert("accountId", account);
            sample::<AccountAuditEntry>(entry)
        })
        .await;
    }

    async fn plain(&self, world: &World) {
        for plain in plain() {
            let documents = (0..self.size).map(|number| {
                let new = NewContext {
                    id: self.id(plain.collection, number),
                    tenant: Some(self.tenant.id.clone()),
                    by: Some(self.owner.account.into()),
                    now: NOW,
                };
                (plain.document)(&new, number)
            });
            let collection = database(world, Scope::Tenant).collection(plain.collection);
            collection.insert_many(documents).await.expect("stored");
        }
    }

    async fn seed<E: Entity>(&self, world: &World, document: impl Fn(u32) -> Document) {
        self.seed_some::<E>(world, self.size, document).await;
    }

    async fn seed_some<E: Entity>(&self, world: &World, size: u32, document: impl Fn(u32) -> Document) {
        let documents = (0..size).map(|number| {
            let mut made = doc! { "_id": self.id(E::COLLECTION, number) };
            let fields = document(number);
            // What the caller names is theirs: a placeholder is only for what `sample` cannot know.
            made.extend(fields.into_iter().filter(|(name, value)| name != "_id" || *value != NOBODY.into()));
            if E::SCOPE != Scope::Platform || made.contains_key("tenantId") {
                made.insert("tenantId", self.tenant.id.as_str());
            }
            made
        });
        let collection = database(world, E::SCOPE).collection(E::COLLECTION);
        collection.insert_many(documents).await.expect("stored");
    }
}

/// Where the documents of tenants in the shared placement are.
fn database(world: &World, scope: Scope) -> Database {
    let platform = world.system.store.platform();
    match scope {
        Scope::Tenant => platform.client().database(&platform.name().replace("_platform", "_shared")),
        Scope::TenantOnPlatform | Scope::Platform => platform,
    }
}

/// A plain entity.
struct Plain {
    /// What its id is called in paths.
    id: String,
    collection: &'static str,
    /// One of its documents.
    document: fn(&NewContext, u32) -> Document,
}

fn plain() -> Vec<Plain> {
    struct All(Vec<Plain>);

    impl ExposedVisitor for All {
        fn visit<E: Exposed>(&mut self) {
            let id = format!("{}Id", E::NAME);
            self.0.push(Plain { id, collection: E::COLLECTION, document: document::<E> });
        }
    }

    let mut all = All(Vec::new());
    visit_plain_entities(&mut all);
    all.0
}

fn document<E: Exposed>(new: &NewContext, number: u32) -> Document {
    let made = E::examples().document(new, number).expect("an example is right");
    made.expect("a plain entity is made by the API")
}

/// The id in a sample, until it has its own.
const NOBODY: ObjectId = ObjectId::from_bytes([0; 12]);

/// What serde needs is given, the rest is its default: as Rust writes it.
fn sample<E: Entity>(fields: Document) -> Document {
    let mut document = doc! {
        "_id": NOBODY, "tenantId": "of nobody", "createdAt": NOW, "updatedAt": NOW, "__v": 0_i64,
    };
    document.extend(fields);
    let entity: E =
        bson::deserialize_from_document(document).unwrap_or_else(|why| panic!("{}: {why}", E::COLLECTION));
    encode(&entity).expect("can be written")
}

fn audit(number: u32) -> Document {
    doc! {
        "seq": i64::from(number) + 1, "previousHash": "", "hash": "00", "phase": "ended",
        "operation": "updateRoom", "actor": { "kind": "account", "id": NOBODY }, "requestId": "r",
        "target": { "kind": "room", "id": NOBODY.to_hex() }, "status": 200,
        "expiresAt": DateTime::from_millis(BEGIN.0 * 2),
    }
}
