//! From which addresses an organization may be used.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::clock::Timestamp;

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

/// The rules of an organization, as they are at a time. That it had an allow list is remembered when the list
/// has run out: what was to keep others out is not to let everybody in by the mere passing of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    in_force: Vec<Rule>,
    allow_list: AllowList,
}

/// What becomes of the rules that allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AllowList {
    /// There are none: everybody is let in whom none blocks.
    #[default]
    Absent,
    /// Some have no end.
    Lasting,
    /// All that are in force have an end.
    Ending,
    /// All have expired: nobody is let in.
    Expired,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No rule allows the address, or one blocks it.
    Address,
    /// [`AllowList::Expired`].
    AllowListExpired,
}

impl Rules {
    /// All that there are, each with its end if it has one, as they are at `now`.
    #[must_use]
    pub fn at(now: Timestamp, all: impl IntoIterator<Item = (Rule, Option<Timestamp>)>) -> Self {
        let mut rules = Self::default();
        for (rule, end) in all {
            let in_force = end.is_none_or(|end| now < end);
            if rule.kind == RuleKind::Allow {
                rules.allow_list = rules.allow_list.with(in_force, end.is_some());
            }
            if in_force {
                rules.in_force.push(rule);
            }
        }
        rules
    }

    /// What becomes of the rules that allow.
    #[must_use]
    pub fn allow_list(&self) -> AllowList {
        self.allow_list
    }

    /// Whether somebody may come in: none of the rules blocks them, and one allows them or none ever was about
    /// allowing. Who cannot be seen is not let past a rule. Who would make a rule that keeps themselves out can
    /// be told before by asking this.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, address: Option<IpAddr>) -> Result<(), Refused> {
        if self.allow_list == AllowList::Expired {
            return Err(Refused::AllowListExpired);
        }
        let allowed =
            self.in_force.is_empty() || address.is_some_and(|address| allows(address, &self.in_force));
        if allowed { Ok(()) } else { Err(Refused::Address) }
    }
}

impl AllowList {
    /// With one more rule.
    fn with(self, in_force: bool, ends: bool) -> Self {
        match (self, in_force, ends) {
            (Self::Lasting, ..) | (_, true, false) => Self::Lasting,
            (Self::Ending, ..) | (_, true, true) => Self::Ending,
            (Self::Absent | Self::Expired, false, _) => Self::Expired,
        }
    }
}

fn allows(address: IpAddr, rules: &[Rule]) -> bool {
    let matches = |rule: &&Rule| rule.network.contains(address);
    let of = |kind: RuleKind| rules.iter().filter(move |rule| rule.kind == kind);
    !of(RuleKind::Block).any(|rule| matches(&rule))
        && (of(RuleKind::Allow).next().is_none() || of(RuleKind::Allow).any(|rule| matches(&rule)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

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
            let rules = Rules::at(NOW, rules.iter().map(|text| (rule(text), None)));
            let check = |address: &str| rules.check(Some(address.parse().expect("an address")));
            for address in inside {
                assert_eq!(check(address), Ok(()), "{address} {rules:?}");
            }
            for address in outside {
                assert_eq!(check(address), Err(Refused::Address), "{address} {rules:?}");
            }
            assert_eq!(rules.check(None).is_ok(), rules == Rules::default(), "who cannot be seen");
        }
    }

    #[test]
    fn an_allow_list_that_has_run_out_lets_nobody_in_and_another_rule_makes_up_for_it() {
        use AllowList::{Absent, Ending, Expired, Lasting};
        let (over, later) = (Some(NOW), Some(Timestamp(1_001)));
        type Case<'a> = (&'a [(&'a str, Option<Timestamp>)], AllowList, Result<(), Refused>);
        let table: [Case<'_>; 8] = [
            (&[], Absent, Ok(())),
            (&[("block 192.0.2.1", over)], Absent, Ok(())),
            (&[("block 192.0.2.1", None)], Absent, Err(Refused::Address)),
            (&[("allow 192.0.2.1", over)], Expired, Err(Refused::AllowListExpired)),
            (&[("block 8.8.8.8", None), ("allow 192.0.2.1", over)], Expired, Err(Refused::AllowListExpired)),
            (&[("allow 192.0.2.1", later), ("allow 8.8.8.8", over)], Ending, Ok(())),
            (
                &[("allow 8.8.8.8", over), ("allow 192.0.2.1", later), ("allow 9.9.9.9", None)],
                Lasting,
                Ok(()),
            ),
            (&[("allow 192.0.2.1", over), ("allow 8.8.8.8", None)], Lasting, Err(Refused::Address)),
        ];
        for (rules, allow_list, expected) in table {
            for order in [false, true] {
                let mut rules: Vec<_> = rules.iter().map(|(text, end)| (rule(text), *end)).collect();
                if order {
                    rules.reverse();
                }
                let at = Rules::at(NOW, rules.clone());
                let check = at.check(Some("192.0.2.1".parse().expect("an address")));
                assert_eq!((at.allow_list(), check), (allow_list, expected), "{rules:?}");
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
