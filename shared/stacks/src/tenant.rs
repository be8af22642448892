//! The stack of a dedicated tenant: what `infra/tenant.yaml` is told, and what it tells.

use std::collections::BTreeMap;

use matome_domain::ids::TenantId;
use matome_runtime::aws::Aws;
use matome_runtime::config::{ConfigError, Env};
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};
use crate::name::stack_name;
use crate::request::Request;
use crate::stack::Stacks;
use crate::status::{Outputs, Status};

/// The platform's settings that every tenant's stack is given: variable, parameter.
const HANDED_ON: [(&str, &str); 12] = [
    ("DATABASE_PREFIX", "DatabasePrefix"),
    ("ARCHITECTURE", "Architecture"),
    ("LOG_RETENTION_DAYS", "LogRetentionDays"),
    ("RUST_LOG", "LogLevel"),
    ("ALARM_TOPIC_ARN", "AlarmTopicArn"),
    ("LINE_API_URL", "LineApiUrl"),
    ("LINE_DATA_API_URL", "LineDataApiUrl"),
    ("AI_PROVIDER", "AiProvider"),
    ("AI_MODEL", "AiModel"),
    ("AI_VISION", "AiVision"),
    ("AI_BASE_URL", "AiBaseUrl"),
    ("AI_API_KEY", "AiApiKey"),
];

/// Parameters that operators set on a tenant's stack itself, with `sam deploy` or in the console.
const OPERATORS: [&str; 6] = [
    "ChannelKeys",
    "MediaConcurrency",
    MONTHLY_BUDGET,
    "RecorderConcurrency",
    "SenderConcurrency",
    "SummarizerConcurrency",
];
const MONTHLY_BUDGET: &str = "MonthlyBudgetUsd";

/// What a dedicated tenant has to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    /// Its `inbound.fifo`: `ChannelRecord::inbound_queue_url` of each of its channels.
    pub inbound_queue_url: String,
    /// Its `media`.
    pub media_queue_url: String,
    /// Its `summaries.fifo`.
    pub summaries_queue_url: String,
    /// Its `outbound.fifo`.
    pub outbound_queue_url: String,
    /// Dead letters of the four, in that order.
    pub dead_letter_urls: [String; 4],
    /// Its bucket.
    pub bucket: String,
    /// The KMS key that wraps its data keys.
    pub key_arn: String,
}

/// How a tenant's stack is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantStatus {
    /// There is none.
    Missing,
    /// CloudFormation is at work: look again in some seconds.
    InProgress,
    /// It is there.
    Ready(Resources),
    /// It could not be made, changed or removed.
    Failed {
        /// CloudFormation's word, such as `ROLLBACK_COMPLETE`.
        state: String,
        /// The first resource that failed and why.
        reason: String,
    },
}

/// The stacks of dedicated tenants.
pub struct TenantStacks {
    stacks: Stacks,
    platform: String,
    template_url: String,
    role_arn: Option<String>,
    /// US dollars a month that a tenant's new stack gets as its budget.
    monthly_budget: Option<String>,
    parameters: BTreeMap<String, SecretString>,
}

impl TenantStacks {
    /// From `PLATFORM_STACK_NAME`, `STAGE`, `MONGODB_URI`, `TENANT_STACK_TEMPLATE_URL`, `CODE_BUCKET`,
    /// `CODE_PREFIX`, `TENANT_DEPLOY_ROLE_ARN`, `TENANT_MONTHLY_BUDGET_USD` and what stands in [`HANDED_ON`];
    /// `None` where no code for tenants' stacks was deployed (`TENANT_STACK_TEMPLATE_URL` is empty).
    ///
    /// # Errors
    /// [`ConfigError`] with the variable's name.
    pub fn from_env(env: &Env, aws: &Aws) -> std::result::Result<Option<Self>, ConfigError> {
        let Some(template_url) = env.optional("TENANT_STACK_TEMPLATE_URL")? else { return Ok(None) };
        let mut parameters = BTreeMap::new();
        let platform = env.required("PLATFORM_STACK_NAME")?;
        for (parameter, value) in [
            ("PlatformStackName", platform.clone()),
            ("Stage", env.required("STAGE")?),
            ("CodeBucket", env.required("CODE_BUCKET")?),
            ("CodePrefix", env.required("CODE_PREFIX")?),
            // The platform's, whatever cluster the tenant is on: that one is among the cells.
            ("MongoDbUri", env.required("MONGODB_URI")?),
        ] {
            parameters.insert(parameter.to_owned(), SecretString::from(value));
        }
        for (variable, parameter) in HANDED_ON.into_iter().chain([("CELLS", "Cells")]) {
            if let Some(value) = env.secret(variable)? {
                parameters.insert(parameter.to_owned(), value);
            }
        }
        Ok(Some(Self {
            stacks: Stacks::new(aws),
            platform,
            template_url,
            role_arn: env.optional("TENANT_DEPLOY_ROLE_ARN")?,
            monthly_budget: env.optional("TENANT_MONTHLY_BUDGET_USD")?,
            parameters,
        }))
    }

    /// Brings the tenant's stack up to date, with the code that was deployed last. Call it
    /// until it is ready or has failed; see [`Request::token`] about `token`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ensure(&self, tenant: &TenantId, token: &str) -> Result<TenantStatus> {
        let request = self.request(tenant, token)?;
        let status = self.stacks.ensure(&request).await?;
        told(&request.name, status)
    }

    /// How the tenant's stack is.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn status(&self, tenant: &TenantId) -> Result<TenantStatus> {
        let name = stack_name(&self.platform, tenant)?;
        let status = self.stacks.status(&name).await?;
        told(&name, status)
    }

    /// Takes the tenant's stack down. Bucket, key and log groups stay; queues go with what is in
    /// them, so see to it that nothing is. Call it until it is missing or has failed.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn remove(&self, tenant: &TenantId, token: &str) -> Result<TenantStatus> {
        let name = stack_name(&self.platform, tenant)?;
        let status = self.stacks.delete(&name, self.role_arn.as_deref(), token, &[]).await?;
        told(&name, status)
    }

    fn request(&self, tenant: &TenantId, token: &str) -> Result<Request> {
        let own = |(name, value): (&String, &SecretString)| (name.clone(), value.expose_secret().to_owned());
        let mut parameters: BTreeMap<_, _> = self.parameters.iter().map(own).collect();
        parameters.insert("TenantId".to_owned(), tenant.to_string());
        let initial = OPERATORS.map(|name| {
            let value = self.monthly_budget.clone().filter(|_| name == MONTHLY_BUDGET);
            (name.to_owned(), value)
        });
        Ok(Request {
            name: stack_name(&self.platform, tenant)?,
            template_url: self.template_url.clone(),
            parameters,
            initial: initial.into(),
            tags: BTreeMap::from([
                ("matome:platform".to_owned(), self.platform.clone()),
                ("matome:tenant".to_owned(), tenant.to_string()),
            ]),
            role_arn: self.role_arn.clone(),
            token: token.to_owned(),
        })
    }
}

fn told(stack: &str, status: Status) -> Result<TenantStatus> {
    Ok(match status {
        Status::Missing => TenantStatus::Missing,
        Status::InProgress => TenantStatus::InProgress,
        Status::Failed { state, reason } => TenantStatus::Failed { state, reason },
        Status::Done(outputs) => TenantStatus::Ready(resources(stack, &outputs)?),
    })
}

fn resources(stack: &str, outputs: &Outputs) -> Result<Resources> {
    let get = |output: &'static str| {
        let value = outputs.get(output).cloned();
        value.ok_or_else(|| Error::MissingOutput { stack: stack.to_owned(), output })
    };
    Ok(Resources {
        inbound_queue_url: get("InboundQueueUrl")?,
        media_queue_url: get("MediaQueueUrl")?,
        summaries_queue_url: get("SummariesQueueUrl")?,
        outbound_queue_url: get("OutboundQueueUrl")?,
        dead_letter_urls: [
            get("InboundDeadLettersUrl")?,
            get("MediaDeadLettersUrl")?,
            get("SummariesDeadLettersUrl")?,
            get("OutboundDeadLettersUrl")?,
        ],
        bucket: get("Bucket")?,
        key_arn: get("KeyArn")?,
    })
}

#[cfg(test)]
mod tests {
    use matome_runtime::aws::Patience;

    use super::*;

    const VARIABLES: [(&str, &str); 13] = [
        ("TENANT_MONTHLY_BUDGET_USD", "25"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "ap-northeast-1"),
        ("PLATFORM_STACK_NAME", "matome-prod"),
        ("STAGE", "prod"),
        ("MONGODB_URI", "mongodb://shared"),
        ("CELLS", "{}"),
        ("TENANT_STACK_TEMPLATE_URL", "https://s3/bucket/code/1/tenant.yaml"),
        ("CODE_BUCKET", "bucket"),
        ("CODE_PREFIX", "code/1"),
        ("AI_MODEL", "m"),
        ("AI_API_KEY", "k"),
    ];

    fn from(vars: &[(&str, &str)]) -> Option<TenantStacks> {
        let env = Env::from_map(vars.iter().copied());
        let aws = Aws::from_env(&env, Patience::CONSUMER).unwrap();
        TenantStacks::from_env(&env, &aws).unwrap()
    }

    #[test]
    fn a_stack_is_told_the_platforms_settings_and_whose_it_is() {
        let stacks = from(&VARIABLES).unwrap();
        let request = stacks.request(&TenantId::new("t1").unwrap(), "op-1").unwrap();
        assert_eq!(request.name, "matome-prod-tenant-t1");
        let expected = [
            ("AiApiKey", "k"),
            ("AiModel", "m"),
            ("Cells", "{}"),
            ("CodeBucket", "bucket"),
            ("CodePrefix", "code/1"),
            ("MongoDbUri", "mongodb://shared"),
            ("PlatformStackName", "matome-prod"),
            ("Stage", "prod"),
            ("TenantId", "t1"),
        ];
        let expected: BTreeMap<_, _> =
            expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(request.parameters, expected);
        let initial = request.initial.into_iter().filter_map(|(name, value)| Some((name, value?)));
        assert_eq!(initial.collect::<Vec<_>>(), [("MonthlyBudgetUsd".to_owned(), "25".to_owned())]);
    }

    /// A parameter that the template does not know would be refused by CloudFormation.
    #[test]
    fn every_parameter_is_one_of_the_template() {
        let template = include_str!("../../../infra/tenant.yaml");
        let own =
            ["PlatformStackName", "Stage", "CodeBucket", "CodePrefix", "Cells", "TenantId", "MongoDbUri"];
        let named = HANDED_ON.into_iter().map(|(_, parameter)| parameter);
        for parameter in named.chain(own).chain(OPERATORS) {
            assert!(template.contains(&format!("\n  {parameter}:\n    Type: ")), "{parameter}");
        }
    }

    #[test]
    fn without_code_there_are_no_stacks_and_with_it_nothing_may_be_missing() {
        let without: Vec<_> =
            VARIABLES.into_iter().filter(|(name, _)| *name != "TENANT_STACK_TEMPLATE_URL").collect();
        assert!(from(&without).is_none());
        let env = Env::from_map(VARIABLES.into_iter().filter(|(name, _)| *name != "CODE_PREFIX"));
        let aws = Aws::from_env(&env, Patience::CONSUMER).unwrap();
        let error = TenantStacks::from_env(&env, &aws).err().unwrap();
        assert_eq!(error.to_string(), "CODE_PREFIX is not set");
    }

    #[test]
    fn a_promised_output_that_is_missing_is_named() {
        let error = resources("s", &Outputs::new()).unwrap_err();
        assert_eq!(error.to_string(), "stack s has no output InboundQueueUrl");
    }
}
