//! What a route declares about itself. From a rule come who may call it, how often, whether it is
//! audited and replayed, and what the documentation says of it; a route without one cannot be made.

use std::borrow::Cow;

use http::Method;
use matome_domain::access::Permission;
use matome_domain::rate::{Class, Work};
use matome_store::entities::OrganizationStatus;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: it checks what it is given itself, or has nothing to hide.
    Public,
    /// Whoever is signed in, for what is their own. Not API keys.
    Account,
    /// Staff of the organization in the path, and its API keys, with this permission.
    Tenant(Permission),
    /// The same in the room in the path: what is said of the room and of the caller in it counts.
    Room(Permission),
    /// Who runs the platform.
    Platform(Permission),
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The HTTP method.
    pub method: Method,
    /// The path below `/v1`, with `{names}`.
    pub path: Cow<'static, str>,
    /// `operationId`, such as `listRooms`: unique, stable, also the audit's name for it.
    pub id: Cow<'static, str>,
    /// What it is about, in the documentation's groups.
    pub tag: Cow<'static, str>,
    /// One line.
    pub summary: Cow<'static, str>,
    /// More, if one line is not enough.
    pub description: Cow<'static, str>,
    /// Who may.
    pub access: Access,
    /// How often.
    pub class: Class,
    /// See [`Rule::evenly`].
    pub even: bool,
    /// Of which organizations it may be called, where it changes something.
    pub states: States,
    /// See [`Rule::answers_once`].
    pub once: bool,
}

/// Organizations that something may be changed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum States {
    /// Those that are served.
    Served,
    /// Those that are suspended as well: what only takes away, and is their own to take.
    Suspended,
    /// All: what operators do to one that is suspended or failed.
    Any,
}

impl States {
    pub(crate) fn has(self, status: OrganizationStatus) -> bool {
        match status {
            OrganizationStatus::Active | OrganizationStatus::Moving => true,
            OrganizationStatus::Suspended => self != Self::Served,
            _ => self == Self::Any,
        }
    }
}

impl Rule {
    fn new(
        method: Method,
        path: impl Into<Cow<'static, str>>,
        id: impl Into<Cow<'static, str>>,
        access: Access,
    ) -> Self {
        let class = if method == Method::GET { Class::Read } else { Class::Write };
        let (path, id) = (path.into(), id.into());
        Self {
            method,
            path,
            id,
            tag: "".into(),
            summary: "".into(),
            description: "".into(),
            access,
            class,
            even: false,
            states: States::Served,
            once: false,
        }
    }

    /// Reads.
    pub fn get(path: impl Into<Cow<'static, str>>, id: impl Into<Cow<'static, str>>, access: Access) -> Self {
        Self::new(Method::GET, path, id, access)
    }

    /// Makes something, or has something done.
    pub fn post(
        path: impl Into<Cow<'static, str>>,
        id: impl Into<Cow<'static, str>>,
        access: Access,
    ) -> Self {
        Self::new(Method::POST, path, id, access)
    }

    /// Sets something.
    pub fn put(path: impl Into<Cow<'static, str>>, id: impl Into<Cow<'static, str>>, access: Access) -> Self {
        Self::new(Method::PUT, path, id, access)
    }

    /// Changes something (RFC 7396).
    pub fn patch(
        path: impl Into<Cow<'static, str>>,
        id: impl Into<Cow<'static, str>>,
        access: Access,
    ) -> Self {
        Self::new(Method::PATCH, path, id, access)
    }

    /// Removes something.
    pub fn delete(
        path: impl Into<Cow<'static, str>>,
        id: impl Into<Cow<'static, str>>,
        access: Access,
    ) -> Self {
        Self::new(Method::DELETE, path, id, access)
    }

    /// With its group and its one line in the documentation.
    #[must_use]
    pub fn says(mut self, tag: impl Into<Cow<'static, str>>, summary: impl Into<Cow<'static, str>>) -> Self {
        (self.tag, self.summary) = (tag.into(), summary.into());
        self
    }

    /// With more to say.
    #[must_use]
    pub fn describes(mut self, description: impl Into<Cow<'static, str>>) -> Self {
        self.description = description.into();
        self
    }

    /// Counted as other work than its method would say.
    #[must_use]
    pub fn counts_as(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// What was refused and what was only taken (401, 202) is answered no sooner than after a fixed time, so
    /// that the time does not tell what the answer does not.
    #[must_use]
    pub fn evenly(mut self) -> Self {
        self.even = true;
        self
    }

    /// See [`States::Any`].
    #[must_use]
    pub fn in_any_state(mut self) -> Self {
        self.states = States::Any;
        self
    }

    /// See [`States::Suspended`].
    #[must_use]
    pub fn while_suspended(mut self) -> Self {
        self.states = States::Suspended;
        self
    }

    /// A repeat with the same `Idempotency-Key` is told that it was done, and no more: the answer is not kept.
    #[must_use]
    pub fn answers_once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Whether it changes something, and so is audited.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.method != Method::GET
    }

    /// Whether an `Idempotency-Key` is heeded.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.method == Method::POST
    }

    /// What its calls are counted with.
    #[must_use]
    pub fn work(&self) -> Work {
        Work::of(self.class, self.id.clone())
    }

    /// The names in the path, in its order.
    pub fn path_names(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}
