//! Mails to people with accounts, over SES. Plain text only: nothing that somebody chose (a name) can be
//! markup. Links carry their token behind `#`, which browsers send to no server.

use std::sync::Arc;

use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use matome_domain::language::Language;
use matome_runtime::aws::Aws;
use matome_runtime::config::{ConfigError, Env};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::texts::text;

/// What is written.
#[derive(Debug)]
pub enum Letter {
    /// Please show that this address is yours.
    VerifyEmail(SecretString),
    /// Somebody tried to register an address that has an account.
    AlreadyRegistered,
    /// Choose a new password.
    ResetPassword(SecretString),
    /// You are invited.
    Invitation {
        /// Into which organization.
        organization: String,
        /// The token.
        token: SecretString,
    },
    /// Somebody logged in with a device that was not seen before.
    NewDevice {
        /// Its name.
        device: String,
    },
    /// The password was changed.
    PasswordChanged,
}

/// A mail as it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// To whom.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Written(..)")
    }
}

/// Why no mail was sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The deployment cannot send mails.
    #[error("no mails can be sent: {0} is not set")]
    NotSet(&'static str),
    /// SES refused or was not reached.
    #[error("SES did not take a mail")]
    Ses(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[derive(Clone)]
enum Sender {
    Ses {
        client: aws_sdk_sesv2::Client,
        from: String,
    },
    NotSet,
    #[cfg(any(test, feature = "test-support"))]
    Memory(Outbox),
}

/// Sends mails.
#[derive(Clone)]
pub struct Mail {
    sender: Sender,
    console: Option<Arc<str>>,
}

impl Mail {
    /// From `EMAIL_FROM` and `CONSOLE_URL`. Both may be left out: then whoever wants a mail sent is told so.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn from_env(env: &Env, aws: &Aws) -> Result<Self, ConfigError> {
        let sender = match env.optional("EMAIL_FROM")? {
            Some(from) => Sender::Ses { client: aws_sdk_sesv2::Client::new(aws.config()), from },
            None => Sender::NotSet,
        };
        let console: Option<Url> = env.parsed("CONSOLE_URL")?;
        Ok(Self { sender, console: console.map(|url| url.as_str().trim_end_matches('/').into()) })
    }

    /// Into memory, with links to `console`.
    #[cfg(any(test, feature = "test-support"))]
    #[must_use]
    pub fn in_memory(console: &str) -> (Self, Outbox) {
        let outbox = Outbox::default();
        (Self { sender: Sender::Memory(outbox.clone()), console: Some(console.into()) }, outbox)
    }

    /// Writes and sends a letter.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, to: &str, language: Language, letter: &Letter) -> Result<(), MailError> {
        let console = self.console.as_deref().ok_or(MailError::NotSet("CONSOLE_URL"))?;
        let written = write(console, to, language, letter);
        match &self.sender {
            Sender::NotSet => Err(MailError::NotSet("EMAIL_FROM")),
            Sender::Ses { client, from } => over_ses(client, from, written).await,
            #[cfg(any(test, feature = "test-support"))]
            Sender::Memory(outbox) => {
                outbox.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(written);
                Ok(())
            }
        }
    }
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mail(..)")
    }
}

/// Mails that were sent into memory.
#[cfg(any(test, feature = "test-support"))]
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<std::sync::Mutex<Vec<Written>>>);

#[cfg(any(test, feature = "test-support"))]
impl Outbox {
    /// All that were sent so far; they are gone from here.
    #[must_use]
    pub fn take(&self) -> Vec<Written> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Those that were sent to an address so far, the last one last; they are gone from here.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<Written> {
        let mut mails = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        mails.extract_if(.., |mail| mail.to == address).collect()
    }
}

async fn over_ses(client: &aws_sdk_sesv2::Client, from: &str, mail: Written) -> Result<(), MailError> {
    let content = |data: String| Content::builder().data(data).charset("UTF-8").build();
    let ses = |error: aws_sdk_sesv2::error::BuildError| MailError::Ses(Box::new(error));
    let body = Body::builder().text(content(mail.text).map_err(ses)?).build();
    let message = Message::builder().subject(content(mail.subject).map_err(ses)?).body(body).build();
    let request = client
        .send_email()
        .from_email_address(from)
        .destination(Destination::builder().to_addresses(mail.to).build())
        .content(EmailContent::builder().simple(message).build());
    request.send().await.map_err(|error| MailError::Ses(Box::new(error.into_service_error())))?;
    Ok(())
}

fn write(console: &str, to: &str, language: Language, letter: &Letter) -> Written {
    let link = |path: &str, token: &SecretString| format!("{console}/{path}#token={}", token.expose_secret());
    let (key, name, link) = match letter {
        Letter::VerifyEmail(token) => ("verify-email", None, link("verify-email", token)),
        Letter::AlreadyRegistered => ("already-registered", None, format!("{console}/login")),
        Letter::ResetPassword(token) => ("reset-password", None, link("reset-password", token)),
        Letter::Invitation { organization, token } => {
            ("invitation", Some(plain(organization)), link("invitation", token))
        }
        Letter::NewDevice { device } => ("new-device", Some(plain(device)), format!("{console}/security")),
        Letter::PasswordChanged => ("password-changed", None, format!("{console}/security")),
    };
    let of = |part: &str| {
        let name = name.clone().unwrap_or_default();
        text(language, &format!("{key}-{part}")).with("name", name).with("link", link.clone()).to_string()
    };
    Written { to: to.to_owned(), subject: of("subject"), text: format!("{}\n", of("text")) }
}

/// A name on one line that is not too long: nobody writes mails of their own with it.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters() -> Vec<(Letter, &'static str)> {
        let token = || SecretString::from("mot_token");
        vec![
            (Letter::VerifyEmail(token()), "https://c.example/verify-email#token=mot_token"),
            (Letter::AlreadyRegistered, "https://c.example/login"),
            (Letter::ResetPassword(token()), "https://c.example/reset-password#token=mot_token"),
            (
                Letter::Invitation { organization: "Bakery\nBcc: x".to_owned(), token: token() },
                "https://c.example/invitation#token=mot_token",
            ),
            (Letter::NewDevice { device: "Firefox".to_owned() }, "https://c.example/security"),
            (Letter::PasswordChanged, "https://c.example/security"),
        ]
    }

    #[tokio::test]
    async fn every_letter_has_its_link_and_its_texts_in_every_language() {
        let (mail, outbox) = Mail::in_memory("https://c.example");
        for language in Language::ALL {
            for (letter, link) in letters() {
                mail.send("a@example.com", language, &letter).await.unwrap();
                let written = outbox.take().remove(0);
                assert!(written.text.contains(link), "{letter:?} in {language:?}");
                // A key that is missing is written as itself.
                assert!(!written.subject.contains("-subject") && !written.text.contains("-text\n"));
                assert!(!written.subject.contains('\n'), "{letter:?} in {language:?}");
                if let Letter::NewDevice { .. } = letter {
                    assert!(written.text.contains("Firefox"));
                }
            }
        }
    }

    #[tokio::test]
    async fn without_settings_the_missing_one_is_named() {
        let env = |vars: &[(&str, &str)]| {
            let mut all =
                vec![("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "c")];
            all.extend(vars);
            let env = Env::from_map(all);
            let aws = Aws::from_env(&env, matome_runtime::aws::Patience::CONSUMER).unwrap();
            Mail::from_env(&env, &aws)
        };
        let send = async |mail: Mail| {
            let sent = mail.send("a@example.com", Language::En, &Letter::PasswordChanged).await;
            sent.unwrap_err().to_string()
        };
        let told = send(env(&[("CONSOLE_URL", "https://c.example")]).unwrap()).await;
        assert_eq!(told, "no mails can be sent: EMAIL_FROM is not set");
        let told = send(env(&[("EMAIL_FROM", "a@c.example")]).unwrap()).await;
        assert_eq!(told, "no mails can be sent: CONSOLE_URL is not set");
        assert!(env(&[("CONSOLE_URL", "nowhere")]).unwrap_err().to_string().starts_with("CONSOLE_URL"));
    }
}
