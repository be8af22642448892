//! Who sends when: many tenants alike, and one that sends more. The same numbers in every run.

/// What the noisy tenant does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise {
    /// How many times as much it sends as each of the others.
    pub(crate) times: f64,
    /// Over how many rooms.
    pub(crate) rooms: u32,
    /// All of a minute's messages come within a second.
    pub(crate) in_bursts: bool,
}

/// What comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    /// Tenants that send alike; the noisy one has the number behind theirs.
    pub(crate) tenants: u32,
    /// Rooms of each.
    pub(crate) rooms: u32,
    /// Messages a second of each.
    pub(crate) rate: f64,
    /// The one that differs.
    pub(crate) noise: Option<Noise>,
    /// Seconds.
    pub(crate) duration: f64,
}

/// A message of a tenant's room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message {
    pub(crate) at: f64,
    pub(crate) tenant: u32,
    pub(crate) room: u32,
}

/// Seconds between bursts.
const EVERY: f64 = 60.0;

impl Traffic {
    /// All messages in order.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let mut random = Random(1);
        let mut messages = Vec::new();
        let rate = self.rate * f64::from(self.tenants);
        let mut at = random.pause(rate);
        while at < self.duration {
            let (tenant, room) = (random.below(self.tenants), random.below(self.rooms));
            messages.push(Message { at, tenant, room });
            at += random.pause(rate);
        }
        if let Some(noise) = self.noise {
            let rate = self.rate * noise.times;
            let mut at = random.pause(rate);
            while at < self.duration {
                let room = random.below(noise.rooms);
                let burst = (at / EVERY).floor() * EVERY + (at % EVERY) / EVERY;
                let at_or_burst = if noise.in_bursts { burst } else { at };
                messages.push(Message { at: at_or_burst, tenant: self.tenants, room });
                at += random.pause(rate);
            }
            messages.sort_by(|a, b| a.at.total_cmp(&b.at));
        }
        messages
    }
}

/// SplitMix64: small, good enough for arrivals, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, limit: u32) -> u32 {
        // The upper half of a product of 32 and 32 bits is below the limit.
        ((u64::from(limit) * (self.next() >> 32)) >> 32) as u32
    }

    /// Between arrivals that know nothing of each other: exponentially distributed.
    fn pause(&mut self, rate: f64) -> f64 {
        let uniform = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        -uniform.ln() / rate
    }
}

/// `SplitMix64`'s finalizer: numbers in an order that looks like none.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noisy_tenant_sends_as_many_times_as_much_in_order_of_time() {
        for in_bursts in [false, true] {
            let noise = Some(Noise { times: 50.0, rooms: 300, in_bursts });
            let traffic = Traffic { tenants: 100, rooms: 20, rate: 1.0, noise, duration: 600.0 };
            let messages = traffic.messages();
            assert!(messages.is_sorted_by(|a, b| a.at <= b.at));
            let noisy = messages.iter().filter(|m| m.tenant == 100).count() as f64;
            let others = (messages.len() as f64 - noisy) / 100.0;
            assert!((noisy / others / 50.0 - 1.0).abs() < 0.05, "{noisy} to {others}");
        }
    }
}
