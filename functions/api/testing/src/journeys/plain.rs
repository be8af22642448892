//! Entities of which everything is declared: each by its own examples.

use matome_store::entities::{ExposedVisitor, visit_plain_entities};
use matome_store::exposed::Exposed;
use serde_json::{Value, json};

use super::traveller::{Messenger, Traveller, id};

/// What operations call it, what it is made from, what it is changed by.
struct Plain {
    title: String,
    create: Value,
    patch: Value,
}

pub(super) async fn plain(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    for Plain { title, create, patch } in declared() {
        let made = on.as_owner(&format!("create{title}"), &[], create).await?;
        let at = [id(&made)];
        for (what, body) in [
            ("get", Value::Null),
            ("update", patch),
            ("delete", Value::Null),
            ("restore", Value::Null),
            ("delete", Value::Null),
        ] {
            let operation = format!("{what}{title}");
            if on.stage.has(&operation) {
                on.as_owner(&operation, &at, body).await?;
            } else if what == "delete" || what == "restore" {
                break;
            }
        }
    }
    Ok(())
}

fn declared() -> Vec<Plain> {
    struct All(Vec<Plain>);

    impl ExposedVisitor for All {
        fn visit<E: Exposed>(&mut self) {
            let mut title = E::NAME.to_owned();
            title[..1].make_ascii_uppercase();
            let examples = E::examples();
            self.0.push(Plain { title, create: json!(examples.create), patch: json!(examples.patch) });
        }
    }

    let mut all = All(Vec::new());
    visit_plain_entities(&mut all);
    all.0
}
