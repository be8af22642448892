//! Finds `@Name` in a text and points at it in UTF-16 units, as LINE does.

use serde_json::{Value, json};

/// Somebody who can be mentioned.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// `None` for people who have not consented.
    pub(crate) user_id: Option<String>,
    pub(crate) is_self: bool,
}

/// LINE reports at most so many.
const MOST: usize = 20;

/// `mention` of a text message; `None` when nobody is mentioned.
pub(crate) fn find(text: &str, targets: &[Target]) -> Option<Value> {
    let mut targets: Vec<_> = targets.iter().filter(|t| !t.name.is_empty()).collect();
    // The longest name first: "@Yui Tanaka" is not "@Yui".
    targets.sort_by_key(|t| std::cmp::Reverse(t.name.len()));
    let mut mentionees = Vec::new();
    for (at, _) in text.match_indices('@') {
        let after = &text[at + 1..];
        let index = text[..at].encode_utf16().count();
        let length = |name: &str| name.encode_utf16().count() + 1;
        if let Some(target) = targets.iter().find(|t| after.starts_with(&t.name)) {
            let mut one = json!({
                "index": index, "length": length(&target.name), "type": "user", "isSelf": target.is_self,
            });
            if let Some(id) = &target.user_id {
                one["userId"] = json!(id);
            }
            mentionees.push(one);
        } else if after.starts_with("All") {
            mentionees.push(json!({"index": index, "length": length("All"), "type": "all"}));
        }
    }
    mentionees.truncate(MOST);
    (!mentionees.is_empty()).then(|| json!({ "mentionees": mentionees }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_at_their_utf16_places() {
        let target =
            |name: &str, is_self| Target { name: name.into(), user_id: Some(format!("U-{name}")), is_self };
        let targets = [target("Yui", false), target("Yui Tanaka", false), target("Matome", true)];
        let mention = find("🍎 @Yui Tanaka @Matome @All @nobody", &targets).unwrap();
        assert_eq!(
            mention["mentionees"],
            json!([
                {"index": 3, "length": 11, "type": "user", "isSelf": false, "userId": "U-Yui Tanaka"},
                {"index": 15, "length": 7, "type": "user", "isSelf": true, "userId": "U-Matome"},
                {"index": 23, "length": 4, "type": "all"},
            ])
        );
        assert_eq!(find("mail me@example.com", &targets), None);
    }
}
