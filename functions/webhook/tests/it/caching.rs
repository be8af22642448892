//! What the webhook asks DynamoDB and KMS for, and how often.

use std::time::Duration;

use matome_runtime::directory::{KEEP_HIT, KEEP_MISS};
use matome_runtime::keys;

use crate::world::{ONE, TWO, World, body, from_user, register, request, signed};

async fn post(world: &World) -> u16 {
    world.send(signed(ONE, &body(ONE, &[from_user("01HA", "U1")]))).await.status_code
}

#[tokio::test]
async fn the_directory_is_read_once_a_minute() {
    let world = World::new().await;
    for minute in 1..=3 {
        for _ in 0..5 {
            assert_eq!(post(&world).await, 200);
            world.clock.advance(KEEP_HIT / 5);
        }
        assert_eq!(world.table.reads(), minute);
    }
}

#[tokio::test]
async fn a_new_channel_works_five_seconds_after_it_was_unknown() {
    const NEW: crate::world::Channel = crate::world::Channel { id: "1650000009", ..TWO };
    let world = World::new().await;
    assert_eq!(world.send(request(NEW.id, "{}", None)).await.status_code, 404);
    // Another process writes the entry; nobody tells this one's cache.
    let provisioner = world.table.directory(world.clock.clone());
    register(&provisioner, &world.context.keys, NEW, |_| ()).await;
    world.clock.advance(KEEP_MISS - Duration::from_millis(1));
    assert_eq!(world.send(signed(NEW, &body(NEW, &[]))).await.status_code, 404);
    assert_eq!(world.table.reads(), 1);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.send(signed(NEW, &body(NEW, &[]))).await.status_code, 200);
}

#[tokio::test]
async fn kms_is_asked_once_per_tenant_in_five_minutes() {
    let world = World::new().await;
    for round in 1..=3 {
        world.clock.advance(keys::KEEP);
        for _ in 0..20 {
            for channel in [ONE, TWO] {
                let answer = world.send(signed(channel, &body(channel, &[from_user("01HA", "U1")]))).await;
                assert_eq!(answer.status_code, 200);
            }
            world.clock.advance(Duration::from_secs(10));
        }
        assert_eq!(world.kms.unwrapped(), 2 * round);
    }
}

#[tokio::test]
async fn a_flood_of_unknown_channels_asks_kms_nothing() {
    let world = World::new().await;
    for id in 0..100 {
        assert_eq!(world.send(request(&format!("9{id}"), "{}", Some("AAAA"))).await.status_code, 404);
    }
    assert_eq!(world.kms.unwrapped(), 0);
}

#[tokio::test]
async fn a_replaced_secret_is_looked_up_at_once_and_doubts_cost_one_read_in_five_seconds() {
    let world = World::new().await;
    assert_eq!(post(&world).await, 200);
    world.clock.advance(KEEP_MISS);
    // Another process writes the new secret; nobody tells this one's cache.
    let new = crate::world::Channel { secret: "00112233445566778899aabbccddeeff", ..ONE };
    let provisioner = world.table.directory(world.clock.clone());
    register(&provisioner, &world.context.keys, new, |record| record.version = 2).await;
    let body = body(new, &[from_user("01HB", "U1")]);
    assert_eq!(world.send(signed(new, &body)).await.status_code, 200);
    assert_eq!(world.table.reads(), 2);
    for _ in 0..20 {
        assert_eq!(world.send(request(ONE.id, &body, Some("AAAA"))).await.status_code, 401);
    }
    assert_eq!(world.table.reads(), 2);
    world.clock.advance(KEEP_MISS);
    for _ in 0..20 {
        assert_eq!(world.send(request(ONE.id, &body, Some("AAAA"))).await.status_code, 401);
    }
    assert_eq!(world.table.reads(), 3);
}
