//! Chat commands: what a person can type in LINE to make Matome act.

/// A command typed in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Close the session now and summarize it.
    Summarize,
}

/// Words that mean [`Command::Summarize`], with or without a leading slash (also full-width).
const SUMMARIZE: [&str; 4] = ["summary", "summarize", "สรุป", "まとめ"];

impl Command {
    /// The command a message is, if the whole message is one. `summary` alone is an ordinary
    /// English word, so the Latin spellings need the slash; สรุป and まとめ do not.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let (slash, word) = match text.strip_prefix(['/', '／']) {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text.as_str()),
        };
        (SUMMARIZE.contains(&word) && (slash || !word.is_ascii())).then_some(Self::Summarize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_message_is_a_command() {
        for yes in ["/summary", " /Summary \n", "／まとめ", "まとめ", "สรุป", "/สรุป", "/summarize"]
        {
            assert_eq!(Command::parse(yes), Some(Command::Summarize), "{yes}");
        }
        for no in ["summary", "まとめて", "please /summary", "/summaryx", "", "/"] {
            assert_eq!(Command::parse(no), None, "{no}");
        }
    }
}
