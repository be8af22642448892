//! Lists, page by page: a page goes on after the last document of the one before, by the sorted field and
//! `_id`. Nothing is skipped over, so the thousandth page costs what the first one does, and what comes or
//! goes in the meantime neither repeats nor hides anything else.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use mongodb::options::Hint;

use super::{DeletePolicy, Exposed, FilterKind, Shown, Sort, projection};
use crate::collection::Collection;
use crate::error::StoreError;

/// A list that takes longer than this is given up: the caller has.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which part of a list is wanted.
#[derive(Debug, Clone)]
pub struct PageQuery {
    /// What has to hold, made by [`super::Filter::apply`].
    pub filter: Document,
    /// The order; `_id` comes last by itself, in the same direction.
    pub sort: Sort,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: u32,
    /// The deleted ones and no others; else those that are not deleted.
    pub deleted: bool,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// The sorted field of the last document; null when it had none.
    pub key: Bson,
    /// Its id.
    pub id: ObjectId,
}

/// A part of a list.
#[derive(Debug)]
pub struct Page<E: Exposed> {
    /// In order.
    pub items: Vec<Shown<E>>,
    /// Where it goes on; `None` at the end.
    pub next: Option<Cursor>,
}

impl Cursor {
    /// As bytes, to be sent and come back. They are not secret, but tell a value of the list.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let document = doc! { "k": self.key.clone(), "i": self.id };
        bson::serialize_to_vec(&document).expect("a document can be written as BSON")
    }

    /// Back from bytes; `None` when they are no cursor. Whatever they say, a list is only ever asked to go on
    /// somewhere else in the same list.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut document: Document = bson::deserialize_from_slice(bytes).ok()?;
        let key = document.remove("k")?;
        let plain = matches!(
            key,
            Bson::Null
                | Bson::String(_)
                | Bson::Int32(_)
                | Bson::Int64(_)
                | Bson::Double(_)
                | Bson::Boolean(_)
                | Bson::DateTime(_)
                | Bson::ObjectId(_)
        );
        plain.then_some(Self { key, id: document.get_object_id("i").ok()? })
    }

    fn of(document: &Document, sort: Sort) -> Option<Self> {
        Some(Self { key: value_at(document, sort.path), id: document.get_object_id("_id").ok()? })
    }

    /// What comes after it. MongoDB sorts what has no value as null, before everything else, but compares
    /// null with null alone: the two are asked for apart.
    fn condition(&self, sort: Sort) -> Document {
        let (path, id) = (sort.path, self.id);
        let (beyond, until) = if sort.descending { ("$lt", "$gte") } else { ("$gt", "$lte") };
        if path == "_id" {
            return doc! { "_id": { beyond: id } };
        }
        // What has the same key and was shown. Taken out, not asked for with `$or`, whose parts MongoDB would
        // look up apart and then sort.
        let shown = doc! { path: self.key.clone(), "_id": { until: id } };
        let key = || self.key.clone();
        match (&self.key, sort.descending) {
            (Bson::Null, true) => doc! { path: null, "_id": { beyond: id } },
            (Bson::Null, false) => doc! { "$nor": [shown] },
            (_, true) if sort.nullable => doc! { path: { "$not": { "$gt": key() } }, "$nor": [shown] },
            (_, true) => doc! { path: { "$lte": key() }, "$nor": [shown] },
            (_, false) => doc! { path: { "$gte": key() }, "$nor": [shown] },
        }
    }
}

fn value_at(document: &Document, path: &str) -> Bson {
    let mut names = path.split('.');
    let first = names.next().and_then(|name| document.get(name));
    let value = names.fold(first, |value, name| value?.as_document()?.get(name));
    value.cloned().unwrap_or(Bson::Null)
}

impl PageQuery {
    /// The beginning of the list.
    #[must_use]
    pub fn first(filter: Document, sort: Sort, limit: u32) -> Self {
        Self { filter, sort, after: None, limit, deleted: false }
    }

    /// What is asked, with each value of the enums that are always asked for.
    fn asked<E: Exposed>(&self) -> Document {
        let mut filter = self.filter.clone();
        for declared in E::filters().into_iter().filter(|filter| filter.always) {
            if let (FilterKind::Enum(values), false) = (declared.kind, filter.contains_key(declared.path)) {
                filter.insert(declared.path, doc! { "$in": values });
            }
        }
        filter
    }

    /// The index that has the list in order: fields that are asked for, the sorted one, `_id`. MongoDB would
    /// choose by trying, and what it finds out on the documents of one tenant it does with those of another.
    /// `None` where so few documents match that they may be sorted, and where no index has the order.
    fn index<E: Exposed>(&self, of_tenant: bool) -> Option<Document> {
        let asked = self.asked::<E>();
        if E::filters().iter().any(|filter| filter.few && asked.contains_key(filter.path)) {
            return None;
        }
        let is_span = |value: &Bson| {
            value.as_document().is_some_and(|value| value.keys().any(|operator| operator != "$in"))
        };
        let equal = |field: &str| asked.get(field).is_some_and(|value| !is_span(value));
        let whole = E::indexes().into_iter().filter(|index| index.partial.is_none()).map(|index| index.keys);
        let fits = whole.filter_map(|keys| {
            let mut rest: Vec<&str> = keys.keys().map(String::as_str).collect();
            if rest.first() == Some(&"tenantId") {
                rest.remove(0);
            } else if of_tenant {
                return None;
            }
            let before = rest.iter().position(|field| *field == self.sort.path)?;
            let in_order = of_tenant == keys.contains_key("tenantId")
                && rest.get(before + 1) == Some(&"_id")
                && rest[..before].iter().all(|field| equal(field));
            in_order.then_some((before, keys))
        });
        fits.max_by_key(|(before, _)| *before).map(|(_, keys)| keys)
    }

    fn filter<E: Exposed>(&self) -> Document {
        let mut filter = self.asked::<E>();
        if E::DELETE == DeletePolicy::Soft {
            let deleted = if self.deleted { doc! { "$ne": null }.into() } else { Bson::Null };
            filter.insert("deletedAt", deleted);
        }
        match &self.after {
            None => filter,
            Some(after) => doc! { "$and": [filter, after.condition(self.sort)] },
        }
    }

    fn order(&self) -> Document {
        let direction = if self.sort.descending { -1 } else { 1 };
        let mut order = doc! { self.sort.path: direction };
        order.insert("_id", direction);
        order
    }

    /// One more than wanted, to know whether there is more.
    fn limit(&self) -> i64 {
        i64::from(self.limit) + 1
    }
}

impl<E: Exposed> Collection<E> {
    /// A part of the list.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(&self, query: &PageQuery) -> Result<Page<E>, StoreError> {
        let index = query.index::<E>(self.is_of_tenant());
        let mut found = match self.found(query, index.clone()).await {
            // The index is not made yet: a new version of the code runs before its migration.
            Err(error) if index.is_some() && error.is_bad_value() => self.found(query, None).await?,
            found => found?,
        };
        let wanted = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let more = found.len() > wanted;
        found.truncate(wanted);
        let next = found.last().filter(|_| more).and_then(|last| Cursor::of(last, query.sort));
        let items = found.into_iter().map(Shown::of).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    async fn found(&self, query: &PageQuery, index: Option<Document>) -> Result<Vec<Document>, StoreError> {
        let documents = self.inner.clone_with_type::<Document>();
        let find = documents.find(self.scoped(query.filter::<E>())).sort(query.order()).limit(query.limit());
        let find = find.projection(projection::<E>()).max_time(PATIENCE);
        let cursor = match index {
            Some(keys) => find.hint(Hint::Keys(keys)).await?,
            None => find.await?,
        };
        Ok(cursor.try_collect().await?)
    }

    /// How MongoDB would find a page: `explain` with `executionStats`. For tests that no list goes through a
    /// whole collection.
    ///
    /// # Errors
    /// [`StoreError`].
    #[doc(hidden)]
    pub async fn explain_page(&self, query: &PageQuery) -> Result<Document, StoreError> {
        let namespace = self.inner.namespace();
        let mut find = doc! {
            "find": namespace.coll, "filter": self.scoped(query.filter::<E>()), "sort": query.order(),
            "limit": query.limit(), "projection": projection::<E>(),
        };
        if let Some(index) = query.index::<E>(self.is_of_tenant()) {
            find.insert("hint", index);
        }
        let explain = doc! { "explain": find, "verbosity": "executionStats" };
        Ok(self.inner.client().database(&namespace.db).run_command(explain).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_nothing_else_is_one() {
        let id = ObjectId::from_bytes([1; 12]);
        for key in [Bson::Null, "x".into(), 5_i64.into(), bson::DateTime::MAX.into()] {
            let cursor = Cursor { key, id };
            assert_eq!(Cursor::from_bytes(&cursor.to_bytes()), Some(cursor));
        }
        let forged = |document: Document| Cursor::from_bytes(&bson::serialize_to_vec(&document).unwrap());
        assert_eq!(forged(doc! { "k": { "$ne": 1 }, "i": id }), None);
        assert_eq!(forged(doc! { "k": [1], "i": id }), None);
        assert_eq!(forged(doc! { "k": 1, "i": "x" }), None);
        assert_eq!(Cursor::from_bytes(b"nonsense"), None);
    }
}
