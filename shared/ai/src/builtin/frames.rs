//! The words around what people said, in the three languages we write.

use matome_domain::language::Language;

use super::act::Act;
use super::exchange::Polarity;
use super::talk::Media;

/// `name` does `act` with `text`. Quoted text stays in its own language, word for word.
pub(super) fn telling(language: Language, name: &str, act: Act, text: &str, said_in: Language) -> String {
    match language {
        Language::En => {
            let verb = match act {
                Act::Question => "asks",
                Act::Request => "requests",
                Act::Proposal => "suggests",
                _ => "says",
            };
            format!("{name} {verb}: \"{text}\"")
        }
        Language::Ja => {
            let verb = match act {
                Act::Question => "と質問",
                Act::Request => "と依頼",
                Act::Proposal => "と提案",
                Act::Problem => "と報告",
                Act::Commitment | Act::Decision => "と表明",
                _ => "と述べ",
            };
            format!("{name}が「{text}」{verb}")
        }
        Language::Th => {
            let says_itself = said_in == Language::Th && text.starts_with("ขอ");
            let verb = match act {
                Act::Question => "ถามว่า",
                Act::Request if says_itself => "",
                Act::Request if text.starts_with("อย่าลืม") => "เตือนว่า",
                Act::Request if text.starts_with("ช่วย") || text.starts_with("รบกวน") => {
                    "ขอให้"
                }
                Act::Request => "ขอว่า",
                Act::Proposal if says_itself => "",
                Act::Proposal => "เสนอว่า",
                Act::Problem => "แจ้งว่า",
                _ => "บอกว่า",
            };
            thai(name, verb, text, said_in)
        }
    }
}

/// ว่า reports Thai without quotes; another language keeps them.
fn thai(name: &str, verb: &str, text: &str, said_in: Language) -> String {
    let text = if said_in == Language::Th { text.to_owned() } else { format!(" “{text}”") };
    format!("{}{text}", after_name(name, verb))
}

/// Thai writes the verb right behind a Thai name.
fn after_name(name: &str, verb: &str) -> String {
    let thai = name.chars().next_back().is_some_and(|c| ('\u{0E00}'..='\u{0E7F}').contains(&c));
    format!("{name}{}{verb}", if thai { "" } else { " " })
}

/// `name` answers with `text`.
pub(super) fn answering(language: Language, name: &str, text: &str, said_in: Language) -> String {
    match language {
        Language::En => format!("{name} answers: \"{text}\""),
        Language::Ja => format!("{name}は「{text}」と回答"),
        Language::Th => thai(name, "ตอบว่า", text, said_in),
    }
}

/// `name` only agrees or refuses.
pub(super) fn reacting(language: Language, name: &str, act: Act, polarity: Polarity) -> String {
    let question = act == Act::Question;
    match (language, polarity, question) {
        (Language::En, Polarity::Yes, true) => format!("and {name} says yes"),
        (Language::En, Polarity::No, true) => format!("but {name} says no"),
        (Language::En, Polarity::Yes, false) => format!("and {name} agrees"),
        (Language::En, Polarity::No, false) => format!("but {name} declines"),
        (Language::Ja, Polarity::Yes, true) => format!("{name}は「はい」と回答"),
        (Language::Ja, Polarity::No, true) => format!("{name}は「いいえ」と回答"),
        (Language::Ja, Polarity::Yes, false) => format!("{name}は了承"),
        (Language::Ja, Polarity::No, false) => format!("{name}は辞退"),
        (Language::Th, Polarity::Yes, true) => after_name(name, "ตอบว่าใช่"),
        (Language::Th, Polarity::No, true) => after_name(name, "ตอบว่าไม่"),
        (Language::Th, Polarity::Yes, false) => after_name(name, "ตกลง"),
        (Language::Th, Polarity::No, false) => after_name(name, "ปฏิเสธ"),
    }
}

/// Two halves of one exchange.
pub(super) fn joined(language: Language, first: &str, second: &str) -> String {
    match language {
        Language::En => format!("{first}, {second}"),
        Language::Ja if first.ends_with("と述べ") => format!("{first}、{second}"),
        Language::Ja => format!("{first}し、{second}"),
        Language::Th => format!("{first} {second}"),
    }
}

/// A whole sentence.
pub(super) fn sentence(language: Language, text: &str) -> String {
    match language {
        Language::En => {
            let text = text.trim_end_matches(['.', ' ']);
            if text.ends_with(['!', '?']) { text.to_owned() } else { format!("{text}.") }
        }
        // と述べ conjugates by itself, the others are verbal nouns.
        Language::Ja if text.ends_with("と述べ") => format!("{text}ました。"),
        Language::Ja => format!("{text}しました。"),
        Language::Th => text.to_owned(),
    }
}

/// Between sentences.
pub(super) fn gap(language: Language) -> &'static str {
    match language {
        Language::Ja => "",
        Language::En | Language::Th => " ",
    }
}

/// `name` shares a thing with a label.
pub(super) fn sharing(language: Language, name: &str, media: Media, label: &str) -> String {
    match language {
        Language::En => {
            let what = match media {
                Media::File => "the file",
                Media::Place => "the location",
                _ => "a picture:",
            };
            format!("{name} shares {what} {label}")
        }
        Language::Ja => {
            let what = match media {
                Media::File => "ファイル",
                Media::Place => "位置情報",
                _ => "画像",
            };
            format!("{name}が{what}「{label}」を共有")
        }
        Language::Th => {
            let what = match media {
                Media::File => "ไฟล์",
                Media::Place => "ตำแหน่ง",
                _ => "รูปภาพ",
            };
            format!("{name} ส่ง{what} {label}")
        }
    }
}

fn kind(language: Language, media: Media, count: usize) -> String {
    let (en, ja, th) = match media {
        Media::Picture => ("picture", "画像", "รูปภาพ"),
        Media::Video => ("video", "動画", "วิดีโอ"),
        Media::Voice => ("voice message", "音声メッセージ", "ข้อความเสียง"),
        Media::File => ("file", "ファイル", "ไฟล์"),
        Media::Sticker => ("sticker", "スタンプ", "สติกเกอร์"),
        Media::Place => ("location", "位置情報", "ตำแหน่ง"),
    };
    match language {
        Language::En => format!("{count} {en}{}", if count == 1 { "" } else { "s" }),
        Language::Ja => format!("{ja}{count}件"),
        Language::Th => format!("{th} {count} รายการ"),
    }
}

fn listed(language: Language, parts: &[String]) -> String {
    let (comma, and) = match language {
        Language::En => (", ", " and "),
        Language::Ja => ("、", "、"),
        Language::Th => (" ", " และ "),
    };
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{}{and}{last}", most.join(comma)),
    }
}

/// A talk without anything to tell: what was sent, by whom.
pub(super) fn wordless(
    language: Language,
    names: &[String],
    media: &[(Media, usize)],
    messages: usize,
) -> String {
    const NAMED: usize = 4;
    let mut who: Vec<String> = names.iter().take(NAMED).cloned().collect();
    if names.len() > NAMED {
        let others = names.len() - NAMED;
        who.push(match language {
            Language::En => format!("{others} more"),
            Language::Ja => format!("ほか{others}名"),
            Language::Th => format!("อีก {others} คน"),
        });
    }
    let who = listed(language, &who);
    if messages == 0 {
        return match language {
            Language::En => "There are no messages.",
            Language::Ja => "メッセージはありません。",
            Language::Th => "ไม่มีข้อความ",
        }
        .to_owned();
    }
    let sent: Vec<String> = media.iter().map(|(m, n)| kind(language, *m, *n)).collect();
    let rest = messages - media.iter().map(|(_, n)| n).sum::<usize>().min(messages);
    let sent = listed(language, &sent);
    match (language, sent.is_empty()) {
        (Language::En, false) => format!("{who} sent {sent}."),
        (Language::En, true) => format!(
            "{who} exchanged {rest} short message{} without details.",
            if rest == 1 { "" } else { "s" }
        ),
        (Language::Ja, false) => format!("{who}が{sent}を送信しました。"),
        (Language::Ja, true) => format!("{who}が短いメッセージを{rest}件やり取りしました。"),
        (Language::Th, false) => format!("{who} ส่ง{sent}"),
        (Language::Th, true) => format!("{who} ส่งข้อความสั้น ๆ {rest} ข้อความ"),
    }
}
