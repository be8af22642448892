//! The texts we write, in `locales/*.ftl`, one file a language, each with every key.

use std::sync::LazyLock;

use fluent::concurrent::FluentBundle;
use fluent::{FluentArgs, FluentResource};
use matome_domain::language::Language;

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 3]> = LazyLock::new(|| Language::ALL.map(bundle));

fn source(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../locales/en.ftl"),
        Language::Ja => include_str!("../locales/ja.ftl"),
        Language::Th => include_str!("../locales/th.ftl"),
    }
}

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    // What could be read is used; the tests prove that it is all.
    let resource =
        FluentResource::try_new(source(language).to_owned()).unwrap_or_else(|(partial, _)| partial);
    let tag = language.tag().parse().expect("the tags of Language are BCP 47");
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    // LINE shows the isolation marks as boxes on some devices, and all three languages run left to right.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

/// A text of ours with its variables filled in.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    language: Language,
    key: &'static str,
    args: FluentArgs<'a>,
}

pub(crate) fn text<'a>(language: Language, key: &'static str) -> Text<'a> {
    Text { language, key, args: FluentArgs::new() }
}

impl<'a> Text<'a> {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<fluent::FluentValue<'a>>) -> Self {
        self.args.set(name, value);
        self
    }
}

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bundle = Language::ALL.iter().position(|l| *l == self.language).map(|at| &BUNDLES[at]);
        let pattern = bundle.and_then(|b| Some((b, b.get_message(self.key)?.value()?)));
        match pattern {
            Some((bundle, pattern)) => {
                f.write_str(&bundle.format_pattern(pattern, Some(&self.args), &mut Vec::new()))
            }
            None => f.write_str(self.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Key → variables, as declared.
    fn declared(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut keys = BTreeMap::new();
        let mut key = String::new();
        for line in source(language).lines() {
            if let Some((name, _)) = line.split_once(" = ")
                && !name.starts_with([' ', '}', '#'])
            {
                name.clone_into(&mut key);
                assert!(keys.insert(key.clone(), BTreeSet::new()).is_none(), "{key} twice in {language:?}");
            }
            for part in line.split('$').skip(1) {
                let variable: String = part.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
                keys.get_mut(&key).unwrap().insert(variable);
            }
        }
        keys
    }

    #[test]
    fn every_file_is_read_without_errors() {
        for language in Language::ALL {
            assert!(FluentResource::try_new(source(language).to_owned()).is_ok(), "{language:?}");
        }
    }

    #[test]
    fn every_key_exists_in_every_language_with_the_same_variables() {
        let english = declared(Language::En);
        assert!(english.len() > 20);
        for language in Language::ALL {
            // A language that has no plural or month names writes the variable itself.
            assert_eq!(declared(language), english, "{language:?}");
        }
    }

    #[test]
    fn every_key_can_be_written_in_every_language() {
        for language in Language::ALL {
            let bundle = bundle(language);
            let keys = declared(language);
            let mut args = FluentArgs::new();
            for variable in keys.values().flatten() {
                // All of them: a text may refer to another one.
                args.set(variable.clone(), 3);
            }
            for key in keys.keys() {
                let mut errors = Vec::new();
                let pattern = bundle.get_message(key).unwrap().value().unwrap();
                let written = bundle.format_pattern(pattern, Some(&args), &mut errors);
                assert!(errors.is_empty() && !written.trim().is_empty(), "{key} in {language:?}: {errors:?}");
            }
        }
    }

    #[test]
    fn variables_and_plurals_are_filled_in_without_invisible_marks() {
        let counts = |language, n| text(language, "counts").with("messages", n).with("people", 2).to_string();
        assert_eq!(counts(Language::En, 1), "1 message · 2 people");
        assert_eq!(counts(Language::En, 5), "5 messages · 2 people");
        assert_eq!(counts(Language::Ja, 5), "5件 · 2人");
        assert_eq!(
            text(Language::Th, "date-year").with("day", 3).with("month", 7).with("year", "2026").to_string(),
            "3 ก.ค. 2026"
        );
    }
}
