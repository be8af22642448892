//! Entities of which everything is declared: see `docs/adding-an-entity.md`.

use bson::{Bson, Document};

use super::{Examples, Exposed, New, NewContext, Refusal};
use crate::collection::encode;
use crate::entity::Scope;

/// Refuses, when it is compiled, an entity in the list of plain ones that is none: it is a tenant's and in no
/// room, so that its list can be shown to whoever has the permission, and the API makes it.
pub(crate) const fn is_plain<E: Exposed>() {
    assert!(matches!(E::SCOPE, Scope::Tenant), "a plain entity lives where its tenant does");
    assert!(E::ROOM.is_none(), "a plain entity is in no room: a room's own rules have to be looked at");
    assert!(<E::Create as New<E>>::POSSIBLE, "a plain entity is made by the API");
}

impl<E: Exposed> Examples<E> {
    /// A document of what one is made from, as it is stored, for tests that walk over all entities; `None`
    /// when the API makes none. Of those with different numbers no two have the same text where an index
    /// wants it of one alone.
    ///
    /// # Errors
    /// [`Refusal`] when the example is wrong.
    pub fn document(self, new: &NewContext, number: u32) -> Result<Option<Document>, Refusal> {
        let Some(create) = self.create else { return Ok(None) };
        let made = encode(&create.build(new)?).map_err(|why| Refusal::of(E::NAME, why.to_string()));
        let mut document = made?;
        for key in E::indexes().iter().filter(|index| index.unique).flat_map(|index| index.keys.keys()) {
            if let Some(Bson::String(text)) = document.get_mut(key).filter(|_| key != "tenantId") {
                text.push_str(&number.to_string());
            }
        }
        Ok(Some(document))
    }
}
