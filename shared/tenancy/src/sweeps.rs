//! Where the scheduler has to look: every cell's shared database, and each tenant that has a place of
//! its own.

use matome_store::sweep::{Placed, Sweep};

use crate::{TenancyError, Tenants};

impl Tenants {
    /// Every place there is to sweep. A cell that is not among the settings is an error of its own
    /// places only.
    ///
    /// # Errors
    /// [`TenancyError::Store`] when the platform cannot be asked.
    pub async fn sweeps(&self) -> Result<Vec<Result<Sweep, TenancyError>>, TenancyError> {
        let placed = self.platform().placed().await?;
        let mut places = Vec::new();
        for cell in self.cells().names() {
            let guests = placed.iter().filter(|p| !p.lives_in_shared(cell)).map(|p| p.tenant_id.clone());
            let store = self.cells().store(cell).await;
            places.push(store.map(|store| store.sweep_shared().without(guests)));
        }
        for own in placed.iter().filter(|p| p.has_own_place()) {
            places.push(self.own(own).await);
        }
        Ok(places)
    }

    async fn own(&self, placed: &Placed) -> Result<Sweep, TenancyError> {
        let store = self.cells().store(&placed.cell).await?;
        Ok(store.sweep_tenant(&placed.tenant_id, placed.placement))
    }
}
