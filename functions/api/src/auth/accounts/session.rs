//! Login sessions and the devices they are opened with.

use bson::doc;
use matome_domain::clock::Timestamp;
use matome_store::entities::{Account, Credentials, Device, LoginSession, RevokedBecause};
use matome_store::{Id, StoreError, Time};
use secrecy::SecretString;

use super::{Accounts, AuthError};
use crate::auth::access_token::{Amr, Issued, Subject};
use crate::auth::mac::Purpose;
use crate::auth::mail::Letter;
use crate::auth::refresh_token::RefreshToken;

/// Characters of a `User-Agent` that are kept.
const AGENT_LEN: usize = 256;

/// Where a request comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// IP address.
    pub ip: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// What an app calls the device it runs on, the same each time; without it, the `User-Agent` is all that
    /// is known of it.
    pub device: Option<String>,
}

/// What somebody who is logged in gets.
#[derive(Debug)]
pub struct Tokens {
    /// Whose.
    pub account: Id,
    /// The login session.
    pub session: Id,
    /// For requests.
    pub access: Issued,
    /// For the next access token; each one once.
    pub refresh: SecretString,
    /// When the session is over unless it is used before.
    pub expires_at: Timestamp,
}

impl Accounts {
    /// Opens a session of an account that proved who it is in these ways, by what was `known` of it then. What
    /// ended every session meanwhile ends this one too.
    pub(super) async fn open_session(
        &self,
        account: &Account,
        known: Option<&Credentials>,
        amr: &[Amr],
        origin: &Origin,
    ) -> Result<Tokens, AuthError> {
        if !account.is_active() {
            return Err(AuthError::Closed);
        }
        let (now, at) = self.now();
        let device = Box::pin(self.device(account, origin)).await?;
        let secrets = self.vault.secrets().await?;
        let id = self.id();
        let refresh = RefreshToken::generate(&*self.random, id);
        let expires_at = self.lifetimes(account.id).await?.ends_at(now, now);
        let session = LoginSession {
            id,
            account_id: account.id,
            device_id: Some(device),
            refresh_tag: refresh.tag(&secrets.mac).into(),
            previous_tag: None,
            rotated_at: at,
            amr: amr.iter().map(|amr| amr.as_str().to_owned()).collect(),
            auth_time: at,
            ip: origin.ip.clone(),
            user_agent: agent(origin),
            last_used_at: at,
            expires_at: expires_at.into(),
            revoked_at: None,
            revoked_because: None,
            created_at: at,
            updated_at: at,
            version: 0,
        };
        self.sessions().insert_one(&session).await?;
        let mut set = doc! { "lastLoginAt": at };
        if let Some(ip) = &origin.ip {
            set.insert("lastLoginIp", ip);
        }
        // Looked at when the session is there for whoever ends all of them: either they found it, or it is found out
        // here that they were there.
        let seen =
            self.accounts().find_one_and_update(doc! { "_id": account.id }, doc! { "$set": set }).await?;
        let since = self.credentials().find_one(doc! { "_id": account.id }).await?;
        if !seen.is_some_and(|account| account.is_active()) {
            self.revoke_session(account.id, id, RevokedBecause::AccountClosed).await?;
            return Err(AuthError::Closed);
        }
        if since.map(|credentials| credentials.version) != known.map(|credentials| credentials.version) {
            self.revoke_session(account.id, id, RevokedBecause::PasswordChanged).await?;
            return Err(AuthError::BadCredentials);
        }
        let access = self.access_token(&session, now).await?;
        tracing::info!(account.id = %account.id, session.id = %id, "logged in");
        Ok(Tokens { account: account.id, session: id, access, refresh: refresh.text().clone(), expires_at })
    }

    pub(super) async fn access_token(
        &self,
        session: &LoginSession,
        now: Timestamp,
    ) -> Result<Issued, AuthError> {
        let secrets = self.vault.secrets().await?;
        let subject = Subject {
            account: session.account_id,
            session: session.id,
            amr: session.amr.iter().filter_map(|amr| Amr::from_text(amr)).collect(),
            authenticated_at: session.auth_time.into(),
        };
        Ok(self.tokens.issue(&secrets.signing, &*self.random, subject, now)?)
    }

    pub(super) fn sessions(&self) -> mongodb::Collection<LoginSession> {
        self.store.platform_collection()
    }

    /// Ends one session of an account; whether it had one that held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_session(
        &self,
        account: Id,
        session: Id,
        because: RevokedBecause,
    ) -> Result<bool, StoreError> {
        let (_, at) = self.now();
        let filter = doc! { "_id": session, "accountId": account, "revokedAt": null };
        let because = matome_store::value::to_bson(&because)?;
        let set = doc! { "revokedAt": at, "revokedBecause": because, "updatedAt": at };
        let update = doc! { "$set": set, "$inc": { "__v": 1_i64 } };
        Ok(self.sessions().update_one(filter, update).await?.modified_count == 1)
    }

    /// The device that the origin tells of, written as seen now. The account is told of one that is new,
    /// but for its first.
    async fn device(&self, account: &Account, origin: &Origin) -> Result<Id, AuthError> {
        let (_, at) = self.now();
        let secrets = self.vault.secrets().await?;
        let told = origin.device.as_deref().or(origin.user_agent.as_deref()).unwrap_or_default();
        let fingerprint = secrets.mac.tag(Purpose::Device, &format!("{}:{told}", account.id));
        let devices = self.store.platform_collection::<Device>();
        let filter = doc! { "accountId": account.id, "fingerprint": fingerprint.as_str() };
        let mut set = doc! { "lastSeenAt": at, "updatedAt": at };
        if let Some(ip) = &origin.ip {
            set.insert("lastIp", ip);
        }
        let again = doc! { "$set": set, "$unset": { "revokedAt": "" }, "$inc": { "__v": 1_i64 } };
        if let Some(known) = devices.find_one_and_update(filter.clone(), again.clone()).await? {
            return Ok(known.id);
        }
        let had_one = devices.find_one(doc! { "accountId": account.id }).await?.is_some();
        let device = new_device(self.id(), account.id, fingerprint.into(), origin, at);
        match devices.insert_one(&device).await.map_err(StoreError::from) {
            Ok(_) => {}
            // Two log-ins at once with one new device: the other one wrote it.
            Err(error) if error.is_duplicate() => {
                let other = devices.find_one_and_update(filter, again).await?;
                return Ok(other.map_or(device.id, |other| other.id));
            }
            Err(error) => return Err(error.into()),
        }
        if had_one {
            self.tell(account, &Letter::NewDevice { device: device.name }).await;
        }
        Ok(device.id)
    }
}

fn new_device(id: Id, account: Id, fingerprint: String, origin: &Origin, at: Time) -> Device {
    Device {
        id,
        account_id: account,
        fingerprint,
        name: device_name(origin.user_agent.as_deref().unwrap_or_default()),
        user_agent: agent(origin),
        first_seen_at: at,
        last_seen_at: at,
        last_ip: origin.ip.clone(),
        revoked_at: None,
        created_at: at,
        updated_at: at,
        version: 0,
    }
}

fn agent(origin: &Origin) -> Option<String> {
    Some(origin.user_agent.as_ref()?.chars().take(AGENT_LEN).collect())
}

/// What a person calls it: browser and system, the first of each that the `User-Agent` names. Edge and Opera
/// say they are Chrome too, and Chrome says it is Safari: hence the order.
fn device_name(agent: &str) -> String {
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Line/", "LINE"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let named = |all: &[(&str, &'static str)]| {
        all.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name)
    };
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        // A program's own name: letters and digits only, because mails repeat it.
        (None, None) => {
            let name: String = agent.chars().take_while(char::is_ascii_alphanumeric).take(30).collect();
            if name.is_empty() { "?".to_owned() } else { name }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names_that_people_know() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, name) in [
            (format!("{windows} Chrome/140.0 Safari/537.36 Edg/140.0"), "Edge on Windows"),
            (format!("{windows} Chrome/140.0 Safari/537.36"), "Chrome on Windows"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko Firefox/140.0".to_owned(), "Firefox on Linux"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Safari/604.1".to_owned(),
                "Safari on iPhone",
            ),
            ("curl/8.0".to_owned(), "curl"),
            ("<a href=x>".to_owned(), "?"),
            (String::new(), "?"),
        ] {
            assert_eq!(device_name(&agent), name, "{agent}");
        }
    }
}
