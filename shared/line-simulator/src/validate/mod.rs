//! LINE's own checks of the messages it is asked to send. Written from the OpenAPI file and the
//! reference, independently of `matome_line::flex`, so that one can prove the other.

mod action;
mod component;
mod flex;
mod message;

use matome_line::client::ErrorDetail;
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

/// What is wrong with `messages`; empty = nothing.
pub(crate) fn messages(messages: Option<&Value>) -> Vec<ErrorDetail> {
    let mut report = Report::default();
    match messages.and_then(Value::as_array) {
        None => report.add("messages", "May not be empty"),
        Some(list) if list.is_empty() || list.len() > 5 => {
            report.add("messages", "Size must be between 1 and 5")
        }
        Some(list) => {
            for (at, one) in list.iter().enumerate() {
                message::check(&mut report, &format!("messages[{at}]"), one);
            }
        }
    }
    report.0
}

/// LINE's headline: complaints about a Flex message's inside name the message, others are counted.
pub(crate) fn headline(details: &[ErrorDetail]) -> String {
    match details.first() {
        Some(first) if first.property.starts_with('/') => {
            "A message (messages[0]) in the request body is invalid".to_owned()
        }
        _ => format!("The request body has {} error(s)", details.len()),
    }
}

/// Complaints so far.
#[derive(Default)]
struct Report(Vec<ErrorDetail>);

impl Report {
    fn add(&mut self, property: &str, message: &str) {
        self.0.push(ErrorDetail { message: message.to_owned(), property: property.to_owned() });
    }

    /// `value[name]` as a string within `1..=max` as `count` counts; absent is fine unless required.
    fn string(
        &mut self,
        value: &Value,
        at: &str,
        name: &str,
        required: bool,
        max: usize,
        count: fn(&str) -> usize,
    ) {
        let property = join(at, name);
        match value.get(name) {
            None | Some(Value::Null) if !required => {}
            Some(Value::String(text)) => {
                if required && text.trim().is_empty() {
                    self.add(&property, "May not be empty");
                } else if count(text) > max {
                    self.add(&property, &format!("Length must be between 0 and {max}"));
                }
            }
            _ => self.add(&property, if required { "May not be empty" } else { "must be a string" }),
        }
    }

    /// `value[name]` as an https URL of at most 2,000 characters.
    fn https(&mut self, value: &Value, at: &str, name: &str, required: bool) {
        let property = join(at, name);
        match value.get(name) {
            None | Some(Value::Null) if !required => {}
            Some(Value::String(url)) if url.len() > 2_000 => {
                self.add(&property, "Length must be between 0 and 2000")
            }
            Some(Value::String(url)) => {
                if !url::Url::parse(url).is_ok_and(|u| u.scheme() == "https" && u.has_host()) {
                    self.add(&property, "invalid uri scheme");
                }
            }
            _ => self.add(&property, "May not be empty"),
        }
    }
}

/// `messages[0]` + `text` → `messages[0].text`; `/body` + `contents` → `/body/contents`.
fn join(at: &str, name: &str) -> String {
    let separator = if at.starts_with('/') { if at == "/" { "" } else { "/" } } else { "." };
    format!("{at}{separator}{name}")
}

fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Labels and texts of actions are counted in grapheme clusters ("Character counting in a text").
fn graphemes(text: &str) -> usize {
    text.graphemes(true).count()
}

#[cfg(test)]
mod tests;
