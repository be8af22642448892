//! ROUGE-1, -2 and -L (F1), over words of English and signs of Japanese and Thai, where word
//! boundaries are a matter of taste.

use std::collections::HashMap;

/// The three scores.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rouge {
    pub(crate) one: f64,
    pub(crate) two: f64,
    pub(crate) longest: f64,
}

impl Rouge {
    pub(crate) fn of(text: &str, reference: &str) -> Self {
        let (text, reference) = (tokens(text), tokens(reference));
        Self {
            one: overlap(&text, &reference, 1),
            two: overlap(&text, &reference, 2),
            longest: longest(&text, &reference),
        }
    }

    pub(crate) fn mean(scores: &[Self]) -> Self {
        let count = scores.len().max(1) as f64;
        let mean = |part: fn(&Self) -> f64| scores.iter().map(part).sum::<f64>() / count;
        Self { one: mean(|s| s.one), two: mean(|s| s.two), longest: mean(|s| s.longest) }
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in text.to_lowercase().chars().chain([' ']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        let mark = ('\u{0E30}'..='\u{0E4E}').contains(&c);
        if !c.is_ascii() && (c.is_alphanumeric() || mark) {
            tokens.push(c.to_string());
        }
    }
    tokens
}

fn f1(common: usize, a: usize, b: usize) -> f64 {
    if common == 0 { 0.0 } else { 2.0 * common as f64 / (a + b) as f64 }
}

fn overlap(a: &[String], b: &[String], n: usize) -> f64 {
    let count = |t: &[String]| {
        let mut counts: HashMap<Vec<String>, usize> = HashMap::new();
        for gram in t.windows(n) {
            *counts.entry(gram.to_vec()).or_default() += 1;
        }
        counts
    };
    let (ca, cb) = (count(a), count(b));
    let common = ca.iter().map(|(gram, n)| (*n).min(cb.get(gram).copied().unwrap_or(0))).sum();
    f1(common, ca.values().sum(), cb.values().sum())
}

fn longest(a: &[String], b: &[String]) -> f64 {
    let mut row = vec![0_usize; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    f1(row[b.len()], a.len(), b.len())
}

#[test]
fn scores_are_known_for_known_texts() {
    let same = Rouge::of("the cat sat", "The cat sat.");
    assert!(
        (same.one - 1.0).abs() < 1e-9 && (same.two - 1.0).abs() < 1e-9 && (same.longest - 1.0).abs() < 1e-9
    );
    let half = Rouge::of("the dog sat", "the cat sat");
    assert!(
        (half.one - 2.0 / 3.0).abs() < 1e-9 && half.two == 0.0 && (half.longest - 2.0 / 3.0).abs() < 1e-9
    );
    assert!((Rouge::of("会議室", "会議").one - 0.8).abs() < 1e-9);
}
