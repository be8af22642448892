//! Content words: what a sentence is about, without the words that every sentence has.

use std::collections::HashSet;
use std::sync::LazyLock;

use matome_domain::language::Language;

use super::segment::Segmenter;

const ENGLISH: &str = "a about above actually after again all almost already also although always am an and another any anyone anything are \
around as at away back be because been before being best better between both but by came can can't cannot come could couldn't did didn't \
do does doesn't doing don't done down each either else enough even ever every everyone everything exactly few first for from get gets \
getting give given go goes going gone gonna good got great guess had hadn't has hasn't have haven't having he he'd he'll he's hello her \
here hers hey hi him himself his how however i i'd i'll i'm i've if im in instead into is isn't it it'll it's its just keep kind know \
last least less let let's lets like little look lot lots made make many may maybe me mean might mine more most much must my myself need \
never new next nice no nope not nothing now of off oh ok okay old on once one only or other our ours out over own perhaps please pretty \
probably put quite rather really right said same saw say says see seem seems she she'd she'll she's should shouldn't since so some \
someone something sometimes soon sorry still such sure take tell than thank thanks that that'll that's the their them then there there's \
these they they'll they're they've thing things think this those though through to too took try two u until up upon ur us use used very \
want wanna wants was wasn't way we we'd we'll we're we've well went were weren't what what's when where which while who who's whole why \
will with won't would wouldn't yeah yep yes yet you you'd you'll you're you've your yours yourself lol haha hahaha hehe btw omg idk thx \
pls don dont didnt cant thats whats hmm hm um wow cool gotta dunno yup ya ah aww gr8 xd ll ve re hahah wait course person1 person2 \
today tomorrow yesterday tonight morning evening day days week time minute minutes hour hours later ago \
guys man dude honey dear babe sir madam mr mrs ms miss feel love hope happen happened believe seen told bit long sounds sound idea ask asked";

const JAPANESE: &str = "の に は を が と で も から まで へ や か ね よ な さ し て た だ です ます でし まし ない ある いる する なる れる られる せる \
させる こと もの ため よう そう これ それ あれ どれ ここ そこ あそこ どこ この その あの どの 私 僕 俺 わたし あなた 彼 彼女 さん 様 ちゃん くん 君 何 なに 誰 \
いつ どう なぜ はい いいえ うん ええ いや でも けど だけ しか ので のに たら れば なら って という ください お ご 的 方 中 時 日 月 年 今 今日 明日 昨日 では じゃ \
じゃあ また もう まだ とても すごく ちょっと 少し よろしく お願い ありがとう ありがとうございます ございます いたします します しました ました ません ましょう でしょう でしょうか \
ですか ますか です。 思い 思う 思います 言う いう ところ とき そして それで だから しかし あと いい 良い よく 一 二 三 できる でき なっ あり おり もらえ いただけ いただき いただく \
ご座い 承知 了解 お世話 大丈夫 ok 笑 皆さん みんな 場合 ほう 以上 本当 了解です くらい ぐらい など 頃 ごろ すみません 申し訳 ごめん 大変 問題 お待ち いま ただ ずつ 自分 分 円 個 人 時間 \
了解しました なん なんか ほど わけ はず かも しれ せん ん っ ー み 来 行 行き 行く 来る 見 見る くれ ご確認 確認 ほしい 欲しい いえ あっ え あ そうですね どうぞ たい たく お疲れ 様 さま 疲れ こんにちは こんばんは おはよう";

const THAI: &str = "ที่ และ ของ ใน เป็น มี ได้ ไม่ ให้ ว่า จะ ไป มา กับ แต่ ก็ นี้ นั้น นะ ครับ ค่ะ คะ จ้า จ้ะ จ๊ะ ผม ฉัน ดิฉัน เรา หนู คุณ เธอ เขา พวก มัน ท่าน พี่ น้อง \
แล้ว อยู่ อย่าง ด้วย จาก ถ้า หรือ เพราะ โดย เพื่อ ตาม ถึง ต้อง ควร อยาก เคย กำลัง ยัง เลย มาก น้อย อีก ทุก บาง หลาย แค่ เท่า กว่า ที่สุด อะไร ใคร ไหน เมื่อไหร่ เมื่อไร ทำไม ยังไง อย่างไร \
เท่าไหร่ เท่าไร กี่ ไหม มั้ย เหรอ หรอ หรือยัง หรือเปล่า ใช่ โอเค ขอ ช่วย หน่อย สิ ซิ ล่ะ ละ น่ะ น่า อ่ะ อะ เนี่ย นี่ นั่น โน่น ตรง ข้าง บน ล่าง การ ความ คน วัน เวลา ตอน วันนี้ พรุ่งนี้ เมื่อวาน \
ตอนนี้ เดี๋ยว สวัสดี ขอบคุณ ขอโทษ ได้เลย ดี ดีๆ ๆ ทำ เอา ใช้ ดู รู้ คิด บอก พูด ถาม ตอบ ลอง เห็น ขึ้น ลง เข้า ออก กลับ ไว้ เสร็จ จริง จริงๆ แน่ แน่นอน ถูก ผิด คง น่าจะ อาจ หมด แรก ต่อ ก่อน หลัง \
ระหว่าง ซึ่ง อัน เรื่อง เช่น เอง กัน ตัว สัก ทาง ร้าน นาที ชั่วโมง โมง บาท เจอ รอ เจอกัน ครับผม รบกวน กรุณา ทราบ รับทราบ เหมือน แบบ งั้น ส่วน อื่น พอ ค่อย ทั้ง ทั้งหมด พวกเรา ตกลง ไม่เป็นไร เป็นไร อย่า ตลอด ขออภัย หนึ่ง สอง สาม เลข รับ ลืม เมื่อ เดอร์ ออ 555 5555";

fn set(words: &'static str) -> HashSet<&'static str> {
    words.split_whitespace().collect()
}

static STOP: LazyLock<[HashSet<&'static str>; 3]> =
    LazyLock::new(|| [set(ENGLISH), set(JAPANESE), set(THAI)]);

/// Whether every sentence of `language` may have this word.
pub(super) fn is_stop(word: &str, language: Language) -> bool {
    STOP[language as usize].contains(word)
}

/// The content words of a text in order, lower case, English ones without their endings.
pub(super) fn content_words(segmenter: &Segmenter, text: &str, language: Language) -> Vec<String> {
    segmenter
        .words(&text.replace('’', "'"))
        .into_iter()
        .filter(|w| is_content(w, language))
        .map(|w| if w.is_ascii() { stem(&w) } else { w })
        .collect()
}

/// Whether a word says what a talk is about. Hiragana alone is grammar more often than not.
pub(super) fn is_content(word: &str, language: Language) -> bool {
    let letters = word.chars().count();
    if is_stop(word, language) || is_stop(word, Language::En) {
        return false;
    }
    if word.chars().all(|c| c.is_numeric() || c == '.' || c == ',' || c == ':') {
        return true;
    }
    match language {
        // Laughter, however long.
        Language::En => letters >= 2 && !(letters >= 4 && word.chars().all(|c| matches!(c, 'h' | 'a' | 'e'))),
        Language::Ja => {
            letters >= 2 && !(letters <= 3 && word.chars().all(|c| ('\u{3041}'..='\u{309F}').contains(&c)))
                || word.chars().all(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c))
        }
        Language::Th => letters >= 2,
    }
}

/// Takes plural and tense endings off, so that "booked" meets "booking". Rough, for comparing only.
pub(super) fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").unwrap_or(word);
    for ending in ["ing", "ied", "ies", "ed", "es", "s"] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.len() >= 3
            && !(ending == "s" && rest.ends_with('s'))
        {
            return rest.to_owned();
        }
    }
    word.to_owned()
}
