//! How often one e-mail address is tried, from wherever: many addresses of the Internet are cheap.

use matome_domain::rate::Class;
use matome_runtime::rate_limit::{Who, Window};
use matome_store::entities::Account;

use crate::auth::mac::Purpose;
use crate::context::App;
use crate::http::Problem;
use crate::http::problem::Code;

/// Counts an attempt at an address, whether or not somebody has it.
pub(super) async fn take(app: &App, email: &str) -> Result<(), Problem> {
    let secrets = app.vault.secrets().await.map_err(Problem::unavailable)?;
    let digest = secrets.mac.digest(Purpose::EmailQuota, &Account::normalized_email(email));
    let window = Window::on_platform(Class::Auth, Who::Email(digest));
    match app.limits.take(&[window]).await.map_err(Problem::unavailable)?.retry_after() {
        None => Ok(()),
        Some(seconds) => Err(Problem { retry_after: Some(seconds), ..Code::RateLimited.into() }),
    }
}
