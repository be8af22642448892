//! What tenants' policies say of origins, for a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use matome_domain::clock::Timestamp;
use matome_domain::ids::TenantId;

use crate::guard::cors::KEEP;

/// Tenants remembered at once.
const CAPACITY: usize = 1_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Origins(Mutex<HashMap<TenantId, (Timestamp, Vec<String>)>>);

impl Origins {
    pub(crate) fn get(&self, tenant: &TenantId, now: Timestamp) -> Option<Vec<String>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, origins) = known.get(tenant)?;
        (now.since(*read_at) < KEEP).then(|| origins.clone())
    }

    pub(crate) fn put(&self, tenant: TenantId, origins: Vec<String>, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(tenant, (now, origins));
    }
}
