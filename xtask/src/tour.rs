//! The API in three lines of curl, for people to paste. Each has done its work before it is shown.

use anyhow::{Context, bail};
use matome_local_stack::install;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::process::Command;

use crate::demo::Login;
use crate::stack_file::StackFile;

/// What is shown of an answer, in characters.
const SHOWN: usize = 72;

/// One line, and what is worth seeing of its answer.
#[derive(Debug)]
pub(crate) struct Stop {
    /// For a POSIX shell.
    pub(crate) line: String,
    /// For people.
    pub(crate) answer: String,
}

/// The lines: the first leaves the access token in the shell's `TOKEN`, the others use it.
fn lines(file: &StackFile, email: &str, password: &SecretString) -> [String; 3] {
    let StackFile { api_url, demo, .. } = file;
    let body = serde_json::json!({ "email": email, "password": password.expose_secret() });
    let get = |what: &str| {
        let url = format!("{api_url}/organizations/{}/{what}", demo.organization_id);
        format!("curl -sS --noproxy '*' -H \"Authorization: Bearer $TOKEN\" '{url}'")
    };
    [
        format!(
            "TOKEN=$(curl -sS --noproxy '*' -H 'Content-Type: application/json' -d '{body}' '{api_url}/auth/login' \
             | sed -n 's/.*\"accessToken\":\"\\([^\"]*\\)\".*/\\1/p')"
        ),
        get("rooms"),
        get("summaries?sort=-createdAt&limit=1"),
    ]
}

/// Signs in, lists the rooms and reads the newest summary, as a person at a terminal would. `None` where there
/// is no curl.
///
/// # Errors
/// What the API answered instead.
pub(crate) async fn take(file: &StackFile, login: &Login) -> anyhow::Result<Option<[Stop; 3]>> {
    if install::on_path("curl").is_none() || install::on_path("sh").is_none() {
        return Ok(None);
    }
    let [sign_in, rooms, summary] = lines(file, login.email, &login.password);
    let token = run(&format!("{sign_in}; printf %s \"$TOKEN\"")).await?;
    if token.is_empty() {
        bail!("the API did not let the demo's login in");
    }
    // A shell of its own for each line, with what the first one left.
    let with_token = |line: &str| format!("TOKEN='{token}'; {line}");
    let items = async |line: &str, what: &str| -> anyhow::Result<Vec<Value>> {
        let answer = run(&with_token(line)).await?;
        let mut json: Value = serde_json::from_str(&answer).with_context(|| {
            format!("the API answered the question for {what} with something else than JSON")
        })?;
        let Value::Array(items) = json["items"].take() else {
            bail!("the API answered the question for {what} with {}", json["code"]);
        };
        Ok(items)
    };
    let group = file.demo.group_name.as_str();
    let listed = items(&rooms, "rooms").await?;
    if !listed.iter().any(|room| room["name"] == group) {
        bail!("the API does not list the room {group}");
    }
    let newest = items(&summary, "the newest summary").await?;
    let brief = newest.first().and_then(|summary| summary["content"]["brief"].as_str());
    let brief = brief.filter(|brief| !brief.is_empty()).context("the API shows no summary")?;
    Ok(Some([
        Stop { line: sign_in, answer: format!("an access token of {} characters", token.len()) },
        Stop { line: rooms, answer: format!("{} rooms, {group} among them", listed.len()) },
        Stop { line: summary, answer: cut(brief) },
    ]))
}

async fn run(line: &str) -> anyhow::Result<String> {
    let ended = Command::new("sh").args(["-c", line]).output().await.context("cannot start sh")?;
    if !ended.status.success() {
        bail!("curl: {}", String::from_utf8_lossy(&ended.stderr).trim());
    }
    String::from_utf8(ended.stdout).context("the API's answer is no text")
}

fn cut(text: &str) -> String {
    let line = text.replace('\n', " ");
    let start: String = line.chars().take(SHOWN).collect();
    if start.len() < line.len() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("会議\nの"), "会議 の");
        let long = "議".repeat(SHOWN + 1);
        assert_eq!(cut(&long), format!("{}…", "議".repeat(SHOWN)));
    }
}
