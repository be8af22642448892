//! Entities of which everything is declared: nothing of theirs stands in this crate.

use matome_store::entities::{ExposedVisitor, visit_plain_entities};
use matome_store::exposed::Exposed;

use super::Route;
use crate::crud::Crud;

pub(super) fn routes() -> Vec<Route> {
    struct Routes(Vec<Route>);

    impl ExposedVisitor for Routes {
        fn visit<E: Exposed>(&mut self) {
            self.0.extend(Crud::<E>::plain().routes());
        }
    }

    let mut routes = Routes(Vec::new());
    visit_plain_entities(&mut routes);
    routes.0
}
