//! What a list can be asked for: declared fields only, each with its kind.

use bson::{Bson, Document, doc};
use matome_domain::words::Query;
use serde::Serialize;
use strum::VariantArray;

use super::Refusal;
use crate::value::{Id, Time};

/// A query parameter that narrows a list. Several are all to hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// The parameter's name; of a time, `name[from]` (inclusive) and `name[to]` (exclusive) are asked.
    pub name: &'static str,
    /// The stored field, with dots.
    pub path: &'static str,
    /// What its values are.
    pub kind: FilterKind,
    /// For OpenAPI.
    pub description: &'static str,
    /// So few documents match one value (one person's address, say) that they may be sorted after they
    /// are found; every other filter has to go with the order of an index.
    pub few: bool,
    /// With nothing asked, each of an enum's values is asked for: an index that has this field before the
    /// sorted one then serves both lists, and a second one, which each write would pay for, is not needed.
    pub always: bool,
}

/// What a filter's values are.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterKind {
    /// Text, to be equal, 1 to 200 characters.
    Text,
    /// Words that are all to be among the stored ones ([`matome_domain::words`]), 1 to 200 characters.
    Words,
    /// One of these texts, or several with commas between.
    Enum(Vec<String>),
    /// An id.
    Id,
    /// `true` or `false`.
    Bool,
    /// An integer, to be equal.
    Number,
    /// A span of time.
    Time,
}

/// Which bound of a span a parameter gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// None: the value itself.
    Equal,
    /// `name[from]`, inclusive.
    From,
    /// `name[to]`, exclusive.
    To,
}

/// One query parameter, as OpenAPI lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// As it stands in the query, such as `timestamp[from]`.
    pub name: String,
    /// What its filter's values are.
    pub kind: FilterKind,
    /// For OpenAPI.
    pub description: String,
    /// Which bound it gives.
    pub bound: Bound,
}

/// A field that a list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The stored field, with dots; also the parameter's value, `-` before it turns it around.
    pub path: &'static str,
    /// When not said otherwise: newest first, Z to A.
    pub descending: bool,
    /// Documents may be without it; these come first when ascending, last when descending.
    pub nullable: bool,
}

const TEXT_MAX: usize = 200;

/// Names of an enum's values, as serde writes them.
fn names<E: VariantArray + Serialize>() -> Vec<String> {
    let allowed = crate::shape::one_of::<E>();
    let values = allowed.get_array("enum").map(Vec::as_slice).unwrap_or_default();
    values.iter().filter_map(Bson::as_str).map(str::to_owned).collect()
}

impl Filter {
    const fn new(name: &'static str, kind: FilterKind, description: &'static str) -> Self {
        Self { name, path: name, kind, description, few: false, always: false }
    }

    /// Text, to be equal.
    #[must_use]
    pub const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FilterKind::Text, description)
    }

    /// Words, all to be there.
    #[must_use]
    pub const fn words(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FilterKind::Words, description)
    }

    /// One or several of an enum's values.
    #[must_use]
    pub fn one_of<E: VariantArray + Serialize>(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FilterKind::Enum(names::<E>()), description)
    }

    /// One or several of these texts.
    #[must_use]
    pub fn among(name: &'static str, values: &[&str], description: &'static str) -> Self {
        Self::new(name, FilterKind::Enum(values.iter().map(|&v| v.to_owned()).collect()), description)
    }

    /// An id, to be equal.
    #[must_use]
    pub const fn id(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FilterKind::Id, description)
    }

    /// `true` or `false`.
    #[must_use]
    pub const fn bool(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FilterKind::Bool, description)
    }

    /// An integer, to be equal.
    #[must_use]
    pub const fn number(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FilterKind::Number, description)
    }

    /// A span of time: `name[from]`, `name[to]`.
    #[must_use]
    pub const fn time(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FilterKind::Time, description)
    }

    /// Of a field that is called otherwise where it is stored.
    #[must_use]
    pub fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    /// See [`Filter::few`].
    #[must_use]
    pub fn few(self) -> Self {
        Self { few: true, ..self }
    }

    /// See [`Filter::always`].
    #[must_use]
    pub fn always(self) -> Self {
        Self { always: true, ..self }
    }

    /// The query parameters it takes.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let parameter = |name: String, description: String, bound| Parameter {
            name,
            kind: self.kind.clone(),
            description,
            bound,
        };
        if self.kind != FilterKind::Time {
            return vec![parameter(self.name.to_owned(), self.description.to_owned(), Bound::Equal)];
        }
        vec![
            parameter(
                format!("{}[from]", self.name),
                format!("{} From then, inclusive.", self.description),
                Bound::From,
            ),
            parameter(
                format!("{}[to]", self.name),
                format!("{} Until then, exclusive.", self.description),
                Bound::To,
            ),
        ]
    }

    /// Adds what `text` asks for to `filter`.
    ///
    /// # Errors
    /// [`Refusal`] with the parameter's name when the text is no such value.
    pub fn apply(&self, bound: Bound, text: &str, filter: &mut Document) -> Result<(), Refusal> {
        let refuse = |reason: String| Err(Refusal { field: self.parameter_name(bound), reason });
        let value: Bson = match &self.kind {
            FilterKind::Text | FilterKind::Words if text.is_empty() || text.chars().count() > TEXT_MAX => {
                return refuse(format!("must have 1 to {TEXT_MAX} characters"));
            }
            FilterKind::Text => text.into(),
            FilterKind::Words => match Query::parse(text) {
                Ok(query) => doc! { "$all": query.words() }.into(),
                Err(_) => return refuse("has no word to look for".to_owned()),
            },
            FilterKind::Enum(values) => {
                let mut wanted: Vec<&str> = text.split(',').collect();
                wanted.sort_unstable();
                wanted.dedup();
                if wanted.iter().any(|one| !values.iter().any(|value| value == one)) {
                    return refuse(format!("must be one or several of {}", values.join(", ")));
                }
                match wanted.as_slice() {
                    [one] => (*one).into(),
                    several => doc! { "$in": several.to_vec() }.into(),
                }
            }
            FilterKind::Id => match text.parse::<Id>() {
                Ok(id) => id.into(),
                Err(why) => return refuse(why.to_string()),
            },
            FilterKind::Bool => match text.parse::<bool>() {
                Ok(value) => value.into(),
                Err(_) => return refuse("expected true or false".to_owned()),
            },
            FilterKind::Number => match text.parse::<i64>() {
                Ok(value) => value.into(),
                Err(_) => return refuse("expected an integer".to_owned()),
            },
            FilterKind::Time => match text.parse::<Time>() {
                Ok(at) => at.into(),
                Err(why) => return refuse(why.to_string()),
            },
        };
        let operator = match bound {
            Bound::Equal => {
                filter.insert(self.path, value);
                return Ok(());
            }
            Bound::From => "$gte",
            Bound::To => "$lt",
        };
        match filter.get_document_mut(self.path) {
            Ok(span) => _ = span.insert(operator, value),
            Err(_) => _ = filter.insert(self.path, doc! { operator: value }),
        }
        Ok(())
    }

    fn parameter_name(&self, bound: Bound) -> String {
        match bound {
            Bound::Equal => self.name.to_owned(),
            Bound::From => format!("{}[from]", self.name),
            Bound::To => format!("{}[to]", self.name),
        }
    }
}

impl Sort {
    /// Small before large, A to Z, old before new.
    #[must_use]
    pub const fn ascending(path: &'static str) -> Self {
        Self { path, descending: false, nullable: false }
    }

    /// The other way round.
    #[must_use]
    pub const fn descending(path: &'static str) -> Self {
        Self { path, descending: true, nullable: false }
    }

    /// Of a field that documents may be without.
    #[must_use]
    pub const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// What `text` (`name`, `-name`) asks for among those that are declared.
    #[must_use]
    pub fn among(sorts: &[Self], text: &str) -> Option<Self> {
        let (path, descending) = match text.strip_prefix('-') {
            Some(path) => (path, true),
            None => (text, false),
        };
        sorts.iter().find(|sort| sort.path == path).map(|sort| Self { descending, ..*sort })
    }
}

impl std::fmt::Display for Sort {
    /// As the parameter has it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.path)
    }
}

#[cfg(test)]
mod tests {
    use bson::DateTime;
    use bson::oid::ObjectId;

    use super::*;

    fn asked(filter: &Filter, parameters: &[(Bound, &str)]) -> Result<Document, Refusal> {
        let mut document = Document::new();
        for (bound, text) in parameters {
            filter.apply(*bound, text, &mut document)?;
        }
        Ok(document)
    }

    #[test]
    fn each_kind_is_read_as_what_is_stored() {
        let id = ObjectId::from_bytes([1; 12]);
        let among = Filter::among("status", &["active", "archived"], "");
        let equal = |filter: &Filter, text: &str| asked(filter, &[(Bound::Equal, text)]).unwrap();
        assert_eq!(
            equal(&Filter::text("source", "").at("metadata.source"), "api"),
            doc! { "metadata.source": "api" }
        );
        assert_eq!(equal(&Filter::id("roomId", ""), &id.to_hex()), doc! { "roomId": id });
        assert_eq!(equal(&Filter::bool("x", ""), "true"), doc! { "x": true });
        assert_eq!(equal(&Filter::number("n", ""), "-3"), doc! { "n": -3_i64 });
        let words = Filter::words("q", "").at("search");
        assert_eq!(equal(&words, "Ｓｈｏｐ 本屋"), doc! { "search": { "$all": ["shop", "本屋"] } });
        assert_eq!(equal(&among, "archived"), doc! { "status": "archived" });
        let both = doc! { "status": { "$in": ["active", "archived"] } };
        assert_eq!(equal(&among, "archived,active,archived"), both);
        let span = [(Bound::From, "1970-01-01T00:00:01Z"), (Bound::To, "1970-01-01T00:00:02Z")];
        let (from, to) = (DateTime::from_millis(1_000), DateTime::from_millis(2_000));
        let expected = doc! { "timestamp": { "$gte": from, "$lt": to } };
        assert_eq!(asked(&Filter::time("timestamp", ""), &span).unwrap(), expected);
    }

    #[test]
    fn what_is_no_such_value_is_refused_by_the_parameters_name() {
        let refused = |filter: Filter, bound, text: &str| asked(&filter, &[(bound, text)]).unwrap_err().field;
        assert_eq!(refused(Filter::text("t", ""), Bound::Equal, ""), "t");
        assert_eq!(refused(Filter::text("t", ""), Bound::Equal, &"x".repeat(201)), "t");
        assert_eq!(refused(Filter::words("q", ""), Bound::Equal, "!?"), "q");
        assert_eq!(refused(Filter::words("q", ""), Bound::Equal, &"x".repeat(201)), "q");
        assert_eq!(refused(Filter::id("roomId", ""), Bound::Equal, "{\"$ne\":1}"), "roomId");
        assert_eq!(refused(Filter::bool("b", ""), Bound::Equal, "1"), "b");
        assert_eq!(refused(Filter::number("n", ""), Bound::Equal, "1.5"), "n");
        assert_eq!(refused(Filter::time("at", ""), Bound::To, "yesterday"), "at[to]");
        assert_eq!(refused(Filter::among("s", &["a"], ""), Bound::Equal, "a,"), "s");
    }

    #[test]
    fn only_declared_fields_can_be_sorted_by() {
        let sorts = [Sort::descending("createdAt"), Sort::ascending("name")];
        assert_eq!(Sort::among(&sorts, "createdAt"), Some(Sort::ascending("createdAt")));
        assert_eq!(Sort::among(&sorts, "-name"), Some(Sort::descending("name")));
        assert_eq!(Sort::among(&sorts, "secret"), None);
        assert_eq!(sorts[0].to_string(), "-createdAt");
    }
}
