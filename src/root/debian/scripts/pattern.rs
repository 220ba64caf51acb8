//! Shell patterns: `*`, `?`, `[a-z]`.

/// Whether all of `text` is as `pattern` says; a backslash takes the next character's meaning. Time: the lengths multiplied.
pub(super) fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on after a mismatch: behind the last `*`, which then takes one character more.
    let mut retry = None;
    loop {
        if pattern.get(at_pattern) == Some(&'*') {
            at_pattern += 1;
            retry = Some((at_pattern, at_text));
            continue;
        }
        match (text.get(at_text), one(pattern, at_pattern)) {
            (None, None) => return true,
            (Some(&character), Some((accepts, next))) if accepts(character) => {
                at_pattern = next;
                at_text += 1;
            }
            _ => match retry {
                Some((pattern_start, text_start)) if text_start < text.len() => {
                    retry = Some((pattern_start, text_start + 1));
                    (at_pattern, at_text) = (pattern_start, text_start + 1);
                }
                _ => return false,
            },
        }
    }
}

type Accepts<'a> = Box<dyn Fn(char) -> bool + 'a>;

/// What the pattern wants of one character at `at`, and where it goes on.
fn one(pattern: &[char], at: usize) -> Option<(Accepts<'_>, usize)> {
    let literal = |wanted: char, next| -> Option<(Accepts<'_>, usize)> { Some((Box::new(move |c| c == wanted), next)) };
    match pattern.get(at)? {
        '?' => Some((Box::new(|_| true), at + 1)),
        '\\' => literal(*pattern.get(at + 1).unwrap_or(&'\\'), (at + 2).min(pattern.len())),
        '[' => set(pattern, at).or_else(|| literal('[', at + 1)),
        &other => literal(other, at + 1),
    }
}

fn set(pattern: &[char], at: usize) -> Option<(Accepts<'_>, usize)> {
    let negated = matches!(pattern.get(at + 1), Some('!' | '^'));
    let start = at + 1 + usize::from(negated);
    let end = pattern.iter().skip(start + 1).position(|&c| c == ']')? + start + 1;
    let members = pattern.get(start..end)?;
    // Classes such as `[:space:]` hold a bracket of their own, and are rare.
    let contains = move |c: char| {
        members.contains(&c)
            || members.windows(3).any(|window| window[1] == '-' && (window[0]..=window[2]).contains(&c))
    };
    Some((Box::new(move |c| contains(c) != negated), end + 1))
}

/// `text` without its shortest or longest beginning that matches.
pub(super) fn trim_start(pattern: &str, text: &str, longest: bool) -> String {
    let (pattern, text) = (characters(pattern), characters(text));
    let fits = |end: &usize| matches(&pattern, &text[..*end]);
    let end = if longest { (0..=text.len()).rev().find(fits) } else { (0..=text.len()).find(fits) };
    text[end.unwrap_or(0)..].iter().collect()
}

/// `text` without its shortest or longest end that matches.
pub(super) fn trim_end(pattern: &str, text: &str, longest: bool) -> String {
    let (pattern, text) = (characters(pattern), characters(text));
    let fits = |start: &usize| matches(&pattern, &text[*start..]);
    let start = if longest { (0..=text.len()).find(fits) } else { (0..=text.len()).rev().find(fits) };
    text[..start.unwrap_or(text.len())].iter().collect()
}

/// A pattern's or text's characters.
pub(super) fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Whether `character` means something in a pattern.
pub(super) fn is_special(character: char) -> bool {
    matches!(character, '*' | '?' | '[' | '\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        matches(&characters(pattern), &characters(text))
    }

    #[test]
    fn patterns_match_as_in_the_shell() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("a*c", "abbc"),
            ("a*b*c", "aXbYbZc"),
            ("?b", "ab"),
            ("[a-c]x", "bx"),
            ("[!a]x", "bx"),
            ("[]]", "]"),
            ("\\*", "*"),
            ("[", "["),
            ("1:*", "1:2.3"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", ""), ("a*c", "ab"), ("\\*", "a"), ("[!a]x", "ax"), ("?", "")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn ends_are_taken_off() {
        assert_eq!(trim_start("*/", "a/b/c", false), "b/c");
        assert_eq!(trim_start("*/", "a/b/c", true), "c");
        assert_eq!(trim_end("/*", "a/b/c", false), "a/b");
        assert_eq!(trim_end("/*", "a/b/c", true), "a");
        assert_eq!(trim_end("x", "abc", true), "abc");
    }

    proptest! {
        #[test]
        fn a_quoted_text_matches_itself_alone(text in "[a-c*?\\[\\]\\\\]{0,8}", other in "[a-c*?]{0,8}") {
            let quoted = text.chars().flat_map(|c| is_special(c).then_some('\\').into_iter().chain([c])).collect::<String>();
            prop_assert!(fits(&quoted, &text));
            prop_assert_eq!(fits(&quoted, &other), text == other);
        }
    }
}
