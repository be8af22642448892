//! What the environment changes about the local stack.

use matome_local_stack::variable;

/// The stack that `up` and `deploy` run.
pub(crate) const STACK: &str = "dev";

/// What names of MongoDB databases start with unless something else is said; the functions' own default.
pub(crate) const DATABASE_PREFIX: &str = "matome";

/// Environment variables that override the template's parameters. `MONGODB_URI` does so too, but is
/// read where MongoDB would be started.
const OVERRIDES: [(&str, &str); 12] = [
    ("LINE_API_URL", "LineApiUrl"),
    ("LINE_DATA_API_URL", "LineDataApiUrl"),
    ("AI_PROVIDER", "AiProvider"),
    ("AI_MODEL", "AiModel"),
    ("AI_VISION", "AiVision"),
    ("AI_BASE_URL", "AiBaseUrl"),
    ("AI_API_KEY", "AiApiKey"),
    ("CONSOLE_URL", "ConsoleUrl"),
    ("EMAIL_FROM", "EmailFrom"),
    ("EMAIL_IDENTITY", "EmailIdentity"),
    ("LINE_LOGIN_CHANNEL_ID", "LineLoginChannelId"),
    ("OIDC_ISSUERS", "OidcIssuers"),
];

/// Parameters for `sam deploy` from the environment.
pub(crate) fn overrides() -> Vec<(String, String)> {
    overrides_from(variable)
}

fn overrides_from(read: impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    OVERRIDES.iter().filter_map(|(name, parameter)| Some(((*parameter).to_owned(), read(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_overrides_the_template() {
        let set = |name: &str| (name == "AI_MODEL").then(|| "some-model".to_owned());
        assert_eq!(overrides_from(set), [("AiModel".to_owned(), "some-model".to_owned())]);
    }

    #[test]
    fn every_override_is_a_parameter_of_the_template() {
        let template = include_str!("../../template.yaml");
        for (_, parameter) in OVERRIDES {
            assert!(template.contains(&format!("\n  {parameter}:\n")), "{parameter}");
        }
    }
}
