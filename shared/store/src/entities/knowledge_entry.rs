//! What customers ask again and again, and what they are answered.

use bson::doc;
use garde::Validate;
use matome_domain::access::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::VariantArray;

use crate::entity::{Entity, Index};
use crate::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, New, NewContext, Refusal, Sort, Tags, Update,
    example,
};
use crate::shape::{Shape, date, one_of, string};
use crate::value::{Id, Time};

/// A question with its answer (a row of the seeds' `knowledge_base`; what the seeds count there of its use
/// comes with what uses it).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnowledgeEntry {
    /// Id.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Tenant.
    pub tenant_id: String,
    /// What it is about.
    pub category: String,
    /// As a customer would ask.
    pub question: String,
    /// As it can be sent.
    pub answer: String,
    /// Labels.
    #[serde(default)]
    pub tags: Tags,
    /// 1 (low) to 5 (high): which of several that fit comes first.
    pub priority: i64,
    /// BCP 47 tag of the language of both.
    pub language: String,
    /// Whether it is good to be used.
    pub status: KnowledgeStatus,
    /// The account or key that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Id>,
    /// Deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Id>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
    /// Version for optimistic locking.
    #[serde(rename = "__v")]
    pub version: i64,
}

/// Whether an entry is good to be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, VariantArray)]
#[serde(rename_all = "lowercase")]
pub enum KnowledgeStatus {
    /// It is.
    #[default]
    Active,
    /// Not yet.
    Draft,
    /// Not any more.
    Archived,
}

impl Entity for KnowledgeEntry {
    const COLLECTION: &'static str = "knowledge_entries";

    fn indexes() -> Vec<Index> {
        vec![
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
            Index::on(doc! { "tenantId": 1, "category": 1, "_id": 1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new()
            .required("category", string())
            .required("question", string())
            .required("answer", string())
            .required("status", one_of::<KnowledgeStatus>())
            .required("createdAt", date())
    }
}

/// An entry as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnowledgeEntryView {
    /// Id.
    #[serde(alias = "_id")]
    pub id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v", default)]
    pub version: i64,
    /// The organization's id.
    pub tenant_id: String,
    /// What it is about.
    pub category: String,
    /// As a customer would ask.
    pub question: String,
    /// As it can be sent.
    pub answer: String,
    /// Labels.
    #[serde(default)]
    pub tags: Tags,
    /// 1 (low) to 5 (high): which of several that fit comes first.
    pub priority: i64,
    /// BCP 47 tag of the language of both.
    pub language: String,
    /// Whether it is good to be used.
    pub status: KnowledgeStatus,
    /// The account or key that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Id>,
    /// Deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Id>,
    /// Created.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

/// A new entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKnowledgeEntry {
    /// What it is about.
    #[garde(length(chars, min = 1, max = 100))]
    pub category: String,
    /// As a customer would ask.
    #[garde(length(chars, min = 1, max = 1000))]
    pub question: String,
    /// As it can be sent: no longer than a message on LINE, which counts UTF-16 units.
    #[garde(length(utf16, min = 1, max = 5000))]
    pub answer: String,
    /// Labels.
    #[garde(dive)]
    #[serde(default)]
    pub tags: Tags,
    /// 1 (low) to 5 (high): which of several that fit comes first.
    #[garde(range(min = 1, max = 5))]
    #[serde(default = "lowest")]
    pub priority: i64,
    /// BCP 47 tag of the language of both.
    #[garde(length(chars, min = 2, max = 35))]
    pub language: String,
    /// Whether it is good to be used.
    #[garde(skip)]
    #[serde(default)]
    pub status: KnowledgeStatus,
}

/// As in the seeds.
const fn lowest() -> i64 {
    1
}

/// What can be changed of an entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnowledgeEntryPatch {
    /// What it is about.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub category: Kept<String>,
    /// As a customer would ask.
    #[garde(length(chars, min = 1, max = 1000))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub question: Kept<String>,
    /// As it can be sent: no longer than a message on LINE, which counts UTF-16 units.
    #[garde(length(utf16, min = 1, max = 5000))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub answer: Kept<String>,
    /// Labels, all of them.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub tags: Kept<Tags>,
    /// 1 (low) to 5 (high): which of several that fit comes first.
    #[garde(range(min = 1, max = 5))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub priority: Kept<i64>,
    /// BCP 47 tag of the language of both.
    #[garde(length(chars, min = 2, max = 35))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub language: Kept<String>,
    /// Whether it is good to be used.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub status: Kept<KnowledgeStatus>,
}

impl New<KnowledgeEntry> for NewKnowledgeEntry {
    fn build(self, new: &NewContext) -> Result<KnowledgeEntry, Refusal> {
        Ok(KnowledgeEntry {
            id: new.id.into(),
            tenant_id: new.tenant_id(),
            category: self.category,
            question: self.question,
            answer: self.answer,
            tags: self.tags,
            priority: self.priority,
            language: self.language,
            status: self.status,
            created_by: new.by.map(Id::from),
            deleted_at: None,
            deleted_by: None,
            created_at: new.now.into(),
            updated_at: new.now.into(),
            version: 0,
        })
    }
}

impl Changes<KnowledgeEntry> for KnowledgeEntryPatch {
    fn update(&self, _: &KnowledgeEntry) -> Result<Update, Refusal> {
        Ok(Update::new()
            .kept("category", &self.category)
            .kept("question", &self.question)
            .kept("answer", &self.answer)
            .kept("tags", &self.tags)
            .kept("priority", &self.priority)
            .kept("language", &self.language)
            .kept("status", &self.status))
    }
}

impl Exposed for KnowledgeEntry {
    const NAME: &'static str = "knowledgeEntry";
    const RESOURCE: Resource = Resource::KnowledgeEntries;
    const DELETE: DeletePolicy = DeletePolicy::Soft;
    type View = KnowledgeEntryView;
    type Create = NewKnowledgeEntry;
    type Patch = KnowledgeEntryPatch;

    fn filters() -> Vec<Filter> {
        vec![
            Filter::text("category", "What it is about."),
            Filter::text("tag", "One of its labels.").at("tags"),
            Filter::text("language", "BCP 47 tag."),
            Filter::one_of::<KnowledgeStatus>("status", "Whether it is good to be used."),
        ]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt"), Sort::ascending("category")]
    }

    fn examples() -> Examples<Self> {
        let (question, answer) = ("When are you open?", "Every day but Wednesday, from ten to eight.");
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f607182a4", "version": 0, "tenantId": "671f0a2b9d3c4e5f6071829b",
                "category": "Opening hours", "question": question, "answer": answer, "tags": ["shop"], "priority": 3,
                "language": "en", "status": "active", "createdBy": "671f0a2b9d3c4e5f60718292",
                "createdAt": "2026-11-01T00:00:00.000Z", "updatedAt": "2026-11-01T00:00:00.000Z",
            })),
            create: Some(example(json!({
                "category": "Opening hours", "question": question, "answer": answer, "tags": ["shop"], "priority": 3,
                "language": "en",
            }))),
            patch: Some(example(json!({ "answer": "Every day, from ten to eight.", "status": "draft" }))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_no_longer_than_line_sends() {
        let new = |answer: &str| {
            let new = json!({ "category": "c", "question": "q", "answer": answer, "language": "ja" });
            example::<NewKnowledgeEntry>(new).validate().is_ok()
        };
        let patch =
            |answer: &str| example::<KnowledgeEntryPatch>(json!({ "answer": answer })).validate().is_ok();
        // An emoji outside of the Basic Multilingual Plane is two units.
        for (answer, fits) in
            [("🙂".repeat(2500), true), ("🙂".repeat(2500) + "a", false), (String::new(), false)]
        {
            assert_eq!((new(&answer), patch(&answer)), (fits, fits), "{} characters", answer.chars().count());
        }
    }

    #[test]
    fn what_is_not_said_of_a_new_one_is_as_in_the_seeds() {
        let new = json!({ "category": "c", "question": "q", "answer": "a", "language": "th" });
        let new: NewKnowledgeEntry = example(new);
        assert_eq!((new.priority, new.status, new.tags), (1, KnowledgeStatus::Active, Tags::default()));
    }
}
