//! A recorder in this process, and a tenant's talk for it.

use std::time::Duration;

use anyhow::ensure;
use matome_domain::fault::Faults;
use matome_domain::queue::{Inbound, QueueMessage};
use matome_recorder::Context;
use matome_runtime::queue::{Queues, Recording};
use matome_tenancy::HealthRecords;
use matome_testing::events::Talk;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, sqs};

use crate::dwell::mix;

/// What people write to shops: short and long, in three languages and in none.
const TEXTS: [&str; 10] = [
    "明日の10時に駅の前で集合しましょう。資料は私が準備します。",
    "了解です！",
    "先日注文した商品がまだ届いていないのですが、発送状況を教えていただけますか？注文番号は A-20931 です。お手数をおかけしますが、よろしくお願いいたします。",
    "ขอสอบถามราคาสินค้าตัวนี้หน่อยค่ะ มีสีอื่นไหมคะ แล้วส่งได้ภายในวันศุกร์หรือเปล่า",
    "ขอบคุณค่ะ 🙏",
    "Could you please send me the invoice for last month by Friday? Our accounting department needs it before the end of the quarter.",
    "ok",
    "営業時間は平日9時から18時まで、土曜日は17時までとなっております。https://example.com/hours をご覧ください。",
    "👍",
    "See you at the shop tomorrow then, around 3 pm. I will bring the receipt and the broken part with me.",
];

/// A newly started recorder.
pub(crate) fn recorder(system: &TestSystem) -> (Context, Recording) {
    let (queues, sent) = Queues::recording();
    let context = Context {
        tenants: system.tenants(),
        channels: system.channels("http://127.0.0.1:9"),
        health: HealthRecords::new(system.clock.clone()),
        queues,
        blobs: None,
        clock: system.clock.clone(),
        random: system.random.clone(),
        faults: Faults::none(),
    };
    (context, sent)
}

/// The `n`-th message of a room of five people.
pub(crate) fn message(tenant: &TestTenant, room: usize, n: usize) -> Inbound {
    let (group, user) = (format!("C{room:032x}"), format!("U{:032x}", room * 5 + n % 5));
    let talk = Talk { tenant, group: Some(&group), user: &user };
    // LINE's ids have eighteen digits.
    let id = format!("{:018}", 561_000_000_000_000_000 + room * 1_000_000 + n);
    talk.text(&id, BEGIN.plus(Duration::from_secs(n as u64)), &text(room, n))
}

/// One of the texts, its characters in an order of its own: as long as what people write, and nothing
/// that a compressing store finds twice.
fn text(room: usize, n: usize) -> String {
    let mut text: Vec<char> = TEXTS[(room + n) % TEXTS.len()].chars().collect();
    let seed = (room * 1_000_000 + n) as u64;
    for place in (1..text.len()).rev() {
        text.swap(place, (mix(seed << 16 ^ place as u64) % (place as u64 + 1)) as usize);
    }
    text.into_iter().collect()
}

/// Hands batches of ten to a recorder until it has taken all.
pub(crate) async fn record(context: &Context, messages: &[Inbound]) -> anyhow::Result<()> {
    for batch in messages.chunks(10) {
        let mut batch = batch.to_vec();
        // What goes back comes again: a tenant that moves is closed for a moment.
        for _ in 0..10 {
            let response = matome_recorder::handle(sqs::batch(&batch), context).await?;
            let returned = sqs::returned(&response);
            batch = returned.into_iter().map(|place| batch[place].clone()).collect();
            if batch.is_empty() {
                break;
            }
        }
        ensure!(batch.is_empty(), "messages of {} keep being returned", Inbound::QUEUE);
    }
    Ok(())
}
