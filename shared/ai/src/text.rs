//! A summary as plain text, for terminals.

use matome_domain::language::Language;
use matome_domain::summary::{Statement, SummaryDraft};

/// Headings of the parts, in the order of [`plain`].
fn headings(language: Language) -> [&'static str; 5] {
    match language {
        Language::En => ["Details", "Key points", "To do", "Decided", "Open questions"],
        Language::Ja => ["詳細", "要点", "やること", "決まったこと", "未回答の質問"],
        Language::Th => ["รายละเอียด", "ประเด็นสำคัญ", "สิ่งที่ต้องทำ", "สิ่งที่ตกลงกัน", "คำถามที่ยังไม่มีคำตอบ"],
    }
}

/// The whole summary with headings in its language; parts without content are left out.
#[must_use]
pub fn plain(draft: &SummaryDraft) -> String {
    let [details, points, to_do, decided, open] =
        headings(Language::from_tag(&draft.language).unwrap_or_default());
    let texts = |list: &[Statement]| list.iter().map(|s| s.text.clone()).collect::<Vec<_>>();
    let actions = draft
        .action_items
        .iter()
        .map(|a| {
            let notes: Vec<&str> = a.assigned_to.iter().chain(&a.deadline).map(String::as_str).collect();
            if notes.is_empty() { a.item.clone() } else { format!("{} ({})", a.item, notes.join(", ")) }
        })
        .collect();
    let parts = [
        (points, texts(&draft.bullet_points)),
        (to_do, actions),
        (decided, texts(&draft.decisions)),
        (open, texts(&draft.open_questions)),
        (details, texts(&draft.detailed)),
    ];
    let mut out = format!("{}\n", draft.brief);
    for (heading, lines) in parts.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        out.push_str(&format!("\n{heading}\n"));
        for line in lines {
            out.push_str(&format!("  - {line}\n"));
        }
    }
    if !draft.key_topics.is_empty() {
        out.push_str(&format!("\n# {}\n", draft.key_topics.join(", ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use matome_domain::summary::{ActionItem, Level};

    use super::*;

    #[test]
    fn parts_have_headings_in_the_summarys_language_and_empty_ones_are_left_out() {
        let draft = SummaryDraft {
            language: "ja".to_owned(),
            brief: "要約。".to_owned(),
            action_items: vec![ActionItem {
                item: "送る".to_owned(),
                assigned_to: Some("佐藤".to_owned()),
                priority: Level::Low,
                deadline: Some("2024-03-08".to_owned()),
                sources: vec!["a".to_owned()],
            }],
            key_topics: vec!["会議".to_owned()],
            ..SummaryDraft::default()
        };
        assert_eq!(plain(&draft), "要約。\n\nやること\n  - 送る (佐藤, 2024-03-08)\n\n# 会議\n");
    }
}
