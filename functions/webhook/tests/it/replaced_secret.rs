//! A channel whose secret was replaced lately.

use std::time::Duration;

use matome_domain::clock::{Clock, Timestamp};
use matome_domain::ids::TenantId;
use matome_runtime::directory::{PreviousSecret, secret_field};

use crate::world::{Channel, ONE, World, body, code, from_user, register, request, sign};

const OLD: &str = "0123456789abcdef0123456789abcdef";

/// The channel as the provisioner leaves it: the secret before is good until then.
async fn replaced(world: &World, until: Timestamp) -> Channel {
    const NEW: Channel = Channel { id: "1650000007", ..ONE };
    let (directory, keys) = (&world.context.directory, &world.context.keys);
    register(directory, keys, NEW, |_| ()).await;
    let mut record = directory.newest_channel(&NEW.id.to_owned().try_into().unwrap()).await.unwrap().unwrap();
    let tenant = TenantId::new(NEW.tenant).unwrap();
    let secret = keys.seal(&tenant, &record.key, &secret_field(&record.channel_id), OLD).await.unwrap();
    record.previous_secret = Some(PreviousSecret { secret, until });
    record.version += 1;
    directory.put_channel(&record).await.unwrap();
    NEW
}

#[tokio::test]
async fn what_was_signed_with_the_secret_before_is_taken_for_its_time_and_not_longer() {
    let world = World::new().await;
    let until = world.clock.now().plus(Duration::from_secs(60 * 60));
    let channel = replaced(&world, until).await;
    let body = body(channel, &[from_user("01HA", "U1")]);
    let post = async |secret: &str| {
        let signature = sign(secret, body.as_bytes());
        world.send(request(channel.id, &body, Some(&signature))).await
    };
    for secret in [channel.secret, OLD] {
        assert_eq!(post(secret).await.status_code, 200);
    }
    assert_eq!(code(&post("neither").await), "bad_signature");

    world.clock.set(until.minus(Duration::from_millis(1)));
    assert_eq!(post(OLD).await.status_code, 200);
    world.clock.set(until);
    assert_eq!(code(&post(OLD).await), "bad_signature");
    assert_eq!(post(channel.secret).await.status_code, 200);
    assert_eq!(world.events().len(), 4);
}
