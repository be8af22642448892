//! What a person may ask of those who know them: everything that is stored about them, and that it is
//! forgotten (GDPR, articles 15, 17 and 20; Japan's APPI and Thailand's PDPA ask for the same).
//!
//! Both are about the person wherever they wrote, private rooms too: the permission is for who answers for that.

mod collected;
mod erasure;
mod export;
mod held;
mod shown;

use matome_domain::access::{Action, Resource};
use matome_domain::rate::Class;

use super::Route;
use crate::guard::{Access, Rule};

pub(super) fn routes() -> Vec<Route> {
    let one = "/organizations/{organizationId}/users/{userId}";
    vec![
        Route::new(
            Rule::post(
                format!("{one}/export"),
                "exportUser",
                Access::Tenant(Resource::Exports.to(Action::Create)),
            )
            .says("data subjects", "Get everything that is stored about a person")
            .describes(
                "Profile, chats, memberships, messages with what was seen in their pictures, sessions, what summaries say of \
                 them, what they thought of summaries, events, and what staff did about them (not who of staff), as \
                 JSON: in the answer if it is small, else as a file behind a link that ends after five minutes. The \
                 file is deleted after seven days. Links to media in it end after five minutes too; timelines give \
                 new ones.",
            )
            // Or an erasure would leave it to be had for another day.
            .answers_once()
            .counts_as(Class::Export),
            export::export,
        ),
        Route::new(
            Rule::post(
                format!("{one}/erasure"),
                "eraseUser",
                Access::Tenant(Resource::Exports.to(Action::Delete)),
            )
            .says("data subjects", "Erase what is stored about a person")
            .describes(
                "Profile, what their messages said with their media, the words they are found by, what summaries say, and \
                 what they said of summaries; summaries are written anew without them. What was counted stays, and \
                 LINE's id of the person, which says nothing of them but keeps the counts right; so does the audit, \
                 which names what was done and not what was said, until its retention ends. It cannot be taken back. \
                 Of a very long history one call erases a part: repeat it until `complete`.",
            )
            .counts_as(Class::Export),
            erasure::erase,
        ),
    ]
}
