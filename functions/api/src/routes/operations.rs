//! What the provisioner is asked to do to an organization, and how it goes on.

use axum::extract::State;
use bson::{Document, doc};
use matome_domain::access::{Action, Resource};
use matome_domain::ids::TenantId;
use matome_store::entities::{Operation, OperationView};
use matome_tenancy::operations::{self, AskError, Request};

use super::Route;
use crate::context::App;
use crate::crud::{Crud, Listing, PageOf, PathIds, Sparse, page};
use crate::guard::{Access, Caller, Rule, SignedIn, Trail};
use crate::http::problem::Code;
use crate::http::{Accepted, Ok200, Problem, Shown};

const TAG: &str = "operations";
const ONE: &str = "/operations/{operationId}";

pub(super) fn routes() -> Vec<Route> {
    let platform = |action| Access::Platform(Resource::Organizations.to(action));
    let mut routes = Crud::<Operation>::at("/operations", "operationId").routes();
    routes.extend([
        Route::new(
            Rule::get("/operations", "listAllOperations", platform(Action::Create))
                .says(TAG, "List the operations on all organizations"),
            list,
        ),
        Route::new(
            Rule::get(ONE, "followOperation", Access::Account)
                .says(TAG, "Show an operation that one has asked for")
                .describes(
                    "Also before its organization is there, and whatever became of it. Who runs the platform sees all.",
                ),
            follow,
        ),
        Route::new(
            Rule::post(format!("{ONE}/abort"), "abortOperation", platform(Action::Create))
                .says(TAG, "Give an operation up")
                .describes(
                    "It is, at its next step where that leaves nothing half done; otherwise it goes on, and a move is followed \
                     by the move back.",
                ),
            abort,
        ),
        Route::new(
            Rule::post(format!("{ONE}/retry"), "retryOperation", platform(Action::Create))
                .says(TAG, "Have a failed operation go on where it stopped"),
            retry,
        ),
    ]);
    routes
}

/// Asks the provisioner for something.
///
/// # Errors
/// 409 while something else is done to the organization.
pub(super) async fn ask<R: Request>(
    app: &App,
    tenant: &TenantId,
    request: &R,
    by: &Caller,
    trail: &Trail,
) -> Result<OperationView, Problem> {
    let by = by.id().map_or_else(|| "operator".to_owned(), |id| id.to_hex());
    let platform = app.tenants.platform();
    let asked = operations::ask(platform, &app.queues, tenant, request, &by, app.clock.now()).await;
    let operation = written(app, doc! { "tenantId": tenant.as_str(), "open": true }, asked).await?;
    trail.target("operation", operation.id);
    trail.after(&operation);
    Ok(operation)
}

/// An operation that was written down counts as taken, even if the provisioner could not be told at once: the
/// scheduler tells it within a minute.
async fn written(
    app: &App,
    which: Document,
    asked: Result<Operation, AskError>,
) -> Result<OperationView, Problem> {
    match asked {
        Ok(operation) => Ok(OperationView::from(&operation)),
        Err(AskError::Busy(_)) => Err(Problem::new(
            Code::Conflict,
            "Something else is being done to the organization: wait for it to end, or abort it",
        )),
        Err(AskError::NoSuchOperation(_)) => {
            Err(Problem::new(Code::Conflict, "The operation is not in a state for this"))
        }
        Err(AskError::Store(error)) => Err(error.into()),
        Err(AskError::Queue(error)) => {
            tracing::warn!(error = %matome_runtime::lambda::Chain(&error), "the provisioner was not told");
            let found = app.tenants.platform().of_platform::<Operation>().find_one(which).await?;
            Ok(OperationView::from(&found.ok_or_else(|| Problem::unavailable(error))?))
        }
    }
}

async fn list(
    State(app): State<App>,
    listing: Listing<Operation>,
) -> Result<Ok200<PageOf<Sparse<OperationView>>>, Problem> {
    page(&app.tenants.platform().of_platform(), listing, Document::new()).await
}

async fn find(app: &App, ids: &PathIds) -> Result<Operation, Problem> {
    let operations = app.tenants.platform().of_platform::<Operation>();
    operations.get(ids.get("operationId")?).await?.ok_or_else(Problem::not_found)
}

async fn follow(
    State(app): State<App>,
    caller: SignedIn,
    ids: PathIds,
) -> Result<Shown<OperationView>, Problem> {
    let operation = find(&app, &ids).await?;
    if !caller.is_super_admin() && operation.requested_by != caller.id().to_hex() {
        return Err(Problem::not_found());
    }
    Ok(Shown { version: operation.version, document: OperationView::from(&operation) })
}

async fn abort(
    State(app): State<App>,
    ids: PathIds,
    trail: Trail,
) -> Result<Accepted<OperationView>, Problem> {
    let found = find(&app, &ids).await?;
    trail.target("operation", found.id.to_hex());
    let tenant = TenantId::new(&*found.tenant_id).map_err(Problem::internal)?;
    let platform = app.tenants.platform();
    let asked = operations::request_abort(platform, &app.queues, &tenant, found.id, app.clock.now()).await;
    trail.tenant(tenant);
    Ok(Accepted(written(&app, doc! { "_id": found.id }, asked).await?))
}

async fn retry(
    State(app): State<App>,
    ids: PathIds,
    trail: Trail,
) -> Result<Accepted<OperationView>, Problem> {
    let found = find(&app, &ids).await?;
    trail.target("operation", found.id.to_hex());
    let tenant = TenantId::new(&*found.tenant_id).map_err(Problem::internal)?;
    let platform = app.tenants.platform();
    let asked = operations::retry(platform, &app.queues, &tenant, found.id, app.clock.now()).await;
    trail.tenant(tenant);
    Ok(Accepted(written(&app, doc! { "_id": found.id }, asked).await?))
}
