//! Where a move leads: found out once, by `check`, and read by every later step.

use bson::Document;
use matome_domain::ids::CellName;
use matome_domain::placement::Placement;
use matome_store::collection::encode;
use matome_store::entities::{Operation, OperationKind, OperationState, OrganizationStatus};
use matome_store::{StoreError, TenantStore};
use matome_tenancy::TenancyError;
use matome_tenancy::operations::Move;
use serde::{Deserialize, Serialize};

use crate::error::ProvisionError;
use crate::step::Work;

/// A placement in a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::operations) struct Spot {
    /// Placement.
    pub(in crate::operations) placement: Placement,
    /// Cell.
    pub(in crate::operations) cell: String,
}

/// From one place to another; the detail of the step `check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::operations) struct Route {
    /// Where the tenant lives before the flip.
    pub(in crate::operations) from: Spot,
    /// Where it lives afterwards.
    pub(in crate::operations) to: Spot,
    /// What its status was, and is to be again.
    pub(in crate::operations) status: OrganizationStatus,
    /// What becomes of a stack of its own.
    #[serde(default)]
    pub(in crate::operations) stack: StackChange,
}

/// What a move means for a stack of the tenant's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::operations) enum StackChange {
    /// Nothing: it has none before and after, or the same.
    #[default]
    None,
    /// It is made for the tenant.
    Made,
    /// The tenant comes to one that there is already.
    Joined,
    /// The tenant leaves it, and it is removed.
    Left,
}

impl StackChange {
    /// Whether the tenant's own functions work for it afterwards, and did not before.
    pub(super) fn arrives(self) -> bool {
        matches!(self, Self::Made | Self::Joined)
    }
}

impl Route {
    /// As `check` remembers it.
    pub(in crate::operations) fn detail(&self) -> Result<Document, StoreError> {
        encode(self)
    }

    /// What `check` remembered; `None` when it did not come so far, or the tenant stays where it is.
    pub(super) fn of(operation: &Operation) -> Result<Option<Self>, ProvisionError> {
        let checked = operation.steps.iter().find(|step| step.name == "check" && step.done);
        let Some(checked) = checked else { return Ok(None) };
        let route: Self = bson::deserialize_from_document(checked.detail.clone())
            .map_err(|why| StoreError::Decode { collection: "tenant_operations".to_owned(), why })?;
        Ok(Some(route).filter(|route| route.from != route.to))
    }

    /// The move back of one that has ended in its new place and that somebody wanted to be given up, when it was
    /// too late for that.
    pub(in crate::operations) fn back(operation: &Operation) -> Result<Option<Move>, ProvisionError> {
        let is_late = operation.kind == OperationKind::Move
            && operation.state == OperationState::Done
            && operation.abort_requested;
        if !is_late {
            return Ok(None);
        }
        let Some(route) = Self::of(operation)? else { return Ok(None) };
        Ok(Some(Move { placement: route.from.placement, cell: Some(CellName::new(route.from.cell)?) }))
    }

    /// Both ends.
    pub(super) async fn ends(&self, work: &Work<'_>) -> Result<Ends, TenancyError> {
        let cells = work.context.tenants.cells();
        Ok(Ends {
            source: cells.store(&self.from.cell).await?.tenant(work.tenant, self.from.placement),
            target: cells.store(&self.to.cell).await?.tenant(work.tenant, self.to.placement),
        })
    }
}

/// The tenant's data at both ends.
pub(super) struct Ends {
    pub(super) source: TenantStore,
    pub(super) target: TenantStore,
}

/// What was asked for cannot be done.
pub(in crate::operations) fn refused(field: &'static str, reason: impl Into<String>) -> ProvisionError {
    ProvisionError::Refused { field, reason: reason.into() }
}
