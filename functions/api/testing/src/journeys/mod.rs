//! Ways through the API as people go them, which between them call every route that changes something, and what
//! is read about a single thing on the way: each step uses what the one before made, so that all of them succeed.
//!
//! Tests look at what MongoDB does for a step, the bench at how long it takes: a [`Messenger`] carries the
//! requests.

mod account;
mod external;
mod organization;
mod people;
mod plain;
mod platform;
mod rooms;
mod stage;
mod traveller;

pub use stage::Stage;
pub use traveller::{Messenger, Traveller};

/// A way through the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journey {
    /// Registering, logging in and out.
    Registering,
    /// A second factor, from setting it up to giving it up.
    SecondFactor,
    /// A password changed, and one forgotten.
    Passwords,
    /// What one is logged in with.
    Devices,
    /// Who one is at LINE and at an OpenID provider.
    External,
    /// A room made by hand, and who is in it.
    Rooms,
    /// A room of LINE's: its session, messages and summaries.
    Talk,
    /// People who write in, exported and forgotten.
    People,
    /// Entities of which everything is declared.
    Plain,
    /// Staff asked in, changed, removed.
    Staff,
    /// Keys, rules, settings.
    Settings,
    /// Channels and the data key.
    Channels,
    /// Accounts and owners, by who runs the platform.
    Accounts,
    /// Organizations from being made to their end, by who runs the platform.
    Organizations,
}

impl Journey {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Registering,
        Self::SecondFactor,
        Self::Passwords,
        Self::Devices,
        Self::External,
        Self::Rooms,
        Self::Talk,
        Self::People,
        Self::Plain,
        Self::Staff,
        Self::Settings,
        Self::Channels,
        Self::Accounts,
        Self::Organizations,
    ];

    /// Goes it.
    ///
    /// # Errors
    /// The first step that was refused.
    pub async fn go<M: Messenger>(self, on: &Traveller<'_, M>) -> anyhow::Result<()> {
        match self {
            Self::Registering => account::registering(on).await,
            Self::SecondFactor => account::second_factor(on).await,
            Self::Passwords => account::passwords(on).await,
            Self::Devices => account::devices(on).await,
            Self::External => external::identities(on).await,
            Self::Rooms => rooms::rooms(on).await,
            Self::Talk => rooms::talk(on).await,
            Self::People => people::people(on).await,
            Self::Plain => plain::plain(on).await,
            Self::Staff => organization::staff(on).await,
            Self::Settings => organization::settings(on).await,
            Self::Channels => organization::channels(on).await,
            Self::Accounts => platform::accounts(on).await,
            Self::Organizations => platform::organizations(on).await,
        }
    }
}
