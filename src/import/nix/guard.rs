//! Whether a text is flat enough for a parser that calls itself.

use rnix::{SyntaxKind, tokenize};

/// Brackets within brackets, and words of expressions that are open at once.
const DEEPEST: usize = 2_000;

/// An open bracket.
struct Level {
    closing: SyntaxKind,
    /// Words since the last `;`, `,` or `=`: each may be a level of an expression.
    words: usize,
    /// A list: its elements stand beside each other, unless one of them is a function.
    is_flat: bool,
}

/// Checks that brackets match and that no expression is deeper than the parser's stack.
///
/// # Errors
/// The byte at which it goes wrong, and why.
pub(super) fn check(text: &str) -> Result<(), (usize, &'static str)> {
    let mut levels = vec![Level { closing: SyntaxKind::TOKEN_ERROR, words: 0, is_flat: false }];
    let (mut offset, mut open) = (0, 0_usize);
    for (kind, token) in tokenize(text) {
        let here = offset;
        offset += token.len();
        if kind == SyntaxKind::TOKEN_ERROR {
            return Err((here, "this is no Nix"));
        }
        if let Some((closing, is_flat)) = opens(kind) {
            levels.push(Level { closing, words: 0, is_flat });
            open += 1;
        } else if levels.len() > 1 && is_closing(kind) {
            let level = levels.pop().filter(|level| level.closing == kind).ok_or((here, "this bracket closes none"))?;
            open = open.saturating_sub(level.words + 1);
        } else if let Some(level) = levels.last_mut() {
            match kind {
                SyntaxKind::TOKEN_SEMICOLON | SyntaxKind::TOKEN_COMMA | SyntaxKind::TOKEN_ASSIGN => {
                    open -= std::mem::take(&mut level.words).min(open);
                }
                SyntaxKind::TOKEN_COLON => level.is_flat = false,
                kind if kind.is_trivia() || level.is_flat || is_text(kind) => {}
                _ => (level.words, open) = (level.words + 1, open + 1),
            }
        }
        if open > DEEPEST {
            return Err((here, "its expressions are too deep, or too long"));
        }
    }
    if levels.len() > 1 { Err((text.len(), "a bracket is not closed")) } else { Ok(()) }
}

fn opens(kind: SyntaxKind) -> Option<(SyntaxKind, bool)> {
    match kind {
        SyntaxKind::TOKEN_L_BRACE => Some((SyntaxKind::TOKEN_R_BRACE, false)),
        SyntaxKind::TOKEN_L_BRACK => Some((SyntaxKind::TOKEN_R_BRACK, true)),
        SyntaxKind::TOKEN_L_PAREN => Some((SyntaxKind::TOKEN_R_PAREN, false)),
        SyntaxKind::TOKEN_INTERPOL_START => Some((SyntaxKind::TOKEN_INTERPOL_END, false)),
        SyntaxKind::TOKEN_STRING_START => Some((SyntaxKind::TOKEN_STRING_END, true)),
        _ => None,
    }
}

fn is_closing(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::TOKEN_R_BRACE
            | SyntaxKind::TOKEN_R_BRACK
            | SyntaxKind::TOKEN_R_PAREN
            | SyntaxKind::TOKEN_INTERPOL_END
            | SyntaxKind::TOKEN_STRING_END
    )
}

fn is_text(kind: SyntaxKind) -> bool {
    matches!(kind, SyntaxKind::TOKEN_STRING_CONTENT | SyntaxKind::TOKEN_DOT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_files_pass_and_depth_does_not() {
        let list = format!("{{ a = [ {} ]; }}", "b ".repeat(9_000));
        for flat in ["{ a.b = \"x${toString 3}y\"; c = [ (f { }) d ]; }", &list, "''\n a ''${b}\n''"] {
            assert_eq!(check(flat), Ok(()), "{flat:.80}");
        }
        for deep in ["[", "a ", "a: ", "-", "a ++ ", "{ a = ", "\"${", "[ a: ", "a.b or ", "!", "(", "a // "] {
            assert!(check(&deep.repeat(9_000)).is_err(), "{deep}");
        }
        for mismatched in ["{ a = [ }; ]", "}", "( ]", "{", "\"a"] {
            assert!(check(mismatched).is_err() || rnix::Root::parse(mismatched).ok().is_err(), "{mismatched}");
        }
    }
}
