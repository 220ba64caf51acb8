//! How well a package fits words.

/// What is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::channel) struct Texts<'a> {
    pub(in crate::channel) attribute: &'a str,
    pub(in crate::channel) name: &'a str,
    pub(in crate::channel) program: &'a str,
    pub(in crate::channel) description: &'a str,
}

/// How well a package fits all of `words`, which are lower case; `None`: not at all. Smaller is better.
pub(in crate::channel) fn rank(words: &[String], texts: Texts<'_>) -> Option<u32> {
    let Texts { attribute, name, program, description } = texts;
    let mut rank = u32::from(attribute.contains('.')) * 8;
    for word in words {
        let has = |text: &str| contains(text, word);
        let is = |text: &str| text.eq_ignore_ascii_case(word);
        rank += match () {
            () if is(attribute) => 0,
            () if is(name) || is(program) => 1,
            () if has(attribute) || has(name) => 2,
            () if has(description) => 4,
            () => return None,
        };
    }
    Some(rank)
}

/// Whether `text` has `word`, which is lower case. Of a hundred thousand texts most are plain: those need no copy.
fn contains(text: &str, word: &str) -> bool {
    if !text.is_ascii() || !word.is_ascii() {
        return text.to_lowercase().contains(word);
    }
    let (text, word) = (text.as_bytes(), word.as_bytes());
    word.is_empty() || text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_come_before_descriptions() {
        let texts = |attribute, description| Texts { attribute, name: attribute, description, ..Texts::default() };
        let ranked = |texts| rank(&["git".to_owned()], texts);
        let order = [texts("git", ""), texts("gitea", ""), texts("tig", "for Git"), texts("a.git", "")].map(ranked);
        assert!(order.is_sorted() && order.iter().all(Option::is_some), "{order:?}");
        assert_eq!(ranked(texts("vim", "an editor")), None);
    }

    proptest! {
        #[test]
        fn case_does_not_count(text in "\\PC{0,12}", word in "\\PC{0,3}") {
            let word = word.to_lowercase();
            prop_assert_eq!(contains(&text, &word), text.to_lowercase().contains(&word));
        }
    }
}
