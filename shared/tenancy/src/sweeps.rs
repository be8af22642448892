//! Where the scheduler has to look: every cell's shared database, and each tenant that has a place of
//! its own.

use matome_domain::queue::QueueMessage;
use matome_store::sweep::{Placed, Sweep};

use crate::{TenancyError, Tenants};

/// A place to sweep, and the cell it is in.
pub struct CellSweep {
    /// The cell.
    pub cell: String,
    /// The place.
    pub place: Sweep,
}

impl Tenants {
    /// The queue that what is found in a place goes to, where that is not the deployment's: its tenant's own,
    /// or its cell's.
    ///
    /// # Errors
    /// The directory's failure; [`TenancyError::UnknownCell`].
    pub async fn queue_of_place<M: QueueMessage>(
        &self,
        CellSweep { cell, place }: &CellSweep,
    ) -> Result<Option<String>, TenancyError> {
        match place.tenant() {
            Some(tenant) => self.queue_of_tenant::<M>(tenant).await,
            None => self.cells().queue_url::<M>(cell),
        }
    }

    /// Every place there is to sweep. A cell that is not among the settings is an error of its own
    /// places only.
    ///
    /// # Errors
    /// [`TenancyError::Store`] when the platform cannot be asked.
    pub async fn sweeps(&self) -> Result<Vec<Result<CellSweep, TenancyError>>, TenancyError> {
        let placed = self.platform().placed().await?;
        let mut places = Vec::new();
        for cell in self.cells().names() {
            let guests = placed.iter().filter(|p| !p.lives_in_shared(cell)).map(|p| p.tenant_id.clone());
            let store = self.cells().store(cell).await;
            let cell = cell.to_owned();
            places.push(store.map(|store| CellSweep { cell, place: store.sweep_shared().without(guests) }));
        }
        for own in placed.iter().filter(|p| p.has_own_place()) {
            places.push(self.own(own).await);
        }
        Ok(places)
    }

    async fn own(&self, placed: &Placed) -> Result<CellSweep, TenancyError> {
        let store = self.cells().store(&placed.cell).await?;
        let place = store.sweep_tenant(&placed.tenant_id, placed.placement);
        Ok(CellSweep { cell: placed.cell.clone(), place })
    }
}
