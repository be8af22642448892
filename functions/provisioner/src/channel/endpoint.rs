//! Where LINE posts a channel's webhooks, and LINE's own test of it.

use std::time::Duration;

use bson::{Document, doc};
use matome_domain::ids::ChannelId;
use matome_line::client::{LineChannel, LineError};
use url::{Host, Url};

use crate::error::ProvisionError;
use crate::step::{Progress, Work};

/// The setting that the URL is made of.
const SETTING: &str = "WEBHOOK_BASE_URL";
/// LINE's limit, in UTF-16 units (`messaging-api.yml`, `SetWebhookEndpointRequest`).
const MAX_LENGTH: usize = 500;
/// How long to wait before each further test. LINE takes up to a minute to use a new URL, and a webhook
/// as long to see a new secret; LINE allows 60 tests an hour.
const PAUSES: [Duration; 7] = {
    const fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }
    [seconds(3), seconds(7), seconds(15), seconds(20), seconds(30), seconds(30), seconds(60)]
};

/// The URL of a channel's webhook.
///
/// # Errors
/// [`ProvisionError::Refused`] with the setting's name when LINE would not take it.
pub(crate) fn url(base: &str, channel: &ChannelId) -> Result<String, ProvisionError> {
    let refused = |reason: &str| ProvisionError::Refused { field: SETTING, reason: reason.to_owned() };
    let parsed = Url::parse(base).map_err(|_| refused("is not a URL"))?;
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(refused("must end with a path, or with the host"));
    }
    let url = format!("{}/line/{channel}", parsed.as_str().trim_end_matches('/'));
    if url.encode_utf16().count() > MAX_LENGTH {
        return Err(refused("is too long: LINE takes 500 characters with the channel's path"));
    }
    let is_local = match parsed.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    // http is for the simulator of a local stack; LINE itself takes none.
    if parsed.host().is_none() || !(parsed.scheme() == "https" || parsed.scheme() == "http" && is_local) {
        return Err(refused("must begin with https://"));
    }
    Ok(url)
}

/// Tells LINE the URL.
///
/// # Errors
/// [`ProvisionError::Refused`] with the setting's name when LINE does not take it.
pub(crate) async fn set(line: &LineChannel, url: &str) -> Result<(), ProvisionError> {
    line.set_webhook_endpoint(url).await.map_err(|error| match error {
        LineError::Rejected { status: 400, .. } => ProvisionError::Refused {
            field: SETTING,
            reason: "LINE does not take it for a webhook".to_owned(),
        },
        other => other.into(),
    })
}

/// Has LINE test the URL, several times if it must.
///
/// # Errors
/// [`ProvisionError::Refused`] with LINE's reason when it never succeeds.
pub(crate) async fn test(work: &Work<'_>, line: &LineChannel) -> Result<Progress, ProvisionError> {
    let done = usize::try_from(work.detail.get_i32("tests").unwrap_or_default()).unwrap_or_default();
    let (reason, status, wanted_pause) = match line.test_webhook_endpoint().await {
        Ok(test) if test.success => {
            return Ok(Progress::Done(detail(done + 1, "OK", Some(test.status_code))));
        }
        Ok(test) => (test.reason, Some(test.status_code), None),
        Err(LineError::RateLimited { retry_after }) => ("RATE_LIMITED".to_owned(), None, retry_after),
        Err(error) => return Err(error.into()),
    };
    match PAUSES.get(done) {
        Some(pause) => {
            let pause = wanted_pause.unwrap_or(*pause).clamp(*pause, Duration::from_secs(10 * 60));
            Ok(Progress::Wait(pause, detail(done + 1, &reason, status)))
        }
        None => {
            let status = status.map(|s| format!(" with status {s}")).unwrap_or_default();
            let reason = format!("LINE's test of it failed: {reason}{status}");
            Err(ProvisionError::Refused { field: "webhook", reason })
        }
    }
}

fn detail(tests: usize, reason: &str, status: Option<i32>) -> Document {
    let mut detail = doc! { "tests": i32::try_from(tests).unwrap_or(i32::MAX), "reason": reason };
    if let Some(status) = status {
        detail.insert("statusCode", status);
    }
    detail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_line_would_not_take_is_refused_with_the_settings_name() {
        let channel = ChannelId::new("165").unwrap();
        for good in
            ["https://example.com", "https://example.com/", "http://127.0.0.1:99", "http://a.localhost"]
        {
            assert_eq!(url(good, &channel).unwrap(), format!("{}/line/165", good.trim_end_matches('/')));
        }
        let long = format!("https://example.com/{}", "x".repeat(480));
        for bad in [
            "",
            "example.com",
            "http://example.com",
            "ftp://127.0.0.1",
            "https://",
            "https:",
            "https://a.example/?x",
            "https://a.example/#x",
            "http://10.0.0.1",
            &long,
        ] {
            let error = url(bad, &channel).unwrap_err();
            assert!(
                error.is_permanent() && error.to_string().starts_with("WEBHOOK_BASE_URL: "),
                "{bad}: {error}"
            );
        }
    }

    #[test]
    fn the_tests_last_longer_than_line_and_the_webhooks_caches_and_stay_below_an_hours_allowance() {
        let total: Duration = PAUSES.iter().sum();
        assert!(total > matome_runtime::directory::KEEP_HIT + Duration::from_secs(60), "{total:?}");
        assert!(PAUSES.len() < 60 / 4);
    }
}
