//! Transactions that many senders want at once: a channel's ledger is one document, and every push
//! of the channel writes it.

use std::time::Duration;

use matome_store::{StoreError, TenantStore, Transaction};

use crate::context::Context;

/// Rounds of the store's own eight attempts.
const ROUNDS: u32 = 4;
/// The longest wait between two rounds, by chance: the store's own waits are the same for everybody.
const PAUSE: Duration = Duration::from_millis(400);

/// Runs `body` in a transaction, patiently.
pub(crate) async fn transact<T>(
    context: &Context,
    store: &TenantStore,
    mut body: impl AsyncFnMut(&mut Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let _turn = context.turn.lock().await;
    let mut round = 1;
    loop {
        match store.transaction(&mut body).await {
            Err(StoreError::Contended { .. }) if round < ROUNDS => round += 1,
            other => return other,
        }
        tokio::time::sleep(context.random.jitter(PAUSE)).await;
    }
}
