//! How long the built-in summarizer takes.

use std::time::Instant;

use matome_ai::summarize_builtin;
use matome_domain::clock::Timestamp;
use matome_domain::dialogue::{Dialogue, Speaker, Turn, TurnContent};
use matome_domain::summary::SummaryRequest;

use crate::figure::{Figure, Limit};

/// What was measured.
pub(crate) struct Summarizer {
    /// Seconds for a session of fifty messages.
    pub(crate) fifty: f64,
    five_thousand: f64,
}

const LINES: [&str; 6] = [
    "明日の会議は10時からでいいですか？",
    "はい、大丈夫です。資料は私が準備します。",
    "Could you send the invoice by Friday, please?",
    "Sure, I will send it tomorrow morning.",
    "ช่วยส่งที่อยู่ร้านให้หน่อยได้ไหมครับ",
    "ได้ค่ะ เดี๋ยวส่งให้ตอนบ่าย",
];

pub(crate) async fn measure() -> anyhow::Result<Summarizer> {
    Ok(Summarizer { fifty: time(50, 20), five_thousand: time(5_000, 1) })
}

fn time(turns: usize, times: u32) -> f64 {
    let turn = |n: usize| Turn {
        id: n.to_string(),
        speaker: Speaker {
            id: (n % 3).to_string(), name: ["田中", "Emma", "สมชาย"][n % 3].to_owned()
        },
        at: Some(Timestamp(1_795_165_200_000 + n as i64 * 20_000)),
        content: TurnContent::Text { text: format!("{} ({n})", LINES[n % LINES.len()]) },
    };
    let dialogue = Dialogue { turns: (0..turns).map(turn).collect(), utc_offset_minutes: 540 };
    let begin = Instant::now();
    for _ in 0..times {
        std::hint::black_box(summarize_builtin(std::hint::black_box(&dialogue), &SummaryRequest::default()));
    }
    begin.elapsed().as_secs_f64() / f64::from(times)
}

impl Summarizer {
    pub(crate) fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new("built-in summary of 50 messages", Limit::AtMost(100.0), "ms", self.fifty * 1e3),
            Figure::new(
                "built-in summary of 5,000 messages",
                Limit::AtMost(10_000.0),
                "ms",
                self.five_thousand * 1e3,
            ),
        ]
    }
}
