//! Rooms.

use matome_store::entities::Room;

use super::Route;
use crate::crud::{Crud, Placed};

impl Placed for Room {}

pub(super) fn routes() -> Vec<Route> {
    Crud::<Room>::at("/rooms", "roomId").routes()
}
