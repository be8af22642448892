//! The texts of mails, in `locales/*.ftl`, one file a language, each with every key.

use std::sync::LazyLock;

use fluent::concurrent::FluentBundle;
use fluent::{FluentArgs, FluentResource};
use matome_domain::language::Language;

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 3]> = LazyLock::new(|| Language::ALL.map(bundle));

fn source(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../../locales/en.ftl"),
        Language::Ja => include_str!("../../locales/ja.ftl"),
        Language::Th => include_str!("../../locales/th.ftl"),
    }
}

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    // What could be read is used; the tests prove that it is all.
    let resource =
        FluentResource::try_new(source(language).to_owned()).unwrap_or_else(|(partial, _)| partial);
    let tag = language.tag().parse().expect("the tags of Language are BCP 47");
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    // The marks would be part of links.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

/// A text with its variables.
pub(super) struct Text<'a> {
    language: Language,
    key: &'a str,
    args: FluentArgs<'a>,
}

pub(super) fn text(language: Language, key: &str) -> Text<'_> {
    Text { language, key, args: FluentArgs::new() }
}

impl Text<'_> {
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.args.set(name, value);
        self
    }
}

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bundle = Language::ALL.iter().position(|l| *l == self.language).map(|at| &BUNDLES[at]);
        match bundle.and_then(|b| Some((b, b.get_message(self.key)?.value()?))) {
            Some((bundle, pattern)) => {
                f.write_str(&bundle.format_pattern(pattern, Some(&self.args), &mut Vec::new()))
            }
            None => f.write_str(self.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(language: Language) -> Vec<&'static str> {
        let lines = source(language).lines().filter(|line| !line.starts_with([' ', '#']));
        lines.filter_map(|line| line.split_once(" =")).map(|(key, _)| key).collect()
    }

    #[test]
    fn every_file_is_read_without_errors_and_has_every_key() {
        for language in Language::ALL {
            assert!(FluentResource::try_new(source(language).to_owned()).is_ok(), "{language:?}");
            assert_eq!(keys(language), keys(Language::En), "{language:?}");
            assert_eq!(keys(language).len(), 12);
        }
    }
}
