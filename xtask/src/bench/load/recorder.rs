//! A thousand batches of ten messages: a hundred chats of fifty, and one of five thousand.

use anyhow::ensure;
use bson::doc;
use matome_domain::queue::Inbound;
use matome_line_simulator::{Deed, Place};
use matome_store::entities::Message;
use matome_testing::TestTenant;

use super::{Ground, consume};
use crate::bench::process::Process;

/// Characters of the longest text that LINE carries.
pub(super) const LONGEST: usize = 5_000;

const CHATS: usize = 100;
const BATCH: usize = 10;
/// Messages of a session of the usual tenant, and of the patient one.
const SESSION: usize = 50;
const LONG_SESSION: usize = 5_000;

const LINES: [&str; 6] = [
    "明日の会議は10時からでいいですか？",
    "はい、大丈夫です。資料は私が準備します。#会議 https://example.com/agenda",
    "Could you send the invoice by Friday, please?",
    "Sure, I will send it tomorrow morning.",
    "ช่วยส่งที่อยู่ร้านให้หน่อยได้ไหมครับ",
    "ได้ค่ะ เดี๋ยวส่งให้ตอนบ่าย",
];

pub(super) async fn run(ground: &Ground, process: &mut Process) -> anyhow::Result<String> {
    let chats: Vec<Place> = (0..CHATS).map(|n| ground.chat(&format!("客{n}"))).collect();
    for ten in chats.chunks(BATCH) {
        // Half of a chat's messages come with those of other chats, half in batches of its own.
        for n in 0..SESSION / 2 {
            let batch = ten.iter().map(|chat| said(ground, &ground.usual, chat, n, 10));
            consume(process, &batch.collect::<anyhow::Result<Vec<_>>>()?, BATCH).await?;
        }
        for chat in ten {
            let rest = (SESSION / 2..SESSION).map(|n| said(ground, &ground.usual, chat, n, 10));
            consume(process, &rest.collect::<anyhow::Result<Vec<_>>>()?, BATCH).await?;
        }
    }
    let chat = ground.chat("Emma");
    for first in (0..LONG_SESSION).step_by(BATCH) {
        let batch = (first..first + BATCH).map(|n| said(ground, &ground.patient, &chat, n, 50));
        consume(process, &batch.collect::<anyhow::Result<Vec<_>>>()?, BATCH).await?;
    }
    for (tenant, expected) in [(&ground.usual, CHATS * SESSION), (&ground.patient, LONG_SESSION)] {
        let stored = tenant.store.collection::<Message>().count(doc! {}).await?;
        ensure!(stored == expected as u64, "{stored} messages are stored, not {expected}");
    }
    Ok(format!("{} messages", CHATS * SESSION + LONG_SESSION))
}

/// The `n`-th message of a chat; one of `every` is as long as LINE allows.
fn said(
    ground: &Ground,
    tenant: &TestTenant,
    chat: &Place,
    n: usize,
    every: usize,
) -> anyhow::Result<Inbound> {
    let line = LINES[n % LINES.len()];
    let text = if n.is_multiple_of(every) {
        line.chars().cycle().take(LONGEST).collect()
    } else {
        format!("{line} ({n})")
    };
    ground.happens(tenant, &Deed::text(chat, chat.id(), &text))
}
