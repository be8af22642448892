//! SES on loopback: MiniStack takes what `SendEmail` is given, sends nothing, and shows it.
//!
//! As SES does, it refuses a sender that is not verified. With IAM evaluation on (`auth`), `ses:SendEmail` is asked
//! for on no resource (`*`) and without condition keys (1.5.33, tried), so what `template.yaml` says of the identity
//! and of `ses:FromAddress` decides on AWS alone; a role without the action is refused here as well.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use matome_local_stack::{Mailbox, shared};
//! let mailbox = Mailbox::at(&shared::aws_endpoint().await?);
//! mailbox.verify_sender("no-reply@matome.example").await?;
//! // … the code under test sends to an address of this test's own …
//! let mails = mailbox.sent_to("somebody-4711@customer.example").await?;
//! assert!(mails[0].text.contains("https://"));
//! # Ok(())
//! # }
//! ```

use std::collections::HashMap;

use serde::Deserialize;

use crate::error::Result;
use crate::ministack::{as_root, local_http};

/// What a MiniStack was asked to send since it started. One serves many tests at once: give each its own recipient.
#[derive(Debug, Clone)]
pub struct Mailbox {
    endpoint: String,
}

/// A mail as it was handed to SES.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SentMail {
    /// What SES answered with.
    pub message_id: String,
    /// The sender, as given.
    #[serde(rename = "Source")]
    pub from: String,
    /// The recipients, those of copies apart.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain text; empty when there is none.
    #[serde(rename = "BodyText")]
    pub text: String,
    /// The HTML; `None` or empty when there is none.
    #[serde(rename = "BodyHtml")]
    pub html: Option<String>,
}

impl Mailbox {
    /// Of the MiniStack at `endpoint` (`http://127.0.0.1:<port>`).
    #[must_use]
    pub fn at(endpoint: &str) -> Self {
        Self { endpoint: endpoint.trim_end_matches('/').to_owned() }
    }

    /// Lets `sender` (an address or a domain) send, as an operator does who verifies it at SES. A second time
    /// changes nothing.
    ///
    /// # Errors
    /// [`crate::Error::Http`] when MiniStack does not answer.
    pub async fn verify_sender(&self, sender: &str) -> Result<()> {
        let request = local_http()
            .post(format!("{}/v2/email/identities", self.endpoint))
            .header("Authorization", as_root("ses"))
            .json(&serde_json::json!({ "EmailIdentity": sender }));
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Everything sent, oldest first.
    ///
    /// # Errors
    /// [`crate::Error::Http`] when MiniStack does not answer.
    pub async fn sent(&self) -> Result<Vec<SentMail>> {
        #[derive(Deserialize)]
        struct Page {
            /// By account; here there is one.
            messages: HashMap<String, Vec<SentMail>>,
        }
        let url = format!("{}/_ministack/ses/messages", self.endpoint);
        let page: Page = local_http().get(url).send().await?.error_for_status()?.json().await?;
        Ok(page.messages.into_values().flatten().collect())
    }

    /// What was sent to `recipient`, oldest first.
    ///
    /// # Errors
    /// [`crate::Error::Http`] when MiniStack does not answer.
    pub async fn sent_to(&self, recipient: &str) -> Result<Vec<SentMail>> {
        let mut mails = self.sent().await?;
        mails.retain(|mail| mail.to.iter().any(|to| to == recipient));
        Ok(mails)
    }
}
