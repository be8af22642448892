//! A channel's id and secret: opened, and shown to LINE before anything is built on them.

use matome_domain::ids::ChannelId;
use matome_line::client::{BotInfo, LineChannel, LineError};
use matome_runtime::directory::secret_field;
use matome_runtime::keys::{KeyError, Sealed};
use matome_store::entities::Operation;
use matome_tenancy::TenancyError;
use matome_tenancy::operations::{ConnectChannel, Request, RotateChannelSecret};
use secrecy::SecretString;

use crate::error::ProvisionError;
use crate::step::Work;

/// What the operation was asked for with.
pub(crate) fn input<R: Request>(operation: &Operation) -> Result<R, ProvisionError> {
    R::from_document(&operation.input)
        .map_err(|_| ProvisionError::Refused { field: "input", reason: "lacks a field".to_owned() })
}

/// The secret in the clear, from the form it has in an operation's input.
async fn open(work: &Work<'_>, channel: &ChannelId, sealed: &Sealed) -> Result<SecretString, ProvisionError> {
    let context = work.context;
    let opened = context.tenants.open(&context.keys, work.tenant, &secret_field(channel), sealed).await;
    opened.map_err(|error| match error {
        TenancyError::Key(KeyError::Kms { .. } | KeyError::NoKeyId) => error.into(),
        TenancyError::Key(error) => {
            ProvisionError::Refused { field: "secret", reason: format!("does not open: {error}") }
        }
        other => other.into(),
    })
}

/// An operation's input that brings a channel and its secret.
pub(crate) trait Credentials: Request {
    /// Whose.
    fn channel_id(&self) -> &ChannelId;
    /// Sealed under the tenant's data key.
    fn secret(&self) -> &Sealed;
}

macro_rules! credentials {
    ($($name:ident),*) => {
        $(impl Credentials for $name {
            fn channel_id(&self) -> &ChannelId {
                &self.channel_id
            }

            fn secret(&self) -> &Sealed {
                &self.secret
            }
        })*
    };
}

credentials!(ConnectChannel, RotateChannelSecret);

/// What the operation was asked for with, and its secret in the clear.
pub(crate) async fn asked_for<R: Credentials>(work: &Work<'_>) -> Result<(R, SecretString), ProvisionError> {
    let input = input::<R>(work.operation)?;
    let secret = open(work, input.channel_id(), input.secret()).await?;
    Ok((input, secret))
}

/// What the operation was asked for with, and LINE as that channel.
pub(crate) async fn line<R: Credentials>(work: &Work<'_>) -> Result<(R, LineChannel), ProvisionError> {
    let (input, secret) = asked_for::<R>(work).await?;
    let line = work.context.channels.line_with(input.channel_id(), &secret);
    Ok((input, line))
}

/// Has LINE issue a token for the secret, and tell whose it is.
pub(crate) async fn check(line: &LineChannel) -> Result<BotInfo, ProvisionError> {
    let name_secret = |error| match error {
        LineError::Unauthorized => ProvisionError::Refused {
            field: "secret",
            reason: "LINE does not take it for this channel".to_owned(),
        },
        other => other.into(),
    };
    line.check_credentials().await.map_err(name_secret)?;
    line.bot_info().await.map_err(name_secret)
}
