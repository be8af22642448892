//! What can be read off a message's text: hashtags and URLs.

use linkify::{LinkFinder, LinkKind};

/// `#words` of a text, without the sign, in order, each once. A tag starts after the text's start
/// or white space and ends at the first character that is neither a letter, a mark, a digit nor `_`.
#[must_use]
pub fn hashtags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let mut previous = ' ';
    for (at, sign) in text.char_indices() {
        if (sign == '#' || sign == '＃') && previous.is_whitespace() {
            let rest = &text[at + sign.len_utf8()..];
            let end = rest.find(|c: char| !is_tag_character(c)).unwrap_or(rest.len());
            let tag = &rest[..end];
            if !tag.is_empty() && !tags.iter().any(|t| t == tag) {
                tags.push(tag.to_owned());
            }
        }
        previous = sign;
    }
    tags
}

/// Thai vowels and tone marks are combining marks (U+0E31, U+0E34–3A, U+0E47–4E), not letters.
fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric()
        || c == '_'
        || matches!(c, '\u{0E31}' | '\u{0E34}'..='\u{0E3A}' | '\u{0E47}'..='\u{0E4E}' | 'ー')
}

/// Web addresses of a text, in order, each once. ASCII only: Japanese and Thai write on without
/// a space, so the first other character ends the address.
#[must_use]
pub fn urls(text: &str) -> Vec<String> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]).url_can_be_iri(false);
    let mut urls: Vec<String> = Vec::new();
    for link in finder.links(text) {
        if !urls.iter().any(|u| u == link.as_str()) {
            urls.push(link.as_str().to_owned());
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashtags_in_three_scripts() {
        assert_eq!(hashtags("#sale now #セール中 x#no #ที่นี่! #sale ##"), ["sale", "セール中", "ที่นี่"]);
    }

    #[test]
    fn urls_end_where_japanese_begins() {
        assert_eq!(
            urls("見て https://example.com/a?b=1、 https://example.com/a?b=1"),
            ["https://example.com/a?b=1"]
        );
    }
}
