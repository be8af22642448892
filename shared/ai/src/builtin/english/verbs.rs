//! Enough of English verbs to turn "I need" into "Amanda needs" and "did you buy" into "Amanda
//! bought". A verb that is not listed is left alone by the callers.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Verbs whose base form is not also their past form, and that are read as verbs after a subject.
const BASE: &str = "accept add admit advise afford agree aim allow announce answer apologize appear apply appreciate approve argue arrange arrive ask assume \
attend avoid bake be become begin believe belong blame boil book borrow break bring build burn buy call cancel care carry catch cause celebrate change charge \
chat check choose clean clear climb close collect come complain complete concern confirm connect consider contact continue control cook copy count cover crash \
create cross cry dance decide delay deliver deny depend deserve design develop die dig disagree discuss do doubt download draw dream dress drink drive drop earn eat \
enjoy ensure enter exchange excuse exercise exist expect explain face fail fall feed feel fight fill find finish fix fly focus follow forget forgive \
get give go grab graduate grow guess handle hang happen hate have head hear help hesitate hide hire hold hope hurry imagine improve include inform insist intend interview introduce invest \
invite join joke judge jump keep kick kill kiss knock know laugh lead learn leave lend lie lift like listen live lock look lose love manage marry matter mean \
meet mention message mind miss mix move need notice offer open order organise organize owe own pack park pass pay phone pick plan play post practice practise prefer prepare press pretend \
print produce promise propose protect prove provide pull push reach realise realize receive recommend record reduce refuse regret reject relax rely remain remember remind remove rent repair \
repeat replace reply request rescue reserve resign respond rest return ride ring run save say search see seem sell send serve settle share shave shop shout show sign sing sit \
sleep smell smile smoke solve sound speak spell spend stand start stay steal stick stop study succeed suffer suggest suit supply support suppose surprise suspect swear swim switch take talk \
taste teach tell tend text thank think throw tidy touch train translate travel treat trust try turn type understand update upload use visit vote wait wake walk want warn wash watch wear win wish wonder \
work worry write yell call arrange transfer refund ship pray adore attach hug google skype email facetime suck miss pop head drop swing crave dread";

const IRREGULAR: &str = "be:was become:became begin:began break:broke bring:brought build:built buy:bought catch:caught choose:chose come:came dig:dug do:did draw:drew drink:drank \
drive:drove eat:ate fall:fell feed:fed feel:felt fight:fought find:found fly:flew forget:forgot forgive:forgave get:got give:gave go:went grow:grew hang:hung have:had hear:heard hide:hid hold:held \
keep:kept know:knew lead:led leave:left lend:lent lose:lost make:made mean:meant meet:met pay:paid ride:rode ring:rang run:ran say:said see:saw sell:sold send:sent show:showed sing:sang sit:sat \
sleep:slept speak:spoke spend:spent stand:stood steal:stole stick:stuck swear:swore swim:swam take:took teach:taught tell:told think:thought throw:threw understand:understood wake:woke wear:wore \
win:won write:wrote dream:dreamt burn:burnt learn:learnt";

/// Past forms that are the same as the base form: their tense cannot be read off.
const SAME: &str = "put cut let hit set cost hurt read bet quit shut spread";

/// Verbs that a sentence without a subject uses for "I …", not to command.
const ELLIPTIC: &str = "love need want hope guess think know miss mean wish hate like feel wonder suppose bet believe enjoy thank see appreciate have get got doubt prefer own owe mind \
forget dream regret understand sleep work imagine";

/// Words that look like a verb at the start of a sentence and mostly are not.
const NOT_COMMANDS: &str = "book plan text message head park train rest exercise interview support sign email google design record change charge care order face post concern request reply promise \
surprise suspect process practice rent ring tidy open clean close clear own mind excuse welcome work love chat walk show start drink dress dance fight fall can match visit hug press smell sound taste update";

static VERBS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| BASE.split_whitespace().chain(["make"]).collect());
static PASTS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| IRREGULAR.split_whitespace().filter_map(|pair| pair.split_once(':')).collect());
static PAST_FORMS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| PASTS.values().copied().collect());
static COMMANDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let not: HashSet<&str> = ELLIPTIC.split_whitespace().chain(NOT_COMMANDS.split_whitespace()).collect();
    VERBS
        .iter()
        .copied()
        .filter(|v| !not.contains(v))
        .chain(SAME.split_whitespace().filter(|v| !["bet", "cost", "hurt", "spread", "let"].contains(v)))
        .collect()
});
static ELLIPTICS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| ELLIPTIC.split_whitespace().collect());

/// Whether `word` is a listed verb in its base form.
pub(super) fn is_base(word: &str) -> bool {
    VERBS.contains(word)
}

/// Whether a sentence may command with this word in front.
pub(super) fn is_command(word: &str) -> bool {
    COMMANDS.contains(word)
}

/// Whether a sentence that starts with this verb leaves "I" out.
pub(super) fn drops_subject(word: &str) -> bool {
    ELLIPTICS.contains(word)
}

/// Whether `word` can only be read as a past form.
pub(super) fn is_past(word: &str) -> bool {
    PAST_FORMS.contains(word) || (word.len() > 4 && word.ends_with("ed") && !is_base(word))
}

/// "need" → "needs"; `None` for an unlisted verb.
pub(super) fn third_person(base: &str) -> Option<String> {
    if !is_base(base) {
        return None;
    }
    Some(match base {
        "be" => "is".to_owned(),
        "have" => "has".to_owned(),
        b if b.ends_with(['s', 'x', 'z', 'o']) || b.ends_with("ch") || b.ends_with("sh") => format!("{b}es"),
        b if b.ends_with('y') && !ends_in_vowel_y(b) => format!("{}ies", &b[..b.len() - 1]),
        b => format!("{b}s"),
    })
}

/// "buy" → "bought"; `None` for an unlisted verb.
pub(super) fn past(base: &str) -> Option<String> {
    if let Some(past) = PASTS.get(base) {
        return Some((*past).to_owned());
    }
    if SAME.split_whitespace().any(|s| s == base) {
        return Some(base.to_owned());
    }
    if !is_base(base) {
        return None;
    }
    const DOUBLED: [&str; 16] = [
        "plan", "stop", "drop", "chat", "grab", "shop", "pop", "admit", "prefer", "transfer", "refer", "hug",
        "ship", "regret", "knit", "clap",
    ];
    Some(match base {
        b if DOUBLED.contains(&b) => format!("{b}{}ed", &b[b.len() - 1..]),
        b if b.ends_with('e') => format!("{b}d"),
        b if b.ends_with('y') && !ends_in_vowel_y(b) => format!("{}ied", &b[..b.len() - 1]),
        b => format!("{b}ed"),
    })
}

fn ends_in_vowel_y(word: &str) -> bool {
    ["ay", "ey", "oy", "uy"].iter().any(|end| word.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_spelled_right() {
        for (base, third, was) in [
            ("need", "needs", "needed"),
            ("go", "goes", "went"),
            ("try", "tries", "tried"),
            ("play", "plays", "played"),
            ("watch", "watches", "watched"),
            ("plan", "plans", "planned"),
            ("bake", "bakes", "baked"),
            ("have", "has", "had"),
        ] {
            assert_eq!(third_person(base).as_deref(), Some(third));
            assert_eq!(past(base).as_deref(), Some(was));
        }
        assert_eq!(third_person("xyzzy"), None);
    }
}
