//! One request. Nothing of the body is parsed before its signature is known to be right, and 200
//! is said only when every event is on the queue: whatever else happens, LINE delivers again.

use std::convert::Infallible;
use std::error::Error;
use std::time::Instant;

use matome_domain::ids::ChannelId;
use matome_domain::queue::Inbound;
use matome_runtime::directory::{ChannelRecord, secret_field};
use matome_runtime::lambda::Chain;
use matome_runtime::line_signature;
use matome_runtime::queue::QueueError;
use secrecy::ExposeSecret;

use crate::context::Context;
use crate::event;
use crate::request::Request;
use crate::response::{Problem, Response};

/// Why a request was refused, and the error behind it where there is one.
struct Refusal {
    problem: Problem,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, cause: None }
    }
}

fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Refusal {
    Refusal { problem: Problem::Unavailable, cause: Some(cause.into()) }
}

/// Answers one request. Never fails as an invocation: every outcome has a status.
///
/// # Errors
/// None.
pub async fn handle(request: Request, context: &Context) -> Result<Response, Infallible> {
    let started = Instant::now();
    // Only an id that could exist is logged; anything else is somebody's free text.
    let channel_id = request.channel_id();
    let outcome = accept(&request, channel_id.as_ref(), context).await;
    metrics::histogram!("WebhookMilliseconds").record(started.elapsed().as_secs_f64() * 1_000.0);
    let channel = channel_id.as_ref().map_or("-", ChannelId::as_str);
    Ok(match outcome {
        Ok((record, events)) => {
            metrics::counter!("WebhooksAccepted").increment(1);
            metrics::counter!("EventsAccepted").increment(events as u64);
            tracing::info!(
                channel.id = channel, tenant.id = %record.tenant_id, tenant.status = ?record.status, events, "accepted"
            );
            Response::accepted()
        }
        Err(Refusal { problem, cause }) => {
            metrics::counter!("WebhooksRejected", "reason" => problem.code()).increment(1);
            let (status, reason) = (problem.status(), problem.code());
            match cause {
                Some(cause) => tracing::error!(
                    channel.id = channel, http.status = status, reason, error = %Chain(&*cause), "not accepted"
                ),
                None => tracing::warn!(channel.id = channel, http.status = status, reason, "not accepted"),
            }
            problem.into()
        }
    })
}

/// Who the request was for, and how many events are queued.
type Accepted = (std::sync::Arc<ChannelRecord>, usize);

async fn accept(
    request: &Request,
    channel_id: Option<&ChannelId>,
    context: &Context,
) -> Result<Accepted, Refusal> {
    let body = request.raw_body()?;
    let channel_id = channel_id.ok_or(Problem::UnknownChannel)?;
    // A suspended tenant's customers are heard all the same; who serves them decides later.
    let mut channel =
        context.directory.channel(channel_id).await.map_err(unavailable)?.ok_or(Problem::UnknownChannel)?;

    let signature = request.signature().ok_or(Problem::Signature)?;
    if !is_signed(context, &channel, &body, signature).await? {
        // The secret may have been replaced since the directory was read.
        let anew = context.directory.doubted_channel(channel_id).await.map_err(unavailable)?;
        channel = anew.ok_or(Problem::Signature)?;
        if !is_signed(context, &channel, &body, signature).await? {
            return Err(Problem::Signature.into());
        }
    }

    let events: Vec<Inbound> = event::split(&body, &channel, context.clock.now())?;
    match context.queues.send_batch_to(channel.inbound_queue_url.as_deref(), &events).await {
        Ok(()) => Ok((channel, events.len())),
        // Sending it again cannot help, and 503 would have LINE do that.
        Err(QueueError::TooLarge { .. }) => Err(Problem::TooLarge.into()),
        Err(e) => Err(unavailable(e)),
    }
}

/// Whether the body was signed with the channel's secret, or with the one before while that is
/// still accepted: LINE may deliver again what it signed before the secret was replaced.
async fn is_signed(
    context: &Context,
    channel: &ChannelRecord,
    body: &[u8],
    signature: &str,
) -> Result<bool, Refusal> {
    let now = context.clock.now();
    let previous = channel.previous_secret.as_ref().filter(|previous| now < previous.until);
    let field = secret_field(&channel.channel_id);
    for sealed in std::iter::once(&channel.secret).chain(previous.map(|previous| &previous.secret)) {
        let secret = context.keys.open(&channel.tenant_id, &channel.key, &field, sealed).await;
        let secret = secret.map_err(unavailable)?;
        if line_signature::verify(secret.expose_secret(), body, signature) {
            return Ok(true);
        }
    }
    Ok(false)
}
