//! What is asked of a stack.

use std::collections::BTreeMap;

/// What a stack shall be. Secrets may be among the parameters, so it does not print them.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The stack's name.
    pub name: String,
    /// Where the template lies in S3, by `https`.
    pub template_url: String,
    /// Parameters of the template; what is left out here and below has the template's default.
    pub parameters: BTreeMap<String, String>,
    /// Parameters that are for operators to set on the stack itself: given when it is created (`None`: the
    /// template's default), and from then on left as they are.
    pub initial: BTreeMap<String, Option<String>>,
    /// Given to every resource that can have tags.
    pub tags: BTreeMap<String, String>,
    /// What CloudFormation does it as; the caller's own rights when `None`.
    pub role_arn: Option<String>,
    /// Names this attempt (letters, digits and `-`, at most 128). What was begun under a token is not
    /// begun again under it; what failed under one is tried again under the next.
    pub token: String,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("name", &self.name)
            .field("template_url", &self.template_url)
            .field("parameters", &self.parameters.keys())
            .field("initial", &self.initial.keys())
            .field("tags", &self.tags)
            .field("role_arn", &self.role_arn)
            .field("token", &self.token)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_parameter_does_not_show() {
        let request = Request {
            name: "s".to_owned(),
            template_url: String::new(),
            parameters: BTreeMap::from([("MongoDbUri".to_owned(), "canary".to_owned())]),
            initial: BTreeMap::new(),
            tags: BTreeMap::new(),
            role_arn: None,
            token: "t".to_owned(),
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("MongoDbUri") && !shown.contains("canary"));
    }
}
