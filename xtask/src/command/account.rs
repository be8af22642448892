//! `cargo xtask account`: logins from an operator's hand, such as the first super admin's.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use matome_domain::access::Role;
use matome_domain::ids::TenantId;
use matome_local_stack::Checkout;
use matome_runtime::config::Env;
use matome_store::Store;
use secrecy::ExposeSecret;

use super::tenant::{Desk, secret};
use crate::account::{self, Membership, NewAccount};
use crate::settings::DATABASE_PREFIX;
use crate::stack_file::StackFile;

#[derive(Debug, Args)]
pub(crate) struct Account {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an account that can log in at once.
    Create(Create),
}

#[derive(Debug, Args)]
struct Create {
    /// Its e-mail address, which counts as verified.
    #[arg(long)]
    email: String,
    /// The person's name; the address when left out.
    #[arg(long)]
    name: Option<String>,
    /// BCP 47 tag of the language to be addressed in.
    #[arg(long, default_value = "en")]
    language: String,
    /// IANA name.
    #[arg(long, default_value = "Asia/Bangkok")]
    timezone: String,
    /// Runs the platform: owners, accounts, every organization.
    #[arg(long)]
    super_admin: bool,
    /// Make it a member of this organization.
    #[arg(long, requires = "role")]
    organization: Option<TenantId>,
    /// As what: viewer, agent, manager, admin or owner.
    #[arg(long, requires = "organization")]
    role: Option<Role>,
    /// Where the password is. Never an argument: those can be seen by everybody on the machine. When left out, one
    /// is made and printed once.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A stack on AWS: MONGODB_URI of the environment (and DATABASE_PREFIX; with --organization, all that `cargo
    /// xtask tenant --aws` takes). The running local stack otherwise.
    #[arg(long)]
    aws: bool,
}

impl Account {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Action::Create(create) = self.action;
        create.run().await
    }
}

impl Create {
    async fn run(self) -> anyhow::Result<()> {
        let store = store(self.aws).await?;
        let membership = match self.organization.zip(self.role) {
            Some((tenant, role)) => {
                let desk = if self.aws { Desk::from_environment().await? } else { Desk::local().await? };
                Some(Membership::of(&desk.tenants, &tenant, role).await?)
            }
            None => None,
        };
        let new = NewAccount {
            name: self.name.unwrap_or_else(|| self.email.clone()),
            email: self.email,
            language: self.language,
            timezone: self.timezone,
            super_admin: self.super_admin,
            membership,
        };
        let password = match &self.password_file {
            Some(file) => secret::read_line(file)?,
            None => account::generate_password(),
        };
        let id = account::create(&store, &new, &password).await?;
        println!("account {id}");
        if self.password_file.is_none() {
            println!("password {}", password.expose_secret());
        }
        Ok(())
    }
}

async fn store(aws: bool) -> anyhow::Result<Store> {
    let (uri, prefix) = if aws {
        let env = Env::from_process();
        let prefix = env.optional("DATABASE_PREFIX")?;
        (env.required("MONGODB_URI")?, prefix.unwrap_or_else(|| DATABASE_PREFIX.to_owned()))
    } else {
        let file = StackFile::read(&Checkout::find()?)?;
        (file.mongodb_uri, file.database_prefix)
    };
    Ok(Store::connect(&uri, &prefix, 2).await?)
}
