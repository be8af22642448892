//! One route: its rule, its handler behind the guard, and what the handler's types say of it.

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::SchemaGenerator;

use crate::context::App;
use crate::guard::{Guarded, Rule, guard};
use crate::http::documented::{Handles, Operation};

/// See the module.
pub struct Route {
    pub(crate) rule: Rule,
    handler: Box<dyn FnOnce(MethodFilter) -> MethodRouter<App> + Send>,
    document: fn(&mut SchemaGenerator, &mut Operation),
}

impl Route {
    /// A handler under a rule.
    pub fn new<H, I, O, T>(rule: Rule, handler: H) -> Self
    where
        H: Handler<T, App> + Handles<I, O>,
        T: 'static,
    {
        let document = <H as Handles<I, O>>::document;
        Self { rule, handler: Box::new(move |filter| on(filter, handler)), document }
    }

    /// For the router: the handler with the guard around it.
    ///
    /// # Panics
    /// When the rule's method is none that a route can have.
    pub(crate) fn guarded(self, app: &App) -> (String, MethodRouter<App>) {
        let filter =
            MethodFilter::try_from(self.rule.method.clone()).expect("a rule's method is a known one");
        let path = format!("/v1{}", self.rule.path);
        let guarded = Guarded { app: app.clone(), rule: self.rule.into() };
        (path, (self.handler)(filter).layer(axum::middleware::from_fn_with_state(guarded, guard)))
    }

    /// For the documentation.
    pub(crate) fn documented(&self, schemas: &mut SchemaGenerator) -> Operation {
        let mut operation = Operation::default();
        (self.document)(schemas, &mut operation);
        operation
    }

    /// Its rule.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}
