//! Where journeys are made: the API with S3, LINE Login and an OpenID provider.

use std::collections::HashMap;

use matome_api::auth::line_login::LineLogin;
use matome_api::auth::web::Web;
use matome_api::guard::Rule;
use matome_api::routes::{self, Route};
use matome_line_simulator::login::LoginChannel;
use matome_line_simulator::{LineSimulator, SimulatorConfig};
use matome_testing::TestSystem;

use crate::issuer::Issuer;
use crate::s3;
use crate::world::World;

/// What the OpenID provider knows Matome as.
pub(super) const CLIENT: &str = "matome-client";
/// What Matome calls the OpenID provider.
pub(super) const PROVIDER: &str = "acme";

/// See the module.
pub struct Stage {
    /// The API.
    pub world: World,
    pub(super) line: LineSimulator,
    pub(super) login: LoginChannel,
    pub(super) issuer: Issuer,
    rules: HashMap<String, Rule>,
}

impl Stage {
    /// Over a system; S3 is MiniStack's.
    ///
    /// # Panics
    /// When something of it does not start.
    pub async fn over(system: TestSystem) -> Self {
        let line = LineSimulator::start(SimulatorConfig::new(system.clock.clone())).await;
        let line = line.expect("the simulator starts");
        let (login, issuer) = (line.add_login_channel(None), Issuer::start().await);
        let web = Web::new().expect("an HTTP client");
        let line_login = LineLogin::new(web, &line.api_url(), login.channel_id.clone());
        let (aws, bucket) = s3::bucket().await;
        let issuers = issuer.setting(PROVIDER, CLIENT);
        let world = World::with_aws(system, Some(line_login), issuers, &aws, &bucket);
        let rule = |route: &Route| (route.rule().id.to_string(), route.rule().clone());
        let rules = routes::all().iter().map(rule).collect();
        Self { world, line, login, issuer, rules }
    }

    /// Whether there is such a route.
    pub(super) fn has(&self, operation: &str) -> bool {
        self.rules.contains_key(operation)
    }

    /// What a route declares.
    pub(super) fn rule(&self, operation: &str) -> &Rule {
        self.rules.get(operation).unwrap_or_else(|| panic!("there is no route {operation}"))
    }
}
