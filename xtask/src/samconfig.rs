//! What `cargo xtask deploy` has to know of `samconfig.toml` to deploy to AWS: which stack it is about,
//! and its parameters, since SAM takes them either from the file or from the command line.

use anyhow::{Context, bail};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One environment's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) stack_name: String,
    pub(crate) region: String,
    pub(crate) profile: Option<String>,
    /// As `--parameter-overrides` takes them.
    pub(crate) parameters: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Section {
    Command(BTreeMap<String, Command>),
    /// `version`.
    Other(#[expect(dead_code, reason = "whatever else stands there is SAM's")] toml::Value),
}

#[derive(Deserialize, Default)]
struct Command {
    #[serde(default)]
    parameters: Settings,
}

#[derive(Deserialize, Default)]
struct Settings {
    stack_name: Option<String>,
    region: Option<String>,
    profile: Option<String>,
    parameter_overrides: Option<Overrides>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Overrides {
    One(String),
    List(Vec<String>),
}

impl Environment {
    /// The environment called `name`: what stands under `deploy`, else under `global`.
    pub(crate) fn read(text: &str, name: &str) -> anyhow::Result<Self> {
        let mut all: BTreeMap<String, Section> = toml::from_str(text).context("samconfig.toml")?;
        let Some(Section::Command(mut commands)) = all.remove(name) else {
            bail!("samconfig.toml has no environment {name:?}");
        };
        let mut section = |command: &str| commands.remove(command).unwrap_or_default().parameters;
        let (deploy, global) = (section("deploy"), section("global"));
        let missing = |setting: &str| format!("samconfig.toml: [{name}.deploy.parameters] has no {setting}");
        Ok(Self {
            stack_name: deploy.stack_name.or(global.stack_name).with_context(|| missing("stack_name"))?,
            region: deploy.region.or(global.region).with_context(|| missing("region"))?,
            profile: deploy.profile.or(global.profile),
            parameters: match deploy.parameter_overrides.or(global.parameter_overrides) {
                Some(Overrides::One(text)) => vec![text],
                Some(Overrides::List(list)) => list,
                None => Vec::new(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_read_from_both_of_sams_places() {
        let text = r#"
            version = 0.1
            [prod.global.parameters]
            region = "eu-west-1"
            stack_name = "elsewhere"
            [prod.deploy.parameters]
            stack_name = "matome-prod"
            profile = "ops"
            parameter_overrides = ["Stage=prod", "LogLevel=info"]
        "#;
        let read = Environment::read(text, "prod").unwrap();
        assert_eq!((read.stack_name.as_str(), read.region.as_str()), ("matome-prod", "eu-west-1"));
        assert_eq!(read.profile.as_deref(), Some("ops"));
        assert_eq!(read.parameters, ["Stage=prod", "LogLevel=info"]);
        assert!(Environment::read(text, "dev").unwrap_err().to_string().contains("\"dev\""));
        let error = Environment::read("[dev.deploy.parameters]\nstack_name = \"x\"", "dev").unwrap_err();
        assert!(error.to_string().ends_with("has no region"), "{error}");
    }

    #[test]
    fn every_environment_for_aws_of_ours_can_be_read() {
        let text = include_str!("../../samconfig.toml");
        for name in ["dev", "prod", "cell-example", "tenant-example", "tenant-example-large"] {
            let read = Environment::read(text, name).unwrap();
            assert!(read.parameters.iter().any(|overrides| overrides.contains("Stage=")), "{name}");
        }
    }

    /// A key of the secret that no environment hands on is a setting that silently does nothing.
    #[test]
    fn every_key_of_the_documented_secret_reaches_the_functions_and_alarms_reach_somebody() {
        let operations = include_str!("../../docs/operations.md");
        let secret = operations.split("--secret-string '").nth(1).unwrap().split('\'').next().unwrap();
        let secret: BTreeMap<String, String> = serde_json::from_str(secret).unwrap();
        assert!(secret.contains_key("mongodbUri") && secret.contains_key("aiApiKey"), "{secret:?}");
        for name in ["dev", "prod"] {
            let read = Environment::read(include_str!("../../samconfig.toml"), name).unwrap();
            for key in secret.keys() {
                let reference = format!("{{{{resolve:secretsmanager:matome/{name}:SecretString:{key}}}}}");
                assert!(
                    read.parameters.iter().any(|overrides| overrides.contains(&reference)),
                    "{name} {key}"
                );
            }
            let alarms = read.parameters.iter().any(|overrides| overrides.contains("AlarmTopicArn=arn:"));
            assert_eq!(alarms, name == "prod", "{name}");
        }
    }
}
