//! Lines about the room, not of the talk: joins, leaves, unsent messages, calls, notes.

/// What a notice starts with.
const STARTS: [&str; 8] = ["☎", "📞", "[ノート]", "[Note]", "[Notes]", "[โน้ต]", "[โน๊ต]", "[Poll]"];

/// What a notice ends with.
const ENDS: [&str; 43] = [
    "unsent a message.",
    "unsent a message",
    "deleted a message.",
    "joined the group.",
    "joined the chat.",
    "joined.",
    "left the group.",
    "left the chat.",
    "left.",
    "to the group.",
    "from the group.",
    "changed the group name.",
    "changed the group photo.",
    "changed the group's profile photo.",
    "started a group call.",
    "ended the group call.",
    "created an album.",
    "メッセージの送信を取り消しました",
    "メッセージを削除しました",
    "が参加しました。",
    "が参加しました",
    "が退出しました。",
    "が退出しました",
    "が退会しました。",
    "を招待しました。",
    "を招待しました",
    "を退会させました。",
    "を追加しました。",
    "アイコンを変更しました。",
    "グループ名を変更しました。",
    "退会しました。",
    "アルバムを作成しました。",
    "ノートを作成しました。",
    "アナウンスしました。",
    "グループ通話が開始されました。",
    "グループ通話が終了しました。",
    "ยกเลิกข้อความ",
    "ยกเลิกการส่งข้อความ",
    "เข้าร่วมกลุ่ม",
    "ออกจากกลุ่ม",
    "เข้ากลุ่ม",
    "ออกจากแชท",
    "เปลี่ยนชื่อกลุ่ม",
];

/// Short: a person can write a long message that happens to end like a notice.
const LONGEST: usize = 120;

/// Whether a message that has a sender is a call or a note all the same.
pub(super) fn is_call_or_note(text: &str) -> bool {
    let text = text.trim();
    STARTS.iter().any(|s| text.starts_with(s))
}

/// Whether a line without a sender's column says what happened in the room. Given without the time.
pub(super) fn is_notice(text: &str) -> bool {
    let text = text.trim();
    if is_call_or_note(text) {
        return true;
    }
    if text.contains('\n') || text.chars().count() > LONGEST {
        return false;
    }
    // "You unsent a message." / "Ann invited Bob to the group."
    let invites = |end: &&str| {
        (end.ends_with("the group.") && !end.starts_with("joined") && !end.starts_with("left"))
            .then(|| text.contains(" invited ") || text.contains(" added ") || text.contains(" removed "))
    };
    ENDS.iter().any(|end| {
        text.ends_with(end)
            && invites(end).unwrap_or(true)
            && !(end.len() <= 7 && text.split(' ').count() > 4)
    }) || (text.contains("グループ名を") && text.ends_with("に変更しました。"))
        || text.contains("ได้เชิญ") && text.ends_with("เข้ากลุ่ม")
        || (text.contains(" เชิญ ") && text.contains("กลุ่ม"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_of_three_languages() {
        for text in [
            "Ann unsent a message.",
            "Ann joined the group.",
            "Ann invited Bob to the group.",
            "☎ Missed call",
            "☎ 通話時間 3:12",
            "☎ ไม่ได้รับสาย",
            "花子がメッセージの送信を取り消しました",
            "太郎が参加しました。",
            "太郎がグループから退会しました。",
            "太郎がグループ名を「旅行」に変更しました。",
            "สมชาย ยกเลิกข้อความ",
            "สมชาย ออกจากกลุ่ม",
        ] {
            assert!(is_notice(text), "{text}");
        }
        for text in [
            "I think that the train has already left.",
            "Bring it to the group.",
            "住所を変更しましたか",
            "ยกเลิกข้อความได้ไหม",
        ] {
            assert!(!is_notice(text), "{text}");
        }
    }
}
