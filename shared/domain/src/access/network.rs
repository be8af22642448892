//! From which addresses an organization may be used.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// What a rule does with the addresses that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleKind {
    /// Lets them in; as soon as there is one such rule, nobody else.
    Allow,
    /// Keeps them out, whatever else allows them.
    Block,
}

/// Addresses in a row: `203.0.113.0/24`, `2001:db8::/32`, or one address. IPv6's way of writing an IPv4
/// address (`::ffff:203.0.113.7`) is that IPv4 address. Written with its bits after the prefix cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

/// Text that is no address and no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("network: must be an IP address, or a network such as 203.0.113.0/24 or 2001:db8::/32")]
pub struct InvalidNetwork;

impl Network {
    /// Whether the address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// How many leading bits it fixes: 0 is everybody of the address family.
    #[must_use]
    pub fn prefix_len(&self) -> u8 {
        self.0.prefix_len()
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let net = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse::<IpNet>().map_err(|_| InvalidNetwork)?,
        };
        Ok(Self(
            match net {
                IpNet::V6(v6) => mapped(v6).map_or(net, IpNet::V4),
                IpNet::V4(_) => net,
            }
            .trunc(),
        ))
    }
}

/// The IPv4 network that an IPv6 one stands for.
fn mapped(net: Ipv6Net) -> Option<Ipv4Net> {
    const MAPPED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0);
    let prefix = net.prefix_len().checked_sub(96)?;
    if net.trunc().addr().octets()[..12] != MAPPED.octets()[..12] {
        return None;
    }
    Ipv4Net::new(net.addr().to_ipv4_mapped()?, prefix).ok()
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl JsonSchema for Network {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An IP address, or a network in CIDR notation.",
            "type": "string", "maxLength": 64, "examples": ["203.0.113.0/24", "2001:db8::/32"],
        })
    }
}

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What it does.
    pub kind: RuleKind,
    /// With whom.
    pub network: Network,
}

/// All rules of an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(pub Vec<Rule>);

impl Rules {
    /// See [`allows`].
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        allows(address, &self.0)
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

/// Whether somebody at `address` may come in: no rule blocks them, and one allows them or none is about
/// allowing. Who would make a rule that keeps themselves out can be told before by asking this.
#[must_use]
pub fn allows(address: IpAddr, rules: &[Rule]) -> bool {
    let matches = |rule: &&Rule| rule.network.contains(address);
    let of = |kind: RuleKind| rules.iter().filter(move |rule| rule.kind == kind);
    !of(RuleKind::Block).any(|rule| matches(&rule))
        && (of(RuleKind::Allow).next().is_none() || of(RuleKind::Allow).any(|rule| matches(&rule)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        let (kind, network) = text.split_once(' ').expect("kind and network");
        let kind = if kind == "allow" { RuleKind::Allow } else { RuleKind::Block };
        Rule { kind, network: network.parse().expect("a network") }
    }

    #[test]
    fn block_wins_and_an_empty_allow_list_allows_everybody() {
        let table: [(&[&str], &[&str], &[&str]); 7] = [
            (&[], &["203.0.113.7", "2001:db8::1", "::1", "0.0.0.0"], &[]),
            (&["block 203.0.113.0/24"], &["203.0.112.255", "2001:db8::1"], &["203.0.113.0", "203.0.113.255"]),
            (&["allow 203.0.113.0/24"], &["203.0.113.7"], &["203.0.114.0", "2001:db8::1"]),
            (&["allow 203.0.113.0/24", "block 203.0.113.7"], &["203.0.113.8"], &["203.0.113.7", "192.0.2.1"]),
            (&["block 203.0.113.7", "allow 203.0.113.7"], &[], &["203.0.113.7"]),
            (
                &["allow 2001:db8::/32", "allow 192.0.2.1"],
                &["2001:db8:ffff::1", "192.0.2.1"],
                &["2001:db9::", "192.0.2.2"],
            ),
            (&["allow 0.0.0.0/0"], &["8.8.8.8"], &["2001:db8::1"]),
        ];
        for (rules, inside, outside) in table {
            let rules: Rules = rules.iter().map(|text| rule(text)).collect();
            for address in inside {
                assert!(rules.allows(address.parse().expect("an address")), "{address} {rules:?}");
            }
            for address in outside {
                assert!(!rules.allows(address.parse().expect("an address")), "{address} {rules:?}");
            }
        }
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_the_same() {
        for rules in ["block 203.0.113.0/24", "block ::ffff:203.0.113.0/120", "block ::ffff:203.0.113.7"] {
            for address in ["203.0.113.7", "::ffff:203.0.113.7", "::ffff:cb00:7107"] {
                assert!(!allows(address.parse().expect("an address"), &[rule(rules)]), "{rules} {address}");
            }
        }
        assert!(allows("::ffff:203.0.113.7".parse().expect("an address"), &[rule("allow ::ffff:0:0/96")]));
        // The old "IPv4-compatible" form is an IPv6 address of its own.
        assert!(allows("::203.0.113.7".parse().expect("an address"), &[rule("block 203.0.113.7")]));
    }

    #[test]
    fn networks_have_one_spelling() {
        for (text, written) in [
            ("203.0.113.7", "203.0.113.7/32"),
            ("203.0.113.7/24", "203.0.113.0/24"),
            ("2001:DB8:0:0::1", "2001:db8::1/128"),
            ("2001:db8:1::/32", "2001:db8::/32"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
            ("::ffff:203.0.113.7/104", "203.0.0.0/8"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(text.parse::<Network>().expect(text).to_string(), written);
            assert_eq!(serde_json::json!(written.parse::<Network>().expect(written)), written);
        }
        for bad in [
            "",
            "everywhere",
            "203.0.113.7/33",
            "203.0.113",
            "203.0.113.7/",
            "2001:db8::/129",
            "1.2.3.4/-1",
            "010.0.0.1",
        ] {
            assert_eq!(bad.parse::<Network>(), Err(InvalidNetwork), "{bad}");
        }
    }
}
