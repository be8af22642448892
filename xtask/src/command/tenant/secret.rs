//! Reading a secret from where only its owner can see it.

use std::io::{IsTerminal, Read};
use std::path::Path;

use anyhow::{Context, bail};
use secrecy::SecretString;

/// From a file, or from standard input; without the line's end.
pub(super) fn read(file: Option<&Path>) -> anyhow::Result<SecretString> {
    let text = match file {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
        }
        None => {
            if std::io::stdin().is_terminal() {
                eprintln!("Channel secret, then Enter and Ctrl-D:");
            }
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            text
        }
    };
    check(&text)
}

/// The first line of a file, spaces and all: a password may have some.
pub(in crate::command) fn read_line(file: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(SecretString::from(text.lines().next().unwrap_or_default()))
}

fn check(text: &str) -> anyhow::Result<SecretString> {
    let secret = text.trim();
    if secret.is_empty() {
        bail!("the secret is empty");
    }
    if secret.contains(char::is_whitespace) {
        bail!("the secret has a space or more than one line");
    }
    Ok(SecretString::from(secret))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_one_word() {
        assert_eq!(check(" 0f1e\r\n").unwrap().expose_secret(), "0f1e");
        for bad in ["", "\n", "canary canary", "canary\ncanary"] {
            assert!(!check(bad).unwrap_err().to_string().contains("canary"));
        }
    }
}
