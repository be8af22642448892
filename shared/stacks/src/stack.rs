//! One stack: create or update it, look at it, delete it. Each call begins at most one thing.

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::types::{
    Capability, Parameter, ResourceStatus, Stack, StackEvent, StackStatus, Tag,
};
use matome_runtime::aws::Aws;

use crate::error::{Result, failed};
use crate::request::Request;
use crate::status::{Phase, Status, outputs, phase};

/// What CloudFormation calls a stack among the resources of its events.
const STACK: &str = "AWS::CloudFormation::Stack";
/// Said of resources that did not fail themselves.
const CANCELLED: &str = "cancelled";
/// Its code for about everything; the message tells which.
const VALIDATION: &str = "ValidationError";

/// What a stack shall be, said to either of two builders that have the same methods and no trait in common.
macro_rules! told {
    ($builder:expr, $request:ident, $parameters:expr) => {
        $builder
            .stack_name(&$request.name)
            .template_url(&$request.template_url)
            .set_parameters(Some($parameters))
            .set_tags(Some(tags($request)))
            .set_role_arn($request.role_arn.clone())
            .capabilities(Capability::CapabilityNamedIam)
            .client_request_token(&$request.token)
    };
}

/// CloudFormation.
#[derive(Debug, Clone)]
pub struct Stacks {
    client: Client,
}

impl Stacks {
    /// With the credentials and region of `aws`.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::new(aws.config()) }
    }

    /// Brings a stack to what `request` says: creates it, updates it, or finds that there is nothing
    /// to do. Call it until it says [`Status::Done`] or [`Status::Failed`].
    ///
    /// A creation that failed under an earlier token is deleted first, then begun anew.
    ///
    /// # Errors
    /// [`crate::Error::CloudFormation`] when it does not answer or refuses the request itself (the
    /// template, a parameter, a right).
    pub async fn ensure(&self, request: &Request) -> Result<Status> {
        let Some(stack) = self.find(&request.name).await? else {
            return self.create(request).await;
        };
        let status = stack.stack_status().cloned().unwrap_or(StackStatus::ReviewInProgress);
        match phase(&status) {
            Phase::Working => Ok(Status::InProgress),
            Phase::Complete => self.update(request, &stack).await,
            Phase::Stuck => self.failure(&request.name, &status).await,
            Phase::Stillborn | Phase::Reverted | Phase::DeletionFailed => {
                let last = self.last_operation(&request.name).await?;
                if last.token.as_deref() == Some(request.token.as_str()) {
                    Ok(Status::Failed { state: status.as_str().to_owned(), reason: last.reason() })
                } else if phase(&status) == Phase::Reverted {
                    self.update(request, &stack).await
                } else {
                    let role = request.role_arn.as_deref();
                    self.begin_deletion(&request.name, role, &request.token, &[]).await
                }
            }
        }
    }

    /// How a stack is.
    ///
    /// # Errors
    /// [`crate::Error::CloudFormation`] when it does not answer.
    pub async fn status(&self, name: &str) -> Result<Status> {
        let Some(stack) = self.find(name).await? else { return Ok(Status::Missing) };
        let status = stack.stack_status().cloned().unwrap_or(StackStatus::ReviewInProgress);
        match phase(&status) {
            Phase::Working => Ok(Status::InProgress),
            Phase::Complete => Ok(Status::Done(outputs(&stack))),
            _ => self.failure(name, &status).await,
        }
    }

    /// Takes a stack down. What the template says is kept (`DeletionPolicy`) stays, without a stack.
    /// Call it until it says [`Status::Missing`] or [`Status::Failed`]; `retain` names resources that
    /// a failed deletion shall leave behind when it is tried again under a new token.
    ///
    /// # Errors
    /// [`crate::Error::CloudFormation`] when it does not answer or refuses.
    pub async fn delete(
        &self,
        name: &str,
        role_arn: Option<&str>,
        token: &str,
        retain: &[String],
    ) -> Result<Status> {
        let Some(stack) = self.find(name).await? else { return Ok(Status::Missing) };
        let status = stack.stack_status().cloned().unwrap_or(StackStatus::ReviewInProgress);
        match phase(&status) {
            Phase::Working => Ok(Status::InProgress),
            Phase::DeletionFailed => {
                let last = self.last_operation(name).await?;
                if last.token.as_deref() == Some(token) {
                    return Ok(Status::Failed { state: status.as_str().to_owned(), reason: last.reason() });
                }
                self.begin_deletion(name, role_arn, token, retain).await
            }
            // CloudFormation takes names to retain only after a deletion has failed.
            _ => self.begin_deletion(name, role_arn, token, &[]).await,
        }
    }

    async fn find(&self, name: &str) -> Result<Option<Stack>> {
        let found = self.client.describe_stacks().stack_name(name).send().await;
        match found {
            Ok(answer) => {
                let gone = |stack: &Stack| stack.stack_status() == Some(&StackStatus::DeleteComplete);
                Ok(answer.stacks.unwrap_or_default().into_iter().find(|stack| !gone(stack)))
            }
            Err(error) if says(&error, "does not exist") => Ok(None),
            Err(error) => Err(failed(name, "looked at", error.into_service_error())),
        }
    }

    async fn create(&self, request: &Request) -> Result<Status> {
        let begun = told!(self.client.create_stack(), request, at_first(request)).send().await;
        begun.map_err(|error| failed(&request.name, "created", error.into_service_error()))?;
        Ok(Status::InProgress)
    }

    async fn update(&self, request: &Request, stack: &Stack) -> Result<Status> {
        let begun = told!(self.client.update_stack(), request, from_then_on(request, stack)).send().await;
        match begun {
            Ok(_) => Ok(Status::InProgress),
            Err(error) if says(&error, "No updates are to be performed") => Ok(Status::Done(outputs(stack))),
            Err(error) => Err(failed(&request.name, "updated", error.into_service_error())),
        }
    }

    async fn begin_deletion(
        &self,
        name: &str,
        role_arn: Option<&str>,
        token: &str,
        retain: &[String],
    ) -> Result<Status> {
        let begun = self
            .client
            .delete_stack()
            .stack_name(name)
            .set_role_arn(role_arn.map(ToOwned::to_owned))
            .set_retain_resources((!retain.is_empty()).then(|| retain.to_vec()))
            .client_request_token(token)
            .send()
            .await;
        begun.map_err(|error| failed(name, "deleted", error.into_service_error()))?;
        Ok(Status::InProgress)
    }

    async fn failure(&self, name: &str, status: &StackStatus) -> Result<Status> {
        let reason = self.last_operation(name).await?.reason();
        Ok(Status::Failed { state: status.as_str().to_owned(), reason })
    }

    /// The events of what was last begun on a stack, newest first.
    async fn last_operation(&self, name: &str) -> Result<Operation> {
        let mut pages = self.client.describe_stack_events().stack_name(name).into_paginator().send();
        let mut events = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed(name, "looked at", error.into_service_error()))?;
            for event in page.stack_events.unwrap_or_default() {
                let first = begins(&event);
                events.push(event);
                if first {
                    let token = events.last().and_then(|e| e.client_request_token.clone());
                    return Ok(Operation { token, events });
                }
            }
        }
        Ok(Operation { token: None, events })
    }
}

/// What was last begun on a stack.
struct Operation {
    token: Option<String>,
    /// Newest first.
    events: Vec<StackEvent>,
}

impl Operation {
    /// The first resource that failed, and why; the others follow from it.
    fn reason(&self) -> String {
        let failure = |event: &&StackEvent| {
            let status = event.resource_status().map(ResourceStatus::as_str).unwrap_or_default();
            let why = event.resource_status_reason().unwrap_or_default();
            status.ends_with("_FAILED") && !why.to_ascii_lowercase().contains(CANCELLED)
        };
        let Some(event) = self.events.iter().rev().find(failure) else {
            return "CloudFormation names no resource that failed".to_owned();
        };
        let resource = event.logical_resource_id().unwrap_or("a resource");
        let kind = event.resource_type().unwrap_or("unknown type");
        format!("{resource} ({kind}): {}", event.resource_status_reason().unwrap_or("no reason given"))
    }
}

/// Is this what an operation on the stack itself began with? Rolling back is no beginning.
fn begins(event: &StackEvent) -> bool {
    let status = event.resource_status().map(ResourceStatus::as_str);
    event.resource_type() == Some(STACK)
        && event.physical_resource_id() == event.stack_id()
        && matches!(status, Some("CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS"))
}

fn says<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, words: &str) -> bool {
    error.code() == Some(VALIDATION) && error.message().is_some_and(|message| message.contains(words))
}

/// The parameters of a stack that is created.
fn at_first(request: &Request) -> Vec<Parameter> {
    let initial = request.initial.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    request.parameters.iter().chain(initial).map(|(name, value)| given(name, value)).collect()
}

/// The parameters of one that is there: what operators set stays.
fn from_then_on(request: &Request, stack: &Stack) -> Vec<Parameter> {
    let has = |name: &str| stack.parameters().iter().any(|known| known.parameter_key() == Some(name));
    let kept = request.initial.keys().filter(|name| has(name) && !request.parameters.contains_key(*name));
    let kept = kept.map(|name| Parameter::builder().parameter_key(name).use_previous_value(true).build());
    request.parameters.iter().map(|(name, value)| given(name, value)).chain(kept).collect()
}

fn given(name: &str, value: &str) -> Parameter {
    Parameter::builder().parameter_key(name).parameter_value(value).build()
}

fn tags(request: &Request) -> Vec<Tag> {
    request.tags.iter().map(|(name, value)| Tag::builder().key(name).value(value).build()).collect()
}
