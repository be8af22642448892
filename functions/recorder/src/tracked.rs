//! Documents being worked on, and how they differ from what is stored.

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use bson::{Document, doc};
use matome_store::collection::encode;
use matome_store::{Entity, StoreError, Write};

/// Documents by id: as loaded, changed, or new.
#[derive(Debug, Clone)]
pub struct Tracked<E> {
    documents: BTreeMap<ObjectId, (E, State)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Loaded,
    Changed,
    New,
}

impl<E: Entity + Clone> Tracked<E> {
    /// Starts from what is stored.
    pub fn loaded(documents: impl IntoIterator<Item = E>, id: impl Fn(&E) -> ObjectId) -> Self {
        let documents = documents.into_iter().map(|d| (id(&d), (d, State::Loaded))).collect();
        Self { documents }
    }

    /// Looks at a document.
    pub fn get(&self, id: ObjectId) -> Option<&E> {
        self.documents.get(&id).map(|(d, _)| d)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.documents.values().map(|(d, _)| d)
    }

    /// A document that will be changed.
    pub fn change(&mut self, id: ObjectId) -> Option<&mut E> {
        self.documents.get_mut(&id).map(|(d, state)| {
            if *state == State::Loaded {
                *state = State::Changed;
            }
            d
        })
    }

    /// A document that will be changed, made first if it is not there; and whether it was made.
    pub fn change_or_insert(&mut self, id: ObjectId, make: impl FnOnce() -> E) -> (&mut E, bool) {
        let mut made = false;
        let (document, state) = self.documents.entry(id).or_insert_with(|| {
            made = true;
            (make(), State::New)
        });
        if *state == State::Loaded {
            *state = State::Changed;
        }
        (document, made)
    }

    /// The new ones.
    pub fn new_documents(&self) -> Vec<E> {
        let new = self.documents.values().filter(|(_, state)| *state == State::New);
        new.map(|(d, _)| d.clone()).collect()
    }

    /// What has to be written, changes first (a session must close before the next one can be the
    /// open one of its room): new documents whole (unless `changed_only`), changed ones by those
    /// of their `fields` alone, so that what others own in them stays as it is. `__v` among them gives
    /// them the next version; without it they keep theirs: staff edit rooms and people, and could never
    /// do so while somebody talks if each message made a new version. That two recorders do not write over
    /// each other does not rest on it but on the transaction.
    ///
    /// # Errors
    /// [`StoreError::Encode`].
    pub fn writes(&self, fields: &[&str], changed_only: bool) -> Result<Vec<Write>, StoreError> {
        let of = |wanted| self.documents.iter().filter(move |(_, (_, state))| *state == wanted);
        let changed = of(State::Changed)
            .map(|(id, (document, _))| Ok(Write::update(*id, update(encode(document)?, fields))));
        let new = of(State::New).filter(|_| !changed_only).map(|(id, (d, _))| Write::put(*id, d));
        changed.chain(new).collect()
    }
}

const VERSION: &str = "__v";

/// `$set` of the named fields, `$unset` of those that are gone, and for `__v` the next version.
fn update(mut document: Document, fields: &[&str]) -> Document {
    let (mut set, mut unset) = (Document::new(), Document::new());
    for field in fields.iter().filter(|field| **field != VERSION) {
        match document.remove(*field) {
            Some(value) => set.insert(*field, value),
            None => unset.insert(*field, ""),
        };
    }
    let mut update = doc! { "$set": set };
    if fields.contains(&VERSION) {
        update.insert("$inc", doc! { VERSION: 1 });
    }
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    update
}
