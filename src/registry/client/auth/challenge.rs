//! `WWW-Authenticate`: how a server wants to be shown who we are. Source: RFC 9110, 11.6.1.

use std::collections::BTreeMap;

/// One challenge: a scheme in lower case, and its parameters by name in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) scheme: String,
    pub(super) parameters: BTreeMap<String, String>,
}

/// More than any server sends in earnest.
const MOST: usize = 16;

/// The challenges of one header: `Basic realm="a, b", Bearer realm="…",service="…"`. What can't be read ends the list.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = header;
    while challenges.len() <= MOST {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = token(rest);
        if word.is_empty() {
            break;
        }
        rest = match (value(after), challenges.last_mut()) {
            (Some((value, after)), Some(challenge)) if challenge.parameters.len() < MOST => {
                challenge.parameters.insert(word.to_ascii_lowercase(), value);
                after
            }
            (None, _) => {
                challenges.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: BTreeMap::new() });
                after
            }
            _ => break,
        };
    }
    challenges.truncate(MOST);
    challenges
}

fn token(text: &str) -> (&str, &str) {
    let inner = |character: char| character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character);
    text.split_at(text.find(|character| !inner(character)).unwrap_or(text.len()))
}

/// The value after `=`, and what follows it; `None` where no `=` follows.
fn value(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches([' ', '\t']).strip_prefix('=')?.trim_start_matches([' ', '\t']);
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Some((value.to_owned(), rest));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (index, character) in quoted.char_indices() {
        match character {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return Some((value, quoted.get(index + 1..).unwrap_or_default())),
            _ => {
                value.push(character);
                escaped = false;
            }
        }
    }
    Some((value, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(header: &str) -> Vec<String> {
        let shown = |challenge: Challenge| format!("{} {:?}", challenge.scheme, challenge.parameters);
        parse(header).into_iter().map(shown).collect()
    }

    #[test]
    fn several_challenges_in_one_header() {
        let header = r#"Basic realm="a, \"b\"", BEARER Realm="https://a/token?x=1,2" ,service=r.io,scope="repository:a/b:pull,push""#;
        assert_eq!(
            shown(header),
            [
                r#"basic {"realm": "a, \"b\""}"#,
                r#"bearer {"realm": "https://a/token?x=1,2", "scope": "repository:a/b:pull,push", "service": "r.io"}"#,
            ]
        );
    }

    #[test]
    fn odd_ones() {
        assert_eq!(shown("Basic"), ["basic {}"]);
        assert_eq!(shown("Negotiate, Basic realm=x"), ["negotiate {}", r#"basic {"realm": "x"}"#]);
        assert_eq!(shown(r#"Bearer realm="open"#), [r#"bearer {"realm": "open"}"#]);
        assert_eq!(shown("realm=\"x\""), Vec::<String>::new());
        assert_eq!(shown(""), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn ends_on_anything(header in ".{0,200}") {
            proptest::prop_assert!(parse(&header).len() <= MOST);
        }
    }
}
